//! When which call may go out: Slack counts calls by method and workspace, and posts by channel as well.
//!
//! Each method has a bucket that fills at 80 % of its published tier and holds the other 20 % for a burst, so that no
//! minute has more calls than the tier allows. What is urgent goes first, and the last few calls of a bucket are kept for
//! it. `Retry-After` closes a bucket, and nobody tries before it opens. The rules are pure; [`Schedule`] adds the clock.
//!
//! Source of the tiers: <https://docs.slack.dev/apis/web-api/rate-limits> and each method's page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Clock, Timestamp};
use tokio::sync::oneshot;

use super::UNPOISONED;
use crate::chat::messenger::Urgency;

/// Of a tier, what is used steadily; the rest is the burst, so that both together never exceed it in any minute.
const STEADY_PERCENT: u32 = 80;
/// Of a full bucket, what progress leaves to whatever is more urgent.
const RESERVE_PERCENT: u32 = 40;
/// How many calls may wait for one method: more is a flood, and whoever asks for more hears of it.
const WAITING_MAX: usize = 10_000;
/// The pause between two posts to one channel, as the platform asks: one a second.
const CHANNEL_PAUSE: Duration = Duration::from_secs(1);
/// The longest that we wait without looking again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How many calls of a method a workspace allows in a minute. A method that is not listed is taken for tier 3.
pub fn per_minute(method: &str) -> u32 {
    match method {
        "apps.connections.open" => 10,
        "users.conversations"
        | "users.list"
        | "usergroups.list"
        | "usergroups.users.list"
        | "chat.startStream"
        | "chat.stopStream"
        | "conversations.list" => 20,
        // "Special": about one a second a channel, and a few hundred for the workspace.
        "chat.postMessage" => 300,
        "chat.postEphemeral"
        | "users.info"
        | "views.open"
        | "views.publish"
        | "views.update"
        | "files.info"
        | "chat.appendStream"
        | "conversations.members" => 100,
        _ => 50,
    }
}

/// What one method of one workspace has left.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    per_minute: u32,
    level: f64,
    filled_at: Timestamp,
    closed_until: Timestamp,
}

impl Bucket {
    /// A full one.
    pub fn new(per_minute: u32, now: Timestamp) -> Self {
        let level = f64::from(Self::room(per_minute));
        Self { per_minute, level, filled_at: now, closed_until: Timestamp::from_ms(0) }
    }

    /// The most that it holds.
    fn room(per_minute: u32) -> u32 {
        (per_minute * (100 - STEADY_PERCENT) / 100).max(1)
    }

    fn per_second(&self) -> f64 {
        f64::from(self.per_minute * STEADY_PERCENT) / 100.0 / 60.0
    }

    fn fill(&mut self, now: Timestamp) {
        let since = now.since(self.filled_at).as_secs_f64();
        let room = f64::from(Self::room(self.per_minute));
        self.level = (self.level + since * self.per_second()).min(room);
        self.filled_at = now;
    }

    /// How long a call of this urgency has to wait; nothing when it may go now.
    fn wait(&mut self, now: Timestamp, urgency: Urgency) -> Duration {
        self.fill(now);
        if self.closed_until > now {
            return self.closed_until.since(now);
        }
        let reserve = match urgency {
            Urgency::Progress => f64::from(Self::room(self.per_minute) * RESERVE_PERCENT / 100),
            Urgency::Change | Urgency::End | Urgency::NeedsHuman => 0.0,
        };
        let lacks = reserve + 1.0 - self.level;
        if lacks <= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(lacks / self.per_second()) }
    }

    /// Takes one call out, if it may go now; else says how long to wait.
    pub fn take(&mut self, now: Timestamp, urgency: Urgency) -> Result<(), Duration> {
        let wait = self.wait(now, urgency);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        self.level -= 1.0;
        Ok(())
    }

    /// Nothing goes out before `until`: the platform said so.
    pub fn close_until(&mut self, until: Timestamp) {
        self.closed_until = self.closed_until.max(until);
        self.level = self.level.min(1.0);
    }
}

/// One that waits for its turn.
struct Waiting {
    urgency: Urgency,
    channel: Option<String>,
    go: oneshot::Sender<()>,
}

/// The calls of one method.
struct Line {
    bucket: Bucket,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    /// When each channel takes the next post.
    channels: HashMap<String, Timestamp>,
}

impl Line {
    /// Lets everyone go whose turn it is, the most urgent first; says when to look again.
    fn grant(&mut self, now: Timestamp) -> Option<Duration> {
        self.waiting.retain(|one| !one.go.is_closed());
        self.channels.retain(|_, free_at| *free_at > now);
        loop {
            let free = |one: &Waiting| one.channel.as_ref().is_none_or(|channel| !self.channels.contains_key(channel));
            let first = (0..self.waiting.len())
                .filter(|n| free(&self.waiting[*n]))
                .max_by_key(|n| (self.waiting[*n].urgency, std::cmp::Reverse(*n)));
            let Some(first) = first else { break };
            if let Err(wait) = self.bucket.take(now, self.waiting[first].urgency) {
                return Some(wait);
            }
            let Waiting { channel, go, .. } = self.waiting.remove(first);
            if go.send(()).is_ok() {
                self.channels.extend(channel.map(|channel| (channel, now + CHANNEL_PAUSE)));
            }
        }
        let wanted = |channel: &String| self.waiting.iter().any(|one| one.channel.as_ref() == Some(channel));
        let free_at = self.channels.iter().filter(|(channel, _)| wanted(channel)).map(|(_, free_at)| *free_at).min();
        free_at.map(|free_at| free_at.since(now))
    }
}

/// The turns of all methods of one workspace.
#[derive(Clone)]
pub struct Schedule {
    clock: Arc<dyn Clock>,
    lines: Arc<Mutex<HashMap<&'static str, Line>>>,
}

/// More calls wait than anybody would wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flooded;

impl Schedule {
    /// With nothing spent yet, by a clock that nobody sets: one that is set back would hold everything up.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, lines: Arc::default() }
    }

    /// The time by which it goes.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn with_line<T>(&self, method: &'static str, f: impl FnOnce(&mut Line, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut lines = self.lines.lock().expect(UNPOISONED);
        let fresh =
            || Line { bucket: Bucket::new(per_minute(method), now), waiting: Vec::new(), channels: HashMap::new() };
        f(lines.entry(method).or_insert_with(fresh), now)
    }

    /// Returns when it is the turn of a call of this method, with `channel` for one that posts there.
    pub async fn turn(&self, method: &'static str, channel: Option<&str>, urgency: Urgency) -> Result<(), Flooded> {
        let (go, mut going) = oneshot::channel();
        let is_flooded = self.with_line(method, |line, _| {
            line.waiting.push(Waiting { urgency, channel: channel.map(str::to_owned), go });
            line.waiting.len() > WAITING_MAX
        });
        if is_flooded {
            return Err(Flooded);
        }
        loop {
            let wait = self.with_line(method, Line::grant).unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
            tokio::select! {
                biased;
                _ = &mut going => return Ok(()),
                () = pass(wait) => {}
            }
        }
    }

    /// Takes a turn now, or says how long to wait; for whoever has a line of its own.
    pub fn try_turn(&self, method: &'static str, urgency: Urgency) -> Result<(), Duration> {
        self.with_line(method, |line, now| line.bucket.take(now, urgency))
    }

    /// The platform said "later": nothing of this method goes out before.
    pub fn close(&self, method: &'static str, after: Duration) {
        self.with_line(method, |line, now| line.bucket.close_until(now + after));
    }
}

/// Lets time pass. Nothing is owed here that a restart would lose: it looks, asks and says anew at once.
#[expect(clippy::disallowed_methods, reason = "the platform counts by its own clock, and its absence is waited out")]
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_ms((seconds * 1_000.0) as i64)
    }

    #[test]
    fn no_minute_has_more_calls_than_the_tier_allows_and_four_fifths_of_it_are_used() {
        let mut bucket = Bucket::new(50, at(0.0));
        let mut sent = Vec::new();
        for tenth in 0..6_000 {
            let now = at(f64::from(tenth) / 10.0);
            while bucket.take(now, Urgency::Change).is_ok() {
                sent.push(now);
            }
        }
        for start in 0..540 {
            let (from, to) = (at(f64::from(start)), at(f64::from(start + 60)));
            let n = sent.iter().filter(|at| **at >= from && **at < to).count();
            assert!((39..=50).contains(&n), "{n} calls in the minute after {start} s");
        }
    }

    #[test]
    fn progress_leaves_the_last_calls_to_what_is_urgent() {
        let mut bucket = Bucket::new(50, at(0.0));
        let progress = std::iter::from_fn(|| bucket.take(at(0.0), Urgency::Progress).ok()).count();
        let rest = std::iter::from_fn(|| bucket.take(at(0.0), Urgency::NeedsHuman).ok()).count();
        assert_eq!((progress, rest), (6, 4));
    }

    #[test]
    fn nothing_goes_out_before_the_platform_said() {
        let mut bucket = Bucket::new(50, at(0.0));
        bucket.close_until(at(30.0));
        assert_eq!(bucket.take(at(10.0), Urgency::NeedsHuman), Err(Duration::from_secs(20)));
        assert_eq!(bucket.take(at(30.0), Urgency::NeedsHuman), Ok(()));
    }

    #[test]
    fn the_most_urgent_goes_first_and_one_busy_channel_stops_no_other() {
        let mut line = Line { bucket: Bucket::new(300, at(0.0)), waiting: Vec::new(), channels: HashMap::new() };
        let mut going = Vec::new();
        for (channel, urgency) in [("a", Urgency::Change), ("a", Urgency::NeedsHuman), ("b", Urgency::Progress)] {
            let (go, gone) = oneshot::channel();
            line.waiting.push(Waiting { urgency, channel: Some(channel.to_owned()), go });
            going.push(gone);
        }
        let mut gone = |line: &mut Line, seconds| {
            let wait = line.grant(at(seconds));
            (going.iter_mut().map(|one| one.try_recv().is_ok()).collect::<Vec<_>>(), wait)
        };
        assert_eq!(gone(&mut line, 0.0), (vec![false, true, true], Some(CHANNEL_PAUSE)));
        assert_eq!(gone(&mut line, 0.5), (vec![false, false, false], Some(CHANNEL_PAUSE / 2)));
        assert_eq!(gone(&mut line, 1.0), (vec![true, false, false], None));
    }
}
