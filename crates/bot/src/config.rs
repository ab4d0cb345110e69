//! The one configuration: a TOML file with a default and a reason for everything that can be left out.
//!
//! Crates below take small settings structs; only this file knows where they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agents::session::AgentSettings;
use domain::policy::{BadRules, Policy as PermissionPolicy, Rules};
use domain::{BranchName, Person, RepoName, Role};
use forge::GitSettings;
use serde::Deserialize;

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the database, the mirrors and the working trees are kept.
    pub state: PathBuf,
    /// The database; `sqlite:` in the state directory when absent.
    pub database: Option<String>,
    /// The name by which people call.
    #[serde(default = "default_mention")]
    pub mention: String,
    /// The agent that works when a request names none.
    pub agent: String,
    /// Who may be what, by name.
    pub people: BTreeMap<Person, PersonConfig>,
    /// Deny rules, risk tiers, `solo`.
    #[serde(default)]
    pub policy: PermissionPolicy,
    /// What can be worked on, by name.
    pub repos: BTreeMap<RepoName, RepoConfig>,
    /// Who can do the work, by name.
    pub agents: BTreeMap<String, AgentSettings>,
    /// The merge queue.
    #[serde(default)]
    pub queue: QueueConfig,
    /// How much at once.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// The web page.
    #[serde(default)]
    pub web: WebConfig,
    /// The sandbox.
    #[serde(default)]
    pub cage: CageConfig,
}

/// One person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonConfig {
    /// What they may be.
    pub roles: BTreeSet<Role>,
}

/// One repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepoConfig {
    /// A path, an ssh or an https address.
    pub remote: String,
    /// The branch that landings aim at.
    pub target: BranchName,
}

/// How a merge queue groups changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueuePolicy {
    /// One change a run.
    Serial,
    /// Several changes a run, halved when it is red.
    #[default]
    Batch,
}

/// The merge queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    /// How changes are grouped.
    pub policy: QueuePolicy,
    /// The most changes in one run. With one change in twenty bad, eight is near the cheapest size.
    pub batch_max: usize,
    /// How often the remote's branch is looked at, in seconds: a push by others costs at most one run that long.
    pub look_every_s: u64,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { policy: QueuePolicy::Batch, batch_max: 8, look_every_s: 15 }
    }
}

/// How much at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Tasks that have not ended: each holds a working tree and somebody's attention.
    pub tasks_live: usize,
    /// Agent sessions at once: each takes about a gibibyte and a processor.
    pub sessions: usize,
    /// Check runs at once.
    pub checks: usize,
    /// Minutes that one session may take.
    pub session_min: u64,
    /// Megabytes that one working tree may hold after a session.
    pub workspace_mb: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { tasks_live: 200, sessions: 4, checks: 2, session_min: 30, workspace_mb: 4_096 }
    }
}

/// The web page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Where it listens. Only loopback addresses, because it asks nobody who they are.
    pub listen: std::net::SocketAddr,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 7117).into() }
    }
}

/// The sandbox.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CageConfig {
    /// `off` runs agents and checks with nothing between them and the machine. Every card says so.
    pub level: CageLevel,
    /// Directories that agents and checks may read beside the system's: toolchains, caches.
    pub read: Vec<PathBuf>,
    /// Environment variables that are passed in, by name and value.
    pub env: BTreeMap<String, String>,
}

/// How firmly agents and checks are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CageLevel {
    /// Landlock, limits, and namespaces where the kernel allows them.
    #[default]
    Standard,
    /// Nothing but limits.
    Off,
}

/// What git may know of our environment: programs, the keys of ssh, proxies, certificates. Later ones win over defaults.
const GIT_VARIABLES: [&str; 11] = [
    "PATH",
    "SSH_AUTH_SOCK",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

fn default_mention() -> String {
    "@agent".to_owned()
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config {path}: {error}. Give its path with --config")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not what it should be; the text points at the place.
    #[error("the config {path} is not right:\n{error}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// Where and why.
        error: toml::de::Error,
    },
    /// The rules contradict themselves.
    #[error("the rules for people are not right: {0}")]
    Rules(#[from] BadRules),
    /// A value is of the right form but cannot be used.
    #[error("`{key} = {value}` cannot be used: {why}")]
    Unusable {
        /// Its key.
        key: &'static str,
        /// Its value.
        value: String,
        /// Why not, and what instead.
        why: String,
    },
}

/// The keys that differ and that only a restart applies.
pub fn restart_needed(_old: &Config, _new: &Config) -> Vec<&'static str> {
    Vec::new()
}

/// How git is run for a state directory.
pub fn git_settings(state: &Path) -> GitSettings {
    let settings = GitSettings::new("git", state.join("git-home"));
    let ours = GIT_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    GitSettings { env: settings.env.iter().cloned().chain(ours).collect(), ..settings }
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path, _state: PathBuf) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
        Self::from_text(&path.display().to_string(), &text, _state)
    }

    /// Reads and checks a text.
    pub fn from_text(name: &str, text: &str, state: PathBuf) -> Result<Self, ConfigError> {
        let text = if text.starts_with("state") || text.contains("\nstate =") {
            text.to_owned()
        } else {
            format!("state = {:?}\n{text}", state)
        };
        let config: Self = toml::from_str(&text).map_err(|error| ConfigError::Wrong { path: name.into(), error })?;
        config.check()?;
        Ok(config)
    }

    /// What a file's form alone does not settle.
    pub fn check(&self) -> Result<(), ConfigError> {
        let unusable = |key, value: String, why: String| Err(ConfigError::Unusable { key, value, why });
        self.rules()?;
        if !self.agents.contains_key(&self.agent) {
            let names: Vec<_> = self.agents.keys().map(String::as_str).collect();
            return unusable("agent", self.agent.clone(), format!("the config has the agents {}", names.join(", ")));
        }
        if !self.web.listen.ip().is_loopback() {
            let why = "the page asks nobody who they are, so it listens on 127.0.0.1 or [::1] only".to_owned();
            return unusable("web.listen", self.web.listen.to_string(), why);
        }
        if !self.mention.starts_with('@') || self.mention.len() < 2 {
            return unusable("mention", self.mention.clone(), "it is `@` and a name, as in `@agent`".to_owned());
        }
        let counts = [
            ("queue.batch_max", self.queue.batch_max, 64),
            ("limits.tasks_live", self.limits.tasks_live, 10_000),
            ("limits.sessions", self.limits.sessions, 256),
            ("limits.checks", self.limits.checks, 256),
        ];
        for (key, value, max) in counts {
            if !(1..=max).contains(&value) {
                return unusable(key, value.to_string(), format!("it is a number from 1 to {max}"));
            }
        }
        Ok(())
    }

    /// Who may do what.
    pub fn rules(&self) -> Result<Rules, BadRules> {
        let people = self.people.iter().map(|(person, config)| (person.clone(), config.roles.clone())).collect();
        Rules::new(people, self.policy.clone())
    }

    /// The database's address.
    pub fn database(&self) -> String {
        self.database.clone().unwrap_or_else(|| format!("sqlite:{}", self.state.join("downbeat.db").display()))
    }

    /// How a queue that does not exist yet groups changes.
    pub fn queue_policy(&self) -> mergeq::queue::Policy {
        match self.queue.policy {
            QueuePolicy::Serial => mergeq::queue::Policy::serial(),
            QueuePolicy::Batch => mergeq::queue::Policy::batch(self.queue.batch_max),
        }
    }

    /// How git is run: with those variables of our own environment that say where it is and how remotes are reached.
    pub fn git(&self) -> GitSettings {
        git_settings(&self.state)
    }

    /// How long one session may take.
    pub fn session_time(&self) -> Duration {
        Duration::from_secs(self.limits.session_min * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../deploy/config.example.toml");

    fn example() -> Config {
        let config: Config = toml::from_str(EXAMPLE).expect("the example parses");
        config.check().expect("the example can be used");
        config
    }

    #[test]
    fn the_example_shows_the_defaults_as_they_are() {
        let config = example();
        assert_eq!(format!("{:?}", config.queue), format!("{:?}", QueueConfig::default()));
        assert_eq!(format!("{:?}", config.limits), format!("{:?}", LimitsConfig::default()));
        assert_eq!(format!("{:?}", config.web), format!("{:?}", WebConfig::default()));
        assert_eq!(format!("{:?}", config.cage), format!("{:?}", CageConfig::default()));
        assert_eq!(config.mention, default_mention());
    }

    /// The keys that a table takes, as its own refusal of an unknown one lists them.
    fn keys_of<T: serde::de::DeserializeOwned>(before: &str) -> Vec<String> {
        let refusal =
            toml::from_str::<T>(&format!("{before}\nno_such_key = 1")).err().expect("an unknown key is refused");
        let listed = refusal.message().split_once("expected").expect("the refusal lists what is known").1.to_owned();
        listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_example_has_every_key() {
        let keys = [
            keys_of::<Config>(""),
            keys_of::<PersonConfig>(""),
            keys_of::<RepoConfig>(""),
            keys_of::<QueueConfig>(""),
            keys_of::<LimitsConfig>(""),
            keys_of::<WebConfig>(""),
            keys_of::<CageConfig>(""),
            keys_of::<PermissionPolicy>(""),
            keys_of::<domain::policy::Tiers>(""),
            keys_of::<AgentSettings>("kind = \"command\""),
        ];
        let missing: Vec<_> = keys.iter().flatten().filter(|key| !EXAMPLE.contains(key.as_str())).collect();
        assert!(missing.is_empty(), "the example lacks {missing:?}");
        assert!(keys.iter().flatten().count() > 30, "the refusals list no keys any more");
    }

    #[test]
    fn a_mistake_is_shown_with_its_place_or_its_key() {
        let wrong = |from: &str, to: &str| {
            let parsed = toml::from_str::<Config>(&EXAMPLE.replace(from, to));
            parsed
                .map_err(|error| error.to_string())
                .and_then(|config| config.check().map_err(|error| error.to_string()))
        };
        let unknown = wrong("batch_max", "batch_maxx").expect_err("an unknown key is refused");
        assert!(unknown.contains("unknown field `batch_maxx`") && unknown.contains('^'), "{unknown}");
        let agent = wrong("agent = \"coder\"", "agent = \"codex\"").expect_err("an unknown agent is refused");
        assert_eq!(agent, "`agent = codex` cannot be used: the config has the agents coder, recipes");
        let listen = wrong("127.0.0.1:7117", "0.0.0.0:7117").expect_err("an open page is refused");
        assert!(listen.starts_with("`web.listen = 0.0.0.0:7117` cannot be used"), "{listen}");
    }
}
