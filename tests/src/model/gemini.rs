//! The Gemini API: what Gemini CLI speaks.

use serde_json::{Value, json};

use super::answer::{Failure, Reply};
use super::asked::{Asked, Entry, Tool};
use super::script::Stop;

/// Reads the body of `POST /v1beta/models/MODEL:generateContent` or `…:streamGenerateContent`.
pub fn read(body: &Value, model: &str, streams: bool) -> Asked {
    let mut asked = Asked { model: model.to_owned(), streams, ..Asked::default() };
    let declared =
        body["tools"].as_array().into_iter().flatten().flat_map(|tool| tool["functionDeclarations"].as_array());
    asked.tools = declared.flatten().map(tool).collect();
    asked.schema = body["generationConfig"].get("responseJsonSchema").cloned();
    asked.schema = asked.schema.or_else(|| body["generationConfig"].get("responseSchema").cloned());
    asked.entries.extend(parts(&body["systemInstruction"]).filter_map(|part| Some(Entry::Context(text_of(part)?))));
    for content in body["contents"].as_array().into_iter().flatten() {
        let is_model = content["role"] == "model";
        for part in parts(content) {
            if let Some(result) = part.get("functionResponse") {
                let id = result["id"].as_str().unwrap_or_default().to_owned();
                asked.entries.push(Entry::Result { id, text: result["response"].to_string() });
            } else if let Some(text) = text_of(part).filter(|_| part["thought"] != true) {
                if is_model { asked.entries.push(Entry::Words) } else { asked.hear(&text) }
            }
        }
    }
    asked
}

fn tool(declaration: &Value) -> Tool {
    let schema = declaration.get("parametersJsonSchema").or_else(|| declaration.get("parameters"));
    Tool {
        name: declaration["name"].as_str().unwrap_or_default().to_owned(),
        namespace: None,
        schema: schema.cloned().unwrap_or_default(),
    }
}

fn parts(content: &Value) -> impl Iterator<Item = &Value> {
    content["parts"].as_array().into_iter().flatten()
}

fn text_of(part: &Value) -> Option<String> {
    part["text"].as_str().map(str::to_owned)
}

/// The answer in one piece.
pub fn whole(reply: &Reply, asked: &Asked) -> Value {
    chunk(reply, asked, pieces(reply), Some(finish_reason(reply)))
}

/// The answer as server-sent events.
pub fn events(reply: &Reply, asked: &Asked) -> Vec<Value> {
    let mut events: Vec<Value> = pieces(reply).into_iter().map(|part| chunk(reply, asked, vec![part], None)).collect();
    events.push(chunk(reply, asked, vec![json!({ "text": "" })], Some(finish_reason(reply))));
    events
}

fn chunk(reply: &Reply, asked: &Asked, parts: Vec<Value>, finish_reason: Option<&str>) -> Value {
    let input = reply.tokens.input + reply.tokens.cache_read;
    let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts } });
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = reason.into();
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": input, "cachedContentTokenCount": reply.tokens.cache_read,
            "candidatesTokenCount": reply.tokens.output, "totalTokenCount": input + reply.tokens.output,
        },
        "modelVersion": asked.model, "responseId": format!("reply_{}", reply.id),
    })
}

fn pieces(reply: &Reply) -> Vec<Value> {
    let thought = reply.thought.iter().map(|text| json!({ "text": text, "thought": true }));
    let words = reply.words.iter().map(|text| json!({ "text": text }));
    let calls = reply.calls.iter().map(|call| {
        let function = json!({ "id": call.id, "name": call.name, "args": call.input });
        json!({ "functionCall": function, "thoughtSignature": "c2NyaXB0" })
    });
    thought.chain(words).chain(calls).collect()
}

fn finish_reason(reply: &Reply) -> &'static str {
    match reply.stop {
        Some(Stop::MaxTokens) => "MAX_TOKENS",
        Some(Stop::Refusal) => "SAFETY",
        Some(Stop::Context) | None => "STOP",
    }
}

/// An error's body.
pub fn error(failure: &Failure) -> Value {
    let usual = match failure.status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        429 => "RESOURCE_EXHAUSTED",
        400..500 => "INVALID_ARGUMENT",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let message = match failure.is_overflow {
        true => "The input token count (2500000) exceeds the maximum number of tokens allowed (1048576).",
        false => failure.message.as_str(),
    };
    let status = failure.kind.as_deref().unwrap_or(usual);
    json!({ "error": { "code": failure.status, "message": message, "status": status } })
}
