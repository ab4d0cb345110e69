//! What the verdicts so far say about how often changes are bad, checks are flaky, and pairs in conflict.
//!
//! Each rate is (prior events + seen events) / (prior trials + seen trials).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Item, float};

/// How many red tests are remembered whose content has not landed yet; the oldest are forgotten. 256: each holds up to
/// some dozens of items, and the state is written at each step.
const REDS_MAX: usize = 256;

/// Counts, and the rates that follow from them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Belief {
    n_landed: u64,
    n_ejected: u64,
    /// Green tests.
    n_green: u64,
    /// Red tests whose whole content landed later: only a flake explains them.
    n_flakes: u64,
    /// Cornered items, and those that turned out to be good.
    n_cornered: u64,
    n_cornered_good: u64,
    /// Ejected items that had been riders: a conflict with what landed meanwhile explains them.
    n_conflicts: u64,
    /// Pairs of rider and landed item that were seen to go together.
    n_pairs: u64,
    /// What red tests held that has not landed.
    reds: Vec<BTreeSet<Item>>,
    /// Items that were riders.
    were_riders: BTreeSet<Item>,
    /// The guilt of the doomed.
    guilt: BTreeMap<Item, f64>,
    n_arrived: u64,
    /// How many items arrived while a test ran, on average; the last tests weigh most. None before the first verdict.
    pace: Option<f64>,
}

/// What the newest test weighs in the pace. One in ten: ten tests or so are what people would call lately.
const PACE_WEIGHT: f64 = 0.1;

impl Belief {
    /// How probable it is that a change is bad by itself. Two bad ones in twenty are believed before anything is seen.
    pub(super) fn bad_rate(&self) -> f64 {
        let ejected = float(self.n_ejected);
        ((2. + ejected) / (20. + float(self.n_landed) + ejected)).min(0.5)
    }

    /// How probable it is that good content is red: red content that landed later, among all that was good. One flake in
    /// fifty is believed before anything is seen.
    pub(super) fn flake_rate(&self) -> f64 {
        let flakes = float(self.n_flakes);
        (1. + flakes) / (50. + float(self.n_green) + flakes)
    }

    /// How probable it is that two good changes do not go together.
    pub(super) fn conflict_rate(&self) -> f64 {
        (0.1 + float(self.n_conflicts)) / (2_000. + float(self.n_pairs))
    }

    /// How probable it is that a cornered item is good.
    pub(super) fn cornered_good_rate(&self) -> f64 {
        (1. + float(self.n_cornered_good)) / (10. + float(self.n_cornered))
    }

    /// How many items come in the time of one test, lately. A strategy knows no clock: it counts them between the
    /// beginning of a test and its verdict.
    pub(super) fn pace(&self) -> Option<f64> {
        self.pace
    }

    /// How many items were judged in the end.
    pub(super) fn decided(&self) -> u64 {
        self.n_landed + self.n_ejected
    }

    /// How many items have arrived so far.
    pub(super) fn arrived(&self) -> u64 {
        self.n_arrived
    }

    pub(super) fn note_arrived(&mut self) {
        self.n_arrived += 1;
    }

    /// A test has its verdict; when it began, so many items had arrived.
    pub(super) fn note_pace(&mut self, arrived_before: u64) {
        let came = float(self.n_arrived.saturating_sub(arrived_before));
        let pace = self.pace.map_or(came, |pace| pace + (came - pace) * PACE_WEIGHT);
        self.pace = Some(pace);
    }

    pub(super) fn note_green(&mut self) {
        self.n_green += 1;
    }

    pub(super) fn note_pairs(&mut self, pairs: u64) {
        self.n_pairs += pairs;
    }

    pub(super) fn note_cornered_good(&mut self) {
        self.n_cornered += 1;
        self.n_cornered_good += 1;
    }

    pub(super) fn note_guilty(&mut self, item: Item, guilt: f64) {
        self.n_cornered += 1;
        self.guilt.insert(item, guilt);
    }

    pub(super) fn note_riders(&mut self, items: &BTreeSet<Item>) {
        self.were_riders.extend(items);
    }

    pub(super) fn note_red(&mut self, items: &BTreeSet<Item>) {
        if self.reds.len() == REDS_MAX {
            self.reds.remove(0);
        }
        self.reds.push(items.clone());
    }

    pub(super) fn note_landed(&mut self, landed: &BTreeSet<Item>) {
        self.n_landed += landed.len() as u64;
        for item in landed {
            self.were_riders.remove(item);
            self.guilt.remove(item);
        }
        self.reds.iter_mut().for_each(|red| red.retain(|item| !landed.contains(item)));
        let explained = self.reds.extract_if(.., |red| red.is_empty()).count();
        self.n_flakes += explained as u64;
    }

    /// Gives back how probable it is that the item is at fault.
    pub(super) fn note_ejected(&mut self, item: Item) -> f64 {
        self.n_ejected += 1;
        self.n_conflicts += u64::from(self.were_riders.contains(&item));
        let guilt = self.guilt.get(&item).copied().unwrap_or(1.);
        self.forget(item);
        guilt
    }

    /// The item is gone: what was red with it can no longer be explained.
    pub(super) fn forget(&mut self, item: Item) {
        self.were_riders.remove(&item);
        self.guilt.remove(&item);
        self.reds.retain(|red| !red.contains(&item));
    }
}
