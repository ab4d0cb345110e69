//! The real program as a process: how soon it is ready, and how much memory it holds.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use store::{Store, StoreSettings};
use tempfile::TempDir;
use tests::git::RemoteRepository;

use crate::figure::Figure;
use crate::stores::SystemClock;

/// The program, optimised as this one is.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_downbeat-under-test");

const STARTS: usize = 11;
const TASKS: usize = 200;
/// How long a process is left alone before its memory is read.
const QUIET: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(600);

const CONFIG: &str = r#"
state = "{place}/state"
agent = "scripted"

[people.ana]
roles = ["requester", "approver", "operator"]

[repos.house]
remote = "{place}/house.git"
target = "main"

[agents.scripted]
kind = "scripted"
script = "{place}/script.toml"

[web]
listen = "127.0.0.1:0"
"#;

pub const SCRIPT: &str = r#"
[[request]]
when = "paint"
summary = "A blue hall"
paths = ["hall.room"]
[[request.edit]]
path = "hall.room"
write = "wall: blue\n"
"#;

pub fn start(figures: &mut Vec<Figure>) {
    let again = Place::new();
    again.up().stop();
    let ready = |place: &Place| {
        let running = place.up();
        let ready_ms = running.ready_after.as_secs_f64() * 1_000.0;
        running.stop();
        ready_ms
    };
    let first = (0..STARTS).map(|_| ready(&Place::new())).collect();
    let later = (0..STARTS).map(|_| ready(&again)).collect();
    figures.push(Figure::of_runs("start to ready, first time", "ms", first).at_most(300.0));
    figures.push(Figure::of_runs("start to ready, later", "ms", later).at_most(300.0));
}

pub fn remember(figures: &mut Vec<Figure>) {
    let place = Place::new();
    let mut running = place.up();
    running.wait(QUIET);
    let idle = running.resident_mb();
    for n in 0..TASKS {
        running.say(&format!("#room{} ana: @agent paint wall {n}", n % 20));
    }
    place.await_plans(&running);
    running.wait(QUIET);
    let waiting = running.resident_mb();
    running.stop();
    let running = place.up();
    running.wait(QUIET);
    let restarted = running.resident_mb();
    running.stop();
    figures.push(Figure::of_runs("resident, idle", "MB", vec![idle]).at_most(40.0));
    figures.push(
        Figure::of_runs(&format!("resident, {TASKS} tasks planned and waiting"), "MB", vec![waiting]).at_most(100.0),
    );
    figures.push(
        Figure::of_runs(&format!("resident, restarted with {TASKS} waiting"), "MB", vec![restarted]).at_most(100.0),
    );
}

/// A temporary home with a remote and a config.
pub struct Place {
    home: TempDir,
}

/// A running program that said that it is ready.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    ready_after: Duration,
}

impl Place {
    fn new() -> Self {
        let place = Self::with(CONFIG);
        place.write("script.toml", SCRIPT);
        place
    }

    /// With a config of one's own, in which `{place}` is the home.
    pub fn with(config: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        RemoteRepository::bare(&home.path().join("house.git"), &[("hall.room", "wall: white\n")]);
        let place = Self { home };
        place.write("downbeat.toml", config);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let text = text.replace("{place}", &self.home.path().display().to_string());
        std::fs::write(self.path(name), text).expect("a temporary directory can be filled");
    }

    pub fn up(&self) -> Running {
        let began = Instant::now();
        let mut command = Command::new(PROGRAM);
        command.args(["up", "--config"]).arg(self.path("downbeat.toml")).env("HOME", self.home.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let (sender, lines) = channel();
        let stdout = child.stdout.take().expect("it was asked for");
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let is_ready = |line: &String| line.contains("Ready");
        while !is_ready(&lines.recv_timeout(PATIENCE).expect("it gets ready")) {}
        Running { child, lines, ready_after: began.elapsed() }
    }

    /// Waits until every task has a plan.
    fn await_plans(&self, running: &Running) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let url = format!("sqlite:{}", self.path("state/downbeat.db").display());
            let store = Store::open(&StoreSettings::new(url), Arc::new(SystemClock)).await.expect("the database");
            let (began, mut n_waiting) = (Instant::now(), 0);
            while n_waiting < TASKS as i64 {
                assert!(began.elapsed() < PATIENCE, "{n_waiting} of {TASKS} tasks have a plan");
                running.wait(Duration::from_secs(1));
                let rows = store.rows(PLANNED, &[]).await.expect("the database answers");
                n_waiting = rows[0].int("n").expect("a number");
            }
            store.close().await;
        });
    }
}

const PLANNED: &str = "SELECT COUNT(*) AS n FROM task WHERE body LIKE '%waiting_approval%' OR state LIKE '%approval%'";

impl Running {
    pub fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().expect("it was asked for"), "{line}").expect("it listens");
    }

    /// Waits until it shows these words.
    pub fn await_words(&self, words: &str) {
        while !self.lines.recv_timeout(PATIENCE).expect("it says so in time").contains(words) {}
    }

    /// Lets it run, and reads away what it shows.
    pub fn wait(&self, span: Duration) {
        let until = Instant::now() + span;
        while self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
    }

    pub fn resident_mb(&self) -> f64 {
        let path = Path::new("/proc").join(self.child.id().to_string()).join("status");
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1_024.0
    }

    pub fn stop(mut self) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGTERM).expect("it runs");
        self.child.wait().expect("it ends");
    }
}
