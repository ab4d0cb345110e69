//! Steering: words for a session, a pause, and a step back to an earlier checkpoint.

use domain::{MessageRef, Person, Rejected, Step};

use super::asking::too_long;
use super::moves::start;
use super::state::Ground;
use super::word::{WORD_BYTES_MAX, WORDS_MAX, Word, WordKind};
use super::{Goal, Task, TaskEffect, TaskState};

/// Who says something, and in which message where that may be changed or taken back.
pub(super) type Speaker<'a> = (&'a Person, Option<&'a MessageRef>);

pub(super) fn steer(
    mut task: Task,
    (by, message): Speaker<'_>,
    text: &str,
    kind: WordKind,
) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    if task.goal().is_none() {
        return Err(nobody_listens(&task));
    }
    if text.trim().is_empty() && kind == WordKind::Remark {
        let next = format!("Say `steer {id}` and what its agent should know");
        return Err(Rejected::new(format!("There are no words for {id}"), next));
    }
    if text.len() > WORD_BYTES_MAX {
        return Err(too_long(&task));
    }
    if task.said.len() >= WORDS_MAX {
        return Err(Rejected::new(
            format!("{id} was told {WORDS_MAX} things, which is the limit"),
            format!("Say `stop {id}`, and ask anew with all of it in the request"),
        ));
    }
    let word = Word::new(by.clone(), text.trim().to_owned(), kind);
    task.said.push(Word { message: message.cloned(), ..word });
    Ok(Step::owing(task, [TaskEffect::EditCard]))
}

fn nobody_listens(task: &Task) -> Rejected {
    let id = task.id;
    let next = match &task.state {
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } | TaskState::InReview { .. } => {
            format!("Say `revise {id}` and what should be different")
        }
        TaskState::Failed { .. } | TaskState::Cancelled { .. } => {
            format!("Say `retry {id}` to run it again, then steer it")
        }
        _ => format!("Say `status {id}` to see where it stands"),
    };
    Rejected::new(format!("No agent of {id} is there to hear that: it is {}", task.state_in_words()), next)
}

pub(super) fn tell(mut task: Task, session: u32, told: &[u32]) -> Step<Task> {
    if session != task.sessions || task.goal().is_none() {
        return Step::quiet(task);
    }
    let mut is_news = false;
    for word in told.iter().filter_map(|n| usize::try_from(*n).ok()) {
        let Some(word) = task.said.get_mut(word) else { continue };
        is_news |= word.told.is_none();
        word.told = Some(session);
    }
    if is_news { Step::owing(task, [TaskEffect::EditCard]) } else { Step::quiet(task) }
}

pub(super) fn pause(mut task: Task, by: &Person) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let refused = |why: String, next: String| Err(Rejected::new(why, next));
    match &task.state {
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::Working { .. }
        | TaskState::Asking { .. } => {}
        TaskState::Pausing { by, .. } | TaskState::Paused { by: Some(by), .. } => {
            return refused(format!("{by} has paused {id} already"), format!("Say `resume {id}` to let it go on"));
        }
        TaskState::Paused { by: None, .. } => {
            return refused(format!("{id} is paused already"), format!("Say `resume {id}` to let it go on"));
        }
        _ => {
            return refused(
                format!("No session of {id} runs that could be paused: it is {}", task.state_in_words()),
                format!("Say `status {id}` to see what it needs, or `stop {id}` to end it"),
            );
        }
    }
    let goal = task.goal().expect("the states above have a goal");
    task.state = TaskState::Pausing { goal, by: by.clone() };
    Ok(Step::owing(task, [TaskEffect::StopSession, TaskEffect::EditCard]))
}

/// Goes on from where the session was stopped. One that is still ending ends first, because sessions of a task take turns.
pub(super) fn resume(task: Task) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    match task.state.clone() {
        TaskState::Pausing { goal, .. } | TaskState::Paused { goal, .. } => {
            Ok(start(task, goal, Ground::Newest, vec![TaskEffect::EditCard]))
        }
        TaskState::Parked { .. } => Err(Rejected::new(
            format!("{id} waits for an answer"),
            format!("Say `answer {id}` and your words, and it goes on"),
        )),
        TaskState::Failed { .. } | TaskState::Cancelled { .. } => Err(Rejected::new(
            format!("{id} is not paused: it is {}", task.state_in_words()),
            format!("Say `retry {id}` to run it again"),
        )),
        _ => Err(Rejected::new(
            format!("{id} is not paused: it is {}", task.state_in_words()),
            format!("Say `status {id}` to see where it stands"),
        )),
    }
}

/// Back to a checkpoint, which the caller has seen to exist. What a session does meanwhile is late from here on.
pub(super) fn roll_back(mut task: Task, by: &Person, checkpoint: u32, text: &str) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let Some(Goal::Work { approved }) = task.work_goal() else {
        return Err(Rejected::new(
            format!("{id} cannot go back to a checkpoint now: it is {}", task.state_in_words()),
            match &task.state {
                TaskState::Merging { .. } => format!("Say `dequeue {id}` first"),
                _ => format!("Say `status {id}` to see where it stands"),
            },
        ));
    };
    if text.len() > WORD_BYTES_MAX {
        return Err(too_long(&task));
    }
    let words = match text.trim() {
        "" => format!("went back to checkpoint {checkpoint}; go on from there"),
        said => format!("went back to checkpoint {checkpoint}; {said}"),
    };
    task.said.push(Word::new(by.clone(), words, WordKind::Remark));
    let mut effects = vec![TaskEffect::EditCard];
    if task.runs_session() {
        effects.insert(0, TaskEffect::StopSession);
    }
    Ok(start(task, Goal::Work { approved }, Ground::Checkpoint { number: checkpoint }, effects))
}
