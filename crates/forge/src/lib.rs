//! Speaks to git and to code forges, and to nothing else: no database, no policy, no retries.
//!
//! Read [`forge`] for what the contexts above may ask, [`local`] for how it is answered on any git remote and
//! [`github`] for GitHub, [`mirror`] and
//! [`candidate`] for how a landing commit is made without a working tree, [`workspace`] for the working trees of agents
//! and checks, [`view`] for what a check sees, and [`git`] for how the program is run so that nobody's configuration has a say.
//!
//! Commits and trees are read, and commits written, with `git2`; merges, indexes, refs and remotes go through the `git`
//! program, because the library merges differently in rare cases and has neither leases nor atomic pushes. The one
//! exception is a remote in which nothing but git's defaults holds: see `direct`.

pub mod balance;
pub mod branch;
pub mod candidate;
pub mod changes;
pub mod checkpoint;
pub mod checks;
pub mod forge;
pub mod git;
pub mod github;
pub mod lanes;
pub mod local;
pub mod mirror;
pub mod remote;
pub mod repositories;
pub mod view;
pub mod workspace;

mod attributes;
mod direct;
mod group;
mod merger;
mod occupancy;
mod plain;
mod push;
mod ref_lock;
mod repair;

pub use balance::Balance;
pub use branch::{Branch, BranchCommit, Line};
pub use candidate::{Candidate, MergeOrder, Replayed, Signature, Style};
pub use changes::{FileChange, Footprint};
pub use checkpoint::Checkpoint;
pub use checks::{CheckRun, CheckSpec, Conclusion, FailedTests, Gate, GateError, GateFault, gate_from_toml, gate_of};
pub use forge::{
    Closed, Forge, ForgeError, Landing, LandingPlace, Light, MergeCommand, Offered, PullRequest, PullRequestDraft,
    Standing,
};
pub use git::{GIT_FLOOR, Git, GitError, GitSettings};
pub use lanes::{LaneName, Lanes, LanesError, lanes_from_toml};
pub use local::LocalForge;
pub use merger::Merged;
pub use mirror::{Mirror, RemoteTarget};
pub use remote::{Keyring, LocateError, Located, Login, Remote, locate_repository};
pub use repositories::{OpenError, RepoSettings, Repositories, Repository};
