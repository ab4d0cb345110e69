//! The door as the simulator sees it: what `Store` promises, kept once in memory and once on a real database.

use std::time::Duration;

use agents::task::{Request, Task, TaskEffect, TaskEvent};
use domain::{Attempt, Cause, Machine, QueueId, Rejected, Step, TaskId, Timestamp};
use mergeq::queue::{Policy, Queue, QueueEffect, QueueEvent, queue_id};

/// A machine's `step`.
pub type Stepper<M> = fn(M, &<M as Machine>::Event, Timestamp) -> Result<Step<M>, Rejected>;

/// The machines under test: the real ones, or a mutant of one.
#[derive(Clone, Copy)]
pub struct Rules {
    pub task: Stepper<Task>,
    pub queue: Stepper<Queue>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { task: Task::step, queue: Queue::step }
    }
}

/// A lane for one kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    pub name: &'static str,
    pub kind: &'static str,
}

const fn lane(kind: &'static str, name: &'static str) -> Lane {
    Lane { name, kind }
}

/// Every lane that the two machines owe in.
pub const LANES: [Lane; 13] = [
    lane("task", "session"),
    lane("task", "publish"),
    lane("task", "try"),
    lane("task", "merge"),
    lane("task", "chat"),
    lane("task", "timer"),
    lane("queue", "stage"),
    lane("queue", "checks"),
    lane("queue", "land"),
    lane("queue", "audit"),
    lane("queue", "probe"),
    lane("queue", "report"),
    lane("queue", "timer"),
];

/// One owed effect.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are never many of them, and a box would hide the patterns")]
pub enum Debt {
    Task(TaskId, TaskEffect),
    Queue(QueueEffect),
}

/// An owed effect that is ours for now.
#[derive(Clone, Debug)]
pub struct Claim {
    pub debt: Debt,
    pub attempt: Attempt,
    pub is_revoked: bool,
}

/// An effect that is owed, claimed or not.
#[derive(Clone, Debug)]
pub struct Owing {
    pub debt: Debt,
    pub due: Timestamp,
}

/// How long a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Until its effect ends or the process does.
    Held,
    /// Not at all: anybody may take it over at once, while its first holder still acts.
    Lapsed,
}

/// One event, for whom it is.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time is on its way to a machine")]
pub enum Told {
    Task(TaskId, TaskEvent),
    Queue(QueueEvent),
}

/// What became of an event.
pub enum Settled<M: Machine> {
    Done { before: Box<M>, after: Box<Step<M>> },
    Repeated,
    Superseded,
    Refused(Rejected),
}

/// What `Store` promises.
pub trait Door {
    fn now(&self) -> Timestamp;
    fn advance(&mut self, by: Duration);
    fn rules(&self) -> Rules;

    async fn submit(&mut self, request: &Request, cause: &Cause) -> Option<Step<Task>>;
    async fn apply_task(&mut self, id: TaskId, event: &TaskEvent, cause: &Cause) -> Settled<Task>;
    async fn apply_queue(&mut self, event: &QueueEvent, cause: &Cause) -> Settled<Queue>;
    async fn task(&mut self, id: TaskId) -> Option<Task>;
    async fn queue(&mut self) -> Option<Queue>;

    /// The lanes in which something is due, claimed or not.
    async fn busy_lanes(&mut self) -> Vec<Lane>;
    async fn claim(&mut self, lane: Lane, lease: Lease, nth: usize) -> Option<Claim>;
    async fn finish(&mut self, attempt: &Attempt);
    async fn put_off(&mut self, attempt: &Attempt, after: Duration);
    /// Ends an effect of which its machine does not ask.
    async fn bury(&mut self, attempt: &Attempt);
    /// A process that died holds nothing.
    async fn forget_leases(&mut self);
    async fn debts(&mut self) -> Vec<Owing>;
    /// What the door itself has to say against the history, at its end.
    async fn objection(&mut self) -> Option<String>;
}

/// An empty queue, as the first change finds it.
pub fn new_queue(policy: &Policy) -> Queue {
    Queue::new("web".parse().expect("a name"), "main".parse().expect("a branch"), policy.clone())
}

/// The one queue of the world.
pub fn the_queue() -> QueueId {
    queue_id(&"web".parse().expect("a name"), &"main".parse().expect("a branch"))
}
