//! What a strategy sees of its queue, and what it says: the line, the tests under way, and the acts.
//!
//! A test is of a *content*: what has landed, and some items more. The board knows which tests are still *current*,
//! that is, test everything that has landed by now; only those may land.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

/// A change without an outcome, by its place in line: lower is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Item(pub u64);

impl Item {
    /// More ranks than a queue gives in a thousand years.
    const RANK_BITS: u32 = 56;

    /// Of those of a class the one of this rank; a lower class comes before all of the next.
    pub fn of(class: u64, rank: u64) -> Self {
        Self(class << Self::RANK_BITS | rank)
    }

    fn class(self) -> u64 {
        self.0 >> Self::RANK_BITS
    }

    /// Whether it comes before another wherever that has got to, and not just before it in line.
    pub(crate) fn is_more_urgent_than(self, other: Self) -> bool {
        self.class() < other.class()
    }
}

/// The name of a test, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestId(pub u64);

impl TestId {
    /// More tests than a track begins in a thousand years.
    const NUMBER_BITS: u32 = 48;
    /// The most tracks.
    pub(crate) const TRACKS_MAX: usize = 1 << 10;

    fn first_on(track: usize) -> Self {
        Self(((track as u64) << Self::NUMBER_BITS) + 1)
    }

    /// The track of the strategist that begins it.
    pub(crate) fn track(self) -> usize {
        (self.0 >> Self::NUMBER_BITS) as usize
    }
}

/// A test under way, or concluded and not yet judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// What it tests beyond what had landed, in order; what lands meanwhile leaves it.
    pub items: BTreeSet<Item>,
    /// How many items had landed when it began.
    pub landed_before: u64,
    /// Whether it tests everything that has landed.
    pub is_current: bool,
    /// Whether it only uses a slot that nobody needs.
    pub is_spare: bool,
}

/// What a strategy wants done. Acts are carried out in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Test what has landed together with these.
    Start {
        /// Its name.
        test: TestId,
        /// What, in order.
        items: Vec<Item>,
    },
    /// Stop a test; nobody wants its verdict.
    Cancel {
        /// Which.
        test: TestId,
    },
    /// Land what a green, current test tested. Nothing is decided until this has come to its end.
    Land {
        /// The test.
        test: TestId,
        /// What it lands, in order.
        items: Vec<Item>,
    },
    /// Give an item back to its author.
    Eject {
        /// Which.
        item: Item,
        /// How probable it is that the item is at fault.
        guilt: f64,
    },
}

/// The verdict on a test that has left the board.
#[derive(Clone, Debug)]
pub struct Concluded {
    /// Its name.
    pub id: TestId,
    /// What it was.
    pub test: Test,
    /// Whether all checks passed.
    pub is_green: bool,
}

/// The queue as a strategy sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Board {
    slots: usize,
    tests: BTreeMap<TestId, Test>,
    verdicts: VecDeque<(TestId, bool)>,
    /// Green tests that may land later.
    proofs: BTreeMap<TestId, Test>,
    /// What was gambled on since something landed last: the same again would tell nothing new.
    #[serde(default)]
    gambled: BTreeSet<BTreeSet<Item>>,
    landing: Option<(TestId, Vec<Item>)>,
    landed: u64,
    ejected: u64,
    next_test: u64,
    #[serde(skip)]
    acts: Vec<Act>,
}

impl Board {
    /// Nobody in line, nothing under way; at most `slots` tests at once, at least one.
    pub fn new(slots: usize) -> Self {
        Self::on_track(0, slots.max(1))
    }

    /// The same on one of several tracks.
    pub(crate) fn on_track(track: usize, slots: usize) -> Self {
        Self {
            slots,
            tests: BTreeMap::new(),
            verdicts: VecDeque::new(),
            proofs: BTreeMap::new(),
            gambled: BTreeSet::new(),
            landing: None,
            landed: 0,
            ejected: 0,
            next_test: TestId::first_on(track).0,
            acts: Vec::new(),
        }
    }

    /// How many tests there may be at once; none while other tracks have them all.
    pub fn slots(&self) -> usize {
        self.slots
    }

    pub(crate) fn set_slots(&mut self, slots: usize) {
        self.slots = slots;
    }

    /// How many more tests may begin now.
    pub fn free(&self) -> usize {
        self.slots.saturating_sub(self.tests.len())
    }

    /// Whether no test may begin now, and one could if `n_spare` of them were stopped.
    pub(crate) fn lacks(&self, n_spare: usize) -> bool {
        self.free() == 0 && self.tests.len() - n_spare < self.slots
    }

    /// How many items have landed so far.
    pub fn landed(&self) -> u64 {
        self.landed
    }

    /// How many items were given back so far.
    pub fn ejected(&self) -> u64 {
        self.ejected
    }

    /// The tests under way, oldest first.
    pub fn tests(&self) -> impl Iterator<Item = (TestId, &Test)> {
        self.tests.iter().map(|(id, test)| (*id, test))
    }

    /// A test under way.
    pub fn test(&self, id: TestId) -> Option<&Test> {
        self.tests.get(&id)
    }

    /// Whether a test of what has landed by now and these is under way.
    pub(crate) fn is_testing(&self, items: &BTreeSet<Item>) -> bool {
        self.tests.values().any(|test| test.is_current && test.items == *items)
    }

    /// Whether a test of what has landed by now and these would tell something that no other one tells.
    pub(crate) fn may_gamble(&self, items: &BTreeSet<Item>) -> bool {
        !items.is_empty() && !self.is_testing(items) && !self.gambled.contains(items)
    }

    /// Begins a test of what has landed and these.
    pub(crate) fn start(&mut self, items: BTreeSet<Item>) -> TestId {
        self.begin(items, Purpose::Needed)
    }

    /// Begins a test that gives its slot up as soon as another wants it.
    pub(crate) fn start_spare(&mut self, items: BTreeSet<Item>) -> TestId {
        self.gambled.insert(items.clone());
        self.begin(items, Purpose::Spare)
    }

    fn begin(&mut self, items: BTreeSet<Item>, purpose: Purpose) -> TestId {
        let test = TestId(self.next_test);
        self.next_test += 1;
        self.acts.push(Act::Start { test, items: items.iter().copied().collect() });
        let is_spare = purpose == Purpose::Spare;
        self.tests.insert(test, Test { items, landed_before: self.landed, is_current: true, is_spare });
        test
    }

    /// A test of what has landed by now and these that only used a slot nobody needed; it is needed from now on.
    pub(crate) fn take_over_spare(&mut self, items: &BTreeSet<Item>) -> Option<TestId> {
        let is_same = |test: &Test| test.is_spare && test.is_current && test.items == *items;
        let (id, test) = self.tests.iter_mut().find(|(_, test)| is_same(test))?;
        test.is_spare = false;
        Some(*id)
    }

    /// Stops a test under way.
    pub(crate) fn cancel(&mut self, id: TestId) {
        if self.tests.remove(&id).is_some() {
            self.verdicts.retain(|(concluded, _)| *concluded != id);
            self.acts.push(Act::Cancel { test: id });
        }
    }

    /// Stops every test of an item, and gives back what they tested.
    pub(crate) fn cancel_all_with(&mut self, item: Item) -> Vec<BTreeSet<Item>> {
        let with = self.tests.iter().filter(|(_, test)| test.items.contains(&item));
        let with: Vec<_> = with.map(|(id, test)| (*id, test.items.clone())).collect();
        with.iter().for_each(|(id, _)| self.cancel(*id));
        with.into_iter().map(|(_, items)| items).collect()
    }

    /// Nothing that holds this item is of use any more.
    pub(crate) fn forget(&mut self, item: Item) {
        self.cancel_all_with(item);
        self.proofs.retain(|_, proof| !proof.items.contains(&item));
    }

    /// Keeps a green verdict, to land it later.
    pub(crate) fn keep(&mut self, verdict: Concluded) {
        debug_assert!(verdict.is_green, "only a green test is a proof");
        self.proofs.insert(verdict.id, verdict.test);
    }

    /// A green test that was kept.
    pub(crate) fn proof(&self, id: TestId) -> Option<&Test> {
        self.proofs.get(&id)
    }

    /// Gives up a green test that was kept.
    pub(crate) fn forget_proof(&mut self, id: TestId) {
        self.proofs.remove(&id);
    }

    /// Lands what a concluded test tested.
    pub(crate) fn land(&mut self, verdict: Concluded) {
        debug_assert!(verdict.is_green && verdict.test.is_current, "only a green, current test may land");
        let items: Vec<Item> = verdict.test.items.into_iter().collect();
        self.landing = Some((verdict.id, items.clone()));
        self.acts.push(Act::Land { test: verdict.id, items });
    }

    /// Lands what a kept proof tested.
    pub(crate) fn land_proof(&mut self, id: TestId) {
        if let Some(test) = self.proofs.remove(&id) {
            self.land(Concluded { id, test, is_green: true });
        }
    }

    /// Gives an item back; tests that hold it must be stopped in the same plan, since it could still turn out to be good.
    pub(crate) fn eject(&mut self, item: Item, guilt: f64) {
        self.ejected += 1;
        self.acts.push(Act::Eject { item, guilt });
    }

    /// The test whose items are being landed.
    pub fn landing(&self) -> Option<TestId> {
        self.landing.as_ref().map(|(test, _)| *test)
    }

    /// Whether a verdict on this test is known and only waits to be judged.
    pub fn is_concluded(&self, id: TestId) -> bool {
        self.verdicts.iter().any(|(concluded, _)| *concluded == id)
    }

    /// Whether a verdict on this test, or what it tested, may still be of use.
    pub fn needs(&self, id: TestId) -> bool {
        self.tests.contains_key(&id) || self.proofs.contains_key(&id) || self.landing() == Some(id)
    }

    pub(crate) fn is_landing(&self) -> bool {
        self.landing.is_some()
    }

    pub(crate) fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// Notes a verdict; late when the test is gone.
    pub(crate) fn conclude(&mut self, id: TestId, is_green: bool) {
        if self.tests.contains_key(&id) {
            self.verdicts.push_back((id, is_green));
        }
    }

    /// The oldest verdict that nobody has judged.
    pub(crate) fn next_verdict(&mut self) -> Option<Concluded> {
        let (id, is_green) = self.verdicts.pop_front()?;
        let test = self.tests.remove(&id)?;
        Some(Concluded { id, test, is_green })
    }

    /// A test really begins: it is of all that has landed by now.
    pub(crate) fn note_begun(&mut self, id: TestId) {
        if let Some(test) = self.tests.get_mut(&id) {
            (test.is_current, test.landed_before) = (true, self.landed);
        }
    }

    /// Stops every test and gives up every proof.
    pub(crate) fn clear(&mut self) {
        let all: Vec<TestId> = self.tests.keys().copied().collect();
        all.into_iter().for_each(|id| self.cancel(id));
        self.proofs.clear();
    }

    /// What was to land has landed: whoever does not test it all is no longer current. None when this is late.
    pub(crate) fn note_landed(&mut self, id: TestId) -> Option<Vec<Item>> {
        let (_, items) = self.landing.take_if(|(landing, _)| *landing == id)?;
        self.landed += items.len() as u64;
        self.gambled.clear();
        for test in self.tests.values_mut().chain(self.proofs.values_mut()) {
            test.is_current &= items.iter().all(|item| test.items.contains(item));
            test.items.retain(|item| !items.contains(item));
        }
        Some(items)
    }

    /// The landing did not happen. None when this is late.
    pub(crate) fn note_refused(&mut self, id: TestId) -> Option<Vec<Item>> {
        self.landing.take_if(|(landing, _)| *landing == id).map(|(_, items)| items)
    }

    /// Somebody else moved the target: nothing under way may land any more.
    pub(crate) fn note_moved(&mut self) {
        self.gambled.clear();
        let known = self.tests.values_mut().chain(self.proofs.values_mut());
        known.for_each(|test| test.is_current = false);
    }
}

#[derive(PartialEq)]
enum Purpose {
    Needed,
    Spare,
}
