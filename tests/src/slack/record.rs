//! What the app did, call by call and acknowledgement by acknowledgement.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

/// One call to the Web API.
#[derive(Clone, Debug)]
pub struct Call {
    /// Such as `chat.postMessage`.
    pub method: String,
    /// In which workspace, where the token was known.
    pub team: Option<String>,
    /// What it said.
    pub args: Map<String, Value>,
    /// When.
    pub at: Instant,
    /// `ok`, or the error word; a fault's own word where one was played.
    pub answered: String,
    /// Whether it was one too many for its rate.
    pub is_over: bool,
    /// Which program called.
    pub agent: String,
}

/// One acknowledgement.
#[derive(Clone, Debug)]
pub struct Ack {
    /// What was acknowledged: `app_mention`, `message.channels`, `block_actions`, `/agent` …
    pub what: String,
    /// Over which socket; none over HTTP.
    pub connection: Option<u64>,
    /// How long it took from the sending.
    pub latency: Duration,
    /// At which attempt, from 0.
    pub attempt: usize,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.method, self.answered)?;
        for name in ["channel", "ts", "thread_ts", "user", "name", "text"] {
            if let Some(value) = self.args.get(name) {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}
