//! A repository with a mirror and a working tree, and a cage to run sessions in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use agents::cage::{Cage, CageSettings, Confinement, ProgressSink};
use agents::session::{Agent, AgentSettings, Roster, Session, SessionError, Worked};
use agents::task::PlanDraft;
use agents::workspace::{Workspace, WorkspaceError, WorkspaceSettings, Workspaces};
use domain::{Sha, TaskId, Timestamp};
use forge::{FileChange, Gate, GitSettings, RepoSettings, Repositories, Repository, Signature};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::world::block_on;

pub struct Project {
    dir: TempDir,
    pub repository: Repository,
    pub workspaces: Workspaces,
    pub base: Sha,
    pub heard: Heard,
    pub stop: CancellationToken,
    /// What its agents are held by; not whatever this machine happens to have.
    pub confinement: Confinement,
}

/// Keeps every line.
#[derive(Default)]
pub struct Heard {
    pub lines: Mutex<Vec<String>>,
    pub stop_at_first: Option<CancellationToken>,
}

impl ProgressSink for Heard {
    fn line(&self, text: &str) {
        self.lines.lock().unwrap().push(text.to_owned());
        if let Some(stop) = &self.stop_at_first {
            stop.cancel();
        }
    }
}

impl Project {
    /// A repository with one commit that has these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, WorkspaceSettings::default())
    }

    pub fn with(files: &[(&str, &str)], settings: WorkspaceSettings) -> Self {
        let dir = TempDir::new_in("/var/tmp").unwrap();
        let remote = dir.path().join("remote");
        for (path, text) in files {
            let path = remote.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        git(&remote, &["init", "--quiet", "--initial-branch=main"]);
        git(&remote, &["add", "--all"]);
        git(&remote, &["commit", "--quiet", "--message=first"]);
        let base = git(&remote, &["rev-parse", "HEAD"]).trim().parse().unwrap();
        let settings_of_git = GitSettings::new("git", dir.path().join("git-home"));
        let one = RepoSettings {
            name: "web".parse().unwrap(),
            remote: remote.to_str().unwrap().parse().unwrap(),
            target: "main".parse().unwrap(),
            gate: Gate::Missing,
            github: None,
        };
        let repositories = block_on(Repositories::open(&dir.path().join("mirrors"), &[one], settings_of_git)).unwrap();
        let repository = repositories.iter().next().unwrap().clone();
        block_on(repository.mirror.sync()).unwrap();
        let workspaces = Workspaces::new(dir.path().join("workspaces"), settings);
        Self {
            dir,
            repository,
            workspaces,
            base,
            heard: Heard::default(),
            stop: CancellationToken::new(),
            confinement: Confinement::Standard,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn workspace(&self) -> Workspace {
        let branch = "downbeat/T-1".parse().unwrap();
        block_on(self.workspaces.create(TaskId::new(1), &self.repository, &self.base, &branch)).unwrap()
    }

    pub fn agent(&self, settings: AgentSettings) -> std::sync::Arc<dyn Agent> {
        let settings = [("robot".to_owned(), settings)].into();
        Roster::new(settings, &Cage::new(CageSettings { confinement: self.confinement, ..CageSettings::default() }))
            .get("robot")
            .unwrap()
    }

    /// A `command` agent that is two lines of shell.
    pub fn shell(&self, work: &str, plan: Option<&str>) -> std::sync::Arc<dyn Agent> {
        let line = |script: &str| ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let env = [("FLAVOUR".to_owned(), "plain".to_owned())].into();
        self.agent(AgentSettings::Command { command: line(work), plan: plan.map(line), env })
    }

    pub fn plan(&self, agent: &dyn Agent, workspace: &Workspace, request: &str) -> Result<PlanDraft, SessionError> {
        block_on(agent.plan(self.session(workspace, request)))
    }

    pub fn work(&self, agent: &dyn Agent, workspace: &Workspace, request: &str) -> Result<Worked, SessionError> {
        block_on(agent.work(self.session(workspace, request), None))
    }

    fn session<'a>(&'a self, workspace: &'a Workspace, request: &'a str) -> Session<'a> {
        let stop = self.stop.clone();
        let time_max = Duration::from_secs(20);
        Session { stop, time_max, ..Session::unattended(workspace, request, &self.heard) }
    }

    /// What a commit of the tree would change; none when nothing changed.
    pub fn commit(&self, workspace: &Workspace) -> Result<Option<Vec<FileChange>>, WorkspaceError> {
        let author = Signature {
            name: "a".into(),
            email: "a@example.invalid".into(),
            at: Timestamp::from_ms(1_700_000_000_000),
        };
        let head = block_on(self.workspaces.commit(workspace, "work", &author))?;
        let changes = |head: Sha| block_on(self.repository.mirror.changes(&workspace.base, &head)).unwrap();
        Ok(head.map(changes))
    }

    /// The refs of the mirror with what they point at.
    pub fn refs(&self) -> String {
        git(self.repository.mirror.path(), &["for-each-ref"])
    }
}

/// Paths with counts, as a test reads them.
pub fn told(changes: &[FileChange]) -> String {
    let one = |change: &FileChange| format!("{} +{} -{}", change.path, change.added, change.removed);
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Git without anybody's configuration.
pub fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "ana")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "ana@example.invalid")))
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
