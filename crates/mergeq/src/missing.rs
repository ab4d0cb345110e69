//! What a run that is overdue really waits for: told from who has taken its work. Only for people; the queue decides
//! nothing by it.

use domain::{QueueId, Sha};
use forge::checks::CHECKS_FILE;
use forge::{Gate, Repositories, Repository, gate_from_toml};
use store::{Debt, Store, StoreError, Table};

use crate::answer::repository_of;
use crate::queue::{Activity, CHECKS_LANE, LAND_LANE, Overdue, Queue, Run, STAGE_LANE, activity_of, listed, run_group};

/// What keeps a run, as part of a sentence: `nobody has begun the checks unit, lint; no process that does such work seems to
/// be up`. None when it has gone on meanwhile, and where attempts fail: whoever looks at the entry is shown what went wrong last.
pub async fn what_is_missing(
    store: &Store,
    repositories: &Repositories,
    queue: &QueueId,
    overdue: &Overdue,
) -> Result<Option<String>, StoreError> {
    let Some(known) = store.load::<Queue>(queue).await? else { return Ok(None) };
    let is_it = |run: &&Run| run.id == overdue.run && activity_of(run) == Some(overdue.activity);
    let Some(run) = known.runs.iter().find(is_it) else { return Ok(None) };
    let what = match overdue.activity {
        Activity::Staging => "the making of its commits".to_owned(),
        Activity::Checks => checks_of(repositories, queue, run).await.unwrap_or_else(|| "its checks".to_owned()),
        Activity::Landing => "its landing".to_owned(),
    };
    let debts = store.debts(Queue::KIND, queue.as_str()).await?;
    Ok(told(&debts, lane_and_group(queue, overdue), &what))
}

fn lane_and_group(queue: &QueueId, overdue: &Overdue) -> (&'static str, String) {
    match overdue.activity {
        Activity::Staging => (STAGE_LANE, queue.to_string()),
        Activity::Checks => (CHECKS_LANE, run_group(queue, overdue.run)),
        Activity::Landing => (LAND_LANE, queue.to_string()),
    }
}

fn told(debts: &[Debt], (lane, group): (&str, String), what: &str) -> Option<String> {
    let in_lane = || debts.iter().filter(|debt| debt.lane == lane);
    let own = in_lane().filter(|debt| debt.group.as_ref() == Some(&group));
    let n_others = in_lane().filter(|debt| debt.is_leased && debt.group.as_ref() != Some(&group)).count();
    let own = own.max_by_key(|debt| (debt.is_leased, debt.attempts)).filter(|debt| debt.last_error.is_none())?;
    Some(match (own.is_leased, own.attempts) {
        (true, _) => format!("{what}: under way, without an end so far"),
        (false, 0) if n_others > 0 => format!("{what}: not begun, because others are before it: {n_others} under way"),
        (false, 0) => format!("nobody has begun {what}; no process that does such work seems to be up"),
        (false, _) => format!("whoever had begun {what} is gone, and nobody has begun anew"),
    })
}

/// The checks that the run's commit demands, by name.
async fn checks_of(repositories: &Repositories, queue: &QueueId, run: &Run) -> Option<String> {
    let repository = repository_of(repositories, queue).ok()?;
    let Gate::Checks(specs) = gate_of(repository, run.candidate()?.commit()).await? else { return None };
    let names: Vec<String> = specs.into_iter().map(|spec| spec.name).collect();
    Some(format!("{} {}", if names.len() == 1 { "the check" } else { "the checks" }, listed(&names)))
}

async fn gate_of(repository: &Repository, commit: &Sha) -> Option<Gate> {
    let file = repository.mirror.file_at(commit, CHECKS_FILE).await.ok()?;
    let text = file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    match gate_from_toml(text.as_deref()).ok()? {
        Gate::Missing => Some(repository.gate.clone()),
        gate @ (Gate::Untested | Gate::Checks(_)) => Some(gate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debt(group: &str, attempts: i64, is_leased: bool, last_error: Option<&str>) -> Debt {
        Debt {
            effect: "e".to_owned(),
            machine: "web:main".to_owned(),
            lane: CHECKS_LANE.to_owned(),
            group: Some(group.to_owned()),
            attempts,
            due_at_ms: 0,
            is_leased,
            last_error: last_error.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_owed_tells_who_has_not_come() {
        let said = |debts: &[Debt]| told(debts, (CHECKS_LANE, "run-1".to_owned()), "the check unit");
        let other = debt("run-2", 1, true, None);
        let lines = [
            said(&[debt("run-1", 0, false, None)]),
            said(&[debt("run-1", 0, false, None), other.clone()]),
            said(&[debt("run-1", 1, true, None), other]),
            said(&[debt("run-1", 1, false, None)]),
            said(&[debt("run-1", 3, true, Some("no disk"))]),
            said(&[]),
        ];
        let told = [
            Some("nobody has begun the check unit; no process that does such work seems to be up"),
            Some("the check unit: not begun, because others are before it: 1 under way"),
            Some("the check unit: under way, without an end so far"),
            Some("whoever had begun the check unit is gone, and nobody has begun anew"),
            None,
            None,
        ];
        assert_eq!(lines.iter().map(Option::as_deref).collect::<Vec<_>>(), told);
    }
}
