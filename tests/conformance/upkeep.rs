//! What grows with time: the log, and what may be forgotten.

use std::time::Duration;

use futures::future::join_all;
use store::{Applied, Backend, Debt, LOG_LINES_MAX, Statement, Table};

use crate::bells::{BellEvent, Tower, ask, big_ben, count, delivery, east, ring};
use crate::world::World;

pub async fn a_log_is_numbered_and_read_in_pieces(world: &World) {
    let store = world.open().await;
    let append = |n: usize| {
        let lines = [format!("{n} a"), format!("{n} b")];
        let store = store.clone();
        async move { store.append_log(Tower::KIND, "Big Ben", &lines).await }
    };
    for appended in join_all((0..8).map(append)).await {
        appended.unwrap();
    }
    store.append_log(Tower::KIND, "Old Tom", &["another".into()]).await.unwrap();
    let lines = store.log_after(Tower::KIND, "Big Ben", 0, 99).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.n).collect::<Vec<_>>(), (1..=16).collect::<Vec<_>>());
    for pair in lines.chunks(2) {
        assert_eq!(pair[0].line.replace('a', "b"), pair[1].line, "what was appended together stands together");
    }
    assert_eq!(store.log_after(Tower::KIND, "Big Ben", 14, 99).await.unwrap(), lines[14..]);
    assert_eq!(store.log_after(Tower::KIND, "Big Ben", 3, 2).await.unwrap(), lines[3..5]);
    assert_eq!(store.log_after(Tower::KIND, "Old Tom", 0, 9).await.unwrap()[0].line, "another");
}

pub async fn a_log_keeps_its_newest_lines_and_says_so(world: &World) {
    let store = world.open().await;
    let n_max = usize::try_from(LOG_LINES_MAX).unwrap();
    let lines: Vec<_> = (1..=n_max + 1).map(|n| n.to_string()).collect();
    store.append_log(Tower::KIND, "Old Tom", &["another".into()]).await.unwrap();
    store.append_log(Tower::KIND, "Big Ben", &lines).await.unwrap();
    store.append_log(Tower::KIND, "Big Ben", &["last".into()]).await.unwrap();
    let read = store.log_after(Tower::KIND, "Big Ben", 0, 2).await.unwrap();
    assert_eq!(read[0].line, format!("… lines 1 to 2 were dropped: {LOG_LINES_MAX} are kept …"));
    assert_eq!((read[1].n, read[1].line.as_str(), read.len()), (3, "3", 2));
    assert_eq!(
        store.log_after(Tower::KIND, "Big Ben", read[0].n, 1).await.unwrap(),
        read[1..],
        "it is read on from there"
    );
    let end = store.log_after(Tower::KIND, "Big Ben", LOG_LINES_MAX, 99).await.unwrap();
    assert_eq!(end.iter().map(|line| line.line.as_str()).collect::<Vec<_>>(), [&*(n_max + 1).to_string(), "last"]);
    assert_eq!(store.log_after(Tower::KIND, "Old Tom", 0, 9).await.unwrap().len(), 1, "a log is bounded by itself");
}

pub async fn debts_at_work_leave_out_timers_that_run(world: &World) {
    let store = world.open().await;
    let day = Duration::from_secs(86_400);
    ask::<0>(&store, vec![ring("put off")]).await;
    let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
    store.put_off(&attempt, day, "nobody answers").await.unwrap();
    world.clock.advance(day);
    let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
    ask::<0>(&store, vec![ring("due")]).await;
    let at_work = store.debts_at_work(Tower::KIND, 9).await.unwrap();
    let told = |debt: &Debt| (debt.machine.clone(), debt.attempts, debt.is_leased, debt.last_error.clone());
    let big_ben = "Big Ben".to_owned();
    assert_eq!(told(&at_work[0]), (big_ben.clone(), 2, true, Some("nobody answers".to_owned())));
    assert_eq!(told(&at_work[1]), (big_ben.clone(), 0, false, None));
    store.put_off(&attempt, day, "still nobody").await.unwrap();
    let put_off = store.debts_at_work(Tower::KIND, 1).await.unwrap().remove(0);
    assert_eq!(told(&put_off), (big_ben, 2, false, Some("still nobody".to_owned())));
    assert_eq!(store.debts_at_work("harbour", 9).await.unwrap(), []);
}

pub async fn pruning_keeps_what_is_owed(world: &World) {
    const OLD: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        INSERT INTO outbox (id, seq, kind, machine, lane, body, state, due_at_ms, attempt, created_at_ms, ended_at_ms)
        SELECT 'old ' || i, i, 'tower', 'Big Ben', 'east', '{}', 'done', 0, 1, 0, 1 FROM n";
    let store = world.open().await;
    store.write(&[Statement { sql: OLD, args: vec![] }]).await.unwrap();
    ask::<0>(&store, vec![ring("done"), ring("leased"), ring("owed")]).await;
    let done = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
    assert!(store.finish(&done).await.unwrap());
    let leased = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
    let deliver = async || store.apply::<Tower>(&big_ben(), BellEvent::Added(1), delivery("d1")).await.unwrap();
    deliver().await;

    let (day, week) = (Duration::from_secs(86_400), Duration::from_secs(604_800));
    assert_eq!(store.prune(day).await.unwrap(), 2_500);
    world.clock.advance(week);
    assert_eq!(store.prune(week).await.unwrap(), 0, "what is exactly so old stays");
    assert_eq!(store.prune(day).await.unwrap(), 2, "one ended effect and one delivery");
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM journal").await, 2);
    assert_eq!(store.debts(Tower::KIND, "Big Ben").await.unwrap().len(), 2);
    assert!(store.finish(&leased).await.unwrap());
    assert!(store.claim(&east(), Tower::KIND).await.unwrap().is_some());
    assert!(matches!(deliver().await, Applied::Done(_)), "a delivery is known for as long as it is kept");
}

/// A full disk makes SQLite end a transaction by itself; the trigger does the same without filling one.
pub async fn a_transaction_that_the_database_ended_by_itself_hinders_no_other(world: &World) {
    const TRIGGER: &str = "CREATE TRIGGER full BEFORE INSERT ON inbox WHEN NEW.id = 'poison'
        BEGIN SELECT RAISE(ROLLBACK, 'no room'); END";
    if world.backend == Backend::Postgres {
        // It ends no transaction before it is told to.
        return;
    }
    let store = world.open().await;
    store.write(&[Statement { sql: TRIGGER, args: vec![] }]).await.unwrap();
    for _ in 0..3 {
        let poisoned = store.apply_or_start(&big_ben(), Tower::default, BellEvent::Added(1), delivery("poison")).await;
        poisoned.expect_err("there is no room");
        ask::<0>(&store, vec![ring("goes on")]).await;
    }
}
