//! Reading the journal (what happened, and why) and keeping the log (what was seen on the way).

use domain::Timestamp;

use crate::{Store, StoreError};

const TAIL: &str = "SELECT version, state, event, cause, at_ms FROM journal
    WHERE kind = $1 AND machine = $2 AND version > $3 ORDER BY version";
const APPEND: &str = "INSERT INTO log (kind, machine, n, at_ms, line)
    VALUES ($1, $2, (SELECT COALESCE(MAX(n), 0) + 1 FROM log WHERE kind = $1 AND machine = $2), $3, $4)";
const FORGET: &str = "DELETE FROM log WHERE kind = $1 AND machine = $2
    AND n <= (SELECT COALESCE(MAX(n), 0) FROM log WHERE kind = $1 AND machine = $2) - $3";
const LINES: &str = "SELECT n, at_ms, line FROM log WHERE kind = $1 AND machine = $2 AND n > $3 ORDER BY n LIMIT $4";

/// How many lines of a machine's log are kept, the newest: what a person may still read through, about a megabyte. A
/// session that prints without end costs no more than this.
pub const LOG_LINES_MAX: i64 = 10_000;

/// One event that was applied.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// The version that it led to, counted from 1.
    pub version: i64,
    /// The name of the state that it led to.
    pub state: String,
    /// The event as JSON.
    pub event: String,
    /// Why it was applied: `delivery:…`, `effect:…` or `person:…`.
    pub cause: String,
    /// When.
    pub at: Timestamp,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number, counted from 1.
    pub n: i64,
    /// When it was kept.
    pub at: Timestamp,
    /// The line.
    pub line: String,
}

impl Store {
    /// The journal of one machine after `version`, oldest first.
    pub async fn journal(
        &self,
        kind: &'static str,
        machine: &str,
        version: i64,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let rows = self.rows(TAIL, &[kind.into(), machine.into(), version.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(JournalEntry {
                    version: row.int("version")?,
                    state: row.text("state")?,
                    event: row.text("event")?,
                    cause: row.text("cause")?,
                    at: Timestamp::from_ms(row.int("at_ms")?),
                })
            })
            .collect()
    }

    /// Keeps lines that a performer saw, and of all of them the newest [`LOG_LINES_MAX`]. Losing them loses nothing, so no
    /// machine hears of it.
    pub async fn append_log(&self, kind: &'static str, machine: &str, lines: &[String]) -> Result<(), StoreError> {
        let now = self.now();
        // Two that append at once would take the same number.
        let mut tx = self.begin_for(kind, machine).await?;
        for line in lines {
            tx.execute(APPEND, &[kind.into(), machine.into(), now.into(), line.as_str().into()]).await?;
        }
        tx.execute(FORGET, &[kind.into(), machine.into(), LOG_LINES_MAX.into()]).await?;
        tx.commit().await
    }

    /// At most `count_max` lines of one machine's log after number `n`. Where older lines were dropped, a line in the
    /// place of the last of them says so.
    pub async fn log_after(
        &self,
        kind: &'static str,
        machine: &str,
        n: i64,
        count_max: i64,
    ) -> Result<Vec<LogLine>, StoreError> {
        let rows = self.rows(LINES, &[kind.into(), machine.into(), n.into(), count_max.into()]).await?;
        let read = rows.iter().map(|row| {
            let at = Timestamp::from_ms(row.int("at_ms")?);
            Ok(LogLine { n: row.int("n")?, at, line: row.text("line")? })
        });
        let mut lines: Vec<LogLine> = read.collect::<Result<_, StoreError>>()?;
        if let Some(first) = lines.first().filter(|first| first.n > n + 1) {
            let (dropped, at) = (first.n - 1, first.at);
            let line = format!("… lines {} to {dropped} were dropped: {LOG_LINES_MAX} are kept …", n + 1);
            lines.insert(0, LogLine { n: dropped, at, line });
            lines.truncate(usize::try_from(count_max).unwrap_or(usize::MAX));
        }
        Ok(lines)
    }
}
