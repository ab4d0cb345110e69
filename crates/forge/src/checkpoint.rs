//! States of a working tree that are kept as commits, so that a task can go back to them.
//!
//! Each is a commit of its own on `refs/downbeat/<task>/<n>`, a child of the commit that the tree began at and of no
//! other checkpoint, so that dropping one really lets go of it. It is made as every commit of a workspace is: with the
//! mirror for its repository, an index of our own, and without a look at the workspace's `.git`.

use std::path::Path;

use domain::{Sha, TaskId, Timestamp};
use git2::ErrorCode;

use crate::candidate::{Signature, stamp};
use crate::git::GitError;
use crate::mirror::{Mirror, oid, sha};

/// One state that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its number within the task, from 1.
    pub n: u32,
    /// The commit that holds the whole tree.
    pub commit: Sha,
    /// The commit that the tree began at.
    pub base: Sha,
    /// What it was taken for.
    pub words: String,
    /// When, in whole seconds.
    pub at: Timestamp,
}

/// What git takes for "there is no such ref yet".
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

impl Mirror {
    /// Keeps what the working tree in `dir` holds, ignored files left out, as the task's next checkpoint. When nothing
    /// changed since the newest one on the same base, that one is returned.
    #[expect(
        clippy::too_many_arguments,
        reason = "a checkpoint is these five, and a struct of them would have one user"
    )]
    pub async fn keep_checkpoint(
        &self,
        task: TaskId,
        dir: &Path,
        base: &Sha,
        words: &str,
        by: &Signature,
    ) -> Result<Checkpoint, GitError> {
        let tree = self.tree_in_workspace(dir, base).await?;
        self.keep_tree(task, &tree, base, (words, by)).await
    }

    /// The same with a tree of the mirror.
    pub(crate) async fn keep_tree(
        &self,
        task: TaskId,
        tree: &Sha,
        base: &Sha,
        (words, by): (&str, &Signature),
    ) -> Result<Checkpoint, GitError> {
        let newest = self.checkpoints(task).await?.pop();
        if let Some(newest) = &newest
            && newest.base == *base
            && self.tree_of(&newest.commit).await? == *tree
        {
            return Ok(newest.clone());
        }
        let n = newest.map_or(1, |newest| newest.n + 1);
        let (ids, message, by) = ([oid(base), oid(tree)], words.to_owned(), by.clone());
        let commit = self.read(format!("a checkpoint of {task}"), move |repo| {
            let (parent, tree) = (repo.find_commit(ids[0])?, repo.find_tree(ids[1])?);
            repo.commit(None, &stamp(&by)?, &stamp(&by)?, &message, &tree, &[&parent])
        });
        let commit = sha(commit.await?);
        let reference = format!("{}/{n}", room(task));
        let args = ["--end-of-options", &reference, commit.as_str(), NO_COMMIT];
        self.call("update-ref").args(args).bytes().await?;
        self.checkpoint(task, n).await?.ok_or(GitError::Unreadable { what: reference, why: "it is gone".to_owned() })
    }

    /// The checkpoints of a task, oldest first.
    pub async fn checkpoints(&self, task: TaskId) -> Result<Vec<Checkpoint>, GitError> {
        let pattern = format!("{}/*", room(task));
        let found = self.read(format!("the checkpoints of {task}"), move |repo| {
            let mut found = Vec::new();
            for reference in repo.references_glob(&pattern)? {
                found.extend(checkpoint_at(&reference?)?);
            }
            found.sort_by_key(|one: &Checkpoint| one.n);
            Ok(found)
        });
        found.await
    }

    /// One checkpoint of a task.
    pub async fn checkpoint(&self, task: TaskId, n: u32) -> Result<Option<Checkpoint>, GitError> {
        let reference = format!("{}/{n}", room(task));
        self.read(reference.clone(), move |repo| match repo.find_reference(&reference) {
            Ok(reference) => checkpoint_at(&reference),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Every task that has checkpoints, with the time of its newest.
    pub async fn checkpointed_tasks(&self) -> Result<Vec<(TaskId, Timestamp)>, GitError> {
        self.read("the checkpoints of all tasks".to_owned(), move |repo| {
            let mut newest = std::collections::BTreeMap::new();
            for reference in repo.references_glob("refs/downbeat/T-*/*")? {
                let reference = reference?;
                let task = reference.name().ok().and_then(|name| name.split('/').nth(2)?.parse::<TaskId>().ok());
                if let (Some(task), Some(one)) = (task, checkpoint_at(&reference)?) {
                    let at = newest.entry(task).or_insert(one.at);
                    *at = one.at.max(*at);
                }
            }
            Ok(newest.into_iter().collect())
        })
        .await
    }

    /// Lets go of some checkpoints of a task; those that are not there are fine.
    pub async fn drop_checkpoints(&self, task: TaskId, numbers: &[u32]) -> Result<(), GitError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let lines: String = numbers.iter().map(|n| format!("delete {}/{n}\n", room(task))).collect();
        self.call("update-ref").args(["--stdin"]).stdin(lines.into_bytes()).bytes().await.map(drop)
    }
}

fn room(task: TaskId) -> String {
    format!("refs/downbeat/{task}")
}

/// Nothing for a ref that no checkpoint of ours has.
fn checkpoint_at(reference: &git2::Reference<'_>) -> Result<Option<Checkpoint>, git2::Error> {
    let n = reference.name().ok().and_then(|name| name.rsplit('/').next()?.parse().ok());
    let (Some(n), commit) = (n, reference.peel_to_commit()?) else { return Ok(None) };
    let words = String::from_utf8_lossy(commit.message_bytes()).trim_end().to_owned();
    let at = Timestamp::from_ms(commit.time().seconds() * 1_000);
    Ok(Some(Checkpoint { n, commit: sha(commit.id()), base: sha(commit.parent_id(0)?), words, at }))
}
