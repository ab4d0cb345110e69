//! Claims: each row once, when it is due, under a token that never comes again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};
use store::{Backend, Lane, Store, Table};

use crate::bells::{
    BellEvent, Ringer, Tower, ask, bell, east, east_of_the_dying, hush, n_waiting_for_locks, name_of, ring, ring_after,
};
use crate::sources;
use crate::world::{World, until};

const HOUR: Duration = Duration::from_secs(3_600);

async fn claim_name(store: &Store, lane: &Lane) -> Option<String> {
    let leased = store.claim(lane, Tower::KIND).await.unwrap()?;
    Some(name_of(&serde_json::from_str(&leased.body).unwrap()))
}

pub async fn eight_claimers_claim_each_of_400_once(world: &World) {
    // Two processes, as far as the database can tell.
    let stores = [world.open().await, world.open().await];
    for n in 0..4 {
        ask::<0>(&stores[n % 2], (0..100).map(|m| ring(format!("{n} {m}"))).collect()).await;
    }
    let n_left = Arc::new(AtomicUsize::new(400));
    let claimer = |n: usize| {
        let (store, n_left) = (stores[n % 2].clone(), n_left.clone());
        tokio::spawn(async move {
            let mut names = Vec::new();
            while n_left.load(Ordering::SeqCst) > 0 {
                if let Some(name) = claim_name(&store, &east()).await {
                    n_left.fetch_sub(1, Ordering::SeqCst);
                    names.push(name);
                }
            }
            names
        })
    };
    let names: Vec<String> = join_all((0..8).map(claimer)).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!((names.len(), names.iter().collect::<BTreeSet<_>>().len()), (400, 400));
    assert_eq!(claim_name(&stores[0], &east()).await, None);
}

/// A holder whose lease ran out may still end its effect, also between the look of a claim and its grasp.
pub async fn a_claim_does_not_take_what_ended_while_it_looked(world: &World) {
    const END: &str = "UPDATE outbox SET state = 'done', lease_until_ms = NULL";
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    store.claim(&east_of_the_dying(), Tower::KIND).await.unwrap().unwrap();
    let ending = world.begin_elsewhere(END).await;
    let claimer = store.clone();
    let claiming = tokio::spawn(async move { claimer.claim(&east(), Tower::KIND).await.unwrap() });
    if world.backend == Backend::Postgres {
        until(async || (n_waiting_for_locks(&store).await > 0).then_some(())).await;
    }
    ending.commit().await;
    assert!(claiming.await.unwrap().is_none(), "what was done was claimed");
}

pub async fn a_token_never_comes_again(world: &World) {
    let (one, other) = (world.open().await, world.open().await);
    ask::<0>(&one, vec![ring("dong")]).await;
    let mut tokens = BTreeSet::new();
    // A claim that is given back leaves no trace in the row, so nothing in the row can make the next token differ.
    for store in [&one, &one, &other, &one] {
        let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
        assert!(store.release(&attempt).await.unwrap());
        assert!(tokens.insert(attempt.token.clone()), "{} came again", attempt.token);
    }
}

pub async fn what_is_due_later_waits_for_the_clock(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring_after(5_000, "g", "later"), ring("now")]).await;
    assert_eq!(claim_name(&store, &east()).await.as_deref(), Some("now"));
    world.clock.advance(Duration::from_millis(4_999));
    assert_eq!(claim_name(&store, &east()).await, None);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(claim_name(&store, &east()).await.as_deref(), Some("later"));
}

/// What is under way stays with whoever has it, and what is owed from then on comes at once. What was due comes at once too
/// where the database has one owner; where another process may have been right all along, it may be late by that much.
pub async fn a_clock_set_back_an_hour_loses_nothing(world: &World) {
    let store = world.open().await;
    let before = store.now();
    ask::<0>(&store, vec![ring("before")]).await;
    let taken = store.claim(&east(), Tower::KIND).await.unwrap().unwrap();
    ask::<0>(&store, vec![ring("waiting")]).await;
    world.clock.set(before - HOUR);
    let has_one_owner = world.backend == Backend::Sqlite;
    let at_once = claim_name(&store, &east()).await;
    assert_eq!(at_once.as_deref(), has_one_owner.then_some("waiting"), "a lease is not measured by this clock");
    ask::<0>(&store, vec![ring("after")]).await;
    assert_eq!(claim_name(&store, &east()).await.as_deref(), Some("after"));
    assert!(store.finish(&taken.attempt).await.unwrap());
    world.clock.advance(HOUR);
    assert_eq!(claim_name(&store, &east()).await.as_deref(), (!has_one_owner).then_some("waiting"));
}

/// Whoever starts under a clock that was set back does not wait until it is as late again.
pub async fn what_is_owed_follows_a_clock_that_was_set_back(world: &World) {
    let store = world.open().await;
    let before = store.now();
    ask::<0>(&store, vec![ring("due"), ring_after(60_000, "g", "in a minute")]).await;
    world.clock.set(before - HOUR);
    store.forget_leases().await.unwrap();
    assert_eq!(claim_name(&store, &east()).await.as_deref(), Some("due"));
    assert_eq!(claim_name(&store, &east()).await, None, "what was to wait waits as long as it was to");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(claim_name(&store, &east()).await.as_deref(), Some("in a minute"));
}

pub async fn a_pause_is_waited_out_and_counts_as_an_attempt(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let first = store.claim(&east(), Tower::KIND).await.unwrap().unwrap();
    assert_eq!((first.attempt.number, first.last_error), (1, None));
    assert!(store.put_off(&first.attempt, Duration::from_secs(7), "no rope").await.unwrap());
    let debt = store.debts(Tower::KIND, "Big Ben").await.unwrap().remove(0);
    assert_eq!((debt.attempts, debt.last_error.as_deref()), (1, Some("no rope")));
    assert_eq!(debt.due_at_ms, (store.now() + Duration::from_secs(7)).as_ms());
    assert_eq!(claim_name(&store, &east()).await, None);
    world.clock.advance(Duration::from_secs(7));
    let second = store.claim(&east(), Tower::KIND).await.unwrap().unwrap();
    assert_eq!((second.attempt.number, second.last_error.as_deref()), (2, Some("no rope")));
}

pub async fn a_claim_given_back_does_not_count(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    for _ in 0..3 {
        let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
        assert_eq!(attempt.number, 1);
        assert!(store.release(&attempt).await.unwrap());
        assert!(!store.release(&attempt).await.unwrap(), "one claim was given back twice");
    }
}

pub async fn a_revocation_brings_a_timer_forward(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring_after(HOUR.as_secs() * 1_000, "g", "timer")]).await;
    ask::<0>(&store, vec![ring_after(HOUR.as_secs() * 1_000, "h", "stranger")]).await;
    assert_eq!(claim_name(&store, &east()).await, None);
    ask::<0>(&store, vec![hush("g")]).await;
    let seen = Ringer::<0>::new(|owed| {
        Box::pin(async {
            assert!(owed.revoked.is_cancelled(), "it was revoked before it was claimed");
            store::Performed::Done(BellEvent::Rang(name_of(&owed.effect)))
        })
    });
    let pump = store::Pump::new(store.clone(), east(), seen);
    assert!(store::Pumping::perform_next(&pump).await.unwrap());
    assert!(!store::Pumping::perform_next(&pump).await.unwrap());
    assert_eq!(bell::<0>(&store).await.rung, ["timer"]);
}

/// A lane must be as quick after a year as on the first day.
pub async fn claims_read_no_ended_effects(world: &World) {
    const FILL: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO outbox (id, seq, kind, machine, lane, grp, body, state, due_at_ms, attempt, created_at_ms)
        SELECT 'old ' || i, i, 'tower', 'Big Ben', 'east', 'g', '{}', 'done', 0, 1, 0 FROM n; ANALYZE";
    let store = world.open().await;
    for (sql, plan) in plans_of_a_claim(world, FILL).await {
        assert!(!plan.contains("Seq Scan on outbox") && !plan.contains("SCAN o"), "{sql}\n{plan}");
    }
    ask::<0>(&store, vec![ring_after(0, "g", "new")]).await;
    assert_eq!(claim_name(&store, &east()).await.as_deref(), Some("new"));
}

/// Each row costs a few pages, and not the rest of its lane; also by a plan that was made when the table was
/// empty, as those of a young installation are.
pub async fn a_claim_does_not_read_the_lane_for_each_row_of_it(world: &World) {
    const FILL: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO outbox (id, seq, kind, machine, lane, grp, body, state, due_at_ms, attempt, created_at_ms)
        SELECT 'row ' || i, i, 'tower', 'Big Ben', 'east', 'g' || (i % 50), '{}', 'owed', 0, 0, 0 FROM n";
    const PAGES_MAX: u64 = 2_000;
    world.open().await;
    for (sql, plan) in plans_of_a_claim(world, FILL).await {
        match world.backend {
            Backend::Sqlite => {
                assert_eq!(plan.matches("(lane=? AND grp=?)").count(), 2, "{sql}\n{plan}");
                assert!(!plan.contains("SCAN o"), "{sql}\n{plan}");
            }
            Backend::Postgres => {
                let pages = plan.split_once("shared hit=").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()));
                let pages: u64 = pages.and_then(|mut rest| rest.next()).unwrap_or_default().parse().unwrap();
                assert!(pages < PAGES_MAX, "{pages} pages\n{sql}\n{plan}");
            }
        }
    }
}

/// The look-up of a claim with the next due time, and the claim: each with what it reads once the table is filled. As
/// PostgreSQL keeps a plan, it is made beforehand.
async fn plans_of_a_claim(world: &World, fill: &'static str) -> Vec<(String, String)> {
    let beginnings = ["SELECT (SELECT o.id", "WITH next AS MATERIALIZED"];
    let mut texts = sources::statements_in("store/src/outbox.rs");
    texts.retain(|sql| beginnings.iter().any(|begin| sql.starts_with(begin)));
    assert_eq!(texts.len(), beginnings.len());
    let mut plans = Vec::new();
    match world.backend {
        Backend::Sqlite => {
            let mut connection = SqliteConnection::connect(&world.url()).await.unwrap();
            connection.execute(fill).await.unwrap();
            for sql in texts {
                let rows = connection.fetch_all(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).await.unwrap();
                let lines: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
                plans.push((sql, lines.join("\n")));
            }
        }
        Backend::Postgres => {
            let mut connection = PgConnection::connect(&world.url()).await.unwrap();
            // As the store's own connections have it.
            connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan").await.unwrap();
            let values = ["'east'", "'tower'", "5", "5", "16", "'token'", "'owner'", "9"];
            let given = |sql: &str| (1..=values.len()).take_while(|n| sql.contains(&format!("${n}"))).count();
            for (n, sql) in texts.iter().enumerate() {
                let execute = format!("EXECUTE claim{n}({})", values[..given(sql)].join(", "));
                let prepare = AssertSqlSafe(format!("PREPARE claim{n} AS {sql}; {execute}"));
                sqlx::raw_sql(prepare).execute(&mut connection).await.unwrap();
            }
            connection.execute(fill).await.unwrap();
            for (n, sql) in texts.into_iter().enumerate() {
                let execute = format!("EXECUTE claim{n}({})", values[..given(&sql)].join(", "));
                let explain = AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {execute}"));
                let rows = sqlx::raw_sql(explain).fetch_all(&mut connection).await.unwrap();
                let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                plans.push((sql, lines.join("\n")));
            }
        }
    }
    plans
}
