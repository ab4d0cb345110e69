//! Conversations with the whole system: what people read is the assertion.
//!
//! Each scenario is a short talk in [`sample::world`]; `UPDATE_EXPECT=1` writes down what was really said.

mod sample;

mod repair;
mod request;

mod approval;
mod asking;
mod bots;
mod cancel;
mod channels;
mod correcting;
mod editing;
mod lanes;
mod merge;
mod permissions;
mod promises;
mod reactions;
mod steering;
mod trial;
mod waits;

mod agents;
mod checks;
mod console;
mod places;
mod progress;
mod restart;
