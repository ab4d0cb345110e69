//! Performs lane `chat`: says what tasks and conversations owe, once, and keeps cards up to date.
//!
//! A message about a task has a key of its own ([`super::key`]), any other has its effect's id, so that saying it twice
//! is saying it once. A card is rendered from the state as it is when it is edited, never from the event that asked for the edit.

use std::sync::Arc;
use std::time::Duration;

use agents::board::Board;
use agents::money::{self, Ledger};
use agents::session::Roster;
use agents::task::{Announcement, Task, TaskEffect, TaskEvent, TaskState, view};
use async_trait::async_trait;
use domain::EntryId;
use forge::Repositories;
use mergeq::queue::{self, Pause, Queue};
use store::{Owed, Performed, Performer, Store, StoreError, Table};

use super::aftermath;
use super::choosing;
use super::conversation::{Conversation, ConversationEffect, ConversationEvent};
use super::hindrance::Hindrance;
use super::key::Key;
use super::lookout::Forecasts;
use super::messenger::{ChatError, Messenger, Said};
use super::render::{self, LandedBeside, Surroundings};

/// What saying something needs.
#[derive(Clone)]
pub struct Notifier {
    /// To read tasks and queues.
    pub store: Store,
    /// To say it.
    pub messenger: Arc<dyn Messenger>,
    /// To tell where landings arrive.
    pub repositories: Repositories,
    /// To tell which agents tell what they use.
    pub roster: Arc<Roster>,
    /// To tell what tasks cost.
    pub ledger: Ledger,
    /// Where sessions show what they do.
    pub board: Arc<Board>,
    /// What is in the way of changes that wait.
    pub forecasts: Forecasts,
    /// The sandbox's level, in words.
    pub cage: String,
}

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
pub enum Unsaid {
    /// What to say could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform did not take it.
    #[error(transparent)]
    Chat(#[from] ChatError),
}

impl Notifier {
    async fn say(&self, task: &Task, owed: &Owed<Task>) -> Result<Option<TaskEvent>, Unsaid> {
        let thread = &task.request.thread;
        let around = self.surroundings(task).await?;
        let key = |announcement| Key::announcement(task.id, announcement, owed.attempt.effect.as_str()).to_string();
        match &owed.effect {
            TaskEffect::PostCard => {
                let said = render::card(task, &around);
                let card = self.messenger.post(thread, &Key::card(task.id).to_string(), &said).await?;
                return Ok(Some(TaskEvent::CardPosted { card }));
            }
            TaskEffect::EditCard => {
                if let Some(card) = &task.card {
                    self.messenger.edit(card, &render::card(task, &around)).await?;
                }
            }
            // Meanwhile somebody did what they would be reminded of.
            TaskEffect::Announce(Announcement::Reminded { wait, .. }) if *wait != task.waits || !waits(task) => {}
            TaskEffect::Announce(announcement) => {
                let said = announced(task, announcement, &around);
                self.messenger.post(thread, &key(announcement), &said).await?;
            }
            TaskEffect::CloseQuestion { open, answer } => {
                // Posted long ago under the same key: this only finds it.
                let asked = Announcement::Asked { open: open.clone() };
                let message = self.messenger.post(thread, &key(&asked), &render::question(task, open)).await?;
                self.messenger.edit(&message, &render::closed_question(task, open, answer.as_ref())).await?;
            }
            TaskEffect::CloseOffer { offer, outcome, at } => {
                let said = announced(task, offer, &around);
                let message = self.messenger.post(thread, &key(offer), &said).await?;
                let closed = said.closed(format!("{outcome} at {}", at.of_day()));
                self.messenger.edit(&message, &closed).await?;
            }
            TaskEffect::StartSession { .. }
            | TaskEffect::StopSession
            | TaskEffect::Publish { .. }
            | TaskEffect::CleanUp
            | TaskEffect::Try { .. }
            | TaskEffect::StopTrial
            | TaskEffect::Enqueue { .. }
            | TaskEffect::Withdraw { .. }
            | TaskEffect::Readmit { .. }
            | TaskEffect::GiveUpRepair { .. }
            | TaskEffect::AwaitDeadline(_) => {}
        }
        Ok(None)
    }

    /// Brings a task's card up to date that owes no edit, unless somebody muted it.
    pub(super) async fn edit_card(&self, task: &Task) -> Result<(), Unsaid> {
        if let (Some(card), None) = (&task.card, &task.muted_by) {
            self.messenger.edit(card, &render::card(task, &self.surroundings(task).await?)).await?;
        }
        Ok(())
    }

    /// What a card shows beside the task itself.
    pub async fn surroundings(&self, task: &Task) -> Result<Surroundings, StoreError> {
        let mut around = Surroundings { cage: self.cage.clone(), ..Surroundings::default() };
        let request = &task.request;
        around.elapsed = self.store.now().since(task.created_at);
        around.hindrance = self.hindrance(task).await?;
        around.cost = money::total_of(&self.store, task.id).await?.map(|total| total.cost());
        if !task.is_ended() && self.roster.get(&request.agent).is_some_and(|agent| agent.talks()) {
            around.estimate = Some(self.ledger.estimate(&request.repo, &request.agent).await?.in_words());
        }
        if let TaskState::Planning { .. } | TaskState::Working { .. } = task.state {
            around.doing = self.board.doing(task.id).unwrap_or_default();
        }
        if let TaskState::InReview { .. } | TaskState::Departed { .. } = task.state {
            around.forecast = self.forecasts.of(task.id);
        }
        around.last_todo = self.board.last_todo(task.id);
        if let TaskState::Merging { .. } = task.state {
            let id = queue::queue_id(&request.repo, &request.target);
            if let Some(queue) = self.store.load::<Queue>(&id).await? {
                let entry = EntryId::from(task.id);
                around.queue = queue::progress_of(&queue, &entry).map(|progress| progress.to_string());
                around.hindrance = around.hindrance.or(self.hindrance_in(&queue, &entry).await?);
            }
        }
        if let (TaskState::Merged { .. }, Some(repository)) = (&task.state, self.repositories.get(&request.repo)) {
            // Only a hint for the person: when the place cannot be told now, the message goes without it.
            around.waits = repository
                .forge
                .landing_place()
                .await
                .ok()
                .and_then(|place| Some(LandedBeside { command: place.merge?.line, reference: place.reference }));
        }
        Ok(around)
    }

    /// What keeps the task itself from going on.
    async fn hindrance(&self, task: &Task) -> Result<Option<String>, StoreError> {
        let lane = match &task.state {
            TaskState::Queued { .. }
            | TaskState::Planning { .. }
            | TaskState::Working { .. }
            | TaskState::Pausing { .. } => "session",
            TaskState::Publishing { .. } => "publish",
            TaskState::Merging { .. } => "merge",
            TaskState::InReview { .. } if task.is_on_trial() => "try",
            TaskState::AwaitingApproval { .. }
            | TaskState::Asking { .. }
            | TaskState::Parked { .. }
            | TaskState::Paused { .. }
            | TaskState::Departed { .. }
            | TaskState::InReview { .. }
            | TaskState::Cancelling { .. }
            | TaskState::Merged { .. }
            | TaskState::Answered { .. }
            | TaskState::Cancelled { .. }
            | TaskState::Failed { .. } => return Ok(None),
        };
        let debts = self.store.debts(Task::KIND, &task.id.to_string()).await?;
        let Some(owed) = debts.iter().rfind(|debt| debt.lane == lane) else { return Ok(None) };
        let said = view::last_line(&self.store, task.id).await?;
        let now = self.store.now();
        Ok(Hindrance::of(owed, said.map(|said| said.at), now).and_then(|hindrance| hindrance.on_card(now)))
    }

    /// What keeps its entry in the queue from going on. That a queue has stopped by itself, its entries have been told.
    async fn hindrance_in(&self, queue: &Queue, entry: &EntryId) -> Result<Option<String>, StoreError> {
        let run = queue.run_of(entry);
        if let (None, Some(pause @ Pause::By(_))) = (run, &queue.pause) {
            return Ok(Some(pause.to_string()));
        }
        let (debts, now) = (self.store.debts(Queue::KIND, queue.id.as_str()).await?, self.store.now());
        Ok(Hindrance::in_queue(queue, run, &debts, now).and_then(|hindrance| hindrance.on_card(now)))
    }
}

/// Whether it waits for somebody who can be reminded.
fn waits(task: &Task) -> bool {
    let is_offered = matches!(task.offer(), Some(Announcement::PlanReady { .. } | Announcement::Departed { .. }));
    is_offered || task.open_question().is_some()
}

fn announced(task: &Task, announcement: &Announcement, around: &Surroundings) -> Said {
    match announcement {
        Announcement::PlanReady { plan } => render::plan(task, plan),
        Announcement::Asked { open } => render::question(task, open),
        Announcement::Departed { work, why, .. } => render::departed(task, work, why),
        Announcement::ReadyToMerge { reference, work, .. } => render::ready(task, reference, work),
        Announcement::Repairing { why, until } => aftermath::repairing(task, why, *until),
        Announcement::Tried { result } => aftermath::tried(task, result),
        Announcement::SentBack { why, .. } => aftermath::sent_back(task, why),
        Announcement::Doubted { why } => aftermath::doubted(task, why),
        Announcement::Beside { aside } => render::aside(task, aside),
        Announcement::Reminded { left, .. } => render::reminder(task, *left),
        Announcement::Ended => render::ended(task, around),
    }
}

#[async_trait]
impl Performer for Notifier {
    type Machine = Task;

    async fn perform(&self, owed: &Owed<Task>) -> Performed<TaskEvent> {
        let said = match self.store.load::<Task>(&owed.machine).await {
            Ok(Some(task)) => self.say(&task, owed).await,
            Ok(None) => return Performed::Finished,
            Err(error) => Err(error.into()),
        };
        performed(said)
    }

    fn bury(&self, _owed: &Owed<Task>, _why: &str) -> Option<TaskEvent> {
        None
    }
}

fn performed<E>(said: Result<Option<E>, Unsaid>) -> Performed<E> {
    match said {
        Ok(Some(event)) => Performed::Done(event),
        Ok(None) => Performed::Finished,
        Err(Unsaid::Chat(ChatError::Refused(why))) => {
            tracing::warn!("something was not said, and cannot be: {why}");
            Performed::Finished
        }
        Err(error) => Performed::Retry { after: Duration::from_secs(1), why: error.to_string() },
    }
}

/// Says what conversations owe.
pub struct Replier {
    /// To say it.
    pub messenger: Arc<dyn Messenger>,
}

impl Replier {
    async fn say(&self, owed: &Owed<Conversation>) -> Result<(), ChatError> {
        match &owed.effect {
            ConversationEffect::Reply { said, only_to: None } => self.reply(owed, said).await,
            ConversationEffect::Reply { said, only_to: Some(to) } => {
                self.messenger.whisper(&owed.machine.0, to, owed.attempt.effect.as_str(), said).await
            }
            ConversationEffect::React { message, emoji } => self.messenger.react(message, emoji).await,
            ConversationEffect::CloseAsked { heard, outcome } => {
                let (thread, asked) = (&owed.machine.0, Said::words(choosing::QUESTION));
                // Posted before under the same key: this only finds it.
                let message = self.messenger.post(thread, &choosing::which_key(heard), &asked).await?;
                self.messenger.edit(&message, &Said::words(outcome)).await
            }
            ConversationEffect::Interpret { .. } | ConversationEffect::AwaitDecision { .. } => Ok(()),
        }
    }

    async fn reply(&self, owed: &Owed<Conversation>, said: &Said) -> Result<(), ChatError> {
        self.messenger.post(&owed.machine.0, owed.attempt.effect.as_str(), said).await.map(drop)
    }
}

#[async_trait]
impl Performer for Replier {
    type Machine = Conversation;

    async fn perform(&self, owed: &Owed<Conversation>) -> Performed<ConversationEvent> {
        performed(self.say(owed).await.map(|()| None).map_err(Unsaid::from))
    }

    fn bury(&self, _owed: &Owed<Conversation>, _why: &str) -> Option<ConversationEvent> {
        None
    }
}
