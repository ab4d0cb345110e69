//! What would become of a change if it were to land now: its commit is made on the target's head and judged by its checks,
//! as in a run of it alone, and nothing lands.
//!
//! The queue does not know of it. A pass is on record, so that the change lands without another run while the target stays;
//! so a trial is never a waste for whoever says merge afterwards.

use domain::{Sha, Timestamp};
use forge::{ForgeError, Repository};
use tokio_util::sync::CancellationToken;

use crate::judge::{Case, Judge, Judged};
use crate::queue::{Change, Obstacle, Proof, Verdict, Wanted, Why};
use crate::staging::{Made, Stager};

/// Tries changes.
#[derive(Clone)]
pub struct Trials {
    stager: Stager,
    judge: Judge,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The target's head on which it was tried.
    pub on: Sha,
    /// What would vouch for it, or why it could not land.
    pub fate: Result<Proof, Why>,
}

/// A trial without an end, for reasons that say nothing about the change.
#[derive(Debug, thiserror::Error)]
pub enum Inconclusive {
    /// The forge or git did not do as asked.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The checks could not begin, or contradicted what is on record.
    #[error("{0}")]
    Checks(String),
}

impl Trials {
    /// Makes commits by `stager`'s rules, and judges them as `judge` does.
    pub fn new(stager: Stager, judge: Judge) -> Self {
        Self { stager, judge }
    }

    /// Tries one change. A pass is remembered as seen in `seen_in`. When `stop` fires, its checks did not
    /// conclude.
    pub async fn try_change(
        &self,
        repository: &Repository,
        (change, now): (&Change, Timestamp),
        seen_in: &str,
        stop: &CancellationToken,
    ) -> Result<Tried, Inconclusive> {
        let wanted = [Wanted { change: change.clone(), since: now }];
        let candidate = match self.stager.make(repository, &wanted).await? {
            Made::Commits(candidate) => candidate,
            Made::Blocked { base, obstacle, .. } => return Ok(Tried { on: base, fate: Err(why_of(obstacle)) }),
            Made::Nothing => unreachable!("one change was to be made"),
        };
        let case = Case {
            repository,
            commit: candidate.commit(),
            entries: vec![change.id.clone()],
            failed_before: Default::default(),
            seen_in: seen_in.to_owned(),
        };
        match self.judge.judge(&case, stop).await.map_err(Inconclusive::Checks)? {
            Judged::Concluded(verdict) => Ok(Tried { on: candidate.base, fate: fate_of(verdict) }),
            Judged::Contradicted(pass) => {
                Err(Inconclusive::Checks(format!("red, though the same tree passed in {}", pass.seen_in)))
            }
        }
    }
}

/// A change that is tried alone has no rivals.
fn why_of(obstacle: Obstacle) -> Why {
    match obstacle {
        Obstacle::Conflict { paths } | Obstacle::Rivals { paths, .. } => Why::Conflict { with: Vec::new(), paths },
        Obstacle::AlreadyIn => Why::AlreadyIn,
        Obstacle::Unusable { why } => Why::Unusable { why },
    }
}

fn fate_of(verdict: Verdict) -> Result<Proof, Why> {
    match verdict {
        Verdict::Passed => Ok(Proof::Tested),
        Verdict::AlreadyPassed => Ok(Proof::AlreadyTested),
        Verdict::Untested => Ok(Proof::Untested),
        Verdict::Failed { failing } => Err(Why::Checks { failing, sure_permille: 1_000 }),
        Verdict::Unconcluded { why } => Err(Why::Unconcluded { why }),
        Verdict::NoGate { why } => Err(Why::NoGate { why }),
    }
}
