//! The console's rows. They belong to no machine: here we are the platform that keeps people's messages.

use domain::{Cause, DeliveryId, MessageRef, TaskId, ThreadRef, Timestamp};
use serde::Serialize;
use store::{ApplyError, Arg, Row, Statement, Store, StoreError};

use super::{BOT, ConsoleMessage, NumberedChoice};
use crate::chat::conversation::{Conversation, ConversationEvent, ThreadId};
use crate::chat::key::{Kept, Key};
use crate::chat::messenger::Heard;

const POST: &str = "INSERT INTO console_message (thread, n, key, author, text, choices, reactions, at_ms)
    VALUES ($1, (SELECT COALESCE(MAX(n), 0) + 1 FROM console_message WHERE thread = $1), $2, $3, $4, $5, '[]', $6)
    ON CONFLICT (key) DO NOTHING RETURNING n";
const BY_KEY: &str =
    "SELECT key, thread, n, author, text, choices, reactions, at_ms FROM console_message WHERE key = $1";
const EDIT: &str = "UPDATE console_message SET text = $3, choices = $4, edited_at_ms = $5
    WHERE thread = $1 AND n = $2 AND (text <> $3 OR choices <> $4)";
const CHANGE: &str = "UPDATE console_message SET text = $4, edited_at_ms = $5
    WHERE thread = $1 AND n = $2 AND author = $3 AND text <> $4 AND text <> '' RETURNING n";
const REACT: &str = "UPDATE console_message SET reactions = $3 WHERE thread = $1 AND n = $2 AND reactions <> $3";
const ONE: &str = "SELECT key, thread, n, author, text, choices, reactions, at_ms FROM console_message
    WHERE thread = $1 AND n = $2";
const BEFORE: &str = "SELECT key, thread, n, author, text, choices, reactions, at_ms FROM console_message
    WHERE thread = $1 AND n < $2 ORDER BY n DESC LIMIT $3";
const THREADS: &str = "SELECT thread FROM console_message GROUP BY thread ORDER BY MAX(at_ms) DESC, thread LIMIT $1";

/// The SQL texts of this file.
pub const STATEMENTS: &[&str] = &[POST, BY_KEY, EDIT, CHANGE, REACT, ONE, BEFORE, THREADS];

/// A message to keep.
pub(super) struct Draft<'a> {
    pub(super) thread: &'a str,
    /// A key that was used before gives back the message that was kept then.
    pub(super) key: &'a str,
    pub(super) author: &'a str,
    pub(super) text: &'a str,
    pub(super) choices: &'a [NumberedChoice],
    pub(super) at: Timestamp,
}

impl Draft<'_> {
    fn statement(&self) -> Statement {
        let Self { thread, key, author, text, choices, at } = *self;
        let args = vec![thread.into(), key.into(), author.into(), text.into(), to_json(choices).into(), at.into()];
        Statement { sql: POST, args }
    }

    fn kept_as(&self, n: i64) -> ConsoleMessage {
        ConsoleMessage {
            thread: self.thread.to_owned(),
            n,
            card: card_of(self.key),
            author: self.author.to_owned(),
            text: self.text.replace('\0', "\u{FFFD}"),
            choices: self.choices.to_vec(),
            reactions: Vec::new(),
            at: self.at,
        }
    }
}

/// Keeps a message; says whether it is new.
pub(super) async fn post(store: &Store, draft: &Draft<'_>) -> Result<(ConsoleMessage, bool), StoreError> {
    if let Some(row) = store.note_row(&draft.statement()).await? {
        return Ok((draft.kept_as(row.int("n")?), true));
    }
    let rows = store.rows(BY_KEY, &[draft.key.into()]).await?;
    let message = rows.first().map(message_of).ok_or_else(|| missing(draft.key))??;
    Ok((message, false))
}

/// Keeps what a person said together with the debt of an answer; nothing when it was kept before.
pub(super) async fn hear(
    store: &Store,
    draft: &Draft<'_>,
    heard: impl Fn(i64) -> Heard,
) -> Result<Option<ConsoleMessage>, ApplyError> {
    let thread = ThreadRef::console(draft.thread);
    let start = || Conversation::new(thread.clone());
    let event = |row: &Row| Ok(ConversationEvent::MessageHeard { heard: heard(row.int("n")?) });
    let (id, cause) = (ThreadId(thread.clone()), Cause::Delivery(DeliveryId::new(draft.key)));
    let kept = store.keep_and_apply(&draft.statement(), (&id, start), event, cause).await?;
    Ok(kept.map(|row| row.int("n")).transpose()?.map(|n| draft.kept_as(n)))
}

/// Changes what a person said, together with the debt of heeding it; false when it is not theirs or said that already.
pub(super) async fn change(store: &Store, author: &str, heard: &Heard) -> Result<bool, ApplyError> {
    let thread = &heard.message.thread;
    let mut args = place(&heard.message);
    args.extend([author.into(), heard.text.as_str().into(), store.now().into()]);
    let (id, cause) = (ThreadId(thread.clone()), Cause::Delivery(heard.delivery.clone()));
    let event = |_: &Row| Ok(ConversationEvent::MessageHeard { heard: heard.clone() });
    let start = || Conversation::new(thread.clone());
    let kept = store.keep_and_apply(&Statement { sql: CHANGE, args }, (&id, start), event, cause).await?;
    Ok(kept.is_some())
}

/// One message.
pub(super) async fn find(store: &Store, message: &MessageRef) -> Result<ConsoleMessage, StoreError> {
    let rows = store.rows(ONE, &place(message)).await?;
    rows.first().map(message_of).ok_or_else(|| missing(&message.id))?
}

/// The key under which we posted a message; none for what people said.
pub(super) async fn key_of(store: &Store, message: &MessageRef) -> Result<Option<String>, StoreError> {
    let rows = store.rows(ONE, &place(message)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok((row.text("author")? == BOT).then_some(row.text("key")?))
}

/// The newest messages of a thread before number `n`, newest first.
pub(super) async fn before(
    store: &Store,
    thread: &str,
    n: i64,
    count_max: i64,
) -> Result<Vec<ConsoleMessage>, StoreError> {
    store.rows(BEFORE, &[thread.into(), n.into(), count_max.into()]).await?.iter().map(message_of).collect()
}

/// The threads, the liveliest first.
pub(super) async fn threads(store: &Store, count_max: i64) -> Result<Vec<String>, StoreError> {
    store.rows(THREADS, &[count_max.into()]).await?.iter().map(|row| row.text("thread")).collect()
}

/// Replaces words and choices; false when they were the same already.
pub(super) async fn edit(
    store: &Store,
    message: &MessageRef,
    text: &str,
    choices: &[NumberedChoice],
) -> Result<bool, StoreError> {
    let mut args = place(message);
    args.extend([text.into(), to_json(choices).into(), store.now().into()]);
    Ok(store.write(&[Statement { sql: EDIT, args }]).await? == [1])
}

/// Replaces the emoji; false when they were the same already.
pub(super) async fn react(store: &Store, message: &MessageRef, reactions: &[String]) -> Result<bool, StoreError> {
    let mut args = place(message);
    args.push(to_json(reactions).into());
    Ok(store.write(&[Statement { sql: REACT, args }]).await? == [1])
}

fn place(message: &MessageRef) -> Vec<Arg> {
    vec![message.thread.name.as_str().into(), message.id.parse::<i64>().unwrap_or(-1).into()]
}

fn missing(id: &str) -> StoreError {
    StoreError::Unreadable { kind: "console message", id: id.to_owned(), why: "it is not there".to_owned() }
}

fn card_of(key: &str) -> Option<TaskId> {
    key.parse::<Key>().ok().filter(|key| key.of == Kept::Card).map(|key| key.task)
}

fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers always become JSON")
}

fn message_of(row: &Row) -> Result<ConsoleMessage, StoreError> {
    let n = row.int("n")?;
    let unreadable = |error: serde_json::Error| StoreError::Unreadable {
        kind: "console message",
        id: n.to_string(),
        why: error.to_string(),
    };
    Ok(ConsoleMessage {
        thread: row.text("thread")?,
        n,
        card: card_of(&row.text("key")?),
        author: row.text("author")?,
        text: row.text("text")?,
        choices: serde_json::from_str(&row.text("choices")?).map_err(unreadable)?,
        reactions: serde_json::from_str(&row.text("reactions")?).map_err(unreadable)?,
        at: Timestamp::from_ms(row.int("at_ms")?),
    })
}
