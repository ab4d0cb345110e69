//! `queue.closed`, and a repository's own: when nothing lands.

use domain::{RepoName, Window, Windows};
use toml::Value;

use super::Config;
use super::ground::Ground;
use super::key::Absent::{Default, Otherwise};
use super::key::Applied::AtReload;
use super::key::{Form, Key};
use super::reading::contradict;
use super::wellformed::parses;

const WINDOWS: Form = Form::List { each: &Form::Text(parses::<Window>), min: 0 };

/// `queue.closed`.
pub(super) const CLOSED: Key = Key::new(
    "closed",
    WINDOWS,
    Default("[]"),
    AtReload,
    "When nothing lands but what is `first`, as in \"Fri 17:00 - Mon 08:00 Europe/Berlin\" or \"daily 22:00 - 06:00 UTC\". Checks run all the \
     same, and what passed lands at the opening. Without it the queue lands at any hour, for what is tested breaks nothing at night.",
);

/// `repos.NAME.closed`.
pub(super) const REPO_CLOSED: Key = Key::new(
    "closed",
    WINDOWS,
    Otherwise("what `queue.closed` says"),
    AtReload,
    "When nothing lands on this target; `[]` for never.",
);

impl Config {
    /// When nothing lands on a repository's target.
    pub(super) fn closed(&self, repo: &RepoName) -> &Windows {
        self.repos.get(repo).and_then(|repo| repo.closed.as_ref()).unwrap_or(&self.queue.closed)
    }
}

/// Notes windows that are good each and no good together.
pub(super) fn demand_open_hours(ground: &mut Ground<'_>) {
    let table =
        |values: &toml::Table, name: &str| values.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
    let repos = table(&ground.values, "repos");
    let of_repos = repos.iter().map(|(name, repo)| (format!("repos.{name}.closed"), repo.get("closed").cloned()));
    let of_queue = ("queue.closed".to_owned(), table(&ground.values, "queue").get("closed").cloned());
    for (path, closed) in of_repos.chain([of_queue]) {
        let texts = closed.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let windows: Result<Vec<Window>, _> = texts.map(str::parse).collect();
        // What is wrong with one of them was said where it stands.
        if let Some(error) = windows.ok().and_then(|windows| Windows::new(windows).err()) {
            contradict(ground, &path, format!("`{path}`: {error}"));
        }
    }
}
