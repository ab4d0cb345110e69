//! The laws of the task machine, as a check of one step; shared by the property tests and the simulator.

use domain::Step;
use domain::policy::Tier;

use super::{Approved, Goal, Plan, PlanMode, Task, TaskEffect, TaskEvent, TaskState, Work};

/// The first law that the step from `before` by `event` to `after` breaks, in words.
pub fn broken(before: &Task, event: &TaskEvent, after: &Step<Task>) -> Option<String> {
    after
        .effects
        .iter()
        .find_map(|effect| {
            if let TaskEffect::StartSession { goal: Goal::Work { approved }, .. } = effect {
                return unapproved_work(before, event, approved);
            }
            let TaskEffect::Publish { work } = effect else { return None };
            unapproved_publication(before, event, work)
        })
        .or_else(|| left_the_end(before, event, after))
        .or_else(|| changed_by_the_late(before, event, after))
        .or_else(|| stuck(after))
}

fn unapproved_work(before: &Task, event: &TaskEvent, approved: &Option<Approved>) -> Option<String> {
    let retried = matches!(event, TaskEvent::RetryRequested { .. });
    let is_fine = match approved {
        None => before.request.plan == PlanMode::Off,
        Some(Approved { by: None, plan, .. }) => {
            before.request.plan == PlanMode::Auto && plan.tier <= Tier::R1 || retried
        }
        Some(Approved { by: Some(by), plan, .. }) => retried || approves(event, by, plan, before),
    };
    (!is_fine).then(|| format!("law 1: a session may write without an approval of {approved:?}"))
}

fn approves(event: &TaskEvent, by: &domain::Person, plan: &Plan, before: &Task) -> bool {
    let shown = match &before.state {
        TaskState::AwaitingApproval { plan: shown, .. } => shown == plan,
        _ => false,
    };
    let TaskEvent::PlanApproved { by: who, version, hash } = event else { return false };
    shown && who == by && *version == plan.version && hash.as_ref().is_none_or(|hash| *hash == plan.hash)
}

fn unapproved_publication(before: &Task, event: &TaskEvent, work: &Work) -> Option<String> {
    let limit = work.approved.as_ref().map_or(Tier::R1, |approved| approved.plan.tier);
    let is_fine = match (event, &before.state) {
        (TaskEvent::WorkFinished { session, .. }, _) => *session == before.sessions && work.tier <= limit,
        (TaskEvent::DepartureAccepted { head, .. }, TaskState::Departed { work: seen, .. }) => {
            *head == work.head && seen.head == work.head
        }
        _ => false,
    };
    (!is_fine).then(|| format!("law 2: {} is published without a word for it", work.head.short()))
}

fn left_the_end(before: &Task, event: &TaskEvent, after: &Step<Task>) -> Option<String> {
    let left = before.is_ended() && before.state != after.state.state;
    let retried = matches!(event, TaskEvent::RetryRequested { .. });
    (left && !retried).then(|| format!("law 3: {} was left by {event:?}", before.state_in_words()))
}

fn changed_by_the_late(before: &Task, event: &TaskEvent, after: &Step<Task>) -> Option<String> {
    let of_old_wait = matches!(event, TaskEvent::DeadlinePassed { deadline } if deadline.wait != before.waits);
    let is_late = of_old_wait || event.session().is_some_and(|session| session != before.sessions);
    let changed = *before != after.state || !after.effects.is_empty();
    (is_late && changed).then(|| format!("law 5: the late {event:?} changed something"))
}

/// Law 4 as far as one step shows it: whoever enters a wait for a person sets its deadline.
fn stuck(after: &Step<Task>) -> Option<String> {
    let waits = matches!(
        after.state.state,
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } | TaskState::InReview { .. }
    );
    let announced = after.effects.iter().any(|effect| matches!(effect, TaskEffect::Announce(_)));
    let deadline = after.effects.iter().any(|effect| matches!(effect, TaskEffect::AwaitDeadline(_)));
    (waits && announced && !deadline).then(|| "law 4: a wait for a person has no deadline".to_owned())
}
