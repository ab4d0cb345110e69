//! What occurred. A history in which something never happens proves nothing about it.

use std::collections::BTreeMap;
use std::fmt;

use agents::task::{Announcement, TaskEffect, TaskEvent, TaskState};
use domain::Step;
use mergeq::queue::{News, Obstacle, Outcome, Queue, QueueEffect, QueueEvent, Refusal, Verdict, Why};

/// Names the variants of an enum. A variant that is left out breaks the build.
macro_rules! variants {
    ($($enum:ident { $($variant:ident),+ $(,)? })+) => {
        $(impl Named for $enum {
            const ENUM: &'static str = stringify!($enum);
            const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),+];

            fn variant(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => stringify!($variant),)+
                }
            }
        })+

        /// Every enum of which all variants are to occur, with them.
        const ENUMS: &[(&str, &[&str])] = &[$(($enum::ENUM, $enum::VARIANTS)),+];
    };
}

/// An enum with named variants.
pub trait Named {
    const ENUM: &'static str;
    const VARIANTS: &'static [&'static str];

    fn variant(&self) -> &'static str;
}

variants! {
    TaskEvent {
        Submitted, CardPosted, SessionStarted, PlanProposed, PlanApproved, PlanEdited, RevisionRequested, Refused, WorkFinished,
        NothingChanged, SessionFailed, SessionStopped, DepartureAccepted, Published, PublishFailed, MergeRequested,
        DequeueRequested, EntryProgressed, EntryMerged, LandingDoubted, RepairRequested, EntryEjected, EntryWithdrawn, StopRequested, RetryRequested,
        DeadlinePassed, Asked, InputGiven, SessionParked, Steered, Suggested, RequestWithdrawn,
        RequestCorrected, RemarkCorrected, RemarkWithdrawn,
        WordsTold, HostsReached, PauseRequested,
        ResumeRequested, RolledBack, Muted, Unmuted, TrialRequested, TrialEnded,
    }
    TaskEffect {
        StartSession, StopSession, Publish, CleanUp, PostCard, EditCard, Announce, CloseQuestion, CloseOffer, Enqueue,
        Withdraw, Readmit, GiveUpRepair, AwaitDeadline, Try, StopTrial,
    }
    Announcement { PlanReady, Asked, Departed, ReadyToMerge, Tried, Repairing, SentBack, Doubted, Beside, Reminded, Ended }
    TaskState {
        Queued, Planning, AwaitingApproval, Working, Asking, Parked, Pausing, Paused, Departed, Publishing, InReview, Merging, Cancelling, Merged,
        Answered, Cancelled, Failed,
    }
    QueueEvent {
        Enqueued, Withdrawn, Staged, StagingBlocked, StagingFailed, ChecksConcluded, Landed, LandingRefused,
        LandingUnanswered, TargetMoved, HeadMoved, Reserved, Repaired, RepairFailed, Prioritised, Frozen, Thawed, Paused, Resumed, PolicyChanged,
        DeadlinePassed, Audited, Probed, RestoreOrdered, Remedied, CandidateLost, WatchEnded, Opened, Held, Released,
    }
    Obstacle { Conflict, Rivals, AlreadyIn, Unusable }
    Verdict { Passed, AlreadyPassed, Untested, Failed, Unconcluded, NoGate }
    Refusal { Moved, HeadMoved, Final }
    QueueEffect { Stage, AwaitChecks, CancelChecks, Land, Audit, Restore, Probe, Report, Deadline, Watch, Opening }
    News { Progressed, SteppedAside, Reserved, Stalled, Unsound, Overdue, KeptOut, Held, Released, Ended }
    Outcome { Merged, Ejected, Withdrawn }
    Why {
        Full, TooLong, Conflict, AlreadyIn, Unusable, Checks, Unconcluded, NoGate, HeadMoved, Refused, Dependency,
        RepairOverdue, RepairsSpent, Unrepaired,
    }
}

/// The faults that the weather knows.
pub const FAULTS: [&str; 14] = [
    "a crash",
    "a lapsed lease",
    "an answer lost",
    "an answer of one who was taken over",
    "an answer doubled",
    "a delivery doubled",
    "an old answer heard anew",
    "an attempt that failed",
    "a push by somebody else",
    "a pick past the queue",
    "a flaky check",
    "attempts spent",
    "a landing whose answer is lost",
    "a mirror lost",
];

/// How often each thing occurred.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<(&'static str, &'static str), u64>);

impl Coverage {
    pub fn note<T: Named>(&mut self, what: &T) {
        *self.0.entry((T::ENUM, what.variant())).or_default() += 1;
    }

    /// Notes an event of the queue with all that hangs on it.
    pub fn note_queue_step(&mut self, event: &QueueEvent, after: &Step<Queue>) {
        self.note(event);
        match event {
            QueueEvent::StagingBlocked { obstacle, .. } => self.note(obstacle),
            QueueEvent::ChecksConcluded { verdict, .. } => self.note(verdict),
            QueueEvent::LandingRefused { refusal, .. } => self.note(refusal),
            _ => {}
        }
        for effect in &after.effects {
            self.note(effect);
            let QueueEffect::Report { news, .. } = effect else { continue };
            self.note(news);
            let News::Ended(outcome) = news else { continue };
            self.note(outcome);
            if let Outcome::Ejected { why } = outcome {
                self.note(why);
            }
        }
    }

    pub fn note_fault(&mut self, fault: &'static str) {
        debug_assert!(FAULTS.contains(&fault), "{fault} is not in the list");
        *self.0.entry(("fault", fault)).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (key, n) in &other.0 {
            *self.0.entry(*key).or_default() += n;
        }
    }

    fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        let variants = ENUMS.iter().flat_map(|(name, variants)| variants.iter().map(move |variant| (*name, *variant)));
        variants.chain(FAULTS.iter().map(|fault| ("fault", *fault)))
    }

    /// What never occurred.
    pub fn missing(&self) -> Vec<String> {
        Self::all().filter(|key| !self.0.contains_key(key)).map(|(of, what)| format!("{of}::{what}")).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut of, mut n_columns) = ("", 0);
        for key in Self::all() {
            let said = format!("{} {}", key.1, self.0.get(&key).copied().unwrap_or(0));
            if key.0 != of {
                write!(f, "\n{:<13} {said}", key.0)?;
                (of, n_columns) = (key.0, said.len());
            } else if n_columns + said.len() > 100 {
                write!(f, "\n{:<13} {said}", "")?;
                n_columns = said.len();
            } else {
                write!(f, " · {said}")?;
                n_columns += said.len() + 3;
            }
        }
        writeln!(f)
    }
}
