//! What to do now, from facts only. It never sees the event, and running it twice proposes nothing new.

use super::draft::Draft;
use super::effect::QueueEffect;
use super::entry::{Entry, Standing};
use super::order::Gatekeeper;
use super::outcome::Why;
use super::probing::{ask_for_clashes, let_clashing_step_aside};
use super::repair::send_back;
use super::state::{Candidate, Phase, Queue, Run, Vouched};
use crate::strategy::{Act, Item, TestId};

pub(super) fn plan(draft: &mut Draft) {
    if draft.queue.pause.is_some() {
        let stops = draft.queue.strategist.take_acts();
        carry_out(draft, stops);
    } else {
        adopt_policy(draft);
        ask_strategist(draft);
    }
    draft.drop_needless_runs();
    if draft.queue.pause.is_none() {
        restage_outdated_runs(draft);
        drive_landing(draft);
        ask_for_clashes(draft);
    }
    draft.queue.runs.sort_by_key(|run| run.id);
}

/// Not while something lands: that was decided by the rules of before.
fn adopt_policy(draft: &mut Draft) {
    let Queue { strategist, policy, entries, .. } = &mut draft.queue;
    let is_in_force = strategist.kind() == policy.strategy && strategist.board().slots() == policy.runs_max.max(1);
    if !is_in_force && strategist.board().landing().is_none() {
        let admitted = entries.iter().filter(|entry| entry.admitted).map(Entry::item);
        strategist.adopt(policy.strategy, policy.runs_max, admitted);
    }
}

/// Whoever an ejection, or one that stepped aside, made room for is asked about too.
fn ask_strategist(draft: &mut Draft) {
    loop {
        admit_entries(&mut draft.queue);
        if let_clashing_step_aside(draft) {
            continue;
        }
        let acts = draft.queue.strategist.plan();
        let is_over = acts.is_empty();
        carry_out(draft, acts);
        // What was judged without an act may have left a test, and whoever is in none steps aside.
        if !draft.drop_needless_runs() && is_over && !let_clashing_step_aside(draft) {
            return;
        }
    }
}

/// Hands whoever may be tested to the strategy, by rank. Whoever wants no company is in line alone, and holds up those
/// behind, so that its turn comes.
fn admit_entries(queue: &mut Queue) {
    let is_alone = queue.entries.iter().any(|entry| entry.admitted && entry.is_solitary());
    if is_alone {
        return;
    }
    let mut is_anybody_there = queue.entries.iter().any(|entry| entry.admitted);
    for index in admissible(queue) {
        let entry = &mut queue.entries[index];
        let is_solitary = entry.is_solitary();
        if is_solitary && is_anybody_there {
            return;
        }
        (entry.admitted, entry.standing) = (true, Standing::Ready);
        is_anybody_there = true;
        queue.strategist.absorb(&crate::strategy::Fact::Arrived(entry.item()));
        if is_solitary {
            return;
        }
    }
}

/// The entries that the strategy does not have and may have, in their order.
fn admissible(queue: &Queue) -> Vec<usize> {
    let may_come =
        |entry: &Entry| matches!(entry.standing, Standing::Ready | Standing::Aside { .. }) && !entry.admitted;
    let mut waiting = queue.entries.iter().enumerate().filter(|(_, entry)| may_come(entry)).peekable();
    if waiting.peek().is_none() {
        return Vec::new();
    }
    let mut gatekeeper = Gatekeeper::of(queue);
    waiting.filter_map(|(index, entry)| gatekeeper.stops(entry).is_none().then_some(index)).collect()
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
    let why = draft.queue.faults.iter().find(|fault| fault.set.contains(&id)).map(|fault| fault.why.clone());
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

/// Brings what the strategy wants to land a step further: the commits that were tested, where they still stand on the
/// head; otherwise commits of the same content that do, which need another test only if their tree is not the tested
/// one. A doubtful landing is asked for again under a new id: landing twice is landing once.
fn drive_landing(draft: &mut Draft) {
    let Some(test) = draft.queue.strategist.board().landing() else { return };
    let Some(index) = draft.queue.runs.iter().position(|run| run.test == test) else { return };
    let run = &draft.queue.runs[index];
    let (candidate, proof, is_doubtful) = match &run.phase {
        Phase::Passed { candidate, proof } => (candidate.clone(), *proof, false),
        Phase::Doubtful { candidate, proof } => (candidate.clone(), *proof, true),
        Phase::Staging { .. } | Phase::Testing { .. } | Phase::Landing { .. } => return,
    };
    let run = draft.queue.runs.remove(index);
    if !is_doubtful && !is_on_head(&draft.queue, &run, &candidate) {
        let vouched = Vouched { tree: candidate.tree, proof };
        return draft.begin_staging((test, run.n_lost), run.set, Some(vouched));
    }
    let id = if is_doubtful { draft.next_run_id() } else { run.id };
    draft.owe(QueueEffect::Land { run: id, from: candidate.base.clone(), to: candidate.commit().clone() });
    let phase = Phase::Landing { candidate, proof };
    draft.queue.runs.insert(index, Run { id, phase, since: draft.now, ..run });
}

fn is_on_head(queue: &Queue, run: &Run, candidate: &Candidate) -> bool {
    Some(&candidate.base) == queue.head.as_ref() && candidate.parts.iter().map(|part| &part.entry).eq(&run.set)
}
