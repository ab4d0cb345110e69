//! What people see of a queue: who stands where, and what came of those who left. Never used for decisions.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use domain::{EntryId, Person, QueueId, Timestamp};
use forge::LaneName;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::order::{Gatekeeper, Priority, Waits};
use super::outcome::listed;
use super::state::{Phase, Queue, Run};
use super::tracks::admissible;
use super::watch::Overdue;
use crate::strategy::Strategist;

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
    /// To whom it is closed, if so.
    pub freeze: Option<String>,
    /// Until when its hours keep what passed from landing, or from when within a day: `closed until Mon 08:00 Europe/Berlin`.
    pub hours: Option<String>,
    /// How its strategy works now and what that has learned, a line for each track; none where that was chosen once.
    pub strategies: Vec<String>,
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
    /// How soon it is wanted.
    pub priority: Priority,
    /// The lanes that it touches, where the repository names any.
    pub lanes: Vec<LaneName>,
    /// What it waits for, but for its turn.
    pub waits: Option<Waits>,
    /// What takes much longer than usual with it.
    pub overdue: Option<Overdue>,
    /// Since when it is in the queue.
    pub enqueued_at: Timestamp,
}

impl EntryLine {
    /// What there is to say beside its place.
    pub fn notes(&self, now: Timestamp) -> Vec<String> {
        let priority = (self.priority != Priority::Normal).then(|| self.priority.to_string());
        let waits = self.waits.as_ref().map(ToString::to_string);
        let overdue = self.overdue.as_ref().map(|overdue| overdue.in_words(now));
        let lanes = (!self.lanes.is_empty()).then(|| format!("in {}", listed(&self.lanes)));
        priority.into_iter().chain(lanes).chain(waits).chain(overdue).collect()
    }
}

impl QueueView {
    /// The view of a queue.
    pub fn of(queue: &Queue, now: Timestamp) -> Self {
        let entries: HashMap<_, _> = queue.entries.iter().map(|entry| (&entry.change.id, entry)).collect();
        let placed = places(queue);
        let is_of_one_lane =
            queue.entries.iter().all(|entry| entry.change.lanes.iter().all(|lane| *lane == LaneName::Rest));
        let mut gatekeeper = Gatekeeper::of(queue);
        let held_up = queue.entries.iter().filter(|entry| !entry.admitted && !entry.is_reserved());
        let mut waits: HashMap<_, _> =
            held_up.filter_map(|entry| Some((&entry.change.id, gatekeeper.stops(entry)?))).collect();
        if !is_of_one_lane && queue.pause.is_none() {
            let without_track = admissible(queue).into_iter().map(|index| &queue.entries[index].change);
            waits
                .extend(without_track.map(|change| (&change.id, Waits::Lanes(change.lanes.iter().cloned().collect()))));
        }
        if let Some(until) = queue.closing.until() {
            let until = queue.policy.closed.in_words(until);
            waits.extend(queue.kept_out().into_iter().map(|id| (id, Waits::Opening(until.clone()))));
        }
        let line = |(index, (id, place)): (usize, &(EntryId, Place))| {
            let entry = entries.get(id)?;
            Some(EntryLine {
                entry: id.clone(),
                title: entry.change.title.clone(),
                requested_by: entry.change.requested_by.clone(),
                progress: Progress { place: *place, position: index + 1, of: placed.len() },
                priority: entry.change.priority,
                lanes: entry.change.lanes.iter().filter(|_| !is_of_one_lane).cloned().collect(),
                waits: waits.get(id).cloned(),
                overdue: queue.watch.overdue_of(id).cloned(),
                enqueued_at: entry.enqueued_at,
            })
        };
        Self {
            id: queue.id.clone(),
            pause: queue.pause.as_ref().map(ToString::to_string),
            freeze: queue.freeze.as_ref().map(ToString::to_string),
            hours: queue.hours_in_words(now),
            strategies: strategies_of(queue),
            lines: placed.iter().enumerate().filter_map(line).collect(),
        }
    }
}

/// Those of each track on which somebody is, with its lanes where there are several; of the first while nobody is on any.
fn strategies_of(queue: &Queue) -> Vec<String> {
    let on = |track: usize| queue.entries.iter().filter(move |entry| entry.is_on(track));
    let strategists = queue.tracks.strategists().iter().enumerate();
    let is_anybody_on_any = queue.entries.iter().any(|entry| entry.admitted);
    let is_in_use = |track: usize| if is_anybody_on_any { on(track).next().is_some() } else { track == 0 };
    let in_use: Vec<_> = strategists.filter(|(track, _)| !queue.entries.is_empty() && is_in_use(*track)).collect();
    let said = |(track, strategist): &(usize, &Strategist)| {
        let lanes: BTreeSet<&LaneName> = on(*track).flat_map(|entry| &entry.change.lanes).collect();
        let lanes: Vec<_> = lanes.into_iter().collect();
        let reason = strategist.reason()?;
        Some(if in_use.len() > 1 { format!("of {}: {reason}", listed(&lanes)) } else { reason })
    };
    in_use.iter().filter_map(said).collect()
}

/// Where one entry of a queue is; none when it is not in it.
pub fn progress_of(queue: &Queue, entry: &EntryId) -> Option<Progress> {
    let placed = places(queue);
    let index = placed.iter().position(|(id, _)| id == entry)?;
    Some(Progress { place: placed[index].1, position: index + 1, of: placed.len() })
}

/// Everyone in the order in which they would land, as far as that is known: those who are landing, then by rank; those
/// under repair are last.
pub(crate) fn places(queue: &Queue) -> Vec<(EntryId, Place)> {
    let mut placed: Vec<_> = numbered_places(queue).into_iter().zip(&queue.entries).collect();
    placed.sort_unstable_by_key(|((position, _), _)| *position);
    placed.into_iter().map(|((_, place), entry)| (entry.change.id.clone(), place)).collect()
}

/// The position and the place of each entry, in the order of the entries. Asked twice in each step, so it copies no name.
pub(super) fn numbered_places(queue: &Queue) -> Vec<(usize, Place)> {
    let mut reached: HashMap<&EntryId, Place> = HashMap::new();
    for run in &queue.runs {
        let place = place_in(&run.phase);
        for id in &run.set {
            let known = reached.entry(id).or_insert(place);
            if place.step() > known.step() {
                *known = place;
            }
        }
    }
    let place_of = |entry: &Entry| reached.get(&entry.change.id).copied().unwrap_or_else(|| entry.idle_place());
    let placed: Vec<Place> = queue.entries.iter().map(place_of).collect();
    let n_of = |rank: usize| placed.iter().filter(|place| place.rank() == rank).count();
    let mut next = [1, 1 + n_of(0), 1 + n_of(0) + n_of(1)];
    let numbered = placed.into_iter().map(|place| {
        let position = &mut next[place.rank()];
        *position += 1;
        (*position - 1, place)
    });
    numbered.collect()
}

impl Queue {
    /// Of the runs that hold an entry, the one that is furthest.
    pub fn run_of(&self, id: &EntryId) -> Option<&Run> {
        self.runs_of(id).max_by_key(|run| (place_in(&run.phase).step(), std::cmp::Reverse(run.id)))
    }
}

fn place_in(phase: &Phase) -> Place {
    match phase {
        Phase::Staging { is_outdated: true, .. } => Place::Waiting,
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

    /// Who lands comes first, and who is under repair last.
    fn rank(self) -> usize {
        match self {
            Self::Landing => 0,
            Self::Waiting | Self::Staging | Self::Testing | Self::Passed => 1,
            Self::Reserved { .. } => 2,
        }
    }

    /// How far it is; of the runs that an entry is in, the furthest counts.
    fn step(self) -> u8 {
        match self {
            Self::Waiting | Self::Reserved { .. } => 0,
            Self::Staging => 1,
            Self::Testing => 2,
            Self::Passed => 3,
            Self::Landing => 4,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Reserved { .. } => f.write_str("its place is kept while it is repaired"),
            // Where nothing holds it up this is over in a moment; where something does, testing is not what goes on.
            Place::Passed => write!(f, "position {} of {} · passed", self.position, self.of),
            Place::Waiting | Place::Staging | Place::Testing | Place::Landing => {
                write!(f, "position {} of {} · {}", self.position, self.of, self.place.as_told().word())
            }
        }
    }
}
