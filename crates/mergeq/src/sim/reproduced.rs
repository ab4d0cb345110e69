//! The simulator is believed only as far as it reproduces what is known: published strategies by their formulas, and each
//! strategy by figures that an independent simulation in another language gave for the same workloads.

use super::{Arrivals, Tally, Workload, contenders, play};
use crate::sim::chance::Chance;
use crate::strategy::Kind;
use crate::strategy::strategist::{BehindRed, TrainSettings};

/// As many as keep the error of a mean below two per cent, and the test below some seconds.
const SEEDS: u32 = 30;

const BACKLOG: Workload = Workload { bad: 0.05, ..Workload::PLAIN };

fn mean(workload: &Workload, (name, slots): (&str, usize), of: fn(&Tally) -> f64) -> f64 {
    let contender = contenders(workload).into_iter().find(|contender| contender.name == name).expect("it is known");
    let slots = if contender.is_single { 1 } else { slots };
    (0..SEEDS).map(|seed| of(&play(workload, contender.player, slots, 100 + u64::from(seed)))).sum::<f64>()
        / f64::from(SEEDS)
}

#[track_caller]
fn assert_near(what: &str, figure: f64, expected: f64) {
    let off = (figure / expected - 1.) * 100.;
    assert!(off.abs() <= 5., "{what}: {figure:.2} is {off:.1} % off {expected:.2}");
}

/// Landed in T on eight slots, by (p, f): serial, batch, lazy-train, train, optimistic, hybrid, nest. Conflicts are left
/// out: the other simulation did not look for them among what it had proven.
#[test]
fn each_strategy_lands_what_an_independent_simulation_says() {
    let names = ["serial", "batch", "lazy-train", "train", "optimistic", "hybrid", "nest"];
    let known = [
        (0.05, 0., [0.95, 2.37, 5.1, 6.1, 7.3, 14.4, 22.5]),
        (0.10, 0., [0.91, 1.48, 3.6, 5.1, 4.3, 8.9, 13.1]),
        (0.20, 0., [0.81, 0.84, 2.1, 3.3, 2.0, 5.0, 7.6]),
        (0.05, 0.05, [0.91, 2.26, 3.7, 5.1, 6.9, 13.3, 19.4]),
    ];
    for (bad, flaky, landed) in known {
        let workload = Workload { bad, flaky, ..BACKLOG };
        for (name, expected) in names.into_iter().zip(landed) {
            let figure = mean(&workload, (name, 8), Tally::landed_per_time);
            assert_near(&format!("{name} at p={bad} f={flaky}"), figure, expected);
        }
    }
}

/// (1-p)(1-(1-p)^W)/p: what a train of W cars lands in T when every run takes as long as every other.
#[test]
fn a_train_in_step_lands_what_its_formula_says() {
    for (bad, window) in [(0.05, 8_usize), (0.1, 8), (0.2, 8), (0.05, 32)] {
        let workload = Workload { bad, sigma: 0., ..BACKLOG };
        let settings = TrainSettings { window, is_adaptive: false, behind_red: BehindRed::Wait, vouching: None };
        let tallies =
            (0..SEEDS).map(|seed| play(&workload, Kind::Train(settings), window, u64::from(seed)).landed_per_time());
        let good: f64 = 1. - bad;
        let formula = good * (1. - good.powi(i32::try_from(window).expect("it is small"))) / bad;
        let figure = tallies.sum::<f64>() / f64::from(SEEDS);
        assert_near(&format!("a train of {window} at p={bad}"), figure, formula);
    }
}

#[test]
fn ours_eject_one_good_change_in_two_thousand_at_most() {
    for (name, slots) in [("nest", 8), ("nest", 32), ("adaptive", 8), ("adaptive", 32)] {
        let workload = Workload { flaky: 0.05, ..BACKLOG };
        let wronged = mean(&workload, (name, slots), Tally::wronged_share);
        assert!(wronged <= 0.0005, "{name} on {slots} slots ejects {:.3} % of good changes", wronged * 100.);
    }
}

/// Adaptive is what the product uses unless told otherwise: it must not be the wrong choice for anybody.
#[test]
fn adaptive_is_nowhere_much_worse_than_the_best() {
    for rate in [0.5, 4.] {
        let workload = Workload { arrivals: Arrivals::Poisson(rate), flaky: 0.02, conflict: 0.0005, ..BACKLOG };
        let wait = |name| mean(&workload, (name, 8), |tally| tally.wait(0.5));
        let (ours, theirs) = (wait("adaptive"), ["optimistic", "hybrid", "nest"].map(wait));
        let best = theirs.into_iter().fold(f64::INFINITY, f64::min);
        assert!(ours <= best * 1.02, "{rate} in T: {ours:.3} beside {best:.3} T");
    }
    let landed = |name| mean(&BACKLOG, (name, 8), Tally::landed_per_time);
    assert!(landed("adaptive") >= landed("nest") * 0.98, "a backlog");
}

/// Two that write the same lines are found when their commits are made: one by one, each that lands has had one run.
#[test]
fn a_conflict_in_the_text_costs_no_run_and_most_are_repaired() {
    let workload = Workload { changes: 400, textual: 0.01, ..Workload::PLAIN };
    let tally = play(&workload, Kind::Serial, 1, 1);
    assert_eq!((tally.tests, tally.stopped), (tally.waits.len(), 0));
    let sent_back = workload.changes - tally.waits.len();
    assert!((5..60).contains(&sent_back), "{sent_back} of 400 are sent back");
    let hot = play(&Workload { hot: 0.5, textual: 0., ..workload }, Kind::Serial, 1, 1);
    assert!(hot.tests == hot.waits.len() && hot.waits.len() < 380, "{} of 400 land", hot.waits.len());
}

/// Killed once in T, a run of length T comes to its end once in e tries.
#[test]
fn a_crash_loses_what_ran() {
    let workload = Workload { changes: 1_000, crashes: 1., sigma: 0., ..Workload::PLAIN };
    let tally = play(&workload, Kind::Serial, 1, 1);
    assert_near("runs for each that landed", tally.tests_per_landed(), std::f64::consts::E);
    assert!(tally.gates.are_kept() && tally.wronged == 0, "{:?}", tally.gates);
}

/// Nothing bad lands and nothing untested, nothing twice, and everybody gets an outcome.
#[test]
fn no_workload_breaks_a_promise() {
    for seed in 0..60 {
        let mut chance = Chance::of(seed);
        let mut one_of = |among: &[f64]| among[(chance.unit() * among.len() as f64) as usize];
        let rate = one_of(&[0., 0.5, 3., 30.]);
        let workload = Workload {
            changes: one_of(&[20., 120.]) as usize,
            arrivals: if rate > 0. { Arrivals::Poisson(rate) } else { Arrivals::Backlog },
            bad: one_of(&[0., 0.05, 0.2, 0.5, 0.9]),
            flaky: one_of(&[0., 0.05, 0.2]),
            conflict: one_of(&[0., 0.002, 0.02]),
            textual: one_of(&[0., 0.01]),
            hot: one_of(&[0., 0., 0.2]),
            crashes: one_of(&[0., 0., 0.3]),
            sigma: one_of(&[0., 0.5, 1.]),
            foreign: one_of(&[0., 0., 0.3]),
            lost: one_of(&[0., 0., 0.2]),
            bad_first: 0,
        };
        let slots = one_of(&[1., 2., 3., 8., 32.]) as usize;
        for contender in contenders(&workload) {
            let gates = play(&workload, contender.player, slots, seed).gates;
            assert!(gates.are_kept(), "{}: {gates:?} on {workload:?}", contender.name);
        }
    }
}
