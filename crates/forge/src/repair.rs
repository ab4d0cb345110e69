//! What it takes to repair a branch that does not go with the target: both in one tree, with the lines of both where they
//! conflict; what of that is left; and whether the repaired branch still says what it said.

use std::collections::BTreeMap;

use domain::{Sha, TaskId};
use git2::{Diff, DiffLineType, DiffOptions};

use crate::candidate::Signature;
use crate::changes::path_of;
use crate::checkpoint::Checkpoint;
use crate::git::GitError;
use crate::merger::Merged;
use crate::mirror::{Mirror, oid};

/// What one file's change adds and removes, without where.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lines {
    added: Vec<Vec<u8>>,
    removed: Vec<Vec<u8>>,
    /// What a file becomes that is not compared line by line, and its mode.
    becomes: Option<(git2::Oid, u32)>,
}

impl Mirror {
    /// Keeps the merge of a branch with `base` as the next checkpoint of a task that goes on from there. Both commits must
    /// be in the mirror. In a file that conflicts the lines of both stand between marks, as `git merge` leaves them: first
    /// those of `base`, then what both began with, then those of `head`; each mark names its commit.
    pub async fn transplant(
        &self,
        task: TaskId,
        [base, head]: [&Sha; 2],
        by: &Signature,
    ) -> Result<Checkpoint, GitError> {
        let (Merged::Clean { tree } | Merged::Conflict { tree, .. }) = self.merge(base, head).await?;
        let words = format!("sent back: {} on {}", head.short(), base.short());
        self.keep_tree(task, &tree, base, (&words, by)).await
    }

    /// The files that differ from `base` in `head` and in which marks of a conflict are left, by path.
    pub async fn marked_files(&self, base: &Sha, head: &Sha) -> Result<Vec<String>, GitError> {
        let changed = self.changes(base, head).await?;
        let pattern = "^(<<<<<<<|>>>>>>>) [0-9a-f]{40}$";
        let call = self.call("grep").args(["--files-with-matches", "--null", "--text", "-E", "-e", pattern]);
        let output = call.args([head.as_str()]).run().await?;
        match output.code {
            Some(0) => {}
            Some(1) => return Ok(Vec::new()),
            Some(_) | None => return Err(output.failure("grep")),
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let marked = text.split('\0').filter_map(|line| line.strip_prefix(&format!("{head}:")));
        Ok(marked.filter(|path| changed.iter().any(|change| change.path == *path)).map(str::to_owned).collect())
    }

    /// The files in which two changes, each from a commit to another, do not add and remove the same lines in the same
    /// order. Where the lines stand does not count, as it does not for `git patch-id`; what stands around them does not
    /// count either.
    pub async fn altered(&self, before: [&Sha; 2], after: [&Sha; 2]) -> Result<Vec<String>, GitError> {
        let ids = [before, after].map(|pair| pair.map(oid));
        self.read(format!("what was altered from {} to {}", before[1], after[1]), move |repo| {
            let [mut before, after] = [lines_of(repo, ids[0])?, lines_of(repo, ids[1])?];
            let mut altered = Vec::new();
            for (path, lines) in after {
                if before.remove(&path).as_ref() != Some(&lines) {
                    altered.push(path);
                }
            }
            altered.extend(before.into_keys());
            altered.sort();
            Ok(altered)
        })
        .await
    }
}

fn lines_of(repo: &git2::Repository, [from, to]: [git2::Oid; 2]) -> Result<BTreeMap<String, Lines>, git2::Error> {
    let trees = [repo.find_commit(from)?.tree()?, repo.find_commit(to)?.tree()?];
    let mut options = DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).ignore_submodules(false);
    let diff = repo.diff_tree_to_tree(Some(&trees[0]), Some(&trees[1]), Some(&mut options))?;
    let mut files = whole_files(&diff);
    diff.foreach(
        &mut |_, _| true,
        None,
        None,
        Some(&mut |delta, _, line| {
            let lines = files.entry(path_of(&delta)).or_default();
            match line.origin_value() {
                DiffLineType::Addition => lines.added.push(line.content().to_owned()),
                DiffLineType::Deletion => lines.removed.push(line.content().to_owned()),
                _ => {}
            }
            true
        }),
    )?;
    // A file that was compared line by line counts by its lines and its mode.
    for lines in files.values_mut().filter(|lines| !lines.added.is_empty() || !lines.removed.is_empty()) {
        lines.becomes = lines.becomes.map(|(_, mode)| (git2::Oid::ZERO_SHA1, mode));
    }
    Ok(files)
}

fn whole_files(diff: &Diff<'_>) -> BTreeMap<String, Lines> {
    let whole = |delta: git2::DiffDelta<'_>| {
        let becomes = Some((delta.new_file().id(), u32::from(delta.new_file().mode())));
        (path_of(&delta), Lines { becomes, ..Lines::default() })
    };
    diff.deltas().map(whole).collect()
}
