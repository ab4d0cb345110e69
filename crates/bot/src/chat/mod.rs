//! Talking with people. One flow, several platforms: an adapter translates and never decides.
//!
//! Read in this order: [`messenger`] (the seam), [`command`] (the grammar of what people may say), [`conversation`] (the
//! machine that holds what was heard until it is answered), [`intake`] (from words to an event), [`render`] (from a
//! state to words and buttons), [`notifier`] (says them), [`key`] (by which they are found again), [`refresher`] (tells what long waits are
//! for), [`lookout`] (tells what is in the way of changes that wait), [`running`] (what is going on while nobody is asked).

pub mod messenger;

pub mod command;
pub mod conversation;

pub mod aftermath;
pub mod channel;
pub mod console;
pub mod context;
mod hindrance;
pub mod home;
mod hopping;
pub mod intake;
pub mod key;
pub mod lookout;
pub mod notifier;
pub mod order;
pub mod reader;
pub mod refresher;
pub mod render;
pub mod running;
pub mod switchboard;

mod choosing;
mod controls;
mod correcting;
mod defaults;
mod editing;
mod help;
mod interpret;
mod looking;
mod options;
mod ordering;
mod overhearing;
mod reacting;
mod resolve;
mod suggesting;
