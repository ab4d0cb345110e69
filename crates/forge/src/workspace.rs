//! Working trees: made for agents, read back from them, laid out for checks.
//!
//! An agent may write anything into its workspace, its `.git` included, and git runs programs that a repository's own
//! configuration names (hooks, filters, monitors). So once an agent has been there, git is only ever run with the
//! mirror for its repository and an index of our own; the workspace's `.git` is not read again.

use std::path::{Path, PathBuf};

use domain::{BranchName, Sha};

use crate::candidate::{Signature, Signatures};
use crate::git::{GitCall, GitError};
use crate::mirror::Mirror;

/// What is checked out in a workspace that was prepared for nobody in particular.
const PREPARED_BRANCH: &str = "downbeat/prepared";

impl Mirror {
    /// Makes a workspace in `dir`, which must be missing or empty: a clone that borrows the mirror's objects, with
    /// `branch` checked out at `base`. The mirror must have `base`.
    pub async fn clone_workspace(&self, dir: &Path, base: &Sha, branch: &BranchName) -> Result<(), GitError> {
        let options = ["--shared", "--no-checkout", "--no-tags", "--quiet", "--template=", "--end-of-options"];
        let clone = self.inner.git.call("clone", &self.inner.scratch).args(options);
        clone.args([self.path(), dir]).bytes().await?;
        let checkout = self.in_fresh("checkout", dir).work_tree(dir);
        checkout.args(["--quiet", "--no-track", "-B", branch.as_str(), base.as_str(), "--"]).bytes().await.map(drop)
    }

    /// Makes a workspace ready for a task that nobody has asked for yet, at the commit `at`. What was made is only good
    /// for [`Mirror::claim_workspace`], and only while nobody but us was in it.
    pub async fn prepare_workspace(&self, dir: &Path, at: &Sha) -> Result<(), GitError> {
        let nameless = PREPARED_BRANCH.parse().expect("the name is a branch's");
        self.clone_workspace(dir, at, &nameless).await
    }

    /// Brings a workspace that was prepared at another commit to `at`: only the files that differ are written.
    pub async fn update_workspace(&self, dir: &Path, at: &Sha) -> Result<(), GitError> {
        let reset = self.in_fresh("reset", dir).work_tree(dir);
        reset.args(["--hard", "--quiet", "--end-of-options", at.as_str(), "--"]).bytes().await.map(drop)
    }

    /// Gives a prepared workspace its branch; it stays at the commit where it is.
    pub async fn claim_workspace(&self, dir: &Path, branch: &BranchName) -> Result<(), GitError> {
        let rename = self.in_fresh("branch", dir).config("core.logAllRefUpdates", "false");
        rename.args(["-M", "--end-of-options", PREPARED_BRANCH, branch.as_str()]).bytes().await.map(drop)
    }

    /// Moves the branch of a workspace that nobody but us was in back to `base`. Its files stay, as changes that nobody
    /// has committed.
    pub async fn uncommit_workspace(&self, dir: &Path, base: &Sha) -> Result<(), GitError> {
        let reset = self.in_fresh("reset", dir).work_tree(dir);
        reset.args(["--mixed", "--quiet", "--end-of-options", base.as_str(), "--"]).bytes().await.map(drop)
    }

    /// A call with a workspace's own `.git`, which is only right before an agent was there.
    fn in_fresh(&self, verb: &'static str, dir: &Path) -> GitCall {
        self.inner.git.call(verb, dir).git_dir(&dir.join(".git"))
    }

    /// Commits what the working tree in `dir` holds as one child of `base`, and keeps it under
    /// `refs/downbeat/tasks/<branch>`. `None` means that nothing changed.
    ///
    /// Ignored files stay out. A symbolic link is committed as a link, wherever it points. Repositories within the tree
    /// are left out and submodules stay at the commit that `base` names; the log says which repositories were left out.
    #[expect(clippy::too_many_arguments, reason = "a commit is these five, and a struct of them would have one user")]
    pub async fn commit_workspace(
        &self,
        dir: &Path,
        base: &Sha,
        branch: &BranchName,
        message: &str,
        author: &Signature,
    ) -> Result<Option<Sha>, GitError> {
        let tree = self.tree_in_workspace(dir, base).await?;
        let by = Signatures { author, committer: author };
        let Some(commit) = self.write_commit(base, &tree, message, by).await? else { return Ok(None) };
        self.point(&format!("refs/downbeat/tasks/{branch}"), &commit).await?;
        Ok(Some(commit))
    }

    /// Writes the tree that `base` becomes by what the working tree in `dir` holds.
    pub(crate) async fn tree_in_workspace(&self, dir: &Path, base: &Sha) -> Result<Sha, GitError> {
        let scratch = self.scratch()?;
        let reading = WorkspaceReading { mirror: self, dir, index: scratch.path().join("index") };
        reading.tree_over(base).await
    }

    /// Lays the files of a commit or a tree out in `dir`, which must be missing or empty, without a `.git`. No filter is
    /// run, and submodules are empty directories.
    pub async fn checkout_tree(&self, commit_or_tree: &Sha, dir: &Path) -> Result<(), GitError> {
        let failed = |error: std::io::Error| GitError::io(dir, &error);
        tokio::fs::create_dir_all(dir).await.map_err(failed)?;
        if tokio::fs::read_dir(dir).await.map_err(failed)?.next_entry().await.map_err(failed)?.is_some() {
            return Err(GitError::Io { path: dir.to_owned(), why: "the directory is not empty".to_owned() });
        }
        let scratch = self.scratch()?;
        let reading = WorkspaceReading { mirror: self, dir, index: scratch.path().join("index") };
        reading.call("read-tree").args(["--reset", "-u", commit_or_tree.as_str()]).bytes().await.map(drop)
    }
}

/// A working tree, read with the mirror for its repository and an index that nobody else has.
struct WorkspaceReading<'a> {
    mirror: &'a Mirror,
    dir: &'a Path,
    index: PathBuf,
}

impl WorkspaceReading<'_> {
    /// Writes the tree that `base` becomes by what the working tree holds.
    async fn tree_over(&self, base: &Sha) -> Result<Sha, GitError> {
        self.call("read-tree").args([base.as_str()]).bytes().await?;
        let mut left_out = self.submodules().await?;
        left_out.extend(self.nested_repositories().await?);
        self.add_all_but(&left_out).await?;
        let tree = self.call("write-tree").text().await?;
        tree.parse().map_err(|_| GitError::Unreadable { what: "the tree of a workspace".to_owned(), why: tree })
    }

    fn call(&self, verb: &'static str) -> GitCall {
        let call = self.mirror.inner.git.call(verb, self.dir);
        call.git_dir(self.mirror.path()).work_tree(self.dir).index(&self.index)
    }

    /// The submodules of the index. `git add` must not look at one: it would run git in the working tree's copy, with
    /// that copy's own configuration.
    async fn submodules(&self) -> Result<Vec<Vec<u8>>, GitError> {
        let listed = self.call("ls-files").args(["-z", "--stage"]).bytes().await?;
        Ok(fields(&listed).filter_map(submodule_in).collect())
    }

    async fn nested_repositories(&self) -> Result<Vec<Vec<u8>>, GitError> {
        let listed = self.call("ls-files").args(["-z", "--others", "--exclude-standard"]).bytes().await?;
        // Only what git will not look into is listed with a slash at its end.
        let nested: Vec<Vec<u8>> = fields(&listed).filter_map(|path| Some(path.strip_suffix(b"/")?.to_vec())).collect();
        for path in &nested {
            let path = String::from_utf8_lossy(path);
            tracing::warn!(workspace = %self.dir.display(), %path, "a repository within the workspace was left out");
        }
        Ok(nested)
    }

    async fn add_all_but(&self, left_out: &[Vec<u8>]) -> Result<(), GitError> {
        let mut paths = b":(top)".to_vec();
        for path in left_out {
            paths.extend_from_slice(b"\0:(top,exclude,literal)");
            paths.extend_from_slice(path);
        }
        let call = self.call("add").args(["--all", "--pathspec-from-file=-", "--pathspec-file-nul"]);
        call.stdin(paths).bytes().await.map(drop)
    }
}

/// The path out of `160000 COMMIT STAGE<tab>PATH`, where that mode marks a submodule.
fn submodule_in(entry: &[u8]) -> Option<Vec<u8>> {
    let path = entry.iter().position(|byte| *byte == b'\t')? + 1;
    entry.starts_with(b"160000 ").then(|| entry[path..].to_vec())
}

fn fields(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0).filter(|field| !field.is_empty())
}
