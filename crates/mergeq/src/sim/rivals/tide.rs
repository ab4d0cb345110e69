//! Prow's Tide: a batch of the oldest, and beside it the oldest alone, both on what has landed. A green batch lands; a green
//! single lands when no batch is under way, so that it does not spoil one; a red single leaves. A red batch is not searched: it
//! is tried again as it is, until its first has landed or left.
//!
//! Source: kubernetes-sigs/prow, `pkg/tide/tide.go`, `takeAction` and `pickBatch`.

use std::collections::BTreeSet;

use crate::strategy::strategist::{Strategy, first_of};
use crate::strategy::{Board, Concluded, Item, TestId};

/// A batch and a single.
pub(super) struct Tide {
    batch_max: usize,
    pool: BTreeSet<Item>,
    batch: Option<TestId>,
    single: Option<TestId>,
    /// The single that is green and has not landed.
    passed: Option<TestId>,
}

impl Tide {
    pub(super) fn new(batch_max: usize) -> Self {
        let (pool, batch, single, passed) = (BTreeSet::new(), None, None, None);
        Self { batch_max: batch_max.max(2), pool, batch, single, passed }
    }

    /// "A moved base invalidates everything."
    fn drop_stale(&mut self, board: &mut Board) {
        for test in [&mut self.batch, &mut self.single] {
            if let Some(stale) = test.take_if(|id| board.test(*id).is_none_or(|test| !test.is_current)) {
                board.cancel(stale);
            }
        }
        if let Some(stale) = self.passed.take_if(|id| board.proof(*id).is_none_or(|proof| !proof.is_current)) {
            board.forget_proof(stale);
        }
    }

    fn start(&mut self, board: &mut Board) {
        if self.single.is_none() && self.passed.is_none() && !self.pool.is_empty() && board.free() > 0 {
            self.single = Some(board.start(first_of(&self.pool, 1)));
        }
        if self.batch.is_none() && self.pool.len() > 1 && board.free() > 0 {
            self.batch = Some(board.start(first_of(&self.pool, self.batch_max)));
        }
    }
}

impl Strategy for Tide {
    fn arrive(&mut self, item: Item) {
        self.pool.insert(item);
    }

    fn forget(&mut self, item: Item, _board: &mut Board) {
        self.pool.remove(&item);
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        if self.batch.take_if(|id| *id == verdict.id).is_some() {
            if verdict.test.is_current && verdict.is_green {
                board.land(verdict);
            }
        } else if self.single.take_if(|id| *id == verdict.id).is_some() && verdict.test.is_current {
            if verdict.is_green {
                self.passed = Some(verdict.id);
                board.keep(verdict);
            } else if let Some(item) = verdict.test.items.first() {
                self.pool.remove(item);
                board.cancel_all_with(*item);
                board.eject(*item, 1.);
            }
        }
    }

    fn note_landed(&mut self, items: &[Item], _board: &mut Board) {
        self.pool.retain(|item| !items.contains(item));
    }

    /// They never left the pool.
    fn note_refused(&mut self, _items: &[Item], _board: &mut Board) {}

    fn fill(&mut self, board: &mut Board) {
        self.drop_stale(board);
        if self.batch.is_none()
            && let Some(proof) = self.passed.take()
        {
            return board.land_proof(proof);
        }
        self.start(board);
    }
}
