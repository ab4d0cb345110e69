//! What people may do to a task, by its state, as buttons. Each stands for words that anybody could say. Pure.

use agents::task::{Intent, OpenQuestion, Plan, Task, TaskState, Work};
use domain::TaskId;

use super::messenger::{Asks, Choice, Look};

/// What a card offers.
pub(super) fn of_card(task: &Task) -> Vec<Choice> {
    let id = task.id;
    match &task.state {
        TaskState::Queued { .. } | TaskState::Planning { .. } | TaskState::Working { .. } => {
            vec![pause(id), add_note(id), details(id), stop(id)]
        }
        TaskState::Asking { open, .. } | TaskState::Parked { open, .. } => {
            let mut offered = answers(id, open);
            offered.extend([details(id), stop(id)]);
            offered
        }
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } | TaskState::Pausing { .. } => {
            vec![details(id), stop(id)]
        }
        TaskState::Paused { .. } => vec![resume(id), add_note(id), details(id), stop(id)],
        TaskState::Publishing { .. } => vec![details(id), stop(id)],
        TaskState::InReview { pull_request, .. } => reviewed(id, &pull_request.work),
        TaskState::Merging { intent: Intent::Land, .. } => vec![dequeue(id), details(id)],
        TaskState::Merging { .. } | TaskState::Cancelling { .. } => vec![details(id)],
        TaskState::Cancelled { .. } | TaskState::Failed { .. } => vec![retry(id), details(id)],
        TaskState::Merged { .. } | TaskState::Answered { .. } => Vec::new(),
    }
}

/// The one thing to do next, where a person is waited for.
pub(super) fn next(task: &Task) -> Option<Choice> {
    let id = task.id;
    match &task.state {
        TaskState::AwaitingApproval { plan, .. } => Some(approve(id, plan)),
        TaskState::Departed { work, .. } => Some(accept(id, work)),
        TaskState::Asking { .. } | TaskState::Parked { .. } => Some(answer(id)),
        TaskState::Paused { .. } => Some(resume(id)),
        TaskState::InReview { pull_request, sent_back } => match (pull_request.work.may_land(), sent_back) {
            (true, None) => Some(merge(id)),
            _ => Some(retry(id)),
        },
        TaskState::Failed { .. } => Some(retry(id)),
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::Working { .. }
        | TaskState::Pausing { .. }
        | TaskState::Publishing { .. } => Some(stop(id)),
        TaskState::Merging { intent: Intent::Land, .. } => Some(dequeue(id)),
        TaskState::Merging { .. }
        | TaskState::Cancelling { .. }
        | TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. } => None,
    }
}

/// What decides a plan.
pub(super) fn of_plan(id: TaskId, plan: &Plan) -> Vec<Choice> {
    let asks = Asks::Steps { steps: plan.draft.steps.clone() };
    let edit = Choice { asks, ..Choice::new("Edit plan", format!("edit {id} v{}", plan.version)) };
    let cancel = Choice { look: Look::Danger, ..Choice::new("Cancel", format!("reject {id}")) };
    vec![approve(id, plan), edit, asking("Comment…", format!("revise {id}"), "What should be different?"), cancel]
}

/// What decides a change that goes beyond its approval.
pub(super) fn of_departure(id: TaskId, work: &Work) -> Vec<Choice> {
    vec![accept(id, work), revise(id), reject(id)]
}

/// What can be done with a change that is ready, most likely first.
pub(super) fn reviewed(id: TaskId, work: &Work) -> Vec<Choice> {
    match work.may_land() {
        true => vec![merge(id), retry(id)],
        false => vec![retry(id)],
    }
}

/// The answers that a question offers.
pub(super) fn answers(id: TaskId, open: &OpenQuestion) -> Vec<Choice> {
    let say = |choice: &String| Choice::new(choice, format!("answer {id} q{} {choice}", open.number));
    open.question.choices.iter().map(say).collect()
}

/// An answer in one's own words.
pub(super) fn answer(id: TaskId) -> Choice {
    asking("Answer…", format!("answer {id}"), "Your answer")
}

pub(super) fn retry(id: TaskId) -> Choice {
    Choice::new("Retry", format!("retry {id}"))
}

fn approve(id: TaskId, plan: &Plan) -> Choice {
    let says = format!("approve {id} v{} #{}", plan.version, plan.short_hash());
    Choice { look: Look::Go, ..Choice::new("Approve and run", says) }
}

fn accept(id: TaskId, work: &Work) -> Choice {
    let says = format!("approve {id} #{}", work.head.short());
    Choice { look: Look::Go, ..Choice::new("Accept the change", says) }
}

fn revise(id: TaskId) -> Choice {
    asking("Revise…", format!("revise {id}"), "What should be different?")
}

fn reject(id: TaskId) -> Choice {
    Choice { look: Look::Danger, ..Choice::new("Reject", format!("reject {id}")) }
}

fn merge(id: TaskId) -> Choice {
    Choice { look: Look::Go, ..Choice::new("Merge", format!("merge {id}")) }
}

fn dequeue(id: TaskId) -> Choice {
    Choice::new("Remove from queue", format!("dequeue {id}"))
}

/// Nothing is lost by it and stopping is to be easy, so it asks nothing first.
fn stop(id: TaskId) -> Choice {
    Choice::new("Stop", format!("stop {id}"))
}

fn pause(id: TaskId) -> Choice {
    Choice::new("Pause", format!("pause {id}"))
}

fn resume(id: TaskId) -> Choice {
    Choice { look: Look::Go, ..Choice::new("Resume", format!("resume {id}")) }
}

fn add_note(id: TaskId) -> Choice {
    asking("Add note…", format!("tell {id}"), "What should its agent know?")
}

/// Passes words of others on to an agent.
pub(super) fn pass_on(id: TaskId, words: &str) -> Choice {
    Choice { look: Look::Go, ..Choice::new("Add", format!("steer {id} {words}")) }
}

/// Lets a task go on whose request was taken back.
pub(super) fn go_on(id: TaskId) -> Choice {
    Choice { look: Look::Go, ..Choice::new("Go on", format!("resume {id}")) }
}

/// Ends a task whose request was taken back.
pub(super) fn end(id: TaskId) -> Choice {
    Choice { look: Look::Danger, ..stop(id) }
}

pub(super) fn details(id: TaskId) -> Choice {
    Choice::new("Details", format!("log {id}"))
}

fn asking(label: &str, says: String, prompt: &str) -> Choice {
    Choice { asks: Asks::Words { prompt: prompt.to_owned() }, ..Choice::new(label, says) }
}
