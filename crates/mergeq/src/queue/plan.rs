//! What to do now, from facts only. It never sees the event, and running it twice proposes nothing new.

use domain::EntryId;

use super::draft::Draft;
use super::effect::QueueEffect;
use super::entry::{Company, Entry};
use super::state::{Group, Phase, Queue, Run, Source, Suspicion};

pub(super) fn plan(draft: &mut Draft) {
    abandon_outdated_runs(draft);
    if draft.queue.pause.is_none() {
        land_passed_run(draft);
        start_runs(draft);
    }
}

/// A run whose base is no longer the target's head could only fail to land. A landing in flight is not ours to judge.
fn abandon_outdated_runs(draft: &mut Draft) {
    let head = draft.queue.head.clone();
    let is_outdated = |run: &mut Run| !run.is_committed() && run.base() != head.as_ref();
    // Last first: each goes back to the front, and so they end in their old order.
    let outdated: Vec<Run> = draft.queue.runs.extract_if(.., is_outdated).collect();
    for run in outdated.into_iter().rev() {
        draft.put_back(run);
    }
}

/// Asks for one landing at a time. A doubtful one is asked for again under a new id: landing twice is landing once.
fn land_passed_run(draft: &mut Draft) {
    if draft.queue.runs.iter().any(|run| matches!(run.phase, Phase::Landing { .. })) {
        return;
    }
    let may_land = |run: &Run| matches!(run.phase, Phase::Passed { .. } | Phase::Doubtful { .. });
    let Some(index) = draft.queue.runs.iter().position(may_land) else { return };
    let run = draft.queue.runs.remove(index);
    let (id, candidate, proof) = match run.phase {
        Phase::Passed { candidate, proof } => (run.id, candidate, proof),
        Phase::Doubtful { candidate, proof } => (draft.next_run_id(), candidate, proof),
        Phase::Staging { .. } | Phase::Testing { .. } | Phase::Landing { .. } => unreachable!("the run may land"),
    };
    draft.owe(QueueEffect::Land { run: id, from: candidate.base.clone(), to: candidate.commit().clone() });
    let phase = Phase::Landing { candidate, proof };
    draft.queue.runs.insert(index, Run { id, phase, since: draft.now, ..run });
}

fn start_runs(draft: &mut Draft) {
    while draft.queue.runs.len() < draft.queue.policy.runs_max() {
        let Some((set, source)) = take_next_set(&mut draft.queue) else { return };
        draft.begin_staging(set, source);
    }
}

fn take_next_set(queue: &mut Queue) -> Option<(Vec<EntryId>, Source)> {
    let set_max = queue.policy.set_max();
    let Some(mut group) = queue.retry.pop_front() else {
        return next_in_line(queue, set_max).map(|set| (set, Source::Line));
    };
    if group.set.len() > set_max {
        let set = group.set.split_off(set_max);
        queue.retry.push_front(Group { set, suspicion: Suspicion::Open });
    }
    Some((group.set, Source::Retry))
}

/// The first in line with those right behind it, up to the first who wants no company: nobody is overtaken.
fn next_in_line(queue: &Queue, set_max: usize) -> Option<Vec<EntryId>> {
    let mut line = queue.entries.iter().filter(|entry| entry.is_ready() && queue.run_of(&entry.change.id).is_none());
    let first = line.next()?;
    let company_max = match first.change.company {
        Company::Any => set_max - 1,
        Company::Alone => 0,
    };
    let companions = line.take_while(|entry| entry.change.company == Company::Any).take(company_max);
    let id_of = |entry: &Entry| entry.change.id.clone();
    Some(std::iter::once(id_of(first)).chain(companions.map(id_of)).collect())
}
