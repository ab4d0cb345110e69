//! How tasks end other than by landing: refused, stopped, failed, out of time; and how they begin again.

use std::time::Duration;

use domain::{Person, Rejected, Sha, Step, Timestamp};

use super::moves::{self, first_goal, start};
use super::repair;
use super::state::{Ground, Intent};
use super::{Announcement, Deadline, Goal, Task, TaskEffect, TaskState, Then};

pub(super) fn refuse(task: Task, by: &Person, why: &str) -> Result<Step<Task>, Rejected> {
    match task.state {
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } => {
            let reason = if why.is_empty() { String::new() } else { format!(": {why}") };
            Ok(task.cancelled(format!("rejected by {by}{reason}")))
        }
        _ => {
            let id = task.id;
            let why = format!("There is nothing of {id} to reject: it is {}", task.state_in_words());
            Err(Rejected::new(
                why,
                match task.is_ended() {
                    true => format!("Say `status {id}` to see how it ended"),
                    false => format!("Say `stop {id}` to end it, or `status {id}` to see what it needs"),
                },
            ))
        }
    }
}

pub(super) fn stop(mut task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    match &mut task.state {
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::Working { .. }
        | TaskState::Asking { .. }
        | TaskState::Pausing { .. } => {
            task.state = TaskState::Cancelling { by: by.clone() };
            Ok(Step::owing(task, [TaskEffect::StopSession, TaskEffect::EditCard]))
        }
        TaskState::AwaitingApproval { .. }
        | TaskState::Parked { .. }
        | TaskState::Paused { .. }
        | TaskState::Departed { .. }
        | TaskState::Publishing { .. }
        | TaskState::InReview { .. } => Ok(task.cancelled(format!("stopped by {by}"))),
        TaskState::Merging { intent, .. } => {
            let was = std::mem::replace(intent, Intent::Stop { by: by.clone() });
            let withdraw = if was == Intent::Land { vec![TaskEffect::Withdraw { by: by.clone() }] } else { Vec::new() };
            Ok(Step::owing(task, [withdraw, vec![TaskEffect::EditCard]].concat()))
        }
        TaskState::Cancelling { by } => {
            Err(Rejected::new(format!("{by} has stopped {id} already; it is ending"), format!("Say `status {id}`")))
        }
        TaskState::Merged { .. } | TaskState::Answered { .. } => Err(Rejected::new(
            format!("{id} has ended already: it is {}", task.state_in_words()),
            "Ask for something new if more is to be done",
        )),
        TaskState::Cancelled { .. } | TaskState::Failed { .. } => Err(Rejected::new(
            format!("{id} has ended already: it is {}", task.state_in_words()),
            format!("Say `retry {id}` if it should run again, or ask for something new"),
        )),
    }
}

pub(super) fn fail_session(task: Task, session: u32, why: &str, now: Timestamp) -> Step<Task> {
    if session != task.sessions {
        return Step::quiet(task);
    }
    match task.goal() {
        Some(goal) if task.runs_session() && !matches!(task.state, TaskState::Pausing { .. }) => {
            match task.repair_under_way() {
                Some(_) => repair::give_up(task, &format!("failed: {why}")),
                None => task.failed(why.to_owned(), goal),
            }
        }
        _ => moves::session_ended(task, session, now),
    }
}

pub(super) fn fail_publishing(task: Task, head: &Sha, why: &str) -> Step<Task> {
    match &task.state {
        TaskState::Publishing { work } if work.head == *head => {
            let goal = Goal::Work { approved: work.approved.clone() };
            task.failed(format!("the change could not be published: {why}"), goal)
        }
        _ => Step::quiet(task),
    }
}

/// Runs it again, from the target as it is now, with the same agent and model or with others.
pub(super) fn retry(mut task: Task, agent: Option<&str>, model: Option<&str>) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let goal = match &task.state {
        TaskState::Parked { goal, .. } | TaskState::Paused { goal, .. } => goal.clone(),
        TaskState::Failed { goal, .. } => goal.clone(),
        TaskState::Cancelled { .. } => first_goal(&task.request),
        TaskState::InReview { pull_request, .. } => Goal::Work { approved: pull_request.work.approved.clone() },
        _ => {
            return Err(Rejected::new(
                format!("{id} cannot be tried again now: it is {}", task.state_in_words()),
                format!("A failed or cancelled task, or one that was sent back, can; say `status {id}`"),
            ));
        }
    };
    if agent.is_some() || model.is_some() {
        task.request.model = model.map(str::to_owned);
    }
    if let Some(agent) = agent {
        task.request.agent = agent.to_owned();
    }
    Ok(start(task, goal, Ground::Target, vec![TaskEffect::EditCard]))
}

/// A moment of a wait has come; one of an older wait is late. What an unanswered question leaves is kept.
pub(super) fn expire(task: Task, deadline: Deadline, now: Timestamp) -> Step<Task> {
    if deadline.wait != task.waits {
        return Step::quiet(task);
    }
    if let Then::Remind { left } = deadline.then {
        return remind(task, deadline.wait, left);
    }
    match &task.state {
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } => {
            task.cancelled("nobody approved it in time".to_owned())
        }
        TaskState::Parked { goal, .. } => {
            let goal = goal.clone();
            moves::rest(task, goal, None, now)
        }
        TaskState::Paused { .. } => task.cancelled("nobody let it go on in time".to_owned()),
        TaskState::InReview { .. } => task.cancelled("nobody merged it in time".to_owned()),
        _ => Step::quiet(task),
    }
}

fn remind(task: Task, wait: u32, left: Duration) -> Step<Task> {
    let waits = matches!(
        task.state,
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } | TaskState::Parked { .. }
    );
    if !waits {
        return Step::quiet(task);
    }
    Step::owing(task, [TaskEffect::Announce(Announcement::Reminded { wait, left })])
}
