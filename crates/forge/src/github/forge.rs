//! A repository on GitHub as a forge: a published branch gets a pull request, and a landing makes GitHub show it as merged.
//!
//! # How a landing shows as merged
//!
//! GitHub marks a pull request as merged when the commit at its head becomes part of its base [GitHub: "About pull request
//! merges", indirect merges]. What lands is most often another commit than the one that was published, rebased or squashed
//! on the target. So before the target moves, the head of each pull request moves to the commit that lands for it, under
//! a lease on the commit that was approved: where somebody pushed meanwhile nothing lands. That the target then moves by
//! compare-and-swap is no different from any other remote.
//!
//! A landing that fails after the heads moved leaves pull requests that show the very commits that were tested. The next
//! attempt knows them as our own.

use async_trait::async_trait;
use domain::{BranchName, Sha};
use http::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::name::GitHubRepo;
use super::pulls::{Pulls, first_chars};
use crate::forge::{
    Closed, Forge, ForgeError, Landing, LandingPlace, Light, Offered, PullRequest, PullRequestDraft, Standing,
};
use crate::local::LocalForge;

/// The name of the status that tells how a change stands in the queue.
const STATUS: &str = "downbeat/queue";
/// The longest description of a status [GitHub: REST API, "Create a commit status"].
const STATUS_CHARS_MAX: usize = 140;

/// One target branch of one repository on GitHub.
pub struct GitHub {
    git: LocalForge,
    client: Client,
    repo: GitHubRepo,
    labels: Vec<String>,
}

impl GitHub {
    /// The repository that `git` reaches by git and `client` by the API.
    pub fn new(git: LocalForge, client: Client, repo: GitHubRepo, labels: Vec<String>) -> Self {
        Self { git, client, repo, labels }
    }

    fn pulls(&self) -> Pulls<'_> {
        Pulls { client: &self.client, repo: &self.repo }
    }
}

#[async_trait]
impl Forge for GitHub {
    async fn target_head(&self) -> Result<Sha, ForgeError> {
        self.git.target_head().await
    }

    async fn publish(&self, draft: &PullRequestDraft) -> Result<PullRequest, ForgeError> {
        let published = self.git.publish(draft).await?;
        let pull = self.pulls().show(draft, self.git.target()).await?;
        self.pulls().label(&pull, &self.labels).await?;
        Ok(PullRequest { reference: pull.html_url, head: published.head })
    }

    async fn unpublish(&self, branch: &BranchName, why: &str) -> Result<(), ForgeError> {
        if let Some(pull) = self.pulls().open_of(branch).await? {
            self.pulls().close(&pull, why).await?;
        }
        self.git.unpublish(branch, why).await
    }

    async fn land(&self, from: &Sha, to: &Sha, offered: &[Offered]) -> Result<Landing, ForgeError> {
        if let Some(over) = self.git.over_already(from, to).await? {
            return Ok(over);
        }
        for one in offered {
            if let Some(head) = self.git.lead(one).await? {
                return Ok(Landing::HeadMoved { branch: one.branch.clone(), head });
            }
        }
        self.git.land(from, to, offered).await
    }

    async fn pushed_to(&self, published: &[(BranchName, Sha)]) -> Result<Vec<(BranchName, Sha)>, ForgeError> {
        self.git.pushed_to(published).await
    }

    async fn closed(&self, published: &[(BranchName, Sha)]) -> Result<Vec<Closed>, ForgeError> {
        self.pulls().closed_of(published).await
    }

    async fn show_standing(&self, head: &Sha, standing: &Standing) -> Result<(), ForgeError> {
        let state = match standing.light {
            Light::Pending => "pending",
            Light::Success => "success",
            Light::Failure => "failure",
        };
        let description = first_chars(&standing.words, STATUS_CHARS_MAX);
        let status = json!({ "state": state, "description": description, "context": STATUS });
        let path = format!("/statuses/{head}");
        self.client.send::<_, Value>(&self.repo, Method::POST, &path, Some(&status)).await.map(drop)
    }

    async fn landing_place(&self) -> Result<LandingPlace, ForgeError> {
        self.git.landing_place().await
    }
}

/// What a repository on GitHub needs beside its remote.
#[derive(Clone)]
pub struct OnGitHub {
    /// Who speaks for us.
    pub client: Client,
    /// What it is called there.
    pub repo: GitHubRepo,
    /// What is put on each of its pull requests.
    pub labels: Vec<String>,
}

impl std::fmt::Debug for OnGitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OnGitHub({})", self.repo)
    }
}
