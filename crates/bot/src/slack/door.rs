//! Takes in what arrived: it is in the database, owed an answer, when this returns; then Slack is told that it was taken.
//!
//! What opens a form or shows the home tab is worth nothing after three seconds, so it is done beside, and lost when there
//! is too much of it; everything that a person says is kept first.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use domain::{Cause, MessageRef, TaskId, ThreadRef};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Applied, ApplyError, Store};
use tokio::sync::{Notify, mpsc};

use agents::task::Task;

use crate::chat::conversation::{Conversation, ConversationEvent, ThreadId};
use crate::chat::messenger::{Asks, Choice, Heard, Via};

use super::button::Signer;
use super::events::{Arrived, Click, Me, delivery, time_of};
use super::people::People;
use super::status::Status;
use super::{forms, table};

/// How long it may take to write down where a message was posted.
const POSTED_WITHIN: Duration = Duration::from_secs(60);

/// What is done beside.
#[derive(Clone, Debug)]
pub enum Aside {
    /// Open the form of a choice.
    OpenForm {
        /// What allows it, for three seconds.
        trigger: String,
        /// The choice.
        choice: Choice,
        /// Where it was offered.
        origin: Origin,
    },
    /// Open the form that makes a task of a message.
    OpenShortcut {
        /// What allows it, for three seconds.
        trigger: String,
        /// The message's words.
        text: String,
        /// The message.
        origin: Origin,
    },
    /// Show somebody their home tab.
    ShowHome {
        /// Who.
        user: String,
    },
    /// Show that a request is being read, until something is said.
    ShowReading {
        /// The channel.
        channel: String,
        /// The thread in it.
        thread_ts: String,
    },
    /// Tell somebody something that no task remembers.
    Tell {
        /// Who.
        user: String,
        /// Where.
        thread: ThreadRef,
        /// What.
        words: String,
    },
}

/// Where a form was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The channel.
    pub channel: String,
    /// The thread in it.
    pub thread_ts: String,
    /// The message.
    pub ts: String,
}

/// The way in.
#[derive(Clone)]
pub struct Door {
    /// Where it is kept.
    pub store: Store,
    /// Who is who.
    pub people: People,
    /// Who we are.
    pub me: Arc<ArcSwapOption<Me>>,
    /// What buttons are signed with.
    pub signer: Arc<Signer>,
    /// What is seen of the way.
    pub status: Arc<Status>,
    /// What is done beside.
    pub aside: mpsc::Sender<Aside>,
    /// Asks for a look at what no event told of.
    pub look: Arc<Notify>,
}

impl Door {
    /// Takes one thing in. What comes back is for the form that was sent off, where something in it is wrong.
    pub async fn take(&self, arrived: Arrived) -> Result<Option<Value>, ApplyError> {
        match arrived {
            Arrived::Heard { heard, is_call, has_more } => {
                self.note_place(&heard, is_call, has_more).await?;
                self.keep(heard, is_call).await?;
            }
            Arrived::Reacted { channel, ts, is_ours, mut heard } => {
                match table::by_place(&self.store, &channel, &ts).await? {
                    Some(kept) => heard.message.thread = self.thread_of(&channel, &kept.thread_ts),
                    // Somebody was quicker than we are at writing down where we posted; Slack tells of it again.
                    None if is_ours && self.store.now().since(time_of(&ts)) < POSTED_WITHIN => {
                        return Err(ApplyError::Contended { kind: "message in Slack", id: ts });
                    }
                    None => {}
                }
                self.keep(heard, false).await?;
            }
            Arrived::Clicked(click) => self.take_click(click).await?,
            Arrived::Submitted { user, view } => return self.take_form(&user, &view).await,
            Arrived::Shortcut { place: (channel, thread_ts, ts), trigger, text } => {
                self.beside(Aside::OpenShortcut { trigger, text, origin: Origin { channel, thread_ts, ts } });
            }
            Arrived::HomeOpened { user } => self.beside(Aside::ShowHome { user }),
            Arrived::Joined { .. } => self.look.notify_one(),
            Arrived::Uninstalled => {
                tracing::error!(
                    "the app was removed from the workspace, or its tokens were revoked; install it anew and set `slack.bot_token`"
                );
                self.status.note_uninstalled();
            }
            Arrived::Nothing(why) => self.status.note_ignored(why),
        }
        Ok(None)
    }

    /// Takes in a message that a look at the history found; true when no event had told of it.
    pub async fn take_late(&self, arrived: Arrived) -> Result<bool, ApplyError> {
        let Arrived::Heard { heard, is_call, has_more } = arrived else { return Ok(false) };
        if self.store.has_seen(&heard.delivery).await? {
            return Ok(false);
        }
        self.note_place(&heard, is_call, has_more).await?;
        self.keep(heard, is_call).await
    }

    /// Keeps where a call stands, where its own time stamp does not tell its thread, or where more is to be read than its words.
    async fn note_place(&self, heard: &Heard, is_call: bool, has_more: bool) -> Result<(), ApplyError> {
        let begins_thread = heard.message.thread.name.ends_with(&heard.message.id);
        if is_call && heard.via == Via::Words && (has_more || !begins_thread) {
            table::note_heard(&self.store, &heard.message).await?;
        }
        Ok(())
    }

    /// Keeps what somebody said, as owed an answer: always when they call us, else only in threads in which we are; true
    /// when it was new.
    async fn keep(&self, heard: Heard, is_call: bool) -> Result<bool, ApplyError> {
        let thread = heard.message.thread.clone();
        let is_fresh_call = is_call && heard.via == Via::Words;
        let (id, cause) = (ThreadId(thread.clone()), Cause::Delivery(heard.delivery.clone()));
        let event = ConversationEvent::MessageHeard { heard };
        let start = || Conversation::new(thread.clone());
        let applied = match is_call {
            true => self.store.apply_or_start(&id, start, event, cause).await,
            false => self.store.apply::<Conversation>(&id, event, cause).await,
        };
        match applied {
            Ok(Applied::Done(_)) => {
                self.status.note_kept();
                if let (true, Some((_, channel, thread_ts))) = (is_fresh_call, table::place_of(&thread)) {
                    let (channel, thread_ts) = (channel.to_owned(), thread_ts.to_owned());
                    self.beside(Aside::ShowReading { channel, thread_ts });
                }
                return Ok(true);
            }
            Ok(Applied::Repeated | Applied::Superseded) => self.status.note_ignored("heard before"),
            Err(ApplyError::Missing { .. }) => self.status.note_ignored("talk in threads of others"),
            Err(ApplyError::Rejected(rejected)) => tracing::error!("a message in {thread} was refused: {rejected}"),
            Err(error @ (ApplyError::Contended { .. } | ApplyError::Store(_))) => return Err(error),
        }
        Ok(false)
    }

    async fn take_click(&self, click: Click) -> Result<(), ApplyError> {
        let Some(me) = self.me.load_full() else { return Ok(()) };
        let place = click.channel.clone().unwrap_or_else(|| format!("home:{}", click.user));
        let Some(says) = self.signer.read(&place, &click.value) else {
            self.status.note_ignored("a click on a button that is not signed for its place");
            if let Some(channel) = click.channel {
                let thread = self.thread_of(&channel, &click.thread_ts.unwrap_or(click.ts));
                let words =
                    "This button is from before my keys were changed. Say `status` to get a new one.".to_owned();
                self.beside(Aside::Tell { user: click.user, thread, words });
            }
            return Ok(());
        };
        let Some(channel) = click.channel.clone() else { return self.take_home_click(&click, says, &me).await };
        let kept = table::by_place(&self.store, &channel, &click.ts).await?;
        let in_thread = click.thread_ts.clone().or(kept.as_ref().map(|kept| kept.thread_ts.clone()));
        let thread_ts = in_thread.unwrap_or_else(|| click.ts.clone());
        let offered = kept.into_iter().flat_map(|kept| [kept.wanted, kept.shown]).flatten();
        let choice =
            offered.flat_map(|said| said.choices.into_iter().chain(said.controls)).find(|choice| choice.says == says);
        if let Some(choice) = choice.filter(|choice| choice.asks != Asks::Nothing) {
            let origin = Origin { channel, thread_ts, ts: click.ts };
            self.beside(Aside::OpenForm { trigger: click.trigger, choice, origin });
            return Ok(());
        }
        let thread = self.thread_of(&channel, &thread_ts);
        self.keep(self.chosen(&click, says, thread, &me), false).await.map(drop)
    }

    /// A click on the home tab is answered in the thread of its task.
    async fn take_home_click(&self, click: &Click, says: String, me: &Me) -> Result<(), ApplyError> {
        let task = says.split_whitespace().find_map(|word| word.parse::<TaskId>().ok());
        let task = match task {
            Some(id) => self.store.load::<Task>(&id).await?,
            None => None,
        };
        let Some(task) = task else { return Ok(()) };
        let heard = self.chosen(click, says, task.request.thread.clone(), me);
        self.keep(heard, true).await?;
        self.beside(Aside::ShowHome { user: click.user.clone() });
        Ok(())
    }

    fn chosen(&self, click: &Click, says: String, thread: ThreadRef, me: &Me) -> Heard {
        let channel = click.channel.as_deref().unwrap_or("home");
        let kind = format!("click:{}:{}", click.user, click.action_ts);
        Heard {
            delivery: delivery(me, channel, &click.ts, &kind),
            message: MessageRef { thread, id: click.ts.clone() },
            author: self.people.person_of(&click.user),
            text: says,
            at: time_of(&click.action_ts),
            via: Via::Choice,
        }
    }

    async fn take_form(&self, user: &str, view: &Value) -> Result<Option<Value>, ApplyError> {
        let Some(me) = self.me.load_full() else { return Ok(None) };
        let (metadata, text) = match forms::said(view) {
            Ok(said) => said,
            Err(errors) => return Ok(Some(json!({ "response_action": "errors", "errors": errors }))),
        };
        let Ok(origin) = serde_json::from_str::<Origin>(&metadata) else {
            self.status.note_ignored("a form that does not tell where it was opened");
            return Ok(None);
        };
        let view_id = view["id"].as_str().unwrap_or_default();
        // A request that is made of a message is said in its thread, for all to see.
        let is_request = text.starts_with(&me.mention);
        let heard = Heard {
            delivery: delivery(&me, &origin.channel, &origin.ts, &format!("form:{view_id}")),
            message: MessageRef { thread: self.thread_of(&origin.channel, &origin.thread_ts), id: origin.ts },
            author: self.people.person_of(user),
            text,
            at: self.store.now(),
            via: if is_request { Via::Words } else { Via::Choice },
        };
        self.keep(heard, is_request).await?;
        Ok(None)
    }

    fn thread_of(&self, channel: &str, thread_ts: &str) -> ThreadRef {
        let me = self.me.load_full();
        ThreadRef::slack(me.as_ref().map_or("", |me| &me.team), channel, thread_ts)
    }

    fn beside(&self, aside: Aside) {
        if self.aside.try_send(aside).is_err() {
            tracing::warn!("too many forms and home tabs at once; one was not shown, and can be opened again");
        }
    }
}
