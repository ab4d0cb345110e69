//! A discrete-event simulator around the production strategies: no copies, no clock, no git.

pub mod audit;
pub mod bounds;
pub mod chance;
pub mod chart;
pub mod compare;
pub mod contender;
pub mod past;
pub mod plant;
pub mod player;
pub mod preset;
mod repairs;
pub mod rivals;
pub mod tally;
pub mod workload;

#[cfg(test)]
mod reproduced;

pub use audit::Gates;
pub use bounds::Bounds;
pub use compare::{Mean, Row, compare, compare_past};
pub use contender::{Contender, contenders};
pub use past::{Past, TooLittle};
pub use plant::play;
pub use player::Player;
pub use preset::{PRESETS, Preset};
pub use rivals::Rival;
pub use tally::Tally;
pub use workload::{Arrivals, Workload};
