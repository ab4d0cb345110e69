//! A machine made for these cases: a bell that owes rings. There are two kinds of it, which share lanes and groups.

use std::fmt;

use async_trait::async_trait;
use domain::{Cause, DeliveryId, Machine, Rejected, Step, Timestamp};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use store::{Applied, Arg, Lane, Owed, Performed, Performer, Pump, Pumping, Route, Statement, Store, Table};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{soon, until};

/// What it has heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bell<const KIND: usize> {
    pub total: i64,
    pub rung: Vec<String>,
    pub buried: Vec<String>,
}

/// The kind that most cases use.
pub type Tower = Bell<0>;
/// Another kind in the same lanes.
pub type Harbour = Bell<1>;

/// One bell, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BellId(pub String);

impl fmt::Display for BellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What may happen to a bell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BellEvent {
    /// The total grew; a negative number is refused.
    Added(i64),
    /// Somebody wants these.
    Asked(Vec<BellEffect>),
    /// A ring was performed.
    Rang(String),
    /// A ring was given up.
    Buried(String),
    /// The bell cannot take this.
    Broke,
}

/// What a bell may owe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BellEffect {
    Ring { name: String, lane: Place, group: Option<String>, after_ms: u64 },
    Hush { lane: Place, group: String },
}

/// Where it rings: a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    East,
    West,
}

impl Place {
    pub fn lane(self) -> &'static str {
        match self {
            Self::East => "east",
            Self::West => "west",
        }
    }
}

/// A ring in the east lane, at once.
pub fn ring(name: impl Into<String>) -> BellEffect {
    BellEffect::Ring { name: name.into(), lane: Place::East, group: None, after_ms: 0 }
}

/// A ring that must not overlap with others of its group.
pub fn ring_in(group: &str, name: impl Into<String>) -> BellEffect {
    BellEffect::Ring { name: name.into(), lane: Place::East, group: Some(group.to_owned()), after_ms: 0 }
}

/// A ring in some milliseconds.
pub fn ring_after(after_ms: u64, group: &str, name: &str) -> BellEffect {
    BellEffect::Ring { name: name.to_owned(), lane: Place::East, group: Some(group.to_owned()), after_ms }
}

/// Stops a group of the east lane.
pub fn hush(group: &str) -> BellEffect {
    BellEffect::Hush { lane: Place::East, group: group.to_owned() }
}

/// The name of an owed ring.
pub fn name_of(effect: &BellEffect) -> String {
    match effect {
        BellEffect::Ring { name, .. } => name.clone(),
        BellEffect::Hush { .. } => panic!("a hush is performed by nobody"),
    }
}

impl<const KIND: usize> Machine for Bell<KIND> {
    type Id = BellId;
    type Event = BellEvent;
    type Effect = BellEffect;

    fn step(mut self, event: &BellEvent, _now: Timestamp) -> Result<Step<Self>, Rejected> {
        match event {
            BellEvent::Added(by) if *by < 0 => return Err(Rejected::new("A bell only adds", "Add more than nothing")),
            BellEvent::Added(by) => self.total += by,
            BellEvent::Asked(effects) => return Ok(Step::owing(self, effects.clone())),
            BellEvent::Rang(name) => self.rung.push(name.clone()),
            BellEvent::Buried(why) => self.buried.push(why.clone()),
            BellEvent::Broke => panic!("the bell broke"),
        }
        Ok(Step::quiet(self))
    }
}

impl<const KIND: usize> Table for Bell<KIND> {
    const KIND: &'static str = ["tower", "harbour"][KIND];
    const FORMAT: i64 = 2;
    const SELECT: &'static str =
        ["SELECT version, body FROM tower WHERE id = $1", "SELECT version, body FROM harbour WHERE id = $1"][KIND];
    const INSERT: &'static str = [
        "INSERT INTO tower (id, version, state, body, updated_at_ms, total) VALUES ($1, $2, $3, $4, $5, $6)",
        "INSERT INTO harbour (id, version, state, body, updated_at_ms, total) VALUES ($1, $2, $3, $4, $5, $6)",
    ][KIND];
    const UPDATE: &'static str = [
        "UPDATE tower SET version = $2, state = $3, body = $4, updated_at_ms = $5, total = $6
            WHERE id = $1 AND version = $2 - 1",
        "UPDATE harbour SET version = $2, state = $3, body = $4, updated_at_ms = $5, total = $6
            WHERE id = $1 AND version = $2 - 1",
    ][KIND];

    fn parse_id(text: &str) -> Option<BellId> {
        (!text.is_empty()).then(|| BellId(text.to_owned()))
    }

    fn state(&self) -> &'static str {
        if self.rung.is_empty() { "silent" } else { "rung" }
    }

    fn columns(&self) -> Vec<Arg> {
        vec![self.total.into()]
    }

    fn route(_id: &BellId, effect: &BellEffect, now: Timestamp) -> Route {
        match effect {
            BellEffect::Ring { lane, group, after_ms, .. } => {
                let due = now + std::time::Duration::from_millis(*after_ms);
                Route::Owe { lane: lane.lane(), group: group.clone(), due }
            }
            BellEffect::Hush { lane, group } => Route::Revoke { lane: lane.lane(), group: group.clone() },
        }
    }

    /// The first format knew only how often it rang.
    fn upcast(format: i64, body: serde_json::Value) -> Option<serde_json::Value> {
        let times = body.get("times").and_then(serde_json::Value::as_u64).filter(|_| format == 1)?;
        let rung: Vec<String> = (1..=times).map(|n| format!("ring {n}")).collect();
        Some(serde_json::json!({ "total": 0, "rung": rung, "buried": [] }))
    }
}

/// The tables of both kinds.
pub fn tables() -> Vec<Statement> {
    const TOWER: &str = "CREATE TABLE IF NOT EXISTS tower (id TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL,
        state TEXT NOT NULL, body TEXT NOT NULL, updated_at_ms BIGINT NOT NULL, total BIGINT NOT NULL)";
    const HARBOUR: &str = "CREATE TABLE IF NOT EXISTS harbour (id TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL,
        state TEXT NOT NULL, body TEXT NOT NULL, updated_at_ms BIGINT NOT NULL, total BIGINT NOT NULL)";
    [TOWER, HARBOUR].map(|sql| Statement { sql, args: Vec::new() }).into()
}

/// The bell that a case uses when it needs only one.
pub fn big_ben() -> BellId {
    BellId("Big Ben".to_owned())
}

pub fn ana() -> Cause {
    Cause::Person("ana".parse().unwrap())
}

pub fn delivery(id: impl Into<String>) -> Cause {
    Cause::Delivery(DeliveryId::new(id))
}

/// Lets a bell of this kind owe `effects`; it is made if it is not there.
pub async fn ask<const KIND: usize>(store: &Store, effects: Vec<BellEffect>) {
    let applied = store.apply_or_start(&big_ben(), Bell::<KIND>::default, BellEvent::Asked(effects), ana()).await;
    assert!(matches!(applied, Ok(Applied::Done(_))), "{applied:?}");
}

/// The bell as it is now.
pub async fn bell<const KIND: usize>(store: &Store) -> Bell<KIND> {
    store.load::<Bell<KIND>>(&big_ben()).await.unwrap().expect("the bell is there")
}

/// Waits until the bell has heard so many rings.
pub async fn until_rung<const KIND: usize>(store: &Store, n: usize) -> Vec<String> {
    until(async || Some(bell::<KIND>(store).await.rung).filter(|rung| rung.len() >= n)).await
}

/// One number that a query counted.
pub async fn count(store: &Store, sql: &'static str) -> i64 {
    store.rows(sql, &[]).await.unwrap()[0].int("n").unwrap()
}

/// How many connections to this PostgreSQL database wait for another.
pub async fn n_waiting_for_locks(store: &Store) -> i64 {
    const WAITING: &str = "SELECT COUNT(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    count(store, WAITING).await
}

type Act<const KIND: usize> = dyn for<'o> Fn(&'o Owed<Bell<KIND>>) -> BoxFuture<'o, Performed<BellEvent>> + Send + Sync;

/// Performs rings as a case wants it.
pub struct Ringer<const KIND: usize> {
    act: Box<Act<KIND>>,
    at_burial: BellEvent,
}

impl<const KIND: usize> Ringer<KIND> {
    pub fn new(
        act: impl for<'o> Fn(&'o Owed<Bell<KIND>>) -> BoxFuture<'o, Performed<BellEvent>> + Send + Sync + 'static,
    ) -> Self {
        Self { act: Box::new(act), at_burial: BellEvent::Buried(String::new()) }
    }

    /// A ringer that tells the bell each name.
    pub fn plain() -> Self {
        Self::new(|owed| Box::pin(async { rang(owed) }))
    }

    /// A ringer that always wants to try again later.
    pub fn retrying(after: std::time::Duration) -> Self {
        Self::new(move |_| Box::pin(async move { Performed::Retry { after, why: "no rope".to_owned() } }))
    }

    /// What it says of an effect that it gave up; the reason is added to a plain `Buried`.
    pub fn burying_with(mut self, event: BellEvent) -> Self {
        self.at_burial = event;
        self
    }
}

/// The answer of a ring that went well.
pub fn rang<const KIND: usize>(owed: &Owed<Bell<KIND>>) -> Performed<BellEvent> {
    Performed::Done(BellEvent::Rang(name_of(&owed.effect)))
}

#[async_trait]
impl<const KIND: usize> Performer for Ringer<KIND> {
    type Machine = Bell<KIND>;

    async fn perform(&self, owed: &Owed<Bell<KIND>>) -> Performed<BellEvent> {
        (self.act)(owed).await
    }

    fn bury(&self, owed: &Owed<Bell<KIND>>, why: &str) -> Option<BellEvent> {
        let event = match &self.at_burial {
            BellEvent::Buried(_) => BellEvent::Buried(format!("{}: {why}", name_of(&owed.effect))),
            BellEvent::Added(_) => panic!("the burial failed"),
            other => other.clone(),
        };
        Some(event)
    }
}

/// The east lane, in which nothing happens by waiting: leases and looks are an hour apart.
pub fn east() -> Lane {
    let hour = std::time::Duration::from_secs(3_600);
    Lane { lease: hour, poll: hour, ..Lane::new(Place::East.lane(), 4) }
}

/// The east lane with leases that end as they begin: whoever claims has died already.
pub fn east_of_the_dying() -> Lane {
    Lane { lease: std::time::Duration::ZERO, ..east() }
}

/// A pump at work.
pub struct Running {
    stop: CancellationToken,
    work: JoinHandle<()>,
}

impl Running {
    pub fn start<const KIND: usize>(store: &Store, lane: Lane, ringer: Ringer<KIND>) -> Self {
        let (pump, stop) = (Pump::new(store.clone(), lane, ringer), CancellationToken::new());
        let stopping = stop.clone();
        Self { stop, work: tokio::spawn(async move { pump.run(stopping).await }) }
    }

    /// Stops it and waits for its end.
    pub async fn stop(self) {
        self.stop.cancel();
        soon(self.work).await.unwrap();
    }
}
