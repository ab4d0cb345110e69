//! Each rival lands what its formula says, where there is one: all wait from the beginning, every run takes as long as every
//! other, and checks never lie.

use super::Rival;
use crate::sim::{Tally, Workload, play};

const IN_STEP: Workload = Workload { bad: 0.05, sigma: 0., ..Workload::PLAIN };
/// As many as keep the error of a mean below five per cent.
const SEEDS: u32 = 6;

fn mean(workload: &Workload, (rival, slots): (Rival, usize), of: fn(&Tally) -> f64) -> f64 {
    (0..SEEDS).map(|seed| of(&play(workload, rival, slots, u64::from(seed)))).sum::<f64>() / f64::from(SEEDS)
}

#[track_caller]
fn assert_lands(bad: f64, (rival, slots): (Rival, usize), formula: f64) {
    let landed = mean(&Workload { bad, ..IN_STEP }, (rival, slots), Tally::landed_per_time);
    assert!(
        (landed / formula - 1.).abs() < 0.05,
        "{rival:?} on {slots} slots at p={bad}: {landed:.3} beside {formula:.3}"
    );
}

/// Whoever tests one after the other lands 1-p; who lets all try at once lands one in T, if not all are bad.
#[test]
fn one_at_a_time_lands_one_in_t() {
    for bad in [0.05_f64, 0.2] {
        assert_lands(bad, (Rival::NoQueue, 1), 1. - bad);
        assert_lands(bad, (Rival::SubmitQueue, 1), 1. - bad);
        assert_lands(bad, (Rival::Tide { batch_max: 8 }, 1), 1. - bad);
        assert_lands(bad, (Rival::GitLab, 1), 1. - bad);
        assert_lands(bad, (Rival::NoQueue, 8), 1. - bad.powi(8));
    }
}

/// (1-p)(1-(1-p)^W)/p. In step, the first of those that a bad one spoils is the bad one, so nobody innocent is dropped.
#[test]
fn gitlab_lands_what_a_train_of_twenty_does() {
    for (bad, slots, cars) in [(0.05_f64, 8, 8), (0.2, 8, 8), (0.05, 40, 20)] {
        let good = 1. - bad;
        assert_lands(bad, (Rival::GitLab, slots), good * (1. - good.powi(cars)) / bad);
    }
    assert!(mean(&IN_STEP, (Rival::GitLab, 8), Tally::wronged_share) <= 0.);
    let out_of_step = Workload { sigma: 0.5, ..IN_STEP };
    let wronged = mean(&out_of_step, (Rival::GitLab, 8), Tally::wronged_share);
    assert!(wronged > 0.03, "only {wronged} of those are dropped whom another spoiled");
}

/// Between two bad ones there are G good ones: a run for each k of them, one for each that is left, and one to drop the
/// bad one.
#[test]
fn tide_lands_batches_and_then_one_by_one_until_the_bad_one() {
    for (bad, k) in [(0.05_f64, 4), (0.05, 8), (0.2, 3)] {
        let good = 1. - bad;
        let batches = good.powi(k) / (1. - good.powi(k));
        let between = good / bad;
        let formula = between / (1. + between - f64::from(k - 1) * batches);
        assert_lands(bad, (Rival::Tide { batch_max: usize::try_from(k).unwrap() }, 8), formula);
    }
}

/// At p = 1/2 every future is as probable as every other of its length, so that S slots decide log2(S+1) changes in T. Where
/// changes are good it is a train.
#[test]
fn submitqueue_decides_as_many_as_its_tree_is_deep() {
    for (slots, depth) in [(3, 2.), (7, 3.), (15, 4.)] {
        assert_lands(0.5, (Rival::SubmitQueue, slots), depth / 2.);
    }
    let good = 0.95_f64;
    assert_lands(0.05, (Rival::SubmitQueue, 8), good * (1. - good.powi(8)) / 0.05);
}

/// No formula is known. On one slot there is no speculation, and it is bisection with a shortcut; with more it must not be
/// worse, nor beyond what batches in a train could land if none were ever red.
#[test]
fn mergify_is_better_than_bisection_and_bounded_by_its_train() {
    let mergify = Rival::Mergify { batch_min: 1, batch_max: 8 };
    let one = mean(&IN_STEP, (mergify, 1), Tally::landed_per_time);
    let eight = mean(&IN_STEP, (mergify, 8), Tally::landed_per_time);
    assert!(one > 2.3 && eight > 2. * one && eight < 64. * 0.95, "{one:.2} on one slot, {eight:.2} on eight");
}
