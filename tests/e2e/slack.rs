//! The whole road in a thread of Slack, over sockets and over signed requests, and with everything that goes wrong there.

pub mod faults;
pub mod forms;
mod office;
pub mod restarts;
pub mod road;
mod scene;
