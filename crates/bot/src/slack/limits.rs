//! Every limit of Block Kit and of the Web API that our messages and views can hit, as data with the page that says so.
//!
//! One place for production and tests: nothing is sent that has a violation. Pages are named below docs.slack.dev;
//! lengths are counted in UTF-16 units, which is never less than Slack counts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kit::units;

/// How many characters a message's blocks may have as JSON. Slack publishes none and answers `msg_blocks_too_long` from
/// about 13,170 on (slackapi/bolt-js#2509).
pub const MESSAGE_BLOCKS_CHARS_MAX: usize = 13_000;
/// How many bytes a view may have (reference/methods/views.publish).
pub const VIEW_BYTES_MAX: usize = 250_000;
/// How many characters all markdown blocks of a message may have (reference/block-kit/blocks/markdown-block).
pub const MARKDOWN_CHARS_MAX: usize = 12_000;
/// How many characters a button's value may have (reference/block-kit/block-elements/button-element).
pub const BUTTON_VALUE_MAX: usize = 2_000;
/// How many characters a button's text may have (reference/block-kit/block-elements/button-element).
pub const BUTTON_TEXT_MAX: usize = 75;
/// How many characters an option's value may have (reference/block-kit/composition-objects/option-object).
pub const OPTION_VALUE_MAX: usize = 150;
/// How many options a menu of more choices may have (reference/block-kit/block-elements/overflow-menu-element).
pub const OVERFLOW_MAX: usize = 5;
/// How many elements a row of actions may have (reference/block-kit/blocks/actions-block).
pub const ACTIONS_MAX: usize = 25;
/// How many options a menu may have (reference/block-kit/block-elements/select-menu-element).
pub const OPTIONS_MAX: usize = 100;
/// How many blocks a view may have (reference/views).
pub const VIEW_BLOCKS_MAX: usize = 100;
/// How many characters a view's metadata may have (reference/views).
pub const METADATA_MAX: usize = 3_000;
/// How many characters an input may have (reference/block-kit/block-elements/plain-text-input-element).
pub const INPUT_MAX: usize = 3_000;
/// How many characters a text object may have (reference/block-kit/composition-objects/text-object).
pub const TEXT_MAX: usize = 3_000;

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What `chat.postMessage` and its kin take: an object with `text` and `blocks`.
    Message,
    /// A modal view.
    Modal,
    /// A Home tab.
    Home,
}

/// How long one part of one thing may be: characters of a text, items of a list.
struct Limit {
    /// The `type` of the thing; of things without one, what they are.
    of: &'static str,
    /// Where in it.
    at: &'static str,
    /// The least; 0 where the part may be missing.
    min: usize,
    /// The most.
    max: usize,
    /// The page that says so.
    page: &'static str,
}

const fn limit(of: &'static str, at: &'static str, range: (usize, usize), page: &'static str) -> Limit {
    Limit { of, at, min: range.0, max: range.1, page }
}

const LIMITS: &[Limit] = &[
    limit("message", "/blocks", (1, 50), "reference/block-kit/blocks"),
    // Slack cuts at 40,000, and recommends 4,000.
    limit("message", "/text", (1, 4_000), "reference/methods/chat.postMessage#truncating"),
    limit("modal", "/blocks", (1, VIEW_BLOCKS_MAX), "reference/views/modal-views"),
    limit("modal", "/title/text", (1, 24), "reference/views/modal-views"),
    limit("modal", "/submit/text", (0, 24), "reference/views/modal-views"),
    limit("modal", "/close/text", (0, 24), "reference/views/modal-views"),
    limit("modal", "/private_metadata", (0, METADATA_MAX), "reference/views/modal-views"),
    limit("modal", "/callback_id", (0, 255), "reference/views/modal-views"),
    limit("modal", "/external_id", (0, 255), "reference/views/modal-views"),
    limit("home", "/blocks", (1, VIEW_BLOCKS_MAX), "reference/views/home-tab-views"),
    limit("home", "/private_metadata", (0, METADATA_MAX), "reference/views/home-tab-views"),
    limit("home", "/callback_id", (0, 255), "reference/views/home-tab-views"),
    limit("section", "/text/text", (0, TEXT_MAX), "reference/block-kit/blocks/section-block"),
    limit("section", "/fields", (0, 10), "reference/block-kit/blocks/section-block"),
    limit("section field", "/text", (1, 2_000), "reference/block-kit/blocks/section-block"),
    limit("header", "/text/text", (1, 150), "reference/block-kit/blocks/header-block"),
    limit("context", "/elements", (1, 10), "reference/block-kit/blocks/context-block"),
    limit("context_actions", "/elements", (1, 5), "reference/block-kit/blocks/context-actions-block"),
    limit("actions", "/elements", (1, ACTIONS_MAX), "reference/block-kit/blocks/actions-block"),
    limit("input", "/label/text", (1, 2_000), "reference/block-kit/blocks/input-block"),
    limit("input", "/hint/text", (0, 2_000), "reference/block-kit/blocks/input-block"),
    limit("image", "/alt_text", (1, 2_000), "reference/block-kit/blocks/image-block"),
    limit("image", "/image_url", (0, 3_000), "reference/block-kit/blocks/image-block"),
    limit("image", "/title/text", (0, 2_000), "reference/block-kit/blocks/image-block"),
    limit("markdown", "/text", (1, MARKDOWN_CHARS_MAX), "reference/block-kit/blocks/markdown-block"),
    limit("rich_text", "/elements", (1, usize::MAX), "reference/block-kit/blocks/rich-text-block"),
    limit("table", "/rows", (1, 100), "reference/block-kit/blocks/table-block"),
    limit("table row", "", (1, 20), "reference/block-kit/blocks/table-block"),
    limit("card", "/title/text", (0, 150), "reference/block-kit/blocks/card-block"),
    limit("card", "/subtitle/text", (0, 150), "reference/block-kit/blocks/card-block"),
    limit("card", "/body/text", (0, 200), "reference/block-kit/blocks/card-block"),
    // Slack publishes no lengths for these; a line of a wide screen has fewer.
    limit("plan", "/title", (1, 256), "reference/block-kit/blocks/plan-block"),
    limit("plan", "/tasks", (1, 50), "reference/block-kit/blocks/plan-block"),
    limit("task_card", "/task_id", (1, 255), "reference/block-kit/blocks/task-card-block"),
    limit("task_card", "/title", (1, 256), "reference/block-kit/blocks/task-card-block"),
    limit("task_card", "/details/elements", (0, 1), "reference/block-kit/blocks/task-card-block"),
    limit("task_card", "/output/elements", (0, 1), "reference/block-kit/blocks/task-card-block"),
    limit("plain_text", "/text", (1, TEXT_MAX), "reference/block-kit/composition-objects/text-object"),
    limit("mrkdwn", "/text", (1, TEXT_MAX), "reference/block-kit/composition-objects/text-object"),
    limit("button", "/text/text", (1, BUTTON_TEXT_MAX), "reference/block-kit/block-elements/button-element"),
    limit("button", "/value", (0, BUTTON_VALUE_MAX), "reference/block-kit/block-elements/button-element"),
    limit("button", "/url", (0, 3_000), "reference/block-kit/block-elements/button-element"),
    limit("button", "/accessibility_label", (0, 75), "reference/block-kit/block-elements/button-element"),
    limit("overflow", "/options", (1, OVERFLOW_MAX), "reference/block-kit/block-elements/overflow-menu-element"),
    limit("static_select", "/options", (1, OPTIONS_MAX), "reference/block-kit/block-elements/select-menu-element"),
    limit("static_select", "/placeholder/text", (0, 150), "reference/block-kit/block-elements/select-menu-element"),
    limit("radio_buttons", "/options", (1, 10), "reference/block-kit/block-elements/radio-button-group-element"),
    limit("checkboxes", "/options", (1, 10), "reference/block-kit/block-elements/checkboxes-element"),
    limit(
        "plain_text_input",
        "/initial_value",
        (0, INPUT_MAX),
        "reference/block-kit/block-elements/plain-text-input-element",
    ),
    limit(
        "plain_text_input",
        "/placeholder/text",
        (0, 150),
        "reference/block-kit/block-elements/plain-text-input-element",
    ),
    limit("option", "/text/text", (1, 75), "reference/block-kit/composition-objects/option-object"),
    limit("option", "/value", (1, OPTION_VALUE_MAX), "reference/block-kit/composition-objects/option-object"),
    limit("option", "/description/text", (0, 75), "reference/block-kit/composition-objects/option-object"),
    limit("confirm", "/title/text", (1, 100), "reference/block-kit/composition-objects/confirmation-dialog-object"),
    limit("confirm", "/text/text", (1, 300), "reference/block-kit/composition-objects/confirmation-dialog-object"),
    limit("confirm", "/confirm/text", (1, 30), "reference/block-kit/composition-objects/confirmation-dialog-object"),
    limit("confirm", "/deny/text", (1, 30), "reference/block-kit/composition-objects/confirmation-dialog-object"),
];

/// How long an id of a block or an element may be (reference/interaction-payloads).
const ID_MAX: usize = 255;
/// The blocks that this judge knows: another is a slip of ours.
const BLOCKS: [&str; 15] = [
    "actions",
    "card",
    "context",
    "context_actions",
    "divider",
    "header",
    "image",
    "input",
    "markdown",
    "plan",
    "rich_text",
    "section",
    "table",
    "task_card",
    "video",
];
/// The words for how far a task card is (reference/block-kit/blocks/task-card-block).
const TASK_STATUS: [&str; 4] = ["pending", "in_progress", "complete", "error"];

/// What of a message or view Slack would refuse or cut, each as a line that names the place, the size and the page.
pub fn violations(kind: Kind, sent: &Value) -> Vec<String> {
    let mut found = Vec::new();
    judge(thing_of(kind), sent, thing_of(kind), &mut found);
    let blocks = sent["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    judge_blocks(kind, blocks, &mut found);
    match kind {
        Kind::Message => judge_message(sent, blocks, &mut found),
        Kind::Modal => judge_modal(sent, blocks, &mut found),
        Kind::Home => {}
    }
    if kind != Kind::Message && sent.to_string().len() > VIEW_BYTES_MAX {
        found.push(format!("the view is over {VIEW_BYTES_MAX} bytes (reference/methods/views.publish)"));
    }
    found
}

/// A view that Slack takes: the full one, or the bare one where the full one breaks a limit. Whoever waits for it is never
/// left with a call that was refused.
pub fn fitting(kind: Kind, full: Value, bare: impl FnOnce() -> Value) -> Value {
    let found = violations(kind, &full);
    if found.is_empty() {
        return full;
    }
    tracing::warn!("a {} breaks limits of Slack, and a smaller one is shown: {}", thing_of(kind), found.join("; "));
    bare()
}

fn thing_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Message => "message",
        Kind::Modal => "modal",
        Kind::Home => "home",
    }
}

fn judge_message(sent: &Value, blocks: &[Value], found: &mut Vec<String>) {
    let chars = sent["blocks"].to_string().encode_utf16().count();
    if chars > MESSAGE_BLOCKS_CHARS_MAX {
        found.push(format!("the blocks have {chars} characters, over {MESSAGE_BLOCKS_CHARS_MAX}"));
    }
    let markdown = blocks.iter().filter(|block| block["type"] == "markdown");
    let chars: usize = markdown.filter_map(|block| block["text"].as_str()).map(units).sum();
    if chars > MARKDOWN_CHARS_MAX {
        found.push(format!("the markdown blocks have {chars} characters together, over {MARKDOWN_CHARS_MAX}"));
    }
    let has = |kind: &str| blocks.iter().any(|block| block["type"] == kind);
    if has("plan") && has("task_card") {
        found.push("a plan and a task_card exclude each other in one message".to_owned());
    }
}

fn judge_modal(sent: &Value, blocks: &[Value], found: &mut Vec<String>) {
    if blocks.iter().any(|block| block["type"] == "input") && sent["submit"].is_null() {
        found.push("a modal with an input needs `submit` (reference/views/modal-views)".to_owned());
    }
}

fn judge_blocks(kind: Kind, blocks: &[Value], found: &mut Vec<String>) {
    let mut ids = BTreeSet::new();
    for block in blocks {
        let name = block["type"].as_str().unwrap_or("none");
        if !BLOCKS.contains(&name) {
            found.push(format!("there is no block `{name}` (reference/block-kit/blocks)"));
        }
        if kind != Kind::Message && matches!(name, "markdown" | "plan" | "task_card" | "table") {
            found.push(format!("`{name}` stands in messages alone (reference/block-kit/blocks)"));
        }
        if name == "section" && block["text"].is_null() && block["fields"].is_null() {
            found.push("a section needs `text` or `fields` (reference/block-kit/blocks/section-block)".to_owned());
        }
        if block["block_id"].as_str().is_some_and(|id| !ids.insert(id)) {
            found.push(format!("two blocks have the id {}", block["block_id"]));
        }
        judge_actions(block, found);
    }
}

/// An action's id is unique in its block.
fn judge_actions(block: &Value, found: &mut Vec<String>) {
    let mut ids = BTreeSet::new();
    for element in block["elements"].as_array().into_iter().flatten() {
        if element["action_id"].as_str().is_some_and(|id| !ids.insert(id)) {
            found.push(format!("two elements of a block have the id {}", element["action_id"]));
        }
    }
}

/// Judges one thing, and everything in it.
fn judge(of: &str, thing: &Value, at: &str, found: &mut Vec<String>) {
    for limit in LIMITS.iter().filter(|limit| limit.of == of) {
        judge_limit(limit, thing, at, found);
    }
    for id in ["block_id", "action_id"] {
        if thing[id].as_str().is_some_and(|id| !(1..=ID_MAX).contains(&units(id))) {
            found.push(format!("{at}: `{id}` has not 1 to {ID_MAX} characters"));
        }
    }
    if of == "task_card" && thing["status"].as_str().is_some_and(|word| !TASK_STATUS.contains(&word)) {
        found
            .push(format!("{at}: there is no status {} (reference/block-kit/blocks/task-card-block)", thing["status"]));
    }
    match thing {
        Value::Object(parts) => {
            for (name, part) in parts {
                judge(&name_of(of, name, part), part, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                judge(&name_of(of, "", item), item, &format!("{at}/{n}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What a part is: by its type, else by where it stands.
fn name_of(of: &str, name: &str, part: &Value) -> String {
    match (of, name, part["type"].as_str()) {
        ("section fields", "", _) => "section field".to_owned(),
        ("table rows", "", _) => "table row".to_owned(),
        (_, "confirm", None) => "confirm".to_owned(),
        (_, "initial_option", _) | ("options" | "initial_options", "", _) => "option".to_owned(),
        (_, "options" | "initial_options", _) => name.to_owned(),
        ("section", "fields", _) | ("table", "rows", _) => format!("{of} {name}"),
        ("plan tasks", "", _) => "task_card".to_owned(),
        ("plan", "tasks", _) => "plan tasks".to_owned(),
        (_, _, Some(kind)) => kind.to_owned(),
        (_, _, None) => String::new(),
    }
}

fn judge_limit(limit: &Limit, thing: &Value, at: &str, found: &mut Vec<String>) {
    let Limit { min, max, page, .. } = limit;
    let size = match thing.pointer(limit.at) {
        Some(Value::String(text)) => units(text),
        Some(Value::Array(items)) => items.len(),
        _ => 0,
    };
    if !(*min..=*max).contains(&size) {
        found.push(format!("{at}{}: {size} is not within {min} to {max} (docs.slack.dev/{page})", limit.at));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn message(blocks: Value) -> Vec<String> {
        violations(Kind::Message, &json!({ "text": "x", "blocks": blocks }))
    }

    #[test]
    fn what_fits_has_no_violation() {
        let button = json!({
            "type": "button", "action_id": "say:0", "text": { "type": "plain_text", "text": "Stop" },
            "confirm": { "title": { "type": "plain_text", "text": "Stop?" }, "text": { "type": "plain_text", "text": "x" },
                "confirm": { "type": "plain_text", "text": "Yes" }, "deny": { "type": "plain_text", "text": "No" } }
        });
        let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3_000) } });
        let found = message(json!([section, { "type": "actions", "elements": [button] }]));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn every_limit_is_found_at_its_place_and_with_its_page() {
        let long = |n: usize| "x".repeat(n);
        let text = |n: usize| json!({ "type": "plain_text", "text": long(n) });
        let option = json!({ "text": text(76), "value": long(151) });
        let button = |id: &str| json!({ "type": "button", "text": text(76), "action_id": id, "value": long(2_001) });
        let found = message(json!([
            { "type": "section", "text": { "type": "mrkdwn", "text": long(3_001) }, "fields": [text(2_001)] },
            { "type": "header", "text": text(151), "block_id": "a" },
            { "type": "context", "elements": vec![text(1); 11], "block_id": "a" },
            { "type": "actions", "elements": [button("b"), button("b"), { "type": "overflow", "options": vec![option; 6] }] },
            { "type": "plan", "title": "", "tasks": [{ "task_id": "1", "title": "t", "status": "completed" }] },
            { "type": "task_card", "task_id": "1", "title": "t" },
            { "type": "section" },
            { "type": "sektion" },
        ]));
        expect![[r#"
            message/blocks/0/text/text: 3001 is not within 0 to 3000 (docs.slack.dev/reference/block-kit/blocks/section-block)
            message/blocks/0/text/text: 3001 is not within 1 to 3000 (docs.slack.dev/reference/block-kit/composition-objects/text-object)
            message/blocks/0/fields/0/text: 2001 is not within 1 to 2000 (docs.slack.dev/reference/block-kit/blocks/section-block)
            message/blocks/1/text/text: 151 is not within 1 to 150 (docs.slack.dev/reference/block-kit/blocks/header-block)
            message/blocks/2/elements: 11 is not within 1 to 10 (docs.slack.dev/reference/block-kit/blocks/context-block)
            message/blocks/3/elements/0/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/block-elements/button-element)
            message/blocks/3/elements/0/value: 2001 is not within 0 to 2000 (docs.slack.dev/reference/block-kit/block-elements/button-element)
            message/blocks/3/elements/1/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/block-elements/button-element)
            message/blocks/3/elements/1/value: 2001 is not within 0 to 2000 (docs.slack.dev/reference/block-kit/block-elements/button-element)
            message/blocks/3/elements/2/options: 6 is not within 1 to 5 (docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element)
            message/blocks/3/elements/2/options/0/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/0/value: 151 is not within 1 to 150 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/1/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/1/value: 151 is not within 1 to 150 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/2/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/2/value: 151 is not within 1 to 150 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/3/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/3/value: 151 is not within 1 to 150 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/4/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/4/value: 151 is not within 1 to 150 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/5/text/text: 76 is not within 1 to 75 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/3/elements/2/options/5/value: 151 is not within 1 to 150 (docs.slack.dev/reference/block-kit/composition-objects/option-object)
            message/blocks/4/title: 0 is not within 1 to 256 (docs.slack.dev/reference/block-kit/blocks/plan-block)
            message/blocks/4/tasks/0: there is no status "completed" (reference/block-kit/blocks/task-card-block)
            two blocks have the id "a"
            two elements of a block have the id "b"
            a section needs `text` or `fields` (reference/block-kit/blocks/section-block)
            there is no block `sektion` (reference/block-kit/blocks)
            a plan and a task_card exclude each other in one message"#]].assert_eq(&found.join("\n"));
        let found = violations(
            Kind::Modal,
            &json!({
                "type": "modal", "title": text(25), "private_metadata": long(3_001),
                "blocks": [{ "type": "input", "label": text(1), "element": { "type": "plain_text_input", "initial_value": long(3_001) } }]
            }),
        );
        expect![[r#"
            modal/title/text: 25 is not within 1 to 24 (docs.slack.dev/reference/views/modal-views)
            modal/private_metadata: 3001 is not within 0 to 3000 (docs.slack.dev/reference/views/modal-views)
            modal/blocks/0/element/initial_value: 3001 is not within 0 to 3000 (docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element)
            a modal with an input needs `submit` (reference/views/modal-views)"#]].assert_eq(&found.join("\n"));
    }

    #[test]
    fn too_many_blocks_and_too_much_text_are_found() {
        let divider = json!({ "type": "divider" });
        assert_eq!(message(json!(vec![divider.clone(); 50])), Vec::<String>::new());
        assert_eq!(message(json!(vec![divider.clone(); 51])).len(), 1);
        let home = |n| violations(Kind::Home, &json!({ "type": "home", "blocks": vec![divider.clone(); n] }));
        assert_eq!((home(100).len(), home(101).len(), home(0).len()), (0, 1, 1));
        let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(2_900) } });
        assert_eq!(message(json!(vec![section.clone(); 4])), Vec::<String>::new());
        assert_eq!(message(json!(vec![section; 5])).len(), 1);
    }
}
