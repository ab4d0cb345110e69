//! Which task a person means: by rule, and asked when the rules do not settle it.

use agents::task::view::{self, TaskLine};
use domain::{Rejected, TaskId, ThreadRef};
use store::{Store, StoreError};

use super::command::TaskVerb;

/// How many of a thread's newest tasks are looked at. A thread with more live tasks names them.
const TASKS_LOOKED_AT: i64 = 50;

/// The task that a command means: the one that is named, or the only one of the thread that it can apply to.
pub(super) async fn task(
    word: &str,
    fits: impl Fn(&TaskLine) -> bool,
    named: Option<TaskId>,
    thread: &ThreadRef,
    store: &Store,
) -> Result<Result<TaskId, Rejected>, StoreError> {
    if let Some(named) = named {
        return Ok(Ok(named));
    }
    let recent = view::in_thread(store, thread, TASKS_LOOKED_AT).await?;
    let fitting: Vec<_> = recent.iter().filter(|task| fits(task)).map(|task| task.id).collect();
    Ok(match &fitting[..] {
        [only] => Ok(*only),
        [] => Err(Rejected::new(
            format!("There is nothing to {word} in this thread"),
            format!("Say `status` to see its tasks, or name one, as in `{word} T-1`"),
        )),
        several => {
            let named: Vec<_> = several.iter().rev().map(|id| format!("`{word} {id}`")).collect();
            Err(Rejected::new(format!("Several tasks could be meant by {word}"), format!("Say {}", named.join(" or "))))
        }
    })
}

/// Whether the command can apply to the task as it stands.
pub(super) fn fits(verb: TaskVerb, task: &TaskLine) -> bool {
    let state = task.state.as_str();
    match verb {
        TaskVerb::Approve | TaskVerb::Reject => matches!(state, "awaiting-approval" | "departed"),
        TaskVerb::Revise => matches!(state, "awaiting-approval" | "departed" | "in-review"),
        TaskVerb::Edit => state == "awaiting-approval",
        TaskVerb::Merge | TaskVerb::Try => state == "in-review",
        TaskVerb::Dequeue => state == "merging",
        TaskVerb::Stop | TaskVerb::Mute | TaskVerb::Unmute => !task.is_ended(),
        TaskVerb::Retry => matches!(state, "failed" | "cancelled" | "in-review" | "parked" | "paused"),
        TaskVerb::Answer => is_asking(task),
        TaskVerb::Steer | TaskVerb::Interrupt => is_under_way(state),
        TaskVerb::Pause => matches!(state, "queued" | "planning" | "working" | "asking"),
        TaskVerb::Resume => matches!(state, "pausing" | "paused"),
        TaskVerb::Rollback => is_under_way(state) || matches!(state, "departed" | "in-review" | "failed"),
    }
}

/// Whether a question of it waits for an answer.
pub(super) fn is_asking(task: &TaskLine) -> bool {
    matches!(task.state.as_str(), "asking" | "parked")
}

/// Whether its agent plans or works just now.
pub(super) fn is_at_work(task: &TaskLine) -> bool {
    matches!(task.state.as_str(), "planning" | "working")
}

/// Whether a session runs, is owed, or rests.
fn is_under_way(state: &str) -> bool {
    matches!(state, "queued" | "planning" | "working" | "asking" | "parked" | "pausing" | "paused")
}
