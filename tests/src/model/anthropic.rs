//! The Anthropic Messages API: what Claude Code speaks.

use serde_json::{Value, json};

use super::answer::{Failure, Reply};
use super::asked::{Asked, Entry, Tool, text_of, texts};
use super::script::Stop;

/// Reads the body of `POST /v1/messages`.
pub fn read(body: &Value) -> Asked {
    let mut asked = Asked {
        model: text_of(&body["model"]),
        streams: body["stream"] == true,
        tools: body["tools"].as_array().into_iter().flatten().map(tool).collect(),
        schema: body.pointer("/output_config/format/schema").cloned(),
        ..Asked::default()
    };
    for block in blocks(&body["system"]) {
        asked.entries.push(Entry::Context(text_of(&block["text"])));
    }
    for message in body["messages"].as_array().into_iter().flatten() {
        for block in blocks(&message["content"]) {
            match (message["role"].as_str(), block["type"].as_str()) {
                (Some("user"), Some("text")) => asked.hear(&text_of(&block["text"])),
                (Some("user"), Some("tool_result")) => {
                    let text = texts(&block["content"]).join("\n");
                    asked.entries.push(Entry::Result { id: text_of(&block["tool_use_id"]), text });
                }
                (Some("assistant"), Some("text")) => asked.entries.push(Entry::Words),
                // Newer releases put what they say of themselves between the messages, and what a person said meanwhile.
                (Some("system"), _) => match said_meanwhile(&text_of(&block["text"])) {
                    Some(words) => asked.hear(words),
                    None => asked.entries.push(Entry::Context(text_of(&block["text"]))),
                },
                _ => {}
            }
        }
    }
    asked
}

/// The person's words in what Claude Code tells of a message that came in the middle of a turn.
fn said_meanwhile(note: &str) -> Option<&str> {
    let words = note.strip_prefix("The user sent a new message while you were working:\n")?;
    words.split("\n\nThis is how").next()
}

fn tool(tool: &Value) -> Tool {
    Tool { name: text_of(&tool["name"]), namespace: None, schema: tool["input_schema"].clone() }
}

/// Contents are a text or a list of blocks.
fn blocks(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![json!({ "type": "text", "text": text })],
        Value::Array(blocks) => blocks.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// The answer in one piece.
pub fn whole(reply: &Reply, asked: &Asked) -> Value {
    let mut message = head(reply, asked);
    message["content"] = content(reply).into();
    message["stop_reason"] = stop_reason(reply).into();
    message["usage"]["output_tokens"] = reply.tokens.output.into();
    message
}

/// The answer as server-sent events, each with its name.
pub fn events(reply: &Reply, asked: &Asked) -> Vec<Value> {
    let mut events = vec![json!({ "type": "message_start", "message": head(reply, asked) })];
    for (index, block) in content(reply).into_iter().enumerate() {
        let (begun, deltas) = streamed(block);
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": begun }));
        let deltas = deltas.into_iter();
        events.extend(deltas.map(|delta| json!({ "type": "content_block_delta", "index": index, "delta": delta })));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    let stopped = json!({ "stop_reason": stop_reason(reply), "stop_sequence": null });
    let usage = json!({ "output_tokens": reply.tokens.output });
    events.push(json!({ "type": "message_delta", "delta": stopped, "usage": usage }));
    events.push(json!({ "type": "message_stop" }));
    events
}

/// A block as it begins, and what is added to it until it is whole.
fn streamed(mut block: Value) -> (Value, Vec<Value>) {
    let deltas = match block["type"].as_str() {
        Some("thinking") => vec![
            json!({ "type": "thinking_delta", "thinking": block["thinking"].take() }),
            json!({ "type": "signature_delta", "signature": block["signature"].take() }),
        ],
        Some("text") => vec![json!({ "type": "text_delta", "text": block["text"].take() })],
        _ => vec![json!({ "type": "input_json_delta", "partial_json": block["input"].take().to_string() })],
    };
    for field in ["thinking", "signature", "text"] {
        if block.get(field).is_some() {
            block[field] = "".into();
        }
    }
    if block.get("input").is_some() {
        block["input"] = json!({});
    }
    (block, deltas)
}

fn head(reply: &Reply, asked: &Asked) -> Value {
    json!({
        "id": format!("msg_{}", reply.id), "type": "message", "role": "assistant", "model": asked.model,
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {
            "input_tokens": reply.tokens.input, "output_tokens": 1,
            "cache_read_input_tokens": reply.tokens.cache_read, "cache_creation_input_tokens": reply.tokens.cache_write,
        },
    })
}

fn content(reply: &Reply) -> Vec<Value> {
    let thought =
        reply.thought.iter().map(|text| json!({ "type": "thinking", "thinking": text, "signature": "c2NyaXB0" }));
    let words = reply.words.iter().map(|text| json!({ "type": "text", "text": text }));
    let calls = reply.calls.iter();
    let calls = calls.map(|call| json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.input }));
    thought.chain(words).chain(calls).collect()
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.stop {
        Some(Stop::MaxTokens) => "max_tokens",
        Some(Stop::Refusal) => "refusal",
        Some(Stop::Context) | None if reply.calls.is_empty() => "end_turn",
        Some(Stop::Context) | None => "tool_use",
    }
}

/// An error's body.
pub fn error(failure: &Failure) -> Value {
    let usual = match failure.status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    };
    let kind = failure.kind.as_deref().unwrap_or(usual);
    json!({ "type": "error", "error": { "type": kind, "message": failure.message }, "request_id": "req_script" })
}
