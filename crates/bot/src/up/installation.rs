//! What `downbeat up` serves: what a config says, or, without one, what the repository of this directory tells.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use forge::Git;

use crate::config::{Config, Environment, Origin, Reading, Sources, git_settings};
use crate::place::{PlaceArgs, Source, repository_around};
use crate::survey::draft::{draft, quoted_path as quoted};
use crate::survey::{AgentCommand, FoundAgent, Surroundings, Survey, survey};

/// What is served.
pub struct Installation {
    /// The config, whether written or guessed, and where each value comes from.
    pub reading: Reading,
    /// What was guessed, for the person; none when a config says it.
    pub guessed: Option<String>,
}

/// What a config is read from, before anybody knows whether it is right.
pub struct Texts {
    generated: String,
    file: Option<PathBuf>,
    env: Environment,
    guess: Option<(Survey, Option<AgentCommand>)>,
}

impl Texts {
    /// Finds the config that is meant, or looks at the repository here.
    pub async fn find(place: &PlaceArgs, agent: Option<&str>) -> anyhow::Result<Self> {
        let source = place.source()?;
        let state = place.state_of(&source)?;
        let mut env: Environment = std::env::vars().collect();
        // A state directory of the command line counts more than the config's.
        env.extend(place.state.is_some().then(|| ("DOWNBEAT__STATE".to_owned(), state.display().to_string())));
        match source {
            Source::File(path) => {
                anyhow::ensure!(
                    agent.is_none(),
                    "--agent is for a repository without a config; add it to {} under `[agents]`",
                    path.display()
                );
                let generated = format!("state = {}\n", quoted(&state));
                Ok(Self { generated, file: Some(path), env, guess: None })
            }
            Source::Repository(here) => {
                let found = look_around(&here, &state).await?;
                let agent = agent.map(|line| AgentCommand::of_line(line, &Surroundings::ours()));
                let generated = format!("state = {}\n{}", quoted(&state), draft(&found, agent.as_ref()));
                Ok(Self { generated, file: None, env, guess: Some((found, agent)) })
            }
        }
    }

    /// What the config is read from.
    pub fn sources(&self) -> Sources<'_> {
        Sources { generated: &self.generated, file: self.file.as_deref(), env: &self.env }
    }
}

async fn look_around(here: &Path, state: &Path) -> anyhow::Result<Survey> {
    if repository_around(here).is_none() {
        let here = here.display();
        anyhow::bail!(
            "there is no config here, and {here} is in no git repository; change into one, run `git init`, or name a config with --config"
        );
    }
    std::fs::create_dir_all(state).with_context(|| {
        format!("failed to make the state directory {}; name another with --state DIR", state.display())
    })?;
    let git = Git::open(git_settings(state)).await?;
    let found = survey(&git, here, &Surroundings::ours()).await;
    found.context("there is no config here, so the repository of this directory has to tell; but")
}

impl Installation {
    /// Reads the config that is meant, or looks at the repository here.
    pub async fn find(place: &PlaceArgs, agent: Option<&str>) -> anyhow::Result<Self> {
        let texts = Texts::find(place, agent).await?;
        let reading = Config::read(&texts.sources())?;
        let guessed = texts.guess.map(|(found, agent)| introduction(&found, agent.as_ref(), &reading.config));
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

/// What was found, in a few lines.
fn introduction(found: &Survey, agent: Option<&AgentCommand>, config: &Config) -> String {
    let check = match &found.check {
        Some(check) => format!("`{}`, guessed from {}", check.command, check.because),
        None if found.names_checks => "those of its .downbeat/config.toml".to_owned(),
        None => "none found; name them in .downbeat/config.toml, or nothing can land".to_owned(),
    };
    let named = agent.map(|agent| agent.name.clone());
    let on_path = found.agents.iter().map(FoundAgent::standing);
    let recipes = "recipes (.downbeat/recipes/*.toml)".to_owned();
    let agents = named.into_iter().chain(on_path).chain([recipes]).collect::<Vec<_>>().join(", ");
    let keys: Vec<_> = found.providers.iter().map(|one| format!("{} (for {})", one.variable, one.name)).collect();
    let keys = if keys.is_empty() {
        String::new()
    } else {
        format!("\n  keys        {}, from your environment; no agent sees them", keys.join(", "))
    };
    let located = &found.located;
    format!(
        "No config here, so I go by what I found. `downbeat init` writes it down for you to change.\n  \
           repository  {}, {}\n  lands on    {} of {}\n  checks      {check}\n  agents      {agents}{keys}\n  \
           you are     {}\n  state       {}",
        found.name,
        located.top.display(),
        located.target,
        located.remote,
        found.person,
        config.state.display(),
    )
}
