//! One ref in the files of a repository on this machine, moved under git's own lock.
//!
//! Git locks a ref by creating `<ref>.lock`, and moves it by renaming that file over the ref. A holder that is killed in
//! between leaves its lock behind, and from then on nobody moves the ref until a person removes it. Here the lock appears
//! with the new commit already in it: the file is written without a name and then linked to its place, which fails like
//! git's own creation where there is one. So what our own death left behind is known by its content, and the same move
//! goes on from there; the queue's lease keeps two that would make the same move apart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository};
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::linkat;

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

/// Moves the ref `name`, which exists, from one commit to another. `at` reads where a ref is.
pub(crate) fn move_ref(
    repository: &Repository,
    name: &str,
    [from, to]: [Oid; 2],
    at: impl FnOnce(&Repository, &str) -> Result<Option<Oid>, git2::Error>,
) -> io::Result<Moved> {
    let path = repository.path().join(name);
    let lock = lock_of(&path);
    let content = format!("{to}\n");
    match take(&lock, &content) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::read(&lock)? != content.as_bytes() {
                return Ok(Moved::Locked);
            }
            tracing::info!("going on with a move of {name} to {to} that was broken off under its lock");
        }
        taken => taken?,
    }
    match at(repository, name) {
        Ok(Some(id)) if id == from => fs::rename(&lock, &path).map(|()| Moved::Done),
        Ok(_) => fs::remove_file(&lock).map(|()| Moved::Elsewhere),
        Err(error) => fs::remove_file(&lock).and(Err(io::Error::other(error.message().to_owned()))),
    }
}

/// The lock of the ref that is kept in the file at `path`.
pub(crate) fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Removes the locks in a repository that is ours alone and in which nobody is at work: a process that held them was
/// killed.
pub(crate) fn break_locks(repository: &Path) -> io::Result<()> {
    let mut dirs = vec![repository.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir)? {
            let (entry, is_top) = (entry?, dir == repository);
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if !is_top || name == "refs" {
                    dirs.push(entry.path());
                }
            } else if name.as_encoded_bytes().ends_with(b".lock") {
                tracing::info!("removing {}, which a process left that was killed", entry.path().display());
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
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
