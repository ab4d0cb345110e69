//! The list of keys as a JSON Schema, for editors that complete and check as one types.

use serde_json::{Map, Value, json};

use super::key::{Absent, Form, Key};
use super::keys::ROOT;
use super::reading::default_of;

/// The whole schema, in the dialect 2020-12.
pub fn schema() -> Value {
    let mut schema = object(ROOT);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Downbeat's configuration");
    schema
}

fn object(keys: &'static [Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let needed: Vec<&str> = keys.iter().filter(|key| key.is_needed_by("")).map(|key| key.name).collect();
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !needed.is_empty() {
        object["required"] = json!(needed);
    }
    let by_kind = kinds(keys);
    if !by_kind.is_empty() {
        object["allOf"] = json!(by_kind);
    }
    object
}

/// For each kind the keys that it needs, and those of other kinds that it does not have.
fn kinds(keys: &'static [Key]) -> Vec<Value> {
    let kinds = keys.iter().find(|key| key.name == "kind").map(|key| key.form);
    let Some(Form::Choice(kinds)) = kinds else { return Vec::new() };
    let of_kind = |kind: &&str| {
        let needed = keys.iter().filter(|key| !key.kinds.is_empty() && key.is_needed_by(kind));
        let needed: Vec<&str> = needed.map(|key| key.name).collect();
        let others = keys.iter().filter(|key| !key.fits_kind(kind));
        let others: Map<String, Value> = others.map(|key| (key.name.to_owned(), json!(false))).collect();
        json!({
            "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
            "then": { "required": needed, "properties": others },
        })
    };
    kinds.iter().map(of_kind).collect()
}

fn property(key: &Key) -> Value {
    let mut property = form(key.form);
    property["description"] = json!(key.why);
    if let Absent::Default(written) = key.absent {
        property["default"] = json!(default_of(written));
    }
    property
}

fn form(of: Form) -> Value {
    match of {
        Form::Text(_) => json!({ "type": "string" }),
        Form::Secret(_) | Form::Password(_) => {
            json!({ "anyOf": [{ "type": "string" }, pointer("env"), pointer("file")] })
        }
        Form::Flag => json!({ "type": "boolean" }),
        Form::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Form::Choice(choices) => json!({ "enum": choices }),
        Form::List { each, min } => json!({ "type": "array", "items": form(*each), "minItems": min }),
        Form::Variables => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Form::Checks => json!({ "type": "array", "items": check() }),
        Form::Table(keys) => object(keys),
        Form::Named { keys, .. } => json!({ "type": "object", "additionalProperties": object(keys) }),
    }
}

fn pointer(name: &str) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": { name: { "type": "string" } },
        "required": [name],
    })
}

/// A check, as `.downbeat/config.toml` of a repository has it.
fn check() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string" },
            "command": { "type": "string" },
            "timeout": { "type": ["string", "integer"] },
            "retries": { "type": "integer", "minimum": 0 },
        },
        "required": ["name", "command"],
    })
}
