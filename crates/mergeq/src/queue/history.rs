//! What came of those who left a queue, for people to read. Never used for decisions.

use domain::{QueueId, Timestamp};
use store::{Store, StoreError};

/// One entry that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEntry {
    /// Its id; the same one may have come more than once.
    pub entry: String,
    /// Its title.
    pub title: String,
    /// Who asked for it.
    pub requested_by: String,
    /// `merged`, `ejected` or `withdrawn`.
    pub outcome: String,
    /// The outcome as a sentence.
    pub text: String,
    /// When it left.
    pub ended_at: Timestamp,
}

const RECENT: &str = "SELECT id, title, requested_by, outcome, outcome_text, ended_at_ms FROM entry
    WHERE queue = $1 AND ended_at_ms IS NOT NULL ORDER BY ended_at_ms DESC, rank DESC LIMIT $2";

/// Every SQL text of this crate, so that a test can prepare them on both databases.
pub const STATEMENTS: &[&[&str]] = &[super::table::STATEMENTS, &[RECENT]];

/// The last `n_max` entries that left, latest first.
pub async fn recent_outcomes(store: &Store, queue: &QueueId, n_max: u32) -> Result<Vec<PastEntry>, StoreError> {
    let rows = store.rows(RECENT, &[queue.as_str().into(), i64::from(n_max).into()]).await?;
    let past = |row: &store::Row| {
        Ok(PastEntry {
            entry: row.text("id")?,
            title: row.text("title")?,
            requested_by: row.text("requested_by")?,
            outcome: row.text("outcome")?,
            text: row.text("outcome_text")?,
            ended_at: Timestamp::from_ms(row.int("ended_at_ms")?),
        })
    };
    rows.iter().map(past).collect()
}
