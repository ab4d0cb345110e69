//! What the pages read beyond whole machines: which tasks belong to a section, and the ends of long histories.

use domain::{TaskId, Timestamp};
use store::{JournalEntry, LogLine, Row, Store, StoreError};

// The names of states are those of the task's row.
const NEEDING_A_PERSON: &str = "SELECT id, updated_at_ms FROM task
    WHERE state IN ('awaiting-approval', 'asking', 'parked', 'paused', 'departed', 'in-review') ORDER BY updated_at_ms, number LIMIT $1";
const RUNNING: &str = "SELECT id, updated_at_ms FROM task
    WHERE state IN ('queued', 'planning', 'working', 'pausing', 'publishing', 'merging', 'cancelling')
    ORDER BY updated_at_ms DESC, number DESC LIMIT $1";
const ENDED: &str = "SELECT id, updated_at_ms FROM task
    WHERE state IN ('merged', 'answered', 'cancelled', 'failed') ORDER BY updated_at_ms DESC, number DESC LIMIT $1";
const COUNTS: &str = "SELECT state, COUNT(*) AS n FROM task GROUP BY state";
const CHANGED_AT: &str = "SELECT updated_at_ms FROM task WHERE id = $1";
const JOURNAL_END: &str = "SELECT version, state, event, cause, at_ms FROM journal
    WHERE kind = 'task' AND machine = $1 ORDER BY version DESC LIMIT $2";
const LOG_END: &str = "SELECT n, at_ms, line FROM log
    WHERE kind = 'task' AND machine = $1 ORDER BY n DESC LIMIT $2";
const TOUCH: &str = "SELECT CAST(1 AS BIGINT) AS one";

/// Every SQL text of this crate, so that a test can prepare them on both databases.
pub const STATEMENTS: &[&str] = &[NEEDING_A_PERSON, RUNNING, ENDED, COUNTS, CHANGED_AT, JOURNAL_END, LOG_END, TOUCH];

/// A part of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Nothing happens before a person says so; longest wait first.
    NeedsPerson,
    /// The system is at it; latest first.
    Running,
    /// Over; latest first.
    Ended,
}

impl Section {
    /// The section in which a task of this state stands.
    pub(crate) fn of(state: &str) -> Self {
        match state {
            "awaiting-approval" | "asking" | "parked" | "paused" | "departed" | "in-review" => Self::NeedsPerson,
            "merged" | "answered" | "cancelled" | "failed" => Self::Ended,
            _ => Self::Running,
        }
    }
}

/// The tasks of a section with the time of their last change, at most `count_max`.
pub(crate) async fn tasks_of(
    store: &Store,
    section: Section,
    count_max: i64,
) -> Result<Vec<(TaskId, Timestamp)>, StoreError> {
    let sql = match section {
        Section::NeedsPerson => NEEDING_A_PERSON,
        Section::Running => RUNNING,
        Section::Ended => ENDED,
    };
    let rows = store.rows(sql, &[count_max.into()]).await?;
    rows.iter().map(|row| Ok((task_id(&row.text("id")?)?, Timestamp::from_ms(row.int("updated_at_ms")?)))).collect()
}

/// How many tasks there are in each state, by the state's name.
pub(crate) async fn task_counts(store: &Store) -> Result<Vec<(String, i64)>, StoreError> {
    store.rows(COUNTS, &[]).await?.iter().map(|row| Ok((row.text("state")?, row.int("n")?))).collect()
}

/// When a task last changed; none when there is no such task.
pub(crate) async fn changed_at(store: &Store, id: TaskId) -> Result<Option<Timestamp>, StoreError> {
    let rows = store.rows(CHANGED_AT, &[id.to_string().into()]).await?;
    rows.first().map(|row| Ok(Timestamp::from_ms(row.int("updated_at_ms")?))).transpose()
}

/// The last `count_max` events of a task, oldest first.
pub(crate) async fn last_events(store: &Store, id: TaskId, count_max: i64) -> Result<Vec<JournalEntry>, StoreError> {
    let entry = |row: &Row| {
        Ok(JournalEntry {
            version: row.int("version")?,
            state: row.text("state")?,
            event: row.text("event")?,
            cause: row.text("cause")?,
            at: Timestamp::from_ms(row.int("at_ms")?),
        })
    };
    let rows = store.rows(JOURNAL_END, &[id.to_string().into(), count_max.into()]).await?;
    rows.iter().rev().map(entry).collect()
}

/// The last `count_max` lines of a task's log, oldest first.
pub(crate) async fn last_log_lines(store: &Store, id: TaskId, count_max: i64) -> Result<Vec<LogLine>, StoreError> {
    let rows = store.rows(LOG_END, &[id.to_string().into(), count_max.into()]).await?;
    let line = |row: &Row| {
        Ok(LogLine { n: row.int("n")?, at: Timestamp::from_ms(row.int("at_ms")?), line: row.text("line")? })
    };
    rows.iter().rev().map(line).collect()
}

/// Asks the database anything at all.
pub(crate) async fn touch(store: &Store) -> Result<(), StoreError> {
    store.rows(TOUCH, &[]).await.map(drop)
}

fn task_id(text: &str) -> Result<TaskId, StoreError> {
    let unreadable = |error: domain::id::NotATask| StoreError::Unreadable {
        kind: "task",
        id: text.to_owned(),
        why: error.to_string(),
    };
    text.parse().map_err(unreadable)
}
