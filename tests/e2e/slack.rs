//! The whole road in a thread of Slack, over sockets and over signed requests, and with everything that goes wrong there.

pub mod budget;
pub mod faults;
pub mod forms;
pub mod jumps;
mod office;
pub mod pictures;
pub mod places;
pub mod promises;
pub mod restarts;
pub mod road;
mod scene;
pub mod streams;
