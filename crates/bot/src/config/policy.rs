//! The keys of `[policy]`: what holds beside the roles.

use domain::Person;

use super::key::Absent::{Default, Needed, Otherwise};
use super::key::Applied::AtReload;
use super::key::{Form, Key};
use super::keys::{ROLES, table};
use super::wellformed::{glob, not_empty, parses};

/// `[policy]`.
pub(super) const POLICY: &[Key] = &[
    Key::new(
        "solo",
        Form::Flag,
        Default("false"),
        AtReload,
        "One person who has nobody else to ask: then R2 and R3 ask to type the task's id again.",
    ),
    Key::new(
        "reaction_approve",
        Form::Flag,
        Default("false"),
        AtReload,
        "An emoji on the newest plan message approves it, at R1 at most. Off, because a thumb slips more easily than a word.",
    ),
    table(
        "tiers",
        Form::Table(TIERS),
        AtReload,
        "Path patterns beside the built-in ones (lock files, CI, migrations, auth are R2; secrets and .downbeat/ are R3).",
    ),
    table(
        "deny",
        Form::List { each: &Form::Table(DENY), min: 0 },
        AtReload,
        "What may not be done whoever could otherwise. A condition that is left out fits everything.",
    ),
];

const GLOBS: Form = Form::List { each: &Form::Text(glob), min: 0 };

const TIERS: &[Key] = &[
    Key::new(
        "r1",
        GLOBS,
        Default("[]"),
        AtReload,
        "Taken out of the built-in R2 patterns, for a folder that only sounds dangerous.",
    ),
    Key::new("r2", GLOBS, Default("[]"), AtReload, "Another person has to approve."),
    Key::new("r3", GLOBS, Default("[]"), AtReload, "An admin has to approve, and types the task's id again."),
];

const DENY: &[Key] = &[
    Key::new("person", Form::Text(parses::<Person>), Otherwise("everybody"), AtReload, "Only this person."),
    Key::new(
        "unless",
        Form::Choice(ROLES),
        Otherwise("whatever roles they hold"),
        AtReload,
        "Only people who do not hold this role.",
    ),
    Key::new("verb", Form::Choice(VERBS), Otherwise("every verb"), AtReload, "Only this verb."),
    Key::new("paths", GLOBS, Default("[]"), AtReload, "Only tasks that touch one of these paths."),
    Key::new("why", Form::Text(not_empty), Needed, AtReload, "What the person reads."),
];

const VERBS: &[&str] =
    &["view", "ask", "steer", "stop", "retry", "revise", "approve", "reject", "merge", "dequeue", "operate-queue"];
