//! The OpenAI Responses API: what Codex speaks, and Copilot where it is told to.

use serde_json::{Value, json};

use super::answer::{Call, Failure, Reply};
use super::asked::{Asked, Entry, Tool, text_of, texts};
use super::script::Stop;

/// Reads the body of `POST /v1/responses`.
pub fn read(body: &Value) -> Asked {
    let mut asked = Asked {
        model: text_of(&body["model"]),
        streams: body["stream"] == true,
        tools: tools(&body["tools"], None),
        schema: body.pointer("/text/format/schema").cloned(),
        ..Asked::default()
    };
    if let Some(instructions) = body["instructions"].as_str() {
        asked.entries.push(Entry::Context(instructions.to_owned()));
    }
    if let Some(prompt) = body["input"].as_str() {
        asked.hear(prompt);
    }
    for item in body["input"].as_array().into_iter().flatten() {
        read_item(item, &mut asked);
    }
    asked
}

fn read_item(item: &Value, asked: &mut Asked) {
    match (item["type"].as_str().unwrap_or("message"), item["role"].as_str()) {
        ("message", Some("user")) => texts(&item["content"]).iter().for_each(|text| asked.hear(text)),
        ("message", Some("assistant")) => asked.entries.push(Entry::Words),
        ("message", _) => asked.entries.extend(texts(&item["content"]).into_iter().map(Entry::Context)),
        // Newer models of Codex get their tools in the conversation.
        ("additional_tools", _) => asked.tools.extend(tools(&item["tools"], None)),
        ("function_call_output" | "custom_tool_call_output", _) => {
            asked
                .entries
                .push(Entry::Result { id: text_of(&item["call_id"]), text: texts(&item["output"]).join("\n") });
        }
        _ => {}
    }
}

fn tools(list: &Value, namespace: Option<&str>) -> Vec<Tool> {
    let mut tools = Vec::new();
    for tool in list.as_array().into_iter().flatten() {
        let name = text_of(&tool["name"]);
        match tool["type"].as_str() {
            Some("namespace") => tools.extend(self::tools(&tool["tools"], Some(&name))),
            Some("function" | "custom") => {
                tools.push(Tool { name, namespace: namespace.map(str::to_owned), schema: tool["parameters"].clone() });
            }
            _ => {}
        }
    }
    tools
}

/// The answer in one piece.
pub fn whole(reply: &Reply, asked: &Asked) -> Value {
    let mut response = head(reply, asked);
    let cut_short = reply.stop == Some(Stop::MaxTokens);
    response["status"] = if cut_short { "incomplete" } else { "completed" }.into();
    if cut_short {
        response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
    }
    response["output"] = items(reply).into();
    let input = reply.tokens.input + reply.tokens.cache_read;
    response["usage"] = json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": reply.tokens.cache_read },
        "output_tokens": reply.tokens.output, "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": input + reply.tokens.output,
    });
    response
}

/// The answer as server-sent events, each with its name.
pub fn events(reply: &Reply, asked: &Asked) -> Vec<Value> {
    let mut events = vec![
        json!({ "type": "response.created", "response": head(reply, asked) }),
        json!({ "type": "response.in_progress", "response": head(reply, asked) }),
    ];
    for (index, item) in items(reply).into_iter().enumerate() {
        events.extend(streamed(index, &item));
    }
    let response = whole(reply, asked);
    let status = response["status"].as_str().unwrap_or_default();
    events.push(json!({ "type": format!("response.{status}"), "response": response }));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

fn streamed(index: usize, item: &Value) -> Vec<Value> {
    let of_item = |kind: &str, more: Value| {
        let mut event = json!({ "type": format!("response.{kind}"), "output_index": index, "item_id": item["id"] });
        let fields = more.as_object().into_iter().flatten();
        fields.for_each(|(name, value)| event[name] = value.clone());
        event
    };
    let mut begun = item.clone();
    begun["status"] = "in_progress".into();
    let mut pieces = Vec::new();
    match item["type"].as_str() {
        Some("message") => {
            begun["content"] = json!([]);
            let part = &item["content"][0];
            let empty = json!({ "type": "output_text", "text": "", "annotations": [] });
            pieces.push(of_item("content_part.added", json!({ "content_index": 0, "part": empty })));
            pieces.push(of_item("output_text.delta", json!({ "content_index": 0, "delta": part["text"] })));
            pieces.push(of_item("output_text.done", json!({ "content_index": 0, "text": part["text"] })));
            pieces.push(of_item("content_part.done", json!({ "content_index": 0, "part": part })));
        }
        Some("reasoning") => {
            begun["summary"] = json!([]);
            let part = &item["summary"][0];
            let empty = json!({ "type": "summary_text", "text": "" });
            pieces.push(of_item("reasoning_summary_part.added", json!({ "summary_index": 0, "part": empty })));
            pieces.push(of_item("reasoning_summary_text.delta", json!({ "summary_index": 0, "delta": part["text"] })));
            pieces.push(of_item("reasoning_summary_text.done", json!({ "summary_index": 0, "text": part["text"] })));
            pieces.push(of_item("reasoning_summary_part.done", json!({ "summary_index": 0, "part": part })));
        }
        Some("function_call") => {
            begun["arguments"] = "".into();
            pieces.push(of_item("function_call_arguments.delta", json!({ "delta": item["arguments"] })));
            pieces.push(of_item("function_call_arguments.done", json!({ "arguments": item["arguments"] })));
        }
        _ => {
            begun["input"] = "".into();
            pieces.push(of_item("custom_tool_call_input.delta", json!({ "delta": item["input"] })));
            pieces.push(of_item("custom_tool_call_input.done", json!({ "input": item["input"] })));
        }
    }
    let added = json!({ "type": "response.output_item.added", "output_index": index, "item": begun });
    let done = json!({ "type": "response.output_item.done", "output_index": index, "item": item });
    std::iter::once(added).chain(pieces).chain([done]).collect()
}

fn head(reply: &Reply, asked: &Asked) -> Value {
    json!({
        "id": format!("resp_{}", reply.id), "object": "response", "created_at": 1_800_000_000, "status": "in_progress",
        "model": asked.model, "output": [], "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": null,
    })
}

fn items(reply: &Reply) -> Vec<Value> {
    let thought = reply.thought.iter().map(|text| {
        let summary = [json!({ "type": "summary_text", "text": text })];
        json!({ "type": "reasoning", "id": format!("rs_{}", reply.id), "summary": summary, "encrypted_content": "script" })
    });
    let words = reply.words.iter().map(|text| {
        let content = [match reply.stop {
            Some(Stop::Refusal) => json!({ "type": "refusal", "refusal": text }),
            Some(Stop::MaxTokens | Stop::Context) | None => {
                json!({ "type": "output_text", "text": text, "annotations": [] })
            }
        }];
        json!({
            "type": "message", "id": format!("msg_{}", reply.id), "role": "assistant", "status": "completed",
            "content": content,
        })
    });
    thought.chain(words).chain(reply.calls.iter().map(call_item)).collect()
}

fn call_item(call: &Call) -> Value {
    let mut item = match &call.input {
        Value::String(text) => json!({ "type": "custom_tool_call", "input": text }),
        input => json!({ "type": "function_call", "arguments": input.to_string() }),
    };
    item["id"] = format!("fc_{}", call.id).into();
    item["call_id"] = call.id.as_str().into();
    item["name"] = call.name.as_str().into();
    item["status"] = "completed".into();
    if let Some(namespace) = &call.namespace {
        item["namespace"] = namespace.as_str().into();
    }
    item
}

/// An error's body; the Chat Completions API has the same.
pub fn error(failure: &Failure) -> Value {
    let (kind, code) = match failure.status {
        _ if failure.is_overflow => ("invalid_request_error", Some("context_length_exceeded")),
        401 => ("invalid_request_error", Some("invalid_api_key")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..500 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    let kind = failure.kind.as_deref().unwrap_or(kind);
    let code = failure.kind.as_deref().or(code);
    json!({ "error": { "message": failure.message, "type": kind, "param": null, "code": code } })
}
