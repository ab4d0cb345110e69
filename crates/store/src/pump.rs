//! One lane: claim, perform, apply.
//!
//! A pump sleeps until it is woken, until the next effect is due, or until its polling period is over (another
//! process cannot wake it). It listens before it looks: a wake-up that comes while it is busy is kept by the `Notify`,
//! and a revocation that comes while it claims is kept by the channel, so none is lost.
//!
//! While a performer acts, its lease is extended; when the lease is lost, the effect is revoked or the process is to
//! stop, the performer's `revoked` token fires and its answer counts only if the token of the attempt still holds.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Attempt, Cause, Machine, Timestamp};
use futures::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::db::UNPOISONED;
use crate::outbox::{Claims, Lease};
use crate::{Applied, ApplyError, Lane, Leased, Store, StoreError, Table};

/// The longest pause between two attempts that we choose. Longer ones would outlast a person's patience; shorter ones
/// flood.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// The pause after something that is nobody's answer: a panic, a value that does not read.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(1);

/// How often a lease is extended in its span, so that one or two failures do not lose it.
const EXTENSIONS: u32 = 4;

/// The code that performs the effects of one lane for one kind of machine.
///
/// An effect may be performed twice, and the process may die at any instruction of it: the second time must find the
/// work done.
#[async_trait]
pub trait Performer: Send + Sync + 'static {
    /// Whose effects.
    type Machine: Table;

    /// Acts, and says what came of it.
    async fn perform(&self, owed: &Owed<Self::Machine>) -> Performed<<Self::Machine as Machine>::Event>;

    /// What the machine is told when the attempts are spent; `None` when it need not know.
    fn bury(&self, owed: &Owed<Self::Machine>, why: &str) -> Option<<Self::Machine as Machine>::Event>;
}

/// One effect, claimed.
pub struct Owed<M: Table> {
    /// The machine that owes it.
    pub machine: M::Id,
    /// The effect.
    pub effect: M::Effect,
    /// The claim; its effect id is the idempotency key for the outside world.
    pub attempt: Attempt,
    /// Fires when the performer should stop: revoked by the machine, lease taken over, or the process is ending.
    pub revoked: CancellationToken,
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Performed<E> {
    /// Done; the machine is told.
    Done(E),
    /// Done, and the machine has nothing to learn.
    Finished,
    /// Not now.
    Retry {
        /// The pause before the next attempt; it grows with the attempts.
        after: Duration,
        /// Why, for the log and the operator.
        why: String,
    },
    /// Never; the machine is told.
    GiveUp(E),
}

/// A pump of any machine, so that they can be kept in one list.
#[async_trait]
pub trait Pumping: Send + Sync {
    /// The lane it works.
    fn lane(&self) -> &Lane;

    /// Performs the next due effect, if there is one, to its end.
    async fn perform_next(&self) -> Result<bool, StoreError>;

    /// Works the lane until `stop` fires, then lets what is running stop and gives back what did not end.
    async fn run(&self, stop: CancellationToken);
}

/// One lane of one kind of machine with its performer.
pub struct Pump<P: Performer> {
    store: Store,
    lane: Lane,
    performer: Arc<P>,
    wake: Arc<Notify>,
    /// Performed, with nothing to tell, and not yet written down; the lane does that for all of them at its next turn.
    finished: Arc<Mutex<Vec<Attempt>>>,
}

/// An effect that is ours for now, and what tells of revocations since before it was claimed.
struct Claimed {
    leased: Leased,
    revocations: watch::Receiver<u64>,
}

impl<P: Performer> Pump<P> {
    const KIND: &'static str = P::Machine::KIND;

    /// A pump for `lane`.
    pub fn new(store: Store, lane: Lane, performer: P) -> Self {
        let wake = store.wake_of(lane.name, Self::KIND);
        Self { store, lane, performer: Arc::new(performer), wake, finished: Arc::default() }
    }

    fn share(&self) -> Self {
        let Self { store, lane, performer, wake, finished } = self;
        let (performer, wake, finished) = (performer.clone(), wake.clone(), finished.clone());
        Self { store: store.clone(), lane: lane.clone(), performer, wake, finished }
    }

    async fn claim_up_to(&self, n_max: usize) -> Result<(Vec<Claimed>, Option<Timestamp>), StoreError> {
        self.finish().await?;
        let revocations = self.store.revocations.subscribe();
        let Claims { leased, later } = self.store.claim_up_to(n_max, &self.lane, Self::KIND).await?;
        let claimed = leased.into_iter().map(|leased| Claimed { leased, revocations: revocations.clone() });
        Ok((claimed.collect(), later))
    }

    /// Writes down what was performed and had nothing to tell.
    async fn finish(&self) -> Result<(), StoreError> {
        let finished = std::mem::take(&mut *self.finished.lock().expect(UNPOISONED));
        let written = self.store.finish_all(&finished).await;
        match written {
            Ok(0) => {}
            Ok(_) => self.store.wake_others(self.lane.name, Self::KIND),
            Err(_) => self.finished.lock().expect(UNPOISONED).extend(finished),
        }
        written.map(drop)
    }

    /// Performs one claimed effect and records what came of it.
    async fn settle(&self, claimed: Claimed, stopping: &CancellationToken) -> Result<(), StoreError> {
        let attempt = claimed.leased.attempt.clone();
        match AssertUnwindSafe(self.settle_claimed(claimed, stopping)).catch_unwind().await {
            Ok(settled) => settled,
            // A performer's panic is caught nearer to it; this one is its burial's, or the machine's.
            Err(_) => self.shelve(&attempt, "a panic over the answer").await,
        }
    }

    async fn settle_claimed(&self, claimed: Claimed, stopping: &CancellationToken) -> Result<(), StoreError> {
        let Claimed { leased, revocations } = claimed;
        let attempt = leased.attempt.clone();
        let owed = match understand::<P::Machine>(&leased) {
            Ok(owed) => owed,
            Err(why) => return self.shelve(&attempt, &why).await,
        };
        if attempt.number > self.lane.attempts_max {
            let why = leased.last_error.unwrap_or_else(|| "every attempt ended with its process".to_owned());
            return self.give_up(&owed, &why).await;
        }
        if leased.is_revoked {
            owed.revoked.cancel();
        }
        let performed = self.perform(&owed, revocations, stopping).await;
        let is_done = matches!(performed, Performed::Done(_) | Performed::Finished);
        if stopping.is_cancelled() && !leased.is_revoked && !is_done {
            return self.store.release(&attempt).await.map(drop);
        }
        match performed {
            Performed::Done(event) | Performed::GiveUp(event) => self.answer(&owed, event).await,
            Performed::Finished => {
                self.finished.lock().expect(UNPOISONED).push(attempt);
                Ok(())
            }
            Performed::Retry { why, .. } if attempt.number >= self.lane.attempts_max => self.give_up(&owed, &why).await,
            Performed::Retry { after, why } => self.put_off(&attempt, after, &why).await,
        }
    }

    /// Runs the performer while its lease is held. A panic is an attempt that failed.
    async fn perform(
        &self,
        owed: &Owed<P::Machine>,
        revocations: watch::Receiver<u64>,
        stopping: &CancellationToken,
    ) -> Performed<<P::Machine as Machine>::Event> {
        let performing = AssertUnwindSafe(self.performer.perform(owed)).catch_unwind();
        tokio::select! {
            performed = performing => performed.unwrap_or_else(|_| Performed::Retry {
                after: PAUSE_AFTER_FAULT,
                why: format!("the performer of lane {} panicked", self.lane.name),
            }),
            never = self.hold(owed, revocations, stopping) => match never {},
        }
    }

    /// Keeps the lease and tells the performer when to stop. It runs beside the performer and never instead of it: each
    /// may be waiting for a connection that the other has.
    async fn hold(
        &self,
        owed: &Owed<P::Machine>,
        mut revocations: watch::Receiver<u64>,
        stopping: &CancellationToken,
    ) -> Infallible {
        let mut n_failed = 0;
        loop {
            let is_warned = owed.revoked.is_cancelled();
            tokio::select! {
                () = stopping.cancelled(), if !is_warned => {
                    owed.revoked.cancel();
                    continue;
                }
                _ = revocations.changed(), if !is_warned => {}
                () = pause(self.lane.lease / EXTENSIONS) => {}
            }
            match self.store.extend(&self.lane, &owed.attempt).await {
                Ok(Lease::Held) => n_failed = 0,
                Ok(Lease::Revoked | Lease::Lost) => owed.revoked.cancel(),
                Err(error) => {
                    warn!(effect.id = %owed.attempt.effect, "could not extend a lease: {error}");
                    n_failed += 1;
                    // By now another may have taken over.
                    if n_failed >= EXTENSIONS {
                        owed.revoked.cancel();
                    }
                }
            }
        }
    }

    async fn put_off(&self, attempt: &Attempt, after: Duration, why: &str) -> Result<(), StoreError> {
        let doubled = after.saturating_mul(1 << attempt.number.min(9).saturating_sub(1));
        let pause = doubled.min(PAUSE_MAX).max(after);
        warn!(effect.id = %attempt.effect, attempt = attempt.number, ?pause, "{} put off: {why}", self.lane.name);
        self.store.put_off(attempt, pause, why).await.map(drop)
    }

    async fn give_up(&self, owed: &Owed<P::Machine>, why: &str) -> Result<(), StoreError> {
        error!(effect.id = %owed.attempt.effect, "{} given up after {} attempts: {why}", self.lane.name, owed.attempt.number);
        match self.performer.bury(owed, why) {
            Some(event) => self.answer(owed, event).await,
            None => self.store.bury(&owed.attempt, why).await.map(drop),
        }
    }

    async fn answer(&self, owed: &Owed<P::Machine>, event: <P::Machine as Machine>::Event) -> Result<(), StoreError> {
        let cause = Cause::Effect(owed.attempt.clone());
        match self.store.apply::<P::Machine>(&owed.machine, event, cause).await {
            Ok(Applied::Done(_) | Applied::Repeated) => Ok(()),
            Ok(Applied::Superseded) => {
                debug!(effect.id = %owed.attempt.effect, "the answer came after the lease was taken over");
                Ok(())
            }
            Err(why @ (ApplyError::Contended { .. } | ApplyError::Store(StoreError::Unreadable { .. }))) => {
                self.shelve(&owed.attempt, &why.to_string()).await
            }
            Err(ApplyError::Store(error)) => Err(error),
            Err(why @ (ApplyError::Rejected(_) | ApplyError::Missing { .. })) => {
                error!(effect.id = %owed.attempt.effect, "the answer was refused: {why}");
                self.store.bury(&owed.attempt, &why.to_string()).await.map(drop)
            }
        }
    }

    /// The way out where the machine cannot be told: later (a newer version may understand), and at last never.
    async fn shelve(&self, attempt: &Attempt, why: &str) -> Result<(), StoreError> {
        if attempt.number < self.lane.attempts_max {
            return self.put_off(attempt, PAUSE_AFTER_FAULT, why).await;
        }
        error!(effect.id = %attempt.effect, "{} buried after {} attempts: {why}", self.lane.name, attempt.number);
        self.store.bury(attempt, why).await.map(drop)
    }

    /// Sleeps until there may be something to claim: a wake-up, or `later` has come. What was due and not claimed waits
    /// for another of its group, whose end wakes the lane.
    async fn rest(&self, later: Option<Timestamp>) {
        let until_due = later.map_or(self.lane.poll, |due| due.since(self.store.now()));
        tokio::select! {
            () = self.wake.notified() => {}
            () = pause(until_due.min(self.lane.poll)) => {}
        }
    }

    fn spawn(&self, performing: &mut JoinSet<()>, claimed: Claimed, stop: CancellationToken) {
        let pump = self.share();
        performing.spawn(async move {
            if let Err(error) = pump.settle(claimed, &stop).await {
                error!(lane = pump.lane.name, "an effect was performed but not recorded: {error}");
            }
            pump.store.wake(pump.lane.name);
        });
    }
}

#[async_trait]
impl<P: Performer> Pumping for Pump<P> {
    fn lane(&self) -> &Lane {
        &self.lane
    }

    async fn perform_next(&self) -> Result<bool, StoreError> {
        let Some(claimed) = self.claim_up_to(1).await?.0.pop() else { return Ok(false) };
        self.settle(claimed, &CancellationToken::new()).await?;
        self.finish().await?;
        Ok(true)
    }

    async fn run(&self, stop: CancellationToken) {
        let mut performing = JoinSet::new();
        while !stop.is_cancelled() {
            while performing.try_join_next().is_some() {}
            let n_free = self.lane.limit.max(1).saturating_sub(performing.len());
            if n_free == 0 {
                stop.run_until_cancelled(performing.join_next()).await;
                continue;
            }
            // Never cut off: a claim that nobody knows of would hold its lease.
            match self.claim_up_to(n_free).await {
                Ok((claimed, later)) => {
                    let has_more = claimed.len() == n_free;
                    claimed.into_iter().for_each(|one| self.spawn(&mut performing, one, stop.clone()));
                    if !has_more {
                        stop.run_until_cancelled(self.rest(later)).await;
                    }
                }
                Err(error) => {
                    error!(lane = self.lane.name, "could not claim: {error}");
                    stop.run_until_cancelled(pause(self.lane.poll)).await;
                }
            }
        }
        while performing.join_next().await.is_some() {}
        if let Err(error) = self.finish().await {
            error!(lane = self.lane.name, "effects were performed but not recorded: {error}");
        }
    }
}

fn understand<M: Table>(leased: &Leased) -> Result<Owed<M>, String> {
    let machine =
        M::parse_id(&leased.machine).ok_or_else(|| format!("`{}` is no id of a {}", leased.machine, M::KIND))?;
    let effect = serde_json::from_str(&leased.body).map_err(|why| format!("the stored effect does not read: {why}"))?;
    Ok(Owed { machine, effect, attempt: leased.attempt.clone(), revoked: CancellationToken::new() })
}

#[expect(clippy::disallowed_methods, reason = "the one wait: for a lease, or for a row that says how long")]
async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
