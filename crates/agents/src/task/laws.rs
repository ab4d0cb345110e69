//! The laws of the task machine, as a check of one step; shared by the property tests and the simulator.

use std::collections::BTreeSet;

use domain::Step;
use domain::policy::Tier;

use super::{
    Announcement, Approved, Deadline, Goal, Plan, PlanMode, Task, TaskEffect, TaskEvent, TaskState, Then, Trial, Word,
    Work,
};

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
        .or_else(|| answered_twice(&after.state))
        .or_else(|| unheard(before, event, &after.state))
        .or_else(|| restless(before, after))
        .or_else(|| changed_by_the_late(before, event, after))
        .or_else(|| stuck(after))
        .or_else(|| left_open(before, after))
        .or_else(|| misplaced(before, after))
        .or_else(|| tried_elsewhere(before, after))
}

/// Law 11.
fn tried_elsewhere(before: &Task, after: &Step<Task>) -> Option<String> {
    let under_way = |task: &Task| task.trial.clone().filter(|trial| trial.result.is_none());
    let number = after.state.trials;
    let is_begun = |is: Trial| {
        let is_its = |effect: &TaskEffect| matches!(effect, TaskEffect::Try { trial, work } if *trial == number && work.head == is.head);
        number > before.trials && after.effects.iter().any(is_its)
    };
    let is_stopped = after.effects.iter().any(|it| matches!(it, TaskEffect::StopTrial));
    let is_fine = match (under_way(before), under_way(&after.state)) {
        (Some(was), Some(is)) => was == is,
        (None, Some(is)) => is_begun(is),
        (Some(_), None) => is_stopped || after.state.trial.is_some(),
        (None, None) => true,
    };
    let is_fine = is_fine && after.state.is_tried_in_place();
    (!is_fine).then(|| {
        format!("law 11: another change is tried than {} has, which is {}", before.id, after.state.state_in_words())
    })
}

/// Law 9.
fn left_open(before: &Task, after: &Step<Task>) -> Option<String> {
    let offer = before.offer().filter(|offer| after.state.offer().as_ref() != Some(offer));
    let settled = before.asides.open.iter().filter(|aside| !after.state.asides.open.contains(aside));
    let over = offer.into_iter().chain(settled.map(|aside| Announcement::Beside { aside: aside.clone() }));
    let is_closed = |was: &Announcement| {
        after.effects.iter().any(|effect| matches!(effect, TaskEffect::CloseOffer { offer, .. } if offer == was))
    };
    let stays = over.into_iter().any(|was| !is_closed(&was));
    let is_dead = after.state.is_ended() && !after.state.asides.open.is_empty();
    (stays || is_dead)
        .then(|| format!("law 9: buttons of {} stay, and it is {}", before.id, after.state.state_in_words()))
}

fn unapproved_work(before: &Task, event: &TaskEvent, approved: &Option<Approved>) -> Option<String> {
    let retried = matches!(event, TaskEvent::RetryRequested { .. });
    let goes_on = before.work_goal() == Some(Goal::Work { approved: approved.clone() }) && continues(event);
    let is_fine = match approved {
        _ if goes_on || is_sent_back(before, event, approved) => true,
        None => before.request.plan == PlanMode::Off,
        Some(Approved { by: None, plan, .. }) => {
            before.request.plan == PlanMode::Auto && plan.tier <= Tier::R1 || retried
        }
        Some(Approved { by: Some(by), plan, .. }) => retried || approves(event, by, plan, before),
    };
    (!is_fine).then(|| format!("law 1: a session may write without an approval of {approved:?}"))
}

/// Whether the queue gave back what was made under this approval.
fn is_sent_back(before: &Task, event: &TaskEvent, approved: &Option<Approved>) -> bool {
    let TaskState::Merging { pull_request, .. } = &before.state else { return false };
    matches!(event, TaskEvent::RepairRequested { .. }) && pull_request.work.approved == *approved
}

/// Whether this lets a session go on under the approval of the one before: after an answer, a pause, a step back, or
/// because the one before had not heard everything.
fn continues(event: &TaskEvent) -> bool {
    matches!(
        event,
        TaskEvent::InputGiven { .. }
            | TaskEvent::ResumeRequested { .. }
            | TaskEvent::RolledBack { .. }
            | TaskEvent::WorkFinished { .. }
            | TaskEvent::NothingChanged { .. }
            | TaskEvent::SessionParked { .. }
    )
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
        (TaskEvent::WorkFinished { session, .. }, _) => {
            *session == before.sessions && (work.tier <= limit || is_the_same(before, work))
        }
        (TaskEvent::DepartureAccepted { head, .. }, TaskState::Departed { work: seen, .. }) => {
            *head == work.head && seen.head == work.head
        }
        _ => false,
    };
    (!is_fine).then(|| format!("law 2: {} is published without a word for it", work.head.short()))
}

/// Whether it adds and removes what was looked at before the queue sent it back.
fn is_the_same(before: &Task, work: &Work) -> bool {
    before
        .repair_under_way()
        .is_some_and(|repair| work.altered.is_empty() && work.accepted_by == repair.pull_request.work.accepted_by)
}

/// Law 10.
fn misplaced(before: &Task, after: &Step<Task>) -> Option<String> {
    let held = |task: &Task| task.repair_under_way().is_some();
    let n_given_back = after.effects.iter().filter(|effect| {
        matches!(effect, TaskEffect::Readmit { .. } | TaskEffect::GiveUpRepair { .. } | TaskEffect::Withdraw { .. })
    });
    let is_strange = held(&after.state) && !after.state.may_repair()
        || after.state.repair.is_some()
            && after.effects.iter().any(|effect| matches!(effect, TaskEffect::Enqueue { .. }))
        || held(before)
            && after.state.repair.as_ref().is_some_and(|repair| repair.is_given_up)
            && n_given_back.count() != 1;
    is_strange
        .then(|| format!("law 10: the place of {} is kept, and it is {}", before.id, after.state.state_in_words()))
}

fn left_the_end(before: &Task, event: &TaskEvent, after: &Step<Task>) -> Option<String> {
    let left = before.is_ended() && before.state != after.state.state;
    let is_asked_for = matches!(event, TaskEvent::RetryRequested { .. } | TaskEvent::RolledBack { .. });
    (left && !is_asked_for).then(|| format!("law 3: {} was left by {event:?}", before.state_in_words()))
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
    let is_talk = |said: &Announcement| {
        matches!(said, Announcement::Beside { .. } | Announcement::Reminded { .. } | Announcement::Tried { .. })
    };
    let is_offer = |effect: &TaskEffect| matches!(effect, TaskEffect::Announce(said) if !is_talk(said));
    let announced = after.effects.iter().any(is_offer);
    let deadline = after.effects.iter().any(is_end);
    (waits && announced && !deadline).then(|| "law 4: a wait for a person has no deadline".to_owned())
}

/// The end of a wait, and not only a reminder on the way.
fn is_end(effect: &TaskEffect) -> bool {
    matches!(effect, TaskEffect::AwaitDeadline(Deadline { then: Then::End, .. }))
}

fn answered_twice(task: &Task) -> Option<String> {
    let mut seen = BTreeSet::new();
    let twice = task.said.iter().filter_map(Word::answers).find(|number| !seen.insert(*number));
    twice.map(|number| format!("law 6: question {number} has two answers"))
}

/// Law 7: a word is kept unless its own author changes it or takes it back before it is told, or became a part of what
/// the plan is made of; and no goal is reached over a word that waits.
fn unheard(before: &Task, event: &TaskEvent, after: &Task) -> Option<String> {
    let folded = feedback_of(after);
    let is_kept = |word: &&Word| {
        let same = |kept: &Word| (&kept.by, &kept.text, &kept.kind) == (&word.by, &word.text, &word.kind);
        after.said.iter().any(same) || folded.contains(&word.to_string())
    };
    let is_reached = matches!(
        after.state,
        TaskState::AwaitingApproval { .. }
            | TaskState::Departed { .. }
            | TaskState::Publishing { .. }
            | TaskState::Answered { .. }
    );
    let waits = before.goal().is_some() && is_reached && !before.untold().is_empty();
    let is_its_own = |word: &&Word| {
        let (TaskEvent::RemarkCorrected { by, message, .. } | TaskEvent::RemarkWithdrawn { by, message }) = event
        else {
            return false;
        };
        word.told.is_none() && word.by == *by && word.message.as_ref() == Some(message)
    };
    let lost = before.said.iter().find(|word| !is_kept(word) && !is_its_own(word));
    lost.map(|word| format!("law 7: the words of {} are lost", word.by))
        .or_else(|| waits.then(|| "law 7: a goal is reached, and a word was told to nobody".to_owned()))
}

fn feedback_of(task: &Task) -> Vec<String> {
    match (&task.state, task.goal()) {
        (TaskState::AwaitingApproval { feedback, .. }, _) => feedback.clone(),
        (_, Some(Goal::Plan { feedback })) => feedback,
        (_, Some(Goal::Work { approved: Some(approved) })) => approved.feedback,
        (_, Some(Goal::Work { approved: None }) | None) => Vec::new(),
    }
}

fn restless(before: &Task, after: &Step<Task>) -> Option<String> {
    let rests = |task: &Task| matches!(task.state, TaskState::Parked { .. } | TaskState::Paused { .. });
    let comes_to_rest = rests(&after.state) && (!rests(before) || before.waits != after.state.waits);
    let n_deadlines = after.effects.iter().filter(|effect| is_end(effect)).count();
    let is_talk = |effect: &TaskEffect| {
        matches!(
            effect,
            TaskEffect::EditCard
                | TaskEffect::CloseQuestion { .. }
                | TaskEffect::CloseOffer { .. }
                | TaskEffect::Withdraw { .. }
                | TaskEffect::Announce(Announcement::Beside { .. } | Announcement::Reminded { .. })
                | TaskEffect::AwaitDeadline(_)
        )
    };
    let is_fine =
        !rests(&after.state) || after.effects.iter().all(is_talk) && n_deadlines == usize::from(comes_to_rest);
    (!is_fine).then(|| format!("law 8: a task that rests owes {:?}", after.effects))
}
