//! Many seeds, all strategies, the same changes for each: means with their 95 % intervals.

use serde::Serialize;

use super::audit::Gates;
use super::bounds::Bounds;
use super::chance::Chance;
use super::contender::Contender;
use super::past::Past;
use super::plant::{play, play_changes};
use super::tally::Tally;
use super::workload::Workload;

/// A mean over seeds, and between what it lies with a confidence of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// What one strategy reached on a workload.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub strategy: &'static str,
    /// Changes landed in T.
    pub landed_per_time: Mean,
    /// The share of what is possible that this is.
    pub share_of_bound: f64,
    /// How long half of the landed waited at most, in T.
    pub wait_p50: Mean,
    /// How long 95 % of the landed waited at most, in T.
    pub wait_p95: Mean,
    /// Tests begun for each that landed.
    pub tests_per_landed: Mean,
    /// Slot time used for each that landed, in T.
    pub slot_time_per_landed: Mean,
    /// The share of good changes that were ejected although nothing stood in their way.
    pub wronged_share: Mean,
    /// What must not have been done in any of its plays.
    pub gates: Gates,
}

/// Plays `seeds` seeds of a workload.
pub fn compare(workload: &Workload, contender: &Contender, slots: usize, seeds: u64) -> Row {
    let slots = contender.slots(slots);
    let tallies = (0..seeds.max(1)).map(|seed| play(workload, contender.player, slots, seed)).collect();
    row((contender, slots), workload, tallies)
}

/// Plays a recorded past; each seed draws other run times.
pub fn compare_past(past: &Past, contender: &Contender, slots: usize, seeds: u64) -> Row {
    let slots = contender.slots(slots);
    let known = (&past.workload, &past.changes);
    let tallies = (0..seeds.max(1)).map(|seed| play_changes(known, contender.player, slots, seed)).collect();
    row((contender, slots), &past.workload, tallies)
}

fn row((contender, slots): (&Contender, usize), workload: &Workload, tallies: Vec<Tally>) -> Row {
    let mean = |of: fn(&Tally) -> f64| Mean::of(&tallies.iter().map(of).collect::<Vec<_>>());
    let landed_per_time = mean(Tally::landed_per_time);
    Row {
        strategy: contender.name,
        landed_per_time,
        share_of_bound: landed_per_time.mean / Bounds::of(workload, slots).landed_per_time,
        wait_p50: mean(|tally| tally.wait(0.5)),
        wait_p95: mean(|tally| tally.wait(0.95)),
        tests_per_landed: mean(Tally::tests_per_landed),
        slot_time_per_landed: mean(Tally::slot_time_per_landed),
        wronged_share: mean(Tally::wronged_share),
        gates: Gates::sum(tallies.iter().map(|tally| tally.gates)),
    }
}

/// How often the seeds are drawn anew for an interval (Efron's bootstrap, 1979). 1,000: the usual number for 95 %.
const DRAWS: usize = 1_000;

impl Mean {
    /// Of a few values.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is an index")]
    pub fn of(values: &[f64]) -> Self {
        let mean_of = |values: &mut dyn Iterator<Item = f64>, n: usize| values.sum::<f64>() / float(n);
        let n = values.len();
        let mut chance = Chance::of(n as u64);
        let mut means: Vec<f64> =
            (0..DRAWS).map(|_| mean_of(&mut (0..n).map(|_| values[(chance.unit() * float(n)) as usize]), n)).collect();
        means.sort_by(f64::total_cmp);
        let (low, high) = (means[DRAWS / 40], means[DRAWS - 1 - DRAWS / 40]);
        Self { mean: mean_of(&mut values.iter().copied(), n), low, high }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody plays 2^52 seeds")]
fn float(n: usize) -> f64 {
    n as f64
}
