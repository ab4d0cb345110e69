//! Each law is shown to fail: a machine with one fault, or a world with one, and the law that has to notice it.
//!
//! A mutant wraps a real machine and alters what its step gives; nothing of this is known to the product.

mod queue;
mod task;

use domain::{Machine, Rejected, Step, Timestamp};

use crate::door::Rules;
use crate::laws::{self, MACHINE_LAWS};
use crate::ledger::Ledger;
use crate::stored::Stored;
use crate::weather::Weather;
use crate::{calm, play};
use crate::{guarded, play_on};

/// In how many histories a mutant has to be noticed.
const SEEDS_MAX: u64 = 600;

/// The laws of whole histories, beside those of the machines.
const HISTORY_LAWS: [&str; 19] = [
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
    /// The first history in which a law was broken, and which.
    fn hunt(&self) -> Option<(u64, &'static str, String)> {
        (0..SEEDS_MAX).find_map(|seed| {
            let mut weather = Weather::of(seed);
            let mut ledger = match self.kind {
                Kind::Machine(rules) => Ledger::new(rules, weather.policy.clone()),
                Kind::Forge | Kind::Door => Ledger::new(Rules::default(), weather.policy.clone()),
            };
            ledger.is_forgetful = matches!(self.kind, Kind::Door);
            weather.is_forcing = matches!(self.kind, Kind::Forge);
            let played = guarded(|| futures::executor::block_on(play_on(ledger, seed, weather)));
            played.err().map(|(breach, _)| (seed, breach.law, breach.what))
        })
    }
}

#[test]
fn every_mutant_breaks_its_law() {
    let mut survivors = Vec::new();
    for mutation in queue::mutations().into_iter().chain(task::mutations()).chain(of_the_world()) {
        let Mutation { fault, law, .. } = &mutation;
        match mutation.hunt() {
            Some((seed, broken, _)) if broken == *law => println!("{fault:<58} seed {seed:>3}  {law}"),
            Some((seed, broken, what)) => {
                survivors.push(format!("{fault}: `{broken}` instead of `{law}` ({what}, seed {seed})"))
            }
            None => survivors.push(format!("{fault}: nobody noticed; `{law}` should")),
        }
    }
    assert!(survivors.is_empty(), "{survivors:#?}");
}

fn of_the_world() -> [Mutation; 2] {
    [
        Mutation { fault: "a landing is forced", law: laws::LINEAR, kind: Kind::Forge },
        Mutation { fault: "a cause is forgotten", law: play::ONCE, kind: Kind::Door },
    ]
}

#[test]
fn every_law_has_a_mutant() {
    let of_machines = MACHINE_LAWS.iter().map(|(law, _)| *law);
    let mutations: Vec<Mutation> =
        queue::mutations().into_iter().chain(task::mutations()).chain(of_the_world()).collect();
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
    let (breach, _) = play_on(door, 1, weather).await.expect_err("an event is missing");
    assert_eq!(breach.law, laws::JOURNALED);
}
