//! The merge queue of one target branch as a value: who is in line, which runs are under way, what landed lately.

use std::collections::VecDeque;
use std::fmt;

use domain::{BranchName, EntryId, Person, QueueId, RepoName, Sha, Timestamp};
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::outcome::{Outcome, Proof};
use super::policy::Policy;
use super::view::Place;

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
    /// The last known head of the target; none until the first staging or the reconciler has looked.
    pub head: Option<Sha>,
    /// Everyone without an outcome, by rank.
    pub entries: Vec<Entry>,
    /// Parts of red runs, tested before the line.
    pub retry: VecDeque<Group>,
    /// The runs under way, oldest first.
    pub runs: Vec<Run>,
    /// What landed lately, oldest first; tells a conflicted entry with whom.
    pub landed: VecDeque<LandedEntry>,
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
}

/// Entries to be tested together before the line goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Who, in order; never empty.
    pub set: Vec<EntryId>,
    /// What is known.
    pub suspicion: Suspicion,
}

/// What is known of a part of a red run. It only guides the search: an entry is ejected for its own red run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspicion {
    /// Nothing.
    Open,
    /// If the part before it lands, the fault is in this one, and testing it whole would teach nothing.
    GuiltyIfFirstLands,
}

/// The name of a run within its queue. It is also what makes an answer late: whatever makes an answer worthless takes
/// the run away or gives it a new id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// Some entries on a base, on their way to the target together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Who, in the order in which they would land; never empty.
    pub set: Vec<EntryId>,
    /// Where the set came from, which is where it goes back to.
    pub source: Source,
    /// When it reached its phase.
    pub since: Timestamp,
    /// How far it is.
    pub phase: Phase,
}

/// Where a run's set came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The line.
    Line,
    /// A part of a red run.
    Retry,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The commits that would land are being made, on the target's head.
    Staging {
        /// The head that the queue knew when staging began.
        seen: Option<Sha>,
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
        Self {
            id: queue_id(&repo, &target),
            repo,
            target,
            policy,
            pause: None,
            head: None,
            entries: Vec::new(),
            retry: VecDeque::new(),
            runs: Vec::new(),
            landed: VecDeque::new(),
            next_rank: 1,
            next_run: 1,
            moved: Vec::new(),
        }
    }

    /// The entry of this id, if it has no outcome yet.
    pub fn entry(&self, id: &EntryId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.change.id == *id)
    }

    /// The run that holds the entry.
    pub fn run_of(&self, id: &EntryId) -> Option<&Run> {
        self.runs.iter().find(|run| run.set.contains(id))
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

    /// The target's head that this run was made for.
    pub fn base(&self) -> Option<&Sha> {
        match &self.phase {
            Phase::Staging { seen } => seen.as_ref(),
            Phase::Testing { candidate, .. }
            | Phase::Passed { candidate, .. }
            | Phase::Landing { candidate, .. }
            | Phase::Doubtful { candidate, .. } => Some(&candidate.base),
        }
    }

    /// Whether its landing is out of our hands: only the landing's own answer decides.
    pub fn is_committed(&self) -> bool {
        matches!(self.phase, Phase::Landing { .. } | Phase::Doubtful { .. })
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
        }
    }
}
