//! What is kept of the messages in which steps stand: one row a card.

use serde_json::Error;
use store::{Row, Statement, Store, StoreError};

use super::{Phase, Stream};
use crate::slack::blocks::steps::Progress;
use crate::slack::table::Kept;

const WANT: &str = "INSERT INTO slack_stream (card, channel, thread_ts, recipient, phase, wanted, at_ms)
    VALUES ($1, $2, $3, $4, 'beginning', $5, $6) ON CONFLICT (card) DO UPDATE SET wanted = $5
    RETURNING card, channel, thread_ts, recipient, ts, phase, shown, wanted";
const TOLD: &str = "UPDATE slack_stream SET ts = $2, phase = $3, shown = $4,
    wanted = CASE WHEN wanted = $5 THEN NULL ELSE wanted END WHERE card = $1";
const WANT_INSTEAD: &str = "UPDATE slack_stream SET wanted = $2 WHERE card = $1";
const BY_CARD: &str = "SELECT card, channel, thread_ts, recipient, ts, phase, shown, wanted FROM slack_stream
    WHERE card = $1";
const UNFINISHED: &str = "SELECT card, channel, thread_ts, recipient, ts, phase, shown, wanted FROM slack_stream
    WHERE phase = 'open' OR (phase <> 'refused' AND wanted IS NOT NULL) ORDER BY at_ms, card LIMIT $1";

/// The SQL texts of this file.
pub const STATEMENTS: &[&str] = &[WANT, WANT_INSTEAD, TOLD, BY_CARD, UNFINISHED];

/// How many streams that a process left are closed: more tasks there cannot be at work.
const UNFINISHED_MAX: i64 = 10_000;

/// Notes what the steps of a card are to show, for this person first; the row as it is then.
pub async fn want(
    store: &Store,
    card: &Kept,
    recipient: &str,
    wanted: &Progress,
) -> Result<Option<Stream>, StoreError> {
    let Kept { key, channel, thread_ts, .. } = card;
    let args = vec![
        key.as_str().into(),
        channel.as_str().into(),
        thread_ts.as_str().into(),
        recipient.into(),
        to_json(wanted).into(),
        store.now().into(),
    ];
    store.note_row(&Statement { sql: WANT, args }).await?.as_ref().map(stream).transpose()
}

/// Notes that something else is wanted.
pub async fn want_instead(store: &Store, stream: &Stream) -> Result<(), StoreError> {
    let args = vec![stream.card.as_str().into(), stream.wanted.as_ref().map(to_json).into()];
    store.write(&[Statement { sql: WANT_INSTEAD, args }]).await.map(drop)
}

/// Notes where it stands by now, and that this is wanted no more, unless something else is since.
pub async fn told(store: &Store, stream: &Stream, settled: Option<&Progress>) -> Result<(), StoreError> {
    let args = vec![
        stream.card.as_str().into(),
        stream.ts.clone().into(),
        stream.phase.word().into(),
        stream.shown.as_ref().map(to_json).into(),
        settled.map(to_json).unwrap_or_default().into(),
    ];
    store.write(&[Statement { sql: TOLD, args }]).await.map(drop)
}

/// The one of a card.
pub async fn by_card(store: &Store, card: &str) -> Result<Option<Stream>, StoreError> {
    store.rows(BY_CARD, &[card.into()]).await?.first().map(stream).transpose()
}

/// Those that a process left open, or with something to be told.
pub async fn unfinished(store: &Store) -> Result<Vec<Stream>, StoreError> {
    store.rows(UNFINISHED, &[UNFINISHED_MAX.into()]).await?.iter().map(stream).collect()
}

fn stream(row: &Row) -> Result<Stream, StoreError> {
    let card = row.text("card")?;
    let unreadable = |why: String| StoreError::Unreadable { kind: "Slack stream", id: card.clone(), why };
    let progress = |column: &str| -> Result<Option<Progress>, StoreError> {
        let read = |text: String| serde_json::from_str(&text).map_err(|error: Error| unreadable(error.to_string()));
        row.maybe_text(column)?.map(read).transpose()
    };
    let word = row.text("phase")?;
    Ok(Stream {
        channel: row.text("channel")?,
        thread_ts: row.text("thread_ts")?,
        recipient: row.text("recipient")?,
        ts: row.maybe_text("ts")?,
        phase: Phase::of(&word).ok_or_else(|| unreadable(format!("there is no phase {word}")))?,
        shown: progress("shown")?,
        wanted: progress("wanted")?,
        card,
    })
}

fn to_json(progress: &Progress) -> String {
    serde_json::to_string(progress).expect("texts and marks always become JSON")
}
