//! The modals: what a choice asks for, and the task that is made of a message. Pure: a view out, a command back.
//!
//! A form carries the command that it completes in its metadata, which Slack gives back unchanged and shows to nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kit::{clean, context, cut, line, plain};
use super::limits::{INPUT_MAX, OPTIONS_MAX, VIEW_BLOCKS_MAX, VIEW_BYTES_MAX};
use crate::chat::messenger::{Asks, Choice};
use crate::config::Config;

/// How long a modal's title and its buttons may be (reference/views/modal-views).
const TITLE_MAX: usize = 24;
/// How long a field's label is; Slack takes more, and nobody reads it.
const LABEL_MAX: usize = 150;
/// How long a command is where it is shown for people to say.
const SAYS_MAX: usize = 200;
/// How many steps have a field of their own: two blocks each, without those at the end.
const STEPS_MAX: usize = (VIEW_BLOCKS_MAX - 5) / 2;
/// How many bytes of fields they may have together: what a view may have, without the rest of it.
const STEPS_BYTES_MAX: usize = VIEW_BYTES_MAX - 40_000;
/// The block of words.
const WORDS: &str = "words";
/// The block of further steps.
const MORE: &str = "more";
/// The block of constraints.
const CONSTRAINTS: &str = "constraints";
/// The block of paths that are not to be touched.
const KEEP_OUT: &str = "keep_out";
/// The block of a repository.
const REPO: &str = "repo";
/// The block of an agent.
const AGENT: &str = "agent";

/// What a form carries.
#[derive(Serialize, Deserialize)]
struct Carried {
    /// What whoever opened it wants back.
    metadata: String,
    /// The command that it completes.
    says: String,
}

/// What a task can be started with.
#[derive(Clone, Debug, Default)]
pub struct Startable {
    /// The name by which people call.
    pub mention: String,
    /// The repositories to choose from; nothing is asked where there is one.
    pub repos: Vec<String>,
    /// The agents to choose from.
    pub agents: Vec<String>,
}

impl Startable {
    /// What a config has.
    pub fn of(config: &Config) -> Self {
        let repos = config.repos.keys().map(ToString::to_string).collect();
        Self { mention: config.mention.clone(), repos, agents: config.agents.keys().cloned().collect() }
    }
}

/// The form of a choice that asks for something. `metadata` comes back with [`said`]; with the command it has at most
/// 3,000 characters.
pub fn view(choice: &Choice, metadata: &str) -> Value {
    match &choice.asks {
        Asks::Nothing => modal(&choice.label, ("confirm", "Yes"), (metadata, &choice.says), vec![words("", "")]),
        Asks::Words { prompt } => {
            modal(&choice.label, ("words", "Send"), (metadata, &choice.says), vec![words(prompt, "")])
        }
        Asks::Steps { steps } => {
            modal(&choice.label, ("steps", "Save plan"), (metadata, &choice.says), step_fields(steps))
        }
    }
}

/// What is shown in place of a form that Slack would not take: how to say the same in words.
pub fn in_words(says: &str) -> Value {
    let how = format!("This is too much for a form. Say it in the thread: {} …", cut(&line(says), SAYS_MAX));
    json!({
        "type": "modal",
        "callback_id": "in_words",
        "title": plain("In words, please"),
        "close": plain("Close"),
        "blocks": [{ "type": "section", "text": plain(&how) }],
    })
}

/// The form that makes a task of a message, with the message as the request to begin with.
pub fn shortcut(text: &str, with: &Startable, metadata: &str) -> Value {
    let mut blocks = vec![words("What should change?", text)];
    blocks.extend(select(REPO, "Repository", &with.repos));
    blocks.extend(select(AGENT, "Agent", &with.agents));
    modal("Start a task", ("start", "Start"), (metadata, &with.mention), blocks)
}

fn modal(title: &str, (id, submit): (&str, &str), (metadata, says): (&str, &str), blocks: Vec<Value>) -> Value {
    let carried = Carried { metadata: metadata.to_owned(), says: says.to_owned() };
    let title = match line(title).trim_end_matches('…') {
        "" => "Downbeat".to_owned(),
        title => cut(title, TITLE_MAX),
    };
    json!({
        "type": "modal",
        "callback_id": id,
        "title": plain(&title),
        "submit": plain(submit),
        "close": plain("Cancel"),
        "private_metadata": serde_json::to_string(&carried).unwrap_or_default(),
        "blocks": blocks,
    })
}

/// A field of several lines. A field of other people's text takes as much as Slack lets anybody write.
fn field(id: &str, label: &str, was: &str) -> Value {
    let label = match line(label) {
        label if label.is_empty() => "Your words".to_owned(),
        label => cut(&label, LABEL_MAX),
    };
    let mut element =
        json!({ "type": "plain_text_input", "action_id": id, "multiline": true, "max_length": INPUT_MAX });
    let was = cut(&clean(was), INPUT_MAX);
    if !was.is_empty() {
        element["initial_value"] = was.into();
    }
    json!({ "type": "input", "block_id": id, "label": plain(&label), "element": element })
}

fn words(prompt: &str, was: &str) -> Value {
    field(WORDS, prompt, was)
}

fn optional(mut field: Value, hint: &str) -> Value {
    field["optional"] = true.into();
    field["hint"] = plain(hint);
    field
}

fn step_fields(steps: &[String]) -> Vec<Value> {
    let mut room = STEPS_BYTES_MAX;
    let fields = (1..).zip(steps.iter().take(STEPS_MAX)).map(|(n, step)| step_field(n, step));
    let fits = |fields: &[Value; 2]| {
        room = room.saturating_sub(fields[0].to_string().len());
        room > 0
    };
    let mut blocks: Vec<_> = fields.take_while(fits).flatten().collect();
    let more = steps.len() - blocks.len() / 2;
    if more > 0 {
        let why =
            format!("The last {more} steps have no room here and would be dropped: say `revise` instead to keep them.");
        blocks.push(context(&why));
    }
    blocks.push(optional(field(MORE, "Add steps", ""), "One a line; they come last."));
    blocks.push(optional(field(CONSTRAINTS, "Constraints", ""), "What holds for all of it."));
    blocks.push(optional(field(KEEP_OUT, "Don't touch", ""), "Paths, with commas or line breaks between them."));
    blocks
}

fn step_field(n: usize, step: &str) -> [Value; 2] {
    let keep = json!({ "text": plain("Keep this step"), "value": "keep" });
    let boxes = json!({ "type": "checkboxes", "action_id": "keep", "options": [keep], "initial_options": [keep] });
    [
        field(&format!("step:{n}"), &format!("Step {n}"), step),
        json!({ "type": "actions", "block_id": format!("keep:{n}"), "elements": [boxes] }),
    ]
}

/// A menu; none where there is nothing to choose.
fn select(id: &str, label: &str, names: &[String]) -> Option<Value> {
    let options: Vec<_> =
        names.iter().take(OPTIONS_MAX).map(|name| json!({ "text": plain(&cut(name, 75)), "value": name })).collect();
    let element = json!({ "type": "static_select", "action_id": id, "options": options });
    let field = json!({ "type": "input", "block_id": id, "optional": true, "label": plain(label), "element": element });
    (names.len() > 1).then_some(field)
}

/// What a form that was sent off says: the metadata that it was opened with, and the whole command; or what is wrong, by
/// the block at which it is shown.
pub fn said(view: &Value) -> Result<(String, String), BTreeMap<String, String>> {
    let carried = view["private_metadata"].as_str().and_then(|text| serde_json::from_str::<Carried>(text).ok());
    // Slack shows an error only at a field that the form has.
    let field =
        view["state"]["values"].as_object().and_then(|fields| fields.keys().next()).map_or(WORDS, String::as_str);
    let missing = || wrong(field, "this form is from an earlier version of the product; close it and click again");
    let Carried { metadata, says } = carried.ok_or_else(missing)?;
    let text = match view["callback_id"].as_str() {
        Some("steps") => edited(view, &says)?,
        Some("start") => format!("{says} {}{}", filled(view, WORDS)?, options(view)),
        _ => format!("{says} {}", filled(view, WORDS)?),
    };
    Ok((metadata, text))
}

fn wrong(block: &str, what: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(block.to_owned(), what.to_owned())])
}

fn value<'a>(view: &'a Value, block: &str) -> &'a str {
    view["state"]["values"][block][block]["value"].as_str().unwrap_or_default().trim()
}

fn filled(view: &Value, block: &str) -> Result<String, BTreeMap<String, String>> {
    match value(view, block) {
        "" => Err(wrong(block, "say it in a few words")),
        text => Ok(text.to_owned()),
    }
}

/// The options of a request, as people write them.
fn options(view: &Value) -> String {
    let chosen = |id: &str| {
        let value = view["state"]["values"][id][id]["selected_option"]["value"].as_str()?;
        Some(format!(" {id}={value}"))
    };
    [REPO, AGENT].into_iter().filter_map(chosen).collect()
}

/// The command that replaces a plan's steps: one a line, then what holds for all of them.
fn edited(view: &Value, says: &str) -> Result<String, BTreeMap<String, String>> {
    let mut lines = vec![says.to_owned()];
    for n in (1..).take_while(|n| !view["state"]["values"][format!("step:{n}")].is_null()) {
        let block = format!("step:{n}");
        match (is_kept(view, n), line(value(view, &block))) {
            (true, text) if text.is_empty() => {
                return Err(wrong(&block, "say what this step does, or take its tick away"));
            }
            (true, text) => lines.push(as_step(text)),
            (false, _) => {}
        }
    }
    let more = value(view, MORE).lines().map(line).filter(|step| !step.is_empty());
    lines.extend(more.map(as_step));
    if lines.len() == 1 {
        return Err(wrong(MORE, "a plan has at least one step; keep one, or close this and reject the plan"));
    }
    let constraints = line(value(view, CONSTRAINTS));
    lines.extend((!constraints.is_empty()).then(|| format!("constraints: {constraints}")));
    let paths: Vec<_> = value(view, KEEP_OUT).split(['\n', ',']).map(line).filter(|path| !path.is_empty()).collect();
    lines.extend((!paths.is_empty()).then(|| format!("keep out: {}", paths.join(", "))));
    Ok(lines.join("\n"))
}

/// A form without the box has the step: the box alone drops it.
fn is_kept(view: &Value, n: usize) -> bool {
    let boxes = &view["state"]["values"][format!("keep:{n}")]["keep"]["selected_options"];
    boxes.as_array().is_none_or(|ticked| !ticked.is_empty())
}

/// A step that would read as one of the last lines of the command is a sentence instead.
fn as_step(text: String) -> String {
    let reads_as = |name: &str| text.to_lowercase().starts_with(name);
    if reads_as("constraints:") || reads_as("keep out:") { format!("Mind the {text}") } else { text }
}

#[cfg(test)]
mod tests;
