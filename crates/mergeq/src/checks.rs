//! Performs `AwaitChecks`: has the checks of a commit run, and turns what they say into a verdict. What passed before is
//! not run again: the [`crate::ledger`] is asked first.
//!
//! Safe to repeat: checks decide about a commit and change nothing else; what they say is noted before it is answered, so
//! that a crash in between costs nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Sha;
use forge::{CheckRun, Conclusion, Gate, Repositories, Repository};
use store::{Owed, Performed, Performer, Store};
use tokio_util::sync::CancellationToken;

use crate::answer::{has_commit, is_awaited, repository_of};
use crate::ledger::{Exam, Noted, Pass, Recall, Sighting, Subject, VerdictLedger};
use crate::queue::{FailedCheck, Phase, Queue, QueueEffect, QueueEvent, RunId, Verdict};

/// Whatever can run the checks that a tree asks for.
#[async_trait]
pub trait CheckRunner: Send + Sync {
    /// Runs the checks of the commit to their end, or until `stop` fires.
    ///
    /// An error means that it could not even begin, for reasons that may pass: no disk, no sandbox.
    async fn run(&self, repository: &Repository, commit: &Sha, stop: CancellationToken) -> Result<GateReport, String>;

    /// How the commit would be tested now, without running anything; none where that cannot be told, and then whatever
    /// is known of its tree is of no use.
    async fn exam_of(&self, _repository: &Repository, _commit: &Sha) -> Option<Exam> {
        None
    }

    /// Lets whoever waits for the commit's checks read a line about them.
    async fn tell(&self, _repository: &Repository, _commit: &Sha, _line: &str) {}
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
        /// What they ran in, from the first to the last; none where that changed, or cannot be told.
        environment: Option<String>,
    },
}

/// The performer of lane `checks`.
pub struct Checker {
    store: Store,
    repositories: Repositories,
    runner: Arc<dyn CheckRunner>,
    ledger: VerdictLedger,
}

/// The pause before checks that could not begin are tried again.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(5);

impl Checker {
    /// A performer for the queues of these repositories.
    pub fn new(store: Store, repositories: Repositories, runner: Arc<dyn CheckRunner>, ledger: VerdictLedger) -> Self {
        Self { store, repositories, runner, ledger }
    }

    /// Whether the commit need not be tested, because its tree was. Where that cannot be told it has to be.
    async fn is_tested_already(&self, repository: &Repository, commit: &Sha) -> bool {
        let Some(exam) = self.runner.exam_of(repository, commit).await else { return false };
        let Some(subject) = subject_of(repository, commit, &exam).await else { return false };
        let known = self.ledger.recall(&subject).await;
        let now = self.store.now();
        match known {
            Ok(Recall::Passed(pass)) => {
                let said = format!("the merge queue: already tested {}, not tested again", pass.in_words(now));
                self.runner.tell(repository, commit, &said).await;
                true
            }
            Ok(Recall::Doubted(pass)) => {
                let said = format!(
                    "the merge queue: already tested {}, and tested again to see whether that still holds",
                    pass.in_words(now)
                );
                self.runner.tell(repository, commit, &said).await;
                false
            }
            Ok(Recall::Unknown) => false,
            Err(error) => {
                tracing::warn!(repo = %repository.name, "what was tested before cannot be read: {error}");
                false
            }
        }
    }

    /// Keeps what a run said, and returns the pass that it contradicts.
    async fn note(&self, repository: &Repository, report: &GateReport, seen: &Sighting) -> Option<Pass> {
        let noted = note_report(&self.ledger, repository, report, seen).await?;
        let Noted::Contradicted(pass) = noted else { return None };
        let said = format!(
            "the merge queue: red now, though exactly this passed {}; a check is flaky, or depends on more than its tree. It \
             is tested once more",
            pass.in_words(self.store.now())
        );
        self.runner.tell(repository, &seen.commit, &said).await;
        Some(pass)
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
        let is_stopped = || owed.revoked.is_cancelled();
        match has_commit(repository, commit).await {
            Ok(true) => {}
            Ok(false) => return Performed::Done(QueueEvent::CandidateLost { run: *run }),
            Err(error) => return Performed::Retry { after: BEGIN_AGAIN_AFTER, why: error.to_string() },
        }
        if !is_stopped() && self.is_tested_already(repository, commit).await {
            return Performed::Done(verdict(Verdict::AlreadyPassed));
        }
        let report = match is_stopped() {
            true => Err("stopped before it began".to_owned()),
            false => self.runner.run(repository, commit, owed.revoked.clone()).await,
        };
        let contradicted = match &report {
            Ok(report) => self.note(repository, report, &sighting(owed, *run, commit, report)).await,
            Err(_) => None,
        };
        if is_stopped() {
            // A process that is ending stops checks too, and then the queue still waits.
            return match is_awaited(&self.store, owed, *run, |phase| matches!(phase, Phase::Testing { .. })).await {
                true => Performed::Retry { after: Duration::ZERO, why: "the process was ending".to_owned() },
                false => Performed::Finished,
            };
        }
        match (report, contradicted) {
            // Nothing is on record now, so that the next attempt is believed.
            (Ok(_), Some(pass)) => {
                let why = format!("red, though the same tree passed in {}", pass.seen_in);
                Performed::Retry { after: Duration::ZERO, why }
            }
            (Ok(report), None) => Performed::Done(verdict(verdict_of(&report))),
            (Err(why), _) => Performed::Retry { after: BEGIN_AGAIN_AFTER, why },
        }
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        let QueueEffect::AwaitChecks { run, .. } = &owed.effect else { return None };
        Some(QueueEvent::ChecksConcluded { run: *run, verdict: Verdict::Unconcluded { why: why.to_owned() } })
    }
}

fn sighting(owed: &Owed<Queue>, run: RunId, commit: &Sha, report: &GateReport) -> Sighting {
    Sighting { commit: commit.clone(), seen_in: format!("{run} of {}", owed.machine), took: report.took() }
}

/// What a verdict on the commit would be about. Without its tree, nothing.
async fn subject_of(repository: &Repository, commit: &Sha, exam: &Exam) -> Option<Subject> {
    let tree = repository.mirror.tree_of(commit).await.ok()?;
    Subject::new(&repository.name, tree, exam)
}

/// Keeps in the ledger what a real run of a commit's checks said, whoever asked for it. A row that cannot be written
/// costs another run at worst.
pub async fn note_report(
    ledger: &VerdictLedger,
    repository: &Repository,
    report: &GateReport,
    seen: &Sighting,
) -> Option<Noted> {
    let GateReport::Read { gate, environment: Some(environment), .. } = report else { return None };
    let exam = Exam { gate: gate.clone(), environment: environment.clone() };
    let subject = subject_of(repository, &seen.commit, &exam).await?;
    let noted = ledger.note(&subject, &verdict_of(report), seen).await;
    match &noted {
        Ok(Noted::Contradicted(pass)) => tracing::warn!(
            repo = %repository.name,
            "{} is red in {}, and passed before in {}: a check is flaky, or depends on more than its tree",
            seen.commit.short(),
            seen.seen_in,
            pass.seen_in
        ),
        Ok(Noted::Ignored | Noted::Kept | Noted::Red) => {}
        Err(error) => tracing::warn!(repo = %repository.name, "a verdict was not kept: {error}"),
    }
    noted.ok()
}

impl GateReport {
    /// How long its checks took together.
    pub fn took(&self) -> Duration {
        match self {
            Self::Unreadable { .. } => Duration::ZERO,
            Self::Read { runs, .. } => Duration::from_millis(runs.iter().map(|run| run.duration_ms).sum()),
        }
    }
}

/// Passed only if every check that the tree asks for says so: a check without a run never started.
fn verdict_of(report: &GateReport) -> Verdict {
    let (specs, runs) = match report {
        GateReport::Unreadable { why } => return Verdict::NoGate { why: Some(why.clone()) },
        GateReport::Read { gate: Gate::Missing, .. } => return Verdict::NoGate { why: None },
        GateReport::Read { gate: Gate::Untested, .. } => return Verdict::Untested,
        GateReport::Read { gate: Gate::Checks(specs), runs, .. } => (specs, runs),
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
    let (name, output_tail) = (run.name.clone(), run.output_tail.clone());
    Some(FailedCheck { name, how, output_tail, failed_tests: run.failed_tests.clone() })
}

#[cfg(test)]
mod tests {
    use forge::{CheckSpec, FailedTests};

    use super::*;

    fn verdict(checks: &[&str], ended: &[(&str, Conclusion)]) -> Verdict {
        let spec = |name: &&str| CheckSpec {
            name: (*name).to_owned(),
            command: "true".to_owned(),
            timeout: Duration::from_secs(1),
            retries: 0,
            junit: None,
            lanes: Vec::new(),
        };
        let run = |(name, conclusion): &(&str, Conclusion)| CheckRun {
            name: (*name).to_owned(),
            conclusion: *conclusion,
            exit: (*conclusion == Conclusion::Failed).then_some(1),
            output_tail: String::new(),
            duration_ms: 1,
            attempts: 1,
            failed_tests: FailedTests::default(),
        };
        let gate = Gate::Checks(checks.iter().map(spec).collect());
        verdict_of(&GateReport::Read { gate, runs: ended.iter().map(run).collect(), environment: None })
    }

    /// [21, 36]
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

    /// [36]
    #[test]
    fn silence_about_checks_is_no_pass() {
        let read = |gate| GateReport::Read { gate, runs: Vec::new(), environment: None };
        assert_eq!(verdict_of(&read(Gate::Missing)), Verdict::NoGate { why: None });
        assert_eq!(verdict_of(&read(Gate::Untested)), Verdict::Untested);
        let why = "line 1".to_owned();
        assert_eq!(verdict_of(&GateReport::Unreadable { why: why.clone() }), Verdict::NoGate { why: Some(why) });
    }
}
