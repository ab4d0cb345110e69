//! One change in a queue: what somebody wants on the target, and whether it may be put into a run now.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use domain::{BranchName, EntryId, Person, Sha, Timestamp};
use forge::LaneName;
use serde::{Deserialize, Serialize};

use super::hold::Hold;
use super::order::Priority;
use super::view::Place;
use crate::strategy::Item;

/// What somebody wants on the target branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name in the queue.
    pub id: EntryId,
    /// The commit that was approved; nothing else lands under this id.
    pub head: Sha,
    /// The target's commit from which the work began, if known; nobody who landed before it is blamed for a conflict.
    pub started_from: Option<Sha>,
    /// One line for people.
    pub title: String,
    /// Who asked for it.
    pub requested_by: Person,
    /// Who approved it, if somebody did.
    pub approved_by: Option<Person>,
    /// The body of the commit message; may be empty.
    pub message: String,
    /// Whether it may share a run.
    pub company: Company,
    /// Whether somebody repairs it where it does not merge or is red.
    #[serde(default)]
    pub is_repairable: bool,
    /// How soon it is wanted.
    #[serde(default)]
    pub priority: Priority,
    /// Entries that must land before it.
    #[serde(default)]
    pub depends_on: Vec<EntryId>,
    /// The parts of the repository that it touches; none where nobody knows, which counts as all of them. It decides who
    /// waits for whom, and nothing else.
    #[serde(default)]
    pub lanes: BTreeSet<LaneName>,
    /// The branch that it is published as, if it is; the forge shows there what landed.
    #[serde(default)]
    pub branch: Option<BranchName>,
}

/// Whether an entry may share a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Company {
    /// With anyone.
    Any,
    /// With nobody, not even while a red run is bisected.
    Alone,
}

/// One change in line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The change.
    pub change: Change,
    /// Its place in line among those of its priority: lower first. Given once, never taken away.
    pub rank: u64,
    /// When it came.
    pub enqueued_at: Timestamp,
    /// How often it was reserved for repair.
    pub repairs: u32,
    /// Whether it may be put into a run.
    pub standing: Standing,
    /// Whether the strategy has it: it is in runs, or will be put into one.
    #[serde(default)]
    pub admitted: bool,
    /// The track on which it is, or was last.
    #[serde(default)]
    pub track: usize,
    /// Whether it was refused together with others, so that from now on it runs alone.
    #[serde(default)]
    pub solitary: bool,
    /// What keeps it out of every run, if somebody said so.
    #[serde(default)]
    pub hold: Option<Hold>,
    /// With whom it did not merge when it last stepped aside.
    #[serde(default)]
    pub rivals: Vec<EntryId>,
    /// How often its commits were gone when they were to land.
    #[serde(default)]
    pub landings_lost: u32,
}

/// Whether an entry may be put into a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It may, or it is in one.
    Ready,
    /// It waits for these, since it does not merge with them: until they have their outcome, or are under repair.
    Aside {
        /// Entries before it in line; never empty.
        with: Vec<EntryId>,
    },
    /// Its place is kept while somebody repairs it.
    Reserved {
        /// When the lease ends.
        until: Timestamp,
    },
    /// It asked to leave while its landing was in flight; the landing's result decides.
    Leaving(Leave),
}

/// Why an entry wants to leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// A person took it back.
    Withdrawn {
        /// Who.
        by: Person,
    },
    /// Its branch no longer ends at the approved commit.
    HeadMoved {
        /// Where it ends now.
        head: Sha,
    },
}

impl Entry {
    /// The time that its commits bear: that at which it came, so that they are the same each time they are made; a second
    /// later for each time they were gone at their landing. Whoever still performs that landing finds no such commit, even
    /// after they were made anew.
    pub(super) fn committed_at(&self) -> Timestamp {
        self.enqueued_at + Duration::from_secs(self.landings_lost.into())
    }

    /// Its name for the strategy: its place in line, by priority and then by rank.
    pub fn item(&self) -> Item {
        Item::of(self.change.priority.order(), self.rank)
    }

    /// Whether it runs with nobody else.
    pub fn is_solitary(&self) -> bool {
        self.solitary || self.change.company == Company::Alone
    }

    /// Whether the strategist of this track has it.
    pub(super) fn is_on(&self, track: usize) -> bool {
        self.admitted && self.track == track
    }

    /// Whether it may be put into a run.
    pub fn is_ready(&self) -> bool {
        self.standing == Standing::Ready
    }

    /// Waits no longer for one that has its outcome; another of that name would come later.
    pub(super) fn step_back_for(&mut self, id: &EntryId) {
        self.wait_only_for(|other| other != id);
    }

    /// Waits no longer for those that are behind it in line now.
    pub(super) fn step_back_behind(&mut self, places: &HashMap<EntryId, Item>) {
        let own = self.item();
        self.wait_only_for(|other| places.get(other).is_some_and(|place| *place < own));
    }

    fn wait_only_for(&mut self, is_in_the_way: impl Fn(&EntryId) -> bool) {
        if let Standing::Aside { with } = &mut self.standing {
            with.retain(is_in_the_way);
            if with.is_empty() {
                self.standing = Standing::Ready;
            }
        }
    }

    /// Whether others flow past it: it is under repair, or held and in no run.
    pub(super) fn is_passed_by(&self) -> bool {
        self.is_reserved() || (self.hold.is_some() && !self.admitted)
    }

    pub(super) fn wants_to_leave(&self) -> bool {
        matches!(self.standing, Standing::Leaving(_))
    }

    /// Whether somebody repairs it, and its branch is about to move.
    pub fn is_reserved(&self) -> bool {
        matches!(self.standing, Standing::Reserved { .. })
    }

    /// Where it is while no run holds it.
    pub(crate) fn idle_place(&self) -> Place {
        match self.standing {
            Standing::Reserved { until } => Place::Reserved { until },
            Standing::Ready | Standing::Aside { .. } | Standing::Leaving(_) => Place::Waiting,
        }
    }
}
