//! Words for an agent from somebody who may not steer it: its owner is shown them once, and a click passes them on.

use agents::task::{TaskEvent, view};
use domain::policy::{Asked, Decision, Verb, decide};
use domain::{DeliveryId, Rejected, TaskId};

use super::context::redact;
use super::intake::{Answer, Intake, Trouble};
use super::messenger::Heard;
use super::resolve;

/// How many bytes of words a button carries: what every platform lets one hold, with what signs it.
const WORDS_BYTES_MAX: usize = 1_000;
/// How many of a thread's newest tasks are looked at.
const TASKS_LOOKED_AT: i64 = 50;

impl Intake {
    /// Shows words to the owner of a task; strangers and guests are refused like anywhere.
    pub(super) async fn suggest(
        &self,
        heard: &Heard,
        (id, words): (TaskId, &str),
        refused: Rejected,
        delivery: &DeliveryId,
    ) -> Result<Answer, Trouble> {
        let (task, words) = (self.find(id).await?, words.trim());
        let rules = self.rules.load();
        let may_look = matches!(decide(&rules, &heard.author, &Asked::of(Verb::View)), Decision::Allowed { .. });
        let is_fit = !words.is_empty() && words.len() <= WORDS_BYTES_MAX && task.runs_session();
        if !may_look || rules.is_guest(&heard.author) || !is_fit || heard.author == task.request.requester {
            return Err(refused.into());
        }
        // What a button carries is kept, and sent along with it.
        let (by, text) = (heard.author.clone(), redact(words).0);
        self.tell_task(id, TaskEvent::Suggested { by, text }, delivery).await?;
        Ok(Answer::default())
    }

    /// The one task of the thread whose agent is at work.
    pub(super) async fn only_one_at_work(&self, heard: &Heard) -> Result<Option<TaskId>, Trouble> {
        let recent = view::in_thread(&self.store, &heard.message.thread, TASKS_LOOKED_AT).await?;
        let at_work: Vec<_> = recent.iter().filter(|task| resolve::is_at_work(task)).collect();
        Ok(if let [only] = at_work[..] { Some(only.id) } else { None })
    }
}
