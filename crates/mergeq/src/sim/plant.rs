//! The world around a strategy: changes come, tests take their time and tell the truth, but for flakes.
//!
//! After every landing it asserts what nobody may break: what lands was tested in exactly that form, nothing bad and no
//! conflicting pair is among it, and everybody gets one outcome.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::chance::Chance;
use super::player::Player;
use super::tally::Tally;
use super::workload::{Changes, Workload};
use crate::strategy::{Act, Fact, Item, TestId};

const TESTS: u64 = 4;
const FOREIGN: u64 = 5;
/// How long after its end a verdict is heard of that nobody was told, in T. Half of T: five minutes where a run takes ten.
const LOOK_EVERY: f64 = 0.5;
/// No strategy begins more tests than this for each change. 500: where nine of ten changes are bad, a train of 20 needs 70.
const TESTS_MAX: u64 = 500;

/// Plays a workload with a strategy to its end.
pub fn play(workload: &Workload, player: impl Into<Player>, slots: usize, seed: u64) -> Tally {
    play_changes((workload, &workload.changes_of(seed)), player.into(), slots, seed)
}

/// The same with changes that are known; chance decides over run times and flakes alone.
pub fn play_changes((workload, changes): (&Workload, &Changes), player: Player, slots: usize, seed: u64) -> Tally {
    let mut plant = Plant::new(workload, changes, seed);
    let mut seat = player.seat(slots);
    while let Some(facts) = plant.next() {
        facts.iter().for_each(|fact| seat.absorb(fact));
        loop {
            let landed = plant.carry_out(seat.plan());
            let Some(fact) = landed else { break };
            seat.absorb(&fact);
        }
    }
    plant.close()
}

struct Plant<'a> {
    workload: &'a Workload,
    changes: &'a Changes,
    chance: Chance,
    now: f64,
    next_foreign: f64,
    next_change: usize,
    under_way: BTreeMap<TestId, UnderWay>,
    ends: BinaryHeap<Reverse<(Moment, TestId)>>,
    /// Which landing brought a change to the target, counted from 1; none while it has not.
    landed: Vec<Option<u64>>,
    ejected: BTreeSet<usize>,
    n_landings: u64,
    n_tests: u64,
    tally: Tally,
}

struct UnderWay {
    items: BTreeSet<Item>,
    since: f64,
    after_landing: u64,
    number: u64,
}

/// A time, with an order.
#[derive(Clone, Copy, PartialEq)]
struct Moment(f64);

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<'a> Plant<'a> {
    fn new(workload: &'a Workload, changes: &'a Changes, seed: u64) -> Self {
        Self {
            workload,
            changes,
            chance: Chance::of(seed).branch(TESTS),
            now: 0.,
            next_foreign: gap_before_foreign(workload, &mut Chance::of(seed).branch(FOREIGN)),
            next_change: 0,
            under_way: BTreeMap::new(),
            ends: BinaryHeap::new(),
            landed: vec![None; workload.changes],
            ejected: BTreeSet::new(),
            n_landings: 0,
            n_tests: 0,
            tally: Tally::default(),
        }
    }

    /// What happens next: arrivals of one moment, a foreign push, or the end of one test. None when nothing will ever happen again.
    fn next(&mut self) -> Option<Vec<Fact>> {
        while self.ends.peek().is_some_and(|Reverse((_, test))| !self.under_way.contains_key(test)) {
            self.ends.pop();
        }
        let arrival = self.changes.at.get(self.next_change).copied();
        let end = self.ends.peek().map(|Reverse((Moment(at), _))| *at);
        let next = arrival.into_iter().chain(end).min_by(f64::total_cmp)?;
        if self.next_foreign < next {
            self.now = self.next_foreign;
            self.next_foreign += gap_before_foreign(self.workload, &mut self.chance);
            return Some(vec![Fact::Moved]);
        }
        match (arrival, end) {
            (Some(arrival), end) if end.is_none_or(|end| arrival < end) => {
                self.now = arrival;
                Some(self.arrive())
            }
            _ => {
                let Reverse((Moment(at), test)) = self.ends.pop()?;
                self.now = at;
                Some(vec![self.conclude(test)])
            }
        }
    }

    fn arrive(&mut self) -> Vec<Fact> {
        let rest = &self.changes.at[self.next_change..];
        let n = rest.iter().take_while(|at| **at <= self.now).count();
        let first = self.next_change;
        self.next_change += n;
        (first..first + n).map(|change| Fact::Arrived(Item(change as u64))).collect()
    }

    fn conclude(&mut self, id: TestId) -> Fact {
        let test = self.under_way.remove(&id).expect("only tests under way end");
        self.tally.slot_time += self.now - test.since;
        let is_flaky = self.chance.branch(test.number).happens(self.workload.flaky);
        if !is_flaky && self.is_good(&test) { Fact::Green(id) } else { Fact::Red(id) }
    }

    fn is_good(&self, test: &UnderWay) -> bool {
        let is_in = |change: usize| {
            test.items.contains(&Item(change as u64)) || self.landed[change].is_some_and(|n| n <= test.after_landing)
        };
        test.items.iter().map(|item| index(*item)).all(|change| {
            !self.changes.is_bad[change] && !self.changes.rivals[change].iter().any(|rival| is_in(*rival))
        })
    }

    /// Gives back what came of a landing, if there was one; it is always the last act.
    fn carry_out(&mut self, acts: Vec<Act>) -> Option<Fact> {
        let mut landed = None;
        for act in acts {
            assert!(landed.is_none(), "nothing is decided while something lands");
            match act {
                Act::Start { test, items } => self.start(test, items),
                Act::Cancel { test } => {
                    let stopped = self.under_way.remove(&test).expect("only tests under way are stopped");
                    self.tally.slot_time += self.now - stopped.since;
                    self.tally.stopped += 1;
                }
                Act::Land { test, items } => {
                    self.land(&items);
                    landed = Some(Fact::Landed(test));
                }
                Act::Eject { item, .. } => self.eject(index(item)),
            }
        }
        let is_gone = |item: &Item| self.ejected.contains(&index(*item));
        let is_vain = self.under_way.values().any(|test| test.items.iter().any(is_gone));
        assert!(!is_vain || landed.is_some(), "what was ejected is still under test");
        landed
    }

    fn start(&mut self, test: TestId, items: Vec<Item>) {
        assert!(!items.is_empty(), "a test tests something");
        self.n_tests += 1;
        assert!(self.n_tests <= TESTS_MAX * (self.workload.changes as u64 + 1), "it tests for ever, lately {items:?}");
        let mut chance = self.chance.branch(self.n_tests ^ (1 << 63));
        let takes = if self.workload.sigma > 0. { chance.lognormal(1., self.workload.sigma) } else { 1. };
        let heard = if chance.happens(self.workload.lost) { LOOK_EVERY } else { 0. };
        self.ends.push(Reverse((Moment(self.now + takes + heard), test)));
        let items = items.into_iter().collect();
        let under_way = UnderWay { items, since: self.now, after_landing: self.n_landings, number: self.n_tests };
        self.under_way.insert(test, under_way);
        self.tally.tests += 1;
    }

    fn land(&mut self, items: &[Item]) {
        self.n_landings += 1;
        for change in items.iter().map(|item| index(*item)) {
            assert!(!self.changes.is_bad[change], "the target is broken by {change}");
            let rival = self.changes.rivals[change].iter().find(|rival| self.landed[**rival].is_some());
            assert!(rival.is_none(), "{change} does not go with {rival:?}, which landed");
            assert!(self.landed[change].is_none() && !self.ejected.contains(&change), "{change} had its outcome");
            self.landed[change] = Some(self.n_landings);
            self.tally.waits.push(self.now - self.changes.at[change]);
        }
    }

    fn eject(&mut self, change: usize) {
        assert!(self.landed[change].is_none() && self.ejected.insert(change), "{change} had its outcome");
        let has_rival = self.changes.rivals[change].iter().any(|rival| self.landed[*rival].is_some());
        self.tally.wronged += usize::from(!self.changes.is_bad[change] && !has_rival);
    }

    fn close(mut self) -> Tally {
        let n_outcomes = self.tally.waits.len() + self.ejected.len();
        assert_eq!(n_outcomes, self.workload.changes, "everybody gets an outcome");
        self.tally.waits.sort_by(f64::total_cmp);
        self.tally.span = self.now;
        self.tally.changes = self.workload.changes;
        self.tally
    }
}

fn gap_before_foreign(workload: &Workload, chance: &mut Chance) -> f64 {
    if workload.foreign > 0. { chance.gap(workload.foreign) } else { f64::INFINITY }
}

fn index(item: Item) -> usize {
    usize::try_from(item.0).expect("the plant numbers its changes by usize")
}
