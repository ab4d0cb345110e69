//! What the app is told of what happens in its workspaces.

use serde_json::{Value, json};

use super::refusal::merge;
use super::shapes;
use super::state::State;
use super::team::{Channel, Message, Room, Team};

impl State {
    /// Tells of a new message: once as such, and once more where it mentions the app.
    pub fn tell_of_message(&mut self, team: &str, channel: &str, ts: &str) {
        let Some((owner, place, message)) = self.heard(team, channel, ts) else { return };
        let mut event = shapes::message(owner, place, message, &self.base);
        merge(&mut event, &json!({ "channel": place.id, "event_ts": ts }));
        let is_mention = mentions_bot(owner, place, message);
        let what = format!("message.{}", place.family());
        let mut plain = event.clone();
        plain["channel_type"] = json!(place.kind());
        if is_mention {
            event["type"] = json!("app_mention");
            self.owe_event(team, "app_mention", event);
        }
        self.owe_event(team, &what, plain);
    }

    /// Tells that a message is other than it was.
    pub fn tell_of_change(&mut self, team: &str, channel: &str, before: &Value, ts: &str) {
        let event_ts = self.next_ts();
        let Some((owner, place, message)) = self.heard(team, channel, ts) else { return };
        let after = shapes::message(owner, place, message, &self.base);
        let what = format!("message.{}", place.family());
        let event = json!({
            "type": "message", "subtype": "message_changed", "hidden": true, "channel": place.id,
            "channel_type": place.kind(), "ts": event_ts, "event_ts": event_ts, "message": after,
            "previous_message": before,
        });
        let bot = format!("<@{}>", owner.bot.user);
        let was_mention = before["text"].as_str().is_some_and(|text| text.contains(&bot));
        let mention = (!was_mention && mentions_bot(owner, place, message)).then(|| {
            let mut mention = after;
            merge(&mut mention, &json!({ "type": "app_mention", "channel": place.id, "event_ts": event_ts }));
            mention
        });
        if let Some(mention) = mention {
            self.owe_event(team, "app_mention", mention);
        }
        self.owe_event(team, &what, event);
    }

    /// Tells that a message is gone.
    pub fn tell_of_deletion(&mut self, team: &str, channel: &str, before: &Value) {
        let event_ts = self.next_ts();
        let Some(place) = self.team(team).and_then(|owner| heard_channel(owner, channel)) else { return };
        let what = format!("message.{}", place.family());
        let event = json!({
            "type": "message", "subtype": "message_deleted", "hidden": true, "channel": place.id,
            "channel_type": place.kind(), "ts": event_ts, "event_ts": event_ts, "deleted_ts": before["ts"],
            "previous_message": before,
        });
        self.owe_event(team, &what, event);
    }

    /// Tells of a reaction that came or went.
    pub fn tell_of_reaction(&mut self, team: &str, channel: &str, ts: &str, (what, user, name): (&str, &str, &str)) {
        let event_ts = self.next_ts();
        let Some((_, place, message)) = self.heard(team, channel, ts) else { return };
        let event = json!({
            "type": what, "user": user, "reaction": name, "item_user": message.user, "event_ts": event_ts,
            "item": { "type": "message", "channel": place.id, "ts": ts },
        });
        self.owe_event(team, what, event);
    }

    /// Tells that somebody, or the app itself, came into a channel.
    pub fn tell_of_arrival(&mut self, team: &str, channel: &str, user: &str) {
        let event_ts = self.next_ts();
        let Some(place) = self.team(team).and_then(|owner| heard_channel(owner, channel)) else { return };
        let event = json!({
            "type": "member_joined_channel", "user": user, "channel": place.id, "team": team, "inviter": "U0ANA",
            "channel_type": if place.room == Room::Public { "C" } else { "G" }, "event_ts": event_ts,
        });
        self.owe_event(team, "member_joined_channel", event);
    }

    fn heard(&self, team: &str, channel: &str, ts: &str) -> Option<(&Team, &Channel, &Message)> {
        let owner = self.team(team)?;
        let place = heard_channel(owner, channel)?;
        Some((owner, place, place.message(ts)?))
    }
}

/// A channel in which the app is; of others it hears nothing.
fn heard_channel<'a>(team: &'a Team, channel: &str) -> Option<&'a Channel> {
    team.channel(channel).filter(|place| place.members.contains(&team.bot.user))
}

/// Whether a person mentions the app where mentions count: not in direct messages.
fn mentions_bot(team: &Team, channel: &Channel, message: &Message) -> bool {
    let is_direct = channel.room == Room::Direct;
    message.user != team.bot.user && !is_direct && message.text.contains(&format!("<@{}>", team.bot.user))
}
