//! Whether blocks are as Slack wants them: what it published of kinds, counts and lengths, as a judge of its own.

use std::collections::BTreeSet;

use serde_json::Value;

/// Where blocks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// In a message.
    Message,
    /// In a modal.
    Modal,
    /// In the home tab.
    Home,
}

/// The blocks that only workspaces with agents have.
const NATIVE: [&str; 2] = ["plan", "task_card"];
/// The other blocks, and which elements stand in them by themselves.
const BLOCKS: [&str; 18] = [
    "actions",
    "alert",
    "call",
    "card",
    "carousel",
    "container",
    "context",
    "context_actions",
    "divider",
    "file",
    "header",
    "image",
    "input",
    "markdown",
    "rich_text",
    "section",
    "table",
    "video",
];
/// What may stand among actions, beside sections and in inputs.
const ELEMENTS: [&str; 27] = [
    "button",
    "channels_select",
    "checkboxes",
    "conversations_select",
    "datepicker",
    "datetimepicker",
    "email_text_input",
    "external_select",
    "feedback_buttons",
    "file_input",
    "icon_button",
    "image",
    "multi_channels_select",
    "multi_conversations_select",
    "multi_external_select",
    "multi_static_select",
    "multi_users_select",
    "number_input",
    "overflow",
    "plain_text_input",
    "radio_buttons",
    "rich_text_input",
    "static_select",
    "timepicker",
    "url_text_input",
    "users_select",
    "workflow_button",
];
/// Characters in all markdown blocks of a message.
const MARKDOWN_MAX: usize = 12_000;

/// What is wrong, each with the place where it is.
pub fn faults(blocks: &[Value], surface: Surface, is_native: bool) -> Vec<String> {
    let mut judge = Judge { surface, is_native, faults: Vec::new(), action_ids: BTreeSet::new() };
    let most = if surface == Surface::Message { 50 } else { 100 };
    if blocks.len() > most {
        judge.fault("/blocks", &format!("no more than {most} items allowed"));
    }
    let mut block_ids = BTreeSet::new();
    for (n, block) in blocks.iter().enumerate() {
        let place = format!("/blocks/{n}");
        judge.block(block, &place);
        if let Some(id) = block["block_id"].as_str().filter(|id| !block_ids.insert(id.to_owned())) {
            judge.fault(&place, &format!("`block_id` {id} already exists for another block"));
        }
    }
    let n_markdown: usize = blocks.iter().filter(|it| it["type"] == "markdown").map(|it| length(&it["text"])).sum();
    if n_markdown > MARKDOWN_MAX {
        judge.fault("/blocks", &format!("must be less than {} characters of markdown", MARKDOWN_MAX + 1));
    }
    judge.faults
}

struct Judge {
    surface: Surface,
    is_native: bool,
    faults: Vec<String>,
    action_ids: BTreeSet<String>,
}

impl Judge {
    fn fault(&mut self, place: &str, what: &str) {
        self.faults.push(format!("{what} [json-pointer:{place}]"));
    }

    fn block(&mut self, block: &Value, place: &str) {
        let kind = block["type"].as_str().unwrap_or_default();
        let is_known = BLOCKS.contains(&kind) || self.is_native && NATIVE.contains(&kind);
        if !is_known {
            return self.fault(place, &format!("unsupported type: {kind}"));
        }
        self.id(block, "block_id", place);
        match kind {
            "section" => self.section(block, place),
            "header" => self.words(&block["text"], 150, true, &format!("{place}/text")),
            "actions" => self.elements(block, place, 25),
            "context" => self.context(block, place),
            "context_actions" => self.elements(block, place, 5),
            "input" => self.input(block, place),
            "image" => self.image(block, place),
            "markdown" => self.length(&block["text"], 1..=MARKDOWN_MAX, &format!("{place}/text")),
            "table" => self.table(block, place),
            "card" => self.length(&block["title"]["text"], 0..=150, &format!("{place}/title")),
            "plan" => self.plan(block, place),
            "task_card" => self.task(block, place),
            _ => {}
        }
    }

    fn section(&mut self, block: &Value, place: &str) {
        let fields = block["fields"].as_array();
        if block["text"].is_null() && fields.is_none() {
            self.fault(place, "missing required field: text or fields");
        }
        if !block["text"].is_null() {
            self.words(&block["text"], 3_000, false, &format!("{place}/text"));
        }
        if fields.is_some_and(|fields| fields.is_empty() || fields.len() > 10) {
            self.fault(&format!("{place}/fields"), "must have between 1 and 10 items");
        }
        for (n, field) in fields.into_iter().flatten().enumerate() {
            self.words(field, 2_000, false, &format!("{place}/fields/{n}"));
        }
        if !block["accessory"].is_null() {
            self.element(&block["accessory"], &format!("{place}/accessory"));
        }
    }

    fn context(&mut self, block: &Value, place: &str) {
        let elements = block["elements"].as_array().cloned().unwrap_or_default();
        if elements.is_empty() || elements.len() > 10 {
            self.fault(&format!("{place}/elements"), "must have between 1 and 10 items");
        }
        for (n, element) in elements.iter().enumerate() {
            let place = format!("{place}/elements/{n}");
            match element["type"].as_str() {
                Some("image") => self.image(element, &place),
                _ => self.words(element, 3_000, false, &place),
            }
        }
    }

    fn elements(&mut self, block: &Value, place: &str, most: usize) {
        let elements = block["elements"].as_array().cloned().unwrap_or_default();
        if elements.is_empty() || elements.len() > most {
            self.fault(&format!("{place}/elements"), &format!("must have between 1 and {most} items"));
        }
        for (n, element) in elements.iter().enumerate() {
            self.element(element, &format!("{place}/elements/{n}"));
        }
    }

    fn input(&mut self, block: &Value, place: &str) {
        if self.surface == Surface::Message && block["element"]["type"] == "file_input" {
            self.fault(place, "file inputs stand in modals");
        }
        self.words(&block["label"], 2_000, true, &format!("{place}/label"));
        if !block["hint"].is_null() {
            self.words(&block["hint"], 2_000, true, &format!("{place}/hint"));
        }
        self.element(&block["element"], &format!("{place}/element"));
    }

    fn image(&mut self, block: &Value, place: &str) {
        self.length(&block["alt_text"], 1..=2_000, &format!("{place}/alt_text"));
        if block["slack_file"].is_null() {
            self.length(&block["image_url"], 1..=3_000, &format!("{place}/image_url"));
        }
    }

    fn table(&mut self, block: &Value, place: &str) {
        let rows = block["rows"].as_array().cloned().unwrap_or_default();
        let is_wide = |row: &Value| row.as_array().is_none_or(|cells| cells.len() > 20);
        if rows.is_empty() || rows.len() > 100 || rows.iter().any(is_wide) {
            self.fault(&format!("{place}/rows"), "must have between 1 and 100 rows of at most 20 cells");
        }
    }

    fn plan(&mut self, block: &Value, place: &str) {
        self.length(&block["title"], 1..=256, &format!("{place}/title"));
        for (n, task) in block["tasks"].as_array().into_iter().flatten().enumerate() {
            self.task(task, &format!("{place}/tasks/{n}"));
        }
    }

    fn task(&mut self, task: &Value, place: &str) {
        self.length(&task["task_id"], 1..=255, &format!("{place}/task_id"));
        self.length(&task["title"], 1..=256, &format!("{place}/title"));
        let statuses = ["pending", "in_progress", "complete", "error"];
        if !task["status"].as_str().is_some_and(|status| statuses.contains(&status)) {
            self.fault(&format!("{place}/status"), "must be a valid enum value");
        }
        for name in ["details", "output"] {
            if !task[name].is_null() && task[name]["type"] != "rich_text" {
                self.fault(&format!("{place}/{name}"), "must be rich text");
            }
        }
    }

    fn element(&mut self, element: &Value, place: &str) {
        let kind = element["type"].as_str().unwrap_or_default();
        if !ELEMENTS.contains(&kind) {
            return self.fault(place, &format!("unsupported type: {kind}"));
        }
        self.id(element, "action_id", place);
        if let Some(id) = element["action_id"].as_str().map(str::to_owned)
            && !self.action_ids.insert(format!("{}{id}", block_of(place)))
        {
            self.fault(place, &format!("`action_id` {id} already exists for another element of the block"));
        }
        if kind == "button" {
            self.words(&element["text"], 75, true, &format!("{place}/text"));
            self.length(&element["value"], 0..=2_000, &format!("{place}/value"));
            self.length(&element["url"], 0..=3_000, &format!("{place}/url"));
            self.choice(element, "style", &["primary", "danger"], place);
        }
        if kind == "plain_text_input" {
            self.length(&element["initial_value"], 0..=3_000, &format!("{place}/initial_value"));
            self.length(&element["placeholder"]["text"], 0..=150, &format!("{place}/placeholder"));
        }
        self.options(element, kind, place);
        self.confirmation(&element["confirm"], place);
    }

    fn options(&mut self, element: &Value, kind: &str, place: &str) {
        let most = match kind {
            "overflow" => 5,
            "checkboxes" | "radio_buttons" => 10,
            _ => 100,
        };
        let wants = ["overflow", "checkboxes", "radio_buttons"].contains(&kind)
            || kind.ends_with("static_select") && element["option_groups"].is_null();
        let options = element["options"].as_array();
        if options.is_some_and(|options| options.is_empty() || options.len() > most) || wants && options.is_none() {
            self.fault(&format!("{place}/options"), &format!("must have between 1 and {most} items"));
        }
        for (n, option) in options.into_iter().flatten().enumerate() {
            let place = format!("{place}/options/{n}");
            self.words(&option["text"], 75, false, &format!("{place}/text"));
            self.length(&option["value"], 1..=150, &format!("{place}/value"));
            self.length(&option["description"]["text"], 0..=75, &format!("{place}/description"));
        }
    }

    fn confirmation(&mut self, confirm: &Value, place: &str) {
        if confirm.is_null() {
            return;
        }
        self.words(&confirm["title"], 100, true, &format!("{place}/confirm/title"));
        self.words(&confirm["text"], 300, false, &format!("{place}/confirm/text"));
        self.words(&confirm["confirm"], 30, true, &format!("{place}/confirm/confirm"));
        self.words(&confirm["deny"], 30, true, &format!("{place}/confirm/deny"));
    }

    /// A text object: its kind, and how long its text may be.
    fn words(&mut self, text: &Value, most: usize, is_plain: bool, place: &str) {
        let kinds: &[&str] = if is_plain { &["plain_text"] } else { &["plain_text", "mrkdwn"] };
        if !text["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
            return self.fault(place, &format!("missing required field: a text of type {}", kinds.join(" or ")));
        }
        self.length(&text["text"], 1..=most, &format!("{place}/text"));
    }

    fn id(&mut self, value: &Value, name: &str, place: &str) {
        self.length(&value[name], 0..=255, &format!("{place}/{name}"));
    }

    fn choice(&mut self, value: &Value, name: &str, choices: &[&str], place: &str) {
        if value[name].as_str().is_some_and(|chosen| !choices.contains(&chosen)) {
            self.fault(&format!("{place}/{name}"), "must be a valid enum value");
        }
    }

    fn length(&mut self, text: &Value, allowed: std::ops::RangeInclusive<usize>, place: &str) {
        let length = length(text);
        if length > *allowed.end() {
            self.fault(place, &format!("must be less than {} characters", allowed.end() + 1));
        }
        if length < *allowed.start() {
            self.fault(place, "must be more than 0 characters");
        }
    }
}

fn length(text: &Value) -> usize {
    text.as_str().map_or(0, |text| text.chars().count())
}

/// The block in which an element stands: action ids are told apart within one.
fn block_of(place: &str) -> &str {
    let end = place.match_indices('/').nth(2).map_or(place.len(), |(at, _)| at);
    &place[..end]
}

/// What is wrong with a modal or a home tab.
pub fn view_faults(view: &Value, is_native: bool) -> Vec<String> {
    let surface = match view["type"].as_str() {
        Some("modal") => Surface::Modal,
        Some("home") => Surface::Home,
        _ => return vec!["must be a valid enum value [json-pointer:/view/type]".to_owned()],
    };
    let Some(blocks) = view["blocks"].as_array() else {
        return vec!["missing required field: blocks [json-pointer:/view]".to_owned()];
    };
    let mut found = faults(blocks, surface, is_native);
    let mut judge = Judge { surface, is_native, faults: Vec::new(), action_ids: BTreeSet::new() };
    if surface == Surface::Modal {
        judge.words(&view["title"], 24, true, "/view/title");
        for name in ["submit", "close"].into_iter().filter(|name| !view[*name].is_null()) {
            judge.words(&view[name], 24, true, &format!("/view/{name}"));
        }
        if view["submit"].is_null() && blocks.iter().any(|block| block["type"] == "input") {
            judge.fault("/view/submit", "missing required field: submit");
        }
    }
    judge.length(&view["private_metadata"], 0..=3_000, "/view/private_metadata");
    judge.length(&view["callback_id"], 0..=255, "/view/callback_id");
    found.append(&mut judge.faults);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults_of(block: Value) -> Vec<String> {
        faults(&[block], Surface::Message, false)
    }

    #[test]
    fn each_rule_finds_its_bad_example() {
        let button = |label: &str, id: &str| json!({ "type": "button", "action_id": id, "text": { "type": "plain_text", "text": label } });
        let long = "x".repeat(3_001);
        for bad in [
            json!({ "type": "plan", "title": "x" }),
            json!({ "type": "hologram" }),
            json!({ "type": "section" }),
            json!({ "type": "section", "text": { "type": "mrkdwn", "text": long } }),
            json!({ "type": "header", "text": { "type": "mrkdwn", "text": "x" } }),
            json!({ "type": "actions", "elements": [] }),
            json!({ "type": "actions", "elements": [button("a", "1"), button("b", "1")] }),
            json!({ "type": "actions", "elements": [button(&"x".repeat(76), "1")] }),
            json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": "" }] }),
            json!({ "type": "markdown", "text": "x".repeat(12_001) }),
        ] {
            assert!(!faults_of(bad.clone()).is_empty(), "{bad}");
        }
    }

    #[test]
    fn two_blocks_may_have_elements_of_the_same_name() {
        let one = |label: &str| {
            let button = json!({ "type": "button", "action_id": "a", "text": { "type": "plain_text", "text": label } });
            json!({ "type": "actions", "elements": [button] })
        };
        assert_eq!(faults(&[one("x"), one("y")], Surface::Message, false), [""; 0]);
    }
}
