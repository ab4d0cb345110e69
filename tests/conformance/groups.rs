//! Groups: within one lane and group, in order and one at a time, whatever the kind of machine.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::Attempt;
use futures::future::join_all;
use store::{Backend, Statement, Store, Table};

use crate::bells::{BellEffect, Harbour, Place, Tower, ask, east, n_waiting_for_locks, name_of, ring_in};
use crate::world::{World, until};

const N_GROUPS: usize = 3;
const N_IN_GROUP: usize = 24;

#[derive(Default)]
struct Watch {
    busy: [AtomicBool; N_GROUPS],
    n_ended: AtomicUsize,
    ended: Mutex<BTreeMap<usize, Vec<usize>>>,
}

async fn claim(store: &Store, kind: &'static str) -> Option<(Attempt, String)> {
    let leased = store.claim(&east(), kind).await.unwrap()?;
    Some((leased.attempt, name_of(&serde_json::from_str(&leased.body).unwrap())))
}

pub async fn a_group_is_performed_in_order_and_one_at_a_time(world: &World) {
    let store = world.open().await;
    for n in 0..N_IN_GROUP {
        let effects: Vec<BellEffect> = (0..N_GROUPS).map(|g| ring_in(&g.to_string(), format!("{g}:{n}"))).collect();
        match n % 2 {
            0 => ask::<0>(&store, effects).await,
            _ => ask::<1>(&store, effects).await,
        }
    }
    let watch = Arc::new(Watch::default());
    let claimer = |n: usize| {
        let (store, watch) = (store.clone(), watch.clone());
        let kind = [Tower::KIND, Harbour::KIND][n % 2];
        tokio::spawn(async move {
            while watch.n_ended.load(Ordering::SeqCst) < N_GROUPS * N_IN_GROUP {
                let Some((attempt, name)) = claim(&store, kind).await else { continue };
                let (group, n) = name.split_once(':').unwrap();
                let (group, n): (usize, usize) = (group.parse().unwrap(), n.parse().unwrap());
                assert!(!watch.busy[group].swap(true, Ordering::SeqCst), "two of group {group} at once");
                // Something that takes a while, so that an overlap has room to happen.
                store.journal(kind, "Big Ben", 0).await.unwrap();
                watch.ended.lock().unwrap().entry(group).or_default().push(n);
                watch.busy[group].store(false, Ordering::SeqCst);
                assert!(store.finish(&attempt).await.unwrap());
                watch.n_ended.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    for claimer in join_all((0..8).map(claimer)).await {
        claimer.unwrap();
    }
    for (group, order) in watch.ended.lock().unwrap().iter() {
        assert_eq!(*order, (0..N_IN_GROUP).collect::<Vec<_>>(), "the order of group {group}");
    }
}

/// On PostgreSQL a transaction may take its number first and commit last.
pub async fn a_row_that_turns_up_late_does_not_overlap_its_group(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring_in("g", "first")]).await;
    let (attempt, _) = claim(&store, Tower::KIND).await.unwrap();
    overtake_in_harbour(&store).await;
    assert!(claim(&store, Harbour::KIND).await.is_none(), "two of one group at once");
    assert!(store.finish(&attempt).await.unwrap());
    assert_eq!(claim(&store, Harbour::KIND).await.unwrap().1, "late");
}

/// The first claim has looked and not yet written when the late row turns up and is looked for.
pub async fn two_claims_at_once_do_not_overlap_in_a_group(world: &World) {
    const HOLD: &str = "UPDATE outbox SET created_at_ms = 0 WHERE kind = 'tower'";
    let store = world.open().await;
    ask::<0>(&store, vec![ring_in("g", "first")]).await;
    let claim_of = |kind: &'static str| {
        let store = store.clone();
        tokio::spawn(async move { claim(&store, kind).await.is_some() })
    };
    let (first, late) = match world.backend {
        // With one writer there is no such moment.
        Backend::Sqlite => {
            overtake_in_harbour(&store).await;
            (claim_of(Tower::KIND), claim_of(Harbour::KIND))
        }
        Backend::Postgres => {
            let holding = world.begin_elsewhere(HOLD).await;
            let first = claim_of(Tower::KIND);
            until(async || (n_waiting_for_locks(&store).await == 1).then_some(())).await;
            overtake_in_harbour(&store).await;
            let late = claim_of(Harbour::KIND);
            until(async || (late.is_finished() || n_waiting_for_locks(&store).await == 2).then_some(())).await;
            holding.commit().await;
            (first, late)
        }
    };
    let claimed = [first.await.unwrap(), late.await.unwrap()];
    assert_ne!(claimed, [true, true], "two of one group at once");
}

async fn overtake_in_harbour(store: &Store) {
    const OVERTAKE: &str = "UPDATE outbox SET seq = 0 WHERE kind = 'harbour'";
    ask::<1>(store, vec![ring_in("g", "late")]).await;
    assert_eq!(store.write(&[Statement { sql: OVERTAKE, args: vec![] }]).await.unwrap(), [1]);
}

pub async fn groups_of_two_lanes_are_strangers(world: &World) {
    let store = world.open().await;
    let west = BellEffect::Ring { name: "west".into(), lane: Place::West, group: Some("g".into()), after_ms: 0 };
    ask::<0>(&store, vec![west, ring_in("g", "east"), ring_in("h", "other")]).await;
    assert_eq!(claim(&store, Tower::KIND).await.unwrap().1, "east");
    assert_eq!(claim(&store, Tower::KIND).await.unwrap().1, "other");
    assert!(claim(&store, Tower::KIND).await.is_none());
}
