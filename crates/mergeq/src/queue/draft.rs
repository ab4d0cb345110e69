//! The next state while a step writes it: the few moves from which `absorb`, `runs` and `plan` are made.

use domain::{EntryId, Rejected, Timestamp};

use super::effect::{News, QueueEffect, Wanted};
use super::entry::{Entry, Leave, Standing};
use super::outcome::{Outcome, Why};
use super::state::{Pause, Phase, Queue, Record, Run, RunId, Vouched, Whereabouts};
use super::tracks::Tracks;
use super::view::{Place, Progress, numbered_places};
use crate::strategy::{Fact, TestId};

/// The next state and what it owes so far.
pub(super) struct Draft {
    pub(super) queue: Queue,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<QueueEffect>,
    ended: Vec<(Entry, Outcome)>,
    /// By rank: who was where, at which position.
    placed_before: Vec<(u64, (usize, Place))>,
}

impl Draft {
    pub(super) fn of(queue: Queue, now: Timestamp) -> Self {
        let ranks = queue.entries.iter().map(|entry| entry.rank);
        let mut placed_before: Vec<_> = ranks.zip(numbered_places(&queue)).collect();
        placed_before.sort_unstable_by_key(|(rank, _)| *rank);
        Self { queue, now, effects: Vec::new(), ended: Vec::new(), placed_before }
    }

    pub(super) fn owe(&mut self, effect: QueueEffect) {
        self.effects.push(effect);
    }

    pub(super) fn report(&mut self, entry: &EntryId, news: News) {
        self.owe(QueueEffect::Report { entry: entry.clone(), news });
    }

    /// Tells an entry at the end of the step where it is, though it has not moved: what it was told last is over. Not one
    /// that is told something else in this step.
    pub(super) fn tell_anew(&mut self, id: &EntryId) {
        let is_its = |effect: &QueueEffect| matches!(effect, QueueEffect::Report { entry, .. } if entry == id);
        if let (Some(entry), false) = (self.queue.entry(id), self.effects.iter().any(is_its)) {
            let rank = entry.rank;
            self.placed_before.retain(|(known, _)| *known != rank);
        }
    }

    pub(super) fn tell_strategist(&mut self, of: TestId, fact: fn(TestId) -> Fact) {
        self.queue.tracks.absorb(of.track(), &fact(of));
    }

    /// The entry that a person named.
    pub(super) fn named_entry(&self, id: &EntryId) -> Result<&Entry, Rejected> {
        let missing =
            || Rejected::new(format!("{id} is not in the queue of {}", self.queue.id), "Say `queue` to see who is");
        self.queue.entry(id).ok_or_else(missing)
    }

    pub(super) fn entry_mut(&mut self, id: &EntryId) -> Option<&mut Entry> {
        self.queue.entries.iter_mut().find(|entry| entry.change.id == *id)
    }

    /// Takes an entry from the strategy, which stops the tests that it is in.
    pub(super) fn release_entry(&mut self, id: &EntryId) {
        let admitted = self.entry_mut(id).filter(|entry| entry.admitted);
        let Some(entry) = admitted else { return };
        entry.admitted = false;
        let (track, item) = (entry.track, entry.item());
        self.queue.tracks.absorb(track, &Fact::Left(item));
    }

    /// Takes an entry out of the queue with its one outcome. The strategy must know.
    pub(super) fn end_entry(&mut self, id: &EntryId, outcome: Outcome) {
        let index = self.queue.entries.iter().position(|entry| entry.change.id == *id);
        let index = index.expect("only entries of runs and of the line are ended, and those are in the queue");
        let entry = self.queue.entries.remove(index);
        self.queue.forget_faults_of(id);
        self.queue.entries.iter_mut().for_each(|other| other.step_back_for(id));
        self.report(id, News::Ended(outcome.clone()));
        let is_on_target = matches!(outcome, Outcome::Merged { .. } | Outcome::Ejected { why: Why::AlreadyIn });
        let rank = entry.rank;
        self.end_freeze_with(id, &outcome, is_on_target);
        self.ended.push((entry, outcome));
        if !is_on_target {
            self.end_dependents(id, rank);
        }
    }

    /// A freeze that waited for this entry is over; the queue stops where the entry did not do what it was to do.
    fn end_freeze_with(&mut self, id: &EntryId, outcome: &Outcome, is_on_target: bool) {
        let is_over = self.queue.freeze.take_if(|freeze| freeze.until.as_ref() == Some(id)).is_some();
        if is_over && !is_on_target {
            self.queue.pause =
                Some(Pause::Stalled { why: format!("{id} was to put the target right, and was {outcome}") });
        }
    }

    /// Whoever depends on what will not land cannot land either. None of them is under test. Who came before it means
    /// another of that name, which has landed.
    fn end_dependents(&mut self, on: &EntryId, rank: u64) {
        let depends = |entry: &&Entry| entry.rank > rank && entry.change.depends_on.contains(on);
        let dependents: Vec<EntryId> =
            self.queue.entries.iter().filter(depends).map(|entry| entry.change.id.clone()).collect();
        for id in dependents {
            // One that was ended meanwhile depended on another of them.
            if self.queue.entry(&id).is_some() {
                self.eject_entry(&id, Why::Dependency { on: on.clone() });
            }
        }
    }

    /// Ejects an entry that the strategy already gave up.
    pub(super) fn end_ejected(&mut self, id: &EntryId, why: Why) {
        self.end_entry(id, Outcome::Ejected { why });
    }

    pub(super) fn eject_entry(&mut self, id: &EntryId, why: Why) {
        self.release_entry(id);
        self.end_ejected(id, why);
    }

    /// The run that an answer is for, if it is in the phase that awaits it; otherwise the answer is late.
    pub(super) fn run_mut(&mut self, id: RunId, awaits: fn(&Phase) -> bool) -> Option<&mut Run> {
        self.queue.runs.iter_mut().find(|run| run.id == id && awaits(&run.phase))
    }

    pub(super) fn take_run(&mut self, id: RunId, awaits: fn(&Phase) -> bool) -> Option<Run> {
        let index = self.queue.runs.iter().position(|run| run.id == id && awaits(&run.phase))?;
        Some(self.queue.runs.remove(index))
    }

    pub(super) fn next_run_id(&mut self) -> RunId {
        let id = RunId(self.queue.next_run);
        self.queue.next_run += 1;
        id
    }

    /// Starts making the commits of a set, under an id of its own. They may have been made and lost before.
    pub(super) fn begin_staging(&mut self, (test, n_lost): (TestId, u32), set: Vec<EntryId>, vouched: Option<Vouched>) {
        let id = self.next_run_id();
        let wanted = |entry: &Entry| Wanted { change: entry.change.clone(), since: entry.committed_at() };
        let changes = set.iter().filter_map(|entry| self.queue.entry(entry).map(wanted)).collect();
        let phase = Phase::Staging { is_outdated: false, vouched };
        self.owe(QueueEffect::Stage { run: id, changes });
        self.queue.runs.push(Run { id, test, set, since: self.now, n_lost, phase });
    }

    pub(super) fn drop_run_of(&mut self, test: TestId) {
        self.drop_runs(|run, _| run.test == test);
    }

    /// Drops what the strategy needs neither for a verdict nor to land it; true when there was something.
    pub(super) fn drop_needless_runs(&mut self) -> bool {
        let n_before = self.queue.runs.len();
        self.drop_runs(|run, tracks| !tracks.needs(run.test));
        self.queue.runs.len() < n_before
    }

    pub(super) fn drop_runs(&mut self, is_over: impl Fn(&Run, &Tracks) -> bool) {
        let Queue { runs, tracks, .. } = &mut self.queue;
        let over: Vec<Run> = runs.extract_if(.., |run| is_over(run, tracks)).collect();
        for run in over {
            if let Phase::Testing { .. } = run.phase {
                self.owe(QueueEffect::CancelChecks { run: run.id });
            }
        }
    }

    /// Ends those of a set who wished to leave while it was landing; returns the others, of whom the held are in no run.
    pub(super) fn grant_leaves(&mut self, set: Vec<EntryId>) -> Vec<EntryId> {
        let mut staying = Vec::with_capacity(set.len());
        for id in set {
            match self.queue.entry(&id).map(|entry| entry.standing.clone()) {
                Some(Standing::Leaving(leave)) => {
                    self.release_entry(&id);
                    self.end_entry(&id, leave.into());
                }
                Some(Standing::Ready | Standing::Aside { .. } | Standing::Reserved { .. }) | None => {
                    if self.queue.entry(&id).is_some_and(|entry| entry.hold.is_some()) {
                        self.release_entry(&id);
                    }
                    staying.push(id);
                }
            }
        }
        staying
    }

    /// Ends the step: notes who moved, and tells them where they are now.
    pub(super) fn close(mut self) -> (Queue, Vec<QueueEffect>) {
        let before = std::mem::take(&mut self.placed_before);
        let after = numbered_places(&self.queue);
        let mut moved = Vec::new();
        for (entry, (position, place)) in self.queue.entries.iter().zip(&after) {
            let (id, position, place) = (&entry.change.id, *position, *place);
            let was = before.binary_search_by_key(&entry.rank, |(rank, _)| *rank).ok().map(|index| &before[index].1);
            if was.is_none_or(|(_, was)| *was != place) {
                moved.push(Record { entry: entry.clone(), now: Whereabouts::In(place) });
            }
            let told = place.as_told();
            let advanced = |was: usize| was != position && position <= self.queue.policy.limits.positions_told;
            if was.is_none_or(|(at, was)| was.as_told() != told || (told == Place::Waiting && advanced(*at))) {
                let news = News::Progressed(Progress { place: told, position, of: after.len() });
                self.effects.push(QueueEffect::Report { entry: id.clone(), news });
            }
        }
        let ended = self.ended.into_iter();
        moved.extend(ended.map(|(entry, outcome)| Record { entry, now: Whereabouts::Out(outcome) }));
        self.queue.moved = moved;
        (self.queue, self.effects)
    }
}

impl From<Leave> for Outcome {
    fn from(leave: Leave) -> Self {
        match leave {
            Leave::Withdrawn { by } => Self::Withdrawn { by },
            Leave::HeadMoved { head } => Self::Ejected { why: Why::HeadMoved { head } },
        }
    }
}
