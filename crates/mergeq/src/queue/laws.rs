//! The laws as checkers, shared by `step` itself, the property tests and the simulator.
//!
//! [`broken`] judges a state, [`broken_by`] one step. What only the world can judge (that a landed commit is on the
//! target, that each entry is told its outcome once) is the simulator's part.

use std::collections::HashSet;

use domain::EntryId;

use super::effect::{News, QueueEffect};
use super::entry::{Company, Standing};
use super::event::{QueueEvent, Verdict};
use super::state::{Phase, Queue, Run};

/// Says which law a state breaks, if it breaks one.
pub fn broken(queue: &Queue) -> Option<String> {
    [is_in_two_places, has_bad_order, has_unfit_run, is_unbounded, has_stalled].iter().find_map(|law| law(queue))
}

/// Says which law a step breaks, if it breaks one.
pub fn broken_by(before: &Queue, event: &QueueEvent, after: &Queue, effects: &[QueueEffect]) -> Option<String> {
    lands_untested(before, event, effects)
        .or_else(|| loses_entry(before, after, effects))
        .or_else(|| disturbs_landing(before, event, after))
        .or_else(|| owes_wrongly(before, after, effects))
        .or_else(|| broken(after))
}

fn is_in_two_places(queue: &Queue) -> Option<String> {
    let mut known = HashSet::new();
    if let Some(twin) = queue.entries.iter().map(|entry| &entry.change.id).find(|id| !known.insert(*id)) {
        return Some(format!("{twin} is in the queue twice"));
    }
    let in_runs = queue.runs.iter().flat_map(|run| &run.set);
    let in_groups = queue.retry.iter().flat_map(|group| &group.set);
    let mut placed = HashSet::new();
    for id in in_runs.chain(in_groups) {
        if !known.contains(id) {
            return Some(format!("{id} is in a run or group but not in the queue"));
        }
        if !placed.insert(id) {
            return Some(format!("{id} is in two runs or groups"));
        }
    }
    let is_misplaced = |id: &EntryId| match queue.entry(id).map(|entry| &entry.standing) {
        Some(Standing::Reserved { .. }) => placed.contains(id),
        Some(Standing::Leaving(_)) => !queue.run_of(id).is_some_and(Run::is_committed),
        Some(Standing::Ready) | None => false,
    };
    let unready = queue.entries.iter().filter(|entry| !entry.is_ready()).map(|entry| &entry.change.id);
    unready.into_iter().find(|id| is_misplaced(id)).map(|id| format!("{id} stands where it may not"))
}

fn has_bad_order(queue: &Queue) -> Option<String> {
    if !queue.entries.is_sorted_by(|a, b| a.rank < b.rank) {
        return Some("the entries are not in the order of their ranks".to_owned());
    }
    let last = queue.entries.last().map_or(0, |entry| entry.rank);
    (last >= queue.next_rank).then(|| format!("rank {last} could be given twice"))
}

fn has_unfit_run(queue: &Queue) -> Option<String> {
    if queue.runs.iter().filter(|run| run.is_committed()).count() > 1 {
        return Some("two landings are in flight".to_owned());
    }
    if queue.retry.iter().any(|group| group.set.is_empty()) {
        return Some("a group is empty".to_owned());
    }
    queue.runs.iter().find_map(|run| unfitness(queue, run))
}

fn unfitness(queue: &Queue, run: &Run) -> Option<String> {
    let id = run.id;
    if run.set.is_empty() {
        return Some(format!("{id} is empty"));
    }
    if run.base() != queue.head.as_ref() {
        return Some(format!("{id} is not on the head"));
    }
    if id.0 >= queue.next_run {
        return Some(format!("{id} could be given twice"));
    }
    let wants_none = |id: &EntryId| queue.entry(id).is_some_and(|entry| entry.change.company == Company::Alone);
    if run.set.len() > 1 && run.set.iter().any(wants_none) {
        return Some(format!("{id} has an entry that wants no company"));
    }
    let parts = run.candidate().map(|candidate| candidate.parts.iter().map(|part| &part.entry));
    if parts.is_some_and(|parts| !parts.eq(&run.set)) {
        return Some(format!("{id} has commits of others"));
    }
    let is_doubtful = matches!(run.phase, Phase::Doubtful { .. });
    (is_doubtful && queue.pause.is_none()).then(|| format!("{id} is doubtful and nobody was called"))
}

fn is_unbounded(queue: &Queue) -> Option<String> {
    let limits = &queue.policy.limits;
    if queue.landed.len() > limits.landed_max {
        return Some(format!("{} landed entries are remembered", queue.landed.len()));
    }
    let n_runs = queue.runs.len();
    (n_runs > queue.policy.runs_max()).then(|| format!("{n_runs} runs are under way"))
}

/// Liveness: whoever may be tested is on the way, unless the queue is paused.
fn has_stalled(queue: &Queue) -> Option<String> {
    if queue.pause.is_some() {
        return None;
    }
    if let Some(run) = queue.runs.iter().find(|run| matches!(run.phase, Phase::Passed { .. })) {
        let is_landing = queue.runs.iter().any(Run::is_committed);
        return (!is_landing).then(|| format!("{} passed and is not landed", run.id));
    }
    let has_room = queue.runs.len() < queue.policy.runs_max();
    let waiting = queue.entries.iter().find(|entry| entry.is_ready() && queue.run_of(&entry.change.id).is_none());
    waiting.filter(|_| has_room).map(|entry| format!("{} waits and nothing starts", entry.change.id))
}

/// Laws 1 and 2: what is landed is the very commit whose checks just passed, from the base it was made on; the one
/// exception is a landing that waited for a resume or whose answer was lost, and was a candidate before.
fn lands_untested(before: &Queue, event: &QueueEvent, effects: &[QueueEffect]) -> Option<String> {
    effects.iter().find_map(|effect| {
        let QueueEffect::Land { from, to, .. } = effect else { return None };
        let is_vouched = before.runs.iter().any(|run| {
            let is_this = run.candidate().is_some_and(|known| known.base == *from && known.commit() == to);
            is_this && passes(run, event)
        });
        (!is_vouched).then(|| format!("{} would land untested", to.short()))
    })
}

fn passes(run: &Run, event: &QueueEvent) -> bool {
    match &run.phase {
        Phase::Passed { .. } | Phase::Doubtful { .. } => true,
        Phase::Testing { .. } => matches!(
            event,
            QueueEvent::ChecksConcluded { run: id, verdict: Verdict::Passed | Verdict::Untested } if *id == run.id
        ),
        Phase::Staging { .. } | Phase::Landing { .. } => false,
    }
}

/// Law 3: an entry leaves the queue with exactly one outcome, and only then.
fn loses_entry(before: &Queue, after: &Queue, effects: &[QueueEffect]) -> Option<String> {
    let n_told = |id: &EntryId| effects.iter().filter(|effect| is_ending(effect, id)).count();
    before.entries.iter().map(|entry| &entry.change.id).find_map(|id| {
        let n_expected = usize::from(after.entry(id).is_none());
        let n_told = n_told(id);
        (n_told != n_expected).then(|| format!("{id} got {n_told} outcomes instead of {n_expected}"))
    })
}

fn is_ending(effect: &QueueEffect, id: &EntryId) -> bool {
    matches!(effect, QueueEffect::Report { entry, news: News::Ended(_) } if entry == id)
}

/// Law 4: a landing in flight is ended by its own answer and by nothing else.
fn disturbs_landing(before: &Queue, event: &QueueEvent, after: &Queue) -> Option<String> {
    let landing = before.runs.iter().find(|run| run.is_committed())?;
    let is_answer = matches!(
        event,
        QueueEvent::Landed { run } | QueueEvent::LandingRefused { run, .. } | QueueEvent::LandingUnanswered { run, .. }
            if *run == landing.id
    );
    let goes_on = after.runs.iter().any(|run| run.is_committed() && run.set == landing.set);
    (!is_answer && !goes_on).then(|| format!("{} was taken from its landing by {event:?}", landing.id))
}

/// A run that entered its phase in this step owes exactly one effect for it; one that did not owes none.
fn owes_wrongly(before: &Queue, after: &Queue, effects: &[QueueEffect]) -> Option<String> {
    after.runs.iter().find_map(|run| {
        let was = before.runs.iter().find(|old| old.id == run.id);
        let is_new = was.is_none_or(|old| std::mem::discriminant(&old.phase) != std::mem::discriminant(&run.phase));
        let n_owed = effects.iter().filter(|effect| moves_on(effect, run)).count();
        let n_expected = match run.phase {
            Phase::Staging { .. } | Phase::Testing { .. } | Phase::Landing { .. } => usize::from(is_new),
            Phase::Passed { .. } | Phase::Doubtful { .. } => 0,
        };
        (n_owed != n_expected).then(|| format!("{} owes {n_owed} effects instead of {n_expected}", run.id))
    })
}

fn moves_on(effect: &QueueEffect, of: &Run) -> bool {
    match effect {
        QueueEffect::Stage { run, .. } => *run == of.id && matches!(of.phase, Phase::Staging { .. }),
        QueueEffect::AwaitChecks { run, commit } => {
            *run == of.id && of.candidate().is_some_and(|candidate| candidate.commit() == commit)
        }
        QueueEffect::Land { run, .. } => *run == of.id && of.is_committed(),
        QueueEffect::CancelChecks { .. } | QueueEffect::Report { .. } | QueueEffect::Deadline { .. } => false,
    }
}
