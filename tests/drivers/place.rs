//! A repository, a workspace, a gate to the scripted model, and people who answer what a test says.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agents::cage::{Cage, CageSettings, Door, ProgressSink};
use agents::session::event::{AgentEvent, Usage};
use agents::session::people::{People, Question, Reply, Steer};
use agents::session::{
    Agent, AgentSettings, ProgramSettings, Roster, Session, SessionError, Unattended, Witness, Worked,
};
use agents::task::PlanDraft;
use agents::workspace::{Workspace, WorkspaceSettings, Workspaces};
use async_trait::async_trait;
use domain::TaskId;
use forge::{Gate, GitSettings, RepoSettings, Repositories, Repository};
use tempfile::TempDir;
use tests::git::RemoteRepository;
use tests::model::Model;
use tests::peers;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = env!("CARGO_BIN_EXE_downbeat-under-test");

/// The agents that are driven in their own languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Claude,
    Codex,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    fn settings(self, settings: ProgramSettings) -> AgentSettings {
        match self {
            Self::Claude => AgentSettings::Claude(settings),
            Self::Codex => AgentSettings::Codex(settings),
        }
    }
}

/// Everything that one agent needs to work.
pub struct Place {
    dir: TempDir,
    kind: Kind,
    repository: Repository,
    workspaces: Workspaces,
    pub settings: ProgramSettings,
    pub answers: Mutex<VecDeque<&'static str>>,
    pub steering: Mutex<Vec<(&'static str, Steer)>>,
    steer: Mutex<Option<mpsc::Sender<Steer>>>,
    pub stop: CancellationToken,
    /// A line at which it is stopped.
    pub stop_at: Option<&'static str>,
    pub idle_max: Duration,
    lines: Mutex<Vec<String>>,
    events: Mutex<Vec<AgentEvent>>,
    questions: Mutex<Vec<Question>>,
}

impl Place {
    /// With the real program, and this model behind the gate.
    pub fn new(kind: Kind, model: &Model) -> Self {
        let program = peers::agent(kind.name()).unwrap();
        Self::with(kind, vec![program.display().to_string()], Some(model))
    }

    /// With a line of shell for a program.
    pub fn shell(kind: Kind, line: &str) -> Self {
        let place = Self::with(kind, Vec::new(), None);
        let program = place.dir.path().join("agent");
        std::fs::write(&program, format!("#!/bin/sh\n{line}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let settings = ProgramSettings { command: vec![program.display().to_string()], ..place.settings.clone() };
        Self { settings, ..place }
    }

    pub fn with(kind: Kind, command: Vec<String>, model: Option<&Model>) -> Self {
        let dir = TempDir::new().unwrap();
        let remote = dir.path().join("remote");
        RemoteRepository::checked_out(&remote, &[("README.md", "hello\n")]);
        let one = RepoSettings {
            name: "web".parse().unwrap(),
            remote: remote.to_str().unwrap().parse().unwrap(),
            target: "main".parse().unwrap(),
            gate: Gate::Missing,
            github: None,
        };
        let git = GitSettings::new("git", dir.path().join("git-home"));
        let repositories = block_on(Repositories::open(&dir.path().join("mirrors"), &[one], git)).unwrap();
        let repository = repositories.iter().next().unwrap().clone();
        block_on(repository.mirror.sync()).unwrap();
        open_gate(&dir.path().join("gate.sock"), model);
        let workspaces = Workspaces::new(dir.path().join("workspaces"), WorkspaceSettings::default());
        Self {
            dir,
            kind,
            repository,
            workspaces,
            settings: ProgramSettings { command, ..ProgramSettings::default() },
            answers: Mutex::default(),
            steering: Mutex::default(),
            steer: Mutex::default(),
            stop: CancellationToken::new(),
            stop_at: None,
            idle_max: Duration::from_secs(60),
            lines: Mutex::default(),
            events: Mutex::default(),
            questions: Mutex::default(),
        }
    }

    /// A fresh tree.
    pub fn workspace(&self) -> Workspace {
        let base = block_on(self.repository.forge.target_head()).unwrap();
        let branch = "downbeat/T-1".parse().unwrap();
        block_on(self.workspaces.create(TaskId::new(1), &self.repository, &base, &branch)).unwrap()
    }

    fn agent(&self) -> Arc<dyn Agent> {
        let settings = [("robot".to_owned(), self.kind.settings(self.settings.clone()))].into();
        let cage = CageSettings { launcher: PROGRAM.into(), ..CageSettings::default() };
        Roster::new(settings, &Cage::new(cage)).get("robot").unwrap()
    }

    pub fn plan(&self, workspace: &Workspace, request: &str) -> Result<PlanDraft, SessionError> {
        let prompt = format!("Plan a change in the repository web (branch main). Write nothing.\n\n{request}");
        let (agent, gate, transcript) =
            (self.agent(), Door::at(self.path("gate.sock")).unwrap(), self.path("transcript.jsonl"));
        block_on(agent.plan(self.session(workspace, &prompt, &gate, &transcript)))
    }

    pub fn work(&self, workspace: &Workspace, request: &str) -> Result<Worked, SessionError> {
        let (agent, gate, transcript) =
            (self.agent(), Door::at(self.path("gate.sock")).unwrap(), self.path("transcript.jsonl"));
        block_on(agent.work(self.session(workspace, request, &gate, &transcript), None))
    }

    fn session<'a>(
        &'a self,
        workspace: &'a Workspace,
        prompt: &'a str,
        gate: &'a Door,
        transcript: &'a Path,
    ) -> Session<'a> {
        let (steer, steering) = mpsc::channel(8);
        *self.steer.lock().unwrap() = Some(steer);
        Session {
            witness: self,
            people: self,
            steering,
            gate: Some(gate),
            transcript: Some(transcript),
            stop: self.stop.clone(),
            time_max: Duration::from_secs(120),
            idle_max: self.idle_max,
            ..Session::unattended(workspace, prompt, self)
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What people read.
    pub fn told(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// What was asked.
    pub fn asked(&self) -> Vec<Question> {
        self.questions.lock().unwrap().clone()
    }

    /// What was used, added up.
    pub fn used(&self) -> Usage {
        let mut sum = Usage::default();
        for event in self.events.lock().unwrap().iter() {
            if let AgentEvent::Used(used) = event {
                sum.input += used.input;
                sum.cache_read += used.cache_read;
                sum.output += used.output;
            }
        }
        sum
    }

    /// The raw lines that are kept.
    pub fn transcript(&self) -> String {
        std::fs::read_to_string(self.path("transcript.jsonl")).unwrap_or_default()
    }

    /// The names of the files that are new or changed in the tree.
    pub fn changed(&self, workspace: &Workspace) -> String {
        let mut names: Vec<_> = std::fs::read_dir(workspace.tree())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name != ".git" && name != "README.md")
            .collect();
        names.sort();
        names.join(" ")
    }
}

impl ProgressSink for Place {
    fn line(&self, text: &str) {
        self.lines.lock().unwrap().push(text.to_owned());
        if self.stop_at.is_some_and(|word| text.contains(word)) {
            self.stop.cancel();
        }
        let mut steering = self.steering.lock().unwrap();
        if let Some(at) = steering.iter().position(|(word, _)| text.contains(word)) {
            let (_, said) = steering.remove(at);
            self.steer.lock().unwrap().as_ref().unwrap().try_send(said).unwrap();
        }
    }
}

impl Witness for Place {
    fn event(&self, event: &AgentEvent) {
        self.events.lock().unwrap().push(event.clone());
    }
}

#[async_trait]
impl People for Place {
    async fn ask(&self, question: Question) -> Reply {
        self.questions.lock().unwrap().push(question.clone());
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(text) => Reply::Answered { by: "ana".parse().unwrap(), text: text.to_owned() },
            None => Unattended.ask(question).await,
        }
    }
}

/// A gate that leads to the model and nowhere else, byte by byte: the model takes any base address.
fn open_gate(socket: &Path, model: Option<&Model>) {
    let listener = UnixListener::bind(socket).unwrap();
    let address = model.map(|model| model.url().trim_start_matches("http://").to_owned());
    std::thread::spawn(move || {
        for mut inside in listener.incoming().flatten() {
            let mut word = [0; agents::token::Token::BYTES];
            if inside.read_exact(&mut word).is_err() {
                continue;
            }
            let Some(address) = &address else { continue };
            let Ok(outside) = TcpStream::connect(address) else { continue };
            join(inside, outside);
        }
    });
}

fn join(inside: UnixStream, outside: TcpStream) {
    let (mut from, mut to) = (inside.try_clone().unwrap(), outside.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let (mut from, mut to) = (outside, inside);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}
