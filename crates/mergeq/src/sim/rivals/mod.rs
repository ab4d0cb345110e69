//! How other products decide, as far as their documentation and sources tell. They play by the same door as the queue's own
//! strategies and only here: to be compared with. Each is set as its makers would set it.

mod gitlab;
mod mergify;
mod no_queue;
mod submitqueue;
mod tide;

#[cfg(test)]
mod figures;
#[cfg(test)]
mod scenarios;

use crate::strategy::strategist::Strategy;

/// A strategy of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Merge trains of GitLab: whoever is red is dropped, whatever it was tested on.
    GitLab,
    /// Mergify's train of batches, each as large as what waits asks for, between these.
    Mergify {
        /// The fewest changes of a batch, if so many wait.
        batch_min: usize,
        /// The most.
        batch_max: usize,
    },
    /// Uber's SubmitQueue: the most probable futures are tested.
    SubmitQueue,
    /// Prow's Tide: a batch, and beside it its first alone.
    Tide {
        /// The most changes of a batch.
        batch_max: usize,
    },
    /// Nobody stands in line: everybody brings their branch up to date, waits for its checks, and merges if nobody was
    /// quicker.
    NoQueue,
}

impl Rival {
    pub(super) fn strategy(self) -> Box<dyn Strategy> {
        match self {
            Self::GitLab => Box::<gitlab::MergeTrain>::default(),
            Self::Mergify { batch_min, batch_max } => Box::new(mergify::Mergify::new(batch_min, batch_max)),
            Self::SubmitQueue => Box::<submitqueue::SubmitQueue>::default(),
            Self::Tide { batch_max } => Box::new(tide::Tide::new(batch_max)),
            Self::NoQueue => Box::<no_queue::NoQueue>::default(),
        }
    }
}
