//! GitLab's merge trains: up to twenty cars, each tested on all before it. A red car is dropped at once, and those behind it
//! start anew; so a good one is dropped when its own pipeline is the first to say that one before it is bad.
//!
//! Sources: GitLab, "Merge trains" (docs.gitlab.com/ci/pipelines/merge_trains: twenty pipelines in parallel, first come
//! first served); `ee/app/services/merge_trains/refresh_merge_request_service.rb`; gitlab-org/gitlab#500693 for the
//! innocent who are dropped.

use std::collections::{BTreeSet, VecDeque};

use crate::strategy::strategist::Strategy;
use crate::strategy::{Board, Concluded, Item, TestId};

/// GitLab's limit, which cannot be changed (gitlab-org/gitlab#374188).
const CARS_MAX: usize = 20;

/// In the order in which they came: whoever comes again is last.
#[derive(Default)]
pub(super) struct MergeTrain {
    line: VecDeque<Item>,
    cars: Vec<Car>,
}

struct Car {
    item: Item,
    /// What its pipeline tests; empty when it has none.
    content: BTreeSet<Item>,
    pipeline: Pipeline,
}

#[derive(PartialEq)]
enum Pipeline {
    None,
    Running(TestId),
    Green(TestId),
}

impl Car {
    fn is_stale(&self, board: &Board) -> bool {
        match self.pipeline {
            Pipeline::None => false,
            Pipeline::Running(test) => board.test(test).is_none_or(|test| !test.is_current),
            Pipeline::Green(proof) => board.proof(proof).is_none_or(|proof| !proof.is_current),
        }
    }

    fn stop(&mut self, board: &mut Board) {
        match std::mem::replace(&mut self.pipeline, Pipeline::None) {
            Pipeline::Running(test) => board.cancel(test),
            Pipeline::Green(proof) => board.forget_proof(proof),
            Pipeline::None => {}
        }
        self.content.clear();
    }
}

impl MergeTrain {
    /// Takes a car off; every pipeline that tests it is of no use.
    fn drop_car(&mut self, item: Item, board: &mut Board) {
        let with = self.cars.iter_mut().filter(|car| car.content.contains(&item));
        with.for_each(|car| car.stop(board));
        self.cars.retain(|car| car.item != item);
    }
}

impl Strategy for MergeTrain {
    fn arrive(&mut self, item: Item) {
        self.line.push_back(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        self.line.retain(|other| *other != item);
        self.drop_car(item, board);
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        let Some(car) = self.cars.iter_mut().find(|car| car.pipeline == Pipeline::Running(verdict.id)) else { return };
        if !verdict.test.is_current {
            car.pipeline = Pipeline::None;
        } else if verdict.is_green {
            car.pipeline = Pipeline::Green(verdict.id);
            board.keep(verdict);
        } else {
            let item = car.item;
            self.drop_car(item, board);
            board.eject(item, 1.);
        }
    }

    fn note_landed(&mut self, items: &[Item], _board: &mut Board) {
        self.cars.retain(|car| !items.contains(&car.item));
        for car in &mut self.cars {
            car.content.retain(|item| !items.contains(item));
        }
    }

    /// It is still the first car, and its pipeline is no longer of use.
    fn note_refused(&mut self, _items: &[Item], _board: &mut Board) {}

    fn fill(&mut self, board: &mut Board) {
        while self.cars.len() < CARS_MAX
            && let Some(item) = self.line.pop_front()
        {
            self.cars.push(Car { item, content: BTreeSet::new(), pipeline: Pipeline::None });
        }
        let mut before = BTreeSet::new();
        for car in &mut self.cars {
            before.insert(car.item);
            if car.content != before || car.is_stale(board) {
                car.stop(board);
            }
            if car.pipeline == Pipeline::None && board.free() > 0 {
                car.content.clone_from(&before);
                car.pipeline = Pipeline::Running(board.start(before.clone()));
            }
        }
        if let Some(Car { pipeline: Pipeline::Green(proof), .. }) = self.cars.first() {
            board.land_proof(*proof);
        }
    }
}
