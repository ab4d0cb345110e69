//! What this GitHub knows: one repository, its pull requests, and what was said about them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::app::AppKey;
use super::server::Fault;

/// The fine-grained token that it knows.
pub const TOKEN: &str = "github_pat_of_nobody";

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its one line.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The branch that it shows.
    pub head: String,
    /// The commit there.
    pub sha: String,
    /// The branch that it is for.
    pub base: String,
    /// `open`, `closed` or `merged`.
    pub state: &'static str,
    /// What is on it.
    pub labels: BTreeSet<String>,
    /// What was said below it.
    pub comments: Vec<String>,
}

/// Everything.
pub(super) struct State {
    pub(super) repo: String,
    pub(super) git: PathBuf,
    pub(super) pulls: Vec<Pull>,
    pub(super) statuses: Vec<(String, Value)>,
    /// Tokens that an App was given, with the repository each is for.
    pub(super) minted: BTreeMap<String, String>,
    pub(super) app: Option<AppKey>,
    pub(super) faults: VecDeque<(String, Fault)>,
    /// Every request, as `POST /repos/acme/web/pulls`.
    pub(super) asked: Vec<String>,
    pub(super) is_archived: bool,
    pub(super) may_push: bool,
    pub(super) address: String,
}

impl State {
    /// Whether a request may see the repository.
    pub(super) fn knows(&self, token: &str) -> bool {
        token == TOKEN || self.minted.contains_key(token)
    }

    pub(super) fn commit_at(&self, branch: &str) -> Option<String> {
        let found = self.ask(&["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}^{{commit}}")]);
        found.map(|text| text.trim().to_owned())
    }

    pub(super) fn branches(&self, below: &str) -> Vec<String> {
        let listed = self.ask(&["for-each-ref", "--format=%(refname:lstrip=2)", &format!("refs/heads/{below}")]);
        listed.unwrap_or_default().lines().map(str::to_owned).collect()
    }

    pub(super) fn is_ancestor(&self, older: &str, newer: &str) -> bool {
        self.ask(&["merge-base", "--is-ancestor", older, newer]).is_some()
    }

    fn ask(&self, args: &[&str]) -> Option<String> {
        let output = Command::new("git").arg("-C").arg(&self.git).args(args).output().expect("git is installed");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What a push does to the pull requests.
    pub(super) fn after_push(&mut self) {
        for n in 0..self.pulls.len() {
            let pull = &self.pulls[n];
            if pull.state != "open" {
                continue;
            }
            let (base, head) = (self.commit_at(&pull.base), self.commit_at(&pull.head));
            let is_merged = base.as_ref().is_some_and(|base| self.is_ancestor(&pull.sha, base));
            let is_empty = |head: &String| base.as_ref().is_some_and(|base| self.is_ancestor(head, base));
            let (state, sha) = match &head {
                _ if is_merged => ("merged", pull.sha.clone()),
                None => ("closed", pull.sha.clone()),
                Some(head) if is_empty(head) => ("closed", head.clone()),
                Some(head) => ("open", head.clone()),
            };
            let pull = &mut self.pulls[n];
            (pull.state, pull.sha) = (state, sha);
        }
    }
}
