//! What grows with time: the log, and what may be forgotten.

use std::time::Duration;

use futures::future::join_all;
use store::{Applied, Statement, Table};

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
