//! The one door: `apply` takes an event to a machine, in one transaction, at most once a cause.

use std::cmp::Ordering;

use domain::{Cause, DeliveryId, Machine, Rejected, Step, Timestamp};
use serde::{Deserialize, Serialize};

use crate::outbox::{ENDED, FINISH, OWE, REVOKE};
use crate::transaction::Tx;
use crate::{Route, Row, Statement, Store, StoreError, Table};

/// How often a write that lost a race is tried anew. Writers of one machine take turns, so that one lost race is rare
/// and five in a row are a fault.
const TRIES_MAX: u32 = 5;

const SEE_DELIVERY: &str = "INSERT INTO inbox (id, received_at_ms) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
const SEEN: &str = "SELECT id FROM inbox WHERE id = $1";
const NEXT_NUMBER: &str = "INSERT INTO counter (name, value) VALUES ($1, 1)
    ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value";
const RECORD: &str = "INSERT INTO journal (kind, machine, version, state, event, cause, at_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// What became of an event.
#[derive(Debug)]
pub enum Applied<M> {
    /// It was applied; the machine as it is now.
    Done(M),
    /// Its cause was applied before; nothing changed.
    Repeated,
    /// It answers an attempt whose lease was taken over; nothing changed.
    Superseded,
}

/// What became of a creation.
#[derive(Debug)]
pub enum Created<M: Machine> {
    /// A new machine stands.
    Done(M::Id, M),
    /// The cause was applied before.
    Repeated,
}

/// Why an event was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The machine refused; the text is for the person who asked.
    #[error("{0}")]
    Rejected(Rejected),
    /// There is no such machine.
    #[error("there is no {kind} {id}")]
    Missing {
        /// The kind of machine.
        kind: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// Another write came first.
    #[error("{kind} {id}: another write came first")]
    Contended {
        /// The kind of machine.
        kind: &'static str,
        /// Which one.
        id: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApplyError {
    fn is_lost_race(&self) -> bool {
        match self {
            Self::Contended { .. } => true,
            Self::Store(error) => error.is_lost_race(),
            Self::Rejected(_) | Self::Missing { .. } => false,
        }
    }
}

#[derive(Serialize)]
struct BodyOut<'a, M> {
    format: i64,
    machine: &'a M,
}

#[derive(Deserialize)]
struct BodyIn {
    format: i64,
    machine: serde_json::Value,
}

impl Store {
    /// Applies `event` to the machine `id`, once a cause.
    pub async fn apply<M: Table>(&self, id: &M::Id, event: M::Event, cause: Cause) -> Result<Applied<M>, ApplyError> {
        self.settle::<M>(id, None, &event, &cause).await
    }

    /// Applies `event` as [`Store::apply`] does, to `start()` where there is no such machine yet.
    pub async fn apply_or_start<M: Table>(
        &self,
        id: &M::Id,
        start: impl Fn() -> M,
        event: M::Event,
        cause: Cause,
    ) -> Result<Applied<M>, ApplyError> {
        self.settle(id, Some(start()), &event, &cause).await
    }

    /// Makes a machine under the next number of its kind. `make` is called inside the transaction and is pure.
    pub async fn create<M: Table>(
        &self,
        cause: Cause,
        event: M::Event,
        make: impl Fn(u64, Timestamp) -> Result<(M::Id, Step<M>), Rejected>,
    ) -> Result<Created<M>, ApplyError> {
        let mut tx = self.begin().await?;
        let created = self.create_within(&mut tx, &cause, &event, make).await;
        self.conclude(tx, created).await
    }

    async fn create_within<M: Table>(
        &self,
        tx: &mut Tx,
        cause: &Cause,
        event: &M::Event,
        make: impl Fn(u64, Timestamp) -> Result<(M::Id, Step<M>), Rejected>,
    ) -> Result<(Created<M>, Option<Woken>), ApplyError> {
        let now = self.now();
        let Noted::First(_) = note_cause(tx, cause, None, now).await? else {
            return Ok((Created::Repeated, None));
        };
        let row = tx.first(NEXT_NUMBER, &[M::KIND.into()]).await?;
        let number = row.map(|row| row.int("value")).transpose()?.unwrap_or_default();
        let (id, step) = make(u64::try_from(number).unwrap_or_default(), now).map_err(ApplyError::Rejected)?;
        let write = Write { id: &id, version: 1, step: &step, event, cause, now };
        let contended = || ApplyError::Contended { kind: M::KIND, id: id.to_string() };
        let woken = write.run(tx).await?.ok_or_else(contended)?;
        Ok((Created::Done(id, step.state), Some(woken)))
    }

    /// The machine `id` as it is now.
    pub async fn load<M: Table>(&self, id: &M::Id) -> Result<Option<M>, StoreError> {
        let rows = self.rows(M::SELECT, &[id.to_string().into()]).await?;
        rows.first().map(|row| parse_body(id, &row.text("body")?)).transpose()
    }

    /// Whether a delivery was applied already.
    pub async fn has_seen(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        Ok(!self.rows(SEEN, &[delivery.as_str().into()]).await?.is_empty())
    }

    /// Writes a row of a table that belongs to no machine and applies what follows from it, in one transaction.
    ///
    /// The statement has a `RETURNING`. When it writes nothing, because the row is there already, nothing is applied
    /// either and `None` comes back.
    pub async fn keep_and_apply<M: Table>(
        &self,
        keep: &Statement,
        (id, start): (&M::Id, impl Fn() -> M),
        event: impl Fn(&Row) -> Result<M::Event, StoreError>,
        cause: Cause,
    ) -> Result<Option<Row>, ApplyError> {
        until_won(|| Box::pin(self.try_keep_and_apply(keep, (id, start()), &event, &cause))).await
    }

    async fn try_keep_and_apply<M: Table>(
        &self,
        keep: &Statement,
        (id, start): (&M::Id, M),
        event: &impl Fn(&Row) -> Result<M::Event, StoreError>,
        cause: &Cause,
    ) -> Result<Option<Row>, ApplyError> {
        let mut tx = self.begin_for(M::KIND, &id.to_string()).await?;
        let kept = async {
            let Some(row) = tx.first(keep.sql, &keep.args).await? else { return Ok((None, None)) };
            let (_, woken) = self.apply_within(&mut tx, (id, Some(start)), &event(&row)?, cause).await?;
            // A row that is new is kept, also where its cause was applied before.
            Ok((Some(row), Some(woken.unwrap_or_default())))
        };
        let kept = kept.await;
        self.conclude(tx, kept).await
    }

    async fn settle<M: Table>(
        &self,
        id: &M::Id,
        start: Option<M>,
        event: &M::Event,
        cause: &Cause,
    ) -> Result<Applied<M>, ApplyError> {
        until_won(|| Box::pin(self.try_apply((id, start.clone()), event, cause))).await
    }

    async fn try_apply<M: Table>(
        &self,
        (id, start): (&M::Id, Option<M>),
        event: &M::Event,
        cause: &Cause,
    ) -> Result<Applied<M>, ApplyError> {
        let mut tx = self.begin_for(M::KIND, &id.to_string()).await?;
        let applied = self.apply_within(&mut tx, (id, start), event, cause).await;
        self.conclude(tx, applied).await
    }

    /// Ends a transaction by what came of it: a change with whom it wakes is committed, all else is as if it had not been.
    async fn conclude<T>(&self, tx: Tx, came_to: Result<(T, Option<Woken>), ApplyError>) -> Result<T, ApplyError> {
        match came_to {
            Ok((done, Some(woken))) => {
                tx.commit().await?;
                self.wake_all(woken);
                Ok(done)
            }
            Ok((unchanged, None)) => {
                tx.rollback().await?;
                Ok(unchanged)
            }
            Err(refused @ (ApplyError::Rejected(_) | ApplyError::Missing { .. } | ApplyError::Contended { .. })) => {
                // The refusal is what matters; a connection that cannot even roll back is given up.
                let _ = tx.rollback().await;
                Err(refused)
            }
            // Of a connection that failed nothing is certain; it is given up.
            Err(broken @ ApplyError::Store(_)) => Err(broken),
        }
    }

    /// The transaction story, but for its beginning and its end.
    async fn apply_within<M: Table>(
        &self,
        tx: &mut Tx,
        (id, start): (&M::Id, Option<M>),
        event: &M::Event,
        cause: &Cause,
    ) -> Result<(Applied<M>, Option<Woken>), ApplyError> {
        let (now, id_text) = (self.now(), id.to_string());
        let select = Statement { sql: M::SELECT, args: vec![id_text.as_str().into()] };
        let row = match note_cause(tx, cause, Some(&select), now).await? {
            Noted::First(row) => row,
            Noted::Repeated => return Ok((Applied::Repeated, None)),
            Noted::Superseded => return Ok((Applied::Superseded, None)),
        };
        let (version, state) = match (row, start) {
            (Some(row), _) => (row.int("version")?, parse_body(id, &row.text("body")?)?),
            (None, Some(start)) => (0, start),
            (None, None) => return Err(ApplyError::Missing { kind: M::KIND, id: id_text }),
        };
        let step = state.step(event, now).map_err(ApplyError::Rejected)?;
        let write = Write { id, version: version + 1, step: &step, event, cause, now };
        let Some(woken) = write.run(tx).await? else {
            return Err(ApplyError::Contended { kind: M::KIND, id: id_text });
        };
        Ok((Applied::Done(step.state), Some(woken)))
    }

    fn wake_all(&self, woken: Woken) {
        woken.owed.into_iter().for_each(|(lane, kind)| self.wake_of(lane, kind).notify_one());
        if !woken.revoked.is_empty() {
            self.revocations.send_modify(|n| *n += 1);
        }
        woken.revoked.into_iter().for_each(|lane| self.wake(lane));
    }
}

/// What noting a cause showed.
enum Noted {
    /// It was not applied before; the row that was asked for, if there is one.
    First(Option<Row>),
    Repeated,
    Superseded,
}

/// Tries anew what lost a race.
async fn until_won<T, F: Future<Output = Result<T, ApplyError>>>(attempt: impl Fn() -> F) -> Result<T, ApplyError> {
    let mut n_tries = 1;
    loop {
        match attempt().await {
            Err(error) if error.is_lost_race() && n_tries < TRIES_MAX => n_tries += 1,
            settled => return settled,
        }
    }
}

/// Marks the cause as applied, and reads a row beside.
async fn note_cause(tx: &mut Tx, cause: &Cause, read: Option<&Statement>, now: Timestamp) -> Result<Noted, StoreError> {
    match cause {
        Cause::Delivery(id) => {
            let see = Statement { sql: SEE_DELIVERY, args: vec![id.as_str().into(), now.into()] };
            let (n_new, row) = tx.write_and_read(&see, read).await?;
            Ok(if n_new == 1 { Noted::First(row) } else { Noted::Repeated })
        }
        Cause::Effect(attempt) => {
            let claim = [attempt.effect.as_str().into(), attempt.token.as_str().into()];
            let [id, token] = claim.clone();
            let finish = Statement { sql: FINISH, args: vec![id, token, now.into()] };
            let (n_finished, row) = tx.write_and_read(&finish, read).await?;
            if n_finished == 1 {
                return Ok(Noted::First(row));
            }
            let was_answered = tx.first(ENDED, &claim).await?.is_some();
            Ok(if was_answered { Noted::Repeated } else { Noted::Superseded })
        }
        Cause::Person(_) => Ok(Noted::First(match read {
            Some(read) => tx.first(read.sql, &read.args).await?,
            None => None,
        })),
    }
}

/// Which pumps have something to look at once the transaction stands.
#[derive(Default)]
struct Woken {
    owed: Vec<(&'static str, &'static str)>,
    revoked: Vec<&'static str>,
}

/// The writes that one step leads to.
struct Write<'a, M: Table> {
    id: &'a M::Id,
    version: i64,
    step: &'a Step<M>,
    event: &'a M::Event,
    cause: &'a Cause,
    now: Timestamp,
}

impl<M: Table> Write<'_, M> {
    /// Writes everything; `None` when another write came first.
    async fn run(&self, tx: &mut Tx) -> Result<Option<Woken>, StoreError> {
        let mut writes = vec![self.machine()?, self.record()?];
        let mut woken = Woken::default();
        let mut n_saved = None;
        for (n, effect) in (0_i64..).zip(&self.step.effects) {
            match M::route(self.id, effect, self.now) {
                Route::Owe { lane, group, due } => {
                    writes.push(self.owe(n, effect, (lane, group, due))?);
                    woken.owed.push((lane, M::KIND));
                }
                // It means what was owed before it, and nothing that is owed after it.
                Route::Revoke { lane, group } => {
                    let written = tx.write_all(&std::mem::take(&mut writes)).await?;
                    n_saved.get_or_insert(written);
                    tx.execute(REVOKE, &[lane.into(), group.into(), self.now.into()]).await?;
                    woken.revoked.push(lane);
                }
            }
        }
        let written = tx.write_all(&writes).await?;
        if n_saved.unwrap_or(written) != 1 {
            return Ok(None);
        }
        for row in self.step.state.projections(self.id, self.now) {
            tx.execute(row.sql, &row.args).await?;
        }
        Ok(Some(woken))
    }

    fn machine(&self) -> Result<Statement, StoreError> {
        let state = &self.step.state;
        let body = to_json::<M>(self.id, &BodyOut { format: M::FORMAT, machine: state })?;
        let mut args =
            vec![self.id.to_string().into(), self.version.into(), state.state().into(), body.into(), self.now.into()];
        args.extend(state.columns());
        Ok(Statement { sql: if self.version == 1 { M::INSERT } else { M::UPDATE }, args })
    }

    fn record(&self) -> Result<Statement, StoreError> {
        let args = vec![
            M::KIND.into(),
            self.id.to_string().into(),
            self.version.into(),
            self.step.state.state().into(),
            to_json::<M>(self.id, self.event)?.into(),
            self.cause.to_string().into(),
            self.now.into(),
        ];
        Ok(Statement { sql: RECORD, args })
    }

    fn owe(
        &self,
        n: i64,
        effect: &M::Effect,
        (lane, group, due): (&'static str, Option<String>, Timestamp),
    ) -> Result<Statement, StoreError> {
        let args = vec![
            format!("{}:{}:{}:{n}", M::KIND, self.id, self.version).into(),
            M::KIND.into(),
            self.id.to_string().into(),
            lane.into(),
            group.into(),
            to_json::<M>(self.id, effect)?.into(),
            due.into(),
            self.now.into(),
            n.into(),
        ];
        Ok(Statement { sql: OWE, args })
    }
}

fn to_json<M: Table>(id: &M::Id, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unreadable::<M>(id, error.to_string()))
}

fn parse_body<M: Table>(id: &M::Id, text: &str) -> Result<M, StoreError> {
    let body: BodyIn = serde_json::from_str(text).map_err(|error| unreadable::<M>(id, error.to_string()))?;
    let machine = match body.format.cmp(&M::FORMAT) {
        Ordering::Equal => Some(body.machine),
        Ordering::Less => M::upcast(body.format, body.machine),
        Ordering::Greater => None,
    };
    let strange = || unreadable::<M>(id, format!("its format is {}, this version reads {}", body.format, M::FORMAT));
    let machine = machine.ok_or_else(strange)?;
    serde_json::from_value(machine).map_err(|error| unreadable::<M>(id, error.to_string()))
}

fn unreadable<M: Table>(id: &M::Id, why: String) -> StoreError {
    StoreError::Unreadable { kind: M::KIND, id: id.to_string(), why }
}
