//! What Slack delivers, in the shapes of its documentation.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::config::Config;

fn me() -> Me {
    Me { team: "T1".to_owned(), user: "UBOT".to_owned(), mention: "@agent".to_owned() }
}

/// One line for what happened: how, in which thread, by whom, the words, and under which id.
fn told(arrived: &Arrived) -> String {
    let line = |heard: &Heard| {
        let Heard { delivery, message, author, text, at, via } = heard;
        format!("{via:?} in {} by {author} at {}: {text:?} as {delivery}", message.thread, at.as_ms())
    };
    match arrived {
        Arrived::Heard { heard, is_call: true, .. } => format!("call {}", line(heard)),
        Arrived::Heard { heard, is_call: false, .. } => format!("talk {}", line(heard)),
        Arrived::Reacted { heard, .. } => line(heard),
        Arrived::Nothing(why) => format!("nothing: {why}"),
        other => format!("{other:?}"),
    }
}

fn check(event: Value, expected: Expect) {
    let callback = json!({ "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event });
    expected.assert_eq(&told(&of_callback(&callback, &me(), &People::default())));
}

fn said(more: Value) -> Value {
    let mut message = json!({ "type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1700000000.000100", "text": "<@UBOT> fix &lt;it&gt;" });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

#[test]
fn both_events_of_one_mention_have_one_id() {
    let expected = r#"call Words in slack/T1/C1/1700000000.000100 by slack.U1 at 1700000000000: "@agent fix <it>" as slack:T1:C1:1700000000.000100:said"#;
    for kind in ["message", "app_mention"] {
        let callback = json!({ "event": said(json!({ "type": kind })) });
        assert_eq!(told(&of_callback(&callback, &me(), &People::default())), expected);
    }
}

#[test]
fn talk_counts_in_threads_and_in_direct_messages() {
    check(said(json!({ "text": "nice weather" })), expect!["nothing: talk outside of threads"]);
    check(
        said(json!({ "text": "nice weather", "thread_ts": "1600000000.000001" })),
        expect![[
            r#"talk Words in slack/T1/C1/1600000000.000001 by slack.U1 at 1700000000000: "nice weather" as slack:T1:C1:1700000000.000100:said"#
        ]],
    );
    check(
        said(json!({ "text": "fix it", "channel": "D1", "channel_type": "im" })),
        expect![[
            r#"call Words in slack/T1/D1/1700000000.000100 by slack.U1 at 1700000000000: "@agent fix it" as slack:T1:D1:1700000000.000100:said"#
        ]],
    );
}

#[test]
fn what_programs_and_we_ourselves_say_is_nothing() {
    for more in [
        json!({ "bot_id": "B1" }),
        json!({ "subtype": "bot_message" }),
        json!({ "user": "UBOT" }),
        json!({ "user": null }),
        json!({ "subtype": "channel_join" }),
        json!({ "ts": "soon" }),
    ] {
        let arrived = of_callback(&json!({ "event": said(more.clone()) }), &me(), &People::default());
        assert!(matches!(arrived, Arrived::Nothing(_)), "{more}: {arrived:?}");
    }
}

/// [4]
#[test]
fn an_edit_tells_what_it_said_before_and_a_late_mention_is_a_call() {
    let edited = |before: &str, now: &str| {
        json!({
            "type": "message", "subtype": "message_changed", "hidden": true, "channel": "C1", "ts": "1700000009.000000", "event_ts": "1700000009.000000",
            "message": { "type": "message", "user": "U1", "text": now, "ts": "1700000000.000100", "thread_ts": "1600000000.000001", "edited": { "user": "U1", "ts": "1700000009.000000" } },
            "previous_message": { "type": "message", "user": "U1", "text": before, "ts": "1700000000.000100" },
        })
    };
    check(
        edited("<@UBOT> fix a", "<@UBOT> fix b"),
        expect![[
            r#"talk Edit { was: Some("@agent fix a") } in slack/T1/C1/1600000000.000001 by slack.U1 at 1700000000000: "@agent fix b" as slack:T1:C1:1700000000.000100:edit:1700000009.000000"#
        ]],
    );
    check(
        edited("fix a", "<@UBOT> fix a"),
        expect![[
            r#"call Words in slack/T1/C1/1600000000.000001 by slack.U1 at 1700000000000: "@agent fix a" as slack:T1:C1:1700000000.000100:said"#
        ]],
    );
    check(edited("same", "same"), expect!["nothing: an edit that changes no word"]);
    let deleted = json!({
        "type": "message", "subtype": "message_deleted", "channel": "C1", "ts": "1700000010.0", "deleted_ts": "1700000000.000100",
        "previous_message": { "type": "message", "user": "U1", "text": "<@UBOT> fix a", "ts": "1700000000.000100" },
    });
    check(
        deleted,
        expect![[
            r#"talk Withdrawal in slack/T1/C1/1700000000.000100 by slack.U1 at 1700000000000: "@agent fix a" as slack:T1:C1:1700000000.000100:withdrawn"#
        ]],
    );
}

#[test]
fn an_emoji_names_its_message_alone() {
    let item = json!({ "type": "message", "channel": "C1", "ts": "1700000000.000100" });
    check(
        json!({ "type": "reaction_added", "user": "U1", "reaction": "+1::skin-tone-2", "item": item, "event_ts": "1700000005.000000" }),
        expect![[
            r#"Reaction in slack/T1/C1/1700000000.000100 by slack.U1 at 1700000005000: ":+1:" as slack:T1:C1:1700000000.000100:reaction:U1:+1:1700000005.000000"#
        ]],
    );
    check(
        json!({ "type": "reaction_added", "user": "UBOT", "reaction": "eyes", "item": item }),
        expect!["nothing: a reaction of ours, or to no message"],
    );
}

#[test]
fn whatever_comes_nothing_breaks() {
    for broken in [
        json!(null),
        json!([]),
        json!({ "type": "message" }),
        json!({ "type": 7 }),
        json!({ "type": "message", "subtype": "message_changed", "message": 3 }),
    ] {
        let arrived = of_callback(&json!({ "event": broken }), &me(), &People::default());
        assert!(matches!(arrived, Arrived::Nothing(_)), "{arrived:?}");
        assert!(matches!(of_interaction(&broken), Arrived::Nothing(_)));
    }
}

#[test]
fn what_is_left_of_a_deleted_message_with_replies_is_a_withdrawal() {
    let tombstone = json!({
        "type": "message", "subtype": "message_changed", "hidden": true, "channel": "C1", "ts": "1700000010.000000",
        "message": { "type": "message", "subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted.", "ts": "1700000000.000100", "thread_ts": "1700000000.000100" },
        "previous_message": { "type": "message", "user": "U1", "text": "<@UBOT> fix a", "ts": "1700000000.000100", "thread_ts": "1700000000.000100" },
    });
    check(
        tombstone,
        expect![[
            r#"talk Withdrawal in slack/T1/C1/1700000000.000100 by slack.U1 at 1700000000000: "@agent fix a" as slack:T1:C1:1700000000.000100:withdrawn"#
        ]],
    );
}

#[test]
fn a_program_is_heard_where_the_config_lets_it_in_and_it_calls() {
    let text = "state = \"/srv\"\n[people.ci]\nroles = [\"requester\"]\nslack = \"B0CI\"\nbot = true\n[people.gus]\nroles = []\nslack = \"B0GUS\"\n\
                [repos.web]\nremote = \"/srv/web.git\"\ntarget = \"main\"\n[agents.recipes]\nkind = \"recipe\"\n";
    let people = People::of(&Config::from_text("downbeat.toml", text).unwrap());
    let said = |bot: &str, text: &str| {
        let message = json!({
            "type": "message", "subtype": "bot_message", "bot_id": bot, "channel": "C1", "ts": "17.000100",
            "thread_ts": "16.000100", "text": text
        });
        match of_message(&message, &me(), &people) {
            Arrived::Heard { heard, .. } => heard.author.to_string(),
            Arrived::Nothing(why) => why.to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(said("B0CI", "<@UBOT> fix the build"), "ci");
    assert_eq!(said("B0CI", "the build is red"), "talk of a program");
    for other in ["B0GUS", "B0ANY"] {
        assert_eq!(said(other, "<@UBOT> fix the build"), "a message of a program or of nobody");
    }
}
