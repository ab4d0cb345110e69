//! Read models of tasks for people; never used for decisions.

use std::collections::BTreeSet;

use domain::{Person, TaskId, ThreadRef, Timestamp};
use store::{Row, Store, StoreError};

use super::Task;

pub(super) const LIST: &str = "SELECT id, state, repo, title, requester, thread, created_at_ms, updated_at_ms
    FROM task ORDER BY number DESC LIMIT $1";
pub(super) const IN_THREAD: &str = "SELECT id, state, repo, title, requester, thread, created_at_ms, updated_at_ms
    FROM task WHERE thread = $1 ORDER BY number DESC LIMIT $2";
// A state's beginning is the first event after the last one that led to another; the log is read from its end.
pub(super) const RUNNING: &str = "SELECT r.id, r.state, r.repo, r.title, r.thread, r.since_ms, l.line, l.at_ms FROM (
        SELECT t.id, t.state, t.repo, t.title, t.thread, t.number, COALESCE((SELECT MIN(j.at_ms) FROM journal j
            WHERE j.kind = 'task' AND j.machine = t.id AND j.version > COALESCE((SELECT b.version FROM journal b
                WHERE b.kind = 'task' AND b.machine = t.id AND b.state <> t.state
                ORDER BY b.version DESC LIMIT 1), 0)), t.updated_at_ms) AS since_ms
        FROM task t WHERE t.state IN ('queued', 'planning', 'working', 'asking', 'pausing', 'publishing', 'merging', 'cancelling')
        ORDER BY t.number LIMIT $1) r
    LEFT JOIN log l ON l.kind = 'task' AND l.machine = r.id AND l.n = (SELECT s.n FROM log s
        WHERE s.kind = 'task' AND s.machine = r.id AND TRIM(s.line) <> '' ORDER BY s.n DESC LIMIT 1)
    ORDER BY r.number";

pub(super) const LAST_LINE: &str = "SELECT line, at_ms FROM log
    WHERE kind = 'task' AND machine = $1 AND TRIM(line) <> '' ORDER BY n DESC LIMIT 1";

pub(super) const LOG_END: &str = "SELECT line, at_ms FROM log
    WHERE kind = 'task' AND machine = $1 ORDER BY n DESC LIMIT $2";

pub(super) const OF_PERSON: &str =
    "SELECT id, state, repo, title, requester, thread, created_at_ms, updated_at_ms FROM task
    WHERE requester = $1 AND (state NOT IN ('merged', 'answered', 'cancelled', 'failed') OR updated_at_ms >= $2)
    ORDER BY CASE WHEN state IN ('merged', 'answered', 'cancelled', 'failed') THEN 1 ELSE 0 END, number DESC LIMIT $3";

pub(super) const WITH_CHANGE: &str = "SELECT id, state, repo, title, requester, thread, created_at_ms, updated_at_ms
    FROM task WHERE state IN ('departed', 'in-review') ORDER BY number LIMIT $1";

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

    /// Whether nothing goes on before a person says something.
    pub fn needs_person(&self) -> bool {
        matches!(self.state.as_str(), "awaiting-approval" | "departed" | "asking" | "parked" | "paused" | "in-review")
    }
}

/// One task at work, as far as its own rows tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningLine {
    /// The task.
    pub id: TaskId,
    /// The name of its state.
    pub state: String,
    /// Its repository.
    pub repo: String,
    /// The request's first line.
    pub title: String,
    /// Where.
    pub thread: String,
    /// Since when it has been in that state.
    pub since: Timestamp,
    /// What was printed last, if anything ever was.
    pub last_line: Option<LastLine>,
}

/// A line from the end of a task's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastLine {
    /// The line.
    pub text: String,
    /// When it was kept.
    pub at: Timestamp,
}

/// The tasks that are at work or wait for something other than a person, oldest first, at most `count_max`.
pub async fn running(store: &Store, count_max: i64) -> Result<Vec<RunningLine>, StoreError> {
    store.rows(RUNNING, &[count_max.into()]).await?.iter().map(running_line_of).collect()
}

/// What was printed last for a task.
pub async fn last_line(store: &Store, id: TaskId) -> Result<Option<LastLine>, StoreError> {
    let rows = store.rows(LAST_LINE, &[id.to_string().into()]).await?;
    rows.first().map_or(Ok(None), last_line_of)
}

/// The last `count_max` lines that were printed for a task, oldest first.
pub async fn last_lines(store: &Store, id: TaskId, count_max: i64) -> Result<Vec<LastLine>, StoreError> {
    let rows = store.rows(LOG_END, &[id.to_string().into(), count_max.into()]).await?;
    rows.iter().rev().filter_map(|row| last_line_of(row).transpose()).collect()
}

/// The newest tasks, newest first, at most `count_max`.
pub async fn newest(store: &Store, count_max: i64) -> Result<Vec<TaskLine>, StoreError> {
    store.rows(LIST, &[count_max.into()]).await?.iter().map(line_of).collect()
}

/// The newest tasks of one thread, newest first, at most `count_max`.
pub async fn in_thread(store: &Store, thread: &ThreadRef, count_max: i64) -> Result<Vec<TaskLine>, StoreError> {
    store.rows(IN_THREAD, &[thread.to_string().into(), count_max.into()]).await?.iter().map(line_of).collect()
}

/// The tasks whose change waits for a person, oldest first, at most `count_max`.
pub async fn with_change(store: &Store, count_max: i64) -> Result<Vec<TaskLine>, StoreError> {
    store.rows(WITH_CHANGE, &[count_max.into()]).await?.iter().map(line_of).collect()
}

/// The tasks that a person asked for and that have not ended, or not before `since`; those that live first, then the newest, at most `count_max`.
pub async fn of_person(
    store: &Store,
    person: &Person,
    since: Timestamp,
    count_max: i64,
) -> Result<Vec<TaskLine>, StoreError> {
    let args = [person.as_str().into(), since.into(), count_max.into()];
    store.rows(OF_PERSON, &args).await?.iter().map(line_of).collect()
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

/// The names under which pictures of tasks are kept that have not ended.
pub async fn live_pictures(store: &Store) -> Result<BTreeSet<String>, StoreError> {
    let mut names = BTreeSet::new();
    for id in live_ids(store).await? {
        let task = store.load::<Task>(&id).await?;
        names.extend(task.and_then(|task| task.request.pictures));
    }
    Ok(names)
}

fn running_line_of(row: &Row) -> Result<RunningLine, StoreError> {
    Ok(RunningLine {
        id: id_of(row)?,
        state: row.text("state")?,
        repo: row.text("repo")?,
        title: row.text("title")?,
        thread: row.text("thread")?,
        since: Timestamp::from_ms(row.int("since_ms")?),
        last_line: last_line_of(row)?,
    })
}

fn last_line_of(row: &Row) -> Result<Option<LastLine>, StoreError> {
    let at = row.maybe_int("at_ms")?.map(Timestamp::from_ms);
    Ok(row.maybe_text("line")?.zip(at).map(|(text, at)| LastLine { text, at }))
}

fn id_of(row: &Row) -> Result<TaskId, StoreError> {
    let id = row.text("id")?;
    let unreadable =
        |error: domain::id::NotATask| StoreError::Unreadable { kind: "task", id: id.clone(), why: error.to_string() };
    id.parse().map_err(unreadable)
}

fn line_of(row: &Row) -> Result<TaskLine, StoreError> {
    Ok(TaskLine {
        id: id_of(row)?,
        state: row.text("state")?,
        repo: row.text("repo")?,
        title: row.text("title")?,
        requester: row.text("requester")?,
        thread: row.text("thread")?,
        created_at: Timestamp::from_ms(row.int("created_at_ms")?),
        updated_at: Timestamp::from_ms(row.int("updated_at_ms")?),
    })
}
