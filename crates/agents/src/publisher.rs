//! Performs lane `publish`: shows a change to people, and clears up after it.
//!
//! Both halves may be repeated: a branch that already is at the commit stays there, and what is gone stays gone.

use std::sync::Arc;

use async_trait::async_trait;
use forge::{ForgeError, PullRequestDraft, Repositories};
use store::{Owed, Performed, Performer, Store};

use crate::evidence::{evidence, plain};
use crate::task::{Task, TaskEffect, TaskEvent, TaskState, Work};
use crate::tools::Claims;
use crate::workspace::Workspaces;
use crate::workspace::pictures::Pictures;

/// What publishing needs.
pub struct Publisher {
    /// To read tasks.
    pub store: Store,
    /// Where to.
    pub repositories: Repositories,
    /// What to clear up.
    pub workspaces: Workspaces,
    /// What to clear up with them.
    pub pictures: Pictures,
    /// What an ended task gives up.
    pub claims: Arc<Claims>,
}

impl Publisher {
    async fn publish(&self, task: &Task, work: &Work) -> Performed<TaskEvent> {
        // A task that was stopped in the meantime shows nothing any more.
        if !matches!(&task.state, TaskState::Publishing { work: wanted } if wanted.head == work.head) {
            return Performed::Finished;
        }
        let failed = |why: String| Performed::GiveUp(TaskEvent::PublishFailed { head: work.head.clone(), why });
        let Some(repository) = self.repositories.get(&task.request.repo) else {
            return failed(format!("the repository {} is not in the config any more", task.request.repo));
        };
        let (branch, title, body) = (task.branch(), task.title(), evidence(task, work));
        let draft = PullRequestDraft { branch, head: work.head.clone(), title, body };
        match repository.forge.publish(&draft).await {
            Ok(pull_request) => {
                Performed::Done(TaskEvent::Published { head: pull_request.head, reference: pull_request.reference })
            }
            Err(ForgeError::Transient { after, why }) => Performed::Retry { after, why },
            Err(error) => failed(error.to_string()),
        }
    }

    async fn clean_up(&self, task: &Task) -> Performed<TaskEvent> {
        // A task that was retried in the meantime works in this tree again.
        if !task.is_ended() {
            return Performed::Finished;
        }
        self.claims.release(task.id);
        let retry = |why: String| Performed::Retry { after: std::time::Duration::from_secs(2), why };
        if let Err(error) = self.workspaces.remove(task.id).await {
            return retry(error.to_string());
        }
        if let Some(pictures) = &task.request.pictures
            && let Err(error) = self.pictures.remove(pictures).await
        {
            return retry(error.to_string());
        }
        let Some(repository) = self.repositories.get(&task.request.repo) else { return Performed::Finished };
        let why = ending(&task.state).map_or_else(|| task.state_in_words().to_owned(), plain);
        let why = format!("{} ended: {}.", task.id, why.trim_end_matches('.'));
        match repository.forge.unpublish(&task.branch(), &why).await {
            Err(ForgeError::Transient { after, why }) => Performed::Retry { after, why },
            Err(error) => {
                tracing::warn!(task.id = %task.id, "the branch {} was left where it is: {error}", task.branch());
                Performed::Finished
            }
            Ok(()) => Performed::Finished,
        }
    }
}

/// Why it ended without a merge.
fn ending(state: &TaskState) -> Option<&str> {
    match state {
        TaskState::Cancelled { why } | TaskState::Failed { why, .. } => Some(why),
        _ => None,
    }
}

#[async_trait]
impl Performer for Publisher {
    type Machine = Task;

    async fn perform(&self, owed: &Owed<Task>) -> Performed<TaskEvent> {
        let task = match self.store.load::<Task>(&owed.machine).await {
            Ok(Some(task)) => task,
            Ok(None) => return Performed::Finished,
            Err(error) => return Performed::Retry { after: std::time::Duration::from_secs(1), why: error.to_string() },
        };
        match &owed.effect {
            TaskEffect::Publish { work } => self.publish(&task, work).await,
            TaskEffect::CleanUp => self.clean_up(&task).await,
            TaskEffect::StartSession { .. }
            | TaskEffect::StopSession
            | TaskEffect::PostCard
            | TaskEffect::EditCard
            | TaskEffect::Announce(_)
            | TaskEffect::CloseQuestion { .. }
            | TaskEffect::CloseOffer { .. }
            | TaskEffect::Enqueue { .. }
            | TaskEffect::Withdraw { .. }
            | TaskEffect::Readmit { .. }
            | TaskEffect::GiveUpRepair { .. }
            | TaskEffect::Try { .. }
            | TaskEffect::StopTrial
            | TaskEffect::AwaitDeadline(_) => Performed::Finished,
        }
    }

    fn bury(&self, owed: &Owed<Task>, why: &str) -> Option<TaskEvent> {
        let TaskEffect::Publish { work } = &owed.effect else { return None };
        Some(TaskEvent::PublishFailed { head: work.head.clone(), why: why.to_owned() })
    }
}
