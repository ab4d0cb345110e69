//! A bare repository on this machine that asks for nothing special: its refs are read, and a landing is put into it,
//! without starting git.
//!
//! A push between two directories starts eight processes. Where nobody has a say but git's defaults, all that a push
//! does is to copy a few objects and to move one ref by compare-and-swap under its lock, which is done here in the same
//! files. Whatever is set beyond the defaults (a hook, a rule for receiving, a working tree, another owner or
//! format) makes the repository not plain, and then git itself is asked; so it is after every answer that is not clear.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, ReferenceType, Repository};

use crate::git::GitError;
use crate::mirror::{Mirror, RemoteTarget, landed_ref, oid, sha};
use crate::push::{Push, Pushed};
use crate::ref_lock::{Moved, free_refs, move_ref};

/// So many commits and objects are copied one by one at most; more travel better in a pack, which git makes.
const COMMITS_MAX: usize = 64;
const OBJECTS_MAX: usize = 1_000;

/// Sections and keys of a configuration that change nothing about what a repository takes in: the first four are what
/// `git init` writes, and housekeeping goes on at every push that git makes.
const HARMLESS: &[&str] =
    &["core.repositoryformatversion", "core.filemode", "core.bare", "core.ignorecase", "gc.auto", "maintenance.auto"];

impl Mirror {
    /// What the remote's target looks like, if it can be told without git and the mirror has all of it already.
    pub(crate) async fn glance(&self) -> Result<Option<RemoteTarget>, GitError> {
        let Some(path) = self.remote().local_path().map(Path::to_owned) else { return Ok(None) };
        let (branch, landed) = (format!("refs/heads/{}", self.target()), landed_ref(self.target()));
        self.read("the refs of the remote".to_owned(), move |mirror| {
            let Some(remote) = open_plain(&path) else { return Ok(None) };
            let (Some(head), beside) = (direct(&remote, &branch)?, direct(&remote, &landed)?) else { return Ok(None) };
            let has_all = [Some(head), beside].into_iter().flatten().all(|id| mirror.find_commit(id).is_ok());
            if !has_all {
                return Ok(None);
            }
            note(mirror, &branch, Some(head))?;
            note(mirror, &landed, beside)?;
            Ok(Some(RemoteTarget { branch: sha(head), landed: beside.map(sha) }))
        })
        .await
    }

    /// Makes a push that moves one existing ref, if the remote is plain; none means that git has to be asked.
    pub(crate) async fn push_plainly(&self, push: &Push<'_>) -> Result<Option<Pushed>, GitError> {
        let (Some(path), Some(expected), Some(to)) = (self.remote().local_path(), push.expected, push.to) else {
            return Ok(None);
        };
        let (path, reference, ids) = (path.to_owned(), push.reference.to_owned(), [oid(expected), oid(to)]);
        self.read(format!("the commits up to {to}"), move |mirror| {
            let Some(objects) = added_objects(mirror, ids)? else { return Ok(None) };
            let Some(remote) = open_plain(&path) else { return Ok(None) };
            if copy(mirror, &remote, &objects).is_err() || direct(&remote, &reference)?.is_none() {
                return Ok(None);
            }
            Ok(match move_ref((mirror, &remote), &reference, ids, direct) {
                Ok(Moved::Done) => Some(Pushed::Done),
                Ok(Moved::Elsewhere | Moved::Locked) => Some(Pushed::Stale),
                Err(error) => {
                    tracing::debug!("{reference} is left to git: {error}");
                    None
                }
            })
        })
        .await
    }

    /// Frees the target, and where landings wait, of a lock under which a landing of ours was killed. People could not
    /// move their own branch otherwise, whatever the queue does next.
    pub(crate) async fn free_target(&self) -> Result<(), GitError> {
        let Some(path) = self.remote().local_path().map(Path::to_owned) else { return Ok(()) };
        let names = [format!("refs/heads/{}", self.target()), landed_ref(self.target())];
        self.read("the locks of the remote".to_owned(), move |mirror| {
            if open_plain(&path).is_some() {
                let freed = free_refs(mirror, &path, &names);
                freed.map_err(|error| git2::Error::from_str(&error.to_string()))?;
            }
            Ok(())
        })
        .await
    }

    /// Whether git's defaults are all that holds in the remote; then no working tree has anything checked out either.
    pub(crate) async fn is_plain(&self) -> Result<bool, GitError> {
        let Some(path) = self.remote().local_path().map(Path::to_owned) else { return Ok(false) };
        self.read("the remote".to_owned(), move |_| Ok(open_plain(&path).is_some())).await
    }
}

/// The repository, if it is plain.
fn open_plain(path: &Path) -> Option<Repository> {
    let is_ours = std::fs::metadata(path).ok()?.uid() == nix::unistd::geteuid().as_raw();
    let is_special =
        ["worktrees", "shallow", "commondir", "config.worktree", "logs"].iter().any(|name| path.join(name).exists());
    if !is_ours || is_special || has_hooks(&path.join("hooks")) || !is_default(&path.join("config")) {
        return None;
    }
    Repository::open_bare(path).ok()
}

fn has_hooks(dir: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else { return dir.exists() };
    entries.flatten().any(|entry| !entry.file_name().to_string_lossy().ends_with(".sample"))
}

fn is_default(path: &Path) -> bool {
    let harmless = || {
        let config = git2::Config::open(path)?;
        let mut names = Vec::new();
        config.entries(None)?.for_each(|entry| names.push(entry.name().unwrap_or_default().to_owned()))?;
        let only_known = names.iter().all(|name| HARMLESS.contains(&name.as_str()));
        Ok::<_, git2::Error>(only_known && config.get_bool("core.bare")? && config.get_i32(HARMLESS[0])? == 0)
    };
    harmless().unwrap_or(false)
}

/// Where a ref points; none where there is none, and an error for one that points at another ref.
fn direct(repo: &Repository, name: &str) -> Result<Option<Oid>, git2::Error> {
    match repo.find_reference(name) {
        Ok(found) if found.kind() == Some(ReferenceType::Direct) => Ok(found.target()),
        Ok(_) => Err(git2::Error::from_str("it points at another ref")),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes in the mirror where a ref of the remote is.
fn note(mirror: &Repository, name: &str, at: Option<Oid>) -> Result<(), git2::Error> {
    match (direct(mirror, name)?, at) {
        (was, now) if was == now => Ok(()),
        (_, Some(now)) => mirror.reference(name, now, true, "seen").map(drop),
        (_, None) => mirror.find_reference(name)?.delete(),
    }
}

/// The objects that commits between the two bring along, each after what it consists of; none when they are many.
fn added_objects(mirror: &Repository, [from, to]: [Oid; 2]) -> Result<Option<Vec<Oid>>, git2::Error> {
    let mut walk = mirror.revwalk()?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)?;
    walk.push(to)?;
    walk.hide(from)?;
    let mut added = Added { mirror, seen: HashSet::new(), objects: Vec::new() };
    for (n, id) in walk.enumerate() {
        let commit = mirror.find_commit(id?)?;
        let parents = commit.parents().map(|parent| parent.tree()).collect::<Result<Vec<_>, _>>()?;
        added.visit(&commit.tree()?, parents.first())?;
        added.objects.push(commit.id());
        if n >= COMMITS_MAX || added.objects.len() > OBJECTS_MAX {
            return Ok(None);
        }
    }
    Ok(Some(added.objects))
}

struct Added<'a> {
    mirror: &'a Repository,
    seen: HashSet<Oid>,
    objects: Vec<Oid>,
}

impl Added<'_> {
    /// Collects what a tree holds that the same place of the older tree does not.
    fn visit(&mut self, tree: &git2::Tree<'_>, older: Option<&git2::Tree<'_>>) -> Result<(), git2::Error> {
        if older.is_some_and(|older| older.id() == tree.id()) || self.objects.len() > OBJECTS_MAX {
            return Ok(());
        }
        for entry in tree.iter() {
            let was = older.and_then(|older| older.get_name_bytes(entry.name_bytes()));
            if was.as_ref().is_some_and(|was| was.id() == entry.id()) || self.seen.contains(&entry.id()) {
                continue;
            }
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let was = was.filter(|was| was.kind() == Some(ObjectType::Tree));
                    let was = was.map(|was| self.mirror.find_tree(was.id())).transpose()?;
                    self.visit(&self.mirror.find_tree(entry.id())?, was.as_ref())?;
                }
                Some(ObjectType::Blob) => self.add(entry.id()),
                // A submodule's commit lives elsewhere.
                Some(ObjectType::Any | ObjectType::Commit | ObjectType::Tag) | None => {}
            }
        }
        self.add(tree.id());
        Ok(())
    }

    fn add(&mut self, id: Oid) {
        if self.seen.insert(id) {
            self.objects.push(id);
        }
    }
}

fn copy(mirror: &Repository, remote: &Repository, objects: &[Oid]) -> Result<(), git2::Error> {
    let (from, to) = (mirror.odb()?, remote.odb()?);
    for id in objects.iter().filter(|id| !to.exists(**id)) {
        let object = from.read(*id)?;
        to.write(object.kind(), object.data())?;
    }
    Ok(())
}
