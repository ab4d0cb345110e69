//! Which paths each task is at work on, so that agents can keep out of each other's way. A courtesy, not a lock: the
//! queue decides what lands. Kept in memory alone; after a restart nobody has claimed anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use domain::{RepoName, TaskId};

use super::pattern::Pattern;
use crate::UNPOISONED;
use crate::task::Task;

/// The most patterns that one task claims, and the most files of which is known that it touched them: what one change
/// that people can still review has at most. Later ones are not kept.
const CLAIMED_MAX: usize = 100;
const TOUCHED_MAX: usize = 2_000;

/// Overlaps that are told; the more there are, the less each one matters.
const TOLD_MAX: usize = 20;

/// The claims of all tasks of an installation.
#[derive(Default)]
pub struct Claims {
    by_task: Mutex<BTreeMap<TaskId, Claim>>,
}

/// What one task is at work on.
struct Claim {
    repo: RepoName,
    who: String,
    claimed: BTreeSet<Pattern>,
    touched: BTreeSet<Pattern>,
}

impl Claims {
    /// Notes that a task changed files of its tree, by their paths in it.
    pub fn touch<'a>(&self, task: &Task, paths: impl IntoIterator<Item = &'a Path>) {
        let patterns: Vec<_> = paths.into_iter().filter_map(|path| Pattern::parse(path.to_str()?).ok()).collect();
        self.with_claim(task, |claim| {
            let room = TOUCHED_MAX.saturating_sub(claim.touched.len());
            claim.touched.extend(patterns.into_iter().take(room));
        });
    }

    /// Forgets what a task that has ended was at work on.
    pub fn release(&self, task: TaskId) {
        self.by_task.lock().expect(UNPOISONED).remove(&task);
    }

    /// Claims paths for a task, and tells which other live task of the repository claimed or touched any of them. What
    /// ended tasks claimed is forgotten.
    pub(super) fn claim(&self, task: &Task, patterns: &[Pattern], live: &BTreeSet<TaskId>) -> Result<String, String> {
        let is_full = self.with_claim(task, |claim| {
            let n_new = patterns.iter().filter(|pattern| !claim.claimed.contains(pattern)).count();
            let is_full = claim.claimed.len() + n_new > CLAIMED_MAX;
            if !is_full {
                claim.claimed.extend(patterns.iter().cloned());
            }
            is_full
        });
        if is_full {
            let why =
                format!("a task claims at most {CLAIMED_MAX} patterns; claim whole folders, such as `src/login/**`");
            return Err(why);
        }
        let mut by_task = self.by_task.lock().expect(UNPOISONED);
        by_task.retain(|id, _| live.contains(id) || *id == task.id);
        let others = by_task.iter().filter(|(id, claim)| **id != task.id && claim.repo == task.request.repo);
        let overlaps: Vec<String> = others.flat_map(|(id, claim)| claim.overlaps(*id, patterns)).collect();
        Ok(told(&overlaps))
    }

    fn with_claim<T>(&self, task: &Task, act: impl FnOnce(&mut Claim) -> T) -> T {
        let mut by_task = self.by_task.lock().expect(UNPOISONED);
        act(by_task.entry(task.id).or_insert_with(|| Claim::of(task)))
    }
}

impl Claim {
    fn of(task: &Task) -> Self {
        let who = format!("{} for {}: {}", task.request.agent, task.request.requester, task.title());
        Self { repo: task.request.repo.clone(), who, claimed: BTreeSet::new(), touched: BTreeSet::new() }
    }

    fn overlaps(&self, id: TaskId, patterns: &[Pattern]) -> Vec<String> {
        let meets_any = |theirs: &&Pattern| patterns.iter().any(|ours| ours.meets(theirs));
        let told = |deed: &str, theirs: &Pattern| format!("- {id} ({}) {deed} {theirs}", self.who);
        let touched = self.touched.iter().filter(meets_any).map(|theirs| told("has changed", theirs));
        let claimed = self.claimed.iter().filter(meets_any).map(|theirs| told("claimed", theirs));
        touched.chain(claimed).collect()
    }
}

fn told(overlaps: &[String]) -> String {
    if overlaps.is_empty() {
        return "Claimed. No other running task is at work on these paths.".to_owned();
    }
    let more = overlaps.len().saturating_sub(TOLD_MAX);
    let mut lines = vec![
        "Claimed, but others are at work on these paths. Keep out of their way where you can; a conflict is found when \
         the changes land, and then the later one is sent back."
            .to_owned(),
    ];
    lines.extend(overlaps.iter().take(TOLD_MAX).cloned());
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines.join("\n")
}
