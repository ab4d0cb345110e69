//! What is found when commits are made: that two changes write the same lines. It costs no run. The later one waits until the
//! other has its outcome; whoever does not merge with what has landed is repaired and comes back, or is sent back. All
//! strategies are served alike, although not every product repairs.

use std::collections::{BTreeMap, BTreeSet};

use super::chance::Chance;
use super::workload::Changes;

const REPAIRS: u64 = 7;
/// The share of conflicts that somebody repairs. An assumption: nobody has published how many agents do.
const REPAIRED: f64 = 0.8;
/// How long a repair takes on average, in T. An assumption too; its deviation is that of the runs.
const TAKES: f64 = 1.;
const SIGMA: f64 = 0.5;

/// Who is away, and until when.
pub(super) struct Repairs {
    chance: Chance,
    /// Who waits for whom.
    aside: BTreeMap<usize, usize>,
    /// Who is repaired, until when.
    at_work: BTreeMap<usize, f64>,
    /// Which two no longer write the same lines.
    solved: BTreeSet<(usize, usize)>,
}

/// With whom a change does not merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// With what has landed.
    Target,
    /// With one before it in its test.
    Other(usize),
}

/// What becomes of a change that does not merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It comes back.
    Away,
    /// It has its outcome.
    SentBack,
}

impl Repairs {
    pub(super) fn new(seed: u64) -> Self {
        let chance = Chance::of(seed).branch(REPAIRS);
        Self { chance, aside: BTreeMap::new(), at_work: BTreeMap::new(), solved: BTreeSet::new() }
    }

    /// The first of a test, in order, that does not merge.
    pub(super) fn obstacle(
        &self,
        items: &BTreeSet<usize>,
        changes: &Changes,
        has_landed: impl Fn(usize) -> bool,
    ) -> Option<(usize, Obstacle)> {
        items.iter().copied().filter(|change| !has_landed(*change)).find_map(|change| {
            let rivals = changes.clashes[change].iter().copied();
            let unsolved = rivals.filter(|rival| !self.solved.contains(&pair(change, *rival)));
            let obstacles = unsolved.filter_map(|rival| {
                if has_landed(rival) {
                    return Some(Obstacle::Target);
                }
                (rival < change && items.contains(&rival)).then_some(Obstacle::Other(rival))
            });
            obstacles.min_by_key(|obstacle| *obstacle != Obstacle::Target).map(|obstacle| (change, obstacle))
        })
    }

    /// Takes a change out of the line.
    pub(super) fn take(&mut self, change: usize, obstacle: Obstacle, now: f64) -> Fate {
        match obstacle {
            Obstacle::Other(rival) => drop(self.aside.insert(change, rival)),
            Obstacle::Target if self.chance.happens(REPAIRED) => {
                let until = now + self.chance.lognormal(TAKES, SIGMA);
                self.at_work.insert(change, until);
            }
            Obstacle::Target => return Fate::SentBack,
        }
        Fate::Away
    }

    pub(super) fn is_away(&self, change: usize) -> bool {
        self.aside.contains_key(&change) || self.at_work.contains_key(&change)
    }

    /// When the next repair ends.
    pub(super) fn next_end(&self) -> Option<f64> {
        self.at_work.values().copied().min_by(f64::total_cmp)
    }

    /// Whose repair has ended by now: it stands on all that has landed. With it, the pairs that are solved.
    pub(super) fn finish(&mut self, changes: &Changes, (now, has_landed): (f64, impl Fn(usize) -> bool)) -> Vec<usize> {
        let done: Vec<usize> =
            self.at_work.extract_if(.., |_, until| *until <= now).map(|(change, _)| change).collect();
        for change in &done {
            let landed = changes.clashes[*change].iter().filter(|rival| has_landed(**rival));
            self.solved.extend(landed.map(|rival| pair(*change, *rival)));
        }
        done
    }

    /// Who need not wait any more: the other has its outcome, or is repaired.
    pub(super) fn step_back(&mut self, has_outcome: impl Fn(usize) -> bool) -> Vec<usize> {
        let Self { aside, at_work, .. } = self;
        let is_over = |rival: usize| has_outcome(rival) || at_work.contains_key(&rival);
        aside.extract_if(.., |_, rival| is_over(*rival)).map(|(change, _)| change).collect()
    }

    /// Which two no longer write the same lines.
    pub(super) fn is_solved(&self, a: usize, b: usize) -> bool {
        self.solved.contains(&pair(a, b))
    }
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}
