//! The `.gitattributes` of a commit as files, so that a merge in a bare mirror honours them.
//!
//! Git 2.39 reads attributes from a working tree only (`--attr-source` came with 2.41), and without a working tree it
//! silently ignores `merge=union` and its like. So the attribute files of the base, and nothing else, are written to
//! a directory that the merge is then told to take for its working tree. The base's are the ones that `git merge` would
//! read, and they have landed, so a branch cannot choose how it is merged.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Sha;
use git2::{ObjectType, Oid};
use tempfile::TempDir;

use crate::git::GitError;
use crate::mirror::{Mirror, oid};

/// The attribute files of a commit: where each is, and what it holds.
pub(crate) type AttributeFiles = Vec<(PathBuf, Oid)>;

/// Trees that were searched and hold no attribute file at any depth, which is nearly all of them. A commit differs from
/// the one before it in few trees, and only those are searched.
#[derive(Debug, Default)]
pub(crate) struct BarrenTrees(Mutex<HashSet<Oid>>);

/// A longer attribute file is ignored, as git ignores one above its own limit: no person wrote it.
const FILE_BYTES_MAX: usize = 1 << 20;
/// A commit with more attribute files is refused: each is written for each base, and no person keeps so many.
const FILES_MAX: usize = 2_000;
/// A commit whose directories nest deeper is refused: each level is a call within a call, and no person nests so deep.
const DEPTH_MAX: usize = 500;
/// So many barren trees are remembered, in about a megabyte; then all are forgotten.
const BARREN_MAX: usize = 30_000;

impl Mirror {
    /// The attribute files of `base`.
    pub(crate) async fn attribute_files(&self, base: &Sha) -> Result<AttributeFiles, GitError> {
        let (id, inner) = (oid(base), self.inner.clone());
        self.read(format!("the attributes of {base}"), move |repo| {
            let mut search = Search { repo, barren: inner.barren.lock(), found: Vec::new() };
            search.visit(&repo.find_commit(id)?.tree()?, Path::new(""), 0)?;
            Ok(search.found)
        })
        .await
    }

    /// A directory that holds these files and nothing else.
    pub(crate) async fn written_attributes(&self, files: &AttributeFiles) -> Result<TempDir, GitError> {
        let files = files.clone();
        let contents = self.read("attribute files".to_owned(), move |repo| {
            let read = |(path, id): (PathBuf, Oid)| repo.find_blob(id).map(|blob| (path, blob.content().to_owned()));
            files.into_iter().map(read).collect::<Result<Vec<_>, _>>()
        });
        let dir = self.scratch()?;
        for (path, content) in contents.await?.into_iter().filter(|(_, content)| content.len() <= FILE_BYTES_MAX) {
            write_file(dir.path(), &path, &content)?;
        }
        Ok(dir)
    }
}

impl BarrenTrees {
    fn lock(&self) -> MutexGuard<'_, HashSet<Oid>> {
        let mut trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trees.len() > BARREN_MAX {
            trees.clear();
        }
        trees
    }
}

struct Search<'a> {
    repo: &'a git2::Repository,
    barren: MutexGuard<'a, HashSet<Oid>>,
    found: AttributeFiles,
}

impl Search<'_> {
    fn visit(&mut self, tree: &git2::Tree<'_>, parent: &Path, depth: usize) -> Result<(), git2::Error> {
        if self.found.len() > FILES_MAX || depth > DEPTH_MAX {
            let why = format!("it has more than {FILES_MAX} attribute files, or directories nested over {DEPTH_MAX}");
            return Err(git2::Error::from_str(&why));
        }
        let n_before = self.found.len();
        for entry in tree.iter() {
            if entry.kind() == Some(ObjectType::Tree) && !self.barren.contains(&entry.id()) {
                let name = Path::new(OsStr::from_bytes(entry.name_bytes()));
                self.visit(&self.repo.find_tree(entry.id())?, &parent.join(name), depth + 1)?;
            }
            let regular = entry.kind() == Some(ObjectType::Blob) && entry.filemode() != 0o120_000;
            if regular && entry.name_bytes() == b".gitattributes" {
                self.found.push((parent.join(".gitattributes"), entry.id()));
            }
        }
        if self.found.len() == n_before {
            self.barren.insert(tree.id());
        }
        Ok(())
    }
}

fn write_file(dir: &Path, path: &Path, content: &[u8]) -> Result<(), GitError> {
    let stays_inside = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !stays_inside {
        return Ok(());
    }
    let whole = dir.join(path);
    let parent = whole.parent().unwrap_or(dir);
    std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&whole, content)).map_err(|e| GitError::io(&whole, &e))
}
