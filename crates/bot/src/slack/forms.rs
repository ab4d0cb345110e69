//! Stub.
use crate::chat::messenger::Choice;
use serde_json::Value;
use std::collections::BTreeMap;
/// View.
pub fn view(choice: &Choice, metadata: &str) -> Value {
    serde_json::json!({"title": choice.label, "private_metadata": metadata})
}
/// Shortcut.
pub fn shortcut(text: &str, mention: &str, metadata: &str) -> Value {
    serde_json::json!({"title": text, "m": mention, "private_metadata": metadata})
}
/// Said.
pub fn said(view: &Value) -> Result<(String, String), BTreeMap<String, String>> {
    Ok((view["private_metadata"].as_str().unwrap_or_default().to_owned(), String::new()))
}
