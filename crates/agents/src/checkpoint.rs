//! Checkpoints: the whole state of a task's tree, kept after each turn, so that people can look back and go back.
//!
//! They live in the mirror (see [`forge::checkpoint`]), survive any crash, and are what a session that was cut short goes
//! on from. Ignored files are not in them.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::time::humanize;
use domain::{Sha, TaskId, Timestamp};
use forge::{Checkpoint, FileChange, GitError, Repositories, Repository, Signature};
use store::Store;

use crate::workspace::{Workspace, WorkspaceError, Workspaces};

/// How many checkpoints are kept, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointSettings {
    /// For each task, the newest; the oldest are dropped.
    pub kept_max: usize,
    /// After the task's last one, once it has ended.
    pub kept_for: Duration,
}

impl Default for CheckpointSettings {
    /// Fifty turns are more than anybody goes back; a week is how long people come back to what was done.
    fn default() -> Self {
        Self { kept_max: 50, kept_for: Duration::from_secs(7 * 24 * 3_600) }
    }
}

/// Takes checkpoints and goes back to them. Cheap to clone.
#[derive(Clone)]
pub struct Checkpoints {
    store: Store,
    workspaces: Workspaces,
    settings: CheckpointSettings,
}

/// What lies between two states of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The files that differ.
    pub changes: Vec<FileChange>,
    /// The same as a patch, cut where it is longer than anybody reads.
    pub patch: String,
}

/// How much of a difference is shown: more than anybody reads on a terminal.
const PATCH_BYTES_MAX: usize = 1 << 20;
/// Characters of a checkpoint's words; a list shows one line.
const WORDS_CHARS_MAX: usize = 200;

impl Checkpoints {
    /// Checkpoints of these workspaces, dated by the store's clock.
    pub fn new(store: Store, workspaces: Workspaces, settings: CheckpointSettings) -> Self {
        Self { store, workspaces, settings }
    }

    /// Keeps the tree as it is now; `words` say what for, as `after turn 3`. No session may be running in it. When
    /// nothing changed since the newest checkpoint, that one is it.
    pub async fn take(&self, workspace: &Workspace, words: &str) -> Result<Checkpoint, WorkspaceError> {
        self.workspaces.measure(workspace).await?;
        let by = keeper(self.store.now());
        let words: String = words.lines().next().unwrap_or_default().chars().take(WORDS_CHARS_MAX).collect();
        let (task, mirror) = (workspace.task, workspace.mirror());
        let taken = mirror.keep_checkpoint(task, &workspace.tree(), &workspace.base, &words, &by).await?;
        let kept = mirror.checkpoints(task).await?;
        let n_too_many = kept.len().saturating_sub(self.settings.kept_max.max(1));
        let oldest: Vec<u32> = kept[..n_too_many].iter().map(|one| one.n).collect();
        mirror.drop_checkpoints(task, &oldest).await?;
        Ok(taken)
    }

    /// Puts the tree of a workspace back to a checkpoint: the tree is made anew, so the agent's own commits and ignored
    /// files are gone. No session may be running in it. The workspace that it answers with stands on the checkpoint's
    /// base.
    pub async fn restore(&self, workspace: &Workspace, to: &Checkpoint) -> Result<Workspace, WorkspaceError> {
        let mut back = workspace.clone();
        back.base = to.base.clone();
        self.workspaces.go_back(&back, to).await?;
        Ok(back)
    }

    /// Removes the checkpoints of tasks that have ended, some days after the last of each. Says how many tasks lost
    /// theirs.
    pub async fn remove_old(&self, repositories: &Repositories, live: &BTreeSet<TaskId>) -> Result<usize, GitError> {
        let now = self.store.now();
        let mut n_tasks = 0;
        for repository in repositories.iter() {
            let tasks = repository.mirror.checkpointed_tasks().await?;
            let is_old = |(task, at): &(TaskId, _)| !live.contains(task) && now.since(*at) >= self.settings.kept_for;
            for (task, _) in tasks.into_iter().filter(is_old) {
                let numbers: Vec<u32> = list(repository, task).await?.iter().map(|one| one.n).collect();
                repository.mirror.drop_checkpoints(task, &numbers).await?;
                n_tasks += 1;
            }
        }
        Ok(n_tasks)
    }
}

/// In whose name states are kept.
pub(crate) fn keeper(at: Timestamp) -> Signature {
    Signature { name: "Downbeat".to_owned(), email: "agent@downbeat.invalid".to_owned(), at }
}

/// The checkpoints of a task, oldest first.
pub async fn list(repository: &Repository, task: TaskId) -> Result<Vec<Checkpoint>, GitError> {
    repository.mirror.checkpoints(task).await
}

/// The newest checkpoint of a task, from which a session that was cut short goes on.
pub async fn latest(repository: &Repository, task: TaskId) -> Result<Option<Checkpoint>, GitError> {
    Ok(list(repository, task).await?.pop())
}

/// The checkpoint of that number.
pub async fn find(repository: &Repository, task: TaskId, n: u32) -> Result<Option<Checkpoint>, GitError> {
    repository.mirror.checkpoint(task, n).await
}

/// What lies between two commits: two checkpoints, or a base and a checkpoint.
pub async fn diff(repository: &Repository, from: &Sha, to: &Sha) -> Result<Difference, GitError> {
    let changes = repository.mirror.changes(from, to).await?;
    let patch = repository.mirror.patch(from, to, PATCH_BYTES_MAX).await?;
    Ok(Difference { changes, patch })
}

/// A checkpoint with what was changed since the one before it, or since the tree began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state.
    pub checkpoint: Checkpoint,
    /// What led to it.
    pub changes: Vec<FileChange>,
}

/// The checkpoints of a task with what each changed, oldest first. The oldest that is kept is compared with its base.
pub async fn steps(repository: &Repository, task: TaskId) -> Result<Vec<Step>, GitError> {
    let mut steps: Vec<Step> = Vec::new();
    for checkpoint in list(repository, task).await? {
        let before = steps.last().map_or(&checkpoint.base, |before| &before.checkpoint.commit);
        let changes = repository.mirror.changes(before, &checkpoint.commit).await?;
        steps.push(Step { checkpoint, changes });
    }
    Ok(steps)
}

impl Step {
    /// One line for people: `#3 · 12 min ago · after turn 3 · +4 −1 in 2 files`.
    pub fn in_words(&self, now: Timestamp) -> String {
        let Self { checkpoint: Checkpoint { n, words, at, .. }, changes } = self;
        let (added, removed) = changes.iter().fold((0, 0), |(a, r), change| (a + change.added, r + change.removed));
        let files = match &changes[..] {
            [] => "nothing changed".to_owned(),
            [only] => format!("+{added} −{removed} in {}", only.path),
            several => format!("+{added} −{removed} in {} files", several.len()),
        };
        format!("#{n} · {} ago · {words} · {files}", humanize(now.since(*at)))
    }
}
