//! Slack: an adapter that translates between the platform and the one flow, and decides nothing.

pub mod blocks;
pub mod button;
pub mod limits;

mod kit;
