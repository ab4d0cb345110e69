//! A muted task speaks only when somebody is needed: its card stays as it is, and nothing is announced that nobody has to
//! answer.

use domain::{Person, Rejected, Step};

use super::{Announcement, Task, TaskEffect, TaskEvent, TaskState};

pub(super) fn mute(mut task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    if task.is_ended() {
        let why = format!("There is nothing of {id} to mute: it is {}", task.state_in_words());
        return Err(Rejected::new(why, format!("Say `status {id}` to see how it ended")));
    }
    if let Some(by) = &task.muted_by {
        let why = format!("{id} is muted already, by {by}");
        return Err(Rejected::new(why, format!("Say `unmute {id}` to hear of it again")));
    }
    task.muted_by = Some(by.clone());
    Ok(Step::owing(task, [TaskEffect::EditCard]))
}

pub(super) fn unmute(mut task: Task) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    if task.muted_by.take().is_none() {
        let next = format!("Say `mute {id}` to hear of it only when somebody is needed");
        return Err(Rejected::new(format!("{id} is not muted"), next));
    }
    Ok(Step::owing(task, [TaskEffect::EditCard]))
}

/// Takes out of a step what a muted task keeps to itself.
pub(super) fn hush(mut step: Step<Task>, event: &TaskEvent) -> Step<Task> {
    let is_heard = matches!(event, TaskEvent::Muted { .. } | TaskEvent::Unmuted { .. });
    if step.state.muted_by.is_some() && !is_heard {
        let (is_news, task) = (needs_somebody(&step.state) || step.state.is_ended(), &step.state);
        step.effects.retain(|effect| match effect {
            TaskEffect::EditCard => is_news,
            TaskEffect::Announce(announcement) => is_needed(announcement, task),
            TaskEffect::StartSession { .. }
            | TaskEffect::StopSession
            | TaskEffect::Publish { .. }
            | TaskEffect::CleanUp
            | TaskEffect::PostCard
            | TaskEffect::CloseQuestion { .. }
            | TaskEffect::CloseOffer { .. }
            | TaskEffect::Try { .. }
            | TaskEffect::StopTrial
            | TaskEffect::Enqueue { .. }
            | TaskEffect::Withdraw { .. }
            | TaskEffect::Readmit { .. }
            | TaskEffect::GiveUpRepair { .. }
            | TaskEffect::AwaitDeadline(_) => true,
        });
    }
    step
}

/// Whether somebody has to answer it.
fn is_needed(announcement: &Announcement, task: &Task) -> bool {
    match announcement {
        Announcement::PlanReady { .. } => matches!(task.state, TaskState::AwaitingApproval { .. }),
        Announcement::Asked { .. }
        | Announcement::Departed { .. }
        | Announcement::ReadyToMerge { .. }
        | Announcement::SentBack { .. }
        | Announcement::Doubted { .. }
        | Announcement::Tried { .. }
        | Announcement::Beside { .. }
        | Announcement::Reminded { .. } => true,
        Announcement::Repairing { .. } => false,
        Announcement::Ended => matches!(task.state, TaskState::Failed { .. }),
    }
}

fn needs_somebody(task: &Task) -> bool {
    task.offer().is_some() || task.open_question().is_some() || matches!(task.state, TaskState::Paused { .. })
}
