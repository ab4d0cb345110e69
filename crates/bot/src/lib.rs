//! The roof: talks with people, joins the contexts, and is the binary.
//!
//! [`serve`] is the composition root, [`bridge`] the only place where tasks and queues meet, [`chat`] the conversation
//! with people. There are no rules here beyond parsing, rendering and wiring: the policy and the machines decide.

pub mod bridge;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod closings;
pub mod config;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod github;
pub mod init;
pub mod place;
pub mod reload;
pub mod runner;
pub mod screen;
pub mod serve;
pub mod signpost;
pub mod slack;
pub mod survey;
pub mod terminal;
pub mod tls;
pub mod trier;
pub mod up;
pub mod upkeep;

pub use cli::main;

/// Every SQL text of this crate, so that a test can prepare each on both databases.
pub const STATEMENTS: &[&[&str]] = &[
    chat::console::STATEMENTS,
    chat::conversation::STATEMENTS,
    chat::channel::STATEMENTS,
    slack::table::STATEMENTS,
    slack::sessions::table::STATEMENTS,
    slack::streams::table::STATEMENTS,
];
