//! Who waits for whom. Entries whose lanes overlap are on one track, and each track has a strategist of its own: what
//! lands or fails on one track neither stops nor delays what is tested on another.
//!
//! Nothing untested lands for it. What passed on one track before another landed is made anew on the new head, and its
//! checks are asked for again; those that see nothing of the other's lanes are on record, and need not run.

use std::collections::BTreeSet;

use forge::LaneName;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Standing};
use super::order::Gatekeeper;
use super::policy::Policy;
use super::state::Queue;
use crate::strategy::{Act, Board, Fact, Kind, Strategist, TestId};

/// The strategists of a queue, one a track. There is always a first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tracks(Vec<Strategist>);

impl Tracks {
    /// One track with nobody on it.
    pub fn new(kind: Kind, runs_max: usize) -> Self {
        Self(vec![Strategist::new(kind, runs_max)])
    }

    /// The strategist of each track.
    pub fn strategists(&self) -> &[Strategist] {
        &self.0
    }

    /// What each strategist sees.
    pub(super) fn boards(&self) -> impl Iterator<Item = &Board> {
        self.0.iter().map(Strategist::board)
    }

    fn board_of(&self, test: TestId) -> Option<&Board> {
        self.0.get(test.track()).map(Strategist::board)
    }

    /// Whether a verdict on this test, or what it tested, may still be of use.
    pub(super) fn needs(&self, test: TestId) -> bool {
        self.board_of(test).is_some_and(|board| board.needs(test))
    }

    /// Whether its track waits for the landing of what this test tested.
    pub(super) fn is_landing(&self, test: TestId) -> bool {
        self.board_of(test).is_some_and(|board| board.landing() == Some(test))
    }

    /// Whether a verdict is awaited on a track.
    pub(super) fn is_under_test(&self, track: usize) -> bool {
        let board = self.0[track].board();
        board.tests().any(|(test, _)| !board.is_concluded(test))
    }

    /// Takes in what happened on one track.
    pub(super) fn absorb(&mut self, track: usize, fact: &Fact) {
        if let Some(strategist) = self.0.get_mut(track) {
            strategist.absorb(fact);
        }
    }

    /// Takes in that somebody else moved the target.
    pub(super) fn note_moved(&mut self) {
        self.0.iter_mut().for_each(|strategist| strategist.absorb(&Fact::Moved));
    }

    /// Goes by other rules from now on, but not where something lands: that was decided by the rules of before.
    pub(super) fn adopt(&mut self, policy: &Policy, entries: &[Entry]) {
        for (track, strategist) in self.0.iter_mut().enumerate() {
            if strategist.kind() != policy.strategy && strategist.board().landing().is_none() {
                let theirs = entries.iter().filter(|entry| entry.is_on(track)).map(Entry::item);
                strategist.adopt(policy.strategy, strategist.board().slots(), theirs);
            }
        }
    }

    pub(super) fn take_acts(&mut self) -> Vec<Act> {
        self.0.iter_mut().flat_map(Strategist::take_acts).collect()
    }

    /// Asks each strategist what to do now. The slots are shared by how many are on each track; whatever one gives up the
    /// others are asked about again.
    pub(super) fn plan(&mut self, policy: &Policy, entries: &[Entry]) -> Vec<Act> {
        let slots = policy.runs_max.max(1);
        let on_tracks: Vec<usize> =
            (0..self.0.len()).map(|track| entries.iter().filter(|entry| entry.is_on(track)).count()).collect();
        let shares = shares_of(slots, &on_tracks);
        let mut acts = Vec::new();
        loop {
            let n_before = self.n_tests();
            let asked = self.plan_within(slots, &shares);
            let is_over = asked.is_empty() && self.n_tests() == n_before;
            acts.extend(asked);
            if is_over {
                return acts;
            }
        }
    }

    /// Those who test least are asked first.
    fn plan_within(&mut self, slots: usize, shares: &[usize]) -> Vec<Act> {
        let n_tests = |strategist: &Strategist| strategist.board().tests().count();
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        order.sort_by_key(|track| n_tests(&self.0[*track]));
        let mut acts = Vec::new();
        for track in order {
            let n_elsewhere = self.n_tests() - n_tests(&self.0[track]);
            self.0[track].lend(shares[track].min(slots.saturating_sub(n_elsewhere)));
            acts.extend(self.0[track].plan());
        }
        acts
    }

    fn n_tests(&self) -> usize {
        self.boards().map(|board| board.tests().count()).sum()
    }

    fn open(&mut self, track: usize, policy: &Policy) {
        while self.0.len() <= track {
            self.0.push(Strategist::on_track(self.0.len(), policy.strategy));
        }
    }
}

/// Divides slots by how many there are for them, by the highest averages (D'Hondt). Where there is anybody, there is one
/// slot at least, though together they may then be more than there are.
fn shares_of(slots: usize, numbers: &[usize]) -> Vec<usize> {
    let mut shares: Vec<usize> = numbers.iter().map(|n| usize::from(*n > 0)).collect();
    for _ in shares.iter().sum()..slots {
        let average = |track: &usize| std::cmp::Reverse((numbers[*track] * 1_000) / (shares[*track] + 1));
        let Some(most) = (0..shares.len()).min_by_key(average) else { break };
        shares[most] += 1;
    }
    shares
}

/// Hands whoever may be tested to a strategist, by rank. Whoever wants no company is alone on its track, and holds up those
/// behind it whom it would meet there, so that its turn comes.
pub(super) fn admit_entries(queue: &mut Queue) {
    for (index, track) in seats(queue) {
        queue.tracks.open(track, &queue.policy);
        let entry = &mut queue.entries[index];
        (entry.admitted, entry.track, entry.standing) = (true, track, Standing::Ready);
        queue.tracks.absorb(track, &Fact::Arrived(entry.item()));
    }
}

/// Which entry goes onto which track now.
fn seats(queue: &Queue) -> Vec<(usize, usize)> {
    let admissible = admissible(queue);
    if admissible.is_empty() {
        return Vec::new();
    }
    let mut usher = Usher::of(queue);
    admissible.into_iter().filter_map(|index| Some((index, usher.seat(&queue.entries[index])?))).collect()
}

/// The entries that no strategist has and one may have, in their order.
pub(super) fn admissible(queue: &Queue) -> Vec<usize> {
    let may_come =
        |entry: &Entry| matches!(entry.standing, Standing::Ready | Standing::Aside { .. }) && !entry.admitted;
    let mut waiting = queue.entries.iter().enumerate().filter(|(_, entry)| may_come(entry)).peekable();
    if waiting.peek().is_none() {
        return Vec::new();
    }
    let mut gatekeeper = Gatekeeper::of(queue);
    waiting.filter_map(|(index, entry)| gatekeeper.stops(entry).is_none().then_some(index)).collect()
}

/// Finds each entry its track, in their order.
struct Usher<'a> {
    tracks: Vec<Occupancy<'a>>,
    tracks_max: usize,
    waiting: Vec<Waiting<'a>>,
}

/// Who is on a track.
#[derive(Default)]
struct Occupancy<'a> {
    n: usize,
    has_solitary: bool,
    lanes: Lanes<'a>,
}

/// Whoever has found no track. Those behind it whom it meets go where it is going or wait too, so that it finds one.
#[derive(PartialEq)]
struct Waiting<'a> {
    lanes: &'a BTreeSet<LaneName>,
    going: Option<usize>,
}

/// Several sets of lanes together. Who concerns no lane in particular meets everybody.
#[derive(Default)]
struct Lanes<'a> {
    named: BTreeSet<&'a LaneName>,
    are_all: bool,
}

static EVERY_LANE: BTreeSet<LaneName> = BTreeSet::new();

impl<'a> Usher<'a> {
    fn of(queue: &'a Queue) -> Self {
        let mut tracks: Vec<Occupancy> = queue.tracks.0.iter().map(|_| Occupancy::default()).collect();
        for entry in queue.entries.iter().filter(|entry| entry.admitted) {
            tracks[entry.track].take_in(entry);
        }
        Self { tracks, tracks_max: queue.policy.runs_max.clamp(1, TestId::TRACKS_MAX), waiting: Vec::new() }
    }

    /// Its track; none when it has to wait.
    fn seat(&mut self, entry: &'a Entry) -> Option<usize> {
        let lanes = &entry.change.lanes;
        let mut met = (0..self.tracks.len()).filter(|track| self.tracks[*track].lanes.meet(lanes));
        let (first, has_second) = (met.next(), met.next().is_some());
        let before = self.waiting.iter().find(|waiting| waiting.meets(lanes));
        let going = first.or_else(|| before.map_or_else(|| self.any_track(entry), |before| before.going));
        let is_parted = self.waiting.iter().any(|waiting| waiting.meets(lanes) && waiting.going != going);
        if let Some(track) = going.filter(|track| !has_second && !is_parted && self.is_open_to(*track, entry)) {
            self.tracks.resize_with(self.tracks.len().max(track + 1), Occupancy::default);
            self.tracks[track].take_in(entry);
            return Some(track);
        }
        let finds_none = first.is_none() && before.is_none();
        let waiting = Waiting {
            lanes: if finds_none { &EVERY_LANE } else { lanes },
            going: going.filter(|_| !entry.is_solitary()),
        };
        if !self.waiting.contains(&waiting) {
            self.waiting.push(waiting);
        }
        None
    }

    fn is_open_to(&self, track: usize, entry: &Entry) -> bool {
        let there = self.tracks.get(track);
        there.is_none_or(|there| there.n == 0 || !(there.has_solitary || entry.is_solitary()))
    }

    /// A track for one who meets nobody: an empty one, or a new one, or the emptiest.
    fn any_track(&self, entry: &Entry) -> Option<usize> {
        let empty = self.tracks.iter().position(|track| track.n == 0);
        let fresh = (self.tracks.len() < self.tracks_max).then_some(self.tracks.len());
        let open = (0..self.tracks.len()).filter(|track| self.is_open_to(*track, entry));
        empty.or(fresh).or_else(|| open.min_by_key(|track| self.tracks[*track].n))
    }
}

impl<'a> Occupancy<'a> {
    fn take_in(&mut self, entry: &'a Entry) {
        self.n += 1;
        self.has_solitary |= entry.is_solitary();
        self.lanes.are_all |= entry.change.lanes.is_empty();
        self.lanes.named.extend(&entry.change.lanes);
    }
}

impl Lanes<'_> {
    fn meet(&self, lanes: &BTreeSet<LaneName>) -> bool {
        let is_named = |lane: &LaneName| self.named.contains(lane);
        self.are_all || (lanes.is_empty() && !self.named.is_empty()) || lanes.iter().any(is_named)
    }
}

impl Waiting<'_> {
    fn meets(&self, lanes: &BTreeSet<LaneName>) -> bool {
        self.lanes.is_empty() || lanes.is_empty() || !self.lanes.is_disjoint(lanes)
    }
}

/// The law: entries on two tracks have no lane in common.
pub(super) fn meets_across_tracks(queue: &Queue) -> Option<String> {
    let mut admitted = queue.entries.iter().filter(|entry| entry.admitted);
    let first = admitted.next()?.track;
    if admitted.all(|entry| entry.track == first) {
        return None;
    }
    let tracks = Usher::of(queue).tracks;
    let n_met = |entry: &&Entry| tracks.iter().filter(|track| track.lanes.meet(&entry.change.lanes)).count();
    let meeting = queue.entries.iter().filter(|entry| entry.admitted).find(|entry| n_met(entry) > 1);
    meeting.map(|entry| format!("{} has lanes in common with another track", entry.change.id))
}
