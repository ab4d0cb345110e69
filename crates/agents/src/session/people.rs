//! How a session reaches people while it runs: it asks, and is steered.

use async_trait::async_trait;
use domain::Person;
use serde::{Deserialize, Serialize};

/// Something that a session needs to know from a person before it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What it is about.
    pub about: QuestionKind,
    /// The question, for people.
    pub text: String,
    /// The answers to choose from, in order; may be empty, then any words answer it.
    pub choices: Vec<String>,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// The agent asks whether it may use a tool in this way.
    Permission,
    /// The agent has a question of its own.
    Question,
    /// It wants to reach a host that is not on the list.
    Host,
    /// It reached a cap of cost.
    Budget,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A person answered.
    Answered {
        /// Who.
        by: Person,
        /// One of the choices, or their words.
        text: String,
    },
    /// Nobody answered in time; the question stays open, and the answer begins the next turn.
    Unanswered,
}

/// Reaches the people of a task.
#[async_trait]
pub trait People: Send + Sync {
    /// Asks, and waits for as long as an agent may be kept waiting (four minutes; some agents give up after five). May
    /// be asked again after a crash: the same words in the same session are the same question.
    async fn ask(&self, question: Question) -> Reply;
}

/// What people, and the watch over it, say to a session that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steer {
    /// More words, to be heard at the next chance: within the turn where the agent can, else as the next turn.
    Say {
        /// Who.
        by: Person,
        /// What.
        text: String,
    },
    /// The same, but what it does now ends first.
    Interrupt {
        /// Who.
        by: Person,
        /// What; may be empty, then it only ends its turn.
        text: String,
    },
    /// A word of the watch over it, to be heard as early as the agent can.
    Nudge {
        /// What.
        text: String,
    },
}
