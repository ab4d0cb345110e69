//! Reading the pieces of Claude Code's lines.

use serde_json::Value;

use super::super::event::{TodoEntry, ToolCall, ToolKind, ToolStatus};
use super::super::telling::below;

/// Lines that say nothing to people or to us.
pub(super) const SILENT: [&str; 10] = [
    "auth_status",
    "command_lifecycle",
    "keep_alive",
    "prompt_suggestion",
    "rate_limit_event",
    "stream_event",
    "streamlined_text",
    "tool_progress",
    "tool_use_summary",
    "transcript_mirror",
];

/// The same among the system's lines.
pub(super) const SILENT_SYSTEM: [&str; 20] = [
    "background_tasks_changed",
    "commands_changed",
    "compact_boundary",
    "elicitation_complete",
    "files_persisted",
    "hook_progress",
    "hook_response",
    "hook_started",
    "informational",
    "memory_recall",
    "notification",
    "permission_denied",
    "session_state_changed",
    "status",
    "task_notification",
    "task_progress",
    "task_started",
    "task_updated",
    "thinking_tokens",
    "worker_shutting_down",
];

/// Bytes of what a tool printed that an event keeps: its last lines say how it went.
const OUTPUT_BYTES_MAX: usize = 4 << 10;

/// The text at a place, or nothing.
pub(super) fn text_at<'v>(value: &'v Value, place: &str) -> &'v str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

/// The blocks of a message.
pub(super) fn blocks(value: &Value) -> impl Iterator<Item = &Value> {
    value.pointer("/message/content").and_then(Value::as_array).into_iter().flatten()
}

/// What kind of thing one of its tools does.
pub(super) fn kind_of(tool: &str) -> ToolKind {
    match tool {
        "Read" | "NotebookRead" | "LS" | "ListMcpResources" | "ReadMcpResource" => ToolKind::Read,
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => ToolKind::Edit,
        "Bash" | "BashOutput" | "KillShell" | "TaskStop" | "Monitor" | "LSP" => ToolKind::Execute,
        // A subagent works with the same tools, in the same cage, and is asked about each like its parent.
        "Task" | "Agent" | "Skill" | "Workflow" | "ToolSearch" | "ListAgents" | "SendMessage" => ToolKind::Search,
        "Glob" | "Grep" | "TodoWrite" | "TaskCreate" | "TaskUpdate" | "TaskGet" | "TaskList" | "ReportFindings" => {
            ToolKind::Search
        }
        "WebFetch" | "WebSearch" => ToolKind::Fetch,
        ours if ours.starts_with("mcp__downbeat__") => ToolKind::Search,
        _ => ToolKind::Other,
    }
}

/// What people read of a call.
pub(super) fn title_of(tool: &str, input: &Value, tree: &str) -> String {
    let path = || below(tree, text_at(input, "/file_path"));
    match tool {
        "Bash" => text_at(input, "/command").to_owned(),
        "Edit" | "MultiEdit" | "Write" => path(),
        "NotebookEdit" => below(tree, text_at(input, "/notebook_path")),
        "Read" => format!("read {}", path()),
        "Glob" | "Grep" => format!("search {}", text_at(input, "/pattern")),
        "WebFetch" => format!("fetch {}", text_at(input, "/url")),
        "WebSearch" => format!("search the web for {}", text_at(input, "/query")),
        "Task" | "Agent" => format!("subagent: {}", text_at(input, "/description")),
        _ => {
            let said = ["/description", "/name", "/query"].map(|place| text_at(input, place));
            let said = said.into_iter().find(|said| !said.is_empty()).unwrap_or_default();
            format!("{tool} {said}").trim_end().to_owned()
        }
    }
}

/// The call that a block announces.
pub(super) fn call_of(block: &Value, tree: &str) -> ToolCall {
    let (name, nothing) = (text_at(block, "/name"), Value::Null);
    let input = block.pointer("/input").unwrap_or(&nothing);
    let paths = ["/file_path", "/notebook_path"].map(|place| text_at(input, place));
    ToolCall {
        id: text_at(block, "/id").to_owned(),
        title: title_of(name, input, tree),
        kind: kind_of(name),
        status: ToolStatus::Running,
        input: input.to_string(),
        output: String::new(),
        paths: paths.iter().filter(|path| !path.is_empty()).map(|path| below(tree, path).into()).collect(),
    }
}

/// Whether it writes the file in which the plan grows; that comes whole at the end.
pub(super) fn is_of_the_plan(call: &ToolCall) -> bool {
    call.kind == ToolKind::Edit && call.input.contains("/.claude/plans/")
}

/// The call with what came of it.
pub(super) fn ended(call: ToolCall, result: &Value) -> ToolCall {
    let is_error = result.pointer("/is_error").and_then(Value::as_bool).unwrap_or(false);
    let text = match result.pointer("/content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().map(|part| text_at(part, "/text")).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    };
    let from = text.ceil_char_boundary(text.len().saturating_sub(OUTPUT_BYTES_MAX));
    let status = if is_error { ToolStatus::Failed } else { ToolStatus::Completed };
    ToolCall { status, output: text[from..].to_owned(), ..call }
}

/// Its list of things to do, where the block sets one.
pub(super) fn todo_in(block: &Value) -> Option<Vec<TodoEntry>> {
    if text_at(block, "/name") != "TodoWrite" {
        return None;
    }
    let entry = |todo: &Value| TodoEntry {
        text: text_at(todo, "/content").to_owned(),
        status: match text_at(todo, "/status") {
            "in_progress" => ToolStatus::Running,
            "completed" => ToolStatus::Completed,
            _ => ToolStatus::Pending,
        },
    };
    Some(block.pointer("/input/todos")?.as_array()?.iter().map(entry).collect())
}
