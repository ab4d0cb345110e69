//! What a pump makes of an attempt that does not go well.

use std::time::Duration;

use store::{Lane, Performed, Pump, Pumping, Statement, Store, Table};

use crate::bells::{BellEvent, Ringer, Running, Tower, ask, bell, count, east, rang, ring, until_rung};
use crate::world::World;

fn twice() -> Lane {
    Lane { attempts_max: 2, ..east() }
}

/// Performs what is owed until nothing is left, with an hour between two looks.
async fn drain(world: &World, pump: &dyn Pumping) -> u32 {
    let mut n_performed = 0;
    while pump.perform_next().await.unwrap() {
        n_performed += 1;
        world.clock.advance(Duration::from_secs(3_600));
    }
    n_performed
}

async fn last_error(store: &Store) -> Option<String> {
    store.rows("SELECT last_error FROM outbox", &[]).await.unwrap()[0].maybe_text("last_error").unwrap()
}

pub async fn a_panicking_performer_is_retried_then_buried(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let pump = Pump::new(store.clone(), twice(), Ringer::<0>::new(|_| Box::pin(async { panic!("the rope broke") })));
    assert_eq!(drain(world, &pump).await, 2);
    assert_eq!(bell::<0>(&store).await.buried, ["dong: the performer of lane east panicked"]);
}

/// The machine, and the burial, may panic as well; the effect must not come back for ever.
pub async fn a_panic_over_the_answer_ends_as_well(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let breaking = Ringer::<0>::new(|_| Box::pin(async { Performed::Done(BellEvent::Broke) }));
    assert_eq!(drain(world, &Pump::new(store.clone(), twice(), breaking)).await, 2);
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM outbox WHERE state = 'buried'").await, 1);

    for burial in [BellEvent::Broke, BellEvent::Added(1)] {
        ask::<0>(&store, vec![ring("dong")]).await;
        let retrying = Ringer::<0>::retrying(Duration::from_secs(1)).burying_with(burial);
        let pump = Pump::new(store.clone(), twice(), retrying);
        assert_eq!(drain(world, &pump).await, 2);
    }
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM outbox WHERE state = 'buried'").await, 3);
    assert_eq!(store.debts(Tower::KIND, "Big Ben").await.unwrap(), []);
}

pub async fn a_refused_answer_is_buried_with_its_reason(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let refused = Ringer::<0>::new(|_| Box::pin(async { Performed::Done(BellEvent::Added(-1)) }));
    assert_eq!(drain(world, &Pump::new(store.clone(), twice(), refused)).await, 1);
    assert_eq!(last_error(&store).await.as_deref(), Some("A bell only adds. Add more than nothing."));
}

pub async fn an_effect_that_does_not_read_is_kept_for_a_newer_version(world: &World) {
    const TOMORROW: &str = r#"UPDATE outbox SET body = '{"Chime":{}}'"#;
    const TODAY: &str = "UPDATE outbox SET body = $1";
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let body = store.rows("SELECT body FROM outbox", &[]).await.unwrap()[0].text("body").unwrap();
    store.write(&[Statement { sql: TOMORROW, args: vec![] }]).await.unwrap();
    let pump = Pump::new(store.clone(), twice(), Ringer::<0>::plain());
    assert!(pump.perform_next().await.unwrap());
    let why = last_error(&store).await.unwrap();
    assert!(why.starts_with("the stored effect does not read: unknown variant `Chime`"), "{why}");

    store.write(&[Statement { sql: TODAY, args: vec![body.into()] }]).await.unwrap();
    world.clock.advance(Duration::from_secs(3_600));
    assert!(pump.perform_next().await.unwrap());
    assert_eq!(bell::<0>(&store).await.rung, ["dong"]);
}

async fn pauses_of_a_ringer_that_waits(world: &World, after: Duration, n: usize) -> Vec<u64> {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let lane = Lane { attempts_max: 99, ..east() };
    let pump = Pump::new(store.clone(), lane, Ringer::<0>::retrying(after));
    let mut pauses = Vec::new();
    for _ in 0..n {
        assert!(pump.perform_next().await.unwrap());
        let due = store.debts(Tower::KIND, "Big Ben").await.unwrap()[0].due_at_ms;
        let pause = Duration::from_millis((due - store.now().as_ms()).try_into().unwrap());
        pauses.push(pause.as_secs());
        world.clock.advance(pause);
    }
    pauses
}

pub async fn retries_back_off(world: &World) {
    let pauses = pauses_of_a_ringer_that_waits(world, Duration::from_secs(10), 12).await;
    assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300, 300, 300, 300, 300]);
}

/// A forge that says "in an hour" means it.
pub async fn a_long_pause_is_not_cut_short(world: &World) {
    assert_eq!(pauses_of_a_ringer_that_waits(world, Duration::from_secs(3_600), 2).await, [3_600, 3_600]);
}

/// There may be only one writing connection, and the performer may hold it when the lease is to be extended.
pub async fn a_performer_may_use_the_store_while_its_lease_is_extended(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let log = store.clone();
    let ringer = Ringer::<0>::new(move |owed| {
        let log = log.clone();
        Box::pin(async move {
            for n in 0..150 {
                let written = log.append_log(Tower::KIND, "Big Ben", &[n.to_string(), n.to_string()]).await;
                if let Err(why) = written {
                    return Performed::GiveUp(BellEvent::Buried(why.to_string()));
                }
            }
            rang(owed)
        })
    });
    let often = Lane { lease: Duration::from_millis(8), ..east() };
    let running = Running::start(&store, Lane { limit: 1, ..often }, ringer);
    assert_eq!(until_rung::<0>(&store, 1).await, ["dong"]);
    running.stop().await;
}
