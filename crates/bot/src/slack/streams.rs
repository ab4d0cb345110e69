//! The steps of a task at work, in a message that grows: `chat.startStream`, then only what changed, then `chat.stopStream`.
//!
//! **Which message is which.** The card stays the card: one message, posted once, edited in place, with where the task stands
//! and what can be clicked. A message that grows cannot be that: it takes no edit while it grows (`streaming_state_conflict`),
//! carries its buttons only once it has ended, and Slack ends it by itself after some five minutes
//! (slackapi/python-slack-sdk#1859). So the *steps* move out of the card into a message of their own, and the card says in
//! words how far they are: Slack shows a stream live to the one who asked (`recipient_user_id`), and to everybody else its
//! beginning until it ends, so the card must never say less than its stream.
//!
//! **No noise.** It is one message a task, whatever becomes of it, begun when an agent *works* and has a list of two steps
//! or more; while it plans, and where it has no list, the card says it all. Once the stream is over (its session rests, Slack
//! ended it, somebody pressed Slack's stop button, we died), the same message is edited like any other, by what steps
//! come after. With card, plan, ready and end that makes five messages of a normal task.
//!
//! **Both are one view.** [`Progress`] is made of the card that every workspace gets; a stream is told the differences of two
//! of them, an edit the whole. What a stream cannot take back (a list that became shorter) ends it, and an edit says it.
//!
//! **Written down first.** What is wanted stands in the row before anything is sent, and what Slack was told after it. A
//! process that died left rows: each stream is found by the ids of its steps where it died between beginning and noting,
//! and ended; telling a step twice changes nothing. A workspace that refuses to stream is not asked again before a restart.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use store::{Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::chat::key::Key;
use crate::chat::messenger::{Said, Stage, Urgency};

use super::UNPOISONED;
use super::blocks::steps::Progress;
use super::client::SlackError;
use super::events::NO_THREAD;
use super::messenger::{SlackMessenger, is_of_blocks};
use super::schedule::pass;
use super::table::{Kept, note_place};

mod stream;
pub mod table;

use stream::{Held, Next, mark, wish};
pub use stream::{Phase, Stream};

/// The pause after a call that Slack did not answer; meanwhile something newer may be wanted.
const PAUSE: Duration = Duration::from_secs(3);

/// The messages in which steps stand, of tasks that are at work.
#[derive(Default)]
pub struct Streams {
    held: Mutex<Line>,
    wake: Notify,
    /// Whether the workspace refuses to stream.
    is_refused: AtomicBool,
}

#[derive(Default)]
struct Line {
    by_card: BTreeMap<String, Held>,
    n: u64,
}

impl Streams {
    fn with<T>(&self, f: impl FnOnce(&mut Line) -> T) -> T {
        f(&mut self.held.lock().expect(UNPOISONED))
    }

    /// Whether a card's steps stand in a message of their own.
    pub fn carries(&self, card: &str) -> bool {
        self.with(|line| line.by_card.get(card).is_some_and(Held::carries))
    }

    /// A card is to say this: its steps are to show the same.
    pub async fn follow(&self, messenger: &SlackMessenger, card: &Kept, said: &Said) -> Result<(), StoreError> {
        let told = said.reworded(|text| messenger.people.told(text));
        let Some(course) = told.course.as_ref().filter(|_| card.thread_ts != NO_THREAD) else { return Ok(()) };
        let name = card.key.parse::<Key>().map(|key| key.task.to_string()).unwrap_or_default();
        let live = Progress::of(&name, &told).filter(|_| course.stage == Stage::Working);
        let last = Progress::of_lines(&name, &course.steps);
        let known = match self.with(|line| line.by_card.get(&card.key).map(|held| held.stream.clone())) {
            Some(stream) => Some(stream),
            None if live.is_none() && last.is_none() => None,
            None => table::by_card(&messenger.store, &card.key).await?,
        };
        let Some(wanted) = wish(known.as_ref(), live, last) else { return Ok(()) };
        let is_there = known.as_ref().is_some_and(|known| known.ts.is_some());
        let may_begin = !self.is_refused.load(Ordering::Relaxed) && messenger.native.load(Ordering::Relaxed);
        let user = known.map(|known| known.recipient).or_else(|| messenger.people.user_of(&course.requester));
        let Some(recipient) = user.filter(|_| is_there || may_begin) else { return Ok(()) };
        if let Some(stream) = table::want(&messenger.store, card, &recipient, &wanted).await? {
            self.want(stream);
        }
        Ok(())
    }

    fn want(&self, stream: Stream) {
        self.with(|line| {
            line.n += 1;
            let n = line.n;
            match line.by_card.get_mut(&stream.card) {
                // What this process knows of it is newer than the row.
                Some(held) => held.stream.wanted = stream.wanted,
                None => drop(line.by_card.insert(stream.card.clone(), Held::new(stream, n))),
            }
        });
        self.wake.notify_one();
    }

    /// Takes up what a process left, before anything else is wanted: nobody works on it until somebody says so.
    pub async fn resume(&self, store: &Store) -> Result<(), StoreError> {
        for mut stream in table::unfinished(store).await? {
            let last = stream.wanted.take().or(stream.shown.clone());
            stream.wanted = last.map(Progress::at_rest);
            table::want_instead(store, &stream).await?;
            self.with(|line| {
                line.n += 1;
                let held = Held { is_unanswered: stream.phase == Phase::Beginning, ..Held::new(stream, line.n) };
                line.by_card.insert(held.stream.card.clone(), held);
            });
        }
        Ok(())
    }

    /// Those with something to be done, in the order in which they came.
    fn waiting(&self) -> Vec<(Held, Next)> {
        let mut waiting: Vec<_> =
            self.with(|line| line.by_card.values().filter_map(|held| Some((held.clone(), held.next()?))).collect());
        waiting.sort_by_key(|(held, _)| held.n);
        waiting
    }

    /// Tells Slack what is wanted until `stop` fires; what is left then is written down.
    pub async fn run(&self, messenger: &SlackMessenger, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let mut wait = None;
            for (held, next) in self.waiting() {
                if let Err(later) = self.take(messenger, held, next).await {
                    wait = Some(wait.map_or(later, |wait: Duration| wait.min(later)));
                }
            }
            if wait.is_none() && !self.waiting().is_empty() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = async { match wait {
                    Some(wait) => pass(wait).await,
                    None => std::future::pending().await,
                } } => {}
            }
        }
    }

    /// Takes one step, if it may be taken now; else says when to come again.
    async fn take(&self, messenger: &SlackMessenger, mut held: Held, next: Next) -> Result<(), Duration> {
        let before = held.stream.clone();
        let carried = held.carries();
        let taken = match &next {
            Next::Settle => {
                held.stream.wanted = None;
                Ok(())
            }
            Next::Find => find(messenger, &mut held).await.map_err(|_| PAUSE),
            Next::Begin(_) | Next::Append(_) | Next::Stop(_) | Next::Edit => {
                self.call(messenger, &mut held, &next).await
            }
        };
        held.is_late = matches!(next, Next::Begin(_)) && taken.is_err();
        let carries = held.carries();
        self.keep(messenger, held, &before).await;
        if carries != carried {
            messenger.edit_again(&before.card).await;
        }
        taken
    }

    async fn call(&self, messenger: &SlackMessenger, held: &mut Held, next: &Next) -> Result<(), Duration> {
        let (method, body) = call_of(messenger, &held.stream, next).ok_or(PAUSE)?;
        let urgency = match next {
            Next::Stop(_) => Urgency::End,
            Next::Begin(_) | Next::Append(_) | Next::Edit | Next::Find | Next::Settle => Urgency::Progress,
        };
        messenger.client.schedule().try_turn(method, urgency)?;
        let called = messenger.client.act_now(method, &body).await;
        self.note(messenger, held, next, called).map_err(|_| PAUSE)
    }

    /// What Slack's answer makes of it.
    fn note(
        &self,
        messenger: &SlackMessenger,
        held: &mut Held,
        next: &Next,
        called: Result<Value, SlackError>,
    ) -> Result<(), SlackError> {
        let stream = &mut held.stream;
        match (next, called) {
            (Next::Begin(_), Ok(begun)) => match begun["ts"].as_str() {
                Some(ts) => {
                    stream.ts = Some(ts.to_owned());
                    stream.phase = Phase::Open;
                    stream.shown = stream.wanted.take();
                }
                None => held.is_unanswered = true,
            },
            (Next::Append(_) | Next::Edit, Ok(_)) => stream.shown = stream.wanted.take(),
            (Next::Stop(pieces), Ok(_)) => {
                stream.phase = Phase::Over;
                if pieces.is_some() {
                    stream.shown = stream.wanted.take();
                }
            }
            (Next::Begin(_), Err(error @ SlackError::Away { .. })) => {
                held.is_unanswered = true;
                return Err(error);
            }
            (_, Err(error @ (SlackError::Away { .. } | SlackError::Limited { .. }))) => return Err(error),
            (next, Err(SlackError::Refused { code, .. })) => self.give_way(messenger, held, next, &code),
            (Next::Find | Next::Settle, Ok(_)) => {}
        }
        Ok(())
    }

    /// What a refusal makes of it: the steps go on in the next best way, and nothing of them is lost.
    fn give_way(&self, messenger: &SlackMessenger, held: &mut Held, next: &Next, code: &str) {
        let stream = &mut held.stream;
        match next {
            Next::Begin(_) => {
                stream.phase = Phase::Refused;
                if !is_of_place(code) {
                    self.is_refused.store(true, Ordering::Relaxed);
                    messenger.status.note_refused("streams", code);
                    tracing::info!("this workspace has no streams ({code}); steps stay on their cards from now on");
                }
            }
            // Slack ended it before us, most often; if it says otherwise to the edit, it is ended then.
            Next::Append(_) | Next::Stop(_) => {
                stream.phase = Phase::Over;
                stream.shown = None;
            }
            Next::Edit if code == "streaming_state_conflict" => stream.phase = Phase::Open,
            Next::Edit if is_of_blocks(code) && messenger.native.swap(false, Ordering::Relaxed) => {}
            Next::Edit => {
                tracing::info!("the steps of {} go back to their card: Slack says {code}", stream.card);
                stream.phase = Phase::Refused;
            }
            Next::Find | Next::Settle => {}
        }
    }

    /// Writes down where it stands now. What was wanted meanwhile stays wanted.
    async fn keep(&self, messenger: &SlackMessenger, held: Held, before: &Stream) {
        if held.stream != *before
            && let Err(error) = write_down(&messenger.store, &held.stream, before).await
        {
            tracing::warn!("how far {} is in Slack could not be written down: {error}", before.card);
        }
        self.with(|line| {
            let Some(now) = line.by_card.get_mut(&before.card) else { return };
            let newer = now.stream.wanted.take().filter(|wanted| Some(wanted) != before.wanted.as_ref());
            *now = held;
            now.stream.wanted = newer.or(now.stream.wanted.take());
            if now.is_done() {
                line.by_card.remove(&before.card);
            }
        });
    }
}

/// What is known now. An emoji on the message is one on its card, so its place is kept like that of any message of ours.
async fn write_down(store: &Store, now: &Stream, before: &Stream) -> Result<(), StoreError> {
    if let (Some(ts), None) = (&now.ts, &before.ts) {
        note_place(store, &format!("{}:steps", now.card), (&now.channel, &now.thread_ts, ts)).await?;
    }
    let settled = before.wanted.as_ref().filter(|_| now.wanted.is_none());
    table::told(store, now, settled).await
}

/// The call that comes next; none while nobody knows in which workspace we are.
fn call_of(messenger: &SlackMessenger, stream: &Stream, next: &Next) -> Option<(&'static str, Value)> {
    let Stream { card, channel, thread_ts, recipient, ts, wanted, .. } = stream;
    let growing = |pieces: &[Value]| match pieces.is_empty() {
        true => json!({ "channel": channel, "ts": ts }),
        false => json!({ "channel": channel, "ts": ts, "chunks": pieces }),
    };
    match next {
        Next::Begin(pieces) => {
            let team = messenger.me.load().as_ref()?.team.clone();
            let body = json!({
                "channel": channel, "thread_ts": thread_ts, "recipient_user_id": recipient,
                "recipient_team_id": team, "task_display_mode": "plan", "chunks": pieces,
            });
            Some(("chat.startStream", body))
        }
        Next::Append(pieces) => Some(("chat.appendStream", growing(pieces))),
        Next::Stop(pieces) => Some(("chat.stopStream", growing(pieces.as_deref().unwrap_or_default()))),
        Next::Edit => {
            let blocks = wanted.as_ref()?.blocks(messenger.native.load(Ordering::Relaxed), &mark(card));
            Some(("chat.update", json!({ "channel": channel, "ts": ts, "blocks": blocks })))
        }
        Next::Find | Next::Settle => None,
    }
}

/// Looks whether the stream was begun: by the ids of its steps, which nothing else has.
async fn find(messenger: &SlackMessenger, held: &mut Held) -> Result<(), SlackError> {
    let Stream { card, channel, thread_ts, .. } = &held.stream;
    let id = format!("\"{}1\"", mark(card));
    let found = messenger.find_in_thread((channel, thread_ts), |message| message.to_string().contains(&id)).await?;
    held.is_unanswered = false;
    if found.is_some() {
        held.stream.phase = Phase::Open;
        held.stream.ts = found;
    }
    Ok(())
}

/// Whether a refusal is about one channel, thread or person, and not about the workspace.
pub(super) fn is_of_place(code: &str) -> bool {
    const PLACE: [&str; 15] = [
        "cannot_reply_to_message",
        "channel_not_found",
        "channel_type_not_supported",
        "invalid_arguments",
        "invalid_chunks",
        "invalid_thread_ts",
        "is_archived",
        "message_not_found",
        "missing_recipient_team_id",
        "missing_recipient_user_id",
        "not_in_channel",
        "restricted_action",
        "thread_locked",
        "thread_not_found",
        "user_not_in_channel",
    ];
    PLACE.contains(&code)
}
