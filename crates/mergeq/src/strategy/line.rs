//! One test at a time: `serial` (rust-lang's bors; Kodiak's "update, test, merge" does the same) and `batch` with bisection
//! (bors-ng).
//!
//! Sources: rust-lang/bors, "How it works" (github.com/rust-lang/bors); Kodiak, "Automatic branch updating"
//! (kodiakhq.com/docs); bors-ng, "Batching" (bors.tech/documentation).

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::board::{Board, Concluded, Item};
use super::strategist::{Strategy, first_alike_of, first_of, overtakes};

/// Tests the first of the line together; halves what was red, and tests the halves before the line goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    batch_max: usize,
    infers: bool,
    line: BTreeSet<Item>,
    /// Parts of red batches, tested before all in line but the more urgent.
    parts: VecDeque<Part>,
}

/// A part of a red batch; never empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    items: BTreeSet<Item>,
    /// Whether the fault is in it if the part before it lands: then to test it whole would teach nothing.
    is_rest: bool,
}

impl Batch {
    /// At most `batch_max` at once, at least one.
    pub(super) fn new(batch_max: usize, infers: bool) -> Self {
        Self { batch_max: batch_max.max(1), infers, line: BTreeSet::new(), parts: VecDeque::new() }
    }

    pub(super) fn adjust(&mut self, batch_max: usize, infers: bool) {
        (self.batch_max, self.infers) = (batch_max.max(1), infers);
    }

    fn again(&mut self, items: BTreeSet<Item>) {
        self.push(items, false);
    }

    fn push(&mut self, items: BTreeSet<Item>, is_rest: bool) {
        if !items.is_empty() {
            self.parts.push_front(Part { items, is_rest });
        }
    }

    /// The first half is tested next, and then the second, or what of it is left to search.
    fn halve(&mut self, mut items: BTreeSet<Item>) {
        let half = first_of(&items, items.len().div_ceil(2)).last().copied();
        let second = half.map(|half| items.split_off(&Item(half.0 + 1))).unwrap_or_default();
        self.push(second, self.infers);
        self.again(items);
    }

    /// The part that comes next is no longer all that is left of a red batch.
    fn clear_rest(&mut self) {
        if let Some(part) = self.parts.front_mut() {
            part.is_rest = false;
        }
    }
}

impl Strategy for Batch {
    fn arrive(&mut self, item: Item) {
        self.line.insert(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        self.line.remove(&item);
        for part in &mut self.parts {
            part.is_rest &= !part.items.remove(&item);
        }
        self.parts.retain(|part| !part.items.is_empty());
        for mut items in board.cancel_all_with(item) {
            items.remove(&item);
            self.clear_rest();
            self.again(items);
        }
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        if !verdict.test.is_current {
            self.again(verdict.test.items);
        } else if verdict.is_green {
            board.land(verdict);
        } else {
            self.clear_rest();
            match only(&verdict.test.items) {
                Some(item) => board.eject(item, 1.),
                None => self.halve(verdict.test.items),
            }
        }
    }

    fn note_landed(&mut self, _items: &[Item], _board: &mut Board) {
        if let Some(rest) = self.parts.pop_front_if(|part| part.is_rest) {
            self.halve(rest.items);
        }
    }

    fn note_refused(&mut self, items: &[Item], _board: &mut Board) {
        self.again(items.iter().copied().collect());
    }

    fn fill(&mut self, board: &mut Board) {
        let under_way = board.tests().next().map(|(id, test)| (id, test.clone()));
        match under_way {
            Some((_, test)) if test.is_current => return,
            Some((id, test)) => {
                board.cancel(id);
                self.again(test.items);
            }
            None => {}
        }
        if board.free() == 0 {
            return;
        }
        let part = self.parts.pop_front_if(|part| !overtakes(&self.line, &part.items)).map(|part| part.items);
        let mut items = part.unwrap_or_else(|| first_alike_of(&self.line, self.batch_max));
        if let Some(surplus) = items.iter().nth(self.batch_max).copied() {
            let surplus = items.split_off(&surplus);
            self.again(surplus);
        }
        self.line.retain(|item| !items.contains(item));
        if !items.is_empty() {
            board.start(items);
        }
    }
}

/// The item, when there is but one.
pub(super) fn only(items: &BTreeSet<Item>) -> Option<Item> {
    items.first().copied().filter(|_| items.len() == 1)
}
