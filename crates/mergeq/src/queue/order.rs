//! Who comes first: priorities, a freeze, what depends on what, and how many of one person's changes are tested at once.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::fmt;

use domain::{EntryId, Person, Rejected};
use forge::LaneName;
use serde::{Deserialize, Serialize};

use super::absorb::take_from_line;
use super::draft::Draft;
use super::entry::{Entry, Standing};
use super::hold::Hold;
use super::state::Queue;
use crate::strategy::Item;

/// How soon an entry is wanted, beside others. Entries of one priority are in line by rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When there is nothing else: maintenance.
    Low,
    /// What everybody asks for.
    #[default]
    Normal,
    /// Before the others.
    High,
    /// Before everybody, for a reason that somebody gave.
    First,
}

/// What keeps all but the urgent out of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Whatever is of a lower priority waits.
    pub below: Priority,
    /// Who said so.
    pub by: Person,
    /// Why.
    pub why: String,
    /// The entry with whose landing it ends by itself, if there is one.
    #[serde(default)]
    pub until: Option<EntryId>,
}

impl Priority {
    /// All of them, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::First];

    /// The word that people say.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::First => "first",
        }
    }

    /// Its place among the priorities, highest first.
    pub(super) fn order(self) -> u64 {
        match self {
            Self::First => 0,
            Self::High => 1,
            Self::Normal => 2,
            Self::Low => 3,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "closed below {} by {}: {}", self.below, self.by, self.why)
    }
}

/// Puts an entry elsewhere in line. What lands already is out of reach; what is under test is tested anew from there.
pub(super) fn prioritise_entry(draft: &mut Draft, id: &EntryId, priority: Priority) -> Result<(), Rejected> {
    let known = draft.named_entry(id)?.change.priority;
    if known == priority || draft.queue.is_committed(id) {
        return Ok(());
    }
    take_from_line(draft, id);
    if let Some(entry) = draft.entry_mut(id) {
        entry.change.priority = priority;
    }
    draft.queue.entries.sort_by_key(Entry::item);
    let places: HashMap<EntryId, Item> =
        draft.queue.entries.iter().map(|entry| (entry.change.id.clone(), entry.item())).collect();
    draft.queue.entries.iter_mut().for_each(|entry| entry.step_back_behind(&places));
    Ok(())
}

/// Takes those below the freeze from the strategy; what lands already lands.
pub(super) fn freeze_queue(draft: &mut Draft, freeze: &Freeze) {
    clear_line_below(draft, freeze.below);
    draft.queue.freeze = Some(freeze.clone());
}

/// Takes whatever is of a lower priority from the strategy, but not what lands already.
pub(super) fn clear_line_below(draft: &mut Draft, priority: Priority) {
    let is_below = |entry: &&Entry| entry.admitted && entry.change.priority < priority;
    let below: Vec<EntryId> =
        draft.queue.entries.iter().filter(is_below).map(|entry| entry.change.id.clone()).collect();
    let below = below.into_iter().filter(|id| !draft.queue.is_committed(id)).collect::<Vec<_>>();
    below.iter().for_each(|id| take_from_line(draft, id));
}

pub(super) fn thaw_queue(draft: &mut Draft) -> Result<(), Rejected> {
    match draft.queue.freeze.take() {
        Some(_) => Ok(()),
        None => Err(Rejected::new(
            format!("The queue of {} is not frozen", draft.queue.id),
            "Say `queue` to see what it is doing",
        )),
    }
}

/// Why an entry may not be tested yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// For these, since it does not merge with them.
    Aside(Vec<EntryId>),
    /// For this one, on which it depends.
    On(EntryId),
    /// For somebody who releases it.
    Held(Hold),
    /// For the end of a freeze.
    Frozen,
    /// For the urgent, which land while the target is closed.
    Urgent,
    /// For the opening of the target, which is then.
    Opening(String),
    /// For others of the same person, of whom so many are tested already.
    Quota(usize),
    /// For those before it in its lanes, who are on several tracks; without lanes, for everybody.
    Lanes(Vec<LaneName>),
}

/// Judges who may be tested, entry by entry in their order.
pub(super) struct Gatekeeper<'a> {
    queue: &'a Queue,
    /// Made when the first asks who depends on another; few do.
    present: OnceCell<HashMap<&'a EntryId, u64>>,
    /// Made when the first asks who stepped aside.
    in_the_way: OnceCell<HashSet<&'a EntryId>>,
    /// Found out when the first asks.
    has_urgent: OnceCell<bool>,
    of_person: HashMap<&'a Person, usize>,
}

impl<'a> Gatekeeper<'a> {
    pub(super) fn of(queue: &'a Queue) -> Self {
        let mut of_person = HashMap::new();
        for entry in queue.entries.iter().filter(|entry| entry.admitted) {
            *of_person.entry(&entry.change.requested_by).or_default() += 1;
        }
        Self { queue, present: OnceCell::new(), in_the_way: OnceCell::new(), has_urgent: OnceCell::new(), of_person }
    }

    fn is_in_the_way(&self, id: &EntryId) -> bool {
        let entries = self.queue.entries.iter().filter(|entry| !entry.is_passed_by());
        self.in_the_way.get_or_init(|| entries.map(|entry| &entry.change.id).collect()).contains(id)
    }

    fn rank_of(&self, id: &EntryId) -> Option<u64> {
        let ranks = self.queue.entries.iter().map(|entry| (&entry.change.id, entry.rank));
        self.present.get_or_init(|| ranks.collect()).get(id).copied()
    }

    /// Whether the target is closed, and somebody is there who may land all the same.
    pub(super) fn has_urgent(&self) -> bool {
        let is_urgent = |entry: &Entry| entry.change.priority == Priority::First && !entry.is_reserved();
        let may_go = |entry: &Entry| is_urgent(entry) && (entry.admitted || self.keeps(entry).is_none());
        let is_closed = self.queue.closing.until().is_some();
        is_closed && *self.has_urgent.get_or_init(|| self.queue.entries.iter().any(may_go))
    }

    /// What an entry waits for, whatever its priority and its person.
    fn keeps(&self, entry: &Entry) -> Option<Waits> {
        let change = &entry.change;
        if let Some(hold) = &entry.hold {
            return Some(Waits::Held(hold.clone()));
        }
        if let Standing::Aside { with } = &entry.standing {
            let with: Vec<_> = with.iter().filter(|other| self.is_in_the_way(other)).cloned().collect();
            if !with.is_empty() {
                return Some(Waits::Aside(with));
            }
        }
        // Who came later is not what was meant: that has landed. So nobody waits in a circle.
        let is_before = |on: &&EntryId| self.rank_of(on).is_some_and(|rank| rank < entry.rank);
        if let Some(on) = change.depends_on.iter().find(is_before) {
            return Some(Waits::On(on.clone()));
        }
        None
    }

    /// What an entry waits for; none when nothing is in its way, and then it counts for its person.
    pub(super) fn stops(&mut self, entry: &'a Entry) -> Option<Waits> {
        let change = &entry.change;
        let kept = self.keeps(entry);
        if kept.is_some() {
            return kept;
        }
        if self.queue.freeze.as_ref().is_some_and(|freeze| change.priority < freeze.below) {
            return Some(Waits::Frozen);
        }
        if change.priority < Priority::First && self.has_urgent() {
            return Some(Waits::Urgent);
        }
        let n_known = self.of_person.entry(&change.requested_by).or_default();
        let person_max = self.queue.policy.limits.person_max;
        if *n_known >= person_max.max(1) {
            return Some(Waits::Quota(person_max.max(1)));
        }
        *n_known += 1;
        None
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aside(with) => write!(f, "waits for {}, with which it conflicts", super::outcome::listed(with)),
            Self::On(on) => write!(f, "waits for {on}, on which it depends"),
            Self::Held(hold) => write!(f, "is {hold}"),
            Self::Frozen => f.write_str("waits for the end of the freeze"),
            Self::Urgent => f.write_str("waits for what lands while it is closed"),
            Self::Opening(until) => write!(f, "waits until it opens {until}"),
            Self::Quota(max) => write!(f, "waits for others of the same person, of whom {max} are tested at once"),
            Self::Lanes(lanes) if lanes.is_empty() => {
                f.write_str("waits for those before it, because it touches every lane")
            }
            Self::Lanes(lanes) => write!(f, "waits for those before it in {}", super::outcome::listed(lanes)),
        }
    }
}
