//! Read models of tasks for people; never used for decisions.

use std::collections::BTreeSet;

use domain::{TaskId, ThreadRef, Timestamp};
use store::{Row, Store, StoreError};

pub(super) const LIST: &str = "SELECT id, state, repo, title, requester, thread, created_at_ms, updated_at_ms
    FROM task ORDER BY number DESC LIMIT $1";
pub(super) const IN_THREAD: &str = "SELECT id, state, repo, title, requester, thread, created_at_ms, updated_at_ms
    FROM task WHERE thread = $1 ORDER BY number DESC LIMIT $2";

pub(super) const LIVE: &str = "SELECT id FROM task
    WHERE state NOT IN ('merged', 'answered', 'cancelled', 'failed')";
pub(super) const COUNT_LIVE: &str = "SELECT COUNT(*) AS n FROM task
    WHERE state NOT IN ('merged', 'answered', 'cancelled', 'failed')";

/// One line of a list of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskLine {
    /// The task.
    pub id: TaskId,
    /// The name of its state.
    pub state: String,
    /// Its repository.
    pub repo: String,
    /// The request's first line.
    pub title: String,
    /// Who asked.
    pub requester: String,
    /// Where.
    pub thread: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl TaskLine {
    /// Whether the task has ended.
    pub fn is_ended(&self) -> bool {
        matches!(self.state.as_str(), "merged" | "answered" | "cancelled" | "failed")
    }
}

/// The newest tasks, newest first, at most `count_max`.
pub async fn newest(store: &Store, count_max: i64) -> Result<Vec<TaskLine>, StoreError> {
    store.rows(LIST, &[count_max.into()]).await?.iter().map(line_of).collect()
}

/// The newest tasks of one thread, newest first, at most `count_max`.
pub async fn in_thread(store: &Store, thread: &ThreadRef, count_max: i64) -> Result<Vec<TaskLine>, StoreError> {
    store.rows(IN_THREAD, &[thread.to_string().into(), count_max.into()]).await?.iter().map(line_of).collect()
}

/// How many tasks have not ended.
pub async fn count_live(store: &Store) -> Result<usize, StoreError> {
    let rows = store.rows(COUNT_LIVE, &[]).await?;
    let n = rows.first().map(|row| row.int("n")).transpose()?.unwrap_or(0);
    Ok(usize::try_from(n).unwrap_or(0))
}

/// The tasks that have not ended.
pub async fn live_ids(store: &Store) -> Result<BTreeSet<TaskId>, StoreError> {
    let ids: Result<Vec<_>, _> = store.rows(LIVE, &[]).await?.iter().map(|row| row.text("id")).collect();
    Ok(ids?.iter().filter_map(|id| id.parse().ok()).collect())
}

fn line_of(row: &Row) -> Result<TaskLine, StoreError> {
    let id = row.text("id")?;
    let unreadable = |why: String| StoreError::Unreadable { kind: "task", id: id.clone(), why };
    Ok(TaskLine {
        id: id.parse().map_err(|error: domain::id::NotATask| unreadable(error.to_string()))?,
        state: row.text("state")?,
        repo: row.text("repo")?,
        title: row.text("title")?,
        requester: row.text("requester")?,
        thread: row.text("thread")?,
        created_at: Timestamp::from_ms(row.int("created_at_ms")?),
        updated_at: Timestamp::from_ms(row.int("updated_at_ms")?),
    })
}
