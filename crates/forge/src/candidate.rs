//! Builds the commit that would land, in the mirror and without a working tree.
//!
//! A candidate is the merge of `base` and `head` as git's own engine makes it, written as one commit whose only parent
//! is `base`. The same order gives the same commit, bit for bit, so what was tested is what lands.

use domain::{Sha, Timestamp};

use crate::git::GitError;
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
        if tree == self.tree_of(&order.base).await? {
            return Ok(Candidate::AlreadyIn);
        }
        let by = Signatures { author: &order.author, committer: &order.committer };
        let commit = self.write_commit(&order.base, &tree, &order.message, by).await?;
        Ok(Candidate::Made { commit, tree })
    }

    async fn merge_trees(&self, base: &Sha, head: &Sha) -> Result<MergedTree, GitError> {
        let attributes = self.attributes_of(base).await?;
        let call = self.inner.git.call("merge-tree", attributes.path()).git_dir(self.path());
        let call = call.work_tree(attributes.path()).args(["--write-tree", "-z", "--name-only", "--no-messages"]);
        let output = call.args([base.as_str(), head.as_str()]).run().await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut fields = text.split('\0').filter(|field| !field.is_empty());
        match (output.code, fields.next().map(str::parse)) {
            (Some(0), Some(Ok(tree))) => Ok(MergedTree::Clean(tree)),
            (Some(1), Some(Ok(_))) => {
                let mut paths: Vec<String> = fields.map(str::to_owned).collect();
                paths.dedup();
                Ok(MergedTree::Conflict(paths))
            }
            _ if output.stderr.contains("unrelated histories") => {
                Err(GitError::Unrelated { base: base.to_string(), head: head.to_string() })
            }
            _ => Err(output.failure("merge-tree")),
        }
    }

    /// Writes a commit of `tree` on `parent`. No ref points at it yet.
    pub(crate) async fn write_commit(
        &self,
        parent: &Sha,
        tree: &Sha,
        message: &str,
        by: Signatures<'_>,
    ) -> Result<Sha, GitError> {
        let (ids, message) = ([oid(parent), oid(tree)], message.to_owned());
        let (author, committer) = (by.author.clone(), by.committer.clone());
        let commit = self.read(format!("a commit of tree {tree}"), move |repo| {
            let (parent, tree) = (repo.find_commit(ids[0])?, repo.find_tree(ids[1])?);
            repo.commit(None, &stamp(&author)?, &stamp(&committer)?, &message, &tree, &[&parent])
        });
        Ok(sha(commit.await?))
    }
}

/// The two people that a commit names.
#[derive(Clone, Copy)]
pub(crate) struct Signatures<'a> {
    pub(crate) author: &'a Signature,
    pub(crate) committer: &'a Signature,
}

enum MergedTree {
    Clean(Sha),
    Conflict(Vec<String>),
}

fn stamp(signature: &Signature) -> Result<git2::Signature<'static>, git2::Error> {
    let seconds = signature.at.as_ms().div_euclid(1_000);
    git2::Signature::new(&signature.name, &signature.email, &git2::Time::new(seconds, 0))
}
