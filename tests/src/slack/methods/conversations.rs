//! Channels: which there are, who is in them, and what was said there.

use serde_json::{Value, json};

use super::super::refusal::{Answered, Refusal, merge};
use super::super::shapes;
use super::super::state::State;
use super::super::team::{Channel, Message, Room};
use super::chat::with_metadata;
use super::{Asked, need_scope, page, paged};

pub fn history(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.joined(state, "channel", "history")?;
    let mut messages: Vec<&Message> =
        channel.messages.iter().filter(|it| it.is_top() && is_between(asked, it)).collect();
    messages.reverse();
    let most = state.settings.history_max;
    answer_messages(state, asked, channel, (messages, most))
}

pub fn replies(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.joined(state, "channel", "history")?;
    let ts = asked.args.need("ts")?;
    let root = channel.message(ts).ok_or_else(|| Refusal::of("thread_not_found"))?;
    let replies: Vec<&Message> = channel.replies(ts).filter(|it| is_between(asked, it)).collect();
    let most = state.settings.history_max;
    let mut answer = answer_messages(state, asked, channel, (replies, most))?;
    // The root is there on every page, whatever page or time was asked for.
    let root = shown(state, asked, channel, root);
    if let Some(messages) = answer["messages"].as_array_mut() {
        messages.insert(0, root);
    }
    Ok(answer)
}

fn answer_messages(
    state: &State,
    asked: &Asked,
    channel: &Channel,
    (messages, most): (Vec<&Message>, usize),
) -> Answered {
    let keyed = messages.into_iter().map(|message| (message.ts.clone(), message)).collect();
    let (messages, next) = page(&asked.args, keyed, most)?;
    let messages: Vec<Value> = messages.into_iter().map(|message| shown(state, asked, channel, message)).collect();
    let mut answer = json!({ "messages": messages, "has_more": !next.is_empty(), "pin_count": 0 });
    if !next.is_empty() {
        merge(&mut answer, &json!({ "response_metadata": { "next_cursor": next } }));
    }
    Ok(answer)
}

fn shown(state: &State, asked: &Asked, channel: &Channel, message: &Message) -> Value {
    let shape = shapes::message(asked.home(state), channel, message, &state.base);
    with_metadata(shape, message, asked.args.is_on("include_all_metadata"))
}

fn is_between(asked: &Asked, message: &Message) -> bool {
    let is_inclusive = asked.args.is_on("inclusive");
    let bound = |name: &str| asked.args.text(name).filter(|ts| *ts != "0").map(padded);
    let after = bound("oldest").is_none_or(|oldest| message.ts > oldest || is_inclusive && message.ts == oldest);
    let before = bound("latest").is_none_or(|latest| message.ts < latest || is_inclusive && message.ts == latest);
    after && before
}

/// A time as a `ts` is written, so that the two compare.
fn padded(ts: &str) -> String {
    let (secs, micros) = ts.split_once('.').unwrap_or((ts, ""));
    format!("{secs}.{micros:0<6}")
}

pub fn one(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.channel(state, "channel")?;
    let team = asked.home(state);
    need_scope(team, &format!("{}:read", channel.family()))?;
    Ok(json!({ "channel": shapes::channel(team, channel) }))
}

fn kinds(asked: &Asked) -> Vec<Room> {
    let words = asked.args.text("types").unwrap_or("public_channel");
    let kind = |word: &str| match word.trim() {
        "public_channel" => Some(Room::Public),
        "private_channel" => Some(Room::Private),
        "im" => Some(Room::Direct),
        "mpim" => Some(Room::Group),
        _ => None,
    };
    words.split(',').filter_map(kind).collect()
}

fn listed(state: &State, asked: &Asked, is_wanted: impl Fn(&Channel) -> bool) -> Answered {
    let team = asked.home(state);
    let kinds = kinds(asked);
    if kinds.is_empty() {
        return Err(Refusal::of("invalid_types"));
    }
    let wants_archived = !asked.args.is_on("exclude_archived");
    let found: Vec<&Channel> = team
        .channels
        .iter()
        .filter(|channel| kinds.contains(&channel.room) && (wants_archived || !channel.is_archived))
        .filter(|channel| is_wanted(channel))
        .collect();
    for channel in &found {
        need_scope(team, &format!("{}:read", channel.family()))?;
    }
    let items = found.into_iter().map(|channel| (channel.id.clone(), shapes::channel(team, channel))).collect();
    Ok(paged("channels", page(&asked.args, items, 999)?))
}

pub fn list(state: &mut State, asked: &Asked) -> Answered {
    let bot = asked.home(state).bot.user.clone();
    listed(state, asked, |channel| channel.room == Room::Public || channel.members.contains(&bot))
}

pub fn of_user(state: &mut State, asked: &Asked) -> Answered {
    let bot = asked.home(state).bot.user.clone();
    let user = asked.args.text("user").unwrap_or(&bot).to_owned();
    let is_seen = |channel: &Channel| channel.room == Room::Public || channel.members.contains(&bot);
    listed(state, asked, |channel| channel.members.contains(&user) && is_seen(channel))
}

pub fn members(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.channel(state, "channel")?;
    need_scope(asked.home(state), &format!("{}:read", channel.family()))?;
    let items = channel.members.iter().map(|user| (user.clone(), json!(user))).collect();
    Ok(paged("members", page(&asked.args, items, 999)?))
}

pub fn join(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.channel(state, "channel")?;
    if channel.room != Room::Public {
        return Err(Refusal::of("method_not_supported_for_channel_type"));
    }
    let (id, bot) = (channel.id.clone(), asked.home(state).bot.user.clone());
    let is_new = !channel.members.contains(&bot);
    if let Some(channel) = state.teams[asked.at].channel_mut(&id) {
        channel.members.insert(bot.clone());
    }
    if is_new {
        state.tell_of_arrival(&asked.team, &id, &bot);
    }
    one(state, asked)
}

pub fn open(state: &mut State, asked: &Asked) -> Answered {
    let users: Vec<String> = match asked.args.value("users") {
        Some(Value::Array(users)) => users.iter().filter_map(|user| Some(user.as_str()?.to_owned())).collect(),
        _ => asked.args.need("users")?.split(',').map(|user| user.trim().to_owned()).collect(),
    };
    let id = match users.as_slice() {
        [user] => state.direct(&asked.team, user)?,
        _ => group(state, asked, users)?,
    };
    let team = asked.home(state);
    let shape = team.channel(&id).map(|channel| shapes::channel(team, channel));
    let answer = if asked.args.is_on("return_im") { shape.unwrap_or_default() } else { json!({ "id": id }) };
    Ok(json!({ "channel": answer }))
}

fn group(state: &mut State, asked: &Asked, users: Vec<String>) -> Result<String, Refusal> {
    need_scope(asked.home(state), "mpim:write")?;
    let team = &mut state.teams[asked.at];
    if let Some(unknown) = users.iter().find(|user| team.user(user).is_none()) {
        return Err(Refusal::with_messages("user_not_found", vec![unknown.clone()]));
    }
    let members: std::collections::BTreeSet<String> = users.into_iter().chain([team.bot.user.clone()]).collect();
    let known = team.channels.iter().find(|channel| channel.room == Room::Group && channel.members == members);
    if let Some(known) = known {
        return Ok(known.id.clone());
    }
    let names: Vec<String> = members.iter().map(|user| team.name_of(user)).collect();
    let id = format!("G0{}", names.join("").to_uppercase());
    team.channels.push(Channel::new(&id, &format!("mpdm-{}-1", names.join("--")), Room::Group, members));
    Ok(id)
}
