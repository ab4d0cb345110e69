//! How tasks end other than by landing: refused, stopped, failed, out of time; and how they begin again.

use std::time::Duration;

use domain::{Person, Rejected, Sha, Step, Timestamp};

use super::planning::{first_goal, start};
use super::state::Intent;
use super::{Announcement, Deadline, Goal, Task, TaskEffect, TaskState};

impl Task {
    /// Begins a wait: its deadline is `after` from now, and every older deadline is late from here on.
    pub(super) fn next_deadline(&mut self, now: Timestamp, after: Duration) -> Deadline {
        self.waits += 1;
        Deadline { wait: self.waits, at_ms: (now + after).as_ms() }
    }

    /// The step into an ended state, with its last word.
    pub(super) fn ended(self, mut effects: Vec<TaskEffect>) -> Step<Self> {
        effects.extend([TaskEffect::EditCard, TaskEffect::Announce(Announcement::Ended)]);
        Step::owing(self, effects)
    }

    pub(super) fn cancelled(mut self, why: String) -> Step<Self> {
        self.state = TaskState::Cancelled { why };
        self.ended(vec![TaskEffect::CleanUp])
    }

    fn failed(mut self, why: String, goal: Goal) -> Step<Self> {
        self.state = TaskState::Failed { why, goal };
        self.ended(Vec::new())
    }

    /// The state as it stands in a refusal: "it is …".
    pub fn state_in_words(&self) -> &'static str {
        match &self.state {
            TaskState::Queued { .. } => "waiting for its turn",
            TaskState::Planning { .. } => "being planned",
            TaskState::AwaitingApproval { .. } => "waiting for an approval",
            TaskState::Working { .. } => "being worked on",
            TaskState::Departed { .. } => "waiting for somebody to accept a change that goes beyond its plan",
            TaskState::Publishing { .. } => "being published",
            TaskState::InReview { .. } => "ready, waiting for the word to merge",
            TaskState::Merging { .. } => "in the merge queue",
            TaskState::Cancelling { .. } => "being stopped",
            TaskState::Merged { .. } => "merged",
            TaskState::Answered { .. } => "answered",
            TaskState::Cancelled { .. } => "cancelled",
            TaskState::Failed { .. } => "failed",
        }
    }
}

pub(super) fn refuse(task: Task, by: &Person, why: &str) -> Result<Step<Task>, Rejected> {
    match task.state {
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } => {
            let reason = if why.is_empty() { String::new() } else { format!(": {why}") };
            Ok(task.cancelled(format!("rejected by {by}{reason}")))
        }
        _ => {
            let id = task.id;
            Err(Rejected::new(
                format!("There is nothing of {id} to reject: it is {}", task.state_in_words()),
                format!("Say `stop {id}` to end it, or `status {id}` to see what it needs"),
            ))
        }
    }
}

pub(super) fn stop(mut task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    match &mut task.state {
        TaskState::Queued { .. } | TaskState::Planning { .. } | TaskState::Working { .. } => {
            task.state = TaskState::Cancelling { by: by.clone() };
            Ok(Step::owing(task, [TaskEffect::StopSession, TaskEffect::EditCard]))
        }
        TaskState::AwaitingApproval { .. }
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
        TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Failed { .. } => Err(Rejected::new(
            format!("{id} has ended already: it is {}", task.state_in_words()),
            format!("Say `retry {id}` if it should run again, or ask for something new"),
        )),
    }
}

/// The session of a task that is being stopped has ended, with whatever answer: one that finished just before the stop
/// reached it counts as stopped. Of any other task the answer is late.
pub(super) fn stopped(task: Task, session: u32) -> Step<Task> {
    match &task.state {
        TaskState::Cancelling { by } if session == task.sessions => {
            let why = format!("stopped by {by}");
            task.cancelled(why)
        }
        _ => Step::quiet(task),
    }
}

pub(super) fn fail_session(task: Task, session: u32, why: &str) -> Step<Task> {
    if session != task.sessions {
        return Step::quiet(task);
    }
    let goal = match &task.state {
        TaskState::Cancelling { .. } => return stopped(task, session),
        TaskState::Queued { goal } => goal.clone(),
        TaskState::Planning { feedback } => Goal::Plan { feedback: feedback.clone() },
        TaskState::Working { approved } => Goal::Work { approved: approved.clone() },
        _ => return Step::quiet(task),
    };
    task.failed(why.to_owned(), goal)
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

pub(super) fn retry(task: Task) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let goal = match &task.state {
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
    Ok(start(task, goal, vec![TaskEffect::EditCard]))
}

pub(super) fn expire(task: Task, deadline: Deadline) -> Step<Task> {
    if deadline.wait != task.waits {
        return Step::quiet(task);
    }
    match &task.state {
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } => {
            task.cancelled("nobody approved it in time".to_owned())
        }
        TaskState::InReview { .. } => task.cancelled("nobody merged it in time".to_owned()),
        _ => Step::quiet(task),
    }
}
