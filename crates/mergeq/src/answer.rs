//! What a performer of this crate says when the forge or git did not do as asked. The one place where it is decided
//! what is worth another attempt.

use std::time::Duration;

use domain::QueueId;
use forge::{ForgeError, Repositories, Repository};
use store::Performed;

use crate::queue::{QueueEvent, repo_of};

/// An effect without an answer.
pub(crate) enum Unanswered {
    /// For now.
    Yet { after: Duration, why: String },
    /// For good.
    Ever { why: String },
}

impl Unanswered {
    pub(crate) fn into_performed(self, give_up: impl FnOnce(String) -> QueueEvent) -> Performed<QueueEvent> {
        match self {
            Self::Yet { after, why } => Performed::Retry { after, why },
            Self::Ever { why } => Performed::GiveUp(give_up(why)),
        }
    }
}

impl From<ForgeError> for Unanswered {
    fn from(error: ForgeError) -> Self {
        match error {
            ForgeError::Transient { after, why } => Self::Yet { after, why },
            ForgeError::Refused { why } | ForgeError::Unauthorized { why } => Self::Ever { why },
            ForgeError::Missing { what } => Self::Ever { why: what },
        }
    }
}

/// The repository of a queue. One that was taken out of the config is missing for good.
pub(crate) fn repository_of<'a>(all: &'a Repositories, queue: &QueueId) -> Result<&'a Repository, ForgeError> {
    let found = repo_of(queue).and_then(|name| all.get(&name));
    found.ok_or_else(|| ForgeError::Missing { what: format!("no repository is configured for queue {queue}") })
}
