//! A running pump: its limit, revocations, shutdown, and a database that goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use store::{Lane, Performed, StoreSettings, Table};
use tokio::sync::{Notify, mpsc};

use crate::bells::{
    BellEvent, Ringer, Running, Tower, ask, bell, east, hush, name_of, rang, ring, ring_in, until_rung,
};
use crate::world::{World, soon};

/// A ringer that says when it starts and then performs until it is told to stop.
fn patient(answer: fn(String) -> Performed<BellEvent>) -> (Ringer<0>, mpsc::Receiver<String>) {
    let (started, starts) = mpsc::channel(99);
    let ringer = Ringer::new(move |owed| {
        let started = started.clone();
        Box::pin(async move {
            started.send(name_of(&owed.effect)).await.unwrap();
            owed.revoked.cancelled().await;
            answer(name_of(&owed.effect))
        })
    });
    (ringer, starts)
}

pub async fn a_lane_keeps_its_limit(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, (0..12).map(|n| ring(n.to_string())).collect()).await;
    let (n_now, n_most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, most, reader) = (n_now, n_most.clone(), store.clone());
    let ringer = Ringer::<0>::new(move |owed| {
        let (now, most, reader) = (now.clone(), most.clone(), reader.clone());
        Box::pin(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..20 {
                reader.journal(Tower::KIND, "Big Ben", 0).await.unwrap();
            }
            now.fetch_sub(1, Ordering::SeqCst);
            rang(owed)
        })
    });
    let running = Running::start(&store, Lane { limit: 3, ..east() }, ringer);
    until_rung::<0>(&store, 12).await;
    running.stop().await;
    assert_eq!(n_most.load(Ordering::SeqCst), 3);
}

pub async fn a_revocation_reaches_who_performs(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring_in("g", "revoked"), ring_in("h", "stranger")]).await;
    let (ringer, mut starts) = patient(|name| Performed::Done(BellEvent::Rang(name)));
    let running = Running::start(&store, east(), ringer);
    soon(starts.recv()).await.unwrap();
    soon(starts.recv()).await.unwrap();
    ask::<0>(&store, vec![hush("g")]).await;
    // The lease lasts an hour, so only the revocation itself can have told it.
    assert_eq!(until_rung::<0>(&store, 1).await, ["revoked"]);
    running.stop().await;
    assert_eq!(bell::<0>(&store).await.rung, ["revoked", "stranger"]);
}

/// The revocation may come before the claim, between the claim and the performer's first breath, or after.
pub async fn no_revocation_is_missed(world: &World) {
    let store = world.open().await;
    let (ringer, mut starts) = patient(|name| Performed::Done(BellEvent::Rang(name)));
    let running = Running::start(&store, east(), ringer);
    for n in 1..=80 {
        ask::<0>(&store, vec![ring_in("g", n.to_string())]).await;
        ask::<0>(&store, vec![hush("g")]).await;
        until_rung::<0>(&store, n).await;
        starts.try_recv().unwrap();
    }
    running.stop().await;
}

pub async fn a_revocation_after_the_end_changes_nothing(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring_in("g", "dong")]).await;
    let pump = store::Pump::new(store.clone(), east(), Ringer::<0>::plain());
    assert!(store::Pumping::perform_next(&pump).await.unwrap());
    ask::<0>(&store, vec![hush("g")]).await;
    assert!(!store::Pumping::perform_next(&pump).await.unwrap());
    // What is owed after the revocation is not meant by it.
    ask::<0>(&store, vec![hush("g"), ring_in("g", "anew")]).await;
    assert!(!store.claim(&east(), Tower::KIND).await.unwrap().unwrap().is_revoked);
}

pub async fn a_shutdown_gives_back_without_counting_an_attempt(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("retrying"), ring("giving up")]).await;
    let (ringer, mut starts) = patient(|name| match name.as_str() {
        "retrying" => Performed::Retry { after: Duration::from_secs(9), why: "stopped".into() },
        _ => Performed::GiveUp(BellEvent::Buried(name)),
    });
    let running = Running::start(&store, east(), ringer);
    soon(starts.recv()).await.unwrap();
    soon(starts.recv()).await.unwrap();
    running.stop().await;
    let debts = store.debts(Tower::KIND, "Big Ben").await.unwrap();
    assert_eq!(debts.iter().map(|debt| debt.attempts).collect::<Vec<_>>(), [0, 0]);
    assert!(store.claim(&east(), Tower::KIND).await.unwrap().is_some(), "the next process need not wait");
}

pub async fn what_ends_during_a_shutdown_is_recorded(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let (ringer, mut starts) = patient(|name| Performed::Done(BellEvent::Rang(name)));
    let running = Running::start(&store, east(), ringer);
    soon(starts.recv()).await.unwrap();
    running.stop().await;
    assert_eq!(bell::<0>(&store).await.rung, ["dong"]);
}

/// The answer is lost with the database; the lease runs out, and the second attempt finds the work done.
pub async fn a_pump_survives_an_outage_of_its_database(world: &World) {
    let impatient = StoreSettings { wait_max: Duration::from_millis(300), ..world.settings() };
    let store = world.open_with(&impatient).await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let (started, mut starts) = mpsc::channel(99);
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let ringer = Ringer::<0>::new(move |owed| {
        let (started, gate) = (started.clone(), gate.clone());
        Box::pin(async move {
            started.send(()).await.unwrap();
            if owed.attempt.number == 1 {
                gate.notified().await;
            }
            Performed::Done(BellEvent::Rang(format!("attempt {}", owed.attempt.number)))
        })
    });
    let tick = Duration::from_millis(200);
    let running = Running::start(&store, Lane { lease: tick, poll: tick, attempts_max: 99, ..east() }, ringer);
    soon(starts.recv()).await.unwrap();
    let outage = world.cut_off().await;
    opened.notify_one();
    // The outage lasts for two failed writes. Whether the answer's own write falls into it or comes after it is chance;
    // either way the effect is answered once.
    for _ in 0..2 {
        let failed = store.apply::<Tower>(&crate::bells::big_ben(), BellEvent::Added(1), crate::bells::ana()).await;
        assert!(matches!(failed, Err(store::ApplyError::Store(_))), "{failed:?}");
    }
    outage.end().await;
    let rung = until_answered(&store).await;
    assert_eq!(rung.len(), 1, "answered more than once: {rung:?}");
    running.stop().await;
}

async fn until_answered(store: &store::Store) -> Vec<String> {
    crate::world::until(async || {
        let rung = store.load::<Tower>(&crate::bells::big_ben()).await.ok().flatten()?.rung;
        (!rung.is_empty()).then_some(rung)
    })
    .await
}
