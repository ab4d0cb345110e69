//! The laws of the policy under random rules and questions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{Person, RepoName, Role, TaskId};

fn person(name: &str) -> Person {
    name.parse().unwrap()
}

fn repo(name: &str) -> RepoName {
    name.parse().unwrap()
}

const NAMES: [&str; 4] = ["ana", "ben", "cem", "dora"];
const ROLES: [Role; 5] = [Role::Viewer, Role::Requester, Role::Approver, Role::Operator, Role::Admin];
const PATHS: [&str; 4] = ["src/a.rs", "Cargo.toml", ".env", "payments/a.rs"];
const GROUPS: [&str; 2] = ["owners", "readers"];
const CHANNELS: [&str; 2] = ["slack/T1/C1", "slack/T1/C2"];
const PATTERNS: [&str; 3] = ["slack/T1/C1", "slack/*/C2", "slack/*"];
const REPOS: [&str; 2] = ["web", "app"];

/// Everything that rules are made of.
#[derive(Clone, Debug)]
struct Ruling {
    people: BTreeMap<Person, BTreeSet<Role>>,
    groups: BTreeMap<String, Group>,
    guests: BTreeSet<Person>,
    listed: Vec<(Channels, BTreeSet<RepoName>)>,
    policy: Policy,
}

impl Ruling {
    fn rules(&self) -> Rules {
        let rules = Rules::new(self.people.clone(), self.policy.clone()).unwrap();
        let rules = rules.with_groups(self.groups.clone()).unwrap().with_guests(self.guests.clone());
        rules.with_grounds(Grounds::new(self.listed.clone()))
    }
}

fn any_deny_rule() -> impl Strategy<Value = DenyRule> {
    let conditions = (
        prop::option::of(prop::sample::select(&NAMES[..])),
        prop::option::of(prop::sample::select(&GROUPS[..])),
        prop::option::of(prop::sample::select(&ROLES[..])),
        prop::option::of(prop::sample::select(&Verb::ALL[..])),
        prop::option::of(prop::sample::select(&PATTERNS[..])),
        prop::option::of(prop::sample::select(&REPOS[..])),
        prop::collection::vec(prop::sample::select(&PATHS[..]), 0..2),
    );
    conditions.prop_map(|(name, group, unless, verb, channel, of, paths)| DenyRule {
        person: name.map(person),
        group: group.map(str::to_owned),
        unless,
        verb,
        channel: channel.map(|channel| channel.parse().unwrap()),
        repo: of.map(repo),
        paths: Globs::new(&paths).unwrap(),
        why: "it is so".to_owned(),
    })
}

fn any_people() -> impl Strategy<Value = BTreeSet<Person>> {
    prop::collection::btree_set(prop::sample::select(&NAMES[..]).prop_map(person), 0..3)
}

fn any_group() -> impl Strategy<Value = Group> {
    let roles = prop::collection::btree_set(prop::sample::select(&ROLES[..]), 0..3);
    (roles, any_people(), any_people()).prop_map(|(roles, people, told)| Group { roles, people, told })
}

fn any_ground() -> impl Strategy<Value = (Channels, BTreeSet<RepoName>)> {
    let repos = prop::collection::btree_set(prop::sample::select(&REPOS[..]).prop_map(repo), 0..3);
    (prop::sample::select(&PATTERNS[..]).prop_map(|channels| channels.parse().unwrap()), repos)
}

prop_compose! {
    fn any_ruling()(
        roles in prop::collection::vec(prop::collection::btree_set(prop::sample::select(&ROLES[..]), 0..4), 1..4),
        solo: bool,
        deny in prop::collection::vec(any_deny_rule(), 0..3),
        groups in prop::collection::btree_map(prop::sample::select(&GROUPS[..]).prop_map(str::to_owned), any_group(), 0..3),
        guests in any_people(),
        listed in prop::collection::vec(any_ground(), 0..2),
    ) -> Ruling {
        let people: BTreeMap<_, _> = NAMES.map(person).into_iter().zip(roles).collect();
        let solo = solo && people.len() == 1 && groups.is_empty();
        Ruling { people, groups, guests, listed, policy: Policy { solo, deny, ..Policy::default() } }
    }
}

/// A question that owns what [`Asked`] borrows.
#[derive(Clone, Debug)]
struct Question {
    person: Person,
    verb: Verb,
    about: Option<(Person, Tier, Vec<String>)>,
    retyped: bool,
    channel: Option<&'static str>,
    repo: Option<RepoName>,
}

impl Question {
    fn put_to(&self, rules: &Rules) -> Decision {
        let about = self.about.as_ref().map(|(requester, tier, paths)| About {
            task: TaskId::new(3),
            requester,
            tier: *tier,
            paths,
        });
        let place = Place { channel: self.channel, repo: self.repo.as_ref() };
        decide(rules, &self.person, &Asked { verb: self.verb, about, retyped: self.retyped, place })
    }
}

prop_compose! {
    fn any_question()(
        name in prop::sample::select(&NAMES[..]),
        verb in prop::sample::select(&Verb::ALL[..]),
        requester in prop::sample::select(&NAMES[..]),
        tier in prop::sample::select(&[Tier::R0, Tier::R1, Tier::R2, Tier::R3][..]),
        path in prop::sample::select(&PATHS[..]),
        (with_task, retyped) in any::<(bool, bool)>(),
        channel in prop::option::of(prop::sample::select(&CHANNELS[..])),
        of in prop::option::of(prop::sample::select(&REPOS[..])),
    ) -> Question {
        let about = with_task.then(|| (person(requester), tier, vec![path.to_owned()]));
        Question { person: person(name), verb, about, retyped, channel, repo: of.map(repo) }
    }
}

fn is_allowed(decision: &Decision) -> bool {
    matches!(decision, Decision::Allowed { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_rule_always_wins(mut ruling in any_ruling(), question in any_question(), at in 0..4_usize) {
        let everything = DenyRule { why: "no".to_owned(), ..DenyRule::default() };
        let deny = &mut ruling.policy.deny;
        deny.insert(at.min(deny.len()), everything);
        prop_assert!(!is_allowed(&question.put_to(&ruling.rules())));
    }

    #[test]
    fn a_stranger_is_allowed_nothing(ruling in any_ruling(), mut question in any_question()) {
        question.person = person("mallory");
        prop_assert!(!is_allowed(&question.put_to(&ruling.rules())));
    }

    #[test]
    fn one_more_role_never_takes_a_right_away(
        mut ruling in any_ruling(),
        question in any_question(),
        role in prop::sample::select(&ROLES[..]),
        by_group: bool,
    ) {
        let before = question.put_to(&ruling.rules());
        let roles = match by_group {
            true => ruling.groups.values_mut().next().map(|group| &mut group.roles),
            false => ruling.people.get_mut(&question.person),
        };
        if let Some(roles) = roles {
            roles.insert(role);
        }
        let after = question.put_to(&ruling.rules());
        prop_assert!(is_allowed(&after) || !is_allowed(&before));
    }

    #[test]
    fn a_guest_may_look_and_what_their_own_name_gives(mut ruling in any_ruling(), question in any_question()) {
        ruling.guests.insert(question.person.clone());
        let as_guest = question.put_to(&ruling.rules());
        let in_no_group = |group: &mut Group| {
            group.people.remove(&question.person);
            group.told.remove(&question.person);
        };
        ruling.groups.values_mut().for_each(in_no_group);
        ruling.policy.deny.retain(|rule| rule.group.is_none());
        ruling.people.entry(question.person.clone()).and_modify(|roles| roles.extend([Role::Viewer]));
        prop_assert!(!is_allowed(&as_guest) || question.verb == Verb::View || is_allowed(&question.put_to(&ruling.rules())));
    }

    #[test]
    fn what_a_channel_does_not_list_is_not_worked_on_from_there(mut ruling in any_ruling(), question in any_question()) {
        let Question { channel: Some(channel), repo: Some(repo), verb, .. } = &question else { return Ok(()) };
        ruling.listed = vec![(channel.parse().unwrap(), REPOS.map(self::repo).into_iter().filter(|of| of != repo).collect())];
        let is_free = matches!(verb, Verb::View | Verb::Stop);
        prop_assert!(is_free || !is_allowed(&question.put_to(&ruling.rules())));
    }

    #[test]
    fn nobody_approves_their_own_risk_beside_others(ruling in any_ruling(), mut question in any_question()) {
        prop_assume!(!ruling.policy.solo);
        question.verb = Verb::Approve;
        if let Some((requester, tier, _)) = &mut question.about {
            *requester = question.person.clone();
            *tier = Tier::R2.max(*tier);
        }
        prop_assert!(!is_allowed(&question.put_to(&ruling.rules())));
    }

    #[test]
    fn the_same_question_has_the_same_answer(ruling in any_ruling(), question in any_question()) {
        let answers = [(); 2].map(|()| question.put_to(&ruling.rules()));
        prop_assert_eq!(&answers[0], &answers[1]);
    }

    #[test]
    fn whoever_a_refusal_names_is_really_allowed(ruling in any_ruling(), mut question in any_question()) {
        let rules = ruling.rules();
        let Decision::Denied(refusal) = question.put_to(&rules) else { return Ok(()) };
        prop_assert!(!refusal.why.is_empty() && !refusal.next.is_empty());
        let Some((names, _)) = refusal.next.split_once(" can say `") else { return Ok(()) };
        question.retyped = true;
        for name in names.split(", ").flat_map(|names| names.split(" or ")) {
            question.person = person(name);
            prop_assert!(is_allowed(&question.put_to(&rules)), "{name} was named in vain: {refusal}");
        }
    }
}
