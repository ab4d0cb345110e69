//! The next state while a step writes it: the few moves from which `absorb`, `runs` and `plan` are made.

use std::collections::HashMap;

use domain::{EntryId, Timestamp};

use super::effect::{News, QueueEffect};
use super::entry::{Entry, Leave, Standing};
use super::outcome::{Outcome, Why};
use super::state::{Group, Phase, Queue, Record, Run, RunId, Source, Suspicion, Whereabouts};
use super::view::{Place, Progress, places};

/// The next state and what it owes so far.
pub(super) struct Draft {
    pub(super) queue: Queue,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<QueueEffect>,
    ended: Vec<(Entry, Outcome)>,
    placed_before: HashMap<EntryId, (usize, Place)>,
}

impl Draft {
    pub(super) fn of(queue: Queue, now: Timestamp) -> Self {
        let placed_before = numbered_places(&queue);
        Self { queue, now, effects: Vec::new(), ended: Vec::new(), placed_before }
    }

    pub(super) fn owe(&mut self, effect: QueueEffect) {
        self.effects.push(effect);
    }

    pub(super) fn report(&mut self, entry: &EntryId, news: News) {
        self.owe(QueueEffect::Report { entry: entry.clone(), news });
    }

    pub(super) fn entry_mut(&mut self, id: &EntryId) -> Option<&mut Entry> {
        self.queue.entries.iter_mut().find(|entry| entry.change.id == *id)
    }

    /// Takes an entry out of the queue with its one outcome. Its run must have been taken away before.
    pub(super) fn end_entry(&mut self, id: &EntryId, outcome: Outcome) {
        let index = self.queue.entries.iter().position(|entry| entry.change.id == *id);
        let index = index.expect("only entries of runs and of the line are ended, and those are in the queue");
        let entry = self.queue.entries.remove(index);
        self.leave_groups(id);
        self.report(id, News::Ended(outcome.clone()));
        self.ended.push((entry, outcome));
    }

    pub(super) fn eject_entry(&mut self, id: &EntryId, why: Why) {
        self.end_entry(id, Outcome::Ejected { why });
    }

    pub(super) fn leave_groups(&mut self, id: &EntryId) {
        for group in &mut self.queue.retry {
            group.set.retain(|member| member != id);
        }
        self.queue.retry.retain(|group| !group.set.is_empty());
    }

    /// Takes a run away if it is in the phase that an answer is for; otherwise the answer is late.
    pub(super) fn take_run(&mut self, id: RunId, awaits: fn(&Phase) -> bool) -> Option<Run> {
        let index = self.queue.runs.iter().position(|run| run.id == id && awaits(&run.phase))?;
        Some(self.queue.runs.remove(index))
    }

    pub(super) fn take_run_of(&mut self, entry: &EntryId) -> Option<Run> {
        let index = self.queue.runs.iter().position(|run| run.set.contains(entry))?;
        Some(self.queue.runs.remove(index))
    }

    pub(super) fn next_run_id(&mut self) -> RunId {
        let id = RunId(self.queue.next_run);
        self.queue.next_run += 1;
        id
    }

    /// Starts making the commits of a set, under an id of its own.
    pub(super) fn begin_staging(&mut self, set: Vec<EntryId>, source: Source) {
        let id = self.next_run_id();
        let change_of = |entry: &EntryId| self.queue.entry(entry).map(|entry| entry.change.clone());
        let changes = set.iter().filter_map(change_of).collect();
        let phase = Phase::Staging { seen: self.queue.head.clone() };
        self.owe(QueueEffect::Stage { run: id, changes, at: self.now });
        self.queue.runs.push(Run { id, set, source, since: self.now, phase });
    }

    /// Gives up a run that was taken away: its entries keep their places, those who wished to leave go.
    pub(super) fn put_back(&mut self, run: Run) {
        if let Phase::Testing { .. } = run.phase {
            self.owe(QueueEffect::CancelChecks { run: run.id });
        }
        let set = self.grant_leaves(run.set);
        match run.source {
            Source::Retry if !set.is_empty() => self.queue.retry.push_front(Group { set, suspicion: Suspicion::Open }),
            Source::Retry | Source::Line => {}
        }
    }

    /// Ends those of a set who wished to leave while it was landing; returns the others.
    pub(super) fn grant_leaves(&mut self, set: Vec<EntryId>) -> Vec<EntryId> {
        let mut staying = Vec::with_capacity(set.len());
        for id in set {
            match self.queue.entry(&id).map(|entry| entry.standing.clone()) {
                Some(Standing::Leaving(leave)) => self.end_entry(&id, leave.into()),
                Some(Standing::Ready | Standing::Reserved { .. }) | None => staying.push(id),
            }
        }
        staying
    }

    /// Ends the step: notes who moved, and tells them where they are now.
    pub(super) fn close(mut self) -> (Queue, Vec<QueueEffect>) {
        let before = std::mem::take(&mut self.placed_before);
        let after = numbered_places(&self.queue);
        let mut moved = Vec::new();
        for entry in &self.queue.entries {
            let id = &entry.change.id;
            let (position, place) = after[id];
            let was = before.get(id);
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

fn numbered_places(queue: &Queue) -> HashMap<EntryId, (usize, Place)> {
    places(queue).into_iter().enumerate().map(|(index, (id, place))| (id, (index + 1, place))).collect()
}
