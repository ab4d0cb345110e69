//! The policy as a table that a person can read: what is asked, and the answer below it.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};

use super::*;
use crate::{Person, RepoName, Role, TaskId};

const TEAM: &str = r#"
    [people]
    ana = ["requester"]
    ben = ["approver"]
    cem = ["requester", "approver"]
    dora = ["admin"]
    eva = ["viewer"]
    fay = ["operator"]
"#;

const SOLO: &str = r#"
    solo = true
    [people]
    ana = ["viewer"]
"#;

#[derive(serde::Deserialize)]
struct Config {
    people: BTreeMap<Person, BTreeSet<Role>>,
    #[serde(default)]
    groups: BTreeMap<String, Listed>,
    #[serde(default)]
    channels: BTreeMap<Channels, BTreeSet<RepoName>>,
    #[serde(flatten)]
    policy: Policy,
}

#[derive(serde::Deserialize)]
struct Listed {
    roles: BTreeSet<Role>,
    people: BTreeSet<Person>,
}

fn rules(toml: &str) -> Rules {
    let Config { people, groups, channels, policy } = toml::from_str(toml).unwrap();
    let group = |Listed { roles, people }| Group { roles, people, told: BTreeSet::new() };
    let groups = groups.into_iter().map(|(name, listed)| (name, group(listed))).collect();
    Rules::new(people, policy).unwrap().with_groups(groups).unwrap().with_grounds(Grounds::new(channels))
}

fn person(name: &str) -> Person {
    name.parse().unwrap()
}

/// Each line of the script is `WHO VERB [REQUESTER PATH [again]] [in CHANNEL of REPO]`; the answer is written below it.
fn check(config: &str, script: &str, expected: Expect) {
    let rules = rules(config);
    let answers = script.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let answer = match answer(&rules, line) {
            Decision::Allowed { because } => format!("yes: {because}"),
            Decision::Denied(refusal) => format!("no:  {refusal}"),
        };
        format!("{line}\n    {answer}\n")
    });
    expected.assert_eq(&answers.collect::<String>());
}

fn answer(rules: &Rules, line: &str) -> Decision {
    let (line, place) = line.split_once(" in ").unwrap_or((line, ""));
    let (channel, repo) = place.split_once(" of ").unwrap_or((place, "web"));
    let repo: RepoName = repo.parse().unwrap();
    let place = Place { channel: Some(channel).filter(|channel| !channel.is_empty()), repo: Some(&repo) };
    let words: Vec<&str> = line.split_whitespace().collect();
    let verb = Verb::ALL.into_iter().find(|verb| format!("{verb:?}").eq_ignore_ascii_case(words[1])).unwrap();
    let Some((requester, path)) = words.get(2).zip(words.get(3)) else {
        return decide(rules, &person(words[0]), &Asked::of(verb).at(place));
    };
    let (requester, paths) = (person(requester), [(*path).to_owned()]);
    let tier = rules.tiers().tier_of(&paths).tier;
    let about = About { task: TaskId::new(3), requester: &requester, tier, paths: &paths };
    let asked = Asked { retyped: words.last() == Some(&"again"), ..Asked::about(verb, about).at(place) };
    decide(rules, &person(words[0]), &asked)
}

#[test]
fn plans_are_approved_by_risk() {
    check(
        TEAM,
        "ana approve ana src/a.rs
         ben approve ana src/a.rs
         ana approve ben src/a.rs
         eva approve ana src/a.rs
         ana approve ana Cargo.toml
         cem approve cem Cargo.toml
         dora approve dora Cargo.toml
         ben approve ana Cargo.toml
         ben approve ana .env
         dora approve ana .env
         dora approve ana .env again
         dora approve dora .env again",
        expect![[r#"
            ana approve ana src/a.rs
                yes: ana holds the role requester; T-3 is R1 and was asked for by the same person
            ben approve ana src/a.rs
                yes: ben holds the role approver; T-3 is R1 and was asked for by ana
            ana approve ben src/a.rs
                no:  You may not approve T-3: that takes the role approver. ben, cem or dora can say `approve T-3`.
            eva approve ana src/a.rs
                no:  You may not approve T-3: that takes the role approver. ana, ben, cem or dora can say `approve T-3`.
            ana approve ana Cargo.toml
                no:  T-3 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. ben, cem or dora can say `approve T-3`.
            cem approve cem Cargo.toml
                no:  T-3 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. ben or dora can say `approve T-3`.
            dora approve dora Cargo.toml
                no:  T-3 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. ben or cem can say `approve T-3`.
            ben approve ana Cargo.toml
                yes: ben holds the role approver; T-3 is R2 and was asked for by ana
            ben approve ana .env
                no:  T-3 is R3 (`.env`: secrets): only an admin may approve it. dora can say `approve T-3 T-3`.
            dora approve ana .env
                no:  T-3 is R3 (`.env`: secrets): its id has to be typed twice to approve it. Say `approve T-3 T-3`.
            dora approve ana .env again
                yes: dora holds the role admin; T-3 is R3 and was asked for by ana
            dora approve dora .env again
                no:  T-3 is R3 (`.env`: secrets), and you asked for it: another person has to approve it. Nobody here can: ask dora to give somebody the role admin in the config.
        "#]],
    );
}

#[test]
fn each_deed_takes_its_role() {
    check(
        TEAM,
        "eva view
         eva ask
         ana ask
         ana steer ana src/a.rs
         fay steer ana src/a.rs
         ana stop ben src/a.rs
         eva stop ben src/a.rs
         fay stop ana src/a.rs
         ana reject ana src/a.rs
         ana merge ana src/a.rs
         ana merge ana Cargo.toml
         cem merge cem Cargo.toml
         fay dequeue ana src/a.rs
         ana operatequeue
         fay operatequeue
         ben approve",
        expect![[r#"
            eva view
                yes: eva holds the role viewer
            eva ask
                no:  You may not ask for work: that takes the role requester. ana, cem or dora can.
            ana ask
                yes: ana holds the role requester
            ana steer ana src/a.rs
                yes: ana holds the role requester; T-3 is R1 and was asked for by the same person
            fay steer ana src/a.rs
                no:  You may not steer T-3: that takes the role approver. ana, ben, cem or dora can say `steer T-3`.
            ana stop ben src/a.rs
                yes: ana holds the role requester; T-3 is R1 and was asked for by ben
            eva stop ben src/a.rs
                no:  You may not stop T-3: that takes the role requester, approver or operator. ana, ben, cem, dora or 1 more can say `stop T-3`.
            fay stop ana src/a.rs
                yes: fay holds the role operator; T-3 is R1 and was asked for by ana
            ana reject ana src/a.rs
                yes: ana holds the role requester; T-3 is R1 and was asked for by the same person
            ana merge ana src/a.rs
                yes: ana holds the role requester; T-3 is R1 and was asked for by the same person
            ana merge ana Cargo.toml
                no:  You may not merge T-3: that takes the role approver. ben, cem or dora can say `merge T-3`.
            cem merge cem Cargo.toml
                yes: cem holds the role approver; T-3 is R2 and was asked for by the same person
            fay dequeue ana src/a.rs
                yes: fay holds the role operator; T-3 is R1 and was asked for by ana
            ana operatequeue
                no:  You may not operate the queue: that takes the role operator. dora or fay can.
            fay operatequeue
                yes: fay holds the role operator
            ben approve
                no:  You did not say which task to approve. Say for example `approve T-1`.
        "#]],
    );
}

#[test]
fn a_stranger_is_told_whom_to_ask_and_nothing_else() {
    check(
        TEAM,
        "mallory view
         mallory ask
         mallory approve mallory src/a.rs",
        expect![[r#"
            mallory view
                no:  I do not know you. Ask dora to add you to the config.
            mallory ask
                no:  I do not know you. Ask dora to add you to the config.
            mallory approve mallory src/a.rs
                no:  I do not know you. Ask dora to add you to the config.
        "#]],
    );
    check(
        r#"people = { ana = [] }"#,
        "ana view",
        expect![[r#"
            ana view
                no:  I do not know you. Ask whoever runs this installation to add you to the config.
        "#]],
    );
}

#[test]
fn one_person_alone_types_the_id_twice_from_r2_on() {
    check(
        SOLO,
        "ana ask
         ana approve ana src/a.rs
         ana approve ana Cargo.toml
         ana approve ana Cargo.toml again
         ana approve ana .env
         ana approve ana .env again
         ana operatequeue
         mallory view",
        expect![[r#"
            ana ask
                yes: ana runs this installation alone
            ana approve ana src/a.rs
                yes: ana runs this installation alone
            ana approve ana Cargo.toml
                no:  T-3 is R2 (`Cargo.toml`: dependencies): its id has to be typed twice to approve it. Say `approve T-3 T-3`.
            ana approve ana Cargo.toml again
                yes: ana runs this installation alone
            ana approve ana .env
                no:  T-3 is R3 (`.env`: secrets): its id has to be typed twice to approve it. Say `approve T-3 T-3`.
            ana approve ana .env again
                yes: ana runs this installation alone
            ana operatequeue
                yes: ana runs this installation alone
            mallory view
                no:  I do not know you. Ask ana to add you to the config.
        "#]],
    );
}

#[test]
fn a_deny_rule_wins_and_names_who_it_leaves() {
    check(
        r#"
        [people]
        ana = ["requester", "approver"]
        ben = ["approver"]
        dora = ["admin"]
        [[deny]]
        verb = "merge"
        paths = ["payments/**"]
        unless = "admin"
        why = "finance wants an admin to look"
        [[deny]]
        person = "ben"
        verb = "view"
        why = "ben is on leave"
        [[deny]]
        paths = ["vendor/**"]
        why = "vendored code is changed upstream"
        "#,
        "ana merge ana payments/a.rs
         dora merge ana payments/a.rs
         ana merge ana src/a.rs
         ben view
         dora approve ana vendor/x.c",
        expect![[r#"
            ana merge ana payments/a.rs
                no:  You may not merge T-3, which touches `payments/a.rs`: finance wants an admin to look. dora can say `merge T-3`.
            dora merge ana payments/a.rs
                yes: dora holds the role approver; T-3 is R1 and was asked for by ana
            ana merge ana src/a.rs
                yes: ana holds the role requester; T-3 is R1 and was asked for by the same person
            ben view
                no:  You may not look: ben is on leave. ana or dora can.
            dora approve ana vendor/x.c
                no:  You may not approve T-3, which touches `vendor/x.c`: vendored code is changed upstream. Nobody can while rule 3 of [[policy.deny]] stands in the config.
        "#]],
    );
}

#[test]
fn where_nobody_can_the_refusal_says_what_to_change() {
    check(
        r#"people = { ana = ["requester"], eva = ["viewer"] }"#,
        "ana approve ana Cargo.toml
         eva operatequeue",
        expect![[r#"
            ana approve ana Cargo.toml
                no:  T-3 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. Nobody here can: ask whoever runs this installation to give somebody the role approver in the config.
            eva operatequeue
                no:  You may not operate the queue: that takes the role operator. Nobody here can: ask whoever runs this installation to give somebody the role operator in the config.
        "#]],
    );
}

#[test]
fn solo_among_many_is_a_mistake_in_the_config() {
    let Config { people, .. } = toml::from_str(TEAM).unwrap();
    let policy = Policy { solo: true, ..Policy::default() };
    expect!["`solo = true` is for an installation of one person, but there are 6"]
        .assert_eq(&Rules::new(people, policy).unwrap_err().to_string());
}

const GROUPS: &str = r#"
    [people]
    ana = ["requester"]
    ben = []
    cem = ["viewer"]
    dora = ["admin"]
    [groups.reviewers]
    roles = ["approver"]
    people = ["ben", "cem"]
    [groups.contractors]
    roles = ["requester"]
    people = ["slack.U0EXTERN"]
    [channels]
    "slack/T1/C1" = ["web"]
    "slack/T1/C2" = ["web", "app"]
    "slack/T2/*" = []
    [[deny]]
    group = "contractors"
    repo = "app"
    why = "contractors work on web"
    [[deny]]
    channel = "slack/*/C2"
    verb = "merge"
    why = "this channel is for talk"
"#;

#[test]
fn a_group_gives_its_roles_and_a_rule_may_name_it() {
    check(
        GROUPS,
        "ben approve ana src/a.rs
         ana approve ben src/a.rs
         ben ask
         slack.U0EXTERN ask in slack/T1/C1 of web
         slack.U0EXTERN ask in slack/T1/C2 of app",
        expect![[r#"
            ben approve ana src/a.rs
                yes: ben holds the role approver through the group reviewers; T-3 is R1 and was asked for by ana
            ana approve ben src/a.rs
                no:  You may not approve T-3: that takes the role approver, which the group reviewers has. ben, cem or dora can say `approve T-3`.
            ben ask
                no:  You may not ask for work: that takes the role requester, which the group contractors has. ana, dora or slack.U0EXTERN can.
            slack.U0EXTERN ask in slack/T1/C1 of web
                yes: slack.U0EXTERN holds the role requester through the group contractors
            slack.U0EXTERN ask in slack/T1/C2 of app
                no:  You may not ask for work as a member of contractors: contractors work on web. ana or dora can.
        "#]],
    );
}

#[test]
fn a_channel_limits_what_is_worked_on_from_there() {
    check(
        GROUPS,
        "ana ask in slack/T1/C1 of web
         ana ask in slack/T1/C1 of app
         ana ask in slack/T2/C9 of web
         ana ask in slack/T3/C3 of app
         ana ask in console/main of app
         ben approve ana src/a.rs in slack/T1/C1 of app
         ana stop ana src/a.rs in slack/T1/C1 of app
         ana view in slack/T2/C9 of app
         ben merge ana src/a.rs in slack/T1/C2 of web",
        expect![[r#"
            ana ask in slack/T1/C1 of web
                yes: ana holds the role requester
            ana ask in slack/T1/C1 of app
                no:  app is not worked on from slack/T1/C1. Say it in slack/T1/C2.
            ana ask in slack/T2/C9 of web
                no:  web is not worked on from slack/T2/C9. Say it in slack/T1/C1 or slack/T1/C2.
            ana ask in slack/T3/C3 of app
                yes: ana holds the role requester
            ana ask in console/main of app
                yes: ana holds the role requester
            ben approve ana src/a.rs in slack/T1/C1 of app
                no:  app is not worked on from slack/T1/C1. Say it in slack/T1/C2.
            ana stop ana src/a.rs in slack/T1/C1 of app
                yes: ana holds the role requester; T-3 is R1 and was asked for by the same person
            ana view in slack/T2/C9 of app
                yes: ana holds the role requester
            ben merge ana src/a.rs in slack/T1/C2 of web
                no:  You may not merge T-3 here: this channel is for talk. Nobody can here while rule 2 of [[policy.deny]] stands in the config.
        "#]],
    );
}

#[test]
fn whom_a_platform_tells_is_in_the_group_and_its_guests_only_look() {
    let rules = rules(GROUPS);
    let (una, gus) = (person("slack.U0UNA"), person("slack.U0GUEST"));
    let told = rules.with_members("reviewers", BTreeSet::from([una.clone(), gus.clone()]));
    assert!(rules.is_stranger(&una) && told.holds(&una, Role::Approver) && told.holds(&gus, Role::Approver));
    assert!(told.holds(&person("ben"), Role::Approver), "whom the config names stays in it");
    let told = told.with_guests(BTreeSet::from([gus.clone()]));
    assert_eq!(told.roles_of(&gus), BTreeSet::from([Role::Viewer]));
    let anew = rules.clone().remembering(&told);
    assert!(anew.holds(&una, Role::Approver) && anew.is_guest(&gus));
    assert!(rules.with_members("nobody", BTreeSet::from([una.clone()])).is_stranger(&una));
}

#[test]
fn solo_with_a_group_is_a_mistake_in_the_config() {
    let people = BTreeMap::from([(person("ana"), BTreeSet::new())]);
    let rules = Rules::new(people, Policy { solo: true, ..Policy::default() }).unwrap();
    let groups = BTreeMap::from([("reviewers".to_owned(), Group::default())]);
    expect!["`solo = true` is for an installation of one person, but there is the group reviewers"]
        .assert_eq(&rules.with_groups(groups).unwrap_err().to_string());
}

#[test]
fn a_bot_asks_and_decides_nothing() {
    let (bot, ana) = (person("dora"), person("ana"));
    let rules = rules(TEAM).with_bots(BTreeSet::from([bot.clone()]));
    let own = About { task: TaskId::new(3), requester: &bot, tier: Tier::R0, paths: &[] };
    let of_others = About { requester: &ana, ..own };
    for verb in Verb::ALL {
        let may = [own, of_others].map(|about| {
            let asked = if verb.needs_task() { Asked::about(verb, about) } else { Asked::of(verb) };
            matches!(decide(&rules, &bot, &Asked { retyped: true, ..asked }), Decision::Allowed { .. })
        });
        let is_free = matches!(verb, Verb::View | Verb::Ask | Verb::Steer | Verb::Stop);
        assert_eq!(may, [is_free; 2], "{verb}");
    }
    let Decision::Denied(refused) = decide(&rules, &bot, &Asked::about(Verb::Approve, of_others)) else { panic!() };
    assert_eq!(
        refused.to_string(),
        "A bot may not approve: that is for a person to decide. ana, ben or cem can say `approve T-3`."
    );
}
