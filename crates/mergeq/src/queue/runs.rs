//! What happened to runs: the answers of staging, checks and landing. An answer for a run that is gone, or in another
//! phase, is late and changes nothing.

use domain::{EntryId, Sha};

use super::absorb::take_from_line;
use super::draft::Draft;
use super::effect::{News, QueueEffect};
use super::entry::{Leave, Standing};
use super::event::{Obstacle, Refusal, Verdict};
use super::outcome::{Outcome, Proof, Why};
use super::repair::send_back;
use super::soundness::{LandedPart, LandedRun};
use super::state::{Candidate, Fault, LandedEntry, Part, Pause, Phase, Queue, Run, RunId, Tries};
use crate::strategy::Fact;

pub(super) fn begin_testing(draft: &mut Draft, id: RunId, candidate: Candidate) {
    if !is_of_use(draft, &candidate.base) {
        return put_off(draft, id);
    }
    let Some(mut run) = draft.take_run(id, is_staging) else { return };
    if !candidate.parts.iter().map(|part| &part.entry).eq(&run.set) {
        draft.queue.runs.push(run);
        return stall_staging(draft, id, "staging answered for other entries than it was asked for");
    }
    learn_head(draft, &candidate.base);
    let Phase::Staging { vouched, .. } = run.phase else { unreachable!("the run was staging") };
    run.phase = match vouched.filter(|vouched| vouched.tree == candidate.tree) {
        Some(vouched) => Phase::Passed { candidate, proof: vouched.proof },
        None => {
            draft.owe(QueueEffect::AwaitChecks { run: id, commit: candidate.commit().clone() });
            Phase::Testing { candidate, tries: Tries::default() }
        }
    };
    run.since = draft.now;
    draft.tell_strategist(run.test, Fact::Begun);
    draft.queue.runs.push(run);
}

/// While a landing is in flight nobody knows what another head means.
fn is_of_use(draft: &Draft, base: &Sha) -> bool {
    draft.queue.committed_run().is_none() || draft.queue.head.as_ref() == Some(base)
}

/// The answer does not count; it is asked for again later.
fn put_off(draft: &mut Draft, id: RunId) {
    if let Some(run) = draft.run_mut(id, is_staging) {
        outdate(run);
    }
}

fn outdate(run: &mut Run) {
    if let Phase::Staging { is_outdated, .. } = &mut run.phase {
        *is_outdated = true;
    }
}

/// A head that the queue did not make: what is being made or tested is of an older one.
pub(super) fn learn_head(draft: &mut Draft, head: &Sha) {
    if draft.queue.head.as_ref() == Some(head) {
        return;
    }
    if draft.queue.head.replace(head.clone()).is_some() {
        draft.queue.runs.iter_mut().for_each(outdate);
        draft.queue.tracks.note_moved();
    }
}

/// Only the blocked entry leaves the run; the rest is staged anew at once, and without it.
pub(super) fn unblock_staging(draft: &mut Draft, id: RunId, base: &Sha, entry: &EntryId, obstacle: &Obstacle) {
    let run = draft.queue.runs.iter().find(|run| run.id == id && is_staging(&run.phase));
    let Some(run) = run.filter(|run| run.set.contains(entry)).cloned() else { return };
    if draft.queue.is_committed(entry) || !is_of_use(draft, base) {
        return put_off(draft, id);
    }
    learn_head(draft, base);
    take_from_line(draft, entry);
    match obstacle {
        Obstacle::Rivals { with, paths } => step_aside(draft, &run, entry, (with, paths)),
        Obstacle::Conflict { paths } => {
            let with = landed_rivals(&draft.queue, entry, paths);
            send_back(draft, entry, Why::Conflict { with, paths: paths.clone() });
        }
        Obstacle::AlreadyIn => draft.eject_entry(entry, Why::AlreadyIn),
        Obstacle::Unusable { why } => draft.eject_entry(entry, Why::Unusable { why: why.clone() }),
    }
}

/// Those before it in the run come first. The first has nobody to stand aside for, and waiting would be for ever.
fn step_aside(draft: &mut Draft, run: &Run, entry: &EntryId, (with, paths): (&[EntryId], &[String])) {
    let earlier: Vec<EntryId> = run.set.iter().take_while(|member| *member != entry).cloned().collect();
    let named: Vec<EntryId> = earlier.iter().filter(|member| with.contains(member)).cloned().collect();
    let paths = paths.to_vec();
    if earlier.is_empty() {
        return send_back(draft, entry, Why::Conflict { with: with.to_vec(), paths });
    }
    let with = if named.is_empty() { earlier } else { named };
    put_aside(draft, entry, (with, paths));
}

/// Takes an entry from the strategy until those before it with whom it does not go together have their outcomes.
pub(super) fn put_aside(draft: &mut Draft, entry: &EntryId, (with, paths): (Vec<EntryId>, Vec<String>)) {
    draft.report(entry, News::SteppedAside { with: with.clone(), paths });
    draft.release_entry(entry);
    if let Some(entry) = draft.entry_mut(entry) {
        entry.rivals.clone_from(&with);
        entry.standing = Standing::Aside { with };
    }
}

/// Who landed what an entry conflicts with: those with whom it did not merge while they were in line; if none of them
/// landed, whoever changed the same files after its work began, as far as the queue remembers.
fn landed_rivals(queue: &Queue, entry: &EntryId, paths: &[String]) -> Vec<EntryId> {
    let has_landed = |rival: &&EntryId| queue.landed.iter().any(|landed| landed.entry == **rival);
    let rivals = queue.entry(entry).map_or(&[][..], |entry| &entry.rivals);
    let known: Vec<EntryId> = rivals.iter().filter(has_landed).cloned().collect();
    if !known.is_empty() {
        return known;
    }
    let started_from = queue.entry(entry).and_then(|entry| entry.change.started_from.as_ref());
    let known = queue.landed.iter().position(|landed| Some(&landed.commit) == started_from);
    let after = known.map_or(0, |index| index + 1);
    let rivals = queue.landed.iter().skip(after).filter(|landed| landed.paths.iter().any(|path| paths.contains(path)));
    rivals.map(|landed| landed.entry.clone()).collect()
}

/// The run keeps its place: it is staged anew when somebody resumes.
pub(super) fn stall_staging(draft: &mut Draft, id: RunId, why: &str) {
    let Some(run) = draft.run_mut(id, is_staging) else { return };
    outdate(run);
    let set = run.set.clone();
    stall_queue(draft, &set, why);
}

pub(super) fn conclude_checks(draft: &mut Draft, id: RunId, verdict: &Verdict) {
    let Some(mut run) = draft.take_run(id, |phase| matches!(phase, Phase::Testing { .. })) else { return };
    let Phase::Testing { candidate, tries } = run.phase.clone() else { unreachable!("the run was testing") };
    run.n_lost = 0;
    let limits = &draft.queue.policy.limits;
    match verdict {
        Verdict::Passed => pass_run(draft, run, candidate, Proof::Tested),
        Verdict::AlreadyPassed => pass_run(draft, run, candidate, Proof::AlreadyTested),
        Verdict::Untested => pass_run(draft, run, candidate, Proof::Untested),
        Verdict::Failed { .. } if tries.red < limits.reruns_max => {
            test_again(draft, run, candidate, Tries { red: tries.red + 1, ..tries });
        }
        Verdict::Failed { failing } => {
            fail_run(draft, &run, Why::Checks { failing: failing.clone(), sure_permille: 1_000 });
        }
        Verdict::Unconcluded { .. } if tries.unconcluded < limits.unconcluded_max => {
            test_again(draft, run, candidate, Tries { unconcluded: tries.unconcluded + 1, ..tries });
        }
        Verdict::Unconcluded { why } => fail_run(draft, &run, Why::Unconcluded { why: why.clone() }),
        Verdict::NoGate { why } => fail_run(draft, &run, Why::NoGate { why: why.clone() }),
    }
}

fn pass_run(draft: &mut Draft, run: Run, candidate: Candidate, proof: Proof) {
    if !draft.queue.tracks.is_landing(run.test) {
        draft.tell_strategist(run.test, Fact::Green);
    }
    let phase = Phase::Passed { candidate, proof };
    draft.queue.runs.push(Run { phase, since: draft.now, ..run });
}

/// The same commit under a new id, so that answers of earlier attempts are late.
fn test_again(draft: &mut Draft, run: Run, candidate: Candidate, tries: Tries) {
    let id = draft.next_run_id();
    draft.owe(QueueEffect::AwaitChecks { run: id, commit: candidate.commit().clone() });
    let phase = Phase::Testing { candidate, tries };
    draft.queue.runs.push(Run { id, phase, since: draft.now, ..run });
}

fn fail_run(draft: &mut Draft, run: &Run, why: Why) {
    remember_fault(&mut draft.queue, &run.set, why);
    if draft.queue.tracks.is_landing(run.test) {
        draft.tell_strategist(run.test, Fact::Refused);
    } else {
        draft.tell_strategist(run.test, Fact::Red);
    }
}

/// Whoever was red among some of the same only is better known by that.
fn remember_fault(queue: &mut Queue, members: &[EntryId], why: Why) {
    let is_among = |one: &[EntryId], others: &[EntryId]| one.iter().all(|member| others.contains(member));
    let mut set = members.to_vec();
    for known in &mut queue.faults {
        if is_among(members, &known.members) {
            known.set.retain(|member| !members.contains(member));
        } else if is_among(&known.members, members) {
            set.retain(|member| !known.set.contains(member));
        }
    }
    queue.faults.retain(|fault| !fault.set.is_empty());
    if !set.is_empty() {
        queue.faults.push(Fault { members: members.to_vec(), set, why });
    }
    let surplus = queue.faults.len().saturating_sub(queue.policy.limits.faults_max);
    queue.faults.drain(..surplus);
}

pub(super) fn finish_landing(draft: &mut Draft, id: RunId) {
    let Some(run) = draft.take_run(id, Phase::is_committed) else { return };
    match run.phase {
        Phase::Landing { candidate, proof } | Phase::Doubtful { candidate, proof } => {
            draft.queue.head = Some(candidate.commit().clone());
            order_audit(draft, &candidate);
            for part in candidate.parts {
                let outcome = Outcome::Merged { commit: part.commit.clone(), proof };
                draft.end_entry(&part.entry, outcome);
                draft.queue.acquit(&part.entry);
                remember_landed(&mut draft.queue, part);
            }
        }
        Phase::Staging { .. } | Phase::Testing { .. } | Phase::Passed { .. } => unreachable!("the run was landing"),
    }
    draft.tell_strategist(run.test, Fact::Landed);
    draft.queue.runs.iter_mut().for_each(outdate);
    advance_runs(draft, &run.set);
}

/// With where each branch ended, which nobody knows any more once its entry is gone.
fn order_audit(draft: &mut Draft, candidate: &Candidate) {
    let landed = |part: &Part| {
        let head = draft.queue.entry(&part.entry)?.change.head.clone();
        Some(LandedPart { entry: part.entry.clone(), commit: part.commit.clone(), head })
    };
    let parts = candidate.parts.iter().filter_map(landed).collect();
    let (from, to, tested) = (candidate.base.clone(), candidate.commit().clone(), candidate.tree.clone());
    draft.queue.unaudited.push_back(to.clone());
    let surplus = draft.queue.unaudited.len().saturating_sub(draft.queue.policy.limits.landed_max);
    draft.queue.unaudited.drain(..surplus);
    draft.owe(QueueEffect::Audit { run: LandedRun { from, to, tested, parts } });
}

fn remember_landed(queue: &mut Queue, part: Part) {
    let Part { entry, commit, mut paths } = part;
    let limits = &queue.policy.limits;
    paths.truncate(limits.paths_max);
    queue.landed.push_back(LandedEntry { entry, commit, paths });
    while queue.landed.len() > limits.landed_max {
        queue.landed.pop_front();
    }
}

/// Commits that stand on the very commits that landed now stand on the head.
fn advance_runs(draft: &mut Draft, landed: &[EntryId]) {
    let Queue { runs, head, .. } = &mut draft.queue;
    for run in runs {
        run.set.retain(|member| !landed.contains(member));
        let (Some(candidate), Some(head)) = (run.candidate_mut(), head.as_ref()) else { continue };
        if let Some(index) = candidate.parts.iter().position(|part| part.commit == *head) {
            candidate.parts.drain(..=index);
            candidate.base = head.clone();
        }
    }
    draft.drop_runs(|run, _| run.set.is_empty());
}

pub(super) fn settle_refusal(draft: &mut Draft, id: RunId, refusal: &Refusal) {
    let Some(run) = draft.take_run(id, |phase| matches!(phase, Phase::Landing { .. })) else { return };
    if let Refusal::Moved { head } = refusal {
        learn_head(draft, head);
    }
    draft.tell_strategist(run.test, Fact::Refused);
    if let Refusal::HeadMoved { entry, head } = refusal
        && run.set.contains(entry)
        && let Some(entry) = draft.entry_mut(entry).filter(|entry| entry.is_ready())
    {
        entry.standing = Standing::Leaving(Leave::HeadMoved { head: head.clone() });
    }
    let is_lone = run.set.len() == 1;
    let staying = draft.grant_leaves(run.set);
    if let Refusal::Final { why } = refusal {
        staying.iter().for_each(|entry| part_company(draft, entry, is_lone.then_some(why)));
    }
}

/// Whom the forge refuses alone it will never take; those whom it refuses together are tried one by one.
fn part_company(draft: &mut Draft, id: &EntryId, refused_alone: Option<&String>) {
    if let Some(why) = refused_alone {
        return draft.eject_entry(id, Why::Refused { why: why.clone() });
    }
    draft.release_entry(id);
    if let Some(entry) = draft.entry_mut(id) {
        entry.solitary = true;
    }
}

/// Gives up a landing that is not yet in flight; what it would have landed is in line again.
pub(super) fn call_off_landing(draft: &mut Draft, run: &Run) {
    if draft.queue.tracks.is_landing(run.test) {
        draft.drop_run_of(run.test);
        draft.tell_strategist(run.test, Fact::Refused);
    }
}

/// Its entries stay in the run: it may have landed, and only asking again tells.
pub(super) fn doubt_landing(draft: &mut Draft, id: RunId, why: &str) {
    let now = draft.now;
    let Some(run) = draft.run_mut(id, |phase| matches!(phase, Phase::Landing { .. })) else { return };
    let Phase::Landing { candidate, proof } = run.phase.clone() else { unreachable!("the run was landing") };
    (run.phase, run.since) = (Phase::Doubtful { candidate, proof }, now);
    let set = run.set.clone();
    stall_queue(draft, &set, why);
}

pub(super) fn stall_queue(draft: &mut Draft, of: &[EntryId], why: &str) {
    draft.queue.pause.get_or_insert_with(|| Pause::Stalled { why: why.to_owned() });
    for entry in of {
        draft.report(entry, News::Stalled { why: why.to_owned() });
    }
}

fn is_staging(phase: &Phase) -> bool {
    matches!(phase, Phase::Staging { is_outdated: false, .. })
}
