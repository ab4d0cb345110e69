//! Without a terminal: lines of standard input are said one by one, and what is said is appended to standard output,
//! without a control character. What concerns only whoever runs the command goes to standard error.
//!
//! At the end of the input it leaves when every line was answered and nothing was said for [`QUIET`], so that the first
//! replies are seen; at the latest after [`LINGER_MAX`]. It also leaves when the instance is away for [`AWAY_MAX`].

use std::io::{self, Write};
use std::time::Duration;

use domain::{Clock, Timestamp};
use futures::StreamExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval_at};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::link::{Followed, Heard, Link, Saying, refusal};
use super::row::Row;
use super::transcript::Transcript;
use super::{Attach, Left};
use crate::chat::console::{ConsoleEvent, ConsoleMessage, MESSAGE_BYTES_MAX};
use crate::clock::{SystemClock, fresh_name};
use crate::control::wire::Shown;

/// How long nothing has to be said after the end of the input: replies of an idle instance take a tenth of it.
pub const QUIET: Duration = Duration::from_secs(1);
/// How long it waits at most after the end of the input: an instance that restarts is back before.
pub const LINGER_MAX: Duration = Duration::from_secs(15);
/// How long the instance may be away before whoever waits for the end of the pipe is told: a restart takes seconds.
pub const AWAY_MAX: Duration = Duration::from_secs(30);
/// How often it looks whether things are quiet; also how long an edit of a card is held back.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many things may wait in either direction; then whoever sends them waits.
const WAITING_MAX: usize = 64;

/// Says the lines of standard input and shows the thread, until the input has ended.
#[expect(clippy::disallowed_methods, reason = "a display moves with real time; nothing is decided by it")]
pub async fn talk(attach: Attach) -> io::Result<Left> {
    let (heard_by, mut heard) = mpsc::channel(WAITING_MAX);
    let (said, to_say) = mpsc::channel(1);
    let (_followed, to_follow) = watch::channel(Followed { thread: attach.thread.clone(), backlog: 0 });
    let person = attach.person.as_str().to_owned();
    let link = Link { state: attach.state, person, heard: heard_by, now: tokio::sync::Notify::new() };
    let running = link.run(to_follow, to_say);
    tokio::pin!(running);
    let mut lines = FramedRead::new(tokio::io::stdin(), LinesCodec::new_with_max_length(MESSAGE_BYTES_MAX));
    let mut looks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut tale = Tale::new(&attach.thread, now());
    loop {
        let may_speak = tale.may_speak();
        tokio::select! {
            line = lines.next(), if may_speak => if let Some(saying) = tale.take_line(line, now())? {
                // There is room: nothing else is said before this is answered.
                let _ = said.try_send(saying);
            },
            Some(heard) = heard.recv() => tale.take_heard(heard)?,
            _ = looks.tick() => if tale.look(now())? {
                return Ok(Left::InputEnded { n_unsaid: tale.n_unsaid + usize::from(tale.waits_for.is_some()) });
            },
            _ = terminated.recv() => return Ok(Left::Terminated),
            _ = interrupted.recv() => return Ok(Left::Asked),
            () = attach.stop.cancelled() => return Ok(Left::Stopped),
            never = &mut running => match never {},
        }
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// What has been said and shown.
struct Tale {
    thread: String,
    transcript: Transcript,
    began_at: Timestamp,
    changed_at: Timestamp,
    ended_at: Option<Timestamp>,
    is_watched: bool,
    lost_at: Option<Timestamp>,
    waits_for: Option<String>,
    n_unsaid: usize,
    passes_over: bool,
}

impl Tale {
    fn new(thread: &str, now: Timestamp) -> Self {
        Self {
            thread: thread.to_owned(),
            transcript: Transcript::default(),
            began_at: now,
            changed_at: now,
            ended_at: None,
            is_watched: false,
            lost_at: None,
            waits_for: None,
            n_unsaid: 0,
            passes_over: false,
        }
    }

    /// One line after the other, and none before what comes of it can be seen.
    fn may_speak(&self) -> bool {
        self.is_watched && self.ended_at.is_none() && self.waits_for.is_none()
    }

    fn take_line(
        &mut self,
        line: Option<Result<String, LinesCodecError>>,
        now: Timestamp,
    ) -> io::Result<Option<Saying>> {
        match line {
            Some(Ok(line)) => Ok(self.say(line.trim())),
            Some(Err(LinesCodecError::Io(error))) => Err(error),
            Some(Err(LinesCodecError::MaxLineLengthExceeded)) => {
                let advice = "put the rest into a file of the repository";
                self.refuse(&format!("the line has more than {MESSAGE_BYTES_MAX} bytes; {advice}"));
                // The reader calls what it passes over the end once.
                self.passes_over = true;
                Ok(None)
            }
            None => {
                if !std::mem::take(&mut self.passes_over) {
                    self.ended_at = Some(now);
                }
                Ok(None)
            }
        }
    }

    fn say(&mut self, text: &str) -> Option<Saying> {
        if text.is_empty() {
            return None;
        }
        let saying = Saying { delivery: fresh_name(), thread: self.thread.clone(), text: text.to_owned() };
        self.waits_for = Some(saying.delivery.clone());
        Some(saying)
    }

    fn refuse(&mut self, why: &str) {
        self.n_unsaid += 1;
        eprintln!("not said: {why}");
    }

    fn take_heard(&mut self, heard: Heard) -> io::Result<()> {
        match heard {
            Heard::Connected(_) => (self.is_watched, self.lost_at) = (true, None),
            Heard::Lost { why, .. } => {
                if self.lost_at.is_none() {
                    eprintln!("the connection is lost and is tried again: {why}");
                    self.lost_at = Some(now());
                }
            }
            Heard::Answered(_, answer) => {
                self.waits_for = None;
                self.changed_at = now();
                if let Some(why) = refusal(answer) {
                    self.refuse(&why);
                }
            }
            Heard::Shown(shown) => self.take_shown(shown)?,
        }
        Ok(())
    }

    fn take_shown(&mut self, shown: Shown) -> io::Result<()> {
        let event = match shown {
            Shown::Posted(message) => ConsoleEvent::Posted(message),
            Shown::Edited(message) => ConsoleEvent::Edited(message),
            Shown::Reacted(_) | Shown::Running { .. } => return Ok(()),
            Shown::Missed { n } => {
                eprintln!("{n} changes went by faster than they could be shown");
                return Ok(());
            }
        };
        let (ConsoleEvent::Posted(message) | ConsoleEvent::Edited(message) | ConsoleEvent::Reacted(message)) = &event;
        if !self.is_ours(message) {
            return Ok(());
        }
        self.changed_at = now();
        print(&self.transcript.take_in(&event))
    }

    /// Of the past, which is told again after a break, only what came since we began.
    fn is_ours(&self, message: &ConsoleMessage) -> bool {
        let is_past =
            message.at < self.began_at && self.transcript.last_of(&self.thread).is_none_or(|last| message.n > last);
        message.thread == self.thread && !is_past
    }

    /// Shows what was held back, when it is quiet; true when there is nothing more to wait for.
    fn look(&mut self, now: Timestamp) -> io::Result<bool> {
        let quiet = now.since(self.changed_at);
        if quiet >= LOOK_EVERY {
            print(&self.transcript.settle())?;
        }
        if self.lost_at.is_some_and(|lost_at| now.since(lost_at) >= AWAY_MAX) {
            self.refuse(&format!("the instance did not come back within {} s", AWAY_MAX.as_secs()));
            return Ok(true);
        }
        let Some(ended_at) = self.ended_at else { return Ok(false) };
        let is_answered = self.waits_for.is_none() && quiet >= QUIET && now.since(ended_at) >= QUIET;
        Ok(is_answered || now.since(ended_at) >= LINGER_MAX)
    }
}

fn print(rows: &[Row]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    rows.iter().try_for_each(|row| writeln!(out, "{}", row.plain()))?;
    out.flush()
}
