//! What goes through a gate: told line by line in the task's log, counted, and held to its limits.

#![expect(clippy::disallowed_methods, reason = "how long a request took is real time; nothing is decided by it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hyper::Method;
use tokio::sync::watch;

use super::EgressLimits;
use super::hosts::Host;
use crate::cage::ProgressSink;
use crate::session::event::ErrorClass;

/// Lines that one gate writes. An installation of packages makes a few hundred; past it, the sum at the end has the rest.
const LINES_MAX: usize = 500;
/// Tunnels to one host that are told one by one: a package manager opens dozens, of which nothing is seen but their size.
const TUNNELS_TOLD_MAX: u64 = 5;
/// Different hosts that are remembered for the sum: more are an agent that tries out names.
const HOSTS_MAX: usize = 100;
/// The span of the limit on requests.
const MINUTE: Duration = Duration::from_secs(60);

/// What the requests to one provider came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelTally {
    /// Requests that were passed on.
    pub requests: u32,
    /// Answers that say that the key is refused (401, 403).
    pub refused: u32,
    /// Answers that say that there are too many requests (429).
    pub slowed: u32,
    /// Answers that say that the provider is at fault (5xx).
    pub broken: u32,
    /// Requests that were never answered.
    pub unanswered: u32,
    /// What the last answer says, where it is an error.
    pub trouble: Option<ErrorClass>,
}

/// The count of one gate.
pub(super) struct Tally {
    sink: Arc<dyn ProgressSink>,
    limits: EgressLimits,
    bytes: AtomicU64,
    seen: Mutex<Seen>,
    reached: watch::Sender<BTreeSet<String>>,
    noted: Option<PathBuf>,
}

#[derive(Default)]
struct Seen {
    n_lines: usize,
    said: BTreeSet<&'static str>,
    n_passed: u64,
    passed: BTreeMap<String, u64>,
    refused: BTreeMap<String, u32>,
    models: BTreeMap<String, ModelTally>,
    minute: Option<(Instant, u32)>,
}

/// A limit of the session that is reached; its text is for whoever sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Spent {
    #[error("this session has sent and received all that it may ({} MB); its limit is `egress.session_mb`", .0 >> 20)]
    Bytes(u64),
    #[error("more than {0} requests in a minute; wait a moment. The limit is `egress.requests_per_minute`")]
    Requests(u32),
}

impl Tally {
    pub(super) fn new(sink: Arc<dyn ProgressSink>, limits: EgressLimits, noted: Option<PathBuf>) -> Self {
        let (bytes, reached) = (AtomicU64::new(0), watch::Sender::default());
        Self { sink, limits, bytes, seen: Mutex::default(), reached, noted }
    }

    /// Counts one request, unless a limit is reached.
    pub(super) fn admit(&self) -> Result<(), Spent> {
        if self.bytes.load(Ordering::Relaxed) > self.limits.bytes {
            return Err(self.spent_bytes());
        }
        let now = Instant::now();
        let mut seen = self.seen();
        let (since, n) = match seen.minute {
            Some((since, n)) if now.duration_since(since) < MINUTE => (since, n + 1),
            Some(_) | None => (now, 1),
        };
        seen.minute = Some((since, n));
        drop(seen);
        if n <= self.limits.requests_per_minute {
            return Ok(());
        }
        let spent = Spent::Requests(self.limits.requests_per_minute);
        self.say_once("requests", &format!("network: {spent}"));
        Err(spent)
    }

    /// Begins a request that goes through; it is told with its size when the passage is dropped. Tunnels have no method.
    pub(super) fn pass(self: &Arc<Self>, method: Option<&Method>, to: String) -> Arc<Passage> {
        let method = method.map(|method| format!("{method} ")).unwrap_or_default();
        let (bytes, outcome) = (AtomicU64::new(0), OnceLock::new());
        Arc::new(Passage { tally: self.clone(), method, to, outcome, bytes, since: Instant::now() })
    }

    /// Notes that a host is about to be reached at somebody's wish.
    pub(super) fn reach(&self, host: &Host) {
        let host = host.to_string();
        self.reached.send_if_modified(|reached| {
            let is_new = reached.len() < HOSTS_MAX && reached.insert(host.clone());
            if is_new && let Err(error) = self.note(&host) {
                self.say(&format!("network: {host} cannot be noted: {error}"));
            }
            is_new
        });
    }

    fn note(&self, host: &str) -> io::Result<()> {
        let Some(file) = &self.noted else { return Ok(()) };
        writeln!(OpenOptions::new().append(true).create(true).open(file)?, "{host}")
    }

    /// The hosts that were reached, as they come.
    pub(super) fn reached(&self) -> watch::Receiver<BTreeSet<String>> {
        self.reached.subscribe()
    }

    /// Tells that a request to `to` was refused.
    pub(super) fn refuse(&self, to: &str, why: &str) {
        let mut seen = self.seen();
        if seen.refused.len() < HOSTS_MAX || seen.refused.contains_key(to) {
            *seen.refused.entry(to.to_owned()).or_default() += 1;
        }
        drop(seen);
        self.line(&format!("network: {to} refused, {why}"));
    }

    /// Counts what came of a request to a provider: its status, or none when there was no answer.
    pub(super) fn model(&self, provider: &str, status: Option<u16>) {
        let mut seen = self.seen();
        let tally = seen.models.entry(provider.to_owned()).or_default();
        tally.requests += 1;
        let (count, trouble) = match status {
            Some(401 | 403) => (&mut tally.refused, ErrorClass::Auth),
            Some(429) => (&mut tally.slowed, ErrorClass::Rate),
            Some(500..) => (&mut tally.broken, ErrorClass::Overload),
            None => (&mut tally.unanswered, ErrorClass::Network),
            Some(_) => {
                tally.trouble = None;
                return;
            }
        };
        *count += 1;
        tally.trouble = Some(trouble);
    }

    /// What the requests to each provider came to so far.
    pub(super) fn models(&self) -> BTreeMap<String, ModelTally> {
        self.seen().models.clone()
    }

    /// Tells something of which one line a session is enough.
    pub(super) fn say_once(&self, topic: &'static str, text: &str) {
        if self.seen().said.insert(topic) {
            self.sink.line(text);
        }
    }

    /// Tells something that people decided.
    pub(super) fn say(&self, text: &str) {
        self.sink.line(text);
    }

    /// Tells the sum of everything.
    pub(super) fn sum_up(&self) {
        let seen = self.seen();
        if seen.n_passed == 0 && seen.refused.is_empty() {
            return;
        }
        let bytes = in_words(self.bytes.load(Ordering::Relaxed));
        let hosts = match seen.passed.len() {
            0 => "nowhere".to_owned(),
            1..4 => seen.passed.keys().cloned().collect::<Vec<_>>().join(", "),
            HOSTS_MAX.. => format!("{HOSTS_MAX} hosts or more"),
            n => format!("{n} hosts"),
        };
        let requests = if seen.n_passed == 1 { "request" } else { "requests" };
        let mut text = format!("network: in all {} {requests} to {hosts}, {bytes}", seen.n_passed);
        let refused: Vec<_> = seen.refused.iter().take(5).map(|(host, n)| format!("{host} {n}×")).collect();
        let more = if seen.refused.len() > refused.len() { " and others" } else { "" };
        if !refused.is_empty() {
            let _ = write!(text, "; refused {}{more}", refused.join(", "));
        }
        for (name, ModelTally { requests, refused, slowed, broken, unanswered, .. }) in &seen.models {
            let _ = write!(text, "; model {name} {requests}×");
            let failed = [("401", refused), ("429", slowed), ("5xx", broken), ("unanswered", unanswered)];
            for (what, n) in failed.into_iter().filter(|(_, n)| **n > 0) {
                let _ = write!(text, ", {what} {n}×");
            }
        }
        drop(seen);
        self.sink.line(&text);
    }

    fn spent_bytes(&self) -> Spent {
        let spent = Spent::Bytes(self.limits.bytes);
        self.say_once("bytes", &format!("network: {spent}"));
        spent
    }

    fn line(&self, text: &str) {
        let mut seen = self.seen();
        seen.n_lines += 1;
        let n = seen.n_lines;
        drop(seen);
        match n {
            ..=LINES_MAX => self.sink.line(text),
            _ => self.say_once("lines", &format!("network: … only the first {LINES_MAX} requests are told one by one")),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that goes through. Dropping it tells what it was.
pub(super) struct Passage {
    tally: Arc<Tally>,
    method: String,
    to: String,
    outcome: OnceLock<u16>,
    bytes: AtomicU64,
    since: Instant,
}

impl Passage {
    /// Notes the status of the answer.
    pub(super) fn answered(&self, status: u16) {
        let _ = self.outcome.set(status);
    }

    /// Counts bytes in either direction, until the session's are spent.
    pub(super) fn count(&self, n: usize) -> Result<(), Spent> {
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        let before = self.tally.bytes.fetch_add(n as u64, Ordering::Relaxed);
        if before + n as u64 > self.tally.limits.bytes { Err(self.tally.spent_bytes()) } else { Ok(()) }
    }

    /// The bytes so far; when they do not grow, nothing moves.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        let mut seen = self.tally.seen();
        let Self { method, to, .. } = &*self;
        seen.n_passed += 1;
        let mut n = 1;
        if seen.passed.len() < HOSTS_MAX || seen.passed.contains_key(to) {
            let passed = seen.passed.entry(to.clone()).or_default();
            *passed += 1;
            n = *passed;
        }
        drop(seen);
        if method.is_empty() && n > TUNNELS_TOLD_MAX {
            if n == TUNNELS_TOLD_MAX + 1 {
                self.tally.line(&format!("network: {to} again; more of it is in the sum at the end"));
            }
            return;
        }
        let outcome = self.outcome.get().map_or("allowed".to_owned(), |status| format!("answered {status}"));
        let (bytes, took) = (in_words(self.bytes()), self.since.elapsed().as_secs_f64());
        self.tally.line(&format!("network: {method}{to} {outcome}, {bytes} in {took:.1} s"));
    }
}

/// A size as people read it.
fn in_words(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
