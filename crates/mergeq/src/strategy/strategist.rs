//! A strategy with its board and its memory: the one door through which facts go in and acts come out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::board::{Act, Board, Concluded, Item, TestId};
use super::hybrid::Hybrid;
use super::line::Batch;
use super::nest::{Manner, Nest};
use super::train::Train;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// An item joined the line.
    Arrived(Item),
    /// An item was taken away: withdrawn, moved, or reserved for repair.
    Left(Item),
    /// A test's commits were made just now, on all that has landed by now.
    Begun(TestId),
    /// All checks of a test passed.
    Green(TestId),
    /// A check of a test failed.
    Red(TestId),
    /// What was to land has landed.
    Landed(TestId),
    /// What was to land has not landed: it is in line again.
    Refused(TestId),
    /// Somebody else moved the target.
    Moved,
}

/// Which strategy, and its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Kind {
    /// One item at a time, as rust-lang's bors does it.
    Serial,
    /// Up to `batch_max` items at a time; a red batch is bisected, as bors-ng does it.
    Batch {
        /// The most items of one test; 0 counts as 1.
        batch_max: usize,
        /// Whether the second half of a red batch is halved untested once the first has landed: the fault is in it.
        /// bors-ng tests it whole.
        infers: bool,
    },
    /// Each item is tested on those before it.
    Train(TrainSettings),
    /// Groups are tested independently, one test confirms their union, and idle slots gamble.
    Hybrid {
        /// The most items of one group; 0 counts as 1.
        group_max: usize,
        /// How often an item must be red alone before it is ejected; 2 where checks are flaky.
        reds_needed: u32,
    },
    /// Every test is of what has landed, jointly green groups, and one part more.
    Nest,
    /// The same, and where there are slots enough, tests stand on what is under way.
    Adaptive,
}

/// The settings of a train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainSettings {
    /// How many items are tested at once, to begin with.
    pub window: usize,
    /// Whether the window grows by one with each landing and is halved by each ejection, as Zuul's does (never below 3).
    pub is_adaptive: bool,
    /// What a red item means for those behind it.
    pub behind_red: BehindRed,
    /// How many items behind a red head may still vouch for it; none: a green item lands when it is the head.
    pub vouching: Option<usize>,
}

/// What a red item means for those behind it in a train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BehindRed {
    /// They are tested anew on the nearest item that is not red, at once (Zuul).
    Restart,
    /// They go on until the red item is the head (GitHub's merge queue).
    Wait,
}

/// A strategy at work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Strategist {
    kind: Kind,
    board: Board,
    memory: Memory,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Memory {
    Line(Batch),
    Train(Train),
    Hybrid(Hybrid),
    Nest(Box<Nest>),
}

/// What each strategy is made of.
pub(crate) trait Strategy {
    /// An item joined the line.
    fn arrive(&mut self, item: Item);
    /// An item must be forgotten; tests that held it were stopped, and what else they held is given to `arrive` anew.
    fn forget(&mut self, item: Item, board: &mut Board);
    /// Learns from a verdict; may land or eject.
    fn judge(&mut self, verdict: Concluded, board: &mut Board);
    /// What `judge` wanted to land has landed.
    fn note_landed(&mut self, items: &[Item], board: &mut Board);
    /// What `judge` wanted to land has not landed.
    fn note_refused(&mut self, items: &[Item], board: &mut Board);
    /// Uses the free slots.
    fn fill(&mut self, board: &mut Board);
}

impl Strategist {
    /// A strategy with an empty line and `slots` tests at once.
    pub fn new(kind: Kind, slots: usize) -> Self {
        Self { kind, board: Board::new(slots), memory: Memory::of(kind) }
    }

    /// A strategy with an empty line on one of several tracks, which has no slots yet.
    pub(crate) fn on_track(track: usize, kind: Kind) -> Self {
        Self { kind, board: Board::on_track(track, 0), memory: Memory::of(kind) }
    }

    /// Has so many slots from now on; tests under way go on.
    pub(crate) fn lend(&mut self, slots: usize) {
        self.board.set_slots(slots);
    }

    /// Goes by other rules from now on. Tests under way go on, unless it is another strategy altogether: then they are
    /// stopped, and `everybody` without an outcome is in line anew. Not while something lands.
    pub fn adopt(&mut self, kind: Kind, slots: usize, everybody: impl IntoIterator<Item = Item>) {
        debug_assert!(!self.board.is_landing(), "what lands was decided by the rules of before");
        self.board.set_slots(slots.max(1));
        if !self.memory.adjust(kind) {
            self.board.clear();
            self.memory = Memory::of(kind);
            everybody.into_iter().for_each(|item| self.memory.strategy().arrive(item));
        }
        self.kind = kind;
    }

    /// The strategy in force.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Why it tests as it does, as one line for people; none where that was chosen once and follows nothing.
    pub fn reason(&self) -> Option<String> {
        match &self.memory {
            Memory::Nest(nest) => Some(nest.reason(&self.board)),
            Memory::Line(_) | Memory::Train(_) | Memory::Hybrid(_) => None,
        }
    }

    /// The queue as the strategy sees it.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Takes in what happened. Late facts change nothing.
    pub fn absorb(&mut self, fact: &Fact) {
        absorb(self.memory.strategy(), &mut self.board, fact);
    }

    /// What was decided already: to stop tests that nobody needs any more.
    pub fn take_acts(&mut self) -> Vec<Act> {
        self.board.take_acts()
    }

    /// Says what to do now. Asked twice it wants nothing new.
    pub fn plan(&mut self) -> Vec<Act> {
        plan(self.memory.strategy(), &mut self.board)
    }
}

/// Takes in what happened: the board knows it first, and the strategy what follows from it.
pub(crate) fn absorb(strategy: &mut dyn Strategy, board: &mut Board, fact: &Fact) {
    match fact {
        Fact::Arrived(item) => strategy.arrive(*item),
        Fact::Left(item) => {
            strategy.forget(*item, board);
            board.forget(*item);
        }
        Fact::Begun(test) => board.note_begun(*test),
        Fact::Green(test) => board.conclude(*test, true),
        Fact::Red(test) => board.conclude(*test, false),
        Fact::Landed(test) => {
            if let Some(items) = board.note_landed(*test) {
                strategy.note_landed(&items, board);
            }
        }
        Fact::Refused(test) => {
            if let Some(items) = board.note_refused(*test) {
                strategy.note_refused(&items, board);
            }
        }
        Fact::Moved => board.note_moved(),
    }
}

/// Judges verdicts until something lands; then, if nothing does, uses the free slots.
pub(crate) fn plan(strategy: &mut dyn Strategy, board: &mut Board) -> Vec<Act> {
    while !board.is_landing() {
        match board.next_verdict() {
            Some(verdict) => strategy.judge(verdict, board),
            None => {
                strategy.fill(board);
                break;
            }
        }
    }
    board.take_acts()
}

impl Memory {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Serial => Self::Line(Batch::new(1, false)),
            Kind::Batch { batch_max, infers } => Self::Line(Batch::new(batch_max, infers)),
            Kind::Train(settings) => Self::Train(Train::new(settings)),
            Kind::Hybrid { group_max, reds_needed } => Self::Hybrid(Hybrid::new(group_max, reds_needed)),
            Kind::Nest => Self::Nest(Box::new(Nest::new(Manner::Apart))),
            Kind::Adaptive => Self::Nest(Box::new(Nest::new(Manner::Chained))),
        }
    }

    /// Takes other settings; false when this is another strategy.
    fn adjust(&mut self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Line(batch), Kind::Serial) => batch.adjust(1, false),
            (Self::Line(batch), Kind::Batch { batch_max, infers }) => batch.adjust(batch_max, infers),
            (Self::Train(train), Kind::Train(settings)) => train.adjust(settings),
            (Self::Hybrid(hybrid), Kind::Hybrid { group_max, reds_needed }) => hybrid.adjust(group_max, reds_needed),
            (Self::Nest(nest), Kind::Nest) => nest.adjust(Manner::Apart),
            (Self::Nest(nest), Kind::Adaptive) => nest.adjust(Manner::Chained),
            (Self::Line(_) | Self::Train(_) | Self::Hybrid(_) | Self::Nest(_), _) => return false,
        }
        true
    }

    fn strategy(&mut self) -> &mut dyn Strategy {
        match self {
            Self::Line(batch) => batch,
            Self::Train(train) => train,
            Self::Hybrid(hybrid) => hybrid,
            Self::Nest(nest) => &mut **nest,
        }
    }
}

/// The first items, at most `n`: none of those that the first is more urgent than, whose faults would keep it waiting.
pub(super) fn first_alike_of(items: &BTreeSet<Item>, n: usize) -> BTreeSet<Item> {
    let first = items.first().copied();
    let is_alike = |item: &Item| first.is_some_and(|first| !first.is_more_urgent_than(*item));
    items.iter().copied().take_while(is_alike).take(n).collect()
}

/// Whether the first of those who wait is more urgent than those who are searched.
pub(super) fn overtakes(waiting: &BTreeSet<Item>, searched: &BTreeSet<Item>) -> bool {
    waiting.first().zip(searched.first()).is_some_and(|(waiting, searched)| waiting.is_more_urgent_than(*searched))
}

/// The first `n` items.
pub(crate) fn first_of(items: &BTreeSet<Item>, n: usize) -> BTreeSet<Item> {
    items.iter().copied().take(n).collect()
}
