//! Between a session that runs and its people: what it asks becomes a question of its task, and what people say becomes
//! words for it.
//!
//! Everything goes through the task, so that a crash loses nothing: a session that began again asks the same question
//! and finds its answer, and is told what was said before. The [`Bell`] only spares the wait; a task that was changed by
//! another process is looked at twice a second.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Attempt, Cause, DeliveryId, TaskId, Timestamp};
use store::{ApplyError, Store, StoreError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::UNPOISONED;
use crate::session::people::{People, Question, QuestionKind, Reply, Steer};
use crate::task::{Task, TaskEvent, TaskState, Word, WordKind};

/// How often a task is looked at that nobody of this process has touched: people do not notice half a second, and one
/// row is read by its key.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Wakes the sessions of this process when somebody said something to a task.
#[derive(Debug, Default)]
pub struct Bell(watch::Sender<u64>);

impl Bell {
    /// Has every session look at its task.
    pub fn ring(&self) {
        self.0.send_modify(|n| *n += 1);
    }
}

/// One attempt of one session, as its people reach it.
pub(crate) struct Liaison {
    store: Store,
    bell: Arc<Bell>,
    patience: Duration,
    task: TaskId,
    session: u32,
    attempt: Attempt,
    stop: CancellationToken,
    /// Numbers the events of this attempt.
    n_events: AtomicU32,
    /// The number of the question that it was left alone with.
    given_up: Mutex<Option<u32>>,
    /// What was asked and answered in this attempt. One question at a time is put to people.
    answered: tokio::sync::Mutex<Vec<Question>>,
}

/// What an attempt is, beside where it is kept.
pub(crate) struct Sitting {
    pub task: TaskId,
    pub session: u32,
    pub attempt: Attempt,
    pub stop: CancellationToken,
}

/// What the task knows of a question.
enum Standing {
    Answered(u32, Word),
    Open(u32),
    Unasked,
    /// The session is not the task's any more, or is asked to end.
    Over,
}

impl Liaison {
    pub(crate) fn new(store: Store, bell: Arc<Bell>, patience: Duration, sitting: Sitting) -> Self {
        let Sitting { task, session, attempt, stop } = sitting;
        let (n_events, given_up, answered) = (AtomicU32::new(0), Mutex::default(), tokio::sync::Mutex::default());
        Self { store, bell, patience, task, session, attempt, stop, n_events, given_up, answered }
    }

    /// Notes that the session was told these words.
    pub(crate) async fn tell(&self, words: Vec<u32>) -> Result<(), ApplyError> {
        if words.is_empty() {
            return Ok(());
        }
        self.apply(TaskEvent::WordsTold { session: self.session, words }).await
    }

    /// Whether the session was left alone with a question that nobody has answered since.
    pub(crate) async fn has_open_question(&self) -> Result<bool, StoreError> {
        let Some(number) = self.given_up() else { return Ok(false) };
        let task = self.store.load::<Task>(&self.task).await?;
        Ok(task.is_some_and(|task| task.open_question().is_some_and(|open| open.number == number)))
    }

    /// Passes on what people say for as long as the session runs. A word counts as told once the session took it.
    pub(crate) async fn listen(&self, steering: mpsc::Sender<Steer>) -> Result<(), ApplyError> {
        let mut rings = self.bell.0.subscribe();
        loop {
            let task = self.store.load::<Task>(&self.task).await?;
            let words = task.filter(|task| task.sessions == self.session).map(|task| self.for_steering(&task));
            for (n, steer) in words.unwrap_or_default() {
                if steering.send(steer).await.is_err() || steering.reserve().await.is_err() {
                    return Ok(());
                }
                self.tell(vec![n]).await?;
            }
            look_again(&mut rings).await;
        }
    }

    /// Tells the task of each host that the session reaches: whatever becomes of the turn, its change is held to it.
    pub(crate) async fn report_hosts(&self, mut reached: watch::Receiver<BTreeSet<String>>) -> Result<(), ApplyError> {
        loop {
            let hosts: Vec<String> = reached.borrow_and_update().iter().cloned().collect();
            self.report(&hosts).await?;
            if reached.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Tells the task of the hosts among these that it does not know yet.
    pub(crate) async fn report(&self, hosts: &[String]) -> Result<(), ApplyError> {
        if hosts.is_empty() {
            return Ok(());
        }
        let known = self.store.load::<Task>(&self.task).await?.map(|task| task.reached).unwrap_or_default();
        let hosts: Vec<String> = hosts.iter().filter(|host| !known.contains(*host)).cloned().collect();
        if hosts.is_empty() {
            return Ok(());
        }
        self.apply(TaskEvent::HostsReached { session: self.session, hosts }).await
    }

    /// The words that wait for the session, without answers that it waits for itself.
    fn for_steering(&self, task: &Task) -> Vec<(u32, Steer)> {
        let steer = |n: u32| {
            let Word { by, text, kind, .. } = task.said.get(usize::try_from(n).ok()?)?;
            let by = by.clone();
            match kind {
                WordKind::Remark => Some((n, Steer::Say { by, text: text.clone() })),
                WordKind::Interruption => Some((n, Steer::Interrupt { by, text: text.clone() })),
                WordKind::Answer { question, .. } if self.given_up() == Some(question.number) => {
                    let text = format!("{text} (the answer to your question: {})", question.question.text);
                    Some((n, Steer::Say { by, text }))
                }
                WordKind::Answer { .. } => None,
            }
        };
        task.untold().into_iter().filter_map(steer).collect()
    }

    fn given_up(&self) -> Option<u32> {
        *self.given_up.lock().expect(UNPOISONED)
    }

    async fn apply(&self, event: TaskEvent) -> Result<(), ApplyError> {
        let n = self.n_events.fetch_add(1, Ordering::Relaxed);
        let Attempt { effect, number, .. } = &self.attempt;
        let cause = Cause::Delivery(DeliveryId::new(format!("{effect}:{number}:{n}")));
        self.store.apply::<Task>(&self.task, event, cause).await.map(drop)
    }

    async fn ask_task(&self, question: &Question, answered: &mut Vec<Question>) -> Result<Reply, ApplyError> {
        let deadline = self.store.now() + self.patience;
        let mut rings = self.bell.0.subscribe();
        loop {
            let task = self.store.load::<Task>(&self.task).await?;
            let open = match task.map_or(Standing::Over, |task| self.standing(&task, question, answered)) {
                Standing::Answered(n, Word { by, text, .. }) => {
                    self.tell(vec![n]).await?;
                    answered.push(question.clone());
                    return Ok(Reply::Answered { by, text });
                }
                Standing::Unasked => {
                    let asked = TaskEvent::Asked { session: self.session, question: question.clone() };
                    self.apply(asked).await?;
                    continue;
                }
                Standing::Open(number) => number,
                Standing::Over => return Ok(Reply::Unanswered),
            };
            if self.is_over(deadline) {
                *self.given_up.lock().expect(UNPOISONED) = Some(open);
                return Ok(Reply::Unanswered);
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(Reply::Unanswered),
                () = look_again(&mut rings) => {}
            }
        }
    }

    fn is_over(&self, deadline: Timestamp) -> bool {
        self.store.now() >= deadline
    }

    /// The n-th time that a session asks the same, the n-th answer is meant: an answer counts once.
    fn standing(&self, task: &Task, question: &Question, answered: &[Question]) -> Standing {
        let n_before = answered.iter().filter(|before| *before == question).count();
        let is_answer = |word: &Word| match &word.kind {
            // Leave that was given to one session is not given to the next; what a person knows stays true.
            WordKind::Answer { question: open, session } => {
                let counts = *session == self.session || question.about == QuestionKind::Question;
                counts && open.question == *question
            }
            WordKind::Remark | WordKind::Interruption => false,
        };
        let found = (0..).zip(&task.said).filter(|(_, word)| is_answer(word)).nth(n_before);
        match (&task.state, found) {
            _ if task.sessions != self.session => Standing::Over,
            (_, Some((n, word))) => Standing::Answered(n, word.clone()),
            (TaskState::Asking { open, .. }, None) if open.question == *question => Standing::Open(open.number),
            // Left alone with another question, it is about to end: one at a time is put to people.
            (TaskState::Asking { open, .. }, None) if self.given_up() == Some(open.number) => Standing::Over,
            (TaskState::Planning { .. } | TaskState::Working { .. } | TaskState::Asking { .. }, None) => {
                Standing::Unasked
            }
            _ => Standing::Over,
        }
    }
}

#[async_trait]
impl People for Liaison {
    async fn ask(&self, question: Question) -> Reply {
        let mut answered = self.answered.lock().await;
        self.ask_task(&question, &mut answered).await.unwrap_or_else(|error| {
            tracing::warn!(task.id = %self.task, "a question was not put to people: {error}");
            Reply::Unanswered
        })
    }
}

/// Returns when the bell rang, or when it is time to look without that.
async fn look_again(rings: &mut watch::Receiver<u64>) {
    let _either = tokio::time::timeout(LOOK_EVERY, rings.changed()).await;
}
