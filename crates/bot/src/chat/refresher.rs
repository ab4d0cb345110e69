//! Keeps cards true where nobody owes an edit: a long wait begins and ends without an event, and what a session does is
//! shown as often as a person looks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use agents::board::Doing;
use agents::task::{Task, view};
use domain::TaskId;
use tokio_util::sync::CancellationToken;

use super::notifier::{Notifier, Unsaid};
use super::render;
use crate::clock;

/// How many tasks at work are looked at in one pass: more are not at work at once in one installation.
const TASKS_MAX: i64 = 500;

/// Tells on cards what long waits are for and what sessions do, and takes it back when that is over.
pub struct Refresher {
    notifier: Notifier,
    /// What cards told at the last pass beside their tasks; before the first one nobody knows.
    told: Mutex<Option<BTreeMap<TaskId, Aside>>>,
}

/// What a card tells that no event brings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Aside {
    waits: bool,
    doing: Doing,
    cost: Option<String>,
}

impl Refresher {
    /// One that renders as `notifier` does.
    pub fn new(notifier: Notifier) -> Self {
        Self { notifier, told: Mutex::default() }
    }

    /// Refreshes every `period` until `stop` fires.
    pub async fn run(&self, period: Duration, stop: CancellationToken) {
        let refresh = || async {
            if let Err(error) = self.refresh_once().await {
                tracing::warn!("cards were not brought up to date: {error}");
            }
        };
        clock::repeat(period, &stop, refresh).await;
    }

    /// Edits the cards of tasks that wait, of those that did at the last pass, and of those whose session does something
    /// else than then.
    pub async fn refresh_once(&self) -> Result<(), Unsaid> {
        let before = self.swap_told(None);
        let mut told = BTreeMap::new();
        for line in view::running(&self.notifier.store, TASKS_MAX).await? {
            let Some(task) = self.notifier.store.load::<Task>(&line.id).await? else { continue };
            if task.muted_by.is_some() {
                continue;
            }
            let around = self.notifier.surroundings(&task).await?;
            let (doing, cost) = (around.doing.clone(), around.cost.clone());
            let aside = Aside { waits: around.hindrance.is_some(), doing, cost };
            let nothing = Aside::default();
            let was = before.as_ref().map(|before| before.get(&task.id).unwrap_or(&nothing));
            let is_news = aside.waits || was != Some(&aside);
            if let Some(card) = task.card.as_ref().filter(|_| is_news) {
                self.notifier.messenger.edit(card, &render::card(&task, &around)).await?;
            }
            told.insert(task.id, aside);
        }
        self.swap_told(Some(told));
        Ok(())
    }

    fn swap_told(&self, told: Option<BTreeMap<TaskId, Aside>>) -> Option<BTreeMap<TaskId, Aside>> {
        std::mem::replace(&mut self.told.lock().expect("no code panics while it holds this lock"), told)
    }
}
