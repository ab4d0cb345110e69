//! Recorded lines of Codex 0.169.0, and what they come to.

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
    expected.assert_eq(&played(&mut Codex::new(brief(goal)), recorded, answers));
}

#[test]
fn work_is_told_as_it_goes_and_used_up_by_differences() {
    check(
        Goal::Work,
        recorded!("work"),
        &[],
        expect![[r#"
            write {"id":1,"method":"initialize","params":{"clientInfo":{"name":"downbeat","title":"Downbeat","version":"0.1.0"},"capabilities":{"experimentalApi":true}}}
            write {"method":"initialized"}
            write {"id":2,"method":"thread/start","params":{"cwd":"/w/tree","approvalPolicy":"untrusted","sandbox":"danger-full-access"}}
            tell Started { session: "01a20403-5104-71c0-b894-74f063057455", model: Some("gpt-5.1") }
            write {"id":3,"method":"turn/start","params":{"threadId":"01a20403-5104-71c0-b894-74f063057455","input":[{"type":"text","text":"do it","text_elements":[]}],"collaborationMode":{"mode":"default","settings":{"model":"gpt-5.1","developer_i
            tell Thought { text: "Model metadata for `gpt-5.1` not found. Defaulting to fallback metadata; this can degrade performance and cause issues." }
            tell Said { text: "I begin" }
            call Execute Running `echo hi > a.txt; exit 3` []
            call Execute Failed `echo hi > a.txt; exit 3` [] exit code 3
            used 60+40+0 in, 20 out, None
            tell Said { text: "mid" }
            used 60+40+0 in, 20 out, None
            tell Said { text: "All done" }
            used 60+40+0 in, 20 out, None
            tell TurnEnded { reason: Done, text: "All done" }
            End(Done("All done"))"#]],
    );
}

#[test]
fn a_plan_is_an_item_of_its_own() {
    check(
        Goal::Plan,
        recorded!("plan"),
        &[],
        expect![[r##"
        write {"id":1,"method":"initialize","params":{"clientInfo":{"name":"downbeat","title":"Downbeat","version":"0.1.0"},"capabilities":{"experimentalApi":true}}}
        write {"method":"initialized"}
        write {"id":2,"method":"thread/start","params":{"cwd":"/w/tree","approvalPolicy":"untrusted","sandbox":"danger-full-access"}}
        tell Started { session: "01a20403-55b7-7ed3-9091-8e6e95832c9d", model: Some("gpt-5.1") }
        write {"id":3,"method":"turn/start","params":{"threadId":"01a20403-55b7-7ed3-9091-8e6e95832c9d","input":[{"type":"text","text":"do it","text_elements":[]}],"collaborationMode":{"mode":"plan","settings":{"model":"gpt-5.1","developer_inst
        tell Thought { text: "Model metadata for `gpt-5.1` not found. Defaulting to fallback metadata; this can degrade performance and cause issues." }
        tell PlanProposed { text: "# Plan\n1. edit a.txt\n" }
        tell Said { text: "thinking...\n" }
        used 60+40+0 in, 20 out, None
        tell TurnEnded { reason: Done, text: "thinking...\n" }
        End(Planned("# Plan\n1. edit a.txt\n"))"##]],
    );
}

#[test]
fn its_question_is_asked_and_answered_in_its_own_words() {
    check(
        Goal::Plan,
        recorded!("ask"),
        &["red"],
        expect![[r#"
        write {"id":1,"method":"initialize","params":{"clientInfo":{"name":"downbeat","title":"Downbeat","version":"0.1.0"},"capabilities":{"experimentalApi":true}}}
        write {"method":"initialized"}
        write {"id":2,"method":"thread/start","params":{"cwd":"/w/tree","approvalPolicy":"untrusted","sandbox":"danger-full-access"}}
        tell Started { session: "01a20403-570d-7ad3-9f5d-c764402c0a19", model: Some("gpt-5.1") }
        write {"id":3,"method":"turn/start","params":{"threadId":"01a20403-570d-7ad3-9f5d-c764402c0a19","input":[{"type":"text","text":"do it","text_elements":[]}],"collaborationMode":{"mode":"plan","settings":{"model":"gpt-5.1","developer_inst
        tell Thought { text: "Model metadata for `gpt-5.1` not found. Defaulting to fallback metadata; this can degrade performance and cause issues." }
        ask Question Which colour? ["red", "blue"]
        write {"id":0,"result":{"answers":{"q1":{"answers":["red"]}}}}
        used 60+40+0 in, 20 out, None
        tell Said { text: "thanks" }
        used 60+40+0 in, 20 out, None
        tell TurnEnded { reason: Done, text: "thanks" }
        End(Planned("thanks"))"#]],
    );
}

#[test]
fn a_command_waits_for_a_person_where_the_config_says_so() {
    check(
        Goal::Work,
        recorded!("approve"),
        &["Allow"],
        expect![[r#"
            write {"id":1,"method":"initialize","params":{"clientInfo":{"name":"downbeat","title":"Downbeat","version":"0.1.0"},"capabilities":{"experimentalApi":true}}}
            write {"method":"initialized"}
            write {"id":2,"method":"thread/start","params":{"cwd":"/w/tree","approvalPolicy":"untrusted","sandbox":"danger-full-access"}}
            tell Started { session: "01a20403-58a3-7161-809a-4f87bc2d0267", model: Some("gpt-5.1") }
            write {"id":3,"method":"turn/start","params":{"threadId":"01a20403-58a3-7161-809a-4f87bc2d0267","input":[{"type":"text","text":"do it","text_elements":[]}],"collaborationMode":{"mode":"default","settings":{"model":"gpt-5.1","developer_i
            tell Thought { text: "Model metadata for `gpt-5.1` not found. Defaulting to fallback metadata; this can degrade performance and cause issues." }
            call Execute Running `touch c.txt` []
            ask Permission May it do this? touch c.txt ["Allow", "Refuse"]
            write {"id":0,"result":{"decision":"accept"}}
            call Execute Completed `touch c.txt` []
            used 60+40+0 in, 20 out, None
            used 60+40+0 in, 20 out, None
            tell Said { text: "ok" }
            used 60+40+0 in, 20 out, None
            tell TurnEnded { reason: Done, text: "ok" }
            End(Done("ok"))"#]],
    );
    let mut codex = Codex::new(Brief { leave: super::super::permission::Leave::Caged, ..brief(Goal::Work) });
    let told = played(&mut codex, recorded!("approve"), &[]);
    assert!(told.contains("\"approvalPolicy\":\"never\"") && !told.contains("ask "), "{told}");
}

#[test]
fn a_refused_command_is_explained_beside_the_refusal() {
    let told = played(&mut Codex::new(brief(Goal::Work)), recorded!("approve"), &["use c.txt that is there"]);
    assert!(told.contains("\"decision\":\"decline\""), "{told}");
    assert!(told.contains("turn/steer") && told.contains("ana says: use c.txt that is there"), "{told}");
}

#[test]
fn a_resumed_thread_counts_only_what_is_new() {
    let thread = "01a20403-5104-71c0-b894-74f063057455";
    let used = Usage { model: "gpt-5.1".into(), input: 180, cache_read: 120, output: 60, ..Usage::default() };
    let memory = Memory { session: thread.into(), used: [("gpt-5.1".to_owned(), used)].into(), model: None };
    let mut codex = Codex::new(Brief { memory: Some(memory), ..brief(Goal::Work) });
    let told = played(&mut codex, recorded!("resume"), &[]);
    assert!(told.contains(&format!("\"threadId\":\"{thread}\"")) && told.contains("thread/resume"), "{told}");
    assert_eq!(told.matches("used ").collect::<Vec<_>>().len(), 1, "{told}");
    assert!(told.contains("used 60+40+0 in, 20 out"), "{told}");
    let memory = Memory { session: "gone".into(), ..Memory::default() };
    let mut codex = Codex::new(Brief { memory: Some(memory), ..brief(Goal::Work) });
    assert!(played(&mut codex, recorded!("noresume"), &[]).ends_with("End(Forgotten)"));
}

#[test]
fn an_interruption_ends_the_turn_or_goes_on_with_what_was_said() {
    let lines: Vec<&str> = recorded!("interrupt").lines().collect();
    let (last, before) = lines.split_last().unwrap();
    let interrupted = |then: &str| {
        let mut codex = Codex::new(brief(Goal::Work));
        played(&mut codex, &before.join("\n"), &[]);
        codex.interrupt(then);
        codex.hear(last).iter().filter_map(shown).collect::<Vec<_>>().join("\n")
    };
    assert!(interrupted("").ends_with("End(Interrupted)"), "{}", interrupted(""));
    assert!(interrupted("use b").contains("turn/start") && !interrupted("use b").contains("End("));
}

#[test]
fn words_steer_the_turn_and_begin_the_next_when_it_is_over() {
    let mut codex = Codex::new(brief(Goal::Work));
    let lines: Vec<&str> = recorded!("steer").lines().collect();
    played(&mut codex, &lines[..lines.len() - 1].join("\n"), &[]);
    let said = codex.say("more").iter().filter_map(shown).collect::<String>();
    assert!(said.contains("turn/steer") && said.contains("\"expectedTurnId\":\"01a20403"), "{said}");
    let refused = format!(r#"{{"id":{},"error":{{"code":-32600,"message":"no active turn"}}}}"#, codex.n_requests);
    let begun = codex.hear(&refused).iter().filter_map(shown).collect::<String>();
    assert!(begun.contains("turn/start") && begun.contains("\"text\":\"more\""), "{begun}");
}

#[test]
fn errors_are_told_by_their_class() {
    let last = |recorded: &str| {
        let told = played(&mut Codex::new(brief(Goal::Work)), recorded, &[]);
        told.lines().last().unwrap_or_default().to_owned()
    };
    let all = [recorded!("e401"), recorded!("e429"), recorded!("e500"), recorded!("quota"), recorded!("context")];
    expect![[r#"
        End(Broke { class: Auth, why: "unexpected status 401 Unauthorized: bad key" })
        End(Broke { class: Rate, why: "exceeded retry limit, last status: 429 Too Many Requests" })
        End(Broke { class: Overload, why: "We’re currently experiencing high demand, which may cause temporary errors." })
        End(Broke { class: Quota, why: "You exceeded your current quota" })
        End(Broke { class: Context, why: "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying." })"#]].assert_eq(&all.map(last).join("\n"));
    let told = played(&mut Codex::new(brief(Goal::Work)), recorded!("e401"), &[]);
    assert!(told.contains("Retrying { class: Auth, why: \"unexpected status 401 Unauthorized: bad key\" }"), "{told}");
}

#[test]
fn our_tools_are_its_own_and_need_no_question() {
    let env = [("A".to_owned(), "b \"c\"".to_owned())].into();
    let tools =
        ToolServer { name: "downbeat".into(), command: vec!["/bin/x".into(), "mcp".into()], env, read: Vec::new() };
    expect![[r#"-c mcp_servers.downbeat.command="/bin/x" -c mcp_servers.downbeat.args=["mcp"] -c mcp_servers.downbeat.default_tools_approval_mode="approve" -c mcp_servers.downbeat.tool_timeout_sec=600 -c mcp_servers.downbeat.env.A="b \"c\"""#]]
        .assert_eq(&Codex::arguments(Some(&tools)).join(" "));
}
