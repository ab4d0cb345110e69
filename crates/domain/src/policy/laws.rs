//! The laws of the policy under random rules and questions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{Person, Role, TaskId};

fn person(name: &str) -> Person {
    name.parse().unwrap()
}

const NAMES: [&str; 4] = ["ana", "ben", "cem", "dora"];
const ROLES: [Role; 5] = [Role::Viewer, Role::Requester, Role::Approver, Role::Operator, Role::Admin];
const PATHS: [&str; 4] = ["src/a.rs", "Cargo.toml", ".env", "payments/a.rs"];

fn any_deny_rule() -> impl Strategy<Value = DenyRule> {
    let conditions = (
        prop::option::of(prop::sample::select(&NAMES[..])),
        prop::option::of(prop::sample::select(&ROLES[..])),
        prop::option::of(prop::sample::select(&Verb::ALL[..])),
        prop::collection::vec(prop::sample::select(&PATHS[..]), 0..2),
    );
    conditions.prop_map(|(name, unless, verb, paths)| DenyRule {
        person: name.map(person),
        unless,
        verb,
        paths: Globs::new(&paths).unwrap(),
        why: "it is so".to_owned(),
    })
}

prop_compose! {
    fn any_rules()(
        roles in prop::collection::vec(prop::collection::btree_set(prop::sample::select(&ROLES[..]), 0..4), 1..4),
        solo: bool,
        deny in prop::collection::vec(any_deny_rule(), 0..3),
    ) -> (BTreeMap<Person, BTreeSet<Role>>, Policy) {
        let people: BTreeMap<_, _> = NAMES.map(person).into_iter().zip(roles).collect();
        let solo = solo && people.len() == 1;
        (people, Policy { solo, deny, ..Policy::default() })
    }
}

/// A question that owns what [`Asked`] borrows.
#[derive(Clone, Debug)]
struct Question {
    person: Person,
    verb: Verb,
    about: Option<(Person, Tier, Vec<String>)>,
    retyped: bool,
}

impl Question {
    fn put_to(&self, rules: &Rules) -> Decision {
        let about = self.about.as_ref().map(|(requester, tier, paths)| About {
            task: TaskId::new(3),
            requester,
            tier: *tier,
            paths,
        });
        decide(rules, &self.person, &Asked { verb: self.verb, about, retyped: self.retyped })
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
    ) -> Question {
        let about = with_task.then(|| (person(requester), tier, vec![path.to_owned()]));
        Question { person: person(name), verb, about, retyped }
    }
}

fn is_allowed(decision: &Decision) -> bool {
    matches!(decision, Decision::Allowed { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_rule_always_wins((people, mut policy) in any_rules(), question in any_question(), at in 0..4_usize) {
        let everything = DenyRule { person: None, unless: None, verb: None, paths: Globs::default(), why: "no".to_owned() };
        policy.deny.insert(at.min(policy.deny.len()), everything);
        let rules = Rules::new(people, policy).unwrap();
        prop_assert!(!is_allowed(&question.put_to(&rules)));
    }

    #[test]
    fn a_stranger_is_allowed_nothing((people, policy) in any_rules(), mut question in any_question()) {
        let rules = Rules::new(people, policy).unwrap();
        question.person = person("mallory");
        prop_assert!(!is_allowed(&question.put_to(&rules)));
    }

    #[test]
    fn one_more_role_never_takes_a_right_away(
        (mut people, policy) in any_rules(),
        question in any_question(),
        role in prop::sample::select(&ROLES[..]),
    ) {
        let before = question.put_to(&Rules::new(people.clone(), policy.clone()).unwrap());
        if let Some(roles) = people.get_mut(&question.person) {
            roles.insert(role);
        }
        let after = question.put_to(&Rules::new(people, policy).unwrap());
        prop_assert!(is_allowed(&after) || !is_allowed(&before));
    }

    #[test]
    fn nobody_approves_their_own_risk_beside_others((people, policy) in any_rules(), mut question in any_question()) {
        prop_assume!(!policy.solo);
        let rules = Rules::new(people, policy).unwrap();
        question.verb = Verb::Approve;
        if let Some((requester, tier, _)) = &mut question.about {
            *requester = question.person.clone();
            *tier = Tier::R2.max(*tier);
        }
        prop_assert!(!is_allowed(&question.put_to(&rules)));
    }

    #[test]
    fn the_same_question_has_the_same_answer((people, policy) in any_rules(), question in any_question()) {
        let answers = [(); 2].map(|()| question.put_to(&Rules::new(people.clone(), policy.clone()).unwrap()));
        prop_assert_eq!(&answers[0], &answers[1]);
    }

    #[test]
    fn whoever_a_refusal_names_is_really_allowed((people, policy) in any_rules(), mut question in any_question()) {
        let rules = Rules::new(people, policy).unwrap();
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
