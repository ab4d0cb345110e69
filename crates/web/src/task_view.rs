//! One task as its page shows it.

use agents::money::Total;
use agents::task::{PlanMode, Task, TaskState};
use domain::time::humanize;
use domain::{EntryId, TaskId, Timestamp};
use forge::{CheckRun, Conclusion, FileChange};
use serde::Serialize;
use std::time::Duration;
use store::{StoreError, Table};

use crate::WebState;
use crate::evidence::Evidence;
use crate::moment::{Moment, printed};
use crate::queues::Queues;
use crate::reads;
use crate::standing::{Badge, Standing, Tone, size, without_ticks};
use crate::timeline::{Happening, timeline};

/// Files shown of a plan or a change. 50: a list to be read, not the difference itself.
const FILES_MAX: usize = 50;
/// Lines shown of a check's output, its last ones. 100: the end says what failed.
const OUTPUT_LINES_MAX: usize = 100;

/// Everything on a task's page.
#[derive(Debug, Serialize)]
pub(crate) struct TaskView {
    #[serde(skip)]
    pub(crate) now: Timestamp,
    pub(crate) id: String,
    pub(crate) title: String,
    /// The name of the state, as programs know it.
    pub(crate) state: &'static str,
    /// Whether nothing more happens to it unless somebody says so.
    pub(crate) ended: bool,
    /// The request in full, where the title does not say it all.
    pub(crate) request: Option<String>,
    #[serde(flatten)]
    pub(crate) standing: Standing,
    pub(crate) thread: String,
    pub(crate) facts: Vec<Fact>,
    pub(crate) created: Moment,
    pub(crate) changed: Moment,
    /// The rest of the agent's answer, or of what failed, after the line that the standing shows.
    pub(crate) last_words: Option<String>,
    pub(crate) plan: Option<PlanCard>,
    pub(crate) change: Option<ChangeCard>,
    pub(crate) timeline: Vec<Happening>,
    pub(crate) timeline_cut: bool,
    pub(crate) log: Vec<String>,
    pub(crate) log_cut: bool,
}

/// One line of a task's facts.
#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

impl Fact {
    /// Where it leads, if it is an address.
    pub(crate) fn link(&self) -> Option<&str> {
        let is_address = self.value.starts_with("https://") || self.value.starts_with("http://");
        is_address.then_some(self.value.as_str())
    }
}

/// A plan.
#[derive(Debug, Serialize)]
pub(crate) struct PlanCard {
    pub(crate) version: u32,
    pub(crate) hash: String,
    pub(crate) summary: String,
    pub(crate) steps: Vec<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) checks: Vec<String>,
    /// The tier, and what made it that.
    pub(crate) risk: String,
    pub(crate) approved_by: Option<String>,
}

/// A change with its checks.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeCard {
    pub(crate) size: String,
    pub(crate) base: String,
    pub(crate) head: String,
    /// The tier of what was really touched, and what made it that.
    pub(crate) risk: String,
    pub(crate) cage: String,
    pub(crate) files: Vec<FileChange>,
    pub(crate) files_left_out: usize,
    pub(crate) checks: Vec<CheckCard>,
}

/// One check of a change.
#[derive(Debug, Serialize)]
pub(crate) struct CheckCard {
    pub(crate) name: String,
    pub(crate) badge: Badge,
    pub(crate) how: String,
    pub(crate) output: String,
    pub(crate) is_red: bool,
}

impl TaskView {
    /// The task as it is now; none when there is no such task.
    pub(crate) async fn read(state: &WebState, id: TaskId) -> Result<Option<Self>, StoreError> {
        let (store, lines_max) = (&state.store, state.settings.lines_max);
        let now = store.now();
        let Some(task) = store.load::<Task>(&id).await? else { return Ok(None) };
        let changed_at = reads::changed_at(store, id).await?.unwrap_or(task.created_at);
        let queues = Queues::read(state, now).await?;
        let journal = reads::last_events(store, id, lines_max).await?;
        let log = reads::last_log_lines(store, id, lines_max).await?;
        let evidence = Evidence::of(&journal, task.plans);
        let used = agents::money::total_of(store, id).await?;
        Ok(Some(Self {
            now,
            id: id.to_string(),
            title: task.title(),
            state: Table::state(&task),
            ended: reads::Section::of(Table::state(&task)) == reads::Section::Ended,
            request: (task.request.text.trim() != task.title()).then(|| task.request.text.trim().to_owned()),
            standing: Standing::of(&task, queues.places.get(&EntryId::from(id))),
            thread: task.request.thread.to_string(),
            facts: facts_of(&task, &evidence, used.as_ref()),
            created: Moment::new(task.created_at, now),
            changed: Moment::new(changed_at, now),
            last_words: last_words_of(&task),
            change: change_of(&evidence),
            plan: plan_of(evidence),
            timeline_cut: journal.first().is_some_and(|first| first.version > 1),
            timeline: timeline(&journal, now),
            log_cut: log.first().is_some_and(|first| first.n > 1),
            log: log.iter().map(|line| printed(&line.line, 1)).collect(),
        }))
    }
}

fn facts_of(task: &Task, evidence: &Evidence, used: Option<&Total>) -> Vec<Fact> {
    let request = &task.request;
    let plan = match request.plan {
        PlanMode::Ask => "a person approves it",
        PlanMode::Auto => "the policy approves it at low risk",
        PlanMode::Off => "none; the change itself is looked at",
    };
    let merge = if request.merges_itself { "by itself once ready" } else { "when a person says so" };
    let fact = |name, value: String| Fact { name, value };
    let mut facts = vec![
        fact("Repository", request.repo.to_string()),
        fact("Lands on", request.target.to_string()),
        fact("Asked by", request.requester.to_string()),
        fact("Thread", request.thread.to_string()),
        fact("Agent", request.model.iter().fold(request.agent.clone(), |agent, model| format!("{agent} ({model})"))),
        fact("Read", request.receipt.clone()),
        fact("Plan", plan.to_owned()),
        fact("Merges", merge.to_owned()),
        fact("Sessions", task.sessions.to_string()),
    ];
    facts.extend(evidence.published_as.iter().map(|place| fact("Published", place.clone())));
    facts.extend(used.map(|used| fact("Cost", used.in_words())));
    facts
}

fn last_words_of(task: &Task) -> Option<String> {
    let words = match &task.state {
        TaskState::Answered { answer } => answer,
        TaskState::Failed { why, .. } => why,
        TaskState::InReview { sent_back: Some(why), .. } => why,
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::AwaitingApproval { .. }
        | TaskState::Working { .. }
        | TaskState::Asking { .. }
        | TaskState::Parked { .. }
        | TaskState::Pausing { .. }
        | TaskState::Paused { .. }
        | TaskState::Departed { .. }
        | TaskState::Publishing { .. }
        | TaskState::InReview { sent_back: None, .. }
        | TaskState::Merging { .. }
        | TaskState::Cancelling { .. }
        | TaskState::Merged { .. }
        | TaskState::Cancelled { .. } => return None,
    };
    // The first line is in the state's sentence.
    let (_, rest) = words.trim().split_once('\n')?;
    Some(printed(rest.trim_start_matches('\n'), OUTPUT_LINES_MAX))
}

fn plan_of(evidence: Evidence) -> Option<PlanCard> {
    let Evidence { plan, approved_by, .. } = evidence;
    plan.map(|plan| PlanCard {
        version: plan.version,
        hash: plan.short_hash().to_owned(),
        summary: plan.draft.summary,
        steps: plan.draft.steps,
        paths: plan.draft.paths.into_iter().take(FILES_MAX).collect(),
        checks: plan.draft.checks,
        risk: without_ticks(&plan.tier_because),
        approved_by,
    })
}

fn change_of(evidence: &Evidence) -> Option<ChangeCard> {
    let work = evidence.work.as_ref()?;
    Some(ChangeCard {
        size: size(&work.changes),
        base: work.base.short().to_owned(),
        head: work.head.short().to_owned(),
        risk: without_ticks(&work.tier_because),
        cage: work.cage.clone(),
        files: work.changes.iter().take(FILES_MAX).cloned().collect(),
        files_left_out: work.changes.len().saturating_sub(FILES_MAX),
        checks: work.checks.iter().map(check_of).collect(),
    })
}

fn check_of(check: &CheckRun) -> CheckCard {
    let badge = match check.conclusion {
        Conclusion::Passed => Badge::new("passed", Tone::Good),
        Conclusion::Failed => Badge::new("failed", Tone::Bad),
        Conclusion::TimedOut => Badge::new("timed out", Tone::Bad),
        Conclusion::Cancelled => Badge::new("cancelled", Tone::Quiet),
        Conclusion::NeverStarted => Badge::new("never started", Tone::Bad),
    };
    let mut how = vec![humanize(Duration::from_millis(check.duration_ms))];
    how.extend(check.exit.filter(|exit| *exit != 0).map(|exit| format!("exit {exit}")));
    how.extend((check.attempts > 1).then(|| format!("{} attempts", check.attempts)));
    how.extend((!check.failed_tests.is_empty()).then(|| format!("failed: {}", check.failed_tests)));
    CheckCard {
        name: check.name.clone(),
        badge,
        how: how.join(" · "),
        output: printed(&check.output_tail, OUTPUT_LINES_MAX),
        is_red: check.conclusion != Conclusion::Passed,
    }
}
