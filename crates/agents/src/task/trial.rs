//! A published change is tried: made and tested on the target as it is now, short of landing. It decides nothing, and ends
//! with whatever the change goes on to.

use domain::{Person, Rejected, Sha, Step};
use serde::{Deserialize, Serialize};

use super::{Announcement, Task, TaskEffect, TaskState};

/// A trial of a published change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The commit that is tried.
    pub head: Sha,
    /// Who wanted to know.
    pub by: Person,
    /// What came of it; absent while it is under way.
    pub result: Option<TrialResult>,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialResult {
    /// Whether the change could land.
    pub is_fit: bool,
    /// On what it was tried and how that ended, in words that fit after the change's name.
    pub words: String,
    /// What a person can do now, as a sentence without a full stop.
    pub next: String,
}

/// Begins one. Another takes the place of one that has ended: the target may have moved since.
pub(super) fn request(mut task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let TaskState::InReview { pull_request, .. } = &task.state else {
        let next = match task.state {
            TaskState::Merging { .. } => format!("The merge queue tests it before it lands; say `status {id}`"),
            _ => format!("A change that is ready to merge can be tried; say `status {id}` to see what it needs first"),
        };
        return Err(Rejected::new(format!("{id} cannot be tried now: it is {}", task.state_in_words()), next));
    };
    if let Some(Trial { by, result: None, .. }) = &task.trial {
        let why = format!("{id} is being tried already, because {by} asked for it");
        return Err(Rejected::new(why, format!("Say `log {id}` to read what its checks print")));
    }
    let work = pull_request.work.clone();
    task.trials += 1;
    let trial = task.trials;
    task.trial = Some(Trial { head: work.head.clone(), by: by.clone(), result: None });
    Ok(Step::owing(task, [TaskEffect::EditCard, TaskEffect::Try { trial, work }]))
}

/// Late unless this very trial is under way.
pub(super) fn end(mut task: Task, number: u32, result: &TrialResult) -> Step<Task> {
    match &mut task.trial {
        Some(trial) if trial.result.is_none() && task.trials == number => trial.result = Some(result.clone()),
        _ => return Step::quiet(task),
    }
    let announce = TaskEffect::Announce(Announcement::Tried { result: result.clone() });
    Step::owing(task, [TaskEffect::EditCard, announce])
}

/// Whichever way a change leaves the wait for the word to merge, what is known of it there goes, and nobody waits for more.
pub(super) fn settle(mut step: Step<Task>) -> Step<Task> {
    if step.state.is_tried_in_place() {
        return step;
    }
    if step.state.is_on_trial() {
        step.effects.push(TaskEffect::StopTrial);
    }
    step.state.trial = None;
    step
}

impl Task {
    /// Whether somebody waits for the end of a trial.
    pub fn is_on_trial(&self) -> bool {
        self.trial.as_ref().is_some_and(|trial| trial.result.is_none())
    }

    /// Whether what is tried, if anything is, is the change that waits for the word to merge.
    pub(super) fn is_tried_in_place(&self) -> bool {
        self.trial.as_ref().is_none_or(|trial| {
            matches!(&self.state, TaskState::InReview { pull_request, .. } if pull_request.work.head == trial.head)
        })
    }
}
