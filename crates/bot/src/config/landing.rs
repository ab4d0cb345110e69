//! `queue.style` and `queue.message`, and a repository's own: what a change becomes on its target.

use domain::RepoName;
use mergeq::{LandingRule, Template};

use super::Config;
use super::key::Absent::{Default, Otherwise};
use super::key::Applied::AtReload;
use super::key::{Form, Key};
use super::wellformed::parses;

const STYLES: &[&str] = &["squash", "merge", "rebase", "fast-forward"];

/// `queue.style`.
pub(super) const STYLE: Key = Key::new(
    "style",
    Form::Choice(STYLES),
    Default("\"squash\""),
    AtReload,
    "What a change becomes on its target. `squash` is one commit, which agents' many small ones rarely are worth more than; `merge` is a merge \
     commit; `rebase` keeps each commit with its author; `fast-forward` lands the branch as it is where it stands on the target, \
     and is `rebase` where it does not. The tree is the same in each: docs/landing.md.",
);

/// `queue.message`.
pub(super) const MESSAGE: Key = Key::new(
    "message",
    Form::Text(parses::<Template>),
    Default("\"{title}\\n\\n{message}\""),
    AtReload,
    "What the landed commit says; beside the two it may name `{entry}`, `{requester}`, `{approver}`, `{target}` and `{commits}`. A paragraph of trailers \
     follows whatever it is. Commits that are kept of the branch say what they said.",
);

/// `repos.NAME.style`.
pub(super) const REPO_STYLE: Key = Key::new(
    "style",
    Form::Choice(STYLES),
    Otherwise("what `queue.style` says"),
    AtReload,
    "What a change becomes on this target.",
);

/// `repos.NAME.message`.
pub(super) const REPO_MESSAGE: Key = Key::new(
    "message",
    Form::Text(parses::<Template>),
    Otherwise("what `queue.message` says"),
    AtReload,
    "What a landed commit says here.",
);

impl Config {
    /// What a change becomes, by repository.
    pub fn landing_rules(&self) -> Vec<(RepoName, LandingRule)> {
        let rule = |(name, repo): (&RepoName, &super::RepoConfig)| {
            let message = repo.message.as_ref().unwrap_or(&self.queue.message).clone();
            (name.clone(), LandingRule { style: repo.style.unwrap_or(self.queue.style), message })
        };
        self.repos.iter().map(rule).collect()
    }
}
