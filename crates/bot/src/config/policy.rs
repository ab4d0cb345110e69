//! The keys of `[people]`, `[groups]`, `[channels]` and `[policy]`: who may what.

use domain::policy::Channels;
use domain::{Person, RepoName};

use super::key::Absent::{Default, Needed, Otherwise};
use super::key::Applied::AtReload;
use super::key::{Form, Key};
use super::keys::{ROLES, table};
use super::slack::member;
use super::wellformed::{glob, not_empty, parses, user_group};

/// One of `[people]`.
pub(super) const PERSON: &[Key] = &[
    Key::new(
        "roles",
        Form::List { each: &Form::Choice(ROLES), min: 0 },
        Needed,
        AtReload,
        "What the person may be. viewer looks; requester asks, and approves their own low-risk plans; approver approves and merges other people's; \
     operator pauses the queue and stops any task; admin does everything, and alone approves R3.",
    ),
    Key::new(
        "slack",
        Form::Text(member),
        Otherwise("nobody in Slack"),
        AtReload,
        "Their account in Slack, by its member ID: in Slack their profile, then \"Copy member ID\". Names there can be changed by anybody.",
    ),
    Key::new(
        "bot",
        Form::Flag,
        Otherwise("a person"),
        AtReload,
        "It is a program that is heard, by the member ID or the bot ID (B…) of its app; any other is not. It may ask, at most three times in a thread \
     before a person says something there, and approves nothing.",
    ),
];

/// One of `[groups]`.
pub(super) const GROUP: &[Key] = &[
    Key::new(
        "roles",
        Form::List { each: &Form::Choice(ROLES), min: 1 },
        Needed,
        AtReload,
        "What everybody in it may be, beside their own roles. Guests, outsiders and bots of a platform get a look and no more.",
    ),
    Key::new(
        "people",
        Form::List { each: &Form::Text(parses::<Person>), min: 0 },
        Default("[]"),
        AtReload,
        "Who is in it, by the names of [people]; somebody in Slack who is not listed there is `slack.U0123ABC`.",
    ),
    Key::new(
        "slack",
        Form::Text(user_group),
        Otherwise("nobody beside its people"),
        AtReload,
        "A user group of Slack by its id, as in `S0123ABC`: its members are in this group too, as Slack tells.",
    ),
];

/// One of `[channels]`.
pub(super) const CHANNEL: &[Key] = &[Key::new(
    "repos",
    Form::List { each: &Form::Text(parses::<RepoName>), min: 0 },
    Needed,
    AtReload,
    "The repositories that may be worked on from there, and no others; to look and to stop is free everywhere.",
)];

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
    Key::new("group", Form::Text(not_empty), Otherwise("everybody"), AtReload, "Only people in this group."),
    Key::new(
        "unless",
        Form::Choice(ROLES),
        Otherwise("whatever roles they hold"),
        AtReload,
        "Only people who do not hold this role.",
    ),
    Key::new(
        "channel",
        Form::Text(parses::<Channels>),
        Otherwise("everywhere"),
        AtReload,
        "Only there: `slack/T024BE7LD/C024BE91L`, in which each part may be `*`.",
    ),
    Key::new("repo", Form::Text(parses::<RepoName>), Otherwise("every repository"), AtReload, "Only this repository."),
    Key::new("verb", Form::Choice(VERBS), Otherwise("every verb"), AtReload, "Only this verb."),
    Key::new("paths", GLOBS, Default("[]"), AtReload, "Only tasks that touch one of these paths."),
    Key::new("why", Form::Text(not_empty), Needed, AtReload, "What the person reads."),
];

const VERBS: &[&str] = &[
    "view",
    "ask",
    "steer",
    "stop",
    "retry",
    "revise",
    "approve",
    "reject",
    "merge",
    "dequeue",
    "operate-queue",
    "configure",
];
