//! The outside of one run: feeds it, drains it and watches its limits until the launcher has ended.

#![expect(clippy::disallowed_methods, reason = "the time limit of a process is real time")]

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::opened::WholeLines;
use super::output::{Lines, Progress, Tail};
use super::run::Order;
use super::spec::{How, Limits};
use super::usage::disk_bytes;

/// After asking the launcher to stop a run we wait this long, then kill the launcher; it needs one second and a bit.
const LAUNCHER_GRACE: Duration = Duration::from_millis(2_500);

/// The least time between two measurements of the disk; a fast disk takes a gigabyte meanwhile.
const MEASURING_PAUSE: Duration = Duration::from_secs(1);

/// Bytes read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// The launcher's process; told to stop when nobody waits for it any more.
pub(super) struct Launched(pub(super) Child);

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

/// Where what a run reads comes from, and where what it writes goes.
pub(super) struct Ways<'a> {
    /// What follows the order's own input; without it standard input ends there.
    pub input: Option<mpsc::Receiver<Bytes>>,
    pub out: Way<'a>,
    pub err: Way<'a>,
}

/// Where one output goes.
pub(super) enum Way<'a> {
    /// To a view: nobody waits for it, and long lines are cut.
    Shown(Lines, Progress<'a>),
    /// To whoever opened the run: every line whole, at the reader's pace.
    Whole(WholeLines),
}

impl Way<'_> {
    fn take(&mut self, chunk: &[u8]) {
        match self {
            Self::Shown(lines, sink) => lines.push(chunk, *sink),
            Self::Whole(lines) => lines.push(chunk),
        }
    }

    /// Waits until the reader has room for more. Losing the future loses nothing.
    async fn ready(&mut self) {
        match self {
            Self::Shown(..) => {}
            Self::Whole(lines) => lines.hand_over().await,
        }
    }

    /// What has no line end is a line too.
    fn end(&mut self) {
        match self {
            Self::Shown(lines, sink) => lines.finish(*sink),
            Self::Whole(lines) => lines.end_line(),
        }
    }

    /// Whether a reader has not taken everything yet.
    fn owes(&self) -> bool {
        match self {
            Self::Shown(..) => false,
            Self::Whole(lines) => lines.owes(),
        }
    }
}

/// What the outside knows of a run.
pub(super) struct Outside<'a> {
    limits: Limits,
    input: &'a [u8],
    /// The directories whose size is limited.
    dirs: Vec<PathBuf>,
    stdout: Tail,
    both: Tail,
    ending: Option<How>,
}

impl<'a> Outside<'a> {
    pub(super) fn new(order: &'a Order, tail_bytes: usize) -> Self {
        let (stdout, both) = (Tail::new(tail_bytes), Tail::new(tail_bytes));
        let dirs = vec![order.tree.clone(), order.private.clone()];
        Self { limits: order.limits.clone(), input: &order.input, dirs, stdout, both, ending: None }
    }

    pub(super) fn into_parts(self) -> (Option<How>, String, String) {
        (self.ending, self.stdout.into_text(), self.both.into_text())
    }

    /// Feeds and drains until the launcher has ended. The first reason to stop is the one that is reported.
    pub(super) async fn see_to_its_end(
        &mut self,
        launched: &mut Launched,
        frame: Vec<u8>,
        ways: Ways<'_>,
        stop: &CancellationToken,
    ) -> io::Result<ExitStatus> {
        let missing = || io::Error::other("the launcher has no pipes");
        let stdin = launched.0.stdin.take().ok_or_else(missing)?;
        let mut out = Stream::new(launched.0.stdout.take().ok_or_else(missing)?, ways.out);
        let mut err = Stream::new(launched.0.stderr.take().ok_or_else(missing)?, ways.err);
        let feed = feed(stdin, frame, self.input, ways.input);
        tokio::pin!(feed);
        let too_large = exceeds(self.dirs.clone(), self.limits.disk_bytes);
        tokio::pin!(too_large);
        let mut fed = false;
        let mut exited = None;
        let deadline = Instant::now() + self.limits.time;
        let mut last_resort = deadline + LAUNCHER_GRACE;
        while !(out.is_over() && err.is_over()) {
            let why = tokio::select! {
                // A command that reads nothing closes its end; that is its right.
                _ = &mut feed, if !fed => { fed = true; None }
                n = out.fill() => { self.stdout.push(out.filled(n?)); self.count(&mut out) }
                n = err.fill() => { err.filled(n?); self.count(&mut err) }
                status = launched.0.wait(), if exited.is_none() => { exited = Some(status?); None }
                () = stop.cancelled(), if self.ending.is_none() => Some(How::Stopped),
                () = &mut too_large, if self.ending.is_none() => Some(How::DiskLimit),
                () = sleep_until(deadline), if self.ending.is_none() => Some(How::TimedOut),
                () = sleep_until(last_resort) => { launched.0.start_kill()?; break }
            };
            if let (Some(why), None) = (why, &self.ending) {
                self.ending = Some(why);
                last_resort = Instant::now() + LAUNCHER_GRACE;
                launched.ask_to_stop();
            }
            // Perhaps nobody reads any more; what is left in the pipe must not hold up the end.
            out.in_haste = exited.is_some() && self.ending.is_some();
        }
        match exited {
            Some(status) => Ok(status),
            None => launched.0.wait().await,
        }
    }

    fn count<R>(&mut self, stream: &mut Stream<'_, R>) -> Option<How> {
        let chunk = &stream.chunk[..stream.filled];
        self.both.push(chunk);
        if stream.ended {
            stream.way.end()
        } else {
            stream.way.take(chunk)
        }
        (self.both.total() > self.limits.output_bytes).then_some(How::OutputLimit)
    }
}

/// Returns when these directories take more than that on disk. Measuring takes at most a twentieth of the time.
async fn exceeds(dirs: Vec<PathBuf>, bytes_max: u64) {
    loop {
        let begun = Instant::now();
        let measured = dirs.clone();
        let bytes = tokio::task::spawn_blocking(move || disk_bytes(&measured)).await;
        if bytes.is_ok_and(|bytes| bytes > bytes_max) {
            return;
        }
        sleep_until(Instant::now() + MEASURING_PAUSE.max(begun.elapsed() * 20)).await;
    }
}

/// Writes the frame, the order's input and then what comes, until the sender is dropped.
async fn feed(
    mut stdin: ChildStdin,
    frame: Vec<u8>,
    input: &[u8],
    more: Option<mpsc::Receiver<Bytes>>,
) -> io::Result<()> {
    stdin.write_all(&frame).await?;
    stdin.write_all(input).await?;
    let Some(mut more) = more else { return Ok(()) };
    while let Some(bytes) = more.recv().await {
        stdin.write_all(&bytes).await?;
    }
    Ok(())
}

/// One output of the run.
struct Stream<'a, R> {
    pipe: R,
    chunk: Box<[u8]>,
    filled: usize,
    way: Way<'a>,
    in_haste: bool,
    ended: bool,
}

impl<'a, R: AsyncRead + Unpin> Stream<'a, R> {
    fn new(pipe: R, way: Way<'a>) -> Self {
        Self { pipe, chunk: vec![0; CHUNK_BYTES].into(), filled: 0, way, in_haste: false, ended: false }
    }

    /// Waits for the next chunk, where a reader waits for its lines not before it took them; for ever after the end.
    /// Losing the future loses nothing.
    async fn fill(&mut self) -> io::Result<usize> {
        let owed = self.way.owes();
        if !self.in_haste {
            self.way.ready().await;
        }
        match (self.ended, owed) {
            (false, _) => self.pipe.read(&mut self.chunk).await,
            (true, true) => Ok(0),
            (true, false) => std::future::pending().await,
        }
    }

    /// Whether nothing more will come of it.
    fn is_over(&self) -> bool {
        self.ended && (self.in_haste || !self.way.owes())
    }

    fn filled(&mut self, n: usize) -> &[u8] {
        self.filled = n;
        self.ended = n == 0;
        &self.chunk[..n]
    }
}
