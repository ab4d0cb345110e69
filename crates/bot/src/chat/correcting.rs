//! Messages that people change or take back. Only what a live task goes by counts: its request, and remarks to its
//! sessions. Old talk may be changed at will.

use agents::task::{Task, TaskEvent, TaskState, view};
use domain::{DeliveryId, MessageRef, TaskId};

use super::command::{self, Command, Deed, TaskVerb};
use super::context::redact;
use super::conversation::ConversationEvent;
use super::intake::{Answer, Intake, Trouble};
use super::messenger::Heard;

/// How many of a thread's newest tasks are looked at for the one to which a message was a remark.
const TASKS_LOOKED_AT: i64 = 50;

impl Intake {
    /// Takes a changed message for a correction.
    pub(super) async fn heed_edit(&self, heard: &Heard, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        if self.store.has_seen(delivery).await? {
            return Ok(Answer::noted());
        }
        let (by, command) = (heard.author.clone(), command::parse(&heard.text, &self.settings.load().mention));
        if let Some(id) = self.asked_by(&heard.message).await? {
            let (task, Command::Ask { text, .. }) = (self.find(id).await?, command) else {
                return Ok(Answer::default());
            };
            let (text, _) = redact(&text);
            let is_news = by == task.request.requester && text != task.request.text;
            if !is_news || !goes_on(&task) {
                return Ok(Answer::default());
            }
            self.judge(heard, TaskVerb::Steer, &task, false).allowed()?;
            self.tell_task(id, TaskEvent::RequestCorrected { by, text }, delivery).await?;
            return Ok(Answer::noted());
        }
        if let Some(original) = self.undecided(&heard.message).await? {
            return self.correct_undecided(heard, &original, command, delivery).await;
        }
        let Some(id) = self.told_by(&heard.message).await? else { return Ok(Answer::default()) };
        let text = if let Command::OnTask(Deed { verb: TaskVerb::Steer | TaskVerb::Interrupt, words, .. }) = command {
            words
        } else if command == Command::Talk {
            heard.text.trim().to_owned()
        } else {
            return Ok(Answer::default());
        };
        self.judge(heard, TaskVerb::Steer, &self.find(id).await?, false).allowed()?;
        let message = heard.message.clone();
        self.tell_task(id, TaskEvent::RemarkCorrected { by, message, text }, delivery).await?;
        Ok(Answer::noted())
    }

    /// What is asked for is what the request says when its repository is known; naming that in it settles it.
    async fn correct_undecided(
        &self,
        heard: &Heard,
        original: &Heard,
        command: Command,
        delivery: &DeliveryId,
    ) -> Result<Answer, Trouble> {
        let Command::Ask { options, .. } = command else { return Ok(Answer::default()) };
        if original.author != heard.author || original.text == heard.text {
            return Ok(Answer::default());
        }
        let (message, text) = (heard.message.clone(), heard.text.clone());
        let event = ConversationEvent::RequestCorrected { message, text };
        self.tell_undecided(event, &format!("corrected:{delivery}"), &heard.message).await?;
        if let Some(repo) = options.repo {
            self.start_in(heard, &heard.message.id, repo).await?;
        }
        Ok(Answer::noted())
    }

    /// Pauses a task whose request is gone and asks; takes back a remark that nobody has heard yet.
    pub(super) async fn heed_withdrawal(&self, heard: &Heard, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        let by = heard.author.clone();
        if let Some(id) = self.asked_by(&heard.message).await? {
            self.tell_task(id, TaskEvent::RequestWithdrawn { by }, delivery).await?;
            return Ok(Answer::default());
        }
        if self.undecided(&heard.message).await?.is_some_and(|original| original.author == by) {
            let (message, outcome) = (heard.message.clone(), format!("{by} took the request back."));
            self.tell_undecided(ConversationEvent::Decided { message, outcome }, "withdrawn", &heard.message).await?;
            return Ok(Answer::default());
        }
        if let Some(id) = self.told_by(&heard.message).await? {
            let message = heard.message.clone();
            self.tell_task(id, TaskEvent::RemarkWithdrawn { by, message }, delivery).await?;
        }
        Ok(Answer::default())
    }

    /// The live task to whose session a message was a remark.
    async fn told_by(&self, message: &MessageRef) -> Result<Option<TaskId>, Trouble> {
        for line in view::in_thread(&self.store, &message.thread, TASKS_LOOKED_AT).await? {
            if line.is_ended() {
                continue;
            }
            let is_word = |task: Task| task.said.iter().any(|word| word.message.as_ref() == Some(message));
            if self.store.load::<Task>(&line.id).await?.is_some_and(is_word) {
                return Ok(Some(line.id));
            }
        }
        Ok(None)
    }
}

/// Whether what its request says still makes a difference.
fn goes_on(task: &Task) -> bool {
    task.goal().is_some() || matches!(task.state, TaskState::AwaitingApproval { .. })
}
