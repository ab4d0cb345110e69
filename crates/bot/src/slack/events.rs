//! From what Slack delivers to what happened. Pure: one translation for sockets, signed requests and what a look at the
//! history finds, so that the same message has the same delivery id on every way.
//!
//! A delivery's id is made of what happened (workspace, channel, time stamp, kind), never of the envelope: Slack tells of
//! one mention by two events with different event ids, and repeats events under new envelopes.

use domain::{DeliveryId, MessageRef, ThreadRef, Timestamp};
use serde_json::Value;

use crate::chat::messenger::{Heard, Via};

use super::people::People;
use super::words;

/// The stand-in for a thread where something was said to a channel as a whole.
pub const NO_THREAD: &str = "0";
/// How many characters of one message are taken: Slack's own limit.
const TEXT_CHARS_MAX: usize = 40_000;

/// Who we are in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The workspace.
    pub team: String,
    /// Our user there.
    pub user: String,
    /// The name by which people call, as the flow knows it.
    pub mention: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrived {
    /// Somebody said or did something.
    Heard {
        /// What.
        heard: Heard,
        /// Whether it is for us wherever it was said; else only in threads in which we are already.
        is_call: bool,
        /// Whether there is more to it than its words: files, or links to other messages.
        has_more: bool,
    },
    /// Somebody put an emoji on a message, of which only the place in its channel is told.
    Reacted {
        /// The channel.
        channel: String,
        /// The message.
        ts: String,
        /// Whether the message is ours.
        is_ours: bool,
        /// What, with the message as if it stood in no thread.
        heard: Heard,
    },
    /// Somebody clicked.
    Clicked(Click),
    /// Somebody sent a form off.
    Submitted {
        /// Who.
        user: String,
        /// The form with what they filled in.
        view: Value,
    },
    /// Somebody wants a task made of a message.
    Shortcut {
        /// Where: channel, thread and message.
        place: (String, String, String),
        /// What opens a form, for three seconds.
        trigger: String,
        /// The message's words.
        text: String,
    },
    /// Somebody looks at the home tab.
    HomeOpened {
        /// Who.
        user: String,
    },
    /// We are in a channel from now on.
    Joined {
        /// Which.
        channel: String,
    },
    /// The app is not installed any more.
    Uninstalled,
    /// Nothing for us.
    Nothing(&'static str),
}

/// A click on a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// Who.
    pub user: String,
    /// The channel; none on the home tab.
    pub channel: Option<String>,
    /// The message; empty on the home tab.
    pub ts: String,
    /// Its thread, where the message tells.
    pub thread_ts: Option<String>,
    /// What the button carries.
    pub value: String,
    /// What opens a form, for three seconds.
    pub trigger: String,
    /// When, by Slack's clock; it tells clicks apart.
    pub action_ts: String,
}

/// Translates one event of the Events API: the whole callback, of which `event` is what happened.
pub fn of_callback(callback: &Value, me: &Me, people: &People) -> Arrived {
    let event = &callback["event"];
    let kind = text(event, "type");
    match kind {
        "message" | "app_mention" => of_message(event, me, people),
        "reaction_added" => of_reaction(event, me, people),
        "app_home_opened" if text(event, "tab") != "messages" => {
            Arrived::HomeOpened { user: text(event, "user").to_owned() }
        }
        "member_joined_channel" if text(event, "user") == me.user => {
            Arrived::Joined { channel: text(event, "channel").to_owned() }
        }
        "agent_session_stopped" => of_native_stop(event, me, people),
        "app_uninstalled" | "tokens_revoked" if [me.team.as_str(), ""].contains(&text(callback, "team_id")) => {
            Arrived::Uninstalled
        }
        _ => Arrived::Nothing("an event that nothing is made of"),
    }
}

/// Translates a message, of an event or of a channel's history.
pub fn of_message(event: &Value, me: &Me, people: &People) -> Arrived {
    match text(event, "subtype") {
        // What is left of a message with replies that somebody deleted.
        "message_changed" if text(&event["message"], "subtype") == "tombstone" => {
            return of_withdrawal(event, me, people);
        }
        "message_changed" => return of_edit(event, me, people),
        "message_deleted" => return of_withdrawal(event, me, people),
        "" | "file_share" | "thread_broadcast" | "me_message" | "bot_message" => {}
        _ => return Arrived::Nothing("a message of Slack's own"),
    }
    let Some(said) = Said::read(event, event, (me, people)) else {
        return Arrived::Nothing("a message of a program or of nobody");
    };
    let is_direct = text(event, "channel_type") == "im" || said.channel.starts_with('D');
    let called = words::addressed(said.text, &me.user);
    let is_call = called.is_some() || is_direct;
    if called.is_none() && is_program(event) {
        return Arrived::Nothing("talk of a program");
    }
    if !is_call && said.thread_ts.is_none() {
        return Arrived::Nothing("talk outside of threads");
    }
    let text = match called {
        None if is_direct && said.thread_ts.is_none() => format!("<@{}> {}", me.user, said.text),
        None => said.text.to_owned(),
        Some(called) => called,
    };
    let has_more = event["files"].as_array().is_some_and(|files| !files.is_empty()) || said.text.contains("/archives/");
    Arrived::Heard { heard: said.heard("said", &text, Via::Words, (me, people)), is_call, has_more }
}

fn of_edit(event: &Value, me: &Me, people: &People) -> Arrived {
    let (now, before) = (&event["message"], &event["previous_message"]);
    let Some(said) = Said::read(now, event, (me, people)) else {
        return Arrived::Nothing("an edit of a program's message");
    };
    if text(now, "text") == text(before, "text") {
        return Arrived::Nothing("an edit that changes no word");
    }
    let called = |text: &str| words::addressed(text, &me.user).unwrap_or_else(|| text.to_owned());
    let was = before.get("text").and_then(Value::as_str).map(|was| read_words(&called(was), me, people));
    let is_new_call = |text: &str| words::addressed(text, &me.user).is_some();
    if is_new_call(said.text) && !is_new_call(text(before, "text")) {
        // Somebody forgot to call us, and does it now.
        let heard = said.heard("said", &called(said.text), Via::Words, (me, people));
        return Arrived::Heard { heard, is_call: true, has_more: true };
    }
    let edited = now["edited"]["ts"].as_str().unwrap_or_else(|| text(event, "event_ts"));
    let heard = said.heard(&format!("edit:{edited}"), &called(said.text), Via::Edit { was }, (me, people));
    Arrived::Heard { heard, is_call: false, has_more: false }
}

fn of_withdrawal(event: &Value, me: &Me, people: &People) -> Arrived {
    let Some(said) = Said::read(&event["previous_message"], event, (me, people)) else {
        return Arrived::Nothing("the end of a program's message");
    };
    let called = words::addressed(said.text, &me.user).unwrap_or_else(|| said.text.to_owned());
    let heard = said.heard("withdrawn", &called, Via::Withdrawal, (me, people));
    Arrived::Heard { heard, is_call: false, has_more: false }
}

fn of_reaction(event: &Value, me: &Me, people: &People) -> Arrived {
    let (user, item) = (text(event, "user"), &event["item"]);
    let (channel, ts) = (text(item, "channel"), text(item, "ts"));
    if user == me.user || user.is_empty() || channel.is_empty() || ts.is_empty() {
        return Arrived::Nothing("a reaction of ours, or to no message");
    }
    // A tone of skin says nothing.
    let emoji = text(event, "reaction").split("::").next().unwrap_or_default();
    let thread = ThreadRef::slack(&me.team, channel, ts);
    let heard = Heard {
        delivery: delivery(me, channel, ts, &format!("reaction:{user}:{emoji}:{}", text(event, "event_ts"))),
        message: MessageRef { thread, id: ts.to_owned() },
        author: people.person_of(user),
        text: format!(":{emoji}:"),
        at: time_of(text(event, "event_ts")),
        via: Via::Reaction,
    };
    let is_ours = text(event, "item_user") == me.user;
    Arrived::Reacted { channel: channel.to_owned(), ts: ts.to_owned(), is_ours, heard }
}

/// The platform's own stop button, which stands for the word.
fn of_native_stop(event: &Value, me: &Me, people: &People) -> Arrived {
    let (user, channel, thread_ts) = (text(event, "user"), text(event, "channel"), text(event, "thread_ts"));
    if user.is_empty() || channel.is_empty() || thread_ts.is_empty() {
        return Arrived::Nothing("a stop of nothing");
    }
    let at = text(event, "event_ts");
    let heard = Heard {
        delivery: delivery(me, channel, thread_ts, &format!("stop:{at}")),
        message: MessageRef { thread: ThreadRef::slack(&me.team, channel, thread_ts), id: thread_ts.to_owned() },
        author: people.person_of(user),
        text: "stop".to_owned(),
        at: time_of(at),
        via: Via::Choice,
    };
    Arrived::Heard { heard, is_call: false, has_more: false }
}

/// Translates what people do with buttons, forms and menus.
pub fn of_interaction(payload: &Value) -> Arrived {
    let user = text(&payload["user"], "id").to_owned();
    match text(payload, "type") {
        "block_actions" => {
            let (action, container) = (&payload["actions"][0], &payload["container"]);
            let value = action["value"].as_str().or(action["selected_option"]["value"].as_str());
            let Some(value) = value else { return Arrived::Nothing("a click that carries nothing") };
            let thread_ts = payload["message"]["thread_ts"].as_str().or(container["thread_ts"].as_str());
            let channel = container["channel_id"].as_str().or(payload["channel"]["id"].as_str());
            Arrived::Clicked(Click {
                user,
                channel: channel.map(str::to_owned),
                ts: text(container, "message_ts").to_owned(),
                thread_ts: thread_ts.map(str::to_owned),
                value: value.to_owned(),
                trigger: text(payload, "trigger_id").to_owned(),
                action_ts: text(action, "action_ts").to_owned(),
            })
        }
        "view_submission" => Arrived::Submitted { user, view: payload["view"].clone() },
        "message_action" => {
            let (channel, message) = (text(&payload["channel"], "id"), &payload["message"]);
            let ts = text(message, "ts");
            let thread = message["thread_ts"].as_str().unwrap_or(ts);
            let place = (channel.to_owned(), thread.to_owned(), ts.to_owned());
            Arrived::Shortcut {
                place,
                trigger: text(payload, "trigger_id").to_owned(),
                text: text(message, "text").to_owned(),
            }
        }
        _ => Arrived::Nothing("an interaction that nothing is made of"),
    }
}

/// Translates a slash command, which stands in no thread.
pub fn of_command(command: &Value, me: &Me, people: &People, now: Timestamp) -> Arrived {
    let (user, channel, trigger) = (text(command, "user_id"), text(command, "channel_id"), text(command, "trigger_id"));
    if user.is_empty() || channel.is_empty() {
        return Arrived::Nothing("a command of nobody");
    }
    let heard = Heard {
        delivery: delivery(me, channel, NO_THREAD, &format!("command:{trigger}")),
        message: MessageRef { thread: ThreadRef::slack(&me.team, channel, NO_THREAD), id: NO_THREAD.to_owned() },
        author: people.person_of(user),
        text: read_words(&format!("<@{}> {}", me.user, text(command, "text")), me, people),
        at: now,
        via: Via::Command,
    };
    Arrived::Heard { heard, is_call: true, has_more: false }
}

/// Whether a program wrote a message.
pub fn is_program(message: &Value) -> bool {
    message.get("bot_id").is_some_and(|bot| !bot.is_null()) || text(message, "subtype") == "bot_message"
}

/// A message of a person, as Slack writes it.
struct Said<'a> {
    channel: &'a str,
    ts: &'a str,
    thread_ts: Option<&'a str>,
    user: &'a str,
    text: &'a str,
}

impl<'a> Said<'a> {
    /// None for a message of a program that the config does not let in, of ours, or without what it takes.
    fn read(message: &'a Value, event: &'a Value, (me, people): (&Me, &People)) -> Option<Self> {
        // A webhook has no account, only the name of its app.
        let accounts = [text(message, "user"), text(message, "bot_id")];
        let listed = accounts.into_iter().find(|account| people.is_bot(account));
        let user = listed.unwrap_or(accounts[0]);
        let (channel, ts) = (text(event, "channel"), text(message, "ts"));
        let is_whole = ![user, channel, ts].contains(&"") && is_ts(ts);
        let thread_ts = message["thread_ts"].as_str().filter(|thread_ts| is_ts(thread_ts));
        let said = Self { channel, ts, thread_ts, user, text: text(message, "text") };
        let is_heard = listed.is_some() || !is_program(message);
        (is_whole && is_heard && accounts[0] != me.user).then_some(said)
    }

    fn heard(&self, kind: &str, words: &str, via: Via, (me, people): (&Me, &People)) -> Heard {
        let thread = ThreadRef::slack(&me.team, self.channel, self.thread_ts.unwrap_or(self.ts));
        Heard {
            delivery: delivery(me, self.channel, self.ts, kind),
            message: MessageRef { thread, id: self.ts.to_owned() },
            author: people.person_of(self.user),
            text: read_words(words, me, people),
            at: time_of(self.ts),
            via,
        }
    }
}

fn read_words(written: &str, me: &Me, people: &People) -> String {
    let plain = words::plain(written, (&me.user, &me.mention), &|user| people.name_of(user));
    plain.chars().take(TEXT_CHARS_MAX).collect()
}

/// The id under which something is heard once.
pub fn delivery(me: &Me, channel: &str, ts: &str, kind: &str) -> DeliveryId {
    DeliveryId::new(format!("slack:{}:{channel}:{ts}:{kind}", me.team))
}

/// Slack's time stamps: seconds, a point, and what makes them unique in their channel.
fn is_ts(text: &str) -> bool {
    text.split_once('.').is_some_and(|(seconds, rest)| {
        [seconds, rest].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// The time of a time stamp, to the millisecond; 1970 for what is none.
pub fn time_of(ts: &str) -> Timestamp {
    let (seconds, rest) = ts.split_once('.').unwrap_or((ts, ""));
    let seconds: i64 = seconds.parse().unwrap_or_default();
    let ms: i64 = format!("{rest:0<3}").get(..3).and_then(|ms| ms.parse().ok()).unwrap_or_default();
    Timestamp::from_ms(seconds.saturating_mul(1_000).saturating_add(ms))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
