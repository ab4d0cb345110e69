//! Queues with one fault each.

use domain::{EntryId, Machine, Rejected, Step, Timestamp};
use mergeq::queue::entry::Standing;
use mergeq::queue::{
    Company, Entry, Hold, News, Obstacle, Outcome, Pause, Phase, Queue, QueueEffect, QueueEvent, Refusal, Run, RunId,
    Verdict, Wanted, Watch,
};

use super::{Mutation, altered};
use crate::door::{Rules, Stepper};
use crate::laws;

fn mutation(law: &'static str, fault: &'static str, queue: Stepper<Queue>) -> Mutation {
    Mutation::of_machine(law, fault, Rules { queue, ..Rules::default() })
}

pub fn mutations() -> Vec<Mutation> {
    [
        of_states(),
        of_lasting(),
        of_hours(),
        of_runs(),
        of_runs_on_their_way(),
        of_steps(),
        of_histories(),
        of_outcomes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

type Stepped = Result<Step<Queue>, Rejected>;

fn is_enqueued(event: &QueueEvent) -> bool {
    matches!(event, QueueEvent::Enqueued { .. })
}

/// Somebody who is ready and in no run.
fn waiting(queue: &Queue) -> Option<Entry> {
    let is_free = |id: &EntryId| queue.runs_of(id).next().is_none();
    queue.entries.iter().find(|entry| entry.is_ready() && is_free(&entry.change.id)).cloned()
}

/// A run of the same test as the first one.
fn add_run(step: &mut Step<Queue>, entry: &Entry, now: Timestamp, phase: Phase) -> Option<RunId> {
    let (id, test) = (RunId(step.state.next_run), step.state.runs.first()?.test);
    step.state.next_run += 1;
    step.state.runs.push(Run { id, test, set: vec![entry.change.id.clone()], since: now, n_lost: 0, phase });
    Some(id)
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
        mutation("queue: a test has one run", "what passed is kept twice", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let is_passed = |run: &&Run| matches!(run.phase, Phase::Passed { .. });
                let twin = step.state.runs.iter().find(is_passed).cloned();
                if let (QueueEvent::ChecksConcluded { .. }, Some(run)) = (event, twin) {
                    let id = RunId(step.state.next_run);
                    step.state.next_run += 1;
                    step.state.runs.push(Run { id, ..run });
                }
            })
        }),
        mutation(
            "queue: the reserved and the leaving stand apart",
            "a reserved entry is still the strategy's",
            |queue, event, now| {
                altered(queue, event, now, |_, step| {
                    let reserved = step.state.entries.iter_mut().filter(|entry| !entry.is_ready());
                    reserved.for_each(|entry| entry.admitted = true);
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
        mutation("queue: who stands aside is behind", "one stands aside for itself too", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                for entry in &mut step.state.entries {
                    if let Standing::Aside { with } = &mut entry.standing {
                        with.push(entry.change.id.clone());
                    }
                }
            })
        }),
        mutation("queue: a probe is owed once", "a probe is forgotten", |queue, event, now| {
            altered(queue, event, now, |_, step| step.effects.retain(|one| !matches!(one, QueueEffect::Probe(_))))
        }),
    ]
}

fn of_hours() -> Vec<Mutation> {
    vec![
        mutation("queue: an opening is owed once", "nobody waits for the opening", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                step.effects.retain(|effect| !matches!(effect, QueueEffect::Opening { .. }));
            })
        }),
        mutation(
            "queue: while it is closed only the urgent land",
            "what passes lands at any hour",
            |mut queue, event, now| {
                let is_verdict = matches!(event, QueueEvent::ChecksConcluded { .. });
                if !is_verdict {
                    return queue.step(event, now);
                }
                let (closed, closing) = (std::mem::take(&mut queue.policy.closed), queue.closing.clone());
                let mut step = queue.step(event, now)?;
                (step.state.policy.closed, step.state.closing) = (closed, closing);
                Ok(step)
            },
        ),
    ]
}

fn of_lasting() -> Vec<Mutation> {
    vec![
        mutation(
            "queue: who shares a lane shares a track",
            "a change under test gets another's lanes",
            |queue, event, now| {
                altered(queue, event, now, |_, step| {
                    let on = |entry: &Entry, track: usize| entry.admitted && entry.track == track;
                    let lanes =
                        step.state.entries.iter().find(|entry| on(entry, 0)).map(|entry| entry.change.lanes.clone());
                    let other = step.state.entries.iter_mut().find(|entry| on(entry, 1));
                    if let (Some(other), Some(lanes)) = (other, lanes) {
                        other.change.lanes = lanes;
                    }
                })
            },
        ),
        mutation("queue: what is tested has a run", "a run that fails to be staged is dropped", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                if let QueueEvent::StagingFailed { run, .. } = event {
                    step.state.runs.retain(|known| known.id != *run);
                }
            })
        }),
        mutation("queue: no run goes on in vain", "a run outlives its landing", |queue, event, now| {
            altered(queue, event, now, |before, step| {
                let landed = before.runs.iter().find(|run| run.is_committed()).cloned();
                let entry = waiting(&step.state);
                if let (QueueEvent::Landed { .. }, Some(run), Some(entry)) = (event, landed, entry)
                    && step.state.entry(&run.set[0]).is_none()
                {
                    step.state.runs.push(Run { set: vec![entry.change.id], ..run });
                }
            })
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
        mutation("queue: whoever waits is on the way", "the queue never begins", |mut queue, event, now| match event {
            QueueEvent::Enqueued { .. } if queue.entries.is_empty() && queue.pause.is_none() => {
                queue.pause = Some(Pause::Stalled { why: "not today".to_owned() });
                altered(queue, event, now, |_, step| step.state.pause = None)
            }
            _ => queue.step(event, now),
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
                let landing = step.state.runs.iter().find(|run| run.is_committed());
                let Some(phase) = landing.map(|run| run.phase.clone()) else { return };
                let Some(run) = add_run(step, &entry, now, phase) else { return };
                step.effects.push(QueueEffect::Land { run, from, to, shown: Vec::new() });
            })
        }),
        mutation("queue: no run is empty", "an empty run is staged", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let staging = step.state.runs.iter_mut().filter(|run| matches!(run.phase, Phase::Staging { .. }));
                staging.for_each(|run| run.set.clear());
            })
        }),
        mutation(
            "queue: what lands stands on the head",
            "a newcomer moves the head under a landing",
            |queue, event, now| {
                altered(queue, event, now, |_, step| {
                    if is_enqueued(event) && step.state.committed_run().is_some() {
                        step.state.head = Some(lost());
                    }
                })
            },
        ),
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
        mutation("queue: who is held is in no run", "a hold stops nobody", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let hold = || Hold { by: "ana".parse().expect("a name"), why: "wait".to_owned() };
                step.state
                    .entries
                    .iter_mut()
                    .filter(|entry| entry.admitted)
                    .for_each(|entry| entry.hold = Some(hold()));
            })
        }),
        mutation("queue: a run is watched", "the watchdog sleeps", |queue, event, now| {
            altered(queue, event, now, |_, step| step.state.watch = Watch::default())
        }),
        mutation("queue: its runs are bounded", "another run is always started", |queue, event, now| {
            altered(queue, event, now, |_, step| {
                let Some(entry) = waiting(&step.state).filter(|_| !step.state.runs.is_empty()) else { return };
                let phase = Phase::Staging { is_outdated: false, vouched: None };
                let Some(run) = add_run(step, &entry, now, phase) else { return };
                step.effects.push(QueueEffect::Stage {
                    run,
                    changes: vec![Wanted { change: entry.change, since: entry.enqueued_at }],
                });
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
                QueueEvent::Withdrawn { entry, .. } if queue.is_committed(entry) => {
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
            let QueueEvent::ChecksConcluded { run, verdict: Verdict::Failed { .. } } = event else {
                return queue.step(event, now);
            };
            let members = queue.runs.iter().find(|known| known.id == *run && known.set.len() > 1);
            match members.and_then(|run| run.set.last().cloned()) {
                Some(entry) => queue.step(&QueueEvent::HeadMoved { entry, head: lost() }, now),
                None => queue.step(event, now),
            }
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
            let mut step = queue.step(event, now)?;
            let is_testing = |run: &&Run| matches!(run.phase, Phase::Testing { .. });
            let testing = step.state.runs.iter().find(is_testing).map(|run| run.id);
            if let (QueueEvent::Paused { .. }, Some(run)) = (event, testing) {
                let passed = QueueEvent::ChecksConcluded { run, verdict: Verdict::Passed };
                let Step { state, effects } = step.state.step(&passed, now)?;
                step.effects.extend(effects);
                step = Step::owing(state, step.effects);
            }
            Ok(step)
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

fn cancelled_is_red(queue: Queue, event: &QueueEvent, now: Timestamp) -> Stepped {
    match event {
        QueueEvent::ChecksConcluded { run, verdict: Verdict::Unconcluded { .. } } => {
            let verdict = Verdict::Failed { failing: Vec::new() };
            queue.step(&QueueEvent::ChecksConcluded { run: *run, verdict }, now)
        }
        _ => queue.step(event, now),
    }
}
