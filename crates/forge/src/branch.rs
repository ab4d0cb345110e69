//! The commits of a branch: which they are, and how they are made anew on another base, without a working tree.
//!
//! To replay a commit is to merge it into a stand-in: a commit that has the tree of the new base and stands where the
//! replayed one stood. Git then finds the right common ancestor by itself, and every git that can merge trees can do it.

use domain::{Sha, Timestamp};
use git2::{ErrorCode, Sort};

use crate::candidate::{MergeOrder, Replayed, Signature, stamp, stamp_after};
use crate::git::GitError;
use crate::merger::Merged;
use crate::mirror::{Mirror, oid, sha};

/// What a branch has that another commit lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its commits, oldest first and without merges.
    pub commits: Vec<BranchCommit>,
    /// Whether there are more, beyond [`COMMITS_MAX`]; then the newest are left out.
    pub is_cut: bool,
}

/// One commit of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchCommit {
    /// Its id.
    pub commit: Sha,
    /// Who wrote it, and when.
    pub author: Signature,
    /// What it says; what is not UTF-8 in it is replaced.
    pub message: String,
}

/// Commits of which each is the first parent of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Newest first; where the line was to lead is not among them.
    pub commits: Vec<Sha>,
    /// Whether it leads there.
    pub arrives: bool,
}

/// So many commits of a branch are looked at. A longer branch is squashed, because nobody reads so long a history, and
/// each commit costs a merge.
pub const COMMITS_MAX: usize = 1_000;

impl Mirror {
    /// What `head` has that `base` lacks.
    pub async fn branch(&self, base: &Sha, head: &Sha) -> Result<Branch, GitError> {
        let ids = [oid(base), oid(head)];
        self.read(format!("the commits from {base} to {head}"), move |repo| {
            let mut walk = repo.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
            walk.hide(ids[0])?;
            walk.push(ids[1])?;
            let (mut commits, mut is_cut) = (Vec::new(), false);
            for id in walk {
                is_cut = commits.len() >= COMMITS_MAX;
                if is_cut {
                    break;
                }
                let commit = repo.find_commit(id?)?;
                if commit.parent_count() < 2 {
                    commits.push(branch_commit(&commit));
                }
            }
            Ok(Branch { commits, is_cut })
        })
        .await
    }

    /// The first parents of `to` back to `from`, at most so many.
    pub async fn line(&self, from: &Sha, to: &Sha, commits_max: usize) -> Result<Line, GitError> {
        let ids = [oid(from), oid(to)];
        self.read(format!("the line from {from} to {to}"), move |repo| {
            let (mut commits, mut at) = (Vec::new(), repo.find_commit(ids[1])?);
            while at.id() != ids[0] && commits.len() < commits_max {
                commits.push(sha(at.id()));
                if at.parent_count() == 0 {
                    return Ok(Line { commits, arrives: false });
                }
                at = at.parent(0)?;
            }
            Ok(Line { commits, arrives: at.id() == ids[0] })
        })
        .await
    }

    /// The first parent of a commit; none of one that begins a history.
    pub async fn first_parent(&self, commit: &Sha) -> Result<Option<Sha>, GitError> {
        let id = oid(commit);
        let parent = self.read(format!("commit {commit}"), move |repo| Ok(repo.find_commit(id)?.parent_ids().next()));
        Ok(parent.await?.map(sha))
    }

    /// The commits that both have and that no other such commit builds on: one, unless the histories cross.
    pub async fn merge_bases(&self, one: &Sha, other: &Sha) -> Result<Vec<Sha>, GitError> {
        let ids = [oid(one), oid(other)];
        self.read(format!("what {one} and {other} have in common"), move |repo| {
            match repo.merge_bases(ids[0], ids[1]) {
                Ok(bases) => Ok(bases.iter().map(|base| sha(*base)).collect()),
                Err(error) if error.code() == ErrorCode::NotFound => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Whether the first parents of `head` lead to `base`.
    pub(crate) async fn leads_to(&self, base: &Sha, head: &Sha) -> Result<bool, GitError> {
        Ok(self.line(base, head, COMMITS_MAX).await?.arrives)
    }

    /// Makes the commits of an order anew on its base, leaving out those that change nothing there. None where one of
    /// them does not go there alone, or where they do not lead to `tree`, which is what the branch as a whole gives.
    pub(crate) async fn replay(&self, order: &MergeOrder, tree: &Sha) -> Result<Option<Sha>, GitError> {
        let (mut tip, mut tip_tree) = (order.base.clone(), self.tree_of(&order.base).await?);
        for replayed in &order.replayed {
            let Some(next) = self.replayed_tree(&tip_tree, &replayed.commit).await? else { return Ok(None) };
            if next != tip_tree {
                tip = self.write_replayed([&tip, &next], replayed, &order.committer).await?;
                tip_tree = next;
            }
        }
        Ok((tip_tree == *tree).then_some(tip))
    }

    /// A commit of `tree` on `parent` that stands in for another in a merge: nobody's, and the same at every time.
    pub async fn stand_in(&self, tree: &Sha, parent: &Sha) -> Result<Sha, GitError> {
        let ids = [oid(tree), oid(parent)];
        let commit = self.read(format!("a stand-in of tree {tree}"), move |repo| {
            let at = Timestamp::from_ms(0);
            let nobody = stamp(&Signature { name: "Downbeat".to_owned(), email: "downbeat@localhost".to_owned(), at })?;
            let (tree, parent) = (repo.find_tree(ids[0])?, repo.find_commit(ids[1])?);
            repo.commit(None, &nobody, &nobody, "a stand-in", &tree, &[&parent])
        });
        Ok(sha(commit.await?))
    }

    /// What a tree becomes by what a commit changed; none where that does not go, or where the commit has not one parent.
    async fn replayed_tree(&self, onto: &Sha, commit: &Sha) -> Result<Option<Sha>, GitError> {
        let id = oid(commit);
        let facts = self.read(format!("commit {commit}"), move |repo| {
            let commit = repo.find_commit(id)?;
            if commit.parent_count() != 1 {
                return Ok(None);
            }
            let parent = commit.parent(0)?;
            Ok(Some([sha(parent.id()), sha(parent.tree_id()), sha(commit.tree_id())]))
        });
        let Some([parent, before, after]) = facts.await? else { return Ok(None) };
        if before == *onto {
            return Ok(Some(after));
        }
        let stand_in = self.stand_in(onto, &parent).await?;
        Ok(match self.merge(&stand_in, commit).await? {
            Merged::Clean { tree } => Some(tree),
            Merged::Conflict { .. } => None,
        })
    }

    async fn write_replayed(
        &self,
        [parent, tree]: [&Sha; 2],
        Replayed { commit, message }: &Replayed,
        committer: &Signature,
    ) -> Result<Sha, GitError> {
        let ids = [oid(parent), oid(tree), oid(commit)];
        let (message, committer) = (message.clone(), committer.clone());
        let written = self.read(format!("a commit of tree {tree}"), move |repo| {
            let (parent, tree, original) =
                (repo.find_commit(ids[0])?, repo.find_tree(ids[1])?, repo.find_commit(ids[2])?);
            let committer = stamp_after(&parent, &committer)?;
            repo.commit(None, &original.author(), &committer, &message, &tree, &[&parent])
        });
        Ok(sha(written.await?))
    }
}

fn branch_commit(commit: &git2::Commit<'_>) -> BranchCommit {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let author = commit.author();
    let at = Timestamp::from_ms(author.when().seconds() * 1_000);
    BranchCommit {
        commit: sha(commit.id()),
        author: Signature { name: text(author.name_bytes()), email: text(author.email_bytes()), at },
        message: text(commit.message_bytes()),
    }
}
