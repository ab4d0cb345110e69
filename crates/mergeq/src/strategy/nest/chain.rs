//! Chains: while there are slots enough, a test of fresh items stands on the fresh items under way before them too. So it is
//! still current when those have landed, and lands them with its own when it ends before theirs do. Under load this
//! would only tell the same thing several times, and parts are tested apart.

use std::collections::BTreeSet;

use super::judge::BLAME_MAX;
use super::{Aim, Board, Item, Manner, Nest, Probe, TestId, count};

/// A test stands on as many others as leave it this chance to pass: the one that tells most.
const PASS_MIN: f64 = 0.5;
/// A test is stopped, and its part tested anew at once, when those on whom it stands are all good with less than this
/// probability.
const HOPE_MIN: f64 = 0.4;
/// Parts are tested apart while more than this share of the slots could be filled with items that wait.
const WAITING_MAX: f64 = 0.5;
/// What doubt remains of an item that has passed: something in its way may have landed since.
const DOUBT_LEFT: f64 = 0.01;

impl Nest {
    /// Whether so little waits that tests may stand on each other.
    pub(super) fn is_chaining(&self, board: &Board) -> bool {
        self.manner == Manner::Chained && count(self.fresh.len()) <= count(board.slots()) * WAITING_MAX
    }

    /// The oldest fresh items under way, for a test of `n` items that passes with the probability `good`. Nobody, when
    /// that would leave most of them out: the first of those to land would put the test out of date.
    pub(super) fn company(&self, mut n: usize, mut good: f64, board: &Board) -> BTreeSet<Item> {
        if !self.is_chaining(board) {
            return BTreeSet::new();
        }
        let mut fresh: Vec<&Probe> = self.probes.values().filter(|probe| probe.aim == Aim::Fresh).collect();
        fresh.sort_by_key(|probe| probe.part.first().copied());
        let mut company = Vec::new();
        for probe in &fresh {
            let pairs = count(n * probe.part.len());
            let with = good * (1. - probe.doubt) * (1. - self.belief.conflict_rate()).powf(pairs);
            if with >= PASS_MIN {
                (good, n) = (with, n + probe.part.len());
                company.push(&probe.part);
            }
        }
        let is_enough = company.len() * 2 >= fresh.len();
        company.into_iter().filter(|_| is_enough).flatten().copied().collect()
    }

    /// The probability that a test does not stand on anything bad.
    pub(super) fn company_good(&self, company: &BTreeSet<Item>) -> f64 {
        if company.is_empty() {
            return 1.;
        }
        let is_in = |items: &BTreeSet<Item>| !items.is_disjoint(company);
        let under_way = self.probes.values().filter(|probe| is_in(&probe.part) && probe.aim != Aim::Gamble);
        let under_way: f64 = under_way.map(|probe| 1. - self.doubt_of_part(probe)).product();
        let suspects = self.suspects.iter().filter(|suspect| is_in(&suspect.items));
        let suspects: f64 = suspects.map(|suspect| 1. - suspect.doubt).product();
        let fresh = (1. - self.belief.bad_rate()).powf(count(company.intersection(&self.fresh).count()));
        let doomed = if is_in(&self.doomed) { 0. } else { 1. };
        under_way * suspects * fresh * doomed
    }

    /// A red test may be the fault of those on whom it stood.
    pub(super) fn blame_company(&mut self, red: &Probe, p_red: f64) {
        let company = self.probes.values_mut().filter(|probe| !probe.part.is_disjoint(&red.company));
        company.for_each(|probe| probe.doubt = (probe.doubt / p_red).min(BLAME_MAX));
    }

    /// Those on whom a green test stood have passed with it.
    pub(super) fn vouch_for_company(&mut self, green: &Probe) {
        let company = self.probes.values_mut().filter(|probe| !probe.part.is_disjoint(&green.company));
        company.for_each(|probe| probe.doubt = probe.doubt.min(DOUBT_LEFT));
    }

    /// Who stands on what will probably fail is tested anew.
    pub(super) fn leave_bad_company(&mut self, board: &mut Board) {
        let hopeless = self.probes.iter().filter(|(_, probe)| self.company_good(&probe.company) < HOPE_MIN);
        let hopeless: Vec<TestId> = hopeless.map(|(test, _)| *test).collect();
        hopeless.into_iter().for_each(|test| self.stop(test, board));
    }

    /// Slots that nobody needs test alone what else is only tested standing on others.
    pub(super) fn test_without_company(&mut self, riders: (&[u64], &BTreeSet<Item>), board: &mut Board) {
        let chained = self.probes.values().filter(|probe| !probe.company.is_empty());
        let mut parts: Vec<BTreeSet<Item>> = chained.map(|probe| probe.part.clone()).collect();
        parts.sort();
        parts.into_iter().for_each(|part| self.gamble_on(part, riders, board));
    }
}
