//! What can go wrong with a call.

use std::time::Duration;

/// How a call fails, once.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// 429 with `Retry-After`, in seconds.
    RateLimited(u64),
    /// This HTTP status, with a page for an answer.
    Status(u16),
    /// `ok: false` with this word; nothing is done.
    Word(&'static str),
    /// The answer comes this late.
    Slow(Duration),
    /// The answer ends in the middle.
    Truncated,
    /// The answer is no JSON, under the name of JSON.
    Malformed,
    /// What was asked for is done, and the connection breaks before the answer.
    AnswerLost,
    /// What was asked for is done, and the answer says `fatal_error`.
    DoneButRefused,
}

impl Failure {
    /// The word for the record.
    pub fn word(&self) -> String {
        match self {
            Self::RateLimited(_) => "ratelimited".to_owned(),
            Self::Status(status) => format!("HTTP {status}"),
            Self::Word(word) => (*word).to_owned(),
            Self::Slow(_) => "slow".to_owned(),
            Self::Truncated => "truncated".to_owned(),
            Self::Malformed => "malformed".to_owned(),
            Self::AnswerLost => "answer lost".to_owned(),
            Self::DoneButRefused => "fatal_error".to_owned(),
        }
    }

    /// Whether the deed itself is done.
    pub fn is_done(&self) -> bool {
        match self {
            Self::RateLimited(_) | Self::Status(_) | Self::Word(_) => false,
            Self::Slow(_) | Self::Truncated | Self::Malformed | Self::AnswerLost | Self::DoneButRefused => true,
        }
    }
}
