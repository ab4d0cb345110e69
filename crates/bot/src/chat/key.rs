//! The keys under which our messages are posted, so that they are found again: by an edit, and by whoever reacts to one.

use std::fmt;
use std::str::FromStr;

use agents::task::{Announcement, Plan};
use domain::TaskId;

/// What a message of ours is about, written `plan:T-1:2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is.
    pub of: Kept,
    /// Its task.
    pub task: TaskId,
    /// Which of several: the plan's version, the question's or the aside's number, the wait that began with it. Empty for a card.
    pub tag: String,
}

/// A message that is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The card.
    Card,
    /// A version of the plan.
    Plan,
    /// A question.
    Question,
    /// A change that goes beyond its approval.
    Departure,
    /// A change that is ready.
    Ready,
    /// What came of a trial.
    Trial,
    /// A change that the queue sent back.
    Back,
    /// A change that goes back to its agent.
    Repair,
    /// A landing that was not what it had to be.
    Doubt,
    /// That a wait goes on.
    Reminder,
    /// Something that its owner is asked beside its course.
    Aside,
    /// The last word.
    End,
}

impl Kept {
    const ALL: [Self; 12] = [
        Self::Card,
        Self::Plan,
        Self::Question,
        Self::Departure,
        Self::Ready,
        Self::Trial,
        Self::Back,
        Self::Repair,
        Self::Doubt,
        Self::Reminder,
        Self::Aside,
        Self::End,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Plan => "plan",
            Self::Question => "question",
            Self::Departure => "departure",
            Self::Ready => "ready",
            Self::Trial => "trial",
            Self::Back => "back",
            Self::Repair => "repair",
            Self::Doubt => "doubt",
            Self::Reminder => "reminder",
            Self::Aside => "aside",
            Self::End => "end",
        }
    }
}

impl Key {
    /// A task's card.
    pub fn card(task: TaskId) -> Self {
        Self { of: Kept::Card, task, tag: String::new() }
    }

    /// A version of a task's plan.
    pub fn plan(task: TaskId, plan: &Plan) -> Self {
        Self { of: Kept::Plan, task, tag: plan.version.to_string() }
    }

    /// What a task announces; `effect` tells apart what has no number of its own.
    pub fn announcement(task: TaskId, announcement: &Announcement, effect: &str) -> Self {
        let (of, tag) = match announcement {
            Announcement::PlanReady { plan } => return Self::plan(task, plan),
            Announcement::Asked { open } => (Kept::Question, open.number.to_string()),
            Announcement::Departed { wait, .. } => (Kept::Departure, wait.to_string()),
            Announcement::ReadyToMerge { wait, .. } => (Kept::Ready, wait.to_string()),
            Announcement::SentBack { wait, .. } => (Kept::Back, wait.to_string()),
            Announcement::Beside { aside } => (Kept::Aside, aside.number.to_string()),
            Announcement::Reminded { wait, .. } => (Kept::Reminder, wait.to_string()),
            Announcement::Repairing { .. } => (Kept::Repair, effect.to_owned()),
            Announcement::Tried { .. } => (Kept::Trial, effect.to_owned()),
            Announcement::Doubted { .. } => (Kept::Doubt, effect.to_owned()),
            Announcement::Ended => (Kept::End, effect.to_owned()),
        };
        Self { of, task, tag }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, task, tag } = self;
        match tag.as_str() {
            "" => write!(f, "{}:{task}", of.word()),
            tag => write!(f, "{}:{task}:{tag}", of.word()),
        }
    }
}

/// A text that is no key of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is the key of no message about a task")]
pub struct NotAKey(pub String);

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let unknown = || NotAKey(text.to_owned());
        let mut parts = text.splitn(3, ':');
        let word = parts.next().unwrap_or_default();
        let of = Kept::ALL.into_iter().find(|kept| kept.word() == word).ok_or_else(unknown)?;
        let task = parts.next().and_then(|task| task.parse().ok()).ok_or_else(unknown)?;
        Ok(Self { of, task, tag: parts.next().unwrap_or_default().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_is_written() {
        for text in ["card:T-1", "plan:T-1:2", "question:T-12:3", "end:T-1:task:7:0"] {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
        for text in ["", "T-1", "card", "reply:T-1", "plan:1:2", "console:abc"] {
            assert_eq!(text.parse::<Key>(), Err(NotAKey(text.to_owned())));
        }
    }
}
