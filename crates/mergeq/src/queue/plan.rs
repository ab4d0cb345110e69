//! What to do now, from facts only. It never sees the event, and running it twice proposes nothing new.

use super::draft::Draft;
use super::effect::{QueueEffect, Shown};
use super::entry::Change;
use super::opening::{make_way, regroup};
use super::outcome::Why;
use super::probing::{ask_for_clashes, let_clashing_step_aside};
use super::repair::send_back;
use super::state::{Candidate, Part, Phase, Queue, Run, RunId, Vouched};
use super::tracks::admit_entries;
use crate::strategy::{Act, Item, TestId};

pub(super) fn plan(draft: &mut Draft) {
    if draft.queue.pause.is_some() {
        let stops = draft.queue.tracks.take_acts();
        carry_out(draft, stops);
    } else {
        ask_strategists(draft);
    }
    draft.drop_needless_runs();
    if draft.queue.pause.is_none() {
        restage_outdated_runs(draft);
        drive_landing(draft);
        ask_for_clashes(draft);
    }
    draft.queue.runs.sort_by_key(|run| run.id);
}

/// Whoever an ejection, or one that stepped aside, made room for is asked about too.
fn ask_strategists(draft: &mut Draft) {
    loop {
        make_way(draft);
        admit_entries(&mut draft.queue);
        regroup(draft);
        let Queue { tracks, policy, entries, .. } = &mut draft.queue;
        tracks.adopt(policy, entries);
        if let_clashing_step_aside(draft) {
            continue;
        }
        let Queue { tracks, policy, entries, .. } = &mut draft.queue;
        let acts = tracks.plan(policy, entries);
        let is_over = acts.is_empty();
        carry_out(draft, acts);
        // What was judged without an act may have left a test, and whoever is in none steps aside.
        if !draft.drop_needless_runs() && is_over && !let_clashing_step_aside(draft) {
            return;
        }
    }
}

fn carry_out(draft: &mut Draft, acts: Vec<Act>) {
    for act in acts {
        match act {
            Act::Start { test, items } => start_run(draft, test, &items),
            Act::Cancel { test } => draft.drop_run_of(test),
            Act::Eject { item, guilt } => eject_item(draft, item, guilt),
            Act::Land { .. } => {} // `drive_landing` sees it on the board
        }
    }
}

fn start_run(draft: &mut Draft, test: TestId, items: &[Item]) {
    let set = items.iter().filter_map(|item| draft.queue.id_of(*item)).collect();
    draft.begin_staging((test, 0), set, None);
}

fn eject_item(draft: &mut Draft, item: Item, guilt: f64) {
    let Some(id) = draft.queue.id_of(item) else { return };
    let why = draft.queue.fault_of(&id).map(|fault| fault.why.clone());
    let why = why.unwrap_or_else(|| Why::Checks { failing: Vec::new(), sure_permille: 1_000 });
    send_back(draft, &id, why.with_guilt(guilt));
}

/// Staging that was asked for another head, or whose answer was of no use, is asked for again. Not while a landing is
/// in flight, which is about to move the head.
fn restage_outdated_runs(draft: &mut Draft) {
    if draft.queue.committed_run().is_some() {
        return;
    }
    let is_outdated = |run: &Run| matches!(run.phase, Phase::Staging { is_outdated: true, .. });
    let outdated: Vec<Run> = draft.queue.runs.extract_if(.., |run| is_outdated(run)).collect();
    for run in outdated {
        let Phase::Staging { vouched, .. } = run.phase else { unreachable!("only staging was taken") };
        draft.begin_staging((run.test, run.n_lost), run.set, vouched);
    }
}

/// Brings what the strategists want to land a step further: the commits that were tested, where they still stand on the
/// head; otherwise commits of the same content that do, which need another test only if their tree is not the tested
/// one. One landing at a time, the first that passed first. While the target is closed, what passed is kept on the head.
fn drive_landing(draft: &mut Draft) {
    let is_in_flight = |run: &Run| matches!(run.phase, Phase::Landing { .. });
    if draft.queue.runs.iter().any(is_in_flight) {
        return;
    }
    let ready = draft.queue.runs.iter().filter(|run| may_land(&draft.queue, run));
    if let Some(id) = ready.min_by_key(|run| (!run.is_committed(), run.since, run.id)).map(|run| run.id) {
        return land_run(draft, id);
    }
    let is_behind = |run: &&Run| is_landing_passed(&draft.queue, run) && !is_on_head(&draft.queue, run);
    let behind: Vec<Run> = draft.queue.runs.iter().filter(is_behind).cloned().collect();
    for run in behind {
        let Phase::Passed { candidate, proof } = run.phase else { unreachable!("only what passed was taken") };
        draft.drop_run_of(run.test);
        let vouched = Vouched { tree: candidate.tree, proof };
        draft.begin_staging((run.test, run.n_lost), run.set, Some(vouched));
    }
}

/// What passed and is wanted on the target, wherever it stands.
fn is_landing_passed(queue: &Queue, run: &Run) -> bool {
    matches!(run.phase, Phase::Passed { .. }) && queue.tracks.is_landing(run.test)
}

/// A doubtful landing may have happened; whatever came between, it is asked for again.
fn may_land(queue: &Queue, run: &Run) -> bool {
    let is_doubtful = matches!(run.phase, Phase::Doubtful { .. });
    is_doubtful || (is_landing_passed(queue, run) && !queue.is_kept_out(run) && is_on_head(queue, run))
}

/// A doubtful landing is asked for again under a new id: landing twice is landing once.
fn land_run(draft: &mut Draft, id: RunId) {
    let may_land = |phase: &Phase| matches!(phase, Phase::Passed { .. } | Phase::Doubtful { .. });
    let Some(run) = draft.take_run(id, may_land) else { return };
    let is_doubtful = matches!(run.phase, Phase::Doubtful { .. });
    let (Phase::Passed { candidate, proof } | Phase::Doubtful { candidate, proof }) = run.phase else {
        unreachable!("only what may land was taken")
    };
    let id = if is_doubtful { draft.next_run_id() } else { run.id };
    let shown = shown_of(&draft.queue, &candidate);
    draft.owe(QueueEffect::Land { run: id, from: candidate.base.clone(), to: candidate.commit().clone(), shown });
    let phase = Phase::Landing { candidate, proof };
    draft.queue.runs.push(Run { id, phase, since: draft.now, ..run });
}

fn shown_of(queue: &Queue, candidate: &Candidate) -> Vec<Shown> {
    let shown = |part: &Part| {
        let Change { branch, head, .. } = &queue.entry(&part.entry)?.change;
        let (entry, branch, head) = (part.entry.clone(), branch.clone()?, head.clone());
        Some(Shown { entry, branch, head, commit: part.commit.clone() })
    };
    candidate.parts.iter().filter_map(shown).collect()
}

fn is_on_head(queue: &Queue, run: &Run) -> bool {
    run.candidate().is_some_and(|candidate| {
        Some(&candidate.base) == queue.head.as_ref() && candidate.parts.iter().map(|part| &part.entry).eq(&run.set)
    })
}
