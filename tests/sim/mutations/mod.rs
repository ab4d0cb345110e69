//! Each law is shown to fail: a machine with one fault, or a world with one, and the law that has to notice it.
//!
//! A mutant wraps a real machine and alters what its step gives; nothing of this is known to the product.

mod queue;
mod task;

use std::collections::BTreeSet;

use domain::{Machine, Rejected, Step, Timestamp};

use crate::door::Rules;
use crate::laws::{self, MACHINE_LAWS};
use crate::ledger::Ledger;
use crate::stored::Stored;
use crate::weather::Weather;
use crate::{Broken, Occurred, guarded, play_on};
use crate::{calm, play};

/// In how many histories a mutant has to be noticed.
const SEEDS_MAX: u64 = 1_000;

/// The laws of whole histories, beside those of the machines.
const HISTORY_LAWS: [&str; 21] = [
    laws::APPROVED,
    laws::PRODUCED,
    laws::PUBLISHED,
    laws::CARRIED,
    laws::AGREED,
    laws::ASKED,
    laws::LATE,
    laws::PLANNED,
    laws::RANKED,
    laws::INNOCENT,
    laws::ONE_OUTCOME,
    laws::TESTED,
    laws::LINEAR,
    laws::MERGED,
    laws::TAKEN_BACK,
    laws::PROVED,
    play::ONCE,
    play::ANSWERS,
    calm::RESTS,
    calm::ENDS,
    laws::JOURNALED,
];

/// One fault and the law against it.
pub struct Mutation {
    pub fault: &'static str,
    pub law: &'static str,
    pub kind: Kind,
    /// Turns any weather into one in which the fault is likely to show.
    pub tune: fn(&mut Weather),
}

/// Where the fault is.
pub enum Kind {
    Machine(Rules),
    /// The forge moves a target without a look at it.
    Forge,
    /// The inbox and the outbox forget what was applied.
    Door,
}

/// A step altered after the fact, where the machine did not refuse.
pub fn altered<M: Machine + Clone>(
    before: M,
    event: &M::Event,
    now: Timestamp,
    alter: impl FnOnce(&M, &mut Step<M>),
) -> Result<Step<M>, Rejected> {
    let mut step = before.clone().step(event, now)?;
    alter(&before, &mut step);
    Ok(step)
}

impl Mutation {
    pub fn of_machine(law: &'static str, fault: &'static str, rules: Rules) -> Self {
        Self { fault, law, kind: Kind::Machine(rules), tune: |_| {} }
    }

    /// The same where performers are often overtaken, and for long.
    fn among_the_overtaken(self) -> Self {
        let tune = |weather: &mut Weather| {
            (weather.n_tasks, weather.n_turns) = (5, 900);
            (weather.lapses, weather.troubles, weather.crashes) = (2, 0, 0);
            weather.policy.limits.entries_max = weather.policy.limits.entries_max.min(2);
        };
        Self { tune, ..self }
    }

    /// The first history in which its law is broken, or what else was. A fault may show in more ways than one.
    fn hunt(&self) -> Result<u64, String> {
        let mut others = BTreeSet::new();
        for seed in 0..SEEDS_MAX {
            match self.play(seed) {
                Err((breach, _)) if breach.law == self.law => return Ok(seed),
                Err((breach, _)) => drop(others.insert(breach.law)),
                Ok(_) => {}
            }
        }
        Err(format!("{}: `{}` was not broken, only {others:?}", self.fault, self.law))
    }

    fn play(&self, seed: u64) -> Result<Occurred, Broken> {
        let mut weather = Weather::of(seed);
        (self.tune)(&mut weather);
        let rules = if let Kind::Machine(rules) = self.kind { rules } else { Rules::default() };
        let mut ledger = Ledger::new(rules, weather.policy.clone());
        ledger.is_forgetful = matches!(self.kind, Kind::Door);
        weather.is_forcing = matches!(self.kind, Kind::Forge);
        guarded(|| futures::executor::block_on(play_on(ledger, seed, weather)))
    }
}

#[test]
fn every_mutant_breaks_its_law() {
    let mut survivors = Vec::new();
    for mutation in all() {
        match mutation.hunt() {
            Ok(seed) => println!("{:<58} seed {seed:>3}  {}", mutation.fault, mutation.law),
            Err(why) => survivors.push(why),
        }
    }
    assert!(survivors.is_empty(), "{survivors:#?}");
}

fn all() -> Vec<Mutation> {
    queue::mutations().into_iter().chain(task::mutations()).chain(of_the_world()).collect()
}

fn of_the_world() -> [Mutation; 2] {
    [
        Mutation { fault: "a landing is forced", law: laws::LINEAR, kind: Kind::Forge, tune: |_| {} },
        Mutation { fault: "a cause is forgotten", law: play::ONCE, kind: Kind::Door, tune: |_| {} },
    ]
}

#[test]
fn every_law_has_a_mutant() {
    let of_machines = MACHINE_LAWS.iter().map(|(law, _)| *law);
    let mutations = all();
    let is_shown = |law: &&str| mutations.iter().any(|mutation| mutation.law == *law);
    // The journal's mutant is a row that is missing: the next test.
    let unshown: Vec<_> =
        of_machines.chain(HISTORY_LAWS).filter(|law| *law != laws::JOURNALED && !is_shown(law)).collect();
    assert!(unshown.is_empty(), "no mutant breaks {unshown:#?}");
}

#[tokio::test]
async fn an_event_that_is_missing_in_the_journal_breaks_its_law() {
    let weather = Weather { n_tasks: 1, n_turns: 40, ..Weather::of(1) };
    let mut door = Stored::open(weather.policy.clone()).await;
    door.loses_event = true;
    let (breach, _) = Box::pin(play_on(door, 1, weather)).await.expect_err("an event is missing");
    assert_eq!(breach.law, laws::JOURNALED);
}
