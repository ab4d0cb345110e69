//! What is in a workspace: people, groups, channels and what was said in them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

/// One workspace in which the app is installed.
#[derive(Clone, Debug)]
pub struct Team {
    /// Such as `T0ACME`.
    pub id: String,
    /// The word before `.slack.com`.
    pub domain: String,
    /// The app in it.
    pub bot: Bot,
    /// Everybody whom the workspace knows, bots and guests of other workspaces included.
    pub users: Vec<User>,
    /// User groups.
    pub groups: Vec<Group>,
    /// Channels and direct messages.
    pub channels: Vec<Channel>,
    /// Files, by id.
    pub files: BTreeMap<String, File>,
    /// Modals that are open or were, by id, and who sees each.
    pub views: BTreeMap<String, OpenView>,
    /// The home tab that each user sees.
    pub homes: BTreeMap<String, Value>,
    /// What only one person saw.
    pub ephemerals: Vec<Ephemeral>,
    /// The line under a thread that says what the app does, by channel and thread.
    pub statuses: BTreeMap<(String, String), String>,
    /// Agent sessions, by channel and thread: status and title.
    pub sessions: BTreeMap<(String, String), (String, String)>,
    /// Whether it has plan and task-card blocks, streams and agent sessions.
    pub is_native: bool,
}

/// The app's own account.
#[derive(Clone, Debug)]
pub struct Bot {
    /// What it is called, as in `@agent`.
    pub name: String,
    /// Its token, `xoxb-…`.
    pub token: String,
    /// Its user id.
    pub user: String,
    /// Its bot id.
    pub bot_id: String,
    /// What it may.
    pub scopes: BTreeSet<String>,
}

/// What kind of account somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A usual member.
    Member,
    /// A guest who sees some channels.
    Guest,
    /// A member of another company, in a channel shared with it.
    Outsider,
    /// Another app.
    Bot,
    /// Somebody who left.
    Deactivated,
}

/// Somebody.
#[derive(Clone, Debug)]
pub struct User {
    /// Such as `U0ANA`.
    pub id: String,
    /// Such as `ana`.
    pub name: String,
    /// What kind of account it is.
    pub standing: Standing,
}

/// A user group, such as `@reviewers`.
#[derive(Clone, Debug)]
pub struct Group {
    /// Such as `S0REVIEWERS`.
    pub id: String,
    /// Such as `reviewers`.
    pub handle: String,
    /// The ids of those in it.
    pub members: Vec<String>,
}

/// What kind of place messages are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// A channel that everybody may join.
    Public,
    /// A channel by invitation.
    Private,
    /// Two people.
    Direct,
    /// A few people.
    Group,
}

/// A channel, or a direct message.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Such as `C0DEV`.
    pub id: String,
    /// Such as `dev`; `@ana` for a direct message with her.
    pub name: String,
    /// What kind it is.
    pub room: Room,
    /// Who is in it.
    pub members: BTreeSet<String>,
    /// Whether another company is in it too.
    pub is_shared: bool,
    /// Whether nobody can write any more.
    pub is_archived: bool,
    /// Everything in it, threads too, oldest first.
    pub messages: Vec<Message>,
}

/// A message.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its id and time.
    pub ts: String,
    /// The message under which it is; its own `ts` for one with replies.
    pub thread_ts: Option<String>,
    /// Who wrote it.
    pub user: String,
    /// Which bot wrote it, if one did.
    pub bot_id: Option<String>,
    /// The words, in Slack's markup.
    pub text: String,
    /// The blocks.
    pub blocks: Vec<Value>,
    /// Legacy attachments.
    pub attachments: Vec<Value>,
    /// The ids of its files.
    pub files: Vec<String>,
    /// Emoji, each with who reacted.
    pub reactions: Vec<(String, Vec<String>)>,
    /// What the app keeps with it.
    pub metadata: Option<Value>,
    /// Who edited it last, and when.
    pub edited: Option<(String, String)>,
    /// What kind of message, where it is no usual one.
    pub subtype: Option<String>,
    /// What is streamed into it, while it grows.
    pub stream: Option<Stream>,
    /// The id that the person's own program gave it.
    pub client_msg_id: Option<String>,
}

/// A message that grows while it is written.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Since when.
    pub since: Instant,
    /// The title of the plan.
    pub plan: Option<String>,
    /// The latest news of each task, in the order of their first.
    pub tasks: Vec<Value>,
}

/// A file in a workspace.
#[derive(Clone, Debug)]
pub struct File {
    /// Such as `F0001`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is called where it is shown.
    pub title: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Who shared it.
    pub user: String,
    /// Where it is shared.
    pub channels: BTreeSet<String>,
    /// Whether an upload of it was completed.
    pub is_complete: bool,
}

/// A modal.
#[derive(Clone, Debug)]
pub struct OpenView {
    /// Who sees it.
    pub user: String,
    /// What it shows, with `id`, `hash` and `state`.
    pub view: Value,
    /// Whether it is still on the screen.
    pub is_open: bool,
}

/// A message that only one person sees, until they reload.
#[derive(Clone, Debug)]
pub struct Ephemeral {
    /// In which channel.
    pub channel: String,
    /// In which thread, if in one.
    pub thread_ts: Option<String>,
    /// Who sees it.
    pub user: String,
    /// What it says.
    pub message: Message,
}

impl Team {
    /// A workspace with the app and nobody else in it.
    pub fn new(id: String, domain: &str, bot: Bot, is_native: bool) -> Self {
        let own = User { id: bot.user.clone(), name: bot.name.clone(), standing: Standing::Bot };
        Self {
            id,
            domain: domain.to_owned(),
            bot,
            users: vec![own],
            groups: Vec::new(),
            channels: Vec::new(),
            files: BTreeMap::new(),
            views: BTreeMap::new(),
            homes: BTreeMap::new(),
            ephemerals: Vec::new(),
            statuses: BTreeMap::new(),
            sessions: BTreeMap::new(),
            is_native,
        }
    }

    /// Somebody, by id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// A channel, by id.
    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// A channel to write into, by id.
    pub fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    /// What people see of a name: the user's, the bot's, or the id itself.
    pub fn name_of(&self, id: &str) -> String {
        self.user(id).map_or_else(|| id.to_owned(), |user| user.name.clone())
    }

    /// The scopes as Slack writes them.
    pub fn provided(&self) -> String {
        self.bot.scopes.iter().cloned().collect::<Vec<_>>().join(",")
    }

    /// The bot as messages of its show it.
    pub fn bot_profile(&self, app: &str) -> Value {
        json!({
            "id": self.bot.bot_id, "app_id": app, "user_id": self.bot.user, "name": self.bot.name, "deleted": false,
            "updated": 1_790_000_000, "team_id": self.id,
            "icons": {
                "image_36": "https://a.slack-edge.com/bot_36.png", "image_48": "https://a.slack-edge.com/bot_48.png",
                "image_72": "https://a.slack-edge.com/bot_72.png",
            },
        })
    }
}

impl Channel {
    /// A message, by its `ts`.
    pub fn message(&self, ts: &str) -> Option<&Message> {
        let at = self.messages.binary_search_by(|message| message.ts.as_str().cmp(ts)).ok()?;
        self.messages.get(at)
    }

    /// A message to change, by its `ts`.
    pub fn message_mut(&mut self, ts: &str) -> Option<&mut Message> {
        let at = self.messages.binary_search_by(|message| message.ts.as_str().cmp(ts)).ok()?;
        self.messages.get_mut(at)
    }

    /// The replies under a message, oldest first.
    pub fn replies<'a>(&'a self, ts: &'a str) -> impl Iterator<Item = &'a Message> {
        let from = self.messages.partition_point(|message| message.ts.as_str() <= ts);
        self.messages[from..].iter().filter(move |message| message.thread_ts.as_deref() == Some(ts))
    }

    /// The word that events say of its kind.
    pub fn kind(&self) -> &'static str {
        match self.room {
            Room::Public => "channel",
            Room::Private => "group",
            Room::Direct => "im",
            Room::Group => "mpim",
        }
    }

    /// The word in scopes and event names: `channels:history`, `message.channels`.
    pub fn family(&self) -> &'static str {
        match self.room {
            Room::Public => "channels",
            Room::Private => "groups",
            Room::Direct => "im",
            Room::Group => "mpim",
        }
    }
}

impl Message {
    /// Ends its growing: what was streamed into it is a plan of its blocks.
    pub fn end_stream(&mut self) {
        let Some(Stream { plan, tasks, .. }) = self.stream.take() else { return };
        if tasks.is_empty() {
            return;
        }
        let card = |task: &Value| json!({ "type": "task_card", "task_id": task["id"], "title": task["title"], "status": task["status"] });
        let cards: Vec<_> = tasks.iter().map(card).collect();
        let title = plan.unwrap_or_else(|| "Plan".to_owned());
        self.blocks.insert(0, json!({ "type": "plan", "title": title, "tasks": cards }));
    }

    /// Whether it stands in the channel itself.
    pub fn is_top(&self) -> bool {
        let is_root = self.thread_ts.as_ref().is_none_or(|thread| *thread == self.ts);
        is_root || self.subtype.as_deref() == Some("thread_broadcast")
    }

    /// Whether only a mark is left of it, for its replies.
    pub fn is_tombstone(&self) -> bool {
        self.subtype.as_deref() == Some("tombstone")
    }
}
