//! What the sessions of this process do just now, for cards: the last tool call, and the agent's list of things to do.
//!
//! A view and nothing more: it is kept in memory alone, and gone when the session rests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::TaskId;

use crate::UNPOISONED;
use crate::session::event::{AgentEvent, ToolStatus};
use crate::session::telling;

/// Entries of a list that are kept: more than anybody reads on a card.
const TODO_MAX: usize = 10;

/// What one session does, in lines as the log has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doing {
    /// The last tool call: `→ cargo test`.
    pub call: Option<String>,
    /// The list of things to do, at most ten lines.
    pub todo: Vec<String>,
}

/// Tasks whose last list is kept after their session: more have no message that still has to say it.
const RESTED_MAX: usize = 500;

/// Where sessions show what they do.
#[derive(Debug, Default)]
pub struct Board(Mutex<Shown>);

#[derive(Debug, Default)]
struct Shown {
    by_task: BTreeMap<TaskId, Doing>,
    /// The lists of sessions that rest.
    rested: BTreeMap<TaskId, Vec<String>>,
}

impl Board {
    /// Hears one event of a task's session.
    pub fn hear(&self, task: TaskId, event: &AgentEvent) {
        let mut shown = self.0.lock().expect(UNPOISONED);
        let by_task = &mut shown.by_task;
        match event {
            AgentEvent::ToolCall(call) if matches!(call.status, ToolStatus::Pending | ToolStatus::Running) => {
                by_task.entry(task).or_default().call = Some(telling::beginning(call));
            }
            AgentEvent::Todo { entries } => {
                let mut todo = telling::todo(entries);
                let n_more = todo.len().saturating_sub(TODO_MAX);
                if n_more > 0 {
                    todo.truncate(TODO_MAX - 1);
                    todo.push(format!("… {} more", n_more + 1));
                }
                by_task.entry(task).or_default().todo = todo;
            }
            AgentEvent::ToolCall(_)
            | AgentEvent::Started { .. }
            | AgentEvent::Said { .. }
            | AgentEvent::Thought { .. }
            | AgentEvent::PlanProposed { .. }
            | AgentEvent::Mode { .. }
            | AgentEvent::Used(_)
            | AgentEvent::Retrying { .. }
            | AgentEvent::TurnEnded { .. }
            | AgentEvent::Broke { .. }
            | AgentEvent::Unknown { .. } => {}
        }
    }

    /// Forgets a task whose session rests.
    pub fn clear(&self, task: TaskId) {
        let Shown { by_task, rested } = &mut *self.0.lock().expect(UNPOISONED);
        let todo = by_task.remove(&task).map(|doing| doing.todo).unwrap_or_default();
        if !todo.is_empty() {
            rested.insert(task, todo);
        }
        if rested.len() > RESTED_MAX {
            rested.pop_first();
        }
    }

    /// The list of a task's session as it was last, also once that rests; empty where nobody knows.
    pub fn last_todo(&self, task: TaskId) -> Vec<String> {
        let shown = self.0.lock().expect(UNPOISONED);
        let live = shown.by_task.get(&task).map(|doing| &doing.todo).filter(|todo| !todo.is_empty());
        live.or(shown.rested.get(&task)).cloned().unwrap_or_default()
    }

    /// What a task's session does, where it has shown anything.
    pub fn doing(&self, task: TaskId) -> Option<Doing> {
        self.0.lock().expect(UNPOISONED).by_task.get(&task).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::{TodoEntry, ToolCall};

    #[test]
    fn the_last_call_and_the_beginning_of_a_long_list_are_shown() {
        let (board, task) = (Board::default(), TaskId::new(1));
        let call = |title: &str, status| {
            AgentEvent::ToolCall(ToolCall { title: title.to_owned(), status, ..ToolCall::default() })
        };
        board.hear(task, &call("cargo check", ToolStatus::Running));
        board.hear(task, &call("cargo test", ToolStatus::Running));
        board.hear(task, &call("cargo check", ToolStatus::Completed));
        let entry = |n: usize| TodoEntry { text: format!("step {n}"), status: ToolStatus::Pending };
        board.hear(task, &AgentEvent::Todo { entries: (1..=12).map(entry).collect() });
        let doing = board.doing(task).unwrap();
        assert_eq!(doing.call.as_deref(), Some("→ cargo test"));
        assert_eq!((doing.todo.len(), doing.todo[8].as_str(), doing.todo[9].as_str()), (10, "☐ step 9", "… 3 more"));
        board.clear(task);
        assert_eq!(board.doing(task), None);
        assert_eq!(board.last_todo(task), doing.todo, "how far it came is known a while longer");
    }
}
