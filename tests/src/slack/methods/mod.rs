//! The Web API: which methods there are, what each wants of a token, and how often it may be called.

mod chat;
mod conversations;
mod files;
mod people;
mod reactions;
mod streams;
mod views;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::args::Args;
use super::rates::Tier;
use super::refusal::{Answered, Refusal};
use super::settings::Limits;
use super::state::{APP_TOKEN, State};
use super::team::{Channel, Team};

pub use chat::{read_message, replace_message};

/// A call that is allowed to be there: which workspace, and what it says.
pub struct Asked {
    /// The place of the workspace in the list.
    pub at: usize,
    /// Its id.
    pub team: String,
    /// What it says.
    pub args: Args,
}

/// One method.
pub struct Method {
    /// Such as `chat.postMessage`.
    pub name: &'static str,
    /// How often it may be called.
    tier: Tier,
    /// What the token needs; empty for nothing. Scopes that go by the kind of a channel are looked at with the channel.
    scope: &'static str,
    /// Whether it takes JSON: methods that only read do not.
    pub takes_json: bool,
    answer: fn(&mut State, &Asked) -> Answered,
}

const fn write(name: &'static str, tier: Tier, scope: &'static str, answer: Deed) -> Method {
    Method { name, tier, scope, takes_json: true, answer }
}

const fn read(name: &'static str, tier: Tier, scope: &'static str, answer: Deed) -> Method {
    Method { name, tier, scope, takes_json: false, answer }
}

type Deed = fn(&mut State, &Asked) -> Answered;

/// Every method that the server has.
pub const METHODS: [Method; 38] = [
    write("agents.sessions.setStatus", Tier::Three, "chat:write", streams::set_session),
    write("api.test", Tier::Special, "", people::test_api),
    write("apps.connections.open", Tier::One, "", people::open_connection),
    write("assistant.threads.setStatus", Tier::Special, "chat:write", streams::set_status),
    write("auth.test", Tier::Special, "", people::test_token),
    read("bots.info", Tier::Three, "users:read", people::bot),
    write("chat.appendStream", Tier::Four, "chat:write", streams::append),
    write("chat.delete", Tier::Three, "chat:write", chat::delete),
    read("chat.getPermalink", Tier::Special, "", chat::permalink),
    write("chat.postEphemeral", Tier::Four, "chat:write", chat::post_ephemeral),
    write("chat.postMessage", Tier::Posting, "chat:write", chat::post),
    write("chat.startStream", Tier::Two, "chat:write", streams::start),
    write("chat.stopStream", Tier::Two, "chat:write", streams::stop),
    write("chat.update", Tier::Three, "chat:write", chat::update),
    read("conversations.history", Tier::Three, "", conversations::history),
    read("conversations.info", Tier::Three, "", conversations::one),
    write("conversations.join", Tier::Three, "channels:join", conversations::join),
    read("conversations.list", Tier::Two, "", conversations::list),
    read("conversations.members", Tier::Four, "", conversations::members),
    write("conversations.open", Tier::Three, "im:write", conversations::open),
    read("conversations.replies", Tier::Three, "", conversations::replies),
    write("files.completeUploadExternal", Tier::Four, "files:write", files::complete_upload),
    read("files.getUploadURLExternal", Tier::Four, "files:write", files::begin_upload),
    read("files.info", Tier::Four, "files:read", files::one),
    write("reactions.add", Tier::Three, "reactions:write", reactions::add),
    read("reactions.get", Tier::Three, "reactions:read", reactions::of_message),
    write("reactions.remove", Tier::Two, "reactions:write", reactions::remove),
    read("team.info", Tier::Three, "", people::team),
    read("usergroups.list", Tier::Two, "usergroups:read", people::groups),
    read("usergroups.users.list", Tier::Two, "usergroups:read", people::group_members),
    read("users.conversations", Tier::Three, "", conversations::of_user),
    read("users.info", Tier::Four, "users:read", people::user),
    read("users.list", Tier::Two, "users:read", people::users),
    read("users.lookupByEmail", Tier::Three, "users:read.email", people::user_by_email),
    write("views.open", Tier::Four, "", views::open),
    write("views.publish", Tier::Four, "", views::publish),
    write("views.push", Tier::Four, "", views::push),
    write("views.update", Tier::Four, "", views::update),
];

impl Method {
    /// The method of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }

    /// Looks at the token and the scopes, and does what is asked.
    pub fn answer(&self, state: &mut State, args: Args) -> Answered {
        let asked = self.admitted(state, args)?;
        (self.answer)(state, &asked)
    }

    fn admitted(&self, state: &State, args: Args) -> Result<Asked, Refusal> {
        let is_for_the_app = self.name == "apps.connections.open";
        let Some(token) = args.token.clone() else {
            let is_open = self.name == "api.test";
            return if is_open {
                Ok(Asked { at: 0, team: String::new(), args })
            } else {
                Err(Refusal::of("not_authed"))
            };
        };
        if token == APP_TOKEN {
            let may = is_for_the_app || ["api.test", "auth.test"].contains(&self.name);
            let asked = Asked { at: 0, team: state.teams[0].id.clone(), args };
            return if may { Ok(asked) } else { Err(Refusal::of("not_allowed_token_type")) };
        }
        let at = state.team_of_token(&token).ok_or_else(|| Refusal::of("invalid_auth"))?;
        if is_for_the_app {
            return Err(Refusal::of("not_allowed_token_type"));
        }
        let team = &state.teams[at];
        need_scope(team, self.scope)?;
        Ok(Asked { at, team: team.id.clone(), args })
    }

    /// Counts a call; when it is one too many, after how long there is room again.
    pub fn count(&self, state: &mut State, args: &Args) -> Option<Duration> {
        let token = args.token.clone().unwrap_or_default();
        let place = if self.tier == Tier::Posting { args.text("channel").unwrap_or_default() } else { "" };
        // The page of `apps.connections.open` says tier 1, and every client opens several sockets at once.
        let tier = if self.name == "apps.connections.open" { Tier::Two } else { self.tier };
        state.rates.count(format!("{} {token} {place}", self.name), tier, Instant::now())
    }
}

/// What is done about a call that is one too many.
pub fn is_refused(limits: Limits) -> bool {
    match limits {
        Limits::Record => false,
        Limits::Refuse => true,
    }
}

/// Whether the token has a scope.
pub fn need_scope(team: &Team, scope: &str) -> Result<(), Refusal> {
    let has = scope.is_empty() || team.bot.scopes.contains(scope);
    if has { Ok(()) } else { Err(Refusal::missing_scope(scope, &team.provided())) }
}

impl Asked {
    /// The workspace.
    pub fn home<'a>(&self, state: &'a State) -> &'a Team {
        &state.teams[self.at]
    }

    /// The channel that the call names, as far as the bot may know of it.
    pub fn channel<'a>(&self, state: &'a State, name: &str) -> Result<&'a Channel, Refusal> {
        let team = self.home(state);
        let id = self.args.need(name)?;
        let channel = team.channel(id).ok_or_else(|| Refusal::of("channel_not_found"))?;
        let is_seen = channel.members.contains(&team.bot.user) || channel.kind() == "channel";
        if is_seen { Ok(channel) } else { Err(Refusal::of("channel_not_found")) }
    }

    /// The channel, where the bot is in it and the scope of its kind is there.
    pub fn joined<'a>(&self, state: &'a State, name: &str, right: &str) -> Result<&'a Channel, Refusal> {
        let channel = self.channel(state, name)?;
        let team = self.home(state);
        if right != "write" {
            need_scope(team, &format!("{}:{right}", channel.family()))?;
        }
        if !channel.members.contains(&team.bot.user) {
            return Err(Refusal::of("not_in_channel"));
        }
        if right == "write" && channel.is_archived {
            return Err(Refusal::of("is_archived"));
        }
        Ok(channel)
    }
}

/// One page of a list, in which each item has a key; and the cursor to the next.
pub fn page<T>(args: &Args, items: Vec<(String, T)>, most: usize) -> Result<(Vec<T>, String), Refusal> {
    let from = match args.text("cursor") {
        None => 0,
        Some(cursor) => {
            let key = cursor.strip_prefix("bmV4dA:").and_then(|rest| rest.strip_suffix('='));
            let key = key.ok_or_else(|| Refusal::of("invalid_cursor"))?;
            items.iter().position(|(it, _)| it == key).unwrap_or(items.len())
        }
    };
    let limit = args.number("limit").filter(|limit| *limit > 0).unwrap_or(100).min(most);
    // The sign at the end is one that a query must escape, as in many real cursors.
    let next = items.get(from + limit).map_or_else(String::new, |(key, _)| format!("bmV4dA:{key}="));
    Ok((items.into_iter().skip(from).take(limit).map(|(_, item)| item).collect(), next))
}

/// The page as an answer.
pub fn paged(name: &str, (items, next): (Vec<Value>, String)) -> Value {
    json!({ name: items, "response_metadata": { "next_cursor": next } })
}

/// A list of objects that a call carries; empty when it carries none.
fn objects(args: &Args, name: &str, refusal: &str) -> Result<Vec<Value>, Refusal> {
    match args.value(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list.clone()),
        Some(_) => Err(Refusal::of(refusal)),
    }
}
