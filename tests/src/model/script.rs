//! What the scripted model answers, in words that no agent's protocol has: the same script drives every agent.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// What a model does, for all the agents that ask it at once.
///
/// A request belongs to the first task whose words the newest prompt of a person has. A prompt that no task knows goes
/// on with the task before it, where that stood.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// A prompt that has one of these is answered from `plan`, any other from `work`.
    #[serde(default = "Script::planning")]
    pub planning: Vec<String>,
    /// What the model can be asked to do.
    #[serde(default, rename = "task")]
    pub tasks: Vec<Part>,
}

/// What is done about one kind of prompt.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What the prompt has to contain, whatever the case of its letters; nothing means every prompt.
    #[serde(default)]
    pub says: String,
    /// The steps when a plan is asked for.
    #[serde(default)]
    pub plan: Vec<Step>,
    /// The steps otherwise.
    #[serde(default)]
    pub work: Vec<Step>,
}

/// One answer of the model. An answer without calls ends the turn.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Words for the person.
    pub say: Option<String>,
    /// Words of reasoning.
    pub think: Option<String>,
    /// Uses of tools, all in one answer.
    #[serde(rename = "do")]
    pub calls: Vec<Action>,
    /// Instead of an answer: an error.
    pub fail: Option<Fail>,
    /// The stream breaks in the middle of the answer.
    pub cut: bool,
    /// There is never an answer.
    pub hang: bool,
    /// The answer is no answer in any protocol.
    pub garbage: bool,
    /// Why the answer ends; without it, as it should.
    pub stop: Option<Stop>,
    /// The tokens that it says were used.
    pub usage: Tokens,
    /// How long it thinks, in milliseconds.
    pub delay_ms: u64,
}

/// A use of a tool, whatever the asking agent calls it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Runs a command.
    Shell(String),
    /// Writes a whole file.
    Write {
        /// Where, from the agent's working directory.
        path: String,
        /// What it holds then.
        text: String,
    },
    /// Puts whole lines in the place of others. Claude edits only what it has read in the same conversation.
    Edit {
        /// Where, from the agent's working directory.
        path: String,
        /// The lines that are there once.
        old: String,
        /// What stands there then.
        new: String,
    },
    /// Reads a file.
    Read(String),
    /// Sets its list of things to do.
    Plan(Vec<String>),
    /// Proposes a plan, where the agent has a way of its own for that.
    FinishPlan(String),
    /// Asks the person.
    Ask {
        /// The question.
        question: String,
        /// What to choose from.
        choices: Vec<String>,
    },
    /// Uses the tool whose name ends like this, as those of an MCP server do.
    Tool {
        /// The end of its name.
        name: String,
        /// What it is called with.
        #[serde(default)]
        input: Value,
    },
}

/// An error of the provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// The HTTP status: 401, 429, 500, 529, ….
    pub status: u16,
    /// What it says.
    #[serde(default)]
    pub message: Option<String>,
    /// The error's own kind, where the status does not say it all: `insufficient_quota`.
    #[serde(default)]
    pub kind: Option<String>,
    /// When to come again, in seconds.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// How many requests meet it before the step is answered; without it, all.
    #[serde(default)]
    pub times: Option<u32>,
}

/// Why an answer ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The answer is as long as it may be.
    MaxTokens,
    /// The model does not want to.
    Refusal,
    /// The conversation is longer than the model's window: an error in every protocol.
    Context,
}

/// What a request is said to have used, in tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Input that was not cached.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// Input read from a cache.
    pub cache_read: u64,
    /// Input written to a cache, which only one protocol tells.
    pub cache_write: u64,
}

impl Script {
    /// Reads a script from TOML.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The task that a prompt is about.
    pub fn task_of(&self, prompt: &str) -> Option<(usize, &Part)> {
        let prompt = prompt.to_lowercase();
        self.tasks.iter().enumerate().find(|(_, task)| prompt.contains(&task.says.to_lowercase()))
    }

    /// Whether a prompt asks for a plan.
    pub fn plans(&self, prompt: &str) -> bool {
        self.planning.iter().any(|phrase| prompt.contains(phrase.as_str()))
    }

    /// How our own planning prompt begins.
    fn planning() -> Vec<String> {
        vec!["Plan a change".to_owned()]
    }
}

impl Step {
    /// How long it takes.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self { input: 1_000, output: 50, cache_read: 0, cache_write: 0 }
    }
}
