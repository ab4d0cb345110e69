//! One ref in the files of a repository on this machine, moved under git's own lock.
//!
//! Git locks a ref by creating `<ref>.lock`, and moves it by renaming that file over the ref. A holder that is killed in
//! between leaves its lock behind, and from then on nobody moves the ref until a person removes it. Here the lock appears
//! with the new commit already in it: the file is written without a name and then linked to its place, which fails like
//! git's own creation where there is one. So what our own death left behind is known by its content, a commit that our
//! mirror has, and is taken away by whoever of us comes next.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use git2::{Oid, Repository};
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::linkat;

/// How long a git that outlived its service may hold a lock: half a second in all, and it needs milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(25);
const LOOKS_MAX: u32 = 20;

/// How a move ended that the file system did not refuse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// The ref is at the new commit.
    Done,
    /// The ref was not at the old commit. Nothing was changed.
    Elsewhere,
    /// Somebody else holds the lock. Nothing was changed.
    Locked,
}

/// One move at a time in this process, so that a lock of ours that is found is nobody's any more.
static MOVING: Mutex<()> = Mutex::new(());

/// Moves the ref `name`, which exists, from one commit to another. `at` reads where a ref is.
pub(crate) fn move_ref(
    (mirror, repository): (&Repository, &Repository),
    name: &str,
    [from, to]: [Oid; 2],
    at: impl FnOnce(&Repository, &str) -> Result<Option<Oid>, git2::Error>,
) -> io::Result<Moved> {
    let _alone = MOVING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = repository.path().join(name);
    let lock = lock_of(&path);
    free(mirror, &lock)?;
    match take(&lock, &format!("{to}\n")) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Moved::Locked),
        taken => taken?,
    }
    match at(repository, name) {
        Ok(Some(id)) if id == from => fs::rename(&lock, &path).map(|()| Moved::Done),
        Ok(_) => fs::remove_file(&lock).map(|()| Moved::Elsewhere),
        Err(error) => fs::remove_file(&lock).and(Err(io::Error::other(error.message().to_owned()))),
    }
}

/// Removes the locks of our own dead from refs of a repository on this machine.
pub(crate) fn free_refs(mirror: &Repository, repository: &Path, names: &[String]) -> io::Result<()> {
    let _alone = MOVING.lock().unwrap_or_else(PoisonError::into_inner);
    names.iter().try_for_each(|name| free(mirror, &lock_of(&repository.join(name))))
}

fn free(mirror: &Repository, lock: &Path) -> io::Result<()> {
    let Ok(content) = fs::read_to_string(lock) else { return Ok(()) };
    let ours = content.strip_suffix('\n').and_then(|sha| Oid::from_str(sha).ok());
    if ours.is_some_and(|id| mirror.find_commit(id).is_ok()) {
        tracing::info!("removing {}: a landing was killed under it", lock.display());
        return fs::remove_file(lock);
    }
    Ok(())
}

/// The lock of the ref that is kept in the file at `path`.
pub(crate) fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Removes the locks in a repository that is ours alone: a process that held them was killed. One that outlived us, and
/// still holds one, is done with it in a moment.
pub(crate) async fn break_locks(repository: &Path) -> io::Result<()> {
    let mut left = locks_in(repository)?;
    for _ in 0..LOOKS_MAX {
        left.retain(|lock| lock.exists());
        if left.is_empty() {
            return Ok(());
        }
        a_moment().await;
    }
    left.iter().try_for_each(|lock| {
        tracing::info!("removing {}, which a process left that was killed", lock.display());
        match fs::remove_file(lock) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "waits for another process, which tells nobody when it ends")]
async fn a_moment() {
    tokio::time::sleep(LOOK_EVERY).await;
}

/// The locks of refs and settings; objects have none that stop anybody.
fn locks_in(repository: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut locks, mut dirs) = (Vec::new(), vec![repository.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir)? {
            let (entry, is_top) = (entry?, dir == repository);
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if !is_top || name == "refs" {
                    dirs.push(entry.path());
                }
            } else if name.as_encoded_bytes().ends_with(b".lock") {
                locks.push(entry.path());
            }
        }
    }
    Ok(locks)
}

fn take(lock: &Path, content: &str) -> io::Result<()> {
    let dir = lock.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut nameless: File = OpenOptions::new().write(true).custom_flags(OFlag::O_TMPFILE.bits()).open(dir)?;
    nameless.write_all(content.as_bytes())?;
    // A ref that is empty after a loss of power would take the whole branch with it.
    nameless.sync_all()?;
    let it = PathBuf::from(format!("/proc/self/fd/{}", nameless.as_raw_fd()));
    Ok(linkat(AT_FDCWD, &it, AT_FDCWD, lock, AtFlags::AT_SYMLINK_FOLLOW)?)
}
