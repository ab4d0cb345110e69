//! From the script's step to an answer that every protocol can write down.

use serde_json::{Value, json};

use super::asked::{Asked, call_id};
use super::script::{Fail, Step, Stop, Tokens};
use super::toolbox::{self, Use};

/// What a request gets.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An answer of the model.
    Whole(Reply),
    /// An answer whose stream breaks in the middle.
    Cut(Reply),
    /// An error of the provider.
    Error(Failure),
    /// Something that is no answer in any protocol.
    Garbage,
    /// Nothing, for as long as the agent waits.
    Silence,
}

/// What the model says and asks for.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Tells this reply from all others.
    pub id: String,
    /// Reasoning.
    pub thought: Option<String>,
    /// Words for the person.
    pub words: Option<String>,
    /// Uses of tools.
    pub calls: Vec<Call>,
    /// Why it ended before its time, if it did; never [`Stop::Context`], which is an error.
    pub stop: Option<Stop>,
    /// What it used.
    pub tokens: Tokens,
}

/// One use of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    /// By which the agent answers; tells the step that comes then.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The group that it belongs to, where it does.
    pub namespace: Option<String>,
    /// An object, or a text for a tool that takes any text.
    pub input: Value,
}

/// An error of the provider.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// The error's own kind, where the script names it.
    pub kind: Option<String>,
    /// What it says.
    pub message: String,
    /// When to come again, in seconds.
    pub retry_after: Option<u64>,
    /// The conversation is longer than the model's window; each protocol has words of its own for that.
    pub is_overflow: bool,
}

impl Answer {
    /// What a step answers; `unique` tells its calls from those of other requests.
    pub fn of_step(step: &Step, n: usize, asked: &Asked, unique: usize) -> Self {
        if let Some(fail) = &step.fail {
            return Self::Error(Failure::of(fail));
        }
        if step.stop == Some(Stop::Context) {
            return Self::Error(Failure::overflow());
        }
        if step.hang {
            return Self::Silence;
        }
        if step.garbage {
            return Self::Garbage;
        }
        let reply = Reply::of_step(step, n, asked, unique);
        if step.cut { Self::Cut(reply) } else { Self::Whole(reply) }
    }

    /// Words alone, which end the turn.
    pub fn words(text: &str, unique: usize) -> Self {
        Self::Whole(Reply { id: unique.to_string(), words: Some(text.to_owned()), ..Reply::default() })
    }

    /// What the agent gets for its own business: short words, or the least JSON of the schema that it wants.
    pub fn aside(asked: &Asked, unique: usize) -> Self {
        match &asked.schema {
            Some(schema) => Self::words(&least_of(schema).to_string(), unique),
            None => Self::words("Fine.", unique),
        }
    }

    /// In one word, for the log.
    pub fn word(&self) -> String {
        match self {
            Self::Whole(reply) if reply.calls.is_empty() => "words".to_owned(),
            Self::Whole(reply) => reply.calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>().join(" "),
            Self::Cut(_) => "cut".to_owned(),
            Self::Error(failure) => failure.status.to_string(),
            Self::Garbage => "garbage".to_owned(),
            Self::Silence => "silence".to_owned(),
        }
    }
}

impl Reply {
    fn of_step(step: &Step, n: usize, asked: &Asked, unique: usize) -> Self {
        let uses: Vec<Use> = step.calls.iter().flat_map(|action| toolbox::uses(action, asked)).collect();
        // A definition that has to be fetched first comes alone, and the step is taken again with it.
        let loads = uses.iter().position(|it| matches!(it, Use::Load(_)));
        let (uses, then) = match loads {
            Some(at) => (&uses[at..=at], n),
            None => (uses.as_slice(), n + 1),
        };
        let mut words: Vec<String> = step.say.iter().cloned().collect();
        let mut calls = Vec::new();
        for (at, one) in uses.iter().enumerate() {
            let id = call_id(then, unique * 100 + at);
            let (name, namespace, input) = match one {
                Use::Say(text) => {
                    words.push(text.clone());
                    continue;
                }
                Use::Load(input) => ("ToolSearch".to_owned(), None, input.clone()),
                Use::Call { name, namespace, input } => (name.clone(), namespace.clone(), input.clone()),
            };
            calls.push(Call { id, name, namespace, input });
        }
        Self {
            id: unique.to_string(),
            thought: step.think.clone(),
            words: (!words.is_empty()).then(|| words.join("\n")),
            calls,
            stop: step.stop,
            tokens: step.usage,
        }
    }
}

impl Failure {
    fn of(fail: &Fail) -> Self {
        let message = fail.message.clone().unwrap_or_else(|| format!("the script says {}", fail.status));
        Self {
            status: fail.status,
            kind: fail.kind.clone(),
            message,
            retry_after: fail.retry_after,
            is_overflow: false,
        }
    }

    fn overflow() -> Self {
        let message = "prompt is too long: 250000 tokens > 200000 maximum".to_owned();
        Self { status: 400, kind: None, message, retry_after: None, is_overflow: true }
    }
}

/// The least value that a JSON schema allows.
fn least_of(schema: &Value) -> Value {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or("object").to_lowercase();
    match kind.as_str() {
        "string" => schema.pointer("/enum/0").cloned().unwrap_or_else(|| json!("fine")),
        "integer" | "number" => json!(1),
        "boolean" => json!(false),
        "array" => json!([]),
        _ => {
            let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            Value::Object(fields.map(|(name, schema)| (name.clone(), least_of(schema))).collect())
        }
    }
}
