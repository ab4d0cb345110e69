//! A person changes the steps of a plan: the next version is there at once, without a model, and is approved like any
//! other.

use domain::{Person, Rejected, Step, Timestamp};

use super::plan::{Edited, Plan};
use super::planning::PLANS_MAX;
use super::{Announcement, Task, TaskEffect, TaskState, Terms};

/// How many steps an edited plan may have: more than a person reads before they approve.
pub const STEPS_MAX: usize = 50;
/// How long a step, a constraint or a path may be, in bytes: what a field of a form takes.
pub const STEP_BYTES_MAX: usize = 3_000;

/// A plan's steps as a person wants them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlanEdit {
    /// The steps, in order.
    pub steps: Vec<String>,
    /// What else the work has to keep to; those of the plan before where there are none.
    #[serde(default)]
    pub constraints: Vec<String>,
    /// Paths that it must not touch; those of the plan before where there are none.
    #[serde(default)]
    pub keep_out: Vec<String>,
}

pub(super) fn edit(
    mut task: Task,
    (by, version): (&Person, u32),
    edit: &PlanEdit,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step<Task>, Rejected> {
    let id = task.id;
    let (before, mut feedback) = match &task.state {
        TaskState::AwaitingApproval { plan, feedback } => (plan.clone(), feedback.clone()),
        _ => {
            return Err(Rejected::new(
                format!("There is no plan of {id} to edit: it is {}", task.state_in_words()),
                format!("Say `status {id}` to see what it needs"),
            ));
        }
    };
    if before.version != version {
        return Err(Rejected::new(
            format!("That was version {version} of the plan for {id}, and version {} has replaced it", before.version),
            format!("Edit the newer one: say `edit {id} v{}` and one step a line", before.version),
        ));
    }
    demand_fit(&task, edit)?;
    let mut draft = before.draft.clone();
    draft.steps.clone_from(&edit.steps);
    if !edit.constraints.is_empty() {
        draft.constraints.clone_from(&edit.constraints);
    }
    if !edit.keep_out.is_empty() {
        draft.keep_out.clone_from(&edit.keep_out);
    }
    if draft == before.draft {
        let why = format!("That is what plan v{version} of {id} says already");
        return Err(Rejected::new(why, format!("Say `approve {id}` to let it run")));
    }
    let difference = before.draft.difference(&draft);
    task.plans += 1;
    let edited = Edited { by: by.clone(), of: version, difference };
    let plan = Plan { edited: Some(edited), ..Plan::new(task.plans, draft, terms.tier, terms.because.clone()) };
    feedback.push(format!("{by} edited the steps of version {version}; the plan holds them"));
    task.state = TaskState::AwaitingApproval { plan: plan.clone(), feedback };
    let waiting = task.await_approval(now);
    let announce = TaskEffect::Announce(Announcement::PlanReady { plan });
    Ok(Step::owing(task, [vec![TaskEffect::EditCard, announce], waiting].concat()))
}

fn demand_fit(task: &Task, edit: &PlanEdit) -> Result<(), Rejected> {
    let id = task.id;
    let all = || edit.steps.iter().chain(&edit.constraints).chain(&edit.keep_out);
    if edit.steps.is_empty() {
        return Err(Rejected::new(
            format!("A plan of {id} needs steps"),
            format!("Say `edit {id} v{}` and one step a line below it", task.plans),
        ));
    }
    if edit.steps.len() > STEPS_MAX || edit.constraints.len() > STEPS_MAX || edit.keep_out.len() > STEPS_MAX {
        let why = format!("A plan has at most {STEPS_MAX} steps");
        return Err(Rejected::new(why, format!("Say `revise {id}` and what should be different")));
    }
    if all().any(|step| step.len() > STEP_BYTES_MAX) {
        let why = format!("A step of {id} is longer than {STEP_BYTES_MAX} bytes");
        return Err(Rejected::new(why, "Split it, or put it into a file of the repository and name the file"));
    }
    if task.plans >= PLANS_MAX {
        let why = format!("{id} has had {PLANS_MAX} plans, which is the limit");
        return Err(Rejected::new(why, "Ask anew in other words"));
    }
    Ok(())
}
