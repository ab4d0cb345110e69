//! The seam to coding agents: other people's programs that plan and work in a tree.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use domain::Rejected;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::cage::ProgressSink;
use crate::task::{Plan, PlanDraft, PlanMode};
use crate::workspace::Workspace;

/// An agent, ready to run sessions.
#[async_trait]
pub trait Agent: Send + Sync {
    /// What people read on the card, `tidy (recipe)`.
    fn title(&self) -> String;

    /// Whether it can run under this plan mode; a refusal names the key of the config that would change it.
    fn may_run(&self, plan: PlanMode) -> Result<(), Rejected>;

    /// Proposes a plan. The tree cannot be written, unless the agent is given a throwaway copy of it.
    async fn plan(&self, session: &Session<'_>) -> Result<PlanDraft, SessionError>;

    /// Does the work in the tree. What it changes is the work; what it says last is the answer when it changes nothing.
    async fn work(&self, session: &Session<'_>, approved: Option<&Plan>) -> Result<Worked, SessionError>;
}

/// What one session gets.
pub struct Session<'a> {
    /// The tree and the private directories.
    pub workspace: &'a Workspace,
    /// What to do, with the thread as labelled data.
    pub prompt: &'a str,
    /// The person's own words alone, for agents that are no models.
    pub request: &'a str,
    /// Where its output goes, line by line.
    pub progress: &'a dyn ProgressSink,
    /// Fires when it must stop.
    pub stop: CancellationToken,
    /// The longest that it may take.
    pub time_max: Duration,
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
    /// The repository's own recipes: the first word of the request names one of `.downbeat/recipes/*.toml`.
    Recipe {},
    /// Follows a script; for the demo and for tests only, and its title says so.
    Scripted {
        /// The script's path.
        script: PathBuf,
    },
}
