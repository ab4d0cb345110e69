//! What comes to a queue: changes, good and bad, alone and in bursts, and how long a test of them takes.

use super::chance::Chance;

/// The statistics of a workload. The unit of time is the mean run time of the checks, T.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Workload {
    /// How many changes come.
    pub changes: usize,
    /// When.
    pub arrivals: Arrivals,
    /// The probability that a change is bad by itself.
    pub bad: f64,
    /// The probability that checks of good content are red.
    pub flaky: f64,
    /// The probability that two good changes near each other do not go together.
    pub conflict: f64,
    /// The standard deviation of the logarithm of the run time.
    pub sigma: f64,
    /// How often in T somebody pushes past the queue.
    pub foreign: f64,
    /// The probability that nobody hears of a verdict before the next time somebody looks.
    pub lost: f64,
    /// So many of the first are bad, whatever `bad` says.
    pub bad_first: usize,
}

/// When changes come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// All are there from the beginning.
    Backlog,
    /// One by one, this many in T on average.
    Poisson(f64),
    /// So many at once, this often in T.
    Bursts {
        /// How many come together.
        size: usize,
        /// How many bursts come in T.
        rate: f64,
    },
}

/// Two changes can only be in conflict when fewer than this many came between them.
const CONFLICT_DISTANCE: usize = 32;

/// The changes of one seed.
#[derive(Clone, Debug)]
pub struct Changes {
    /// When each comes, ascending.
    pub at: Vec<f64>,
    /// Whether it is bad by itself.
    pub is_bad: Vec<bool>,
    /// With which it does not go together.
    pub rivals: Vec<Vec<usize>>,
}

const ARRIVALS: u64 = 1;
const BADNESS: u64 = 2;
const CONFLICTS: u64 = 3;

impl Workload {
    /// The changes of a seed: the same for every strategy.
    pub fn changes_of(&self, seed: u64) -> Changes {
        let root = Chance::of(seed);
        let mut badness = root.branch(BADNESS);
        let mut conflicts = root.branch(CONFLICTS);
        let n = self.changes;
        let mut rivals = vec![Vec::new(); n];
        for later in 0..n {
            for earlier in later.saturating_sub(CONFLICT_DISTANCE)..later {
                if conflicts.happens(self.conflict) {
                    rivals[later].push(earlier);
                    rivals[earlier].push(later);
                }
            }
        }
        Changes {
            at: self.arrival_times(&mut root.branch(ARRIVALS)),
            is_bad: (0..n).map(|change| badness.happens(self.bad) || change < self.bad_first).collect(),
            rivals,
        }
    }

    fn arrival_times(&self, chance: &mut Chance) -> Vec<f64> {
        let mut now = 0.;
        let mut next = |gap: &dyn Fn(&mut Chance) -> f64| {
            now += gap(chance);
            now
        };
        match self.arrivals {
            Arrivals::Backlog => vec![0.; self.changes],
            Arrivals::Poisson(rate) => (0..self.changes).map(|_| next(&|chance| chance.gap(rate))).collect(),
            Arrivals::Bursts { size, rate } => {
                let bursts = (0..self.changes.div_ceil(size.max(1))).map(|_| next(&|chance| chance.gap(rate)));
                bursts.flat_map(|at| std::iter::repeat_n(at, size.max(1))).take(self.changes).collect()
            }
        }
    }
}
