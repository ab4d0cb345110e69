//! Mergify's queue in its serial mode: a train of batches. Few waiting make small batches and many large ones. A green batch
//! lands all before it too ("skip intermediate results"). A red batch at the head is cut into as many parts as there are
//! parallel checks, each tested on the parts before it; its last change is in none of them. The parts before the first red one
//! land, those after it go back to the queue, and the red part is cut again; if all are green, the last change is the
//! culprit, and leaves without a test of its own.
//!
//! Sources: Mergify, "When a Batch Fails" (docs.mergify.com/merge-queue/batches/failures), "Parallel Checks", and its change
//! log of 2025-11-12 (skip intermediate results) and 2026-06-19 (dynamic batch size). The documentation does not say how
//! long a red batch waits for a green one behind it; here it does not.

use std::collections::BTreeSet;

use crate::strategy::strategist::{Strategy, first_of};
use crate::strategy::{Board, Concluded, Item, TestId};

/// A train of batches, or of the parts of a red one.
pub(super) struct Mergify {
    batch_min: usize,
    batch_max: usize,
    queue: BTreeSet<Item>,
    train: Vec<Batch>,
    /// The last change of the red batch whose parts the train is.
    last: Option<Item>,
}

struct Batch {
    items: BTreeSet<Item>,
    /// What its test is of; empty when it has none.
    content: BTreeSet<Item>,
    check: Check,
}

#[derive(PartialEq)]
enum Check {
    None,
    Running(TestId),
    Green(TestId),
    Red,
}

impl Batch {
    fn new(items: BTreeSet<Item>) -> Self {
        Self { items, content: BTreeSet::new(), check: Check::None }
    }

    fn is_stale(&self, board: &Board) -> bool {
        match self.check {
            Check::None | Check::Red => false,
            Check::Running(test) => board.test(test).is_none_or(|test| !test.is_current),
            Check::Green(proof) => board.proof(proof).is_none_or(|proof| !proof.is_current),
        }
    }

    fn stop(&mut self, board: &mut Board) {
        match std::mem::replace(&mut self.check, Check::None) {
            Check::Running(test) => board.cancel(test),
            Check::Green(proof) => board.forget_proof(proof),
            Check::None | Check::Red => {}
        }
        self.content.clear();
    }
}

impl Mergify {
    pub(super) fn new(batch_min: usize, batch_max: usize) -> Self {
        let batch_min = batch_min.max(1);
        let (queue, train) = (BTreeSet::new(), Vec::new());
        Self { batch_min, batch_max: batch_max.max(batch_min), queue, train, last: None }
    }

    fn is_searching(&self) -> bool {
        self.last.is_some()
    }

    /// "Small when quiet, larger to absorb backlog": what waits is spread over the checks that may begin.
    fn form_batches(&mut self, board: &Board) {
        while !self.is_searching() && self.train.len() < board.slots() && !self.queue.is_empty() {
            let size = self.queue.len().div_ceil(board.slots() - self.train.len());
            let items = first_of(&self.queue, size.clamp(self.batch_min, self.batch_max));
            self.queue.retain(|item| !items.contains(item));
            self.train.push(Batch::new(items));
        }
    }

    /// Gives each batch the test of what stands before it. What stands on a red part is of no use.
    fn start_checks(&mut self, board: &mut Board) {
        let mut before = BTreeSet::new();
        let mut is_on_red = false;
        for batch in &mut self.train {
            before.extend(&batch.items);
            if batch.content != before || batch.is_stale(board) || is_on_red {
                batch.stop(board);
            }
            if batch.check == Check::None && board.free() > 0 && !is_on_red {
                batch.content.clone_from(&before);
                batch.check = Check::Running(board.start(before.clone()));
            }
            is_on_red |= self.last.is_some() && batch.check == Check::Red;
        }
    }

    /// The furthest batch that is green lands all before it too.
    fn landable(&self) -> Option<TestId> {
        self.train.iter().rev().find_map(|batch| match batch.check {
            Check::Green(proof) => Some(proof),
            Check::None | Check::Running(_) | Check::Red => None,
        })
    }

    /// Everybody behind goes back to the queue, and so does the last change of a red batch: the fault is before it.
    fn disband(&mut self, board: &mut Board) {
        for mut batch in self.train.drain(..) {
            batch.stop(board);
            self.queue.extend(batch.items);
        }
        self.queue.extend(self.last.take());
    }

    /// Cuts a red batch. Of one change nothing is left to find out.
    fn cut(&mut self, mut items: BTreeSet<Item>, board: &mut Board) {
        let last = items.pop_last();
        if items.is_empty() {
            last.into_iter().for_each(|item| board.eject(item, 1.));
            return;
        }
        self.last = last;
        let size = items.len().div_ceil(board.slots());
        while !items.is_empty() {
            let part = first_of(&items, size);
            items.retain(|item| !part.contains(item));
            self.train.push(Batch::new(part));
        }
    }

    /// Whether something was found out without another test.
    fn conclude_search(&mut self, board: &mut Board) -> bool {
        if self.train.is_empty() {
            let culprit = self.last.take();
            culprit.into_iter().for_each(|item| board.eject(item, 1.));
            culprit.is_some()
        } else if self.train[0].check == Check::Red {
            let red = self.train.remove(0).items;
            self.disband(board);
            self.cut(red, board);
            true
        } else {
            false
        }
    }
}

impl Strategy for Mergify {
    fn arrive(&mut self, item: Item) {
        self.queue.insert(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        self.queue.remove(&item);
        let is_in_train = self.train.iter().any(|batch| batch.items.contains(&item));
        if is_in_train || self.last == Some(item) {
            self.disband(board);
            self.queue.remove(&item);
        }
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        let batch = self.train.iter_mut().find(|batch| batch.check == Check::Running(verdict.id));
        let Some(batch) = batch else { return };
        if !verdict.test.is_current {
            batch.check = Check::None;
        } else if verdict.is_green {
            batch.check = Check::Green(verdict.id);
            board.keep(verdict);
        } else {
            batch.check = Check::Red;
        }
    }

    fn note_landed(&mut self, items: &[Item], board: &mut Board) {
        self.queue.retain(|item| !items.contains(item));
        let landed = self.train.extract_if(.., |batch| batch.items.iter().all(|item| items.contains(item)));
        landed.for_each(|mut batch| batch.stop(board));
        for batch in &mut self.train {
            batch.content.retain(|item| !items.contains(item));
        }
    }

    /// They are still the first of the train, and their tests are of no use.
    fn note_refused(&mut self, _items: &[Item], _board: &mut Board) {}

    fn fill(&mut self, board: &mut Board) {
        loop {
            self.form_batches(board);
            self.start_checks(board);
            if let Some(proof) = self.landable() {
                return board.land_proof(proof);
            }
            if !self.conclude_search(board) {
                return;
            }
        }
    }
}
