//! What of the config is about Slack.

use secrecy::SecretString;
use serde::Deserialize;

use super::key::Absent::{Default, Needed, Otherwise};
use super::key::Applied::AtStart;
use super::key::{Form, Key};
use super::wellformed::{api_url, not_empty};
use super::{egress, secret_text};

/// The keys of `[slack]`.
pub const SLACK: &[Key] = &[
    Key::new(
        "bot_token",
        Form::Password(bot_token),
        Needed,
        AtStart,
        "The token of the installed app (xoxb-…), from \"OAuth & Permissions\"; best as { env = \"NAME\" } or { file = \"PATH\" }.",
    ),
    Key::new(
        "app_token",
        Form::Password(app_token),
        Otherwise("needed for `transport = \"socket\"`"),
        AtStart,
        "The token that opens sockets (xapp-…), from \"Basic Information\", with the scope connections:write.",
    ),
    Key::new(
        "signing_secret",
        Form::Password(not_empty),
        Otherwise("needed for `transport = \"http\"`"),
        AtStart,
        "What Slack signs its requests with, from \"Basic Information\".",
    ),
    Key::new(
        "transport",
        Form::Choice(&["socket", "http"]),
        Default("\"socket\""),
        AtStart,
        "How events arrive. `socket` works behind any firewall; `http` needs an address that Slack can reach, and nothing but this endpoint there.",
    ),
    Key::new(
        "listen",
        Form::Text(address),
        Default("\"127.0.0.1:7118\""),
        AtStart,
        "Where `http` listens for Slack's signed requests, at /slack/events. Put a proxy with TLS in front of it.",
    ),
    Key::new(
        "connections",
        Form::Whole { min: 1, max: 10 },
        Default("2"),
        AtStart,
        "Sockets that are open at once. One may drop while the other hears; Slack allows ten.",
    ),
    Key::new(
        "catch_up_min",
        Form::Whole { min: 1, max: 60 },
        Default("5"),
        AtStart,
        "Minutes between two looks for messages that no event told of. Every start and reconnect looks as well.",
    ),
    Key::new(
        "files",
        Form::Whole { min: 0, max: 100 },
        Default("10"),
        AtStart,
        "Files of a thread that are fetched for an agent to read: a few screenshots and a log.",
    ),
    Key::new(
        "file_mb",
        Form::Whole { min: 1, max: 100 },
        Default("5"),
        AtStart,
        "Megabytes of the largest of them: a screenshot takes one, a model reads none that is larger.",
    ),
    Key::new(
        "around",
        Form::Whole { min: 0, max: 50 },
        Default("0"),
        AtStart,
        "Messages of a channel that are read above a request which stands in no thread. None by default: people there may talk of something else.",
    ),
    Key::new(
        "api_url",
        Form::Text(api_url),
        Default("\"https://slack.com/api\""),
        AtStart,
        "Where the Web API is; another place only for tests. `http://` only to this machine.",
    ),
];

/// How events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlackTransport {
    /// Over sockets that we open.
    Socket,
    /// As signed requests.
    Http,
}

/// Slack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// The token of the installed app.
    #[serde(deserialize_with = "egress::secret")]
    pub bot_token: SecretString,
    /// The token that opens sockets.
    #[serde(default, deserialize_with = "secret_text")]
    pub app_token: Option<SecretString>,
    /// What requests are signed with.
    #[serde(default, deserialize_with = "secret_text")]
    pub signing_secret: Option<SecretString>,
    /// How events arrive.
    pub transport: SlackTransport,
    /// Where `http` listens.
    pub listen: std::net::SocketAddr,
    /// Sockets at once.
    pub connections: u32,
    /// Minutes between two looks for what no event told of.
    pub catch_up_min: u64,
    /// Files of a thread that are fetched.
    pub files: usize,
    /// Megabytes of the largest of them.
    pub file_mb: u64,
    /// Messages that are read above a request in no thread.
    pub around: usize,
    /// Where the Web API is.
    pub api_url: String,
}

/// A member's id, as Slack shows it under "Copy member ID".
pub fn member(text: &str) -> Result<(), String> {
    let is_id = text.len() >= 2 && text.starts_with(['U', 'W', 'B']) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_id { Ok(()) } else { Err(format!("`{text}` is no member ID; in Slack: profile, ⋮, \"Copy member ID\"")) }
}

fn bot_token(text: &str) -> Result<(), String> {
    begins("xoxb-", text, "a bot's token begins with `xoxb-`; it is under \"OAuth & Permissions\" of the app")
}

fn app_token(text: &str) -> Result<(), String> {
    begins("xapp-", text, "an app-level token begins with `xapp-`; it is under \"Basic Information\" of the app")
}

fn begins(prefix: &str, text: &str, otherwise: &str) -> Result<(), String> {
    if text.starts_with(prefix) && text.len() > prefix.len() { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn address(text: &str) -> Result<(), String> {
    let parsed = text.parse::<std::net::SocketAddr>();
    parsed.map(drop).map_err(|_| format!("`{text}` is not an address and a port, as in `127.0.0.1:7118`"))
}
