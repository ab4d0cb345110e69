//! Sessions: one turn of an agent in a tree, in the cage.

pub mod agent;
pub mod event;
pub mod people;
pub mod roster;
pub mod watch;

pub mod command;
pub mod driven;
pub mod launch;
pub mod profile;
pub mod recipe;
pub mod scripted;

mod acp;
mod answer;
mod claude;
mod codex;
mod dialogue;
mod fault;
mod markdown;
mod memory;
mod permission;
mod protocol;
pub(crate) mod telling;
mod transcript;
mod turn;

pub use agent::{Agent, AgentSettings, Models, Session, SessionError, ToolServer, Unattended, Witness, Worked};
pub use launch::ProgramSettings;
pub(crate) use memory::{MEMORY_FILE, forget, is_remembered};
pub use roster::Roster;
pub use scripted::scripted_main;
pub use transcript::Transcripts;
