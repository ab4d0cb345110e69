//! Wake-ups: with an hour between two looks, everything is performed at once or not in this test.

use std::time::Duration;

use store::{Lane, Performed, Table};
use tokio::sync::mpsc;

use crate::bells::{
    BellEvent, Harbour, Ringer, Running, Tower, ask, bell, east, name_of, rang, ring, ring_after, ring_in, until_rung,
};
use crate::world::{World, soon};

pub async fn no_wake_up_is_lost(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![]).await;
    let running = Running::start(&store, east(), Ringer::<0>::plain());
    // One by one, so that the pump falls asleep each time, and then in a burst, while it is busy.
    for n in 1..=40 {
        ask::<0>(&store, vec![ring(n.to_string())]).await;
        until_rung::<0>(&store, n).await;
    }
    for n in 41..=140 {
        ask::<0>(&store, vec![ring(n.to_string())]).await;
    }
    until_rung::<0>(&store, 140).await;
    running.stop().await;
}

pub async fn the_first_wake_up_of_a_pump_is_not_lost(world: &World) {
    let store = world.open().await;
    for n in 1..=12 {
        // A new store each time: it has heard of no pump yet.
        let store = world.open().await;
        let running = Running::start(&store, east(), Ringer::<0>::plain());
        ask::<0>(&store, vec![ring(n.to_string())]).await;
        until_rung::<0>(&store, n).await;
        running.stop().await;
        store.close().await;
    }
    assert_eq!(bell::<0>(&store).await.rung.len(), 12);
}

pub async fn both_kinds_of_a_lane_wake(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![]).await;
    ask::<1>(&store, vec![]).await;
    let running =
        [Running::start(&store, east(), Ringer::<0>::plain()), Running::start(&store, east(), Ringer::<1>::plain())];
    for n in 1..=20 {
        ask::<0>(&store, vec![ring(n.to_string())]).await;
        ask::<1>(&store, vec![ring(n.to_string())]).await;
        until_rung::<0>(&store, n).await;
        until_rung::<1>(&store, n).await;
    }
    for pump in running {
        pump.stop().await;
    }
}

/// Two kinds share a group: the end of one must wake the pump of the other.
pub async fn what_a_group_held_back_is_woken_by_its_end(world: &World) {
    let store = world.open().await;
    for n in 0..10 {
        ask::<0>(&store, vec![ring_in("g", n.to_string())]).await;
        ask::<1>(&store, vec![ring_in("g", n.to_string())]).await;
    }
    // The tower says nothing to its machine, so that only the pump's own end of the work can wake the harbour.
    let silent = Ringer::<0>::new(|_| Box::pin(async { Performed::<BellEvent>::Finished }));
    let running = [Running::start(&store, east(), silent), Running::start(&store, east(), Ringer::<1>::plain())];
    let rung = until_rung::<1>(&store, 10).await;
    assert_eq!(rung, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    for pump in running {
        pump.stop().await;
    }
    assert_eq!(store.debts(Tower::KIND, "Big Ben").await.unwrap(), []);
    assert_eq!(store.debts(Harbour::KIND, "Big Ben").await.unwrap(), []);
}

/// The pump sleeps as long as the row says, although one that waits for its group is due all the while.
pub async fn a_timer_is_performed_when_it_is_due(world: &World) {
    let store = world.open_by_the_system_clock().await;
    ask::<0>(&store, vec![ring_in("g", "busy"), ring_in("g", "held back")]).await;
    let (performed, mut names) = mpsc::channel(9);
    let ringer = Ringer::<0>::new(move |owed| {
        let performed = performed.clone();
        Box::pin(async move {
            performed.send(name_of(&owed.effect)).await.unwrap();
            if name_of(&owed.effect) == "busy" {
                owed.revoked.cancelled().await;
            }
            rang(owed)
        })
    });
    let running = Running::start(&store, Lane { limit: 2, ..east() }, ringer);
    assert_eq!(soon(names.recv()).await.unwrap(), "busy");
    let due = store.now() + Duration::from_millis(300);
    ask::<0>(&store, vec![ring_after(300, "h", "timer")]).await;
    assert_eq!(soon(names.recv()).await.unwrap(), "timer");
    assert!(store.now() >= due);
    running.stop().await;
}
