//! Has the checks of a commit run, and turns what they say into a verdict. What passed before is not run again: the
//! [`crate::ledger`] is asked first, about each part of the gate by itself.
//!
//! Safe to repeat: checks decide about a commit and change nothing else; what they say is noted before it is answered, so
//! that a crash in between costs nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{EntryId, Sha, Timestamp};
use forge::{CheckRun, CheckSpec, Conclusion, FailedTests, Gate, Repository};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::ledger::{Exam, Noted, Pass, Recall, Sighting, VerdictLedger};
use crate::parts::{parts_of, took};
use crate::queue::{FailedCheck, Verdict};

/// Whatever can run the checks that a tree asks for.
#[async_trait]
pub trait CheckRunner: Send + Sync {
    /// Runs the checks of the commit to their end, or until `stop` fires, each on what it sees, as the briefing says.
    ///
    /// An error means that it could not even begin, for reasons that may pass: no disk, no sandbox.
    async fn run(
        &self,
        repository: &Repository,
        commit: &Sha,
        briefing: &Briefing,
        stop: CancellationToken,
    ) -> Result<GateReport, String>;

    /// How the commit would be tested now, without running anything; none where that cannot be told, and then whatever
    /// is known of its tree is of no use.
    async fn exam_of(&self, _repository: &Repository, _commit: &Sha) -> Option<Exam> {
        None
    }

    /// Lets those whose changes are tested read a line about it.
    async fn tell(&self, _entries: &[EntryId], _line: &str) {}
}

/// What a runner is told beside the commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Briefing {
    /// Whose changes the commit holds.
    pub entries: Vec<EntryId>,
    /// Checks that are known to pass, and need not run.
    pub known: Vec<CheckSpec>,
    /// By check, the tests that failed in earlier runs with entries of this one: where they still do, nothing else need run.
    pub failed_before: BTreeMap<String, FailedTests>,
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
        /// The checks that it asks for, those that were known among them.
        gate: Gate,
        /// One for each check that came to an end of any kind.
        runs: Vec<CheckRun>,
        /// What they ran in, from the first to the last; none where that changed, or cannot be told.
        environment: Option<String>,
    },
}

/// Judges commits by their checks.
#[derive(Clone)]
pub struct Judge {
    store: Store,
    runner: Arc<dyn CheckRunner>,
    ledger: VerdictLedger,
}

/// What is to be judged.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// Whose mirror has the commit.
    pub repository: &'a Repository,
    /// The commit.
    pub commit: &'a Sha,
    /// Whose changes it holds.
    pub entries: Vec<EntryId>,
    /// As in [`Briefing`].
    pub failed_before: BTreeMap<String, FailedTests>,
    /// What a pass of it is remembered as: `run-7 of web:main`.
    pub seen_in: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// This.
    Concluded(Verdict),
    /// It is red, and exactly this passed before. Nothing is on record now, so that the next attempt is believed.
    Contradicted(Pass),
}

impl Judge {
    /// One that has checks run by `runner`, and believes the ledger.
    pub fn new(store: Store, runner: Arc<dyn CheckRunner>, ledger: VerdictLedger) -> Self {
        Self { store, runner, ledger }
    }

    /// Judges a commit that the mirror has. When `stop` fires what runs is stopped, and the verdict says so.
    ///
    /// An error means that its checks could not even begin, for reasons that may pass: no disk, no sandbox.
    pub async fn judge(&self, case: &Case<'_>, stop: &CancellationToken) -> Result<Judged, String> {
        let already = self.tested_already(case).await;
        if already.is_all {
            return Ok(Judged::Concluded(Verdict::AlreadyPassed));
        }
        let Case { repository, commit, entries, failed_before, .. } = case;
        let known = already.checks.clone();
        let briefing = Briefing { entries: entries.clone(), known, failed_before: failed_before.clone() };
        let report = self.runner.run(repository, commit, &briefing, stop.clone()).await?;
        let contradicted = self.note(case, &report).await;
        let verdict = || Judged::Concluded(verdict_of(&report, &already.checks));
        Ok(contradicted.map_or_else(verdict, Judged::Contradicted))
    }

    /// What of the commit need not be tested, because exactly what its checks see was. Where that cannot be told
    /// everything has to be.
    async fn tested_already(&self, Case { repository, commit, entries, .. }: &Case<'_>) -> TestedAlready {
        let Some(exam) = self.runner.exam_of(repository, commit).await else { return TestedAlready::default() };
        let parts = parts_of(repository, commit, &exam).await.unwrap_or_else(|error| {
            tracing::warn!(repo = %repository.name, "what the checks of {} see cannot be told: {error}", commit.short());
            Vec::new()
        });
        let (mut passed, mut lines, now) = (Vec::new(), Vec::new(), self.store.now());
        for part in &parts {
            let label = &part.label;
            match self.ledger.recall(&part.subject).await {
                Ok(Recall::Passed(pass)) => {
                    lines.push(format!("{label}already tested {}, not tested again", pass.in_words(now)));
                    passed.push((part, pass));
                }
                Ok(Recall::Doubted(pass)) => lines.push(format!(
                    "{label}already tested {}, and tested again to see whether that still holds",
                    pass.in_words(now)
                )),
                Ok(Recall::Unknown) => {}
                Err(error) => {
                    tracing::warn!(repo = %repository.name, "what was tested before cannot be read: {error}");
                }
            }
        }
        let is_all = !parts.is_empty() && passed.len() == parts.len();
        if is_all {
            let passes = passed.iter().map(|(_, pass)| pass);
            lines = vec![format!("already tested {}, not tested again", where_seen(passes, now))];
        }
        for line in lines {
            self.runner.tell(entries, &format!("the merge queue: {line}")).await;
        }
        let checks = passed.iter().flat_map(|(part, _)| part.checks.clone()).collect();
        TestedAlready { checks, is_all }
    }

    /// Keeps what a run said, and returns a pass that it contradicts.
    async fn note(&self, case: &Case<'_>, report: &GateReport) -> Option<Pass> {
        let seen = Sighting { commit: case.commit.clone(), seen_in: case.seen_in.clone(), took: report.took() };
        let mut contradicted = None;
        for NotedPart { label, noted } in note_report(&self.ledger, case.repository, report, &seen).await {
            let Noted::Contradicted(pass) = noted else { continue };
            let said = format!(
                "the merge queue: {label}red now, though exactly this passed {}; a check is flaky, or depends on more than \
                 its tree. It is tested once more",
                pass.in_words(self.store.now())
            );
            self.runner.tell(&case.entries, &said).await;
            contradicted = Some(pass);
        }
        contradicted
    }
}

/// What of a commit's gate is on record.
#[derive(Default)]
struct TestedAlready {
    checks: Vec<CheckSpec>,
    /// Whether no check is left.
    is_all: bool,
}

/// Where they were seen, each place once, with the age of what was seen there first.
fn where_seen<'a>(passes: impl Iterator<Item = &'a Pass>, now: Timestamp) -> String {
    let mut first: Vec<&Pass> = Vec::new();
    for pass in passes {
        match first.iter_mut().find(|other| other.seen_in == pass.seen_in) {
            Some(other) if other.concluded_at <= pass.concluded_at => {}
            Some(other) => *other = pass,
            None => first.push(pass),
        }
    }
    first.iter().map(|pass| pass.in_words(now)).collect::<Vec<_>>().join(" and ")
}

/// What a verdict on some checks of a gate did to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedPart {
    /// What a line about it begins with: `web tests: `, or nothing where these are all checks.
    pub label: String,
    /// What it did.
    pub noted: Noted,
}

/// Keeps in the ledger what a real run of a commit's checks said, whoever asked for it: once for all checks that see the
/// same. A row that cannot be written costs another run at worst.
pub async fn note_report(
    ledger: &VerdictLedger,
    repository: &Repository,
    report: &GateReport,
    seen: &Sighting,
) -> Vec<NotedPart> {
    let GateReport::Read { gate, runs, environment: Some(environment) } = report else { return Vec::new() };
    let exam = Exam { gate: gate.clone(), environment: environment.clone() };
    let parts = parts_of(repository, &seen.commit, &exam).await.unwrap_or_else(|error| {
        tracing::warn!(repo = %repository.name, "a verdict was not kept: {error}");
        Vec::new()
    });
    let mut all_noted = Vec::with_capacity(parts.len());
    for part in parts {
        let runs = part.runs(runs);
        let seen = Sighting { took: took(&runs), ..seen.clone() };
        match ledger.note(&part.subject, &verdict_on(&part.checks, &runs), &seen).await {
            Ok(noted) => {
                warn_of_contradiction(repository, &noted, &seen);
                all_noted.push(NotedPart { label: part.label, noted });
            }
            Err(error) => tracing::warn!(repo = %repository.name, "a verdict was not kept: {error}"),
        }
    }
    all_noted
}

fn warn_of_contradiction(repository: &Repository, noted: &Noted, seen: &Sighting) {
    match noted {
        Noted::Contradicted(pass) => tracing::warn!(
            repo = %repository.name,
            "{} is red in {}, and passed before in {}: a check is flaky, or depends on more than its tree",
            seen.commit.short(),
            seen.seen_in,
            pass.seen_in
        ),
        Noted::Ignored | Noted::Kept | Noted::Red => {}
    }
}

impl GateReport {
    /// How long its checks took together.
    pub fn took(&self) -> Duration {
        match self {
            Self::Unreadable { .. } => Duration::ZERO,
            Self::Read { runs, .. } => took(runs),
        }
    }
}

/// Passed only if every check that the tree asks for says so, or is known to: these very checks are on record for what
/// they see of the commit.
fn verdict_of(report: &GateReport, known: &[CheckSpec]) -> Verdict {
    match report {
        GateReport::Unreadable { why } => Verdict::NoGate { why: Some(why.clone()) },
        GateReport::Read { gate: Gate::Missing, .. } => Verdict::NoGate { why: None },
        GateReport::Read { gate: Gate::Untested, .. } => Verdict::Untested,
        GateReport::Read { gate: Gate::Checks(specs), runs, .. } => {
            let open: Vec<CheckSpec> = specs.iter().filter(|spec| !known.contains(spec)).cloned().collect();
            verdict_on(&open, runs)
        }
    }
}

/// Passed only if every one of these checks says so: a check without a run never started.
fn verdict_on(specs: &[CheckSpec], runs: &[CheckRun]) -> Verdict {
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
    use super::*;

    fn spec(name: &str) -> CheckSpec {
        CheckSpec::named(name, "true")
    }

    fn verdict(checks: &[&str], ended: &[(&str, Conclusion)]) -> Verdict {
        verdict_beside(&[], checks, ended)
    }

    fn verdict_beside(known: &[CheckSpec], checks: &[&str], ended: &[(&str, Conclusion)]) -> Verdict {
        let run = |(name, conclusion): &(&str, Conclusion)| CheckRun {
            name: (*name).to_owned(),
            conclusion: *conclusion,
            exit: (*conclusion == Conclusion::Failed).then_some(1),
            output_tail: String::new(),
            duration_ms: 1,
            attempts: 1,
            failed_tests: FailedTests::default(),
        };
        let gate = Gate::Checks(checks.iter().map(|name| spec(name)).collect());
        verdict_of(&GateReport::Read { gate, runs: ended.iter().map(run).collect(), environment: None }, known)
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

    /// [21]
    #[test]
    fn what_is_known_of_a_check_counts_for_that_very_check_alone() {
        use Conclusion::{Failed, Passed};
        let both = &["unit", "lint"];
        let known = [spec("lint")];
        assert_eq!(verdict_beside(&known, both, &[("unit", Passed)]), Verdict::Passed);
        let why = "unit never started".to_owned();
        assert_eq!(verdict_beside(&known, both, &[]), Verdict::Unconcluded { why });
        assert!(matches!(verdict_beside(&known, both, &[("unit", Failed)]), Verdict::Failed { .. }));
        let other = [CheckSpec { command: "make lint".to_owned(), ..spec("lint") }];
        let why = "lint never started".to_owned();
        assert_eq!(verdict_beside(&other, both, &[("unit", Passed)]), Verdict::Unconcluded { why });
    }

    /// [36]
    #[test]
    fn silence_about_checks_is_no_pass() {
        let read = |gate| GateReport::Read { gate, runs: Vec::new(), environment: None };
        assert_eq!(verdict_of(&read(Gate::Missing), &[]), Verdict::NoGate { why: None });
        assert_eq!(verdict_of(&read(Gate::Untested), &[]), Verdict::Untested);
        let why = "line 1".to_owned();
        assert_eq!(verdict_of(&GateReport::Unreadable { why: why.clone() }, &[]), Verdict::NoGate { why: Some(why) });
    }
}
