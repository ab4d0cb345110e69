//! What `downbeat up` serves: what a config says, or, without one, what the repository of this directory tells.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use forge::Git;

use crate::config::{Config, ConfigError, Environment, Origin, Reading, Sources, git_settings};
use crate::place::{PlaceArgs, Source, repository_around};
use crate::survey::draft::{draft, quoted_path as quoted};
use crate::survey::{AgentCommand, Surroundings, Survey, survey};

/// What is served.
pub struct Installation {
    /// The config, whether written or guessed, and where each value comes from.
    pub reading: Reading,
    /// What was guessed, for the person; none when a config says it.
    pub guessed: Option<String>,
}

impl Installation {
    /// Reads the config that is meant, or looks at the repository here.
    pub async fn find(place: &PlaceArgs, agent: Option<&str>) -> anyhow::Result<Self> {
        let source = place.source()?;
        let state = place.default_state(&source)?;
        match source {
            Source::File(path) => {
                anyhow::ensure!(
                    agent.is_none(),
                    "--agent is for a repository without a config; add it to {} under `[agents]`",
                    path.display()
                );
                let reading = read(&format!("state = {}\n", quoted(&state)), Some(&path))?;
                Ok(Self { reading, guessed: None })
            }
            Source::Repository(here) => Self::guess(&here, state, agent).await,
        }
    }

    async fn guess(here: &Path, state: PathBuf, agent: Option<&str>) -> anyhow::Result<Self> {
        if repository_around(here).is_none() {
            let here = here.display();
            anyhow::bail!(
                "there is no config here, and {here} is in no git repository; change into one, run `git init`, or name a config with --config"
            );
        }
        std::fs::create_dir_all(&state).with_context(|| {
            format!("failed to make the state directory {}; name another with --state DIR", state.display())
        })?;
        let git = Git::open(git_settings(&state)).await?;
        let found = survey(&git, here, &Surroundings::ours()).await;
        let found = found.context("there is no config here, so `up` goes by the repository of this directory; but")?;
        let agent = agent.map(AgentCommand::of_line);
        let text = draft(&found, agent.as_ref());
        let text = format!("state = {}\n{text}", quoted(&state));
        let reading =
            read(&text, None).context("what was found here makes no config; write one with `downbeat init`")?;
        let guessed = Some(introduction(&found, agent.as_ref(), &reading.config));
        Ok(Self { reading, guessed })
    }

    /// The config.
    pub fn config(&self) -> &Config {
        &self.reading.config
    }

    /// Whether a person chose the value of this key.
    pub fn is_chosen(&self, key: &str) -> bool {
        let origin = self.reading.setting(key).map(|setting| &setting.origin);
        matches!(origin, Some(Origin::Line(_) | Origin::Variable(_)))
    }
}

/// Reads a config over what the program itself says, and the environment over both.
fn read(generated: &str, file: Option<&Path>) -> Result<Reading, ConfigError> {
    let env: Environment = std::env::vars().collect();
    Config::read(&Sources { generated, file, env: &env })
}

/// What was found, in a few lines.
fn introduction(found: &Survey, agent: Option<&AgentCommand>, config: &Config) -> String {
    let check = match &found.check {
        Some(check) => format!("`{}`, guessed from {}", check.command, check.because),
        None if found.names_checks => "those of its .downbeat/config.toml".to_owned(),
        None => "none found; name them in .downbeat/config.toml, or nothing can land".to_owned(),
    };
    let mut agents = agent.map(|agent| format!("{}, ", agent.name)).unwrap_or_default();
    agents.push_str("recipes (.downbeat/recipes/*.toml)");
    if !found.agents.is_empty() {
        let names: Vec<_> = found.agents.iter().map(|agent| agent.name).collect();
        agents.push_str(&format!("; on PATH and not used yet: {}", names.join(", ")));
    }
    let located = &found.located;
    format!(
        "No config here, so I go by what I found. `downbeat init` writes it down for you to change.\n  \
           repository  {}, {}\n  lands on    {} of {}\n  checks      {check}\n  agents      {agents}\n  \
           you are     {}\n  state       {}",
        found.name,
        located.top.display(),
        located.target,
        located.remote,
        found.person,
        config.state.display(),
    )
}
