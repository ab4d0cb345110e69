//! The words of a refusal: why not, who can, and what to type.

use super::decide::{About, Asked, Refusal, judge, retype_wanted};
use super::group::Group;
use super::rules::{Denial, Rules};
use super::verb::Verb;
use crate::{Person, Rejected, RepoName, Role};

/// Says a refusal to the person who was refused.
pub(super) fn explain(rules: &Rules, asked: &Asked<'_>, refusal: &Refusal<'_>) -> Rejected {
    let verb = asked.verb;
    match refusal {
        Refusal::Stranger => {
            Rejected::new("I do not know you", format!("Ask {} to add you to the config", admins(rules)))
        }
        Refusal::Bot => {
            let why = format!("A bot may not {verb}: that is for a person to decide");
            Rejected::new(why, who_may(rules, asked).unwrap_or_else(|| format!("Ask {}", admins(rules))))
        }
        Refusal::Rule(denial) => explain_rule(rules, asked, denial),
        Refusal::Elsewhere { channel, repo } => explain_place(rules, channel, repo),
        Refusal::WithoutTask => {
            Rejected::new(format!("You did not say which task to {verb}"), format!("Say for example `{verb} T-1`"))
        }
        Refusal::OwnTask(about) => Rejected::new(
            format!("{} is {}, and you asked for it: another person has to {verb} it", about.task, risk(rules, *about)),
            who_else(rules, asked, verb.grant(about.tier).others),
        ),
        Refusal::WithoutRole(roles) => explain_role(rules, asked, roles),
        Refusal::NotRetyped(about) => Rejected::new(
            format!("{} is {}: its id has to be typed twice to {verb} it", about.task, risk(rules, *about)),
            format!("Say `{}`", command(rules, verb, *about)),
        ),
    }
}

fn explain_place(rules: &Rules, channel: &str, repo: &RepoName) -> Rejected {
    let allowed: Vec<_> = rules.grounds().of(repo).filter(|channels| channels.is_one()).collect();
    let next = match &allowed[..] {
        [] => format!("Ask {} to list {repo} under [channels] in the config", admins(rules)),
        allowed => format!("Say it in {}", list(allowed)),
    };
    Rejected::new(format!("{repo} is not worked on from {channel}"), next)
}

fn explain_role(rules: &Rules, asked: &Asked<'_>, roles: &[Role]) -> Rejected {
    let (verb, roles_named) = (asked.verb, format!("{}{}", list(roles), groups_with(rules, roles)));
    let why = match asked.about {
        Some(about) if roles == [Role::Admin] => {
            format!("{} is {}: only an admin may {verb} it", about.task, risk(rules, about))
        }
        Some(about) => format!("You may not {verb} {}: that takes the role {roles_named}", about.task),
        None => format!("You may not {verb}: that takes the role {roles_named}"),
    };
    Rejected::new(why, who_else(rules, asked, roles))
}

fn explain_rule(rules: &Rules, asked: &Asked<'_>, denial: &Denial<'_>) -> Rejected {
    let what = match (asked.about, denial.path) {
        (Some(about), Some(path)) => format!("{} {}, which touches `{path}`", asked.verb, about.task),
        (Some(about), None) => format!("{} {}", asked.verb, about.task),
        (None, _) => asked.verb.to_string(),
    };
    let place = match (&denial.rule.group, &denial.rule.channel) {
        (Some(group), None) => format!(" as a member of {group}"),
        (None, Some(_)) => " here".to_owned(),
        (Some(group), Some(_)) => format!(" here as a member of {group}"),
        (None, None) => String::new(),
    };
    let why = format!("You may not {what}{place}: {}", denial.rule.why);
    let here = if denial.rule.channel.is_some() { " here" } else { "" };
    let nobody = || format!("Nobody can{here} while rule {} of [[policy.deny]] stands in the config", denial.number);
    let next = who_may(rules, asked).unwrap_or_else(nobody);
    Rejected::new(why, next)
}

/// The groups whose members hold one of the roles.
fn groups_with(rules: &Rules, roles: &[Role]) -> String {
    let gives = |group: &Group| group.roles.iter().any(|role| roles.contains(role));
    let groups: Vec<_> = rules.groups().filter(|(_, group)| gives(group)).map(|(name, _)| name).collect();
    match &groups[..] {
        [] => String::new(),
        [only] => format!(", which the group {only} has"),
        several => format!(", which the groups {} have", several.join(" and ")),
    }
}

/// Who would be allowed, asked of the policy itself.
fn who_can<'r>(rules: &'r Rules, asked: &Asked<'_>) -> Vec<&'r Person> {
    let asked = Asked { retyped: true, ..*asked };
    rules.people().filter(|person| judge(rules, person, &asked).is_ok()).collect()
}

fn who_else(rules: &Rules, asked: &Asked<'_>, roles: &[Role]) -> String {
    who_may(rules, asked).unwrap_or_else(|| {
        format!("Nobody here can: ask {} to give somebody the role {} in the config", admins(rules), list(roles))
    })
}

/// Who may do what was asked, and what they say, as in "ana or ben can say `approve T-1`". None when nobody may.
pub fn who_may(rules: &Rules, asked: &Asked<'_>) -> Option<String> {
    let names = who_can(rules, asked);
    if names.is_empty() {
        return None;
    }
    let names = list(&names);
    Some(match asked.about {
        Some(about) => format!("{names} can say `{}`", command(rules, asked.verb, about)),
        None => format!("{names} can"),
    })
}

/// What to type, with the id twice where that is demanded.
fn command(rules: &Rules, verb: Verb, about: About<'_>) -> String {
    let task = about.task;
    match retype_wanted(rules, verb, about.tier) {
        true => format!("{verb} {task} {task}"),
        false => format!("{verb} {task}"),
    }
}

/// The tier with the path that decided it, unless the task was assessed under other rules than today's.
fn risk(rules: &Rules, about: About<'_>) -> String {
    let today = rules.tiers().tier_of(about.paths);
    if today.tier == about.tier { today.to_string() } else { about.tier.to_string() }
}

fn admins(rules: &Rules) -> String {
    let admins: Vec<_> = rules.people().filter(|person| rules.holds(person, Role::Admin)).collect();
    if admins.is_empty() { "whoever runs this installation".to_owned() } else { list(&admins) }
}

/// Names as a person lists the choices, at most four of them so that the sentence stays one.
fn list<T: ToString>(items: &[T]) -> String {
    const SHOWN_MAX: usize = 4;
    let mut shown: Vec<String> = items.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    if items.len() > SHOWN_MAX {
        shown.push(format!("{} more", items.len() - SHOWN_MAX));
    }
    match shown.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
