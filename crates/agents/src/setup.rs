//! A repository's setup: what its sessions and checks need beside the tree, made once and mounted read-only.
//!
//! `.downbeat/setup` is a program or a shell script of the repository. It runs in the cage, in a copy of the files of the
//! commit that is worked on, and puts what it makes into `$DOWNBEAT_SETUP_DIR`. It runs again when it changed, when one of
//! the files or directories changed that its first comment names, or when the cage's environment did:
//!
//! ```text
//! #!/bin/sh
//! # inputs: package-lock.json
//! npm ci --prefix "$DOWNBEAT_SETUP_DIR" && echo "PATH=$DOWNBEAT_SETUP_DIR/node_modules/.bin" >"$DOWNBEAT_SETUP_DIR/env"
//! ```
//!
//! ```text
//! setups/KEY/made/     what it made: $DOWNBEAT_SETUP_DIR, at the same path then and later
//! setups/KEY/tree/     the copy in which it ran; gone when it has ended
//! setups/KEY.json      that it went well; outside of what it could write
//! ```
//!
//! A setup is as foreign as an agent: what it left is measured and read without following a link.

mod environment;
mod making;

use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::humanize;
use domain::{Clock, Sha, Timestamp};
use forge::{GitError, Repository};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use environment::Environment;

use crate::cage::{Cage, Progress};
use crate::egress::{AllowList, Egress};
use crate::workspace::{WorkspaceError, remove_dir};

/// How every line begins that tells people of a setup.
pub const SAID: &str = "setup: ";

/// Where a repository keeps it.
pub const SETUP_FILE: &str = ".downbeat/setup";

/// How much a setup may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupSettings {
    /// For one run.
    pub time: Duration,
    /// Bytes that one may make.
    pub bytes_max: u64,
    /// The hosts that one of a commit on the target reaches while it runs, beside those of its repository's sessions. Any
    /// other reaches what a session does: it may be an agent's work that nobody has seen.
    pub allow: AllowList,
    /// Bytes of all that are kept. Those that were not used for the longest time go first.
    pub kept_bytes_max: u64,
}

impl Default for SetupSettings {
    /// Twenty minutes fetch and build the dependencies of a large project. 5 GiB hold the largest `node_modules` and most
    /// package caches; 20 GiB hold those of a few repositories with some versions each.
    fn default() -> Self {
        let time = Duration::from_secs(20 * 60);
        Self { time, bytes_max: 5 << 30, allow: AllowList::default(), kept_bytes_max: 20 << 30 }
    }
}

/// Why there is no environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// It was stopped at our word.
    #[error("the setup was stopped")]
    Stopped,
    /// It failed; the text has its last lines.
    #[error("`{SETUP_FILE}` {0}")]
    Failed(String),
    /// Git could not read the commit.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The machine failed around it. Trying again later may help.
    #[error("the setup could not be tried: {0}")]
    Surroundings(String),
}

/// Makes environments and keeps them. Cheap to clone.
#[derive(Clone)]
pub struct Setups {
    cage: Cage,
    egress: Egress,
    root: PathBuf,
    settings: SetupSettings,
    clock: Arc<dyn Clock>,
    /// Held across awaits while a setup runs: a setup takes the whole machine, and two of one key would write the same
    /// directory.
    running: Arc<Mutex<()>>,
    /// Held while a note is read and written again, and while one is removed.
    noting: Arc<StdMutex<()>>,
}

impl fmt::Debug for Setups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setups").field("root", &self.root).field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What stands in `KEY.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    made_at_ms: i64,
    used_at_ms: i64,
    bytes: u64,
}

/// What was used within this time may be mounted in a session that runs; none runs longer.
const IN_USE: Duration = Duration::from_secs(24 * 3_600);
/// Files that one comment may name.
const INPUTS_MAX: usize = 64;
/// Lines at the head of the file in which the comment is looked for.
const HEAD_LINES: usize = 10;
/// Digits of a key that people see.
const SHORT: usize = 10;

impl Setups {
    /// Environments below `root`, which nobody else uses and no cage reads but for what a setup made.
    pub fn new(
        cage: Cage,
        egress: Egress,
        root: impl Into<PathBuf>,
        settings: SetupSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { cage, egress, root: root.into(), settings, clock, running: Arc::default(), noting: Arc::default() }
    }

    /// The environment of a commit, which the mirror must have; made if need be, none where the repository has no setup.
    /// `progress` hears what happens and what is printed.
    pub async fn ready(
        &self,
        repository: &Repository,
        commit: &Sha,
        progress: Progress<'_>,
        stop: &CancellationToken,
    ) -> Result<Option<Environment>, SetupError> {
        let Some(asked) = self.asked_by(repository, commit).await? else { return Ok(None) };
        if let Some(environment) = self.kept(&asked, progress)? {
            return Ok(Some(environment));
        }
        let wanted = self.fillable(asked, repository).await?;
        if let Some(environment) = self.kept(&wanted, progress)? {
            return Ok(Some(environment));
        }
        let _running = tokio::select! {
            running = self.running.lock() => running,
            () = stop.cancelled() => return Err(SetupError::Stopped),
        };
        // Another session may have waited for the same one.
        if let Some(environment) = self.kept(&wanted, progress)? {
            return Ok(Some(environment));
        }
        progress.line(&format!("setup: runs {SETUP_FILE}{}", wanted.inputs_in_words()));
        let made = Box::pin(self.make(&wanted, repository, progress, stop)).await;
        if made.is_err() {
            self.remove(&wanted.key).await?;
        }
        made.map(Some)
    }

    /// The name of the environment that stands ready for a commit, without making one: another text for each that was ever
    /// made, the empty one where the repository has no setup. None where it is not made yet.
    pub async fn standing(&self, repository: &Repository, commit: &Sha) -> Result<Option<String>, SetupError> {
        let Some(asked) = self.asked_by(repository, commit).await? else { return Ok(Some(String::new())) };
        if let Some(name) = self.name_of(&asked.key) {
            return Ok(Some(name));
        }
        let wanted = self.fillable(asked, repository).await?;
        Ok(self.name_of(&wanted.key))
    }

    fn name_of(&self, key: &str) -> Option<String> {
        let note = self.note_of(key).filter(|_| is_directory(&self.root.join(key).join("made")))?;
        Some(format!("{key} {}", note.made_at_ms))
    }

    /// What may be made for whoever asks for that. What everybody gets who asks for the same is made of commits on the
    /// target alone: another one may bring a script of its own that the setup calls, and has a setup of its own.
    async fn fillable(&self, asked: Wanted, repository: &Repository) -> Result<Wanted, SetupError> {
        let mirror = &repository.mirror;
        if let Some(head) = mirror.known_head().await? {
            if mirror.is_ancestor(&asked.commit, &head).await? {
                return Ok(Wanted { has_landed: true, ..asked });
            }
            let of_head = self.asked_by(repository, &head).await?;
            if let Some(same) = of_head.filter(|of_head| of_head.key == asked.key) {
                return Ok(Wanted { has_landed: true, ..same });
            }
        }
        let tree = mirror.tree_of(&asked.commit).await?;
        Ok(Wanted { key: in_hex(Sha256::new().chain_update(format!("{} {tree}", asked.key))), ..asked })
    }

    /// What a commit asks for; none where it has no setup.
    async fn asked_by(&self, repository: &Repository, commit: &Sha) -> Result<Option<Wanted>, SetupError> {
        let mirror = &repository.mirror;
        let Some(file) = mirror.file_at(commit, SETUP_FILE).await? else { return Ok(None) };
        let inputs = inputs_in(&String::from_utf8_lossy(&file));
        let mut hash = Sha256::new();
        hash.update(repository.name.as_str());
        hash.update([0]);
        hash.update(&file);
        for input in &inputs {
            let object = mirror.object_at(commit, input).await?;
            let object = object.map_or_else(|| "missing".to_owned(), |object| object.to_string());
            hash.update(format!("\0{input}\0{object}"));
        }
        hash.update(self.fingerprint());
        Ok(Some(Wanted { key: in_hex(hash), has_landed: false, inputs, commit: commit.clone() }))
    }

    /// What else an outcome depends on: which programs are found, and which system it is.
    fn fingerprint(&self) -> String {
        let settings = self.cage.settings();
        let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
        format!("\0{}\0{:?}\0{:?}\0{system}", settings.path, settings.toolchains, settings.env)
    }

    fn kept(&self, wanted: &Wanted, progress: Progress<'_>) -> Result<Option<Environment>, SetupError> {
        let noting = self.noting();
        let Some(kept) = self.note_of(&wanted.key) else { return Ok(None) };
        let made = self.root.join(&wanted.key).join("made");
        if !is_directory(&made) {
            return Ok(None);
        }
        let environment = self.read(&made)?;
        let now = self.clock.now();
        self.note(&wanted.key, &Kept { used_at_ms: now.as_ms(), ..kept }, &noting)?;
        let age = humanize(now.since(Timestamp::from_ms(kept.made_at_ms)));
        progress.line(&format!("setup: {} from {age} ago is still right", &wanted.key[..SHORT]));
        Ok(Some(environment))
    }

    /// Removes the oldest until what is kept is within its limit, and what no setup finished. While one runs it is left
    /// to that one, which does so at its end.
    pub async fn trim(&self) -> Result<(), SetupError> {
        let Ok(_running) = self.running.try_lock() else { return Ok(()) };
        self.remove_oldest().await
    }

    async fn remove_oldest(&self) -> Result<(), SetupError> {
        let now = self.clock.now();
        let mut kept: Vec<(String, Kept)> = Vec::new();
        for key in keys_in(&self.root) {
            match self.note_of(&key) {
                Some(note) => kept.push((key, note)),
                None => self.remove(&key).await?,
            }
        }
        kept.sort_by_key(|(_, note)| std::cmp::Reverse(note.used_at_ms));
        let mut total = 0;
        for (key, note) in kept {
            total += note.bytes;
            if total > self.settings.kept_bytes_max && self.forget_unused(&key, now) {
                tracing::info!("the setup {} was not used for long and is removed", &key[..SHORT.min(key.len())]);
                self.remove(&key).await?;
            }
        }
        Ok(())
    }

    /// Removes the note of what was not used for long, after which nobody begins to use it.
    fn forget_unused(&self, key: &str, now: Timestamp) -> bool {
        let _noting = self.noting();
        let is_unused = |note: Kept| now.since(Timestamp::from_ms(note.used_at_ms)) > IN_USE;
        self.note_of(key).is_some_and(is_unused) && fs::remove_file(self.note_path(key)).is_ok()
    }

    fn noting(&self) -> MutexGuard<'_, ()> {
        self.noting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, made: &Path) -> Result<Environment, SetupError> {
        let settings = self.cage.settings();
        let path = settings.env.get("PATH").unwrap_or(&settings.path);
        Environment::read(made, path).map_err(SetupError::Failed)
    }

    /// The note first: without it nothing of the rest counts.
    async fn remove(&self, key: &str) -> Result<(), SetupError> {
        remove_dir(self.note_path(key)).await?;
        remove_dir(self.note_path(key).with_extension("new")).await?;
        remove_dir(self.root.join(key)).await?;
        remove_dir(self.private_of(key)).await?;
        Ok(())
    }

    fn private_of(&self, key: &str) -> PathBuf {
        self.root.join(format!("{key}.private"))
    }

    fn note_path(&self, key: &str) -> PathBuf {
        self.root.join(format!("{key}.json"))
    }

    fn note_of(&self, key: &str) -> Option<Kept> {
        serde_json::from_slice(&fs::read(self.note_path(key)).ok()?).ok()
    }

    /// Whoever reads a note meanwhile sees the old one or the new one.
    fn note(&self, key: &str, kept: &Kept, _noting: &MutexGuard<'_, ()>) -> Result<(), SetupError> {
        let (path, text) = (self.note_path(key), serde_json::to_vec(kept).unwrap_or_default());
        let beside = path.with_extension("new");
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| surroundings(&path, &error))
    }
}

/// One setup, by what its outcome depends on.
struct Wanted {
    key: String,
    /// Whether it is made of commits on the target, which people let in.
    has_landed: bool,
    inputs: Vec<String>,
    /// Of whose files it is made.
    commit: Sha,
}

impl Wanted {
    fn inputs_in_words(&self) -> String {
        if self.inputs.is_empty() { String::new() } else { format!(" for {}", self.inputs.join(", ")) }
    }
}

/// The paths behind `# inputs:`, in the first lines.
fn inputs_in(text: &str) -> Vec<String> {
    let comments = text.lines().take(HEAD_LINES).filter_map(|line| line.strip_prefix('#'));
    let named = comments.filter_map(|comment| comment.trim().strip_prefix("inputs:")).next().unwrap_or_default();
    named.split_whitespace().take(INPUTS_MAX).map(|path| path.trim_end_matches('/').to_owned()).collect()
}

/// The keys of everything that is there, finished or not.
fn keys_in(root: &Path) -> Vec<String> {
    let names = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let keys = names.filter_map(|name| Some(name.to_str()?.split('.').next()?.to_owned()));
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys.dedup();
    keys
}

/// A link is none.
fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn in_hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

fn surroundings(path: &Path, error: &io::Error) -> SetupError {
    SetupError::Surroundings(format!("{}: {error}", path.display()))
}

impl From<WorkspaceError> for SetupError {
    fn from(error: WorkspaceError) -> Self {
        Self::Surroundings(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_named_in_one_comment_near_the_top() {
        assert_eq!(inputs_in("#!/bin/sh\n# inputs: Cargo.lock vendor/\nmake\n"), ["Cargo.lock", "vendor"]);
        assert_eq!(inputs_in("#inputs:a\n# inputs: b\n"), ["a"]);
        for text in ["", "make # inputs: a", "echo\n# outputs: a"] {
            assert_eq!(inputs_in(text), [""; 0], "{text}");
        }
        assert_eq!(inputs_in(&format!("{}# inputs: a", "\n".repeat(HEAD_LINES))), [""; 0]);
    }
}
