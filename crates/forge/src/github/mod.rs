//! GitHub: pull requests by its REST API, commits by git over https.
//!
//! Read [`forge`] for what a publication and a landing are there, [`pulls`] for pull requests, [`client`] for how a request is
//! sent and its failure classified, and [`keys`] for whom we are there: a token, or an App that mints one for each repository.
//!
//! Every answer is read as untrusted text of which we know a few fields. octocrab brings the connection, the App's
//! signature and redirects that keep credentials at home; its models are not used, because they demand fields that GitHub
//! leaves out, and nothing is retried here.

pub mod client;
pub mod forge;
pub mod keys;
pub mod name;
pub mod pulls;

pub use client::{Client, GitHubSettings};
pub use forge::GitHub;
pub use keys::Identity;
pub use name::GitHubRepo;
