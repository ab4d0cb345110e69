//! A bare mirror of one remote: the only repository in which we write objects, and the one that workspaces borrow from.
//!
//! Refs in a mirror, all written by us:
//!
//! | ref | holds |
//! |---|---|
//! | `refs/heads/<target>` | the target branch of the remote, as last fetched |
//! | `refs/downbeat/landed/<target>` | the remote's ref of that name, where landings wait for a person's merge |
//! | `refs/downbeat/tasks/<branch>` | the last commit made of a workspace, so that nothing collects it |
//! | `refs/downbeat/<task>/<n>` | the n-th checkpoint of a task's working tree |
//! | `refs/downbeat/published/<branch>` | the commit that we last pushed to that branch |
//! | `refs/downbeat/kept/<sha>` | a commit fetched by its name |

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};

use domain::{BranchName, Sha};
use git2::{ConfigLevel, ErrorCode, ObjectType, Oid};
use tokio::sync::Mutex;

use crate::attributes::BarrenTrees;
use crate::git::{Git, GitCall, GitError};
use crate::merger::{KeptMerger, Writes};
use crate::ref_lock::break_locks;
use crate::remote::Remote;

/// A bare mirror of one repository. Cloning it is cheap and shares the lock.
#[derive(Clone, Debug)]
pub struct Mirror {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) git: Git,
    pub(crate) path: PathBuf,
    pub(crate) scratch: PathBuf,
    pub(crate) remote: Remote,
    pub(crate) target: BranchName,
    /// Held while refs are fetched, and across awaits for that reason: two fetches of one ref fail on git's own lock.
    /// Objects are written without it.
    fetching: Mutex<()>,
    pub(crate) barren: BarrenTrees,
    pub(crate) merger: KeptMerger,
    /// As `merger`, for merges of which nothing is wanted but whether they go.
    pub(crate) prober: KeptMerger,
    /// Repositories that were opened and are not in use: to open one costs more than to read from it.
    opened: StdMutex<Vec<git2::Repository>>,
}

/// So many opened repositories a mirror keeps: as many as a queue's two lanes and two tasks read from at once.
const OPENED_MAX: usize = 4;
/// What the library may hold of objects that it has read, in bytes, in the whole process. A commit takes a few hundred.
const OBJECT_CACHE_BYTES: isize = 8 << 20;

/// What the remote's target looked like at the last fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTarget {
    /// The head of the target branch.
    pub branch: Sha,
    /// What landed beside the branch, if that ref exists.
    pub landed: Option<Sha>,
}

/// The ref that receives landings which may not go to the branch itself.
pub fn landed_ref(target: &BranchName) -> String {
    format!("refs/downbeat/landed/{target}")
}

impl Mirror {
    /// Opens the mirror at `path`, making an empty one if there is none. Nothing is fetched. Temporary files of
    /// the mirror go to `scratch`, on the same file system. Nobody else may have it open: locks that are found in it are
    /// those of a process that was killed.
    pub async fn open(
        git: Git,
        path: PathBuf,
        scratch: PathBuf,
        remote: Remote,
        target: BranchName,
    ) -> Result<Self, GitError> {
        tokio::fs::create_dir_all(&path).await.map_err(|e| GitError::io(&path, &e))?;
        tokio::fs::create_dir_all(&scratch).await.map_err(|e| GitError::io(&scratch, &e))?;
        break_locks(&path).await.map_err(|e| GitError::io(&path, &e))?;
        let made = git.call("init", &path).args(["--bare", "--quiet", "--template="]);
        made.args([format!("--initial-branch={target}")]).args([&path]).bytes().await?;
        let fetching = Mutex::new(());
        let (barren, opened) = (BarrenTrees::default(), StdMutex::default());
        let (merger, prober) = (KeptMerger::new(Writes::Kept), KeptMerger::new(Writes::Dropped));
        let inner = Inner { git, path, scratch, remote, target, fetching, barren, merger, prober, opened };
        let mirror = Self { inner: Arc::new(inner) };
        mirror.free_target().await?;
        Ok(mirror)
    }

    /// Where the mirror is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What it mirrors.
    pub fn remote(&self) -> &Remote {
        &self.inner.remote
    }

    /// The branch that landings aim at.
    pub fn target(&self) -> &BranchName {
        &self.inner.target
    }

    /// The git that the mirror is kept with.
    pub fn git(&self) -> &Git {
        &self.inner.git
    }

    /// Fetches the target branch and the ref of landings beside it.
    pub async fn sync(&self) -> Result<RemoteTarget, GitError> {
        self.inner.merger.note_look();
        self.inner.prober.note_look();
        let _fetching = self.inner.fetching.lock().await;
        if let Ok(Some(seen)) = self.glance().await {
            return Ok(seen);
        }
        let (branch, landed) = (format!("refs/heads/{}", self.target()), landed_ref(self.target()));
        let call = self.call("fetch").remote(&self.remote().unlocked().await?).args(FETCH_OPTIONS.iter().copied());
        // A pattern, because a plain ref that the remote does not have would fail the fetch.
        let patterns = [format!("+{branch}:{branch}"), "+refs/downbeat/landed/*:refs/downbeat/landed/*".to_owned()];
        call.args(["--prune", Remote::NAME]).args(patterns).bytes().await?;
        let missing = GitError::Unreadable { what: branch.clone(), why: "not there after a fetch".to_owned() };
        Ok(RemoteTarget {
            branch: self.commit_at(&branch).await?.ok_or(missing)?,
            landed: self.commit_at(&landed).await?,
        })
    }

    /// Makes sure that the mirror has this commit, fetching it by its name if need be.
    pub async fn ensure(&self, sha: &Sha) -> Result<(), GitError> {
        if self.has(sha).await? {
            return Ok(());
        }
        let _fetching = self.inner.fetching.lock().await;
        let call = self.call("fetch").remote(&self.remote().unlocked().await?).args(FETCH_OPTIONS.iter().copied());
        call.args([Remote::NAME.to_owned(), format!("{sha}:refs/downbeat/kept/{sha}")]).bytes().await?;
        Ok(())
    }

    /// The head of the target branch as last fetched. Nothing is fetched for it; none before the first time.
    pub async fn known_head(&self) -> Result<Option<Sha>, GitError> {
        self.commit_at(&format!("refs/heads/{}", self.target())).await
    }

    /// The tree of a commit.
    pub async fn tree_of(&self, commit: &Sha) -> Result<Sha, GitError> {
        let id = oid(commit);
        let tree = self.read(format!("commit {commit}"), move |repo| Ok(repo.find_commit(id)?.tree_id())).await?;
        Ok(sha(tree))
    }

    /// Tells whether `older` is `newer` or one of its ancestors.
    pub async fn is_ancestor(&self, older: &Sha, newer: &Sha) -> Result<bool, GitError> {
        let (older_id, newer_id) = (oid(older), oid(newer));
        let what = format!("the history from {older} to {newer}");
        self.read(what, move |repo| {
            repo.find_commit(older_id)?;
            repo.find_commit(newer_id)?;
            Ok(older_id == newer_id || repo.graph_descendant_of(newer_id, older_id)?)
        })
        .await
    }

    /// The commit that one of the mirror's refs points at.
    pub(crate) async fn commit_at(&self, reference: &str) -> Result<Option<Sha>, GitError> {
        let name = reference.to_owned();
        let found = self.read(reference.to_owned(), move |repo| match repo.refname_to_id(&name) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        Ok(found.await?.map(sha))
    }

    /// Points one of the mirror's refs at a commit.
    pub(crate) async fn point(&self, reference: &str, commit: &Sha) -> Result<(), GitError> {
        let args = ["--end-of-options", reference, commit.as_str()];
        self.call("update-ref").args(args).bytes().await.map(drop)
    }

    /// A call of git within the mirror.
    pub(crate) fn call(&self, verb: &'static str) -> GitCall {
        self.inner.git.call(verb, &self.inner.path).git_dir(&self.inner.path)
    }

    /// Reads or writes objects through the library, off the async threads. `what` names the thing in an error.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        what: String,
        reading: impl FnOnce(&git2::Repository) -> Result<T, git2::Error> + Send + 'static,
    ) -> Result<T, GitError> {
        let inner = self.inner.clone();
        let read = tokio::task::spawn_blocking(move || {
            let repo = inner.opened()?;
            let value = reading(&repo)?;
            inner.keep_open(repo);
            Ok::<_, git2::Error>(value)
        });
        match read.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(GitError::Unreadable { what, why: error.message().to_owned() }),
            Err(stopped) => Err(GitError::Unreadable { what, why: stopped.to_string() }),
        }
    }

    /// A private directory beside the mirror, removed when dropped.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir, GitError> {
        tempfile::TempDir::new_in(&self.inner.scratch).map_err(|error| GitError::io(&self.inner.scratch, &error))
    }

    async fn has(&self, sha: &Sha) -> Result<bool, GitError> {
        let id = oid(sha);
        self.read(format!("object {sha}"), move |repo| {
            Ok(repo.odb()?.read_header(id).is_ok_and(|h| h.1 == ObjectType::Commit))
        })
        .await
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror").field("path", &self.path).field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl Inner {
    fn opened(&self) -> Result<git2::Repository, git2::Error> {
        prepare_library()?;
        let kept = self.opened.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.map_or_else(|| git2::Repository::open_bare(&self.path), Ok)
    }

    fn keep_open(&self, repo: git2::Repository) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.len() < OPENED_MAX {
            opened.push(repo);
        }
    }
}

/// Limits the library's memory, and keeps it away from the configuration of the person and the machine; a mistake in theirs would fail every read.
fn prepare_library() -> Result<(), git2::Error> {
    static ONCE: OnceLock<Result<(), String>> = OnceLock::new();
    let ignored = ONCE.get_or_init(|| {
        let levels = [ConfigLevel::ProgramData, ConfigLevel::System, ConfigLevel::XDG, ConfigLevel::Global];
        limit_cache()
            .and_then(|()| levels.into_iter().try_for_each(search_nowhere))
            .map_err(|error| error.message().to_owned())
    });
    ignored.clone().map_err(|why| git2::Error::from_str(&why))
}

#[expect(unsafe_code, reason = "the library has no other way to set this")]
fn search_nowhere(level: ConfigLevel) -> Result<(), git2::Error> {
    // SAFETY: the setting is global to the process. Only this crate uses the library, and every use of it comes after
    // the one initialisation that calls this, which other threads wait for.
    unsafe { git2::opts::set_search_path(level, "") }
}

#[expect(unsafe_code, reason = "the library has no other way to set this")]
fn limit_cache() -> Result<(), git2::Error> {
    // SAFETY: as below.
    unsafe { git2::opts::set_cache_max_size(OBJECT_CACHE_BYTES) }
}

const FETCH_OPTIONS: &[&str] = &["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--force"];

pub(crate) fn oid(sha: &Sha) -> Oid {
    Oid::from_str(sha.as_str()).expect("a Sha is 40 hexadecimal digits")
}

pub(crate) fn sha(id: Oid) -> Sha {
    id.to_string().parse().expect("the library prints 40 hexadecimal digits")
}
