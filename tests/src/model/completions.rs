//! The OpenAI Chat Completions API: what OpenCode speaks, and whatever else is compatible.

use serde_json::{Value, json};

use super::answer::{Call, Reply};
use super::asked::{Asked, Entry, Tool, text_of, texts};
use super::script::Stop;

/// Reads the body of `POST /v1/chat/completions`.
pub fn read(body: &Value) -> Asked {
    let mut asked = Asked {
        model: text_of(&body["model"]),
        streams: body["stream"] == true,
        tools: body["tools"].as_array().into_iter().flatten().map(tool).collect(),
        schema: body.pointer("/response_format/json_schema/schema").cloned(),
        ..Asked::default()
    };
    for message in body["messages"].as_array().into_iter().flatten() {
        let texts = texts(&message["content"]);
        match message["role"].as_str() {
            Some("user") => texts.iter().for_each(|text| asked.hear(text)),
            Some("assistant") if !texts.concat().is_empty() => asked.entries.push(Entry::Words),
            Some("assistant") => {}
            Some("tool") => {
                asked.entries.push(Entry::Result { id: text_of(&message["tool_call_id"]), text: texts.join("\n") });
            }
            _ => asked.entries.extend(texts.into_iter().map(Entry::Context)),
        }
    }
    asked
}

fn tool(tool: &Value) -> Tool {
    let function = &tool["function"];
    Tool { name: text_of(&function["name"]), namespace: None, schema: function["parameters"].clone() }
}

/// The answer in one piece.
pub fn whole(reply: &Reply, asked: &Asked) -> Value {
    let mut message = json!({ "role": "assistant", "content": reply.words });
    if let Some(thought) = &reply.thought {
        message["reasoning_content"] = thought.as_str().into();
    }
    if !reply.calls.is_empty() {
        message["tool_calls"] = reply.calls.iter().map(call_item).collect();
    }
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish_reason(reply) });
    let mut completion = head(reply, asked, "chat.completion");
    completion["choices"] = json!([choice]);
    completion["usage"] = usage(reply);
    completion
}

/// The answer as server-sent events; the stream ends with `[DONE]`.
pub fn events(reply: &Reply, asked: &Asked) -> Vec<Value> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    deltas.extend(reply.thought.iter().map(|text| json!({ "reasoning_content": text })));
    deltas.extend(reply.words.iter().map(|text| json!({ "content": text })));
    for (index, call) in reply.calls.iter().enumerate() {
        let mut item = call_item(call);
        item["index"] = index.into();
        deltas.push(json!({ "tool_calls": [item] }));
    }
    let chunk = |choices: Value| {
        let mut chunk = head(reply, asked, "chat.completion.chunk");
        chunk["choices"] = choices;
        chunk
    };
    let one = |delta| chunk(json!([{ "index": 0, "delta": delta, "finish_reason": null }]));
    let mut events: Vec<Value> = deltas.into_iter().map(one).collect();
    events.push(chunk(json!([{ "index": 0, "delta": {}, "finish_reason": finish_reason(reply) }])));
    let mut last = chunk(json!([]));
    last["usage"] = usage(reply);
    events.push(last);
    events
}

fn head(reply: &Reply, asked: &Asked, object: &str) -> Value {
    let id = format!("chatcmpl-{}", reply.id);
    json!({ "id": id, "object": object, "created": 1_800_000_000, "model": asked.model })
}

fn call_item(call: &Call) -> Value {
    let function = json!({ "name": call.name, "arguments": call.input.to_string() });
    json!({ "id": call.id, "type": "function", "function": function })
}

fn finish_reason(reply: &Reply) -> &'static str {
    match reply.stop {
        Some(Stop::MaxTokens) => "length",
        Some(Stop::Refusal) => "content_filter",
        Some(Stop::Context) | None if reply.calls.is_empty() => "stop",
        Some(Stop::Context) | None => "tool_calls",
    }
}

fn usage(reply: &Reply) -> Value {
    let input = reply.tokens.input + reply.tokens.cache_read;
    json!({
        "prompt_tokens": input, "prompt_tokens_details": { "cached_tokens": reply.tokens.cache_read },
        "completion_tokens": reply.tokens.output, "total_tokens": input + reply.tokens.output,
    })
}
