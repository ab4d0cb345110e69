//! Where people's wishes reach a queue: finds it, opens it when the first change comes, keeps its rules as configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::{BranchName, Cause, QueueId, RepoName};
use store::{Applied, ApplyError, Store, StoreError};

use crate::queue::{Policy, Queue, QueueEvent, QueueView, queue_id};

/// The queues of an installation.
#[derive(Clone)]
pub struct QueueDesk {
    store: Store,
    rules: Arc<ArcSwap<BTreeMap<RepoName, (BranchName, Policy)>>>,
}

impl QueueDesk {
    /// A desk for the queues of these repositories.
    pub fn new(store: Store, rules: impl IntoIterator<Item = (RepoName, BranchName, Policy)>) -> Self {
        let desk = Self { store, rules: Arc::default() };
        desk.replace_rules(rules);
        desk
    }

    /// Takes other rules. A queue that exists goes by them after [`QueueDesk::enforce_policy`].
    pub fn replace_rules(&self, rules: impl IntoIterator<Item = (RepoName, BranchName, Policy)>) {
        let rules = rules.into_iter().map(|(repo, target, policy)| (repo, (target, policy))).collect();
        self.rules.store(Arc::new(rules));
    }

    fn rule_of(&self, repo: &RepoName) -> Option<(BranchName, Policy)> {
        self.rules.load().get(repo).cloned()
    }

    /// The queue of a repository, if the repository is configured.
    pub fn queue_of(&self, repo: &RepoName) -> Option<QueueId> {
        self.rule_of(repo).map(|(target, _)| queue_id(repo, &target))
    }

    /// Tells a repository's queue what happened, and opens it if it is not there yet.
    pub async fn tell(&self, repo: &RepoName, event: QueueEvent, cause: Cause) -> Result<Applied<Queue>, ApplyError> {
        let Some((target, policy)) = self.rule_of(repo) else {
            return Err(ApplyError::Missing { kind: "repository", id: repo.to_string() });
        };
        let start = || Queue::new(repo.clone(), target.clone(), policy.clone());
        self.store.apply_or_start(&queue_id(repo, &target), start, event, cause).await
    }

    /// Puts the configured rules into force in a queue that was opened under others; true when there was one.
    pub async fn enforce_policy(&self, repo: &RepoName, cause: Cause) -> Result<bool, ApplyError> {
        let Some((target, policy)) = self.rule_of(repo) else { return Ok(false) };
        let id = queue_id(repo, &target);
        let stored = self.store.load::<Queue>(&id).await.map_err(ApplyError::Store)?;
        if stored.is_none_or(|queue| queue.policy == policy) {
            return Ok(false);
        }
        self.store.apply::<Queue>(&id, QueueEvent::PolicyChanged { policy }, cause).await?;
        Ok(true)
    }

    /// A repository's queue as people see it; none when no change ever came.
    pub async fn view(&self, repo: &RepoName) -> Result<Option<QueueView>, StoreError> {
        let Some(id) = self.queue_of(repo) else { return Ok(None) };
        let queue = self.store.load::<Queue>(&id).await?;
        Ok(queue.as_ref().map(|queue| QueueView::of(queue, self.store.now())))
    }
}
