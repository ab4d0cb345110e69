//! No queue at all: "require branches to be up to date before merging". Everybody brings their branch up to date and runs
//! the checks; the first that is green merges, and all others begin again.
//!
//! Sources: GitHub, "About protected branches" (strict status checks); digitaldrywood/detent#1301 for what it does to a
//! fleet of agents (six green branches, one landing in the time of a run). With one slot it is what Kodiak does: bring up
//! to date, test, merge, one after the other (kodiakhq.com/docs).

use std::collections::BTreeSet;

use crate::strategy::strategist::Strategy;
use crate::strategy::{Board, Concluded, Item, TestId};

/// Whoever has machines to run on, longest waiting first.
#[derive(Default)]
pub(super) struct NoQueue {
    waiting: BTreeSet<Item>,
}

impl Strategy for NoQueue {
    fn arrive(&mut self, item: Item) {
        self.waiting.insert(item);
    }

    fn forget(&mut self, item: Item, _board: &mut Board) {
        self.waiting.remove(&item);
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        if !verdict.test.is_current {
            return;
        }
        if verdict.is_green {
            board.land(verdict);
        } else if let Some(item) = verdict.test.items.first() {
            self.waiting.remove(item);
            board.eject(*item, 1.);
        }
    }

    fn note_landed(&mut self, items: &[Item], _board: &mut Board) {
        self.waiting.retain(|item| !items.contains(item));
    }

    /// They never left.
    fn note_refused(&mut self, _items: &[Item], _board: &mut Board) {}

    fn fill(&mut self, board: &mut Board) {
        let stale: Vec<TestId> = board.tests().filter(|(_, test)| !test.is_current).map(|(id, _)| id).collect();
        stale.into_iter().for_each(|test| board.cancel(test));
        for item in &self.waiting {
            let alone = BTreeSet::from([*item]);
            if board.free() > 0 && !board.is_testing(&alone) {
                board.start(alone);
            }
        }
    }
}
