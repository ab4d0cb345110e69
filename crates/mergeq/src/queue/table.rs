//! The queue's row, the rows of its entries, and the lanes of its effects.

use domain::{QueueId, Timestamp};
use store::{Arg, Route, Statement, Table};

use super::effect::QueueEffect;
use super::outcome::Outcome;
use super::policy::Policy;
use super::state::{Pause, Queue, Record, RunId, Whereabouts, repo_of};
use super::tracks::Tracks;

/// Where commits are made.
pub const STAGE_LANE: &str = "stage";
/// Where checks are awaited.
pub const CHECKS_LANE: &str = "checks";
/// Where targets are moved.
pub const LAND_LANE: &str = "land";
/// Where landings are looked at afterwards, and put right.
pub const AUDIT_LANE: &str = "audit";
/// Where branches are merged with each other before any is tested.
pub const PROBE_LANE: &str = "probe";
/// Where the people who wait are told.
pub const REPORT_LANE: &str = "report";
/// Where leases and windows end, and where it is looked whether a run takes too long.
pub const TIMER_LANE: &str = "timer";

const SELECT: &str = "SELECT version, body FROM queue WHERE id = $1";
const INSERT: &str = "INSERT INTO queue (id, version, state, body, updated_at_ms, repo, target, head, n_entries)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE: &str = "UPDATE queue SET version = $2, state = $3, body = $4, updated_at_ms = $5, repo = $6, target = $7,
    head = $8, n_entries = $9 WHERE id = $1 AND version = $2 - 1";
const SAVE_ENTRY: &str = "INSERT INTO entry
    (queue, rank, id, title, requested_by, phase, outcome, outcome_text, landed_as, enqueued_at_ms, ended_at_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (queue, rank) DO UPDATE SET phase = excluded.phase, outcome = excluded.outcome,
    outcome_text = excluded.outcome_text, landed_as = excluded.landed_as, ended_at_ms = excluded.ended_at_ms";

pub(super) const STATEMENTS: &[&str] = &[SELECT, INSERT, UPDATE, SAVE_ENTRY];

impl Table for Queue {
    const KIND: &'static str = "queue";
    const FORMAT: i64 = 3;
    const SELECT: &'static str = SELECT;
    const INSERT: &'static str = INSERT;
    const UPDATE: &'static str = UPDATE;

    fn parse_id(text: &str) -> Option<QueueId> {
        let id = QueueId::new(text);
        repo_of(&id).map(|_| id)
    }

    fn upcast(from: i64, mut machine: serde_json::Value) -> Option<serde_json::Value> {
        let body = machine.as_object_mut()?;
        match from {
            1 => forget_runs(body)?,
            2 => {
                let strategist = body.remove("strategist")?;
                body.insert("tracks".to_owned(), vec![strategist].into());
                for fault in body.get_mut("faults")?.as_array_mut()? {
                    fault["members"] = fault["set"].clone();
                }
            }
            _ => return None,
        }
        Some(machine)
    }

    fn state(&self) -> &'static str {
        match self.pause {
            None => "open",
            Some(Pause::By(_)) => "paused",
            Some(Pause::Stalled { .. } | Pause::Unsound { .. }) => "stopped",
        }
    }

    fn columns(&self) -> Vec<Arg> {
        let n_entries = i64::try_from(self.entries.len()).unwrap_or(i64::MAX);
        vec![
            self.repo.as_str().into(),
            self.target.as_str().into(),
            self.head.as_ref().map(ToString::to_string).into(),
            n_entries.into(),
        ]
    }

    fn projections(&self, id: &QueueId, now: Timestamp) -> Vec<Statement> {
        self.moved.iter().map(|record| save_entry(id, record, now)).collect()
    }

    fn route(id: &QueueId, effect: &QueueEffect, now: Timestamp) -> Route {
        let owe = |lane, group| Route::Owe { lane, group: Some(group), due: now };
        match effect {
            QueueEffect::Stage { .. } => owe(STAGE_LANE, id.to_string()),
            QueueEffect::AwaitChecks { run, .. } => owe(CHECKS_LANE, run_group(id, *run)),
            QueueEffect::CancelChecks { run } => Route::Revoke { lane: CHECKS_LANE, group: run_group(id, *run) },
            QueueEffect::Land { .. } => owe(LAND_LANE, id.to_string()),
            QueueEffect::Audit { .. } | QueueEffect::Restore { .. } => owe(AUDIT_LANE, id.to_string()),
            QueueEffect::Probe(_) => owe(PROBE_LANE, id.to_string()),
            QueueEffect::Report { entry, .. } => owe(REPORT_LANE, format!("{id}/{entry}")),
            QueueEffect::Deadline { until, .. } | QueueEffect::Watch { until } | QueueEffect::Opening { until } => {
                Route::Owe { lane: TIMER_LANE, group: None, due: *until }
            }
        }
    }
}

/// Format 1 had one run at a time and other words for its strategy. Everybody keeps their place; a landing that was in
/// flight is found out when its entries are staged: the target already has them.
fn forget_runs(body: &mut serde_json::Map<String, serde_json::Value>) -> Option<()> {
    let policy = body.get_mut("policy")?.as_object_mut()?;
    let batch_max = policy.remove("grouping")?.get("batch_max").and_then(serde_json::Value::as_u64);
    let batch_max = batch_max.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
    let Policy { strategy, runs_max, .. } = batch_max.map_or_else(Policy::serial, Policy::batch);
    policy.insert("strategy".to_owned(), serde_json::to_value(strategy).ok()?);
    policy.insert("runs_max".to_owned(), runs_max.into());
    body.insert("tracks".to_owned(), serde_json::to_value(Tracks::new(strategy, runs_max)).ok()?);
    body.insert("runs".to_owned(), serde_json::Value::Array(Vec::new()));
    body.insert("faults".to_owned(), serde_json::Value::Array(Vec::new()));
    Some(())
}

/// The group of lane `checks` in which a run's checks are awaited.
pub fn run_group(id: &QueueId, run: RunId) -> String {
    format!("{id}/{run}")
}

fn save_entry(id: &QueueId, record: &Record, now: Timestamp) -> Statement {
    let change = &record.entry.change;
    let none = || Arg::from(None::<String>);
    let (phase, outcome, text, landed_as, ended_at) = match &record.now {
        Whereabouts::In(place) => (place.word(), none(), none(), none(), None),
        Whereabouts::Out(outcome) => {
            ("ended", word_of(outcome).into(), outcome.to_string().into(), landed_as(outcome), Some(now))
        }
    };
    let rank = i64::try_from(record.entry.rank).unwrap_or(i64::MAX);
    let args = vec![
        id.as_str().into(),
        rank.into(),
        change.id.as_str().into(),
        change.title.as_str().into(),
        change.requested_by.as_str().into(),
        phase.into(),
        outcome,
        text,
        landed_as,
        record.entry.enqueued_at.into(),
        ended_at.into(),
    ];
    Statement { sql: SAVE_ENTRY, args }
}

fn word_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Merged { .. } => "merged",
        Outcome::Ejected { .. } => "ejected",
        Outcome::Withdrawn { .. } => "withdrawn",
    }
}

fn landed_as(outcome: &Outcome) -> Arg {
    match outcome {
        Outcome::Merged { commit, .. } => commit.as_str().into(),
        Outcome::Ejected { .. } | Outcome::Withdrawn { .. } => None::<String>.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::script::{body, empty_queue, parse_event, step_lawfully};

    fn queue_of_three() -> Queue {
        let story = ["batch 2", "enqueue a", "enqueue b", "made 1", "failed 1 unit", "enqueue c"];
        story.iter().fold(empty_queue(), |queue, line| {
            let event = parse_event(line, &queue);
            step_lawfully(queue, &event).0
        })
    }

    fn read(format: i64, stored: serde_json::Value) -> Queue {
        let body = Queue::upcast(format, stored).expect("a body of this format");
        serde_json::from_value(body).expect("it is of this version now")
    }

    #[test]
    fn a_queue_of_the_version_before_goes_on_as_it_was() {
        let queue = queue_of_three();
        let mut stored = body(&queue);
        let fields = stored.as_object_mut().expect("a body");
        let tracks = fields.remove("tracks").expect("its tracks");
        fields.insert("strategist".to_owned(), tracks[0].clone());
        for fault in fields["faults"].as_array_mut().expect("its faults") {
            let members = fault.as_object_mut().expect("a fault").remove("members").expect("its members");
            fault["of"] = members.as_array().expect("a list").len().into();
        }
        assert_eq!(body(&read(2, stored)), body(&queue));
    }

    #[test]
    fn in_a_queue_of_the_first_version_everybody_keeps_their_place() {
        let queue = queue_of_three();
        let mut stored = body(&queue);
        stored["policy"]["grouping"] = serde_json::json!({ "batch_max": 2 });
        stored.as_object_mut().expect("a body").remove("tracks");
        for entry in stored["entries"].as_array_mut().expect("its entries") {
            entry.as_object_mut().expect("an entry").remove("admitted");
        }
        let read = read(1, stored);
        let ranks = |queue: &Queue| queue.entries.iter().map(|entry| entry.rank).collect::<Vec<_>>();
        assert_eq!((ranks(&read), read.runs.len(), read.policy.strategy), (ranks(&queue), 0, queue.policy.strategy));
        assert!(Queue::upcast(0, body(&queue)).is_none());
        let (paused, _) = step_lawfully(read, &parse_event("pause", &queue));
        assert_eq!(step_lawfully(paused, &parse_event("resume", &queue)).0.runs.len(), 1);
    }
}
