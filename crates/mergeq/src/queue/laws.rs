//! The laws as checkers, shared by `step` itself, the property tests and the simulator.
//!
//! [`broken`] judges a state, [`broken_by`] one step. What only the world can judge (that a landed commit is on the
//! target, that each entry is told its outcome once) is the simulator's part.

use std::collections::{HashMap, HashSet};

use domain::{EntryId, Sha};

use super::effect::{News, QueueEffect};
use super::entry::{Entry, Standing};
use super::event::{QueueEvent, Verdict};
use super::order::{Gatekeeper, Priority, Waits};
use super::outcome;
use super::state::{Candidate, Phase, Queue, Run};
use super::tracks::meets_across_tracks;
use super::watch::is_unwatched;
use crate::strategy::{Board, Test, TestId};

/// Says which law a state breaks, if it breaks one.
pub fn broken(queue: &Queue) -> Option<String> {
    let laws =
        [is_in_two_places, has_bad_order, waits_for_later, has_unfit_run, is_unbounded, has_stalled, is_unwatched];
    laws.iter().find_map(|law| law(queue)).or_else(|| meets_across_tracks(queue))
}

/// Says which law a step breaks, if it breaks one.
pub fn broken_by(before: &Queue, event: &QueueEvent, after: &Queue, effects: &[QueueEffect]) -> Option<String> {
    lands_untested(before, event, effects)
        .or_else(|| loses_entry(before, after, effects))
        .or_else(|| disturbs_landing(before, event, after))
        .or_else(|| audits_wrongly(before, event, effects))
        .or_else(|| owes_wrongly(before, after, effects))
        .or_else(|| probes_wrongly(before, event, after, effects))
        .or_else(|| lands_while_closed(before, after, effects))
        .or_else(|| times_wrongly(before, event, after, effects))
        .or_else(|| starts_too_many(before, after))
        .or_else(|| broken(after))
}

fn is_in_two_places(queue: &Queue) -> Option<String> {
    let mut known: HashMap<&EntryId, &Entry> = HashMap::with_capacity(queue.entries.len());
    for entry in &queue.entries {
        if known.insert(&entry.change.id, entry).is_some() {
            return Some(format!("{} is in the queue twice", entry.change.id));
        }
    }
    let is_held = |entry: &&Entry| entry.hold.is_some() && entry.admitted && !queue.is_committed(&entry.change.id);
    if let Some(held) = queue.entries.iter().find(is_held) {
        return Some(format!("{} is held and on its way", held.change.id));
    }
    for id in queue.runs.iter().flat_map(|run| &run.set) {
        let Some(entry) = known.get(id) else { return Some(format!("{id} is in a run but not in the queue")) };
        let may_run = match &entry.standing {
            Standing::Ready => entry.admitted,
            Standing::Leaving(_) => true,
            Standing::Aside { .. } | Standing::Reserved { .. } => false,
        };
        if !may_run {
            return Some(format!("{id} stands where it may not"));
        }
    }
    let is_misplaced = |entry: &&Entry| match &entry.standing {
        Standing::Ready => false,
        Standing::Aside { .. } | Standing::Reserved { .. } => entry.admitted,
        Standing::Leaving(_) => !queue.is_committed(&entry.change.id),
    };
    let misplaced = queue.entries.iter().find(is_misplaced);
    misplaced.map(|entry| format!("{} stands where it may not", entry.change.id))
}

fn has_bad_order(queue: &Queue) -> Option<String> {
    if !queue.entries.is_sorted_by(|a, b| a.item() < b.item()) {
        return Some("the entries are not in the order of their ranks".to_owned());
    }
    let last = queue.entries.iter().map(|entry| entry.rank).max().unwrap_or(0);
    (last >= queue.next_rank).then(|| format!("rank {last} could be given twice"))
}

/// Whoever stands aside does so for those before it, so that nobody waits in a circle.
fn waits_for_later(queue: &Queue) -> Option<String> {
    let is_before = |entry: &Entry, other: &EntryId| queue.entry(other).is_some_and(|it| it.item() < entry.item());
    let waits = |entry: &&Entry| match &entry.standing {
        Standing::Aside { with } => with.is_empty() || !with.iter().all(|other| is_before(entry, other)),
        Standing::Ready | Standing::Reserved { .. } | Standing::Leaving(_) => false,
    };
    let waiting = queue.entries.iter().find(waits);
    waiting.map(|entry| format!("{} stands aside for nobody who is before it", entry.change.id))
}

fn has_unfit_run(queue: &Queue) -> Option<String> {
    if queue.runs.iter().filter(|run| run.is_committed()).count() > 1 {
        return Some("two landings are in flight".to_owned());
    }
    let solitary = queue.entries.iter().filter(|entry| entry.is_solitary()).map(|entry| &entry.change.id);
    let solitary: HashSet<&EntryId> = solitary.collect();
    queue.runs.iter().find_map(|run| unfitness(queue, run, &solitary))
}

fn unfitness(queue: &Queue, run: &Run, solitary: &HashSet<&EntryId>) -> Option<String> {
    let id = run.id;
    if run.set.is_empty() {
        return Some(format!("{id} is empty"));
    }
    if id.0 >= queue.next_run {
        return Some(format!("{id} could be given twice"));
    }
    if queue.runs.iter().any(|other| other.id != id && other.test == run.test) {
        return Some(format!("{id} is the second run of a test"));
    }
    if !queue.tracks.needs(run.test) {
        return Some(format!("{id} goes on and nobody needs it"));
    }
    let has_company = || {
        run.set.len() > 1
            || queue.runs.iter().any(|other| other.set != run.set && other.test.track() == run.test.track())
    };
    if run.set.iter().any(|id| solitary.contains(id)) && has_company() {
        return Some(format!("{id} has an entry that wants no company"));
    }
    if run.candidate().is_some_and(|candidate| !is_of(candidate, &run.set, run.is_committed())) {
        return Some(format!("{id} has commits of others"));
    }
    if run.is_committed() && run.candidate().map(|candidate| &candidate.base) != queue.head.as_ref() {
        return Some(format!("{id} is landing and not on the head"));
    }
    let is_doubtful = matches!(run.phase, Phase::Doubtful { .. });
    (is_doubtful && queue.pause.is_none()).then(|| format!("{id} is doubtful and nobody was called"))
}

/// Whether the commits are those of the set, in its order; before it lands, others among them may have landed otherwise.
fn is_of(candidate: &Candidate, set: &[EntryId], is_committed: bool) -> bool {
    let mut entries = candidate.parts.iter().map(|part| &part.entry);
    if is_committed { entries.eq(set) } else { set.iter().all(|id| entries.any(|entry| entry == id)) }
}

fn is_unbounded(queue: &Queue) -> Option<String> {
    let limits = &queue.policy.limits;
    if queue.landed.len() > limits.landed_max {
        return Some(format!("{} landed entries are remembered", queue.landed.len()));
    }
    if queue.faults.len() > limits.faults_max {
        return Some(format!("{} faults are remembered", queue.faults.len()));
    }
    let n_clashes = queue.probing.clashes.len();
    (n_clashes > limits.clashes_max).then(|| format!("{n_clashes} clashes are remembered"))
}

/// No run starts beyond the bound; those that were under way when it was lowered go on.
fn starts_too_many(before: &Queue, after: &Queue) -> Option<String> {
    let is_at_work = |run: &&Run| matches!(run.phase, Phase::Staging { .. } | Phase::Testing { .. });
    let n_runs =
        |queue: &Queue| queue.runs.iter().filter(is_at_work).filter(|run| !queue.tracks.is_landing(run.test)).count();
    let n_after = n_runs(after);
    let is_too_many = n_after > after.policy.runs_max.max(1) && n_after > n_runs(before);
    is_too_many.then(|| format!("{n_after} runs are under way"))
}

/// Liveness: as long as somebody may be tested, something is under way, unless the queue is paused.
fn has_stalled(queue: &Queue) -> Option<String> {
    if let Some((test, _)) = untested(queue) {
        return Some(format!("test {} is under way and no run is", test.0));
    }
    if queue.pause.is_some() {
        return None;
    }
    let is_passed = |run: &&Run| queue.tracks.is_landing(run.test) && matches!(run.phase, Phase::Passed { .. });
    let is_free = queue.committed_run().is_none();
    let (kept_out, passed): (Vec<&Run>, Vec<&Run>) =
        queue.runs.iter().filter(is_passed).partition(|run| queue.is_kept_out(run));
    if let Some(run) = passed.first().filter(|_| is_free) {
        return Some(format!("{} passed and is not landed", run.id));
    }
    let is_at_work = |run: &Run| !matches!(run.phase, Phase::Passed { .. });
    if queue.runs.iter().any(is_at_work) || !kept_out.is_empty() {
        return waiting_urgent(queue);
    }
    let mut gatekeeper = Gatekeeper::of(queue);
    let entries = queue.entries.iter().filter(|entry| !entry.is_reserved());
    let waits: HashMap<&EntryId, Option<Waits>> =
        entries.map(|entry| (&entry.change.id, (!entry.admitted).then(|| gatekeeper.stops(entry)).flatten())).collect();
    let waiting = queue.entries.iter().find(|entry| waits_for_nothing(&entry.change.id, &waits));
    waiting.map(|entry| format!("{} waits and nothing starts", entry.change.id))
}

/// Whoever may land while it is closed waits for nobody who may not.
fn waiting_urgent(queue: &Queue) -> Option<String> {
    let kept_out: Vec<&EntryId> = queue.kept_out().into_iter().collect();
    let urgent = Gatekeeper::of(queue).has_urgent() && !kept_out.is_empty();
    urgent.then(|| format!("{} waits for the opening and keeps the urgent from their turn", outcome::listed(&kept_out)))
}

/// Whether nothing is in an entry's way, or all that is waits for itself in the end. Who is reserved or frozen out holds
/// others up rightly.
fn waits_for_nothing(id: &EntryId, waits: &HashMap<&EntryId, Option<Waits>>) -> bool {
    let mut at = id;
    for _ in 0..=waits.len() {
        at = match waits.get(at) {
            Some(None) => return true,
            Some(Some(Waits::On(on))) => on,
            Some(Some(Waits::Aside(with))) => &with[0],
            Some(Some(
                Waits::Held(_) | Waits::Frozen | Waits::Urgent | Waits::Opening(_) | Waits::Quota(_) | Waits::Lanes(_),
            ))
            | None => return false,
        };
    }
    true
}

/// A test that the strategy waits for, without a run and without a verdict.
fn untested<'a>(queue: &'a Queue) -> Option<(TestId, &'a Test)> {
    let has_run = |test: TestId| queue.runs.iter().any(|run| run.test == test);
    let untested = |board: &'a Board| board.tests().find(|(test, _)| !board.is_concluded(*test) && !has_run(*test));
    queue.tracks.boards().find_map(untested)
}

/// Laws 1 and 2: what is landed is a commit whose checks passed, just now or before, from the base it was made on; or one
/// whose tree is byte for byte a tree that passed.
fn lands_untested(before: &Queue, event: &QueueEvent, effects: &[QueueEffect]) -> Option<String> {
    effects.iter().find_map(|effect| {
        let QueueEffect::Land { from, to, .. } = effect else { return None };
        let is_vouched = before.runs.iter().any(|run| is_this(run, from, to) && passes(run, event));
        let is_same_tree = before.runs.iter().any(|run| is_same_tree(run, event, from, to));
        (!is_vouched && !is_same_tree).then(|| format!("{} would land untested", to.short()))
    })
}

/// The commits may begin with some that landed in this very step.
fn is_this(run: &Run, from: &Sha, to: &Sha) -> bool {
    run.candidate().is_some_and(|known| {
        known.commit() == to && (known.base == *from || known.parts.iter().any(|part| part.commit == *from))
    })
}

/// New commits of a tree that passed before.
fn is_same_tree(run: &Run, event: &QueueEvent, from: &Sha, to: &Sha) -> bool {
    let (Phase::Staging { vouched: Some(vouched), .. }, QueueEvent::Staged { run: id, base, tree, parts }) =
        (&run.phase, event)
    else {
        return false;
    };
    *id == run.id && vouched.tree == *tree && base == from && parts.last().is_some_and(|part| part.commit == *to)
}

fn passes(run: &Run, event: &QueueEvent) -> bool {
    match &run.phase {
        Phase::Passed { .. } | Phase::Doubtful { .. } => true,
        Phase::Testing { .. } => matches!(
            event,
            QueueEvent::ChecksConcluded {
                run: id,
                verdict: Verdict::Passed | Verdict::AlreadyPassed | Verdict::Untested,
            } if *id == run.id
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

/// Each landing is looked at afterwards, once.
fn audits_wrongly(before: &Queue, event: &QueueEvent, effects: &[QueueEffect]) -> Option<String> {
    let lands = |run: &Run| run.is_committed() && matches!(event, QueueEvent::Landed { run: id } if *id == run.id);
    let n_expected = before.runs.iter().filter(|run| lands(run)).count();
    let n_owed = effects.iter().filter(|effect| matches!(effect, QueueEffect::Audit { .. })).count();
    (n_owed != n_expected).then(|| format!("{n_owed} audits are owed instead of {n_expected}"))
}

fn is_ending(effect: &QueueEffect, id: &EntryId) -> bool {
    matches!(effect, QueueEffect::Report { entry, news: News::Ended(_) } if entry == id)
}

/// Law 4: a landing in flight is ended by its own answer and by nothing else.
fn disturbs_landing(before: &Queue, event: &QueueEvent, after: &Queue) -> Option<String> {
    let landing = before.runs.iter().find(|run| run.is_committed())?;
    let is_answer = matches!(
        event,
        QueueEvent::Landed { run }
            | QueueEvent::LandingRefused { run, .. }
            | QueueEvent::LandingUnanswered { run, .. }
            | QueueEvent::CandidateLost { run }
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
            // What was lost is asked for again when that makes sense.
            Phase::Staging { is_outdated: true, .. } => 0,
            Phase::Staging { .. } | Phase::Testing { .. } | Phase::Landing { .. } => usize::from(is_new),
            Phase::Passed { .. } | Phase::Doubtful { .. } => 0,
        };
        (n_owed != n_expected).then(|| format!("{} owes {n_owed} effects instead of {n_expected}", run.id))
    })
}

/// One probe is under way at most, of what the queue believes that it asked.
fn probes_wrongly(before: &Queue, event: &QueueEvent, after: &Queue, effects: &[QueueEffect]) -> Option<String> {
    let (was, is) = (before.probing.asked.as_ref(), after.probing.asked.as_ref());
    let is_answered = matches!(event, QueueEvent::Probed { of, .. } if Some(of) == was);
    let expected: Vec<_> = is.iter().filter(|_| is_answered || was.is_none()).copied().collect();
    let owed = effects.iter().filter_map(|effect| if let QueueEffect::Probe(of) = effect { Some(of) } else { None });
    let is_lost = was.is_some() && is != was && !is_answered;
    (is_lost || !owed.eq(expected)).then(|| format!("{is:?} is under way after {was:?}, and that is not what is owed"))
}

/// What begins to land while it is closed is urgent; whatever is in doubt landed before.
fn lands_while_closed(before: &Queue, after: &Queue, effects: &[QueueEffect]) -> Option<String> {
    let begins = |run: &&Run| {
        let is_owed = |effect: &QueueEffect| matches!(effect, QueueEffect::Land { run: id, .. } if *id == run.id);
        let is_asked_again = before.committed_run().is_some_and(|before| before.set == run.set);
        effects.iter().any(is_owed) && !is_asked_again
    };
    let is_low = |id: &&EntryId| after.entry(id).is_some_and(|entry| entry.change.priority < Priority::First);
    let mut low = after.runs.iter().filter(begins).flat_map(|run| &run.set).filter(is_low);
    after.closing.until()?;
    low.next().map(|id| format!("{id} begins to land while it is closed"))
}

/// One timer is owed for each opening, when that is known first.
fn times_wrongly(before: &Queue, event: &QueueEvent, after: &Queue, effects: &[QueueEffect]) -> Option<String> {
    let (was, is) = (before.closing.until(), after.closing.until());
    let has_come = matches!(event, QueueEvent::Opened { until } if was == Some(*until));
    let expected = is.filter(|_| is != was || has_come);
    let owed = effects
        .iter()
        .filter_map(|effect| if let QueueEffect::Opening { until } = effect { Some(*until) } else { None });
    (!owed.eq(expected)).then(|| format!("it opens at {is:?} after {was:?}, and that is not what is owed"))
}

fn moves_on(effect: &QueueEffect, of: &Run) -> bool {
    match effect {
        QueueEffect::Stage { run, .. } => *run == of.id && matches!(of.phase, Phase::Staging { .. }),
        QueueEffect::AwaitChecks { run, commit } => {
            *run == of.id && of.candidate().is_some_and(|candidate| candidate.commit() == commit)
        }
        QueueEffect::Land { run, .. } => *run == of.id && of.is_committed(),
        QueueEffect::CancelChecks { .. }
        | QueueEffect::Audit { .. }
        | QueueEffect::Restore { .. }
        | QueueEffect::Probe(_)
        | QueueEffect::Report { .. }
        | QueueEffect::Deadline { .. }
        | QueueEffect::Watch { .. }
        | QueueEffect::Opening { .. } => false,
    }
}
