//! One real turn of an agent: it starts in the cage, reaches its model through a gate with the key of the config, and
//! answers. What it costs is what a few words cost.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agents::cage::SilentSink;
use agents::egress::{AllowList, Egress, Guest, OpenGate, Ports, SESSIONS_LIST};
use agents::session::{Agent, Models, Roster, Session, SessionError, Unattended};
use agents::workspace::{Workspace, WorkspaceSettings, Workspaces};
use domain::TaskId;
use forge::{Gate, RepoSettings, Repositories, Repository};

use super::Site;
use super::finding::{Finding, Group};

/// The longest that it may take. A slow model answers a word within half a minute; a busy one is tried again inside.
const LIMIT: Duration = Duration::from_secs(120);
/// Silence after which nothing comes any more.
const SILENCE: Duration = Duration::from_secs(60);
/// Characters of the answer that are shown.
const ANSWER_CHARS_MAX: usize = 60;

/// What it is asked.
const PROMPT: &str = "Answer with the one word ready. Use no tools, and change nothing.\n";

/// Has the agent of this name answer once, in a repository of its own that goes with the scratch directory.
#[expect(clippy::disallowed_methods, reason = "how long an agent takes to answer is real time")]
pub(super) async fn try_turn(site: &Site, name: &str, n: usize) -> Finding {
    let since = Instant::now();
    match answer(site, name, n).await {
        Ok(said) => {
            let (seconds, said) = (since.elapsed().as_secs_f32(), shown(&said));
            Finding::ok(Group::Agents, format!("{name}: answered one turn in {seconds:.1} s: “{said}”"))
        }
        Err(error) => failed(name, &error),
    }
}

async fn answer(site: &Site, name: &str, n: usize) -> Result<String, SessionError> {
    let roster = Roster::new(site.config().agents.clone(), &site.cage);
    let agent = roster.get(name).ok_or_else(|| SessionError::Failed("is not in the config".to_owned()))?;
    let (dir, repository) = (site.scratch.join(format!("turn-{n}")), repository(site, n).await?);
    let workspace = workspace(&dir, &repository).await?;
    let gate = gate(site, &*agent, &workspace, &repository).await?;
    let unattended = Session::unattended(&workspace, PROMPT, &SilentSink);
    let models: &dyn Models = gate.as_ref().map_or(&Unattended, |gate| gate);
    let session =
        Session { models, gate: gate.as_ref().map(OpenGate::door), time_max: LIMIT, idle_max: SILENCE, ..unattended };
    Ok(agent.work(session, None).await?.answer)
}

/// A repository with one commit that has nothing in it.
async fn repository(site: &Site, n: usize) -> Result<Repository, SessionError> {
    let remote = site.scratch.join(format!("turn-{n}.git"));
    let around = |error: &dyn std::fmt::Display| SessionError::Surroundings(error.to_string());
    std::fs::create_dir_all(&remote).map_err(|error| around(&error))?;
    let made = async {
        site.git.call("init", &remote).args(["--quiet", "--bare", "--initial-branch=main", "."]).bytes().await?;
        let tree = site.git.call("hash-object", &remote).git_dir(&remote).args(["-w", "-t", "tree", "--stdin"]);
        let tree = tree.stdin(Vec::new()).text().await?;
        let commit = site.git.call("commit-tree", &remote).git_dir(&remote).args([tree.trim(), "-m", "nothing"]);
        let commit = commit.env("GIT_AUTHOR_NAME", "doctor").env("GIT_AUTHOR_EMAIL", "doctor@downbeat.invalid");
        let commit = commit.env("GIT_COMMITTER_NAME", "doctor").env("GIT_COMMITTER_EMAIL", "doctor@downbeat.invalid");
        let commit = commit.text().await?;
        let point = site.git.call("update-ref", &remote).git_dir(&remote);
        point.args(["refs/heads/main", commit.trim()]).bytes().await
    };
    made.await.map_err(|error| around(&error))?;
    let one = RepoSettings {
        name: "doctor".parse().map_err(|error| around(&error))?,
        remote: remote.display().to_string().parse().map_err(|error| around(&error))?,
        target: "main".parse().map_err(|error| around(&error))?,
        gate: Gate::Missing,
        github: None,
    };
    let mirrors = site.scratch.join(format!("turn-{n}-mirrors"));
    let opened = Repositories::open(&mirrors, &[one], site.git.settings().clone()).await;
    let repositories = opened.map_err(|error| around(&error))?;
    repositories.iter().next().cloned().ok_or_else(|| around(&"there is no repository"))
}

async fn workspace(dir: &Path, repository: &Repository) -> Result<Workspace, SessionError> {
    let around = |error: &dyn std::fmt::Display| SessionError::Surroundings(error.to_string());
    let base = repository.forge.target_head().await.map_err(|error| around(&error))?;
    let branch = "downbeat/doctor".parse().map_err(|error| around(&error))?;
    let workspaces = Workspaces::new(dir, WorkspaceSettings { pool: 0, ..WorkspaceSettings::default() });
    workspaces.create(TaskId::new(1), repository, &base, &branch).await.map_err(|error| around(&error))
}

/// The way to its model, where it has one.
async fn gate(
    site: &Site,
    agent: &dyn Agent,
    workspace: &Workspace,
    repository: &Repository,
) -> Result<Option<OpenGate>, SessionError> {
    let failed = |error: io::Error| SessionError::Surroundings(format!("the way out cannot be opened: {error}"));
    // Sessions of an instance may run beside it.
    let egress = Egress::new(&site.config().egress_settings(), Ports::OfTheMachine).map_err(failed)?;
    let known = egress.providers();
    let models: Vec<_> = agent.providers().into_iter().filter(|name| known.contains(name)).collect();
    if models.is_empty() {
        return Ok(None);
    }
    let guest = Guest {
        repo: repository.name.clone(),
        dir: workspace.private().to_owned(),
        allow: AllowList::default(),
        models,
        people: None,
        list: SESSIONS_LIST,
        noted: None,
        sink: Arc::new(SilentSink),
    };
    egress.open(guest).await.map(Some).map_err(failed)
}

/// What failed, and what to do: most errors end with their own next step.
fn failed(name: &str, error: &SessionError) -> Finding {
    let told = error.to_string();
    let what = |what: &str| format!("{name}: its turn failed: the agent {what}");
    match (error, told.rsplit_once("; ")) {
        (SessionError::PutOff(why), _) => Finding::warn(
            Group::Agents,
            format!("{name}: its turn came to no answer: {why}"),
            "try again later; a session that meets this waits and goes on by itself",
        ),
        (SessionError::Failed(_) | SessionError::CouldNotStart(_), Some((why, next))) if !next.contains('\n') => {
            Finding::fail(Group::Agents, what(why), next)
        }
        (
            SessionError::Failed(_)
            | SessionError::CouldNotStart(_)
            | SessionError::Surroundings(_)
            | SessionError::Stopped,
            _,
        ) => Finding::fail(Group::Agents, what(&told), "docs/agents.md tells what each agent needs"),
    }
}

fn shown(said: &str) -> String {
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("no words").trim();
    let cut: String = line.chars().take(ANSWER_CHARS_MAX).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &SessionError) -> String {
        failed("coder", error).text(false)
    }

    #[test]
    fn a_turn_that_failed_names_the_next_step() {
        let refused = "is not let in by its model: bad key; set a key that works for `providers.openai`, then retry";
        let told = "  fail  coder: its turn failed: the agent is not let in by its model: bad key
        → set a key that works for `providers.openai`, then retry\n";
        assert_eq!(text(&SessionError::Failed(refused.into())), told);
        assert!(text(&SessionError::PutOff("openai is overloaded: busy".into())).starts_with("  warn  coder: "));
        assert!(text(&SessionError::Failed("hangs".into())).contains("→ docs/agents.md"));
        assert_eq!(shown("\n ready \nmore"), "ready");
    }
}
