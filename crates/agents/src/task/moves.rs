//! The moves that several phases share: a session is queued, a wait begins, a task ends.

use std::time::Duration;

use domain::{Step, Timestamp};

use super::{Announcement, Deadline, Goal, PlanMode, Request, Task, TaskEffect, TaskState};

/// What the first session of a request is for.
pub(super) fn first_goal(request: &Request) -> Goal {
    match request.plan {
        PlanMode::Ask | PlanMode::Auto => Goal::Plan { feedback: Vec::new() },
        PlanMode::Off => Goal::Work { approved: None },
    }
}

/// Queues a session for `goal`, after `effects`.
pub(super) fn start(mut task: Task, goal: Goal, mut effects: Vec<TaskEffect>) -> Step<Task> {
    task.sessions += 1;
    task.state = TaskState::Queued { goal: goal.clone() };
    effects.push(TaskEffect::StartSession { session: task.sessions, goal });
    Step::owing(task, effects)
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

    pub(super) fn failed(mut self, why: String, goal: Goal) -> Step<Self> {
        self.state = TaskState::Failed { why, goal };
        self.ended(Vec::new())
    }
}
