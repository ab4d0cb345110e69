//! Who plays a workload: one of the queue's own strategies, or one of another product that only the simulator has.

use super::rivals::Rival;
use crate::strategy::strategist::{Strategy, absorb, plan};
use crate::strategy::{Act, Board, Fact, Kind, Strategist};

/// A strategy to be played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Player {
    /// One that a queue can be told to go by.
    Ours(Kind),
    /// One that is here to be compared with.
    Rival(Rival),
}

impl From<Kind> for Player {
    fn from(kind: Kind) -> Self {
        Self::Ours(kind)
    }
}

impl From<Rival> for Player {
    fn from(rival: Rival) -> Self {
        Self::Rival(rival)
    }
}

/// A player at work: facts go in, acts come out.
pub(crate) enum Seat {
    Ours(Box<Strategist>),
    Rival(Box<Board>, Box<dyn Strategy>),
}

impl Player {
    /// An empty line, and `slots` tests at once.
    pub(crate) fn seat(self, slots: usize) -> Seat {
        match self {
            Self::Ours(kind) => Seat::Ours(Box::new(Strategist::new(kind, slots))),
            Self::Rival(rival) => Seat::Rival(Box::new(Board::new(slots)), rival.strategy()),
        }
    }
}

impl Seat {
    pub(crate) fn absorb(&mut self, fact: &Fact) {
        match self {
            Self::Ours(strategist) => strategist.absorb(fact),
            Self::Rival(board, strategy) => absorb(&mut **strategy, board, fact),
        }
    }

    pub(crate) fn plan(&mut self) -> Vec<Act> {
        match self {
            Self::Ours(strategist) => strategist.plan(),
            Self::Rival(board, strategy) => plan(&mut **strategy, board),
        }
    }
}
