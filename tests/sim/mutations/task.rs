//! Tasks with one fault each.

use agents::task::state::Intent;
use agents::task::{
    Announcement, Approved, Deadline, Goal, Ground, Plan, PlanDraft, PlanMode, PullRequest, Task, TaskEffect,
    TaskEvent, TaskState,
};
use domain::policy::Tier;
use domain::{Machine, Rejected, Step};

use super::{Mutation, altered};
use crate::door::{Rules, Stepper};
use crate::{calm, laws, play};

fn mutation(law: &'static str, fault: &'static str, task: Stepper<Task>) -> Mutation {
    Mutation::of_machine(law, fault, Rules { task, ..Rules::default() })
}

pub fn mutations() -> Vec<Mutation> {
    [of_steps(), of_talk(), of_review(), of_changes(), of_histories()].into_iter().flatten().collect()
}

/// Sends a step on into a session.
fn start(step: &mut Step<Task>, goal: Goal) {
    step.state.sessions += 1;
    step.state.state = TaskState::Queued { goal: goal.clone() };
    step.effects = vec![TaskEffect::StartSession { session: step.state.sessions, goal, ground: Ground::Target }];
}

fn of_steps() -> Vec<Mutation> {
    vec![
        mutation("task: no work without an approval", "work begins with the plan", |task, event, now| {
            altered(task, event, now, |before, step| {
                if let (TaskState::AwaitingApproval { .. }, PlanMode::Ask) = (&step.state.state, before.request.plan) {
                    start(step, Goal::Work { approved: None });
                }
            })
        }),
        mutation(
            "task: no work without an approval",
            "an approval of an old plan is taken for the new",
            |task, event, now| match (event, &task.state) {
                (TaskEvent::PlanApproved { by, .. }, TaskState::AwaitingApproval { plan, .. }) => {
                    let meant = TaskEvent::PlanApproved { by: by.clone(), version: plan.version, hash: None };
                    task.step(&meant, now)
                }
                _ => task.step(event, now),
            },
        ),
        mutation(
            "task: what is published was accepted",
            "a change beyond its plan is published",
            |task, event, now| {
                altered(task, event, now, |_, step| {
                    if let TaskState::Departed { work, .. } = step.state.state.clone() {
                        step.state.state = TaskState::Publishing { work: work.clone() };
                        step.effects = vec![TaskEffect::Publish { work }];
                    }
                })
            },
        ),
        mutation(
            "task: an end is left by a retry alone",
            "an ended task begins again by itself",
            |task, event, now| {
                altered(task, event, now, |before, step| {
                    if before.is_ended()
                        && matches!(event, TaskEvent::DeadlinePassed { .. } | TaskEvent::CardPosted { .. })
                    {
                        start(step, Goal::Plan { feedback: Vec::new() });
                    }
                })
            },
        ),
        mutation("task: a wait has a deadline", "a plan waits without a deadline", |task, event, now| {
            altered(task, event, now, |_, step| {
                if step
                    .effects
                    .iter()
                    .any(|effect| matches!(effect, TaskEffect::Announce(Announcement::PlanReady { .. })))
                {
                    step.effects.retain(|effect| !matches!(effect, TaskEffect::AwaitDeadline(_)));
                }
            })
        }),
        mutation(
            "task: the late changes nothing",
            "an old deadline ends a newer wait",
            |task, event, now| match event {
                TaskEvent::DeadlinePassed { deadline } => {
                    let newest = Deadline { wait: task.waits, ..*deadline };
                    task.step(&TaskEvent::DeadlinePassed { deadline: newest }, now)
                }
                _ => task.step(event, now),
            },
        ),
    ]
}

fn of_talk() -> Vec<Mutation> {
    vec![
        mutation("task: a question has one answer", "an answer is taken twice", |task, event, now| {
            altered(task, event, now, |_, step| {
                if let (TaskEvent::InputGiven { .. }, Some(word)) = (event, step.state.said.last().cloned()) {
                    step.state.said.push(word);
                }
            })
        }),
        mutation(
            "task: what people say is told to a session",
            "a finish outruns what was said",
            |mut task, event, now| {
                if let TaskEvent::WorkFinished { session, .. } | TaskEvent::PlanProposed { session, .. } = event
                    && *session == task.sessions
                {
                    let before = task.clone();
                    task.said.iter_mut().for_each(|word| word.told = Some(*session));
                    let mut step = task.step(event, now)?;
                    step.state.said.retain(|word| before.said.iter().all(|said| said.text != word.text));
                    return Ok(step);
                }
                task.step(event, now)
            },
        ),
        mutation(
            "task: who rests owes nothing but the end of it",
            "a parked session is started again at once",
            |task, event, now| {
                altered(task, event, now, |_, step| {
                    if let (TaskEvent::SessionParked { session }, TaskState::Parked { goal, .. }) =
                        (event, step.state.state.clone())
                    {
                        let again = TaskEffect::StartSession { session: *session, goal, ground: Ground::Newest };
                        step.effects.push(again);
                    }
                })
            },
        ),
        mutation(
            "task: no button outlives what it stands for",
            "a plan that was turned down keeps its buttons",
            |task, event, now| {
                altered(task, event, now, |_, step| {
                    step.effects.retain(|effect| !matches!(effect, TaskEffect::CloseOffer { .. }));
                })
            },
        ),
    ]
}

fn of_review() -> Vec<Mutation> {
    vec![
        mutation(
            "task: a place that is kept is taken or given up",
            "the queue is not told that a repair was dropped",
            |task, event, now| {
                altered(task, event, now, |before, step| {
                    if before.repair_under_way().is_some() {
                        step.effects.retain(|effect| !matches!(effect, TaskEffect::Withdraw { .. }));
                    }
                })
            },
        ),
        mutation(
            "task: only what waits for the word to merge is tried",
            "a change is tried on while it lands",
            |task, event, now| {
                altered(task, event, now, |before, step| {
                    if let TaskEvent::MergeRequested { .. } = event {
                        step.state.trial = before.trial.clone();
                        step.effects.retain(|effect| *effect != TaskEffect::StopTrial);
                    }
                })
            },
        ),
        mutation(laws::TAKEN_BACK, "a step back leaves the session its number", |task, event, now| {
            altered(task, event, now, |before, step| {
                if let (TaskEvent::RolledBack { .. }, Some(goal)) = (event, before.work_goal()) {
                    step.state.sessions = before.sessions;
                    let session = before.sessions;
                    step.effects = vec![TaskEffect::StartSession { session, goal, ground: Ground::Newest }];
                }
            })
        }),
    ]
}

fn of_changes() -> Vec<Mutation> {
    vec![
        mutation(laws::APPROVED, "a retry works a plan that nobody saw", |task, event, now| {
            altered(task, event, now, |before, step| {
                if let TaskEvent::RetryRequested { by, .. } = event {
                    let draft = PlanDraft { summary: "something else".to_owned(), ..PlanDraft::default() };
                    let plan = Plan::new(before.plans, draft, Tier::R1, String::new());
                    let (by, at) = (Some(by.clone()), Some(now));
                    start(step, Goal::Work { approved: Some(Approved { plan, by, at, feedback: Vec::new() }) });
                }
            })
        }),
        mutation(laws::PRODUCED, "the base is published", |task, event, now| {
            altered(task, event, now, |_, step| {
                for effect in &mut step.effects {
                    if let (TaskEffect::Publish { work }, TaskEvent::WorkFinished { .. }) = (effect, event) {
                        work.head = work.base.clone();
                    }
                }
            })
        }),
        mutation(laws::PUBLISHED, "a change is enqueued before it is published", |task, event, now| {
            altered(task, event, now, |before, step| {
                let TaskState::Publishing { work } = step.state.state.clone() else { return };
                let pull_request = PullRequest { reference: String::new(), work: work.clone() };
                let by = before.request.requester.clone();
                step.state.state = TaskState::Merging { pull_request, by, intent: Intent::Land, note: None };
                step.effects = vec![TaskEffect::Enqueue { work }];
            })
        }),
        mutation(laws::MERGED, "a stop outruns the landing", |task, event, now| {
            altered(task, event, now, |before, step| {
                if let (TaskState::Merging { intent: Intent::Stop { .. }, .. }, TaskEvent::EntryMerged { .. }) =
                    (&before.state, event)
                {
                    step.state.state = TaskState::Cancelled { why: "stopped".to_owned() };
                }
            })
        }),
        mutation(laws::MERGED, "an ejected change is called merged", |task, event, now| match event {
            TaskEvent::EntryEjected { .. } => {
                let commit = "e".repeat(40).parse().expect("40 hexadecimal digits");
                task.step(&TaskEvent::EntryMerged { commit, proof: agents::task::Proof::Tested }, now)
            }
            _ => task.step(event, now),
        }),
    ]
}

fn of_histories() -> Vec<Mutation> {
    vec![
        mutation(laws::CARRIED, "a task that left the queue has no deadline", |task, event, now| {
            altered(task, event, now, |_, step| {
                if let TaskEvent::EntryWithdrawn = event {
                    let is_quiet =
                        |effect: &TaskEffect| !matches!(effect, TaskEffect::AwaitDeadline(_) | TaskEffect::Announce(_));
                    step.effects.retain(is_quiet);
                }
            })
        }),
        mutation(laws::CARRIED, "a session is not started", |task, event, now| {
            altered(task, event, now, |_, step| {
                step.effects.retain(|effect| !matches!(effect, TaskEffect::StartSession { .. }));
            })
        }),
        mutation(laws::AGREED, "a task leaves the queue before the queue lets it go", |task, event, now| {
            match (event, &task.state) {
                (TaskEvent::DequeueRequested { .. }, TaskState::Merging { .. }) => {
                    task.step(&TaskEvent::EntryWithdrawn, now)
                }
                _ => task.step(event, now),
            }
        }),
        mutation(play::ANSWERS, "a publication that failed is refused", |task, event, now| match event {
            TaskEvent::PublishFailed { why, .. } => Err(Rejected::new(why, "Try again")),
            _ => task.step(event, now),
        }),
        mutation(calm::ENDS, "a deadline is only ever put off", |task, event, now| match event {
            TaskEvent::DeadlinePassed { deadline } if deadline.wait == task.waits && !task.is_ended() => {
                let at_ms = now.as_ms() + 86_400_000;
                Ok(Step::owing(task, [TaskEffect::AwaitDeadline(Deadline { at_ms, ..*deadline })]))
            }
            _ => task.step(event, now),
        }),
    ]
}
