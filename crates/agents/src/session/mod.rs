//! Sessions: one turn of an agent in a tree, in the cage.

pub mod agent;
pub mod event;
pub mod people;
pub mod roster;
pub mod watch;

pub mod command;
pub mod recipe;
pub mod scripted;

mod answer;
mod turn;

pub use agent::{Agent, AgentSettings, Session, SessionError, ToolServer, Unattended, Witness, Worked};
pub use roster::Roster;
pub use scripted::scripted_main;
