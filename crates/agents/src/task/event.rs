//! What can happen to a task, in the past tense.

use domain::policy::Tier;
use domain::{MessageRef, Person, Sha, Timestamp};
use serde::{Deserialize, Serialize};

use super::repair::Trouble;
use super::word::WordKind;
use super::{Deadline, PlanDraft, PlanEdit, Proof, Request, TrialResult, Work};
use crate::session::people::Question;

/// One thing that happened. Events that answer a session carry its number, so that a late one is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskEvent {
    /// A person asked.
    Submitted {
        /// For what.
        request: Request,
    },
    /// The card was posted.
    CardPosted {
        /// Where.
        card: MessageRef,
    },
    /// A session got its turn.
    SessionStarted {
        /// Its number.
        session: u32,
    },
    /// A planning session ended with a plan.
    PlanProposed {
        /// Its number.
        session: u32,
        /// The plan.
        draft: PlanDraft,
        /// What the policy says of it.
        terms: Terms,
    },
    /// A person approved a plan.
    PlanApproved {
        /// Who.
        by: Person,
        /// The version that they saw.
        version: u32,
        /// The hash of what they saw; absent when they typed the approval and meant the newest.
        hash: Option<String>,
    },
    /// A person changed the steps of a plan.
    PlanEdited {
        /// Who.
        by: Person,
        /// The version that they saw.
        version: u32,
        /// As they want it.
        edit: PlanEdit,
        /// What the policy says of it then.
        terms: Terms,
    },
    /// A person asked for a change of the plan or of the published work.
    RevisionRequested {
        /// Who.
        by: Person,
        /// In what.
        feedback: String,
    },
    /// A person refused the plan or the change.
    Refused {
        /// Who.
        by: Person,
        /// Why, in their words; may be empty.
        why: String,
    },
    /// A working session ended with a change.
    WorkFinished {
        /// Its number.
        session: u32,
        /// The change.
        work: Work,
    },
    /// A session ended with nothing to change.
    NothingChanged {
        /// Its number.
        session: u32,
        /// The agent's last words.
        answer: String,
    },
    /// A session broke.
    SessionFailed {
        /// Its number.
        session: u32,
        /// How, for people.
        why: String,
    },
    /// A session was stopped at our word.
    SessionStopped {
        /// Its number.
        session: u32,
    },
    /// A session asks something, and may wait for the answer.
    Asked {
        /// Its number.
        session: u32,
        /// What it asks.
        question: Question,
    },
    /// A person answered a question.
    InputGiven {
        /// Who.
        by: Person,
        /// The number of the question that they saw; absent when they meant the one that is open.
        question: Option<u32>,
        /// The answer.
        text: String,
    },
    /// A session ended its turn and left its question open.
    SessionParked {
        /// Its number.
        session: u32,
    },
    /// A person said something to the session.
    Steered {
        /// Who.
        by: Person,
        /// What.
        text: String,
        /// Whether what the session does now ends first.
        kind: WordKind,
        /// The message that said it, where it may be changed or taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageRef>,
    },
    /// A person who may not steer suggested something to the session.
    Suggested {
        /// Who.
        by: Person,
        /// What.
        text: String,
    },
    /// Whoever asked took the request back.
    RequestWithdrawn {
        /// Who.
        by: Person,
    },
    /// Whoever asked changed the request.
    RequestCorrected {
        /// Who.
        by: Person,
        /// What it says now.
        text: String,
    },
    /// A person changed what they had said to the session.
    RemarkCorrected {
        /// Who.
        by: Person,
        /// The message.
        message: MessageRef,
        /// What it says now.
        text: String,
    },
    /// A person took back what they had said to the session.
    RemarkWithdrawn {
        /// Who.
        by: Person,
        /// The message.
        message: MessageRef,
    },
    /// A session was told what people said.
    WordsTold {
        /// Its number.
        session: u32,
        /// Which words, by their place among all that was said.
        words: Vec<u32>,
    },
    /// A session reached hosts beside those of models.
    HostsReached {
        /// Its number.
        session: u32,
        /// Which, without ports.
        hosts: Vec<String>,
    },
    /// A person said pause.
    PauseRequested {
        /// Who.
        by: Person,
    },
    /// A person said go on.
    ResumeRequested {
        /// Who.
        by: Person,
    },
    /// A person took the work back to a checkpoint.
    RolledBack {
        /// Who.
        by: Person,
        /// Its number.
        checkpoint: u32,
        /// What should be different from there on; may be empty.
        text: String,
    },
    /// A person accepted a change that goes beyond its approval.
    DepartureAccepted {
        /// Who.
        by: Person,
        /// The commit that they saw.
        head: Sha,
    },
    /// The change is published.
    Published {
        /// The commit that was published.
        head: Sha,
        /// The forge's name for it.
        reference: String,
    },
    /// The change could not be published.
    PublishFailed {
        /// The commit that was to be published.
        head: Sha,
        /// Why.
        why: String,
    },
    /// A person said merge.
    MergeRequested {
        /// Who.
        by: Person,
    },
    /// A person wants to know whether the published change would land.
    TrialRequested {
        /// Who.
        by: Person,
    },
    /// The trial of a change came to an end.
    TrialEnded {
        /// Its number.
        trial: u32,
        /// What came of it.
        result: TrialResult,
    },
    /// A person took the change out of the queue.
    DequeueRequested {
        /// Who.
        by: Person,
    },
    /// The queue did something with the entry that people like to see.
    EntryProgressed {
        /// Why it is not simply in line, for people; empty when it is again, absent when nothing is to be said of that.
        note: Option<String>,
    },
    /// The queue landed it.
    EntryMerged {
        /// The commit on the target branch.
        commit: Sha,
        /// What vouches for it.
        proof: Proof,
    },
    /// The queue looked at the landing afterwards, and it was not what it had to be.
    LandingDoubted {
        /// What was found, for people.
        why: String,
    },
    /// The queue keeps its place, so that it can be repaired.
    RepairRequested {
        /// What is wrong with it.
        trouble: Trouble,
        /// Until when the place is kept.
        until: Timestamp,
    },
    /// The queue sent it back.
    EntryEjected {
        /// Why, for people.
        why: String,
    },
    /// The queue gave it back because somebody asked.
    EntryWithdrawn,
    /// A person said stop.
    StopRequested {
        /// Who.
        by: Person,
    },
    /// A person said try again.
    RetryRequested {
        /// Who.
        by: Person,
        /// With which agent, where it is to be another.
        #[serde(default)]
        agent: Option<String>,
        /// With which model, where it is to be another.
        #[serde(default)]
        model: Option<String>,
    },
    /// A person wants to hear of it only when somebody is needed.
    Muted {
        /// Who.
        by: Person,
    },
    /// A person wants to hear of it again.
    Unmuted {
        /// Who.
        by: Person,
    },
    /// A deadline passed.
    DeadlinePassed {
        /// Which.
        deadline: Deadline,
    },
}

impl TaskEvent {
    /// The session that this answers, where it answers one.
    pub fn session(&self) -> Option<u32> {
        match self {
            Self::SessionStarted { session }
            | Self::PlanProposed { session, .. }
            | Self::WorkFinished { session, .. }
            | Self::NothingChanged { session, .. }
            | Self::SessionFailed { session, .. }
            | Self::SessionStopped { session }
            | Self::Asked { session, .. }
            | Self::SessionParked { session }
            | Self::WordsTold { session, .. }
            | Self::HostsReached { session, .. } => Some(*session),
            Self::Submitted { .. }
            | Self::CardPosted { .. }
            | Self::PlanApproved { .. }
            | Self::PlanEdited { .. }
            | Self::RevisionRequested { .. }
            | Self::Refused { .. }
            | Self::DepartureAccepted { .. }
            | Self::InputGiven { .. }
            | Self::Steered { .. }
            | Self::Suggested { .. }
            | Self::RequestWithdrawn { .. }
            | Self::RequestCorrected { .. }
            | Self::RemarkCorrected { .. }
            | Self::RemarkWithdrawn { .. }
            | Self::PauseRequested { .. }
            | Self::ResumeRequested { .. }
            | Self::RolledBack { .. }
            | Self::Published { .. }
            | Self::PublishFailed { .. }
            | Self::MergeRequested { .. }
            | Self::TrialRequested { .. }
            | Self::TrialEnded { .. }
            | Self::DequeueRequested { .. }
            | Self::EntryProgressed { .. }
            | Self::EntryMerged { .. }
            | Self::LandingDoubted { .. }
            | Self::RepairRequested { .. }
            | Self::EntryEjected { .. }
            | Self::EntryWithdrawn
            | Self::StopRequested { .. }
            | Self::RetryRequested { .. }
            | Self::Muted { .. }
            | Self::Unmuted { .. }
            | Self::DeadlinePassed { .. } => None,
        }
    }
}

/// What the policy says of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Its risk.
    pub tier: Tier,
    /// Why it is that tier.
    pub because: String,
}
