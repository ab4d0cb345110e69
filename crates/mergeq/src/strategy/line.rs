//! One test at a time: `serial` (rust-lang's bors) and `batch` with bisection (bors-ng).

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::board::{Board, Concluded, Item};
use super::strategist::{Strategy, first_of};

/// Tests the first of the line together; halves what was red, and tests the halves before the line goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    batch_max: usize,
    line: BTreeSet<Item>,
    /// Parts of red batches, tested before the line.
    parts: VecDeque<BTreeSet<Item>>,
}

impl Batch {
    /// At most `batch_max` at once, at least one.
    pub(super) fn new(batch_max: usize) -> Self {
        Self { batch_max: batch_max.max(1), line: BTreeSet::new(), parts: VecDeque::new() }
    }

    fn again(&mut self, part: BTreeSet<Item>) {
        if !part.is_empty() {
            self.parts.push_front(part);
        }
    }
}

impl Strategy for Batch {
    fn arrive(&mut self, item: Item) {
        self.line.insert(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        self.line.remove(&item);
        self.parts.iter_mut().for_each(|part| part.retain(|other| *other != item));
        self.parts.retain(|part| !part.is_empty());
        for mut part in board.cancel_all_with(item) {
            part.remove(&item);
            self.again(part);
        }
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        if !verdict.test.is_current {
            self.again(verdict.test.items);
        } else if verdict.is_green {
            board.land(verdict);
        } else if let Some(item) = only(&verdict.test.items) {
            board.eject(item, 1.);
        } else {
            let mut first = verdict.test.items;
            let half = first_of(&first, first.len().div_ceil(2)).last().copied();
            let second = half.map(|half| first.split_off(&Item(half.0 + 1))).unwrap_or_default();
            self.again(second);
            self.again(first);
        }
    }

    fn note_landed(&mut self, _items: &[Item], _board: &mut Board) {}

    fn note_refused(&mut self, items: &[Item], _board: &mut Board) {
        self.again(items.iter().copied().collect());
    }

    fn fill(&mut self, board: &mut Board) {
        if board.tests().next().is_some() {
            return;
        }
        let part = self.parts.pop_front().unwrap_or_else(|| first_of(&self.line, self.batch_max));
        self.line.retain(|item| !part.contains(item));
        if !part.is_empty() {
            board.start(part);
        }
    }
}

/// The item, when there is but one.
pub(super) fn only(items: &BTreeSet<Item>) -> Option<Item> {
    items.first().copied().filter(|_| items.len() == 1)
}
