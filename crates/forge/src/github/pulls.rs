//! Pull requests: one for each published branch, found again by that branch.

use domain::{BranchName, Sha};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::name::GitHubRepo;
use crate::forge::{Closed, ForgeError, PullRequestDraft};

/// The longest title and body [GitHub refuses more than 256 characters of a title, and 65,536 of a body].
const TITLE_CHARS_MAX: usize = 256;
const BODY_CHARS_MAX: usize = 65_536;
/// How many pull requests of one branch are looked at: it has one, and those that were closed before it.
const OF_BRANCH_MAX: usize = 100;

/// What we read of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Where people read it.
    pub html_url: String,
    /// `open` or `closed`.
    pub state: String,
    /// When it was merged, if it was.
    pub merged_at: Option<String>,
    /// Its one line.
    pub title: String,
    /// Its text.
    pub body: Option<String>,
    /// The branch that it shows.
    pub head: Tip,
    /// The branch that it is for.
    pub base: Tip,
}

/// One end of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Tip {
    /// The branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// Its commit.
    pub sha: Sha,
    /// Where it is; none where a fork was deleted.
    pub repo: Option<Home>,
}

/// The repository that a branch is in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Home {
    /// `acme/web`.
    pub full_name: String,
}

/// What we read of the issue that every pull request is.
#[derive(Debug, Deserialize)]
struct Issue {
    closed_by: Option<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    login: String,
}

impl Pull {
    /// Whether it can still be merged.
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// Whether it shows this branch, and no fork's of the same name. The repository may have another name by now.
    fn is_of(&self, branch: &BranchName) -> bool {
        self.head.branch == branch.as_str() && self.head.repo.is_some() && self.head.repo == self.base.repo
    }
}

/// The pull requests of one repository.
pub(super) struct Pulls<'a> {
    pub(super) client: &'a Client,
    pub(super) repo: &'a GitHubRepo,
}

impl Pulls<'_> {
    /// The open pull request of a branch. GitHub is asked for the branch, and not believed: where it does not know the
    /// filter it answers with others.
    pub(super) async fn open_of(&self, branch: &BranchName) -> Result<Option<Pull>, ForgeError> {
        let path = format!("/pulls?state=open&head={}:{branch}", self.repo.owner);
        let found: Vec<Pull> = self.client.list(self.repo, &path, OF_BRANCH_MAX).await?;
        Ok(found.into_iter().find(|pull| pull.is_open() && pull.is_of(branch)))
    }

    /// Those of these branches whose newest pull request shows this very commit and was closed without a merge. Only what
    /// changed lately is looked at: who looks every minute misses none.
    pub(super) async fn closed_of(&self, published: &[(BranchName, Sha)]) -> Result<Vec<Closed>, ForgeError> {
        let lately = "/pulls?state=all&sort=updated&direction=desc&per_page=100";
        let pulls: Vec<Pull> = self.client.get(self.repo, lately).await?;
        let mut closed = Vec::new();
        for (branch, head) in published {
            let newest = pulls.iter().filter(|pull| pull.is_of(branch)).max_by_key(|pull| pull.number);
            let is_given_up = |pull: &&Pull| !pull.is_open() && pull.merged_at.is_none() && pull.head.sha == *head;
            let Some(pull) = newest.filter(is_given_up) else { continue };
            let issue: Issue = self.client.get(self.repo, &format!("/issues/{}", pull.number)).await?;
            let by = issue.closed_by.map(|account| account.login);
            closed.push(Closed { branch: branch.clone(), reference: pull.html_url.clone(), by });
        }
        Ok(closed)
    }

    /// Opens the pull request of a published branch, or brings the one that is open up to date.
    pub(super) async fn show(&self, draft: &PullRequestDraft, target: &BranchName) -> Result<Pull, ForgeError> {
        let (title, body) = (first_chars(&draft.title, TITLE_CHARS_MAX), first_chars(&draft.body, BODY_CHARS_MAX));
        let Some(open) = self.open_of(&draft.branch).await? else {
            let wanted = json!({ "title": title, "body": body, "head": draft.branch, "base": target });
            return self.client.send(self.repo, Method::POST, "/pulls", Some(&wanted)).await;
        };
        if open.title == title && open.body.as_ref() == Some(&body) && open.base.branch == target.as_str() {
            return Ok(open);
        }
        let wanted = json!({ "title": title, "body": body, "base": target });
        self.client.send(self.repo, Method::PATCH, &format!("/pulls/{}", open.number), Some(&wanted)).await
    }

    /// Puts labels on it; those that the repository does not have are made.
    pub(super) async fn label(&self, pull: &Pull, labels: &[String]) -> Result<(), ForgeError> {
        if labels.is_empty() {
            return Ok(());
        }
        let path = format!("/issues/{}/labels", pull.number);
        self.client.send::<_, Value>(self.repo, Method::POST, &path, Some(&json!({ "labels": labels }))).await.map(drop)
    }

    /// Says why and closes it.
    pub(super) async fn close(&self, pull: &Pull, why: &str) -> Result<(), ForgeError> {
        let comment = format!("/issues/{}/comments", pull.number);
        self.client.send::<_, Value>(self.repo, Method::POST, &comment, Some(&json!({ "body": why }))).await?;
        let path = format!("/pulls/{}", pull.number);
        let closed = json!({ "state": "closed" });
        self.client.send::<_, Value>(self.repo, Method::PATCH, &path, Some(&closed)).await.map(drop)
    }
}

/// At most so many characters of a text; one that is cut says so.
pub(super) fn first_chars(text: &str, count_max: usize) -> String {
    match text.chars().count() > count_max {
        false => text.to_owned(),
        true => text.chars().take(count_max - 1).chain(['…']).collect(),
    }
}
