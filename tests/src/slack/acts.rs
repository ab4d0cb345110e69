//! What people do in Slack.

use std::time::Instant;

use serde_json::{Value, json};

use super::delivery::Kind;
use super::interactions::{Place, held, initial_state};
use super::refusal::merge;
use super::shapes;
use super::state::{APP, ResponseUrl};
use super::team::{Channel, File, Message, Room, Standing, Team};
use super::transcript::typed;
use super::{Form, Sent, SlackServer};

/// Where people are found who are looked for by name, and places by theirs.
impl SlackServer {
    /// Says something in a channel (`dev`), or to the app alone (`@ana` is ana's direct message with it).
    pub fn say(&self, channel: &str, user: &str, words: &str) -> String {
        self.speak(channel, user, words, None)
    }

    /// Says something in the thread of a message.
    pub fn reply(&self, ts: &str, user: &str, words: &str) -> String {
        let channel = self.channel_of(ts);
        self.speak(&channel, user, words, Some(ts))
    }

    /// Says something of which the app is not told.
    pub fn unheard(&self, channel: &str, user: &str, words: &str) -> String {
        let events = self.desk.change(|state| std::mem::take(&mut state.settings.events));
        let ts = self.say(channel, user, words);
        self.desk.change(|state| state.settings.events = events);
        ts
    }

    fn speak(&self, channel: &str, user: &str, words: &str, thread: Option<&str>) -> String {
        let (team, channel) = self.place_of(channel);
        self.desk.change(|state| {
            let home = state.team(&team).expect("the workspace is there");
            let (user, text) = (user_of(home, user), typed(home, words));
            let is_bot = home.user(&user).is_some_and(|it| it.standing == Standing::Bot);
            let bot_id = is_bot.then(|| home.user(&user).map(shapes::bot_id_of)).flatten();
            let n = state.next("client_msg");
            let message = Message {
                blocks: vec![shapes::rich_text(&format!("w{n}"), &text)],
                text,
                user,
                bot_id,
                thread_ts: thread.map(str::to_owned),
                client_msg_id: Some(format!("00000000-0000-4000-8000-{n:012}")),
                ..Message::default()
            };
            let ts = state.keep(&team, &channel, message).expect("the place is there");
            state.tell_of_message(&team, &channel, &ts);
            ts
        })
    }

    /// Changes one's own message.
    pub fn edit(&self, ts: &str, words: &str) {
        let (team, channel) = self.home_of(ts);
        self.desk.change(|state| {
            let edited_ts = state.next_ts();
            let base = state.base.clone();
            let home = state.team_mut(&team).expect("the workspace is there");
            let text = typed(home, words);
            let place = home.channel(&channel).expect("the channel is there");
            let before = shapes::message(home, place, place.message(ts).expect("the message is there"), &base);
            let message = home.channel_mut(&channel).and_then(|place| place.message_mut(ts));
            let message = message.expect("the message is there");
            message.blocks = vec![shapes::rich_text("edited", &text)];
            message.text = text;
            message.edited = Some((message.user.clone(), edited_ts));
            state.tell_of_change(&team, &channel, &before, ts);
        });
    }

    /// Deletes a message.
    pub fn delete(&self, ts: &str) {
        let (team, channel) = self.home_of(ts);
        self.desk.change(|state| state.remove_message(&team, &channel, ts)).expect("the message is there");
    }

    /// Puts an emoji under a message.
    pub fn react(&self, ts: &str, user: &str, name: &str) {
        let (team, channel) = self.home_of(ts);
        self.desk.change(|state| {
            let user = user_of(state.team(&team).expect("the workspace is there"), user);
            state.react(&team, (&channel, ts), &user, name).expect("the reaction is new");
        });
    }

    /// Takes an emoji away.
    pub fn unreact(&self, ts: &str, user: &str, name: &str) {
        let (team, channel) = self.home_of(ts);
        self.desk.change(|state| {
            let user = user_of(state.team(&team).expect("the workspace is there"), user);
            state.unreact(&team, (&channel, ts), &user, name).expect("the reaction is there");
        });
    }

    /// Says something with a file, in a channel or in the thread of a message.
    pub fn attach(
        &self,
        (channel, thread): (&str, Option<&str>),
        user: &str,
        words: &str,
        file: (&str, &[u8]),
    ) -> String {
        let (team, channel) = self.place_of(channel);
        let (name, bytes) = (file.0.to_owned(), file.1.to_vec());
        self.desk.change(|state| {
            let home = state.team(&team).expect("the workspace is there");
            let (user, text) = (user_of(home, user), typed(home, words));
            let id = format!("F0{:06}", state.next("file"));
            let channels = std::collections::BTreeSet::new();
            let file = File { id: id.clone(), title: name.clone(), name, bytes, user, channels, is_complete: true };
            let user = file.user.clone();
            state.team_mut(&team).expect("the workspace is there").files.insert(id.clone(), file);
            let message = Message {
                text,
                user,
                thread_ts: thread.map(str::to_owned),
                files: vec![id],
                subtype: Some("file_share".to_owned()),
                ..Message::default()
            };
            let ts = state.keep(&team, &channel, message).expect("the place is there");
            state.tell_of_message(&team, &channel, &ts);
            ts
        })
    }

    /// Presses what a message offers by this name. Panics where nothing is called that.
    pub fn click(&self, ts: &str, user: &str, label: &str) -> Sent {
        let (team, channel) = self.home_of(ts);
        self.press((&team, user), &Place::Message(channel, ts.to_owned()), label)
    }

    /// Presses what a message offers that only this person sees: the newest that has it.
    pub fn click_ephemeral(&self, user: &str, label: &str) -> Sent {
        let found = self.desk.look(|state| {
            state.teams.iter().find_map(|home| {
                let user = home.users.iter().find(|it| it.name == user)?;
                let is_it = |it: &super::team::Ephemeral| {
                    it.user == user.id && super::interactions::find_action(&it.message.blocks, label).is_some()
                };
                Some((home.id.clone(), home.ephemerals.iter().rposition(is_it)?))
            })
        });
        let (team, at) = found.unwrap_or_else(|| panic!("{user} sees nothing that is called {label:?}"));
        self.press((&team, user), &Place::Ephemeral(at), label)
    }

    /// Presses what a modal offers.
    pub fn click_in(&self, form: &Form, user: &str, label: &str) -> Sent {
        self.press((&form.team, user), &Place::View(form.id.clone()), label)
    }

    /// Presses what somebody's home tab offers.
    pub fn click_home(&self, user: &str, label: &str) -> Sent {
        let team = self.first_team();
        self.press((&team, user), &Place::Home, label)
    }

    fn press(&self, (team, user): (&str, &str), place: &Place, label: &str) -> Sent {
        let pressed = self.desk.change(|state| {
            let user = user_of(state.team(team).expect("the workspace is there"), user);
            state.press(team, &user, place, label)
        });
        self.sent(pressed.unwrap_or_else(|trouble| panic!("{user} cannot press {label:?}: {trouble}")))
    }

    /// Presses what opens a modal, and waits for it.
    pub fn click_form(&self, ts: &str, user: &str, label: &str) -> Form {
        let sent = self.click(ts, user, label);
        self.form_after(&sent)
    }

    /// The modal that comes of what somebody did. Panics when none comes.
    pub fn form_after(&self, sent: &Sent) -> Form {
        let trigger = self.desk.look(|state| state.deliveries[sent.id].payload["trigger_id"].clone());
        let trigger = trigger.as_str().unwrap_or_default().to_owned();
        let opened = |call: &&super::record::Call| {
            call.method.starts_with("views.") && call.args.get("trigger_id") == Some(&json!(trigger))
        };
        let found = self.wait(|state| {
            let call = state.calls.iter().find(opened)?;
            assert_eq!(call.answered, "ok", "the modal was refused: {call}");
            let team = call.team.clone()?;
            let (id, _) = state.team(&team)?.views.iter().next_back()?;
            Some(Form { team, id: id.clone() })
        });
        found.unwrap_or_else(|| panic!("no modal opened; called was:\n{}", self.calls_as_text()))
    }

    /// Submits a modal with these fields filled in, by block id or label; the others as they are.
    pub fn submit(&self, form: &Form, user: &str, fields: &[(&str, &str)]) -> Sent {
        let id = self.desk.change(|state| {
            let home = state.team(&form.team).expect("the workspace is there");
            let user = user_of(home, user);
            let mut view = home.views.get(&form.id).expect("the modal is there").view.clone();
            view["state"] = filled(&view, fields);
            let mut payload = state.frame(&form.team, &user, "view_submission");
            merge(&mut payload, &json!({ "view": view, "response_urls": [] }));
            state.owe(Kind::Interaction, "view_submission", &form.team, payload)
        });
        self.sent(id)
    }

    /// Gives a command: `/agent`, `tasks`.
    pub fn command(&self, channel: &str, user: &str, command: &str, words: &str) -> Sent {
        let (team, channel) = self.place_of(channel);
        let id = self.desk.change(|state| {
            let home = state.team(&team).expect("the workspace is there");
            let user = user_of(home, user);
            let (domain, user_name) = (home.domain.clone(), home.name_of(&user));
            let channel_name = home.channel(&channel).map(|it| it.name.clone());
            let trigger = state.new_trigger(&user);
            let url = ResponseUrl {
                at: Instant::now(),
                n_uses: 0,
                team: team.clone(),
                channel: channel.clone(),
                user: user.clone(),
                message_ts: None,
                thread_ts: None,
            };
            let response_url = state.new_response_url(url);
            let payload = json!({
                "token": "verification-of-nobody", "team_id": team, "team_domain": domain, "channel_id": channel,
                "channel_name": channel_name, "user_id": user, "user_name": user_name, "command": command,
                "text": words, "api_app_id": APP, "is_enterprise_install": "false", "response_url": response_url,
                "trigger_id": trigger,
            });
            state.owe(Kind::Command, command, &team, payload)
        });
        self.sent(id)
    }

    /// Uses a shortcut of the app on a message.
    pub fn shortcut(&self, ts: &str, user: &str, callback_id: &str) -> Sent {
        let (team, channel) = self.home_of(ts);
        let id = self.desk.change(|state| {
            let user = user_of(state.team(&team).expect("the workspace is there"), user);
            let mut payload = state.frame(&team, &user, "message_action");
            let url = ResponseUrl {
                at: Instant::now(),
                n_uses: 0,
                team: team.clone(),
                channel: channel.clone(),
                user,
                message_ts: None,
                thread_ts: None,
            };
            let response_url = state.new_response_url(url);
            let home = state.team(&team).expect("the workspace is there");
            let place = home.channel(&channel).expect("the channel is there");
            let message = shapes::message(home, place, place.message(ts).expect("the message is there"), &state.base);
            merge(
                &mut payload,
                &json!({
                    "callback_id": callback_id, "message_ts": ts, "message": message, "response_url": response_url,
                    "channel": { "id": channel, "name": place.name }, "action_ts": ts,
                }),
            );
            state.owe(Kind::Interaction, "message_action", &team, payload)
        });
        self.sent(id)
    }

    /// Opens the app's home tab.
    pub fn open_home(&self, user: &str) {
        let team = self.first_team();
        self.desk.change(|state| {
            let event_ts = state.next_ts();
            let user = user_of(state.team(&team).expect("the workspace is there"), user);
            let channel = state.direct(&team, &user).expect("the user is there");
            let mut event = json!({
                "type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": event_ts,
            });
            if let Some(view) = state.team(&team).and_then(|home| home.homes.get(&user)) {
                event["view"] = view.clone();
            }
            state.owe_event(&team, "app_home_opened", event);
        });
    }

    /// Presses the stop button of an agent session.
    pub fn stop_session(&self, ts: &str, user: &str) {
        let (team, channel) = self.home_of(ts);
        self.desk.change(|state| {
            let event_ts = state.next_ts();
            let home = state.team(&team).expect("the workspace is there");
            let user = user_of(home, user);
            let place = home.channel(&channel).expect("the channel is there");
            let is_open = |it: &&Message| it.stream.is_some();
            let streams: Vec<String> = place.replies(ts).filter(is_open).map(|it| it.ts.clone()).collect();
            let event = json!({
                "type": "agent_session_stopped", "user": user, "channel": channel, "thread_ts": ts,
                "streaming_message_ts": streams, "event_ts": event_ts,
            });
            let place = state.team_mut(&team).and_then(|home| home.channel_mut(&channel));
            let place = place.expect("the channel is there");
            streams.iter().for_each(|ts| place.message_mut(ts).expect("it grows").end_stream());
            state.owe_event(&team, "agent_session_stopped", event);
        });
    }

    /// Brings somebody into a channel, or the app (by its own name).
    pub fn join(&self, channel: &str, user: &str) {
        let (team, channel) = self.place_of(channel);
        self.desk.change(|state| {
            let home = state.team_mut(&team).expect("the workspace is there");
            let user = user_of(home, user);
            home.channel_mut(&channel).expect("the channel is there").members.insert(user.clone());
            state.tell_of_arrival(&team, &channel, &user);
        });
    }

    /// Takes the app out of the first workspace: its token is gone, and two events say so.
    pub fn uninstall(&self) {
        let team = self.first_team();
        self.desk.change(|state| {
            let home = state.team_mut(&team).expect("the workspace is there");
            let bot = home.bot.user.clone();
            home.bot.token = "revoked".to_owned();
            let revoked = json!({ "type": "tokens_revoked", "tokens": { "oauth": [], "bot": [bot] } });
            state.owe_event(&team, "tokens_revoked", revoked);
            state.owe_event(&team, "app_uninstalled", json!({ "type": "app_uninstalled" }));
        });
    }

    /// Brings the app an event of a kind that it never saw, as it is.
    pub fn send_event(&self, what: &'static str, event: Value) {
        let team = self.first_team();
        self.desk.change(|state| {
            if !state.settings.events.contains(&what) {
                state.settings.events.push(what);
            }
            state.owe_event(&team, what, event);
        });
    }

    /// Adds a channel with these people in it, the app among them.
    pub fn add_channel(&self, name: &str, room: Room, members: &[&str]) {
        let team = self.first_team();
        self.desk.change(|state| {
            let home = state.team_mut(&team).expect("the workspace is there");
            let members: Vec<String> = members.iter().map(|name| user_of(home, name)).collect();
            let members = members.into_iter().chain([home.bot.user.clone()]);
            home.channels.push(Channel::new(&format!("C0{}", name.to_uppercase()), name, room, members));
        });
    }
}

/// The state of a modal's fields, with these filled in.
fn filled(view: &Value, fields: &[(&str, &str)]) -> Value {
    let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
    let mut state = initial_state(&blocks);
    for (name, value) in fields {
        let is_it = |block: &&Value| block["block_id"] == *name || block["label"]["text"] == *name;
        let block = blocks.iter().find(is_it).unwrap_or_else(|| panic!("the modal has no field {name:?}: {view}"));
        let element = if block["element"].is_object() { &block["element"] } else { &block["elements"][0] };
        let (block_id, action_id) = (block["block_id"].as_str(), element["action_id"].as_str());
        let (block_id, action_id) = (block_id.unwrap_or_default(), action_id.unwrap_or_default());
        state["values"][block_id][action_id] = held(element, Some(value));
    }
    state
}

/// The id behind a name; an id stands for itself.
fn user_of(team: &Team, name: &str) -> String {
    let found = team.users.iter().find(|user| user.name == name || user.id == name);
    found.unwrap_or_else(|| panic!("nobody is called {name:?} in {}", team.domain)).id.clone()
}
