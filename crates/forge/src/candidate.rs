//! Builds the commit that would land, in the mirror and without a working tree.
//!
//! A candidate is the merge of `base` and `head` as git's own engine makes it, written as one commit whose only parent
//! is `base`. The same order gives the same commit, bit for bit, so what was tested is what lands.

use domain::{Sha, Timestamp};

use crate::git::GitError;
use crate::merger::MergedTree;
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

/// Everything that makes a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOrder {
    /// What the candidate stands on, and its only parent.
    pub base: Sha,
    /// The work to be merged.
    pub head: Sha,
    /// The commit's message.
    pub message: String,
    /// Who wrote the work.
    pub author: Signature,
    /// Who lands it.
    pub committer: Signature,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// The commit was written to the mirror.
    Made {
        /// The commit, a child of the base.
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
        let tree = match self.merge_trees(&order.base, &order.head).await? {
            MergedTree::Clean(tree) => tree,
            MergedTree::Conflict(paths) => return Ok(Candidate::Conflict { paths }),
        };
        let by = Signatures { author: &order.author, committer: &order.committer };
        Ok(match self.write_commit(&order.base, &tree, &order.message, by).await? {
            Some(commit) => Candidate::Made { commit, tree },
            None => Candidate::AlreadyIn,
        })
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
