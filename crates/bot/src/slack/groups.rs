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
/// How many pages of members of a group are read.
const PAGES_MAX: usize = 20;
/// How many members of a group are asked about, once each: a larger one is no group of people who approve.
const MEMBERS_MAX: usize = 1_000;

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
        let mut told_of = Vec::new();
        let mut all: BTreeSet<String> = BTreeSet::new();
        for (name, id) in named.iter() {
            let users = self.users_of(name, id).await?;
            let members: BTreeSet<Person> = users.iter().map(|user| self.messenger.people.person_of(user)).collect();
            told_of.push((name.clone(), members));
            all.extend(users);
        }
        let people = &self.messenger.people;
        let guests_among = |is_outsider: &dyn Fn(&str) -> bool| -> BTreeSet<Person> {
            all.iter().filter(|user| is_outsider(user)).map(|user| people.person_of(user)).collect()
        };
        // Whoever was not asked about yet, or cannot be, could be anybody.
        let is_outsider = |user: &str| people.profile_of(user).is_none_or(|profile| profile.is_outsider);
        self.tell(&told_of, guests_among(&is_outsider));
        let mut unknown = BTreeSet::new();
        for user in &all {
            if let Err(error) = self.messenger.learn(user).await {
                tracing::info!("who {user} is cannot be told: {error}");
                unknown.insert(user.as_str());
            }
        }
        self.tell(&told_of, guests_among(&|user| unknown.contains(user) || is_outsider(user)));
        Ok(())
    }

    /// Who is in the groups, and who is a guest.
    fn tell(&self, told_of: &[(String, BTreeSet<Person>)], guests: BTreeSet<Person>) {
        // All at once: nobody is a member for a moment before they are known as a guest.
        self.rules.rcu(|rules| {
            let with =
                |rules: Rules, (name, members): &(String, BTreeSet<Person>)| rules.with_members(name, members.clone());
            told_of.iter().fold(rules.with_guests(guests.clone()), with)
        });
    }

    /// The accounts in one group.
    async fn users_of(&self, name: &str, id: &str) -> Result<Vec<String>, SlackError> {
        let params = [("usergroup", id.to_owned()), ("limit", "200".to_owned())];
        let told = self.messenger.client.read_all("usergroups.users.list", &params, "users", PAGES_MAX).await?;
        let mut users: Vec<String> = told.iter().filter_map(|user| user.as_str()).map(str::to_owned).collect();
        if users.len() > MEMBERS_MAX {
            let n = users.len();
            tracing::warn!("the user group {id} ({name}) has {n} members, and the first {MEMBERS_MAX} of them count");
            users.truncate(MEMBERS_MAX);
        }
        Ok(users)
    }

    fn forget(&self) {
        for name in self.named.load().keys() {
            self.rules.rcu(|rules| rules.with_members(name, BTreeSet::new()));
        }
    }
}
