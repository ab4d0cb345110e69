//! Says things in Slack, once each: a message is found again by its key, also when the process died between posting it and
//! writing that down.
//!
//! A post waits for its turn. An edit does not: what a message is to say is written down, and the [`Editor`] sends the
//! newest of it as soon as Slack takes another edit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use domain::{MessageRef, Person, ThreadRef};
use serde_json::{Value, json};
use store::{Store, StoreError};

use crate::chat::messenger::{ChatError, Depth, Line, Messenger, Said, Urgency};

use super::blocks::steps::Steps;
use super::blocks::{self, Frame};
use super::button::Signer;
use super::client::{Client, SlackError};
use super::editor::Editor;
use super::events::{Me, NO_THREAD};
use super::people::People;
use super::sessions::Sessions;
use super::status::Status;
use super::streams::Streams;
use super::table::{self, Kept, place_of};

/// What a message of ours is marked with, so that it is found again.
const MARK: &str = "downbeat_message";
/// How many pages of a thread are read in search of a message of ours that was posted just before a crash.
const SEARCH_PAGES_MAX: usize = 5;

/// The messages of one workspace.
#[derive(Clone)]
pub struct SlackMessenger {
    pub(super) client: Arc<Client>,
    pub(super) store: Store,
    pub(super) people: People,
    pub(super) me: Arc<ArcSwapOption<Me>>,
    pub(super) signer: Arc<Signer>,
    pub(super) editor: Arc<Editor>,
    pub(super) streams: Arc<Streams>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) status: Arc<Status>,
    /// Whether the workspace takes plan and task-card blocks; until it refuses one.
    pub(super) native: Arc<AtomicBool>,
    pub(super) limits: ReadLimits,
}

/// How much is read around a request, and fetched of what people attach.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Files of one thread.
    pub count_max: usize,
    /// Bytes of one file.
    pub bytes_max: usize,
    /// Messages above one that begins a thread.
    pub around: usize,
}

/// A rendered message.
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) blocks: Value,
}

impl From<SlackError> for ChatError {
    fn from(error: SlackError) -> Self {
        match error {
            SlackError::Refused { .. } => Self::Refused(error.to_string()),
            SlackError::Away { .. } | SlackError::Limited { .. } => Self::Away(error.to_string()),
        }
    }
}

fn kept_badly(error: StoreError) -> ChatError {
    ChatError::Away(error.to_string())
}

impl SlackMessenger {
    /// The blocks of a message in a channel; each button carries its command with a signature for this place.
    pub(super) fn render(&self, said: &Said, channel: &str, key: &str) -> Rendered {
        let sign = |says: &str| self.signer.sign(channel, key, says);
        let mention = |person: &Person| self.people.user_of(person);
        let native = self.native.load(Ordering::Relaxed);
        let said = &said.reworded(|text| self.people.told(text));
        let steps = if self.streams.carries(key) { Steps::Apart } else { Steps::Here };
        let message = blocks::message(said, &Frame { native, steps, mention: &mention, sign: &sign });
        Rendered { text: message.text, blocks: Value::Array(message.blocks) }
    }

    /// Sends a message that may have native blocks; where the workspace refuses those, it gets classic ones from then on.
    pub(super) async fn send(
        &self,
        method: &'static str,
        said: &Said,
        (channel, key): (&str, &str),
        body: impl Fn(Rendered) -> Value,
    ) -> Result<Value, SlackError> {
        let is_native = self.native.load(Ordering::Relaxed);
        let act = |body: Value| async move {
            match method {
                // The editor has had its turn.
                "chat.update" => self.client.act_now(method, &body).await,
                _ => self.client.act(method, &body, said.urgency).await,
            }
        };
        match act(body(self.render(said, channel, key))).await {
            Err(SlackError::Refused { code, .. }) if is_native && is_of_blocks(&code) => {
                tracing::info!("this workspace has no plan blocks ({code}); classic ones are sent from now on");
                self.native.store(false, Ordering::Relaxed);
                self.status.note_refused("plan blocks", &code);
                act(body(self.render(said, channel, key))).await
            }
            sent => sent,
        }
    }

    async fn post_kept(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<MessageRef, ChatError> {
        let (_, channel, thread_ts) =
            place_of(thread).ok_or_else(|| ChatError::Refused(format!("{thread} is no place in Slack")))?;
        let kept = match table::reserve(&self.store, key, (channel, thread_ts)).await.map_err(kept_badly)? {
            true => None,
            false => table::by_key(&self.store, key).await.map_err(kept_badly)?,
        };
        if let Some(Kept { ts: Some(ts), .. }) = &kept {
            return Ok(MessageRef { thread: thread.clone(), id: ts.clone() });
        }
        // Somebody tried before and died, or never heard what came of it.
        let found = match kept {
            Some(_) => self.find_posted(channel, thread_ts, key).await?,
            None => None,
        };
        let ts = match found {
            Some(ts) => ts,
            None => self.post_new((channel, thread_ts), key, said).await?,
        };
        table::posted(&self.store, key, &ts, said).await.map_err(kept_badly)?;
        Ok(MessageRef { thread: thread.clone(), id: ts })
    }

    async fn post_new(&self, (channel, thread_ts): (&str, &str), key: &str, said: &Said) -> Result<String, SlackError> {
        let body = |rendered: Rendered| {
            let mut body = json!({
                "channel": channel,
                "text": rendered.text,
                "blocks": rendered.blocks,
                "metadata": { "event_type": MARK, "event_payload": { "key": key } },
                "unfurl_links": false,
                "unfurl_media": false,
            });
            if thread_ts != NO_THREAD {
                body["thread_ts"] = thread_ts.into();
            }
            body
        };
        let posted = self.send("chat.postMessage", said, (channel, key), body).await?;
        let unreadable = || SlackError::Away { method: "chat.postMessage", why: "it names no message".to_owned() };
        posted["ts"].as_str().map(str::to_owned).ok_or_else(unreadable)
    }

    /// The message of ours that has this key, if it was posted.
    async fn find_posted(&self, channel: &str, thread_ts: &str, key: &str) -> Result<Option<String>, SlackError> {
        let is_it = |message: &Value| {
            let metadata = &message["metadata"];
            metadata["event_type"] == MARK && metadata["event_payload"]["key"] == key
        };
        self.find_in_thread((channel, thread_ts), is_it).await
    }

    /// The first message of a thread that is it.
    pub(super) async fn find_in_thread(
        &self,
        (channel, thread_ts): (&str, &str),
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Option<String>, SlackError> {
        let channel = ("channel", channel.to_owned());
        let more = [("include_all_metadata", "true".to_owned()), ("limit", "200".to_owned())];
        let params = [&[channel][..], &more].concat();
        let messages = match thread_ts {
            NO_THREAD => self.client.read_all("conversations.history", &params, "messages", 1).await?,
            _ => {
                let params = [&params[..], &[("ts", thread_ts.to_owned())]].concat();
                self.client.read_all("conversations.replies", &params, "messages", SEARCH_PAGES_MAX).await?
            }
        };
        let found = messages.iter().find(|message| is_it(message));
        Ok(found.and_then(|message| message["ts"].as_str()).map(str::to_owned))
    }

    /// What Slack shows beside a card goes with it.
    async fn show_course(&self, card: &Kept, said: &Said) -> Result<(), ChatError> {
        self.streams.follow(self, card, said).await.map_err(kept_badly)?;
        self.sessions.follow(self, card, said).await.map_err(kept_badly)
    }

    /// Sends what a card says once more, because its steps have moved.
    pub(super) async fn edit_again(&self, key: &str) {
        match table::by_key(&self.store, key).await {
            Ok(Some(kept)) => {
                if let Some(said) = kept.wanted.clone().or(kept.shown.clone()) {
                    self.editor.want(kept, said);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("{key} in Slack is edited with its next change: {error}"),
        }
    }

    /// Says something in a thread that one account alone sees.
    pub(super) async fn tell(&self, user: &str, thread: &ThreadRef, key: &str, said: &Said) -> Result<(), SlackError> {
        let Some((_, channel, thread_ts)) = place_of(thread) else { return Ok(()) };
        let body = |rendered: Rendered| {
            let mut body =
                json!({ "channel": channel, "user": user, "text": rendered.text, "blocks": rendered.blocks });
            if thread_ts != NO_THREAD {
                body["thread_ts"] = thread_ts.into();
            }
            body
        };
        let urgent = Said { urgency: Urgency::NeedsHuman, ..said.clone() };
        self.send("chat.postEphemeral", &urgent, (channel, key), body).await.map(drop)
    }

    async fn find_kept(&self, message: &MessageRef) -> Result<Option<Kept>, ChatError> {
        let Some((_, channel, _)) = place_of(&message.thread) else { return Ok(None) };
        table::by_place(&self.store, channel, &message.id).await.map_err(kept_badly)
    }
}

/// Whether a refusal is about what the message is made of.
pub(super) fn is_of_blocks(code: &str) -> bool {
    matches!(code, "invalid_blocks" | "invalid_blocks_format" | "unsupported_block_type" | "invalid_arguments")
}

#[async_trait]
impl Messenger for SlackMessenger {
    async fn post(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<MessageRef, ChatError> {
        let posted = self.post_kept(thread, key, said).await?;
        if let (Some(_), Some((_, channel, thread_ts))) = (&said.course, place_of(thread)) {
            self.show_course(&Kept::posted(key, (channel, thread_ts), &posted.id), said).await?;
        }
        Ok(posted)
    }

    async fn thread_for(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<ThreadRef, ChatError> {
        match place_of(thread) {
            Some((team, channel, NO_THREAD)) => {
                let opened = self.post(thread, key, said).await?;
                Ok(ThreadRef::slack(team, channel, &opened.id))
            }
            _ => Ok(thread.clone()),
        }
    }

    async fn whisper(&self, thread: &ThreadRef, to: &Person, key: &str, said: &Said) -> Result<(), ChatError> {
        match self.people.user_of(to) {
            Some(user) => Ok(self.tell(&user, thread, key, said).await?),
            None => self.post(thread, key, said).await.map(drop),
        }
    }

    async fn edit(&self, message: &MessageRef, said: &Said) -> Result<(), ChatError> {
        let Some(kept) = self.find_kept(message).await? else { return Ok(()) };
        if kept.shown.as_ref() == Some(said) && kept.wanted.is_none() || kept.wanted.as_ref() == Some(said) {
            return Ok(());
        }
        self.show_course(&kept, said).await?;
        table::want(&self.store, &kept.key, said).await.map_err(kept_badly)?;
        self.editor.want(kept, said.clone());
        Ok(())
    }

    async fn react(&self, message: &MessageRef, emoji: &str) -> Result<(), ChatError> {
        let Some((_, channel, _)) = place_of(&message.thread) else { return Ok(()) };
        // A click needs no sign under our own message: the message itself changes.
        let is_ours = self.find_kept(message).await?.is_some_and(|kept| !kept.is_heard());
        if message.id == NO_THREAD || is_ours {
            return Ok(());
        }
        let body = json!({ "channel": channel, "timestamp": message.id, "name": name_of_emoji(emoji) });
        match self.client.act("reactions.add", &body, Urgency::NeedsHuman).await {
            Err(SlackError::Refused { code, .. }) if is_reaction_settled(&code) => Ok(()),
            reacted => Ok(reacted.map(drop)?),
        }
    }

    async fn history(&self, before: &MessageRef, count_max: usize, depth: Depth) -> Result<Vec<Line>, ChatError> {
        self.read_thread(&before.thread, Some(&before.id), count_max, depth).await
    }

    async fn newest(&self, thread: &ThreadRef, count_max: usize) -> Result<Vec<Line>, ChatError> {
        self.read_thread(thread, None, count_max, Depth::Words).await
    }

    async fn key_of(&self, message: &MessageRef) -> Result<Option<String>, ChatError> {
        let kept = self.find_kept(message).await?;
        Ok(kept.filter(|kept| !kept.is_heard()).map(|kept| kept.key))
    }
}

/// It is there already, or there is nothing any more to put it on.
fn is_reaction_settled(code: &str) -> bool {
    matches!(code, "already_reacted" | "message_not_found" | "too_many_emoji" | "too_many_reactions" | "thread_locked")
}

/// Slack's names of the emoji that the flow uses.
fn name_of_emoji(emoji: &str) -> &str {
    match emoji {
        "👀" => "eyes",
        "⏳" => "hourglass_flowing_sand",
        "✅" => "white_check_mark",
        other => other.trim_matches(':'),
    }
}
