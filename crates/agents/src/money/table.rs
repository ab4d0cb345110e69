//! The ledger's rows, and what people allowed beyond a cap. They belong to no machine.

use domain::{TaskId, ThreadRef, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Arg, Row, Statement, Store, StoreError};

use super::Spender;
use crate::session::event::Usage;

const KEEP: &str = "INSERT INTO ledger (task, session, n, agent, model, person, repo, thread, day, at_ms,
        input, cache_read, cache_write, output, cost_micros)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (session, n) DO NOTHING";
const ALLOW: &str = "INSERT INTO allowance (key, scope, micros, person, at_ms)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING";
const ALLOWED: &str = "SELECT CAST(COALESCE(SUM(micros), 0) AS BIGINT) AS micros FROM allowance WHERE scope = $1";
const SPENT_BY_TASK: &str =
    "SELECT CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS micros FROM ledger WHERE task = $1";
const SPENT_IN_CHANNEL: &str = "SELECT CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS micros FROM ledger
    WHERE (thread = $1 OR thread LIKE $2) AND day = $3";
const SPENT_ON_DAY: &str = "SELECT CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS micros FROM ledger WHERE day = $1";
const TOTALS: &str =
    "SELECT name, COUNT(DISTINCT task) AS n_tasks, COUNT(*) AS n_reports, COUNT(cost_micros) AS n_priced,
        CAST(SUM(input) AS BIGINT) AS input, CAST(SUM(cache_read) AS BIGINT) AS cache_read,
        CAST(SUM(cache_write) AS BIGINT) AS cache_write, CAST(SUM(output) AS BIGINT) AS output,
        CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS cost_micros
    FROM (SELECT CASE $1 WHEN 'agent' THEN agent WHEN 'model' THEN model WHEN 'person' THEN person WHEN 'repo' THEN repo
        WHEN 'task' THEN task ELSE 'all' END AS name, task, input, cache_read, cache_write, output, cost_micros
        FROM ledger WHERE at_ms >= $2 AND ($3 = '' OR task = $3)) spent
    GROUP BY name ORDER BY cost_micros DESC, output DESC, name LIMIT $4";
// A task that is still at work has not cost what it will cost.
const HISTORY: &str = "SELECT l.task AS task, CAST(SUM(l.cost_micros) AS BIGINT) AS cost_micros
    FROM ledger l JOIN task t ON t.id = l.task
    WHERE l.repo = $1 AND l.agent = $2 AND t.state IN ('in-review', 'merging', 'merged', 'answered')
    GROUP BY l.task HAVING COUNT(*) = COUNT(l.cost_micros) ORDER BY MAX(l.at_ms) DESC LIMIT $3";

/// By what costs are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// By who did the work.
    Agent,
    /// By what thought.
    Model,
    /// By who asked.
    Person,
    /// By what was worked on.
    Repo,
    /// By the task.
    Task,
    /// All in one.
    All,
}

impl Grouping {
    /// The one of this name.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Agent, Self::Model, Self::Person, Self::Repo, Self::Task, Self::All]
            .into_iter()
            .find(|by| by.word() == word)
    }

    /// Its name, as in `--by model`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Person => "person",
            Self::Repo => "repo",
            Self::Task => "task",
            Self::All => "all",
        }
    }
}

/// What was used by one of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Whose it is; empty where an agent does not say its model.
    pub name: String,
    /// Tasks that used anything.
    pub n_tasks: u64,
    /// Reports of agents.
    pub n_reports: u64,
    /// Those of them whose cost is known.
    pub n_priced: u64,
    /// Input tokens that were not cached.
    pub input: u64,
    /// Input tokens from a cache.
    pub cache_read: u64,
    /// Input tokens into a cache.
    pub cache_write: u64,
    /// Output tokens.
    pub output: u64,
    /// Millionths of a US dollar, as far as they are known.
    pub cost_micros: u64,
}

/// Days since 1970 UTC: what "in one day" means for caps.
pub(super) fn day_of(at: Timestamp) -> i64 {
    at.as_ms().div_euclid(24 * 3_600 * 1_000)
}

/// Keeps one report; false when it was kept before.
pub(super) async fn keep(
    store: &Store,
    spender: &Spender,
    n: u32,
    usage: &Usage,
    cost_micros: Option<u64>,
) -> Result<bool, StoreError> {
    let at = store.now();
    let args = vec![
        spender.task.to_string().into(),
        spender.session.as_str().into(),
        i64::from(n).into(),
        spender.agent.as_str().into(),
        usage.model.chars().take(MODEL_CHARS_MAX).collect::<String>().into(),
        spender.person.as_str().into(),
        spender.repo.as_str().into(),
        spender.thread.to_string().into(),
        day_of(at).into(),
        at.into(),
        whole(usage.input),
        whole(usage.cache_read),
        whole(usage.cache_write),
        whole(usage.output),
        cost_micros.map_or(Arg::NoInt, whole),
    ];
    Ok(store.write(&[Statement { sql: KEEP, args }]).await? == [1])
}

/// What a person allowed beyond the limit that `key` names.
pub(super) struct Allowance<'a> {
    pub(super) key: &'a str,
    pub(super) scope: &'a str,
    pub(super) micros: u64,
    pub(super) person: &'a str,
}

/// Keeps an allowance, unless the same limit was raised before.
pub(super) async fn allow(store: &Store, allowance: &Allowance<'_>) -> Result<(), StoreError> {
    let Allowance { key, scope, micros, person } = *allowance;
    let args = vec![key.into(), scope.into(), whole(micros), person.into(), store.now().into()];
    store.write(&[Statement { sql: ALLOW, args }]).await.map(drop)
}

pub(super) async fn allowed(store: &Store, scope: &str) -> Result<u64, StoreError> {
    micros_of(store.rows(ALLOWED, &[scope.into()]).await?.first())
}

pub(super) async fn spent_by_task(store: &Store, task: TaskId) -> Result<u64, StoreError> {
    micros_of(store.rows(SPENT_BY_TASK, &[task.to_string().into()]).await?.first())
}

/// What the tasks of all threads of a channel cost. At the console each thread is a channel, and nothing is below one.
pub(super) async fn spent_in_channel(store: &Store, thread: &ThreadRef, day: i64) -> Result<u64, StoreError> {
    let channel = thread.channel();
    let below = if channel == thread.to_string() { String::new() } else { format!("{channel}/%") };
    micros_of(store.rows(SPENT_IN_CHANNEL, &[channel.into(), below.into(), day.into()]).await?.first())
}

pub(super) async fn spent_on_day(store: &Store, day: i64) -> Result<u64, StoreError> {
    micros_of(store.rows(SPENT_ON_DAY, &[day.into()]).await?.first())
}

/// The dearest `count_max` of a group since an instant, of all tasks or of one.
pub(super) async fn totals(
    store: &Store,
    by: Grouping,
    since: Timestamp,
    task: Option<TaskId>,
    count_max: i64,
) -> Result<Vec<Total>, StoreError> {
    let task = task.map_or(String::new(), |task| task.to_string());
    let rows = store.rows(TOTALS, &[by.word().into(), since.into(), task.into(), count_max.into()]).await?;
    rows.iter().map(total_of).collect()
}

/// What the last tasks of an agent in a repository cost, in millionths of a dollar.
pub(super) async fn history(store: &Store, repo: &str, agent: &str, count_max: i64) -> Result<Vec<u64>, StoreError> {
    let rows = store.rows(HISTORY, &[repo.into(), agent.into(), count_max.into()]).await?;
    rows.iter().map(|row| number(row, "cost_micros")).collect()
}

fn total_of(row: &Row) -> Result<Total, StoreError> {
    Ok(Total {
        name: row.text("name")?,
        n_tasks: number(row, "n_tasks")?,
        n_reports: number(row, "n_reports")?,
        n_priced: number(row, "n_priced")?,
        input: number(row, "input")?,
        cache_read: number(row, "cache_read")?,
        cache_write: number(row, "cache_write")?,
        output: number(row, "output")?,
        cost_micros: number(row, "cost_micros")?,
    })
}

fn micros_of(row: Option<&Row>) -> Result<u64, StoreError> {
    row.map_or(Ok(0), |row| number(row, "micros"))
}

fn number(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int(column)?).unwrap_or(0))
}

/// Characters of a model's name; an agent may claim any.
const MODEL_CHARS_MAX: usize = 100;

/// An agent may claim any number, and a hundred million of the largest must still add up. No model reads as much at once.
fn whole(number: u64) -> Arg {
    const MOST: u64 = 1 << 36;
    Arg::Int(i64::try_from(number.min(MOST)).unwrap_or(i64::MAX))
}
