//! Asides: what people are asked beside the course of a task. Each holds until somebody answers it, or until the task has gone
//! where the question makes no sense any more; then its buttons close like every other's.

use domain::{Person, Rejected, Step};
use serde::{Deserialize, Serialize};

use super::steering::pause;
use super::word::WORD_BYTES_MAX;
use super::{Announcement, Task, TaskEffect, TaskEvent, TaskState};

/// How many asides of a task are open at once: more than its owner reads.
const OPEN_MAX: usize = 10;

/// All asides of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asides {
    /// How many there were; the number of the newest one.
    pub made: u32,
    /// Those that nobody has answered yet, oldest first.
    pub open: Vec<Aside>,
}

/// A question to the owner of a task that no session asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Counted from 1 within a task.
    pub number: u32,
    /// Whose doing it is.
    pub by: Person,
    /// What is asked.
    pub about: Matter,
}

/// What an aside is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Matter {
    /// Whether words of somebody who may not steer are passed on.
    Suggestion {
        /// The words.
        text: String,
    },
    /// Whether the task goes on although its request was taken back.
    Withdrawal {
        /// Where the task stood, in words that fit after "it is".
        standing: String,
    },
}

impl Asides {
    /// Whether there never were any; such a task is kept as before.
    pub fn is_untouched(&self) -> bool {
        self.made == 0
    }

    fn push(&mut self, by: &Person, about: Matter) -> Aside {
        self.made += 1;
        let aside = Aside { number: self.made, by: by.clone(), about };
        self.open.push(aside.clone());
        aside
    }
}

impl Aside {
    /// What is passed on of a suggestion: its words, with whose they are.
    pub fn passed_on(&self) -> Option<String> {
        match &self.about {
            Matter::Suggestion { text } => Some(format!("{text} (suggested by {})", self.by)),
            Matter::Withdrawal { .. } => None,
        }
    }

    /// Whether it can still be answered, once `event` has led to `task`.
    fn holds(&self, event: &TaskEvent, task: &Task) -> bool {
        match (&self.about, event) {
            (Matter::Suggestion { .. }, TaskEvent::Steered { text, .. }) if self.passed_on().as_ref() == Some(text) => {
                false
            }
            (Matter::Suggestion { .. }, _) => task.goal().is_some(),
            (Matter::Withdrawal { standing }, _) => !task.is_ended() && standing_of(task) == standing,
        }
    }
}

/// Where a task stands whose request was taken back; one that is held by that stays held until somebody says so.
fn standing_of(task: &Task) -> &'static str {
    match &task.state {
        TaskState::Pausing { .. } | TaskState::Paused { .. } => PAUSED,
        _ => task.state_in_words(),
    }
}

/// Where a task stands that is paused, or about to be.
pub const PAUSED: &str = "paused";

/// Takes out what can be answered no more, and says what it was.
pub(super) fn settle(task: &mut Task, event: &TaskEvent) -> Vec<Aside> {
    let open = std::mem::take(&mut task.asides.open);
    let (open, settled) = open.into_iter().partition(|aside| aside.holds(event, task));
    task.asides.open = open;
    settled
}

pub(super) fn suggest(mut task: Task, by: &Person, text: &str) -> Result<Step<Task>, Rejected> {
    let (id, owner, text) = (task.id, &task.request.requester, text.trim());
    let refused = |why: String, next: String| Err(Rejected::new(why, next));
    if task.goal().is_none() || text.is_empty() || text.len() > WORD_BYTES_MAX {
        let why = format!("No agent of {id} can be told that: it is {}", task.state_in_words());
        return refused(why, format!("Tell {owner}"));
    }
    if task.asides.open.len() >= OPEN_MAX {
        let why = format!("{id} has {OPEN_MAX} suggestions that nobody has answered, which is the limit");
        return refused(why, format!("Ask {owner} to look at them"));
    }
    let aside = task.asides.push(by, Matter::Suggestion { text: text.to_owned() });
    Ok(Step::owing(task, [TaskEffect::Announce(Announcement::Beside { aside })]))
}

/// Pauses what runs, and asks whether it is to go on.
pub(super) fn withdraw_request(task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let is_asked = |aside: &Aside| matches!(aside.about, Matter::Withdrawal { .. });
    if task.is_ended() || *by != task.request.requester || task.asides.open.iter().any(is_asked) {
        return Ok(Step::quiet(task));
    }
    let runs = task.runs_session() && !matches!(task.state, TaskState::Pausing { .. });
    let mut step = if runs { pause(task, by)? } else { Step::quiet(task) };
    let standing = standing_of(&step.state).to_owned();
    let aside = step.state.asides.push(by, Matter::Withdrawal { standing });
    step.effects.push(TaskEffect::Announce(Announcement::Beside { aside }));
    Ok(step)
}
