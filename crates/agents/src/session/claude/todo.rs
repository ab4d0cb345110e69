//! Claude Code's list of things to do, which newer releases set task by task: `TaskCreate` adds one, whose number its answer
//! tells, and `TaskUpdate` changes one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::event::{TodoEntry, ToolStatus};
use super::lines::text_at;

/// Tasks that are kept: more than anybody reads.
const TASKS_MAX: usize = 200;

/// The list as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct TodoList {
    /// By their numbers.
    tasks: BTreeMap<u64, TodoEntry>,
    /// What calls that are under way add.
    adding: BTreeMap<String, String>,
}

impl TodoList {
    /// Whether the block is about the list; with it, the list where it is another one now.
    pub(super) fn hear_call(&mut self, block: &Value) -> Option<Option<Vec<TodoEntry>>> {
        let text = |place: &str| text_at(block, place).to_owned();
        match text_at(block, "/name") {
            "TaskCreate" => {
                if self.adding.len() < TASKS_MAX {
                    self.adding.insert(text("/id"), text("/input/subject"));
                }
                Some(None)
            }
            "TaskUpdate" => Some(self.change(block)),
            "TaskGet" | "TaskList" => Some(None),
            _ => None,
        }
    }

    fn change(&mut self, block: &Value) -> Option<Vec<TodoEntry>> {
        let number = text_at(block, "/input/taskId").parse().ok()?;
        if text_at(block, "/input/status") == "deleted" {
            self.tasks.remove(&number)?;
            return Some(self.entries());
        }
        let task = self.tasks.get_mut(&number)?;
        let (subject, status) = (text_at(block, "/input/subject"), text_at(block, "/input/status"));
        if !subject.is_empty() {
            subject.clone_into(&mut task.text);
        }
        task.status = match status {
            "in_progress" => ToolStatus::Running,
            "completed" => ToolStatus::Completed,
            "pending" => ToolStatus::Pending,
            _ => task.status,
        };
        Some(self.entries())
    }

    /// The list with what a call added: `Task #1 created successfully: dig a hole`.
    pub(super) fn hear_result(&mut self, result: &Value) -> Option<Vec<TodoEntry>> {
        let text = self.adding.remove(text_at(result, "/tool_use_id"))?;
        let words = [text_at(result, "/content"), text_at(result, "/content/0/text")].concat();
        let digits = words.split('#').nth(1)?.chars().take_while(char::is_ascii_digit).collect::<String>();
        if self.tasks.len() < TASKS_MAX {
            self.tasks.insert(digits.parse().ok()?, TodoEntry { text, status: ToolStatus::Pending });
        }
        Some(self.entries())
    }

    fn entries(&self) -> Vec<TodoEntry> {
        self.tasks.values().cloned().collect()
    }
}
