//! Which repositories are on GitHub, and who we are there.

use std::sync::Arc;

use domain::Clock;
use forge::github::forge::OnGitHub;
use forge::github::{Client, GitHubRepo};
use forge::{ForgeError, Gate, RepoSettings};

use crate::config::{Config, RepoConfig};

/// The repositories of the config, each with its pull requests where it is on GitHub and the config says who we are there.
pub fn repositories(config: &Config, clock: Arc<dyn Clock>) -> Result<Vec<RepoSettings>, ForgeError> {
    let settings = config.github.as_ref().and_then(|github| github.settings());
    let client = settings.as_ref().map(|settings| Client::new(settings, clock)).transpose()?;
    let on_github = |repo: &RepoConfig| {
        let (client, github) = (client.clone()?, config.github.as_ref()?);
        let host = Client::web_host(&github.api_url);
        let name = repo.github.clone().or_else(|| GitHubRepo::of(&repo.remote, &host))?;
        Some(OnGitHub { client, repo: name, labels: github.labels.clone() })
    };
    let one = |(name, repo): (&domain::RepoName, &RepoConfig)| RepoSettings {
        name: name.clone(),
        remote: repo.remote.clone(),
        target: repo.target.clone(),
        gate: repo.checks.clone().unwrap_or(Gate::Missing),
        github: on_github(repo),
    };
    Ok(config.repos.iter().map(one).collect())
}
