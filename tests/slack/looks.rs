//! What people see, judged by Slack's own library and by the limits that Slack publishes.

use downbeat::slack::limits::{Kind, violations};
use serde_json::{Value, json};
use tests::scenes;
use tests::slack::judged;

/// Every message, form and Home tab that is drawn for people.
pub fn slacks_own_library_takes_all_that_people_see() {
    let sent: Vec<_> = scenes::all().iter().flat_map(sent_of).collect();
    assert!(sent.len() > 25, "only {} scenes", sent.len());
    let limits = sent.iter().flat_map(over_limits).collect::<Vec<_>>();
    assert_eq!(limits, Vec::<String>::new());
    assert_eq!(judged(&sent).unwrap(), "");
    for broken in [
        json!({ "blocks": [{ "type": "section", "text": { "type": "plain_text" } }] }),
        json!({ "chunks": [{ "type": "task_update", "id": "1" }] }),
        json!({ "chunks": [{ "type": "hologram" }] }),
    ] {
        let named = json!({ "name": "a broken one", "blocks": broken["blocks"], "chunks": broken["chunks"] });
        assert_ne!(judged(&[named]).unwrap(), "", "a judge who finds nothing judges nothing: {broken}");
    }
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
