//! Takeover: who loses a lease can write nothing more, and what kills its performers ends.

use std::sync::Arc;
use std::time::Duration;

use domain::{Attempt, Cause};
use store::{Applied, Lane, Performed, Pump, Pumping, Store, Table};
use tokio::sync::mpsc;

use crate::bells::{
    BellEvent, Ringer, Running, Tower, ask, bell, big_ben, count, east, east_of_the_dying, rang, ring, until_rung,
};
use crate::world::{World, soon};

async fn claim(store: &Store, lane: &Lane) -> Attempt {
    store.claim(lane, Tower::KIND).await.unwrap().expect("something is owed").attempt
}

async fn answer(store: &Store, attempt: &Attempt) -> Applied<Tower> {
    let cause = Cause::Effect(attempt.clone());
    store.apply::<Tower>(&big_ben(), BellEvent::Rang(attempt.number.to_string()), cause).await.unwrap()
}

async fn assert_fenced(store: &Store, attempt: &Attempt) {
    assert!(!store.finish(attempt).await.unwrap(), "it finished");
    assert!(!store.put_off(attempt, Duration::from_secs(9), "late").await.unwrap(), "it put off");
    assert!(!store.release(attempt).await.unwrap(), "it gave back");
    assert!(matches!(answer(store, attempt).await, Applied::Superseded), "it answered");
}

/// [37]
pub async fn an_expired_lease_is_taken_over_and_the_first_holder_is_fenced(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let first = claim(&store, &east_of_the_dying()).await;
    let second = claim(&store, &east()).await;
    assert_eq!((first.number, second.number, &first.effect), (1, 2, &second.effect));
    assert!(store.claim(&east(), Tower::KIND).await.unwrap().is_none(), "the second lease was not honoured");
    assert_fenced(&store, &first).await;
    assert_eq!(count(&store, "SELECT version AS n FROM tower").await, 1);
    assert!(matches!(answer(&store, &second).await, Applied::Done(_)));
    assert_fenced(&store, &first).await;
    assert_eq!(bell::<0>(&store).await.rung, ["2"]);

    // A lease that ran out and that nobody took over still counts.
    ask::<0>(&store, vec![ring("dong")]).await;
    let late = claim(&store, &east_of_the_dying()).await;
    assert!(matches!(answer(&store, &late).await, Applied::Done(_)));
}

pub async fn forgotten_leases_are_claimed_at_once(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong"), ring("ding")]).await;
    let first = claim(&store, &east()).await;
    claim(&store, &east()).await;
    assert!(store.claim(&east(), Tower::KIND).await.unwrap().is_none());
    assert_eq!(store.forget_leases().await.unwrap(), 2);
    assert_fenced(&store, &first).await;
    let second = claim(&store, &east()).await;
    assert_eq!((second.number, &second.effect), (2, &first.effect), "the death counts as an attempt");
    assert_fenced(&store, &first).await;
}

/// [37]
pub async fn a_performer_is_told_that_its_lease_was_lost(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let (started, mut starts) = mpsc::channel(9);
    let ringer = Ringer::<0>::new(move |owed| {
        let started = started.clone();
        Box::pin(async move {
            started.send(()).await.unwrap();
            if owed.attempt.number == 1 {
                owed.revoked.cancelled().await;
            }
            Performed::Done(BellEvent::Rang(format!("attempt {}", owed.attempt.number)))
        })
    });
    let often = Lane { lease: Duration::from_millis(80), limit: 1, ..east() };
    let running = Running::start(&store, often, ringer);
    soon(starts.recv()).await.unwrap();
    assert_eq!(store.forget_leases().await.unwrap(), 1);
    assert_eq!(until_rung::<0>(&store, 1).await, ["attempt 2"]);
    running.stop().await;
}

pub async fn an_effect_that_kills_its_process_is_buried_and_its_machine_hears(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("killer")]).await;
    for n in 1..=3 {
        assert_eq!(claim(&store, &east_of_the_dying()).await.number, n);
    }
    let ringer = Ringer::<0>::new(|_| panic!("it is not performed again"));
    let pump = Pump::new(store.clone(), Lane { attempts_max: 3, ..east() }, ringer);
    assert!(pump.perform_next().await.unwrap());
    assert_eq!(bell::<0>(&store).await.buried, ["killer: every attempt ended with its process"]);
    assert_eq!(store.debts(Tower::KIND, "Big Ben").await.unwrap(), []);
    assert!(!pump.perform_next().await.unwrap());
}

pub async fn an_effect_performed_twice_carries_one_id(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let died = claim(&store, &east_of_the_dying()).await;
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ids = seen.clone();
    let ringer = Ringer::<0>::new(move |owed| {
        ids.lock().unwrap().push(owed.attempt.effect.clone());
        Box::pin(async { rang(owed) })
    });
    assert!(Pump::new(store.clone(), east(), ringer).perform_next().await.unwrap());
    assert_eq!(*seen.lock().unwrap(), [died.effect]);
}
