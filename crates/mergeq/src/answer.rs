//! What a performer of this crate says when the forge or git did not do as asked. The one place where it is decided
//! what is worth another attempt.

use std::time::Duration;

use domain::{QueueId, Sha};
use forge::{ForgeError, Repositories, Repository};
use store::{Owed, Performed, Store};

use crate::queue::{Phase, Queue, QueueEvent, RunId, repo_of};

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

/// Whether the mirror has a commit, or could fetch it from the remote.
pub(crate) async fn has_commit(repository: &Repository, commit: &Sha) -> Result<bool, ForgeError> {
    match repository.mirror.ensure(commit).await.map_err(ForgeError::from) {
        Ok(()) => Ok(true),
        Err(ForgeError::Missing { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the queue still waits for the answer to what it owed for a run. Where that cannot be read it may.
pub(crate) async fn is_awaited(store: &Store, owed: &Owed<Queue>, id: RunId, in_phase: fn(&Phase) -> bool) -> bool {
    match store.load::<Queue>(&owed.machine).await {
        Ok(Some(queue)) => queue.runs.iter().any(|run| run.id == id && in_phase(&run.phase)),
        Ok(None) => false,
        Err(_) => true,
    }
}
