//! The ledger's rows. They belong to no machine: a row is true of its tree, whatever any queue does.

use std::time::Duration;

use domain::{RepoName, Timestamp};
use store::{Arg, Row, Statement, Store, StoreError};

use super::{Pass, Sighting};

const KEEP: &str = "INSERT INTO verdict (repo, tree, gate, environment, sha, seen_in, concluded_at_ms, took_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (repo, tree, gate, environment) DO UPDATE SET sha = excluded.sha, seen_in = excluded.seen_in,
    concluded_at_ms = excluded.concluded_at_ms, took_ms = excluded.took_ms";
const FIND: &str = "SELECT sha, seen_in, concluded_at_ms, took_ms FROM verdict
    WHERE repo = $1 AND tree = $2 AND gate = $3 AND environment = $4 AND concluded_at_ms >= $5";
const REMOVE: &str = "DELETE FROM verdict WHERE repo = $1 AND tree = $2 AND gate = $3 AND environment = $4";
const REMOVE_OLD: &str = "DELETE FROM verdict WHERE concluded_at_ms < $1";
const REMOVE_BEYOND: &str = "DELETE FROM verdict WHERE concluded_at_ms <
    COALESCE((SELECT concluded_at_ms FROM verdict ORDER BY concluded_at_ms DESC LIMIT 1 OFFSET $1), 0)";
const COUNT_USE: &str = "INSERT INTO counter (name, value) VALUES ($1, 1)
    ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value";

/// What a row is found by: the repository, the tree, and the hashes of the gate and of the environment.
pub(super) type Key = [Arg; 4];

pub(super) async fn keep(store: &Store, key: Key, seen: &Sighting) -> Result<(), StoreError> {
    let took_ms = i64::try_from(seen.took.as_millis()).unwrap_or(i64::MAX);
    let rest = [seen.commit.as_str().into(), seen.seen_in.as_str().into(), store.now().into(), took_ms.into()];
    let args = key.into_iter().chain(rest).collect();
    store.write(&[Statement { sql: KEEP, args }]).await.map(drop)
}

/// The pass of that key, if it is no older than `since`.
pub(super) async fn find(store: &Store, key: &Key, since: Timestamp) -> Result<Option<Pass>, StoreError> {
    let args: Vec<Arg> = key.iter().cloned().chain([since.into()]).collect();
    store.rows(FIND, &args).await?.first().map(pass_in).transpose()
}

/// Whether there was one.
pub(super) async fn remove(store: &Store, key: Key) -> Result<bool, StoreError> {
    Ok(store.write(&[Statement { sql: REMOVE, args: key.to_vec() }]).await? == [1])
}

/// Removes what concluded before `since`, and the oldest of more than `rows_max`; says how many went.
pub(super) async fn trim(store: &Store, since: Timestamp, rows_max: u32) -> Result<u64, StoreError> {
    let old = Statement { sql: REMOVE_OLD, args: vec![since.into()] };
    let beyond = Statement { sql: REMOVE_BEYOND, args: vec![i64::from(rows_max.saturating_sub(1)).into()] };
    Ok(store.write(&[old, beyond]).await?.iter().sum())
}

/// Counts one use of what is known of a repository; the count with it, from 1.
pub(super) async fn count_use(store: &Store, repo: &RepoName) -> Result<u64, StoreError> {
    let counted = Statement { sql: COUNT_USE, args: vec![format!("verdicts of {repo} used").into()] };
    let row = store.note_row(&counted).await?;
    row.map_or(Ok(0), |row| Ok(u64::try_from(row.int("value")?).unwrap_or_default()))
}

fn pass_in(row: &Row) -> Result<Pass, StoreError> {
    let took_ms = u64::try_from(row.int("took_ms")?).unwrap_or_default();
    Ok(Pass {
        seen_in: row.text("seen_in")?,
        concluded_at: Timestamp::from_ms(row.int("concluded_at_ms")?),
        took: Duration::from_millis(took_ms),
        commit: row.text("sha")?,
    })
}
