//! Everything that the server knows, and the only ways in which it changes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::mpsc;

use super::delivery::Delivery;
use super::fault::Failure;
use super::rates::Rates;
use super::record::Call;
use super::refusal::Refusal;
use super::settings::Settings;
use super::team::{Bot, Channel, Message, Room, Team};

/// The id of the app.
pub const APP: &str = "A0DOWNBEAT";
/// The app-level token.
pub const APP_TOKEN: &str = "xapp-1-A0DOWNBEAT-of-nobody";
/// The secret by which HTTP events are signed.
pub const SIGNING_SECRET: &str = "signing-secret-of-nobody";

/// Everything that the server knows.
pub struct State {
    /// How this server behaves.
    pub settings: Settings,
    /// Where it is: `http://127.0.0.1:PORT`.
    pub base: String,
    /// Where its WebSockets are: `ws://127.0.0.1:PORT`.
    pub socket_base: String,
    /// The workspaces in which the app is installed.
    pub teams: Vec<Team>,
    /// Every call, oldest first.
    pub calls: Vec<Call>,
    /// Everything that is owed to the app, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Those of them that are neither acknowledged nor lost.
    pub open_deliveries: BTreeSet<usize>,
    /// The sockets that are open.
    pub connections: Vec<Connection>,
    /// Tickets of `apps.connections.open` that nobody has used.
    pub tickets: BTreeSet<String>,
    /// What people did that may open a modal: when, who, and whether it was used.
    pub triggers: BTreeMap<String, Trigger>,
    /// Addresses for answers: where, for whom, when, and how often used.
    pub response_urls: BTreeMap<String, ResponseUrl>,
    /// What fails next, by method.
    pub failures: BTreeMap<String, VecDeque<Failure>>,
    /// What was called how often.
    pub rates: Rates,
    /// Where events go when not to sockets.
    pub request_url: Option<String>,
    /// How many more acknowledgements are lost.
    pub n_acks_lost: usize,
    /// Events that wait until as many have come, and go out in reverse.
    pub reordering: Option<usize>,
    /// In how many envelopes each event comes.
    pub n_copies: usize,
    last_ts_us: u64,
    counts: BTreeMap<&'static str, u64>,
}

/// A socket that is open.
pub struct Connection {
    /// Its number, from 1.
    pub id: u64,
    /// What it is told.
    pub orders: mpsc::Sender<Order>,
    /// Whether it is gone for our side: it hangs, or was told to go.
    pub is_leaving: bool,
}

/// What a socket is told.
#[derive(Debug)]
pub enum Order {
    /// To say this.
    Say(String),
    /// To close properly.
    Close,
    /// To break the connection.
    Reset,
    /// To drop the connection without a word of the protocol.
    Drop,
    /// To stay open and say and answer nothing more.
    Hang,
}

/// What a person did that may open a modal.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// When.
    pub at: Instant,
    /// Who.
    pub user: String,
    /// Whether it was used.
    pub is_used: bool,
}

/// An address for answers to what a person did.
#[derive(Clone, Debug)]
pub struct ResponseUrl {
    /// Since when.
    pub at: Instant,
    /// How often it was used.
    pub n_uses: u32,
    /// In which workspace.
    pub team: String,
    /// In which channel.
    pub channel: String,
    /// Whose deed it was.
    pub user: String,
    /// Which message it was about.
    pub message_ts: Option<String>,
    /// In which thread.
    pub thread_ts: Option<String>,
}

impl State {
    /// The state at the start: one workspace with nobody in it.
    pub fn new(settings: Settings) -> Self {
        let rates = Rates::default();
        let mut state = Self {
            settings,
            base: String::new(),
            socket_base: String::new(),
            teams: Vec::new(),
            calls: Vec::new(),
            deliveries: Vec::new(),
            open_deliveries: BTreeSet::new(),
            connections: Vec::new(),
            tickets: BTreeSet::new(),
            triggers: BTreeMap::new(),
            response_urls: BTreeMap::new(),
            failures: BTreeMap::new(),
            rates,
            request_url: None,
            n_acks_lost: 0,
            reordering: None,
            n_copies: 1,
            last_ts_us: 0,
            counts: BTreeMap::new(),
        };
        state.add_team("acme");
        state
    }

    /// Installs the app in another workspace, with a token of its own.
    pub fn add_team(&mut self, domain: &str) -> String {
        let word = domain.to_uppercase();
        let name = self.settings.bot_name.clone();
        let bot = Bot {
            token: format!("xoxb-{domain}-of-nobody"),
            user: format!("U0{}{word}", name.to_uppercase()),
            bot_id: format!("B0{word}"),
            scopes: self.settings.scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            name,
        };
        self.teams.push(Team::new(format!("T0{word}"), domain, bot, self.settings.is_native));
        format!("T0{word}")
    }

    /// The next number of a kind, from 1.
    pub fn next(&mut self, kind: &'static str) -> u64 {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        *count
    }

    /// A `ts` that nothing else has: the time, or a microsecond after the last.
    pub fn next_ts(&mut self) -> String {
        let now_us = now().as_micros().try_into().unwrap_or(u64::MAX);
        self.last_ts_us = now_us.max(self.last_ts_us + 1);
        format!("{}.{:06}", self.last_ts_us / 1_000_000, self.last_ts_us % 1_000_000)
    }

    /// The workspace of a token.
    pub fn team_of_token(&self, token: &str) -> Option<usize> {
        self.teams.iter().position(|team| team.bot.token == token)
    }

    /// The workspace with this id.
    pub fn team(&self, id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    /// The workspace with this id, to change.
    pub fn team_mut(&mut self, id: &str) -> Option<&mut Team> {
        self.teams.iter_mut().find(|team| team.id == id)
    }

    /// Puts a message into a channel, and its file ids with it.
    pub fn keep(&mut self, team: &str, channel: &str, mut message: Message) -> Result<String, Refusal> {
        let ts = if message.ts.is_empty() { self.next_ts() } else { message.ts.clone() };
        message.ts.clone_from(&ts);
        let prefix = self.next("block");
        for (n, block) in message.blocks.iter_mut().enumerate() {
            if block.get("block_id").is_none() {
                block["block_id"] = Value::String(format!("b{prefix}.{n}"));
            }
        }
        let team = self.team_mut(team).ok_or_else(|| Refusal::of("team_not_found"))?;
        for id in &message.files {
            if let Some(file) = team.files.get_mut(id) {
                file.channels.insert(channel.to_owned());
            }
        }
        let channel = team.channel_mut(channel).ok_or_else(|| Refusal::of("channel_not_found"))?;
        if let Some(thread_ts) = message.thread_ts.clone() {
            let root = channel.message_mut(&thread_ts).ok_or_else(|| Refusal::of("thread_not_found"))?;
            root.thread_ts = Some(thread_ts);
        }
        channel.messages.push(message);
        Ok(ts)
    }

    /// Notes that a person did something that may open a modal.
    pub fn new_trigger(&mut self, user: &str) -> String {
        let id = format!("{}.{}.trigger", self.next("trigger"), now().as_secs());
        let trigger = Trigger { at: Instant::now(), user: user.to_owned(), is_used: false };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// Uses a trigger up, and says whose it was.
    pub fn use_trigger(&mut self, id: &str) -> Result<String, Refusal> {
        let lives = self.settings.trigger_lives;
        let trigger = self.triggers.get_mut(id).ok_or_else(|| Refusal::of("invalid_trigger_id"))?;
        if trigger.is_used {
            return Err(Refusal::of("exchanged_trigger_id"));
        }
        if trigger.at.elapsed() > lives {
            return Err(Refusal::of("expired_trigger_id"));
        }
        trigger.is_used = true;
        Ok(trigger.user.clone())
    }

    /// Opens an address for answers.
    pub fn new_response_url(&mut self, url: ResponseUrl) -> String {
        let id = format!("{}/{}", url.team, self.next("response_url"));
        self.response_urls.insert(id.clone(), url);
        format!("{}/actions/{id}", self.base)
    }

    /// The direct message between somebody and the bot; it begins with the first use.
    pub fn direct(&mut self, team: &str, user: &str) -> Result<String, Refusal> {
        let team = self.team_mut(team).ok_or_else(|| Refusal::of("team_not_found"))?;
        let name = team.user(user).map(|user| user.name.clone()).ok_or_else(|| Refusal::of("user_not_found"))?;
        let id = format!("D0{}", user.trim_start_matches("U0"));
        if team.channel(&id).is_none() {
            let members = [user.to_owned(), team.bot.user.clone()];
            let channel = Channel::new(&id, &format!("@{name}"), Room::Direct, members);
            team.channels.push(channel);
        }
        Ok(id)
    }
}

impl Channel {
    /// An empty channel.
    pub fn new(id: &str, name: &str, room: Room, members: impl IntoIterator<Item = String>) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            room,
            members: members.into_iter().collect(),
            is_shared: false,
            is_archived: false,
            messages: Vec::new(),
        }
    }
}

/// The time of day, as the world has it: signatures are compared with it.
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
