//! Runs the merge queue's checks in the agents' cage: the two contexts meet only here. What the checks print is kept in
//! the logs of the tasks whose changes are tested, and what an agent's own run says in the queue's ledger.

use std::sync::Arc;

use agents::cage::ProgressSink;
use agents::checks::{Gatekeeper, Inspected, Inspection, Witness};
use agents::log::TaskLog;
use async_trait::async_trait;
use domain::{EntryId, Sha, TaskId};
use forge::Repository;
use mergeq::{Briefing, CheckRunner, Exam, GateReport, Sighting, VerdictLedger, note_report};
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
    fn log_of(&self, entries: &[EntryId]) -> TaskLog {
        TaskLog::of(&self.store, entries.iter().filter_map(|entry| entry.as_str().parse().ok()).collect::<Vec<_>>())
    }
}

#[async_trait]
impl CheckRunner for CagedChecks {
    async fn run(
        &self,
        repository: &Repository,
        commit: &Sha,
        Briefing { entries, known, failed_before }: &Briefing,
        stop: CancellationToken,
    ) -> Result<GateReport, String> {
        let log = self.log_of(entries);
        log.line("what would land is tested");
        let inspection = Inspection { repository, commit, known, failed_before };
        let inspected = log.keep_during(Box::pin(self.gatekeeper.inspect_rest(inspection, &log, stop))).await;
        inspected.map(report_of).map_err(|error| error.to_string())
    }

    async fn exam_of(&self, repository: &Repository, commit: &Sha) -> Option<Exam> {
        let gate = self.gatekeeper.gate_of(repository, commit).await.ok()?.ok()?;
        let environment = self.gatekeeper.environment_of(repository, commit).await?;
        Some(Exam { gate, environment })
    }

    async fn tell(&self, entries: &[EntryId], line: &str) {
        let log = self.log_of(entries);
        log.line(line);
        log.keep().await;
    }
}

fn report_of(inspected: Inspected) -> GateReport {
    match inspected {
        Inspected::Unreadable(error) => GateReport::Unreadable { why: error.to_string() },
        Inspected::Read { gate, runs, environment } => GateReport::Read { gate, runs, environment },
    }
}

/// What a task's own checks said, before it was published, for the queue's ledger: a change that comes to an unmoved
/// target has the same tree there.
pub struct OwnRuns(pub VerdictLedger);

#[async_trait]
impl Witness for OwnRuns {
    async fn hear(&self, task: TaskId, repository: &Repository, commit: &Sha, inspected: &Inspected) {
        let report = report_of(inspected.clone());
        let seen = Sighting { commit: commit.clone(), seen_in: format!("the work of {task}"), took: report.took() };
        note_report(&self.0, repository, &report, &seen).await;
    }
}
