//! Where a task stands, in words: its badge, what is going on, and what a person can say next. Pure.

use agents::task::{Approved, Goal, Intent, Proof, Repair, Task, TaskState, Trial, Work};
use forge::FileChange;
use mergeq::queue::{Place, Progress};
use serde::Serialize;

/// A state in a word or two, with the tone in which it is set. The word carries the meaning, the tone only repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Badge {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
}

/// How a badge is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    /// A person is needed.
    Waits,
    /// Something is going on.
    Runs,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// Nothing to look at.
    Quiet,
}

impl Tone {
    /// The class of the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Runs => "runs",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }
}

impl Badge {
    pub(crate) const fn new(word: &'static str, tone: Tone) -> Self {
        Self { word, tone }
    }
}

/// Where a task stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Standing {
    pub(crate) badge: Badge,
    /// What is going on, as a sentence without a full stop.
    pub(crate) now: String,
    /// What a person can say in the task's thread; empty when nothing is asked of anybody.
    pub(crate) commands: Vec<String>,
}

impl Standing {
    /// Of a task whose entry is at `place` in the merge queue, if it is in it.
    pub(crate) fn of(task: &Task, place: Option<&Progress>) -> Self {
        Self { badge: badge_of(&task.state), now: now_of(task, place), commands: commands_of(task) }
    }
}

fn badge_of(state: &TaskState) -> Badge {
    match state {
        TaskState::Queued { .. } => Badge::new("queued", Tone::Runs),
        TaskState::Planning { .. } => Badge::new("planning", Tone::Runs),
        TaskState::AwaitingApproval { .. } => Badge::new("approve plan", Tone::Waits),
        TaskState::Working { .. } => Badge::new("working", Tone::Runs),
        TaskState::Asking { .. } | TaskState::Parked { .. } => Badge::new("needs an answer", Tone::Waits),
        TaskState::Pausing { .. } => Badge::new("pausing", Tone::Runs),
        TaskState::Paused { .. } => Badge::new("paused", Tone::Waits),
        TaskState::Departed { .. } => Badge::new("accept change", Tone::Waits),
        TaskState::Publishing { .. } => Badge::new("publishing", Tone::Runs),
        TaskState::InReview { sent_back: Some(_), .. } => Badge::new("sent back", Tone::Bad),
        TaskState::InReview { pull_request, .. } if !pull_request.work.red_checks().is_empty() => {
            Badge::new("checks fail", Tone::Bad)
        }
        TaskState::InReview { pull_request, .. } if !pull_request.work.may_land() => {
            Badge::new("names no checks", Tone::Bad)
        }
        TaskState::InReview { .. } => Badge::new("ready to merge", Tone::Waits),
        TaskState::Merging { .. } => Badge::new("in queue", Tone::Runs),
        TaskState::Cancelling { .. } => Badge::new("stopping", Tone::Runs),
        TaskState::Merged { proof: Proof::Tested | Proof::AlreadyTested, .. } => Badge::new("merged", Tone::Good),
        TaskState::Merged { proof: Proof::Untested, .. } => Badge::new("merged untested", Tone::Good),
        TaskState::Answered { .. } => Badge::new("answered", Tone::Good),
        TaskState::Cancelled { .. } => Badge::new("cancelled", Tone::Quiet),
        TaskState::Failed { .. } => Badge::new("failed", Tone::Bad),
    }
}

fn now_of(task: &Task, place: Option<&Progress>) -> String {
    let now = stage_of(task, place);
    match task.repair_under_way() {
        Some(Repair { trouble, until, .. }) => {
            let kept = until.of_day();
            format!("{now}. It goes on in its place in the merge queue, kept until {kept}, because it {}", trouble.why)
        }
        None => now,
    }
}

fn stage_of(task: &Task, place: Option<&Progress>) -> String {
    match &task.state {
        TaskState::Queued { goal: Goal::Plan { .. } } => "Waits for its turn to plan".to_owned(),
        TaskState::Queued { goal: Goal::Work { approved } } => format!("Waits for its turn to work{}", under(approved)),
        TaskState::Planning { feedback } if feedback.is_empty() => "Planning, with nothing writable".to_owned(),
        TaskState::Planning { .. } => "Planning anew, with what people said".to_owned(),
        TaskState::AwaitingApproval { plan, .. } => {
            format!("Plan v{} waits for an approval: {}", plan.version, plan.draft.summary)
        }
        TaskState::Working { approved } => format!("At work{}", under(approved)),
        TaskState::Asking { open, .. } | TaskState::Parked { open, .. } => {
            format!("Asks: {}", first_line(&open.question.text))
        }
        TaskState::Pausing { by, .. } => format!("Pausing, as {by} said"),
        TaskState::Paused { by: Some(by), .. } => format!("Paused by {by}; what it has done is kept"),
        TaskState::Paused { by: None, .. } => "Paused, because nobody answered; what it has done is kept".to_owned(),
        TaskState::Departed { why, .. } => format!("Done, but stopped before publishing: {}", without_ticks(why)),
        TaskState::Publishing { work } => format!("Publishing {}", size(&work.changes)),
        TaskState::InReview { sent_back: Some(why), .. } => format!("Did not land: {}", first_line(why)),
        TaskState::InReview { pull_request, sent_back: None } => {
            let work = &pull_request.work;
            format!("Published with {}; {}{}", size(&work.changes), checks(work), trial(task))
        }
        TaskState::Merging { by, intent: Intent::Land, note, .. } => {
            let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            format!("{}, sent by {by}{note}", capitalised(&in_queue(place)))
        }
        TaskState::Merging { intent: Intent::Dequeue { by } | Intent::Stop { by }, .. } => {
            format!("Leaves the merge queue, as {by} said: {}", in_queue(place))
        }
        TaskState::Cancelling { by } => format!("Stopping, as {by} said"),
        TaskState::Merged { commit, proof } => {
            format!("Landed on {} as {}, {}", task.request.target, commit.short(), vouching(*proof))
        }
        TaskState::Answered { answer } => format!("Nothing to change: {}", first_line(answer)),
        TaskState::Cancelled { why } => capitalised(first_line(why)),
        TaskState::Failed { why, .. } => capitalised(first_line(why)),
    }
}

fn trial(task: &Task) -> String {
    match &task.trial {
        None => String::new(),
        Some(Trial { by, result: None, .. }) => format!("; being tried, as {by} said"),
        Some(Trial { result: Some(result), .. }) => format!("; tried: {}", first_line(&result.words)),
    }
}

fn commands_of(task: &Task) -> Vec<String> {
    let id = task.id;
    let say = |verbs: &[&str]| verbs.iter().map(|verb| format!("{verb} {id}")).collect();
    match &task.state {
        TaskState::AwaitingApproval { .. } => {
            vec![format!("approve {id}"), format!("revise {id} …"), format!("reject {id}")]
        }
        TaskState::Asking { .. } | TaskState::Parked { .. } => vec![format!("answer {id} …")],
        TaskState::Paused { .. } => say(&["resume"]),
        TaskState::Departed { .. } => say(&["approve", "reject"]),
        TaskState::InReview { pull_request, sent_back } => {
            match (pull_request.work.red_checks().is_empty(), sent_back) {
                (true, None) if !pull_request.work.may_land() => say(&["retry"]),
                (true, None) => say(&["merge", "try"]),
                (true, Some(_)) => say(&["retry", "merge"]),
                (false, _) => vec![format!("retry {id}"), format!("revise {id} …")],
            }
        }
        TaskState::Failed { .. } => say(&["retry"]),
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::Working { .. }
        | TaskState::Pausing { .. }
        | TaskState::Publishing { .. }
        | TaskState::Merging { .. }
        | TaskState::Cancelling { .. }
        | TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. } => Vec::new(),
    }
}

/// The badge of an entry's place in a queue.
pub(crate) fn badge_of_place(place: Place) -> Badge {
    match place {
        Place::Waiting => Badge::new("waiting", Tone::Quiet),
        Place::Staging => Badge::new("staging", Tone::Runs),
        Place::Testing => Badge::new("testing", Tone::Runs),
        Place::Passed => Badge::new("passed", Tone::Good),
        Place::Landing => Badge::new("landing", Tone::Runs),
        Place::Reserved { .. } => Badge::new("in repair", Tone::Waits),
    }
}

fn in_queue(place: Option<&Progress>) -> String {
    place.map_or_else(|| "entering the queue".to_owned(), Progress::to_string)
}

fn under(approved: &Option<Approved>) -> String {
    match approved {
        Some(Approved { plan, by: Some(by), .. }) => format!(" on plan v{}, approved by {by}", plan.version),
        Some(Approved { plan, by: None, .. }) => format!(" on plan v{}, approved by the policy", plan.version),
        None => String::new(),
    }
}

fn vouching(proof: Proof) -> &'static str {
    match proof {
        Proof::Tested => "tested in exactly that form",
        Proof::AlreadyTested => "already tested in exactly that form",
        Proof::Untested => "untested, because its repository asks for no checks",
    }
}

fn checks(work: &Work) -> String {
    let red: Vec<&str> = work.red_checks().iter().map(|check| check.name.as_str()).collect();
    match (work.checks.len(), red.len()) {
        (0, _) if !work.may_land() => "its repository names no checks, so it cannot land".to_owned(),
        (0, _) => "untested".to_owned(),
        (1, 0) => "its check passed".to_owned(),
        (n, 0) => format!("its {n} checks passed"),
        _ => format!("it does not pass {}", red.join(", ")),
    }
}

/// `+12 −3 in 4 files`.
pub(crate) fn size(changes: &[FileChange]) -> String {
    let added: u64 = changes.iter().map(|change| change.added).sum();
    let removed: u64 = changes.iter().map(|change| change.removed).sum();
    let files = if changes.len() == 1 { "file" } else { "files" };
    format!("+{added} −{removed} in {} {files}", changes.len())
}

/// The marks around code are for chat, where they set it in type.
pub(crate) fn without_ticks(text: &str) -> String {
    text.replace('`', "")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}
