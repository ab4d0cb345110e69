//! What a task's state means: whether it has ended, what a session of it is for, what it asks, in which words it is told.

use domain::BranchName;
use domain::policy::Tier;

use super::word::OpenQuestion;
use super::{Goal, Plan, PlanMode, Task, TaskState};

impl Goal {
    /// The state in which a session is at work on it.
    pub(super) fn at_work(self) -> TaskState {
        match self {
            Self::Plan { feedback } => TaskState::Planning { feedback },
            Self::Work { approved } => TaskState::Working { approved },
        }
    }
}

impl Task {
    /// Whether nothing will happen any more unless a person asks for a retry.
    pub fn is_ended(&self) -> bool {
        match self.state {
            TaskState::Merged { .. }
            | TaskState::Answered { .. }
            | TaskState::Cancelled { .. }
            | TaskState::Failed { .. } => true,
            TaskState::Queued { .. }
            | TaskState::Planning { .. }
            | TaskState::AwaitingApproval { .. }
            | TaskState::Working { .. }
            | TaskState::Asking { .. }
            | TaskState::Parked { .. }
            | TaskState::Pausing { .. }
            | TaskState::Paused { .. }
            | TaskState::Departed { .. }
            | TaskState::Publishing { .. }
            | TaskState::InReview { .. }
            | TaskState::Merging { .. }
            | TaskState::Cancelling { .. } => false,
        }
    }

    /// What its session is for: the one that runs or is owed, or the one that a person's word begins.
    pub fn goal(&self) -> Option<Goal> {
        match &self.state {
            TaskState::Queued { goal }
            | TaskState::Asking { goal, .. }
            | TaskState::Parked { goal, .. }
            | TaskState::Pausing { goal, .. }
            | TaskState::Paused { goal, .. } => Some(goal.clone()),
            TaskState::Planning { feedback } => Some(Goal::Plan { feedback: feedback.clone() }),
            TaskState::Working { approved } => Some(Goal::Work { approved: approved.clone() }),
            TaskState::AwaitingApproval { .. }
            | TaskState::Departed { .. }
            | TaskState::Publishing { .. }
            | TaskState::InReview { .. }
            | TaskState::Merging { .. }
            | TaskState::Cancelling { .. }
            | TaskState::Merged { .. }
            | TaskState::Answered { .. }
            | TaskState::Cancelled { .. }
            | TaskState::Failed { .. } => None,
        }
    }

    /// The work that could go on from a checkpoint, if it is work that was going on.
    pub fn work_goal(&self) -> Option<Goal> {
        let goal = match &self.state {
            TaskState::Departed { work, .. } => Some(Goal::Work { approved: work.approved.clone() }),
            TaskState::InReview { pull_request, .. } => {
                Some(Goal::Work { approved: pull_request.work.approved.clone() })
            }
            TaskState::Failed { goal, .. } => Some(goal.clone()),
            _ => self.goal(),
        };
        goal.filter(|goal| matches!(goal, Goal::Work { .. }))
    }

    /// Whether a session runs or is owed.
    pub fn runs_session(&self) -> bool {
        let rests = matches!(self.state, TaskState::Parked { .. } | TaskState::Paused { .. });
        self.goal().is_some() && !rests
    }

    /// The question that waits for an answer.
    pub fn open_question(&self) -> Option<&OpenQuestion> {
        match &self.state {
            TaskState::Asking { open, .. } | TaskState::Parked { open, .. } => Some(open),
            _ => None,
        }
    }

    /// The numbers of the words that no session was told yet.
    pub fn untold(&self) -> Vec<u32> {
        (0..).zip(&self.said).filter(|(_, word)| word.told.is_none()).map(|(n, _)| n).collect()
    }

    /// Whether work on this plan begins without a person: it was asked for with `plan=auto`, and the plan is low risk.
    pub fn approves_itself(&self, plan: &Plan) -> bool {
        self.request.plan == PlanMode::Auto && plan.tier <= Tier::R1 && plan.edited.is_none()
    }

    /// The branch that carries the change.
    pub fn branch(&self) -> BranchName {
        format!("downbeat/{}", self.id).parse().expect("a task's id is a fit part of a branch's name")
    }

    /// The state as it stands in a refusal: "it is …".
    pub fn state_in_words(&self) -> &'static str {
        match &self.state {
            TaskState::Queued { .. } => "waiting for its turn",
            TaskState::Planning { .. } => "being planned",
            TaskState::AwaitingApproval { .. } => "waiting for an approval",
            TaskState::Working { .. } => "being worked on",
            TaskState::Asking { .. } | TaskState::Parked { .. } => "waiting for an answer",
            TaskState::Pausing { .. } => "being paused",
            TaskState::Paused { .. } => "paused",
            TaskState::Departed { .. } => "waiting for somebody to accept a change that goes beyond its plan",
            TaskState::Publishing { .. } => "being published",
            TaskState::InReview { sent_back: Some(_), .. } => "back from the merge queue",
            TaskState::InReview { pull_request, .. } if pull_request.work.may_land() => {
                "ready, waiting for the word to merge"
            }
            TaskState::InReview { .. } => "published, but not fit to land",
            TaskState::Merging { .. } => "in the merge queue",
            TaskState::Cancelling { .. } => "being stopped",
            TaskState::Merged { .. } => "merged",
            TaskState::Answered { .. } => "answered",
            TaskState::Cancelled { .. } => "cancelled",
            TaskState::Failed { .. } => "failed",
        }
    }
}
