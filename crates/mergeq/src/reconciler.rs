//! Tells queues what they could not hear: that somebody else moved a target.
//!
//! It is woken by signal and by period, takes no input, and may run at any moment, also twice at once: it notes what
//! the queue believes before it looks at the forge, and the queue ignores a look that is older than its belief.

use std::sync::Arc;
use std::time::Duration;

use domain::{Cause, DeliveryId};
use forge::{ForgeError, Repositories, Repository};
use store::{ApplyError, Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::queue::{Entry, Queue, QueueEvent, queue_id};

/// Why a target could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The forge did not answer.
    #[error("failed to read the target's head: {0}")]
    Forge(#[from] ForgeError),
    /// The queue could not be read.
    #[error("failed to read the queue: {0}")]
    Store(#[from] StoreError),
    /// The queue could not be told.
    #[error("failed to tell the queue: {0}")]
    Apply(#[from] ApplyError),
}

/// Compares what queues believe with what is true.
#[derive(Clone)]
pub struct Reconciler {
    store: Store,
    repositories: Repositories,
    /// Fire it when there is reason to look at once: a webhook, a start.
    pub signal: Arc<Notify>,
}

impl Reconciler {
    /// A reconciler for the queues of these repositories.
    pub fn new(store: Store, repositories: Repositories) -> Self {
        Self { store, repositories, signal: Arc::new(Notify::new()) }
    }

    /// Looks at every target once. One that cannot be seen hinders no other.
    pub async fn reconcile_all(&self) {
        for repository in self.repositories.iter() {
            if let Err(error) = self.reconcile(repository).await {
                warn!(repo = %repository.name, "could not reconcile: {error}");
            }
        }
    }

    /// Looks at one target and at the branches of those in its queue; true when the queue had to be told something.
    pub async fn reconcile(&self, repository: &Repository) -> Result<bool, ReconcileError> {
        let id = queue_id(&repository.name, &repository.target);
        let Some(queue) = self.store.load::<Queue>(&id).await? else { return Ok(false) };
        let is_pushed_to = self.look_at_branches(repository, &queue).await?;
        Ok(self.look_at_target(repository, queue).await? || is_pushed_to)
    }

    /// What was approved is what lands: a branch that somebody pushed to since is no longer that.
    async fn look_at_branches(&self, repository: &Repository, queue: &Queue) -> Result<bool, ReconcileError> {
        let ready = queue.entries.iter().filter(|entry| entry.is_ready());
        let shown = |entry: &Entry| Some((entry.change.branch.clone()?, entry.change.head.clone()));
        let published: Vec<_> = ready.filter_map(shown).collect();
        let pushed = repository.forge.pushed_to(&published).await?;
        for (branch, head) in &pushed {
            let its = |entry: &&Entry| entry.change.branch.as_ref() == Some(branch);
            let Some(entry) = queue.entries.iter().find(its).map(|entry| entry.change.id.clone()) else { continue };
            let look = DeliveryId::new(format!("look:{}:{entry}:{}:{head}", queue.id, self.store.now().as_ms()));
            let event = QueueEvent::HeadMoved { entry, head: head.clone() };
            self.store.apply::<Queue>(&queue.id, event, Cause::Delivery(look)).await?;
        }
        Ok(!pushed.is_empty())
    }

    async fn look_at_target(&self, repository: &Repository, queue: Queue) -> Result<bool, ReconcileError> {
        let id = queue.id.clone();
        let head = repository.forge.target_head().await?;
        if queue.head.as_ref() == Some(&head) {
            return Ok(false);
        }
        let look = DeliveryId::new(format!("look:{id}:{}:{head}", self.store.now().as_ms()));
        let event = QueueEvent::TargetMoved { seen: queue.head, head };
        self.store.apply::<Queue>(&id, event, Cause::Delivery(look)).await?;
        Ok(true)
    }

    /// Looks whenever the signal fires and at least once a `period`, until `stop` fires.
    #[expect(
        clippy::disallowed_methods,
        reason = "the period is a wish, not a debt: a look that is missed costs nothing"
    )]
    pub async fn run(&self, period: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.reconcile_all().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.signal.notified() => {}
                () = tokio::time::sleep(period) => {}
            }
        }
    }
}
