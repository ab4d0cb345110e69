//! The moves that several phases share: a session is queued, a wait begins, a task ends.

use std::time::Duration;

use domain::{Person, Step, Timestamp};

use super::state::Ground;
use super::{Announcement, Deadline, Goal, PlanMode, Request, Task, TaskEffect, TaskState, Then};

/// What the first session of a request is for.
pub(super) fn first_goal(request: &Request) -> Goal {
    match request.plan {
        PlanMode::Ask | PlanMode::Auto => Goal::Plan { feedback: Vec::new() },
        PlanMode::Off => Goal::Work { approved: None },
    }
}

/// Queues a session for `goal` on `ground`, after `effects`.
pub(super) fn start(mut task: Task, goal: Goal, ground: Ground, mut effects: Vec<TaskEffect>) -> Step<Task> {
    task.sessions += 1;
    task.state = TaskState::Queued { goal: goal.clone() };
    effects.push(TaskEffect::StartSession { session: task.sessions, goal, ground });
    Step::owing(task, effects)
}

/// Queues one more session for the same goal, from where the last one ended: people said something that it did not hear.
pub(super) fn go_on(mut task: Task) -> Step<Task> {
    let Some(goal) = task.goal() else { return Step::quiet(task) };
    let goal = match goal {
        Goal::Plan { mut feedback } => {
            feedback.extend(task.fold_words());
            Goal::Plan { feedback }
        }
        Goal::Work { approved } => Goal::Work { approved },
    };
    start(task, goal, Ground::Newest, vec![TaskEffect::EditCard])
}

/// The session of a task that is being stopped or paused has ended, with whatever answer: one that finished just before
/// the word reached it counts as stopped. Of any other task the answer is late.
pub(super) fn session_ended(task: Task, session: u32, now: Timestamp) -> Step<Task> {
    match task.state.clone() {
        _ if session != task.sessions => Step::quiet(task),
        TaskState::Cancelling { by } => task.cancelled(format!("stopped by {by}")),
        TaskState::Pausing { goal, by } => rest(task, goal, Some(by), now),
        _ => Step::quiet(task),
    }
}

/// Comes to rest until somebody lets it go on.
pub(super) fn rest(mut task: Task, goal: Goal, by: Option<Person>, now: Timestamp) -> Step<Task> {
    task.state = TaskState::Paused { goal, by };
    let wait = task.begin_wait(now, task.request.waits.review, None);
    Step::owing(task, [TaskEffect::EditCard].into_iter().chain(wait).collect::<Vec<_>>())
}

impl Task {
    /// Begins a wait of this length, with a reminder so long after its beginning where it has one; every deadline of an older
    /// one is late from here on.
    pub(super) fn begin_wait(
        &mut self,
        now: Timestamp,
        length: Duration,
        reminder: Option<Duration>,
    ) -> Vec<TaskEffect> {
        self.waits += 1;
        let wait = self.waits;
        let at =
            |after: Duration, then| TaskEffect::AwaitDeadline(Deadline { wait, at_ms: (now + after).as_ms(), then });
        let reminder = reminder.filter(|after| *after < length);
        let reminder = reminder.map(|after| at(after, Then::Remind { left: length - after }));
        [at(length, Then::End)].into_iter().chain(reminder).collect()
    }

    /// As [`Task::begin_wait`], for an approval.
    pub(super) fn await_approval(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        let waits = self.request.waits;
        self.begin_wait(now, waits.approval, Some(waits.approval_reminder))
    }

    /// What people said to its sessions, as feedback on the plan that is made anew or was made of it.
    pub(super) fn fold_words(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said).iter().map(ToString::to_string).collect()
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
