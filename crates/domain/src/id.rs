//! Names of things as types, so that a queue's id can never be passed for a task's. They are parsed, not cast.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One task, shown to people and stored as `T-12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(u64);

impl TaskId {
    /// The task with this number, counted from 1 within one installation.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number alone.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T-{}", self.0)
    }
}

/// A text that is not the name of a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a task: a task is written T-1, T-2 and so on")]
pub struct NotATask(pub String);

impl FromStr for TaskId {
    type Err = NotATask;

    fn from_str(text: &str) -> Result<Self, NotATask> {
        let digits = text.strip_prefix("T-").or_else(|| text.strip_prefix("t-"));
        let number = digits.filter(|d| d.bytes().all(|b| b.is_ascii_digit())).and_then(|d| d.parse().ok());
        number.filter(|n| *n > 0).map(Self).ok_or_else(|| NotATask(text.to_owned()))
    }
}

impl TryFrom<String> for TaskId {
    type Error = NotATask;

    fn try_from(text: String) -> Result<Self, NotATask> {
        text.parse()
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.to_string()
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as the id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The merge queue of one target branch of one repository, `repo:branch`.
    QueueId
}

text_id! {
    /// One change in a merge queue. The queue gives it no meaning; the bot uses the task's id.
    EntryId
}

text_id! {
    /// One owed effect, `machine-id:version:n`; the idempotency key of whatever performs it.
    EffectId
}

text_id! {
    /// One thing that arrived from outside, under the id that its sender repeats.
    DeliveryId
}

impl From<TaskId> for EntryId {
    fn from(id: TaskId) -> Self {
        Self::new(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_id_reads_back_as_it_is_shown() {
        assert_eq!("T-12".parse(), Ok(TaskId::new(12)));
        assert_eq!("t-12".parse(), Ok(TaskId::new(12)));
        for bad in ["", "T-", "T-0", "12", "T-+1", "T-1x", "T-99999999999999999999"] {
            assert!(bad.parse::<TaskId>().is_err(), "{bad:?} was taken for a task");
        }
    }
}
