//! How a queue chooses what to test: strategies as values, one pure interface.
//!
//! A [`Strategist`] is told what happened ([`Fact`]) and answers with [`Act`]s. It knows neither git nor time nor chance,
//! so that the queue, the simulator and the tests run the very same code. Read [`board`] first, then [`serial`] for the
//! simplest strategy and [`nest`] for the best.
//!
//! What a strategy may rely on, and what it promises:
//!
//! 1. Only a green, current test lands: what lands is exactly what was tested.
//! 2. Each item that arrives lands, is ejected, or is taken away; never two of these.
//! 3. An item that has no outcome is in a test under way or may be put into one, so that the line goes on.

pub mod board;
mod hybrid;
mod line;
mod nest;
pub mod strategist;
mod train;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
pub(crate) mod script;

pub(crate) use board::Concluded;
pub use board::{Act, Board, Item, Test, TestId};
pub use strategist::{Fact, Kind, Strategist};
