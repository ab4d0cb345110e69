//! What a setup made, as later runs see it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::cage::Order;

/// What a setup made: a directory that is mounted read-only, and variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    dir: PathBuf,
    /// Where programs are looked for: first in what the setup names, then where the cage looks anyway.
    path: Vec<String>,
    variables: BTreeMap<String, String>,
}

/// The most bytes of the file of variables: a hundred long ones.
const BYTES_MAX: u64 = 64 << 10;
/// What the cage and we decide ourselves.
const OURS: [&str; 6] = ["HOME", "TMPDIR", "PWD", "USER", "LOGNAME", "SHELL"];
/// Names, and beginnings of names that end in `_` or belong to one program, that configure the agent and what it starts
/// rather than a build. A repository must not configure the agent that works on it behind its people's backs.
const OF_PROGRAMS: [&str; 18] = [
    "LD_",
    "NODE_OPTIONS",
    "NODE_PATH",
    "BASH_ENV",
    "XDG_",
    "GIT_",
    "SSL_CERT_",
    "NODE_EXTRA_CA_CERTS",
    "CLAUDE",
    "ANTHROPIC",
    "CODEX",
    "OPENAI",
    "GEMINI",
    "GOOGLE",
    "OPENCODE",
    "COPILOT",
    "GOOSE",
    "QWEN",
];

/// Whether it configures programs, in whatever case: proxies are looked up in both.
fn configures_programs(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == "ENV" || name.ends_with("_PROXY") || OF_PROGRAMS.iter().any(|beginning| name.starts_with(beginning))
}

impl Environment {
    /// Reads what a setup left in `dir`: its file `env`, where there is one, has lines `NAME=VALUE`, of which those of
    /// `PATH` are put in front of `path`. The words of an error fit behind the setup's name.
    pub(super) fn read(dir: &Path, path: &str) -> Result<Self, String> {
        let text =
            text_of(&dir.join("env")).map_err(|error| format!("left a file `env` that cannot be read: {error}"))?;
        let mut environment = Self { dir: dir.to_owned(), path: Vec::new(), variables: BTreeMap::new() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            environment.add(line)?;
        }
        if !environment.path.is_empty() {
            environment.path.push(path.to_owned());
        }
        Ok(environment)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let wrong = |why: &str| format!("wrote `{line}` into its file `env`, which {why}");
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("is not NAME=VALUE"))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(wrong("names no variable"));
        }
        if OURS.contains(&name) || name.starts_with("DOWNBEAT_") {
            return Err(wrong("is not a setup's to say"));
        }
        if configures_programs(name) {
            return Err(wrong("configures programs, not a build"));
        }
        if value.contains('\0') {
            return Err(wrong("has a NUL"));
        }
        if name == "PATH" {
            self.path.extend(value.split(':').filter(|part| part.starts_with('/')).map(str::to_owned));
        } else {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// Where it is; readable inside, and writable nowhere.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Gives a run what was made. What the order says already counts more.
    pub fn furnish(&self, order: &mut Order) {
        order.read.push(self.dir.clone());
        let path = (!self.path.is_empty()).then(|| ("PATH".to_owned(), self.path.join(":")));
        let dir = ("DOWNBEAT_SETUP_DIR".to_owned(), self.dir.display().to_string());
        for (name, value) in self.variables.clone().into_iter().chain(path).chain([dir]) {
            order.env.entry(name).or_insert(value);
        }
    }
}

/// What the file says; nothing where there is none. A setup may have put anything there: a link, a pipe, a giant.
fn text_of(path: &Path) -> io::Result<String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() => return Err(io::Error::other("it is no file")),
        Ok(found) if found.len() > BYTES_MAX => {
            return Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")));
        }
        Ok(_) => {}
    }
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK).open(path)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
