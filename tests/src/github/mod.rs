//! A GitHub for tests: pull requests by its REST API over a real git repository by smart HTTP.
//!
//! It is written from GitHub's published rules and judged by its published description ([`judge`]): what it answers are
//! that description's own examples with the state put in. It keeps no commits beside git's, so that a pull request is
//! merged here only when what it shows is on its base, as there. What it decides by itself:
//!
//! - A pull request shows the commit at its branch. When the commit that it showed *before* a push becomes part of its
//!   base it is merged; when its branch is gone, or has nothing that its base lacks, it is closed.
//! - A branch has one open pull request for each base; a second is 422.
//! - Who has no token that it knows is 401, and 404 for what they may not see.

mod app;
mod book;
mod git;
mod issues;
pub mod judge;
mod pulls;
mod server;
mod state;

pub use app::{APP_ID, AppKey};
pub use server::{Fault, GitHubServer};
pub use state::{Pull, TOKEN};
