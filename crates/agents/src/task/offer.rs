//! Offers: announcements with buttons that hold as long as the task stands where it did, and what is said on them
//! afterwards.

use domain::{Person, Timestamp};

use super::{Announcement, Task, TaskEffect, TaskEvent, TaskState};

impl Task {
    /// What it offers people just now in a message of its own, beside questions.
    pub fn offer(&self) -> Option<Announcement> {
        let wait = self.waits;
        match &self.state {
            TaskState::AwaitingApproval { plan, .. } => Some(Announcement::PlanReady { plan: plan.clone() }),
            TaskState::Departed { work, why } => {
                Some(Announcement::Departed { work: work.clone(), why: why.clone(), wait })
            }
            TaskState::InReview { pull_request, sent_back: None } => {
                let (reference, work) = (pull_request.reference.clone(), pull_request.work.clone());
                Some(Announcement::ReadyToMerge { reference, work, wait })
            }
            TaskState::InReview { sent_back: Some(why), .. } => Some(Announcement::SentBack { why: why.clone(), wait }),
            TaskState::Queued { .. }
            | TaskState::Planning { .. }
            | TaskState::Working { .. }
            | TaskState::Asking { .. }
            | TaskState::Parked { .. }
            | TaskState::Pausing { .. }
            | TaskState::Paused { .. }
            | TaskState::Publishing { .. }
            | TaskState::Merging { .. }
            | TaskState::Cancelling { .. }
            | TaskState::Merged { .. }
            | TaskState::Answered { .. }
            | TaskState::Cancelled { .. }
            | TaskState::Failed { .. } => None,
        }
    }
}

/// Whichever way a task leaves what it offered, its buttons go.
pub(super) fn closing(offer: Announcement, event: &TaskEvent, after: &Task, now: Timestamp) -> TaskEffect {
    let outcome = outcome(&offer, event, after);
    TaskEffect::CloseOffer { offer, outcome, at: now }
}

/// What became of it, in words that fit after its name.
fn outcome(offer: &Announcement, event: &TaskEvent, after: &Task) -> String {
    let by = |deed: &str, who: &Person| format!("{deed} by {who}");
    match (event, &after.state) {
        (TaskEvent::PlanApproved { by: who, .. }, _) => by("approved", who),
        (TaskEvent::PlanEdited { by: who, .. }, _) => format!("superseded by v{}, which {who} edited,", after.plans),
        (TaskEvent::DepartureAccepted { by: who, .. }, _) => by("accepted", who),
        (TaskEvent::RevisionRequested { by: who, .. }, _) => format!("{who} asked for another version"),
        (TaskEvent::RequestCorrected { by: who, .. }, _) => format!("{who} corrected the request"),
        (TaskEvent::MergeRequested { by: who }, _) => by("sent to the merge queue", who),
        (TaskEvent::RetryRequested { by: who, .. }, _) => by("tried again", who),
        (TaskEvent::RolledBack { by: who, checkpoint, .. }, _) => {
            by(&format!("taken back to checkpoint {checkpoint}"), who)
        }
        (TaskEvent::Refused { by: who, .. }, _) => by("rejected", who),
        (TaskEvent::Steered { by: who, .. }, _) => by("passed on", who),
        (TaskEvent::ResumeRequested { by: who }, _) => format!("{who} let it go on"),
        (TaskEvent::StopRequested { by: who }, _) => by("stopped", who),
        (_, TaskState::Cancelled { why }) => why.clone(),
        (_, _) if matches!(offer, Announcement::Beside { .. }) => {
            format!("unanswered, and {} is {}", after.id, after.state_in_words())
        }
        (_, _) => after.state_in_words().to_owned(),
    }
}
