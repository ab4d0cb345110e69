//! Uber's SubmitQueue: which futures are tested follows from how probable they are. A future of a change says of each before
//! it whether it lands; the slots go to the futures that are needed with the highest probability, best first, and a test
//! under way is given up only for one that is clearly better. A change has its outcome when all before it have theirs.
//!
//! Sources: Ananthanarayanan et al., "Keeping Master Green at Scale" (EuroSys 2019; the speculation tree, and how many
//! speculations passed or failed as what tells most); uber/submitqueue, `doc/rfc/submitqueue/speculation.md`. Which changes
//! are independent of each other is not told to any strategy here.

use std::collections::{BTreeMap, BTreeSet};

use crate::strategy::strategist::Strategy;
use crate::strategy::{Board, Concluded, Item, TestId};

/// How probable it is that a change is good before anything was seen: the success rate counts as many more changes.
const PRIOR: (f64, f64) = (19., 20.);
/// Nobody is ever believed to be better or worse than this.
const CERTAINTY: f64 = 0.999;
/// No machine is spent on a future that is less probable than this.
const PROBABILITY_MIN: f64 = 0.02;
/// How much more probable a future must be than one under test, to take its slot.
const CLEARLY_BETTER: f64 = 2.;

/// Changes in order, and what is known of their futures.
#[derive(Default)]
pub(super) struct SubmitQueue {
    line: BTreeSet<Item>,
    green: Vec<TestId>,
    /// What was red on what has landed by now.
    red: BTreeSet<BTreeSet<Item>>,
    /// What tests say of those in line: the probability that each is good.
    belief: BTreeMap<Item, f64>,
    landed: f64,
    ejected: f64,
}

/// A place in the tree: those assumed to land, of so many first in line.
struct Node {
    probability: f64,
    depth: usize,
    assumed: BTreeSet<Item>,
}

impl SubmitQueue {
    fn good(&self, item: Item) -> f64 {
        let rate = (self.landed + PRIOR.0) / (self.landed + self.ejected + PRIOR.1);
        self.belief.get(&item).copied().unwrap_or(rate).clamp(1. - CERTAINTY, CERTAINTY)
    }

    /// What is known of the test of this content: green, red, or nothing.
    fn verdict(&self, content: &BTreeSet<Item>, board: &Board) -> Option<bool> {
        let is_green = self.green.iter().filter_map(|id| board.proof(*id)).any(|proof| proof.items == *content);
        if is_green { Some(true) } else { self.red.contains(content).then_some(false) }
    }

    /// The most probable futures that are not decided, best first, as many as there are slots.
    fn best_futures(&self, board: &Board) -> Vec<(f64, BTreeSet<Item>)> {
        let line: Vec<Item> = self.line.iter().copied().collect();
        let mut open = vec![Node { probability: 1., depth: 0, assumed: BTreeSet::new() }];
        let mut best = Vec::new();
        while best.len() < board.slots() {
            let first = open.iter().enumerate().max_by(|(_, a), (_, b)| a.probability.total_cmp(&b.probability));
            let Some((first, _)) = first else { break };
            let Node { probability, depth, assumed } = open.swap_remove(first);
            let Some(item) = line.get(depth) else { continue };
            let mut content = assumed.clone();
            content.insert(*item);
            let good = match self.verdict(&content, board) {
                Some(true) => 1.,
                Some(false) => 0.,
                None => {
                    best.push((probability, content.clone()));
                    self.good(*item)
                }
            };
            for (share, assumed) in [(good, content), (1. - good, assumed)] {
                let probability = probability * share;
                if probability >= PROBABILITY_MIN {
                    open.push(Node { probability, depth: depth + 1, assumed });
                }
            }
        }
        best
    }

    /// How probable it is that the test of this content is needed.
    fn probability(&self, content: &BTreeSet<Item>, board: &Board) -> f64 {
        let (mut probability, mut assumed) = (1., BTreeSet::new());
        let Some(last) = content.last() else { return 0. };
        for item in self.line.range(..last) {
            let mut with = assumed.clone();
            with.insert(*item);
            let good = self.verdict(&with, board).map_or_else(|| self.good(*item), f64::from);
            let is_assumed = content.contains(item);
            probability *= if is_assumed { good } else { 1. - good };
            if is_assumed {
                assumed = with;
            }
        }
        probability
    }

    /// A red test says of each in it how much more probable it is that it is bad (Bayes).
    fn learn(&mut self, content: &BTreeSet<Item>, is_green: bool) {
        let good: Vec<(Item, f64)> = content.iter().map(|item| (*item, self.good(*item))).collect();
        let all: f64 = good.iter().map(|(_, good)| good).product();
        for (item, good) in good {
            let after = if is_green { CERTAINTY } else { (good - all) / (1. - all) };
            self.belief.insert(item, after);
        }
    }

    fn drop_stale(&mut self, board: &mut Board) {
        let stale: Vec<TestId> = board.tests().filter(|(_, test)| !test.is_current).map(|(id, _)| id).collect();
        stale.into_iter().for_each(|test| board.cancel(test));
        let is_stale = |id: &TestId| board.proof(*id).is_none_or(|proof| !proof.is_current);
        let stale: Vec<TestId> = self.green.extract_if(.., |id| is_stale(id)).collect();
        stale.into_iter().for_each(|proof| board.forget_proof(proof));
    }

    /// Nothing that tests it is of use.
    fn drop_all_with(&mut self, item: Item, board: &mut Board) {
        self.line.remove(&item);
        self.belief.remove(&item);
        self.red.retain(|content| !content.contains(&item));
        board.forget(item);
    }

    /// The first in line has its outcome as soon as its test on what has landed is known.
    fn decide_first(&mut self, board: &mut Board) -> bool {
        let Some(first) = self.line.first().copied() else { return false };
        let alone = BTreeSet::from([first]);
        let proof = self.green.iter().copied().find(|id| board.proof(*id).is_some_and(|proof| proof.items == alone));
        if let Some(proof) = proof {
            board.land_proof(proof);
        } else if self.red.contains(&alone) {
            self.drop_all_with(first, board);
            self.ejected += 1.;
            board.eject(first, 1.);
            return true;
        }
        false
    }

    /// Best first; what can no longer come true is given up, and what is much less probable when its slot is wanted.
    fn allocate(&mut self, board: &mut Board) {
        let best = self.best_futures(board);
        let under_way = board.tests().map(|(id, test)| (id, self.probability(&test.items, board)));
        let mut others: Vec<(TestId, f64)> = under_way.collect();
        others.extract_if(.., |(_, probability)| *probability <= 0.).for_each(|(test, _)| board.cancel(test));
        others.retain(|(id, _)| board.test(*id).is_some_and(|test| best.iter().all(|(_, best)| test.items != *best)));
        others.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        for (probability, content) in best {
            if board.is_testing(&content) {
                continue;
            }
            let is_clearly_better = |(_, other): &mut (TestId, f64)| *other * CLEARLY_BETTER < probability;
            if board.free() == 0
                && let Some((test, _)) = others.pop_if(is_clearly_better)
            {
                board.cancel(test);
            }
            if board.free() > 0 {
                board.start(content);
            }
        }
    }
}

impl Strategy for SubmitQueue {
    fn arrive(&mut self, item: Item) {
        self.line.insert(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        self.drop_all_with(item, board);
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        if !verdict.test.is_current {
            return;
        }
        self.learn(&verdict.test.items, verdict.is_green);
        if verdict.is_green {
            self.green.push(verdict.id);
            board.keep(verdict);
        } else {
            self.red.insert(verdict.test.items);
        }
    }

    fn note_landed(&mut self, items: &[Item], _board: &mut Board) {
        let landed: BTreeSet<Item> = items.iter().copied().collect();
        self.line.retain(|item| !landed.contains(item));
        self.belief.retain(|item, _| !landed.contains(item));
        let red = std::mem::take(&mut self.red).into_iter().filter(|content| content.is_superset(&landed));
        self.red = red.map(|content| content.difference(&landed).copied().collect()).collect();
        self.landed += f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
    }

    /// They are still in line, and what was known of them is not of what has landed.
    fn note_refused(&mut self, _items: &[Item], _board: &mut Board) {
        self.red.clear();
    }

    fn fill(&mut self, board: &mut Board) {
        self.drop_stale(board);
        while self.decide_first(board) {}
        if !board.is_landing() {
            self.allocate(board);
        }
    }
}
