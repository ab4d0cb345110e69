//! What is kept of threads as agent sessions: how far each task of one is, and what Slack was told of the whole.

use store::{Row, Statement, Store, StoreError};

use super::{Place, Standing};
use crate::chat::messenger::Stage;
use crate::slack::table::Kept;

const NOTE: &str = "INSERT INTO slack_session (card, channel, thread_ts, stage, at_ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (card) DO UPDATE SET stage = $4";
const OF_THREAD: &str = "SELECT stage, told FROM slack_session WHERE channel = $1 AND thread_ts = $2";
const TOLD: &str = "UPDATE slack_session SET told = $3 WHERE channel = $1 AND thread_ts = $2";
const OPEN: &str = "SELECT DISTINCT channel, thread_ts FROM slack_session
    WHERE told IS NULL OR told <> 'closed' ORDER BY channel, thread_ts LIMIT $1";

/// The SQL texts of this file.
pub const STATEMENTS: &[&str] = &[NOTE, OF_THREAD, TOLD, OPEN];

/// How many threads are looked at after a start: more have no live tasks.
const OPEN_MAX: i64 = 10_000;

/// Notes how far a card's task is.
pub async fn note(store: &Store, card: &Kept, stage: Stage) -> Result<(), StoreError> {
    let Kept { key, channel, thread_ts, .. } = card;
    let args = vec![
        key.as_str().into(),
        channel.as_str().into(),
        thread_ts.as_str().into(),
        word(stage).into(),
        store.now().into(),
    ];
    store.write(&[Statement { sql: NOTE, args }]).await.map(drop)
}

/// How a thread stands, of all its tasks; and what Slack was told.
pub async fn standing(store: &Store, place: &Place) -> Result<(Option<Standing>, Option<String>), StoreError> {
    let rows = store.rows(OF_THREAD, &[place.0.as_str().into(), place.1.as_str().into()]).await?;
    let stages = rows.iter().map(|row| row.text("stage")).collect::<Result<Vec<_>, _>>()?;
    let newest = stages.iter().filter_map(|word| stage(word)).max().map(Standing::of);
    let told = rows.iter().map(|row| row.maybe_text("told")).collect::<Result<Vec<_>, _>>()?;
    // A card that came later was told of with nothing.
    Ok((newest, told.into_iter().flatten().next()))
}

/// Notes what Slack was told of a thread.
pub async fn told(store: &Store, place: &Place, status: &str) -> Result<(), StoreError> {
    let args = vec![place.0.as_str().into(), place.1.as_str().into(), status.into()];
    store.write(&[Statement { sql: TOLD, args }]).await.map(drop)
}

/// The threads of which Slack was not told that they are over.
pub async fn open(store: &Store) -> Result<Vec<Place>, StoreError> {
    let place = |row: &Row| Ok((row.text("channel")?, row.text("thread_ts")?));
    store.rows(OPEN, &[OPEN_MAX.into()]).await?.iter().map(place).collect()
}

const STAGES: [(Stage, &str); 5] = [
    (Stage::Over, "over"),
    (Stage::Queued, "queued"),
    (Stage::NeedsHuman, "needs_human"),
    (Stage::Planning, "planning"),
    (Stage::Working, "working"),
];

fn word(stage: Stage) -> &'static str {
    STAGES.iter().find(|(known, _)| *known == stage).map_or("over", |(_, word)| word)
}

fn stage(word: &str) -> Option<Stage> {
    STAGES.iter().find(|(_, known)| *known == word).map(|(stage, _)| *stage)
}
