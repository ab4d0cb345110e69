//! What a queue has really been through, as a workload: those who came when they came, bad if their checks said so.

use super::workload::{Arrivals, Changes, Workload};

/// With fewer stays nothing can be told. 20: the fewest of which one that waits long is not already five per cent.
const STAYS_MIN: usize = 20;
/// As many stays alone as make a mean, and as many as tell how much they vary.
const ALONE_MIN: usize = 5;
/// How run times vary where the past does not tell: as everywhere in this simulator.
const USUAL_SIGMA: f64 = 0.5;

/// When somebody came and left, in milliseconds of the same clock, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// When it came.
    pub enqueued_at_ms: i64,
    /// When it left.
    pub ended_at_ms: i64,
    /// How.
    pub end: StayEnd,
}

/// How a stay ended, as far as checks were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StayEnd {
    /// It landed.
    Landed,
    /// Its checks failed.
    Red,
    /// It left for another reason, and no verdict was needed.
    Other,
}

/// A recorded workload.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its statistics.
    pub workload: Workload,
    /// Who came when.
    pub changes: Changes,
    /// How long one run of the checks took, in milliseconds.
    pub run_ms: f64,
    /// How long those that landed really waited, ascending, in T.
    pub waits: Vec<f64>,
}

/// Too little is recorded to play it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLittle {
    /// How many landed or were red.
    pub known: usize,
    /// How many there must be.
    pub needed: usize,
}

impl Past {
    /// Those who landed or were ejected for their checks; the others needed no verdict. A run takes as long as those waited
    /// who were alone in the queue, since they waited for nothing else.
    pub fn of(stays: &[Stay]) -> Result<Self, TooLittle> {
        let mut judged: Vec<&Stay> = stays.iter().filter(|stay| stay.end != StayEnd::Other).collect();
        if judged.len() < STAYS_MIN {
            return Err(TooLittle { known: judged.len(), needed: STAYS_MIN });
        }
        judged.sort_by_key(|stay| stay.enqueued_at_ms);
        let (run_ms, sigma) = run_time(&judged);
        let first = judged.first().map_or(0, |stay| stay.enqueued_at_ms);
        let at: Vec<f64> = judged.iter().map(|stay| ms(stay.enqueued_at_ms - first) / run_ms).collect();
        let is_bad: Vec<bool> = judged.iter().map(|stay| stay.end == StayEnd::Red).collect();
        let changes = Changes { rivals: vec![Vec::new(); at.len()], clashes: vec![Vec::new(); at.len()], at, is_bad };
        let mut waits: Vec<f64> =
            judged.iter().filter(|stay| stay.end == StayEnd::Landed).map(|stay| waited(stay) / run_ms).collect();
        waits.sort_by(f64::total_cmp);
        Ok(Self { workload: statistics_of(&changes, sigma), changes, run_ms, waits })
    }
}

/// What the bounds and the people who read are told of these changes.
fn statistics_of(changes: &Changes, sigma: f64) -> Workload {
    let n = changes.at.len();
    let span = changes.at.last().copied().unwrap_or_default();
    let n_bad = changes.is_bad.iter().filter(|is_bad| **is_bad).count();
    let arrivals = if span > 0. { Arrivals::Poisson(count(n) / span) } else { Arrivals::Backlog };
    let bad = count(n_bad) / count(n);
    Workload { changes: n, arrivals, bad, sigma, ..Workload::PLAIN }
}

/// The mean run time in milliseconds, and the deviation of its logarithm.
fn run_time(judged: &[&Stay]) -> (f64, f64) {
    let is_alone = |stay: &&Stay| {
        let meets = |other: &&&Stay| other.enqueued_at_ms < stay.ended_at_ms && stay.enqueued_at_ms < other.ended_at_ms;
        stay.end == StayEnd::Landed && judged.iter().filter(meets).count() <= 1
    };
    let mut waits: Vec<f64> = judged.iter().copied().filter(is_alone).map(waited).collect();
    let is_told = waits.len() >= ALONE_MIN;
    if !is_told {
        // Nobody was alone: those who waited least waited for little more than a run.
        waits = judged.iter().filter(|stay| stay.end == StayEnd::Landed).map(|stay| waited(stay)).collect();
        waits.sort_by(f64::total_cmp);
        waits.truncate(waits.len().div_ceil(4));
    }
    let mean = (waits.iter().sum::<f64>() / count(waits.len().max(1))).max(1.);
    let logarithms: Vec<f64> = waits.iter().map(|wait| wait.ln()).collect();
    let middle = logarithms.iter().sum::<f64>() / count(logarithms.len().max(1));
    let squares: f64 = logarithms.iter().map(|logarithm| (logarithm - middle).powi(2)).sum();
    let sigma = if is_told { (squares / count(logarithms.len())).sqrt() } else { USUAL_SIGMA };
    (mean, sigma)
}

fn waited(stay: &Stay) -> f64 {
    ms((stay.ended_at_ms - stay.enqueued_at_ms).max(1))
}

#[expect(clippy::cast_precision_loss, reason = "no queue is 2^52 milliseconds old")]
fn ms(ms: i64) -> f64 {
    ms as f64
}

#[expect(clippy::cast_precision_loss, reason = "nobody records 2^52 stays")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(minute: i64, minutes: i64, end: StayEnd) -> Stay {
        Stay { enqueued_at_ms: minute * 60_000, ended_at_ms: (minute + minutes) * 60_000, end }
    }

    #[test]
    fn a_run_takes_as_long_as_those_waited_who_were_alone() {
        let alone = (0..20).map(|n| stay(n * 100, 10, StayEnd::Landed));
        let crowd = (0..10).map(|_| stay(5_000, 90, StayEnd::Landed));
        let red = [stay(6_000, 10, StayEnd::Red), stay(7_000, 1, StayEnd::Other)];
        let past = Past::of(&alone.chain(crowd).chain(red).collect::<Vec<_>>()).expect("it is enough");
        assert!((past.run_ms - 600_000.).abs() < 1e-6, "{}", past.run_ms);
        assert!(past.workload.sigma < 1e-6, "{}", past.workload.sigma);
        assert_eq!((past.workload.changes, past.changes.is_bad.iter().filter(|bad| **bad).count()), (31, 1));
        assert_eq!((past.changes.at[1], past.waits[0], past.waits[29]), (10., 1., 9.));
    }

    #[test]
    fn too_short_a_past_is_not_played() {
        let stays: Vec<Stay> = (0..19).map(|n| stay(n, 10, StayEnd::Landed)).collect();
        assert_eq!(Past::of(&stays).map(|_| ()), Err(TooLittle { known: 19, needed: 20 }));
    }
}
