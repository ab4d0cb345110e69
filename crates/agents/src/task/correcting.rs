//! People change what they wrote: the request, or a remark to its sessions. What nobody has read yet simply is the new
//! text; of what was read the session hears the difference.

use domain::{MessageRef, Person, Rejected, Step};

use super::steering::steer;
use super::word::{Word, WordKind};
use super::{Task, TaskEffect, TaskState, planning};

/// How many bytes of the former text are repeated: enough to know it by.
const WAS_BYTES_MAX: usize = 2_000;

pub(super) fn correct_request(mut task: Task, by: &Person, text: &str) -> Result<Step<Task>, Rejected> {
    let was = std::mem::replace(&mut task.request.text, text.to_owned());
    let difference = format!("corrected the request. It said: {} It says now: {text}", beginning(&was));
    match &task.state {
        TaskState::Queued { .. } if task.sessions == 1 => Ok(Step::owing(task, [TaskEffect::EditCard])),
        TaskState::AwaitingApproval { .. } => planning::revise(task, by, &difference),
        _ => steer(task, (by, None), &difference, WordKind::Remark),
    }
}

/// The word that a message is, the newest where it was corrected before.
fn word_of(task: &mut Task, message: &MessageRef) -> Option<usize> {
    task.said.iter().rposition(|word| word.message.as_ref() == Some(message))
}

pub(super) fn correct_remark(
    mut task: Task,
    by: &Person,
    message: &MessageRef,
    text: &str,
) -> Result<Step<Task>, Rejected> {
    let Some(n) = word_of(&mut task, message).filter(|_| task.goal().is_some()) else { return Ok(Step::quiet(task)) };
    let was = &mut task.said[n];
    if was.text == text || was.by != *by {
        return Ok(Step::quiet(task));
    }
    if was.told.is_none() {
        *was = Word { text: text.to_owned(), ..was.clone() };
        return Ok(Step::owing(task, [TaskEffect::EditCard]));
    }
    let corrected = format!("{text} (instead of what they said before: {})", beginning(&was.text));
    steer(task, (by, Some(message)), &corrected, WordKind::Remark)
}

/// What an agent has heard cannot be taken back.
pub(super) fn withdraw_remark(mut task: Task, by: &Person, message: &MessageRef) -> Step<Task> {
    let is_untold = |word: &Word| word.told.is_none() && word.by == *by;
    match word_of(&mut task, message).filter(|n| is_untold(&task.said[*n])) {
        Some(n) => {
            task.said.remove(n);
            Step::owing(task, [TaskEffect::EditCard])
        }
        None => Step::quiet(task),
    }
}

fn beginning(text: &str) -> String {
    let text = text.trim();
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= WAS_BYTES_MAX).last();
    let cut = &text[..end.unwrap_or(0)];
    if cut.len() < text.len() { format!("“{cut}…”") } else { format!("“{cut}”") }
}
