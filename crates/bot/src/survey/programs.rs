//! Programs on `PATH`: coding agents, and toolchains that lie below a person's home, where the cage lets nobody read
//! unless it is told to.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use agents::session::launch::interpreter_of;
use agents::session::profile::{Profile, profile_of};

use super::Surroundings;

/// A coding agent's program.
#[derive(Clone, Debug)]
pub struct FoundAgent {
    /// The program's name.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// How it is driven, where we know.
    pub profile: Option<&'static Profile>,
    /// Whether there is a key for its model.
    pub has_key: bool,
    /// What it lacks inside beside itself.
    pub toolchain: Option<Toolchain>,
}

impl FoundAgent {
    /// Whether it can work as things are.
    pub fn is_ready(&self) -> bool {
        self.profile.is_some() && self.has_key
    }

    /// What people read of it: its name, and what is missing.
    pub fn standing(&self) -> String {
        match self.profile {
            Some(_) if self.has_key => self.name.to_owned(),
            Some(profile) => format!("{} (once {} is set)", self.name, profile.key),
            None => format!("{} (as a command of your own; see docs/agents.md)", self.name),
        }
    }
}

/// A toolchain as the cage has to be told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// What it is, for people.
    pub name: &'static str,
    /// What may be read and executed. Never a directory that holds credentials.
    pub read: Vec<PathBuf>,
    /// Where its programs are.
    pub bin: Vec<PathBuf>,
    /// What it has to be told.
    pub env: Vec<(&'static str, String)>,
}

/// Where npm installs what a package needs; git seldom holds it.
pub(super) const NODE_MODULES: &str = "node_modules";

/// The programs of coding agents.
const AGENTS: [&str; 11] =
    ["claude", "codex", "gemini", "opencode", "copilot", "cursor-agent", "goose", "cline", "amp", "aider", "qwen"];

/// Where the cage lets everybody read.
const SYSTEM: [&str; 5] = ["/usr", "/bin", "/sbin", "/lib", "/opt"];

/// The files by which a repository shows that it needs a toolchain, and how that is looked for.
type Finder = fn(&Path, &Surroundings) -> Option<Toolchain>;
const TOOLCHAINS: [(&[&str], Finder); 4] = [
    (&["Cargo.toml"], rust),
    (&["pyproject.toml", "setup.py", "setup.cfg", "tox.ini"], python),
    (&["package.json"], node),
    (&["go.mod"], go),
];

/// The coding agents that are found.
pub(super) fn agents(around: &Surroundings) -> Vec<FoundAgent> {
    let found = |name: &&'static str| {
        let path = on_path(name, around)?;
        let profile = profile_of(name);
        let has_key = profile.is_some_and(|profile| around.env.contains_key(OsStr::new(profile.key)));
        let node = interpreter_of(&path).and_then(|program| on_path(&program, around));
        let toolchain = node.filter(|node| is_hidden(node)).and_then(|node| toolchain_of(&node, around));
        Some(FoundAgent { name, path, profile, has_key, toolchain })
    };
    AGENTS.iter().filter_map(found).collect()
}

/// What the repository at `top` needs and the cage would hide.
pub(super) fn toolchains(top: &Path, around: &Surroundings) -> Vec<Toolchain> {
    let needed = TOOLCHAINS.iter().filter(|(files, _)| files.iter().any(|file| top.join(file).is_file()));
    needed.filter_map(|(_, find)| find(top, around)).collect()
}

/// The toolchain that a program belongs to, where it is one that we know.
pub fn toolchain_of(program: &Path, around: &Surroundings) -> Option<Toolchain> {
    let mut all = TOOLCHAINS.iter().filter_map(|(_, find)| find(Path::new("/"), around));
    all.find(|toolchain| toolchain.bin.iter().any(|bin| program.parent() == Some(bin)))
}

/// What the words of a line name that lies outside the system: programs of `PATH`, and files by their whole path.
pub(super) fn of_line(line: &str, around: &Surroundings) -> Option<Toolchain> {
    let mut found = Toolchain { name: "The agent", ..Toolchain::default() };
    for word in line.split_whitespace() {
        if word.starts_with('/') {
            found.read.extend(Some(PathBuf::from(word)).filter(|path| path.is_file() && is_hidden(path)));
        } else if let Some(program) = on_path(word, around).filter(|path| is_hidden(path)) {
            found.bin.extend(program.parent().map(Path::to_owned));
            found.read.extend(program.canonicalize().ok().filter(|real| *real != program && is_hidden(real)));
            found.read.push(program);
        }
    }
    (!found.read.is_empty()).then_some(found)
}

fn on_path(name: &str, around: &Surroundings) -> Option<PathBuf> {
    let path = around.env.get(OsStr::new("PATH"))?;
    std::env::split_paths(path).map(|dir| dir.join(name)).find(|path| path.is_file())
}

fn is_hidden(path: &Path) -> bool {
    !SYSTEM.iter().any(|system| path.starts_with(system))
}

/// Rustup's proxies need both homes; of cargo's only what holds no credentials.
fn rust(_top: &Path, around: &Surroundings) -> Option<Toolchain> {
    let cargo = on_path("cargo", around).filter(|path| is_hidden(path))?;
    let home = cargo.parent()?.parent()?.to_owned();
    let rustup = around.dir("RUSTUP_HOME", ".rustup").filter(|rustup| rustup.is_dir());
    let read = ["bin", "registry", "git"].map(|part| home.join(part));
    let mut env = vec![("CARGO_HOME", home.display().to_string()), ("CARGO_NET_OFFLINE", "true".to_owned())];
    env.extend(rustup.as_ref().map(|rustup| ("RUSTUP_HOME", rustup.display().to_string())));
    let read = read.into_iter().filter(|path| path.is_dir()).chain(rustup).collect();
    Some(Toolchain { name: "Rust", read, bin: vec![home.join("bin")], env })
}

/// The repository's own virtual environment, and what it stands on; else pyenv's version.
fn python(top: &Path, around: &Surroundings) -> Option<Toolchain> {
    let mut found = Toolchain { name: "Python", ..Toolchain::default() };
    let virtual_env =
        [".venv", "venv"].map(|name| top.join(name)).into_iter().find(|dir| dir.join("pyvenv.cfg").is_file());
    if let Some(dir) = virtual_env {
        let settings = std::fs::read_to_string(dir.join("pyvenv.cfg")).unwrap_or_default();
        let home = settings.lines().find_map(|line| line.strip_prefix("home")?.trim_start().strip_prefix('='));
        found.read.extend(
            home.and_then(|home| Path::new(home.trim()).parent()).filter(|base| is_hidden(base)).map(Path::to_owned),
        );
        found.bin.push(dir.join("bin"));
        found.read.push(dir);
        return Some(found);
    }
    let program = on_path("python3", around).filter(|path| is_hidden(path))?;
    let pyenv = around.dir("PYENV_ROOT", ".pyenv")?;
    let is_shim = program.starts_with(pyenv.join("shims"));
    let base = if is_shim { pyenv_version(&pyenv)? } else { installed_in(&program, around)? };
    found.bin.push(base.join("bin"));
    found.read.push(base);
    Some(found)
}

fn pyenv_version(root: &Path) -> Option<PathBuf> {
    let chosen = std::fs::read_to_string(root.join("version")).unwrap_or_default();
    let chosen = chosen.lines().next().map(|version| root.join("versions").join(version.trim()));
    let newest = || {
        let versions = std::fs::read_dir(root.join("versions")).ok()?;
        versions.flatten().map(|entry| entry.path()).max()
    };
    chosen.filter(|version| version.join("bin").is_dir()).or_else(newest)
}

/// Node.js itself, and what was installed for the repository beside what git holds of it.
fn node(top: &Path, around: &Surroundings) -> Option<Toolchain> {
    let program = on_path("node", around).filter(|path| is_hidden(path));
    let base = program.and_then(|program| installed_in(&program, around));
    let modules = Some(top.join(NODE_MODULES)).filter(|modules| modules.is_dir());
    let bin = base.iter().map(|base| base.join("bin")).collect();
    let read: Vec<_> = base.into_iter().chain(modules).collect();
    (!read.is_empty()).then_some(Toolchain { name: "Node.js", bin, read, env: Vec::new() })
}

fn go(_top: &Path, around: &Surroundings) -> Option<Toolchain> {
    let program = on_path("go", around);
    let root = program.filter(|path| is_hidden(path)).and_then(|path| installed_in(&path, around));
    let modules = around.dir("GOMODCACHE", "go/pkg/mod").filter(|modules| modules.is_dir());
    let mut env = vec![("GOFLAGS", "-mod=mod".to_owned()), ("GOPROXY", "off".to_owned())];
    env.extend(modules.as_ref().map(|modules| ("GOMODCACHE", modules.display().to_string())));
    let bin = root.iter().map(|root| root.join("bin")).collect();
    let read: Vec<_> = root.into_iter().chain(modules).collect();
    (!read.is_empty()).then_some(Toolchain { name: "Go", read, bin, env })
}

/// The directory of one version below a version manager. Any other place below a home may hold more than a toolchain.
fn installed_in(program: &Path, around: &Surroundings) -> Option<PathBuf> {
    const VERSIONS: [&str; 7] = [
        ".nvm/versions/node",
        ".pyenv/versions",
        ".asdf/installs",
        ".local/share/mise/installs",
        ".volta/tools/image",
        ".local/share/uv/python",
        "sdk",
    ];
    let program = program.canonicalize().ok()?;
    let base = program.parent()?.parent()?;
    let home = around.dir("HOME", "")?.canonicalize().ok()?;
    match base.strip_prefix(&home) {
        Ok(below) => VERSIONS.iter().any(|versions| below.starts_with(versions)).then(|| base.to_owned()),
        Err(_) => Some(base.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_below_a_home_is_read_without_its_credentials() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for dir in ["web", ".cargo/bin", ".cargo/registry", ".rustup", ".local/bin"] {
            std::fs::create_dir_all(path(dir)).unwrap();
        }
        for file in
            ["web/Cargo.toml", "web/package.json", ".cargo/bin/cargo", ".cargo/credentials.toml", ".local/bin/node"]
        {
            std::fs::write(path(file), "").unwrap();
        }
        let dirs = std::env::join_paths([path(".cargo/bin"), path(".local/bin")]).unwrap();
        let env = [("PATH".into(), dirs), ("HOME".into(), home.path().into())].into();
        let around = Surroundings { env, login: None };
        let found = toolchains(&path("web"), &around);
        assert_eq!(found.iter().map(|one| one.name).collect::<Vec<_>>(), ["Rust"], "~/.local is nobody's to read");
        assert!(found[0].read.contains(&path(".cargo/registry")));
        assert!(!found[0].read.iter().any(|read| path(".cargo/credentials.toml").starts_with(read)));
    }

    #[test]
    fn agents_are_found_by_their_programs() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("codex"), "").unwrap();
        let env = [("PATH".into(), dir.path().into())].into();
        let around = Surroundings { env, login: None };
        let found = agents(&around);
        assert_eq!(found.iter().map(FoundAgent::standing).collect::<Vec<_>>(), ["codex (once OPENAI_API_KEY is set)"]);
        let env = [("PATH".into(), dir.path().into()), ("OPENAI_API_KEY".into(), "secret".into())].into();
        let found = agents(&Surroundings { env, login: None });
        assert_eq!((found[0].standing().as_str(), found[0].is_ready()), ("codex", true));
    }
}
