//! Runs the merge queue's checks in the agents' cage: the two contexts meet only here.

use std::sync::Arc;

use agents::checks::{Gatekeeper, Inspected};
use async_trait::async_trait;
use domain::Sha;
use forge::Repository;
use mergeq::{CheckRunner, GateReport};
use tokio_util::sync::CancellationToken;

/// The queue's check runner.
pub struct CagedChecks {
    /// What runs checks in the cage.
    pub gatekeeper: Arc<Gatekeeper>,
}

#[async_trait]
impl CheckRunner for CagedChecks {
    async fn run(&self, repository: &Repository, commit: &Sha, stop: CancellationToken) -> Result<GateReport, String> {
        match self.gatekeeper.inspect(repository, commit, stop).await {
            Ok(Inspected::Unreadable(error)) => Ok(GateReport::Unreadable { why: error.to_string() }),
            Ok(Inspected::Read { gate, runs }) => Ok(GateReport::Read { gate, runs }),
            Err(error) => Err(error.to_string()),
        }
    }
}
