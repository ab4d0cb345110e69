//! Random histories of what no simulated day sends: items leave and come again at any moment, also while something lands,
//! targets move, landings are refused, tests begin late, verdicts come late or lie, rules change, and the program starts
//! anew. Every strategy keeps its promises, and once the world tells the truth everybody gets an outcome.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::strategist::{BehindRed, TrainSettings};
use super::{Act, Board, Fact, Item, Kind, TestId};
use crate::sim::player::{Player, Seat};
use crate::sim::rivals::Rival;

#[derive(Clone, Debug)]
enum Step {
    Arrive { item: u64, is_bad: bool },
    Leave { nth: usize },
    Begin { nth: usize },
    Conclude { nth: usize, is_flaky: bool },
    Late { test: u64, fact: fn(TestId) -> Fact },
    EndLanding { is_refused: bool },
    Move,
    Adopt { kind: Kind, slots: usize },
    StartAnew,
}

fn board_of(seat: &Seat) -> &Board {
    match seat {
        Seat::Ours(strategist) => strategist.board(),
        Seat::Rival(board, _) => board,
    }
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let train = |window, is_adaptive, behind_red, vouching| {
        Kind::Train(TrainSettings { window, is_adaptive, behind_red, vouching })
    };
    prop_oneof![
        Just(Kind::Serial),
        (1..6_usize, any::<bool>()).prop_map(|(batch_max, infers)| Kind::Batch { batch_max, infers }),
        (1..6_usize, any::<bool>()).prop_map(move |(w, is_adaptive)| train(w, is_adaptive, BehindRed::Restart, None)),
        (1..6_usize).prop_map(move |w| train(w, false, BehindRed::Wait, None)),
        (1..6_usize, 1..3_usize).prop_map(move |(w, depth)| train(w, false, BehindRed::Wait, Some(depth))),
        (1..4_usize, 1..3_u32).prop_map(|(group_max, reds_needed)| Kind::Hybrid { group_max, reds_needed }),
        Just(Kind::Nest),
        Just(Kind::Adaptive),
        Just(Kind::Adaptive),
    ]
}

/// One of the queue's own strategies, or one that only the simulator has; those neither change their rules nor start anew.
fn any_player() -> impl Strategy<Value = Player> {
    let rivals = prop_oneof![
        Just(Rival::GitLab),
        (1..4_usize, 1..7_usize).prop_map(|(batch_min, batch_max)| Rival::Mergify { batch_min, batch_max }),
        Just(Rival::SubmitQueue),
        (2..6_usize).prop_map(|batch_max| Rival::Tide { batch_max }),
        Just(Rival::NoQueue),
    ];
    prop_oneof![2 => any_kind().prop_map(Player::from), 1 => rivals.prop_map(Player::from)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let late: Vec<fn(TestId) -> Fact> = vec![Fact::Begun, Fact::Green, Fact::Red, Fact::Landed, Fact::Refused];
    let is_rare = || prop::bool::weighted(0.2);
    prop_oneof![
        10 => (0..12_u64, is_rare()).prop_map(|(item, is_bad)| Step::Arrive { item, is_bad }),
        3 => (0..12_usize).prop_map(|nth| Step::Leave { nth }),
        3 => (0..8_usize).prop_map(|nth| Step::Begin { nth }),
        14 => (0..8_usize, is_rare()).prop_map(|(nth, is_flaky)| Step::Conclude { nth, is_flaky }),
        1 => (1..40_u64, prop::sample::select(late)).prop_map(|(test, fact)| Step::Late { test, fact }),
        6 => is_rare().prop_map(|is_refused| Step::EndLanding { is_refused }),
        1 => Just(Step::Move),
        1 => (any_kind(), 1..9_usize).prop_map(|(kind, slots)| Step::Adopt { kind, slots }),
        1 => Just(Step::StartAnew),
    ]
}

/// What a test really tests.
#[derive(Clone, Debug)]
struct Run {
    items: BTreeSet<Item>,
    base: BTreeSet<Item>,
    n_moves: u32,
}

/// A target, a line, and the tests under way.
struct World {
    seat: Seat,
    /// Who waits for an outcome, and whether it is bad.
    line: BTreeMap<Item, bool>,
    target: BTreeSet<Item>,
    n_moves: u32,
    under_way: BTreeMap<TestId, Run>,
    green: BTreeMap<TestId, Run>,
    landing: Option<(TestId, Vec<Item>)>,
}

impl World {
    fn new(player: Player, slots: usize) -> Self {
        Self {
            seat: player.seat(slots),
            line: BTreeMap::new(),
            target: BTreeSet::new(),
            n_moves: 0,
            under_way: BTreeMap::new(),
            green: BTreeMap::new(),
            landing: None,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Arrive { item, is_bad } => self.arrive(Item(*item), *is_bad),
            Step::Leave { nth } => {
                let is_landing = |item: &Item| self.landing.as_ref().is_some_and(|(_, items)| items.contains(item));
                if let Some(item) = self.line.keys().copied().filter(|item| !is_landing(item)).nth(*nth) {
                    self.line.remove(&item);
                    self.seat.absorb(&Fact::Left(item));
                }
            }
            Step::Begin { nth } => {
                if let Some(test) = self.nth_test(*nth) {
                    let run = self.run_of(&self.under_way[&test].items);
                    self.under_way.insert(test, run);
                    self.seat.absorb(&Fact::Begun(test));
                }
            }
            Step::Conclude { nth, is_flaky } => {
                if let Some(test) = self.nth_test(*nth) {
                    self.conclude(test, *is_flaky);
                }
            }
            Step::Late { test, fact } => {
                let is_late = !self.under_way.contains_key(&TestId(*test))
                    && self.landing.as_ref().is_none_or(|(landing, _)| landing.0 != *test);
                if is_late && !board_of(&self.seat).tests().any(|(id, _)| id.0 == *test) {
                    self.seat.absorb(&fact(TestId(*test)));
                }
            }
            Step::EndLanding { is_refused } => self.end_landing(*is_refused),
            Step::Move => {
                self.n_moves += 1;
                self.seat.absorb(&Fact::Moved);
            }
            Step::Adopt { kind, slots } => {
                if let (Seat::Ours(strategist), None) = (&mut self.seat, &self.landing) {
                    strategist.adopt(*kind, *slots, self.line.keys().copied());
                }
            }
            Step::StartAnew => {
                if let Seat::Ours(strategist) = &mut self.seat {
                    let body = serde_json::to_string(strategist).expect("it can be written");
                    **strategist = serde_json::from_str(&body).expect("it can be read");
                }
            }
        }
        self.carry_out();
    }

    /// Whoever has landed never comes again, and nobody comes twice without having left.
    fn arrive(&mut self, item: Item, is_bad: bool) {
        if !self.target.contains(&item) && !self.line.contains_key(&item) {
            self.line.insert(item, is_bad);
            self.seat.absorb(&Fact::Arrived(item));
        }
    }

    fn nth_test(&self, nth: usize) -> Option<TestId> {
        self.under_way.keys().copied().nth(nth)
    }

    fn run_of(&self, items: &BTreeSet<Item>) -> Run {
        let items = items.difference(&self.target).copied().collect();
        Run { items, base: self.target.clone(), n_moves: self.n_moves }
    }

    /// Two items that are in each other's way are 0 and 1.
    fn is_good(&self, run: &Run) -> bool {
        let content: BTreeSet<Item> = run.base.union(&run.items).copied().collect();
        let is_bad = |item: &Item| self.line.get(item).is_some_and(|is_bad| *is_bad);
        let has_rivals = content.contains(&Item(0)) && content.contains(&Item(1));
        !(has_rivals || run.items.iter().any(is_bad))
    }

    fn conclude(&mut self, test: TestId, is_flaky: bool) {
        let run = self.under_way.remove(&test).expect("it is under way");
        if !is_flaky && self.is_good(&run) {
            self.green.insert(test, run);
            self.seat.absorb(&Fact::Green(test));
        } else {
            self.seat.absorb(&Fact::Red(test));
        }
    }

    fn end_landing(&mut self, is_refused: bool) {
        let Some((test, items)) = self.landing.take() else { return };
        if is_refused {
            self.seat.absorb(&Fact::Refused(test));
        } else {
            self.target.extend(&items);
            self.line.retain(|item, _| !items.contains(item));
            self.seat.absorb(&Fact::Landed(test));
        }
    }

    fn carry_out(&mut self) {
        for act in self.seat.plan() {
            match act {
                Act::Start { test, items } => self.start(test, &items),
                Act::Cancel { test } => {
                    let is_known = self.under_way.remove(&test).is_some() || self.green.remove(&test).is_some();
                    assert!(is_known || board_of(&self.seat).test(test).is_none(), "{test:?} was never begun");
                }
                Act::Land { test, items } => self.land(test, items),
                Act::Eject { item, .. } => {
                    assert!(self.landing.is_none(), "nothing is decided while something lands");
                    assert!(self.line.remove(&item).is_some(), "{item:?} had its outcome");
                }
            }
        }
        assert_eq!(self.seat.plan(), [], "asked twice it wants nothing new");
        for run in self.under_way.values() {
            let vain = run.items.iter().find(|item| !self.line.contains_key(item) && !self.target.contains(item));
            assert!(vain.is_none(), "{vain:?} is gone and still under test");
        }
        let is_idle = self.under_way.is_empty() && self.landing.is_none();
        assert!(!is_idle || self.line.is_empty(), "{:?} wait and nothing is tested", self.line);
    }

    fn start(&mut self, test: TestId, items: &[Item]) {
        assert!(self.landing.is_none(), "nothing is decided while something lands");
        assert!(
            !items.is_empty() && items.iter().all(|item| self.line.contains_key(item)),
            "{items:?} do not all wait"
        );
        let run = self.run_of(&items.iter().copied().collect());
        assert!(self.under_way.insert(test, run).is_none(), "{test:?} is the name of two tests");
        assert!(self.under_way.len() <= board_of(&self.seat).slots(), "more tests are begun than there are slots");
    }

    fn land(&mut self, test: TestId, items: Vec<Item>) {
        assert!(self.landing.is_none(), "nothing is decided while something lands");
        let run = self.green.remove(&test).expect("only a green test lands");
        let tested: BTreeSet<Item> = run.base.union(&run.items).copied().collect();
        let lands: BTreeSet<Item> = self.target.iter().chain(&items).copied().collect();
        assert_eq!((tested, run.n_moves), (lands, self.n_moves), "what lands is exactly what was tested");
        assert!(items.iter().all(|item| self.line.contains_key(item)), "{items:?} do not all wait");
        self.landing = Some((test, items));
    }

    /// From now on the world tells the truth.
    fn come_to_an_end(&mut self) {
        for _ in 0..2_000 {
            if self.landing.is_some() {
                self.end_landing(false);
            } else if let Some(test) = self.nth_test(0) {
                self.conclude(test, false);
            } else {
                break;
            }
            self.carry_out();
        }
        assert!(self.line.is_empty(), "{:?} never got an outcome", self.line);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_promises_are_kept(
        player in any_player(), slots in 1..9_usize, steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let mut world = World::new(player, slots);
        steps.iter().for_each(|step| world.step(step));
        world.come_to_an_end();
    }
}
