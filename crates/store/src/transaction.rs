//! A write transaction, and how several statements share one round trip.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Executor as _, PgConnection, SqliteConnection};

use crate::connection::Turn;
use crate::value::bound;
use crate::{Arg, Row, Statement, StoreError};

/// A write transaction.
pub(crate) enum Tx {
    Sqlite(Turn<SqliteConnection>),
    Postgres(Turn<PgConnection>),
}

/// A transaction that reads first and writes later would fail at once when another process wrote in between, however
/// long the busy timeout is; this one waits for its turn at the start.
pub(crate) const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";

/// The first word of the locks that serialise the writers of one machine; claims use another.
const MACHINES: i64 = 0x6d61_6368;

/// Begins a transaction on PostgreSQL and lets one writer of a machine through at a time. Without it PostgreSQL would
/// let writers overtake each other for ever at the compare-and-swap, and an answer (effect, then machine) would
/// deadlock with a revocation (machine, then effect). SQLite has one writer anyway.
pub(crate) fn begin_for(kind: &str, machine: &str) -> String {
    // FNV-1a: every process of an installation has to come to the same number, in this release and the next.
    let hash = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let name = kind.bytes().chain([b' ']).chain(machine.bytes());
    let key = name.fold(0xcbf2_9ce4_8422_2325, hash) ^ MACHINES.cast_unsigned();
    format!("BEGIN; SELECT pg_advisory_xact_lock({})", key.cast_signed())
}

impl Tx {
    pub(crate) async fn execute(&mut self, sql: &'static str, args: &[Arg]) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(turn) => bound!(sql, args).execute(turn.connection()).await?.rows_affected(),
            Self::Postgres(turn) => bound!(sql, args).execute(turn.connection()).await?.rows_affected(),
        })
    }

    pub(crate) async fn first(&mut self, sql: &'static str, args: &[Arg]) -> Result<Option<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(turn) => bound!(sql, args).fetch_optional(turn.connection()).await?.map(Row::Sqlite),
            Self::Postgres(turn) => bound!(sql, args).fetch_optional(turn.connection()).await?.map(Row::Postgres),
        })
    }

    /// Writes with one statement and reads one row with another, where one is wanted, in one round trip; says how many
    /// rows it wrote. The row is as it was before: on PostgreSQL neither sees what the other does.
    pub(crate) async fn write_and_read(
        &mut self,
        write: &Statement,
        read: Option<&Statement>,
    ) -> Result<(u64, Option<Row>), StoreError> {
        let Some(read) = read else { return Ok((self.execute(write.sql, &write.args).await?, None)) };
        match self {
            Self::Sqlite(turn) => {
                let written = bound!(write.sql, &write.args).execute(turn.connection()).await?.rows_affected();
                let row = bound!(read.sql, &read.args).fetch_optional(turn.connection()).await?;
                Ok((written, row.map(Row::Sqlite)))
            }
            Self::Postgres(turn) => {
                let (write_sql, read_sql) = (write.sql, renumbered(read.sql, write.args.len()));
                let sql = format!(
                    "WITH written AS ({write_sql} RETURNING 1), found AS ({read_sql})
                     SELECT (SELECT COUNT(*) FROM written) AS n_written, found.* FROM (SELECT 1) one LEFT JOIN found ON TRUE"
                );
                let args = [write.args.as_slice(), &read.args].concat();
                let row = bound!(AssertSqlSafe(sql), &args).fetch_one(turn.connection()).await?;
                let row = Row::Postgres(row);
                let written = u64::try_from(row.int("n_written")?).unwrap_or_default();
                let is_found = row.maybe_int("version")?.is_some();
                Ok((written, is_found.then_some(row)))
            }
        }
    }

    /// Runs writes that are strangers to each other in one round trip, and says how many rows the first one touched.
    pub(crate) async fn write_all(&mut self, statements: &[Statement]) -> Result<u64, StoreError> {
        if statements.is_empty() {
            return Ok(0);
        }
        let mut args = Vec::new();
        let mut parts = Vec::with_capacity(statements.len());
        for statement in statements {
            parts.push(renumbered(statement.sql, args.len()));
            args.extend_from_slice(&statement.args);
        }
        match self {
            Self::Sqlite(turn) => {
                let sql = AssertSqlSafe(parts.join(";\n"));
                let mut outcomes = turn.connection().fetch_many(bound!(sql, &args));
                let mut first = None;
                while let Some(outcome) = futures::TryStreamExt::try_next(&mut outcomes).await? {
                    if let sqlx::Either::Left(done) = outcome {
                        first.get_or_insert(done.rows_affected());
                    }
                }
                Ok(first.unwrap_or_default())
            }
            Self::Postgres(turn) => {
                let named = parts.iter().enumerate().map(|(n, part)| format!("s{n} AS ({part} RETURNING 1)"));
                let named = named.collect::<Vec<_>>().join(",\n");
                let sql = format!("WITH {named}\nSELECT COUNT(*) AS n_first FROM s0");
                let row = bound!(AssertSqlSafe(sql), &args).fetch_one(turn.connection()).await?;
                Ok(u64::try_from(Row::Postgres(row).int("n_first")?).unwrap_or_default())
            }
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.end("COMMIT").await
    }

    /// Ends it as if it had not been. A transaction that is dropped costs its connection.
    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        self.end("ROLLBACK").await
    }

    async fn end(self, words: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(mut turn) => {
                turn.say(words).await?;
                turn.over();
            }
            Self::Postgres(mut turn) => {
                turn.say(words).await?;
                turn.over();
            }
        }
        Ok(())
    }
}

/// The text with `$1` for what was `$1`, moved by so many places.
fn renumbered(sql: &str, by: usize) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let n_digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(n_digits);
        match number.parse::<usize>() {
            Ok(number) => drop(write!(text, "${}{rest}", number + by)),
            Err(_) => drop(write!(text, "${part}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_move_and_nothing_else() {
        assert_eq!(renumbered("A $1, $12 WHERE x = $2 - 1", 6), "A $7, $18 WHERE x = $8 - 1");
        assert_eq!(renumbered("no placeholder, a $ alone", 3), "no placeholder, a $ alone");
    }

    #[test]
    fn writers_of_one_machine_ask_for_one_lock() {
        assert_eq!(begin_for("task", "T-1"), begin_for("task", "T-1"));
        assert_ne!(begin_for("task", "T-1"), begin_for("task", "T-2"));
    }
}
