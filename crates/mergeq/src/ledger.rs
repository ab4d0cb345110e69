//! The verdict ledger: what passed once is not run again.
//!
//! A verdict is about a tree, the checks it is held to and what they run in ([`Subject`]); not about a commit, a run or a
//! queue. So a pass counts in any position of any run, after a restart, and when an agent's own run before publishing
//! gave it.
//!
//! The tree is the one that the checks were run on: all of the commit's, or what of it belongs to the lanes that they
//! name, and then nothing else was there for them to read. Checks that see the same are one subject; a gate whose
//! checks see different things has several, and a commit passes when it has a pass of each.
//!
//! # Laws
//!
//! 1. Only a pass of every check of the subject is kept, and only after they really ran on its tree. Whoever crashes
//!    between the run and the row costs another run; the row is never there first.
//! 2. A red run takes the pass of its subject away, however old: one of the two is a flake, or the environment lies. What
//!    is on record about other subjects of the same commit stays: nothing was said about them.
//! 3. What cannot be told (an environment that changed during the run, or that is not made yet) is not kept and not
//!    recalled.

mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::time::humanize;
use domain::{RepoName, Sha, Timestamp};
use forge::{CheckSpec, Gate};
use sha2::{Digest, Sha256};
use store::{Arg, Store, StoreError};

use crate::queue::Verdict;

/// How a commit would be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exam {
    /// What it is held to.
    pub gate: Gate,
    /// What the checks find around them, in words or as a hash that is the same only where it is.
    pub environment: String,
}

/// What a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    repo: RepoName,
    tree: Sha,
    gate: String,
    environment: String,
}

/// Where a verdict was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The commit whose tree was tested.
    pub commit: Sha,
    /// The run or the task: `run-7 of web:main`, `the work of T-12`.
    pub seen_in: String,
    /// How long its checks took together.
    pub took: Duration,
}

/// A pass that is on record. Reads `3 min ago in the work of T-12`, after its age is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The run or the task in which it was seen.
    pub seen_in: String,
    /// The commit on which it was seen.
    pub commit: String,
    /// When.
    pub concluded_at: Timestamp,
    /// How long the checks took.
    pub took: Duration,
}

/// What is on record about a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recall {
    /// Nothing that counts.
    Unknown,
    /// It passed, and need not run again.
    Passed(Pass),
    /// It passed, and this time it is run again, to see whether that is still so.
    Doubted(Pass),
}

/// What a verdict did to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Nothing: it says nothing about the tree.
    Ignored,
    /// It is on record.
    Kept,
    /// It is red, and nothing said otherwise.
    Red,
    /// It is red, and this pass that said otherwise is off the record.
    Contradicted(Pass),
}

/// When a pass is used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReuseTerms {
    /// For how long; zero for never.
    pub age_max: Duration,
    /// Of so many uses one is run again in earnest; 0 for none.
    pub reverify_every: u64,
    /// What a person says of the environment; other words make everything before them unknown.
    pub environment: String,
}

impl Default for ReuseTerms {
    /// A day: a change that waits over night for its approval lands without another run, and what checks depend on
    /// beside their tree (the date, a server) seldom changes sooner. One use in fifty is run again: two percent of what
    /// is saved, for a lie that is found within days.
    fn default() -> Self {
        Self { age_max: Duration::from_secs(24 * 3_600), reverify_every: 50, environment: String::new() }
    }
}

/// The most rows: 100,000 take about 40 MB, and are more than two runs a minute make in a month.
pub const VERDICTS_MAX: u32 = 100_000;

/// The ledger of an installation. Cheap to clone.
#[derive(Clone)]
pub struct VerdictLedger {
    store: Store,
    terms: Arc<ArcSwap<ReuseTerms>>,
}

impl Subject {
    /// What a verdict of these checks would be about, all of which see this tree.
    pub fn new(repo: &RepoName, tree: Sha, checks: &[CheckSpec], environment: &str) -> Self {
        Self { repo: repo.clone(), tree, gate: hash_of_gate(checks), environment: environment.to_owned() }
    }
}

impl Pass {
    /// When and where, in words: `3 min ago in run-7 of web:main`.
    pub fn in_words(&self, now: Timestamp) -> String {
        format!("{} ago in {}", humanize(now.since(self.concluded_at)), self.seen_in)
    }
}

impl VerdictLedger {
    /// The ledger of a store.
    pub fn new(store: Store, terms: ReuseTerms) -> Self {
        Self { store, terms: Arc::new(ArcSwap::from_pointee(terms)) }
    }

    /// Goes by other terms from now on.
    pub fn replace_terms(&self, terms: ReuseTerms) {
        self.terms.store(Arc::new(terms));
    }

    /// What is known about a subject. A pass that is found counts as used.
    pub async fn recall(&self, subject: &Subject) -> Result<Recall, StoreError> {
        let terms = self.terms.load_full();
        if terms.age_max.is_zero() {
            return Ok(Recall::Unknown);
        }
        let since = self.store.now() - terms.age_max;
        let Some(pass) = table::find(&self.store, &key_of(subject, &terms), since).await? else {
            return Ok(Recall::Unknown);
        };
        let n_used = match terms.reverify_every {
            0 => return Ok(Recall::Passed(pass)),
            _ => table::count_use(&self.store, &subject.repo).await?,
        };
        let is_due = n_used.is_multiple_of(terms.reverify_every);
        Ok(if is_due { Recall::Doubted(pass) } else { Recall::Passed(pass) })
    }

    /// Takes note of what a real run of a subject's checks said.
    pub async fn note(&self, subject: &Subject, verdict: &Verdict, seen: &Sighting) -> Result<Noted, StoreError> {
        let terms = self.terms.load_full();
        let key = key_of(subject, &terms);
        match verdict {
            Verdict::Passed if terms.age_max.is_zero() => Ok(Noted::Ignored),
            Verdict::Passed => table::keep(&self.store, key, seen).await.map(|()| Noted::Kept),
            Verdict::Failed { .. } => {
                let known = table::find(&self.store, &key, Timestamp::from_ms(0)).await?;
                let was_there = table::remove(&self.store, key).await?;
                Ok(known.filter(|_| was_there).map_or(Noted::Red, Noted::Contradicted))
            }
            Verdict::AlreadyPassed | Verdict::Untested | Verdict::Unconcluded { .. } | Verdict::NoGate { .. } => {
                Ok(Noted::Ignored)
            }
        }
    }

    /// Removes what is too old to be used and what is too much; says how many rows went.
    pub async fn trim(&self) -> Result<u64, StoreError> {
        let since = self.store.now() - self.terms.load().age_max;
        table::trim(&self.store, since, VERDICTS_MAX).await
    }
}

fn key_of(subject: &Subject, terms: &ReuseTerms) -> table::Key {
    let environment = hash_of([subject.environment.as_str(), &terms.environment]);
    [
        Arg::from(subject.repo.as_str()),
        Arg::from(subject.tree.as_str()),
        Arg::from(subject.gate.as_str()),
        Arg::from(environment),
    ]
}

/// Of everything in the checks that can change how they end. Where they write a report is not among it, nor by which
/// lanes they see what they see: the tree says that.
fn hash_of_gate(specs: &[CheckSpec]) -> String {
    let numbers = |spec: &CheckSpec| [spec.timeout.as_millis().to_string(), spec.retries.to_string()];
    let first = |spec: &CheckSpec| spec.failed_first.as_ref().map(|line| format!("failed first: {line}"));
    let parts = specs
        .iter()
        .flat_map(|spec| [spec.name.clone(), spec.command.clone()].into_iter().chain(numbers(spec)).chain(first(spec)));
    hash_of(parts)
}

/// A hash of texts in their order. Each is preceded by its length, so that no two lists read alike.
fn hash_of(parts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_ref().len().to_le_bytes());
        hash.update(part.as_ref());
    }
    format!("{:x}", hash.finalize())
}

impl fmt::Debug for VerdictLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerdictLedger").field("terms", &self.terms.load()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_can_change_a_verdict_changes_the_gate() {
        let gate = vec![CheckSpec::named("unit", "make test"), CheckSpec::named("lint", "make lint")];
        let changes: [fn(&mut Vec<CheckSpec>); 8] = [
            |gate| gate[0].name = "units".to_owned(),
            |gate| gate[0].command = "make test || true".to_owned(),
            |gate| gate[1].timeout = Duration::from_secs(10),
            |gate| gate[1].retries = 1,
            |gate| gate[0].failed_first = Some("make only".to_owned()),
            |gate| gate.truncate(1),
            |gate| gate.reverse(),
            |gate| (gate[0].name, gate[0].command) = ("unitmake ".to_owned(), "test".to_owned()),
        ];
        for change in changes {
            let mut other = gate.clone();
            change(&mut other);
            assert_ne!(hash_of_gate(&other), hash_of_gate(&gate), "{other:?}");
        }
        let mut reporting = gate.clone();
        reporting[0].junit = Some("report.xml".to_owned());
        assert_eq!(hash_of_gate(&reporting), hash_of_gate(&gate), "a report decides nothing");
        let mut seeing = gate.clone();
        seeing[0].lanes = vec!["web".to_owned()];
        assert_eq!(hash_of_gate(&seeing), hash_of_gate(&gate), "what it sees is the tree");
    }
}
