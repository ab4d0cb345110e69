//! Where something is asked, and what may be worked on from there.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::RepoName;

/// Where something is asked, and about which repository, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// The channel, as in `slack/T024BE7LD/C024BE91L`.
    pub channel: Option<&'a str>,
    /// The repository.
    pub repo: Option<&'a RepoName>,
}

/// Channels by their name, `slack/T024BE7LD/C024BE91L`; a part that is `*` is any, and the last one any number of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Channels(String);

/// A text that names no channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a channel: a channel is written slack/TEAM/CHANNEL or console/NAME, and any part may be `*`")]
pub struct NotChannels(pub String);

impl Channels {
    /// Whether the channel is one of these.
    pub fn matches(&self, channel: &str) -> bool {
        let mut wanted = self.0.split('/').peekable();
        let mut parts = channel.split('/');
        while let Some(part) = wanted.next() {
            let given = parts.next();
            match part {
                "*" if wanted.peek().is_none() => return given.is_some(),
                "*" if given.is_some() => {}
                _ if given == Some(part) => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    }

    /// Whether it names one channel.
    pub fn is_one(&self) -> bool {
        self.0.split('/').all(|part| part != "*")
    }
}

impl FromStr for Channels {
    type Err = NotChannels;

    fn from_str(text: &str) -> Result<Self, NotChannels> {
        let parts: Vec<_> = text.split('/').collect();
        let fits = match parts[..] {
            ["*"] => true,
            ["slack", _] | ["slack", _, _] => parts.iter().all(|part| !part.is_empty()),
            ["console", first, ..] => !first.is_empty(),
            _ => false,
        };
        if fits { Ok(Self(text.to_owned())) } else { Err(NotChannels(text.to_owned())) }
    }
}

impl TryFrom<String> for Channels {
    type Error = NotChannels;

    fn try_from(text: String) -> Result<Self, NotChannels> {
        text.parse()
    }
}

impl From<Channels> for String {
    fn from(channels: Channels) -> Self {
        channels.0
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What may be worked on from which channels: from one that is listed its repositories alone, from any other all.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    listed: Vec<(Channels, BTreeSet<RepoName>)>,
}

impl Grounds {
    /// As the config lists them.
    pub fn new(listed: impl IntoIterator<Item = (Channels, BTreeSet<RepoName>)>) -> Self {
        Self { listed: listed.into_iter().collect() }
    }

    /// Whether the repository may be worked on from the channel.
    pub fn allow(&self, channel: &str, repo: &RepoName) -> bool {
        let mut fitting = self.listed.iter().filter(|(channels, _)| channels.matches(channel)).peekable();
        fitting.peek().is_none() || fitting.any(|(_, repos)| repos.contains(repo))
    }

    /// The listed channels from which the repository may be worked on.
    pub fn of(&self, repo: &RepoName) -> impl Iterator<Item = &Channels> {
        self.listed.iter().filter(move |(_, repos)| repos.contains(repo)).map(|(channels, _)| channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_whole_or_in_part() {
        let fits = |pattern: &str, channel: &str| pattern.parse::<Channels>().unwrap().matches(channel);
        assert!(fits("slack/T1/C1", "slack/T1/C1") && !fits("slack/T1/C1", "slack/T1/C2"));
        assert!(fits("slack/*/C1", "slack/T9/C1") && !fits("slack/*/C1", "slack/T9/C2"));
        assert!(fits("slack/T1/*", "slack/T1/C7") && !fits("slack/T1/*", "slack/T2/C7"));
        assert!(fits("slack/*", "slack/T1/C1") && !fits("slack/*", "console/main"));
        assert!(fits("*", "console/a/b") && fits("console/*", "console/a/b"));
        for text in ["", "slack", "slack/T1/C1/123.4", "irc/x", "slack//C1", "console/"] {
            assert_eq!(text.parse::<Channels>(), Err(NotChannels(text.to_owned())));
        }
    }
}
