//! Which account in Slack is which person, and how people are called.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use domain::Person;

use super::UNPOISONED;
use crate::config::Config;

/// What the name of somebody begins with whom the config does not list.
const UNLISTED: &str = "slack.";
/// How many names are kept: a large workspace.
const NAMES_MAX: usize = 50_000;

/// The people of a workspace. A person is told by the account's id, never by a name: names can be changed by anybody.
#[derive(Clone, Default)]
pub struct People {
    listed: Arc<ArcSwap<Listed>>,
    names: Arc<Mutex<HashMap<String, Profile>>>,
}

/// Those whom the config lists.
#[derive(Debug, Default)]
struct Listed {
    by_user: BTreeMap<String, Person>,
    by_person: BTreeMap<Person, String>,
    /// Every name of the config, in small letters: nobody else is called so.
    taken: BTreeSet<String>,
    /// The accounts of programs that are heard.
    bots: BTreeSet<String>,
}

/// What Slack tells of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How people see it.
    pub name: String,
    /// Whether it is a guest, somebody of another workspace, or a program.
    pub is_outsider: bool,
}

impl People {
    /// Those of a config.
    pub fn of(config: &Config) -> Self {
        let people = Self::default();
        people.replace(config);
        people
    }

    /// Goes by another config from now on.
    pub fn replace(&self, config: &Config) {
        let accounts = config.people.iter().filter_map(|(person, of)| Some((of.slack.clone()?, person.clone())));
        let by_user: BTreeMap<String, Person> = accounts.collect();
        let by_person = by_user.iter().map(|(user, person)| (person.clone(), user.clone())).collect();
        let in_groups = config.groups.values().flat_map(|group| &group.people);
        let taken = config.people.keys().chain(in_groups).map(|person| person.as_str().to_lowercase()).collect();
        let bots = config.people.values().filter(|of| of.bot).filter_map(|of| of.slack.clone()).collect();
        self.listed.store(Arc::new(Listed { by_user, by_person, taken, bots }));
    }

    /// The person of an account.
    pub fn person_of(&self, user: &str) -> Person {
        let listed = self.listed.load().by_user.get(user).cloned();
        let usual: String = user.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        listed.unwrap_or_else(|| {
            format!("{UNLISTED}{usual}").parse().expect("letters and digits after a letter are a name")
        })
    }

    /// Whether an account is that of a program that the config lets in.
    pub fn is_bot(&self, user: &str) -> bool {
        self.listed.load().bots.contains(user)
    }

    /// The account of a person.
    pub fn user_of(&self, person: &Person) -> Option<String> {
        let listed = self.listed.load().by_person.get(person).cloned();
        listed.or_else(|| person.as_str().strip_prefix(UNLISTED).map(str::to_owned))
    }

    /// How somebody is called: by their name in the config, else by the one that they gave themselves. Whoever gave
    /// themselves somebody else's is told apart by their account.
    pub fn name_of(&self, user: &str) -> Option<String> {
        let listed = self.listed.load();
        if let Some(person) = listed.by_user.get(user) {
            return Some(person.to_string());
        }
        let name = self.profile_of(user)?.name;
        let own = name.trim().to_lowercase();
        let is_taken = listed.taken.contains(&own) || own.starts_with(UNLISTED);
        Some(if is_taken { format!("{name} ({user})") } else { name })
    }

    /// A text in which those whom the config does not list are called as they call themselves there.
    pub fn told(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(UNLISTED) {
            let (before, from) = rest.split_at(at);
            let after = &from[UNLISTED.len()..];
            let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
            let is_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '.');
            let name = if is_word { None } else { self.name_of(&after[..end]) };
            out.push_str(before);
            out.push_str(&name.unwrap_or_else(|| from[..UNLISTED.len() + end].to_owned()));
            rest = &after[end..];
        }
        out + rest
    }

    /// What is known of an account.
    pub fn profile_of(&self, user: &str) -> Option<Profile> {
        self.names.lock().expect(UNPOISONED).get(user).cloned()
    }

    /// Keeps what Slack told of an account.
    pub fn note(&self, user: &str, profile: Profile) {
        let mut names = self.names.lock().expect(UNPOISONED);
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        names.insert(user.to_owned(), profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_listed_is_called_as_they_call_themselves() {
        let people = People::default();
        people.note("U1", Profile { name: "Ana López".to_owned(), is_outsider: false });
        assert_eq!(people.person_of("U1").as_str(), "slack.U1");
        assert_eq!(people.user_of(&people.person_of("U1")).as_deref(), Some("U1"));
        assert_eq!(
            people.told("asked by slack.U1, not slack.U2 or x.slack.U1"),
            "asked by Ana López, not slack.U2 or x.slack.U1"
        );
    }

    #[test]
    fn nobody_is_called_like_somebody_else() {
        let text = "state = \"/srv\"\n[people.ana]\nroles = [\"admin\"]\nslack = \"U1\"\n[repos.web]\nremote = \"/srv/web.git\"\n\
                    target = \"main\"\n[agents.recipes]\nkind = \"recipe\"\n";
        let people = People::of(&Config::from_text("downbeat.toml", text).unwrap());
        for (user, name) in [("U2", " Ana"), ("U3", "slack.U1"), ("U4", "Anna")] {
            people.note(user, Profile { name: name.to_owned(), is_outsider: false });
        }
        let names = ["U1", "U2", "U3", "U4"].map(|user| people.name_of(user).unwrap());
        assert_eq!(names, ["ana", " Ana (U2)", "slack.U1 (U3)", "Anna"]);
        assert_eq!(people.told("approved by slack.U2"), "approved by  Ana (U2)");
    }
}
