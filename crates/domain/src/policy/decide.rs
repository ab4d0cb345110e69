//! The decision: a person, a deed and the rules in; yes or no with its reason out.

use super::explain::explain;
use super::place::Place;
use super::rules::{Denial, Rules};
use super::tier::Tier;
use super::verb::Verb;
use crate::{Person, Rejected, RepoName, Role, TaskId};

/// What a person wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The deed.
    pub verb: Verb,
    /// The task that it is done to; none for `View`, `Ask`, `OperateQueue` and `Configure`.
    pub about: Option<About<'a>>,
    /// The person typed the task's id a second time.
    pub retyped: bool,
    /// Where, and about which repository.
    pub place: Place<'a>,
}

/// The facts of a task that a decision turns on.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The task.
    pub task: TaskId,
    /// Who asked for it.
    pub requester: &'a Person,
    /// Its risk, as it was assessed when the plan was proposed.
    pub tier: Tier,
    /// The paths that its plan, or its change, touches.
    pub paths: &'a [String],
}

impl<'a> Asked<'a> {
    /// Something that concerns no task.
    pub fn of(verb: Verb) -> Self {
        Self { verb, about: None, retyped: false, place: Place::default() }
    }

    /// Something done to a task.
    pub fn about(verb: Verb, about: About<'a>) -> Self {
        Self { about: Some(about), ..Self::of(verb) }
    }

    /// The same, asked there.
    pub fn at(self, place: Place<'a>) -> Self {
        Self { place, ..self }
    }
}

/// The answer, with its reason either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The person may.
    Allowed {
        /// Why, as a sentence without a full stop.
        because: String,
    },
    /// The person may not; who can, and what to type, is in the next step.
    Denied(Rejected),
}

impl Decision {
    /// The refusal as an error, for a caller that goes on only when it is allowed.
    pub fn allowed(self) -> Result<(), Rejected> {
        match self {
            Self::Allowed { .. } => Ok(()),
            Self::Denied(rejected) => Err(rejected),
        }
    }
}

/// Decides whether the person may do what was asked. A function of its arguments and of nothing else.
pub fn decide(rules: &Rules, person: &Person, asked: &Asked<'_>) -> Decision {
    match judge(rules, person, asked) {
        Ok(because) => Decision::Allowed { because },
        Err(refusal) => Decision::Denied(explain(rules, asked, &refusal)),
    }
}

/// Why not; `explain` turns it into words.
pub(super) enum Refusal<'r> {
    Stranger,
    Bot,
    Rule(Denial<'r>),
    Elsewhere { channel: &'r str, repo: &'r RepoName },
    WithoutTask,
    OwnTask(About<'r>),
    WithoutRole(&'static [Role]),
    NotRetyped(About<'r>),
}

/// The decision alone: why the person may, or why not.
pub(super) fn judge<'r>(rules: &'r Rules, person: &Person, asked: &Asked<'r>) -> Result<String, Refusal<'r>> {
    if rules.is_stranger(person) {
        return Err(Refusal::Stranger);
    }
    if rules.is_bot(person) && !asked.verb.is_for_bots() {
        return Err(Refusal::Bot);
    }
    let paths = asked.about.map_or(&[][..], |about| about.paths);
    if let Some(denial) = rules.denial(person, (asked.verb, asked.place), paths) {
        return Err(Refusal::Rule(denial));
    }
    if let Place { channel: Some(channel), repo: Some(repo) } = asked.place
        && asked.verb.is_bound_to_channels()
        && !rules.grounds().allow(channel, repo)
    {
        return Err(Refusal::Elsewhere { channel, repo });
    }
    match asked.about {
        Some(about) => judge_about(rules, person, asked, about),
        None if asked.verb.needs_task() => Err(Refusal::WithoutTask),
        None => {
            let role = role_among(rules, person, asked.verb.grant(Tier::R0).others)?;
            Ok(reason(rules, person, &format!("{person} holds the role {role}{}", through(rules, person, role))))
        }
    }
}

fn judge_about<'r>(rules: &Rules, person: &Person, asked: &Asked<'_>, about: About<'r>) -> Result<String, Refusal<'r>> {
    let own = about.requester == person;
    let grant = asked.verb.grant(about.tier);
    let enough = if own && !rules.is_solo() { grant.own } else { grant.others };
    if enough.is_empty() {
        return Err(Refusal::OwnTask(about));
    }
    let role = role_among(rules, person, enough)?;
    if retype_wanted(rules, asked.verb, about.tier) && !asked.retyped {
        return Err(Refusal::NotRetyped(about));
    }
    let asker = if own { "the same person" } else { about.requester.as_str() };
    let through = through(rules, person, role);
    let task = format!("{} is {} and was asked for by {asker}", about.task, about.tier);
    let because = format!("{person} holds the role {role}{through}; {task}");
    Ok(reason(rules, person, &because))
}

fn role_among<'r>(rules: &Rules, person: &Person, enough: &'static [Role]) -> Result<Role, Refusal<'r>> {
    enough.iter().copied().find(|role| rules.holds(person, *role)).ok_or(Refusal::WithoutRole(enough))
}

/// The group that gives the role.
fn through(rules: &Rules, person: &Person, role: Role) -> String {
    rules.group_behind(person, role).map(|group| format!(" through the group {group}")).unwrap_or_default()
}

fn reason(rules: &Rules, person: &Person, because: &str) -> String {
    if rules.is_solo() { format!("{person} runs this installation alone") } else { because.to_owned() }
}

/// The id has to be typed again where nobody but an admin, or nobody else at all, stands between the plan and its work.
pub(super) fn retype_wanted(rules: &Rules, verb: Verb, tier: Tier) -> bool {
    let from = if rules.is_solo() { Tier::R2 } else { Tier::R3 };
    verb == Verb::Approve && tier >= from
}
