//! The pure machine, in reading order: what a queue is, what can happen, what it then owes, and how it decides.

mod absorb;
mod draft;
pub mod effect;
pub mod entry;
pub mod event;
pub mod history;
pub mod hold;
pub mod laws;
mod losses;
mod machine;
pub mod opening;
pub mod order;
pub mod outcome;
mod plan;
pub mod policy;
pub mod probing;
mod repair;
mod runs;
pub mod soundness;
pub mod state;
mod table;
mod tracks;
pub mod view;
pub mod watch;

#[cfg(test)]
mod apart;
#[cfg(test)]
mod auditing;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod care;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod infrastructure;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod script;
#[cfg(test)]
mod together;
#[cfg(test)]
mod troubles;
#[cfg(test)]
mod windows;

pub use effect::{News, QueueEffect, Shown, Wanted};
pub use entry::{Change, Company, Entry};
pub use event::{Obstacle, QueueEvent, Refusal, Verdict};
pub use hold::Hold;
pub use opening::Closing;
pub use order::{Freeze, Priority, Waits};
pub(crate) use outcome::listed;
pub use outcome::{FailedCheck, Outcome, Proof, Why};
pub use policy::{Limits, Policy};
pub use probing::{Clash, Inquiry};
pub use state::{Candidate, Part, Pause, Phase, Queue, Run, RunId, queue_id, repo_of};
pub use table::{CHECKS_LANE, LAND_LANE, PROBE_LANE, STAGE_LANE, run_group};
pub use tracks::Tracks;
pub use view::{EntryLine, Place, Progress, QueueView, progress_of};
pub(crate) use watch::activity_of;
pub use watch::{Activity, Overdue, Watch};
