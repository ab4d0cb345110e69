//! The harness: the vocabulary in which tests speak of the whole system.
//!
//! [`model`] is the model that real agents ask, [`slack`] the Slack that the bot talks to,
//! [`github`] the GitHub that has its repositories. [`world`] is one installation in one process, with a real database, real git and a real cage; people talk in it, time
//! moves when the test says so, and what was said is the assertion.

pub mod clock;
pub mod emulate;
pub mod git;
pub mod github;
pub mod model;
pub mod peers;
pub mod processes;
pub mod scenes;
pub mod slack;
pub mod world;
