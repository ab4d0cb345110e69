//! What a repository and its machine offer, for whoever has written no config: looked at, never changed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use agents::egress::{KNOWN_PROVIDERS, KnownProvider};
use domain::{BranchName, Person, RepoName};
use forge::{Git, GitError, LocateError, Located, locate_repository};

use crate::place::fits_a_name;

pub mod draft;
pub mod key;
pub mod version;

mod checks;
mod programs;

pub use checks::FoundCheck;
pub use programs::{FoundAgent, Toolchain, toolchain_of};

/// What was found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What the repository is called.
    pub name: RepoName,
    /// The repository, its remote and its target branch.
    pub located: Located,
    /// The branches that the repository has or remembers of its remote.
    pub branches: Vec<BranchName>,
    /// The person at the keyboard.
    pub person: Person,
    /// How it is checked, where it does not say so itself.
    pub check: Option<FoundCheck>,
    /// Whether it names its checks itself.
    pub names_checks: bool,
    /// Toolchains that its checks need and that lie where the cage would not let them be read.
    pub toolchains: Vec<Toolchain>,
    /// Coding agents on `PATH`.
    pub agents: Vec<FoundAgent>,
    /// Providers of models whose key is in the environment.
    pub providers: Vec<&'static KnownProvider>,
}

/// A program that a person wants as an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCommand {
    /// What people call it in `agent=`.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What of it lies where the cage would not let it be read.
    pub toolchain: Option<Toolchain>,
}

impl AgentCommand {
    /// The agent that a line for `sh -c` is, named after its program.
    pub fn of_line(line: &str, around: &Surroundings) -> Self {
        let program = line.split_whitespace().find(|word| !word.contains('=')).unwrap_or("agent");
        let stem = Path::new(program).file_stem().unwrap_or_default().to_string_lossy();
        let name: String = stem.chars().filter(|c| fits_a_name(*c)).collect();
        let name = if name.is_empty() || name == "recipes" { "agent".to_owned() } else { name };
        let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()];
        Self { name, command, toolchain: programs::of_line(line, around) }
    }
}

/// What the environment tells, taken as an argument so that a test can tell something else.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment.
    pub env: BTreeMap<OsString, OsString>,
    /// The person's login.
    pub login: Option<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn ours() -> Self {
        Self { env: std::env::vars_os().collect(), login: crate::place::login() }
    }

    /// The directory that a variable names, else one below the home.
    fn dir(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let dir = |name: &str| self.env.get(OsStr::new(name)).map(PathBuf::from);
        dir(variable).or_else(|| Some(dir("HOME")?.join(below_home)))
    }
}

/// Looks at the repository around `here`. Nothing of its remote is asked for when that is on the network.
pub async fn survey(git: &Git, here: &Path, around: &Surroundings) -> Result<Survey, LocateError> {
    let located = locate_repository(git, here, None).await?;
    let names_checks = located.top.join(forge::checks::CHECKS_FILE).is_file();
    let check = if names_checks { None } else { checks::find(&located.top) };
    Ok(Survey {
        name: name_of(&located.top.to_string_lossy()),
        branches: branches(git, &located).await?,
        person: person_of(around.login.as_deref()),
        toolchains: programs::toolchains(&located.top, around),
        agents: programs::agents(around),
        providers: providers_of(around),
        located,
        check,
        names_checks,
    })
}

/// The branches of a clone, or those that it remembers of its origin; the target first, then by name.
async fn branches(git: &Git, located: &Located) -> Result<Vec<BranchName>, GitError> {
    let is_itself = located.remote.local_path() == Some(&*located.top);
    let refs = if is_itself { "refs/heads" } else { "refs/remotes/origin" };
    let depth = if is_itself { "%(refname:lstrip=2)" } else { "%(refname:lstrip=3)" };
    let listed = git.call("for-each-ref", &located.top).args([&format!("--format={depth}"), refs]).text().await?;
    let others = listed.lines().filter(|name| *name != "HEAD").filter_map(|name| name.parse().ok());
    let others = others.filter(|name| *name != located.target);
    Ok([located.target.clone()].into_iter().chain(others).collect())
}

/// The coding agents on `PATH`.
pub fn agents_on_path(around: &Surroundings) -> Vec<FoundAgent> {
    programs::agents(around)
}

/// The known providers whose key is in the environment.
pub fn providers_of(around: &Surroundings) -> Vec<&'static KnownProvider> {
    let has_key =
        |known: &&KnownProvider| around.env.get(OsStr::new(known.variable)).is_some_and(|key| !key.is_empty());
    KNOWN_PROVIDERS.iter().filter(has_key).collect()
}

/// What a repository at a path or an address is called: the last part of it that is a name.
pub fn name_of(address: &str) -> RepoName {
    let last = address.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name: String = last.trim_end_matches(".git").chars().filter(|c| fits_a_name(*c)).collect();
    let fallback = || "repository".parse().expect("it is a name");
    name.trim_matches(['.', '-']).parse().unwrap_or_else(|_| fallback())
}

/// The person whose login this is.
pub fn person_of(login: Option<&str>) -> Person {
    let name: String = login.unwrap_or_default().chars().filter(|c| fits_a_name(*c)).collect();
    name.parse().unwrap_or_else(|_| "me".parse().expect("it is a name"))
}
