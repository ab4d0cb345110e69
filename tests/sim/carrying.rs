//! What carries whatever lives: an effect that is owed, the queue, or a deadline.

use agents::task::{Task, TaskEffect, TaskState, Then};
use domain::EntryId;
use mergeq::queue::{News, Phase, Queue, QueueEffect};

use crate::door::{Debt, Owing};
use crate::laws::{CARRIED, Lawful, ensure, judge_agreement};

/// Liveness, as one look shows it: whatever is not at its end is owed an effect, is in the queue, or waits under a
/// deadline.
pub fn judge_debts(tasks: &[Task], queue: Option<&Queue>, debts: &[Owing]) -> Lawful {
    for task in tasks {
        ensure(is_carried(task, queue, debts), CARRIED, || {
            format!("{} is {} for ever", task.id, task.state_in_words())
        })?;
    }
    let Some(queue) = queue else { return Ok(()) };
    judge_agreement(tasks, queue)?;
    let owed = |wanted: &dyn Fn(&QueueEffect) -> bool| {
        debts.iter().any(|owing| matches!(&owing.debt, Debt::Queue(effect) if wanted(effect)))
    };
    if let Some(wanted) = queue.watch.until() {
        let is_owed = owed(&|effect| matches!(effect, QueueEffect::Watch { until } if *until == wanted));
        ensure(is_owed, CARRIED, || "nobody looks whether a run takes too long".to_owned())?;
    }
    if let Some(wanted) = queue.closing.until() {
        let is_owed = owed(&|effect| matches!(effect, QueueEffect::Opening { until } if *until == wanted));
        ensure(is_owed, CARRIED, || "nobody opens the target again".to_owned())?;
    }
    if let Some(asked) = &queue.probing.asked {
        let is_owed = owed(&|effect| matches!(effect, QueueEffect::Probe(of) if of == asked));
        ensure(is_owed, CARRIED, || "a probe is awaited that nobody makes".to_owned())?;
    }
    for run in &queue.runs {
        let is_owed = match run.phase {
            Phase::Staging { is_outdated, .. } => {
                is_outdated || owed(&|effect| matches!(effect, QueueEffect::Stage { run: id, .. } if *id == run.id))
            }
            Phase::Testing { .. } => {
                owed(&|effect| matches!(effect, QueueEffect::AwaitChecks { run: id, .. } if *id == run.id))
            }
            Phase::Landing { .. } => {
                owed(&|effect| matches!(effect, QueueEffect::Land { run: id, .. } if *id == run.id))
            }
            Phase::Passed { .. } | Phase::Doubtful { .. } => true,
        };
        ensure(is_owed, CARRIED, || format!("{} waits for nothing", run.id))?;
    }
    Ok(())
}

/// The end of the wait that a task is in.
fn is_end_of(task: &Task, effect: &TaskEffect) -> bool {
    matches!(effect, TaskEffect::AwaitDeadline(deadline) if deadline.wait == task.waits && deadline.then == Then::End)
}

fn is_carried(task: &Task, queue: Option<&Queue>, debts: &[Owing]) -> bool {
    let owed = |wanted: &dyn Fn(&TaskEffect) -> bool| {
        debts.iter().any(|owing| matches!(&owing.debt, Debt::Task(id, effect) if *id == task.id && wanted(effect)))
    };
    let entry = EntryId::from(task.id);
    match &task.state {
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::Working { .. }
        | TaskState::Asking { .. }
        | TaskState::Pausing { .. }
        | TaskState::Cancelling { .. } => {
            owed(&|effect| matches!(effect, TaskEffect::StartSession { session, .. } if *session == task.sessions))
        }
        TaskState::Parked { .. } | TaskState::Paused { .. } => {
            let is_session = |effect: &TaskEffect| matches!(effect, TaskEffect::StartSession { session, .. } if *session == task.sessions);
            owed(&|effect| is_end_of(task, effect)) && !owed(&is_session)
        }
        TaskState::InReview { .. } => {
            let newest = task.trials;
            (!task.is_on_trial() || owed(&|effect| matches!(effect, TaskEffect::Try { trial, .. } if *trial == newest)))
                && owed(&|effect| is_end_of(task, effect))
        }
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } => owed(&|effect| is_end_of(task, effect)),
        TaskState::Publishing { work } => {
            owed(&|effect| matches!(effect, TaskEffect::Publish { work: owed } if owed.head == work.head))
        }
        TaskState::Merging { .. } => {
            let is_outcome = |effect: &QueueEffect| match effect {
                QueueEffect::Report { entry: id, news: News::Ended(_) } => *id == entry,
                _ => false,
            };
            let is_reported = |owing: &Owing| matches!(&owing.debt, Debt::Queue(effect) if is_outcome(effect));
            owed(&|effect| matches!(effect, TaskEffect::Enqueue { .. }))
                || queue.is_some_and(|queue| queue.entry(&entry).is_some())
                || debts.iter().any(is_reported)
        }
        TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Failed { .. } => true,
    }
}
