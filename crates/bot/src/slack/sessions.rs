//! Threads as Slack's agent sessions: `agents.sessions.setStatus` says whether something is worked on (and shows Slack's own
//! stop button), waits for a person, or is over.
//!
//! A thread may have several tasks; it is as busy as the busiest. What is to be told follows from rows that are written
//! before anything is said, so a process that comes after a crash tells what the one before did not. Telling it twice changes
//! nothing. A workspace without sessions is not asked again before a restart; the card says the same.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use store::StoreError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::chat::messenger::{Part, Said, Stage, Urgency};

use super::UNPOISONED;
use super::client::SlackError;
use super::events::NO_THREAD;
use super::kit::{cut, line};
use super::messenger::SlackMessenger;
use super::schedule::pass;
use super::streams::is_of_place;
use super::table::Kept;

pub mod table;

/// Tells how a thread stands.
const SET_STATUS: &str = "agents.sessions.setStatus";
/// How long a session's title is (reference/methods/agents.sessions.setStatus).
const TITLE_MAX: usize = 200;
/// The pause after a call that Slack did not answer.
const PAUSE: Duration = Duration::from_secs(3);

/// A thread: its channel and first message.
type Place = (String, String);

/// How a thread stands, in Slack's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Something is worked on.
    Processing,
    /// A person is waited for.
    Suspended,
    /// Nothing is done, and something will be.
    Active,
    /// Everything is over.
    Closed,
}

impl Standing {
    fn of(busiest: Stage) -> Self {
        match busiest {
            Stage::Planning | Stage::Working => Self::Processing,
            Stage::NeedsHuman => Self::Suspended,
            Stage::Queued => Self::Active,
            Stage::Over => Self::Closed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Suspended => "suspended",
            Self::Active => "active",
            Self::Closed => "closed",
        }
    }
}

/// What a session begins with; Slack takes it once.
#[derive(Clone, Debug, Default)]
struct Beginning {
    title: String,
    initiator: Option<String>,
}

/// The threads of which Slack is to be told.
#[derive(Default)]
pub struct Sessions {
    /// How far each card's task was when it was last noted, so that not every edit is.
    stages: Mutex<BTreeMap<String, Stage>>,
    pending: Mutex<BTreeMap<Place, Beginning>>,
    wake: Notify,
    /// Whether the workspace refuses sessions.
    is_refused: AtomicBool,
}

impl Sessions {
    /// A card is to say this: its thread stands as it does.
    pub async fn follow(&self, messenger: &SlackMessenger, card: &Kept, said: &Said) -> Result<(), StoreError> {
        let Some(course) = said.course.as_ref().filter(|_| card.thread_ts != NO_THREAD) else { return Ok(()) };
        let is_noted = self.stages.lock().expect(UNPOISONED).get(&card.key) == Some(&course.stage);
        if is_noted || self.is_refused.load(Ordering::Relaxed) {
            return Ok(());
        }
        table::note(&messenger.store, card, course.stage).await?;
        let mut stages = self.stages.lock().expect(UNPOISONED);
        match course.stage {
            Stage::Over => drop(stages.remove(&card.key)),
            stage => drop(stages.insert(card.key.clone(), stage)),
        }
        drop(stages);
        let title = said.parts.first().map(|part| match part {
            Part::Title(title) => cut(&line(title), TITLE_MAX),
            Part::Now(_)
            | Part::Words(_)
            | Part::Steps(_)
            | Part::Todo(_)
            | Part::Field { .. }
            | Part::Facts(_)
            | Part::Code { .. } => String::new(),
        });
        let initiator = messenger.people.user_of(&course.requester);
        let place = (card.channel.clone(), card.thread_ts.clone());
        self.want(place, Beginning { title: title.unwrap_or_default(), initiator });
        Ok(())
    }

    fn want(&self, place: Place, beginning: Beginning) {
        self.pending.lock().expect(UNPOISONED).insert(place, beginning);
        self.wake.notify_one();
    }

    /// Takes up what a process left.
    pub async fn resume(&self, messenger: &SlackMessenger) -> Result<(), StoreError> {
        for place in table::open(&messenger.store).await? {
            self.want(place, Beginning::default());
        }
        Ok(())
    }

    /// Tells Slack how threads stand until `stop` fires.
    pub async fn run(&self, messenger: &SlackMessenger, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let first = self.pending.lock().expect(UNPOISONED).pop_first();
            let wait = match first {
                None => None,
                Some((place, beginning)) => match self.tell(messenger, &place, &beginning).await {
                    Ok(()) => continue,
                    Err(wait) => {
                        // Whatever is said of it meanwhile is newer.
                        self.pending.lock().expect(UNPOISONED).entry(place).or_insert(beginning);
                        Some(wait)
                    }
                },
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified(), if wait.is_none() => {}
                () = async { match wait {
                    Some(wait) => pass(wait).await,
                    None => std::future::pending().await,
                } } => {}
            }
        }
    }

    /// Tells how a thread stands, where Slack was told otherwise; or says when to come again.
    async fn tell(&self, messenger: &SlackMessenger, place: &Place, beginning: &Beginning) -> Result<(), Duration> {
        let unread = |error: StoreError| {
            tracing::warn!("how a thread in Slack stands cannot be read: {error}");
            PAUSE
        };
        let (standing, told) = table::standing(&messenger.store, place).await.map_err(unread)?;
        let Some(standing) = standing.filter(|standing| told.as_deref() != Some(standing.word())) else {
            return Ok(());
        };
        if self.is_refused.load(Ordering::Relaxed) {
            return Ok(());
        }
        messenger.client.schedule().try_turn(SET_STATUS, Urgency::Change)?;
        let mut body = json!({ "channel_id": place.0, "thread_ts": place.1, "status": standing.word() });
        if !beginning.title.is_empty() {
            body["title"] = json!(beginning.title);
        }
        if let Some(user) = &beginning.initiator {
            body["initiator_user_id"] = json!(user);
        }
        match messenger.client.act_now(SET_STATUS, &body).await {
            Ok(_) => {}
            Err(SlackError::Refused { code, .. }) if is_of_place(&code) => {
                tracing::debug!("Slack shows no session in {} of {}: {code}", place.1, place.0);
            }
            Err(SlackError::Refused { code, .. }) => {
                tracing::info!("this workspace has no agent sessions ({code})");
                messenger.status.note_refused("agent sessions", &code);
                self.is_refused.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Err(SlackError::Away { .. } | SlackError::Limited { .. }) => return Err(PAUSE),
        }
        table::told(&messenger.store, place, standing.word()).await.map_err(unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_as_busy_as_its_busiest_task() {
        let of = |stages: &[Stage]| stages.iter().max().map(|busiest| Standing::of(*busiest).word());
        assert_eq!(of(&[Stage::Over, Stage::Working, Stage::NeedsHuman]), Some("processing"));
        assert_eq!(of(&[Stage::Over, Stage::NeedsHuman, Stage::Queued]), Some("suspended"));
        assert_eq!(of(&[Stage::Queued, Stage::Over]), Some("active"));
        assert_eq!(of(&[Stage::Over]), Some("closed"));
        assert_eq!(of(&[]), None);
    }
}
