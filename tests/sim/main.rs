//! The simulator: whole histories of both machines under crashes, doubled and lost answers, take-overs, pushes by others
//! and people who change their minds; laws judge every step and what is left at the end.
//!
//! `cargo xtask sim --seeds N --first SEED` plays more of them, or one again.

mod chance;
mod coverage;
mod door;
mod laws;
mod ledger;
mod people;
mod performers;
mod play;
mod repo;
mod weather;

use std::panic::{AssertUnwindSafe, catch_unwind};

use coverage::Coverage;
use door::Rules;
use futures::executor::block_on;
use laws::{Breach, breach};
use ledger::Ledger;
use play::Play;
use weather::Weather;

/// How many histories are played in memory when nobody says otherwise.
const SEEDS: u64 = 2_000;

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// One history in memory; what occurred in it.
fn play_in_memory(seed: u64, rules: Rules, is_told: bool) -> Result<(Coverage, u64), (Breach, String)> {
    let mut weather = Weather::of(seed);
    weather.is_told = is_told;
    let mut play = Play::new(Ledger::new(rules, weather.policy.clone()), seed, weather);
    match block_on(play.run()) {
        Ok(()) => Ok((play.coverage.clone(), play.n_events())),
        Err(breach) => Err((breach, play.recent())),
    }
}

/// A panic of a machine is a breach like any other.
fn outcome_of(seed: u64, rules: Rules, is_told: bool) -> Result<(Coverage, u64), (Breach, String)> {
    catch_unwind(AssertUnwindSafe(|| play_in_memory(seed, rules, is_told)))
        .unwrap_or_else(|_| Err((breach("a machine keeps its own assertions", "it panicked; see above"), String::new())))
}

#[test]
fn every_history_in_memory_keeps_the_laws() {
    let first = number_in("DOWNBEAT_SIM_FIRST").unwrap_or(0);
    let n_seeds = number_in("DOWNBEAT_SIM_SEEDS").unwrap_or(SEEDS);
    let (mut coverage, mut n_events) = (Coverage::default(), 0);
    let began = std::time::Instant::now();
    for seed in first..first + n_seeds {
        match outcome_of(seed, Rules::default(), false) {
            Ok((occurred, n)) => {
                coverage.add(&occurred);
                n_events += n;
            }
            Err(_) => {
                let (breach, recent) = outcome_of(seed, Rules::default(), true).expect_err("a seed tells one history");
                panic!("seed {seed} breaks a law.\n{recent}{breach}\nreplay: cargo xtask sim --seeds 1 --first {seed}");
            }
        }
    }
    println!("{n_seeds} histories, {n_events} events in {:?}\n{coverage}", began.elapsed());
    if n_seeds >= SEEDS {
        assert_eq!(coverage.missing(), Vec::<String>::new(), "these never occurred");
    }
}
