//! The repositories: whether each can be reached, read and pushed to, and what it says about checks and recipes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agents::recipe::{RECIPES_DIR, parse_recipe};
use domain::{RepoName, Sha};
use forge::checks::CHECKS_FILE;
use forge::github::forge::OnGitHub;
use forge::github::keys::GitLogin;
use forge::{Forge as _, ForgeError, Gate, GitError, LocalForge, Mirror, Remote, RepoSettings, gate_from_toml};
use futures::{StreamExt as _, stream};
use nix::unistd::{AccessFlags, access};

use super::finding::{Finding, Group};
use super::{REMOTE_LIMIT, Site};
use crate::clock::SystemClock;
use crate::config::RepoConfig;
use crate::github;

const GROUP: Group = Group::Repositories;

/// The longest that one repository may take: several calls to a remote that answers slowly.
const LIMIT: Duration = Duration::from_secs(8);
/// How many are asked at once: one dead network must not add up.
const AT_ONCE: usize = 32;
/// The branch that is pushed to without pushing.
const PROBE: &str = "refs/heads/downbeat-doctor";
/// The most branches that are named where the right one is missing.
const BRANCHES_NAMED_MAX: usize = 10;

/// One repository, looked at.
pub(super) struct Looked {
    pub(super) name: RepoName,
    pub(super) findings: Vec<Finding>,
    /// What a change has to pass; none when nobody could tell.
    pub(super) gate: Option<Gate>,
    pub(super) has_recipes: bool,
}

struct Visit<'a> {
    site: &'a Site,
    repo: &'a RepoConfig,
    /// Whom to ask on GitHub, if it is there and the config says who we are.
    there: Result<Option<OnGitHub>, ForgeError>,
    /// With what git logs in with.
    remote: Remote,
    looked: Looked,
}

/// Looks at every repository of the config.
pub(super) async fn look_at_all(site: &Site) -> Vec<Looked> {
    let settings = github::repositories(site.config(), Arc::new(SystemClock));
    let visits = site.config().repos.iter().map(|(name, repo)| {
        let looked = Looked { name: name.clone(), findings: Vec::new(), gate: None, has_recipes: false };
        let its = |settings: &Vec<RepoSettings>| settings.iter().find(|one| one.name == *name)?.github.clone();
        let there = settings.as_ref().map(its).map_err(Clone::clone);
        Visit { site, repo, there, remote: repo.remote.clone(), looked }.end()
    });
    stream::iter(visits).buffered(AT_ONCE).collect().await
}

impl Visit<'_> {
    async fn end(mut self) -> Looked {
        if tokio::time::timeout(LIMIT, self.look()).await.is_err() {
            let what = format!("answers so slowly that not all of it was looked at in {} s", LIMIT.as_secs());
            self.warn(&what, "run `downbeat doctor` again when the network is better");
        }
        self.looked
    }

    fn ok(&mut self, what: &str) {
        self.looked.findings.push(Finding::ok(GROUP, format!("{}: {what}", self.looked.name)));
    }

    fn warn(&mut self, what: &str, fix: impl Into<String>) {
        self.looked.findings.push(Finding::warn(GROUP, format!("{}: {what}", self.looked.name), fix));
    }

    fn fail(&mut self, what: &str, fix: impl Into<String>) {
        self.looked.findings.push(Finding::fail(GROUP, format!("{}: {what}", self.looked.name), fix));
    }

    fn key(&self, key: &str) -> String {
        format!("`repos.{}.{key}`", self.looked.name)
    }

    async fn look(&mut self) {
        if !self.unlock().await {
            return;
        }
        let Some(head) = self.reach().await else { return };
        match self.fetch(&head).await {
            Ok(mirror) => {
                self.look_for_checks(&mirror, &head).await;
                self.look_for_recipes(&mirror, &head).await;
                self.look_where_it_lands(&mirror).await;
                self.try_pushing(&mirror, &head).await;
            }
            Err(error) => {
                let what = format!("its newest commit could not be fetched: {}", plain(&error));
                self.warn(&what, "the first task fetches all of it, and may take as long as that takes");
            }
        }
    }

    /// Asks GitHub what we may do there, where it is there, and has what git logs in with.
    async fn unlock(&mut self) -> bool {
        let there = match self.there.clone() {
            Ok(Some(there)) => there,
            Ok(None) => return true,
            Err(error) => {
                self.fail(&error.to_string(), "set `github.private_key` to the .pem that the App's page gave");
                return false;
            }
        };
        let about = match there.client.about(&there.repo).await {
            Ok(about) => about,
            Err(error) => {
                let fix =
                    format!("run this again after that; {} says where it is, [github] who we are", self.key("github"));
                self.fail(&error.to_string(), fix);
                return false;
            }
        };
        let (asked, named) = (there.repo.to_string(), about.full_name.clone());
        if !asked.eq_ignore_ascii_case(&named) {
            self.warn(&format!("{asked} is called {named} on GitHub now"), format!("set {} to it", self.key("github")));
        }
        if about.archived {
            self.fail(&format!("{named} is archived on GitHub"), "take it out of the archive, or out of the config");
        } else if !about.permissions.push {
            let fix = "give the token or the App \"Contents: write\" there, or choose the repository in its settings";
            self.fail(&format!("nothing can be pushed to {named} on GitHub"), fix);
        } else {
            self.ok(&format!("changes become pull requests of {named} on GitHub"));
        }
        let keyring = GitLogin::keyring(&there.client, &there.repo);
        match self.repo.remote.clone().with_keyring(keyring).unlocked().await {
            Ok(remote) => self.remote = remote,
            Err(error) => self.fail(&error.to_string(), "look at [github] in the config"),
        }
        true
    }

    /// Asks for its branches; the head of the target.
    async fn reach(&mut self) -> Option<Sha> {
        let (remote, target) = (&self.remote, &self.repo.target);
        let fix = format!("set {} to where it is, or make that place answer", self.key("remote"));
        if let Some(path) = remote.local_path().filter(|path| !path.exists()) {
            self.fail(&format!("there is nothing at {}", path.display()), fix);
            return None;
        }
        let git = &self.site.git;
        let call = git.call("ls-remote", &git.settings().home).remote(remote);
        let listed = match call.args([Remote::NAME, "refs/heads/*"]).text().await {
            Ok(listed) => listed,
            Err(error) => {
                self.fail(&format!("{remote} cannot be read: {}", plain(&error)), fix);
                return None;
            }
        };
        let branches: Vec<_> = listed.lines().filter_map(|line| line.split_once("\trefs/heads/")).collect();
        let head = branches.iter().find(|(_, name)| *name == target.as_str()).and_then(|(sha, _)| sha.parse().ok());
        if head.is_none() {
            let names: Vec<_> = branches.iter().take(BRANCHES_NAMED_MAX).map(|(_, name)| format!("`{name}`")).collect();
            let fix = match names.is_empty() {
                true => "make a first commit there".to_owned(),
                false => format!("set {} to one of {}", self.key("target"), names.join(", ")),
            };
            self.fail(&format!("{remote} has no branch `{target}`"), fix);
            return None;
        }
        self.ok(&format!("{remote} answers and has `{target}`"));
        head
    }

    /// Fetches the one commit into a repository of our own.
    async fn fetch(&self, head: &Sha) -> Result<Mirror, GitError> {
        let scratch = &self.site.scratch;
        let path = scratch.join(format!("{}.git", self.looked.name.as_str().replace('/', "+")));
        let (remote, target) = (self.remote.clone(), self.repo.target.clone());
        let mirror = Mirror::open(self.site.git.clone(), path.clone(), scratch.clone(), remote, target).await?;
        let call = self.site.git.call("fetch", &path).git_dir(&path).remote(&self.remote);
        let refs = format!("{head}:refs/heads/{}", self.repo.target);
        call.args(["--quiet", "--no-tags", "--depth=1", Remote::NAME, refs.as_str()]).bytes().await?;
        Ok(mirror)
    }

    async fn look_for_checks(&mut self, mirror: &Mirror, head: &Sha) {
        let file = match mirror.file_at(head, CHECKS_FILE).await {
            Ok(file) => file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => {
                return self.fail(&format!("{CHECKS_FILE} cannot be read: {error}"), "correct it in the repository");
            }
        };
        let (gate, whose) = match gate_from_toml(file.as_deref()) {
            Ok(Gate::Missing) => (self.repo.checks.clone().unwrap_or(Gate::Missing), self.key("checks")),
            Ok(gate) => (gate, CHECKS_FILE.to_owned()),
            Err(error) => {
                let fix = format!("correct it on `{}`; until then nothing lands", self.repo.target);
                return self.fail(&error.to_string(), fix);
            }
        };
        match &gate {
            Gate::Checks(checks) => {
                let names: Vec<_> = checks.iter().map(|check| format!("`{}`", check.command)).collect();
                self.ok(&format!("a change lands when {} passed ({whose})", names.join(" and ")));
            }
            Gate::Untested => {
                self.warn(&format!("every change lands untested ({whose})"), format!("name checks in {CHECKS_FILE}"))
            }
            Gate::Missing => {
                let fix = format!("name checks in {CHECKS_FILE}, or as {}", self.key("checks"));
                self.warn("it names no checks, so nothing can land", fix);
            }
        }
        self.looked.gate = Some(gate);
    }

    async fn look_for_recipes(&mut self, mirror: &Mirror, head: &Sha) {
        let folder = format!("{RECIPES_DIR}/");
        let call = self.site.git.call("ls-tree", mirror.path()).git_dir(mirror.path());
        let listed = call.args(["--name-only", head.as_str(), &folder]).text().await.unwrap_or_default();
        let mut named = Vec::new();
        for file in listed.lines().filter(|file| file.ends_with(".toml")) {
            let text = mirror.file_at(head, file).await.ok().flatten().unwrap_or_default();
            match parse_recipe(file, &String::from_utf8_lossy(&text)) {
                Ok(_) => named.extend(Path::new(file).file_stem().map(|name| name.to_string_lossy().into_owned())),
                Err(error) => self.fail(&error.to_string(), format!("correct it on `{}`", self.repo.target)),
            }
        }
        self.looked.has_recipes = !named.is_empty();
        if !named.is_empty() {
            self.ok(&format!("recipes: {}", named.join(", ")));
        }
    }

    async fn look_where_it_lands(&mut self, mirror: &Mirror) {
        let Ok(place) = LocalForge::new(mirror.clone()).landing_place().await else { return };
        if let Some(merge) = place.merge {
            let what = format!(
                "somebody works in it, so changes land on {} and wait there for: cd {} && {}",
                place.reference,
                merge.directory.display(),
                merge.line
            );
            self.ok(&what);
        }
    }

    /// Goes as far as a push can without one, with the target's own head.
    async fn try_pushing(&mut self, mirror: &Mirror, head: &Sha) {
        let remote = &self.remote;
        if let Some(path) = remote.local_path() {
            let git_dir = if path.join(".git").is_dir() { path.join(".git") } else { path.to_owned() };
            let folders = ["objects", "refs"].map(|folder| git_dir.join(folder));
            if let Some(folder) = folders.iter().find(|folder| access(*folder, AccessFlags::W_OK).is_err()) {
                let what = format!("nothing can land: {} cannot be written", folder.display());
                return self.fail(
                    &what,
                    format!("make it writable for this user, or set {} to another clone", self.key("remote")),
                );
            }
        }
        let call = self.site.git.call("push", mirror.path()).git_dir(mirror.path()).remote(remote);
        let update = format!("{head}:{PROBE}");
        match call.args(["--dry-run", "--porcelain", "--no-verify", Remote::NAME, update.as_str()]).bytes().await {
            Ok(_) => self.ok("it takes pushes"),
            Err(error) => {
                let fix = format!("give this machine's key or the login in {} the right to push", self.key("remote"));
                self.fail(&format!("nothing can land: a push is refused: {}", plain(&error)), fix);
            }
        }
    }
}

/// Git's words for what people would say otherwise. The first that fits counts.
const PLAIN: [(&str, &str); 12] = [
    ("Could not resolve host", "its host has no address: the name is wrong, or there is no network"),
    ("Name or service not known", "its host has no address: the name is wrong, or there is no network"),
    ("Connection refused", "nobody listens there"),
    ("Network is unreachable", "there is no network"),
    ("Connection timed out", "it does not answer"),
    ("Permission denied (publickey", "it does not know our ssh key (see `ssh-add -l`)"),
    ("Host key verification failed", "its ssh host key is unknown here; connect once with ssh"),
    ("Authentication failed", "it does not take the login of its address"),
    ("could not read Username", "it asks for a login, and its address has none"),
    ("dubious ownership", "it belongs to another user of this machine"),
    ("does not appear to be a git repository", "there is no git repository"),
    ("not found", "there is no repository, or none that we may see"),
];

fn plain(error: &GitError) -> String {
    match error {
        GitError::TimedOut { .. } => format!("it did not answer within {} s", REMOTE_LIMIT.as_secs()),
        GitError::Failed { stderr, .. } => {
            let known = PLAIN.iter().find(|(words, _)| stderr.contains(words));
            known.map_or_else(|| stderr.clone(), |(_, plain)| (*plain).to_owned())
        }
        GitError::TooOld { .. }
        | GitError::NotStarted { .. }
        | GitError::NoRoom { .. }
        | GitError::TooMuchOutput { .. }
        | GitError::Unrelated { .. }
        | GitError::Unreadable { .. }
        | GitError::NoLogin(_)
        | GitError::Io { .. } => error.to_string(),
    }
}
