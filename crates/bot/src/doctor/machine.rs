//! Git, the state directory, and the disk below it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use forge::{Git, GitError};
use nix::sys::statfs::{AFS_SUPER_MAGIC, CODA_SUPER_MAGIC, FsType, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, statfs};
use nix::sys::statvfs::statvfs;
use tempfile::TempDir;

use super::finding::{Finding, Group};
use crate::config::{Config, GIT_HOME};

const GROUP: Group = Group::Machine;

/// Below this nothing is sure to be written: SQLite's log alone grows to a few megabytes, a small tree takes some more.
const FREE_BYTES_NEEDED: u64 = 64 << 20;
/// Below this a session is likely to fill the disk: a tree with a build of a medium project takes about this much.
const FREE_BYTES_WANTED: u64 = 1 << 30;

/// File systems whose locks and shared memory SQLite cannot trust. `cifs` and `9p` have no name in the library.
const NETWORK: [(FsType, &str); 7] = [
    (NFS_SUPER_MAGIC, "NFS"),
    (SMB_SUPER_MAGIC, "SMB"),
    (FsType(0xFF53_4D42), "SMB"),
    (FsType(0xFE53_4D42), "SMB"),
    (FsType(0x0102_1997), "9P"),
    (AFS_SUPER_MAGIC, "AFS"),
    (CODA_SUPER_MAGIC, "Coda"),
];

/// A directory of our own. What had to be made for it goes when it is dropped.
pub(super) struct Desk {
    scratch: Option<TempDir>,
    made: Vec<PathBuf>,
}

impl Desk {
    /// Below the state directory, which is made where it is missing. `made` is what was missing of it.
    fn below(state: &Path, made: Vec<PathBuf>) -> io::Result<Self> {
        let mut desk = Self { scratch: None, made };
        std::fs::create_dir_all(state)?;
        let scratch = tempfile::Builder::new().prefix("doctor-").tempdir_in(state)?;
        let mut file = File::create(scratch.path().join("written"))?;
        file.write_all(&[b'x'; 4096])?;
        file.sync_all()?;
        desk.scratch = Some(scratch);
        Ok(desk)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.scratch.as_ref().map_or(Path::new("/"), TempDir::path)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.scratch.take());
        let home = self.made.first().map(|state| state.join(GIT_HOME));
        for made in home.iter().chain(&self.made) {
            let _ = std::fs::remove_dir(made);
        }
    }
}

/// What of a path does not exist yet, the path itself first.
pub(super) fn missing(path: &Path) -> Vec<PathBuf> {
    path.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect()
}

/// Makes a directory of our own below the state directory, or elsewhere when nothing can be written there. `made` is what
/// was missing of the state directory at first.
pub(super) fn look(state: &Path, made: Vec<PathBuf>, config: Option<&Config>) -> io::Result<(Desk, Vec<Finding>)> {
    let shown = state.display();
    let (desk, mut findings) = match Desk::below(state, made) {
        Ok(desk) => (desk, vec![Finding::ok(GROUP, format!("the state directory {shown} can be written"))]),
        Err(error) => {
            let why = format!("the state directory {shown} cannot be written: {}", error.kind());
            let fix = match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "make room there, or set `state` to a directory on another disk"
                }
                _ => "make it writable for this user, or set `state` to another directory",
            };
            let scratch = tempfile::Builder::new().prefix("downbeat-doctor-").tempdir()?;
            (Desk { scratch: Some(scratch), made: Vec::new() }, vec![Finding::fail(GROUP, why, fix)])
        }
    };
    findings.extend(state.ancestors().find(|path| path.exists()).and_then(space));
    let is_sqlite = config.is_none_or(|config| config.database().starts_with("sqlite:"));
    findings.extend(network(state).filter(|_| is_sqlite));
    Ok((desk, findings))
}

fn space(path: &Path) -> Option<Finding> {
    let disk = statvfs(path).ok()?;
    let free = disk.blocks_available() as u64 * disk.fragment_size() as u64;
    let (what, fix) =
        (format!("{} MB are free there", free >> 20), "make room, or set `state` to a directory on another disk");
    Some(match free {
        FREE_BYTES_WANTED.. => Finding::ok(GROUP, what),
        FREE_BYTES_NEEDED.. => {
            let limit = FREE_BYTES_WANTED >> 20;
            Finding::warn(GROUP, format!("{what}; a working tree with a build takes about {limit}"), fix)
        }
        _ => {
            let limit = FREE_BYTES_NEEDED >> 20;
            Finding::fail(GROUP, format!("{what}, and the database alone may need {limit}"), fix)
        }
    })
}

fn network(state: &Path) -> Option<Finding> {
    let found = statfs(state).ok()?.filesystem_type();
    let (_, name) = NETWORK.iter().find(|(kind, _)| *kind == found)?;
    let what = format!("the state directory is on a network file system ({name}), where SQLite may lose what it wrote");
    Some(Finding::warn(
        GROUP,
        what,
        "set `state` to a directory on a local disk, or `database` to a postgres:// address",
    ))
}

/// Makes a commit in a repository of its own.
pub(super) async fn git(git: Result<&Git, &GitError>, scratch: &Path) -> Finding {
    let fix =
        format!("install git {}.{} or newer, for example: apt install git", forge::GIT_FLOOR.0, forge::GIT_FLOOR.1);
    let git = match git {
        Ok(git) => git,
        Err(error) => return Finding::fail(GROUP, error.to_string(), fix),
    };
    match commit(git, &scratch.join("commit")).await {
        Ok(version) => Finding::ok(GROUP, format!("{version} makes commits")),
        Err(error) => Finding::fail(
            GROUP,
            format!("git cannot make a commit: {error}"),
            "look at the state directory first; git writes there",
        ),
    }
}

async fn commit(git: &Git, dir: &Path) -> Result<String, GitError> {
    std::fs::create_dir_all(dir).map_err(|error| GitError::Io { path: dir.to_owned(), why: error.to_string() })?;
    git.call("init", dir).args(["--quiet", "--template="]).bytes().await?;
    let call = git.call("commit", dir).args(["--quiet", "--allow-empty", "--message=tried"]);
    call.config("user.name", "downbeat").config("user.email", "downbeat@localhost").bytes().await?;
    git.call("version", dir).text().await
}
