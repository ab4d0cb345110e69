//! What the model was asked, for tests to look at afterwards.

use std::fmt;

use axum::http::{HeaderMap, Method, Uri};
use serde_json::Value;

use super::asked::{Asked, Entry, Place};
use super::script::Script;

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// `POST /v1/messages`.
    pub line: String,
    /// With what it came.
    pub headers: HeaderMap,
    /// What it carried; null where that was no JSON.
    pub body: Value,
    /// The model that was asked for; empty where the request is for none.
    pub model: String,
    /// The newest words of a person in it.
    pub prompt: String,
    /// What came of the calls in it, oldest first.
    pub results: Vec<String>,
    /// The words of the script's task that it belongs to; none where the agent asked for itself.
    pub task: Option<String>,
    /// Whether a plan was asked for.
    pub plans: bool,
    /// The number of the step, from 0.
    pub step: usize,
    /// What it was answered, in a word: names of tools, `words`, a status.
    pub answered: String,
}

impl Heard {
    pub(super) fn new(method: &Method, uri: &Uri, headers: HeaderMap, body: &[u8]) -> Self {
        let body = serde_json::from_slice(body).unwrap_or_default();
        Self { line: format!("{method} {}", uri.path()), headers, body, ..Self::default() }
    }

    pub(super) fn place(&mut self, asked: &Asked, place: Option<Place<'_>>, script: &Script) {
        self.model.clone_from(&asked.model);
        self.prompt = asked.prompts().last().unwrap_or_default().to_owned();
        self.results = asked
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Result { text, .. } => Some(text.clone()),
                Entry::Context(_) | Entry::Prompt(_) | Entry::Words => None,
            })
            .collect();
        if let Some(place) = place {
            self.task = Some(script.tasks[place.task].says.clone());
            self.plans = place.plans;
            self.step = place.n;
        }
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The key, in whichever header the protocol has it.
    pub fn key(&self) -> &str {
        let bare =
            ["x-api-key", "x-goog-api-key"].into_iter().map(|name| self.header(name)).find(|key| !key.is_empty());
        bare.unwrap_or_else(|| self.header("authorization").trim_start_matches("Bearer "))
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line)?;
        if let Some(task) = &self.task {
            write!(f, "  {task:?} {} step {}", if self.plans { "plan" } else { "work" }, self.step)?;
        }
        write!(f, "  → {}", self.answered)
    }
}
