//! Runs the merge queue's checks in the agents' cage: the two contexts meet only here. What the checks print is kept in
//! the logs of the tasks whose changes are tested.

use std::sync::Arc;

use agents::cage::ProgressSink;
use agents::checks::{Gatekeeper, Inspected};
use agents::log::TaskLog;
use async_trait::async_trait;
use domain::{Sha, TaskId};
use forge::Repository;
use mergeq::queue::{Queue, queue_id};
use mergeq::{CheckRunner, GateReport};
use store::Store;
use tokio_util::sync::CancellationToken;

/// The queue's check runner.
pub struct CagedChecks {
    /// What runs checks in the cage.
    pub gatekeeper: Arc<Gatekeeper>,
    /// Where the tasks' logs are.
    pub store: Store,
}

impl CagedChecks {
    /// The tasks whose changes the commit holds. For their logs alone, so that none will do when it cannot be told.
    async fn tasks_in(&self, repository: &Repository, commit: &Sha) -> Vec<TaskId> {
        let queue = self.store.load::<Queue>(&queue_id(&repository.name, &repository.target)).await.ok().flatten();
        let runs = queue.iter().flat_map(|queue| &queue.runs);
        let tested = runs.filter(|run| run.candidate().is_some_and(|candidate| candidate.commit() == commit));
        tested.flat_map(|run| &run.set).filter_map(|entry| entry.as_str().parse().ok()).collect()
    }
}

#[async_trait]
impl CheckRunner for CagedChecks {
    async fn run(&self, repository: &Repository, commit: &Sha, stop: CancellationToken) -> Result<GateReport, String> {
        let log = TaskLog::of(&self.store, self.tasks_in(repository, commit).await);
        log.line("the merge queue tests what would land");
        match log.keep_during(Box::pin(self.gatekeeper.inspect(repository, commit, &log, stop))).await {
            Ok(Inspected::Unreadable(error)) => Ok(GateReport::Unreadable { why: error.to_string() }),
            Ok(Inspected::Read { gate, runs }) => Ok(GateReport::Read { gate, runs }),
            Err(error) => Err(error.to_string()),
        }
    }
}
