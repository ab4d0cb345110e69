//! What comes to the queue of one seed, as a value: changes of a repository of modules, when they come, how long all work
//! takes, and which verdicts lie. Two queues that are given the same workload have no excuse to decide differently.

use mergeq::queue::RunId;
use mergeq::sim::chance::Chance;

use crate::content::{LINES, MODULES, Spot, module, spot};
use crate::play::Job;

/// Everything that happens to a queue but for what it decides.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) seed: u64,
    /// By their arrival.
    pub(crate) changes: Vec<Planned>,
    /// The ticks at which somebody pushes past the queue.
    pub(crate) pushes: Vec<u64>,
    /// The probability that checks of a good tree are red.
    pub(crate) flaky: f64,
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) id: String,
    /// The tick at which it comes.
    pub(crate) at: u64,
    /// The lines that it writes.
    pub(crate) edits: Vec<Edit>,
    /// Whether its work began at the target as it is when the change comes; otherwise at the repository's first commit.
    pub(crate) is_fresh: bool,
    /// Whether its branch is gone.
    pub(crate) is_lost: bool,
    /// Whether somebody repairs it where that is needed.
    pub(crate) is_repairable: bool,
}

/// One line that is written.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) spot: Spot,
    pub(crate) text: String,
}

/// How often what comes; probabilities of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixture {
    pub(crate) changes: usize,
    /// Mean ticks between two; 0 where all come at once.
    pub(crate) gap: f64,
    /// It writes a line that an earlier one writes.
    pub(crate) conflicts: f64,
    pub(crate) bad: f64,
    /// It takes a token away, and one that comes soon requires it.
    pub(crate) quarrels: f64,
    /// It does what an earlier one does.
    pub(crate) doubles: f64,
    pub(crate) lost: f64,
    pub(crate) fresh: f64,
    pub(crate) flaky: f64,
    pub(crate) pushes: usize,
}

impl Mixture {
    /// Some of everything.
    pub(crate) const ALL: Self = Self {
        changes: 18,
        gap: 5.,
        conflicts: 0.2,
        bad: 0.12,
        quarrels: 0.15,
        doubles: 0.06,
        lost: 0.04,
        fresh: 0.4,
        flaky: 0.04,
        pushes: 4,
    };

    /// The workload of a seed.
    pub(crate) fn workload(&self, seed: u64) -> Workload {
        Sower::new(seed).sow(self)
    }
}

struct Sower {
    seed: u64,
    chance: Chance,
    /// The next line of each module that nobody writes yet.
    next_line: [usize; MODULES],
    /// Tokens that were taken away, for one of the next changes to require.
    taken: Vec<usize>,
    next_token: usize,
}

impl Sower {
    fn new(seed: u64) -> Self {
        Self { seed, chance: Chance::of(seed), next_line: [1; MODULES], taken: Vec::new(), next_token: 0 }
    }

    fn sow(mut self, mixture: &Mixture) -> Workload {
        let mut changes: Vec<Planned> = Vec::new();
        let mut at = 0.;
        for n in 1..=mixture.changes {
            let id = format!("C{n:02}");
            let edits = self.edits_of(&id, mixture, &changes);
            let (is_fresh, is_lost) = (self.chance.happens(mixture.fresh), self.chance.happens(mixture.lost));
            changes.push(Planned { id, at: ticks(at), edits, is_fresh, is_lost, is_repairable: false });
            at += if mixture.gap > 0. { self.chance.gap(1. / mixture.gap) } else { 0. };
        }
        let pushes = (0..mixture.pushes).map(|_| ticks(self.chance.unit() * at)).collect();
        Workload { seed: self.seed, changes, pushes, flaky: mixture.flaky }
    }

    fn edits_of(&mut self, id: &str, mixture: &Mixture, earlier: &[Planned]) -> Vec<Edit> {
        if !earlier.is_empty() && self.chance.happens(mixture.doubles) {
            return earlier[self.below(earlier.len())].edits.clone();
        }
        let mut edits: Vec<Edit> = Vec::new();
        for _ in 0..=self.below(3) {
            let (spot, text) = (self.own_line(), format!("plain {id}"));
            edits.push(Edit { spot, text });
        }
        if !earlier.is_empty() && self.chance.happens(mixture.conflicts) {
            let rival = &earlier[self.below(earlier.len())].edits;
            edits[0].spot = rival[self.below(rival.len())].spot.clone();
        }
        if let Some(token) = self.taken.pop() {
            edits[0] = Edit { spot: self.own_line(), text: format!("require t{token}") };
        } else if self.next_token < MODULES && self.chance.happens(mixture.quarrels) {
            edits.push(Edit { spot: spot(module(self.next_token), 0), text: format!("plain without {id}") });
            self.taken.push(self.next_token);
            self.next_token += 1;
        }
        if self.chance.happens(mixture.bad) {
            edits.push(Edit { spot: spot(format!("bad/{id}"), 0), text: format!("bad {id}") });
        }
        edits.sort_by(|a, b| a.spot.cmp(&b.spot));
        edits.dedup_by(|a, b| a.spot == b.spot);
        edits
    }

    /// A line that nobody else writes, in a module of which the first are chosen most (Zipf's law).
    fn own_line(&mut self) -> Spot {
        let weight = |n: usize| 1. / (f64::from(u32::try_from(n).unwrap()) + 1.);
        let mut left = self.chance.unit() * (0..MODULES).map(weight).sum::<f64>();
        let is_it = |n: &usize| {
            left -= weight(*n);
            left < 0.
        };
        let n = (0..MODULES).find(is_it).unwrap_or(0);
        let room = |n: &usize| self.next_line[*n] < LINES - 1;
        let n = (n..MODULES).chain(0..n).find(room).expect("there are more lines than edits");
        self.next_line[n] += 1;
        spot(module(n), self.next_line[n] - 1)
    }

    #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(ticks(self.chance.unit() * n as f64)).unwrap()
    }
}

impl Workload {
    /// How many ticks a piece of work takes.
    pub(crate) fn takes(&self, job: &Job) -> u64 {
        let RunId(run) = job.run();
        let mut chance = Chance::of(self.seed).branch(0x7a6e + run * 4 + job.kind());
        match job {
            Job::Stage(_) => 1 + ticks(chance.unit() * 2.),
            Job::Checks(_) => 2 + ticks(chance.lognormal(14., 0.5)),
            Job::Land(_) => 1 + ticks(chance.unit() * 3.),
        }
    }

    /// Whether the checks of a good tree are red when they run for the `nth` time.
    pub(crate) fn lies(&self, tree: u64, nth: u64) -> bool {
        Chance::of(self.seed).branch(tree).branch(nth).happens(self.flaky)
    }

    /// Whether somebody sees the `n`th push past the queue at once; otherwise the queue runs into it.
    pub(crate) fn is_seen(&self, n: usize) -> bool {
        n.is_multiple_of(3)
    }

    /// What the `n`th push past the queue writes.
    pub(crate) fn push(&self, n: usize) -> Edit {
        Edit { spot: spot(module(n), LINES - 1), text: format!("plain push {n}") }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ticks are small and positive")]
fn ticks(of: f64) -> u64 {
    of as u64
}
