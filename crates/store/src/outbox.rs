//! Effects owed: claim under a lease, extend, finish, put off, bury.
//!
//! A lease is measured by the database's clock, which all processes share; what is due is measured by the store's
//! clock, which tests move by hand. Each claim gives a fresh token, and every later write demands it: whoever lost a
//! lease can write nothing more. A claim counts as an attempt whether it ends or not, so that an effect which kills
//! its process is buried after its attempts like any other.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::{Attempt, EffectId, Timestamp};

use crate::{Arg, Backend, Row, Statement, Store, StoreError};

pub(crate) const OWE: &str = "INSERT INTO outbox
    (id, seq, kind, machine, lane, grp, body, state, due_at_ms, attempt, created_at_ms)
    VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 + $9 FROM outbox), $2, $3, $4, $5, $6, 'owed', $7, 0, $8)";
pub(crate) const FINISH: &str = "UPDATE outbox SET state = 'done', ended_at_ms = $3, lease_until_ms = NULL
    WHERE id = $1 AND lease_token = $2 AND state = 'owed'";
pub(crate) const REVOKE: &str = "UPDATE outbox
    SET revoked_at_ms = $3, due_at_ms = CASE WHEN due_at_ms < $3 THEN due_at_ms ELSE $3 END
    WHERE lane = $1 AND grp = $2 AND state = 'owed'";
/// Whether this very attempt ended the effect.
pub(crate) const ENDED: &str = "SELECT id FROM outbox WHERE id = $1 AND lease_token = $2 AND state <> 'owed'";
// What may be performed now: due, nobody's, the first of its group, and nobody at work on that group. Transactions may
// commit in another order than they took their `seq`, so a row may turn up before one of its group that is being
// performed already: it is not enough to be the first.
// Of each candidate's group the one row is asked for that decides; an index has it in front. Said with NOT EXISTS,
// PostgreSQL makes joins of it, and without statistics reads the whole lane for each row of the lane.
const LOOK: &str = "SELECT (SELECT o.id FROM outbox o
    WHERE o.state = 'owed' AND o.lane = $1 AND o.kind = $2 AND o.due_at_ms <= $3
    AND (o.lease_until_ms IS NULL OR o.lease_until_ms <= $4)
    AND (o.grp IS NULL OR (
        o.id = (SELECT e.id FROM outbox e WHERE e.state = 'owed' AND e.lane = o.lane AND e.grp = o.grp
            ORDER BY e.seq, e.id LIMIT 1)
        AND COALESCE((SELECT MAX(e.lease_until_ms) FROM outbox e
            WHERE e.state = 'owed' AND e.lane = o.lane AND e.grp = o.grp), 0) <= $4))
    ORDER BY o.due_at_ms, o.seq, o.id LIMIT 1) AS next,
    (SELECT MIN(due_at_ms) FROM outbox
    WHERE state = 'owed' AND lane = $1 AND kind = $2 AND due_at_ms > $3 AND lease_until_ms IS NULL) AS later";
// The look-up again, once and for all rows, and its guard repeated outside: the holder of a row may have ended or
// extended it in between.
const CLAIM: &str = "WITH next AS MATERIALIZED (SELECT o.id FROM outbox o
    WHERE o.state = 'owed' AND o.lane = $1 AND o.kind = $2 AND o.due_at_ms <= $3
    AND (o.lease_until_ms IS NULL OR o.lease_until_ms <= $4)
    AND (o.grp IS NULL OR (
        o.id = (SELECT e.id FROM outbox e WHERE e.state = 'owed' AND e.lane = o.lane AND e.grp = o.grp
            ORDER BY e.seq, e.id LIMIT 1)
        AND COALESCE((SELECT MAX(e.lease_until_ms) FROM outbox e
            WHERE e.state = 'owed' AND e.lane = o.lane AND e.grp = o.grp), 0) <= $4))
    ORDER BY o.due_at_ms, o.seq, o.id LIMIT $5)
    UPDATE outbox SET attempt = attempt + 1, lease_token = $6, lease_owner = $7, lease_until_ms = $8
    WHERE id IN (SELECT id FROM next)
    AND state = 'owed' AND (lease_until_ms IS NULL OR lease_until_ms <= $4)
    RETURNING id, machine, body, attempt, revoked_at_ms, last_error, due_at_ms, seq";
// Eight at once; a place that is left over repeats another.
const FINISH_SOME: &str = "UPDATE outbox SET state = 'done', ended_at_ms = $1, lease_until_ms = NULL
    WHERE state = 'owed' AND ((id = $2 AND lease_token = $3) OR (id = $4 AND lease_token = $5)
    OR (id = $6 AND lease_token = $7) OR (id = $8 AND lease_token = $9) OR (id = $10 AND lease_token = $11)
    OR (id = $12 AND lease_token = $13) OR (id = $14 AND lease_token = $15) OR (id = $16 AND lease_token = $17))";
const FINISHED_AT_ONCE: usize = 8;
const EXTEND: &str = "UPDATE outbox SET lease_until_ms = $3
    WHERE id = $1 AND lease_token = $2 AND state = 'owed' RETURNING revoked_at_ms";
const PUT_OFF: &str = "UPDATE outbox SET lease_token = NULL, lease_until_ms = NULL, due_at_ms = $3, last_error = $4
    WHERE id = $1 AND lease_token = $2 AND state = 'owed'";
const RELEASE: &str = "UPDATE outbox SET lease_token = NULL, lease_until_ms = NULL, attempt = attempt - 1
    WHERE id = $1 AND lease_token = $2 AND state = 'owed'";
const BURY: &str = "UPDATE outbox SET state = 'buried', ended_at_ms = $3, last_error = $4, lease_until_ms = NULL
    WHERE id = $1 AND lease_token = $2 AND state = 'owed'";
const FORGET_LEASES: &str = "UPDATE outbox SET lease_token = NULL, lease_until_ms = NULL
    WHERE state = 'owed' AND lease_token IS NOT NULL";
/// Pumps look at the clock one after the other, and by less than this they may pass each other.
const SET_BACK_MS: i64 = 1_000;
// What was made in the future was made before the clock went back; by how much it was to wait is kept.
const FOLLOW_THE_CLOCK: &str = "UPDATE outbox SET due_at_ms = due_at_ms - (created_at_ms - $1), created_at_ms = $1
    WHERE state = 'owed' AND created_at_ms > $1";
const DEBTS: &str = "SELECT id, machine, lane, grp, attempt, due_at_ms, lease_until_ms, last_error FROM outbox
    WHERE state = 'owed' AND kind = $1 AND machine = $2 ORDER BY seq, id";
const DEBTS_AT_WORK: &str = "SELECT id, machine, lane, grp, attempt, due_at_ms, lease_until_ms, last_error FROM outbox
    WHERE state = 'owed' AND kind = $1 AND (due_at_ms <= $2 OR attempt > 0) ORDER BY seq, id LIMIT $3";
const OWED_NOW: &str = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'owed' AND due_at_ms <= $1";
const PRUNE_OUTBOX: &str = "DELETE FROM outbox
    WHERE id IN (SELECT id FROM outbox WHERE state <> 'owed' AND ended_at_ms < $1 LIMIT 1000)";
const PRUNE_INBOX: &str = "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE received_at_ms < $1 LIMIT 1000)";

/// How one lane is worked.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The lane's name, as routes say it.
    pub name: &'static str,
    /// How many of its effects may be performed at once in this process.
    pub limit: usize,
    /// How long a claim holds unless it is extended, which happens four times in that span.
    pub lease: Duration,
    /// After so many claims an effect is buried, whether its attempts ended or not.
    pub attempts_max: u32,
    /// How long to wait at most for a wake-up that another process cannot give.
    pub poll: Duration,
}

impl Lane {
    /// A lane of `limit` at once: leases of 20 s, 8 attempts, a look every second.
    pub fn new(name: &'static str, limit: usize) -> Self {
        let (lease, poll) = (Duration::from_secs(20), Duration::from_secs(1));
        Self { name, limit, lease, attempts_max: 8, poll }
    }
}

/// A claimed row, not yet understood.
#[derive(Debug)]
pub struct Leased {
    /// The machine's id as text.
    pub machine: String,
    /// The effect as JSON.
    pub body: String,
    /// The claim.
    pub attempt: Attempt,
    /// Whether the machine has asked to stop it.
    pub is_revoked: bool,
    /// Why the attempt before this one failed.
    pub last_error: Option<String>,
}

/// What a look at a lane brought.
#[derive(Debug)]
pub struct Claims {
    /// The effects that are ours for now.
    pub leased: Vec<Leased>,
    /// When the next effect is due that was not due yet.
    pub later: Option<Timestamp>,
}

/// An effect that is owed, for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debt {
    /// The effect's id.
    pub effect: String,
    /// Whose it is.
    pub machine: String,
    /// Its lane.
    pub lane: String,
    /// What it must not overlap with in its lane.
    pub group: Option<String>,
    /// How often it was claimed.
    pub attempts: i64,
    /// When it is due, in milliseconds since 1970 UTC.
    pub due_at_ms: i64,
    /// Whether somebody performs it now.
    pub is_leased: bool,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// Whether a lease still holds.
pub(crate) enum Lease {
    Held,
    Revoked,
    Lost,
}

impl Store {
    /// Claims the next due effect of a lane for one kind of machine.
    pub async fn claim(&self, lane: &Lane, kind: &'static str) -> Result<Option<Leased>, StoreError> {
        Ok(self.claim_up_to(1, lane, kind).await?.leased.pop())
    }

    /// Claims so many due effects of a lane at once as there are up to `n_max`, in the order in which they are due; no
    /// two are of one group.
    pub async fn claim_up_to(&self, n_max: usize, lane: &Lane, kind: &'static str) -> Result<Claims, StoreError> {
        let n_max = i64::try_from(n_max).unwrap_or(i64::MAX);
        self.follow_the_clock().await?;
        loop {
            let lease_now = self.lease_now().await?;
            let look = [lane.name.into(), kind.into(), self.now().into(), lease_now.into()];
            // The first look takes no lock, so that an idle lane costs the writers nothing.
            let seen = self.rows(LOOK, &look).await?;
            let seen = seen.first().ok_or(sqlx::Error::RowNotFound)?;
            let later = seen.maybe_int("later")?.map(Timestamp::from_ms);
            if seen.maybe_text("next")?.is_none() {
                return Ok(Claims { leased: Vec::new(), later });
            }
            let token = new_token();
            let lease =
                [n_max.into(), token.as_str().into(), Arg::from(&*self.owner), (lease_now + lease_ms(lane)).into()];
            let mut rows = self.claim_rows(CLAIM, &[look.as_slice(), &lease].concat()).await?;
            if !rows.is_empty() {
                let place = |row: &Row| Ok::<_, StoreError>((row.int("due_at_ms")?, row.int("seq")?));
                rows.sort_by_key(|row| place(row).unwrap_or_default());
                let leased = rows.iter().map(|row| leased_of(row, &token)).collect::<Result<_, _>>()?;
                return Ok(Claims { leased, later });
            }
        }
    }

    /// What was owed before our clock was set back would wait until it is there again. Only the sole owner of a database may
    /// say so: another process may have been right all along.
    async fn follow_the_clock(&self) -> Result<(), StoreError> {
        let now_ms = self.now().as_ms();
        let was_set_back = self.seen_ms.load(Ordering::Relaxed) > now_ms + SET_BACK_MS;
        if was_set_back && self.backend() == Backend::Sqlite {
            self.write(&[Statement { sql: FOLLOW_THE_CLOCK, args: vec![now_ms.into()] }]).await?;
        }
        self.seen_ms.store(now_ms, Ordering::Relaxed);
        Ok(())
    }

    /// Holds a claim for another lease, and learns whether it was revoked or taken over.
    pub(crate) async fn extend(&self, lane: &Lane, attempt: &Attempt) -> Result<Lease, StoreError> {
        let until = self.lease_now().await? + lease_ms(lane);
        let mut tx = self.begin().await?;
        let row = tx.first(EXTEND, &[attempt.effect.as_str().into(), token(attempt), until.into()]).await?;
        tx.commit().await?;
        Ok(match row.map(|row| row.maybe_int("revoked_at_ms")).transpose()? {
            None => Lease::Lost,
            Some(None) => Lease::Held,
            Some(Some(_)) => Lease::Revoked,
        })
    }

    /// Ends an effect that has nothing to tell its machine; false when the lease was taken over.
    pub async fn finish(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        Ok(self.finish_all(std::slice::from_ref(attempt)).await? == 1)
    }

    /// Ends effects that have nothing to tell their machines, and says how many; those whose lease was taken over are
    /// left alone.
    pub(crate) async fn finish_all(&self, attempts: &[Attempt]) -> Result<u64, StoreError> {
        let (now, mut n_ended) = (Arg::from(self.now()), 0);
        for some in attempts.chunks(FINISHED_AT_ONCE) {
            let padded = some.iter().chain(std::iter::repeat(&some[0])).take(FINISHED_AT_ONCE);
            let claims = padded.flat_map(|attempt| [attempt.effect.as_str().into(), token(attempt)]);
            let args: Vec<_> = std::iter::once(now.clone()).chain(claims).collect();
            n_ended += self.note(FINISH_SOME, &args).await?;
        }
        Ok(n_ended)
    }

    /// Gives a claim back with the reason, to be tried again from `after` on; false when the lease was taken over.
    pub async fn put_off(&self, attempt: &Attempt, after: Duration, why: &str) -> Result<bool, StoreError> {
        let due = self.now() + after;
        self.write_claimed(PUT_OFF, attempt, vec![due.into(), why.into()]).await
    }

    /// Gives a claim back as if it had not been made; for an orderly shutdown.
    pub async fn release(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        self.write_claimed(RELEASE, attempt, Vec::new()).await
    }

    /// Ends an effect that will never succeed and that its machine does not ask about.
    pub(crate) async fn bury(&self, attempt: &Attempt, why: &str) -> Result<bool, StoreError> {
        let now = self.now();
        self.write_claimed(BURY, attempt, vec![now.into(), why.into()]).await
    }

    /// Ends all leases at once. Only for the sole owner of a database, before it starts its pumps: whoever held them
    /// is dead, so waiting for their leases to expire would help nobody.
    pub async fn forget_leases(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let n = tx.execute(FORGET_LEASES, &[]).await?;
        tx.execute(FOLLOW_THE_CLOCK, &[self.now().into()]).await?;
        tx.commit().await?;
        Ok(n)
    }

    /// What a machine is still owed.
    pub async fn debts(&self, kind: &'static str, machine: &str) -> Result<Vec<Debt>, StoreError> {
        let lease_now = self.lease_now().await?;
        let rows = self.rows(DEBTS, &[kind.into(), machine.into()]).await?;
        rows.iter().map(|row| debt_of(row, lease_now)).collect()
    }

    /// What all machines of a kind are owed and that is due, being performed or put off; timers that run are left out.
    /// At most `count_max`, oldest first.
    pub async fn debts_at_work(&self, kind: &'static str, count_max: i64) -> Result<Vec<Debt>, StoreError> {
        let lease_now = self.lease_now().await?;
        let rows = self.rows(DEBTS_AT_WORK, &[kind.into(), self.now().into(), count_max.into()]).await?;
        rows.iter().map(|row| debt_of(row, lease_now)).collect()
    }

    /// How many effects are due or being performed; zero means that everything waits for people or for time.
    pub async fn owed_now(&self) -> Result<i64, StoreError> {
        let rows = self.rows(OWED_NOW, &[self.now().into()]).await?;
        rows.first().map_or(Ok(0), |row| row.int("n"))
    }

    /// Forgets deliveries and ended effects older than `age`; their journal entries stay. It goes in small steps, so
    /// that no write waits long for it.
    pub async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        let before = Arg::from(self.now() - age);
        let mut n_forgotten = 0;
        for sql in [PRUNE_OUTBOX, PRUNE_INBOX] {
            loop {
                let touched = self.write(&[Statement { sql, args: vec![before.clone()] }]).await?;
                let n: u64 = touched.iter().sum();
                n_forgotten += n;
                if n == 0 {
                    break;
                }
            }
        }
        Ok(n_forgotten)
    }

    async fn write_claimed(&self, sql: &'static str, attempt: &Attempt, rest: Vec<Arg>) -> Result<bool, StoreError> {
        let mut args = vec![attempt.effect.as_str().into(), token(attempt)];
        args.extend(rest);
        Ok(self.note(sql, &args).await? == 1)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a token proves one claim and must never come again, also after a restart"
)]
fn new_token() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn token(attempt: &Attempt) -> Arg {
    attempt.token.as_str().into()
}

fn lease_ms(lane: &Lane) -> i64 {
    i64::try_from(lane.lease.as_millis()).unwrap_or(i64::MAX)
}

/// All effects of one claim have one token; each is told apart by its id.
fn leased_of(row: &Row, token: &str) -> Result<Leased, StoreError> {
    let (effect, token) = (EffectId::new(row.text("id")?), token.to_owned());
    let number = u32::try_from(row.int("attempt")?).unwrap_or(u32::MAX);
    Ok(Leased {
        machine: row.text("machine")?,
        body: row.text("body")?,
        attempt: Attempt { effect, number, token },
        is_revoked: row.maybe_int("revoked_at_ms")?.is_some(),
        last_error: row.maybe_text("last_error")?,
    })
}

fn debt_of(row: &Row, lease_now: i64) -> Result<Debt, StoreError> {
    Ok(Debt {
        effect: row.text("id")?,
        machine: row.text("machine")?,
        lane: row.text("lane")?,
        group: row.maybe_text("grp")?,
        attempts: row.int("attempt")?,
        due_at_ms: row.int("due_at_ms")?,
        is_leased: row.maybe_int("lease_until_ms")?.is_some_and(|until| until > lease_now),
        last_error: row.maybe_text("last_error")?,
    })
}
