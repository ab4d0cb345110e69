//! The watchdog on a real store: what nobody does is spoken of by name. Numbers in brackets are of
//! `tests/tidy/scenarios.rs`.

use std::time::Duration;

use domain::EntryId;
use mergeq::queue::{Policy, QueueView};
use mergeq::what_is_missing;

use crate::world::World;

const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);

async fn missing(world: &World) -> Option<String> {
    let queue = world.queue().await;
    let overdue = queue.watch.overdue_of(&EntryId::new("T-1")).expect("somebody said that it is overdue");
    what_is_missing(&world.store, &world.repositories, &world.queue_id(), overdue).await.unwrap()
}

/// [36]
#[tokio::test]
async fn a_check_that_nobody_begins_is_missed_by_name() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1")]).await;
    world.drain_but("checks").await;
    world.advance(HALF_AN_HOUR - Duration::from_secs(1));
    world.drain_but("checks").await;
    assert!(!world.told().contains("overdue"), "{}", world.told());
    world.advance(Duration::from_secs(1));
    world.drain_but("checks").await;
    assert!(world.told().ends_with("T-1 overdue: its checks have taken 30 min\n"), "{}", world.told());
    let nobody = "nobody has begun the check unit; no process that does such work seems to be up";
    assert_eq!(missing(&world).await.as_deref(), Some(nobody));
    world.advance(HALF_AN_HOUR);
    world.drain_but("checks").await;
    assert!(world.told().ends_with("T-1 overdue: its checks have taken 60 min\n"), "{}", world.told());
    let view = QueueView::of(&world.queue().await, world.now());
    assert_eq!(view.lines[0].notes(world.now()), ["its checks have taken 60 min"]);
    world.drain().await;
    assert_eq!(world.past().await, "T-1 merged");
    assert_eq!(world.queue().await.watch.overdue_of(&EntryId::new("T-1")), None);
}

/// Quick checks teach what is usual; why attempts fail is shown to whoever looks, and not told twice.
#[tokio::test]
async fn checks_that_cannot_begin_are_overdue_and_nobody_is_missing() {
    let world = World::new(Policy::serial()).await;
    for n in 2..5 {
        world.enqueue(&format!("T-{n}"), &[(&format!("y{n}"), "1")]).await;
        world.drain().await;
    }
    world.enqueue("T-1", &[("x", "1")]).await;
    world.drain_but("checks").await;
    *world.runner.trouble.lock().unwrap() = Some("no space is left");
    world.perform("checks").await;
    world.advance(Duration::from_secs(120));
    world.drain_but("checks").await;
    assert!(world.told().ends_with("T-1 overdue: its checks have taken 2 min, 0 ms are usual\n"), "{}", world.told());
    assert_eq!(missing(&world).await, None);
    *world.runner.trouble.lock().unwrap() = None;
    world.drain().await;
    assert!(world.past().await.starts_with("T-1 merged"));
}
