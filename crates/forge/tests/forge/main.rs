//! The crate against real git programs: every one that is at hand, which is 2.39 and a newer one in the full test run.
#![expect(clippy::disallowed_methods, reason = "people run git by themselves, and a kill has to happen in real time")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is wrong")]

mod candidates;
mod hermetic;
mod landing;
mod locating;
mod locks;
mod merging;
mod publishing;
mod reading;
mod repairing;
mod styles;
mod views;
mod workspaces;
mod world;
