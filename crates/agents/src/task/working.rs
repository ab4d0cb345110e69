//! Sessions: they get their turn, and end with a change, with nothing to change, or beyond what was approved.

use domain::policy::Tier;
use domain::{Person, Rejected, Sha, Step, Timestamp};

use super::{Announcement, Approved, Goal, Task, TaskEffect, TaskState, Work, contract, moves, repair, review};

pub(super) fn begin_session(mut task: Task, session: u32) -> Step<Task> {
    if session != task.sessions {
        return Step::quiet(task);
    }
    let TaskState::Queued { goal } = &task.state else { return Step::quiet(task) };
    task.state = goal.clone().at_work();
    Step::owing(task, [TaskEffect::EditCard])
}

/// The approval under which the current session works; `None` when it is not at work.
fn working_under(task: &Task) -> Option<Option<Approved>> {
    match &task.state {
        TaskState::Working { approved }
        | TaskState::Queued { goal: Goal::Work { approved } }
        | TaskState::Asking { goal: Goal::Work { approved }, .. } => Some(approved.clone()),
        _ => None,
    }
}

pub(super) fn finish(mut task: Task, session: u32, work: &Work, now: Timestamp) -> Step<Task> {
    let approved = working_under(&task).filter(|_| session == task.sessions);
    let Some(approved) = approved else { return moves::session_ended(task, session, now) };
    if !task.untold().is_empty() {
        return moves::go_on(task);
    }
    let accepted_by = task.repair_under_way().and_then(|repair| repair.pull_request.work.accepted_by.clone());
    let accepted_by = accepted_by.filter(|_| work.altered.is_empty());
    let work = Work { approved, accepted_by, hosts: contract::hosts_of(&task, &work.hosts), ..work.clone() };
    if task.repair_under_way().is_some() && !work.may_land() {
        let red: Vec<_> = work.red_checks().iter().map(|check| check.name.as_str()).collect();
        return repair::give_up(task, &format!("does not pass {}", red.join(", ")));
    }
    let Some(why) = departure(&task, &work) else { return review::publish(task, work) };
    task.state = TaskState::Departed { work: work.clone(), why: why.clone() };
    let waiting = task.await_approval(now);
    let announce = TaskEffect::Announce(Announcement::Departed { work, why, wait: task.waits });
    Step::owing(task, [vec![TaskEffect::EditCard, announce], waiting].concat())
}

/// In what a change goes beyond what was approved. Without a plan, only the lowest risk needs no second look.
fn departure(task: &Task, work: &Work) -> Option<String> {
    if repair::is_as_before(task, work) {
        return None;
    }
    if let Some(why) = repair::departure(task, work) {
        return Some(why);
    }
    let Some(Approved { plan, .. }) = &work.approved else {
        let why = || format!("nobody approved a plan, and the change is {}", work.tier_because);
        return (work.tier > Tier::R1).then(why);
    };
    let riskier = || format!("its plan was approved as {}, but the change is {}", plan.tier, work.tier_because);
    let riskier = (work.tier > plan.tier).then(riskier);
    let beyond: Vec<_> = riskier.into_iter().chain(contract::departures(&plan.draft, work, &task.allowed)).collect();
    (!beyond.is_empty()).then(|| beyond.join("; "))
}

/// A person's yes to a change is one to the hosts that it reached: they are not asked about again.
pub(super) fn accept_departure(mut task: Task, by: &Person, head: &Sha) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    match &task.state {
        TaskState::Departed { work, .. } if work.head == *head => {
            let work = Work { accepted_by: Some(by.clone()), ..work.clone() };
            task.allowed.extend(work.hosts.iter().map(|host| (host.clone(), by.clone())));
            Ok(review::publish(task, work))
        }
        TaskState::Departed { work, .. } => Err(Rejected::new(
            format!("That was commit {} of {id}, and {} has replaced it", head.short(), work.head.short()),
            format!("Look at the newer change, then say `approve {id}`"),
        )),
        _ => Err(Rejected::new(
            format!("There is no change of {id} to accept: it is {}", task.state_in_words()),
            format!("Say `status {id}` to see what it needs"),
        )),
    }
}

pub(super) fn answer(mut task: Task, session: u32, answer: &str, now: Timestamp) -> Step<Task> {
    if session != task.sessions || working_under(&task).is_none() {
        return moves::session_ended(task, session, now);
    }
    if !task.untold().is_empty() {
        return moves::go_on(task);
    }
    if task.repair_under_way().is_some() {
        return repair::give_up(task, &format!("changed nothing{}", repair::quoted(answer)));
    }
    task.state = TaskState::Answered { answer: answer.to_owned() };
    task.ended(Vec::new())
}
