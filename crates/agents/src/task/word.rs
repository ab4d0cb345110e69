//! What people and sessions say to each other while a task is under way: words for its sessions, and their questions.

use domain::{MessageRef, Person};
use serde::{Deserialize, Serialize};

use crate::session::people::Question;

/// How many words a task keeps for its sessions. More steering than that is another request.
pub const WORDS_MAX: usize = 100;
/// How long one of them may be, in bytes: two pages; what is longer belongs into a file of the repository.
pub const WORD_BYTES_MAX: usize = 10_000;

/// Something that a person said to the sessions of a task. It is kept as long as the goal for which it was said, so that
/// a session which begins again is told too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who.
    pub by: Person,
    /// What.
    pub text: String,
    /// What for.
    pub kind: WordKind,
    /// The message that said it, where it may be changed or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageRef>,
    /// The session that was told last; absent while it waits to be told.
    #[serde(default)]
    pub told: Option<u32>,
}

/// What a word is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WordKind {
    /// To be heard at the session's next chance.
    Remark,
    /// The same, but what the session does now ends first.
    Interruption,
    /// The answer to a question.
    Answer {
        /// Which.
        question: OpenQuestion,
        /// The session that it is for: the one that asked, or the one that goes on after it.
        session: u32,
    },
}

/// A question with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// Counted from 1 within a task.
    pub number: u32,
    /// What is asked.
    pub question: Question,
}

impl Word {
    /// A word that nobody was told yet.
    pub fn new(by: Person, text: String, kind: WordKind) -> Self {
        Self { by, text, kind, message: None, told: None }
    }

    /// The number of the question that it answers.
    pub fn answers(&self) -> Option<u32> {
        match &self.kind {
            WordKind::Answer { question, .. } => Some(question.number),
            WordKind::Remark | WordKind::Interruption => None,
        }
    }
}

impl std::fmt::Display for Word {
    /// As a prompt tells it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { by, text, .. } = self;
        match &self.kind {
            WordKind::Remark | WordKind::Interruption => write!(f, "{by}: {text}"),
            WordKind::Answer { question, .. } => {
                write!(f, "{by}: {text} (the answer to your question: {})", question.question.text)
            }
        }
    }
}
