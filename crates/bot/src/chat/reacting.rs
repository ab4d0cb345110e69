//! An emoji that somebody put on a message: a convenience, and never the only way to say something.
//!
//! It counts on what is found again: our own messages about a task, and the message that asked for one. Any other emoji,
//! and any emoji elsewhere, is nothing at all.

use agents::task::view;
use agents::task::{Plan, Task, TaskEvent, TaskState};
use domain::policy::Tier;
use domain::{DeliveryId, MessageRef, Rejected, TaskId};

use super::command::{Deed, TaskVerb};
use super::intake::{Answer, Intake, Trouble};
use super::key::{Kept, Key};
use super::messenger::Heard;

/// How many of a thread's newest tasks are looked at for the one that a message asked for.
const TASKS_LOOKED_AT: i64 = 50;

/// What an emoji on a message says, by the sign itself or by its name in Slack, with or without colons and skin tone.
fn verb_of(emoji: &str) -> Option<TaskVerb> {
    let name = emoji.trim().trim_matches(':');
    match name.split("::").next().unwrap_or(name) {
        "✅" | "👍" | "white_check_mark" | "heavy_check_mark" | "+1" | "thumbsup" => Some(TaskVerb::Approve),
        "❌" | "🛑" | "x" | "octagonal_sign" => Some(TaskVerb::Stop),
        "🔁" | "repeat" => Some(TaskVerb::Retry),
        "🔇" | "mute" => Some(TaskVerb::Mute),
        _ => None,
    }
}

impl Intake {
    /// Does what an emoji says, where it says something.
    pub(super) async fn heed_reaction(&self, heard: &Heard, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        let Some(verb) = verb_of(&heard.text) else { return Ok(Answer::default()) };
        let key = self.messenger.key_of(&heard.message).await?.and_then(|key| key.parse::<Key>().ok());
        let about = match &key {
            Some(key) => Some(key.task),
            None => self.asked_by(&heard.message).await?,
        };
        let Some(task) = about else { return Ok(Answer::default()) };
        if self.store.has_seen(delivery).await? {
            return Ok(Answer::default());
        }
        if verb == TaskVerb::Approve {
            return match key.filter(|key| key.of == Kept::Plan) {
                Some(key) => self.approve_by_reaction(heard, &key, delivery).await,
                None => Ok(Answer::default()),
            };
        }
        // The card tells what came of it.
        self.act(heard, &Deed { verb, task: Some(task), words: String::new() }, delivery).await?;
        Ok(Answer::default())
    }

    /// The task that a message asked for.
    pub(super) async fn asked_by(&self, message: &MessageRef) -> Result<Option<TaskId>, Trouble> {
        for line in view::in_thread(&self.store, &message.thread, TASKS_LOOKED_AT).await? {
            let task = self.store.load::<Task>(&line.id).await?;
            if task.is_some_and(|task| task.request.message.as_ref() == Some(message)) {
                return Ok(Some(line.id));
            }
        }
        Ok(None)
    }

    /// Approves the very plan that the message shows, where the policy trusts an emoji with that.
    async fn approve_by_reaction(&self, heard: &Heard, key: &Key, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        let task = self.find(key.task).await?;
        let version = key.tag.parse().unwrap_or_default();
        let plan = open_plan(&task, version);
        let is_trusted = self.rules.load().reaction_approves();
        if plan.is_none() && !is_trusted {
            return Ok(Answer::default());
        }
        let say = format!("Press Approve and run, or say `approve {} v{version}`", task.id);
        if !is_trusted {
            return Err(Rejected::new("An emoji approves nothing here", say).into());
        }
        if let Some(plan) = plan.filter(|plan| plan.tier > Tier::R1) {
            let why = format!("{} is {}, and an emoji is not enough to approve that", task.id, plan.tier_because);
            return Err(Rejected::new(why, say).into());
        }
        self.judge(heard, TaskVerb::Approve, &task, false).allowed()?;
        let (by, hash) = (heard.author.clone(), plan.map(|plan| plan.hash.clone()));
        self.tell_task(task.id, TaskEvent::PlanApproved { by, version, hash }, delivery).await?;
        Ok(Answer::default())
    }
}

/// The plan that waits for an approval, if it has this version.
fn open_plan(task: &Task, version: u32) -> Option<&Plan> {
    match &task.state {
        TaskState::AwaitingApproval { plan, .. } if plan.version == version => Some(plan),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_known_by_its_sign_and_by_its_name() {
        for emoji in ["✅", ":white_check_mark:", "white_check_mark", "+1", ":+1::skin-tone-3:", "👍"] {
            assert_eq!(verb_of(emoji), Some(TaskVerb::Approve), "{emoji}");
        }
        assert_eq!(verb_of(":octagonal_sign:"), Some(TaskVerb::Stop));
        assert_eq!(verb_of("repeat"), Some(TaskVerb::Retry));
        assert_eq!(verb_of("🔇"), Some(TaskVerb::Mute));
        for emoji in ["🎉", "eyes", "", ":", "x-ray", "-1"] {
            assert_eq!(verb_of(emoji), None, "{emoji}");
        }
    }
}
