//! What people see, judged by Slack's own library and by the limits that Slack publishes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use downbeat::slack::limits::{Kind, violations};
use serde_json::{Value, json};
use tests::{peers, scenes};

/// Every message, form and Home tab that is drawn for people.
pub fn slacks_own_library_takes_all_that_people_see() {
    let sent: Vec<_> = scenes::all().iter().flat_map(sent_of).collect();
    assert!(sent.len() > 25, "only {} scenes", sent.len());
    let limits = sent.iter().flat_map(over_limits).collect::<Vec<_>>();
    assert_eq!(limits, Vec::<String>::new());
    assert_eq!(judged(&sent), "");
    let broken =
        [json!({ "name": "a broken one", "blocks": [{ "type": "section", "text": { "type": "plain_text" } }] })];
    assert_ne!(judged(&broken), "", "a judge who finds nothing judges nothing");
}

/// A scene may show several messages.
fn sent_of(scene: &Value) -> Vec<Value> {
    let name = &scene["name"];
    match scene["messages"].as_array() {
        Some(messages) => messages.iter().map(|blocks| json!({ "name": name, "blocks": blocks })).collect(),
        None => vec![scene.clone()],
    }
}

fn over_limits(sent: &Value) -> Vec<String> {
    match sent["view"]["type"].as_str() {
        None => violations(Kind::Message, &json!({ "text": "x", "blocks": sent["blocks"] })),
        Some("home") => violations(Kind::Home, &sent["view"]),
        Some(_) => violations(Kind::Modal, &sent["view"]),
    }
}

/// What Slack's library for Python has against them, a line each.
fn judged(sent: &[Value]) -> String {
    let python = peers::installed("slack/venv/bin/python").expect("it is installed");
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/slack/judge.py");
    let mut child =
        Command::new(python).arg(judge).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    let lines: String = sent.iter().map(|sent| format!("{sent}\n")).collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge ended with {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
