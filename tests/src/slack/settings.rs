//! How a server behaves that a test may want otherwise than Slack has it.

use std::time::Duration;

use downbeat::slack::manifest;

/// What is done about calls beyond a method's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// They are counted; `SlackServer::over_the_limit` tells them.
    Record,
    /// They are refused with 429, as Slack does.
    Refuse,
}

/// How a server behaves; the default is Slack with our app installed from its manifest, but for limits, which are only
/// counted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The port of the Web API; 0 for any.
    pub port: u16,
    /// What the app is called.
    pub bot_name: String,
    /// Whether the workspace has plan and task-card blocks, streams and agent sessions.
    pub is_native: bool,
    /// What is done about calls beyond a method's rate.
    pub limits: Limits,
    /// How long an acknowledgement is waited for.
    pub ack_within: Duration,
    /// How long after each failed attempt the next is made.
    pub retry_after: Vec<Duration>,
    /// How long a `trigger_id` opens a modal.
    pub trigger_lives: Duration,
    /// How long a message may grow before Slack ends it.
    pub stream_lives: Duration,
    /// How long and how often a `response_url` works.
    pub response_url: (Duration, u32),
    /// How old a message can be for its writer to edit it, where the workspace has such a rule.
    pub edit_window: Option<Duration>,
    /// How many messages history gives at most; 15 for commercially distributed apps outside the Marketplace.
    pub history_max: usize,
    /// How often an open socket is pinged.
    pub ping_every: Duration,
    /// The events that the app subscribed to.
    pub events: Vec<&'static str>,
    /// What the app may.
    pub scopes: Vec<&'static str>,
}

/// Every event that the server can tell of.
pub const EVENTS: [&str; 12] = [
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
];

/// Scopes that some method wants and the manifest does not ask for.
const MORE_SCOPES: [&str; 5] = ["channels:join", "files:write", "im:write", "mpim:write", "users:read.email"];

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            bot_name: "agent".to_owned(),
            is_native: false,
            limits: Limits::Record,
            ack_within: Duration::from_secs(3),
            retry_after: vec![Duration::ZERO, Duration::from_secs(60), Duration::from_secs(300)],
            trigger_lives: Duration::from_secs(3),
            stream_lives: Duration::from_secs(300),
            response_url: (Duration::from_secs(1800), 5),
            edit_window: None,
            history_max: 999,
            ping_every: Duration::from_secs(5),
            events: manifest::EVENTS.to_vec(),
            scopes: manifest::SCOPES.iter().map(|(scope, _)| *scope).collect(),
        }
    }
}

impl Settings {
    /// A workspace with agents in it, for an app that hears everything and may everything.
    pub fn everything() -> Self {
        let all = Self::default();
        let scopes = all.scopes.iter().copied().chain(MORE_SCOPES).collect();
        Self { is_native: true, events: EVENTS.to_vec(), scopes, ..all }
    }
}
