//! What one person has to do with: their tasks by who is waited for, and small facts about their place here.

use std::time::Duration;

use agents::money::{self, Grouping};
use agents::task::view::{self, TaskLine};
use agents::task::{Task, TaskState};
use domain::{Person, TaskId, ThreadRef};
use store::{Store, StoreError};

use super::channel::{Channel, ChannelId};
use super::controls;
use super::messenger::Choice;
use super::notifier::Notifier;
use super::render;

/// How many tasks of a person are looked at.
const LINES_MAX: i64 = 60;
/// How many tasks a group shows: what fits on two screens of a telephone.
const GROUP_MAX: usize = 8;
/// How many channels are told of: more than a person works in at once.
const CHANNELS_MAX: usize = 5;
/// How many of those that have ended.
const DONE_MAX: usize = 5;
/// How far back tasks that ended and costs are told: a week.
const LATELY: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A person's home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// Tasks that a person is waited for.
    pub needs: Group,
    /// Tasks that go on by themselves.
    pub running: Group,
    /// Tasks that have ended lately.
    pub done: Group,
    /// What holds in the channels in which these tasks are.
    pub channels: Vec<Holding>,
    /// Named values: costs, what the doctor says. Only what there is.
    pub facts: Vec<(String, String)>,
}

/// Tasks of one kind, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The newest of them.
    pub entries: Vec<Entry>,
    /// How many more there are.
    pub more: usize,
}

/// What holds in a channel where a request says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// The channel.
    pub channel: String,
    /// Its defaults in words; empty where nobody set one.
    pub defaults: Vec<String>,
}

/// A task on a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: TaskId,
    /// What it is about.
    pub title: String,
    /// Where it stands.
    pub now: String,
    /// Its repository.
    pub repo: String,
    /// Where it is talked about.
    pub thread: ThreadRef,
    /// The one thing to do next.
    pub next: Option<Choice>,
}

impl Home {
    /// Reads a person's home; `facts` are what the caller knows about their place here, and come first.
    pub async fn read(notifier: &Notifier, person: &Person, facts: Vec<(String, String)>) -> Result<Self, StoreError> {
        let mut home = Self { facts, ..Self::default() };
        let lines = view::of_person(&notifier.store, person, notifier.store.now() - LATELY, LINES_MAX).await?;
        home.channels = channels_of(&notifier.store, &lines).await?;
        for line in lines {
            let (group, shown_max) = match (line.is_ended(), line.needs_person()) {
                (true, _) => (&mut home.done, DONE_MAX),
                (false, true) => (&mut home.needs, GROUP_MAX),
                (false, false) => (&mut home.running, GROUP_MAX),
            };
            if group.entries.len() == shown_max {
                group.more += 1;
                continue;
            }
            let Some(task) = notifier.store.load::<Task>(&line.id).await? else { continue };
            let around = notifier.surroundings(&task).await?;
            group.entries.push(Entry::of(&task, render::now_line(&task, &around)));
        }
        let since = notifier.store.now() - LATELY;
        let totals = money::totals(&notifier.store, Grouping::Person, since).await?;
        let own = totals.into_iter().find(|total| total.name == person.as_str());
        home.facts.extend(own.map(|total| ("Spent in 7 days".to_owned(), total.in_words())));
        Ok(home)
    }
}

/// The channels of these tasks in the order of the tasks, each once.
async fn channels_of(store: &Store, lines: &[TaskLine]) -> Result<Vec<Holding>, StoreError> {
    let mut channels: Vec<Holding> = Vec::new();
    for line in lines {
        let Ok(thread) = line.thread.parse::<ThreadRef>() else { continue };
        let channel = thread.channel();
        if channels.len() == CHANNELS_MAX || channels.iter().any(|shown| shown.channel == channel) {
            continue;
        }
        let kept = store.load::<Channel>(&ChannelId(channel.clone())).await?;
        let defaults = kept.map(|kept| kept.defaults.in_words()).unwrap_or_default();
        channels.push(Holding { channel, defaults });
    }
    Ok(channels)
}

impl Entry {
    /// A task that stands as `now` says. A plan that waits is named, so that nobody approves what they have not read.
    pub fn of(task: &Task, now: String) -> Self {
        let now = match &task.state {
            TaskState::AwaitingApproval { plan, .. } => format!("{now}: {}", plan.draft.summary),
            _ => now,
        };
        Self {
            id: task.id,
            title: task.title(),
            now,
            repo: task.request.repo.to_string(),
            thread: task.request.thread.clone(),
            next: controls::next(task),
        }
    }
}
