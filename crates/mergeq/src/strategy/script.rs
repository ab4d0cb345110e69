//! What a strategy does, as people would tell it: `arrive 1 2 3` are items in line, `green 1 2` is the verdict on the test
//! of these two beyond what has landed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::Expect;

use super::{Act, Fact, Item, Strategist, TestId};
use crate::sim::player::{Player, Seat};

/// A strategy and what was said of it so far.
pub(crate) struct Play {
    seat: Seat,
    tests: BTreeMap<TestId, Vec<u64>>,
    text: String,
}

impl Play {
    pub(super) fn of(player: Player, slots: usize) -> Self {
        Self { seat: player.seat(slots), tests: BTreeMap::new(), text: String::new() }
    }

    pub(super) fn strategist(&mut self) -> &mut Strategist {
        match &mut self.seat {
            Seat::Ours(strategist) => strategist,
            Seat::Rival(..) => panic!("a rival is no strategist"),
        }
    }

    pub(super) fn tell(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let word = words.next().expect("a line says something");
        let items: Vec<u64> = words.map(|word| word.parse().expect("items are numbers")).collect();
        let _ = writeln!(self.text, "{line}");
        match word {
            "arrive" => items.iter().for_each(|item| self.absorb(&Fact::Arrived(Item(*item)))),
            "leave" => items.iter().for_each(|item| self.absorb(&Fact::Left(Item(*item)))),
            "moved" => self.absorb(&Fact::Moved),
            "green" => self.conclude(&items, Fact::Green),
            "red" => self.conclude(&items, Fact::Red),
            _ => panic!("{word} is no word of these scenarios"),
        }
        while let Some(landed) = self.carry_out() {
            self.absorb(&landed);
        }
        assert_eq!(self.seat.plan(), [], "asked twice it wants nothing new");
    }

    pub(super) fn absorb(&mut self, fact: &Fact) {
        self.seat.absorb(fact);
    }

    fn conclude(&mut self, items: &[u64], fact: fn(TestId) -> Fact) {
        let test = *self.tests.iter().find(|(_, of)| *of == items).expect("such a test is under way").0;
        self.tests.remove(&test);
        self.absorb(&fact(test));
    }

    pub(super) fn carry_out(&mut self) -> Option<Fact> {
        let said = |items: &[u64]| items.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let mut landed = None;
        for act in self.seat.plan() {
            let _ = match act {
                Act::Start { test, items } => {
                    let items: Vec<u64> = items.into_iter().map(|item| item.0).collect();
                    let line = writeln!(self.text, "    test {}", said(&items));
                    self.tests.insert(test, items);
                    line
                }
                Act::Cancel { test } => {
                    let items = self.tests.remove(&test).expect("only tests under way are stopped");
                    writeln!(self.text, "    stop {}", said(&items))
                }
                Act::Land { test, items } => {
                    landed = Some(Fact::Landed(test));
                    let items: Vec<u64> = items.into_iter().map(|item| item.0).collect();
                    self.tests.values_mut().for_each(|test| test.retain(|item| !items.contains(item)));
                    writeln!(self.text, "    land {}", said(&items))
                }
                Act::Eject { item, guilt } => writeln!(self.text, "    eject {} ({:.1} %)", item.0, guilt * 100.),
            };
        }
        landed
    }
}

/// Tells a strategy these lines one after the other, and compares what it does.
#[track_caller]
pub(crate) fn check((player, slots): (impl Into<Player>, usize), lines: &[&str], expected: Expect) {
    let mut play = Play::of(player.into(), slots);
    lines.iter().for_each(|line| play.tell(line));
    expected.assert_eq(&play.text);
}
