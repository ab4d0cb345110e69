//! The merge queues as the board shows them: who stands where, who is tested together, and what left lately.

use std::collections::HashMap;

use domain::{EntryId, TaskId, Timestamp};
use mergeq::queue::{Pause, Place, Progress, Queue, QueueView, Run, queue_id};
use mergeq::{PastEntry, recent_outcomes};
use serde::Serialize;
use store::StoreError;

use crate::WebState;
use crate::moment::Moment;
use crate::standing::{Badge, Tone, badge_of_place, capitalised};

/// How many of those who left are shown: what a person who comes back from a meeting may have missed.
const RECENT_MAX: u32 = 5;

/// One queue.
#[derive(Debug, Serialize)]
pub(crate) struct QueueCard {
    pub(crate) repo: String,
    pub(crate) target: String,
    pub(crate) badge: Badge,
    /// Why nothing new starts, if so, as a sentence without a full stop.
    pub(crate) paused: Option<String>,
    /// To whom it is closed, if so.
    pub(crate) frozen: Option<String>,
    /// Until when its hours keep out what has passed, or from when.
    pub(crate) hours: Option<String>,
    /// How it tests, and why.
    pub(crate) strategies: Vec<String>,
    /// How many are in it; more than `lines` when the list is cut.
    pub(crate) count: usize,
    pub(crate) lines: Vec<QueueLine>,
    pub(crate) left: Vec<LeftLine>,
}

/// One entry in a queue.
#[derive(Debug, Serialize)]
pub(crate) struct QueueLine {
    pub(crate) position: usize,
    pub(crate) entry: String,
    /// Its task's page.
    pub(crate) link: Option<String>,
    pub(crate) title: String,
    pub(crate) requested_by: String,
    pub(crate) badge: Badge,
    /// The run that holds it, with how many it shares it.
    pub(crate) run: Option<String>,
    pub(crate) enqueued: Moment,
    /// What it waits for, and what takes too long with it.
    pub(crate) notes: Vec<String>,
    /// Until when its place is kept while it is repaired.
    pub(crate) kept: Option<Moment>,
}

/// One entry that left a queue.
#[derive(Debug, Serialize)]
pub(crate) struct LeftLine {
    pub(crate) entry: String,
    pub(crate) link: Option<String>,
    pub(crate) title: String,
    pub(crate) badge: Badge,
    pub(crate) outcome: String,
    pub(crate) ended: Moment,
}

/// All queues, and where every entry of them is.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub(crate) cards: Vec<QueueCard>,
    pub(crate) places: HashMap<EntryId, Progress>,
}

impl Queues {
    /// The queue of each repository, by the repository's name.
    pub(crate) async fn read(state: &WebState, now: Timestamp) -> Result<Self, StoreError> {
        let mut queues = Self::default();
        for repository in state.repositories.iter() {
            let id = queue_id(&repository.name, &repository.target);
            let queue = state.store.load::<Queue>(&id).await?;
            let mut card = QueueCard {
                repo: repository.name.to_string(),
                target: repository.target.to_string(),
                badge: Badge::new("open", Tone::Quiet),
                paused: None,
                frozen: None,
                hours: None,
                strategies: Vec::new(),
                count: 0,
                lines: Vec::new(),
                left: Vec::new(),
            };
            if let Some(queue) = queue {
                let view = QueueView::of(&queue, now);
                queues.places.extend(view.lines.iter().map(|line| (line.entry.clone(), line.progress)));
                let lines_max = usize::try_from(state.settings.lines_max).unwrap_or(usize::MAX);
                card.badge = badge_of_queue(&queue);
                card.paused = queue.pause.as_ref().map(|pause| capitalised(&pause.to_string()));
                card.frozen = view.freeze.as_deref().map(capitalised);
                card.hours = view.hours.as_deref().map(capitalised);
                card.strategies = view.strategies.iter().map(|strategy| format!("Strategy {strategy}.")).collect();
                card.count = view.lines.len();
                card.lines = lines_of(&queue, &view, now).take(lines_max).collect();
                let left = recent_outcomes(&state.store, &id, RECENT_MAX).await?;
                card.left = left.into_iter().map(|past| left_line(past, now)).collect();
            }
            queues.cards.push(card);
        }
        Ok(queues)
    }
}

fn badge_of_queue(queue: &Queue) -> Badge {
    match &queue.pause {
        Some(Pause::By(_)) => Badge::new("paused", Tone::Waits),
        Some(Pause::Stalled { .. } | Pause::Unsound { .. }) => Badge::new("stopped", Tone::Bad),
        None if queue.runs.is_empty() => Badge::new("open", Tone::Quiet),
        None => Badge::new("running", Tone::Runs),
    }
}

fn lines_of<'a>(queue: &'a Queue, view: &'a QueueView, now: Timestamp) -> impl Iterator<Item = QueueLine> + 'a {
    view.lines.iter().map(move |line| QueueLine {
        position: line.progress.position,
        entry: line.entry.to_string(),
        link: link_of(line.entry.as_str()),
        title: line.title.clone(),
        requested_by: line.requested_by.to_string(),
        badge: badge_of_place(line.progress.place),
        run: runs_of(queue, &line.entry),
        enqueued: Moment::new(line.enqueued_at, now),
        notes: line.notes(now),
        kept: match line.progress.place {
            Place::Reserved { until } => Some(Moment::new(until, now)),
            Place::Waiting | Place::Staging | Place::Testing | Place::Passed | Place::Landing => None,
        },
    })
}

/// The runs that hold an entry, the first three by name.
fn runs_of(queue: &Queue, entry: &EntryId) -> Option<String> {
    const NAMED_MAX: usize = 3;
    let said = |run: &Run| match run.set.len() {
        1 => run.id.to_string(),
        n => format!("{} of {n}", run.id),
    };
    let named: Vec<String> = queue.runs_of(entry).take(NAMED_MAX).map(said).collect();
    let more = queue.runs_of(entry).count().saturating_sub(NAMED_MAX);
    let more = (more > 0).then(|| format!("{more} more"));
    (!named.is_empty()).then(|| named.into_iter().chain(more).collect::<Vec<_>>().join(", "))
}

fn left_line(past: PastEntry, now: Timestamp) -> LeftLine {
    let badge = match past.outcome.as_str() {
        "merged" => Badge::new("merged", Tone::Good),
        "ejected" => Badge::new("ejected", Tone::Bad),
        _ => Badge::new("withdrawn", Tone::Quiet),
    };
    LeftLine {
        link: link_of(&past.entry),
        entry: past.entry,
        title: past.title,
        badge,
        outcome: capitalised(&past.text),
        ended: Moment::new(past.ended_at, now),
    }
}

/// The page of the entry's task. Entries of people's own branches have none.
fn link_of(entry: &str) -> Option<String> {
    entry.parse::<TaskId>().ok().map(|id| format!("/tasks/{id}"))
}
