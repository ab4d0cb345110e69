//! Trees of unknown size on the disk: measured and removed without following a link, off the runtime.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::left::TREE_FILE;
use super::{WorkspaceError, WorkspaceSettings};
use crate::session::MEMORY_FILE;

pub(super) fn disk(path: &Path, error: &io::Error) -> WorkspaceError {
    WorkspaceError::Disk { path: path.to_owned(), why: error.to_string() }
}

/// Walking a tree of unknown size blocks for as long as it takes.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WorkspaceError> + Send + 'static,
) -> Result<T, WorkspaceError> {
    let lost = |error: tokio::task::JoinError| WorkspaceError::Gone(error.to_string());
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}

/// Whether there is a tree, with something in it, within its limits. Follows no link.
pub(super) fn inspect(dir: &Path, settings: &WorkspaceSettings) -> Result<(), WorkspaceError> {
    let tree = dir.join("tree");
    let is_dir = fs::symlink_metadata(&tree).is_ok_and(|found| found.is_dir());
    if !is_dir {
        return Err(WorkspaceError::Gone("its directory was removed or replaced".into()));
    }
    let entries = fs::read_dir(&tree).map_err(|error| disk(&tree, &error))?;
    if entries.flatten().all(|entry| entry.file_name() == ".git") {
        return Err(WorkspaceError::Gone("every file in it was deleted".into()));
    }
    measure_dir(dir, settings.bytes_max, settings.entries_max).map(drop)
}

/// The bytes of everything below a directory, where it is within these limits; a hole in a file counts.
pub(crate) fn measure_dir(dir: &Path, bytes_max: u64, entries_max: u64) -> Result<u64, WorkspaceError> {
    let (mut bytes, mut n_entries) = (0, 0);
    walk(dir, &mut |_, found| {
        bytes += found.len().max(found.blocks() * 512);
        n_entries += 1;
        if n_entries > entries_max {
            return Err(WorkspaceError::TooLarge(format!("more than {entries_max} files")));
        }
        if bytes > bytes_max {
            return Err(WorkspaceError::TooLarge(format!("more than {} MiB", bytes_max >> 20)));
        }
        Ok(())
    })?;
    Ok(bytes)
}

/// Visits everything below `dir`, parents first. Directories that nobody may enter are opened up, because an agent can
/// make those too.
fn walk(
    dir: &Path,
    visit: &mut dyn FnMut(&Path, &fs::Metadata) -> Result<(), WorkspaceError>,
) -> Result<(), WorkspaceError> {
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(&dir).or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                fs::set_permissions(&dir, Permissions::from_mode(0o700))?;
                fs::read_dir(&dir)
            }
            _ => Err(error),
        });
        for entry in entries.map_err(|error| disk(&dir, &error))? {
            let path = entry.map_err(|error| disk(&dir, &error))?.path();
            let found = fs::symlink_metadata(&path).map_err(|error| disk(&path, &error))?;
            visit(&path, &found)?;
            if found.is_dir() {
                open.push(path);
            }
        }
    }
    Ok(())
}

/// Removes a directory that may hold anything.
pub(crate) async fn remove_dir(dir: PathBuf) -> Result<(), WorkspaceError> {
    off_the_runtime(move || {
        let removed = match fs::symlink_metadata(&dir) {
            Err(error) => Err(error),
            Ok(found) if !found.is_dir() => fs::remove_file(&dir),
            Ok(_) => fs::remove_dir_all(&dir).or_else(|_| {
                let writable = Permissions::from_mode(0o700);
                let mut unlock = |path: &Path, found: &fs::Metadata| {
                    if !found.is_dir() {
                        return Ok(());
                    }
                    fs::set_permissions(path, writable.clone()).map_err(|error| disk(path, &error))
                };
                walk(&dir, &mut unlock).map_err(io::Error::other)?;
                fs::remove_dir_all(&dir)
            }),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(&dir, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    })
    .await
}

/// Empties a private directory but for its `home`, which is opened up again if an agent locked it, and for what is
/// remembered of the agent's session and of its tree.
pub(super) async fn clear_private(dir: PathBuf) -> Result<(), WorkspaceError> {
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(_) => vec![dir.clone()],
    };
    for path in entries {
        let is_home = path.file_name().is_some_and(|name| name == HOME)
            && fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let is_memory = path.file_name().is_some_and(|name| name == MEMORY_FILE || name == TREE_FILE);
        if is_home {
            fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(|error| disk(&path, &error))?;
        } else if !is_memory {
            remove_dir(path).await?;
        }
    }
    for room in ["tmp", HOME] {
        let room = dir.join(room);
        fs::create_dir_all(&room).map_err(|error| disk(&room, &error))?;
    }
    Ok(())
}

/// Where an agent keeps its own sessions.
const HOME: &str = "home";
