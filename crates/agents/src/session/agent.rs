//! The seam to coding agents: other people's programs that plan and work in a tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use domain::Rejected;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::{AgentEvent, ErrorClass};
use super::launch::ProgramSettings;
use super::people::{People, Question, Reply, Steer};
use crate::cage::{Door, Limits, ProgressSink};
use crate::task::{Plan, PlanDraft, PlanMode};
use crate::workspace::Workspace;

/// An agent, ready to run sessions.
#[async_trait]
pub trait Agent: Send + Sync {
    /// What people read on the card, `tidy (recipe)`.
    fn title(&self) -> String;

    /// Whether it can run under this plan mode; a refusal names the key of the config that would change it.
    fn may_run(&self, plan: PlanMode) -> Result<(), Rejected>;

    /// The model providers that it reaches through the session's gate, by the names under which the gate knows them.
    fn providers(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it can be told which model to use.
    fn takes_models(&self) -> bool {
        false
    }

    /// Whether its session gets a way out to the hosts that are listed.
    fn reaches_hosts(&self) -> bool {
        false
    }

    /// Whether it can go on from a tree in which two changes conflict. One that cannot makes its change anew.
    fn mends(&self) -> bool {
        true
    }

    /// Whether it speaks a language of agents: then it is offered tools, and tells what it does and uses.
    fn talks(&self) -> bool {
        false
    }

    /// Proposes a plan. The tree cannot be written, unless the agent is given a throwaway copy of it.
    async fn plan(&self, session: Session<'_>) -> Result<PlanDraft, SessionError>;

    /// Does the work in the tree. What it changes is the work; what it says last is the answer when it changes nothing.
    async fn work(&self, session: Session<'_>, approved: Option<&Plan>) -> Result<Worked, SessionError>;
}

/// Hears what an agent says and does while its session runs: the watch over cost and loops, and whoever keeps totals.
/// One who wants it ended fires the session's `stop`.
pub trait Witness: Send + Sync {
    /// One event, in the order in which they came.
    fn event(&self, event: &AgentEvent);
}

/// Sees a session's requests to its model from outside: some agents do not say what came of them.
pub trait Models: Send + Sync {
    /// What the newest answer says, where it is an error.
    fn trouble(&self) -> Option<ErrorClass>;
}

/// Nobody: sees nothing, and leaves every question open.
pub struct Unattended;

impl Models for Unattended {
    fn trouble(&self) -> Option<ErrorClass> {
        None
    }
}

impl Witness for Unattended {
    fn event(&self, _event: &AgentEvent) {}
}

#[async_trait]
impl People for Unattended {
    async fn ask(&self, _question: Question) -> Reply {
        Reply::Unanswered
    }
}

/// The MCP server that an agent is offered, as it starts it inside the cage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolServer {
    /// What its tools are called after.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Environment for it.
    pub env: BTreeMap<String, String>,
    /// What must be readable inside for it to run.
    pub read: Vec<PathBuf>,
}

/// What one session gets.
pub struct Session<'a> {
    /// The tree and the private directories.
    pub workspace: &'a Workspace,
    /// What to do, with the thread as labelled data.
    pub prompt: &'a str,
    /// What an agent is told first that goes on in its session of before: whether its tree is as it left it.
    pub since: &'a str,
    /// The person's own words alone, for agents that are no models.
    pub request: &'a str,
    /// The model that this session is to use, by the agent's own name; without it, the one that the agent is set to.
    pub model: Option<&'a str>,
    /// Where its output goes, line by line, for people.
    pub progress: &'a dyn ProgressSink,
    /// Who hears its events.
    pub witness: &'a dyn Witness,
    /// Who is asked when it asks.
    pub people: &'a dyn People,
    /// What sees its requests to its model.
    pub models: &'a dyn Models,
    /// What people say to it while it runs; a closed one says nothing.
    pub steering: mpsc::Receiver<Steer>,
    /// The door of its way out. Without one it reaches nothing.
    pub gate: Option<&'a Door>,
    /// Our tools, where there are any.
    pub tools: Option<ToolServer>,
    /// The file that keeps its raw lines.
    pub transcript: Option<&'a Path>,
    /// Fires when it must stop.
    pub stop: CancellationToken,
    /// The longest that it may take.
    pub time_max: Duration,
    /// The longest that it may be silent while nobody is asked.
    pub idle_max: Duration,
}

/// No news for this long is an agent that hangs: the longest command that Claude Code lets a model run takes ten
/// minutes, in silence.
pub const IDLE_MAX: Duration = Duration::from_secs(15 * 60);

impl<'a> Session<'a> {
    /// A session that nobody watches, steers or is asked by, and that reaches nothing.
    pub fn unattended(workspace: &'a Workspace, prompt: &'a str, progress: &'a dyn ProgressSink) -> Self {
        Self {
            workspace,
            prompt,
            since: "",
            request: prompt,
            model: None,
            progress,
            witness: &Unattended,
            people: &Unattended,
            models: &Unattended,
            steering: mpsc::channel(1).1,
            gate: None,
            tools: None,
            transcript: None,
            stop: CancellationToken::new(),
            time_max: Limits::default().time,
            idle_max: IDLE_MAX,
        }
    }
}

/// What a working session came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// The agent's last words.
    pub answer: String,
    /// The cage that held it, in words.
    pub cage: String,
}

/// Why a session came to nothing. The first three are said of the agent, after its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// It was stopped at our word.
    #[error("was stopped")]
    Stopped,
    /// The agent is not there, or the sandbox cannot be established.
    #[error("could not start: {0}")]
    CouldNotStart(String),
    /// The agent ended badly; the text has its last lines.
    #[error("{0}")]
    Failed(String),
    /// The machine failed around it: no disk, no memory. Trying again later may help.
    #[error("{0}")]
    Surroundings(String),
    /// The model's service is too busy, broken or unreachable: the session is put off. What the agent knows is kept for
    /// the next attempt, if its workspace is.
    #[error("{0}")]
    PutOff(String),
}

/// One agent of the config.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum AgentSettings {
    /// Any program: it gets the prompt on standard input and in the file that `DOWNBEAT_PROMPT_FILE` names.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
        /// The program that plans, with the tree read-only. Without one, requests need `plan=off`.
        #[serde(default)]
        plan: Option<Vec<String>>,
        /// Environment for it, by name and value. No place for secrets.
        #[serde(default)]
        env: BTreeMap<String, String>,
    },
    /// Claude Code, by its control channel.
    Claude(ProgramSettings),
    /// Codex, by its app-server.
    Codex(ProgramSettings),
    /// Any agent that speaks the Agent Client Protocol.
    Acp(ProgramSettings),
    /// The repository's own recipes: the first word of the request names one of `.downbeat/recipes/*.toml`.
    Recipe {},
    /// Follows a script; for the demo and for tests only, and its title says so.
    Scripted {
        /// The script's path.
        script: PathBuf,
    },
}
