//! The rules of one installation, as the config gives them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::glob::Globs;
use super::group::Group;
use super::place::{Channels, Grounds, Place};
use super::tier::Tiers;
use super::verb::Verb;
use crate::{Person, RepoName, Role};

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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyRule {
    /// Only this person.
    #[serde(default)]
    pub person: Option<Person>,
    /// Only people in this group.
    #[serde(default)]
    pub group: Option<String>,
    /// Only people who do not hold this role.
    #[serde(default)]
    pub unless: Option<Role>,
    /// Only in these channels.
    #[serde(default)]
    pub channel: Option<Channels>,
    /// Only this repository.
    #[serde(default)]
    pub repo: Option<RepoName>,
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
    groups: BTreeMap<String, Group>,
    guests: BTreeSet<Person>,
    bots: BTreeSet<Person>,
    grounds: Grounds,
    policy: Policy,
}

/// Rules that contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRules {
    /// `solo` lifts the rule of the second person, which must not happen where there is one.
    #[error("`solo = true` is for an installation of one person, but there are {0}")]
    SoloAmongMany(usize),
    /// The same for people whom a group brings.
    #[error("`solo = true` is for an installation of one person, but there is the group {0}")]
    SoloWithGroup(String),
}

impl Rules {
    /// Joins the people with the policy.
    pub fn new(people: BTreeMap<Person, BTreeSet<Role>>, policy: Policy) -> Result<Self, BadRules> {
        if policy.solo && people.len() != 1 {
            return Err(BadRules::SoloAmongMany(people.len()));
        }
        let (groups, guests, bots) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let grounds = Grounds::default();
        Ok(Self { people, groups, guests, bots, grounds, policy })
    }

    /// The same with these groups.
    pub fn with_groups(self, groups: BTreeMap<String, Group>) -> Result<Self, BadRules> {
        match groups.keys().next() {
            Some(name) if self.policy.solo => Err(BadRules::SoloWithGroup(name.clone())),
            Some(_) | None => Ok(Self { groups, ..self }),
        }
    }

    /// The same with what may be worked on from which channels.
    pub fn with_grounds(self, grounds: Grounds) -> Self {
        Self { grounds, ..self }
    }

    /// The same where these of the people are programs that are heard.
    pub fn with_bots(self, bots: BTreeSet<Person>) -> Self {
        Self { bots, ..self }
    }

    /// The same with the members of a group as a platform tells them now; those whom the config names stay in it. A
    /// group that the config does not have is passed over.
    pub fn with_members(&self, group: &str, members: BTreeSet<Person>) -> Self {
        let mut rules = self.clone();
        if let Some(group) = rules.groups.get_mut(group) {
            group.told = members;
        }
        rules
    }

    /// The same with the guests, outsiders and bots of a platform as it tells them now: no group gives them more than a
    /// look, whatever group they are in.
    pub fn with_guests(&self, guests: BTreeSet<Person>) -> Self {
        Self { guests, ..self.clone() }
    }

    /// The same with what platforms told `before`, for rules that are read anew.
    pub fn remembering(self, before: &Self) -> Self {
        let mut rules = self.with_guests(before.guests.clone());
        for (name, group) in &mut rules.groups {
            group.told = before.groups.get(name).map(|group| group.told.clone()).unwrap_or_default();
        }
        rules
    }

    /// Everyone who is known, in the order of their names.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        let in_groups = self.groups.values().flat_map(Group::members);
        self.people.keys().chain(in_groups).collect::<BTreeSet<_>>().into_iter()
    }

    /// The groups by name.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &Group)> {
        self.groups.iter().map(|(name, group)| (name.as_str(), group))
    }

    /// The roles that the config gives the person, by name or by a group; none for a stranger.
    pub fn roles_of(&self, person: &Person) -> BTreeSet<Role> {
        let own = self.people.get(person).cloned().unwrap_or_default();
        let groups = self.groups.values().filter(|group| group.has(person));
        let given: BTreeSet<Role> = groups.flat_map(|group| &group.roles).copied().collect();
        match self.guests.contains(person) {
            true if given.is_empty() => own,
            true => &own | &BTreeSet::from([Role::Viewer]),
            false => &own | &given,
        }
    }

    /// The group through which the person holds the role, where it is not by name.
    pub(super) fn group_behind(&self, person: &Person, role: Role) -> Option<&str> {
        let is_enough = |roles: &BTreeSet<Role>| roles.contains(&role) || roles.contains(&Role::Admin);
        let is_own = self.people.get(person).is_some_and(is_enough);
        let mut through = self.groups().filter(|(_, group)| group.has(person) && is_enough(&group.roles));
        through.next().filter(|_| !is_own).map(|(name, _)| name)
    }

    /// The person has the role, or all of them as an admin or the only person of a solo installation.
    pub fn holds(&self, person: &Person, role: Role) -> bool {
        let roles = self.roles_of(person);
        roles.contains(&role) || roles.contains(&Role::Admin) || self.policy.solo && self.people.contains_key(person)
    }

    /// Nobody that the config knows, or somebody without any role.
    pub fn is_stranger(&self, person: &Person) -> bool {
        self.roles_of(person).is_empty() && !(self.policy.solo && self.people.contains_key(person))
    }

    /// A guest, an outsider or a bot, as a platform tells.
    pub fn is_guest(&self, person: &Person) -> bool {
        self.guests.contains(person)
    }

    /// A program that the config lets in: it may ask, and decides nothing.
    pub fn is_bot(&self, person: &Person) -> bool {
        self.bots.contains(person)
    }

    /// What may be worked on from which channels.
    pub fn grounds(&self) -> &Grounds {
        &self.grounds
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
    pub(super) fn denial<'r>(
        &'r self,
        person: &Person,
        (verb, place): (Verb, Place<'_>),
        paths: &'r [String],
    ) -> Option<Denial<'r>> {
        let is_in = |group: &String| self.groups.get(group).is_some_and(|group| group.has(person));
        self.policy.deny.iter().zip(1..).find_map(|(rule, number)| {
            let fits = rule.person.as_ref().is_none_or(|denied| denied == person)
                && rule.group.as_ref().is_none_or(is_in)
                && rule.channel.as_ref().is_none_or(|denied| place.channel.is_some_and(|at| denied.matches(at)))
                && rule.repo.as_ref().is_none_or(|denied| place.repo == Some(denied))
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
