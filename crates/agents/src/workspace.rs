//! One working tree for each task, and what is made of it afterwards.
//!
//! ```text
//! workspaces/T-1/tree/         writable inside the cage while the agent works
//! workspaces/T-1/{tmp,home}/   writable inside the cage
//! workspaces/T-1/              everything else in it is ours: the prompt, the launcher's report
//! ```
//!
//! The tree borrows the objects of the mirror, which the cage may read and not write. Once an agent was in it, the tree
//! is hostile ground: it is measured without following a link, and read only through [`Mirror::commit_workspace`].

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use domain::{BranchName, Sha, TaskId};
use forge::mirror::Mirror;
use forge::{GitError, Repository, Signature};

/// What a working tree may grow to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Bytes of all files, of the tree and its temporary files together; a hole in a file counts, because git reads it.
    pub bytes_max: u64,
    /// Files and directories.
    pub entries_max: u64,
}

impl Default for WorkspaceSettings {
    /// 20 GiB: a debug build of a large workspace takes ten. Two million entries: the largest `node_modules` have half
    /// a million.
    fn default() -> Self {
        Self { bytes_max: 20 << 30, entries_max: 2_000_000 }
    }
}

/// Why a tree cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceError {
    /// The tree, or all that was in it, is gone.
    #[error("the agent left no working tree: {0}")]
    Gone(String),
    /// It has grown beyond what is allowed.
    #[error("the agent filled its working tree: {0}")]
    TooLarge(String),
    /// Git could not make or read it.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The disk did not do as it was told.
    #[error("{}: {why}", path.display())]
    Disk {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
}

/// A working tree on the disk, for one task.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Whose it is.
    pub task: TaskId,
    /// The commit that it began at.
    pub base: Sha,
    /// The task's branch.
    pub branch: BranchName,
    dir: PathBuf,
    mirror: Mirror,
}

impl Workspace {
    /// Where the agent works.
    pub fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    /// The private directory that a cage wants for its temporary files; the tree is in it too.
    pub fn private(&self) -> &Path {
        &self.dir
    }

    /// What must be readable for `git` to work in the tree.
    pub fn borrowed(&self) -> PathBuf {
        self.mirror.path().join("objects")
    }

    /// The mirror that the tree was cloned from.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }
}

/// Where all working trees of an installation stand.
#[derive(Clone, Debug)]
pub struct Workspaces {
    root: PathBuf,
    settings: WorkspaceSettings,
}

impl Workspaces {
    /// Trees below `root`, which is made when it is needed. It may not be readable in any cage but by its own tree.
    pub fn new(root: impl Into<PathBuf>, settings: WorkspaceSettings) -> Self {
        Self { root: root.into(), settings }
    }

    /// Makes the task's tree at `base`, fresh: what an earlier session left there, whole or half made, is removed.
    /// The mirror must have `base`.
    pub async fn create(
        &self,
        task: TaskId,
        repository: &Repository,
        base: &Sha,
        branch: &BranchName,
    ) -> Result<Workspace, WorkspaceError> {
        let mirror = repository.mirror.clone();
        let (base, branch) = (base.clone(), branch.clone());
        let workspace = Workspace { task, base, branch, dir: self.root.join(task.to_string()), mirror };
        lay_out(&workspace).await?;
        Ok(workspace)
    }

    /// Commits what the tree holds, as one child of its base. `None` means that nothing changed.
    pub async fn commit(
        &self,
        workspace: &Workspace,
        message: &str,
        author: &Signature,
    ) -> Result<Option<Sha>, WorkspaceError> {
        let (dir, settings) = (workspace.dir.clone(), self.settings.clone());
        off_the_runtime(move || inspect(&dir, &settings)).await?;
        let Workspace { base, branch, mirror, .. } = workspace;
        Ok(mirror.commit_workspace(&workspace.tree(), base, branch, message, author).await?)
    }

    /// Removes the task's tree; one that is not there is fine.
    pub async fn remove(&self, task: TaskId) -> Result<(), WorkspaceError> {
        remove_dir(self.root.join(task.to_string())).await
    }

    /// Removes what belongs to no live task, and says how many there were.
    pub async fn remove_orphans(&self, live: &BTreeSet<TaskId>) -> Result<usize, WorkspaceError> {
        let names = match fs::read_dir(&self.root) {
            Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(disk(&self.root, &error)),
        };
        let is_live =
            |name: &str| name.parse().is_ok_and(|task: TaskId| live.contains(&task) && task.to_string() == name);
        let orphans: Vec<_> = names.into_iter().filter(|name| !name.to_str().is_some_and(is_live)).collect();
        for name in &orphans {
            remove_dir(self.root.join(name)).await?;
        }
        Ok(orphans.len())
    }
}

/// A second tree of the same base, in which a recipe tries out what it would change.
pub(crate) struct Rehearsal {
    workspace: Workspace,
}

impl Rehearsal {
    /// Lays the copy out beside the tree.
    pub(crate) async fn of(workspace: &Workspace) -> Result<Self, WorkspaceError> {
        let mut copy = workspace.clone();
        copy.dir.as_mut_os_string().push(".rehearsal");
        copy.branch = format!("rehearsal/{}", workspace.task).parse().expect("a task's id fits into a branch's name");
        lay_out(&copy).await?;
        Ok(Self { workspace: copy })
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Throws the copy away.
    pub(crate) async fn end(self) -> Result<(), WorkspaceError> {
        remove_dir(self.workspace.dir).await
    }
}

async fn lay_out(workspace: &Workspace) -> Result<(), WorkspaceError> {
    remove_dir(workspace.dir.clone()).await?;
    let tree = workspace.tree();
    for dir in [tree.clone(), workspace.dir.join("tmp"), workspace.dir.join("home")] {
        fs::create_dir_all(&dir).map_err(|error| disk(&dir, &error))?;
    }
    Ok(workspace.mirror.clone_workspace(&tree, &workspace.base, &workspace.branch).await?)
}

fn disk(path: &Path, error: &io::Error) -> WorkspaceError {
    WorkspaceError::Disk { path: path.to_owned(), why: error.to_string() }
}

/// Walking a tree of unknown size blocks for as long as it takes.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WorkspaceError> + Send + 'static,
) -> Result<T, WorkspaceError> {
    let lost = |error: tokio::task::JoinError| WorkspaceError::Gone(error.to_string());
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}

/// Whether there is a tree, with something in it, within its limits. Follows no link.
fn inspect(dir: &Path, settings: &WorkspaceSettings) -> Result<(), WorkspaceError> {
    let tree = dir.join("tree");
    let is_dir = fs::symlink_metadata(&tree).is_ok_and(|found| found.is_dir());
    if !is_dir {
        return Err(WorkspaceError::Gone("its directory was removed or replaced".into()));
    }
    let entries = fs::read_dir(&tree).map_err(|error| disk(&tree, &error))?;
    if entries.flatten().all(|entry| entry.file_name() == ".git") {
        return Err(WorkspaceError::Gone("every file in it was deleted".into()));
    }
    let (mut bytes, mut n_entries) = (0, 0);
    walk(dir, &mut |_, found| {
        bytes += found.len().max(found.blocks() * 512);
        n_entries += 1;
        if n_entries > settings.entries_max {
            return Err(WorkspaceError::TooLarge(format!("more than {} files", settings.entries_max)));
        }
        if bytes > settings.bytes_max {
            return Err(WorkspaceError::TooLarge(format!("more than {} MiB", settings.bytes_max >> 20)));
        }
        Ok(())
    })
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
