//! What people press, choose, fill in and command, as the app is told of it, and what its answers do.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::args::Args;
use super::delivery::{Kind, Progress};
use super::methods::{read_message, replace_message};
use super::refusal::{Refusal, merge};
use super::shapes;
use super::state::{APP, ResponseUrl, State};
use super::team::{Ephemeral, Message, Team};

/// Where something is pressed.
#[derive(Clone, Debug)]
pub enum Place {
    /// On a message of a channel.
    Message(String, String),
    /// On what only one person sees: its place in the list.
    Ephemeral(usize),
    /// In a modal.
    View(String),
    /// In the home tab.
    Home,
}

/// A button, or a choice of a menu, with what it says.
pub fn find_action(blocks: &[Value], label: &str) -> Option<Value> {
    for block in blocks {
        let accessory = Some(&block["accessory"]).filter(|it| it.is_object());
        let elements = block["elements"].as_array().into_iter().flatten().chain(accessory).chain(block.get("element"));
        for element in elements {
            if let Some(mut action) = pressed(element, label) {
                action["block_id"] = block["block_id"].clone();
                return Some(action);
            }
        }
    }
    None
}

fn pressed(element: &Value, label: &str) -> Option<Value> {
    let mut action = json!({ "type": element["type"], "action_id": element["action_id"] });
    if element["text"]["text"] == label {
        for name in ["text", "value", "style"].into_iter().filter(|name| !element[*name].is_null()) {
            action[name] = element[name].clone();
        }
        return Some(action);
    }
    let option = element["options"].as_array()?.iter().find(|option| option["text"]["text"] == label)?;
    action["selected_option"] = option.clone();
    Some(action)
}

/// What the fields of blocks hold, before anybody changes them.
pub fn initial_state(blocks: &[Value]) -> Value {
    let mut values = Map::new();
    for block in blocks {
        let elements = block["elements"].as_array().into_iter().flatten().chain(block.get("element"));
        for element in elements.filter(|it| it["type"] != "button" && !it["action_id"].is_null()) {
            let held = held(element, None);
            let (block_id, action_id) = (text(&block["block_id"]), text(&element["action_id"]));
            let fields = values.entry(block_id).or_insert_with(|| json!({}));
            fields[action_id] = held;
        }
    }
    json!({ "values": values })
}

/// What a field holds: what it began with, or what was filled in.
pub fn held(element: &Value, filled: Option<&str>) -> Value {
    let kind = element["type"].as_str().unwrap_or_default();
    let options = || element["options"].as_array().into_iter().flatten();
    let mut held = json!({ "type": kind });
    match (kind, filled) {
        ("checkboxes" | "multi_static_select", Some(filled)) => {
            let wanted: Vec<&str> = filled.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
            let is_wanted =
                |option: &&Value| wanted.iter().any(|it| option["text"]["text"] == *it || option["value"] == *it);
            held["selected_options"] = json!(options().filter(is_wanted).collect::<Vec<_>>());
        }
        ("checkboxes" | "multi_static_select", None) => {
            held["selected_options"] = element.get("initial_options").cloned().unwrap_or_else(|| json!([]));
        }
        ("static_select" | "radio_buttons", Some(filled)) => {
            let mut options = options();
            held["selected_option"] = json!(options.find(|it| it["text"]["text"] == filled || it["value"] == filled));
        }
        ("static_select" | "radio_buttons", None) => held["selected_option"] = element["initial_option"].clone(),
        ("users_select", filled) => held["selected_user"] = json!(filled.or(element["initial_user"].as_str())),
        ("conversations_select" | "channels_select", filled) => held["selected_conversation"] = json!(filled),
        (_, Some(filled)) => held["value"] = json!(filled),
        (_, None) => held["value"] = element["initial_value"].clone(),
    }
    held
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl State {
    /// Tells the app that somebody pressed something, and which delivery tells it.
    pub fn press(&mut self, team: &str, user: &str, place: &Place, label: &str) -> Result<usize, String> {
        let home = self.team(team).ok_or("there is no such workspace")?;
        let blocks = self.blocks_at(home, user, place).ok_or("there is nothing at this place")?;
        let mut action = find_action(&blocks, label)
            .ok_or_else(|| format!("nothing here is called {label:?}: {}", Value::from(blocks.clone())))?;
        let mut payload = self.frame(team, user, "block_actions");
        let state = initial_state(&blocks);
        action["action_ts"] = json!(self.next_ts());
        merge(&mut payload, &json!({ "actions": [action], "state": state }));
        let fields = self.place_fields(team, user, place);
        merge(&mut payload, &fields);
        Ok(self.owe(Kind::Interaction, "block_actions", team, payload))
    }

    fn blocks_at(&self, team: &Team, user: &str, place: &Place) -> Option<Vec<Value>> {
        let of_view = |view: &Value| view["blocks"].as_array().cloned();
        match place {
            Place::Message(channel, ts) => Some(team.channel(channel)?.message(ts)?.blocks.clone()),
            Place::Ephemeral(at) => Some(team.ephemerals.get(*at)?.message.blocks.clone()),
            Place::View(id) => of_view(&team.views.get(id)?.view),
            Place::Home => of_view(team.homes.get(user)?),
        }
    }

    /// What every interaction says of who did it.
    pub fn frame(&mut self, team: &str, user: &str, kind: &str) -> Value {
        let trigger = self.new_trigger(user);
        let (domain, name) = self.team(team).map(|home| (home.domain.clone(), home.name_of(user))).unwrap_or_default();
        json!({
            "type": kind, "token": "verification-of-nobody", "api_app_id": APP, "trigger_id": trigger,
            "enterprise": null, "is_enterprise_install": false, "team": { "id": team, "domain": domain },
            "user": { "id": user, "username": name, "name": name, "team_id": team },
        })
    }

    fn place_fields(&mut self, team: &str, user: &str, place: &Place) -> Value {
        let Some(home) = self.team(team) else { return json!({}) };
        let (channel, message, is_ephemeral) = match place {
            Place::View(id) => {
                let view = home.views.get(id).map(|open| open.view.clone());
                return json!({ "container": { "type": "view", "view_id": id }, "view": view });
            }
            Place::Home => {
                let view = home.homes.get(user).cloned().unwrap_or_default();
                return json!({ "container": { "type": "view", "view_id": view["id"] }, "view": view });
            }
            Place::Message(channel, ts) => {
                (channel.clone(), home.channel(channel).and_then(|it| it.message(ts)), false)
            }
            Place::Ephemeral(at) => {
                let ephemeral = &home.ephemerals[*at];
                (ephemeral.channel.clone(), Some(&ephemeral.message), true)
            }
        };
        let (Some(message), Some(room)) = (message, home.channel(&channel)) else { return json!({}) };
        let mut container = json!({
            "type": "message", "message_ts": message.ts, "channel_id": channel, "is_ephemeral": is_ephemeral,
        });
        if let Some(thread_ts) = &message.thread_ts {
            container["thread_ts"] = json!(thread_ts);
        }
        let mut fields = json!({ "container": container, "channel": { "id": channel, "name": room.name } });
        if !is_ephemeral {
            fields["message"] = shapes::message(home, room, message, &self.base);
        }
        let url = ResponseUrl {
            at: Instant::now(),
            n_uses: 0,
            team: team.to_owned(),
            channel,
            user: user.to_owned(),
            message_ts: Some(message.ts.clone()),
            thread_ts: message.thread_ts.clone(),
        };
        fields["response_url"] = json!(self.new_response_url(url));
        fields
    }

    /// Takes what the app says at an address for answers.
    pub fn answer_at(&mut self, id: &str, said: &Value) -> Result<(), Refusal> {
        let (lives, most) = self.settings.response_url;
        let url = self.response_urls.get_mut(id).ok_or_else(|| Refusal::of("no_such_url"))?;
        if url.at.elapsed() > lives {
            return Err(Refusal::of("expired_url"));
        }
        if url.n_uses >= most {
            return Err(Refusal::of("used_url"));
        }
        url.n_uses += 1;
        let url = url.clone();
        let is_on = |name: &str| said[name] == true || said[name] == "true";
        let subject = url.message_ts.clone().filter(|_| is_on("replace_original") || is_on("delete_original"));
        let Some(ts) = subject else { return self.answer_anew(&url, said) };
        if let Some(home) = self.team_mut(&url.team)
            && let Some(at) = home.ephemerals.iter().position(|it| it.message.ts == ts)
        {
            let old = home.ephemerals.remove(at);
            return if is_on("delete_original") { Ok(()) } else { self.answer_ephemeral(&url, old.thread_ts, said) };
        }
        if is_on("delete_original") {
            self.remove_message(&url.team, &url.channel, &ts);
            return Ok(());
        }
        let args = arguments(said);
        let is_native = self.team(&url.team).is_some_and(|home| home.is_native);
        let new = read_message(&args, is_native, 40_000)?;
        replace_message(self, &url.team, (&url.channel, &ts), &args, new);
        Ok(())
    }

    fn answer_anew(&mut self, url: &ResponseUrl, said: &Value) -> Result<(), Refusal> {
        let thread_ts = said["thread_ts"].as_str().map(str::to_owned).or_else(|| url.thread_ts.clone());
        if said["response_type"] != "in_channel" {
            return self.answer_ephemeral(url, thread_ts, said);
        }
        let message = self.own_message(&url.team, said)?;
        let ts = self.keep(&url.team, &url.channel, Message { thread_ts, ..message })?;
        self.tell_of_message(&url.team, &url.channel, &ts);
        Ok(())
    }

    fn answer_ephemeral(&mut self, url: &ResponseUrl, thread_ts: Option<String>, said: &Value) -> Result<(), Refusal> {
        let mut message = self.own_message(&url.team, said)?;
        message.ts = self.next_ts();
        let ephemeral = Ephemeral { channel: url.channel.clone(), thread_ts, user: url.user.clone(), message };
        self.team_mut(&url.team).into_iter().for_each(|home| home.ephemerals.push(ephemeral.clone()));
        Ok(())
    }

    fn own_message(&self, team: &str, said: &Value) -> Result<Message, Refusal> {
        let home = self.team(team).ok_or_else(|| Refusal::of("team_not_found"))?;
        let message = read_message(&arguments(said), home.is_native, 40_000)?;
        Ok(Message { user: home.bot.user.clone(), bot_id: Some(home.bot.bot_id.clone()), ..message })
    }

    /// Does what the app answered to a command or a submission.
    pub fn take_answer(&mut self, id: usize, answer: Option<Value>) {
        let delivery = &self.deliveries[id];
        let (what, team, payload) = (delivery.what.clone(), delivery.team.clone(), delivery.payload.clone());
        if delivery.kind == Kind::Command {
            let said = match answer {
                Some(Value::String(text)) => json!({ "text": text }),
                Some(said) => said,
                None => return,
            };
            let url = ResponseUrl {
                at: Instant::now(),
                n_uses: 0,
                team,
                channel: text(&payload["channel_id"]),
                user: text(&payload["user_id"]),
                message_ts: None,
                thread_ts: None,
            };
            // An answer that Slack would not show is no answer.
            let _ = self.answer_anew(&url, &said);
        } else if what == "view_submission" {
            self.close_view(id, &payload, &answer.unwrap_or_default());
        }
    }

    fn close_view(&mut self, id: usize, payload: &Value, answer: &Value) {
        let team = &self.deliveries[id].team.clone();
        let (view, user) = (text(&payload["view"]["id"]), text(&payload["user"]["id"]));
        match answer["response_action"].as_str() {
            // An error is shown beside its field; one for no field is shown as trouble, with nothing said.
            Some("errors") => {
                let blocks = payload["view"]["blocks"].as_array().into_iter().flatten();
                let fields: Vec<&Value> = blocks.map(|block| &block["block_id"]).collect();
                let mut named = answer["errors"].as_object().into_iter().flatten();
                if let Some((name, _)) = named.find(|(name, _)| !fields.contains(&&Value::from(name.as_str()))) {
                    self.deliveries[id].progress = Progress::Lost(format!("the form has no field {name:?}"));
                }
            }
            Some("update") => self.take_view(team, &user, Some(&view), answer["view"].clone()),
            Some("push") => self.take_view(team, &user, None, answer["view"].clone()),
            _ => {
                let open = self.team_mut(team).and_then(|home| home.views.get_mut(&view));
                open.into_iter().for_each(|open| open.is_open = false);
            }
        }
    }
}

fn arguments(said: &Value) -> Args {
    let mut args = Args::default();
    for (name, value) in said.as_object().into_iter().flatten() {
        args.say(name, value.clone());
    }
    args
}
