//! A task's way, from request to pull request, with an agent in a workspace.
//!
//! [`task`] decides, as a pure machine; everything else acts. The session lane's [`dispatcher`] readies a
//! [`workspace`], runs one of the [`session`] agents inside the [`cage`], runs the repository's [`checks`], and tells the
//! task what came of it; the publish lane's [`publisher`] pushes the branch and proposes it.
//!
//! **Invariant:** nothing that an agent or a repository brings along is executed outside the cage.

pub mod task;

pub mod dispatcher;
mod evidence;
pub mod publisher;
pub mod timer;

pub mod board;
pub mod cage;
pub mod checkpoint;
pub mod checks;
pub mod egress;
pub mod liaison;
pub mod log;
pub mod money;
pub mod prompt;
pub mod recipe;
pub mod session;
pub mod setup;
pub mod socket;
pub mod token;
pub mod tools;
pub mod workspace;

/// Why a lock is never found poisoned.
pub(crate) const UNPOISONED: &str = "no code panics while it holds this lock";
