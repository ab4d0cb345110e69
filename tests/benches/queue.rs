//! What the strategies of the merge queue reach on simulated changes, and how long a decision takes.

use std::time::{Duration, Instant};

use mergeq::sim::{Arrivals, Bounds, Mean, PRESETS, Tally, Workload, compare, contenders, play};
use mergeq::strategy::strategist::{BehindRed, TrainSettings};
use mergeq::strategy::{Act, Fact, Item, Kind, Strategist};

use crate::figure::Figure;

/// As many as keep the intervals below two per cent.
const SEEDS: u64 = 30;
/// Not those on which constants were chosen.
const FIRST_SEED: u64 = 40_000;

const BACKLOG: Workload = Workload { bad: 0.05, ..Workload::PLAIN };
const FLEET: Workload = Workload { flaky: 0.02, conflict: 0.0005, ..BACKLOG };

pub fn strategies(figures: &mut Vec<Figure>) {
    compare_all();
    for (workload, slots, told) in [(BACKLOG, 8, "checks never lie"), (FLEET, 32, "2 % flaky, 0.05 % in conflict")] {
        let ours = plays(&workload, Kind::Adaptive, slots);
        let (best, theirs) = best_train(&workload, slots);
        let ratios: Vec<f64> =
            ours.iter().zip(&theirs).map(|(a, b)| a.landed_per_time() / b.landed_per_time()).collect();
        let what = format!("queue: landed beside the best train, {slots} slots, 5 % bad, {told}");
        figures.push(Figure::of_mean(&what, "times", mean(&ratios)).at_least(3.3).with_note(best));
        let bound = Bounds::of(&workload, slots).landed_per_time;
        let shares: Vec<f64> = ours.iter().map(|tally| tally.landed_per_time() / bound * 100.).collect();
        let share =
            Figure::of_mean(&format!("queue: share of the entropy bound, the same {slots} slots"), "%", mean(&shares));
        figures.push(if slots == 8 { share.at_least(78.) } else { share });
    }
    let alone = plays(&Workload { sigma: 0., ..BACKLOG }, Kind::Adaptive, 1);
    let bound = Bounds::of(&BACKLOG, 1).tests_per_landed;
    let runs: Vec<f64> = alone.iter().map(|tally| tally.tests_per_landed() / bound).collect();
    let what = "queue: runs for each that landed, one slot, beside the bound";
    figures
        .push(Figure::of_mean(what, "times", mean(&runs)).at_most(1.15).with_note(format!("the bound is {bound:.3}")));
    waits(figures);
    for slots in [8, 32] {
        let flaky = plays(&Workload { flaky: 0.05, ..BACKLOG }, Kind::Adaptive, slots);
        let wronged: Vec<f64> = flaky.iter().map(|tally| tally.wronged_share() * 100.).collect();
        let what = format!("queue: good changes ejected, every twentieth run of good content red, {slots} slots");
        figures.push(Figure::of_mean(&what, "%", mean(&wronged)).at_most(0.05));
    }
}

fn waits(figures: &mut Vec<Figure>) {
    for rate in [0.5, 1.] {
        let workload = Workload { arrivals: Arrivals::Poisson(rate), ..FLEET };
        let median = |kind| mean(&plays(&workload, kind, 8).iter().map(|tally| tally.wait(0.5)).collect::<Vec<_>>());
        let theirs = median(train(20)).mean;
        let what = format!("queue: wait of one in two, {rate} changes in T");
        let note = format!("the train: {theirs:.2} T");
        figures.push(Figure::of_mean(&what, "T", median(Kind::Adaptive)).at_most(theirs.min(0.9)).with_note(note));
    }
}

/// All strategies on all workloads with names, for people to read.
fn compare_all() {
    for preset in PRESETS {
        eprintln!("\n{}: {}", preset.name, preset.what);
        for contender in contenders(&preset.workload) {
            let row = compare(&preset.workload, &contender, preset.slots, SEEDS);
            eprintln!(
                "  {:<11} {:>7.2} landed in T ({:.2} to {:.2}, {:>3.0} % of the bound)  wait {:>7.2} / {:>7.2} T  {:>5.2} runs  {:>5.2} T  {:.3} % good ejected",
                row.strategy,
                row.landed_per_time.mean,
                row.landed_per_time.low,
                row.landed_per_time.high,
                row.share_of_bound * 100.,
                row.wait_p50.mean,
                row.wait_p95.mean,
                row.tests_per_landed.mean,
                row.slot_time_per_landed.mean,
                row.wronged_share.mean * 100.,
            );
        }
    }
}

fn plays(workload: &Workload, kind: Kind, slots: usize) -> Vec<Tally> {
    (0..SEEDS).map(|seed| play(workload, kind, slots, FIRST_SEED + seed)).collect()
}

fn train(window: usize) -> Kind {
    Kind::Train(TrainSettings { window, is_adaptive: false, behind_red: BehindRed::Restart, vouching: None })
}

/// The window that serves the train best on these very seeds, and what it landed.
fn best_train(workload: &Workload, slots: usize) -> (String, Vec<Tally>) {
    let adaptive =
        Kind::Train(TrainSettings { window: 20, is_adaptive: true, behind_red: BehindRed::Restart, vouching: None });
    let fixed = [8, 12, 16, 20, 30, 40, 80].map(|window| (format!("its window: {window}"), train(window)));
    let all = fixed.into_iter().chain([("its window adapts".to_owned(), adaptive)]);
    let landed = |tallies: &[Tally]| tallies.iter().map(Tally::landed_per_time).sum::<f64>();
    let played = all.map(|(name, kind)| (name, plays(workload, kind, slots)));
    played.max_by(|(_, a), (_, b)| landed(a).total_cmp(&landed(b))).expect("there are some")
}

fn mean(values: &[f64]) -> Mean {
    Mean::of(values)
}

/// What a verdict costs until the next tests are chosen.
pub fn decide(figures: &mut Vec<Figure>) {
    for (queued, limit_ms) in [(1_000_u64, 1.), (10_000, 10.)] {
        let mut strategist = Strategist::new(Kind::Adaptive, 8);
        (0..queued).for_each(|item| strategist.absorb(&Fact::Arrived(Item(item))));
        let mut under_way: Vec<_> = tests_of(strategist.plan());
        let mut waits = Vec::new();
        let mut arrived = queued;
        for n in 0..1_000 {
            let gone = strategist.board().landed() + strategist.board().ejected();
            (arrived..queued + gone).for_each(|item| strategist.absorb(&Fact::Arrived(Item(item))));
            arrived = queued + gone;
            let test = under_way.remove(0);
            let verdict = if n % 3 == 0 { Fact::Red(test) } else { Fact::Green(test) };
            waits.push(timed(|| {
                strategist.absorb(&verdict);
                loop {
                    let acts = strategist.plan();
                    let landing = acts.iter().find_map(|act| match act {
                        Act::Land { test, .. } => Some(*test),
                        Act::Start { .. } | Act::Cancel { .. } | Act::Eject { .. } => None,
                    });
                    let stopped = acts.iter().filter_map(|act| match act {
                        Act::Cancel { test } => Some(*test),
                        Act::Start { .. } | Act::Land { .. } | Act::Eject { .. } => None,
                    });
                    stopped.for_each(|stopped| under_way.retain(|test| *test != stopped));
                    under_way.extend(tests_of(acts));
                    let Some(test) = landing else { break };
                    strategist.absorb(&Fact::Landed(test));
                }
            }));
        }
        let what = format!("queue: verdict → what to test next, {queued} in line");
        figures.push(Figure::of_waits(&what, waits).p99_at_most(limit_ms));
    }
}

fn tests_of(acts: Vec<Act>) -> Vec<mergeq::strategy::TestId> {
    let started = acts.into_iter().filter_map(|act| match act {
        Act::Start { test, .. } => Some(test),
        Act::Cancel { .. } | Act::Land { .. } | Act::Eject { .. } => None,
    });
    started.collect()
}

fn timed(what: impl FnOnce()) -> Duration {
    let began = Instant::now();
    what();
    began.elapsed()
}
