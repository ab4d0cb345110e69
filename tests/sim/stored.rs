//! The door on a real database: `Store::apply`, the outbox and its claims, with every step foretold by the machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agents::task::{Request, Task, TaskEvent};
use domain::{Attempt, Cause, Step, TaskId, Timestamp};
use mergeq::queue::{Policy, Queue, QueueEvent};
use store::{Applied, ApplyError, Created, JournalEntry, Statement, Store, StoreSettings, Table};
use tempfile::TempDir;
use tests::clock::ManualClock;

use crate::door::{Claim, Debt, Door, LANES, Lane, Lease, Owing, Rules, Settled, new_queue, the_queue};
use crate::laws::is_same;

const BUSY: &str = "SELECT DISTINCT kind, lane FROM outbox WHERE state = 'owed' AND due_at_ms <= $1";
const LOSE: &str = "DELETE FROM journal WHERE kind = 'task' AND version = (SELECT MAX(version) FROM journal)";
const OWED: &str = "SELECT kind, machine, body, due_at_ms FROM outbox WHERE state = 'owed' ORDER BY seq, id";

/// Longer than any history takes.
const LEASE_HELD: Duration = Duration::from_secs(3_600);

/// A store on SQLite.
pub struct Stored {
    store: Store,
    clock: Arc<ManualClock>,
    policy: Policy,
    /// How many events each machine should have in the journal.
    n_applied: BTreeMap<String, usize>,
    /// One event of the journal is taken away; for mutations.
    pub loses_event: bool,
    _place: TempDir,
}

impl Stored {
    pub async fn open(policy: Policy) -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        let clock = Arc::new(ManualClock::default());
        let url = format!("sqlite:{}", place.path().join("store.db").display());
        let settings = StoreSettings { connections_max: 1, ..StoreSettings::new(url) };
        let store = Store::open(&settings, clock.clone()).await.expect("a new database opens");
        Self { store, clock, policy, n_applied: BTreeMap::new(), loses_event: false, _place: place }
    }

    async fn apply<M: Table>(
        &mut self,
        id: &M::Id,
        before: M,
        (event, cause): (&M::Event, &Cause),
        is_equal: fn(&M, &M) -> bool,
    ) -> Settled<M> {
        let start = before.clone();
        let foretold = before.clone().step(event, self.store.now());
        match self.store.apply_or_start(id, || start.clone(), event.clone(), cause.clone()).await {
            Ok(Applied::Done(state)) => {
                let after = foretold.expect("the store applied it, so the machine does not refuse it");
                assert!(is_equal(&state, &after.state), "the store keeps another state of {id} than the machine gave");
                *self.n_applied.entry(id.to_string()).or_default() += 1;
                Settled::Done { before: Box::new(before), after: Box::new(after) }
            }
            Ok(Applied::Repeated) => Settled::Repeated,
            Ok(Applied::Superseded) => Settled::Superseded,
            Err(ApplyError::Rejected(why)) => Settled::Refused(why),
            Err(error) => panic!("the store failed: {error}"),
        }
    }

    /// Compares what is stored of a machine with what its journal makes of `first`.
    async fn replay<M: Table>(&self, id: &M::Id, first: M, is_equal: fn(&M, &M) -> bool) -> Option<String>
    where
        M::Event: serde::de::DeserializeOwned,
    {
        let journal = self.store.journal(M::KIND, &id.to_string(), 0).await.expect("the journal reads");
        let n_expected = self.n_applied.get(&id.to_string()).copied().unwrap_or(0);
        let is_complete = journal.len() == n_expected && journal.iter().zip(1..).all(|(entry, n)| entry.version == n);
        if !is_complete {
            return Some(format!("{id}: {} entries for {n_expected} events", journal.len()));
        }
        let again = |machine: M, entry: &JournalEntry| {
            let event = serde_json::from_str(&entry.event).expect("an event of the journal reads");
            machine.step(&event, entry.at).expect("it was applied once").state
        };
        let replayed = journal.iter().fold(first, again);
        let stored = self.store.load::<M>(id).await.expect("the machine reads");
        let is_told = stored.is_none_or(|stored| is_equal(&stored, &replayed));
        (!is_told).then(|| format!("{id}: replaying its journal gives another machine"))
    }
}

impl Door for Stored {
    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
    }

    fn rules(&self) -> Rules {
        Rules::default()
    }

    async fn submit(&mut self, request: &Request, cause: &Cause) -> Option<Step<Task>> {
        let submitted = TaskEvent::Submitted { request: request.clone() };
        let step_of = |id, now| Task::submit(id, request.clone(), now);
        let make = |number, now| {
            let id = TaskId::new(number);
            Ok((id, step_of(id, now)))
        };
        match self.store.create(cause.clone(), submitted, make).await.expect("nobody refuses a task") {
            Created::Done(id, task) => {
                let step = step_of(id, self.store.now());
                assert_eq!(step.state, task, "the store keeps another task than was submitted");
                self.n_applied.insert(id.to_string(), 1);
                Some(step)
            }
            Created::Repeated => None,
        }
    }

    async fn apply_task(&mut self, id: TaskId, event: &TaskEvent, cause: &Cause) -> Settled<Task> {
        let before = self.task(id).await.expect("events come for tasks that are there");
        self.apply(&id, before, (event, cause), PartialEq::eq).await
    }

    async fn apply_queue(&mut self, event: &QueueEvent, cause: &Cause) -> Settled<Queue> {
        let before = self.queue().await.unwrap_or_else(|| new_queue(&self.policy));
        self.apply(&the_queue(), before, (event, cause), is_same).await
    }

    async fn task(&mut self, id: TaskId) -> Option<Task> {
        self.store.load(&id).await.expect("a task reads")
    }

    async fn queue(&mut self) -> Option<Queue> {
        self.store.load(&the_queue()).await.expect("a queue reads")
    }

    async fn busy_lanes(&mut self) -> Vec<Lane> {
        let rows = self.store.rows(BUSY, &[self.now().into()]).await.expect("the outbox reads");
        let is_in = |row: &store::Row, lane: &Lane| {
            row.text("kind").is_ok_and(|kind| kind == lane.kind) && row.text("lane").is_ok_and(|name| name == lane.name)
        };
        LANES.into_iter().filter(|lane| rows.iter().any(|row| is_in(row, lane))).collect()
    }

    async fn claim(&mut self, lane: Lane, lease: Lease, _nth: usize) -> Option<Claim> {
        let lease = match lease {
            Lease::Held => LEASE_HELD,
            Lease::Lapsed => Duration::ZERO,
        };
        let worked = store::Lane { lease, ..store::Lane::new(lane.name, 1) };
        let leased = self.store.claim(&worked, lane.kind).await.expect("a claim reads")?;
        let debt = debt_of(lane.kind, &leased.machine, &leased.body);
        Some(Claim { debt, attempt: leased.attempt, is_revoked: leased.is_revoked })
    }

    async fn finish(&mut self, attempt: &Attempt) {
        self.store.finish(attempt).await.expect("an effect ends");
    }

    async fn put_off(&mut self, attempt: &Attempt, after: Duration) {
        self.store.put_off(attempt, after, "not now").await.expect("an effect is put off");
    }

    async fn bury(&mut self, attempt: &Attempt) {
        self.finish(attempt).await;
    }

    async fn forget_leases(&mut self) {
        self.store.forget_leases().await.expect("leases are forgotten");
    }

    async fn debts(&mut self) -> Vec<Owing> {
        let rows = self.store.rows(OWED, &[]).await.expect("the outbox reads");
        let owing = |row: &store::Row| {
            let text = |column| row.text(column).expect("a text");
            let due = Timestamp::from_ms(row.int("due_at_ms").expect("a number"));
            Owing { debt: debt_of(&text("kind"), &text("machine"), &text("body")), due }
        };
        rows.iter().map(owing).collect()
    }

    async fn objection(&mut self) -> Option<String> {
        if self.loses_event {
            self.store.write(&[Statement { sql: LOSE, args: Vec::new() }]).await.expect("an event is lost");
        }
        for id in self.n_applied.keys().filter_map(|id| id.parse::<TaskId>().ok()) {
            let journal = self.store.journal(Task::KIND, &id.to_string(), 0).await.expect("the journal reads");
            let first = journal.first().map(|entry| (serde_json::from_str(&entry.event), entry.at));
            let Some((Ok(TaskEvent::Submitted { request }), at)) = first else {
                return Some(format!("{id}: its journal does not begin with its request"));
            };
            let submitted = Task::submit(id, request, at).state;
            // The machine passes over its own beginning.
            if let Some(objection) = self.replay(&id, submitted, PartialEq::eq).await {
                return Some(objection);
            }
        }
        self.replay(&the_queue(), new_queue(&self.policy), is_same).await
    }
}

fn debt_of(kind: &str, machine: &str, body: &str) -> Debt {
    const READS: &str = "an effect reads as it was written";
    match kind {
        Task::KIND => Debt::Task(machine.parse().expect("a task's id"), serde_json::from_str(body).expect(READS)),
        _ => Debt::Queue(serde_json::from_str(body).expect(READS)),
    }
}
