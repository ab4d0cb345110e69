//! One installation in one process: real database, git, cage and agents' processes; scripted words and a manual clock.
//!
//! People talk by [`World::say`] and [`World::play`]; [`World::drain`] lets everything happen that can happen now, one
//! effect after the other, so that a conversation reads the same every time; time moves by [`World::advance`] alone.
//! After each drain nothing may be stuck (see [`liveness`]).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agents::cage::{Cage, CageSettings, Confinement};
use agents::task::Task;
use domain::Timestamp;
use downbeat::chat::console::ConsoleEvent;
use downbeat::config::Config;
use downbeat::serve::System;
use expect_test::Expect;
use futures::FutureExt;
use futures::future::BoxFuture;
use store::{Pumping, Table};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use crate::clock::ManualClock;
use crate::git::{FileText, RemoteRepository};
use crate::processes;
use record::Record;

mod liveness;
mod play;
mod record;

/// How long a real process is waited for before it is looked at again.
const GLANCE: Duration = Duration::from_millis(10);

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// The program that launches cages: the one under test.
    pub launcher: &'a str,
    /// The people and whatever else the config says, as TOML; state, repositories and agents are the world's.
    pub config: &'a str,
    /// What the scripted agent does, as TOML.
    pub script: &'a str,
    /// The repositories by name.
    pub repositories: Vec<(&'a str, Origin<'a>)>,
}

/// What a repository is when the world begins.
#[derive(Clone, Debug)]
pub enum Origin<'a> {
    /// A bare remote with these files.
    Bare(Vec<FileText<'a>>),
    /// A person's repository with these files, `main` checked out, and no remote of its own.
    CheckedOut(Vec<FileText<'a>>),
}

/// The installation, with everyone who talks to it.
pub struct World {
    config: Config,
    /// As it was written.
    text: String,
    cage: Cage,
    clock: Arc<ManualClock>,
    remotes: Vec<(String, RemoteRepository)>,
    running: Option<Running>,
    record: Record,
    runtime: Runtime,
    home: TempDir,
}

/// What a restart ends.
struct Running {
    system: Arc<System>,
    shown: broadcast::Receiver<ConsoleEvent>,
    /// Where agents work.
    trees: PathBuf,
    /// A session whose agent does nothing until it is stopped. It goes on only when everything else has come to rest, so
    /// that who speaks first does not depend on the machine.
    dozing: Option<BoxFuture<'static, bool>>,
    /// How long a session waits for an answer.
    patience: Duration,
    /// When the session that is set aside began to wait.
    waits_since: Timestamp,
}

impl Setup<'_> {
    /// Starts an installation in a directory of its own.
    pub fn open(&self) -> World {
        // In memory where the machine has it: a world makes and removes some thousand small files.
        let home = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a temporary directory can be made");
        let script = home.path().join("script.toml");
        std::fs::write(&script, self.script).expect("a temporary directory can be filled");
        let remotes: Vec<_> = self.repositories.iter().map(|(name, origin)| origin.make(home.path(), name)).collect();
        let text = self.config_text(home.path(), &script, &remotes);
        let config = Config::from_text("downbeat.toml", &text).unwrap_or_else(|error| panic!("{error}"));
        let settings = downbeat::up::cage_of(&config).settings().clone();
        // Not the strongest that this machine has: what is written down must be the same on every one.
        let confinement = match settings.confinement {
            Confinement::Auto => Confinement::Standard,
            named @ (Confinement::Strong | Confinement::Standard | Confinement::Off) => named,
        };
        let cage = Cage::new(CageSettings { launcher: self.launcher.into(), confinement, ..settings });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let record = Record::new(home.path());
        let clock = Arc::new(ManualClock::default());
        let mut world = World { config, text, cage, clock, remotes, running: None, record, runtime, home };
        world.start();
        world
    }

    fn config_text(&self, home: &Path, script: &Path, remotes: &[(String, RemoteRepository)]) -> String {
        let mut text = format!("state = {:?}\nagent = \"scripted\"\n{}\n", home.join("state"), self.config);
        text.push_str(&format!("[agents.scripted]\nkind = \"scripted\"\nscript = {script:?}\n"));
        for (name, remote) in remotes {
            text.push_str(&format!("[repos.{name:?}]\nremote = {:?}\ntarget = \"main\"\n", remote.path()));
        }
        text
    }
}

impl Origin<'_> {
    fn make(&self, home: &Path, name: &str) -> (String, RemoteRepository) {
        let path = home.join("remotes").join(name);
        let remote = match self {
            Self::Bare(files) => RemoteRepository::bare(&path, files),
            Self::CheckedOut(files) => RemoteRepository::checked_out(&path, files),
        };
        (name.to_owned(), remote)
    }
}

impl World {
    fn start(&mut self) {
        let system = self.runtime.block_on(async {
            let system = System::assemble(&self.config, self.clock.clone(), self.cage.clone()).await?;
            system.recover(&self.config).await?;
            anyhow::Ok(system)
        });
        let system = Arc::new(system.expect("the system starts"));
        let shown = system.console.watch();
        let trees = self.config.state.join("workspaces");
        let patience = self.config.patience();
        self.running =
            Some(Running { system, shown, trees, dozing: None, patience, waits_since: Timestamp::default() });
    }

    /// Ends the process as a crash does, whatever is owed or running, and starts it again on the same state.
    pub fn restart(&mut self) {
        self.take_in();
        let Running { system, dozing, .. } = self.running.take().expect("a world always runs");
        let _inside = self.runtime.enter();
        drop(dozing);
        self.runtime.block_on(system.store.close());
        self.start();
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a world always runs")
    }

    /// The system, for what words cannot ask.
    pub fn system(&self) -> &System {
        &self.running().system
    }

    /// Everything that can happen now, happens; then nothing may be stuck.
    pub fn drain(&mut self) {
        while self.drain_step() {}
        let stuck = self.runtime.block_on(liveness::stuck(self.system())).expect("the state can be read");
        assert_eq!(stuck, Vec::<String>::new(), "stuck after:\n{}", self.record.text());
    }

    /// Performs the next due effect; false when there is none.
    pub fn drain_step(&mut self) -> bool {
        let running = self.running.as_mut().expect("a world always runs");
        let performed = self.runtime.block_on(running.perform_next());
        self.take_in();
        performed
    }

    /// Lets things happen one by one until the transcript has these words.
    pub fn drain_until(&mut self, words: &str) {
        while !self.record.text().contains(words) {
            assert!(self.drain_step(), "nobody ever said {words:?}:\n{}", self.record.text());
        }
    }

    /// Lets time pass, then everything that is due by then happens.
    pub fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.drain();
    }

    /// Looks at the target branches, as the system does by itself every few seconds.
    pub fn look(&mut self) {
        self.runtime.block_on(self.system().reconcile());
        self.drain();
    }

    /// Reads the config again, with `more` at its end, as a reload does.
    pub fn adopt(&mut self, more: &str) {
        let config = Config::from_text("downbeat.toml", &format!("{}\n{more}", self.text)).expect("it reads");
        self.runtime.block_on(self.system().adopt(&config)).expect("it is adopted");
        self.config = config;
    }

    /// Tells who are guests, as a platform does.
    pub fn tell_guests(&self, names: &[&str]) {
        let guests = names.iter().map(|name| name.parse().expect("a name")).collect();
        let rules = &self.system().intake.rules;
        rules.store(Arc::new(rules.load().with_guests(guests)));
    }

    /// The only or the first repository, seen from outside.
    pub fn remote(&self) -> &RemoteRepository {
        &self.remotes.first().expect("a world has a repository").1
    }

    /// Runs git in the first repository.
    pub fn remote_git(&self, args: &[&str]) -> String {
        self.remote().git(args)
    }

    /// The world's own directory; the state of the system is in `state`, the script in `script.toml`.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The log of a task, as text; at most 1,000 lines.
    pub fn log_of(&self, task: &str) -> String {
        let read = self.system().store.log_after(Task::KIND, task, 0, 1_000);
        let lines = self.runtime.block_on(read).expect("the log can be read");
        lines.into_iter().map(|line| line.line + "\n").collect()
    }

    /// How many messages the bot has posted since the beginning.
    pub fn bot_messages(&self) -> usize {
        self.record.bot_messages()
    }

    /// What was said and shown since it was last asked for.
    pub fn transcript(&mut self) -> String {
        self.take_in();
        self.record.take()
    }

    /// Plays a conversation; what came of it is the assertion.
    #[track_caller]
    pub fn check(&mut self, script: &str, expected: Expect) {
        self.play(script);
        expected.assert_eq(&self.transcript());
    }

    fn take_in(&mut self) {
        let running = self.running.as_mut().expect("a world always runs");
        loop {
            match running.shown.try_recv() {
                Ok(event) => self.record.take_in(&event),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
                Err(TryRecvError::Lagged(n)) => panic!("{n} messages of the console were missed"),
            }
        }
    }
}

impl Running {
    /// Talk goes before work, so that a transcript shows each state that a person could have seen.
    async fn perform_next(&mut self) -> bool {
        for index in (0..self.system.pumps.len()).rev() {
            let pump = self.system.pumps[index].clone();
            let performed = match pump.lane().name {
                "session" => self.perform_session(pump).await,
                _ => pump.perform_next().await.expect("the store answers"),
            };
            if performed {
                return true;
            }
        }
        self.dozing.is_some() && !self.waits_on().await && self.wake_the_dozing().await
    }

    /// A session is awaited to its end, unless its agent dozes until it is stopped.
    async fn perform_session(&mut self, pump: Arc<dyn Pumping>) -> bool {
        if self.dozing.is_some() {
            return false;
        }
        let session = async move { pump.perform_next().await.expect("the store answers") }.boxed();
        self.waits_since = self.system.store.now();
        self.watch(session).await
    }

    /// Goes on with a session until it ends or waits for people; then it is set aside.
    async fn watch(&mut self, mut session: BoxFuture<'static, bool>) -> bool {
        loop {
            let mut n_polls = 0;
            let counted = std::future::poll_fn(|context| {
                n_polls += 1;
                session.as_mut().poll(context)
            });
            if let Ok(performed) = tokio::time::timeout(GLANCE, counted).await {
                return performed;
            }
            // Set aside in the middle of a look at the store, it would hold what everybody else waits for.
            // It was polled at the beginning and at the end of the glance, and by nobody in between.
            let is_idle = n_polls <= 2;
            if is_idle && self.waits_on().await {
                self.dozing = Some(session);
                return true;
            }
        }
    }

    /// Whether a session does nothing until somebody says something, or until its patience ends.
    async fn waits_on(&self) -> bool {
        let store = &self.system.store;
        if liveness::is_stopping(store).await {
            return false;
        }
        let is_patient = store.now().since(self.waits_since) < self.patience;
        let is_dozing = liveness::dozes(store).await && !processes::working_in(&self.trees).is_empty();
        is_dozing || liveness::listens(store).await || is_patient && liveness::asks(store).await
    }

    async fn wake_the_dozing(&mut self) -> bool {
        let Some(dozing) = self.dozing.take() else { return false };
        self.system.intake.bell.ring();
        self.watch(dozing).await
    }
}
