//! The rules of one installation, as the config gives them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::glob::Globs;
use super::tier::Tiers;
use super::verb::Verb;
use crate::{Person, Role};

/// The `[policy]` part of the config.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// One person runs this installation alone and approves their own work, with the task's id typed again from R2 on.
    pub solo: bool,
    /// An emoji on the newest plan approves it, at R1 at most.
    pub reaction_approve: bool,
    /// Which paths are risky, beside the built-in ones.
    pub tiers: Tiers,
    /// What may not be done whoever could otherwise.
    pub deny: Vec<DenyRule>,
}

/// Forbids what fits all of its conditions; a condition that is left out fits everything.
///
/// There is deliberately no condition "has this role": with it, giving a person one more role could take a right away.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyRule {
    /// Only this person.
    #[serde(default)]
    pub person: Option<Person>,
    /// Only people who do not hold this role.
    #[serde(default)]
    pub unless: Option<Role>,
    /// Only this verb.
    #[serde(default)]
    pub verb: Option<Verb>,
    /// Only tasks that touch one of these paths.
    #[serde(default)]
    pub paths: Globs,
    /// What the person reads.
    pub why: String,
}

/// Who the people are, and what holds for them.
#[derive(Clone, Debug)]
pub struct Rules {
    people: BTreeMap<Person, BTreeSet<Role>>,
    policy: Policy,
}

/// Rules that contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRules {
    /// `solo` lifts the rule of the second person, which must not happen where there is one.
    #[error("`solo = true` is for an installation of one person, but there are {0}")]
    SoloAmongMany(usize),
}

impl Rules {
    /// Joins the people with the policy.
    pub fn new(people: BTreeMap<Person, BTreeSet<Role>>, policy: Policy) -> Result<Self, BadRules> {
        if policy.solo && people.len() != 1 {
            return Err(BadRules::SoloAmongMany(people.len()));
        }
        Ok(Self { people, policy })
    }

    /// Everyone who is known, in the order of their names.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.keys()
    }

    /// The roles that the config gives the person; none for a stranger.
    pub fn roles_of(&self, person: &Person) -> BTreeSet<Role> {
        self.people.get(person).cloned().unwrap_or_default()
    }

    /// The person has the role, or all of them as an admin or the only person of a solo installation.
    pub fn holds(&self, person: &Person, role: Role) -> bool {
        let given = self.people.get(person);
        given.is_some_and(|roles| self.policy.solo || roles.contains(&role) || roles.contains(&Role::Admin))
    }

    /// Nobody that the config knows, or somebody without any role.
    pub fn is_stranger(&self, person: &Person) -> bool {
        match self.people.get(person) {
            Some(roles) => roles.is_empty() && !self.policy.solo,
            None => true,
        }
    }

    /// One person runs this installation alone.
    pub fn is_solo(&self) -> bool {
        self.policy.solo
    }

    /// Whether an emoji on the newest plan approves it.
    pub fn reaction_approves(&self) -> bool {
        self.policy.reaction_approve
    }

    /// Which paths are risky.
    pub fn tiers(&self) -> &Tiers {
        &self.policy.tiers
    }

    /// The first deny rule that fits, counted from 1, with the path that made it fit.
    pub(super) fn denial<'r>(&'r self, person: &Person, verb: Verb, paths: &'r [String]) -> Option<Denial<'r>> {
        self.policy.deny.iter().zip(1..).find_map(|(rule, number)| {
            let fits = rule.person.as_ref().is_none_or(|denied| denied == person)
                && rule.unless.is_none_or(|role| !self.holds(person, role))
                && rule.verb.is_none_or(|denied| denied == verb);
            let path = paths.iter().find(|path| rule.paths.matching(path).is_some());
            (fits && (rule.paths.is_empty() || path.is_some())).then(|| Denial {
                rule,
                number,
                path: path.map(String::as_str),
            })
        })
    }
}

/// A deny rule that fits.
pub(super) struct Denial<'r> {
    pub(super) rule: &'r DenyRule,
    /// Its place in the config, counted from 1.
    pub(super) number: usize,
    /// The path that made it fit, when the rule names paths.
    pub(super) path: Option<&'r str>,
}
