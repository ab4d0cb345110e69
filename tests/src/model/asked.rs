//! A request as the script sees it: who said what, which tools were answered, what the agent offers.

use serde_json::Value;

use super::script::{Part, Script, Step};

/// What an agent asks of a model, in any of the protocols.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The model's name.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub streams: bool,
    /// The tools that may be used.
    pub tools: Vec<Tool>,
    /// The conversation.
    pub entries: Vec<Entry>,
    /// The answer has to be JSON of this schema.
    pub schema: Option<Value>,
}

/// A tool that the agent offers.
#[derive(Clone, Debug, Default)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The group that it belongs to, where the protocol has groups.
    pub namespace: Option<String>,
    /// The schema of its input; null for one that takes any text.
    pub schema: Value,
}

/// One thing in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// What the agent tells about itself and the place it works in.
    Context(String),
    /// What a person says.
    Prompt(String),
    /// What the model said.
    Words,
    /// What came of a call, by the call's id.
    Result {
        /// The id, where the protocol keeps it.
        id: String,
        /// The tool's answer.
        text: String,
    },
}

/// Where in the script a request is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The task's position in the script.
    pub task: usize,
    /// Whether a plan is asked for.
    pub plans: bool,
    /// The number of the step, from 0.
    pub n: usize,
    /// The step; none when the script is over.
    pub step: Option<&'a Step>,
}

impl Asked {
    /// Adds the words of one message of the user: agents mix their own notes with what a person says.
    pub fn hear(&mut self, text: &str) {
        let said = spoken(text);
        if said.len() < text.trim().len() {
            self.entries.push(Entry::Context(text.to_owned()));
        }
        if !said.is_empty() {
            self.entries.push(Entry::Prompt(said.to_owned()));
        }
    }

    /// What people said, oldest first.
    pub fn prompts(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Prompt(text) => Some(text.as_str()),
            Entry::Context(_) | Entry::Words | Entry::Result { .. } => None,
        })
    }

    /// What the agent tells about itself, oldest first.
    pub fn contexts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Context(text) => Some(text.as_str()),
            Entry::Prompt(_) | Entry::Words | Entry::Result { .. } => None,
        })
    }

    /// Whether this is the agent's own business, such as a title for the conversation: it offers no tools then.
    pub fn is_aside(&self) -> bool {
        self.tools.is_empty() || self.schema.is_some()
    }

    /// Where the agent works, by its own words.
    pub fn cwd(&self) -> &str {
        const MARKS: [(&str, &str); 4] = [
            ("<cwd>", "</cwd>"),
            ("orking directory: ", "\n"),
            ("**Workspace Directories:**\n  - ", "\n"),
            ("Current directory: ", "\n"),
        ];
        let between = |text: &'_ str, (before, after): (&str, &str)| {
            let start = text.find(before)? + before.len();
            let length = text[start..].find(after).unwrap_or(text.len() - start);
            Some(start..start + length)
        };
        let mut found = self.contexts().rev().filter_map(|text| {
            let range = MARKS.iter().find_map(|mark| between(text, *mark))?;
            Some(text[range].trim())
        });
        found.next().unwrap_or_default()
    }

    /// Where the script is, by the newest prompt that it knows and the calls answered since.
    pub fn place<'a>(&self, script: &'a Script) -> Option<Place<'a>> {
        let known = |entry: &Entry| match entry {
            Entry::Prompt(text) => script.task_of(text).map(|task| (task, script.plans(text))),
            Entry::Context(_) | Entry::Words | Entry::Result { .. } => None,
        };
        let newest = self.entries.iter().enumerate().rev();
        let (at, ((task, part), plans)) = newest.filter_map(|(at, entry)| Some((at, known(entry)?))).next()?;
        let n = steps_done(&self.entries[at + 1..]);
        Some(Place { task, plans, n, step: steps_of(part, plans).get(n) })
    }
}

/// A JSON text, or nothing.
pub fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The texts of a content, which is one text or a list of parts.
pub fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(parts) => parts.iter().map(|part| text_of(&part["text"])).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

fn steps_of(part: &Part, plans: bool) -> &[Step] {
    if plans { &part.plan } else { &part.work }
}

/// The id of a call that is answered in step `then`; `unique` keeps calls of one conversation apart.
pub fn call_id(then: usize, unique: usize) -> String {
    format!("call_{then}_{unique}")
}

/// The step that comes after the call with this id, wherever an agent puts the id into one of its own.
fn step_of_call(id: &str) -> Option<usize> {
    let (_, rest) = id.rsplit_once("call_")?;
    rest.split('_').next()?.parse().ok()
}

/// How many steps a conversation has seen. Agents hand the ids of calls back, and those tell; where one makes ids of its
/// own, each run of results is a step. Words that a person answered ended a turn, and that was a step too.
fn steps_done(entries: &[Entry]) -> usize {
    let mut n = 0;
    let mut before: Option<&Entry> = None;
    for entry in entries {
        match entry {
            Entry::Result { id, .. } => match step_of_call(id) {
                Some(then) => n = then,
                None if !matches!(before, Some(Entry::Result { .. })) => n += 1,
                None => {}
            },
            Entry::Prompt(_) if before == Some(&Entry::Words) => n += 1,
            Entry::Prompt(_) | Entry::Context(_) | Entry::Words => {}
        }
        if !matches!(entry, Entry::Context(_)) {
            before = Some(entry);
        }
    }
    n
}

/// What of a message a person said. Agents put their own notes in front in tags, or in phrases of their own.
fn spoken(text: &str) -> &str {
    const NOTES: [&str; 4] = ["[Request interrupted", "Tool loaded.", "# AGENTS.md instructions", "[SYSTEM"];
    let mut rest = text.trim();
    while let Some(inner) = rest.strip_prefix('<') {
        let name: &str = inner.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').next().unwrap_or_default();
        let close = format!("</{name}>");
        if name.is_empty() {
            break;
        }
        rest = rest.find(&close).map_or("", |at| rest[at + close.len()..].trim_start());
    }
    if NOTES.iter().any(|note| rest.starts_with(note)) { "" } else { rest.trim_end() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_an_agent_are_not_a_persons_words() {
        assert_eq!(spoken("<system-reminder>\nPlan <b>\n</system-reminder>\n\nsay <hi>"), "say <hi>");
        assert_eq!(spoken("<environment_context>\n  <cwd>/x</cwd>\n</environment_context>"), "");
        assert_eq!(spoken("[Request interrupted by user for tool use]"), "");
    }

    fn result(id: &str) -> Entry {
        Entry::Result { id: id.to_owned(), text: String::new() }
    }

    #[test]
    fn the_ids_of_calls_tell_the_step() {
        assert_eq!(steps_done(&[Entry::Words, result("call_1_7"), result("call_1_8"), result("bash__call_2_9")]), 2);
        assert_eq!(steps_done(&[result("made up"), result("made up too"), Entry::Words, result("another")]), 2);
    }

    #[test]
    fn words_that_were_answered_were_a_step() {
        assert_eq!(steps_done(&[result("call_1_0"), Entry::Words, Entry::Prompt("go on".to_owned())]), 2);
        assert_eq!(steps_done(&[result("call_1_0"), Entry::Prompt("hurry".to_owned())]), 1);
    }
}
