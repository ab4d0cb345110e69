//! A tree, a model that follows a script, a gate before it, and an agent of the roster that works there in its cage.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agents::cage::{Cage, CageSettings, ProgressSink};
use agents::session::event::AgentEvent;
use agents::session::people::{People, Question, Reply, Steer};
use agents::session::{Agent, AgentSettings, Roster, Session, SessionError, ToolServer, Witness, Worked};
use agents::task::PlanDraft;
use agents::workspace::{Workspace, WorkspaceSettings, Workspaces};
use async_trait::async_trait;
use domain::TaskId;
use forge::{Gate, GitSettings, RepoSettings, Repositories};
use tempfile::TempDir;
use tests::git::{FileText, RemoteRepository};
use tests::model::Model;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::gate::{self, OpenGate};

/// The longest that a real agent takes for one small job, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Everybody who follows a session.
#[derive(Default)]
pub struct Team {
    pub lines: Mutex<Vec<String>>,
    pub events: Mutex<Vec<AgentEvent>>,
    pub asked: Mutex<Vec<Question>>,
    /// What the next questions are answered with; nobody answers when there is nothing left.
    pub answers: Mutex<Vec<&'static str>>,
    /// What is stopped at the first line that has this in it.
    pub stops: Mutex<Option<(&'static str, CancellationToken)>>,
    /// Who is told what at the first line that has this in it.
    pub steers: Mutex<Option<(&'static str, mpsc::Sender<Steer>, Steer)>>,
}

impl ProgressSink for Team {
    fn line(&self, text: &str) {
        if let Some((_, stop)) = self.stops.lock().unwrap().take_if(|(word, _)| text.contains(*word)) {
            stop.cancel();
        }
        self.lines.lock().unwrap().push(text.to_owned());
        let steers = self.steers.lock().unwrap().take_if(|(word, ..)| text.contains(*word));
        if let Some((_, steering, steer)) = steers {
            steering.try_send(steer).unwrap();
        }
    }
}

impl Witness for Team {
    fn event(&self, event: &AgentEvent) {
        self.events.lock().unwrap().push(event.clone());
    }
}

#[async_trait]
impl People for Team {
    async fn ask(&self, question: Question) -> Reply {
        self.asked.lock().unwrap().push(question);
        match self.answers.lock().unwrap().pop() {
            Some(text) => Reply::Answered { by: "ana".parse().unwrap(), text: text.to_owned() },
            None => Reply::Unanswered,
        }
    }
}

/// One project with one agent.
pub struct World {
    _dir: TempDir,
    _model: Model,
    pub team: Arc<Team>,
    pub workspace: Workspace,
    agent: Arc<dyn Agent>,
    gate: OpenGate,
    /// When the session is to be stopped.
    pub stop: CancellationToken,
    pub tools: Option<ToolServer>,
}

/// Where the real agents are installed, if they are.
pub fn program(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository");
    let peers = std::env::var_os("DOWNBEAT_PEERS").map_or_else(|| PathBuf::from("target/peers"), PathBuf::from);
    let found = root.join(peers).join("agents/node_modules/.bin").join(name);
    let found = found.exists().then_some(found);
    if found.is_none() {
        eprintln!("skipped: {name} is not installed; `cargo xtask test --agents all` does it");
    }
    found
}

impl World {
    /// The agent of these settings, before a _model: model that follows this script.
    pub async fn new(settings: AgentSettings, script: &str) -> Self {
        Self::with_files(settings, script, &[("README.md", "hello\n")]).await
    }

    /// The same in a repository with these files.
    pub async fn with_files(settings: AgentSettings, script: &str, files: &[FileText<'_>]) -> Self {
        let dir = TempDir::new().unwrap();
        let remote = RemoteRepository::bare(&dir.path().join("remote"), files);
        let one = RepoSettings {
            name: "web".parse().unwrap(),
            remote: remote.path().to_str().unwrap().parse().unwrap(),
            target: "main".parse().unwrap(),
            gate: Gate::Missing,
            github: None,
        };
        let git = GitSettings::new("git", dir.path().join("git-home"));
        let repositories = Repositories::open(&dir.path().join("mirrors"), &[one], git).await.unwrap();
        let repository = repositories.iter().next().unwrap().clone();
        repository.mirror.sync().await.unwrap();
        let base = repository.forge.target_head().await.unwrap();
        let workspaces = Workspaces::new(dir.path().join("workspaces"), WorkspaceSettings::default());
        let branch = "downbeat/T-1".parse().unwrap();
        let workspace = workspaces.create(TaskId::new(1), &repository, &base, &branch).await.unwrap();
        let launcher = env!("CARGO_BIN_EXE_downbeat-under-test").into();
        let cage = Cage::new(CageSettings { launcher, ..CageSettings::default() });
        let agent = Roster::new([("robot".to_owned(), settings)].into(), &cage).get("robot").unwrap();
        // It has a runtime of its own, which cannot be started inside of another.
        let model = std::thread::scope(|scope| scope.spawn(|| Model::of(script)).join()).unwrap();
        let gate = gate::open(&workspace.private().join("gate.sock"), &model.url());
        let (team, stop) = (Arc::new(Team::default()), CancellationToken::new());
        Self { _dir: dir, _model: model, team, workspace, agent, gate, stop, tools: None }
    }

    fn session<'a>(&'a self, prompt: &'a str) -> (Session<'a>, mpsc::Sender<Steer>) {
        let (says, steering) = mpsc::channel(4);
        let session = Session {
            witness: &*self.team,
            people: &*self.team,
            steering,
            gate: Some(self.gate.door()),
            tools: self.tools.clone(),
            stop: self.stop.clone(),
            time_max: PATIENCE,
            ..Session::unattended(&self.workspace, prompt, &*self.team)
        };
        (session, says)
    }

    pub async fn plan(&self, prompt: &str) -> Result<PlanDraft, SessionError> {
        let (session, _says) = self.session(prompt);
        self.agent.plan(session).await
    }

    pub async fn work(&self, prompt: &str) -> Result<Worked, SessionError> {
        let (session, _says) = self.session(prompt);
        self.agent.work(session, None).await
    }

    /// Works, and is told this at the first line that has the word.
    pub async fn work_steered(&self, prompt: &str, at: &'static str, steer: Steer) -> Result<Worked, SessionError> {
        let (session, says) = self.session(prompt);
        *self.team.steers.lock().unwrap() = Some((at, says, steer));
        self.agent.work(session, None).await
    }

    /// A file of the tree.
    pub fn file(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.workspace.tree().join(path)).ok()
    }

    /// What people read, without what differs from run to run.
    pub fn told(&self) -> String {
        self.team.lines.lock().unwrap().join("\n")
    }
}
