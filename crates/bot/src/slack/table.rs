//! What is kept of Slack: our messages there, and how far each channel was looked through.

use domain::{MessageRef, Platform, ThreadRef};
use store::{Row, Statement, Store, StoreError};

use crate::chat::messenger::Said;

const RESERVE: &str = "INSERT INTO slack_message (key, channel, thread_ts, at_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (key) DO NOTHING RETURNING key";
const NOTE: &str = "INSERT INTO slack_message (key, channel, thread_ts, ts, at_ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (key) DO NOTHING RETURNING key";
const POSTED: &str = "UPDATE slack_message SET ts = $2, shown = $3 WHERE key = $1";
const WANT: &str = "UPDATE slack_message SET wanted = $2 WHERE key = $1";
const SHOWN: &str = "UPDATE slack_message SET shown = $2 WHERE key = $1";
const SETTLED: &str = "UPDATE slack_message SET wanted = NULL WHERE key = $1 AND wanted = $2";
const BY_KEY: &str = "SELECT key, channel, thread_ts, ts, shown, wanted FROM slack_message WHERE key = $1";
const BY_PLACE: &str =
    "SELECT key, channel, thread_ts, ts, shown, wanted FROM slack_message WHERE channel = $1 AND ts = $2";
const WANTED: &str = "SELECT key, channel, thread_ts, ts, shown, wanted FROM slack_message
    WHERE wanted IS NOT NULL AND ts IS NOT NULL ORDER BY at_ms, key LIMIT $1";
const FORGET: &str = "DELETE FROM slack_message WHERE at_ms < $1 AND wanted IS NULL";
const WATERMARK: &str = "SELECT watermark FROM slack_channel WHERE channel = $1";
const RAISE: &str = "INSERT INTO slack_channel (channel, watermark) VALUES ($1, $2)
    ON CONFLICT (channel) DO UPDATE SET watermark = $2 WHERE slack_channel.watermark < $2";

/// The SQL texts of this file.
pub const STATEMENTS: &[&str] =
    &[RESERVE, NOTE, POSTED, WANT, SHOWN, SETTLED, BY_KEY, BY_PLACE, WANTED, FORGET, WATERMARK, RAISE];

/// How many edits that a crash left unsent are taken up again: more cards than live tasks there cannot be.
const WANTED_MAX: i64 = 100_000;
/// What the key of a person's message begins with.
const HEARD: &str = "heard:";

/// A message that stands in Slack, or is to stand there.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The key under which it is posted.
    pub key: String,
    /// Its channel.
    pub channel: String,
    /// Its thread there.
    pub thread_ts: String,
    /// Its own time stamp; none while it is being posted.
    pub ts: Option<String>,
    /// What it says.
    pub shown: Option<Said>,
    /// What it is to say.
    pub wanted: Option<Said>,
}

impl Kept {
    /// One that stands at a place.
    pub fn posted(key: &str, (channel, thread_ts): (&str, &str), ts: &str) -> Self {
        let (key, channel, thread_ts) = (key.to_owned(), channel.to_owned(), thread_ts.to_owned());
        Self { key, channel, thread_ts, ts: Some(ts.to_owned()), shown: None, wanted: None }
    }

    /// Whether it is a person's message, of which only the place is kept.
    pub fn is_heard(&self) -> bool {
        self.key.starts_with(HEARD)
    }
}

/// Where a thread of Slack is: its workspace, channel and first message; none for a thread elsewhere.
pub fn place_of(thread: &ThreadRef) -> Option<(&str, &str, &str)> {
    if thread.platform != Platform::Slack {
        return None;
    }
    match thread.name.split('/').collect::<Vec<_>>()[..] {
        [team, channel, ts] => Some((team, channel, ts)),
        _ => None,
    }
}

/// The right to post under a key: true when nobody has tried before.
pub async fn reserve(store: &Store, key: &str, (channel, thread_ts): (&str, &str)) -> Result<bool, StoreError> {
    let args = vec![key.into(), channel.into(), thread_ts.into(), store.now().into()];
    Ok(store.note_row(&Statement { sql: RESERVE, args }).await?.is_some())
}

/// Keeps in which thread a person's message stands.
pub async fn note_heard(store: &Store, message: &MessageRef) -> Result<(), StoreError> {
    let Some((_, channel, thread_ts)) = place_of(&message.thread) else { return Ok(()) };
    let key = format!("{HEARD}{}/{}", message.thread, message.id);
    note_place(store, &key, (channel, thread_ts, &message.id)).await
}

/// Keeps where a message stands, under a key by which it is found again.
pub async fn note_place(
    store: &Store,
    key: &str,
    (channel, thread_ts, ts): (&str, &str, &str),
) -> Result<(), StoreError> {
    let args = vec![key.into(), channel.into(), thread_ts.into(), ts.into(), store.now().into()];
    store.note_row(&Statement { sql: NOTE, args }).await.map(drop)
}

/// Notes that it was posted, and what it says.
pub async fn posted(store: &Store, key: &str, ts: &str, said: &Said) -> Result<(), StoreError> {
    write(store, POSTED, vec![key.into(), ts.into(), to_json(said).into()]).await
}

/// Notes what it is to say.
pub async fn want(store: &Store, key: &str, said: &Said) -> Result<(), StoreError> {
    write(store, WANT, vec![key.into(), to_json(said).into()]).await
}

/// Notes that it says this now, and that nothing else is wanted unless it was wanted since.
pub async fn shown(store: &Store, key: &str, said: &Said) -> Result<(), StoreError> {
    write(store, SHOWN, vec![key.into(), to_json(said).into()]).await?;
    settled(store, key, said).await
}

/// Notes that this is wanted no more.
pub async fn settled(store: &Store, key: &str, said: &Said) -> Result<(), StoreError> {
    write(store, SETTLED, vec![key.into(), to_json(said).into()]).await
}

/// The message of a key.
pub async fn by_key(store: &Store, key: &str) -> Result<Option<Kept>, StoreError> {
    store.rows(BY_KEY, &[key.into()]).await?.first().map(kept).transpose()
}

/// The message at a place.
pub async fn by_place(store: &Store, channel: &str, ts: &str) -> Result<Option<Kept>, StoreError> {
    store.rows(BY_PLACE, &[channel.into(), ts.into()]).await?.first().map(kept).transpose()
}

/// The messages that are to say something else.
pub async fn wanted(store: &Store) -> Result<Vec<Kept>, StoreError> {
    store.rows(WANTED, &[WANTED_MAX.into()]).await?.iter().map(kept).collect()
}

/// Forgets messages of before `ms`, of which no edit is owed.
pub async fn forget_before(store: &Store, ms: i64) -> Result<(), StoreError> {
    write(store, FORGET, vec![ms.into()]).await
}

/// Up to which message a channel was looked through.
pub async fn watermark(store: &Store, channel: &str) -> Result<Option<String>, StoreError> {
    store.rows(WATERMARK, &[channel.into()]).await?.first().map(|row| row.text("watermark")).transpose()
}

/// Notes that a channel was looked through up to a message; it never goes back.
pub async fn raise_watermark(store: &Store, channel: &str, ts: &str) -> Result<(), StoreError> {
    write(store, RAISE, vec![channel.into(), ts.into()]).await
}

async fn write(store: &Store, sql: &'static str, args: Vec<store::Arg>) -> Result<(), StoreError> {
    store.write(&[Statement { sql, args }]).await.map(drop)
}

fn kept(row: &Row) -> Result<Kept, StoreError> {
    let key = row.text("key")?;
    let unreadable = |error: serde_json::Error| StoreError::Unreadable {
        kind: "Slack message",
        id: key.clone(),
        why: error.to_string(),
    };
    let said = |column: &str| -> Result<Option<Said>, StoreError> {
        row.maybe_text(column)?.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
    };
    let (shown, wanted) = (said("shown")?, said("wanted")?);
    let (channel, thread_ts, ts) = (row.text("channel")?, row.text("thread_ts")?, row.maybe_text("ts")?);
    Ok(Kept { key: key.clone(), channel, thread_ts, ts, shown, wanted })
}

fn to_json(said: &Said) -> String {
    serde_json::to_string(said).expect("texts and numbers always become JSON")
}
