//! Talk that is meant for an agent: said in a thread in which one question is open, or one agent is at work, by somebody
//! who can mean nothing else.

use std::time::Duration;

use agents::session::people::{Question, QuestionKind};
use agents::task::view::{self, TaskLine};
use agents::task::{Task, TaskEvent, WordKind};
use domain::DeliveryId;

use super::command::TaskVerb;
use super::intake::{Answer, Intake, Trouble};
use super::messenger::{Depth, Heard, Line};
use super::{help, resolve};

/// How many of a thread's newest tasks are looked at.
const TASKS_LOOKED_AT: i64 = 50;
/// How many of a thread's newest messages tell whether somebody else talks.
const LINES_LOOKED_AT: usize = 50;
/// How long the others must have been silent for free words to be meant for us.
const SILENCE: Duration = Duration::from_secs(15 * 60);

impl Intake {
    /// Takes what was said for the answer to the one open question of its thread: one of its choices, or the free words
    /// of whoever asked for the task while nobody else talks. Where nothing is asked, such words reach the one agent that is
    /// at work there. Anything else is talk between people.
    pub(super) async fn overhear(&self, heard: &Heard, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        let recent = view::in_thread(&self.store, &heard.message.thread, TASKS_LOOKED_AT).await?;
        let asking: Vec<&TaskLine> = recent.iter().filter(|task| resolve::is_asking(task)).collect();
        if asking.is_empty() {
            return self.overhear_remark(heard, &recent, delivery).await;
        }
        let [TaskLine { id, .. }] = asking[..] else { return Ok(Answer::default()) };
        let task = self.find(*id).await?;
        let Some(open) = task.open_question() else { return Ok(Answer::default()) };
        let is_meant = names_choice(&open.question, &heard.text)
            || takes_words(&open.question) && !is_for_others(&heard.text) && self.is_alone_with(heard, &task).await?;
        if !is_meant {
            return Ok(Answer::default());
        }
        self.judge(heard, TaskVerb::Answer, &task, true).allowed()?;
        let (by, text) = (heard.author.clone(), heard.text.trim().to_owned());
        let event = TaskEvent::InputGiven { by, question: Some(open.number), text };
        self.tell_task(*id, event, delivery).await?;
        Ok(Answer::seen())
    }

    async fn overhear_remark(
        &self,
        heard: &Heard,
        recent: &[TaskLine],
        delivery: &DeliveryId,
    ) -> Result<Answer, Trouble> {
        let at_work: Vec<&TaskLine> = recent.iter().filter(|task| resolve::is_at_work(task)).collect();
        let [TaskLine { id, .. }] = at_work[..] else { return Ok(Answer::default()) };
        let task = self.find(*id).await?;
        let is_meant = !is_for_others(&heard.text) && self.is_alone_with(heard, &task).await?;
        // What only might be meant for us is no reason to refuse anything.
        if !is_meant || self.judge(heard, TaskVerb::Steer, &task, false).allowed().is_err() {
            return Ok(Answer::default());
        }
        let (by, text) = (heard.author.clone(), heard.text.trim().to_owned());
        let message = Some(heard.message.clone());
        self.tell_task(*id, TaskEvent::Steered { by, text, kind: WordKind::Remark, message }, delivery).await?;
        Ok(Answer::noted())
    }

    /// Whether it is the task's requester who speaks, and nobody else has spoken for a while.
    async fn is_alone_with(&self, heard: &Heard, task: &Task) -> Result<bool, Trouble> {
        if heard.author != task.request.requester {
            return Ok(false);
        }
        let lines = self.messenger.history(&heard.message, LINES_LOOKED_AT, Depth::Words).await?;
        let since = heard.at - SILENCE;
        let is_other = |line: &Line| line.by.as_ref() != Some(&heard.author);
        Ok(!lines.iter().any(|line| !line.is_bot && line.at >= since && is_other(line)))
    }
}

fn names_choice(question: &Question, said: &str) -> bool {
    question.choices.iter().any(|choice| choice.trim().eq_ignore_ascii_case(said.trim()))
}

/// Questions, and what only looks like a command, are never taken for an answer.
fn is_for_others(said: &str) -> bool {
    let first = said.split_whitespace().next().unwrap_or_default();
    let first = first.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    said.trim_end().ends_with('?') || first.is_empty() || help::words().any(|word| word == first)
}

fn takes_words(question: &Question) -> bool {
    question.choices.is_empty() || question.about == QuestionKind::Question
}
