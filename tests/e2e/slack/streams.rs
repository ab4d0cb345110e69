//! Where a workspace has it: steps that grow while an agent works, and threads as agent sessions.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};
use tests::slack::{EVENTS, Failure, Settings};

use super::office::{Office, Transport, answers};
use crate::gate::{Gate, Visitor};
use crate::orders::run;

/// Speaks the Agent Client Protocol, and says how far it is; after each word of that it waits at a gate.
const BUILDER: &str = r#"#!/bin/sh
list() {
    printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"plan","entries":[{"content":"build the walls","priority":"medium","status":"%s"},{"content":"paint them","priority":"medium","status":"%s"}]}}}\n' "$1" "$2"
}
while read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"id":\("[^"]*"\|[0-9]*\).*/\1/p')
    answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
    case $line in
    *'"initialize"'*) answer '{"protocolVersion":1,"agentCapabilities":{}}' ;;
    *'"session/new"'*) answer '{"sessionId":"s"}' ;;
    *'"session/prompt"'*)
        list in_progress pending
        read gate < {place}/gates/1
        list completed in_progress
        read gate < {place}/gates/2
        echo 'wall: yellow' > kitchen.room
        list completed completed
        read gate < {place}/gates/3
        answer '{"stopReason":"end_turn"}'
        ;;
    esac
done
"#;

/// Where somebody builds step by step.
struct Site {
    office: Office,
    gates: [Gate; 3],
}

impl Site {
    fn new(settings: Settings) -> Self {
        let office = Office::new(Settings { is_native: true, ..settings }, Transport::Socket);
        let world = &office.world;
        std::fs::create_dir(world.path("gates")).unwrap();
        let gates = ["gates/1", "gates/2", "gates/3"].map(|gate| Gate::at(&world.path(gate)));
        let builder = world.write("gates/builder", BUILDER);
        std::fs::set_permissions(builder, PermissionsExt::from_mode(0o755)).unwrap();
        let config = std::fs::read_to_string(world.path("downbeat.toml")).unwrap();
        let agent = "[cage]\nread = [\"{place}/gates\"]\n[agents.builder]\nkind = \"acp\"\ncommand = [\"{place}/gates/builder\"]\n";
        world.write("downbeat.toml", &format!("{config}\n{agent}"));
        Self { office, gates }
    }

    /// Somebody asks for a kitchen; the message, and the agent at its first gate.
    fn ask(&self) -> (String, Visitor) {
        let mention = self.office.slack.say("dev", "ana", "@agent add a kitchen agent=builder plan=off");
        (mention, self.agent_at(1))
    }

    /// The agent at a gate.
    fn agent_at(&self, gate: usize) -> Visitor {
        self.gates[gate - 1].wait_for_somebody()
    }

    /// Lets the agent end, from its first gate.
    fn finish(&self, mention: &str, first: Visitor) -> String {
        first.let_through();
        self.agent_at(2).let_through();
        self.agent_at(3).let_through();
        self.office.slack.until(mention, "is ready on")
    }

    fn n_calls(&self, method: &str) -> usize {
        self.office.slack.calls_of(method).len()
    }

    /// Waits until no message of a thread grows.
    fn until_nothing_grows(&self, mention: &str) {
        let grows = |channel: &tests::slack::State| {
            let messages = &channel.teams[0].channels[0].messages;
            messages.iter().all(|message| message.stream.is_none()).then_some(())
        };
        let slack = &self.office.slack;
        slack.wait_for(Duration::from_secs(60), grows).unwrap_or_else(|| panic!("{}", slack.thread(mention)));
    }
}

pub fn steps_grow_in_one_message_and_end_with_the_session() {
    let site = Site::new(Settings::default());
    let instance = site.office.up();
    let slack = &site.office.slack;
    let (mention, visitor) = site.ask();
    slack.until(&mention, "T-1 · 0 of 2 done");
    assert_eq!(slack.growing(&mention).len(), 1, "{}", slack.thread(&mention));
    let thread = slack.until(&mention, "0 of 2 done · now: build the walls");
    assert_eq!(thread.matches("build the walls").count(), 2, "the card says only which step is worked on:\n{thread}");
    assert_eq!(slack.session(&mention).unwrap().0, "processing");
    visitor.let_through();
    slack.until(&mention, "T-1 · 1 of 2 done");
    slack.until(&mention, "1 of 2 done · now: paint them");
    site.agent_at(2).let_through();
    site.agent_at(3).let_through();
    slack.until(&mention, "is ready on");
    site.until_nothing_grows(&mention);
    let thread = slack.until(&mention, "T-1 · 2 of 2 done");
    slack.wait_for(Duration::from_secs(30), |state| {
        state.teams[0].sessions.values().any(|(status, _)| status == "suspended").then_some(())
    });
    assert_eq!(slack.session(&mention).unwrap(), ("suspended".to_owned(), "T-1 · add a kitchen".to_owned()));
    assert_eq!(answers(&thread), 3, "a card, the steps, and what became of it:\n{thread}");
    let began = &slack.calls_of("chat.startStream")[0].args;
    assert_eq!((&began["recipient_user_id"], &began["recipient_team_id"]), (&json!("U0ANA"), &json!("T0ACME")));
    assert_eq!(began["task_display_mode"], "plan");
    let told = &slack.calls_of("chat.appendStream")[0].args["chunks"];
    let told: Vec<_> = told.as_array().unwrap().iter().map(|it| (&it["type"], &it["title"], &it["status"])).collect();
    let (title, step) = (json!("plan_update"), json!("task_update"));
    assert_eq!(
        told,
        [
            (&title, &json!("T-1 · 1 of 2 done"), &Value::Null),
            (&step, &json!("build the walls"), &json!("complete")),
            (&step, &json!("paint them"), &json!("in_progress")),
        ]
    );
    assert_eq!((site.n_calls("chat.startStream"), site.n_calls("chat.stopStream")), (1, 1));
    assert!(slack.over_the_limit().is_empty(), "{:?}", slack.over_the_limit());
    instance.stop();
}

pub fn a_workspace_that_refuses_streams_is_asked_once_and_has_the_steps_on_the_card() {
    let site = Site::new(Settings::default());
    let instance = site.office.up();
    let slack = &site.office.slack;
    slack.fail("chat.startStream", [Failure::Word("unknown_method")]);
    slack.fail("agents.sessions.setStatus", [Failure::Word("missing_scope")]);
    for n in 1..=2 {
        let (mention, visitor) = site.ask();
        let thread = slack.until(&mention, "▸ build the walls");
        assert!(thread.contains("○ paint them"), "{thread}");
        visitor.let_through();
        slack.until(&mention, "▸ paint them");
        site.agent_at(2).let_through();
        site.agent_at(3).let_through();
        let thread = slack.until(&mention, "is ready on");
        assert_eq!(answers(&thread), 2, "{thread}");
        assert_eq!((site.n_calls("chat.startStream"), site.n_calls("agents.sessions.setStatus")), (1, 1), "task {n}");
    }
    let doctor = run(&site.office.world, &["doctor"]);
    assert!(doctor.out.contains("the workspace has no streams (unknown_method)"), "{}", doctor.out);
    assert!(doctor.out.contains("the workspace has no agent sessions (missing_scope)"), "{}", doctor.out);
    instance.stop();
}

pub fn a_killed_process_leaves_no_message_that_grows() {
    let site = Site::new(Settings::default());
    let instance = site.office.up();
    let slack = &site.office.slack;
    let (mention, visitor) = site.ask();
    slack.until(&mention, "T-1 · 0 of 2 done");
    visitor.let_through();
    slack.until(&mention, "T-1 · 1 of 2 done");
    instance.kill();
    assert_eq!(slack.growing(&mention).len(), 1);
    let instance = site.office.up();
    site.until_nothing_grows(&mention);
    let thread = site.finish(&mention, site.agent_at(1));
    slack.until(&mention, "T-1 · 2 of 2 done");
    assert_eq!((answers(&thread), site.n_calls("chat.startStream")), (3, 1), "{thread}");
    instance.stop();
}

pub fn a_beginning_that_nobody_heard_of_is_found_and_not_made_twice() {
    let site = Site::new(Settings::default());
    let slack = &site.office.slack;
    let instance = site.office.up();
    // It has begun, and we die before we hear of it.
    slack.fail("chat.startStream", [Failure::Slow(Duration::from_secs(15))]);
    let (mention, visitor) = site.ask();
    slack.until(&mention, "T-1 · 0 of 2 done");
    instance.kill();
    drop(visitor);
    let instance = site.office.up();
    site.until_nothing_grows(&mention);
    let thread = site.finish(&mention, site.agent_at(1));
    assert_eq!((answers(&thread), site.n_calls("chat.startStream")), (3, 1), "{thread}");
    // It has begun, and the connection breaks before the answer.
    slack.fail("chat.startStream", [Failure::AnswerLost]);
    let (mention, visitor) = site.ask();
    slack.until(&mention, "T-2 · 0 of 2 done");
    let thread = site.finish(&mention, visitor);
    slack.until(&mention, "T-2 · 2 of 2 done");
    site.until_nothing_grows(&mention);
    assert_eq!((answers(&thread), site.n_calls("chat.startStream")), (3, 2), "{thread}");
    instance.stop();
}

pub fn a_stream_that_slack_ends_goes_on_as_edits_of_the_same_message() {
    let site = Site::new(Settings { stream_lives: Duration::from_secs(1), ..Settings::default() });
    let instance = site.office.up();
    let slack = &site.office.slack;
    let (mention, visitor) = site.ask();
    slack.until(&mention, "T-1 · 0 of 2 done");
    visitor.let_through();
    slack.until(&mention, "T-1 · 1 of 2 done");
    site.agent_at(2).let_through();
    site.agent_at(3).let_through();
    slack.until(&mention, "is ready on");
    let thread = slack.until(&mention, "T-1 · 2 of 2 done");
    assert_eq!((answers(&thread), site.n_calls("chat.startStream")), (3, 1), "{thread}");
    assert!(!thread.contains("(edited)"), "{thread}");
    instance.stop();
}

pub fn an_emoji_on_the_steps_is_one_on_the_card() {
    let site = Site::new(Settings::default());
    let instance = site.office.up();
    let slack = &site.office.slack;
    let (mention, _visitor) = site.ask();
    slack.until(&mention, "T-1 · 0 of 2 done");
    slack.react(&slack.find(&mention, "T-1 · 0 of 2 done"), "ana", "octagonal_sign");
    slack.until(&mention, "stopped by ana");
    site.until_nothing_grows(&mention);
    instance.stop();
}

pub fn slacks_own_stop_button_stops_the_task_and_its_steps_rest() {
    let site = Site::new(Settings { events: EVENTS.to_vec(), ..Settings::default() });
    let instance = site.office.up();
    let slack = &site.office.slack;
    let (mention, _visitor) = site.ask();
    slack.until(&mention, "T-1 · 0 of 2 done");
    assert_eq!(slack.session(&mention).unwrap().0, "processing");
    slack.stop_session(&mention, "ana");
    slack.until(&mention, "stopped by ana");
    let rests = |state: &tests::slack::State| {
        let is_closed = state.teams[0].sessions.values().all(|(status, _)| status == "closed");
        let words = state.teams[0].channels[0].messages.iter().map(|it| json!(it.blocks).to_string());
        let spins = words.filter(|blocks| blocks.contains("in_progress")).count();
        (is_closed && spins == 0).then_some(())
    };
    let rested = slack.wait_for(Duration::from_secs(60), rests);
    rested.unwrap_or_else(|| panic!("{:?}\n{}", slack.session(&mention), slack.thread(&mention)));
    instance.stop();
}
