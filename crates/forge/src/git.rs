//! Runs the `git` program hermetically: what a person or a repository has configured cannot change what happens here.
//!
//! The environment is built from nothing, no configuration outside our own mirrors is read, hooks, file-system monitors
//! and prompts are off, and only the transports in `TRANSPORTS` are spoken. Every call has a limit of time and output;
//! a call that is dropped or runs over takes its whole process group with it.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::group::{Heard, ProcessGroup};
use crate::plain;
use crate::remote::{Remote, redact};

/// The oldest git that works: 2.39, as Debian 12 has it. `merge-tree --write-tree` came with 2.38.
pub const GIT_FLOOR: (u32, u32) = (2, 39);

/// How `git` is run. The crate reads no environment, so all that may pass through is named here.
#[derive(Clone)]
pub struct GitSettings {
    /// The program, a path or a name to look up in the `PATH` of `env`.
    pub program: PathBuf,
    /// What git takes for the home directory. It is made if missing and should hold nothing.
    pub home: PathBuf,
    /// The whole environment beside our own variables: `PATH`, `SSH_AUTH_SOCK`, `https_proxy`, `GIT_SSL_CAINFO`.
    pub env: Vec<(String, String)>,
    /// The longest that a call without a remote may take. Two minutes: reading the tree of a very large repository into
    /// an index takes seconds, so whatever takes longer hangs.
    pub local_limit: Duration,
    /// The longest that a call with a remote may take. Fifteen minutes: the first fetch of a large repository.
    pub remote_limit: Duration,
    /// How long a git whose caller has gone may take to end once it is asked; then it is killed. Thirty seconds: nobody
    /// waits for it, a disk under load stalls for ten, and a lock that is left behind stops whoever comes next.
    pub end_limit: Duration,
    /// The most that one call may print, in bytes. 64 MiB: the paths of a million files.
    pub output_bytes_max: usize,
}

impl GitSettings {
    /// The default limits, and a `PATH` of the usual system directories.
    pub fn new(program: impl Into<PathBuf>, home: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            home: home.into(),
            env: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
            local_limit: Duration::from_secs(120),
            remote_limit: Duration::from_secs(900),
            end_limit: Duration::from_secs(30),
            output_bytes_max: 64 << 20,
        }
    }
}

impl fmt::Debug for GitSettings {
    /// Leaves the environment out: a proxy's address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitSettings").field("program", &self.program).field("home", &self.home).finish_non_exhaustive()
    }
}

/// Why git did not answer. The texts carry no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The program is older than [`GIT_FLOOR`].
    #[error("`{program}` is git {found}, and {}.{} is the oldest that works; put a newer one first on the PATH", GIT_FLOOR.0, GIT_FLOOR.1)]
    TooOld {
        /// The program that was asked.
        program: String,
        /// What it said of itself.
        found: String,
    },
    /// Nobody could say what to log in to the remote with.
    #[error("{0}")]
    NoLogin(Box<crate::forge::ForgeError>),
    /// The program could not be started.
    #[error("`{program}` could not be started: {why}; git {}.{} or newer has to be on the PATH", GIT_FLOOR.0, GIT_FLOOR.1)]
    NotStarted {
        /// The program.
        program: String,
        /// The system's words.
        why: String,
    },
    /// The machine had no room for one more process.
    #[error("`{program}` could not be started: {why}; the machine is full, and other programs have to end first")]
    NoRoom {
        /// The program.
        program: String,
        /// The system's words.
        why: String,
    },
    /// Git ended with an error.
    #[error("{}", plain::failure(verb, exit, stderr))]
    Failed {
        /// The command, as `fetch`.
        verb: &'static str,
        /// `exit 128`, or `a signal`.
        exit: String,
        /// The last lines that it wrote.
        stderr: String,
    },
    /// Git took too long and was killed.
    #[error("git {verb} was stopped after {} s, its time limit", limit.as_secs())]
    TimedOut {
        /// The command.
        verb: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// Git printed too much and was killed.
    #[error("git {verb} was stopped after it had printed {bytes_max} bytes, its limit")]
    TooMuchOutput {
        /// The command.
        verb: &'static str,
        /// The limit.
        bytes_max: usize,
    },
    /// Two commits share no history, so there is nothing to merge from.
    #[error("{base} and {head} have no commit in common, so they cannot be merged")]
    Unrelated {
        /// What was merged onto.
        base: String,
        /// What was merged.
        head: String,
    },
    /// An object of a mirror cannot be read or written.
    #[error("{what}: {why}")]
    Unreadable {
        /// What was wanted, as `commit 1234`.
        what: String,
        /// The library's words.
        why: String,
    },
    /// A file or directory of our own could not be read or written.
    #[error("{}: {why}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
}

impl GitError {
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), why: error.to_string() }
    }

    fn unstarted(program: &Path, error: &std::io::Error) -> Self {
        let (program, why) = (program.display().to_string(), error.to_string());
        let errno = error.raw_os_error().map(Errno::from_raw);
        match errno {
            Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => Self::NoRoom { program, why },
            Some(_) | None => Self::NotStarted { program, why },
        }
    }

    /// Whether the machine was full, so that the same call may well succeed later.
    pub fn is_for_want_of_room(&self) -> bool {
        match self {
            Self::NoRoom { .. } => true,
            Self::Failed { stderr, .. } => plain::is_for_want_of_room(stderr),
            Self::TooOld { .. }
            | Self::NotStarted { .. }
            | Self::TimedOut { .. }
            | Self::TooMuchOutput { .. }
            | Self::Unrelated { .. }
            | Self::Unreadable { .. }
            | Self::NoLogin(_)
            | Self::Io { .. } => false,
        }
    }
}

/// The `git` program, found to be new enough.
#[derive(Clone, Debug)]
pub struct Git {
    settings: Arc<GitSettings>,
}

impl Git {
    /// Makes the empty home and asks the program for its version.
    pub async fn open(settings: GitSettings) -> Result<Self, GitError> {
        tokio::fs::create_dir_all(&settings.home).await.map_err(|e| GitError::io(&settings.home, &e))?;
        let git = Self { settings: Arc::new(settings) };
        let found = git.call("version", &git.settings.home).text().await?;
        if version_in(&found).is_some_and(|version| version >= GIT_FLOOR) {
            return Ok(git);
        }
        let found = found.trim_start_matches("git version ").to_owned();
        Err(GitError::TooOld { program: git.settings.program.display().to_string(), found })
    }

    /// How this git is run.
    pub fn settings(&self) -> &GitSettings {
        &self.settings
    }

    /// A call of `git VERB`, to be run in `dir`.
    pub fn call(&self, verb: &'static str, dir: &Path) -> GitCall {
        GitCall {
            settings: self.settings.clone(),
            verb,
            dir: dir.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            config: CONFIG.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            stdin: Vec::new(),
            limit: self.settings.local_limit,
        }
    }
}

/// What a call printed, and how it ended.
#[derive(Debug)]
pub struct GitOutput {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: Vec<u8>,
    /// The last lines of standard error, without credentials.
    pub stderr: String,
}

/// One call of git, being put together.
#[must_use = "a call does nothing until it is run"]
pub struct GitCall {
    settings: Arc<GitSettings>,
    verb: &'static str,
    dir: PathBuf,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    config: Vec<(String, String)>,
    stdin: Vec<u8>,
    limit: Duration,
}

/// Configuration that no repository can override, because the environment comes last.
const CONFIG: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.quotePath", "false"),
    ("submodule.recurse", "false"),
    ("transfer.fsckObjects", "true"),
    // Old tools wrote such objects into many well-known histories, and none of them misleads git.
    ("fetch.fsck.zeroPaddedFilemode", "ignore"),
    ("fetch.fsck.badTimezone", "ignore"),
    ("fetch.fsck.missingSpaceBeforeDate", "ignore"),
    // A workspace borrows objects from its mirror, so nothing may be collected behind its back.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("commit.gpgSign", "false"),
    ("advice.detachedHead", "false"),
    ("credential.helper", ""),
];

/// The transports that may be spoken. `ext` runs any command, and `git` proves nobody's identity.
const TRANSPORTS: &str = "file:http:https:ssh";

const ENVIRONMENT: &[(&str, &str)] = &[
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=15 -oServerAliveCountMax=4"),
    ("GIT_ALLOW_PROTOCOL", TRANSPORTS),
    // A replacement would let a tree be tested that is not the one that lands.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_LFS_SKIP_SMUDGE", "1"),
    ("LC_ALL", "C"),
];

/// How much of standard error is kept, in bytes: enough for the refusal of a wordy hook.
pub(crate) const STDERR_BYTES_KEPT: usize = 16 << 10;
/// How long a git that ran over its time may take to end once it is asked; it has a few files to remove.
const GRACE: Duration = Duration::from_secs(2);
/// How many lines of it an error shows.
const STDERR_LINES_SHOWN: usize = 8;

impl GitCall {
    /// Adds arguments.
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Names the repository, so that none is searched for.
    pub fn git_dir(self, path: &Path) -> Self {
        self.env("GIT_DIR", path)
    }

    /// Names the working tree.
    pub fn work_tree(self, path: &Path) -> Self {
        self.env("GIT_WORK_TREE", path)
    }

    /// Names a private index file.
    pub fn index(self, path: &Path) -> Self {
        self.env("GIT_INDEX_FILE", path)
    }

    /// Adds an environment variable.
    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Adds a line of configuration.
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }

    /// Gives the call something to read.
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// Makes `remote` known under [`Remote::NAME`], and allows the call the time that networks take. The address stands
    /// in the environment, because every user of the machine can read the arguments of a program.
    pub fn remote(mut self, remote: &Remote) -> Self {
        self.limit = self.settings.remote_limit;
        let call = self.config(format!("remote.{}.url", Remote::NAME), remote.address());
        match remote.credentials() {
            None => call,
            Some(known) => call
                .config(format!("credential.{}.helper", known.scope), CREDENTIAL_HELPER)
                .env("DOWNBEAT_GIT_USER", &known.user)
                .env("DOWNBEAT_GIT_PASSWORD", &known.password),
        }
    }

    /// Runs the call and returns what it printed, whatever its exit code.
    pub async fn run(self) -> Result<GitOutput, GitError> {
        let child = self.spawn(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() })?;
        let mut heard = Heard::of(child, self.settings.end_limit);
        let Ok(ended) = tokio::time::timeout(self.limit, self.converse(heard.child())).await else {
            heard.end(GRACE).await;
            return Err(GitError::TimedOut { verb: self.verb, limit: self.limit });
        };
        let output = ended?;
        heard.forget();
        Ok(output)
    }

    /// Runs the call and returns its standard output if it succeeded.
    pub async fn bytes(self) -> Result<Vec<u8>, GitError> {
        let verb = self.verb;
        let output = self.run().await?;
        match output.code {
            Some(0) => Ok(output.stdout),
            _ => Err(output.failure(verb)),
        }
    }

    /// Runs the call and returns its standard output as text without the space around it.
    pub async fn text(self) -> Result<String, GitError> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).trim().to_owned())
    }

    /// Starts a call that is talked with over its pipes, and that only reads; it dies when its group is dropped.
    pub(crate) fn start(self) -> Result<(Child, ProcessGroup), GitError> {
        let child = self.spawn(Stdio::piped())?;
        let group = ProcessGroup::of(&child, Signal::SIGKILL);
        Ok((child, group))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that runs git")]
    fn spawn(&self, stdin: Stdio) -> Result<Child, GitError> {
        let mut command = Command::new(&self.settings.program);
        command
            .arg(self.verb)
            .args(&self.args)
            .current_dir(&self.dir)
            .env_clear()
            .envs(self.settings.env.iter().map(|(name, value)| (name, value)))
            .envs(ENVIRONMENT.iter().copied())
            .env("HOME", &self.settings.home)
            .env("XDG_CONFIG_HOME", &self.settings.home)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("GIT_CONFIG_COUNT", self.config.len().to_string())
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        for (n, (key, value)) in self.config.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{n}"), key).env(format!("GIT_CONFIG_VALUE_{n}"), value);
        }
        command.spawn().map_err(|error| GitError::unstarted(&self.settings.program, &error))
    }

    async fn converse(&self, child: &mut Child) -> Result<GitOutput, GitError> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let failed = |error: std::io::Error| GitError::io(&self.dir, &error);
        let writing = async {
            if let Some(mut pipe) = stdin {
                // Git may end before it has read everything; its exit code says more than a broken pipe.
                let _ = pipe.write_all(&self.stdin).await;
            }
            Ok(())
        };
        let (_, stdout, stderr) = tokio::try_join!(writing, async { self.read_all(stdout).await }, async {
            read_last(stderr, STDERR_BYTES_KEPT).await.map_err(failed)
        })?;
        let status = child.wait().await.map_err(failed)?;
        Ok(GitOutput { code: status.code(), stdout, stderr: last_lines(&stderr) })
    }

    async fn read_all(&self, pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, GitError> {
        let bytes_max = self.settings.output_bytes_max;
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let mut limited = pipe.take(bytes_max as u64 + 1);
            limited.read_to_end(&mut bytes).await.map_err(|error| GitError::io(&self.dir, &error))?;
        }
        if bytes.len() > bytes_max {
            return Err(GitError::TooMuchOutput { verb: self.verb, bytes_max });
        }
        Ok(bytes)
    }
}

impl GitOutput {
    /// The error for an exit code that the caller did not expect.
    pub fn failure(&self, verb: &'static str) -> GitError {
        let exit = self.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit {code}"));
        GitError::Failed { verb, exit, stderr: self.stderr.clone() }
    }
}

/// Answers git's question for a password from the environment, which only we and root can read.
const CREDENTIAL_HELPER: &str = "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \"$DOWNBEAT_GIT_USER\" \"$DOWNBEAT_GIT_PASSWORD\"; }; f";

async fn read_last(pipe: Option<impl AsyncRead + Unpin>, bytes_kept: usize) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(kept) };
    let mut chunk = [0; 4096];
    loop {
        let n = pipe.read(&mut chunk).await?;
        if n == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(&chunk[..n]);
        kept.drain(..kept.len().saturating_sub(bytes_kept));
    }
}

pub(crate) fn last_lines(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    redact(&lines[lines.len().saturating_sub(STDERR_LINES_SHOWN)..].join("; "))
}

fn version_in(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix("git version ")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        for (text, version) in [
            ("git version 2.39.5", Some((2, 39))),
            ("git version 2.39.3 (Apple Git-146)", Some((2, 39))),
            ("git version 3.0.rc1", Some((3, 0))),
            ("hello", None),
        ] {
            assert_eq!(version_in(text), version, "{text}");
        }
    }

    #[test]
    fn an_error_shows_the_last_lines_without_credentials() {
        let stderr = b"one\n\nfatal: unable to access 'https://ana:secret@host/x.git/': 503\n";
        assert_eq!(last_lines(stderr), "one; fatal: unable to access 'https://***@host/x.git/': 503");
    }
}
