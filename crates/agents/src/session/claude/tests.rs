//! Recorded lines of Claude Code 2.1.330, and what they come to.

use expect_test::{Expect, expect};

use super::super::event::Usage;
use super::super::protocol::tests::{brief, played, shown};
use super::*;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("recorded/", $name, ".jsonl"))
    };
}

fn check(goal: Goal, recorded: &str, answers: &[&str], expected: Expect) {
    expected.assert_eq(&played(&mut Claude::new(brief(goal)), recorded, answers));
}

#[test]
fn work_is_told_as_it_goes_and_every_wish_is_answered() {
    check(
        Goal::Work,
        recorded!("work"),
        &["Allow", "Refuse"],
        expect![[r#"
            write {"type":"control_request","request_id":"downbeat-1","request":{"subtype":"initialize","hooks":null}}
            write {"type":"user","message":{"role":"user","content":"do it"},"parent_tool_use_id":null,"session_id":""}
            tell Started { session: "34392c5a-f161-40e2-a6be-5e380b623c22", model: Some("claude-opus-5-5") }
            tell Said { text: "I begin" }
            call Edit Running `a.txt` [a.txt]
            ask Permission May it do this? a.txt ["Allow", "Refuse"]
            write {"type":"control_response","response":{"subtype":"success","request_id":"c47f427b-884c-44f7-8f98-3916fc8d1729","response":{"behavior":"allow","updatedInput":{"file_path":"/w/tree/a.txt","content":"hello\n"}}}}
            call Edit Completed `a.txt` [a.txt] File created successfully at: /w/tree/a.txt (file state is current in your context — no need to Read it back)
            call Execute Running `echo hi; exit 3` []
            ask Permission May it do this? echo hi; exit 3 ["Allow", "Refuse"]
            write {"type":"control_response","response":{"subtype":"success","request_id":"729693e5-80a7-4fdd-98dd-f4a8957b7e94","response":{"behavior":"deny","message":"A person refused this. Do without it, or end your turn and say why you cannot.
            call Execute Failed `echo hi; exit 3` [] hi
            tell Said { text: "All done" }
            used 300+21+9 in, 60 out, Some(2449)
            tell TurnEnded { reason: Done, text: "All done" }
            End(Done("All done"))"#]],
    );
}

#[test]
fn a_plan_is_noted_and_refused_until_a_person_decides() {
    check(
        Goal::Plan,
        recorded!("plan"),
        &[],
        expect![[r##"
            write {"type":"control_request","request_id":"downbeat-1","request":{"subtype":"initialize","hooks":null}}
            write {"type":"user","message":{"role":"user","content":"do it"},"parent_tool_use_id":null,"session_id":""}
            tell Started { session: "1e3f1629-c84a-493a-80b1-9c55420ab577", model: Some("claude-opus-5-5") }
            tell Said { text: "ok" }
            tell PlanProposed { text: "# Plan\n\n1. edit a.txt\n" }
            write {"type":"control_response","response":{"subtype":"success","request_id":"19389454-6a18-4ced-ac02-51a23572eeba","response":{"behavior":"deny","message":"The plan is recorded; a person decides about it later. End your turn now, with
            tell Said { text: "after plan" }
            used 300+21+9 in, 60 out, Some(2449)
            tell TurnEnded { reason: Done, text: "after plan" }
            End(Planned("# Plan\n\n1. edit a.txt\n"))"##]],
    );
}

#[test]
fn what_it_says_in_plan_mode_without_a_plan_is_the_plan() {
    let told = played(&mut Claude::new(brief(Goal::Plan)), recorded!("unplanned"), &[]);
    assert!(told.ends_with("End(Planned(\"Here is my plan: nothing\"))"), "{told}");
}

#[test]
fn its_question_is_asked_and_answered_in_its_own_words() {
    check(
        Goal::Work,
        recorded!("ask"),
        &["red"],
        expect![[r#"
        write {"type":"control_request","request_id":"downbeat-1","request":{"subtype":"initialize","hooks":null}}
        write {"type":"user","message":{"role":"user","content":"do it"},"parent_tool_use_id":null,"session_id":""}
        tell Started { session: "0f4d6126-5714-458a-99e4-8d35a1b3ef9c", model: Some("claude-opus-5-5") }
        ask Question Which colour? ["red", "blue"]
        write {"type":"control_response","response":{"subtype":"success","request_id":"1bc6dc11-7207-4179-bd76-e43e99d590ea","response":{"behavior":"allow","updatedInput":{"questions":[{"question":"Which colour?","header":"Colour","options":[{"
        tell Said { text: "thanks" }
        used 200+14+6 in, 40 out, Some(1633)
        tell TurnEnded { reason: Done, text: "thanks" }
        End(Done("thanks"))"#]],
    );
    let told = played(&mut Claude::new(brief(Goal::Work)), recorded!("ask"), &[]);
    assert!(told.contains("Nobody has answered yet"), "{told}");
}

#[test]
fn an_interruption_ends_the_turn_or_goes_on_with_what_was_said() {
    let lines: Vec<&str> = recorded!("interrupt").lines().collect();
    let (result, before) = lines.split_last().unwrap();
    let interrupted = |then: &str| {
        let mut claude = Claude::new(brief(Goal::Work));
        before.iter().for_each(|line| drop(claude.hear(line)));
        claude.interrupt(then);
        claude.hear(result).iter().filter_map(shown).collect::<Vec<_>>().join("\n")
    };
    assert!(interrupted("").ends_with("End(Interrupted)"), "{}", interrupted(""));
    assert!(interrupted("use b").contains("\"content\":\"use b\""), "{}", interrupted("use b"));
    assert!(!interrupted("use b").contains("End("));
}

#[test]
fn words_that_come_too_late_for_a_turn_have_one_of_their_own() {
    let mut claude = Claude::new(brief(Goal::Work));
    let Some(Move::Write(said)) = claude.say("more").pop() else { panic!("nothing was written") };
    let id = serde_json::from_str::<Value>(&said).unwrap()["uuid"].as_str().unwrap().to_owned();
    let recorded = recorded!("late").replace("11111111-2222-4333-8444-555555555555", &id);
    let told = played(&mut claude, &recorded, &[]);
    assert_eq!(told.matches("End(").count(), 1, "{told}");
    assert!(told.ends_with("End(Done(\"steered\"))"), "{told}");
}

#[test]
fn errors_are_told_by_their_class_whatever_the_result_calls_itself() {
    let last = |recorded: &str| {
        let told = played(&mut Claude::new(brief(Goal::Work)), recorded, &[]);
        told.lines().last().unwrap_or_default().to_owned()
    };
    expect![[r#"
        End(Broke { class: Auth, why: "Invalid API key · Fix external API key" })
        End(Broke { class: Rate, why: "API Error: Request rejected (429) · slow down" })
        End(Broke { class: Quota, why: "Credit balance is too low" })
        End(Forgotten)"#]]
    .assert_eq(&[recorded!("e401"), recorded!("e429"), recorded!("e400"), recorded!("noresume")].map(last).join("\n"));
    let told = played(&mut Claude::new(brief(Goal::Work)), recorded!("e429"), &[]);
    assert!(told.contains("Retrying { class: Rate, why: \"rate limit (429), attempt 2\" }"), "{told}");
}

#[test]
fn a_resumed_session_counts_only_what_is_new() {
    let used = Usage { model: "claude-opus-5-5".into(), input: 250, output: 50, ..Usage::default() };
    let memory = Memory { session: "s".into(), used: [("claude-opus-5-5".to_owned(), used)].into(), model: None };
    let mut claude = Claude::new(Brief { memory: Some(memory), ..brief(Goal::Work) });
    assert!(played(&mut claude, recorded!("work"), &[]).contains("used 50+21+9 in, 10 out"));
}

#[test]
fn an_edit_that_nobody_refused_and_that_was_denied_is_no_work() {
    let denied = r#"{"type":"result","subtype":"success","is_error":false,"result":"done","permission_denials":[{"tool_name":"Write","tool_use_id":"t1","tool_input":{"file_path":"a"}}]}"#;
    let mut claude = Claude::new(brief(Goal::Work));
    let told = claude.hear(denied).iter().filter_map(shown).collect::<Vec<_>>().join("\n");
    assert!(told.contains("was not allowed by its own settings to edit a"), "{told}");
    claude.refused.insert("t1".to_owned());
    let told = claude.hear(denied).iter().filter_map(shown).collect::<Vec<_>>().join("\n");
    assert!(told.ends_with("End(Done(\"done\"))"), "{told}");
}

#[test]
fn what_is_not_its_language_is_garbage_and_what_is_new_in_it_is_shown() {
    let mut claude = Claude::new(brief(Goal::Work));
    assert_eq!(claude.hear("Segmentation fault"), [Move::Garbage("Segmentation fault".into())]);
    assert_eq!(claude.hear("[]"), [Move::Garbage("[]".into())]);
    let new = r#"{"type":"novelty"}"#;
    assert_eq!(claude.hear(new), [Move::Tell(AgentEvent::Unknown { line: new.into() })]);
}

#[test]
fn a_repository_cannot_bring_its_own_settings() {
    let tools =
        ToolServer { name: "downbeat".into(), command: vec!["/bin/x".into(), "mcp".into()], ..ToolServer::default() };
    let words = Claude::arguments(&brief(Goal::Plan), Some(&tools)).join(" ");
    assert!(words.contains("--setting-sources user --strict-mcp-config "), "{words}");
    let servers: Value = serde_json::from_str(words.split_once("--mcp-config ").unwrap().1).unwrap();
    let server = json!({ "type": "stdio", "command": "/bin/x", "args": ["mcp"], "env": {} });
    assert_eq!(servers, json!({ "mcpServers": { "downbeat": server } }));
}
