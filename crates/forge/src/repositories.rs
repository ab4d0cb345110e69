//! The repositories of one installation, each with its mirror and its forge.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use domain::{BranchName, RepoName};

use crate::checks::Gate;
use crate::forge::Forge;
use crate::git::{Git, GitError, GitSettings};
use crate::github::GitHub;
use crate::github::forge::OnGitHub;
use crate::github::keys::GitLogin;
use crate::local::LocalForge;
use crate::mirror::Mirror;
use crate::remote::Remote;

/// One repository as the config describes it.
#[derive(Clone, Debug)]
pub struct RepoSettings {
    /// What people call it.
    pub name: RepoName,
    /// An absolute path, an ssh or an https address. It may carry credentials, which are never shown.
    pub remote: Remote,
    /// The branch that landings aim at.
    pub target: BranchName,
    /// What is demanded of a commit that names no checks itself.
    pub gate: Gate,
    /// Where its pull requests are; none where a published branch is all there is.
    pub github: Option<OnGitHub>,
}

/// One repository, ready to be worked with. Cloning it is cheap.
#[derive(Clone)]
pub struct Repository {
    /// What people call it.
    pub name: RepoName,
    /// The branch that landings aim at.
    pub target: BranchName,
    /// What is demanded of a commit that names no checks itself.
    pub gate: Gate,
    /// Where its objects are.
    pub mirror: Mirror,
    /// Where its branches are published and landed.
    pub forge: Arc<dyn Forge>,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({} at {})", self.name, self.mirror.remote())
    }
}

/// All repositories of an installation, by name.
#[derive(Clone, Debug, Default)]
pub struct Repositories {
    by_name: BTreeMap<RepoName, Repository>,
}

/// Why the repositories could not be made ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Git is missing, too old, or could not make a mirror.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Two repositories of one name.
    #[error("repository `{0}` is configured twice")]
    Twice(RepoName),
}

impl RepoSettings {
    /// Its address, with whoever knows what to log in there with.
    pub fn remote(&self) -> Remote {
        match &self.github {
            None => self.remote.clone(),
            Some(there) => self.remote.clone().with_keyring(GitLogin::keyring(&there.client, &there.repo)),
        }
    }

    fn forge(&self, git: LocalForge) -> Arc<dyn Forge> {
        match self.github.clone() {
            None => Arc::new(git),
            Some(OnGitHub { client, repo, labels }) => Arc::new(GitHub::new(git, client, repo, labels)),
        }
    }
}

impl FromIterator<Repository> for Repositories {
    /// Those that are open already; of two with one name the later counts.
    fn from_iter<I: IntoIterator<Item = Repository>>(opened: I) -> Self {
        Self { by_name: opened.into_iter().map(|one| (one.name.clone(), one)).collect() }
    }
}

impl Repositories {
    /// Makes a mirror for each repository under `root`. No remote is spoken to.
    pub async fn open(root: &Path, settings: &[RepoSettings], git: GitSettings) -> Result<Self, OpenError> {
        let git = Git::open(git).await?;
        let mut by_name = BTreeMap::new();
        for one in settings {
            // `acme/web` must not lie within `acme`, and no name holds a `+`.
            let path = root.join(format!("{}.git", one.name.as_str().replace('/', "+")));
            let scratch = root.join("scratch");
            let mirror = Mirror::open(git.clone(), path, scratch, one.remote(), one.target.clone()).await?;
            let forge = one.forge(LocalForge::new(mirror.clone()));
            let (name, target, gate) = (one.name.clone(), one.target.clone(), one.gate.clone());
            let repository = Repository { name, target, gate, mirror, forge };
            if by_name.insert(one.name.clone(), repository).is_some() {
                return Err(OpenError::Twice(one.name.clone()));
            }
        }
        Ok(Self { by_name })
    }

    /// The repository of this name.
    pub fn get(&self, name: &RepoName) -> Option<&Repository> {
        self.by_name.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Repository> {
        self.by_name.values()
    }
}
