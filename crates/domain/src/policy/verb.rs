//! What people may ask for, and the roles that each takes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::tier::Tier;
use crate::Role;

/// Something that a person wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// See tasks, the queue and their history.
    View,
    /// Ask for a task.
    Ask,
    /// Say something to a running session, or answer its question.
    Steer,
    /// Stop a task.
    Stop,
    /// Try a failed task again.
    Retry,
    /// Ask for another version of a plan.
    Revise,
    /// Approve a plan.
    Approve,
    /// Turn a plan down.
    Reject,
    /// Send a task's work to the merge queue.
    Merge,
    /// Take a task out of the merge queue.
    Dequeue,
    /// Pause, resume or reorder the merge queue.
    OperateQueue,
    /// Say what holds in a channel where a request says nothing.
    Configure,
}

impl Verb {
    /// Every verb, in the order of the enum.
    pub const ALL: [Self; 12] = [
        Self::View,
        Self::Ask,
        Self::Steer,
        Self::Stop,
        Self::Retry,
        Self::Revise,
        Self::Approve,
        Self::Reject,
        Self::Merge,
        Self::Dequeue,
        Self::OperateQueue,
        Self::Configure,
    ];

    /// Whether a bot may do it, where its roles do. It asks and says, stops what it asked for, and decides nothing.
    pub(super) fn is_for_bots(self) -> bool {
        match self {
            Self::View | Self::Ask | Self::Steer | Self::Stop => true,
            Self::Retry
            | Self::Revise
            | Self::Approve
            | Self::Reject
            | Self::Merge
            | Self::Dequeue
            | Self::OperateQueue
            | Self::Configure => false,
        }
    }

    /// The words after "may" and "may not".
    pub(super) fn deed(self) -> &'static str {
        match self {
            Self::View => "look",
            Self::Ask => "ask for work",
            Self::Steer => "steer",
            Self::Stop => "stop",
            Self::Retry => "retry",
            Self::Revise => "revise",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Merge => "merge",
            Self::Dequeue => "dequeue",
            Self::OperateQueue => "operate the queue",
            Self::Configure => "set defaults",
        }
    }

    /// The verb means nothing without a task.
    pub(super) fn needs_task(self) -> bool {
        match self {
            Self::View | Self::Ask | Self::OperateQueue | Self::Configure => false,
            Self::Steer | Self::Stop | Self::Retry | Self::Revise => true,
            Self::Approve | Self::Reject | Self::Merge | Self::Dequeue => true,
        }
    }

    /// Whether it is done only from where its repository may be worked on. Whoever sees a task may look into it and stop
    /// it.
    pub(super) fn is_bound_to_channels(self) -> bool {
        match self {
            Self::View | Self::Stop => false,
            Self::Ask | Self::Steer | Self::Retry | Self::Revise | Self::Approve => true,
            Self::Reject | Self::Merge | Self::Dequeue | Self::OperateQueue | Self::Configure => true,
        }
    }

    /// Who may, for a task of this tier.
    pub(super) fn grant(self, tier: Tier) -> Grant {
        use Role::{Admin, Approver, Operator, Requester, Viewer};
        match self {
            Self::View => Grant::to_all(&[Viewer, Requester, Approver, Operator]),
            Self::Ask => Grant::to_all(&[Requester]),
            // Stopping is easier than starting: whoever may start tasks may stop any of them.
            Self::Stop => Grant::to_all(&[Requester, Approver, Operator]),
            Self::Steer | Self::Retry | Self::Revise | Self::Reject => {
                Grant { own: &[Requester, Approver], others: &[Approver] }
            }
            Self::Dequeue => Grant { own: &[Requester, Approver, Operator], others: &[Approver, Operator] },
            Self::OperateQueue | Self::Configure => Grant::to_all(&[Operator]),
            Self::Approve => match tier {
                Tier::R0 | Tier::R1 => Grant { own: &[Requester, Approver], others: &[Approver] },
                Tier::R2 => Grant { own: &[], others: &[Approver] },
                Tier::R3 => Grant { own: &[], others: &[Admin] },
            },
            // Somebody else approved the plan already, so at R2 and above merging takes the role and no second person.
            Self::Merge => match tier {
                Tier::R0 | Tier::R1 => Grant { own: &[Requester, Approver], others: &[Approver] },
                Tier::R2 | Tier::R3 => Grant::to_all(&[Approver]),
            },
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.deed())
    }
}

/// The roles of which one is enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    /// For a task that the person asked for.
    pub(super) own: &'static [Role],
    /// For a task that somebody else asked for, and for what concerns no task.
    pub(super) others: &'static [Role],
}

impl Grant {
    fn to_all(roles: &'static [Role]) -> Self {
        Self { own: roles, others: roles }
    }
}
