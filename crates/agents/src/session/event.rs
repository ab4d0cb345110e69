//! What agents tell: the one language into which every driver turns its agent's own.
//!
//! Shaped after the Agent Client Protocol. Events tell people what goes on and feed the watch over a session; no
//! decision about a change is made on an agent's word.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One thing that an agent said or did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AgentEvent {
    /// The agent's own session began or was resumed.
    Started {
        /// By which it is resumed later.
        session: String,
        /// The model as the agent names it, where it says.
        model: Option<String>,
    },
    /// Words for the person; a piece of them where the agent streams.
    Said {
        /// The words.
        text: String,
    },
    /// Words of its reasoning, where it shows any.
    Thought {
        /// The words.
        text: String,
    },
    /// A tool call as it is now; the same id comes again when something changes.
    ToolCall(ToolCall),
    /// Its list of things to do as it is now.
    Todo {
        /// The entries in order.
        entries: Vec<TodoEntry>,
    },
    /// The plan that it proposes.
    PlanProposed {
        /// As it wrote it.
        text: String,
    },
    /// It works in another mode now.
    Mode {
        /// The agent's name for it.
        name: String,
    },
    /// What was used since the event of this kind before; drivers take differences where an agent adds up.
    Used(Usage),
    /// It tries a request again, after an error of the model.
    Retrying {
        /// What kind of error.
        class: ErrorClass,
        /// The agent's words.
        why: String,
    },
    /// The turn is over.
    TurnEnded {
        /// Why it stopped.
        reason: StopReason,
        /// Its last words.
        text: String,
    },
    /// The session broke.
    Broke {
        /// What kind of error.
        class: ErrorClass,
        /// The agent's words.
        why: String,
    },
    /// Something that this release does not know; shown as it came.
    Unknown {
        /// The line.
        line: String,
    },
}

/// One use of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The agent's id of it.
    pub id: String,
    /// What people read: `cargo test`, `edit src/lib.rs`.
    pub title: String,
    /// What kind of thing it does.
    pub kind: ToolKind,
    /// How far it is.
    pub status: ToolStatus,
    /// What it was called with, as JSON text; decides whether two calls are the same.
    pub input: String,
    /// The end of what it printed or answered.
    pub output: String,
    /// The files that it reads or changes.
    pub paths: Vec<PathBuf>,
}

/// What kind of thing a tool does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// Reads files.
    Read,
    /// Changes files.
    Edit,
    /// Runs a command.
    Execute,
    /// Looks for something.
    Search,
    /// Goes to the network.
    Fetch,
    /// Anything else.
    #[default]
    Other,
}

/// How far a tool call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// Announced, or waiting for a permission.
    #[default]
    Pending,
    /// Under way.
    Running,
    /// Done.
    Completed,
    /// Failed or refused.
    Failed,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoEntry {
    /// What.
    pub text: String,
    /// How far it is.
    pub status: ToolStatus,
}

/// What was used, in tokens, and what the agent says that it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The model as the agent names it; empty where it does not say.
    pub model: String,
    /// Input tokens that were not cached.
    pub input: u64,
    /// Input tokens read from a cache.
    pub cache_read: u64,
    /// Input tokens written to a cache.
    pub cache_write: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// The cost in millionths of a US dollar by the agent's own reckoning, where it reckons.
    pub cost_micros: Option<u64>,
}

/// Why a turn stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It says that it is done.
    Done,
    /// Somebody interrupted it.
    Interrupted,
    /// It came to the end of its output or its turns.
    Limit,
    /// It refused.
    Refused,
}

/// What kind of error broke a session; decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The key or login was refused: a person must act.
    Auth,
    /// No credit or quota is left: a person must act.
    Quota,
    /// Too many requests: later.
    Rate,
    /// The model's service is overloaded or broken: later.
    Overload,
    /// The service cannot be reached, or the stream broke: later.
    Network,
    /// The conversation outgrew the model's window.
    Context,
    /// The model or the service refused this request for what it is.
    Refused,
    /// The agent itself is at fault.
    Agent,
}
