//! Emoji under messages.

use serde_json::{Value, json};

use super::super::refusal::{Answered, Refusal};
use super::super::shapes;
use super::super::state::State;
use super::Asked;

/// The emoji that a workspace has, as far as anybody here uses them; another is `invalid_name`.
const EMOJI: [&str; 46] = [
    "+1",
    "-1",
    "alarm_clock",
    "arrows_counterclockwise",
    "ballot_box_with_check",
    "bell",
    "brain",
    "bug",
    "building_construction",
    "construction",
    "double_vertical_bar",
    "exclamation",
    "eyes",
    "fire",
    "gear",
    "hammer_and_wrench",
    "heart",
    "heavy_check_mark",
    "hourglass",
    "hourglass_flowing_sand",
    "information_source",
    "lock",
    "mag",
    "mute",
    "no_bell",
    "no_entry",
    "no_entry_sign",
    "octagonal_sign",
    "ok_hand",
    "pencil2",
    "question",
    "raised_hand",
    "recycle",
    "repeat",
    "robot_face",
    "rocket",
    "rotating_light",
    "speech_balloon",
    "stop_button",
    "stopwatch",
    "tada",
    "thinking_face",
    "warning",
    "white_check_mark",
    "wrench",
    "x",
];

/// The message and the name that a call is about.
fn subject(state: &State, asked: &Asked) -> Result<(String, String, String), Refusal> {
    let name = asked.args.need("name")?.split("::").next().unwrap_or_default();
    let channel = asked.joined(state, "channel", "read").or_else(|refusal| match refusal.error.as_str() {
        "missing_scope" => asked.channel(state, "channel"),
        _ => Err(refusal),
    })?;
    let ts = asked.args.need("timestamp")?;
    channel.message(ts).filter(|it| !it.is_tombstone()).ok_or_else(|| Refusal::of("message_not_found"))?;
    if !EMOJI.contains(&name) {
        return Err(Refusal::of("invalid_name"));
    }
    Ok((channel.id.clone(), ts.to_owned(), name.to_owned()))
}

pub fn add(state: &mut State, asked: &Asked) -> Answered {
    let (channel, ts, name) = subject(state, asked)?;
    let bot = asked.home(state).bot.user.clone();
    state.react(&asked.team, (&channel, &ts), &bot, &name)?;
    Ok(json!({}))
}

pub fn remove(state: &mut State, asked: &Asked) -> Answered {
    let (channel, ts, name) = subject(state, asked)?;
    let bot = asked.home(state).bot.user.clone();
    state.unreact(&asked.team, (&channel, &ts), &bot, &name)?;
    Ok(json!({}))
}

pub fn of_message(state: &mut State, asked: &Asked) -> Answered {
    let channel = asked.channel(state, "channel")?;
    let ts = asked.args.need("timestamp")?;
    let message = channel.message(ts).ok_or_else(|| Refusal::of("message_not_found"))?;
    let shape: Value = shapes::message(asked.home(state), channel, message, &state.base);
    Ok(json!({ "type": "message", "channel": channel.id, "message": shape }))
}

impl State {
    /// Puts somebody's emoji under a message, and tells of it.
    pub fn react(&mut self, team: &str, (channel, ts): (&str, &str), user: &str, name: &str) -> Result<(), Refusal> {
        let message = self.team_mut(team).and_then(|home| home.channel_mut(channel)?.message_mut(ts));
        let message = message.ok_or_else(|| Refusal::of("message_not_found"))?;
        match message.reactions.iter_mut().find(|(it, _)| it == name) {
            Some((_, users)) if users.iter().any(|it| it == user) => return Err(Refusal::of("already_reacted")),
            Some((_, users)) => users.push(user.to_owned()),
            None => message.reactions.push((name.to_owned(), vec![user.to_owned()])),
        }
        self.tell_of_reaction(team, channel, ts, ("reaction_added", user, name));
        Ok(())
    }

    /// Takes somebody's emoji away, and tells of it.
    pub fn unreact(&mut self, team: &str, (channel, ts): (&str, &str), user: &str, name: &str) -> Result<(), Refusal> {
        let message = self.team_mut(team).and_then(|home| home.channel_mut(channel)?.message_mut(ts));
        let message = message.ok_or_else(|| Refusal::of("message_not_found"))?;
        let found = message.reactions.iter_mut().find(|(it, users)| it == name && users.iter().any(|it| it == user));
        let (_, users) = found.ok_or_else(|| Refusal::of("no_reaction"))?;
        users.retain(|it| it != user);
        message.reactions.retain(|(_, users)| !users.is_empty());
        self.tell_of_reaction(team, channel, ts, ("reaction_removed", user, name));
        Ok(())
    }
}
