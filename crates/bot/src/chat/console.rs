//! The console: a chat platform of our own, kept in the store, so that threads survive restarts and several people can
//! talk at once. Buttons are numbered choices; a choice's number is unique in its thread and closes when the message
//! that offered it changes.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use domain::{Cause, DeliveryId, MessageRef, Person, TaskId, ThreadRef, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ApplyError, Store, StoreError};
use tokio::sync::broadcast;

use crate::clock::fresh_name;

use super::conversation::{Conversation, ConversationEvent, ThreadId};
use super::messenger::{ChatError, Choice, Depth, Heard, Line, Messenger, Said, Via};

mod table;

pub use table::STATEMENTS;

/// How many events a slow reader of the console may lag behind before it loses the oldest.
const LAG_MAX: usize = 4_096;
/// The longest message that a person may say, in bytes: a long log fits, a core dump does not.
pub const MESSAGE_BYTES_MAX: usize = 100_000;
/// How many of a thread's newest messages are searched for a choice.
const RECENT_MAX: i64 = 200;
/// How many threads are listed: more than a person tells apart.
const THREADS_MAX: i64 = 50;
/// The author of what the product itself says.
pub const BOT: &str = "bot";

/// A message as the console keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleMessage {
    /// Its thread's name.
    pub thread: String,
    /// Its number in the thread.
    pub n: i64,
    /// The task whose card it is: edited in place until the task has ended.
    pub card: Option<TaskId>,
    /// Who wrote it.
    pub author: String,
    /// The words.
    pub text: String,
    /// What people may answer, with the numbers to say.
    pub choices: Vec<NumberedChoice>,
    /// The emoji on it.
    pub reactions: Vec<String>,
    /// When it was written.
    pub at: Timestamp,
}

/// A choice with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedChoice {
    /// The number to say.
    pub n: i64,
    /// Whether the message still offers it.
    pub is_open: bool,
    /// The choice.
    #[serde(flatten)]
    pub choice: Choice,
}

/// Something to show on a console.
#[derive(Clone, Debug)]
pub enum ConsoleEvent {
    /// A message appeared.
    Posted(ConsoleMessage),
    /// A message changed.
    Edited(ConsoleMessage),
    /// An emoji was put on a message.
    Reacted(ConsoleMessage),
}

/// Why the console did not take a message.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// It is too long.
    #[error(
        "the message has {0} bytes, and {MESSAGE_BYTES_MAX} is the limit; put the rest into a file of the repository"
    )]
    TooLong(usize),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be passed on.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// The console.
#[derive(Clone)]
pub struct Console {
    store: Store,
    shown: broadcast::Sender<ConsoleEvent>,
    /// Serialises the posts of this process to one thread, so that no two messages or choices of it get one number.
    /// Threads share these locks by their names.
    posting: Arc<[tokio::sync::Mutex<()>; POSTING_LOCKS]>,
}

/// More than there are connections to a database, so that a lock is hardly ever what a post waits for.
const POSTING_LOCKS: usize = 32;

impl Console {
    /// The console that lives in `store`.
    pub fn new(store: Store) -> Self {
        let (shown, _) = broadcast::channel(LAG_MAX);
        Self { store, shown, posting: Arc::default() }
    }

    fn posting_to(&self, thread: &ThreadRef) -> &tokio::sync::Mutex<()> {
        let mut hasher = std::hash::DefaultHasher::new();
        thread.name.hash(&mut hasher);
        &self.posting[hasher.finish() as usize % POSTING_LOCKS]
    }

    /// What is shown from now on.
    pub fn watch(&self) -> broadcast::Receiver<ConsoleEvent> {
        self.shown.subscribe()
    }

    /// A person says something. It is kept, shown, and owed an answer when this returns.
    pub async fn say(&self, thread: &ThreadRef, author: &Person, text: &str) -> Result<(), SayError> {
        let delivery = DeliveryId::new(format!("console:{}", fresh_name()));
        self.say_once(&delivery, thread, author, text).await
    }

    /// As [`Console::say`], under an id that whoever says it repeats when it does not know whether it was heard.
    pub async fn say_once(
        &self,
        delivery: &DeliveryId,
        thread: &ThreadRef,
        author: &Person,
        text: &str,
    ) -> Result<(), SayError> {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(SayError::TooLong(text.len()));
        }
        let (means, via) = self.translate(thread, text).await?;
        let at = self.store.now();
        let hear = |n: i64| Heard {
            delivery: delivery.clone(),
            message: MessageRef { thread: thread.clone(), id: n.to_string() },
            author: author.clone(),
            text: means.clone(),
            at,
            via: via.clone(),
        };
        let _one_at_a_time = self.posting_to(thread).lock().await;
        let draft = table::Draft {
            thread: &thread.name,
            key: delivery.as_str(),
            author: author.as_str(),
            text,
            choices: &[],
            at,
        };
        // A message that is kept already was heard in the same breath.
        if let Some(message) = table::hear(&self.store, &draft, hear).await? {
            self.show(ConsoleEvent::Posted(message));
        }
        Ok(())
    }

    /// A person changes a message of theirs. Whoever it mattered to hears of it; nothing happens to other people's messages.
    pub async fn correct(&self, message: &MessageRef, author: &Person, text: &str) -> Result<(), SayError> {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(SayError::TooLong(text.len()));
        }
        let was = table::find(&self.store, message).await?.text;
        self.change(message, author, text, Via::Edit { was: Some(was) }).await
    }

    /// A person takes a message of theirs back.
    pub async fn withdraw(&self, message: &MessageRef, author: &Person) -> Result<(), SayError> {
        self.change(message, author, "", Via::Withdrawal).await
    }

    async fn change(&self, message: &MessageRef, author: &Person, text: &str, via: Via) -> Result<(), SayError> {
        let _one_at_a_time = self.posting_to(&message.thread).lock().await;
        let heard = Heard {
            delivery: DeliveryId::new(format!("console:{}", fresh_name())),
            message: message.clone(),
            author: author.clone(),
            text: text.to_owned(),
            at: self.store.now(),
            via,
        };
        if table::change(&self.store, author.as_str(), &heard).await? {
            let now = table::find(&self.store, message).await?;
            self.show(ConsoleEvent::Edited(now));
        }
        Ok(())
    }

    /// A person puts an emoji on a message. It is owed an answer when this returns.
    pub async fn put_emoji(&self, message: &MessageRef, author: &Person, emoji: &str) -> Result<(), SayError> {
        let heard = Heard {
            delivery: DeliveryId::new(format!("console:{}", fresh_name())),
            message: message.clone(),
            author: author.clone(),
            text: emoji.to_owned(),
            at: self.store.now(),
            via: Via::Reaction,
        };
        let (id, cause) = (ThreadId(message.thread.clone()), Cause::Delivery(heard.delivery.clone()));
        let start = || Conversation::new(message.thread.clone());
        self.store.apply_or_start(&id, start, ConversationEvent::MessageHeard { heard }, cause).await?;
        Ok(())
    }

    /// A number becomes the command of its choice. A closed choice stands for what it stood for when it was offered,
    /// so that its task can say what has replaced it.
    async fn translate(&self, thread: &ThreadRef, text: &str) -> Result<(String, Via), StoreError> {
        let Ok(n) = text.trim().parse::<i64>() else { return Ok((text.to_owned(), Via::Words)) };
        let recent = self.before(thread, i64::MAX).await?;
        let offered = recent.iter().flat_map(|message| &message.choices).find(|offered| offered.n == n);
        let chosen = |offered: &NumberedChoice| (offered.choice.says.clone(), Via::Choice);
        Ok(offered.map_or_else(|| (text.to_owned(), Via::Words), chosen))
    }

    /// The newest messages of a thread before number `n`, newest first; at most 200.
    pub async fn before(&self, thread: &ThreadRef, n: i64) -> Result<Vec<ConsoleMessage>, StoreError> {
        table::before(&self.store, &thread.name, n, RECENT_MAX).await
    }

    /// The threads in which something was said, the liveliest first; at most 50.
    pub async fn threads(&self) -> Result<Vec<String>, StoreError> {
        table::threads(&self.store, THREADS_MAX).await
    }

    async fn keep(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<ConsoleMessage, StoreError> {
        let _one_at_a_time = self.posting_to(thread).lock().await;
        let choices = self.number(thread, &said.choices).await?;
        let at = self.store.now();
        let draft = table::Draft { thread: &thread.name, key, author: BOT, text: &said.text(), choices: &choices, at };
        let (message, is_new) = table::post(&self.store, &draft).await?;
        if is_new {
            self.show(ConsoleEvent::Posted(message.clone()));
        }
        Ok(message)
    }

    /// Gives each choice the next number of its thread; numbers of closed choices are never used again.
    async fn number(&self, thread: &ThreadRef, choices: &[Choice]) -> Result<Vec<NumberedChoice>, StoreError> {
        if choices.is_empty() {
            return Ok(Vec::new());
        }
        let recent = self.before(thread, i64::MAX).await?;
        let used = recent.iter().flat_map(|message| message.choices.iter().map(|offered| offered.n)).max().unwrap_or(0);
        let numbered = (used + 1..).zip(choices);
        Ok(numbered.map(|(n, choice)| NumberedChoice { n, is_open: true, choice: choice.clone() }).collect())
    }

    fn show(&self, event: ConsoleEvent) {
        // Nobody may be watching; the messages are kept all the same.
        let _ = self.shown.send(event);
    }

    async fn edit_kept(&self, message: &MessageRef, said: &Said) -> Result<(), StoreError> {
        let _one_at_a_time = self.posting_to(&message.thread).lock().await;
        let was = table::find(&self.store, message).await?;
        let open = was.choices.iter().filter(|offered| offered.is_open);
        let mut choices = was.choices.clone();
        if !open.map(|offered| &offered.choice).eq(&said.choices) {
            choices.iter_mut().for_each(|offered| offered.is_open = false);
            choices.extend(self.number(&message.thread, &said.choices).await?);
        }
        let text = said.text();
        if table::edit(&self.store, message, &text, &choices).await? {
            self.show(ConsoleEvent::Edited(ConsoleMessage { text, choices, ..was }));
        }
        Ok(())
    }

    async fn react_kept(&self, message: &MessageRef, emoji: &str) -> Result<(), StoreError> {
        let mut on = table::find(&self.store, message).await?;
        if on.reactions.iter().any(|there| there == emoji) {
            return Ok(());
        }
        on.reactions.push(emoji.to_owned());
        if table::react(&self.store, message, &on.reactions).await? {
            self.show(ConsoleEvent::Reacted(on));
        }
        Ok(())
    }
}

#[async_trait]
impl Messenger for Console {
    async fn post(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<MessageRef, ChatError> {
        self.keep(thread, key, said).await.map(|message| reference(&message)).map_err(refused)
    }

    /// Everything at the console stands in a thread.
    async fn thread_for(&self, thread: &ThreadRef, _key: &str, _said: &Said) -> Result<ThreadRef, ChatError> {
        Ok(thread.clone())
    }

    /// Everybody at the console sees everything.
    async fn whisper(&self, thread: &ThreadRef, _to: &Person, key: &str, said: &Said) -> Result<(), ChatError> {
        self.post(thread, key, said).await.map(drop)
    }

    async fn edit(&self, message: &MessageRef, said: &Said) -> Result<(), ChatError> {
        self.edit_kept(message, said).await.map_err(refused)
    }

    async fn react(&self, message: &MessageRef, emoji: &str) -> Result<(), ChatError> {
        self.react_kept(message, emoji).await.map_err(refused)
    }

    async fn history(&self, before: &MessageRef, count_max: usize, _depth: Depth) -> Result<Vec<Line>, ChatError> {
        let n = before.id.parse().unwrap_or(i64::MAX);
        self.lines_before(&before.thread, n, count_max).await
    }

    async fn newest(&self, thread: &ThreadRef, count_max: usize) -> Result<Vec<Line>, ChatError> {
        self.lines_before(thread, i64::MAX, count_max).await
    }

    async fn key_of(&self, message: &MessageRef) -> Result<Option<String>, ChatError> {
        table::key_of(&self.store, message).await.map_err(refused)
    }
}

impl Console {
    async fn lines_before(&self, thread: &ThreadRef, n: i64, count_max: usize) -> Result<Vec<Line>, ChatError> {
        let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
        let newest = table::before(&self.store, &thread.name, n, count_max).await.map_err(refused)?;
        let lines = newest.into_iter().rev().filter(|message| !message.text.is_empty()).map(|message| Line {
            is_bot: message.author == BOT,
            by: message.author.parse().ok(),
            author: message.author,
            at: message.at,
            text: message.text,
            files: Vec::new(),
            linked_from: None,
        });
        Ok(lines.collect())
    }
}

fn refused(error: StoreError) -> ChatError {
    ChatError::Away(format!("console: {error}"))
}

fn reference(message: &ConsoleMessage) -> MessageRef {
    MessageRef { thread: ThreadRef::console(&message.thread), id: message.n.to_string() }
}
