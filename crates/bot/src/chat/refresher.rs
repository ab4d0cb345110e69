//! Keeps the cards of tasks that stand still true: a long wait begins and ends without an event, so nobody owes an edit.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use agents::task::{Task, view};
use domain::TaskId;
use tokio_util::sync::CancellationToken;

use super::notifier::{Notifier, Unsaid};
use super::render;

/// How many tasks at work are looked at in one pass: more are not at work at once in one installation.
const TASKS_MAX: i64 = 500;

/// Tells on cards what long waits are for, and takes it back when they are over.
pub struct Refresher {
    notifier: Notifier,
    /// Whose cards tell of a wait since the last pass; before the first one nobody knows.
    waiting: Mutex<Option<BTreeSet<TaskId>>>,
}

impl Refresher {
    /// One that renders as `notifier` does.
    pub fn new(notifier: Notifier) -> Self {
        Self { notifier, waiting: Mutex::default() }
    }

    /// Refreshes every `period` until `stop` fires.
    #[expect(
        clippy::disallowed_methods,
        reason = "the period is a wish, not a debt: a card that is refreshed late costs nothing"
    )]
    pub async fn run(&self, period: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.refresh_once().await {
                tracing::warn!("cards were not brought up to date: {error}");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(period) => {}
            }
        }
    }

    /// Edits the cards of tasks that wait, and of those that did at the last pass.
    pub async fn refresh_once(&self) -> Result<(), Unsaid> {
        let before = self.swap_waiting(None);
        let mut waiting = BTreeSet::new();
        for line in view::running(&self.notifier.store, TASKS_MAX).await? {
            let Some(task) = self.notifier.store.load::<Task>(&line.id).await? else { continue };
            let around = self.notifier.surroundings(&task).await?;
            let waits = around.hindrance.is_some();
            let waited = before.as_ref().is_none_or(|before| before.contains(&task.id));
            if let Some(card) = task.card.as_ref().filter(|_| waits || waited) {
                self.notifier.messenger.edit(card, &render::card(&task, &around)).await?;
            }
            waiting.extend(waits.then_some(task.id));
        }
        self.swap_waiting(Some(waiting));
        Ok(())
    }

    fn swap_waiting(&self, waiting: Option<BTreeSet<TaskId>>) -> Option<BTreeSet<TaskId>> {
        std::mem::replace(&mut self.waiting.lock().expect("no code panics while it holds this lock"), waiting)
    }
}
