//! Questions: a session asks, a person answers. The session may wait for it, or end and leave the question open.

use domain::{Person, Rejected, Step, Timestamp};

use super::moves::{self, start};
use super::state::Ground;
use super::word::{OpenQuestion, WORD_BYTES_MAX, Word, WordKind};
use super::{Announcement, Task, TaskEffect, TaskState};
use crate::egress;
use crate::session::people::{Question, QuestionKind};

/// How many characters of a question or an answer are repeated in a refusal.
const QUOTED_CHARS_MAX: usize = 80;

pub(super) fn ask(mut task: Task, session: u32, question: &Question) -> Step<Task> {
    let goal = match &task.state {
        _ if session != task.sessions => return Step::quiet(task),
        // The same words again are the same question: whoever asked began again.
        TaskState::Asking { open, .. } if open.question == *question => return Step::quiet(task),
        TaskState::Planning { .. } | TaskState::Working { .. } | TaskState::Asking { .. } => task.goal(),
        _ => return Step::quiet(task),
    };
    let Some(goal) = goal else { return Step::quiet(task) };
    task.questions += 1;
    let open = OpenQuestion { number: task.questions, question: question.clone() };
    task.state = TaskState::Asking { goal, open: open.clone() };
    Step::owing(task, [TaskEffect::EditCard, TaskEffect::Announce(Announcement::Asked { open })])
}

pub(super) fn answer(mut task: Task, by: &Person, number: Option<u32>, text: &str) -> Result<Step<Task>, Rejected> {
    let (goal, open, is_parked) = match &task.state {
        TaskState::Asking { goal, open } => (goal.clone(), open.clone(), false),
        TaskState::Parked { goal, open } => (goal.clone(), open.clone(), true),
        _ => return Err(unasked(&task, number)),
    };
    if number.is_some_and(|number| number != open.number) {
        return Err(unasked(&task, number));
    }
    let text = fitting(&task, &open.question, text)?;
    if let Some(host) = egress::allowed_by(&open.question, &text) {
        task.allowed.insert(host.to_owned(), by.clone());
    }
    let session = task.sessions + u32::from(is_parked);
    task.said.push(Word::new(by.clone(), text, WordKind::Answer { question: open, session }));
    if is_parked {
        return Ok(start(task, goal, Ground::Newest, vec![TaskEffect::EditCard]));
    }
    task.state = goal.at_work();
    Ok(Step::owing(task, [TaskEffect::EditCard]))
}

/// The answer as the session gets it: one of the choices where it names one, else the person's words where they may be
/// free.
fn fitting(task: &Task, question: &Question, text: &str) -> Result<String, Rejected> {
    let (id, text) = (task.id, text.trim());
    let choice = question.choices.iter().find(|choice| choice.trim().eq_ignore_ascii_case(text));
    let is_free = question.choices.is_empty() || question.about == QuestionKind::Question;
    match choice {
        Some(choice) => Ok(choice.clone()),
        None if is_free && text.is_empty() => {
            Err(Rejected::new(format!("An answer to {id} needs words"), format!("Say `answer {id}` and your words")))
        }
        None if is_free && text.len() > WORD_BYTES_MAX => Err(too_long(task)),
        None if is_free => Ok(text.to_owned()),
        None => {
            let choices: Vec<_> = question.choices.iter().map(|choice| format!("`answer {id} {choice}`")).collect();
            Err(Rejected::new(format!("{id} asks for one of its choices"), format!("Say {}", choices.join(" or "))))
        }
    }
}

pub(super) fn too_long(task: &Task) -> Rejected {
    let limit = WORD_BYTES_MAX / 1_000;
    Rejected::new(
        format!("That is more than the {limit} kB that the agent of {} is told at once", task.id),
        "Put it into a file of the repository and name the file".to_owned(),
    )
}

/// Why there is nothing to answer: it was answered, replaced, or never asked.
fn unasked(task: &Task, number: Option<u32>) -> Rejected {
    let id = task.id;
    let answered = |word: &&Word| word.answers().is_some_and(|of| number.is_none_or(|number| of == number));
    match (task.said.iter().rfind(answered), task.open_question()) {
        (Some(Word { by, text, .. }), _) => Rejected::new(
            format!("{by} has answered that question of {id} already: {}", quoted(text)),
            format!("Say `steer {id}` and your words if its agent should know more"),
        ),
        (None, Some(open)) => Rejected::new(
            format!("That was an older question of {id}; now it asks: {}", quoted(&open.question.text)),
            format!("Say `answer {id}` and your words"),
        ),
        (None, None) => Rejected::new(
            format!("{id} asks nothing now: it is {}", task.state_in_words()),
            match &task.state {
                TaskState::Paused { .. } => format!("Say `resume {id}` to let it go on"),
                _ => format!("Say `status {id}` to see what it needs"),
            },
        ),
    }
}

fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let cut: String = line.chars().take(QUOTED_CHARS_MAX).collect();
    let more = if cut.len() < text.trim().len() { "…" } else { "" };
    format!("“{cut}{more}”")
}

/// The session ended and left its question open. If it was answered just before, the next session is told.
pub(super) fn park(mut task: Task, session: u32, now: Timestamp) -> Step<Task> {
    if session != task.sessions {
        return Step::quiet(task);
    }
    match task.state.clone() {
        TaskState::Asking { goal, open } => {
            task.state = TaskState::Parked { goal, open };
            let waits = task.request.waits;
            let wait = task.begin_wait(now, waits.answer, Some(waits.answer_reminder));
            Step::owing(task, [vec![TaskEffect::EditCard], wait].concat())
        }
        TaskState::Queued { goal } => start(task, goal, Ground::Newest, vec![TaskEffect::EditCard]),
        TaskState::Planning { .. } | TaskState::Working { .. } => moves::go_on(task),
        _ => moves::session_ended(task, session, now),
    }
}
