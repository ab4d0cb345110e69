//! The simulator: whole histories of both machines under crashes, doubled and lost answers, take-overs, pushes by
//! others and people who change their minds; laws judge every step and what is left at the end.
//!
//! A seed means one history: in memory, or on SQLite through the real [`store::Store`]. `cargo xtask sim --seeds N
//! --first SEED` plays more of them, or one again; [`mutations`] shows that each law can fail.

mod burial;
mod calm;
mod carrying;
mod chance;
mod coverage;
mod door;
mod laws;
mod ledger;
mod merges;
mod mutations;
mod people;
mod performers;
mod play;
mod repo;
mod stored;
mod weather;

use std::panic::{AssertUnwindSafe, catch_unwind};

use coverage::Coverage;
use door::{Door, Rules};
use laws::{Breach, breach};
use ledger::Ledger;
use play::Play;
use stored::Stored;
use tokio::runtime::Runtime;
use weather::Weather;

/// How many histories are played in memory when nobody says otherwise.
const SEEDS_IN_MEMORY: u64 = 2_000;

/// One in so many of them is played on SQLite too, which takes ten times as long.
const STORED_ONE_IN: u64 = 10;

/// How many turns and tasks a history on SQLite has at most.
const TURNS_STORED_MAX: usize = 250;
const TASKS_STORED_MAX: u64 = 4;

/// What occurred in a history that kept the laws, and in how many events.
type Occurred = (Coverage, u64);

/// The law that a history broke, and its last events.
type Broken = (Breach, String);

async fn play_on<D: Door>(door: D, seed: u64, weather: Weather) -> Result<Occurred, Broken> {
    let mut play = Play::new(door, seed, weather);
    match play.run().await {
        Ok(()) => Ok((play.coverage.clone(), play.n_events())),
        Err(breach) => Err((breach, play.recent())),
    }
}

/// One history in memory, by machines that may be mutants.
fn play_in_memory(seed: u64, rules: Rules, weather: Weather) -> Result<Occurred, Broken> {
    let ledger = Ledger::new(rules, weather.policy.clone());
    guarded(|| futures::executor::block_on(play_on(ledger, seed, weather)))
}

fn play_on_sqlite(runtime: &Runtime, seed: u64, weather: Weather) -> Result<Occurred, Broken> {
    let (n_turns, n_tasks) = (weather.n_turns.min(TURNS_STORED_MAX), weather.n_tasks.min(TASKS_STORED_MAX));
    let weather = Weather { n_turns, n_tasks, ..weather };
    guarded(|| {
        runtime.block_on(async {
            let door = Stored::open(weather.policy.clone()).await;
            Box::pin(play_on(door, seed, weather)).await
        })
    })
}

/// A panic of a machine is a breach like any other.
fn guarded(play: impl FnOnce() -> Result<Occurred, Broken>) -> Result<Occurred, Broken> {
    let panicked = |_| Err((breach(laws::ASSERTED, "it panicked, see above"), String::new()));
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(panicked)
}

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Plays `n_seeds` histories on all cores and shows what occurred in them; a broken law is told again, with its events.
fn play_all(n_seeds: u64, play: impl Fn(&Runtime, u64, Weather) -> Result<Occurred, Broken> + Sync) -> Coverage {
    let first = number_in("DOWNBEAT_SIM_FIRST").unwrap_or(0);
    let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let began = std::time::Instant::now();
    let shares: Vec<Occurred> = std::thread::scope(|scope| {
        let share = |thread: u64| {
            let play = &play;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                let seeds = (first..first + n_seeds).filter(|seed| seed % n_threads == thread);
                seeds.fold(Occurred::default(), |mut sum, seed| {
                    let (coverage, n_events) = play(&runtime, seed, Weather::of(seed))
                        .unwrap_or_else(|_| tell(seed, |weather| play(&runtime, seed, weather)));
                    sum.0.add(&coverage);
                    sum.1 += n_events;
                    sum
                })
            })
        };
        let threads: Vec<_> = (0..n_threads).map(share).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|share| share.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut coverage = Coverage::default();
    shares.iter().for_each(|(share, _)| coverage.add(share));
    let n_events: u64 = shares.iter().map(|(_, n)| n).sum();
    println!("{n_seeds} histories, {n_events} events in {:.1?}\n{coverage}", began.elapsed());
    coverage
}

/// Plays a history again that broke a law, and ends with what happened in it.
fn tell(seed: u64, play: impl Fn(Weather) -> Result<Occurred, Broken>) -> Occurred {
    let mut weather = Weather::of(seed);
    weather.is_told = true;
    let policy = weather.policy.strategy;
    let (breach, recent) = play(weather).expect_err("a seed tells one history");
    panic!(
        "seed {seed} breaks a law, under {policy:?}.\n{recent}{breach}\nreplay: cargo xtask sim --seeds 1 --first {seed}"
    );
}

/// [35, 38]
#[test]
fn every_history_in_memory_keeps_the_laws() {
    let n_seeds = number_in("DOWNBEAT_SIM_SEEDS").unwrap_or(SEEDS_IN_MEMORY);
    let coverage = play_all(n_seeds, |_, seed, weather| play_in_memory(seed, Rules::default(), weather));
    if n_seeds >= SEEDS_IN_MEMORY {
        assert_eq!(coverage.missing(), Vec::<String>::new(), "these never occurred");
    }
}

/// [35, 38]
#[test]
fn every_history_on_sqlite_keeps_the_laws() {
    let n_seeds = number_in("DOWNBEAT_SIM_SEEDS").unwrap_or(SEEDS_IN_MEMORY);
    play_all(n_seeds.div_ceil(STORED_ONE_IN), play_on_sqlite);
}

#[test]
fn a_seed_means_one_history() {
    let seeds = 0..20;
    let n_events = |seed| {
        let (coverage, n) = play_in_memory(seed, Rules::default(), Weather::of(seed)).expect("it keeps the laws");
        (coverage.to_string(), n)
    };
    for seed in seeds {
        assert_eq!(n_events(seed), n_events(seed), "seed {seed}");
    }
}
