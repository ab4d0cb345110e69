//! The door in memory: the store's promises without its database, and with whatever machines are under test.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use agents::task::{Request, Task, TaskEvent};
use domain::{Attempt, Cause, EffectId, Step, TaskId, Timestamp};
use mergeq::queue::{Policy, Queue, QueueEvent};
use store::{Route, Table};

use crate::door::{Claim, Debt, Door, LANES, Lane, Lease, Owing, Rules, Settled, new_queue, the_queue};

/// A store without a database.
pub struct Ledger {
    /// No cause is remembered; for mutations.
    pub is_forgetful: bool,
    rules: Rules,
    policy: Policy,
    now: Timestamp,
    tasks: BTreeMap<TaskId, Task>,
    queue: Option<Queue>,
    /// What is owed, in the order in which it was owed.
    rows: Vec<Row>,
    /// Which attempt ended an effect.
    ended: HashMap<EffectId, String>,
    inbox: HashSet<String>,
    n_steps: u64,
    n_claims: u64,
}

struct Row {
    id: EffectId,
    debt: Debt,
    lane: Lane,
    group: Option<String>,
    due: Timestamp,
    n_attempts: u32,
    token: Option<String>,
    is_held: bool,
    is_revoked: bool,
}

/// Whether a cause may be applied.
enum Entitled {
    Yes,
    Repeated,
    Superseded,
}

impl Ledger {
    pub fn new(rules: Rules, policy: Policy) -> Self {
        Self {
            is_forgetful: false,
            rules,
            policy,
            now: Timestamp::from_ms(1_798_804_800_000),
            tasks: BTreeMap::new(),
            queue: None,
            rows: Vec::new(),
            ended: HashMap::new(),
            inbox: HashSet::new(),
            n_steps: 0,
            n_claims: 0,
        }
    }

    fn entitles(&self, cause: &Cause) -> Entitled {
        match cause {
            _ if self.is_forgetful => Entitled::Yes,
            Cause::Delivery(id) if self.inbox.contains(id.as_str()) => Entitled::Repeated,
            Cause::Delivery(_) | Cause::Person(_) => Entitled::Yes,
            Cause::Effect(attempt) if self.row_of(attempt).is_some() => Entitled::Yes,
            Cause::Effect(attempt) if self.ended.get(&attempt.effect) == Some(&attempt.token) => Entitled::Repeated,
            Cause::Effect(_) => Entitled::Superseded,
        }
    }

    fn note(&mut self, cause: &Cause) {
        match cause {
            Cause::Delivery(id) => drop(self.inbox.insert(id.to_string())),
            Cause::Effect(attempt) => drop(self.end(attempt)),
            Cause::Person(_) => {}
        }
    }

    fn row_of(&self, attempt: &Attempt) -> Option<usize> {
        self.rows.iter().position(|row| row.id == attempt.effect && row.token.as_ref() == Some(&attempt.token))
    }

    fn end(&mut self, attempt: &Attempt) -> Option<Row> {
        let row = self.rows.remove(self.row_of(attempt)?);
        self.ended.insert(row.id.clone(), attempt.token.clone());
        Some(row)
    }

    fn owe<M: Table>(&mut self, id: &M::Id, effects: &[M::Effect], debt_of: impl Fn(&M::Effect) -> Debt) {
        self.n_steps += 1;
        for (n, effect) in effects.iter().enumerate() {
            match M::route(id, effect, self.now) {
                Route::Owe { lane, group, due } => self.rows.push(Row {
                    id: EffectId::new(format!("{}:{}:{n}", M::KIND, self.n_steps)),
                    debt: debt_of(effect),
                    lane: Lane { kind: M::KIND, name: lane },
                    group,
                    due,
                    n_attempts: 0,
                    token: None,
                    is_held: false,
                    is_revoked: false,
                }),
                Route::Revoke { lane, group } => {
                    let now = self.now;
                    let meant = |row: &&mut Row| row.lane.name == lane && row.group.as_ref() == Some(&group);
                    self.rows.iter_mut().filter(meant).for_each(|row| {
                        row.is_revoked = true;
                        row.due = row.due.min(now);
                    });
                }
            }
        }
    }

    fn is_claimable(&self, index: usize, lane: Lane) -> bool {
        let row = &self.rows[index];
        let shares = |other: &Row| other.lane.name == lane.name && row.group.is_some() && other.group == row.group;
        row.lane == lane
            && row.due <= self.now
            && !row.is_held
            && !self.rows[..index].iter().any(shares)
            && !self.rows[index..].iter().any(|other| other.is_held && shares(other))
    }
}

impl Door for Ledger {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
    }

    fn rules(&self) -> Rules {
        self.rules
    }

    async fn submit(&mut self, request: &Request, cause: &Cause) -> Option<Step<Task>> {
        let Entitled::Yes = self.entitles(cause) else { return None };
        let id = TaskId::new(self.tasks.len() as u64 + 1);
        let step = Task::submit(id, request.clone(), self.now);
        self.note(cause);
        self.tasks.insert(id, step.state.clone());
        self.owe::<Task>(&id, &step.effects, |effect| Debt::Task(id, effect.clone()));
        Some(step)
    }

    async fn apply_task(&mut self, id: TaskId, event: &TaskEvent, cause: &Cause) -> Settled<Task> {
        match self.entitles(cause) {
            Entitled::Repeated => return Settled::Repeated,
            Entitled::Superseded => return Settled::Superseded,
            Entitled::Yes => {}
        }
        let before = self.tasks[&id].clone();
        let after = match (self.rules.task)(before.clone(), event, self.now) {
            Ok(after) => after,
            Err(rejected) => return Settled::Refused(rejected),
        };
        self.note(cause);
        self.tasks.insert(id, after.state.clone());
        self.owe::<Task>(&id, &after.effects, |effect| Debt::Task(id, effect.clone()));
        Settled::Done { before: Box::new(before), after: Box::new(after) }
    }

    async fn apply_queue(&mut self, event: &QueueEvent, cause: &Cause) -> Settled<Queue> {
        match self.entitles(cause) {
            Entitled::Repeated => return Settled::Repeated,
            Entitled::Superseded => return Settled::Superseded,
            Entitled::Yes => {}
        }
        let before = self.queue.clone().unwrap_or_else(|| new_queue(&self.policy));
        let after = match (self.rules.queue)(before.clone(), event, self.now) {
            Ok(after) => after,
            Err(rejected) => return Settled::Refused(rejected),
        };
        self.note(cause);
        self.queue = Some(after.state.clone());
        self.owe::<Queue>(&the_queue(), &after.effects, |effect| Debt::Queue(effect.clone()));
        Settled::Done { before: Box::new(before), after: Box::new(after) }
    }

    async fn task(&mut self, id: TaskId) -> Option<Task> {
        self.tasks.get(&id).cloned()
    }

    async fn queue(&mut self) -> Option<Queue> {
        self.queue.clone()
    }

    async fn busy_lanes(&mut self) -> Vec<Lane> {
        let is_busy = |lane: &Lane| self.rows.iter().any(|row| row.lane == *lane && row.due <= self.now);
        LANES.into_iter().filter(is_busy).collect()
    }

    async fn claim(&mut self, lane: Lane, lease: Lease, nth: usize) -> Option<Claim> {
        let claimable: Vec<usize> = (0..self.rows.len()).filter(|index| self.is_claimable(*index, lane)).collect();
        let index = *claimable.get(nth % claimable.len().max(1))?;
        self.n_claims += 1;
        let token = format!("claim {}", self.n_claims);
        let row = &mut self.rows[index];
        row.n_attempts += 1;
        row.token = Some(token.clone());
        row.is_held = lease == Lease::Held;
        let attempt = Attempt { effect: row.id.clone(), number: row.n_attempts, token };
        Some(Claim { debt: row.debt.clone(), attempt, is_revoked: row.is_revoked })
    }

    async fn finish(&mut self, attempt: &Attempt) {
        self.end(attempt);
    }

    async fn put_off(&mut self, attempt: &Attempt, after: Duration) {
        if let Some(index) = self.row_of(attempt) {
            let row = &mut self.rows[index];
            (row.token, row.is_held, row.due) = (None, false, self.now + after);
        }
    }

    async fn bury(&mut self, attempt: &Attempt) {
        self.end(attempt);
    }

    async fn forget_leases(&mut self) {
        for row in &mut self.rows {
            (row.token, row.is_held) = (None, false);
        }
    }

    async fn debts(&mut self) -> Vec<Owing> {
        self.rows.iter().map(|row| Owing { debt: row.debt.clone(), due: row.due }).collect()
    }

    async fn objection(&mut self) -> Option<String> {
        None
    }
}
