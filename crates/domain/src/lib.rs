//! The dictionary: the words everyone shares, and the `Machine` trait.
//!
//! Every other crate imports this one, so nothing here may know of async, IO, clocks, randomness or SQL.
//! A type belongs here only when at least two crates above speak of it.

pub mod id;
pub mod machine;
pub mod person;
pub mod policy;
pub mod repo;
pub mod thread;
pub mod time;
pub mod window;

pub use id::{DeliveryId, EffectId, EntryId, QueueId, TaskId};
pub use machine::{Attempt, Cause, Machine, Rejected, Step};
pub use person::{Person, Role};
pub use repo::{BranchName, RepoName, Sha};
pub use thread::{MessageRef, Platform, ThreadRef};
pub use time::{Clock, Timestamp};
pub use window::{Window, Windows};
