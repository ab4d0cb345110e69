//! A change that the merge queue sent back goes on in its own session while the queue keeps its place. The task is at work
//! like any other; that its change has a place to go back to is noted beside its state.

use domain::{Person, Rejected, Step, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use super::moves::start;
use super::state::{Ground, Intent};
use super::{Announcement, Goal, PullRequest, Task, TaskEffect, TaskState, Work};

/// What the merge queue sent back, and the place that it keeps meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// What was to land.
    pub pull_request: PullRequest,
    /// Who said merge.
    pub by: Person,
    /// What is wrong with it.
    pub trouble: Trouble,
    /// Until when its place is kept.
    pub until: Timestamp,
    /// Whether the place was given up and the queue has not said yet that it is gone.
    #[serde(default)]
    pub is_given_up: bool,
}

/// Why a change cannot land as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In words for people.
    pub why: String,
    /// The tasks with whose changes it does not go.
    pub rivals: Vec<TaskId>,
    /// What its checks printed last, for its agent; empty where none failed.
    pub printed: String,
}

/// How many characters of what an agent said last are repeated.
const SAID_CHARS_MAX: usize = 200;

impl Task {
    /// The repair that is under way, with a place that is still kept.
    pub fn repair_under_way(&self) -> Option<&Repair> {
        self.repair.as_ref().filter(|repair| !repair.is_given_up)
    }

    /// Whether it stands where a repair may be under way.
    pub(super) fn may_repair(&self) -> bool {
        matches!(self.state, TaskState::Departed { .. } | TaskState::Publishing { .. })
            || matches!(self.goal(), Some(Goal::Work { .. }))
    }
}

/// Late unless the change is in the queue to land: whoever takes it out hears of that end.
pub(super) fn begin(mut task: Task, trouble: &Trouble, until: Timestamp) -> Step<Task> {
    let TaskState::Merging { pull_request, by, intent: Intent::Land, .. } = &task.state else {
        return Step::quiet(task);
    };
    let goal = Goal::Work { approved: pull_request.work.approved.clone() };
    let ground = Ground::Repair { head: pull_request.work.head.clone() };
    let (pull_request, by, trouble) = (pull_request.clone(), by.clone(), trouble.clone());
    let announce = TaskEffect::Announce(Announcement::Repairing { why: trouble.why.clone(), until });
    task.repair = Some(Repair { pull_request, by, trouble, until, is_given_up: false });
    start(task, goal, ground, vec![TaskEffect::EditCard, announce])
}

/// Whether a repaired change needs nobody's second look: it adds and removes the lines that were looked at before.
pub(super) fn is_as_before(task: &Task, work: &Work) -> bool {
    task.repair_under_way().is_some() && work.altered.is_empty()
}

/// In what a repair goes beyond what a person approved before.
pub(super) fn departure(task: &Task, work: &Work) -> Option<String> {
    let before = &task.repair_under_way()?.pull_request.work;
    let has_approver = before.approver().is_some() && !work.altered.is_empty();
    has_approver.then(|| format!("its repair changes other lines than were approved, in {}", work.altered.join(", ")))
}

/// Puts the repaired change back in its place.
pub(super) fn readmit(mut task: Task, pull_request: PullRequest) -> Step<Task> {
    let Some(Repair { by, .. }) = task.repair.take() else { return Step::quiet(task) };
    let work = pull_request.work.clone();
    task.state = TaskState::Merging { pull_request, by, intent: Intent::Land, note: None };
    Step::owing(task, [TaskEffect::EditCard, TaskEffect::Readmit { work }])
}

/// Hands the change to the queue as it was, which sends it back for good.
pub(super) fn give_up(mut task: Task, why: &str) -> Step<Task> {
    let Some(Repair { pull_request, by, trouble, .. }) = task.repair.take() else { return Step::quiet(task) };
    let why = why.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let why = format!("{why}. It {}", trouble.why);
    task.state = TaskState::Merging { pull_request, by, intent: Intent::Land, note: None };
    Step::owing(task, [TaskEffect::EditCard, TaskEffect::GiveUpRepair { why }])
}

/// What an agent said last, short enough for a reason.
pub(super) fn quoted(answer: &str) -> String {
    let line = answer.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let cut: String = line.chars().take(SAID_CHARS_MAX).collect();
    if cut.is_empty() { String::new() } else { format!(": “{cut}”") }
}

/// A person takes the change out of the queue while it is repaired; the repair goes on.
pub(super) fn dequeue(mut task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    match &mut task.repair {
        Some(repair) if !repair.is_given_up => {
            repair.is_given_up = true;
            Ok(Step::owing(task, [TaskEffect::EditCard, TaskEffect::Withdraw { by: by.clone() }]))
        }
        Some(_) => Err(Rejected::new(
            format!("{id} is leaving the queue already"),
            format!("Say `status {id}` to see where it stands"),
        )),
        None => Err(Rejected::new(
            format!("{id} is not in the merge queue: it is {}", task.state_in_words()),
            format!("Say `status {id}` to see what it needs"),
        )),
    }
}

/// The queue no longer keeps its place. Its repair goes on, and waits for the word to merge like any change.
pub(super) fn lose_place(mut task: Task) -> Step<Task> {
    match task.repair.take() {
        Some(_) => Step::owing(task, [TaskEffect::EditCard]),
        None => Step::quiet(task),
    }
}

/// Whichever way a task leaves its repair, it gives its place up.
pub(super) fn settle(mut step: Step<Task>) -> Step<Task> {
    let stays = step.state.may_repair();
    if let Some(repair) = step.state.repair.as_mut().filter(|repair| !repair.is_given_up && !stays) {
        repair.is_given_up = true;
        step.effects.push(TaskEffect::Withdraw { by: repair.by.clone() });
    }
    step
}
