//! What a check sees of a commit: the paths of the lanes that it names, and what concerns every lane.
//!
//! A check is run on its view and on nothing else, so that what it says is true of every tree with the same view. A view
//! is a tree like any other: it holds the entries of the commit's own tree as they are there, without those that are not
//! seen and without directories that are empty for it. The same tree and lanes make the same view, bit for bit.

use domain::Sha;
use git2::{ObjectType, Oid, Tree};

use crate::git::GitError;
use crate::lanes::Lanes;
use crate::mirror::{Mirror, oid, sha};

/// The most directories within each other: each takes room on the stack, and nobody who lays files out has more.
const DEPTH_MAX: usize = 500;
/// How a tree names a directory in it.
const DIRECTORY: i32 = 0o040_000;

impl Mirror {
    /// The tree that a check sees of a commit, written to the mirror. One that names no lanes sees everything; the others
    /// what belongs to theirs, by the lanes that the commit itself has.
    pub async fn view_of(&self, commit: &Sha, lanes: &[String]) -> Result<Sha, GitError> {
        if lanes.is_empty() {
            return self.tree_of(commit).await;
        }
        let what = format!("what {commit} has in {}", lanes.join(", "));
        let known = self.lanes_at(commit).await;
        let known = known.map_err(|error| GitError::Unreadable { what: what.clone(), why: error.to_string() })?;
        let (id, named) = (oid(commit), lanes.to_vec());
        let view = self.read(what, move |repo| {
            let seeing = Seeing { repo, lanes: &known, named: &named };
            match seeing.seen_of(&repo.find_commit(id)?.tree()?, "", 0)? {
                Some(view) => Ok(view),
                None => repo.treebuilder(None)?.write(),
            }
        });
        Ok(sha(view.await?))
    }
}

/// A check that looks at a tree.
struct Seeing<'a> {
    repo: &'a git2::Repository,
    lanes: &'a Lanes,
    named: &'a [String],
}

impl Seeing<'_> {
    /// What is seen of the directory whose paths begin with `within`; none where nothing is. One that is seen whole stays
    /// the same tree.
    fn seen_of(&self, tree: &Tree<'_>, within: &str, depth: usize) -> Result<Option<Oid>, git2::Error> {
        if depth > DEPTH_MAX {
            return Err(git2::Error::from_str(&format!("it has more than {DEPTH_MAX} directories within each other")));
        }
        let mut changed: Vec<(Vec<u8>, Option<Oid>)> = Vec::new();
        let mut n_seen = 0_usize;
        for entry in tree {
            let path = format!("{within}{}", String::from_utf8_lossy(entry.name_bytes()));
            let seen = match entry.kind() {
                Some(ObjectType::Tree) => {
                    self.seen_of(&self.repo.find_tree(entry.id())?, &format!("{path}/"), depth + 1)?
                }
                Some(_) | None => self.lanes.is_seen(&path, self.named).then(|| entry.id()),
            };
            n_seen += usize::from(seen.is_some());
            if seen != Some(entry.id()) {
                changed.push((entry.name_bytes().to_vec(), seen));
            }
        }
        if n_seen == 0 || changed.is_empty() {
            return Ok((n_seen > 0).then(|| tree.id()));
        }
        // Whatever is not changed keeps its mode, also one that nobody writes any more.
        let mut view = self.repo.treebuilder(Some(tree))?;
        for (name, seen) in changed {
            match seen {
                Some(seen) => view.insert(name, seen, DIRECTORY).map(drop)?,
                None => view.remove(name)?,
            }
        }
        view.write().map(Some)
    }
}
