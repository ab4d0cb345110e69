//! Where a task is discussed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place where people talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// The local console.
    Console,
    /// Slack.
    Slack,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console => f.write_str("console"),
            Self::Slack => f.write_str("slack"),
        }
    }
}

/// One thread of one platform, written `console/demo` or `slack/T024BE7LD/C024BE91L/1355517523.000005`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ThreadRef {
    /// The platform.
    pub platform: Platform,
    /// The platform's own name of the thread.
    pub name: String,
}

impl ThreadRef {
    /// The console's thread of this name.
    pub fn console(name: impl Into<String>) -> Self {
        Self { platform: Platform::Console, name: name.into() }
    }

    /// Slack's thread under the message `ts` of a channel of a workspace.
    pub fn slack(team: &str, channel: &str, ts: &str) -> Self {
        Self { platform: Platform::Slack, name: format!("{team}/{channel}/{ts}") }
    }

    /// Where it stands, for what holds for all threads of one place: `slack/T024BE7LD/C024BE91L`. Each thread of the
    /// console is a place of its own.
    pub fn channel(&self) -> String {
        let whole = self.to_string();
        match self.platform {
            Platform::Console => whole,
            Platform::Slack => whole.rsplit_once('/').map_or(whole.clone(), |(channel, _)| channel.to_owned()),
        }
    }
}

impl fmt::Display for ThreadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.platform, self.name)
    }
}

/// A text that names no thread.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a thread: a thread is written console/NAME or slack/TEAM/CHANNEL/TS")]
pub struct NotAThread(pub String);

impl FromStr for ThreadRef {
    type Err = NotAThread;

    fn from_str(text: &str) -> Result<Self, NotAThread> {
        match text.split_once('/') {
            Some(("console", name)) if !name.is_empty() => Ok(Self::console(name)),
            Some(("slack", name)) => match name.split('/').collect::<Vec<_>>()[..] {
                [team, channel, ts] if ![team, channel, ts].contains(&"") => Ok(Self::slack(team, channel, ts)),
                _ => Err(NotAThread(text.to_owned())),
            },
            _ => Err(NotAThread(text.to_owned())),
        }
    }
}

impl TryFrom<String> for ThreadRef {
    type Error = NotAThread;

    fn try_from(text: String) -> Result<Self, NotAThread> {
        text.parse()
    }
}

impl From<ThreadRef> for String {
    fn from(thread: ThreadRef) -> Self {
        thread.to_string()
    }
}

/// One posted message, by the platform's own id; what an edit needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    /// The thread it stands in.
    pub thread: ThreadRef,
    /// The platform's id of the message.
    pub id: String,
}
