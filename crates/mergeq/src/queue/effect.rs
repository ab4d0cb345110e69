//! What a queue owes to the world. Each effect may be performed twice with one result.

use domain::{BranchName, EntryId, Person, Sha, Timestamp};
use serde::{Deserialize, Serialize};

use super::entry::Change;
use super::hold::Hold;
use super::outcome::{Outcome, Why};
use super::probing::Inquiry;
use super::soundness::{Finding, LandedRun};
use super::state::RunId;
use super::view::Progress;
use super::watch::Overdue;

/// What to do now, in the imperative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum QueueEffect {
    /// Make the commits that would land, on the target's head as it is. Lane `stage`; answers `Staged`,
    /// `StagingBlocked` or `StagingFailed`.
    Stage {
        /// The run.
        run: RunId,
        /// What, in order.
        changes: Vec<Wanted>,
    },
    /// Run the checks of this commit to their end. Lane `checks`; answers `ChecksConcluded` or `CandidateLost`.
    AwaitChecks {
        /// The run.
        run: RunId,
        /// The commit.
        commit: Sha,
    },
    /// Stop the checks of a run; nobody wants their answer. Revokes in lane `checks`.
    CancelChecks {
        /// The run.
        run: RunId,
    },
    /// Move the target from one commit to another, if it is still there. Lane `land`; answers `Landed`,
    /// `LandingRefused`, `LandingUnanswered` or `CandidateLost`.
    Land {
        /// The run.
        run: RunId,
        /// Where the target must be.
        from: Sha,
        /// Where it shall be.
        to: Sha,
        /// The published branches that land with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shown: Vec<Shown>,
    },
    /// Look at what landed. Lane `audit`; answers `Audited`.
    Audit {
        /// What landed.
        run: LandedRun,
    },
    /// Make a commit that puts right what an audit found. Lane `audit`; answers `Remedied`.
    Restore {
        /// What it found.
        finding: Box<Finding>,
        /// Who wants it.
        by: Person,
    },
    /// Find out which branches do not go together. Lane `probe`; answers `Probed`.
    Probe(Inquiry),
    /// Tell whoever enqueued an entry. Lane `report`; answers nothing.
    Report {
        /// The entry.
        entry: EntryId,
        /// What to tell.
        news: News,
    },
    /// Answer `DeadlinePassed` when the time has come. Lane `timer`.
    Deadline {
        /// The reserved entry.
        entry: EntryId,
        /// The time.
        until: Timestamp,
    },
    /// Answer `WatchEnded` when the time has come. Lane `timer`.
    Watch {
        /// The time.
        until: Timestamp,
    },
    /// Answer `Opened` when the time has come. Lane `timer`.
    Opening {
        /// The time.
        until: Timestamp,
    },
}

/// A change that shall land.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The change.
    pub change: Change,
    /// Its commit's time, as [`Entry::committed_at`](super::entry::Entry) tells it, so that each staging of the same changes
    /// makes the same commits.
    pub since: Timestamp,
}

/// What there is to tell about an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// Where it is now. Only the latest matters.
    Progressed(Progress),
    /// It waits until these entries have their outcome, because it does not merge with them.
    SteppedAside {
        /// Which entries.
        with: Vec<EntryId>,
        /// Where.
        paths: Vec<String>,
    },
    /// It cannot land as it is. Its place is kept until then, so that it can be repaired.
    Reserved {
        /// What is wrong with it.
        why: Why,
        /// When the lease ends.
        until: Timestamp,
    },
    /// The queue stopped itself while this entry was at work; it keeps its place until somebody resumes.
    Stalled {
        /// What failed.
        why: String,
    },
    /// It is neither tested nor landed until somebody releases it.
    Held(Hold),
    /// It may go on again.
    Released,
    /// The run that it is in takes much longer than usual. Nothing is decided by it.
    Overdue(Overdue),
    /// It passed, and the target is closed.
    KeptOut {
        /// When it opens: `Mon 08:00 Europe/Berlin`.
        until: String,
    },
    /// It landed, and the audit found that the landing was not what it had to be; the queue stopped itself.
    Unsound {
        /// What was found.
        why: String,
    },
    /// Its stay is over.
    Ended(Outcome),
}

/// A published branch that lands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Whose it is.
    pub entry: EntryId,
    /// The branch.
    pub branch: BranchName,
    /// The commit that was approved.
    pub head: Sha,
    /// The commit that lands for it.
    pub commit: Sha,
}
