//! Each item is tested on those before it: Zuul's dependent pipeline, GitHub's merge queue, Trunk's optimistic merging.
//!
//! Sources: Zuul "Project Gating" (zuul-ci.org/docs/zuul/latest/gating.html) and its window (`zuul.model.ChangeQueue`);
//! GitHub, "Managing a merge queue"; Trunk, "Optimistic merging" and "Pending failure depth" (docs.trunk.io/merge-queue).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::board::{Board, Concluded, Item, TestId};
use super::strategist::{BehindRed, Strategy, TrainSettings};

/// The window never shrinks below this (Zuul's `window-floor`).
const WINDOW_FLOOR: f64 = 3.;

/// Items in order, each tested on those before it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Train {
    settings: TrainSettings,
    window: f64,
    line: BTreeSet<Item>,
    cars: Vec<Car>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Car {
    item: Item,
    /// What its test or verdict is about; empty when it has neither.
    content: BTreeSet<Item>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Waiting,
    Testing(TestId),
    Green(TestId),
    Red,
}

impl Train {
    pub(super) fn new(settings: TrainSettings) -> Self {
        let window = f64::from(u32::try_from(settings.window.max(1)).unwrap_or(u32::MAX));
        Self { settings, window, line: BTreeSet::new(), cars: Vec::new() }
    }

    /// A window that adapts itself goes on from where it is.
    pub(super) fn adjust(&mut self, settings: TrainSettings) {
        if self.settings != settings {
            let window = if settings.is_adaptive { self.window } else { Self::new(settings).window };
            (self.settings, self.window) = (settings, window);
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a window is small and positive")]
    fn window(&self) -> usize {
        (self.window as usize).max(1)
    }

    /// Gives each car of the window the test of what now stands before it.
    fn restart(&mut self, board: &mut Board) {
        let window = self.window();
        self.let_in_before(board);
        while self.cars.len() < window
            && let Some(item) = self.line.pop_first()
        {
            self.cars.push(Car { item, content: BTreeSet::new(), state: State::Waiting });
        }
        let mut before = BTreeSet::new();
        for car in self.cars.iter_mut().take(window) {
            before.insert(car.item);
            if car.content != before || car.is_stale(board) {
                car.give_up(board);
            }
            if car.state == State::Waiting && board.free() > 0 {
                car.content.clone_from(&before);
                car.state = State::Testing(board.start(before.clone()));
            }
            if self.settings.behind_red == BehindRed::Restart && car.state == State::Red {
                before.remove(&car.item);
            }
        }
    }

    /// Cars behind somebody who came before them are in line again, so that all stand in order.
    fn let_in_before(&mut self, board: &mut Board) {
        let Some(first) = self.line.first() else { return };
        let overtaken: Vec<Car> = self.cars.extract_if(.., |car| car.item > *first).collect();
        for mut car in overtaken {
            car.give_up(board);
            self.line.insert(car.item);
        }
    }

    /// The newest car whose green test may land all before it; without vouching, only the head.
    fn landable(&self) -> Option<TestId> {
        let n = if self.settings.vouching.is_some() { self.window() } else { 1 };
        self.cars.iter().take(n).rev().find_map(|car| match car.state {
            State::Green(proof) => Some(proof),
            State::Waiting | State::Testing(_) | State::Red => None,
        })
    }

    fn has_guilty_head(&self) -> bool {
        let is_vouched_for =
            |depth: usize| self.cars.iter().skip(1).take(depth).any(|car| matches!(car.state, State::Testing(_)));
        let head_is_red = self.cars.first().is_some_and(|head| head.state == State::Red);
        head_is_red && !self.settings.vouching.is_some_and(is_vouched_for)
    }
}

impl Car {
    fn is_stale(&self, board: &Board) -> bool {
        match self.state {
            State::Waiting | State::Red => false,
            State::Testing(test) => board.test(test).is_none_or(|test| !test.is_current),
            State::Green(proof) => board.proof(proof).is_none_or(|proof| !proof.is_current),
        }
    }

    fn give_up(&mut self, board: &mut Board) {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Testing(test) => board.cancel(test),
            State::Green(proof) => board.forget_proof(proof),
            State::Waiting | State::Red => {}
        }
        self.content.clear();
    }
}

impl Strategy for Train {
    fn arrive(&mut self, item: Item) {
        self.line.insert(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        self.line.remove(&item);
        let with = self.cars.iter_mut().filter(|car| car.content.contains(&item));
        with.for_each(|car| car.give_up(board));
        self.cars.retain(|car| car.item != item);
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        let Some(car) = self.cars.iter_mut().find(|car| car.state == State::Testing(verdict.id)) else { return };
        if !verdict.test.is_current {
            car.state = State::Waiting;
        } else if verdict.is_green {
            car.state = State::Green(verdict.id);
            board.keep(verdict);
        } else {
            car.state = State::Red;
        }
    }

    fn note_landed(&mut self, items: &[Item], board: &mut Board) {
        let landed = self.cars.extract_if(.., |car| items.contains(&car.item));
        landed.for_each(|mut car| car.give_up(board));
        for car in &mut self.cars {
            car.content.retain(|item| !items.contains(item));
        }
        if self.settings.is_adaptive {
            self.window += f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
        }
    }

    /// They are still the first cars, and their tests are no longer current.
    fn note_refused(&mut self, _items: &[Item], _board: &mut Board) {}

    fn fill(&mut self, board: &mut Board) {
        loop {
            self.restart(board);
            if let Some(proof) = self.landable() {
                return board.land_proof(proof);
            }
            if !self.has_guilty_head() {
                return;
            }
            let head = self.cars.remove(0).item;
            board.eject(head, 1.);
            if self.settings.is_adaptive {
                self.window = (self.window / 2.).max(WINDOW_FLOOR);
            }
            let window = self.window();
            let outside = self.cars.iter_mut().skip(window).filter(|car| car.content.contains(&head));
            outside.for_each(|car| car.give_up(board));
        }
    }
}
