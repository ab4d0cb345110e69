//! What can happen to a queue.

use std::collections::BTreeSet;

use domain::{EntryId, Person, Sha, Timestamp};
use forge::LaneName;
use serde::{Deserialize, Serialize};

use super::entry::Change;
use super::hold::Hold;
use super::order::{Freeze, Priority};
use super::outcome::FailedCheck;
use super::policy::Policy;
use super::probing::{Clash, Inquiry};
use super::soundness::{Finding, Remedy};
use super::state::{Part, RunId};

/// What happened, in the past tense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum QueueEvent {
    /// A change was approved for landing.
    Enqueued {
        /// The change.
        change: Change,
    },
    /// A person took an entry back. While it lands, this is a wish that the landing's result beats; after its outcome it
    /// is late.
    Withdrawn {
        /// Which.
        entry: EntryId,
        /// Who.
        by: Person,
    },
    /// A run's commits were made.
    Staged {
        /// The run.
        run: RunId,
        /// The target's head at that moment, on which they stand.
        base: Sha,
        /// The tree of the last.
        tree: Sha,
        /// The commits, one an entry, in the run's order.
        parts: Vec<Part>,
    },
    /// One entry of a run could not be staged.
    StagingBlocked {
        /// The run.
        run: RunId,
        /// The target's head at that moment.
        base: Sha,
        /// Which entry.
        entry: EntryId,
        /// What is in its way.
        obstacle: Obstacle,
    },
    /// Staging failed for a reason that lies in no entry, as often as it may be tried.
    StagingFailed {
        /// The run.
        run: RunId,
        /// What failed.
        why: String,
    },
    /// The checks of a run's commit came to an end.
    ChecksConcluded {
        /// The run.
        run: RunId,
        /// How.
        verdict: Verdict,
    },
    /// The run's commits, which were nowhere but in the mirror, are gone from it.
    CandidateLost {
        /// The run.
        run: RunId,
    },
    /// The target has the run's commits.
    Landed {
        /// The run.
        run: RunId,
    },
    /// The target does not have the run's commits, and this attempt will not bring them there.
    LandingRefused {
        /// The run.
        run: RunId,
        /// Why.
        refusal: Refusal,
    },
    /// A landing gave no answer, as often as it may be tried: it may or may not have happened.
    LandingUnanswered {
        /// The run.
        run: RunId,
        /// What failed.
        why: String,
    },
    /// A landing was looked at afterwards.
    Audited {
        /// Where the target was then.
        to: Sha,
        /// Who landed with it.
        landed: Vec<EntryId>,
        /// What is not as it has to be; what is put right first comes first.
        findings: Vec<Finding>,
    },
    /// Branches were merged with each other on a head, as far as that was possible.
    Probed {
        /// Which, on which.
        of: Inquiry,
        /// Who does not go together.
        clashes: Vec<Clash>,
    },
    /// What the audit found shall be put right.
    RestoreOrdered {
        /// Who said so.
        by: Person,
    },
    /// It was tried to make a commit that puts the target right.
    Remedied {
        /// The commit of the finding.
        commit: Sha,
        /// Who wanted it.
        by: Person,
        /// What came of it.
        remedy: Remedy,
    },
    /// Somebody looked at the target and found another head than the queue knew.
    TargetMoved {
        /// What the queue knew when they looked; a look is stale when the queue has learned something since.
        seen: Option<Sha>,
        /// What they found.
        head: Sha,
    },
    /// An entry's branch ends elsewhere now.
    HeadMoved {
        /// Which entry.
        entry: EntryId,
        /// Where.
        head: Sha,
    },
    /// Somebody repairs an entry; its place is kept for a while.
    Reserved {
        /// Which.
        entry: EntryId,
        /// Until when, at most `Limits::lease_max_ms` from now.
        until: Timestamp,
    },
    /// A reserved entry was repaired.
    Repaired {
        /// Which.
        entry: EntryId,
        /// Its new commit.
        head: Sha,
        /// The target's commit from which the repair began, if known.
        started_from: Option<Sha>,
        /// Who approved the new commit, if somebody did.
        #[serde(default)]
        approved_by: Option<Person>,
        /// The parts of the repository that it touches now, as in a change.
        #[serde(default)]
        lanes: BTreeSet<LaneName>,
    },
    /// A reserved entry could not be repaired.
    RepairFailed {
        /// Which.
        entry: EntryId,
        /// What became of the repair, in words that fit after its name.
        why: String,
    },
    /// An entry shall come sooner or later than others.
    Prioritised {
        /// Which.
        entry: EntryId,
        /// How soon.
        priority: Priority,
        /// Who said so.
        by: Person,
        /// Why, if they said that.
        why: Option<String>,
    },
    /// An entry shall not be tested nor landed until it is released.
    Held {
        /// Which.
        entry: EntryId,
        /// Who said so, and why.
        hold: Hold,
    },
    /// A held entry may go on.
    Released {
        /// Which.
        entry: EntryId,
        /// Who said so.
        by: Person,
    },
    /// Only the urgent shall land from now on.
    Frozen(Freeze),
    /// Everybody may land again.
    Thawed {
        /// Who said so.
        by: Person,
    },
    /// Nothing new shall start.
    Paused {
        /// Who said so.
        by: Person,
    },
    /// The queue shall go on.
    Resumed {
        /// Who said so.
        by: Person,
    },
    /// Other rules hold from now on.
    PolicyChanged {
        /// The rules.
        policy: Policy,
    },
    /// The lease of a reserved entry ended.
    DeadlinePassed {
        /// Which.
        entry: EntryId,
        /// The end of the lease that is meant.
        until: Timestamp,
    },
    /// It is time to look whether a run takes too long.
    WatchEnded {
        /// The look that is meant.
        until: Timestamp,
    },
    /// The window in which the target was closed should be over.
    Opened {
        /// The opening that is meant.
        until: Timestamp,
    },
}

/// What is in the way of one entry at staging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// It does not merge with the target's head alone.
    Conflict {
        /// Where.
        paths: Vec<String>,
    },
    /// It merges with the target's head alone, but not together with entries before it in the run.
    Rivals {
        /// Which entries.
        with: Vec<EntryId>,
        /// Where.
        paths: Vec<String>,
    },
    /// The target's head already has all that it changes.
    AlreadyIn,
    /// Its commit is gone, or has no history in common with the target.
    Unusable {
        /// What is wrong with it.
        why: String,
    },
}

/// How checks came to an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check passed.
    Passed,
    /// Every check passed on exactly this tree before, in the same environment, and was not run again.
    AlreadyPassed,
    /// There is nothing to pass: the tree says `checks = []`.
    Untested,
    /// At least one failed.
    Failed {
        /// Which.
        failing: Vec<FailedCheck>,
    },
    /// None failed, but at least one was cancelled or never started.
    Unconcluded {
        /// Which, and how.
        why: String,
    },
    /// The tree does not say how to check it.
    NoGate {
        /// What is wrong with its config, if it has one.
        why: Option<String>,
    },
}

/// Why a landing did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The target was no longer where the run stands.
    Moved {
        /// Where it is.
        head: Sha,
    },
    /// Somebody pushed to the branch of an entry after it was approved.
    HeadMoved {
        /// Whose.
        entry: EntryId,
        /// Where it is.
        head: Sha,
    },
    /// The forge will never take these commits.
    Final {
        /// What it said.
        why: String,
    },
}
