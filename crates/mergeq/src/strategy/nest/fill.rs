//! What the free slots are used for: the oldest suspects, then fresh items, then what may land sooner.

use std::collections::BTreeSet;

use super::judge::pass_rate;
use super::{Aim, Board, Item, Nest, Probe, Suspect, TestId, count};
use crate::strategy::strategist::{first_alike_of, first_of, overtakes};

/// The most fresh items of one test.
const PART_MAX: usize = 64;
/// How much risk riders may add to a test that looks for something else.
const RIDERS_RISK: f64 = 0.15;
/// How much risk riders may add to a test that is for them.
const RIDERS_RISK_ALONE: f64 = 0.5;
/// A rider of more risk than this rides in at most [`CARRIERS_MAX`] tests at once: it spoils them together.
const RISK_SHARED: f64 = 0.05;
const CARRIERS_MAX: usize = 4;
/// The most gambling tests at once.
const GAMBLES_MAX: usize = 8;

/// Riders chosen for one test.
struct Load {
    ids: Vec<u64>,
    items: BTreeSet<Item>,
    /// The probability that they all go together.
    good: f64,
}

impl Load {
    fn none() -> Self {
        Self { ids: Vec::new(), items: BTreeSet::new(), good: 1. }
    }
}

impl Nest {
    /// The riders of current tests, each as often as it is carried.
    fn carried(&self, board: &Board) -> Vec<u64> {
        let current = self.probes.iter().filter(|(test, _)| board.test(**test).is_some_and(|test| test.is_current));
        current.flat_map(|(_, probe)| probe.riders.iter().copied()).collect()
    }

    /// The riders that are carried least, oldest first, up to a risk.
    fn load(&self, risk_max: f64, carried: &[u64], board: &Board) -> Load {
        let conflict_rate = self.belief.conflict_rate();
        let n_carriers = |id: u64| carried.iter().filter(|other| **other == id).count();
        let mut riders: Vec<_> =
            self.riders.iter().map(|rider| (n_carriers(rider.id), rider.items.first().copied(), rider)).collect();
        riders.sort_by_key(|(n, first, _)| (*n, *first));
        let mut load = Load::none();
        for (n_carriers, _, rider) in riders {
            let is_for_riders = risk_max >= RIDERS_RISK_ALONE;
            let risk = self.risk(rider, board);
            if risk > RISK_SHARED && n_carriers >= CARRIERS_MAX && !is_for_riders {
                continue;
            }
            let pairs = count(rider.items.len()) * count(load.items.len());
            let good = load.good * (1. - risk) * (1. - conflict_rate).powf(pairs);
            if good >= 1. - risk_max || is_for_riders && load.ids.is_empty() {
                load.ids.push(rider.id);
                load.items.extend(&rider.items);
                load.good = good;
            }
        }
        load
    }

    /// A gamble on the very same is what must be tested from now on.
    fn begin(&mut self, mut probe: Probe, riders: &BTreeSet<Item>, board: &mut Board) {
        let items: BTreeSet<Item> = riders.iter().chain(&probe.company).chain(&probe.part).copied().collect();
        if let Some(gamble) = board.take_over_spare(&items) {
            probe.arrived_before = self.probes.get(&gamble).map_or(0, |gamble| gamble.arrived_before);
            self.probes.insert(gamble, probe);
            return;
        }
        probe.arrived_before = self.belief.arrived();
        let test = if probe.aim == Aim::Gamble { board.start_spare(items) } else { board.start(items) };
        self.probes.insert(test, probe);
    }

    /// Stops gambles that can land nothing any more.
    pub(super) fn end_stale_gambles(&mut self, board: &mut Board) {
        let is_stale = |test: &TestId| board.test(*test).is_none_or(|test| !test.is_current);
        let stale = self.gambles().filter(is_stale);
        let stale: Vec<TestId> = stale.collect();
        stale.into_iter().for_each(|test| self.stop(test, board));
    }

    fn gambles(&self) -> impl Iterator<Item = TestId> {
        self.probes.iter().filter(|(_, probe)| probe.aim == Aim::Gamble).map(|(test, _)| *test)
    }

    /// Whether there is a slot for what must be tested; the newest gambles give theirs up.
    fn has_room(&mut self, board: &mut Board) -> bool {
        let mut gambles: Vec<TestId> = self.gambles().collect();
        while board.lacks(gambles.len()) {
            gambles.pop().into_iter().for_each(|test| self.stop(test, board));
        }
        board.free() > 0
    }

    /// Oldest suspects first, then fresh items, as many as pass together with a probability of one half. Fresh items that
    /// are more urgent than all suspects come before them.
    pub(super) fn search_and_explore(&mut self, board: &mut Board) {
        loop {
            let oldest = (0..self.suspects.len()).min_by_key(|index| self.suspects[*index].items.first().copied());
            if (oldest.is_none() && self.fresh.is_empty()) || !self.has_room(board) {
                return;
            }
            match oldest.filter(|index| !overtakes(&self.fresh, &self.suspects[*index].items)) {
                Some(index) => {
                    let suspect = self.suspects.swap_remove(index);
                    self.search(suspect, board);
                }
                None => self.explore(board),
            }
        }
    }

    fn search(&mut self, suspect: Suspect, board: &mut Board) {
        let Suspect { items, doubt, n_red } = suspect;
        let n = items.len();
        if n == 1 {
            let probe = Probe::new(Aim::Corner, items, BTreeSet::new(), doubt);
            return self.begin(Probe { n_red, ..probe }, &BTreeSet::new(), board);
        }
        let load = self.load(RIDERS_RISK, &self.carried(board), board);
        let k_max = if doubt > 0.5 { n - 1 } else { n };
        let k = self.most_telling(doubt, (k_max, n), load.good);
        // Nothing may stand beside a lone item, so that red is its own.
        let load = if k == 1 { Load::none() } else { load };
        let part = first_of(&items, k);
        let rest = items.difference(&part).copied().collect();
        self.begin(Probe { riders: load.ids, ..Probe::new(Aim::Search, part, rest, doubt) }, &load.items, board);
    }

    /// How many of a suspect's first items, at most `k_max` of `n`, pass with a probability that is nearest one half.
    fn most_telling(&self, doubt: f64, (k_max, n): (usize, usize), riders_good: f64) -> usize {
        let q = 1. - self.belief.bad_rate();
        let distance = |k: usize| (pass_rate(doubt, k, n, q) * riders_good - 0.5).abs();
        (1..=k_max).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or(1)
    }

    fn explore(&mut self, board: &mut Board) {
        let load = self.load(RIDERS_RISK, &self.carried(board), board);
        let k = self.fresh_size(load.good, board).clamp(1, PART_MAX);
        let part = first_alike_of(&self.fresh, k);
        self.fresh.retain(|item| !part.contains(item));
        let good = (1. - self.belief.bad_rate()).powf(count(part.len()));
        let company = self.company(load.items.len() + part.len(), load.good * good, board);
        let probe = Probe::new(Aim::Fresh, part, BTreeSet::new(), 1. - good);
        self.begin(Probe { riders: load.ids, company, ..probe }, &load.items, board);
    }

    /// How many fresh items pass with a probability of one half, but no more than leaves some for the other slots.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to small numbers")]
    fn fresh_size(&self, riders_good: f64, board: &Board) -> usize {
        let q = 1. - self.belief.bad_rate();
        let half = (0.5 / (riders_good * (1. - self.belief.flake_rate()))).min(0.999);
        let by_chance = (half.ln() / q.ln()).round().clamp(1., count(PART_MAX)) as usize;
        let share = (count(board.slots()) / 2.).max(count(board.free())).max(1.);
        let by_share = (count(self.fresh.len()) / share).ceil() as usize;
        by_chance.min(by_share)
    }

    /// Nothing better to do: confirm riders that nobody carries. A gamble gives its slot up for those that not even a
    /// gamble carries.
    pub(super) fn confirm_riders(&mut self, board: &mut Board) {
        while !self.riders.is_empty() && (board.free() > 0 || self.gambles().next().is_some()) {
            let load = self.load(RIDERS_RISK_ALONE, &self.carried(board), board);
            let (firmly, at_all) = (self.carriers(board, false), self.carriers(board, true));
            let is_new = |carried: &BTreeSet<u64>| load.ids.iter().any(|id| !carried.contains(id));
            if !is_new(&firmly) || board.is_testing(&load.items) {
                return;
            }
            if board.free() == 0 && !(is_new(&at_all) && self.has_room(board)) {
                return;
            }
            let probe = Probe::new(Aim::Confirm, BTreeSet::new(), BTreeSet::new(), 0.);
            self.begin(Probe { riders: load.ids, ..probe }, &load.items, board);
        }
    }

    /// Idle slots test both sides of a split at once, the largest first.
    pub(super) fn test_other_sides(&mut self, board: &mut Board) {
        while board.free() > 0 {
            let split = self.probes.iter().filter(|(_, probe)| probe.aim == Aim::Search && !probe.rest.is_empty());
            let largest =
                split.max_by_key(|(_, probe)| (probe.rest.len(), std::cmp::Reverse(probe.rest.first().copied())));
            let Some(test) = largest.map(|(test, _)| *test) else { return };
            let q = 1. - self.belief.bad_rate();
            let Some(probe) = self.probes.get_mut(&test) else { return };
            let (n_part, n_rest) = probe.sizes;
            let some_bad = 1. - q.powf(count(n_part + n_rest));
            let doubt = probe.doubt * (1. - q.powf(count(n_rest))) / some_bad;
            probe.doubt = probe.doubt * (1. - q.powf(count(n_part))) / some_bad;
            let rest = std::mem::take(&mut probe.rest);
            self.search(Suspect { items: rest, doubt, n_red: 0 }, board);
        }
    }

    /// Slots that nobody needs test longer and longer unions of what is under way.
    pub(super) fn gamble(&mut self, board: &mut Board) {
        if board.free() == 0 {
            return;
        }
        let load = self.load(RIDERS_RISK_ALONE, &[], board);
        let mut fresh: Vec<BTreeSet<Item>> =
            self.probes.values().filter(|probe| probe.aim == Aim::Fresh).map(|probe| probe.part.clone()).collect();
        fresh.sort();
        let mut part = BTreeSet::new();
        for more in fresh {
            part.extend(more);
            self.gamble_on(part.clone(), (&load.ids, &load.items), board);
        }
        self.test_without_company((&load.ids, &load.items), board);
    }

    /// Tests riders and a part if that is not done already, as long as there are slots that nobody needs.
    pub(super) fn gamble_on(
        &mut self,
        part: BTreeSet<Item>,
        (ids, riders): (&[u64], &BTreeSet<Item>),
        board: &mut Board,
    ) {
        let union: BTreeSet<Item> = riders.union(&part).copied().collect();
        let n_gambles = self.probes.values().filter(|probe| probe.aim == Aim::Gamble).count();
        if board.free() > 0 && n_gambles < GAMBLES_MAX && board.may_gamble(&union) {
            let probe = Probe::new(Aim::Gamble, part, BTreeSet::new(), 0.);
            self.begin(Probe { riders: ids.to_vec(), ..probe }, riders, board);
        }
    }
}

impl Probe {
    fn new(aim: Aim, part: BTreeSet<Item>, rest: BTreeSet<Item>, doubt: f64) -> Self {
        let sizes = (part.len(), rest.len());
        Self {
            aim,
            part,
            rest,
            doubt,
            n_red: 0,
            riders: Vec::new(),
            company: BTreeSet::new(),
            sizes,
            arrived_before: 0,
        }
    }
}
