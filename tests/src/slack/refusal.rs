//! How Slack says no: a word, what it needed, and where in the message it looked.

use serde_json::{Value, json};

/// `ok: false`, with one of Slack's own error words.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The word, such as `channel_not_found`.
    pub error: String,
    /// What Slack says beside it.
    more: Value,
}

/// What a method answers: the fields beside `ok: true`, or no.
pub type Answered = Result<Value, Refusal>;

impl Refusal {
    /// The word alone.
    pub fn of(error: &str) -> Self {
        Self { error: error.to_owned(), more: json!({}) }
    }

    /// An argument that is not there.
    pub fn missing(name: &str) -> Self {
        let messages = vec![format!("[ERROR] missing required field: {name}")];
        Self::with_messages("invalid_arguments", messages)
    }

    /// The word, with the faults one by one.
    pub fn with_messages(error: &str, messages: Vec<String>) -> Self {
        Self { error: error.to_owned(), more: json!({ "response_metadata": { "messages": messages } }) }
    }

    /// Blocks that are not as they should be.
    pub fn of_blocks(faults: Vec<String>) -> Self {
        let mut refusal = Self::with_messages("invalid_blocks", faults.clone());
        refusal.more["errors"] = json!(faults);
        refusal
    }

    /// A scope that the token lacks.
    pub fn missing_scope(needed: &str, provided: &str) -> Self {
        Self { error: "missing_scope".to_owned(), more: json!({ "needed": needed, "provided": provided }) }
    }

    /// The whole answer.
    pub fn answer(&self) -> Value {
        let mut answer = json!({ "ok": false, "error": self.error });
        merge(&mut answer, &self.more);
        answer
    }
}

/// Adds the fields of one object to another.
pub fn merge(into: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) {
        into.extend(more.clone());
    }
}
