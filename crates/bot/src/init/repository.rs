//! Which repository a new config is for: one on this machine, which is looked at, or one at an address, which is asked.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use domain::BranchName;
use forge::{Git, Remote};

use super::InitArgs;
use super::interview::{Interview, Question};
use crate::place::repository_around;
use crate::survey::draft::{Draft, DraftCheck};
use crate::survey::{Surroundings, agents_on_path, name_of, person_of, providers_of, survey};

/// What is known of the repository before anything else is asked.
pub struct Chosen {
    /// The config as far as it can be guessed.
    pub draft: Draft,
    /// The branches that landings can aim at, the most likely one first; empty when nobody knows.
    pub branches: Vec<BranchName>,
    /// Where it is on this machine.
    pub top: Option<PathBuf>,
}

/// Where changes go.
enum Landing {
    Origin(Remote),
    Here(Remote),
}

impl fmt::Display for Landing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(remote) => write!(f, "on its origin, {remote}"),
            Self::Here(remote) => write!(f, "here, in {remote}: nothing leaves this machine"),
        }
    }
}

/// Asks which repository is meant, until one is found.
pub async fn choose(interview: Interview, args: &InitArgs, git: &Git, here: &Path) -> anyhow::Result<Chosen> {
    let around = repository_around(here).map(|top| top.display().to_string()).unwrap_or_default();
    let question = Question { asks: "Which repository?", help: "a directory, or an ssh or https address" };
    loop {
        let named = match &args.repo {
            Some(named) => named.clone(),
            None => interview.text(question, &around, |named| match named {
                "" => Err("there is no repository here; name a directory or an address".to_owned()),
                _ => Ok(()),
            })?,
        };
        match look(&named, git, here, args).await {
            Err(error) if interview == Interview::Person && args.repo.is_none() => {
                interview.tell(&format!("{error:#}"))
            }
            Err(error) if named.is_empty() => return Err(error.context("name a repository with --repo PATH")),
            looked => return looked,
        }
    }
}

async fn look(named: &str, git: &Git, here: &Path, args: &InitArgs) -> anyhow::Result<Chosen> {
    let around = Surroundings::ours();
    let path = here.join(named);
    let remote = named.parse::<Remote>().ok().filter(|remote| remote.local_path().is_none() && !path.exists());
    let Some(remote) = remote else {
        let found = survey(git, &path, &around).await?;
        return Ok(Chosen { draft: Draft::of(&found), branches: found.branches, top: Some(found.located.top) });
    };
    let branches = match branches_of(git, &remote).await {
        Ok(branches) => branches,
        Err(error) => match &args.target {
            Some(target) => vec![target.clone()],
            None => {
                return Err(error).with_context(|| {
                    format!("failed to ask {remote} for its branches; --target BRANCH needs no answer")
                });
            }
        },
    };
    let target =
        branches.first().cloned().with_context(|| format!("{remote} has no commits yet; make a first commit there"))?;
    let draft = Draft {
        people: vec![(person_of(around.login.as_deref()), [domain::Role::Admin].into())],
        accounts: std::collections::BTreeMap::new(),
        name: name_of(remote.address()),
        remote,
        target,
        check: DraftCheck::Open,
        agent: None,
        on_path: agents_on_path(&around),
        toolchains: Vec::new(),
        providers: providers_of(&around),
    };
    Ok(Chosen { draft, branches, top: None })
}

/// The branches of a remote, the one that its `HEAD` names first.
async fn branches_of(git: &Git, remote: &Remote) -> Result<Vec<BranchName>, forge::GitError> {
    let call = git.call("ls-remote", &git.settings().home).remote(remote);
    let listed = call.args(["--symref", Remote::NAME, "HEAD", "refs/heads/*"]).text().await?;
    let usual = listed.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
    let names = listed.lines().filter_map(|line| Some(line.split_once("\trefs/heads/")?.1));
    let mut branches: Vec<BranchName> = names.filter_map(|name| name.parse().ok()).collect();
    branches.sort_by_key(|branch| usual != Some(branch.as_str()));
    Ok(branches)
}

/// Asks for its name, where changes land, and on which branch.
pub async fn refine(interview: Interview, args: &InitArgs, git: &Git, chosen: &mut Chosen) -> anyhow::Result<()> {
    let draft = &mut chosen.draft;
    draft.name = match &args.name {
        Some(name) => name.clone(),
        None => {
            let question = Question { asks: "What do people call it?", help: "the word for repo=… in a request" };
            let rule = |name: &str| name.parse::<domain::RepoName>().map(drop).map_err(|error| error.to_string());
            interview.text(question, draft.name.as_str(), rule)?.parse()?
        }
    };
    if let Some(top) = chosen.top.as_ref().filter(|top| draft.remote.local_path() != Some(top)) {
        let itself: Remote = top.display().to_string().parse()?;
        let question =
            Question { asks: "Where do changes land?", help: "origin shares them; here, you push them when you like" };
        let landing = interview.choose(question, vec![Landing::Origin(draft.remote.clone()), Landing::Here(itself)])?;
        if let Landing::Here(remote) = landing {
            chosen.branches = branches_of(git, &remote).await?;
            draft.remote = remote;
        }
    }
    chosen.draft.target = target(interview, args, chosen)?;
    Ok(())
}

fn target(interview: Interview, args: &InitArgs, chosen: &Chosen) -> anyhow::Result<BranchName> {
    let Some(target) = &args.target else {
        let question = Question { asks: "On which branch?", help: "changes are tested as they would land there" };
        return interview.choose(question, chosen.branches.clone());
    };
    let named: Vec<_> = chosen.branches.iter().take(10).map(|branch| format!("`{branch}`")).collect();
    anyhow::ensure!(
        chosen.branches.contains(target),
        "{} has no branch `{target}`; it has {}",
        chosen.draft.remote,
        named.join(", ")
    );
    Ok(target.clone())
}
