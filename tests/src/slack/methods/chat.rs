//! Posting, editing and deleting messages.

use serde_json::{Value, json};

use super::super::args::Args;
use super::super::blocks::{self, Surface};
use super::super::refusal::{Answered, Refusal, merge};
use super::super::shapes;
use super::super::state::{State, now};
use super::super::team::{Channel, Ephemeral, Message, Team};
use super::streams::end_if_old;
use super::{Asked, objects};

/// Characters of a new message's text.
const TEXT_MAX: usize = 40_000;
/// Characters of a changed message's text.
const CHANGED_TEXT_MAX: usize = 4_000;
/// Bytes of what the app keeps with a message.
const METADATA_MAX: usize = 15_000;

/// What a call wants to say; `most` characters of it.
pub fn read_message(args: &Args, is_native: bool, most: usize) -> Result<Message, Refusal> {
    let markdown = args.text("markdown_text");
    if markdown.is_some() && (args.text("text").is_some() || args.list("blocks").is_some()) {
        return Err(Refusal::of("markdown_text_conflict"));
    }
    let text = markdown.or(args.text("text")).unwrap_or_default().to_owned();
    if text.chars().count() > most || markdown.is_some_and(|text| text.chars().count() > 12_000) {
        return Err(Refusal::of("msg_too_long"));
    }
    let blocks = objects(args, "blocks", "invalid_blocks_format")?;
    let faults = blocks::faults(&blocks, Surface::Message, is_native);
    if !faults.is_empty() {
        return Err(Refusal::of_blocks(faults));
    }
    let attachments = objects(args, "attachments", "invalid_attachments")?;
    if text.is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err(Refusal::of("no_text"));
    }
    Ok(Message { text, blocks, attachments, metadata: read_metadata(args)?, ..Message::default() })
}

fn read_metadata(args: &Args) -> Result<Option<Value>, Refusal> {
    let Some(metadata) = args.value("metadata") else { return Ok(None) };
    if metadata["event_type"].as_str().is_none_or(str::is_empty) || !metadata["event_payload"].is_object() {
        return Err(Refusal::of("invalid_metadata_format"));
    }
    if metadata.to_string().len() > METADATA_MAX {
        return Err(Refusal::of("metadata_too_large"));
    }
    Ok(Some(metadata.clone()))
}

/// A message of the app's own.
fn own(team: &Team, message: Message) -> Message {
    Message { user: team.bot.user.clone(), bot_id: Some(team.bot.bot_id.clone()), ..message }
}

/// The message as the app gets it back.
fn shown(state: &State, asked: &Asked, channel: &str, ts: &str) -> Value {
    let team = asked.home(state);
    let shape = |place: &Channel| place.message(ts).map(|it| shapes::message(team, place, it, &state.base));
    team.channel(channel).and_then(shape).unwrap_or_default()
}

/// The thread that a call names: the root of it, which has to be there.
fn thread(args: &Args, channel: &Channel) -> Result<Option<String>, Refusal> {
    let Some(ts) = args.text("thread_ts") else { return Ok(None) };
    let found = channel.message(ts).ok_or_else(|| Refusal::of("thread_not_found"))?;
    Ok(Some(found.thread_ts.clone().unwrap_or_else(|| ts.to_owned())))
}

pub fn post(state: &mut State, asked: &Asked) -> Answered {
    // A user's id stands for the direct message with them.
    let id = asked.args.need("channel")?.to_owned();
    let direct = id.starts_with('U').then(|| state.direct(&asked.team, &id)).transpose();
    let direct = direct.map_err(|_| Refusal::of("channel_not_found"))?;
    let team = asked.home(state);
    let channel = match &direct {
        Some(direct) => team.channel(direct).ok_or_else(|| Refusal::of("channel_not_found"))?,
        None => asked.joined(state, "channel", "write")?,
    };
    let mut message = own(team, read_message(&asked.args, team.is_native, TEXT_MAX)?);
    message.thread_ts = thread(&asked.args, channel)?;
    if message.thread_ts.is_some() && asked.args.is_on("reply_broadcast") {
        message.subtype = Some("thread_broadcast".to_owned());
    }
    let channel = channel.id.clone();
    if let Some(thread) = &message.thread_ts {
        let key = (channel.clone(), thread.clone());
        state.teams[asked.at].statuses.remove(&key);
    }
    let ts = state.keep(&asked.team, &channel, message)?;
    state.tell_of_message(&asked.team, &channel, &ts);
    Ok(json!({ "channel": channel, "ts": ts, "message": shown(state, asked, &channel, &ts) }))
}

/// The message that a call names, as it is; only the app's own can be changed.
fn changeable(state: &State, asked: &Asked, refusal: &str) -> Result<(String, String, Value), Refusal> {
    let channel = asked.channel(state, "channel")?;
    let ts = asked.args.need("ts")?;
    let message = channel.message(ts).filter(|it| !it.is_tombstone());
    let message = message.ok_or_else(|| Refusal::of("message_not_found"))?;
    let team = asked.home(state);
    if message.user != team.bot.user {
        return Err(Refusal::of(refusal));
    }
    Ok((channel.id.clone(), ts.to_owned(), shapes::message(team, channel, message, &state.base)))
}

pub fn update(state: &mut State, asked: &Asked) -> Answered {
    let lives = state.settings.stream_lives;
    let place = asked.args.text("channel").and_then(|id| state.teams[asked.at].channel_mut(id));
    if let Some(message) = place.zip(asked.args.text("ts")).and_then(|(place, ts)| place.message_mut(ts)) {
        end_if_old(message, lives);
    }
    let (channel, ts, before) = changeable(state, asked, "cant_update_message")?;
    let age = ts.split('.').next().and_then(|secs| secs.parse().ok()).map(|secs| now().as_secs().saturating_sub(secs));
    let is_closed = |window: std::time::Duration| age.is_some_and(|age| age >= window.as_secs());
    if state.settings.edit_window.is_some_and(is_closed) {
        return Err(Refusal::of("edit_window_closed"));
    }
    if before["streaming_state"] == "in_progress" {
        return Err(Refusal::of("streaming_state_conflict"));
    }
    let new = read_message(&asked.args, asked.home(state).is_native, CHANGED_TEXT_MAX)?;
    replace_message(state, &asked.team, (&channel, &ts), &asked.args, new);
    state.tell_of_change(&asked.team, &channel, &before, &ts);
    let message = shown(state, asked, &channel, &ts);
    Ok(json!({ "channel": channel, "ts": ts, "text": message["text"], "message": message }))
}

/// Puts new words and blocks in the place of old ones. Blocks without a text leave no mark of an edit.
pub fn replace_message(state: &mut State, team: &str, (channel, ts): (&str, &str), args: &Args, new: Message) {
    let edited_ts = state.next_ts();
    let prefix = state.next("block");
    let Some(home) = state.team_mut(team) else { return };
    let bot = home.bot.user.clone();
    let Some(message) = home.channel_mut(channel).and_then(|place| place.message_mut(ts)) else { return };
    let says_text = args.text("text").is_some() || args.text("markdown_text").is_some();
    if says_text {
        message.text = new.text;
        message.edited = Some((bot, edited_ts));
    }
    if args.value("blocks").is_some() || says_text {
        message.blocks = new.blocks;
    }
    for (n, block) in message.blocks.iter_mut().enumerate().filter(|(_, block)| block.get("block_id").is_none()) {
        block["block_id"] = json!(format!("b{prefix}.{n}"));
    }
    if args.value("attachments").is_some() {
        message.attachments = new.attachments;
    }
    if new.metadata.is_some() {
        message.metadata = new.metadata;
    }
}

pub fn delete(state: &mut State, asked: &Asked) -> Answered {
    let (channel, ts, _) = changeable(state, asked, "cant_delete_message")?;
    state.remove_message(&asked.team, &channel, &ts);
    Ok(json!({ "channel": channel, "ts": ts }))
}

pub fn post_ephemeral(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    let channel = asked.joined(state, "channel", "write")?;
    let user = asked.args.need("user")?.to_owned();
    if !channel.members.contains(&user) {
        return Err(Refusal::of("user_not_in_channel"));
    }
    let mut message = own(team, read_message(&asked.args, team.is_native, TEXT_MAX)?);
    let (channel, thread_ts) = (channel.id.clone(), thread(&asked.args, channel)?);
    message.ts = state.next_ts();
    let ts = message.ts.clone();
    state.teams[asked.at].ephemerals.push(Ephemeral { channel, thread_ts, user, message });
    Ok(json!({ "message_ts": ts }))
}

pub fn permalink(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.channel(state, "channel")?;
    let ts = asked.args.need("message_ts")?;
    let message = channel.message(ts).ok_or_else(|| Refusal::of("message_not_found"))?;
    let domain = &asked.home(state).domain;
    let mut link = format!("https://{domain}.slack.com/archives/{}/p{}", channel.id, ts.replace('.', ""));
    if let Some(thread) = message.thread_ts.as_ref().filter(|thread| *thread != ts) {
        link.push_str(&format!("?thread_ts={thread}&cid={}", channel.id));
    }
    Ok(json!({ "channel": channel.id, "permalink": link }))
}

impl State {
    /// Takes a message away; one with replies leaves a mark in its place.
    pub fn remove_message(&mut self, team: &str, channel: &str, ts: &str) -> Option<()> {
        let base = self.base.clone();
        let home = self.team_mut(team)?;
        let place = home.channel(channel)?;
        let before = shapes::message(home, place, place.message(ts)?, &base);
        let has_replies = place.replies(ts).next().is_some();
        let place = home.channel_mut(channel)?;
        if has_replies {
            let message = place.message_mut(ts)?;
            let (ts, thread_ts) = (message.ts.clone(), message.thread_ts.clone());
            let subtype = Some("tombstone".to_owned());
            *message = Message { ts: ts.clone(), thread_ts, subtype, ..Message::default() };
            self.tell_of_change(team, channel, &before, &ts);
        } else {
            place.messages.retain(|message| message.ts != ts);
            self.tell_of_deletion(team, channel, &before);
        }
        Some(())
    }
}

/// A message with what the app keeps with it.
pub fn with_metadata(mut shape: Value, message: &Message, is_wanted: bool) -> Value {
    if let Some(metadata) = message.metadata.as_ref().filter(|_| is_wanted) {
        merge(&mut shape, &json!({ "metadata": metadata }));
    }
    shape
}
