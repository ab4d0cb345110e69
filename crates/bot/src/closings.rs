//! Whoever closes a pull request on its forge says no to the change: its task is stopped, as by `stop` in the thread.
//!
//! It is found out by looking, so that it is noticed behind a firewall too; nothing else waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use agents::task::{Task, TaskEvent, TaskState, view};
use domain::{BranchName, Cause, DeliveryId, Person, RepoName, Sha, TaskId};
use forge::{Closed, Repositories, Repository};
use store::{ApplyError, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::clock;

/// How often it is looked: a request of GitHub's five thousand in an hour for each repository in which something waits.
const EVERY: Duration = Duration::from_secs(60);

/// Looks for pull requests that were closed.
#[derive(Clone)]
pub struct Closings {
    /// Where tasks are.
    pub store: Store,
    /// Where their pull requests are.
    pub repositories: Repositories,
}

/// The published changes of one repository.
type Published = BTreeMap<BranchName, (TaskId, Sha)>;

impl Closings {
    /// Looks every minute until `stop` fires.
    pub async fn run(&self, stop: CancellationToken) {
        let look = || async {
            if let Err(error) = self.look_once().await {
                tracing::warn!("nobody knows which pull requests were closed: {error}");
            }
        };
        clock::repeat(EVERY, &stop, look).await;
    }

    /// Looks once, and stops the tasks whose pull request was closed.
    pub async fn look_once(&self) -> Result<(), StoreError> {
        let mut waiting: BTreeMap<RepoName, Published> = BTreeMap::new();
        for id in view::live_ids(&self.store).await? {
            let Some(task) = self.store.load::<Task>(&id).await? else { continue };
            let Some(head) = head_of(&task) else { continue };
            waiting.entry(task.request.repo.clone()).or_default().insert(task.branch(), (id, head));
        }
        for (name, published) in waiting {
            let Some(repository) = self.repositories.get(&name) else { continue };
            self.look_at(repository, &published).await;
        }
        Ok(())
    }

    async fn look_at(&self, repository: &Repository, published: &Published) {
        let heads: Vec<_> = published.iter().map(|(branch, (_, head))| (branch.clone(), head.clone())).collect();
        let closed = repository.forge.closed(&heads).await.unwrap_or_else(|error| {
            tracing::warn!(repo = %repository.name, "nobody knows which pull requests were closed: {error}");
            Vec::new()
        });
        for one in closed {
            let Some((task, head)) = published.get(&one.branch) else { continue };
            if let Err(error) = self.stop(*task, head, &one).await {
                tracing::warn!(task.id = %task, "its pull request was closed, and it could not be stopped: {error}");
            }
        }
    }

    async fn stop(&self, task: TaskId, head: &Sha, closed: &Closed) -> Result<(), ApplyError> {
        let by = closed.by.as_ref().and_then(|by| format!("github.{by}").parse::<Person>().ok());
        let by = by.unwrap_or_else(|| "github".parse().expect("a name"));
        let delivery = DeliveryId::new(format!("closed:{}:{head}", closed.reference));
        match self.store.apply::<Task>(&task, TaskEvent::StopRequested { by }, Cause::Delivery(delivery)).await {
            Ok(_) | Err(ApplyError::Rejected(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The commit that its pull request shows.
fn head_of(task: &Task) -> Option<Sha> {
    match &task.state {
        TaskState::InReview { pull_request, .. } | TaskState::Merging { pull_request, .. } => {
            Some(pull_request.work.head.clone())
        }
        _ => None,
    }
}
