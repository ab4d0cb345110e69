//! The only way out of a cage: a gate of its own for each session, outside, on a unix socket.
//!
//! ```text
//! inside the cage                          │ outside
//! agent, npm, git ──► 127.0.0.1:8787 ──────┼──► gate.sock ──► CONNECT host:443   listed hosts, bytes untouched
//!                     (cage::bridge)       │              ──► GET http://host/…  listed hosts, plain
//!                                          │              ──► /model/NAME/…      a model's provider, with its key
//! ```
//!
//! Laws:
//! 1. Nothing is reached but what [`AllowList`] or a person's answer names; everything else is told why, with 403.
//! 2. A key is added outside. What the agent sent in its place is thrown away, and a key that a provider repeats is
//!    blackened before it comes inside.
//! 3. A name is resolved once, outside, and the connection goes to an address that was looked at: a name that leads to
//!    this machine, its network or its cloud's metadata is refused, unless the config lists that very host and port.
//! 4. A tunnel carries TLS for the host that it was opened for and nothing else; it is looked at, never opened.
//! 5. Log, errors and questions hold hosts, ports, methods, counts: no path, no query, no header.

mod address;
mod asking;
mod gate;
mod hello;
mod hosts;
mod model;
mod provider;
mod proxy;
mod relay;
mod tally;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::{RepoName, TaskId};

use crate::cage::{Level, ProgressSink, Reach};
use crate::session::people::People;

pub(crate) use asking::allowed_by;
pub use gate::OpenGate;
pub use hosts::{AllowList, Host, PRESETS};
pub use provider::{KNOWN_PROVIDERS, KnownProvider, ProviderSettings};
pub use tally::ModelTally;

/// What every gate of an installation goes by.
#[derive(Clone, Debug, Default)]
pub struct EgressSettings {
    /// The hosts that every session may reach.
    pub allow: AllowList,
    /// The hosts that sessions of one repository may reach besides.
    pub repos: BTreeMap<RepoName, AllowList>,
    /// Where models are, by the name in `/model/NAME/`.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// How much one session may do.
    pub limits: EgressLimits,
}

/// The config's list of hosts that is for sessions.
pub const SESSIONS_LIST: &str = "egress.allow";

/// How much one session may do through its gate. What is reached is said once in the task's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressLimits {
    /// Connections at a time; more of them wait. A package manager opens up to 50.
    pub connections: usize,
    /// Requests a minute. An agent makes a few, a package manager some hundred.
    pub requests_per_minute: u32,
    /// Bytes in both directions together. A large dependency tree has about one gigabyte.
    pub bytes: u64,
    /// Bytes of one request to a model. The largest that a provider takes is 32 MB.
    pub body_bytes: usize,
    /// Hosts that people are asked about. More than a handful is an agent that tries out names.
    pub questions: usize,
    /// How long it may take to reach a host.
    pub connect: Duration,
    /// How long a connection may be silent. A model that thinks says nothing for minutes.
    pub idle: Duration,
    /// How long the head of a request may take, and a connection wait for its next.
    pub head: Duration,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            connections: 64,
            requests_per_minute: 1_000,
            bytes: 4 << 30,
            body_bytes: 64 << 20,
            questions: 5,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            head: Duration::from_secs(60),
        }
    }
}

/// Where runs find their gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Each has a loopback of its own, and its gate at one port of that.
    OfEach,
    /// They share this machine's, and each gate has a port that was free.
    OfTheMachine,
}

impl Ports {
    /// As a cage of this level has them.
    pub fn at(level: &Level) -> Self {
        match level.reach {
            Reach::OwnLoopback | Reach::Gate => Self::OfEach,
            Reach::NoTcp | Reach::GatePort | Reach::Everything => Self::OfTheMachine,
        }
    }
}

/// Opens gates. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    inner: Arc<Inner>,
}

struct Inner {
    rules: ArcSwap<Rules>,
    ports: Ports,
    verdicts: Arc<asking::Verdicts>,
}

/// What a gate that is opened now goes by until it is closed.
struct Rules {
    allow: AllowList,
    repos: BTreeMap<RepoName, AllowList>,
    providers: BTreeMap<String, Arc<provider::Provider>>,
    limits: EgressLimits,
    client: model::ModelClient,
}

/// For whom a gate is opened.
pub struct Guest {
    /// The repository that it is about.
    pub repo: RepoName,
    /// An existing directory that no cage may read, such as [`Workspace::private`](crate::workspace::Workspace::private).
    pub dir: PathBuf,
    /// The hosts that it may reach beside those of sessions.
    pub allow: AllowList,
    /// The providers whose models it may use, by name; those that are not configured are passed over.
    pub models: Vec<String>,
    /// Who is asked about a host that is on no list, and the task for which their answer is remembered; nobody for runs
    /// that nobody watches, such as setups.
    pub people: Option<(TaskId, Arc<dyn People>)>,
    /// The config's list that opens a host to it, for the words of a refusal.
    pub list: &'static str,
    /// Where every request is told.
    pub sink: Arc<dyn ProgressSink>,
    /// A file outside of every cage in which each host stands before it is reached, a line each, so that it is known whatever
    /// becomes of this process.
    pub noted: Option<PathBuf>,
}

impl Egress {
    /// Gates by these settings. Fails where a provider cannot be reached as it is described, or the machine has no
    /// root certificates.
    pub fn new(settings: &EgressSettings, ports: Ports) -> io::Result<Self> {
        let rules = ArcSwap::from_pointee(Rules::of(settings)?);
        Ok(Self { inner: Arc::new(Inner { rules, ports, verdicts: Arc::default() }) })
    }

    /// Goes by other settings from now on; gates that are open keep theirs.
    pub fn replace(&self, settings: &EgressSettings) -> io::Result<()> {
        self.inner.rules.store(Arc::new(Rules::of(settings)?));
        Ok(())
    }

    /// The names of the configured providers.
    pub fn providers(&self) -> Vec<String> {
        self.inner.rules.load().providers.keys().cloned().collect()
    }

    /// Opens a gate, which serves until it is closed or dropped.
    pub async fn open(&self, guest: Guest) -> io::Result<OpenGate> {
        let (rules, verdicts) = (self.inner.rules.load_full(), self.inner.verdicts.clone());
        OpenGate::open(rules, self.inner.ports, verdicts, guest).await
    }
}

impl Rules {
    fn of(settings: &EgressSettings) -> io::Result<Self> {
        let EgressSettings { allow, repos, providers, limits } = settings;
        let of = |(name, settings): (&String, &ProviderSettings)| {
            Ok((name.clone(), Arc::new(provider::Provider::of(name, settings)?)))
        };
        Ok(Self {
            allow: allow.clone(),
            repos: repos.clone(),
            providers: providers.iter().map(of).collect::<io::Result<_>>()?,
            limits: limits.clone(),
            client: model::ModelClient::new(providers, limits)?,
        })
    }
}
