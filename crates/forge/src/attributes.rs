//! The `.gitattributes` of a commit as files, so that a merge in a bare mirror honours them.
//!
//! Git 2.39 reads attributes from a working tree only (`--attr-source` came with 2.41), and without a working tree it
//! silently ignores `merge=union` and its like. So the attribute files of the base, and nothing else, are written to
//! a directory that the merge is then told to take for its working tree. The base's are the ones that `git merge` would
//! read, and they have landed, so a branch cannot choose how it is merged.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Sha;
use git2::{ObjectType, TreeWalkMode, TreeWalkResult};
use tempfile::TempDir;

use crate::git::GitError;
use crate::mirror::{Mirror, oid};

/// The last written directory, by its commit. All candidates of a run stand on few bases.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    last: Mutex<Option<(Sha, Arc<TempDir>)>>,
}

/// A longer attribute file is ignored, as git ignores one above its own limit: no person wrote it.
const FILE_BYTES_MAX: usize = 1 << 20;
/// A commit with more attribute files is refused: each is written for each base, and no person keeps so many.
const FILES_MAX: usize = 2_000;

impl Mirror {
    /// A directory that holds the attribute files of `base` and nothing else.
    pub(crate) async fn attributes_of(&self, base: &Sha) -> Result<Arc<TempDir>, GitError> {
        let attributes = &self.inner.attributes;
        if let Some(known) = attributes.known(base) {
            return Ok(known);
        }
        let id = oid(base);
        let files = self.read(format!("the attributes of {base}"), move |repo| attribute_files(repo, id)).await?;
        let dir = self.scratch()?;
        for (path, content) in files {
            write_file(dir.path(), &path, &content)?;
        }
        let dir = Arc::new(dir);
        attributes.remember(base, &dir);
        Ok(dir)
    }
}

impl Attributes {
    fn known(&self, base: &Sha) -> Option<Arc<TempDir>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(sha, _)| sha == base).map(|(_, dir)| dir.clone())
    }

    fn remember(&self, base: &Sha, dir: &Arc<TempDir>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((base.clone(), dir.clone()));
    }
}

fn attribute_files(repo: &git2::Repository, base: git2::Oid) -> Result<Vec<(PathBuf, Vec<u8>)>, git2::Error> {
    let mut found = Vec::new();
    repo.find_commit(base)?.tree()?.walk(TreeWalkMode::PreOrder, |parent, entry| {
        let regular = entry.kind() == Some(ObjectType::Blob) && entry.filemode() != 0o120_000;
        if regular && entry.name_bytes() == b".gitattributes" {
            found.push((Path::new(parent).join(".gitattributes"), entry.id()));
        }
        TreeWalkResult::Ok
    })?;
    if found.len() > FILES_MAX {
        return Err(git2::Error::from_str(&format!("{} attribute files are more than {FILES_MAX}", found.len())));
    }
    let read = |(path, id)| repo.find_blob(id).map(|blob| (path, blob.content().to_owned()));
    let files: Result<Vec<_>, _> = found.into_iter().map(read).collect();
    Ok(files?.into_iter().filter(|(_, content)| content.len() <= FILE_BYTES_MAX).collect())
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
