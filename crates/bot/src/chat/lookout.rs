//! Tells on the cards of changes that wait for a person what is in their way just now: whenever a target moves or a
//! branch comes, each is merged with the target, with those in the queue, and with the others that wait.
//!
//! A forecast: nothing is decided by it and nothing waits for it, so that it is kept nowhere. What is not known yet is found
//! out when the change lands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agents::task::{Task, TaskState, view};
use domain::{EntryId, RepoName, Sha, TaskId};
use forge::Repository;
use mergeq::queue::{Inquiry, Queue, queue_id};
use mergeq::{ConflictGraph, Fit, Probes};
use tokio_util::sync::CancellationToken;

use super::messenger::ChatError;
use super::notifier::{Notifier, Unsaid};
use super::render::some_of;
use crate::clock;

/// How many changes that wait are looked at, the oldest first: a probe of more takes longer than anybody looks at a card.
const WAITING_MAX: i64 = 500;
/// How many of those that are in the way are named.
const NAMED_MAX: usize = 3;

/// What is in the way of changes, in words that fit on a card. A clone tells the same.
#[derive(Clone, Debug, Default)]
pub struct Forecasts(Arc<Mutex<BTreeMap<TaskId, String>>>);

impl Forecasts {
    /// What is in the way of this one, as far as is known.
    pub fn of(&self, task: TaskId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&task).cloned()
    }

    fn replace(&self, with: BTreeMap<TaskId, String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = with;
    }
}

/// What was looked at, and what is in the way of whom.
type Found = (Inquiry, BTreeMap<TaskId, String>);

/// Looks what is in the way of changes that wait.
pub struct Lookout {
    notifier: Notifier,
    probes: Probes,
    memory: tokio::sync::Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// What was found lately of each repository.
    found: BTreeMap<RepoName, Found>,
    /// What cards were told; before the first look nobody knows what they say.
    told: Option<BTreeMap<TaskId, String>>,
}

impl Lookout {
    /// One that tells what it finds as `notifier` does.
    pub fn new(notifier: Notifier, probes: Probes) -> Self {
        Self { notifier, probes, memory: tokio::sync::Mutex::default() }
    }

    /// Looks every `period` until `stop` fires.
    pub async fn run(&self, period: Duration, stop: CancellationToken) {
        let look = || async {
            if let Err(error) = self.look_once().await {
                tracing::warn!("cards were not told what is in the way of their changes: {error}");
            }
        };
        clock::repeat(period, &stop, look).await;
    }

    /// Looks once, and edits the cards of which something else is to be told than before.
    pub async fn look_once(&self) -> Result<(), Unsaid> {
        let mut waiting: BTreeMap<RepoName, Vec<Task>> = BTreeMap::new();
        for line in view::with_change(&self.notifier.store, WAITING_MAX).await? {
            let task = self.notifier.store.load::<Task>(&line.id).await?;
            task.into_iter().for_each(|task| waiting.entry(task.request.repo.clone()).or_default().push(task));
        }
        let mut memory = self.memory.lock().await;
        let Memory { found, told } = &mut *memory;
        found.retain(|name, _| waiting.contains_key(name));
        for (name, tasks) in &waiting {
            let Some(repository) = self.notifier.repositories.get(name) else { continue };
            match self.look_at(repository, tasks, found.get(name).map(|(inquiry, _)| inquiry)).await {
                Ok(Some(news)) => drop(found.insert(name.clone(), news)),
                Ok(None) => {}
                Err(why) => tracing::warn!(repo = %name, "nobody knows what is in the way of its changes: {why}"),
            }
        }
        let now: BTreeMap<TaskId, String> = found.values().flat_map(|(_, told)| told.clone()).collect();
        self.notifier.forecasts.replace(now.clone());
        let (is_first, before) = (told.is_none(), told.take().unwrap_or_default());
        for task in waiting.values().flatten().filter(|task| is_first || before.get(&task.id) != now.get(&task.id)) {
            match self.notifier.edit_card(task).await {
                Err(Unsaid::Chat(ChatError::Refused(why))) => {
                    tracing::warn!(task.id = %task.id, "its card stays: {why}")
                }
                // The next look tells everybody anew.
                edited => edited?,
            }
        }
        *told = Some(now);
        Ok(())
    }

    /// What is in the way of the changes of one repository; none where nothing moved since `before`.
    async fn look_at(
        &self,
        repository: &Repository,
        tasks: &[Task],
        before: Option<&Inquiry>,
    ) -> Result<Option<Found>, String> {
        let queue = self.notifier.store.load::<Queue>(&queue_id(&repository.name, &repository.target)).await;
        let queue = queue.map_err(in_words)?;
        // What the queue landed may not have been fetched yet; before it has looked, what was fetched is all that is known.
        let head = match queue.as_ref().and_then(|queue| queue.head.clone()) {
            Some(head) => Some(head),
            None => repository.mirror.known_head().await.map_err(in_words)?,
        };
        let Some(head) = head else { return Ok(None) };
        let entries = queue.iter().flat_map(|queue| &queue.entries).filter(|entry| !entry.is_reserved());
        let in_line = entries.map(|entry| (entry.change.id.clone(), entry.change.head.clone()));
        let waiting: Vec<(TaskId, Sha)> = tasks.iter().filter_map(|task| Some((task.id, head_of(task)?))).collect();
        let ours = waiting.iter().map(|(task, head)| (EntryId::from(*task), head.clone()));
        let inquiry = Inquiry { head, branches: in_line.chain(ours).collect() };
        if before == Some(&inquiry) {
            return Ok(None);
        }
        repository.mirror.ensure(&inquiry.head).await.map_err(in_words)?;
        let graph = self.probes.of(repository, &inquiry.head, &inquiry.branches).await.map_err(in_words)?;
        let told = waiting.iter().filter_map(|(task, _)| Some((*task, in_the_way(*task, repository, &graph)?)));
        let told = told.collect();
        Ok(Some((inquiry, told)))
    }
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Where the change that waits ends.
fn head_of(task: &Task) -> Option<Sha> {
    match &task.state {
        TaskState::InReview { pull_request, .. } => Some(pull_request.work.head.clone()),
        TaskState::Departed { work, .. } => Some(work.head.clone()),
        _ => None,
    }
}

/// `conflicts with main in src/login.rs`; nothing where nothing is.
fn in_the_way(task: TaskId, repository: &Repository, graph: &ConflictGraph) -> Option<String> {
    let (target, entry) = (&repository.target, EntryId::from(task));
    match graph.branches.get(&entry)? {
        Fit::Conflict { paths } => return Some(format!("conflicts with {target} in {}", some_of(paths, NAMED_MAX))),
        Fit::AlreadyIn => return Some(format!("{target} has all of it already")),
        Fit::Unusable { why } => return Some(format!("cannot be merged: {why}")),
        Fit::Clean { .. } => {}
    }
    let clashes: Vec<_> = graph.pairs.iter().filter(|clash| clash.one == entry || clash.other == entry).collect();
    let rival = |clash: &&mergeq::Clash| if clash.one == entry { clash.other.clone() } else { clash.one.clone() };
    let rivals: Vec<String> = clashes.iter().map(rival).map(|rival| rival.to_string()).collect();
    let mut paths: Vec<String> = clashes.iter().flat_map(|clash| clash.paths.clone()).collect();
    paths.sort();
    paths.dedup();
    (!rivals.is_empty())
        .then(|| format!("conflicts with {} in {}", some_of(&rivals, NAMED_MAX), some_of(&paths, NAMED_MAX)))
}
