//! Performs lane `intake`: what a person said becomes one event, or a refusal with the next step.
//!
//! The effect's id is the delivery under which the event is applied, so that a message which is interpreted twice acts
//! once. Nothing here decides: the policy says who may, the machines say what may be.

use std::sync::Arc;
use std::time::Duration;

use agents::liaison::Bell;
use agents::session::Roster;
use agents::task::Waits;
use agents::workspace::WorkspaceError;
use agents::workspace::pictures::Pictures;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use domain::policy::Rules;
use domain::{DeliveryId, Rejected, TaskId};
use forge::Repositories;
use mergeq::QueueDesk;
use store::{ApplyError, Owed, Performed, Performer, Store, StoreError};

use super::command;
use super::context::ContextLimits;
use super::conversation::{Conversation, ConversationEffect, ConversationEvent, Undecided};
use super::messenger::{ChatError, Heard, Messenger, Said, Via};
use super::notifier::Notifier;

/// What understanding people needs.
#[derive(Clone)]
pub struct Intake {
    /// Where events go.
    pub store: Store,
    /// To read threads.
    pub messenger: Arc<dyn Messenger>,
    /// Who may do what.
    pub rules: Arc<ArcSwap<Rules>>,
    /// What can be worked on.
    pub repositories: Repositories,
    /// The merge queues.
    pub desk: QueueDesk,
    /// Who can do the work.
    pub roster: Arc<Roster>,
    /// Wakes the sessions that people say something to.
    pub bell: Arc<Bell>,
    /// To show a task when somebody asks for its status.
    pub notifier: Notifier,
    /// Where the pictures of requests stand.
    pub pictures: Pictures,
    /// How it is set.
    pub settings: Arc<ArcSwap<IntakeSettings>>,
}

/// What the config says about requests.
#[derive(Clone, Debug)]
pub struct IntakeSettings {
    /// The name by which people call, `@agent`.
    pub mention: String,
    /// The agent that works when none is named.
    pub agent: String,
    /// How much of a thread an agent gets to read.
    pub context: ContextLimits,
    /// How long tasks wait for people.
    pub waits: Waits,
    /// How long a request waits for its repository.
    pub repository_wait: Duration,
    /// What a task may cost before a person is asked, in millionths of a dollar.
    pub task_cap_micros: Option<u64>,
    /// How many tasks may be live at once, because each holds a working tree and somebody's attention.
    pub tasks_live_max: usize,
}

/// What a message is answered with.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) reply: Option<Said>,
    pub(super) reaction: Option<&'static str>,
    /// The task that came of it.
    pub(super) task: Option<TaskId>,
    /// The words are for whoever spoke alone, where the platform can do that.
    pub(super) is_private: bool,
    /// It is a request that waits for its repository.
    pub(super) undecided: bool,
}

impl Answer {
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self { reply: Some(Said::words(text)), ..Self::default() }
    }

    pub(super) fn seen() -> Self {
        Self { reaction: Some("👀"), ..Self::default() }
    }

    /// Kept for an agent that hears it at its next chance.
    pub(super) fn noted() -> Self {
        Self { reaction: Some("⏳"), ..Self::default() }
    }
}

/// Why a message was not acted upon.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Rejected(Rejected),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Other(String),
}

impl From<ChatError> for Trouble {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::Away(why) => Self::Other(why),
            ChatError::Refused(why) => {
                Self::Rejected(Rejected::new(format!("I cannot read this thread: {why}"), "Then say it again"))
            }
        }
    }
}

impl From<WorkspaceError> for Trouble {
    fn from(error: WorkspaceError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<Rejected> for Trouble {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<ApplyError> for Trouble {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Rejected(rejected) => Self::Rejected(rejected),
            ApplyError::Store(error) => Self::Store(error),
            ApplyError::Missing { kind, id } => Self::Rejected(Rejected::new(
                format!("There is no {kind} {id}"),
                "Say `status` to see what there is".to_owned(),
            )),
            ApplyError::Contended { .. } => Self::Other(error.to_string()),
        }
    }
}

impl Intake {
    async fn heed(&self, heard: &Heard, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        if let Some(answer) = self.count_hop(heard, delivery).await? {
            return Ok(answer);
        }
        match &heard.via {
            Via::Words | Via::Choice | Via::Command => {
                let command = command::parse(&heard.text, &self.settings.load().mention);
                self.obey(heard, command, delivery).await
            }
            Via::Reaction => self.heed_reaction(heard, delivery).await,
            Via::Edit { .. } => self.heed_edit(heard, delivery).await,
            Via::Withdrawal => self.heed_withdrawal(heard, delivery).await,
        }
    }

    fn answered(&self, heard: &Heard, answer: Answer) -> ConversationEvent {
        let undecided = || Undecided { heard: heard.clone(), within: Some(self.settings.load().repository_wait) };
        ConversationEvent::MessageAnswered {
            message: heard.message.clone(),
            reply: answer.reply,
            reaction: answer.reaction.map(str::to_owned),
            undecided: answer.undecided.then(|| Box::new(undecided())),
            only_to: (heard.via.is_quiet() || answer.is_private).then(|| heard.author.clone()),
        }
    }
}

#[async_trait]
impl Performer for Intake {
    type Machine = Conversation;

    async fn perform(&self, owed: &Owed<Conversation>) -> Performed<ConversationEvent> {
        let ConversationEffect::Interpret { heard } = &owed.effect else { return Performed::Finished };
        let delivery = DeliveryId::new(owed.attempt.effect.as_str());
        match self.heed(heard, &delivery).await {
            Ok(answer) => Performed::Done(self.answered(heard, answer)),
            Err(Trouble::Rejected(rejected)) => {
                Performed::Done(self.answered(heard, Answer::words(rejected.to_string())))
            }
            Err(error) => Performed::Retry { after: Duration::from_millis(500), why: error.to_string() },
        }
    }

    fn bury(&self, owed: &Owed<Conversation>, why: &str) -> Option<ConversationEvent> {
        let ConversationEffect::Interpret { heard } = &owed.effect else { return None };
        tracing::error!(message = %heard.message.id, thread = %heard.message.thread, "a message could not be acted upon: {why}");
        let words =
            "Something broke on my side, and I did not act on that. Please say it again; the log has the reason.";
        Some(self.answered(heard, Answer::words(words)))
    }
}
