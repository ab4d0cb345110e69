//! Performs lane `try`: has a published change made and tested as it would land now, and tells its task what came of it.

use std::collections::BTreeSet;
use std::time::Duration;

use agents::task::{Task, TaskEffect, TaskEvent, TrialResult};
use async_trait::async_trait;
use domain::{EntryId, TaskId};
use forge::{ForgeError, Repositories};
use mergeq::queue::{Proof, Why};
use mergeq::{Inconclusive, Trials, Tried};
use store::{Owed, Performed, Performer, Store};

use crate::bridge::{change_of, printed_last};

/// The pause before a trial that came to no end is made again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The performer of lane `try`.
pub struct Trier {
    /// To read tasks.
    pub store: Store,
    /// Where changes are.
    pub repositories: Repositories,
    /// What tries them.
    pub trials: Trials,
}

#[async_trait]
impl Performer for Trier {
    type Machine = Task;

    async fn perform(&self, owed: &Owed<Task>) -> Performed<TaskEvent> {
        let TaskEffect::Try { trial, work } = &owed.effect else { return Performed::Finished };
        let again = |why| Performed::Retry { after: AGAIN_AFTER, why };
        let ended = |result| TaskEvent::TrialEnded { trial: *trial, result };
        let task = match self.store.load::<Task>(&owed.machine).await {
            Ok(Some(task)) if is_awaited(&task, *trial) => task,
            Ok(_) => return Performed::Finished,
            Err(error) => return again(error.to_string()),
        };
        let Some(repository) = self.repositories.get(&task.request.repo) else {
            let why = format!("the repository {} is not in the config any more", task.request.repo);
            return Performed::GiveUp(ended(untried(task.id, &why)));
        };
        let change = change_of(&task, work, BTreeSet::new());
        let seen_in = format!("a trial of {}", task.id);
        let tried = self.trials.try_change(repository, (&change, self.store.now()), &seen_in, &owed.revoked).await;
        if owed.revoked.is_cancelled() {
            // A process that is ending stops trials too, and then somebody still waits.
            return match self.store.load::<Task>(&owed.machine).await {
                Ok(task) if !task.as_ref().is_some_and(|task| is_awaited(task, *trial)) => Performed::Finished,
                Ok(_) | Err(_) => again("the process was ending".to_owned()),
            };
        }
        match tried {
            Ok(tried) => Performed::Done(ended(result_of(&task, &tried))),
            Err(Inconclusive::Forge(ForgeError::Transient { after, why })) => Performed::Retry { after, why },
            Err(Inconclusive::Forge(error)) => Performed::GiveUp(ended(untried(task.id, &error.to_string()))),
            Err(Inconclusive::Checks(why)) => again(why),
        }
    }

    fn bury(&self, owed: &Owed<Task>, why: &str) -> Option<TaskEvent> {
        let TaskEffect::Try { trial, .. } = &owed.effect else { return None };
        Some(TaskEvent::TrialEnded { trial: *trial, result: untried(owed.machine, why) })
    }
}

fn is_awaited(task: &Task, number: u32) -> bool {
    task.is_on_trial() && task.trials == number
}

fn untried(task: TaskId, why: &str) -> TrialResult {
    let next = format!("That says nothing about the change; say `try {task}` again when it is mended");
    TrialResult { is_fit: false, words: format!("it could not be tried: {why}"), next }
}

/// In words: `passes on main as it is now (3f2a1b0c9d)`.
fn result_of(task: &Task, Tried { on, fate }: &Tried) -> TrialResult {
    let place = format!("on {} as it is now ({})", task.request.target, on.short());
    let words = match fate {
        Ok(Proof::Tested) => format!("it passes its checks {place}"),
        Ok(Proof::AlreadyTested) => format!("it has passed its checks before {place}, and they were not run again"),
        Ok(Proof::Untested) => format!("it merges {place}, and its repository demands no checks"),
        Err(why @ Why::Checks { failing, .. }) => match printed_last(failing) {
            said if said.is_empty() => format!("{why}, {place}"),
            said => format!("{why}, {place}: {said}"),
        },
        Err(why) => format!("{why}, {place}"),
    };
    let to_land = |_: &Proof| format!("Nothing has landed; say `merge {}` to land it", task.id);
    let next = fate.as_ref().map_or_else(|why| why.next_step(&EntryId::from(task.id)), to_land);
    TrialResult { is_fit: fate.is_ok(), words, next }
}
