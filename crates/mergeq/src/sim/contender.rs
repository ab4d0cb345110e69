//! The strategies that are compared, each as its own makers would set it.

use super::player::Player;
use super::rivals::Rival;
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
    pub player: Player,
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
    let (wait, restart) = (BehindRed::Wait, BehindRed::Restart);
    let batch = Kind::Batch { batch_max: 8, infers: false };
    let tide = Rival::Tide { batch_max: tide_batch(workload.bad) };
    let mergify = Rival::Mergify { batch_min: 1, batch_max: MERGIFY_BATCH };
    let reds_needed = if workload.flaky > 0. { 2 } else { 1 };
    vec![
        one("serial", "one at a time (rust-lang's bors, Kodiak)", Kind::Serial),
        many("no-queue", "everybody runs on the newest target, the first that is green merges", Rival::NoQueue),
        one("batch", "up to 8 together, bisected when red (bors-ng)", batch),
        many("tide", "a batch, and its first alone beside it (Prow's Tide)", tide),
        many("lazy-train", "each on all before it; red acts at the head (GitHub)", train(false, wait, None)),
        many("gitlab", "each on all before it; whoever is red leaves at once (GitLab)", Rival::GitLab),
        many("train", "each on the nearest that is not red (Zuul)", train(false, restart, None)),
        many("aimd-train", "the same with a window that grows and is halved (Zuul)", train(true, restart, None)),
        many("submitqueue", "the futures that are most probable (Uber)", Rival::SubmitQueue),
        many("optimistic", "a green one behind vouches for the red before it (Trunk)", train(false, wait, Some(2))),
        many("mergify", "a train of batches; a red one is cut into parts (Mergify)", mergify),
        many(
            "hybrid",
            "independent groups, one confirming run of their union",
            Kind::Hybrid { group_max: 8, reds_needed },
        ),
        many("nest", "landed, what is green together, and one part more (ours)", Kind::Nest),
        many("adaptive", "the same; standing on what is under way where there are slots enough (ours)", Kind::Adaptive),
    ]
}

fn one(name: &'static str, what: &'static str, player: impl Into<Player>) -> Contender {
    Contender { name, what, player: player.into(), is_single: true }
}

fn many(name: &'static str, what: &'static str, player: impl Into<Player>) -> Contender {
    Contender { is_single: false, ..one(name, what, player) }
}

/// The most changes of one of Mergify's batches.
const MERGIFY_BATCH: usize = 8;

/// The batch that serves Tide best: of k changes one is bad after 1/p, which costs a run for each k before it, and about
/// k/2 + 1 until it is the first and leaves; that is least at the root of 2/p.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 2 and 20")]
fn tide_batch(bad: f64) -> usize {
    (2. / bad).sqrt().clamp(2., 20.) as usize
}
