//! GitHub's own description of its API: the routes that are used, and an example of each answer.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::peers;

/// Where it is, if it is installed.
pub(super) fn place() -> Option<PathBuf> {
    peers::installed("github/node_modules/@octokit/openapi/generated/api.github.com.json")
}

/// The description.
pub(super) struct Book(Value);

impl Book {
    pub(super) fn open() -> Self {
        let text = std::fs::read_to_string(place().expect("it is installed")).expect("it can be read");
        Self(serde_json::from_str(&text).expect("it is JSON"))
    }

    /// An example of an answer, as the description gives it.
    pub(super) fn example(&self, name: &str) -> Value {
        let value = &self.0["components"]["examples"][name]["value"];
        assert!(!value.is_null(), "the description has no example `{name}`");
        value.clone()
    }

    /// The description of these routes alone: all of it is more than the proxy bears.
    pub(super) fn of_routes(mut self, routes: &[&str]) -> Value {
        let all = self.0["paths"].take();
        let kept = routes.iter().map(|route| {
            assert!(!all[*route].is_null(), "the description has no route `{route}`");
            ((*route).to_owned(), all[*route].clone())
        });
        self.0["paths"] = Value::Object(kept.collect());
        if let Some(book) = self.0.as_object_mut() {
            book.remove("x-webhooks");
            book.insert("servers".to_owned(), json!([{ "url": "http://127.0.0.1" }]));
        }
        self.0
    }
}

/// Puts values into an example, each at its path: `head/sha`.
pub(super) fn filled(mut example: Value, values: &[(&str, Value)]) -> Value {
    for (path, value) in values {
        let mut at = &mut example;
        for key in path.split('/') {
            at = match key.parse::<usize>() {
                Ok(n) => &mut at[n],
                Err(_) => &mut at[key],
            };
        }
        *at = value.clone();
    }
    example
}
