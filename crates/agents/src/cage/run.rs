//! Starting a caged run and seeing it to its end. Nothing here runs in the child: the launcher does that.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where processes are started, and how long one takes is real time"
)]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::fs;
use tokio::process::Command;
use tokio::sync::{OnceCell, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bubblewrap;
use super::door::Door;
use super::launcher::{REPORT, framed};
use super::level::Level;
use super::opened::{Ending, INPUT_CHUNKS_MAX, Opened, WAITING_ERRORS_MAX, WAITING_LINES_MAX, WholeLines};
use super::output::{Lines, Progress, SilentSink};
use super::outside::{Launched, Outside, Way, Ways};
use super::spec::{Access, Confinement, Held, How, Limits, Namespaces, Network, Report, Spec};

/// Where programs are looked for inside when nothing is added.
pub const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// How the cages of this installation are made.
#[derive(Clone, Debug)]
pub struct CageSettings {
    /// The program to execute as the launcher. The default, `/proc/self/exe`, stays right when the file is replaced.
    pub launcher: PathBuf,
    /// How firmly; only an explicit word in the config turns it off.
    pub confinement: Confinement,
    /// Whether kernel namespaces are used.
    pub namespaces: Namespaces,
    /// Where programs are looked for inside.
    pub path: String,
    /// Files and directories that may be read and executed inside beyond the system's, such as a toolchain below a
    /// person's home. Whatever is in them can be read by every agent and every check.
    pub toolchains: Vec<PathBuf>,
    /// Environment for every run, such as `CARGO_HOME` for a toolchain. No place for secrets.
    pub env: BTreeMap<String, String>,
    /// Limits for runs that set none of their own.
    pub limits: Limits,
    /// Bytes kept of each output. 64 KiB hold the last 800 lines of a test log.
    pub tail_bytes: usize,
}

impl Default for CageSettings {
    fn default() -> Self {
        Self {
            launcher: "/proc/self/exe".into(),
            confinement: Confinement::Auto,
            namespaces: Namespaces::Auto,
            path: SYSTEM_PATH.to_owned(),
            toolchains: Vec::new(),
            env: BTreeMap::new(),
            limits: Limits::default(),
            tail_bytes: 64 << 10,
        }
    }
}

/// One command to run in the cage.
#[derive(Clone, Debug)]
pub struct Order {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The directory that the command may change, and in which it starts.
    pub tree: PathBuf,
    /// Whether it may.
    pub access: Access,
    /// An existing directory of this run's own; `tmp/` and `home/` are made in it.
    pub private: PathBuf,
    /// What else may be read and executed.
    pub read: Vec<PathBuf>,
    /// Environment beyond the settings'.
    pub env: BTreeMap<String, String>,
    /// What standard input gives.
    pub input: Vec<u8>,
    /// What it reaches.
    pub network: Network,
    /// Its limits.
    pub limits: Limits,
}

impl Order {
    /// Gives it a gate as its only way out, and the variables by which programs find a proxy.
    pub fn go_through(&mut self, door: &Door) {
        let proxy = format!("http://127.0.0.1:{}", door.port());
        let ways = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].map(|name| (name, proxy.as_str()));
        let exceptions = ["NO_PROXY", "no_proxy"].map(|name| (name, "127.0.0.1,localhost"));
        let variables = ways.into_iter().chain(exceptions);
        self.env.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.network = Network::Gate(door.clone());
    }
}

/// How a run ended and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub how: How,
    /// What held it; none when it never ran.
    pub level: Option<Level>,
    /// The end of standard output alone.
    pub stdout: String,
    /// The end of standard output and standard error in the order in which they arrived.
    pub output_tail: String,
    /// From start to end.
    pub duration: Duration,
}

/// Starts caged runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cage {
    settings: CageSettings,
    /// Whether bubblewrap works here, tried once.
    bubblewrap: Arc<OnceCell<Result<(), String>>>,
}

impl Cage {
    /// Cages by these settings.
    pub fn new(settings: CageSettings) -> Self {
        Self { settings, bubblewrap: Arc::default() }
    }

    /// The settings.
    pub fn settings(&self) -> &CageSettings {
        &self.settings
    }

    /// An order with the settings' limits, no network and write access to `tree`.
    pub fn order(&self, command: Vec<String>, tree: impl Into<PathBuf>, private: impl Into<PathBuf>) -> Order {
        Order {
            command,
            tree: tree.into(),
            access: Access::ReadWrite,
            private: private.into(),
            read: Vec::new(),
            env: BTreeMap::new(),
            input: Vec::new(),
            network: Network::Denied,
            limits: self.settings.limits.clone(),
        }
    }

    /// Whether the level `strong` can be had here; the error says in bubblewrap's words why not.
    pub async fn strong_works(&self) -> Result<(), String> {
        self.bubblewrap.get_or_init(bubblewrap::works).await.clone()
    }

    async fn held(&self) -> io::Result<Held> {
        match self.settings.confinement {
            Confinement::Off => Ok(Held::Off),
            Confinement::Standard => Ok(Held::Standard),
            Confinement::Strong => match self.strong_works().await {
                Ok(()) => Ok(Held::Strong),
                Err(why) => Err(io::Error::other(format!("the level strong cannot be had: {why}"))),
            },
            Confinement::Auto if self.settings.namespaces == Namespaces::Off => Ok(Held::Standard),
            Confinement::Auto => Ok(if self.strong_works().await.is_ok() { Held::Strong } else { Held::Standard }),
        }
    }

    /// Establishes the level once for real, in a directory that it makes in `dir` and removes again, and says what it
    /// is; or why nothing can be started.
    pub async fn probe(&self, dir: &Path) -> Result<Level, String> {
        let dir = dir.join("cage-probe");
        let failed = |error: io::Error| format!("{}: {error}", dir.display());
        fs::create_dir_all(&dir).await.map_err(failed)?;
        let order = self.order(vec!["/bin/sh".into(), "-c".into(), ":".into()], &dir, &dir);
        let ended = self.run(order, &CancellationToken::new(), &SilentSink).await;
        fs::remove_dir_all(&dir).await.map_err(failed)?;
        match (ended.how, ended.level) {
            (How::Exited(0), Some(level)) => Ok(level),
            (how, _) => Err(format!("the sandbox {how}")),
        }
    }

    /// Runs one order to its end. Everything it started is gone when this returns. Dropping the future stops the run
    /// too, within the same three seconds.
    pub async fn run(&self, order: Order, stop: &CancellationToken, sink: Progress<'_>) -> Ended {
        let ways =
            Ways { input: None, out: Way::Shown(Lines::default(), sink), err: Way::Shown(Lines::default(), sink) };
        self.conduct(order, stop, ways).await
    }

    /// Starts one order to be talked with while it runs. Any runtime worker may see to it: whoever holds what is
    /// returned need not poll anything for the run to go on, but must read or drop its lines.
    pub fn open(&self, order: Order, stop: &CancellationToken) -> Opened {
        let (input, for_input) = mpsc::channel(INPUT_CHUNKS_MAX);
        let (to_lines, lines) = mpsc::channel(WAITING_LINES_MAX);
        let (to_errors, errors) = mpsc::channel(WAITING_ERRORS_MAX);
        let (cage, stop) = (self.clone(), stop.clone());
        let ending = Ending::of(async move {
            let out = Way::Whole(WholeLines::new(to_lines));
            let err = Way::Shown(Lines::default(), &to_errors);
            cage.conduct(order, &stop, Ways { input: Some(for_input), out, err }).await
        });
        Opened { input, lines, errors, ending }
    }

    async fn conduct(&self, order: Order, stop: &CancellationToken, ways: Ways<'_>) -> Ended {
        let started = Instant::now();
        let (outcome, run) = match self.launch(&order).await {
            Ok((mut launched, frame)) => {
                let mut run = Outside::new(&order, self.settings.tail_bytes);
                // On the heap: it has every buffer of the run, and callers nest it deeply.
                let outcome = Box::pin(run.see_to_its_end(&mut launched, frame, ways, stop)).await;
                (outcome, Some(run))
            }
            Err(error) => (Err(error), None),
        };
        let report = match outcome {
            Ok(status) => read_report(&order, status).await,
            Err(error) => Err(error),
        };
        let broken = |error: io::Error| Report { level: None, how: How::CouldNotStart(error.to_string()) };
        let report = report.unwrap_or_else(broken);
        let (ending, stdout, output_tail) = run.map_or_else(Default::default, Outside::into_parts);
        let how = ending.unwrap_or(report.how);
        Ended { how, level: report.level, stdout, output_tail, duration: started.elapsed() }
    }

    async fn launch(&self, order: &Order) -> io::Result<(Launched, Vec<u8>)> {
        for room in ["tmp", "home"] {
            fs::create_dir_all(order.private.join(room)).await?;
        }
        // What an earlier run reported must not be taken for this one's.
        if let Err(error) = fs::remove_file(order.private.join(REPORT)).await
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let frame = framed(&self.spec(order, self.held().await?))?;
        let child = Command::new(&self.settings.launcher)
            .arg(super::VERB)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", self.settings.launcher.display())))?;
        Ok((Launched(child), frame))
    }

    fn spec(&self, order: &Order, held: Held) -> Spec {
        let mut env = BTreeMap::from([("PATH".to_owned(), self.settings.path.clone())]);
        env.extend(self.settings.env.clone());
        env.extend(order.env.clone());
        Spec {
            parent: std::process::id() as i32,
            command: order.command.clone(),
            env,
            cwd: order.tree.clone(),
            tree: order.tree.clone(),
            access: order.access,
            private: order.private.clone(),
            read: self.settings.toolchains.iter().chain(&order.read).cloned().collect(),
            network: order.network.clone(),
            held,
            outer_uid: nix::unistd::geteuid().as_raw(),
            namespaces: self.settings.namespaces,
            limits: order.limits.clone(),
        }
    }
}

/// A launcher that was killed leaves no report; what killed it ended the run.
async fn read_report(order: &Order, status: ExitStatus) -> io::Result<Report> {
    if let Some(signal) = status.signal() {
        return Ok(Report { level: None, how: How::Signalled(signal) });
    }
    let text = fs::read(order.private.join(REPORT))
        .await
        .map_err(|error| io::Error::other(format!("the launcher left no report: {error}")))?;
    Ok(serde_json::from_slice(&text)?)
}
