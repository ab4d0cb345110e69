//! The machine of one channel: what holds there where a request says nothing, and who said so.

use std::fmt;

use agents::money::dollars;
use domain::{Machine, Person, Rejected, RepoName, Step, Timestamp};
use serde::{Deserialize, Serialize};

mod table;

pub use table::STATEMENTS;

/// One channel: [`domain::ThreadRef::channel`] of all its threads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its defaults.
    pub defaults: Defaults,
}

/// What holds in a channel where a request says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    /// What is worked on.
    #[serde(default)]
    pub repo: Option<Chosen<RepoName>>,
    /// Who does the work.
    #[serde(default)]
    pub agent: Option<Chosen<String>>,
    /// What a task may cost before a person is asked, in millionths of a dollar.
    #[serde(default)]
    pub budget_micros: Option<Chosen<u64>>,
}

/// A value with the person who chose it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen<T> {
    /// The value.
    pub value: T,
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
}

impl Defaults {
    /// Each that is set, in a few words.
    pub fn in_words(&self) -> Vec<String> {
        let repo = self.repo.as_ref().map(|chosen| format!("repo {}", chosen.value));
        let agent = self.agent.as_ref().map(|chosen| format!("agent {}", chosen.value));
        let budget = self.budget_micros.as_ref().map(|chosen| format!("{} a task", dollars(chosen.value)));
        [repo, agent, budget].into_iter().flatten().collect()
    }
}

impl Channel {
    /// One in which nothing was set yet.
    pub fn new(id: ChannelId) -> Self {
        Self { id, defaults: Defaults::default() }
    }
}

/// What can happen to a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelEvent {
    /// A person with the right set some of its defaults.
    DefaultsSet {
        /// Who.
        by: Person,
        /// Which, to what.
        changes: Vec<Change>,
    },
}

/// One default with its new value; none takes it away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// What is worked on.
    Repo(Option<RepoName>),
    /// Who does the work.
    Agent(Option<String>),
    /// What a task may cost before a person is asked, in millionths of a dollar.
    BudgetMicros(Option<u64>),
}

/// What a channel owes: nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelEffect {}

impl Machine for Channel {
    type Id = ChannelId;
    type Event = ChannelEvent;
    type Effect = ChannelEffect;

    fn step(mut self, event: &ChannelEvent, now: Timestamp) -> Result<Step<Self>, Rejected> {
        let ChannelEvent::DefaultsSet { by, changes } = event;
        for change in changes {
            match change {
                Change::Repo(repo) => self.defaults.repo = chosen(repo, by, now),
                Change::Agent(agent) => self.defaults.agent = chosen(agent, by, now),
                Change::BudgetMicros(micros) => self.defaults.budget_micros = chosen(micros, by, now),
            }
        }
        Ok(Step::quiet(self))
    }
}

fn chosen<T: Clone>(value: &Option<T>, by: &Person, at: Timestamp) -> Option<Chosen<T>> {
    value.clone().map(|value| Chosen { value, by: by.clone(), at })
}

/// The id of a channel: its name, as in `slack/T024BE7LD/C024BE91L`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(pub String);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_set_and_taken_away_by_somebody() {
        let (now, by): (_, Person) = (Timestamp::from_ms(1), "ola".parse().unwrap());
        let set = |channel: Channel, changes| {
            let event = ChannelEvent::DefaultsSet { by: by.clone(), changes };
            channel.step(&event, now).expect("a default is never refused").state
        };
        let channel = Channel::new(ChannelId("slack/T1/C1".to_owned()));
        let channel = set(channel, vec![Change::Repo(Some("web".parse().unwrap())), Change::BudgetMicros(Some(5))]);
        assert_eq!(channel.defaults.repo.as_ref().map(|repo| repo.by.as_str()), Some("ola"));
        let channel = set(channel, vec![Change::Repo(None), Change::Agent(Some("codex".to_owned()))]);
        assert_eq!((channel.defaults.repo, channel.defaults.budget_micros.map(|micros| micros.value)), (None, Some(5)));
    }
}
