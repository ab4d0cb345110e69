//! The strategies that are compared, each as its own makers would set it.

use super::workload::Workload;
use crate::strategy::Kind;
use crate::strategy::strategist::{BehindRed, TrainSettings};

/// A strategy with a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contender {
    /// What people type.
    pub name: &'static str,
    /// Whose it is.
    pub what: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether it uses one slot, however many there are.
    pub is_single: bool,
}

impl Contender {
    /// How many of so many slots it uses.
    pub fn slots(&self, slots: usize) -> usize {
        if self.is_single { 1 } else { slots }
    }
}

/// GitHub's and Zuul's default number of changes under test.
const WINDOW: usize = 20;

/// All of them for a workload, ours last.
pub fn contenders(workload: &Workload) -> Vec<Contender> {
    let train = |is_adaptive, behind_red, vouching| {
        Kind::Train(TrainSettings { window: WINDOW, is_adaptive, behind_red, vouching })
    };
    let reds_needed = if workload.flaky > 0. { 2 } else { 1 };
    let one = |name, what, kind| Contender { name, what, kind, is_single: true };
    let many = |name, what, kind| Contender { name, what, kind, is_single: false };
    vec![
        one("serial", "one at a time (rust-lang's bors)", Kind::Serial),
        one("batch", "up to 8 together, bisected when red (bors-ng)", Kind::Batch { batch_max: 8, infers: false }),
        many("lazy-train", "each on all before it; red acts at the head (GitHub)", train(false, BehindRed::Wait, None)),
        many("train", "each on the nearest that is not red (Zuul)", train(false, BehindRed::Restart, None)),
        many(
            "aimd-train",
            "the same with a window that grows and is halved (Zuul)",
            train(true, BehindRed::Restart, None),
        ),
        many(
            "optimistic",
            "a green one behind vouches for the red before it (Trunk)",
            train(false, BehindRed::Wait, Some(2)),
        ),
        many(
            "hybrid",
            "independent groups, one confirming run of their union",
            Kind::Hybrid { group_max: 8, reds_needed },
        ),
        many("nest", "landed, what is green together, and one part more (ours)", Kind::Nest),
        many("adaptive", "the same; standing on what is under way where there are slots enough (ours)", Kind::Adaptive),
    ]
}
