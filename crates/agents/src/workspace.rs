//! One working tree for each task, and what is made of it afterwards.
//!
//! ```text
//! workspaces/T-1/tree/         writable inside the cage while the agent works; made anew for each session
//! workspaces/T-1/tmp/          writable inside the cage; empty at the beginning of each session
//! workspaces/T-1/home/         writable inside the cage; kept to the task's end, so that an agent finds its own
//!                              sessions again
//! workspaces/T-1/session.json  what we remember of the agent's session, to the task's end
//! workspaces/T-1/tree.json     in which state that session saw its tree last, see [`left`]
//! workspaces/T-1/              everything else in it is ours: the prompt, the launcher's report
//! workspaces/.pool/            clones that stand ready, see [`pool`]
//! ```
//!
//! The tree borrows the objects of the mirror, which the cage may read and not write. Once an agent was in it, the tree
//! is hostile ground: it is measured without following a link, and read only through [`Mirror::commit_workspace`].

mod disk;
pub(crate) mod left;
pub mod pictures;
pub mod pool;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{BranchName, Sha, TaskId};
use forge::mirror::Mirror;
use forge::{Checkpoint, GitError, Repository, Signature};

use crate::cage::Order;
use crate::setup::Environment;

use disk::{clear_private, disk, inspect, off_the_runtime};
pub(crate) use disk::{measure_dir, remove_dir};
use pool::Pool;

/// What a working tree may grow to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Bytes of all files, of the tree and its temporary files together; a hole in a file counts, because git reads it.
    pub bytes_max: u64,
    /// Files and directories.
    pub entries_max: u64,
    /// Clones of each repository that stand ready for the next task.
    pub pool: usize,
}

impl Default for WorkspaceSettings {
    /// 20 GiB: a debug build of a large workspace takes ten. Two million entries: the largest `node_modules` have half
    /// a million. Two clones: a task that plans and one that works.
    fn default() -> Self {
        Self { bytes_max: 20 << 30, entries_max: 2_000_000, pool: 2 }
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
    environment: Option<Environment>,
    pictures: Option<PathBuf>,
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

    /// Gives an order what a run in this tree needs to see: the borrowed objects, and what the repository's setup made.
    pub fn furnish(&self, order: &mut Order) {
        order.read.push(self.borrowed());
        if let Some(environment) = &self.environment {
            environment.furnish(order);
        }
        if let Some(pictures) = &self.pictures {
            order.read.push(pictures.clone());
            order.env.insert(PICTURES_VARIABLE.to_owned(), pictures.display().to_string());
        }
    }

    /// The same workspace with what the repository's setup made.
    pub fn with_environment(self, environment: Option<Environment>) -> Self {
        Self { environment, ..self }
    }

    /// The same workspace with a directory of pictures that a run in its tree may look at.
    pub fn with_pictures(self, pictures: Option<PathBuf>) -> Self {
        Self { pictures, ..self }
    }

    /// The directory of pictures that a run in its tree may look at.
    pub fn pictures(&self) -> Option<&Path> {
        self.pictures.as_deref()
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
    pool: Arc<Pool>,
    occupied: Arc<Mutex<BTreeSet<TaskId>>>,
}

/// The right to a task's tree and to all that stands beside it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Occupied {
    task: TaskId,
    occupied: Arc<Mutex<BTreeSet<TaskId>>>,
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.occupied.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.task);
    }
}

impl Workspaces {
    /// Trees below `root`, which is made when it is needed. It may not be readable in any cage but by its own tree.
    pub fn new(root: impl Into<PathBuf>, settings: WorkspaceSettings) -> Self {
        let root = root.into();
        let pool = Arc::new(Pool::new(root.join(POOL_DIR), settings.pool));
        Self { root, settings, pool, occupied: Arc::default() }
    }

    /// The clones that stand ready.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Takes the right to a task's tree, unless somebody in this process has it: an attempt whose lease was lost may not have
    /// ended when the next begins. Another process has trees of its own.
    pub(crate) fn occupy(&self, task: TaskId) -> Option<Occupied> {
        let is_free = self.occupied.lock().unwrap_or_else(PoisonError::into_inner).insert(task);
        is_free.then(|| Occupied { task, occupied: self.occupied.clone() })
    }

    /// Where everything of a task is that stands beside its tree.
    pub(crate) fn private_of(&self, task: TaskId) -> PathBuf {
        self.root.join(task.to_string())
    }

    /// The task's workspace as it stands on the disk, whatever is in it. Nothing is made or read.
    pub(crate) fn standing(&self, task: TaskId, repository: &Repository, base: &Sha, branch: &BranchName) -> Workspace {
        let (mirror, dir) = (repository.mirror.clone(), self.private_of(task));
        let (environment, pictures) = (None, None);
        Workspace { task, base: base.clone(), branch: branch.clone(), dir, mirror, environment, pictures }
    }

    /// Makes the task's tree at `base`, fresh: what an earlier session left there, whole or half made, is removed, but
    /// for the agent's home. The mirror must have `base`.
    pub async fn create(
        &self,
        task: TaskId,
        repository: &Repository,
        base: &Sha,
        branch: &BranchName,
    ) -> Result<Workspace, WorkspaceError> {
        let workspace = self.standing(task, repository, base, branch);
        self.lay_out(&workspace, &workspace.base).await?;
        Ok(workspace)
    }

    /// Makes the task's tree as it was at a checkpoint of it, fresh. Its branch is where the tree began; what was
    /// changed since then stands in it as changes that nobody has committed.
    pub async fn create_at(
        &self,
        task: TaskId,
        repository: &Repository,
        checkpoint: &Checkpoint,
        branch: &BranchName,
    ) -> Result<Workspace, WorkspaceError> {
        let workspace = self.standing(task, repository, &checkpoint.base, branch);
        self.go_back(&workspace, checkpoint).await?;
        Ok(workspace)
    }

    /// Puts the tree of a workspace back to a checkpoint. Nothing of the tree as it is now is kept, the agent's own
    /// commits and ignored files neither; its home is.
    pub(crate) async fn go_back(&self, workspace: &Workspace, to: &Checkpoint) -> Result<(), WorkspaceError> {
        self.lay_out(workspace, &to.commit).await?;
        Ok(workspace.mirror.uncommit_workspace(&workspace.tree(), &to.base).await?)
    }

    /// A tree from the pool, else a new clone.
    async fn lay_out(&self, workspace: &Workspace, at: &Sha) -> Result<(), WorkspaceError> {
        let _busy = self.pool.busy();
        clear_private(workspace.dir.clone()).await?;
        let tree = workspace.tree();
        if self.pool.hand_out(workspace, at).await {
            return Ok(());
        }
        remove_dir(tree.clone()).await?;
        Ok(workspace.mirror.clone_workspace(&tree, at, &workspace.branch).await?)
    }

    /// Whether there is a tree, with something in it, within its limits.
    pub(crate) async fn measure(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let (dir, settings) = (workspace.dir.clone(), self.settings.clone());
        off_the_runtime(move || inspect(&dir, &settings)).await
    }

    /// Commits what the tree holds, as one child of its base. `None` means that nothing changed.
    pub async fn commit(
        &self,
        workspace: &Workspace,
        message: &str,
        author: &Signature,
    ) -> Result<Option<Sha>, WorkspaceError> {
        self.measure(workspace).await?;
        let Workspace { base, branch, mirror, .. } = workspace;
        Ok(mirror.commit_workspace(&workspace.tree(), base, branch, message, author).await?)
    }

    /// Removes the task's tree; one that is not there is fine.
    pub async fn remove(&self, task: TaskId) -> Result<(), WorkspaceError> {
        remove_dir(self.private_of(task)).await
    }

    /// Removes what belongs to no live task, and says how many there were. The pool of an earlier process is removed too,
    /// so this is for the start alone.
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
        Ok(orphans.iter().filter(|name| *name != POOL_DIR).count())
    }
}

/// Where a run finds the directory of its pictures.
const PICTURES_VARIABLE: &str = "DOWNBEAT_PICTURES";

/// Where the pool is; no task has this name.
const POOL_DIR: &str = ".pool";

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
        clear_private(copy.dir.clone()).await?;
        copy.mirror.clone_workspace(&copy.tree(), &copy.base, &copy.branch).await?;
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
