//! Who may do what, and why: a pure evaluator that explains itself.
//!
//! A question ([`Asked`]) is put to the [`Rules`] by [`decide`]. In this order:
//!
//! 1. A person without any role, by name or by a group, is a stranger, and a stranger may do nothing. To guests, outsiders
//!    and bots a group gives a look and nothing more. A bot that the config lets in may look, ask, steer and stop as far as its
//!    roles go, and decides nothing.
//! 2. A deny rule that fits wins over everything below.
//! 3. From a channel that is listed only its repositories are worked on. To look and to stop is free everywhere.
//! 4. Some role of the person has to be among those that the verb takes, which differ for a task that one asked for
//!    oneself and for other people's tasks, and rise with the task's risk ([`Tier`]):
//!
//! | approve at | own task | another person's task | the task's id typed again |
//! |---|---|---|---|
//! | R0, R1 | requester, approver | approver | no |
//! | R2 | nobody | approver | no |
//! | R3 | nobody | admin | yes |
//!
//! An installation of one person (`solo = true`) has nobody else to ask: there the "own task" column reads like the
//! other one, and the id has to be typed again from R2 on.
//!
//! Laws, checked in `laws.rs`: a deny rule always wins; a stranger is allowed nothing; one more role never takes a
//! right away; a guest may no more than their own name gives them and look; what a channel does not list is not worked on
//! from there. Every refusal names who can, and what to type.

mod decide;
mod explain;
mod glob;
mod group;
mod place;
mod risk;
mod rules;
mod tier;
mod verb;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use decide::{About, Asked, Decision, decide};
pub use explain::who_may;
pub use glob::{BadGlob, Globs};
pub use group::Group;
pub use place::{Channels, Grounds, NotChannels, Place};
pub use rules::{BadRules, DenyRule, Policy, Rules};
pub use tier::{Assessment, Decider, Tier, Tiers};
pub use verb::Verb;
