//! Runs the checks that a commit carries, on exactly its tree, in the cage.
//!
//! What is checked is what would land: the commands come from the commit itself, or from the config where it names none,
//! and each attempt gets a fresh copy of its files, so that neither an agent nor an earlier check has a hand in the
//! answer. A check that names lanes gets a copy of what belongs to these: what it says cannot depend on anything else.

mod report;
mod surroundings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::time::humanize;
use domain::{Sha, TaskId};
use forge::checks::CHECKS_FILE;
use forge::{CheckRun, CheckSpec, Conclusion, FailedTests, Gate, GateError, GitError, Repository, gate_from_toml};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use self::report::{Reported, read_reports};
use crate::cage::{Cage, Ended, How, Level, Limits, Progress};
use crate::setup::{Environment, SetupError, Setups};
use crate::workspace::{WorkspaceError, remove_dir};

/// Characters of a check's output that are kept; a card shows the last few lines, the page all of it.
const OUTPUT_CHARS_MAX: usize = 8_000;

/// Runs gates. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gatekeeper {
    cage: Cage,
    root: PathBuf,
    setups: Setups,
    /// How the cage holds, in words.
    level: String,
    copies: Arc<AtomicU64>,
}

/// What is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Inspection<'a> {
    /// Whose mirror has the commit.
    pub repository: &'a Repository,
    /// The commit.
    pub commit: &'a Sha,
    /// Checks of its gate that need not run, because it is known that they pass.
    pub known: &'a [CheckSpec],
    /// By check, the tests that failed before. A check that can runs these alone first; where one of them fails again, it
    /// is red, and otherwise all of it runs.
    pub failed_before: &'a BTreeMap<String, FailedTests>,
}

/// What a commit's gate came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inspected {
    /// The gate was read and its checks ran, in its order. After one that did not pass, no other is begun.
    Read {
        /// What the commit demands.
        gate: Gate,
        /// The checks that were begun, which are not among those that were known.
        runs: Vec<CheckRun>,
        /// What they found around them, as [`Gatekeeper::environment_of`] says it; none where it changed while they ran.
        environment: Option<String>,
    },
    /// The commit's own file has a mistake; nothing ran.
    Unreadable(GateError),
}

/// Who wants to know what a change's own checks said, before it is published.
#[async_trait]
pub trait Witness: Send + Sync {
    /// The checks of a task's commit came to an end. Nothing waits for what is made of it but the task.
    async fn hear(&self, task: TaskId, repository: &Repository, commit: &Sha, inspected: &Inspected);
}

/// The gate could not be tried at all. Says nothing about the commit; trying again later may help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateTrouble {
    /// Git could not read the commit.
    Git(GitError),
    /// The copy could not be made or removed.
    Copy(WorkspaceError),
}

impl fmt::Display for GateTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git(error) => error.fmt(f),
            Self::Copy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for GateTrouble {}

impl From<GitError> for GateTrouble {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl From<WorkspaceError> for GateTrouble {
    fn from(error: WorkspaceError) -> Self {
        Self::Copy(error)
    }
}

impl Gatekeeper {
    /// Copies are made below `root`, which nobody else uses. Checks see what the commit's own setup makes. `level` is how
    /// the cage was found to hold.
    pub fn new(cage: Cage, root: impl Into<PathBuf>, setups: Setups, level: &Level) -> Self {
        Self { cage, root: root.into(), setups, level: level.to_string(), copies: Arc::default() }
    }

    /// What a commit demands: what it says itself, or the config where it says nothing.
    pub async fn gate_of(&self, repository: &Repository, commit: &Sha) -> Result<Result<Gate, GateError>, GitError> {
        let file = repository.mirror.file_at(commit, CHECKS_FILE).await?;
        let text = file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(gate_from_toml(text.as_deref()).map(|gate| match gate {
            Gate::Missing => repository.gate.clone(),
            Gate::Untested | Gate::Checks(_) => gate,
        }))
    }

    /// What the checks of a commit find around them now, as a hash; none where its setup has not run yet. Nothing runs.
    pub async fn environment_of(&self, repository: &Repository, commit: &Sha) -> Option<String> {
        let setup = self.setups.standing(repository, commit).await.ok()??;
        let surroundings = surroundings::surroundings_of(self.cage.settings(), &self.level);
        let hash = Sha256::new().chain_update(surroundings).chain_update("\0").chain_update(setup);
        Some(format!("{:x}", hash.finalize()))
    }

    /// Runs all checks of a commit that the mirror has. `progress` hears which check begins, what it prints and how it
    /// ended.
    pub async fn inspect(
        &self,
        repository: &Repository,
        commit: &Sha,
        progress: Progress<'_>,
        stop: CancellationToken,
    ) -> Result<Inspected, GateTrouble> {
        let failed_before = &BTreeMap::new();
        self.inspect_rest(Inspection { repository, commit, known: &[], failed_before }, progress, stop).await
    }

    /// Runs the checks of a commit that are not known to pass.
    pub async fn inspect_rest(
        &self,
        Inspection { repository, commit, known, failed_before }: Inspection<'_>,
        progress: Progress<'_>,
        stop: CancellationToken,
    ) -> Result<Inspected, GateTrouble> {
        let gate = match self.gate_of(repository, commit).await? {
            Ok(gate) => gate,
            Err(error) => return Ok(Inspected::Unreadable(error)),
        };
        let specs: Vec<CheckSpec> = match &gate {
            Gate::Checks(specs) => specs.iter().filter(|spec| !known.contains(spec)).cloned().collect(),
            Gate::Missing | Gate::Untested => Vec::new(),
        };
        let mut runs = Vec::with_capacity(specs.len());
        if specs.is_empty() {
            return Ok(Inspected::Read { gate, runs, environment: None });
        }
        let environment = match self.setups.ready(repository, commit, progress, &stop).await {
            Ok(environment) => environment,
            Err(error) => {
                runs.push(without_setup(error)?);
                return Ok(Inspected::Read { gate, runs, environment: None });
            }
        };
        let before = self.environment_of(repository, commit).await;
        for spec in &specs {
            let tree = Tree { repository, commit, environment: environment.as_ref() };
            let first = failed_before.get(&spec.name).and_then(|tests| spec.line_for(tests));
            let run = self.run_check(tree, (spec, first), progress, &stop).await?;
            let passed = run.conclusion == Conclusion::Passed;
            runs.push(run);
            if !passed {
                break;
            }
        }
        let after = self.environment_of(repository, commit).await;
        let environment = before.filter(|before| after.as_ref() == Some(before));
        Ok(Inspected::Read { gate, runs, environment })
    }

    /// Repeats a check that failed as often as it allows. One that was cancelled or never started is not repeated: the
    /// reason lies outside of it.
    async fn run_check(
        &self,
        tree: Tree<'_>,
        (spec, first): (&CheckSpec, Option<String>),
        progress: Progress<'_>,
        stop: &CancellationToken,
    ) -> Result<CheckRun, GateTrouble> {
        let mut duration = Duration::ZERO;
        let mut attempts = 0;
        loop {
            attempts += 1;
            progress.line(&beginning(spec, attempts));
            let (ended, Reported { failed, troubles }) =
                match self.try_failed(tree, (spec, first.as_ref()), progress, stop).await? {
                    Some(red) => red,
                    None => self.try_once(tree, spec, progress, stop).await?,
                };
            duration += ended.duration;
            let (conclusion, exit) = conclude(&ended.how);
            progress.line(&ending(spec, &ended));
            for trouble in troubles {
                progress.line(&format!("check {}: {trouble}", spec.name));
            }
            let may_repeat = matches!(conclusion, Conclusion::Failed | Conclusion::TimedOut);
            if !may_repeat || attempts > spec.retries {
                let output_tail = explained(&ended);
                let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                let (name, failed_tests) = (spec.name.clone(), failed);
                return Ok(CheckRun { name, conclusion, exit, output_tail, duration_ms, attempts, failed_tests });
            }
        }
    }

    /// The tests that failed before, alone; what came of it where one of them fails again. Nothing else is believed: a test
    /// that is gone fails too.
    async fn try_failed(
        &self,
        tree: Tree<'_>,
        (spec, first): (&CheckSpec, Option<&String>),
        progress: Progress<'_>,
        stop: &CancellationToken,
    ) -> Result<Option<(Ended, Reported)>, GateTrouble> {
        let Some(command) = first.cloned() else { return Ok(None) };
        progress.line(&format!("check {}: first what failed before: {command}", spec.name));
        let alone = CheckSpec { command, ..spec.clone() };
        let (ended, reported) = self.try_once(tree, &alone, progress, stop).await?;
        let is_red = conclude(&ended.how).0 == Conclusion::Failed && !reported.failed.is_empty();
        Ok(is_red.then_some((ended, reported)))
    }

    async fn try_once(
        &self,
        Tree { repository, commit, environment }: Tree<'_>,
        spec: &CheckSpec,
        progress: Progress<'_>,
        stop: &CancellationToken,
    ) -> Result<(Ended, Reported), GateTrouble> {
        let n = self.copies.fetch_add(1, Ordering::Relaxed);
        let dir = self.root.join(format!("{}-{}-{n}", commit.short(), std::process::id()));
        let tree = dir.join("tree");
        let view = repository.mirror.view_of(commit, &spec.lanes).await?;
        let made = repository.mirror.checkout_tree(&view, &tree).await;
        let ended = match made {
            Ok(()) => {
                let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), spec.command.clone()];
                let mut order = self.cage.order(command, &tree, &dir);
                order.limits = Limits { time: spec.timeout, ..order.limits };
                if let Some(environment) = environment {
                    environment.furnish(&mut order);
                }
                let ended = self.cage.run(order, stop, progress).await;
                let reported = reported_by(spec, tree, &ended.how).await;
                Ok((ended, reported))
            }
            Err(error) => Err(GateTrouble::Git(error)),
        };
        remove_dir(dir).await?;
        ended
    }
}

/// What a check that did not pass reports, before its copy of the tree goes.
async fn reported_by(spec: &CheckSpec, tree: PathBuf, how: &How) -> Reported {
    let is_red = matches!(conclude(how).0, Conclusion::Failed | Conclusion::TimedOut);
    let Some(pattern) = spec.junit.clone().filter(|_| is_red) else { return Reported::default() };
    let reading = tokio::task::spawn_blocking(move || read_reports(&tree, &pattern)).await;
    reading.unwrap_or_else(|stopped| Reported { troubles: vec![stopped.to_string()], ..Reported::default() })
}

/// What checks run on.
#[derive(Clone, Copy)]
struct Tree<'a> {
    repository: &'a Repository,
    commit: &'a Sha,
    environment: Option<&'a Environment>,
}

/// The run that stands for all checks when what they need could not be made.
fn without_setup(error: SetupError) -> Result<CheckRun, GateTrouble> {
    let conclusion = match &error {
        SetupError::Failed(_) => Conclusion::Failed,
        SetupError::Stopped => Conclusion::Cancelled,
        SetupError::Surroundings(_) => Conclusion::NeverStarted,
        SetupError::Git(error) => return Err(GateTrouble::Git(error.clone())),
    };
    let (name, output_tail) = ("setup".to_owned(), error.to_string());
    let failed_tests = FailedTests::default();
    Ok(CheckRun { name, conclusion, exit: None, output_tail, duration_ms: 0, attempts: 1, failed_tests })
}

/// `check tests: cargo test`, and which attempt it is where there were others.
fn beginning(spec: &CheckSpec, attempt: u32) -> String {
    let command = spec.command.lines().next().unwrap_or_default();
    let again = if attempt > 1 { format!(" (attempt {attempt} of {})", spec.retries + 1) } else { String::new() };
    format!("check {}: {command}{again}", spec.name)
}

fn ending(spec: &CheckSpec, ended: &Ended) -> String {
    let took = humanize(ended.duration);
    match &ended.how {
        How::Exited(0) => format!("check {} passed in {took}", spec.name),
        how => format!("check {} did not pass: {how} after {took}{}", spec.name, sight(spec)),
    }
}

/// Whoever misses a file reads why; nothing where the check sees all of them.
fn sight(spec: &CheckSpec) -> String {
    if spec.lanes.is_empty() { String::new() } else { format!(", seeing only {}", spec.lanes.join(", ")) }
}

fn conclude(how: &How) -> (Conclusion, Option<i32>) {
    match how {
        How::Exited(0) => (Conclusion::Passed, Some(0)),
        How::Exited(code) => (Conclusion::Failed, Some(*code)),
        How::Signalled(_) | How::OutputLimit | How::MemoryLimit | How::ProcessLimit | How::DiskLimit => {
            (Conclusion::Failed, None)
        }
        How::TimedOut => (Conclusion::TimedOut, None),
        How::Stopped => (Conclusion::Cancelled, None),
        How::CouldNotStart(_) => (Conclusion::NeverStarted, None),
    }
}

/// The end of the output, and how the run ended where no exit code says it.
fn explained(ended: &Ended) -> String {
    let from = ended.output_tail.char_indices().rev().nth(OUTPUT_CHARS_MAX - 1).map_or(0, |(at, _)| at);
    let said = ended.output_tail[from..].trim_end();
    match &ended.how {
        How::Exited(_) => said.to_owned(),
        how if said.is_empty() => format!("[it {how}]"),
        how => format!("{said}\n[it {how}]"),
    }
}
