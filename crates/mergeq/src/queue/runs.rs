//! What happened to runs: the answers of staging, checks and landing. An answer for a run that is gone, or in another
//! phase, is late and changes nothing.

use domain::{EntryId, Sha};

use super::draft::Draft;
use super::effect::{News, QueueEffect};
use super::event::{Obstacle, Refusal, Verdict};
use super::outcome::{Outcome, Proof, Why};
use super::state::{Candidate, Group, LandedEntry, Part, Pause, Phase, Queue, Run, RunId, Source, Suspicion, Tries};

pub(super) fn begin_testing(draft: &mut Draft, id: RunId, candidate: Candidate) {
    let Some(mut run) = draft.take_run(id, is_staging) else { return };
    if !candidate.parts.iter().map(|part| &part.entry).eq(&run.set) {
        return stall_run(draft, run, "staging answered for other entries than it was asked for");
    }
    draft.queue.head = Some(candidate.base.clone());
    draft.owe(QueueEffect::AwaitChecks { run: id, commit: candidate.commit().clone() });
    run.phase = Phase::Testing { candidate, tries: Tries::default() };
    run.since = draft.now;
    draft.queue.runs.push(run);
}

/// Only the blocked entry leaves the run; the rest is staged anew at once, and without it.
pub(super) fn unblock_staging(draft: &mut Draft, id: RunId, base: &Sha, entry: &EntryId, obstacle: &Obstacle) {
    let names_member = draft.queue.runs.iter().any(|run| run.id == id && run.set.contains(entry));
    if !names_member {
        return;
    }
    let Some(mut run) = draft.take_run(id, is_staging) else { return };
    draft.queue.head = Some(base.clone());
    run.set.retain(|member| member != entry);
    forget_suspicion(&mut draft.queue);
    match obstacle {
        // Alone there is nobody to stand aside for, and going back would be for ever.
        Obstacle::Rivals { with, paths } if run.set.is_empty() => {
            draft.eject_entry(entry, Why::Conflict { with: with.clone(), paths: paths.clone() });
        }
        Obstacle::Rivals { with, paths } => {
            let news = News::SteppedAside { with: with.clone(), paths: paths.clone() };
            draft.report(entry, news);
            step_aside(draft, &run, entry);
        }
        Obstacle::Conflict { paths } => {
            let with = landed_rivals(&draft.queue, entry, paths);
            draft.eject_entry(entry, Why::Conflict { with, paths: paths.clone() });
        }
        Obstacle::AlreadyIn => draft.eject_entry(entry, Why::AlreadyIn),
        Obstacle::Unusable { why } => draft.eject_entry(entry, Why::Unusable { why: why.clone() }),
    }
    if !run.set.is_empty() {
        draft.begin_staging(run.set, run.source);
    }
}

/// From the line, an entry that stands aside is in line again by itself; a part of a red run waits for its turn there.
fn step_aside(draft: &mut Draft, run: &Run, entry: &EntryId) {
    match run.source {
        Source::Line => {}
        Source::Retry => {
            let group = Group { set: vec![entry.clone()], suspicion: Suspicion::Open };
            draft.queue.retry.push_front(group);
        }
    }
}

/// Who landed what an entry conflicts with: after its work began, as far as the queue remembers.
fn landed_rivals(queue: &Queue, entry: &EntryId, paths: &[String]) -> Vec<EntryId> {
    let started_from = queue.entry(entry).and_then(|entry| entry.change.started_from.as_ref());
    let known = queue.landed.iter().position(|landed| Some(&landed.commit) == started_from);
    let after = known.map_or(0, |index| index + 1);
    let rivals = queue.landed.iter().skip(after).filter(|landed| landed.paths.iter().any(|path| paths.contains(path)));
    rivals.map(|landed| landed.entry.clone()).collect()
}

pub(super) fn stall_staging(draft: &mut Draft, id: RunId, why: &str) {
    if let Some(run) = draft.take_run(id, is_staging) {
        stall_run(draft, run, why);
    }
}

pub(super) fn conclude_checks(draft: &mut Draft, id: RunId, verdict: &Verdict) {
    let Some(run) = draft.take_run(id, |phase| matches!(phase, Phase::Testing { .. })) else { return };
    let Phase::Testing { candidate, tries } = run.phase.clone() else { unreachable!("the run was testing") };
    let limits = &draft.queue.policy.limits;
    match verdict {
        Verdict::Passed => pass_run(draft, run, candidate, Proof::Tested),
        Verdict::Untested => pass_run(draft, run, candidate, Proof::Untested),
        Verdict::Failed { .. } if tries.red < limits.reruns_max => {
            test_again(draft, run, candidate, Tries { red: tries.red + 1, ..tries });
        }
        Verdict::Failed { failing } => settle_fault(draft, run, Why::Checks { failing: failing.clone() }),
        Verdict::Unconcluded { .. } if tries.unconcluded < limits.unconcluded_max => {
            test_again(draft, run, candidate, Tries { unconcluded: tries.unconcluded + 1, ..tries });
        }
        Verdict::Unconcluded { why } => settle_fault(draft, run, Why::Unconcluded { why: why.clone() }),
        Verdict::NoGate { why } => settle_fault(draft, run, Why::NoGate { why: why.clone() }),
    }
}

fn pass_run(draft: &mut Draft, run: Run, candidate: Candidate, proof: Proof) {
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

/// A run alone is guilty; a run of several is split, and its first half is tested next.
fn settle_fault(draft: &mut Draft, run: Run, why: Why) {
    let was_alone = run.set.len() == 1;
    let n_members = run.set.len();
    let mut set = draft.grant_leaves(run.set);
    forget_suspicion(&mut draft.queue);
    if was_alone {
        if let Some(entry) = set.first() {
            draft.eject_entry(entry, why);
        }
    } else if set.len() < n_members {
        push_group(&mut draft.queue, set, Suspicion::Open);
    } else {
        let second = set.split_off(set.len().div_ceil(2));
        push_group(&mut draft.queue, second, Suspicion::GuiltyIfFirstLands);
        push_group(&mut draft.queue, set, Suspicion::Open);
    }
}

fn push_group(queue: &mut Queue, set: Vec<EntryId>, suspicion: Suspicion) {
    if !set.is_empty() {
        queue.retry.push_front(Group { set, suspicion });
    }
}

fn forget_suspicion(queue: &mut Queue) {
    if let Some(group) = queue.retry.front_mut() {
        group.suspicion = Suspicion::Open;
    }
}

pub(super) fn finish_landing(draft: &mut Draft, id: RunId) {
    let Some(run) = draft.take_run(id, |phase| matches!(phase, Phase::Landing { .. } | Phase::Doubtful { .. })) else {
        return;
    };
    match run.phase {
        Phase::Landing { candidate, proof } | Phase::Doubtful { candidate, proof } => {
            draft.queue.head = Some(candidate.commit().clone());
            for part in candidate.parts {
                let outcome = Outcome::Merged { commit: part.commit.clone(), proof };
                draft.end_entry(&part.entry, outcome);
                remember_landed(&mut draft.queue, part);
            }
        }
        Phase::Staging { .. } | Phase::Testing { .. } | Phase::Passed { .. } => unreachable!("the run was landing"),
    }
    split_guilty_rest(&mut draft.queue);
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

/// The first half of a red run landed, so the fault is in the second: testing that whole would teach nothing.
fn split_guilty_rest(queue: &mut Queue) {
    let is_guilty = |group: &mut Group| group.suspicion == Suspicion::GuiltyIfFirstLands;
    let Some(mut group) = queue.retry.pop_front_if(is_guilty) else { return };
    let second = group.set.split_off(group.set.len().div_ceil(2));
    push_group(queue, second, Suspicion::GuiltyIfFirstLands);
    push_group(queue, group.set, Suspicion::Open);
}

pub(super) fn settle_refusal(draft: &mut Draft, id: RunId, refusal: &Refusal) {
    let Some(run) = draft.take_run(id, |phase| matches!(phase, Phase::Landing { .. })) else { return };
    match refusal {
        Refusal::Moved { head } => {
            draft.queue.head = Some(head.clone());
            draft.put_back(run);
        }
        Refusal::Final { why } => settle_fault(draft, run, Why::Refused { why: why.clone() }),
    }
}

/// Its entries stay in the run: it may have landed, and only asking again tells.
pub(super) fn doubt_landing(draft: &mut Draft, id: RunId, why: &str) {
    let Some(run) = draft.take_run(id, |phase| matches!(phase, Phase::Landing { .. })) else { return };
    stall_queue(draft, &run, why);
    let Phase::Landing { candidate, proof } = run.phase else { unreachable!("the run was landing") };
    draft.queue.runs.push(Run { phase: Phase::Doubtful { candidate, proof }, since: draft.now, ..run });
}

fn stall_run(draft: &mut Draft, run: Run, why: &str) {
    stall_queue(draft, &run, why);
    draft.put_back(run);
}

fn stall_queue(draft: &mut Draft, run: &Run, why: &str) {
    draft.queue.pause.get_or_insert_with(|| Pause::Stalled { why: why.to_owned() });
    for entry in &run.set {
        draft.report(entry, News::Stalled { why: why.to_owned() });
    }
}

fn is_staging(phase: &Phase) -> bool {
    matches!(phase, Phase::Staging { .. })
}
