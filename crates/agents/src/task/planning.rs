//! From the request to an approved plan.

use std::collections::{BTreeMap, BTreeSet};

use domain::{MessageRef, Person, Rejected, Step, TaskId, Timestamp};

use super::aside::Asides;
use super::moves::{self, first_goal, start};
use super::state::Ground;
use super::{Announcement, Approved, Goal, Plan, PlanDraft, Request, Task, TaskEffect, TaskState, Terms};

/// How many versions of a plan a task may have. Past that the request itself needs other words.
pub const PLANS_MAX: u32 = 20;

impl Task {
    /// A new task for a request.
    pub fn submit(id: TaskId, request: Request, now: Timestamp) -> Step<Self> {
        let goal = first_goal(&request);
        let state = TaskState::Queued { goal: goal.clone() };
        let (card, said) = (None, Vec::new());
        let (sessions, plans, waits, questions, trials) = (0, 0, 0, 0, 0);
        let (reached, allowed) = (BTreeSet::new(), BTreeMap::new());
        let (created_at, muted_by) = (now, None);
        let task = Self {
            id,
            request,
            created_at,
            card,
            sessions,
            plans,
            waits,
            questions,
            trials,
            said,
            reached,
            allowed,
            muted_by,
            asides: Asides::default(),
            repair: None,
            trial: None,
            state,
        };
        start(task, goal, Ground::Target, vec![TaskEffect::PostCard])
    }
}

pub(super) fn remember_card(mut task: Task, card: &MessageRef) -> Step<Task> {
    task.card = Some(card.clone());
    Step::quiet(task)
}

pub(super) fn propose(mut task: Task, session: u32, draft: &PlanDraft, terms: &Terms, now: Timestamp) -> Step<Task> {
    if session != task.sessions {
        return Step::quiet(task);
    }
    let mut feedback = match planning_with(&task.state) {
        None => return moves::session_ended(task, session, now),
        Some(_) if !task.untold().is_empty() => return moves::go_on(task),
        Some(feedback) => feedback.clone(),
    };
    feedback.extend(task.fold_words());
    task.plans += 1;
    let plan = Plan::new(task.plans, draft.clone(), terms.tier, terms.because.clone());
    if task.approves_itself(&plan) {
        let announce = TaskEffect::Announce(Announcement::PlanReady { plan: plan.clone() });
        let goal = Goal::Work { approved: Some(Approved { plan, by: None, at: Some(now), feedback }) };
        return start(task, goal, Ground::Target, vec![TaskEffect::EditCard, announce]);
    }
    task.state = TaskState::AwaitingApproval { plan: plan.clone(), feedback };
    let waiting = task.await_approval(now);
    let announce = TaskEffect::Announce(Announcement::PlanReady { plan });
    Step::owing(task, [vec![TaskEffect::EditCard, announce], waiting].concat())
}

/// What people said of the versions before, when a session is planning.
fn planning_with(state: &TaskState) -> Option<&Vec<String>> {
    match state {
        TaskState::Planning { feedback }
        | TaskState::Queued { goal: Goal::Plan { feedback } }
        | TaskState::Asking { goal: Goal::Plan { feedback }, .. } => Some(feedback),
        _ => None,
    }
}

/// The plan as the person saw it: its version, and its hash where they named it.
pub(super) type Seen<'a> = (u32, Option<&'a str>);

pub(super) fn approve(
    task: Task,
    by: &Person,
    (version, hash): Seen<'_>,
    now: Timestamp,
) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    match &task.state {
        TaskState::AwaitingApproval { plan, .. } if plan.version != version => Err(Rejected::new(
            format!("That was version {version} of the plan for {id}, and version {} has replaced it", plan.version),
            format!("Read the newer plan, then say `approve {id}`"),
        )),
        TaskState::AwaitingApproval { plan, .. } if hash.is_some_and(|hash| hash != plan.hash) => Err(Rejected::new(
            format!("The plan for {id} is not the one that this button was made for"),
            format!("Read the newest plan, then say `approve {id}`"),
        )),
        TaskState::AwaitingApproval { plan, feedback } => {
            let (by, at) = (Some(by.clone()), Some(now));
            let approved = Approved { plan: plan.clone(), by, at, feedback: feedback.clone() };
            Ok(start(task, Goal::Work { approved: Some(approved) }, Ground::Target, vec![TaskEffect::EditCard]))
        }
        state => Err(approved_in(state).map_or_else(
            || {
                let why = format!("There is no plan of {id} to approve: it is {}", task.state_in_words());
                Rejected::new(why, format!("Say `status {id}` to see what it needs"))
            },
            |approved| already(id, approved),
        )),
    }
}

/// The approval under which the task has gone on.
fn approved_in(state: &TaskState) -> Option<&Approved> {
    match state {
        TaskState::Queued { goal: Goal::Work { approved } }
        | TaskState::Asking { goal: Goal::Work { approved }, .. }
        | TaskState::Parked { goal: Goal::Work { approved }, .. }
        | TaskState::Pausing { goal: Goal::Work { approved }, .. }
        | TaskState::Paused { goal: Goal::Work { approved }, .. }
        | TaskState::Working { approved } => approved.as_ref(),
        TaskState::Publishing { work } => work.approved.as_ref(),
        TaskState::InReview { pull_request, .. } | TaskState::Merging { pull_request, .. } => {
            pull_request.work.approved.as_ref()
        }
        _ => None,
    }
}

fn already(id: TaskId, approved: &Approved) -> Rejected {
    let by = approved.by.as_ref().map_or("the policy".to_owned(), Person::to_string);
    let at = approved.at.map(|at| format!(" at {}", at.of_day())).unwrap_or_default();
    Rejected::new(
        format!("The plan for {id} was already approved by {by}{at}"),
        format!("Say `status {id}` to follow it"),
    )
}

pub(super) fn revise(mut task: Task, by: &Person, feedback: &str) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let mut said = match &task.state {
        TaskState::AwaitingApproval { feedback, .. } => feedback.clone(),
        TaskState::InReview { .. } | TaskState::Departed { .. } => Vec::new(),
        _ => {
            return Err(Rejected::new(
                format!("{id} cannot be revised now: it is {}", task.state_in_words()),
                format!("A plan or a finished change can be revised; say `stop {id}` to end what is running"),
            ));
        }
    };
    if feedback.trim().is_empty() {
        let next = format!("Say what should be different: `revise {id} keep the old name too`");
        return Err(Rejected::new(format!("A revision of {id} needs words"), next));
    }
    if task.plans >= PLANS_MAX {
        return Err(Rejected::new(
            format!("{id} has had {PLANS_MAX} plans, which is the limit"),
            "Ask anew in other words".to_owned(),
        ));
    }
    said.extend(task.fold_words());
    said.push(format!("{by}: {feedback}"));
    Ok(start(task, Goal::Plan { feedback: said }, Ground::Target, vec![TaskEffect::EditCard]))
}
