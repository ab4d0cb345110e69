//! Ours: every test is of what has landed, of *riders* (groups that are jointly green and have not landed), and of one
//! part more. A green one lands all of it, so that under load no slot is spent on confirmation alone; a red one says
//! where to look. It is told nothing about how often changes are bad, checks flaky, or pairs in conflict: it learns that
//! from verdicts ([`belief`]).
//!
//! The nearest kin in group testing are the nested procedures of Sobel and Groll, "Group testing to eliminate
//! efficiently all defectives in a binomial sample", Bell System Technical Journal 38 (1959): test what passes with a
//! probability of one half, since that verdict tells most.

mod belief;
mod chain;
mod fill;
mod judge;
mod reason;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::belief::Belief;
use super::board::{Board, Concluded, Item, Test, TestId};
use super::strategist::Strategy;

/// What one strategy of this kind remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Nest {
    /// Nothing is known of these.
    fresh: BTreeSet<Item>,
    riders: Vec<Rider>,
    suspects: Vec<Suspect>,
    probes: BTreeMap<TestId, Probe>,
    /// Found guilty; ejected as soon as no test under way could still prove them good.
    doomed: BTreeSet<Item>,
    belief: Belief,
    next_rider: u64,
    manner: Manner,
}

/// What a test of fresh items stands on, beside what has landed and riders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Manner {
    /// On nothing else.
    #[default]
    Apart,
    /// On the fresh items under way before them, while there are slots enough.
    Chained,
}

/// A group that passed together, on what had landed then.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Rider {
    id: u64,
    /// Never empty.
    items: BTreeSet<Item>,
    /// How many items had landed when it passed.
    landed_before: u64,
    /// What red tests that carried it say of it: the probability that it does not go with what had landed then.
    blame: f64,
}

/// Items of which at least one is bad, with this probability.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Suspect {
    /// Never empty.
    items: BTreeSet<Item>,
    doubt: f64,
    /// How often it was red all alone.
    n_red: u32,
}

/// Why a test was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Probe {
    aim: Aim,
    /// What the test is to tell something about; beside it are riders.
    part: BTreeSet<Item>,
    /// The other items of the suspect that the part was taken from.
    rest: BTreeSet<Item>,
    /// The probability that a bad item is in part or rest.
    doubt: f64,
    /// How often the part was red all alone.
    n_red: u32,
    /// The riders, with how many items each had.
    riders: Vec<u64>,
    /// What other tests under way are to tell something about, and stands beside the part in this one too.
    company: BTreeSet<Item>,
    /// How many items part and rest had in the beginning.
    sizes: (usize, usize),
    /// How many items had arrived when it began.
    arrived_before: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Aim {
    /// Find out about fresh items.
    Fresh,
    /// Find the bad one among suspects.
    Search,
    /// Try one suspect that is cornered.
    Corner,
    /// Confirm riders that nobody carries.
    Confirm,
    /// Land sooner with luck, in a slot that nobody needs.
    Gamble,
}

impl Nest {
    pub(super) fn new(manner: Manner) -> Self {
        Self { manner, ..Self::default() }
    }

    /// What is under way goes on.
    pub(super) fn adjust(&mut self, manner: Manner) {
        self.manner = manner;
    }

    /// What must not be lost goes back to the line.
    fn take_back(&mut self, items: impl IntoIterator<Item = Item>) {
        self.fresh.extend(items);
    }

    /// Stops a test; what it was to tell something about is in line again. A gamble was about nothing that is not tested
    /// elsewhere.
    fn stop(&mut self, test: TestId, board: &mut Board) {
        board.cancel(test);
        let probe = self.probes.remove(&test).filter(|probe| probe.aim != Aim::Gamble);
        if let Some(probe) = probe {
            self.take_back(probe.part.into_iter().chain(probe.rest));
        }
    }

    fn carriers(&self, board: &Board, may_gamble: bool) -> BTreeSet<u64> {
        let probes = self.probes.iter().filter(|(test, probe)| {
            board.test(**test).is_some_and(|test| test.is_current) && (may_gamble || probe.aim != Aim::Gamble)
        });
        probes.flat_map(|(_, probe)| probe.riders.iter().copied()).collect()
    }

    /// The probability that a rider no longer goes with what has landed.
    fn risk(&self, rider: &Rider, board: &Board) -> f64 {
        let pairs = count(rider.items.len()) * float(board.landed() - rider.landed_before);
        1. - (1. - rider.blame) * (1. - self.belief.conflict_rate()).powf(pairs)
    }

    fn new_rider(&mut self, items: BTreeSet<Item>, test: &Test) {
        if items.is_empty() {
            return;
        }
        let id = self.next_rider;
        self.next_rider += 1;
        self.riders.push(Rider { id, items, landed_before: test.landed_before, blame: 0. });
    }

    /// Ejects the doomed that no test under way holds.
    fn eject_doomed(&mut self, board: &mut Board) {
        let is_held = |item: &Item| board.tests().any(|(_, test)| test.items.contains(item));
        let lost: Vec<Item> = self.doomed.iter().copied().filter(|item| !is_held(item)).collect();
        for item in lost {
            self.doomed.remove(&item);
            let guilt = self.belief.note_ejected(item);
            board.eject(item, guilt);
        }
    }
}

impl Strategy for Nest {
    fn arrive(&mut self, item: Item) {
        self.belief.note_arrived();
        self.fresh.insert(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        let with = board.tests().filter(|(_, test)| test.items.contains(&item));
        let with: Vec<TestId> = with.map(|(id, _)| id).collect();
        with.into_iter().for_each(|test| self.stop(test, board));
        self.fresh.remove(&item);
        self.doomed.remove(&item);
        self.riders.iter_mut().for_each(|rider| rider.items.retain(|other| *other != item));
        self.riders.retain(|rider| !rider.items.is_empty());
        self.suspects.iter_mut().for_each(|suspect| suspect.items.retain(|other| *other != item));
        self.suspects.retain(|suspect| !suspect.items.is_empty());
        self.probes.values_mut().for_each(|probe| probe.rest.retain(|other| *other != item));
        self.belief.forget(item);
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        let Some(probe) = self.probes.remove(&verdict.id) else { return };
        self.belief.note_pace(probe.arrived_before);
        if verdict.is_green {
            self.judge_green(probe, verdict, board);
        } else {
            self.judge_red(probe, &verdict, board);
            self.leave_bad_company(board);
        }
    }

    fn note_landed(&mut self, items: &[Item], board: &mut Board) {
        let landed: BTreeSet<Item> = items.iter().copied().collect();
        self.fresh.retain(|item| !landed.contains(item));
        self.doomed.retain(|item| !landed.contains(item));
        self.riders.iter_mut().for_each(|rider| rider.items.retain(|item| !landed.contains(item)));
        self.riders.retain(|rider| !rider.items.is_empty());
        self.suspects.iter_mut().for_each(|suspect| suspect.items.retain(|item| !landed.contains(item)));
        self.suspects.retain(|suspect| !suspect.items.is_empty());
        for probe in self.probes.values_mut() {
            probe.part.retain(|item| !landed.contains(item));
            probe.rest.retain(|item| !landed.contains(item));
            probe.company.retain(|item| !landed.contains(item));
        }
        self.belief.note_landed(&landed);
        let over: Vec<TestId> = board.tests().filter(|(_, test)| test.items.is_empty()).map(|(id, _)| id).collect();
        over.into_iter().for_each(|test| self.stop(test, board));
    }

    fn note_refused(&mut self, items: &[Item], _board: &mut Board) {
        let known: BTreeSet<Item> = self.riders.iter().flat_map(|rider| rider.items.iter().copied()).collect();
        let suspects = self.suspects.iter().flat_map(|suspect| suspect.items.iter().copied());
        let probes = self.probes.values().filter(|probe| probe.aim != Aim::Gamble);
        let parts = probes.flat_map(|probe| probe.part.iter().chain(&probe.rest).copied());
        let known: BTreeSet<Item> = known.into_iter().chain(suspects).chain(parts).collect();
        let unknown = items.iter().copied().filter(|item| !known.contains(item));
        self.fresh.extend(unknown);
    }

    fn fill(&mut self, board: &mut Board) {
        self.suspect_risky_riders(board);
        self.end_stale_gambles(board);
        self.search_and_explore(board);
        self.confirm_riders(board);
        self.test_other_sides(board);
        self.gamble(board);
        self.eject_doomed(board);
    }
}

#[expect(clippy::cast_precision_loss, reason = "no queue has 2^52 items")]
fn count(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "no queue lands 2^52 items")]
fn float(n: u64) -> f64 {
    n as f64
}
