//! Who is in the user groups that the config names, as Slack tells, and who of them is only a guest.
//!
//! While Slack does not tell, what it told last holds for half an hour; after that nobody is in a group because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::Person;
use domain::policy::Rules;
use tokio_util::sync::CancellationToken;

use super::client::SlackError;
use super::messenger::SlackMessenger;
use super::schedule::pass;
use crate::config::Config;

/// How often Slack is asked.
const ASK_EVERY: Duration = Duration::from_secs(300);
/// For how long what it told last holds.
const HOLDS_FOR: Duration = Duration::from_secs(1_800);
/// How many members of a group are asked about: a larger one is no group of people who approve.
const MEMBERS_MAX: usize = 200;

/// Keeps groups as Slack has them.
pub struct Groups {
    messenger: SlackMessenger,
    rules: Arc<ArcSwap<Rules>>,
    /// The groups by their names, with their ids in Slack.
    named: ArcSwap<BTreeMap<String, String>>,
}

impl Groups {
    /// The groups of a config, for rules that are asked.
    pub fn of(config: &Config, messenger: SlackMessenger, rules: Arc<ArcSwap<Rules>>) -> Self {
        let groups = Self { messenger, rules, named: ArcSwap::default() };
        groups.replace(config);
        groups
    }

    /// Goes by another config from now on.
    pub fn replace(&self, config: &Config) {
        let named = config.groups.iter().filter_map(|(name, group)| Some((name.clone(), group.slack.clone()?)));
        self.named.store(Arc::new(named.collect()));
    }

    /// Asks now and every few minutes, until `stop` fires.
    pub async fn run(&self, stop: CancellationToken) {
        let mut told_at = self.messenger.store.now();
        while !stop.is_cancelled() {
            match self.ask().await {
                Ok(()) => told_at = self.messenger.store.now(),
                Err(error) => {
                    tracing::warn!("who is in the user groups cannot be told: {error}");
                    if self.messenger.store.now().since(told_at) > HOLDS_FOR {
                        self.forget();
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = pass(ASK_EVERY) => {}
            }
        }
    }

    /// Asks once.
    pub async fn ask(&self) -> Result<(), SlackError> {
        let named = self.named.load_full();
        let (mut told_of, mut guests) = (Vec::new(), BTreeSet::new());
        for (name, id) in named.iter() {
            let told = self.messenger.client.read("usergroups.users.list", &[("usergroup", id.clone())]).await?;
            let users = told["users"].as_array().into_iter().flatten().filter_map(|user| user.as_str());
            let mut members: BTreeSet<Person> = BTreeSet::new();
            for user in users.take(MEMBERS_MAX) {
                let person = self.messenger.people.person_of(user);
                // Whoever cannot be asked about could be anybody.
                let is_outsider = self.messenger.learn(user).await.map_or(true, |profile| profile.is_outsider);
                if is_outsider {
                    guests.insert(person.clone());
                }
                members.insert(person);
            }
            told_of.push((name, members));
        }
        // All at once: nobody is a member for a moment before they are known as a guest.
        self.rules.rcu(|rules| {
            let with =
                |rules: Rules, (name, members): &(&String, BTreeSet<Person>)| rules.with_members(name, members.clone());
            told_of.iter().fold(rules.with_guests(guests.clone()), with)
        });
        Ok(())
    }

    fn forget(&self) {
        for name in self.named.load().keys() {
            self.rules.rcu(|rules| rules.with_members(name, BTreeSet::new()));
        }
    }
}
