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
    /// The probability that two good changes near each other do not go together, which only a test finds.
    pub conflict: f64,
    /// The probability that two changes near each other write the same lines, which is found when both are to be tested, and
    /// costs no run.
    pub textual: f64,
    /// The share of changes that write the same lines of one hot file.
    pub hot: f64,
    /// The standard deviation of the logarithm of the run time.
    pub sigma: f64,
    /// How often in T somebody pushes past the queue.
    pub foreign: f64,
    /// The probability that nobody hears of a verdict before the next time somebody looks.
    pub lost: f64,
    /// How often in T the program is killed: what is under test begins anew.
    pub crashes: f64,
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
        /// How long it takes until all of one have come, in T.
        within: f64,
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
    /// With which it cannot be merged.
    pub clashes: Vec<Vec<usize>>,
}

const ARRIVALS: u64 = 1;
const BADNESS: u64 = 2;
const CONFLICTS: u64 = 3;
const TEXTS: u64 = 6;

impl Workload {
    /// Changes that all wait from the beginning, are good, go together, and take their time; what a workload differs in from that
    /// is what it is about.
    pub const PLAIN: Self = Self {
        changes: 2_000,
        arrivals: Arrivals::Backlog,
        bad: 0.,
        flaky: 0.,
        conflict: 0.,
        textual: 0.,
        hot: 0.,
        sigma: 0.5,
        foreign: 0.,
        lost: 0.,
        crashes: 0.,
        bad_first: 0,
    };

    /// The changes of a seed: the same for every strategy.
    pub fn changes_of(&self, seed: u64) -> Changes {
        let root = Chance::of(seed);
        let mut badness = root.branch(BADNESS);
        let mut conflicts = root.branch(CONFLICTS);
        let mut texts = root.branch(TEXTS);
        let n = self.changes;
        let is_hot: Vec<bool> = (0..n).map(|_| self.hot > 0. && texts.happens(self.hot)).collect();
        let rivals = pairs(n, |_, _| conflicts.happens(self.conflict));
        let clashes = pairs(n, |a, b| (is_hot[a] && is_hot[b]) || (self.textual > 0. && texts.happens(self.textual)));
        Changes {
            at: self.arrival_times(&mut root.branch(ARRIVALS)),
            is_bad: (0..n).map(|change| badness.happens(self.bad) || change < self.bad_first).collect(),
            rivals,
            clashes,
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
            Arrivals::Bursts { size, rate, within } => {
                let bursts: Vec<f64> =
                    (0..self.changes.div_ceil(size.max(1))).map(|_| next(&|chance| chance.gap(rate))).collect();
                let each = bursts.into_iter().flat_map(|at| std::iter::repeat_n(at, size.max(1)));
                let mut all: Vec<f64> = each.take(self.changes).map(|at| at + chance.unit() * within).collect();
                all.sort_by(f64::total_cmp);
                all
            }
        }
    }
}

/// Each with those of fewer than so many before or after it of which this is true.
fn pairs(n: usize, mut is_one: impl FnMut(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut of = vec![Vec::new(); n];
    for later in 0..n {
        for earlier in later.saturating_sub(CONFLICT_DISTANCE)..later {
            if is_one(later, earlier) {
                of[later].push(earlier);
                of[earlier].push(later);
            }
        }
    }
    of
}
