//! The merge queue of one target branch as a value: who is in line, which runs are under way, what landed lately.

use std::collections::VecDeque;
use std::fmt;

use domain::{BranchName, EntryId, Person, QueueId, RepoName, Sha, Timestamp};
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::opening::Closing;
use super::order::Freeze;
use super::outcome::{Outcome, Proof, Why};
use super::policy::Policy;
use super::probing::Probing;
use super::soundness::Finding;
use super::tracks::Tracks;
use super::view::Place;
use super::watch::Watch;
use crate::strategy::{Item, TestId};

/// The merge queue of one target branch. One machine, so that its version serialises all decisions about the branch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Queue {
    /// `repo:target`.
    pub id: QueueId,
    /// The repository.
    pub repo: RepoName,
    /// The branch that only tested commits reach.
    pub target: BranchName,
    /// The rules in force.
    pub policy: Policy,
    /// Why nothing new starts, if so.
    pub pause: Option<Pause>,
    /// What keeps all but the urgent out, if so.
    #[serde(default)]
    pub freeze: Option<Freeze>,
    /// The last known head of the target; none until the first staging or the reconciler has looked.
    pub head: Option<Sha>,
    /// Everyone without an outcome, by priority and rank.
    pub entries: Vec<Entry>,
    /// What decides who is tested with whom; it knows entries by their ranks.
    pub tracks: Tracks,
    /// The runs under way, and those that passed and may land later. An entry may be in several.
    pub runs: Vec<Run>,
    /// What red runs said of those who have no outcome yet: their reason, should they be ejected.
    pub faults: Vec<Fault>,
    /// What landed lately, oldest first; tells a conflicted entry with whom.
    pub landed: VecDeque<LandedEntry>,
    /// Where the target was after landings that nobody has looked at since, oldest first; as many as of `landed`.
    #[serde(default)]
    pub unaudited: VecDeque<Sha>,
    /// Who does not go together, as far as somebody found out.
    #[serde(default)]
    pub probing: Probing,
    /// How long runs take, and when it is looked next whether one takes too long.
    #[serde(default)]
    pub watch: Watch,
    /// Which window of `policy.closed` is on.
    #[serde(default)]
    pub closing: Closing,
    /// The rank of the next entry.
    pub next_rank: u64,
    /// The number of the next run.
    pub next_run: u64,
    /// Who moved in the last step: what its projection has to write. Not part of the body.
    #[serde(skip)]
    pub(crate) moved: Vec<Record>,
}

/// Who keeps a queue from starting anything new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// A person.
    By(Person),
    /// The queue itself, because going on would harm entries that did nothing wrong.
    Stalled {
        /// What failed.
        why: String,
    },
    /// The queue itself, because a landing was not what it had to be.
    Unsound {
        /// What the audit found.
        finding: Box<Finding>,
    },
}

/// The name of a run within its queue. It is also what makes an answer late: whatever makes an answer worthless takes
/// the run away or gives it a new id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// What a red run says of its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Who was in the run and has not landed since. The fewer, the more it says.
    pub members: Vec<EntryId>,
    /// Those of them of whom nothing better can be known; never empty.
    pub set: Vec<EntryId>,
    /// What went wrong.
    pub why: Why,
}

/// Some entries on a base, on their way to the target together: what a test of the strategy is in the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The test that it is for.
    pub test: TestId,
    /// Who has not landed yet, in the order in which they would land; never empty.
    pub set: Vec<EntryId>,
    /// When it reached its phase.
    pub since: Timestamp,
    /// How often in a row its commits were made and were gone when they were needed.
    #[serde(default)]
    pub n_lost: u32,
    /// How far it is.
    pub phase: Phase,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The commits that would land are being made, on the target's head.
    Staging {
        /// Whether no answer will count any more, so that it is staged anew as soon as that makes sense.
        is_outdated: bool,
        /// The tree that passed with these entries on another base. If staging gives the same tree, it need not be tested.
        vouched: Option<Vouched>,
    },
    /// Checks run on the last of those commits.
    Testing {
        /// The commits.
        candidate: Candidate,
        /// What earlier attempts on the same commit gave.
        tries: Tries,
    },
    /// May land.
    Passed {
        /// The commits.
        candidate: Candidate,
        /// What vouches for them.
        proof: Proof,
    },
    /// The target is being moved. Nothing may stop it; its result prevails.
    Landing {
        /// The commits.
        candidate: Candidate,
        /// What vouches for them.
        proof: Proof,
    },
    /// The landing never answered: it may have happened. Nothing is decided until it is asked again.
    Doubtful {
        /// The commits.
        candidate: Candidate,
        /// What vouches for them.
        proof: Proof,
    },
}

/// A tree that passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// The tree.
    pub tree: Sha,
    /// What vouches for it.
    pub proof: Proof,
}

/// The commits that a run would put on the target, one an entry, each on the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The target's commit below the first.
    pub base: Sha,
    /// The tree of the last: what is tested, and byte for byte what lands.
    pub tree: Sha,
    /// The commits, in order; never empty.
    pub parts: Vec<Part>,
}

/// One entry's commit in a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The entry.
    pub entry: EntryId,
    /// Its commit on the parts before it.
    pub commit: Sha,
    /// The paths it changes.
    pub paths: Vec<String>,
}

/// How often the checks of one candidate gave no verdict to act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// They were red.
    pub red: u32,
    /// They were cancelled or never started.
    pub unconcluded: u32,
}

/// An entry that landed lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedEntry {
    /// Its id.
    pub entry: EntryId,
    /// Its commit on the target.
    pub commit: Sha,
    /// The paths it changed, at most `Limits::paths_max`.
    pub paths: Vec<String>,
}

/// An entry that moved in a step, as its projection is written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) entry: Entry,
    pub(crate) now: Whereabouts,
}

/// Where an entry of a projection is.
#[derive(Clone, Debug)]
pub(crate) enum Whereabouts {
    In(Place),
    Out(Outcome),
}

impl Queue {
    /// An empty queue that has not yet looked at its target.
    pub fn new(repo: RepoName, target: BranchName, policy: Policy) -> Self {
        let tracks = Tracks::new(policy.strategy, policy.runs_max);
        Self {
            id: queue_id(&repo, &target),
            repo,
            target,
            policy,
            pause: None,
            freeze: None,
            head: None,
            entries: Vec::new(),
            tracks,
            runs: Vec::new(),
            faults: Vec::new(),
            landed: VecDeque::new(),
            unaudited: VecDeque::new(),
            probing: Probing::default(),
            watch: Watch::default(),
            closing: Closing::default(),
            next_rank: 1,
            next_run: 1,
            moved: Vec::new(),
        }
    }

    /// The entry of this id, if it has no outcome yet.
    pub fn entry(&self, id: &EntryId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.change.id == *id)
    }

    /// The entry that the strategy means.
    pub(super) fn id_of(&self, item: Item) -> Option<EntryId> {
        let index = self.entries.binary_search_by_key(&item, Entry::item).ok()?;
        Some(self.entries[index].change.id.clone())
    }

    /// What is said of an entry that a red run had; the run of the fewest who have not landed says most, and of as many the
    /// last.
    pub(super) fn fault_of(&self, id: &EntryId) -> Option<&Fault> {
        let theirs = self.faults.iter().rev().filter(|fault| fault.set.contains(id));
        theirs.min_by_key(|fault| fault.members.len())
    }

    /// Of who landed was no fault: the others were red alone.
    pub(super) fn acquit(&mut self, landed: &EntryId) {
        self.faults.iter_mut().for_each(|fault| fault.members.retain(|member| member != landed));
    }

    pub(super) fn forget_faults_of(&mut self, id: &EntryId) {
        self.faults.iter_mut().for_each(|fault| fault.set.retain(|member| member != id));
        self.faults.retain(|fault| !fault.set.is_empty());
    }

    /// The runs that hold the entry.
    pub fn runs_of(&self, id: &EntryId) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.set.contains(id))
    }

    /// The run whose landing only its own answer can end.
    pub fn committed_run(&self) -> Option<&Run> {
        self.runs.iter().find(|run| run.is_committed())
    }

    /// Whether the entry is on its way to the target, and nothing can call it back.
    pub fn is_committed(&self, id: &EntryId) -> bool {
        self.committed_run().is_some_and(|run| run.set.contains(id))
    }
}

/// The id of the queue of a repository's target branch.
pub fn queue_id(repo: &RepoName, target: &BranchName) -> QueueId {
    QueueId::new(format!("{repo}:{target}"))
}

/// The repository of a queue; none when the text is no queue's id.
pub fn repo_of(id: &QueueId) -> Option<RepoName> {
    id.as_str().split_once(':').and_then(|(repo, _)| repo.parse().ok())
}

impl Run {
    /// The commits, once staged.
    pub fn candidate(&self) -> Option<&Candidate> {
        match &self.phase {
            Phase::Staging { .. } => None,
            Phase::Testing { candidate, .. }
            | Phase::Passed { candidate, .. }
            | Phase::Landing { candidate, .. }
            | Phase::Doubtful { candidate, .. } => Some(candidate),
        }
    }

    pub(super) fn candidate_mut(&mut self) -> Option<&mut Candidate> {
        match &mut self.phase {
            Phase::Staging { .. } => None,
            Phase::Testing { candidate, .. }
            | Phase::Passed { candidate, .. }
            | Phase::Landing { candidate, .. }
            | Phase::Doubtful { candidate, .. } => Some(candidate),
        }
    }

    /// Whether its landing is out of our hands: only the landing's own answer decides.
    pub fn is_committed(&self) -> bool {
        self.phase.is_committed()
    }
}

impl Phase {
    pub(super) fn is_committed(&self) -> bool {
        matches!(self, Self::Landing { .. } | Self::Doubtful { .. })
    }
}

impl Candidate {
    /// The commit that is tested and becomes the target's head.
    pub fn commit(&self) -> &Sha {
        &self.parts.last().expect("a candidate is only made of a run's set, which is never empty").commit
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{}", self.0)
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(person) => write!(f, "paused by {person}"),
            Self::Stalled { why } => write!(f, "stopped: {why}"),
            Self::Unsound { finding } => write!(f, "stopped: {finding}; say `restore` to put it right"),
        }
    }
}
