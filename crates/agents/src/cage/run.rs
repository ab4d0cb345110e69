//! Starting a caged run and seeing it to its end. Nothing here runs in the child: the launcher does that.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where processes are started, and the time limit of one is real time"
)]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::fs;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::launcher::{REPORT, framed};
use super::output::{Lines, Progress, SilentSink, Tail};
use super::spec::{Access, Confinement, How, Level, Limits, Namespaces, Network, Report, Spec};

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
            confinement: Confinement::Standard,
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
}

/// After asking the launcher to stop a run we wait this long, then kill the launcher; it needs one second and a bit.
const LAUNCHER_GRACE: Duration = Duration::from_millis(2_500);

/// Bytes read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

impl Cage {
    /// Cages by these settings.
    pub fn new(settings: CageSettings) -> Self {
        Self { settings }
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
        let started = Instant::now();
        let (outcome, run) = match self.launch(&order).await {
            Ok((mut launched, frame)) => {
                let mut run = Run::new(&order, self.settings.tail_bytes, sink);
                // On the heap: it has every buffer of the run, and callers nest it deeply.
                let outcome = Box::pin(run.see_to_its_end(&mut launched, frame, stop)).await;
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
        let (ending, stdout, output_tail) = run.map_or_else(Default::default, Run::into_parts);
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
        let frame = framed(&self.spec(order))?;
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

    fn spec(&self, order: &Order) -> Spec {
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
            network: order.network,
            confinement: self.settings.confinement,
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

/// The launcher's process; told to stop when nobody waits for it any more.
struct Launched(Child);

impl Launched {
    fn ask_to_stop(&self) {
        if let Some(id) = self.0.id() {
            let _ = kill(Pid::from_raw(id as i32), Signal::SIGTERM);
        }
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

/// The outside of one run.
struct Run<'a> {
    sink: Progress<'a>,
    limits: Limits,
    input: &'a [u8],
    stdout: Tail,
    both: Tail,
    ending: Option<How>,
}

impl<'a> Run<'a> {
    fn new(order: &'a Order, tail_bytes: usize, sink: Progress<'a>) -> Self {
        let (stdout, both) = (Tail::new(tail_bytes), Tail::new(tail_bytes));
        Self { sink, limits: order.limits.clone(), input: &order.input, stdout, both, ending: None }
    }

    fn into_parts(self) -> (Option<How>, String, String) {
        (self.ending, self.stdout.into_text(), self.both.into_text())
    }

    /// Feeds and drains until the launcher has ended. The first reason to stop is the one that is reported.
    async fn see_to_its_end(
        &mut self,
        launched: &mut Launched,
        frame: Vec<u8>,
        stop: &CancellationToken,
    ) -> io::Result<ExitStatus> {
        let missing = || io::Error::other("the launcher has no pipes");
        let mut stdin = launched.0.stdin.take().ok_or_else(missing)?;
        let mut out = Stream::new(launched.0.stdout.take().ok_or_else(missing)?);
        let mut err = Stream::new(launched.0.stderr.take().ok_or_else(missing)?);
        let input = self.input;
        let feed = async move {
            stdin.write_all(&frame).await?;
            stdin.write_all(input).await
        };
        tokio::pin!(feed);
        let mut fed = false;
        let mut last_resort = Instant::now() + self.limits.time + LAUNCHER_GRACE;
        let deadline = Instant::now() + self.limits.time;
        while !(out.ended && err.ended) {
            let why = tokio::select! {
                // A command that reads nothing closes its end; that is its right.
                _ = &mut feed, if !fed => { fed = true; None }
                n = out.fill() => { self.stdout.push(out.filled(n?)); self.take(&mut out) }
                n = err.fill() => { err.filled(n?); self.take(&mut err) }
                () = stop.cancelled(), if self.ending.is_none() => Some(How::Stopped),
                () = sleep_until(deadline), if self.ending.is_none() => Some(How::TimedOut),
                () = sleep_until(last_resort) => { launched.0.start_kill()?; break }
            };
            if let (Some(why), None) = (why, &self.ending) {
                self.ending = Some(why);
                last_resort = Instant::now() + LAUNCHER_GRACE;
                launched.ask_to_stop();
            }
        }
        out.lines.finish(self.sink);
        err.lines.finish(self.sink);
        launched.0.wait().await
    }

    fn take<R>(&mut self, stream: &mut Stream<R>) -> Option<How> {
        let chunk = &stream.chunk[..stream.filled];
        self.both.push(chunk);
        stream.lines.push(chunk, self.sink);
        (self.both.total() > self.limits.output_bytes).then_some(How::OutputLimit)
    }
}

/// One output of the run.
struct Stream<R> {
    pipe: R,
    chunk: Box<[u8]>,
    filled: usize,
    lines: Lines,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Stream<R> {
    fn new(pipe: R) -> Self {
        Self { pipe, chunk: vec![0; CHUNK_BYTES].into(), filled: 0, lines: Lines::default(), ended: false }
    }

    /// Waits for the next chunk; for ever after the end. Losing the future loses nothing.
    async fn fill(&mut self) -> io::Result<usize> {
        if self.ended {
            std::future::pending::<()>().await;
        }
        self.pipe.read(&mut self.chunk).await
    }

    fn filled(&mut self, n: usize) -> &[u8] {
        self.filled = n;
        self.ended = n == 0;
        &self.chunk[..n]
    }
}
