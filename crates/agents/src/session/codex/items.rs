//! Reading the items of Codex's turns.

use serde_json::Value;

use super::super::event::{AgentEvent, TodoEntry, ToolCall, ToolKind, ToolStatus, Usage};
use super::super::telling::below;

/// Items that say nothing that another line does not say.
pub(super) const SILENT_ITEMS: [&str; 10] = [
    "userMessage",
    "agentMessage",
    "reasoning",
    "plan",
    "hookPrompt",
    "contextCompaction",
    "enteredReviewMode",
    "exitedReviewMode",
    "functionCallOutput",
    "subAgentActivity",
];

/// News that nobody needs: pieces of what comes whole later, and the household of its own screens.
const SILENT_NEWS: [&str; 16] = [
    "account/",
    "app/",
    "externalAgentConfig/",
    "fs/",
    "hook/",
    "item/agentMessage/",
    "item/commandExecution/",
    "item/fileChange/",
    "item/mcpToolCall/",
    "item/plan/",
    "item/reasoning/",
    "mcpServer/",
    "model/",
    "remoteControl/",
    "skills/",
    "thread/",
];

/// Bytes of what a command printed that an event keeps.
const OUTPUT_BYTES_MAX: usize = 4 << 10;

/// Whether news of this method are left out.
pub(super) fn is_silent(method: &str) -> bool {
    method == "turn/diff/updated" || SILENT_NEWS.iter().any(|silent| method.starts_with(silent))
}

/// The text at a place, or nothing.
pub(super) fn text_at<'v>(value: &'v Value, place: &str) -> &'v str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

/// The call that an item is, where it is one.
pub(super) fn call_of(item: &Value, tree: &str) -> Option<ToolCall> {
    let (kind, title, input) = match text_at(item, "/type") {
        "commandExecution" => (ToolKind::Execute, command_of(item), item["command"].to_string()),
        "fileChange" => (ToolKind::Edit, paths_of(item, tree).join(", "), item["changes"].to_string()),
        "mcpToolCall" | "dynamicToolCall" => {
            let names = ["/server", "/namespace", "/tool"].map(|place| text_at(item, place));
            let title = names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(".");
            (ToolKind::Other, title, item["arguments"].to_string())
        }
        "webSearch" => {
            (ToolKind::Fetch, format!("search the web for {}", text_at(item, "/query")), item["query"].to_string())
        }
        "collabAgentToolCall" => (ToolKind::Other, format!("subagent: {}", text_at(item, "/tool")), String::new()),
        "imageView" => (ToolKind::Read, format!("view {}", below(tree, text_at(item, "/path"))), String::new()),
        "imageGeneration" => (ToolKind::Other, "draw an image".to_owned(), String::new()),
        "sleep" => (ToolKind::Other, "wait".to_owned(), String::new()),
        _ => return None,
    };
    let paths = if kind == ToolKind::Edit { paths_of(item, tree) } else { Vec::new() };
    Some(ToolCall {
        id: text_at(item, "/id").to_owned(),
        title,
        kind,
        status: status_of(text_at(item, "/status")),
        input,
        output: output_of(item),
        paths: paths.into_iter().map(Into::into).collect(),
    })
}

/// The command as the model wrote it, without the shell around it.
pub(super) fn command_of(item: &Value) -> String {
    let actions = item.pointer("/commandActions").and_then(Value::as_array);
    match actions.map(Vec::as_slice) {
        Some([only]) if !text_at(only, "/command").is_empty() => text_at(only, "/command").to_owned(),
        _ => {
            let whole = text_at(item, "/command");
            let inner = ["/bin/bash -lc ", "bash -lc "].iter().find_map(|shell| whole.strip_prefix(shell));
            inner.unwrap_or(whole).trim_matches('\'').to_owned()
        }
    }
}

fn paths_of(item: &Value, tree: &str) -> Vec<String> {
    let changes = item.pointer("/changes").and_then(Value::as_array).into_iter().flatten();
    changes.map(|change| below(tree, text_at(change, "/path"))).collect()
}

fn status_of(status: &str) -> ToolStatus {
    match status {
        "completed" | "" => ToolStatus::Completed,
        "failed" | "declined" => ToolStatus::Failed,
        _ => ToolStatus::Running,
    }
}

fn output_of(item: &Value) -> String {
    let printed = [text_at(item, "/aggregatedOutput"), text_at(item, "/error/message")].concat();
    let from = printed.ceil_char_boundary(printed.len().saturating_sub(OUTPUT_BYTES_MAX));
    match item.pointer("/exitCode").and_then(Value::as_i64) {
        Some(code) if code != 0 && printed.trim().is_empty() => format!("exit code {code}"),
        _ => printed[from..].to_owned(),
    }
}

/// Its reasoning, where it shows a summary.
pub(super) fn thought_in(item: &Value) -> Option<AgentEvent> {
    let parts = item.pointer("/summary").and_then(Value::as_array)?;
    let text = parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(AgentEvent::Thought { text })
}

/// Its list of things to do.
pub(super) fn todo_in(params: &Value) -> Vec<TodoEntry> {
    let entry = |step: &Value| TodoEntry {
        text: text_at(step, "/step").to_owned(),
        status: match text_at(step, "/status") {
            "inProgress" => ToolStatus::Running,
            "completed" => ToolStatus::Completed,
            _ => ToolStatus::Pending,
        },
    };
    params.pointer("/plan").and_then(Value::as_array).into_iter().flatten().map(entry).collect()
}

/// A total of a thread. It counts what was cached among the input.
pub(super) fn usage_in(total: &Value, model: &str) -> Usage {
    let count = |name: &str| total.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (cache_read, cache_write) = (count("cachedInputTokens"), count("cacheWriteInputTokens"));
    Usage {
        model: model.to_owned(),
        input: count("inputTokens").saturating_sub(cache_read + cache_write),
        cache_read,
        cache_write,
        output: count("outputTokens"),
        cost_micros: None,
    }
}
