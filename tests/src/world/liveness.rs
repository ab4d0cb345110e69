//! Nothing is ever stuck: what lives owes an effect, or waits for a person under a deadline.

use agents::task::{Task, TaskState, view};
use domain::EntryId;
use downbeat::serve::System;
use mergeq::queue::entry::Standing;
use mergeq::queue::{self, Entry, Queue};
use store::{Debt, Store, StoreError, Table};

/// More tasks than any test has.
const TASKS_MAX: i64 = 1_000;

/// What nothing would ever move again, in words.
pub(super) async fn stuck(system: &System) -> Result<Vec<String>, StoreError> {
    let store = &system.store;
    let mut stuck = Vec::new();
    for id in view::live_ids(store).await? {
        let Some(task) = store.load::<Task>(&id).await? else { continue };
        let debts = store.debts(Task::KIND, &id.to_string()).await?;
        if let Some(why) = missing(store, &task, &debts).await? {
            let lanes: Vec<_> = debts.iter().map(|debt| debt.lane.as_str()).collect();
            stuck.push(format!("{id} is {} and {why}; it owes {lanes:?}", Table::state(&task)));
        }
    }
    for repository in system.repositories.iter() {
        let id = queue::queue_id(&repository.name, &repository.target);
        let Some(queue) = store.load::<Queue>(&id).await? else { continue };
        let debts = store.debts(Queue::KIND, &id.to_string()).await?;
        let n_waiting = queue.entries.iter().filter(|entry| waits_for_queue(entry)).count();
        // A timer moves no entry on, but that of an opening.
        let is_open = queue.pause.is_none() && queue.closing.until().is_none();
        if n_waiting > 0 && is_open && debts.iter().all(|debt| debt.lane == "timer") {
            stuck.push(format!("the queue {id} has {n_waiting} entries and owes nothing"));
        }
    }
    Ok(stuck)
}

/// Whether it is the queue's turn, and not that of whoever holds or repairs the entry.
fn waits_for_queue(entry: &Entry) -> bool {
    entry.hold.is_none() && !matches!(entry.standing, Standing::Reserved { .. })
}

/// What a live task lacks to go on.
async fn missing(store: &Store, task: &Task, debts: &[Debt]) -> Result<Option<&'static str>, StoreError> {
    let owes = |lane: &str| debts.iter().any(|debt| debt.lane == lane);
    Ok(match &task.state {
        _ if task.is_on_trial() && !owes("try") => Some("nobody tries its change"),
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::Working { .. }
        | TaskState::Asking { .. }
        | TaskState::Pausing { .. }
        | TaskState::Cancelling { .. } => (!owes("session")).then_some("no session is owed"),
        TaskState::AwaitingApproval { .. }
        | TaskState::Parked { .. }
        | TaskState::Paused { .. }
        | TaskState::Departed { .. }
        | TaskState::InReview { .. } => {
            let is_ahead = |debt: &Debt| debt.lane == "timer" && debt.due_at_ms > store.now().as_ms();
            (!debts.iter().any(is_ahead)).then_some("waits for a person without a deadline")
        }
        TaskState::Publishing { .. } => (!owes("publish")).then_some("no publication is owed"),
        TaskState::Merging { .. } => {
            let id = queue::queue_id(&task.request.repo, &task.request.target);
            let queue = store.load::<Queue>(&id).await?;
            let is_in_line = queue.is_some_and(|queue| queue::progress_of(&queue, &EntryId::from(task.id)).is_some());
            (!is_in_line && !owes("merge")).then_some("its queue does not know it")
        }
        TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Failed { .. } => None,
    })
}

/// Whether a task whose request says `doze while planning` or `doze while working` does so.
pub(super) async fn dozes(store: &Store) -> bool {
    let tasks = view::newest(store, TASKS_MAX).await.expect("the state can be read");
    for line in tasks.iter().filter(|task| task.title.contains(&format!("doze while {}", task.state))) {
        let task = store.load::<Task>(&line.id).await.expect("the state can be read");
        // Who was told something does that and sleeps no more.
        if task.is_some_and(|task| task.untold().len() == task.said.len()) {
            return true;
        }
    }
    false
}

/// Whether a session was asked to stop and has not answered yet.
pub(super) async fn is_stopping(store: &Store) -> bool {
    let tasks = view::newest(store, TASKS_MAX).await.expect("the state can be read");
    tasks.iter().any(|task| matches!(task.state.as_str(), "cancelling" | "pausing"))
}

/// Whether a session waits for the answer to its question.
pub(super) async fn asks(store: &Store) -> bool {
    let tasks = view::newest(store, TASKS_MAX).await.expect("the state can be read");
    tasks.iter().any(|task| task.state == "asking")
}

/// Whether a task whose request says `listen` works, and nobody has said anything to it.
pub(super) async fn listens(store: &Store) -> bool {
    let tasks = view::newest(store, TASKS_MAX).await.expect("the state can be read");
    for line in tasks.iter().filter(|task| task.state == "working" && task.title.contains("listen")) {
        let task = store.load::<Task>(&line.id).await.expect("the state can be read");
        if task.is_some_and(|task| task.said.is_empty()) {
            return true;
        }
    }
    false
}
