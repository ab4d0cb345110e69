//! Keeps a target branch green: only tested commits land.
//!
//! Read [`queue`] first: a pure machine, one for each target branch. [`staging`], [`checks`] and [`landing`] perform what
//! it owes, [`judge`] turns checks into verdicts, [`ledger`] remembers what passed, [`reconciler`] tells it what it could not hear, [`desk`] brings it what
//! people want. What it reports is performed above, where the queue's entries are somebody's tasks. [`prober`] says
//! which changes do not go together before any is tested; [`audit`] looks again at what landed; [`trial`] tries a change
//! without landing it.
//!
//! # Laws
//!
//! 1. Only a commit whose checks concluded with success, in exactly that form, is ever landed. Success on the same tree
//!    in the same environment counts, wherever it was seen. A check that names lanes is run on their paths and nothing
//!    else, and for it the same paths are the same tree. A tree that says `checks = []` lands too, and its outcome says
//!    `untested`.
//! 2. Landing is a compare-and-swap on the branch: `from` must still be the head, fast-forward only. This backs up
//!    law 1 even if `plan` were wrong.
//! 3. Every enqueued entry gets exactly one outcome.
//! 4. While a landing is in flight nothing may withdraw or abandon it; its result prevails.
//! 5. Every landing is looked at afterwards, once; what is found stops the queue until a person restores or resumes.
//! 6. Late events change nothing. What makes an event late is the run's id: whatever makes an answer worthless takes
//!    the run away or gives it a new id.
//!
//! **Fairness.** An entry is ejected only for what it did itself: its conflict with what has landed; a red run that its
//! strategy holds it guilty of, with a confidence that the outcome states; or as it comes, when there is no room for it.
//! Nobody loses their place because the target moved, a companion left, or the queue's surroundings failed.
//!
//! **Liveness.** Every entry without an outcome is in line, in a run or in several, or reserved with a deadline. A run
//! owes exactly one effect until it has passed, and is watched: what takes much longer than usual is said to be overdue, with
//! what is [`missing`]. When going on would harm the innocent (staging
//! fails for everyone, a landing never answers), the queue stops itself and says why; a person resumes it.
//!
//! # Races that are accepted
//!
//! Somebody who pushes to the target faster than the checks run keeps the queue from landing: each push abandons the
//! run. The reconciler sees the push, so the waste is one run a push.
//!
//! A landing that hangs between its last look and its push, while its mirror is destroyed and another worker finds the
//! commits gone, may land a change that is withdrawn at that moment. Commits that are made anew after that are others, so
//! that the push itself is the whole window.

pub mod queue;
pub mod sim;
pub mod strategy;

mod answer;
pub mod audit;
pub mod checks;
pub mod desk;
pub mod judge;
pub mod landing;
pub mod ledger;
pub mod message;
pub mod missing;
mod parts;
pub mod prober;
pub mod probes;
pub mod reconciler;
pub mod staging;
pub mod timer;
pub mod trial;

pub use audit::{Auditor, Examiner, restore};
pub use checks::Checker;
pub use desk::QueueDesk;
pub use judge::{Briefing, Case, CheckRunner, GateReport, Judge, Judged, note_report};
pub use landing::Lander;
pub use ledger::{Exam, ReuseTerms, Sighting, VerdictLedger};
pub use message::{BadTemplate, Template};
pub use missing::what_is_missing;
pub use prober::Prober;
pub use probes::{ConflictGraph, Fit, ProbeLimits, Probes};
pub use queue::Clash;
pub use queue::history::{PastEntry, STATEMENTS, recent_outcomes, recent_stays};
pub use queue::soundness::{Finding, Flaw, LandedPart, LandedRun, Remedy};
pub use reconciler::{ReconcileError, Reconciler};
pub use staging::{LandingRule, LandingRules, Stager, StagingSettings};
pub use timer::LeaseTimer;
pub use trial::{Inconclusive, Trials, Tried};
