//! Builds the commit that would land, in the mirror and without a working tree.
//!
//! A candidate is the merge of `base` and `head` as git's own engine makes it, written as the commits of a [`Style`].
//! The same order gives the same commits, bit for bit, so what was tested is what lands.

use domain::{Sha, Timestamp};
use serde::{Deserialize, Serialize};

use crate::git::GitError;
use crate::merger::Merged;
use crate::mirror::{Mirror, oid, sha};

/// Who made something, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name. Git drops `<`, `>` and line ends.
    pub name: String,
    /// The address, or something that looks like one.
    pub email: String,
    /// The instant, recorded in whole seconds UTC.
    pub at: Timestamp,
}

/// How a branch becomes commits of the target. In every style the tree is that of git's merge of the two; the styles
/// differ in the commits that lead to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// One commit, whose only parent is the base.
    #[default]
    Squash,
    /// A merge commit, whose first parent is the base and whose second is the branch.
    Merge,
    /// The branch's commits one by one, each with its author and its message; a squash where that is not possible.
    Rebase,
    /// The branch itself where it stands on the base; rebased where it does not.
    FastForward,
}

/// Everything that makes a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOrder {
    /// What the candidate stands on.
    pub base: Sha,
    /// The work to be merged.
    pub head: Sha,
    /// What commits it becomes.
    pub style: Style,
    /// The commit's message.
    pub message: String,
    /// What to replay where the style is to keep the branch's commits, as [`Mirror::branch`] lists them.
    pub replayed: Vec<Replayed>,
    /// Who wrote the work; a commit that is replayed keeps its own author.
    pub author: Signature,
    /// Who lands it. A commit is never older than what it stands on, so its time may be a later one.
    pub committer: Signature,
}

/// A commit of a branch, to be made anew on another base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Which.
    pub commit: Sha,
    /// What the new one says.
    pub message: String,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// The commits were written to the mirror.
    Made {
        /// The last of them, which has the base among its first parents.
        commit: Sha,
        /// Its tree, which is what checks speak about.
        tree: Sha,
    },
    /// Both sides changed the same thing.
    Conflict {
        /// Where, in the order of git's answer and each once.
        paths: Vec<String>,
    },
    /// The base holds the work already: merging it changes nothing.
    AlreadyIn,
}

impl Mirror {
    /// Builds a candidate. Both commits must be in the mirror (see [`Mirror::ensure`]).
    ///
    /// The base's `.gitattributes` decide how files are merged; drivers that would run a program are never run.
    pub async fn candidate(&self, order: &MergeOrder) -> Result<Candidate, GitError> {
        let MergeOrder { base, head, .. } = order;
        let tree = match self.merge(base, head).await? {
            Merged::Clean { tree } => tree,
            Merged::Conflict { paths, .. } => return Ok(Candidate::Conflict { paths }),
        };
        if tree == self.tree_of(base).await? {
            return Ok(Candidate::AlreadyIn);
        }
        let kept = match order.style {
            Style::Squash => None,
            Style::Merge => Some(self.write_candidate(order, &tree, &[base, head]).await?),
            Style::FastForward if self.leads_to(base, head).await? => Some(head.clone()),
            Style::Rebase | Style::FastForward => self.replay(order, &tree).await?,
        };
        let commit = match kept {
            Some(commit) => commit,
            None => self.write_candidate(order, &tree, &[base]).await?,
        };
        Ok(Candidate::Made { commit, tree })
    }

    async fn write_candidate(&self, order: &MergeOrder, tree: &Sha, parents: &[&Sha]) -> Result<Sha, GitError> {
        let ids = (oid(tree), parents.iter().map(|parent| oid(parent)).collect::<Vec<_>>());
        let (message, author, committer) = (order.message.clone(), order.author.clone(), order.committer.clone());
        let commit = self.read(format!("a commit of tree {tree}"), move |repo| {
            let (tree, parents) = (repo.find_tree(ids.0)?, ids.1);
            let parents = parents.into_iter().map(|id| repo.find_commit(id)).collect::<Result<Vec<_>, _>>()?;
            let committer = stamp_after(&parents[0], &committer)?;
            let parents: Vec<_> = parents.iter().collect();
            repo.commit(None, &stamp(&author)?, &committer, &message, &tree, &parents)
        });
        Ok(sha(commit.await?))
    }

    /// Writes a commit of `tree` on `parent`, unless the parent has that very tree. No ref points at it yet.
    pub(crate) async fn write_commit(
        &self,
        parent: &Sha,
        tree: &Sha,
        message: &str,
        by: Signatures<'_>,
    ) -> Result<Option<Sha>, GitError> {
        let (ids, message) = ([oid(parent), oid(tree)], message.to_owned());
        let (author, committer) = (by.author.clone(), by.committer.clone());
        let commit = self.read(format!("a commit of tree {tree}"), move |repo| {
            let parent = repo.find_commit(ids[0])?;
            if parent.tree_id() == ids[1] {
                return Ok(None);
            }
            let tree = repo.find_tree(ids[1])?;
            repo.commit(None, &stamp(&author)?, &stamp(&committer)?, &message, &tree, &[&parent]).map(Some)
        });
        Ok(commit.await?.map(sha))
    }
}

/// The two people that a commit names.
#[derive(Clone, Copy)]
pub(crate) struct Signatures<'a> {
    pub(crate) author: &'a Signature,
    pub(crate) committer: &'a Signature,
}

pub(crate) fn stamp(signature: &Signature) -> Result<git2::Signature<'static>, git2::Error> {
    let seconds = signature.at.as_ms().div_euclid(1_000);
    git2::Signature::new(&signature.name, &signature.email, &git2::Time::new(seconds, 0))
}

/// The signature, with the parent's time where that is later: on the target time never runs backwards.
pub(crate) fn stamp_after(
    parent: &git2::Commit<'_>,
    signature: &Signature,
) -> Result<git2::Signature<'static>, git2::Error> {
    let at = signature.at.max(Timestamp::from_ms(parent.time().seconds() * 1_000));
    stamp(&Signature { at, ..signature.clone() })
}
