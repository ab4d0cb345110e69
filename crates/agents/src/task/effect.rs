//! What a task owes to the world, in the imperative, by lane.

use std::time::Duration;

use domain::{Person, Timestamp};
use serde::{Deserialize, Serialize};

use super::aside::Aside;
use super::state::Ground;
use super::word::{OpenQuestion, Word};
use super::{Goal, Plan, TrialResult, Work};

/// One thing to do. Each can be performed twice with one result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskEffect {
    /// Lane `session`: run the agent to the end of this goal.
    StartSession {
        /// The session's number.
        session: u32,
        /// What for.
        goal: Goal,
        /// What its tree begins as.
        #[serde(default)]
        ground: Ground,
    },
    /// Asks the running session to stop; no lane, a revocation.
    StopSession,
    /// Lane `publish`: push the branch and propose it.
    Publish {
        /// The change.
        work: Work,
    },
    /// Lane `publish`: remove the working tree and the published branch.
    CleanUp,
    /// Lane `chat`: post the card, once.
    PostCard,
    /// Lane `chat`: bring the card up to date.
    EditCard,
    /// Lane `chat`: say something new.
    Announce(Announcement),
    /// Lane `chat`: take the buttons off a question, and say what came of it.
    CloseQuestion {
        /// The question.
        open: OpenQuestion,
        /// Its answer; absent when nobody needs one any more.
        answer: Option<Word>,
    },
    /// Lane `chat`: take the buttons off what no longer holds, and say on it what became of it.
    CloseOffer {
        /// What was announced.
        offer: Announcement,
        /// What became of it, in words that fit after its name.
        outcome: String,
        /// When.
        at: Timestamp,
    },
    /// Lane `try`: make and test the change as it would land now.
    Try {
        /// The trial's number.
        trial: u32,
        /// The change.
        work: Work,
    },
    /// Asks what tries the change to stop; no lane, a revocation.
    StopTrial,
    /// Lane `merge`: put the change into the queue.
    Enqueue {
        /// The change.
        work: Work,
    },
    /// Lane `merge`: take the change out of the queue.
    Withdraw {
        /// Who said so.
        by: Person,
    },
    /// Lane `merge`: put the repaired change into the place that was kept for it.
    Readmit {
        /// The change.
        work: Work,
    },
    /// Lane `merge`: the change could not be repaired.
    GiveUpRepair {
        /// What became of the repair, in words that fit after its name.
        why: String,
    },
    /// Lane `timer`: say when this has passed.
    AwaitDeadline(Deadline),
}

/// Something worth a message of its own. Everything else edits the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Announcement {
    /// A plan to approve.
    PlanReady {
        /// The plan.
        plan: Plan,
    },
    /// A question to answer.
    Asked {
        /// The question.
        open: OpenQuestion,
    },
    /// A change that goes beyond its approval, to accept.
    Departed {
        /// The change.
        work: Work,
        /// In what it goes beyond.
        why: String,
        /// The number of the wait that begins with it.
        #[serde(default)]
        wait: u32,
    },
    /// A published change, to merge.
    ReadyToMerge {
        /// The forge's name for it.
        reference: String,
        /// The change.
        work: Work,
        /// The number of the wait that begins with it.
        #[serde(default)]
        wait: u32,
    },
    /// What came of a trial.
    Tried {
        /// It.
        result: TrialResult,
    },
    /// The queue keeps the change's place while it is repaired.
    Repairing {
        /// What is wrong with it.
        why: String,
        /// Until when the place is kept.
        until: Timestamp,
    },
    /// The queue sent the change back.
    SentBack {
        /// Why.
        why: String,
        /// The number of the wait that begins with it.
        #[serde(default)]
        wait: u32,
    },
    /// It landed, and the landing was not what it had to be.
    Doubted {
        /// What was found.
        why: String,
    },
    /// Something that its owner is asked beside its course.
    Beside {
        /// What.
        aside: Aside,
    },
    /// A wait for a person goes on.
    Reminded {
        /// The number of the wait.
        wait: u32,
        /// How long it goes on still.
        left: Duration,
    },
    /// The last word.
    Ended,
}

/// A moment of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// The number of the wait; a deadline of an older wait is late.
    pub wait: u32,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What then.
    #[serde(default)]
    pub then: Then,
}

/// What happens at a moment of a wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// It is over.
    #[default]
    End,
    /// Somebody is reminded.
    Remind {
        /// How long it goes on still.
        left: Duration,
    },
}
