//! The one configuration: a TOML file with a default and a reason for everything that can be left out.
//!
//! Here is what the rest of the program takes; crates below take small settings structs, and only this folder knows
//! where they come from. [`keys`] describes every key once, [`reading`] makes a [`Config`] of a file and the
//! environment, [`command`] is `downbeat config`.

pub mod command;
mod context;
pub mod egress;
pub mod key;
pub mod keys;
pub mod mistake;
pub mod overlay;
mod policy;
pub mod reading;
pub mod reload;
pub mod schema;
pub mod secret;
mod verdicts;
mod waits;
mod wellformed;

mod costs;
mod excerpt;
mod github;
mod ground;
mod hours;
mod landing;
mod repairs;
mod slack;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agents::checkpoint::CheckpointSettings;
use agents::egress::AllowList;
use agents::session::AgentSettings;
use agents::setup::SetupSettings;
use agents::workspace::WorkspaceSettings;
use domain::policy::{BadRules, Channels, Grounds, Group, Policy as PermissionPolicy, Rules};
use domain::{BranchName, Person, RepoName, Role, Windows};
use forge::github::GitHubRepo;
use forge::{Gate, GitSettings, Remote, Style};
use mergeq::Template;
use mergeq::queue::{Limits, Policy};
use mergeq::strategy::Kind;
use mergeq::strategy::strategist::{BehindRed, TrainSettings};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

pub use context::ContextConfig;
pub use costs::{CostsConfig, UnusablePrices};
pub use egress::{EgressConfig, ProviderConfig, RepoEgressConfig};
pub use github::GitHubConfig;
use mistake::Mistakes;
pub use reading::{Origin, Reading, Setting, Sources};
pub use slack::{SlackConfig, SlackTransport, member as slack_member};
pub use waits::WaitsConfig;

/// Environment variables by name. Only whoever starts the program reads the real ones.
pub type Environment = BTreeMap<String, String>;

/// Everything that can be configured, with the defaults of [`keys`] filled in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the database, the mirrors and the working trees are kept.
    pub state: PathBuf,
    /// The database; `sqlite:` in the state directory when absent.
    #[serde(default, deserialize_with = "secret_text")]
    pub database: Option<SecretString>,
    /// The name by which people call.
    pub mention: String,
    /// The agent that works when a request names none.
    pub agent: String,
    /// Who may be what, by name.
    pub people: BTreeMap<Person, PersonConfig>,
    /// People who may be the same, by name.
    #[serde(default)]
    pub groups: BTreeMap<String, GroupConfig>,
    /// What may be worked on from where.
    #[serde(default)]
    pub channels: BTreeMap<Channels, ChannelConfig>,
    /// Deny rules, risk tiers, `solo`.
    pub policy: PermissionPolicy,
    /// What can be worked on, by name.
    pub repos: BTreeMap<RepoName, RepoConfig>,
    /// Who can do the work, by name.
    pub agents: BTreeMap<String, AgentSettings>,
    /// The merge queue.
    pub queue: QueueConfig,
    /// How much at once.
    pub limits: LimitsConfig,
    /// The web page.
    pub web: WebConfig,
    /// The sandbox.
    pub cage: CageConfig,
    /// The way out of it.
    pub egress: EgressConfig,
    /// Where models are, by name.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Repositories' own setups.
    pub setup: SetupConfig,
    /// Money.
    pub costs: CostsConfig,
    /// How much of a thread an agent gets to read.
    pub context: ContextConfig,
    /// How long people are waited for.
    pub waits: WaitsConfig,
    /// Slack, where it is used.
    #[serde(default)]
    pub slack: Option<SlackConfig>,
    /// GitHub, where it is used.
    #[serde(default)]
    pub github: Option<GitHubConfig>,
}

/// One person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonConfig {
    /// What they may be.
    pub roles: BTreeSet<Role>,
    /// Their account in Slack.
    #[serde(default)]
    pub slack: Option<String>,
    /// Whether it is a program.
    #[serde(default)]
    pub bot: bool,
}

/// People who may be the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// What everybody in it may be.
    pub roles: BTreeSet<Role>,
    /// Who is in it.
    pub people: BTreeSet<Person>,
    /// The user group of Slack whose members are in it too.
    pub slack: Option<String>,
}

/// A channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// What may be worked on from there.
    pub repos: BTreeSet<RepoName>,
}

/// One repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepoConfig {
    /// A path, an ssh or an https address.
    #[serde(deserialize_with = "parsed")]
    pub remote: Remote,
    /// The branch that landings aim at.
    pub target: BranchName,
    /// What gates a commit that says nothing about checks itself.
    pub checks: Option<Gate>,
    /// What its changes become on the target, where it is not the usual.
    pub style: Option<Style>,
    /// What they say there, likewise.
    pub message: Option<Template>,
    /// When nothing lands there, likewise.
    pub closed: Option<Windows>,
    /// Its name on GitHub, where the remote does not tell.
    #[serde(default, deserialize_with = "github_name")]
    pub github: Option<GitHubRepo>,
    /// What its sessions reach of the network besides.
    pub egress: RepoEgressConfig,
}

/// Which changes a merge queue tests together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueuePolicy {
    /// As `nest`; and while there are machines for all, each change on those that are under way.
    Adaptive,
    /// Landed changes, green groups, and one part more in each run.
    Nest,
    /// Independent groups, and one run of their union.
    Hybrid,
    /// Each on those before it; what is green later vouches for what was red before.
    Optimistic,
    /// Each on the nearest before it that is not red.
    Train,
    /// Several changes a run, halved when it is red.
    Batch,
    /// One change a run.
    Serial,
}

/// The merge queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Which changes are tested together.
    pub policy: QueuePolicy,
    /// The most changes of one batch, or of one group of `hybrid`. With one change in twenty bad, eight is near the cheapest.
    pub batch_max: usize,
    /// The most changes under test at once in a train, to begin with.
    pub window: usize,
    /// The most changes of one person under test at once.
    pub person_max: usize,
    /// How often one change is repaired in its place before it is sent back for good.
    pub repairs_max: u32,
    /// How long its place is kept for each, in minutes.
    pub repair_max_min: u64,
    /// How often the remote's branch is looked at, in seconds: a push by others costs at most one run that long.
    pub look_every_s: u64,
    /// When nothing lands but what is `first`.
    pub closed: Windows,
    /// What a change becomes on its target.
    pub style: Style,
    /// What it says there.
    pub message: Template,
    /// Hours for which a pass is used again.
    pub verdict_max_age_h: u64,
    /// Of so many uses one is run again.
    pub reverify_every: u64,
    /// What checks run in, in a person's words.
    pub environment: String,
}

/// How much at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Tasks that have not ended: each holds a working tree and somebody's attention.
    pub tasks_live: usize,
    /// Agent sessions at once: each takes about a gibibyte and a processor.
    pub sessions: usize,
    /// Check runs at once.
    pub checks: usize,
    /// Changes tried at once, beside these.
    pub tries: usize,
    /// Minutes that one session may take.
    pub session_min: u64,
    /// Minutes for which a session waits for an answer before it ends its turn.
    pub answer_min: u64,
    /// Megabytes that one working tree may hold after a session.
    pub workspace_mb: u64,
    /// Clones of each repository that stand ready.
    pub pool: usize,
    /// Checkpoints of each task that are kept.
    pub checkpoints: usize,
    /// Days for which they are kept after the task has ended.
    pub checkpoint_days: u64,
}

/// The web page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebConfig {
    /// Where it listens. Only loopback addresses, because it asks nobody who they are.
    pub listen: std::net::SocketAddr,
}

/// The sandbox.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CageConfig {
    /// `off` runs agents and checks with nothing between them and the machine. Every card says so.
    pub level: CageLevel,
    /// Directories that agents and checks may read beside the system's: toolchains, caches.
    pub read: Vec<PathBuf>,
    /// Environment variables that are passed in, by name and value.
    pub env: BTreeMap<String, String>,
    /// Megabytes of memory of one run.
    pub memory_mb: u64,
    /// Megabytes on disk of one run while it goes on.
    pub disk_mb: u64,
    /// Megabytes of the largest file.
    pub file_mb: u64,
    /// Megabytes of output of one run.
    pub output_mb: u64,
    /// Processes and threads of one run at once.
    pub processes: u64,
    /// Open files of one process.
    pub open_files: u64,
}

/// Repositories' own setups.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupConfig {
    /// Hosts that one reaches while it runs, beside those of its repository's sessions.
    #[serde(deserialize_with = "egress::hosts")]
    pub allow: AllowList,
    /// Minutes that one may take.
    pub time_min: u64,
    /// Gigabytes of all that are kept.
    pub kept_gb: u64,
}

impl SetupConfig {
    /// The same, for who runs them.
    pub fn settings(&self) -> SetupSettings {
        let (time, kept_bytes_max) = (Duration::from_secs(self.time_min * 60), self.kept_gb << 30);
        SetupSettings { time, allow: self.allow.clone(), kept_bytes_max, ..SetupSettings::default() }
    }
}

/// How firmly agents and checks are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CageLevel {
    /// `strong` where bubblewrap is there and works, else `standard`.
    Auto,
    /// Bubblewrap's namespaces around all that `standard` holds; nothing runs without.
    Strong,
    /// Landlock, refused system calls, limits, and namespaces where the kernel allows them.
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
    /// What it says cannot be used.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
}

/// What git takes for the home directory, below the state directory.
pub const GIT_HOME: &str = "git-home";

/// How git is run for a state directory.
pub fn git_settings(state: &Path) -> GitSettings {
    let settings = GitSettings::new("git", state.join(GIT_HOME));
    let ours = GIT_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    GitSettings { env: settings.env.iter().cloned().chain(ours).collect(), ..settings }
}

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the state directory {}; make it writable, or set another `state`: {error}", state.display())]
pub struct UnusableState {
    /// Which.
    pub state: PathBuf,
    /// Why.
    pub error: std::io::Error,
}

impl Config {
    /// Who may do what.
    pub fn rules(&self) -> Result<Rules, BadRules> {
        let people = self.people.iter().map(|(person, config)| (person.clone(), config.roles.clone())).collect();
        let group = |config: &GroupConfig| Group {
            roles: config.roles.clone(),
            people: config.people.clone(),
            told: BTreeSet::new(),
        };
        let groups = self.groups.iter().map(|(name, config)| (name.clone(), group(config))).collect();
        let listed = self.channels.iter().map(|(channels, config)| (channels.clone(), config.repos.clone()));
        let rules = Rules::new(people, self.policy.clone())?.with_groups(groups)?;
        let bots = self.people.iter().filter(|(_, config)| config.bot).map(|(person, _)| person.clone());
        Ok(rules.with_grounds(Grounds::new(listed)).with_bots(bots.collect()))
    }

    /// The database's address with its password, for the store alone.
    pub fn database(&self) -> String {
        let given = self.database.as_ref().map(|address| address.expose_secret().to_owned());
        given.unwrap_or_else(|| format!("sqlite:{}", self.state.join("downbeat.db").display()))
    }

    /// The database's address without its password.
    pub fn database_shown(&self) -> String {
        secret::shown(&self.database())
    }

    /// Makes the state directory, for its owner alone.
    pub fn make_state(&self) -> Result<(), UnusableState> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.state);
        made.map_err(|error| UnusableState { state: self.state.clone(), error })
    }

    /// The rules of a repository's queue: as many runs at once as there may be check runs.
    pub fn queue_policy(&self, repo: &RepoName) -> Policy {
        let QueueConfig { policy, batch_max, window, person_max, repairs_max, repair_max_min, .. } = self.queue;
        let train = |is_adaptive, behind_red, vouching| {
            Kind::Train(TrainSettings { window, is_adaptive, behind_red, vouching })
        };
        let strategy = match policy {
            QueuePolicy::Adaptive => Kind::Adaptive,
            QueuePolicy::Nest => Kind::Nest,
            QueuePolicy::Hybrid => Kind::Hybrid { group_max: batch_max, reds_needed: 2 },
            QueuePolicy::Optimistic => train(false, BehindRed::Wait, Some(2)),
            QueuePolicy::Train => train(true, BehindRed::Restart, None),
            QueuePolicy::Batch => Policy::batch(batch_max).strategy,
            QueuePolicy::Serial => Kind::Serial,
        };
        let is_one_by_one = matches!(policy, QueuePolicy::Batch | QueuePolicy::Serial);
        let runs_max = if is_one_by_one { 1 } else { self.limits.checks };
        let policy = Policy::of(strategy, runs_max);
        let lease_max_ms = repair_max_min * 60_000;
        let closed = self.closed(repo).clone();
        Policy { closed, limits: Limits { person_max, repairs_max, lease_max_ms, ..policy.limits }, ..policy }
    }

    /// How git is run: with those variables of our own environment that say where it is and how remotes are reached.
    pub fn git(&self) -> GitSettings {
        git_settings(&self.state)
    }

    /// What the gates of cages go by.
    pub fn egress_settings(&self) -> agents::egress::EgressSettings {
        self.egress.settings(&self.repos, &self.providers)
    }

    /// What a working tree may grow to, and how many stand ready.
    pub fn workspaces(&self) -> WorkspaceSettings {
        let LimitsConfig { workspace_mb, pool, .. } = self.limits;
        WorkspaceSettings { bytes_max: workspace_mb << 20, pool, ..WorkspaceSettings::default() }
    }

    /// How many checkpoints are kept, and how long.
    pub fn checkpoints(&self) -> CheckpointSettings {
        let kept_for = Duration::from_secs(self.limits.checkpoint_days * 24 * 3_600);
        CheckpointSettings { kept_max: self.limits.checkpoints, kept_for }
    }

    /// How long a session waits for an answer before it ends its turn.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.limits.answer_min * 60)
    }

    /// How long one session may take.
    pub fn session_time(&self) -> Duration {
        Duration::from_secs(self.limits.session_min * 60)
    }
}

fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    egress::secret(deserializer).map(Some)
}

fn github_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<GitHubRepo>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

fn parsed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Remote, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod canary;
#[cfg(test)]
mod example;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod shows;
#[cfg(test)]
mod tests;
