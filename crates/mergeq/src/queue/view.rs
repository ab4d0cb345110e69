//! What people see of a queue: who stands where, and what came of those who left. Never used for decisions.

use std::collections::{HashMap, HashSet};
use std::fmt;

use domain::{EntryId, Person, QueueId, Timestamp};
use serde::{Deserialize, Serialize};

use super::state::{Phase, Queue};

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In line.
    Waiting,
    /// Its commit is being made.
    Staging,
    /// Checks run on its commit.
    Testing,
    /// Its checks passed; it may land.
    Passed,
    /// The target is being moved to it.
    Landing,
    /// Out of line, its place kept while it is repaired.
    Reserved {
        /// Until when.
        until: Timestamp,
    },
}

/// Where an entry is, and how many are before it. Reads `position 2 of 3 · testing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where.
    pub place: Place,
    /// Its position, from 1; those who share a run stand in the order in which they would land.
    pub position: usize,
    /// How many are in the queue.
    pub of: usize,
}

/// One queue as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Which.
    pub id: QueueId,
    /// Why nothing new starts, if so.
    pub pause: Option<String>,
    /// Everyone in line, by position.
    pub lines: Vec<EntryLine>,
}

/// One entry as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryLine {
    /// Its id.
    pub entry: EntryId,
    /// Its title.
    pub title: String,
    /// Who asked for it.
    pub requested_by: Person,
    /// Where it is.
    pub progress: Progress,
    /// Since when it is in the queue.
    pub enqueued_at: Timestamp,
}

impl QueueView {
    /// The view of a queue.
    pub fn of(queue: &Queue) -> Self {
        let entries: HashMap<_, _> = queue.entries.iter().map(|entry| (&entry.change.id, entry)).collect();
        let placed = places(queue);
        let line = |(index, (id, place)): (usize, &(EntryId, Place))| {
            let entry = entries.get(id)?;
            Some(EntryLine {
                entry: id.clone(),
                title: entry.change.title.clone(),
                requested_by: entry.change.requested_by.clone(),
                progress: Progress { place: *place, position: index + 1, of: placed.len() },
                enqueued_at: entry.enqueued_at,
            })
        };
        Self {
            id: queue.id.clone(),
            pause: queue.pause.as_ref().map(ToString::to_string),
            lines: placed.iter().enumerate().filter_map(line).collect(),
        }
    }
}

/// Where one entry of a queue is; none when it is not in it.
pub fn progress_of(queue: &Queue, entry: &EntryId) -> Option<Progress> {
    let placed = places(queue);
    let index = placed.iter().position(|(id, _)| id == entry)?;
    Some(Progress { place: placed[index].1, position: index + 1, of: placed.len() })
}

/// Everyone in the order in which they would land: runs, then parts of red runs, then the line, then the reserved.
pub(crate) fn places(queue: &Queue) -> Vec<(EntryId, Place)> {
    let mut placed: Vec<(EntryId, Place)> = Vec::with_capacity(queue.entries.len());
    for run in &queue.runs {
        placed.extend(run.set.iter().map(|id| (id.clone(), place_in(&run.phase))));
    }
    for group in &queue.retry {
        placed.extend(group.set.iter().map(|id| (id.clone(), Place::Waiting)));
    }
    let seen: HashSet<EntryId> = placed.iter().map(|(id, _)| id.clone()).collect();
    let in_line = queue.entries.iter().filter(|entry| !seen.contains(&entry.change.id));
    let (reserved, waiting): (Vec<_>, Vec<_>) =
        in_line.map(|entry| (entry.change.id.clone(), entry.idle_place())).partition(|(_, place)| place.is_reserved());
    placed.extend(waiting);
    placed.extend(reserved);
    placed
}

fn place_in(phase: &Phase) -> Place {
    match phase {
        Phase::Staging { .. } => Place::Staging,
        Phase::Testing { .. } => Place::Testing,
        Phase::Passed { .. } => Place::Passed,
        Phase::Landing { .. } | Phase::Doubtful { .. } => Place::Landing,
    }
}

impl Place {
    /// The word that is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Staging => "staging",
            Self::Testing => "testing",
            Self::Passed => "passed",
            Self::Landing => "landing",
            Self::Reserved { .. } => "reserved",
        }
    }

    /// What a person is told: making the commit and waiting to land belong to testing, and last moments.
    pub(crate) fn as_told(self) -> Self {
        match self {
            Self::Staging | Self::Testing | Self::Passed => Self::Testing,
            Self::Waiting | Self::Landing | Self::Reserved { .. } => self,
        }
    }

    fn is_reserved(self) -> bool {
        matches!(self, Self::Reserved { .. })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Reserved { .. } => f.write_str("its place is kept while it is repaired"),
            Place::Waiting | Place::Staging | Place::Testing | Place::Passed | Place::Landing => {
                write!(f, "position {} of {} · {}", self.position, self.of, self.place.as_told().word())
            }
        }
    }
}
