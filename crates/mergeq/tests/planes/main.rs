//! Two planes, one policy. The same workload is played on paper (the machine and a model of git) and in the world (the
//! machine in its store, the performers, a real remote), and both must decide the same.
//!
//! Time goes in ticks of the workload, so that the order of verdicts is the workload's and not the machine's.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod auditor;
mod burst;
mod content;
mod field;
mod golden;
#[path = "../ground/mod.rs"]
mod ground;
mod held;
mod kills;
mod paper;
mod person;
mod play;
mod repo;
mod workload;
