//! Looks for what no event told of: at the start, after each reconnect, and every few minutes.
//!
//! Slack keeps no event for an app that is not there, and a socket may be open and silent. So every channel has a
//! watermark: what is newer goes through the same door as an event does, under the same id, and is heard once. A thread may
//! have a new reply under an old message: each message of the last page that has one, and each thread with a live task, is
//! looked through as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agents::task::{Task, view};
use serde_json::Value;
use store::{ApplyError, Store, StoreError};
use tokio_util::sync::CancellationToken;

use super::UNPOISONED;
use super::client::{Client, SlackError};
use super::door::Door;
use super::events::of_message;
use super::schedule::pass;
use super::table::{self, place_of};

/// How many pages of 200 messages of one channel are looked through in one look, so that no channel waits for a long one; the
/// next look goes on from there.
const PAGES_MAX: usize = 25;
/// How many channels are looked through.
const CHANNEL_PAGES_MAX: usize = 10;
/// How long after one connection the next may come for one look to do for both.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);
/// The pause after a look that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(15);

/// The name under which it is kept when everything was looked through.
const EVERYWHERE: &str = "*";

/// Looks.
pub struct CatchUp {
    /// To read.
    pub client: Arc<Client>,
    /// Where what is found goes.
    pub door: Door,
    /// How often.
    pub every: Duration,
    /// The channels of which one look did not see everything.
    pub behind: Mutex<BTreeMap<String, Behind>>,
}

/// How far a channel was looked through, from its newest message down. What is below is looked through next; its watermark
/// stays until then, so that a process that ends meanwhile begins anew and loses nothing.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The oldest message that was seen.
    below: String,
    /// The newest one.
    newest: String,
}

/// Why a look was not finished.
#[derive(Debug, thiserror::Error)]
pub enum Unseen {
    /// Slack did not show it.
    #[error(transparent)]
    Slack(#[from] SlackError),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] ApplyError),
}

impl From<StoreError> for Unseen {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl CatchUp {
    /// Looks whenever it is asked to and every so often, until `stop` fires. `silent` is told when something was found although
    /// connections are open.
    pub async fn run(&self, silent: impl Fn(), stop: CancellationToken) {
        let mut is_asked = true;
        // What is said from this moment on is for us, however long the first look takes to begin.
        if let Err(error) = self.since(&self.moment()).await {
            tracing::warn!("from when on Slack is listened to cannot be kept: {error}");
        }
        while !stop.is_cancelled() {
            if is_asked {
                // Connections come one after the other; one look is for all of them.
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = pass(SETTLES_WITHIN) => {}
                }
            }
            let pause = match self.look().await {
                Ok(n) => {
                    if n > 0 {
                        tracing::warn!("{n} messages in Slack came with no event; they were found in the history");
                    }
                    if n > 0 && !is_asked {
                        silent();
                    }
                    self.every
                }
                Err(error) => {
                    tracing::warn!("Slack's channels could not be looked through: {error}");
                    PAUSE_AFTER_FAILURE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.door.look.notified() => is_asked = true,
                () = pass(pause) => is_asked = false,
            }
        }
    }

    /// Looks through every channel once; says how many messages nobody had told of.
    pub async fn look(&self) -> Result<u64, Unseen> {
        let params = [
            ("types", "public_channel,private_channel,mpim,im".to_owned()),
            ("exclude_archived", "true".to_owned()),
            ("limit", "200".to_owned()),
        ];
        let channels = self.client.read_all("users.conversations", &params, "channels", CHANNEL_PAGES_MAX).await?;
        let live = live_threads(&self.door.store).await?;
        let begins = self.moment();
        let since = self.since(&begins).await?;
        let mut n = 0;
        for channel in &channels {
            let Some(id) = channel["id"].as_str() else { continue };
            match self.look_through(id, &since, &live).await {
                Ok(found) => n += found,
                // One that cannot be read hinders no other.
                Err(Unseen::Slack(error @ SlackError::Refused { .. })) => {
                    tracing::info!("the channel {id} cannot be looked through: {error}")
                }
                Err(error) => return Err(error),
            }
        }
        table::raise_watermark(&self.door.store, EVERYWHERE, &begins).await?;
        self.door.status.note_looked(n);
        Ok(n)
    }

    /// This moment as Slack writes it, to the second below.
    fn moment(&self) -> String {
        format!("{}.000000", self.door.store.now().as_ms() / 1_000)
    }

    /// From when on what is said is for us, in a channel that was never looked through: since the last look, because it was
    /// joined after that; and since the first one when there was none, because before that nobody listened.
    async fn since(&self, begins: &str) -> Result<String, StoreError> {
        if let Some(since) = table::watermark(&self.door.store, EVERYWHERE).await? {
            return Ok(since);
        }
        table::raise_watermark(&self.door.store, EVERYWHERE, begins).await?;
        Ok(begins.to_owned())
    }

    async fn look_through(&self, channel: &str, since: &str, live: &BTreeSet<(String, String)>) -> Result<u64, Unseen> {
        let watermark = table::watermark(&self.door.store, channel).await?.unwrap_or_else(|| since.to_owned());
        let (recent, behind) = self.recent(channel, &watermark).await?;
        // A message tells of its newest reply; only of threads that began before this page nothing is known.
        let shown: BTreeSet<&str> = recent.iter().filter_map(|message| message["ts"].as_str()).collect();
        let has_news = |message: &&Value| message["latest_reply"].as_str().is_some_and(|reply| *reply > *watermark);
        let mut threads: BTreeSet<&str> =
            recent.iter().filter(has_news).filter_map(|message| message["ts"].as_str()).collect();
        let older = live.iter().filter(|(of, ts)| of == channel && !shown.contains(ts.as_str()));
        threads.extend(older.map(|(_, ts)| ts.as_str()));
        let mut found: Vec<Value> = recent.iter().filter(|message| is_after(message, &watermark)).cloned().collect();
        for thread in threads {
            let params = [
                ("channel", channel.to_owned()),
                ("ts", thread.to_owned()),
                ("oldest", watermark.clone()),
                ("limit", "200".to_owned()),
            ];
            match self.client.read_all("conversations.replies", &params, "messages", PAGES_MAX).await {
                Ok(replies) => found.extend(replies.into_iter().filter(|reply| is_after(reply, &watermark))),
                Err(SlackError::Refused { code, .. }) if code == "thread_not_found" => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.take(channel, &watermark, (found, behind)).await
    }

    /// The messages of a channel that this look goes through, and where it did not come down to the watermark.
    async fn recent(&self, channel: &str, watermark: &str) -> Result<(Vec<Value>, Option<Behind>), Unseen> {
        let before = self.behind.lock().expect(UNPOISONED).get(channel).cloned();
        let until = before.as_ref().map_or(watermark, |before| before.newest.as_str());
        let (mut recent, unread) = self.pages(channel, None, until).await?;
        let newest = recent.first().map(ts_of).filter(|ts| ts.as_str() > until).unwrap_or_else(|| until.to_owned());
        match (unread, before) {
            (Some(below), _) => Ok((recent, Some(Behind { below, newest }))),
            (None, None) => Ok((recent, None)),
            (None, Some(Behind { below, .. })) => {
                let (older, unread) = self.pages(channel, Some(&below), watermark).await?;
                recent.extend(older);
                Ok((recent, unread.map(|below| Behind { below, newest })))
            }
        }
    }

    /// Takes what was found in, oldest first, and raises the watermark to the newest of it.
    async fn take(
        &self,
        channel: &str,
        watermark: &str,
        (mut found, behind): (Vec<Value>, Option<Behind>),
    ) -> Result<u64, Unseen> {
        let Some(me) = self.door.me.load_full() else { return Ok(0) };
        found.sort_by_key(ts_of);
        found.dedup_by_key(|message| ts_of(message));
        let mut n = 0;
        for message in &mut found {
            message["channel"] = channel.into();
            if self.door.take_late(of_message(message, &me, &self.door.people)).await? {
                n += 1;
            }
        }
        if let Some(behind) = behind {
            tracing::info!("more was said in the channel {channel} than one look goes through; the next one goes on");
            // One of its own, because that of everywhere is raised with the end of this look.
            table::raise_watermark(&self.door.store, channel, watermark).await?;
            self.behind.lock().expect(UNPOISONED).insert(channel.to_owned(), behind);
            self.door.look.notify_one();
            return Ok(n);
        }
        let seen = self.behind.lock().expect(UNPOISONED).get(channel).map(|behind| behind.newest.clone());
        let newest = found.last().map(ts_of).max(seen).unwrap_or_else(|| watermark.to_owned());
        table::raise_watermark(&self.door.store, channel, &newest).await?;
        self.behind.lock().expect(UNPOISONED).remove(channel);
        Ok(n)
    }

    /// The newest messages of a channel, or those before one, page by page until one is older than `until`; where they did
    /// not come down to that, the oldest that was read.
    async fn pages(
        &self,
        channel: &str,
        before: Option<&str>,
        until: &str,
    ) -> Result<(Vec<Value>, Option<String>), SlackError> {
        let mut params = vec![("channel", channel.to_owned()), ("limit", "200".to_owned())];
        params.extend(before.map(|before| ("latest", before.to_owned())));
        let (mut read, mut cursor) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let next = (!cursor.is_empty()).then(|| ("cursor", cursor.clone()));
            let mut page = self.client.read("conversations.history", &[&params[..], next.as_slice()].concat()).await?;
            if let Value::Array(found) = page["messages"].take() {
                read.extend(found);
            }
            cursor = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
            if cursor.is_empty() || read.last().is_none_or(|oldest| !is_after(oldest, until)) {
                return Ok((read, None));
            }
        }
        let oldest = read.last().map(ts_of);
        Ok((read, oldest))
    }
}

fn ts_of(message: &Value) -> String {
    message["ts"].as_str().unwrap_or_default().to_owned()
}

fn is_after(message: &Value, watermark: &str) -> bool {
    message["ts"].as_str().is_some_and(|ts| ts > watermark)
}

/// The channel and first message of each thread in Slack that has a live task.
async fn live_threads(store: &Store) -> Result<BTreeSet<(String, String)>, StoreError> {
    let mut threads = BTreeSet::new();
    for id in view::live_ids(store).await? {
        let Some(task) = store.load::<Task>(&id).await? else { continue };
        let thread = &task.request.thread;
        threads.extend(place_of(thread).map(|(_, channel, ts)| (channel.to_owned(), ts.to_owned())));
    }
    Ok(threads)
}
