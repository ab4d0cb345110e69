//! Looks into commits of a mirror: what changed, how it reads as a patch, what one file holds.

use std::collections::BTreeSet;

use domain::Sha;
use git2::{Delta, DiffFormat, DiffOptions, ErrorCode, ObjectType, Patch};
use serde::{Deserialize, Serialize};

use crate::git::GitError;
use crate::mirror::{Mirror, oid, sha};

/// How much one file changed. A renamed file counts twice, as removed and as added, so that rules about paths see both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// The path from the root; what is not UTF-8 in it is replaced.
    pub path: String,
    /// Lines added; 0 in a binary file or when only the mode changed.
    pub added: u64,
    /// Lines removed, likewise.
    pub removed: u64,
}

/// A file longer than this is taken for binary in differences: nobody reads so long a patch, and it is held in memory.
const DIFF_FILE_BYTES_MAX: i64 = 4 << 20;
/// The longest file that [`Mirror::file_at`] returns: it reads configuration, not assets.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Which paths a change touches, without a look into files. A renamed file counts twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The paths; what is not UTF-8 in them is replaced.
    pub paths: BTreeSet<String>,
    /// Whether there are new ones among them.
    pub adds: bool,
    /// Whether there are ones among them that are gone.
    pub removes: bool,
}

impl Mirror {
    /// What the tree of `base` has to be changed in to become `tree`.
    pub async fn footprint(&self, base: &Sha, tree: &Sha) -> Result<Footprint, GitError> {
        let ids = [oid(base), oid(tree)];
        self.read(format!("what differs between {base} and {tree}"), move |repo| {
            let trees = [repo.find_commit(ids[0])?.tree()?, repo.find_tree(ids[1])?];
            let diff = repo.diff_tree_to_tree(Some(&trees[0]), Some(&trees[1]), None)?;
            let mut footprint = Footprint::default();
            for delta in diff.deltas() {
                footprint.adds |= delta.status() == Delta::Added;
                footprint.removes |= delta.status() == Delta::Deleted;
                footprint.paths.insert(path_of(&delta));
            }
            Ok(footprint)
        })
        .await
    }

    /// The files in which the trees of two commits differ, by path.
    pub async fn changes(&self, base: &Sha, head: &Sha) -> Result<Vec<FileChange>, GitError> {
        let ids = [oid(base), oid(head)];
        self.read(format!("the changes from {base} to {head}"), move |repo| {
            let diff = difference(repo, ids)?;
            (0..diff.deltas().len()).map(|n| file_change(&diff, n)).collect()
        })
        .await
    }

    /// The difference of two commits as a patch, cut after a whole line within `bytes_max`, which it then says.
    pub async fn patch(&self, base: &Sha, head: &Sha, bytes_max: usize) -> Result<String, GitError> {
        let ids = [oid(base), oid(head)];
        self.read(format!("the patch from {base} to {head}"), move |repo| {
            let (diff, mut patch, mut whole) = (difference(repo, ids)?, Vec::new(), true);
            let printed = diff.print(DiffFormat::Patch, |_, _, line| {
                let mark = matches!(line.origin(), '+' | '-' | ' ').then(|| line.origin() as u8);
                whole = patch.len() + line.content().len() < bytes_max;
                if whole {
                    patch.extend(mark);
                    patch.extend_from_slice(line.content());
                }
                whole
            });
            if whole {
                printed?;
            }
            let mut text = String::from_utf8_lossy(&patch).into_owned();
            if !whole {
                text.push_str(&format!("(cut, because the whole is longer than {bytes_max} bytes)\n"));
            }
            Ok(text)
        })
        .await
    }

    /// The names of the files right below a directory in a commit, sorted; none where there is no such directory.
    pub async fn files_in(&self, commit: &Sha, dir: &str) -> Result<Vec<String>, GitError> {
        let (id, what, dir) = (oid(commit), format!("{dir} in {commit}"), dir.to_owned());
        self.read(what, move |repo| {
            let entry = match repo.find_commit(id)?.tree()?.get_path(dir.as_ref()) {
                Ok(entry) if entry.kind() == Some(ObjectType::Tree) => entry,
                Ok(_) => return Ok(Vec::new()),
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            let tree = repo.find_tree(entry.id())?;
            let files = tree.iter().filter(|entry| entry.kind() == Some(ObjectType::Blob));
            Ok(files.map(|entry| String::from_utf8_lossy(entry.name_bytes()).into_owned()).collect())
        })
        .await
    }

    /// The object that stands at a path in a commit, a file's or a directory's: it is another one when anything in it is.
    pub async fn object_at(&self, commit: &Sha, path: &str) -> Result<Option<Sha>, GitError> {
        let (id, what, path) = (oid(commit), format!("{path} in {commit}"), path.to_owned());
        self.read(what, move |repo| match repo.find_commit(id)?.tree()?.get_path(path.as_ref()) {
            Ok(entry) => Ok(Some(sha(entry.id()))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// What a file holds in a commit. A symbolic link, a directory or nothing at `path` is `None`.
    pub async fn file_at(&self, commit: &Sha, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let (id, what, path) = (oid(commit), format!("{path} in {commit}"), path.to_owned());
        self.read(what, move |repo| {
            let entry = match repo.find_commit(id)?.tree()?.get_path(path.as_ref()) {
                Ok(entry) => entry,
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            if entry.kind() != Some(ObjectType::Blob) || entry.filemode() == 0o120_000 {
                return Ok(None);
            }
            if repo.odb()?.read_header(entry.id())?.0 > FILE_BYTES_MAX {
                return Err(git2::Error::from_str(&format!("it is longer than {FILE_BYTES_MAX} bytes")));
            }
            Ok(Some(repo.find_blob(entry.id())?.content().to_owned()))
        })
        .await
    }
}

fn difference(repo: &git2::Repository, ids: [git2::Oid; 2]) -> Result<git2::Diff<'_>, git2::Error> {
    let [base, head] = [repo.find_commit(ids[0])?.tree()?, repo.find_commit(ids[1])?.tree()?];
    let mut options = DiffOptions::new();
    options.max_size(DIFF_FILE_BYTES_MAX).ignore_submodules(false);
    repo.diff_tree_to_tree(Some(&base), Some(&head), Some(&mut options))
}

fn file_change(diff: &git2::Diff<'_>, n: usize) -> Result<FileChange, git2::Error> {
    let delta = diff.get_delta(n).expect("n counts the deltas");
    let (_, added, removed) = Patch::from_diff(diff, n)?.map_or(Ok((0, 0, 0)), |patch| patch.line_stats())?;
    Ok(FileChange { path: path_of(&delta), added: added as u64, removed: removed as u64 })
}

/// Where a file stands, or stood if it is gone; what is not UTF-8 in it is replaced.
pub(crate) fn path_of(delta: &git2::DiffDelta<'_>) -> String {
    let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}
