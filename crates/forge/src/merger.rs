//! A git that stays: one `merge-tree --stdin` process answers merge after merge.
//!
//! To start git takes ten times as long as to merge two branches of a few thousand files. What the process was started
//! with holds for its whole life: the repository, and the attribute files of a base. It reads objects that were written
//! after it started. It ends with its standard input, so it never outlives us, and a question that it cannot answer
//! ends it too.
//!
//! Git before 2.49 passes an answer on only when its output buffer is full. So each question is followed by one more,
//! whose answer is longer than the buffer: a conflict over two files with very long names.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use domain::{Sha, Timestamp};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use crate::attributes::AttributeFiles;
use crate::candidate::{Signature, stamp};
use crate::git::{GitError, GitOutput, GitSettings, STDERR_BYTES_KEPT, last_lines};
use crate::group::ProcessGroup;
use crate::mirror::Mirror;

/// How a merge of two commits ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It has one outcome.
    Clean {
        /// The tree, written to the mirror.
        tree: Sha,
    },
    /// Both sides changed the same thing.
    Conflict {
        /// The tree, written to the mirror, in which the lines of both are marked.
        tree: Sha,
        /// Where, in the order of git's answer and each once.
        paths: Vec<String>,
    },
}

/// A process that waits for the next question.
#[derive(Debug)]
struct Merger {
    attributes: AttributeFiles,
    _work_tree: TempDir,
    /// Where it writes, if not into the mirror.
    _objects: Option<TempDir>,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    child: Child,
    group: ProcessGroup,
    /// Two commits whose merge has a long answer.
    padding: String,
    /// Printed and not yet read as an answer.
    printed: Vec<u8>,
    complaints: Vec<u8>,
    n_asked: usize,
}

/// A merger that a mirror keeps. One of each, because a queue makes one commit after the other and each repository has one.
#[derive(Debug)]
pub(crate) struct KeptMerger {
    writes: Writes,
    kept: Mutex<Option<(Merger, u32)>>,
}

/// What becomes of the trees and files that a merge makes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writes {
    /// They are in the mirror.
    Kept,
    /// They are gone with the process.
    Dropped,
}

/// After so many answers a process is replaced: git never gives back what it holds of commits, about a kilobyte each.
const ANSWERS_MAX: usize = 2_000;
/// The same for a process whose objects are dropped: each answer leaves about 20 KB of them in memory.
const DROPPED_MAX: usize = 1_000;
/// Where files are that never reach a disk. To write an object there costs a tenth.
const SHARED_MEMORY: &str = "/dev/shm";
/// What our directories there begin with, before the number of their process.
const PASSING_PREFIX: &str = "downbeat-probe-";
/// After so many looks at the target without a merge the process ends. There is a look a minute even when all is quiet.
const LOOKS_MAX: u32 = 16;
/// The names of the two files of the padding: as long as a path may be, so that their answer fills the largest output
/// buffer that a C library gives to a pipe, 8 KiB.
const PADDING_NAME_BYTES: usize = 4_095;
/// How much is read at once: an answer and its padding.
const CHUNK_BYTES: usize = 16 << 10;

impl Mirror {
    /// Merges two commits as git does, with the attributes of `base`. Both must be in the mirror.
    pub async fn merge(&self, base: &Sha, head: &Sha) -> Result<Merged, GitError> {
        self.merge_by(&self.inner.merger, base, head).await
    }

    /// Where two commits conflict; nowhere if they merge. Leaves nothing in the mirror, so that many can be asked about.
    pub async fn conflicts(&self, base: &Sha, head: &Sha) -> Result<Vec<String>, GitError> {
        Ok(match self.merge_by(&self.inner.prober, base, head).await? {
            Merged::Clean { .. } => Vec::new(),
            Merged::Conflict { paths, .. } => paths,
        })
    }

    async fn merge_by(&self, kept: &KeptMerger, base: &Sha, head: &Sha) -> Result<Merged, GitError> {
        let attributes = self.attribute_files(base).await?;
        if let Some(mut merger) = kept.take_for(&attributes) {
            match merger.ask(base, head, self.git().settings()).await {
                Ok(merged) => {
                    kept.keep(merger);
                    return Ok(merged);
                }
                Err(error @ GitError::TimedOut { .. }) => return Err(error),
                // It may have died of something else than this question, so a new process is asked.
                Err(error) => tracing::debug!("a merge process ended and is replaced: {error}"),
            }
        }
        let mut merger = self.start_merger(attributes, kept.writes).await?;
        let merged = merger.ask(base, head, self.git().settings()).await?;
        kept.keep(merger);
        Ok(merged)
    }

    async fn start_merger(&self, attributes: AttributeFiles, writes: Writes) -> Result<Merger, GitError> {
        let work_tree = self.written_attributes(&attributes).await?;
        let padding = self.read("the padding of answers".to_owned(), padding_commits).await?;
        let call = self.inner.git.call("merge-tree", work_tree.path()).git_dir(self.path()).work_tree(work_tree.path());
        let (objects, call) = match writes {
            Writes::Kept => (None, call),
            Writes::Dropped => {
                let objects = passing_directory().map_or_else(|| self.scratch(), Ok)?;
                let call = call.env("GIT_OBJECT_DIRECTORY", objects.path());
                (Some(objects), call.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.path().join("objects")))
            }
        };
        let call = call.config("merge.conflictStyle", "diff3");
        let (mut child, group) =
            call.args(["--write-tree", "--stdin", "-z", "--name-only", "--no-messages"]).start()?;
        let piped = "every pipe of a started call is ours";
        Ok(Merger {
            attributes,
            _work_tree: work_tree,
            _objects: objects,
            stdin: child.stdin.take().expect(piped),
            stdout: child.stdout.take().expect(piped),
            stderr: child.stderr.take().expect(piped),
            child,
            group,
            padding,
            printed: Vec::new(),
            complaints: Vec::new(),
            n_asked: 0,
        })
    }
}

impl KeptMerger {
    /// None yet.
    pub(crate) fn new(writes: Writes) -> Self {
        Self { writes, kept: Mutex::default() }
    }

    /// The kept merger, if it was started with these attributes; one with others ends here.
    fn take_for(&self, attributes: &AttributeFiles) -> Option<Merger> {
        let (merger, _) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        (merger.attributes == *attributes).then_some(merger)
    }

    fn keep(&self, merger: Merger) {
        let answers_max = match self.writes {
            Writes::Kept => ANSWERS_MAX,
            Writes::Dropped => DROPPED_MAX,
        };
        if merger.n_asked < answers_max {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((merger, 0));
        }
    }

    /// Counts a look at the target, and ends a merger that nobody has asked for many of them.
    pub(crate) fn note_look(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = kept.take().map(|(merger, n_looks)| (merger, n_looks + 1)).filter(|(_, n_looks)| *n_looks < LOOKS_MAX);
    }
}

impl Merger {
    /// Asks, and waits for the answer. After an error, or when the future is dropped, the merger is of no more use.
    async fn ask(&mut self, base: &Sha, head: &Sha, settings: &GitSettings) -> Result<Merged, GitError> {
        let limit = settings.local_limit;
        let Ok(asked) = tokio::time::timeout(limit, self.converse(base, head, settings.output_bytes_max)).await else {
            return Err(GitError::TimedOut { verb: "merge-tree", limit });
        };
        match asked? {
            Some(answer) => merged_tree(&answer),
            None => Err(self.failure(base, head).await),
        }
    }

    /// The answer; none when the process has ended.
    async fn converse(&mut self, base: &Sha, head: &Sha, bytes_max: usize) -> Result<Option<Vec<u8>>, GitError> {
        let question = format!("{base} {head}\n{}\n", self.padding);
        if self.stdin.write_all(question.as_bytes()).await.is_err() {
            return Ok(None);
        }
        self.n_asked += 1;
        if self.n_asked > 1 && self.next_record(bytes_max).await?.is_none() {
            return Ok(None);
        }
        self.next_record(bytes_max).await
    }

    /// What is printed up to the next empty field. No field of an answer is empty.
    async fn next_record(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, GitError> {
        let mut n_searched: usize = 0;
        loop {
            let from = n_searched.saturating_sub(1);
            if let Some(at) = self.printed[from..].windows(2).position(|pair| pair == [0, 0]) {
                let rest = self.printed.split_off(from + at + 2);
                let mut record = std::mem::replace(&mut self.printed, rest);
                record.truncate(from + at);
                return Ok(Some(record));
            }
            n_searched = self.printed.len();
            if n_searched > bytes_max {
                return Err(GitError::TooMuchOutput { verb: "merge-tree", bytes_max });
            }
            if self.read_more().await.unwrap_or(0) == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads what was printed, and meanwhile what was complained about, so that neither pipe holds git up.
    async fn read_more(&mut self) -> std::io::Result<usize> {
        let Self { stdout, stderr, printed, complaints, .. } = self;
        printed.reserve(CHUNK_BYTES);
        let mut hears = true;
        loop {
            tokio::select! {
                n = stdout.read_buf(printed) => return n,
                n = stderr.read_buf(complaints), if hears => {
                    hears = n? > 0;
                    complaints.drain(..complaints.len().saturating_sub(STDERR_BYTES_KEPT));
                }
            }
        }
    }

    /// Why the process ended.
    async fn failure(&mut self, base: &Sha, head: &Sha) -> GitError {
        let _ = (&mut self.stderr).take(STDERR_BYTES_KEPT as u64).read_to_end(&mut self.complaints).await;
        let code = self.child.wait().await.ok().and_then(|status| status.code());
        self.group.forget();
        let output = GitOutput { code, stdout: Vec::new(), stderr: last_lines(&self.complaints) };
        if output.stderr.contains("unrelated histories") {
            return GitError::Unrelated { base: base.to_string(), head: head.to_string() };
        }
        output.failure("merge-tree")
    }
}

/// A directory in memory; none where there is no such place. Those of processes that were killed are removed.
fn passing_directory() -> Option<TempDir> {
    let is_orphaned = |name: &str| {
        let pid = name.strip_prefix(PASSING_PREFIX).and_then(|rest| rest.split('-').next());
        pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
    };
    for entry in std::fs::read_dir(SHARED_MEMORY).ok()?.flatten() {
        if entry.file_name().to_str().is_some_and(is_orphaned) {
            // Another user's cannot be removed, and is none of ours.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let prefix = format!("{PASSING_PREFIX}{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(SHARED_MEMORY).ok()
}

/// Reads `1`, TREE for a clean merge, and `0`, TREE, PATH… for a conflict.
fn merged_tree(answer: &[u8]) -> Result<Merged, GitError> {
    let text = String::from_utf8_lossy(answer);
    let mut fields = text.split('\0');
    match (fields.next(), fields.next().map(str::parse)) {
        (Some("1"), Some(Ok(tree))) => Ok(Merged::Clean { tree }),
        (Some("0"), Some(Ok(tree))) => {
            let mut paths: Vec<String> = fields.map(str::to_owned).collect();
            paths.dedup();
            Ok(Merged::Conflict { tree, paths })
        }
        _ => Err(GitError::Unreadable { what: "the answer of merge-tree".to_owned(), why: text.into_owned() }),
    }
}

/// Writes two commits of which one changes two files and the other removes them, and names both.
fn padding_commits(repo: &git2::Repository) -> Result<String, git2::Error> {
    let at = Timestamp::from_ms(0);
    let nobody = stamp(&Signature { name: "Downbeat".to_owned(), email: "downbeat@localhost".to_owned(), at })?;
    let tree_of = |content: &[u8]| {
        let (blob, mut tree) = (repo.blob(content)?, repo.treebuilder(None)?);
        for letter in ["a", "b"] {
            tree.insert(letter.repeat(PADDING_NAME_BYTES), blob, 0o100_644)?;
        }
        repo.find_tree(tree.write()?)
    };
    let commit = |tree: &git2::Tree<'_>, parents: &[&git2::Commit<'_>]| {
        repo.find_commit(repo.commit(None, &nobody, &nobody, "padding", tree, parents)?)
    };
    let root = commit(&tree_of(b"0")?, &[])?;
    let changed = commit(&tree_of(b"1")?, &[&root])?;
    let removed = commit(&repo.find_tree(repo.treebuilder(None)?.write()?)?, &[&root])?;
    Ok(format!("{} {}", changed.id(), removed.id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_tree_or_the_paths_of_a_conflict() {
        let tree = "a".repeat(40);
        let answer = |text: String| merged_tree(text.as_bytes());
        assert_eq!(answer(format!("1\0{tree}")), Ok(Merged::Clean { tree: tree.parse().unwrap() }));
        let paths = vec!["x y".to_owned(), "z".to_owned()];
        let tree = tree.parse().unwrap();
        assert_eq!(answer(format!("0\0{tree}\0x y\0z\0z")), Ok(Merged::Conflict { tree, paths }));
        assert!(matches!(answer("warning".to_owned()), Err(GitError::Unreadable { .. })));
    }
}
