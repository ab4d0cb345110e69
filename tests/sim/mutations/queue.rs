//! Queues with one fault each.

use domain::{EntryId, Machine, Rejected, Step, Timestamp};
use mergeq::queue::state::{Group, Source, Suspicion};
use mergeq::queue::{
    Candidate, Company, Entry, News, Obstacle, Outcome, Part, Pause, Phase, Proof, Queue, QueueEffect, QueueEvent,
    Refusal, Run, RunId, Verdict,
};

use super::{Mutation, altered};
use crate::door::{Rules, Stepper};
use crate::laws;

fn mutation(law: &'static str, fault: &'static str, queue: Stepper<Queue>) -> Mutation {
    Mutation::of_machine(law, fault, Rules { queue, ..Rules::default() })
}

pub fn mutations() -> Vec<Mutation> {
    [of_states(), of_runs(), of_runs_on_their_way(), of_steps(), of_histories(), of_outcomes()]
        .into_iter()
        .flatten()
        .collect()
}

type Stepped = Result<Step<Queue>, Rejected>;

fn is_enqueued(event: &QueueEvent) -> bool {
    matches!(event, QueueEvent::Enqueued { .. })
}

/// Somebody who is ready and in no run or group.
fn waiting(queue: &Queue) -> Option<Entry> {
    let is_free = |id: &EntryId| queue.run_of(id).is_none() && queue.retry.iter().all(|group| !group.set.contains(id));
    queue.entries.iter().find(|entry| entry.is_ready() && is_free(&entry.change.id)).cloned()
}

fn group(set: Vec<EntryId>) -> Group {
    Group { set, suspicion: Suspicion::Open }
}

fn add_run(step: &mut Step<Queue>, entry: &Entry, now: Timestamp, phase: Phase) -> RunId {
    let id = RunId(step.state.next_run);
    step.state.next_run += 1;
    step.state.runs.push(Run { id, set: vec![entry.change.id.clone()], source: Source::Line, since: now, phase });
    id
}

fn of_states() -> Vec<Mutation> {
    vec![
        mutation("queue: nobody is in it twice", "an entry comes twice", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let twin = step.state.entries.last().filter(|_| is_enqueued(event)).cloned();
                step.state.entries.extend(twin);
            })
        }),
        mutation("queue: a run holds entries of the queue", "a run takes a stranger along", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                if let Some(run) = step.state.runs.first_mut() {
                    run.set.push(EntryId::new("nobody"));
                }
            })
        }),
        mutation("queue: nobody is in two runs", "an entry stays in its group when it runs", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let set = step.state.runs.first().map(|run| run.set.clone());
                step.state.retry.extend(set.map(group));
            })
        }),
        mutation(
            "queue: the reserved and the leaving stand apart",
            "a reserved entry stays in its group",
            |queue, event, now| {
                altered(queue, event, now, |_, step| {
                    if let QueueEvent::Reserved { entry, .. } = event
                        && step.state.entry(entry).is_some_and(|entry| !entry.is_ready())
                        && step.state.run_of(entry).is_none()
                    {
                        step.state.retry.push_back(group(vec![entry.clone()]));
                    }
                })
            },
        ),
        mutation("queue: the line is by rank", "who comes last is first", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                if is_enqueued(event) {
                    step.state.entries.rotate_right(1);
                }
            })
        }),
        mutation("queue: a rank is given once", "a rank is given again", |queue, event, now| {
            altered(queue, event, now, |_, step| step.state.next_rank -= u64::from(is_enqueued(event)))
        }),
        mutation("queue: no group is empty", "an empty group is kept", |queue, event, now| {
            altered(queue, event, now, |_, step| step.state.retry.push_back(group(Vec::new())))
        }),
        mutation("queue: what it remembers is bounded", "everything that landed is remembered", |queue, event, now| {
            altered(queue, event, now, |before, step| {
                if let QueueEvent::Landed { .. } = event {
                    let forgotten = before.landed.iter().filter(|landed| !step.state.landed.contains(landed));
                    let forgotten: Vec<_> = forgotten.cloned().collect();
                    step.state.landed.extend(forgotten);
                }
            })
        }),
        mutation("queue: whoever waits is on the way", "nothing starts", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                step.state.runs.retain(|run| !matches!(run.phase, Phase::Staging { .. }));
                step.effects.retain(|effect| !matches!(effect, QueueEffect::Stage { .. }));
            })
        }),
    ]
}

fn of_runs() -> Vec<Mutation> {
    vec![
        mutation("queue: a run's number is given once", "a run's number is given again", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                step.state.next_run = step.state.runs.first().map_or(step.state.next_run, |run| run.id.0);
            })
        }),
        mutation("queue: one landing at a time", "two land at once", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let landing = step.effects.iter().find(|effect| matches!(effect, QueueEffect::Land { .. })).cloned();
                let (Some(QueueEffect::Land { from, to, .. }), Some(entry)) = (landing, waiting(&step.state)) else {
                    return;
                };
                let Some(phase) = step.state.runs.first().map(|run| run.phase.clone()) else { return };
                let run = add_run(step, &entry, now, phase);
                step.effects.push(QueueEffect::Land { run, from, to });
            })
        }),
        mutation("queue: no run is empty", "an empty run is staged", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let staging = step.state.runs.iter_mut().filter(|run| matches!(run.phase, Phase::Staging { .. }));
                staging.for_each(|run| run.set.clear());
            })
        }),
        mutation("queue: a run stands on the head", "a moved target abandons nothing", |mut queue, event, now| {
            match event {
                QueueEvent::TargetMoved { seen, head }
                    if queue.head == *seen && !queue.runs.iter().any(Run::is_committed) =>
                {
                    queue.head = Some(head.clone());
                    Ok(Step::quiet(queue))
                }
                _ => queue.step(event, now),
            }
        }),
        mutation(
            "queue: who wants no company has none",
            "a loner is put into a run of several",
            |queue, event, now| {
                altered(queue, event, now, |_, step| {
                    let Some(run) = step.state.runs.iter().find(|run| run.set.len() > 1) else { return };
                    let first = run.set[0].clone();
                    let loner = step.state.entries.iter_mut().find(|entry| entry.change.id == first);
                    loner.expect("a run is of entries").change.company = Company::Alone;
                })
            },
        ),
    ]
}

fn of_runs_on_their_way() -> Vec<Mutation> {
    vec![
        mutation("queue: a run has its own commits", "a run takes somebody else's commit", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let candidates = step.state.runs.iter_mut().filter_map(|run| match &mut run.phase {
                    Phase::Testing { candidate, .. } => Some(candidate),
                    _ => None,
                });
                candidates.for_each(|candidate| candidate.parts[0].entry = EntryId::new("nobody"));
            })
        }),
        mutation("queue: a doubt calls somebody", "a doubtful landing is kept quiet", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                if let QueueEvent::LandingUnanswered { .. } = event {
                    step.state.pause = None;
                }
            })
        }),
        mutation("queue: its runs are bounded", "another run is always started", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let Some(entry) = waiting(&step.state).filter(|_| !step.state.runs.is_empty()) else { return };
                let phase = Phase::Staging { seen: step.state.head.clone() };
                let run = add_run(step, &entry, now, phase);
                step.effects.push(QueueEffect::Stage { run, changes: vec![entry.change], at: now });
            })
        }),
        mutation("queue: what passed is landed", "a green run waits for ever", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                step.effects.retain(|effect| !matches!(effect, QueueEffect::Land { .. }));
                step.state.runs.iter_mut().for_each(|run| run.phase = unlanded(run.phase.clone()));
            })
        }),
    ]
}

fn unlanded(phase: Phase) -> Phase {
    match phase {
        Phase::Landing { candidate, proof } => Phase::Passed { candidate, proof },
        other => other,
    }
}

fn of_steps() -> Vec<Mutation> {
    vec![
        mutation("queue: only the tested is landed", "red is taken for green", |queue, event, now| match event {
            QueueEvent::ChecksConcluded { run, verdict: Verdict::Failed { .. } } => {
                queue.step(&QueueEvent::ChecksConcluded { run: *run, verdict: Verdict::Passed }, now)
            }
            _ => queue.step(event, now),
        }),
        mutation("queue: who leaves has one outcome", "an outcome is not told", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                step.effects.retain(|effect| !matches!(effect, QueueEffect::Report { news: News::Ended(_), .. }));
            })
        }),
        mutation("queue: who leaves has one outcome", "an outcome is told twice", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let ended = step
                    .effects
                    .iter()
                    .find(|effect| matches!(effect, QueueEffect::Report { news: News::Ended(_), .. }));
                let ended = ended.cloned();
                step.effects.extend(ended);
            })
        }),
        mutation("queue: who leaves has one outcome", "a moved target loses an entry", |queue, event, now| {
            altered(queue, event, now, |before, step| {
                let moved = QueueEvent::LandingRefused { run: RunId(0), refusal: Refusal::Moved { head: lost() } };
                let is_moved = std::mem::discriminant(event) == std::mem::discriminant(&moved);
                let of_run =
                    before.runs.first().filter(|run| is_moved && run.is_committed()).map(|run| run.set[0].clone());
                step.state.entries.retain(|entry| Some(&entry.change.id) != of_run.as_ref());
            })
        }),
        mutation("queue: a landing is not disturbed", "a withdrawal stops a landing", |mut queue, event, now| {
            match event {
                QueueEvent::Withdrawn { entry, .. } if queue.run_of(entry).is_some_and(Run::is_committed) => {
                    queue.runs.clear();
                    Ok(Step::quiet(queue))
                }
                _ => queue.step(event, now),
            }
        }),
        mutation("queue: a run owes one effect", "checks are not asked for", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                step.effects.retain(|effect| !matches!(effect, QueueEffect::AwaitChecks { .. }));
            })
        }),
    ]
}

fn lost() -> domain::Sha {
    "e".repeat(40).parse().expect("40 hexadecimal digits")
}

fn of_histories() -> Vec<Mutation> {
    vec![
        mutation(laws::LATE, "a verdict for a run that is gone stops the queue", |queue, event, now| {
            altered(queue, event, now, |before, step| {
                if let QueueEvent::ChecksConcluded { run, .. } | QueueEvent::Staged { run, .. } = event
                    && before.runs.iter().all(|known| known.id != *run)
                {
                    step.state.pause = Some(Pause::Stalled { why: "who said that?".to_owned() });
                }
            })
        }),
        mutation(laws::PLANNED, "planning again proposes again", |queue, event, now| {
            altered(queue, event, now, |before, step| {
                let stale = matches!(event, QueueEvent::TargetMoved { seen, .. } if *seen != before.head);
                let run = before.runs.first().filter(|_| stale).map(|run| QueueEffect::CancelChecks { run: run.id });
                step.effects.extend(run);
            })
        }),
        mutation(laws::RANKED, "a red run goes to the end of the line", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let is_red = matches!(event, QueueEvent::ChecksConcluded { verdict: Verdict::Failed { .. }, .. });
                if is_red && step.state.entries.len() > 1 {
                    let mut entry = step.state.entries.remove(0);
                    entry.rank = step.state.next_rank;
                    step.state.next_rank += 1;
                    step.state.entries.push(entry);
                }
            })
        }),
        mutation(laws::INNOCENT, "a rival is ejected as a conflict", |queue, event, now| match event {
            QueueEvent::StagingBlocked { run, base, entry, obstacle: Obstacle::Rivals { paths, .. } } => {
                let obstacle = Obstacle::Conflict { paths: paths.clone() };
                let blocked =
                    QueueEvent::StagingBlocked { run: *run, base: base.clone(), entry: entry.clone(), obstacle };
                queue.step(&blocked, now)
            }
            _ => queue.step(event, now),
        }),
        mutation(laws::INNOCENT, "a red run ejects its last member", |queue, event, now| {
            let is_red = matches!(event, QueueEvent::ChecksConcluded { verdict: Verdict::Failed { .. }, .. });
            let queue = if is_red { with_last_alone(queue) } else { queue };
            queue.step(event, now)
        }),
        mutation(laws::INNOCENT, "checks that were cancelled are red", cancelled_is_red),
    ]
}

fn of_outcomes() -> Vec<Mutation> {
    vec![
        mutation(laws::PROVED, "what was never tested is called tested", |queue, event, now| match event {
            QueueEvent::ChecksConcluded { run, verdict: Verdict::Untested } => {
                queue.step(&QueueEvent::ChecksConcluded { run: *run, verdict: Verdict::Passed }, now)
            }
            _ => queue.step(event, now),
        }),
        mutation(laws::ONE_OUTCOME, "somebody who is gone gets another outcome", |queue, event, now| {
            altered(queue, event, now, |before, step| {
                let gone = before.landed.front().filter(|_| is_enqueued(event)).map(|landed| landed.entry.clone());
                let gone = gone.filter(|id| step.state.entry(id).is_none());
                step.effects.extend(gone.map(withdrawn));
            })
        }),
        mutation(laws::TESTED, "a pause lets a run pass", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                if let (QueueEvent::Paused { .. }, Some(run)) = (event, step.state.runs.first_mut())
                    && let Phase::Testing { candidate, .. } = run.phase.clone()
                {
                    run.phase = Phase::Passed { candidate, proof: Proof::Tested };
                }
            })
        }),
        mutation(laws::AGREED, "a full queue refuses, and its delivery stays unused", |queue, event, now| {
            let is_full = queue.entries.len() >= queue.policy.limits.entries_max;
            match event {
                QueueEvent::Enqueued { .. } if is_full => Err(Rejected::new("The queue is full", "Ask again later")),
                _ => queue.step(event, now),
            }
        })
        .among_the_overtaken(),
        mutation(laws::ASKED, "a wish to withdraw that comes too late is refused", |queue, event, now| match event {
            QueueEvent::Withdrawn { entry, .. } if queue.entry(entry).is_none() => {
                Err(Rejected::new("It is gone", "Look at the queue"))
            }
            _ => queue.step(event, now),
        })
        .among_the_overtaken(),
        mutation(laws::ASKED, "a moved branch is taken for a withdrawal", |queue, event, now| match event {
            QueueEvent::HeadMoved { entry, .. } if queue.entry(entry).is_some() => {
                let by = "ana".parse().expect("a name");
                queue.step(&QueueEvent::Withdrawn { entry: entry.clone(), by }, now)
            }
            _ => queue.step(event, now),
        }),
        mutation(laws::MERGED, "the base is told for the commit", |queue, event, now| {
            altered(queue, event, now, |before, step| {
                for effect in &mut step.effects {
                    let QueueEffect::Report { news: News::Ended(Outcome::Merged { commit, .. }), .. } = effect else {
                        continue;
                    };
                    *commit = before.head.clone().expect("what landed stood on a head");
                }
            })
        }),
        mutation(crate::calm::RESTS, "what the forge refuses is tried for ever", |queue, event, now| match event {
            QueueEvent::LandingRefused { run, refusal: Refusal::Final { .. } } => {
                let head = queue.head.clone().expect("what lands stands on a head");
                let moved = QueueEvent::LandingRefused { run: *run, refusal: Refusal::Moved { head } };
                queue.step(&moved, now)
            }
            _ => queue.step(event, now),
        }),
    ]
}

fn withdrawn(entry: EntryId) -> QueueEffect {
    let by = "ana".parse().expect("a name");
    QueueEffect::Report { entry, news: News::Ended(Outcome::Withdrawn { by }) }
}

/// The queue as if only the last of a tested run had been in it.
fn with_last_alone(mut queue: Queue) -> Queue {
    for run in &mut queue.runs {
        if let Phase::Testing { candidate: Candidate { parts, .. }, .. } = &mut run.phase {
            let last: Part = parts.pop().expect("a candidate has parts");
            run.set = vec![last.entry.clone()];
            *parts = vec![last];
        }
    }
    queue
}

fn cancelled_is_red(queue: Queue, event: &QueueEvent, now: Timestamp) -> Stepped {
    match event {
        QueueEvent::ChecksConcluded { run, verdict: Verdict::Unconcluded { .. } } => {
            let verdict = Verdict::Failed { failing: Vec::new() };
            queue.step(&QueueEvent::ChecksConcluded { run: *run, verdict }, now)
        }
        _ => queue.step(event, now),
    }
}
