//! The one door: create and apply, once a cause, by many at once, leaving all or nothing.

use std::time::Duration;

use domain::{Cause, Rejected, Step};
use futures::future::join_all;
use store::{Applied, ApplyError, Arg, Backend, Created, Statement, Store, Table};

use crate::bells::{BellEvent, BellId, Tower, ana, ask, bell, big_ben, count, delivery, east, hush, ring, ring_in};
use crate::world::World;

async fn add(store: &Store, by: i64, cause: Cause) -> Result<Applied<Tower>, ApplyError> {
    store.apply::<Tower>(&big_ben(), BellEvent::Added(by), cause).await
}

pub async fn a_creation_takes_the_next_number_without_gaps(world: &World) {
    let store = world.open().await;
    let create = |n: usize| {
        let store = store.clone();
        async move {
            let make = |number, _now| match n % 5 {
                0 => Err(Rejected::new("Not this one", "Ask for another")),
                _ => Ok((BellId(format!("bell {number}")), Step::owing(Tower::default(), [ring("once")]))),
            };
            store.create::<Tower>(delivery(format!("creation {n}")), BellEvent::Added(0), make).await
        }
    };
    // Each twice, all at once.
    let outcomes = join_all((0..60).map(|n| create(n % 30))).await;
    let mut numbers = Vec::new();
    let (mut n_repeated, mut n_rejected) = (0, 0);
    for outcome in outcomes {
        match outcome {
            Ok(Created::Done(BellId(name), _)) => numbers.push(name),
            Ok(Created::Repeated) => n_repeated += 1,
            Err(ApplyError::Rejected(_)) => n_rejected += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((n_repeated, n_rejected), (24, 12));
    numbers.sort_by_key(|name| name["bell ".len()..].parse::<u32>().unwrap());
    assert_eq!(numbers, (1..=24).map(|n| format!("bell {n}")).collect::<Vec<_>>());
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM outbox").await, 24);
}

pub async fn an_event_is_applied_once_a_delivery(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![]).await;
    assert!(matches!(add(&store, 5, delivery("d1")).await, Ok(Applied::Done(Tower { total: 5, .. }))));
    assert!(matches!(add(&store, 5, delivery("d1")).await, Ok(Applied::Repeated)));
    // Another event under the same delivery is a repetition too: the sender's id decides.
    assert!(matches!(add(&store, 7, delivery("d1")).await, Ok(Applied::Repeated)));
    assert!(matches!(add(&store, 5, delivery("d2")).await, Ok(Applied::Done(Tower { total: 10, .. }))));
    // A person may mean it twice.
    assert!(matches!(add(&store, 5, ana()).await, Ok(Applied::Done(_))));
    assert!(matches!(add(&store, 5, ana()).await, Ok(Applied::Done(Tower { total: 20, .. }))));
}

pub async fn an_answer_is_applied_once_an_attempt(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("once")]).await;
    let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
    assert!(matches!(add(&store, 5, Cause::Effect(attempt.clone())).await, Ok(Applied::Done(_))));
    assert!(matches!(add(&store, 5, Cause::Effect(attempt.clone())).await, Ok(Applied::Repeated)));
    assert_eq!(bell::<0>(&store).await.total, 5);
    assert_eq!(store.debts(Tower::KIND, "Big Ben").await.unwrap(), []);
    assert!(!store.finish(&attempt).await.unwrap(), "what has ended cannot end again");
}

pub async fn eight_writers_lose_nothing_and_repeat_nothing(world: &World) {
    // Two processes, as far as the database can tell.
    let stores = [world.open().await, world.open().await];
    let store = &stores[0];
    ask::<0>(store, vec![]).await;
    let writer = |writer: usize| {
        let store = stores[writer % 2].clone();
        tokio::spawn(async move {
            let mut n_done = 0;
            for n in (0..25).flat_map(|n| [n, n]) {
                // Two writers share each delivery, so that its copies race as well.
                let id = delivery(format!("{} {n}", writer / 2));
                n_done += usize::from(matches!(add(&store, 1, id).await.unwrap(), Applied::Done(_)));
                add(&store, 1, ana()).await.unwrap();
            }
            n_done
        })
    };
    let done: usize = join_all((0..8).map(writer)).await.into_iter().map(Result::unwrap).sum();
    assert_eq!((done, bell::<0>(store).await.total), (100, 500));
    let journal = store.journal(Tower::KIND, "Big Ben", 1).await.unwrap();
    let versions: Vec<i64> = journal.iter().map(|entry| entry.version).collect();
    assert_eq!(versions, (2..=501).collect::<Vec<_>>());
    assert_eq!(count(store, "SELECT COUNT(*) AS n FROM inbox").await, 100);
}

pub async fn eight_starters_make_one_machine(world: &World) {
    let store = world.open().await;
    let id = big_ben();
    let start = |_| store.apply_or_start(&id, Tower::default, BellEvent::Added(1), ana());
    for applied in join_all((0..8).map(start)).await {
        assert!(matches!(applied, Ok(Applied::Done(_))), "{applied:?}");
    }
    assert_eq!(bell::<0>(&store).await.total, 8);
    assert_eq!(store.journal(Tower::KIND, "Big Ben", 0).await.unwrap().len(), 8);
}

pub async fn every_version_is_in_the_journal(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    world.clock.advance(Duration::from_secs(1));
    add(&store, 3, delivery("d1")).await.unwrap();
    let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
    let answer = Cause::Effect(attempt);
    store.apply::<Tower>(&big_ben(), BellEvent::Rang("dong".into()), answer).await.unwrap();

    let journal = store.journal(Tower::KIND, "Big Ben", 0).await.unwrap();
    let told: Vec<String> = journal
        .iter()
        .map(|entry| format!("{} {} {} {}", entry.version, entry.state, entry.event, entry.cause))
        .collect();
    assert_eq!(
        told[1..],
        [r#"2 silent {"Added":3} delivery:d1"#, r#"3 rung {"Rang":"dong"} effect:tower:Big Ben:1:0"#]
    );
    assert!(told[0].starts_with("1 silent {\"Asked\"") && told[0].ends_with("person:ana"), "{}", told[0]);
    assert_eq!(journal[1].at.since(journal[0].at), Duration::from_secs(1));
    assert_eq!(store.journal(Tower::KIND, "Big Ben", 2).await.unwrap().len(), 1);
}

pub async fn a_rejected_event_leaves_nothing_behind(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
    for cause in [delivery("d1"), Cause::Effect(attempt.clone()), ana()] {
        let refused = add(&store, -1, cause).await.unwrap_err();
        assert_eq!(refused.to_string(), "A bell only adds. Add more than nothing.");
    }
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM inbox").await, 0);
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM journal").await, 1);
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM outbox WHERE state = 'owed'").await, 1);
    // So both causes can still be used.
    assert!(matches!(add(&store, 1, delivery("d1")).await, Ok(Applied::Done(_))));
    assert!(matches!(add(&store, 1, Cause::Effect(attempt)).await, Ok(Applied::Done(_))));
}

pub async fn a_machine_that_is_not_there_is_named(world: &World) {
    let store = world.open().await;
    let missing = add(&store, 1, delivery("d1")).await.unwrap_err();
    assert_eq!(missing.to_string(), "there is no tower Big Ben");
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM inbox").await, 0);
    assert!(store.load::<Tower>(&big_ben()).await.unwrap().is_none());
}

pub async fn a_stale_version_writes_nothing(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![]).await;
    add(&store, 1, ana()).await.unwrap();
    let update = |version: i64| {
        let mut args: Vec<Arg> = vec!["Big Ben".into(), version.into(), "silent".into(), "{}".into(), 0.into()];
        args.push(0.into());
        [Statement { sql: Tower::UPDATE, args }]
    };
    for stale in [1, 2, 4] {
        assert_eq!(store.write(&update(stale)).await.unwrap(), [0], "version {stale} was written over 2");
    }
    assert_eq!(store.write(&update(3)).await.unwrap(), [1]);
}

/// An answer writes its effect and its machine, a revocation its machine and the effects. In the wrong order each waits
/// for the other until PostgreSQL shoots one, a second later.
pub async fn answers_and_revocations_at_once_do_not_deadlock(world: &World) {
    let store = world.open().await;
    for n in 0..40 {
        ask::<0>(&store, vec![ring_in("g", format!("a{n}"))]).await;
        let attempt = store.claim(&east(), Tower::KIND).await.unwrap().unwrap().attempt;
        let answer = add(&store, 1, Cause::Effect(attempt));
        let revoke = ask::<0>(&store, vec![hush("g")]);
        let (answered, ()) = tokio::join!(answer, revoke);
        assert!(matches!(answered, Ok(Applied::Done(_))), "{answered:?}");
    }
    if world.backend == Backend::Postgres {
        let deadlocks = "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()";
        assert_eq!(count(&store, deadlocks).await, 0);
    }
}
