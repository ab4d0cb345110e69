//! How the program ends, for scripts. The codes are part of the command line's contract: `downbeat help` lists them.

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::control::client::ClientError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It could not, for a reason outside the command line.
    Failed = 1,
    /// The command line is not right.
    Usage = 2,
    /// The config is not right.
    Config = 3,
    /// No instance is running, or it cannot be reached.
    NotRunning = 4,
    /// The policy or the state of things does not allow it.
    Refused = 5,
}

/// The codes, as the help shows them.
pub const EXIT_CODES: &str = "Exit codes:
  0  it did what was asked
  1  it could not, for a reason outside the command line
  2  the command line is not right
  3  the config is not right
  4  no instance is running, or it cannot be reached
  5  the policy or the state of things does not allow it";

impl Exit {
    /// The code that an error stands for.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return refused.exit;
        }
        if error.downcast_ref::<ConfigError>().is_some() {
            return Self::Config;
        }
        match error.downcast_ref::<ClientError>() {
            Some(
                ClientError::NotRunning { .. } | ClientError::Closed { .. } | ClientError::Silent | ClientError::Gone,
            ) => Self::NotRunning,
            Some(ClientError::Foreign(_)) | None => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that ended otherwise than by failing.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// The code.
    pub exit: Exit,
    /// What the person reads.
    pub why: String,
}
