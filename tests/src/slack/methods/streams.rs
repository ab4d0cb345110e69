//! Messages that grow, the line under a thread, and agent sessions.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::refusal::{Answered, Refusal, merge};
use super::super::shapes;
use super::super::state::State;
use super::super::team::{Message, Room, Stream};
use super::{Asked, objects, read_message};

/// Characters of one piece of a stream, and of the whole.
const MARKDOWN_MAX: usize = 12_000;

/// How a session can stand.
const SESSION: [&str; 4] = ["active", "processing", "suspended", "closed"];

/// Without agents in the workspace the methods are not there.
fn need_native(state: &State, asked: &Asked) -> Result<(), Refusal> {
    if asked.home(state).is_native { Ok(()) } else { Err(Refusal::of("unknown_method")) }
}

pub fn start(state: &mut State, asked: &Asked) -> Answered {
    need_native(state, asked)?;
    let channel = asked.joined(state, "channel", "write")?;
    let thread_ts = asked.args.text("thread_ts").ok_or_else(|| Refusal::of("invalid_thread_ts"))?;
    let root = channel.message(thread_ts).ok_or_else(|| Refusal::of("thread_not_found"))?;
    if channel.room != Room::Direct {
        for (name, error) in
            [("recipient_user_id", "missing_recipient_user_id"), ("recipient_team_id", "missing_recipient_team_id")]
        {
            asked.args.text(name).ok_or_else(|| Refusal::of(error))?;
        }
    }
    if asked.args.text("task_display_mode").is_some_and(|mode| !["timeline", "plan"].contains(&mode)) {
        return Err(Refusal::of("invalid_arguments"));
    }
    let bot = &asked.home(state).bot;
    let message = Message {
        user: bot.user.clone(),
        bot_id: Some(bot.bot_id.clone()),
        thread_ts: Some(root.thread_ts.clone().unwrap_or_else(|| thread_ts.to_owned())),
        stream: Some(Stream { since: Instant::now(), plan: None, tasks: Vec::new() }),
        ..Message::default()
    };
    let channel = channel.id.clone();
    let pieces = pieces(state, asked)?;
    let ts = state.keep(&asked.team, &channel, message)?;
    let message = growing(state, asked, &channel, &ts)?;
    pieces.iter().for_each(|piece| grow(message, piece));
    state.tell_of_message(&asked.team, &channel, &ts);
    Ok(json!({ "channel": channel, "ts": ts }))
}

/// What a call adds: text, tasks, a title, blocks.
fn pieces(state: &State, asked: &Asked) -> Result<Vec<Value>, Refusal> {
    let mut pieces = objects(&asked.args, "chunks", "invalid_chunks")?;
    if let Some(text) = asked.args.text("markdown_text") {
        pieces.push(json!({ "type": "markdown_text", "text": text }));
    }
    for piece in &pieces {
        let is_right = match piece["type"].as_str() {
            Some("markdown_text") => piece["text"].as_str().is_some_and(|text| text.chars().count() <= MARKDOWN_MAX),
            Some("task_update") => {
                let statuses = ["pending", "in_progress", "complete", "error"];
                let is_status = piece["status"].as_str().is_some_and(|status| statuses.contains(&status));
                is_status && short(&piece["id"]) && short(&piece["title"])
            }
            Some("plan_update") => short(&piece["title"]),
            Some("blocks") => {
                let blocks = piece["blocks"].as_array().cloned().unwrap_or_default();
                let surface = super::super::blocks::Surface::Message;
                super::super::blocks::faults(&blocks, surface, asked.home(state).is_native).is_empty()
            }
            _ => false,
        };
        if !is_right {
            return Err(Refusal::with_messages("invalid_chunks", vec![piece.to_string()]));
        }
    }
    Ok(pieces)
}

fn short(text: &Value) -> bool {
    text.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= 256)
}

/// A message of the app's that still grows.
fn growing<'a>(state: &'a mut State, asked: &Asked, channel: &str, ts: &str) -> Result<&'a mut Message, Refusal> {
    let lives = state.settings.stream_lives;
    let team = &mut state.teams[asked.at];
    let bot = team.bot.user.clone();
    let message = team.channel_mut(channel).and_then(|place| place.message_mut(ts));
    let message = message.ok_or_else(|| Refusal::of("message_not_found"))?;
    if message.user != bot {
        return Err(Refusal::of("message_not_owned_by_app"));
    }
    end_if_old(message, lives);
    if message.stream.is_none() {
        return Err(Refusal::of("message_not_in_streaming_state"));
    }
    Ok(message)
}

/// Slack ends by itself what has grown for long.
pub fn end_if_old(message: &mut Message, lives: Duration) {
    if message.stream.as_ref().is_some_and(|stream| stream.since.elapsed() > lives) {
        message.end_stream();
    }
}

fn grow(message: &mut Message, piece: &Value) {
    let Some(stream) = message.stream.as_mut() else { return };
    match piece["type"].as_str() {
        Some("markdown_text") => message.text.push_str(piece["text"].as_str().unwrap_or_default()),
        Some("plan_update") => stream.plan = piece["title"].as_str().map(str::to_owned),
        Some("task_update") => match stream.tasks.iter_mut().find(|task| task["id"] == piece["id"]) {
            Some(task) => merge(task, piece),
            None => stream.tasks.push(piece.clone()),
        },
        _ => message.blocks.extend(piece["blocks"].as_array().cloned().unwrap_or_default()),
    }
}

fn added(state: &mut State, asked: &Asked) -> Result<(String, String), Refusal> {
    need_native(state, asked)?;
    let channel = asked.joined(state, "channel", "write")?.id.clone();
    let ts = asked.args.need("ts")?.to_owned();
    let pieces = pieces(state, asked)?;
    let message = growing(state, asked, &channel, &ts)?;
    pieces.iter().for_each(|piece| grow(message, piece));
    Ok((channel, ts))
}

pub fn append(state: &mut State, asked: &Asked) -> Answered {
    let (channel, ts) = added(state, asked)?;
    Ok(json!({ "channel": channel, "ts": ts }))
}

pub fn stop(state: &mut State, asked: &Asked) -> Answered {
    let status = asked.args.text("session_status").map(str::to_owned);
    if status.as_deref().is_some_and(|status| !SESSION.contains(&status)) {
        return Err(Refusal::of("invalid_status"));
    }
    let end = asked.args.list("blocks").is_some() || asked.args.value("metadata").is_some();
    let more = end.then(|| {
        let mut args = asked.args.clone();
        args.forget("markdown_text");
        args.say("text", json!(" "));
        read_message(&args, asked.home(state).is_native, MARKDOWN_MAX)
    });
    let more = more.transpose()?;
    let (channel, ts) = added(state, asked)?;
    let message = growing(state, asked, &channel, &ts)?;
    message.end_stream();
    if let Some(more) = more {
        message.blocks.extend(more.blocks);
        message.metadata = more.metadata.or(message.metadata.take());
    }
    let thread_ts = message.thread_ts.clone().unwrap_or_default();
    if let Some(status) = status {
        state.teams[asked.at].sessions.entry((channel.clone(), thread_ts)).or_default().0 = status;
    }
    let team = asked.home(state);
    let place = team.channel(&channel).ok_or_else(|| Refusal::of("channel_not_found"))?;
    let message = place.message(&ts).map(|it| shapes::message(team, place, it, &state.base));
    let before = json!({ "ts": ts, "text": "" });
    state.tell_of_change(&asked.team, &channel, &before, &ts);
    Ok(json!({ "channel": channel, "ts": ts, "message": message }))
}

pub fn set_status(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.joined(state, "channel_id", "write")?;
    let thread_ts = asked.args.need("thread_ts")?;
    channel.message(thread_ts).ok_or_else(|| Refusal::of("invalid_thread_ts"))?;
    let status = asked.args.value("status").and_then(Value::as_str).ok_or_else(|| Refusal::missing("status"))?;
    if asked.args.list("loading_messages").is_some_and(|messages| messages.len() > 10) {
        return Err(Refusal::of("invalid_arguments"));
    }
    let (key, status) = ((channel.id.clone(), thread_ts.to_owned()), status.to_owned());
    let statuses = &mut state.teams[asked.at].statuses;
    if status.is_empty() {
        statuses.remove(&key)
    } else {
        statuses.insert(key, status)
    };
    Ok(json!({}))
}

pub fn set_session(state: &mut State, asked: &Asked) -> Answered {
    need_native(state, asked)?;
    let channel = asked.joined(state, "channel_id", "write")?.id.clone();
    let thread_ts = asked.args.need("thread_ts")?.to_owned();
    let status = asked.args.need("status")?.to_owned();
    if !SESSION.contains(&status.as_str()) {
        return Err(Refusal::of("invalid_status"));
    }
    let title = asked.args.text("title").unwrap_or_default().to_owned();
    if title.chars().count() > 200 {
        return Err(Refusal::of("invalid_title"));
    }
    let sessions = &mut state.teams[asked.at].sessions;
    let session = sessions.entry((channel, thread_ts)).or_default();
    session.0.clone_from(&status);
    if !title.is_empty() {
        session.1.clone_from(&title);
    }
    Ok(json!({ "status": status, "agent_status": status, "title": session.1 }))
}
