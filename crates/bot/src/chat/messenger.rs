//! The seam to chat platforms.

use async_trait::async_trait;
use domain::{DeliveryId, MessageRef, Person, Platform, ThreadRef, Timestamp};
use serde::{Deserialize, Serialize};

/// A message that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The platform's id of this delivery; a redelivery repeats it.
    pub delivery: DeliveryId,
    /// The message itself.
    pub message: MessageRef,
    /// Who wrote it.
    pub author: Person,
    /// Their words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// A message to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The words, one paragraph a line.
    pub text: String,
    /// What people may answer with one click.
    pub choices: Vec<Choice>,
}

impl Said {
    /// Words without choices.
    pub fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), choices: Vec::new() }
    }
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What it reads.
    pub label: String,
    /// The command that it stands for.
    pub says: String,
}

impl Choice {
    /// A button that reads `label` and stands for `says`.
    pub fn new(label: &str, says: impl Into<String>) -> Self {
        Self { label: label.to_owned(), says: says.into() }
    }
}

/// One line of a thread's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who wrote it.
    pub author: String,
    /// Whether a program wrote it.
    pub is_bot: bool,
    /// When.
    pub at: Timestamp,
    /// The words.
    pub text: String,
}

/// A chat platform did not do as asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ChatError(pub String);

/// A chat platform.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Which one.
    fn platform(&self) -> Platform;

    /// Posts a message; with a key that was used before, gives back the message that was posted then.
    async fn post(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<MessageRef, ChatError>;

    /// Replaces a message's words and choices.
    async fn edit(&self, message: &MessageRef, said: &Said) -> Result<(), ChatError>;

    /// Puts an emoji on a message; once, however often it is asked.
    async fn react(&self, message: &MessageRef, emoji: &str) -> Result<(), ChatError>;

    /// The newest `count_max` lines of a thread up to and without `before`, oldest first.
    async fn history(&self, before: &MessageRef, count_max: usize) -> Result<Vec<Line>, ChatError>;
}
