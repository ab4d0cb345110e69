//! Performs `AwaitChecks`: has the checks of a commit run, and turns what they say into a verdict.
//!
//! Safe to repeat: checks decide about a commit and change nothing else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Sha;
use forge::{CheckRun, Conclusion, Gate, Repositories, Repository};
use store::{Owed, Performed, Performer, Store};
use tokio_util::sync::CancellationToken;

use crate::answer::repository_of;
use crate::queue::{FailedCheck, Phase, Queue, QueueEffect, QueueEvent, RunId, Verdict};

/// Whatever can run the checks that a tree asks for.
#[async_trait]
pub trait CheckRunner: Send + Sync {
    /// Runs the checks of the commit to their end, or until `stop` fires.
    ///
    /// An error means that it could not even begin, for reasons that may pass: no disk, no sandbox.
    async fn run(&self, repository: &Repository, commit: &Sha, stop: CancellationToken) -> Result<GateReport, String>;
}

/// What a commit asks for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateReport {
    /// Its `.downbeat/config.toml` cannot be read.
    Unreadable {
        /// With line, column and caret.
        why: String,
    },
    /// It can.
    Read {
        /// The checks that it asks for.
        gate: Gate,
        /// One for each check that came to an end of any kind.
        runs: Vec<CheckRun>,
    },
}

/// The performer of lane `checks`.
pub struct Checker {
    store: Store,
    repositories: Repositories,
    runner: Arc<dyn CheckRunner>,
}

/// The pause before checks that could not begin are tried again.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(5);

impl Checker {
    /// A performer for the queues of these repositories.
    pub fn new(store: Store, repositories: Repositories, runner: Arc<dyn CheckRunner>) -> Self {
        Self { store, repositories, runner }
    }

    /// Whether the queue still waits for this answer. A process that is ending stops checks too, and then it does.
    async fn is_awaited(&self, owed: &Owed<Queue>, id: RunId) -> bool {
        match self.store.load::<Queue>(&owed.machine).await {
            Ok(Some(queue)) => queue.runs.iter().any(|run| run.id == id && matches!(run.phase, Phase::Testing { .. })),
            Ok(None) => false,
            Err(_) => true,
        }
    }
}

#[async_trait]
impl Performer for Checker {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::AwaitChecks { run, commit } = &owed.effect else { return Performed::Finished };
        let verdict = |verdict| QueueEvent::ChecksConcluded { run: *run, verdict };
        let repository = match repository_of(&self.repositories, &owed.machine) {
            Ok(repository) => repository,
            Err(error) => return Performed::GiveUp(verdict(Verdict::Unconcluded { why: error.to_string() })),
        };
        let report = match owed.revoked.is_cancelled() {
            true => Err("stopped before it began".to_owned()),
            false => self.runner.run(repository, commit, owed.revoked.clone()).await,
        };
        if owed.revoked.is_cancelled() {
            return match self.is_awaited(owed, *run).await {
                true => Performed::Retry { after: Duration::ZERO, why: "the process was ending".to_owned() },
                false => Performed::Finished,
            };
        }
        match report {
            Ok(report) => Performed::Done(verdict(verdict_of(report))),
            Err(why) => Performed::Retry { after: BEGIN_AGAIN_AFTER, why },
        }
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        let QueueEffect::AwaitChecks { run, .. } = &owed.effect else { return None };
        Some(QueueEvent::ChecksConcluded { run: *run, verdict: Verdict::Unconcluded { why: why.to_owned() } })
    }
}

/// Passed only if every check that the tree asks for says so: a check without a run never started.
fn verdict_of(report: GateReport) -> Verdict {
    let (specs, runs) = match report {
        GateReport::Unreadable { why } => return Verdict::NoGate { why: Some(why) },
        GateReport::Read { gate: Gate::Missing, .. } => return Verdict::NoGate { why: None },
        GateReport::Read { gate: Gate::Untested, .. } => return Verdict::Untested,
        GateReport::Read { gate: Gate::Checks(specs), runs } => (specs, runs),
    };
    let failing: Vec<FailedCheck> = runs.iter().filter_map(failure).collect();
    if !failing.is_empty() {
        return Verdict::Failed { failing };
    }
    let conclusion_of =
        |name: &str| runs.iter().find(|run| run.name == name).map_or(Conclusion::NeverStarted, |run| run.conclusion);
    let ended = specs.iter().map(|spec| (&spec.name, conclusion_of(&spec.name)));
    let open: Vec<String> = ended
        .filter(|(_, conclusion)| *conclusion != Conclusion::Passed)
        .map(|(name, conclusion)| format!("{name} {conclusion}"))
        .collect();
    if open.is_empty() { Verdict::Passed } else { Verdict::Unconcluded { why: open.join(", ") } }
}

fn failure(run: &CheckRun) -> Option<FailedCheck> {
    let how = match run.conclusion {
        Conclusion::Passed | Conclusion::Cancelled | Conclusion::NeverStarted => return None,
        Conclusion::TimedOut => "timed out".to_owned(),
        Conclusion::Failed => run.exit.map_or("was killed".to_owned(), |code| format!("exited with {code}")),
    };
    Some(FailedCheck { name: run.name.clone(), how, output_tail: run.output_tail.clone() })
}

#[cfg(test)]
mod tests {
    use forge::CheckSpec;

    use super::*;

    fn verdict(checks: &[&str], ended: &[(&str, Conclusion)]) -> Verdict {
        let spec = |name: &&str| CheckSpec {
            name: (*name).to_owned(),
            command: "true".to_owned(),
            timeout: Duration::from_secs(1),
            retries: 0,
        };
        let run = |(name, conclusion): &(&str, Conclusion)| CheckRun {
            name: (*name).to_owned(),
            conclusion: *conclusion,
            exit: (*conclusion == Conclusion::Failed).then_some(1),
            output_tail: String::new(),
            duration_ms: 1,
            attempts: 1,
        };
        let gate = Gate::Checks(checks.iter().map(spec).collect());
        verdict_of(GateReport::Read { gate, runs: ended.iter().map(run).collect() })
    }

    #[test]
    fn a_pass_needs_a_pass_of_every_check() {
        use Conclusion::{Cancelled, Failed, NeverStarted, Passed, TimedOut};
        let both = &["unit", "lint"];
        assert_eq!(verdict(both, &[("unit", Passed), ("lint", Passed)]), Verdict::Passed);
        for (ended, why) in [
            (vec![("unit", Passed)], "lint never started"),
            (vec![("unit", Passed), ("other", Passed)], "lint never started"),
            (vec![("unit", Cancelled), ("lint", NeverStarted)], "unit cancelled, lint never started"),
        ] {
            assert_eq!(verdict(both, &ended), Verdict::Unconcluded { why: why.to_owned() });
        }
        for (ended, how) in [(Failed, "exited with 1"), (TimedOut, "timed out")] {
            let Verdict::Failed { failing } = verdict(both, &[("unit", ended), ("lint", Cancelled)]) else {
                panic!("{ended} is a failure");
            };
            assert_eq!((failing.len(), failing[0].how.as_str()), (1, how));
        }
    }

    #[test]
    fn silence_about_checks_is_no_pass() {
        let read = |gate| GateReport::Read { gate, runs: Vec::new() };
        assert_eq!(verdict_of(read(Gate::Missing)), Verdict::NoGate { why: None });
        assert_eq!(verdict_of(read(Gate::Untested)), Verdict::Untested);
        let why = "line 1".to_owned();
        assert_eq!(verdict_of(GateReport::Unreadable { why: why.clone() }), Verdict::NoGate { why: Some(why) });
    }
}
