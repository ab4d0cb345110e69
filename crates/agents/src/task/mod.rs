//! The task machine: one request by a person, from chat to merge, as a pure value.
//!
//! Read in this order: [`state`] (what can be true), [`event`] (what can happen), [`effect`] (what is then owed), and
//! the story in its four phases: `planning`, `working`, `review`, `ending`; beside them what people and sessions say to
//! each other meanwhile: `asking`, `steering`, `correcting`, `aside`; [`repair`], by which what was sent back goes on; and
//! [`trial`], which tells whether a change would land.
//! `machine` only routes.
//!
//! **Needs.** Nothing but the event and the time.
//!
//! **Laws**, checked by [`laws`] in property tests and in the simulator:
//!
//! 1. No session that may write is started unless a person approved the plan with that hash, or nobody was to be
//!    asked (`plan=auto` or `plan=off`).
//! 2. What is published is the head of the session that was approved last; a change that goes beyond its approval
//!    waits for a person first.
//! 3. A terminal state is left only by a person's retry or step back to a checkpoint.
//! 4. A live task owes an effect, runs a session, or waits for a person under a deadline.
//! 5. Late answers (an older session, an older deadline, an entry that left the queue) change nothing.
//! 6. A question has at most one answer.
//! 7. What a person said to a session is told to one: no goal ends while a word for it waits.
//! 8. A task that rests, with a question or a pause, owes nothing but the end of its wait, and the way out of the queue
//!    when somebody gives the place of its repair up.
//! 9. What was offered and no longer holds is closed: no button outlives what it stands for.
//! 10. A place in the merge queue that is kept for a repair is taken again, or given up once; it is never held by a task that
//!     goes another way.
//! 11. What is tried is the published change that waits for the word to merge; nobody has another one tried.
//!
//! **Races that are accepted.** A stop that arrives while the queue is landing is an intent: when the landing wins,
//! the task is merged and says so.

pub mod state;

pub mod aside;
pub mod effect;
pub mod event;
pub mod plan;

pub mod word;

mod asking;
pub mod contract;
mod correcting;
mod editing;
mod ending;
pub mod laws;
mod machine;
mod moves;
mod muting;
mod offer;
mod planning;
pub mod repair;
mod review;
mod standing;
mod steering;
pub mod trial;
mod working;

mod table;
pub mod view;

pub use aside::{Aside, Asides, Matter};
pub use editing::PlanEdit;
pub use effect::{Announcement, Deadline, TaskEffect, Then};
pub use event::{TaskEvent, Terms};
pub use plan::{Edited, Plan, PlanDraft};
pub use repair::{Repair, Trouble};
pub use state::{
    Approved, Demand, Goal, Ground, Intent, PlanMode, Proof, PullRequest, Request, Task, TaskState, Waits, Work,
};
pub use table::STATEMENTS;
pub use trial::{Trial, TrialResult};
pub use word::{OpenQuestion, Word, WordKind};

#[cfg(test)]
mod tests;
