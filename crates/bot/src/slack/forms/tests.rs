//! What forms ask, and what they say when they are sent off.

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::slack::limits::{Kind, fitting, violations};

/// The form as Slack sends it back, with these values in place of what it began with.
fn filled_in(view: &Value, values: &[(&str, &str)], unticked: &[&str]) -> Value {
    let mut state = json!({});
    for block in view["blocks"].as_array().unwrap() {
        let Some(id) = block["block_id"].as_str() else { continue };
        let given = values.iter().find(|(name, _)| *name == id).map(|(_, value)| *value);
        let element = if block["type"] == "actions" { &block["elements"][0] } else { &block["element"] };
        let action = element["action_id"].as_str().unwrap();
        state[id][action] = match element["type"].as_str().unwrap() {
            "plain_text_input" => json!({ "value": given.or(element["initial_value"].as_str()) }),
            "static_select" => json!({ "selected_option": given.map(|value| json!({ "value": value })) }),
            _ if unticked.contains(&id) => json!({ "selected_options": [] }),
            _ => json!({ "selected_options": element["initial_options"] }),
        };
    }
    let mut sent = view.clone();
    sent["state"] = json!({ "values": state });
    sent
}

fn edit(steps: &[&str]) -> Value {
    let steps = steps.iter().map(|step| (*step).to_owned()).collect();
    view(&Choice { asks: Asks::Steps { steps }, ..Choice::new("Edit plan…", "edit T-1 v2") }, "there")
}

fn text_of(view: &Value) -> String {
    match said(view) {
        Ok((metadata, text)) => format!("{metadata}: {text}"),
        Err(errors) => format!("{errors:?}"),
    }
}

#[test]
fn words_follow_the_command_of_their_choice() {
    let asks = Asks::Words { prompt: "What should be different?".to_owned() };
    let form = view(&Choice { asks, ..Choice::new("Revise…", "revise T-1") }, "there");
    assert_eq!(
        text_of(&filled_in(&form, &[("words", "keep the old\nname")], &[])),
        "there: revise T-1 keep the old\nname"
    );
    expect![[r#"{"words": "say it in a few words"}"#]].assert_eq(&text_of(&filled_in(&form, &[("words", "  ")], &[])));
    assert_eq!((&form["title"]["text"], &form["submit"]["text"]), (&json!("Revise"), &json!("Send")));
    assert_eq!(violations(Kind::Modal, &form), Vec::<String>::new());
}

#[test]
fn a_plan_is_edited_step_by_step() {
    let form = edit(&["write farewell.md", "mention it", "tidy up"]);
    expect!["there: edit T-1 v2\nwrite farewell.md\nmention it\ntidy up"].assert_eq(&text_of(&filled_in(
        &form,
        &[],
        &[],
    )));
    let values = [
        ("step:1", "write it\nwarmly"),
        ("more", "test it\n\n  keep out: of trouble "),
        ("constraints", "no new\ndependency"),
        ("keep_out", "src/a.rs,\n docs/ ,"),
    ];
    expect![[r#"
        there: edit T-1 v2
        write it warmly
        tidy up
        test it
        Mind the keep out: of trouble
        constraints: no new dependency
        keep out: src/a.rs, docs/"#]]
    .assert_eq(&text_of(&filled_in(&form, &values, &["keep:2"])));
}

#[test]
fn a_plan_without_steps_and_a_step_without_words_are_told_at_their_field() {
    let form = edit(&["a", "b"]);
    let all = &["keep:1", "keep:2"];
    expect![[r#"{"more": "a plan has at least one step; keep one, or close this and reject the plan"}"#]]
        .assert_eq(&text_of(&filled_in(&form, &[], all)));
    assert_eq!(text_of(&filled_in(&form, &[("more", "c")], all)), "there: edit T-1 v2\nc");
    expect![[r#"{"step:2": "say what this step does, or take its tick away"}"#]].assert_eq(&text_of(&filled_in(
        &form,
        &[("step:2", " ")],
        &[],
    )));
}

#[test]
fn a_message_becomes_a_request() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (repos, agents) = (names(&["web", "api"]), names(&["codex"]));
    let form = shortcut("the login is broken", &Startable { mention: "@agent".to_owned(), repos, agents }, "there");
    assert_eq!(text_of(&filled_in(&form, &[("repo", "api")], &[])), "there: @agent the login is broken repo=api");
    assert_eq!(text_of(&filled_in(&form, &[], &[])), "there: @agent the login is broken");
    assert_eq!(form["blocks"].as_array().unwrap().len(), 2, "where there is one agent, nothing is asked");
}

#[test]
fn a_form_of_another_version_is_told() {
    let old = json!({ "callback_id": "words", "private_metadata": "there" });
    assert!(text_of(&old).contains("close it and click again"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_form_breaks_a_limit(label in ".{0,99}", prompt in any::<String>(), step in any::<String>(), n in 0..200_usize, repeat in 0..300_usize) {
        let step = step.repeat(repeat);
        let steps = vec![step.clone(); n];
        let names = vec!["a-repository-with-a-name".to_owned(); n];
        let with = Startable { mention: "@agent".to_owned(), repos: names.clone(), agents: names };
        let of = |asks| view(&Choice { asks, ..Choice::new(&label, "edit T-1 v2") }, "there");
        for form in [of(Asks::Words { prompt }), of(Asks::Steps { steps }), shortcut(&step, &with, "there")] {
            prop_assert_eq!(violations(Kind::Modal, &form), Vec::<String>::new());
        }
    }
}

#[test]
fn in_place_of_a_form_that_slack_would_refuse_people_are_told_what_to_say() {
    let full = json!({ "type": "modal", "title": plain(&"x".repeat(99)), "blocks": [] });
    for says in ["edit T-1 v2", &"🦀".repeat(4_000)] {
        let shown = fitting(Kind::Modal, full.clone(), || in_words(says));
        assert_eq!(violations(Kind::Modal, &shown), Vec::<String>::new());
        assert!(shown.to_string().contains("Say it in the thread: "), "{shown}");
    }
}
