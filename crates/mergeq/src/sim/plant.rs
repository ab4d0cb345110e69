//! The world around a strategy: changes come, tests take their time and tell the truth, but for flakes.
//!
//! It asserts that a strategy speaks sensibly. Whether what it does is right, an auditor looks at afterwards.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::audit::{Auditor, Content};
use super::chance::Chance;
use super::player::Player;
use super::repairs::{Fate, Obstacle, Repairs};
use super::tally::Tally;
use super::workload::{Changes, Workload};
use crate::strategy::{Act, Fact, Item, TestId};

const TESTS: u64 = 4;
const FOREIGN: u64 = 5;
const CRASHES: u64 = 8;
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
            let facts = plant.carry_out(seat.plan());
            if facts.is_empty() {
                break;
            }
            facts.iter().for_each(|fact| seat.absorb(fact));
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
    crashes: Chance,
    next_crash: f64,
    next_change: usize,
    under_way: BTreeMap<TestId, UnderWay>,
    ends: BinaryHeap<Reverse<(Moment, TestId)>>,
    repairs: Repairs,
    /// Which landing brought a change to the target, counted from 1; none while it has not.
    landed: Vec<Option<usize>>,
    ejected: BTreeSet<usize>,
    n_landings: usize,
    n_pushes: u64,
    n_tests: u64,
    auditor: Auditor,
    tally: Tally,
}

struct UnderWay {
    items: BTreeSet<usize>,
    after_landing: usize,
    after_push: u64,
    /// Which of all runs it is, and when that began and ends; none while it cannot begin, because two write the same lines.
    run: Option<(u64, f64, f64)>,
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
            next_foreign: gap(workload.foreign, &mut Chance::of(seed).branch(FOREIGN)),
            crashes: Chance::of(seed).branch(CRASHES),
            next_crash: gap(workload.crashes, &mut Chance::of(seed).branch(CRASHES)),
            next_change: 0,
            under_way: BTreeMap::new(),
            ends: BinaryHeap::new(),
            repairs: Repairs::new(seed),
            landed: vec![None; workload.changes],
            ejected: BTreeSet::new(),
            n_landings: 0,
            n_pushes: 0,
            n_tests: 0,
            auditor: Auditor::default(),
            tally: Tally::default(),
        }
    }

    /// What happens next: arrivals of one moment, those whose repair ends, a foreign push, a crash, or the end of one test. None when
    /// nothing will ever happen again.
    fn next(&mut self) -> Option<Vec<Fact>> {
        while self.ends.peek().is_some_and(|Reverse((Moment(at), test))| !self.ends_at(*test, *at)) {
            self.ends.pop();
        }
        let arrival = self.changes.at.get(self.next_change).copied();
        let end = self.ends.peek().map(|Reverse((Moment(at), _))| *at);
        let repair = self.repairs.next_end();
        let next = arrival.into_iter().chain(end).chain(repair).min_by(f64::total_cmp)?;
        if self.next_foreign < next && self.next_foreign < self.next_crash {
            self.now = self.next_foreign;
            self.next_foreign += gap(self.workload.foreign, &mut self.chance);
            self.n_pushes += 1;
            return Some(vec![Fact::Moved]);
        }
        if self.next_crash < next {
            self.now = self.next_crash;
            self.next_crash += gap(self.workload.crashes, &mut self.crashes);
            self.begin_anew();
            return Some(Vec::new());
        }
        self.now = next;
        if repair.is_some_and(|repair| repair <= next) {
            let landed = &self.landed;
            let back = self.repairs.finish(self.changes, (next, |change: usize| landed[change].is_some()));
            return Some(back.into_iter().map(arrived).collect());
        }
        if arrival.is_some_and(|arrival| end.is_none_or(|end| arrival < end)) {
            return Some(self.arrive());
        }
        let Reverse((_, test)) = self.ends.pop()?;
        Some(vec![self.conclude(test)])
    }

    fn ends_at(&self, test: TestId, at: f64) -> bool {
        let run = self.under_way.get(&test).and_then(|test| test.run);
        run.is_some_and(|(_, _, end)| end.total_cmp(&at).is_eq())
    }

    fn arrive(&mut self) -> Vec<Fact> {
        let rest = &self.changes.at[self.next_change..];
        let n = rest.iter().take_while(|at| **at <= self.now).count();
        let first = self.next_change;
        self.next_change += n;
        (first..first + n).map(arrived).collect()
    }

    fn conclude(&mut self, id: TestId) -> Fact {
        let test = self.under_way.remove(&id).expect("only tests under way end");
        let (number, since, _) = test.run.expect("it has begun");
        self.tally.slot_time += self.now - since;
        let is_flaky = self.chance.branch(number).happens(self.workload.flaky);
        if is_flaky || !self.is_good(&test) {
            return Fact::Red(id);
        }
        let UnderWay { items, after_landing, after_push, .. } = test;
        self.auditor.note_green(id, Content { landings: after_landing, pushes: after_push, items });
        Fact::Green(id)
    }

    fn is_good(&self, test: &UnderWay) -> bool {
        let is_in = |change: usize| {
            test.items.contains(&change) || self.landed[change].is_some_and(|n| n <= test.after_landing)
        };
        test.items.iter().all(|change| {
            !self.changes.is_bad[*change] && !self.changes.rivals[*change].iter().any(|rival| is_in(*rival))
        })
    }

    /// Gives back what came of it: a landing, which is always the last act, and who comes or goes because of conflicts.
    fn carry_out(&mut self, acts: Vec<Act>) -> Vec<Fact> {
        let mut landed = None;
        for act in acts {
            assert!(landed.is_none(), "nothing is decided while something lands");
            match act {
                Act::Start { test, items } => self.start(test, &items),
                Act::Cancel { test } => self.stop(test),
                Act::Land { test, items } => {
                    self.land(test, &items);
                    landed = Some(Fact::Landed(test));
                }
                Act::Eject { item, .. } => self.eject(index(item)),
            }
        }
        let is_vain = self.under_way.values().any(|test| test.items.iter().any(|item| self.ejected.contains(item)));
        assert!(!is_vain || landed.is_some(), "what was ejected is still under test");
        let mut facts: Vec<Fact> = landed.into_iter().collect();
        facts.extend(self.settle_conflicts());
        facts
    }

    fn start(&mut self, test: TestId, items: &[Item]) {
        assert!(!items.is_empty(), "a test tests something");
        let items: BTreeSet<usize> = items.iter().map(|item| index(*item)).collect();
        let (after_landing, after_push) = (self.n_landings, self.n_pushes);
        self.under_way.insert(test, UnderWay { items, after_landing, after_push, run: None });
        if self.obstacle(test).is_none() {
            self.begin(test);
        }
    }

    fn obstacle(&self, test: TestId) -> Option<(usize, Obstacle)> {
        let items = &self.under_way.get(&test)?.items;
        self.repairs.obstacle(items, self.changes, |change| self.landed[change].is_some())
    }

    fn begin(&mut self, id: TestId) {
        self.n_tests += 1;
        assert!(self.n_tests <= TESTS_MAX * (self.workload.changes as u64 + 1), "it tests for ever");
        let mut chance = self.chance.branch(self.n_tests ^ (1 << 63));
        let takes = if self.workload.sigma > 0. { chance.lognormal(1., self.workload.sigma) } else { 1. };
        let heard = if chance.happens(self.workload.lost) { LOOK_EVERY } else { 0. };
        let end = self.now + takes + heard;
        if let Some(test) = self.under_way.get_mut(&id) {
            test.run = Some((self.n_tests, self.now, end));
            self.ends.push(Reverse((Moment(end), id)));
            self.tally.tests += 1;
        }
    }

    /// What ran is lost, and runs again from its beginning.
    fn begin_anew(&mut self) {
        let running = self.under_way.iter().filter_map(|(id, test)| Some((*id, test.run?.1)));
        for (id, since) in running.collect::<Vec<_>>() {
            self.tally.slot_time += self.now - since;
            self.begin(id);
        }
    }

    fn stop(&mut self, test: TestId) {
        let stopped = self.under_way.remove(&test).expect("only tests under way are stopped");
        if let Some((_, since, _)) = stopped.run {
            self.tally.slot_time += self.now - since;
            self.tally.stopped += 1;
        }
    }

    /// Of each test that cannot begin, whoever does not merge leaves the line; what now can begin does. Who waited for one that
    /// has its outcome is in line again.
    fn settle_conflicts(&mut self) -> Vec<Fact> {
        let waiting: Vec<TestId> =
            self.under_way.iter().filter(|(_, test)| test.run.is_none()).map(|(id, _)| *id).collect();
        let mut facts = Vec::new();
        for test in waiting {
            match self.obstacle(test) {
                None => self.begin(test),
                Some((change, _)) if self.repairs.is_away(change) || self.ejected.contains(&change) => {}
                Some((change, obstacle)) => {
                    if self.repairs.take(change, obstacle, self.now) == Fate::SentBack {
                        self.ejected.insert(change);
                        self.auditor.note_ejected(change);
                    }
                    facts.push(Fact::Left(Item(change as u64)));
                }
            }
        }
        let (landed, ejected) = (&self.landed, &self.ejected);
        let back = self.repairs.step_back(|change| landed[change].is_some() || ejected.contains(&change));
        facts.extend(back.into_iter().map(arrived));
        facts
    }

    fn land(&mut self, test: TestId, items: &[Item]) {
        self.n_landings += 1;
        let items: BTreeSet<usize> = items.iter().map(|item| index(*item)).collect();
        for change in &items {
            self.landed[*change] = Some(self.n_landings);
            self.tally.waits.push(self.now - self.changes.at[*change]);
        }
        self.auditor.note_landing(test, items, self.n_pushes);
    }

    fn eject(&mut self, change: usize) {
        self.ejected.insert(change);
        self.auditor.note_ejected(change);
        let has_rival = self.changes.rivals[change].iter().any(|rival| self.landed[*rival].is_some());
        self.tally.wronged += usize::from(!self.changes.is_bad[change] && !has_rival);
    }

    fn close(mut self) -> Tally {
        self.tally.gates = self.auditor.judge(self.changes, |a, b| self.repairs.is_solved(a, b));
        self.tally.waits.sort_by(f64::total_cmp);
        self.tally.span = self.now;
        self.tally.changes = self.workload.changes;
        self.tally
    }
}

fn gap(rate: f64, chance: &mut Chance) -> f64 {
    if rate > 0. { chance.gap(rate) } else { f64::INFINITY }
}

fn arrived(change: usize) -> Fact {
    Fact::Arrived(Item(change as u64))
}

fn index(item: Item) -> usize {
    usize::try_from(item.0).expect("the plant numbers its changes by usize")
}
