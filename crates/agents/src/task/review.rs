//! From a finished change to the target branch: published, in the queue, landed or sent back.

use domain::{Person, Rejected, Sha, Step, Timestamp};

use super::repair;
use super::state::Intent;
use super::{Announcement, Proof, PullRequest, Task, TaskEffect, TaskState, Work};

pub(super) fn publish(mut task: Task, work: Work) -> Step<Task> {
    task.state = TaskState::Publishing { work: work.clone() };
    Step::owing(task, [TaskEffect::EditCard, TaskEffect::Publish { work }])
}

pub(super) fn published(mut task: Task, head: &Sha, reference: &str, now: Timestamp) -> Step<Task> {
    let TaskState::Publishing { work } = &task.state else { return Step::quiet(task) };
    if work.head != *head {
        return Step::quiet(task);
    }
    let work = work.clone();
    let pull_request = PullRequest { reference: reference.to_owned(), work: work.clone() };
    if task.repair_under_way().is_some() {
        return repair::readmit(task, pull_request);
    }
    if task.request.merges_itself && work.may_land() && task.repair.is_none() {
        let by = work.approver().unwrap_or(&task.request.requester).clone();
        return enqueue(task, pull_request, by);
    }
    task.state = TaskState::InReview { pull_request, sent_back: None };
    let waiting = task.begin_wait(now, task.request.waits.review, None);
    let (reference, wait) = (reference.to_owned(), task.waits);
    let announce = TaskEffect::Announce(Announcement::ReadyToMerge { reference, work, wait });
    Step::owing(task, [vec![TaskEffect::EditCard, announce], waiting].concat())
}

fn enqueue(mut task: Task, pull_request: PullRequest, by: Person) -> Step<Task> {
    let work = pull_request.work.clone();
    task.state = TaskState::Merging { pull_request, by, intent: Intent::Land, note: None };
    Step::owing(task, [TaskEffect::EditCard, TaskEffect::Enqueue { work }])
}

pub(super) fn request_merge(task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    match &task.state {
        TaskState::InReview { pull_request, .. } => {
            if task.repair.is_some() {
                let next = format!("Say `merge {id}` again in a moment");
                return Err(Rejected::new(format!("{id} is still leaving the place that the queue kept for it"), next));
            }
            let red: Vec<_> = pull_request.work.red_checks().iter().map(|check| check.name.clone()).collect();
            if !red.is_empty() {
                return Err(Rejected::new(
                    format!("{id} does not pass its own checks: {}", red.join(", ")),
                    format!("Say `retry {id}`, or `revise {id}` with what should be different"),
                ));
            }
            let pull_request = pull_request.clone();
            Ok(enqueue(task, pull_request, by.clone()))
        }
        TaskState::Merging { by, .. } => Err(Rejected::new(
            format!("{id} is in the merge queue already; {by} sent it"),
            "Say `queue` to see where it stands".to_owned(),
        )),
        TaskState::Merged { commit, .. } => Err(Rejected::new(
            format!("{id} is merged already, as {}", commit.short()),
            "Ask for something new if more is to be done",
        )),
        _ => Err(Rejected::new(
            format!("{id} cannot be merged now: it is {}", task.state_in_words()),
            format!("Say `status {id}` to see what it needs first"),
        )),
    }
}

pub(super) fn dequeue(mut task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let TaskState::Merging { intent, .. } = &mut task.state else { return repair::dequeue(task, by) };
    if *intent != Intent::Land {
        return Err(Rejected::new(format!("{id} is leaving the queue already"), format!("Say `status {id}`")));
    }
    *intent = Intent::Dequeue { by: by.clone() };
    Ok(Step::owing(task, [TaskEffect::EditCard, TaskEffect::Withdraw { by: by.clone() }]))
}

pub(super) fn progressed(mut task: Task, news: Option<&String>) -> Step<Task> {
    let TaskState::Merging { note, .. } = &mut task.state else { return Step::quiet(task) };
    if let Some(news) = news {
        *note = Some(news.clone()).filter(|news| !news.is_empty());
    }
    Step::owing(task, [TaskEffect::EditCard])
}

pub(super) fn merged(mut task: Task, commit: &Sha, proof: Proof) -> Step<Task> {
    let TaskState::Merging { .. } = task.state else { return Step::quiet(task) };
    task.state = TaskState::Merged { commit: commit.clone(), proof };
    task.ended(vec![TaskEffect::CleanUp])
}

/// Whoever landed it hears of it, for the queue stands still until somebody acts.
pub(super) fn doubted(task: Task, why: &str) -> Step<Task> {
    Step::owing(task, [TaskEffect::Announce(Announcement::Doubted { why: why.to_owned() })])
}

/// The change and the intent of a task in the queue. A task enters it again only after the one outcome of its last stay
/// has arrived, so an outcome is never of an older stay.
fn in_queue(task: &Task) -> Option<(PullRequest, Intent)> {
    match &task.state {
        TaskState::Merging { pull_request, intent, .. } => Some((pull_request.clone(), intent.clone())),
        _ => None,
    }
}

pub(super) fn ejected(task: Task, why: &str, now: Timestamp) -> Step<Task> {
    let Some((pull_request, intent)) = in_queue(&task) else { return repair::lose_place(task) };
    if let Intent::Stop { by } = intent {
        return task.cancelled(format!("stopped by {by}"));
    }
    send_back(task, pull_request, why.to_owned(), now)
}

fn send_back(mut task: Task, pull_request: PullRequest, why: String, now: Timestamp) -> Step<Task> {
    task.state = TaskState::InReview { pull_request, sent_back: Some(why.clone()) };
    let waiting = task.begin_wait(now, task.request.waits.review, None);
    let announce = TaskEffect::Announce(Announcement::SentBack { why, wait: task.waits });
    Step::owing(task, [vec![TaskEffect::EditCard, announce], waiting].concat())
}

pub(super) fn withdrawn(task: Task, now: Timestamp) -> Step<Task> {
    let Some((pull_request, intent)) = in_queue(&task) else { return repair::lose_place(task) };
    let why = match intent {
        Intent::Stop { by } => return task.cancelled(format!("stopped by {by}")),
        Intent::Dequeue { by } => format!("taken out of the queue by {by}"),
        Intent::Land => "taken out of the queue".to_owned(),
    };
    send_back(task, pull_request, why, now)
}
