//! A change is tried: made and judged as if it were to land now, and nothing lands.

use domain::Sha;
use mergeq::queue::{Policy, Proof, Why};
use mergeq::{Inconclusive, Stager, StagingSettings, Trials, Tried};
use tokio_util::sync::CancellationToken;

use crate::ground::change;
use crate::ledger::n_runs;
use crate::world::World;

async fn world() -> World {
    let world = World::new(Policy::serial()).await;
    world.runs_in(Some("debian"));
    world
}

async fn tried(world: &World, id: &str, head: Sha) -> Result<Tried, Inconclusive> {
    let stager = Stager::new(world.store.clone(), world.repositories.clone(), StagingSettings::default());
    let (repository, change) = (world.repository(), change(id, head));
    let (trials, stop) = (Trials::new(stager, world.judge()), CancellationToken::new());
    trials.try_change(&repository, (&change, world.now()), &format!("a trial of {id}"), &stop).await
}

#[tokio::test]
async fn what_passes_has_not_landed_and_lands_without_another_run() {
    let world = world().await;
    let (change, head) = (world.push("T-1", &[("a", "1")]).await, world.head().await);
    assert_eq!(
        tried(&world, "T-1", change.clone()).await.unwrap(),
        Tried { on: head.clone(), fate: Ok(Proof::Tested) }
    );
    assert_eq!(world.head().await, head, "nothing landed");
    assert_eq!(tried(&world, "T-1", change.clone()).await.unwrap().fate, Ok(Proof::AlreadyTested));
    world.enqueue_head("T-1", change).await;
    world.drain().await;
    let past = world.past_text().await;
    assert!(past.ends_with(", already tested"), "{past}");
    assert_eq!(n_runs(&world), 1);
}

#[tokio::test]
async fn it_is_tried_on_what_the_target_is_now() {
    let world = world().await;
    let change = world.push("T-1", &[("a", "1")]).await;
    world.enqueue("T-2", &[("a", "2")]).await;
    world.drain().await;
    let head = world.head().await;
    let conflict = Why::Conflict { with: Vec::new(), paths: vec!["a".to_owned()] };
    assert_eq!(tried(&world, "T-1", change).await.unwrap(), Tried { on: head, fate: Err(conflict) });
    assert_eq!(n_runs(&world), 1, "what does not merge is not tested");
}

#[tokio::test]
async fn whoever_is_red_reads_which_check_it_was_and_nobody_is_sent_back() {
    let world = world().await;
    let change = world.push("T-1", &[("bad", "1")]).await;
    let Err(Why::Checks { failing, .. }) = tried(&world, "T-1", change).await.unwrap().fate else {
        panic!("it is red");
    };
    assert_eq!(failing[0].to_string(), "unit exited with 1: tests::bad");
    assert_eq!(world.past().await, "");
}

#[tokio::test]
async fn what_cannot_be_tried_says_nothing_of_the_change() {
    let world = world().await;
    let change = world.push("T-1", &[("a", "1")]).await;
    *world.runner.trouble.lock().unwrap() = Some("no space left");
    let error = tried(&world, "T-1", change).await.unwrap_err();
    assert_eq!(error.to_string(), "no space left");
    let lost: Sha = "1".repeat(40).parse().unwrap();
    let Err(Why::Unusable { why }) = tried(&world, "T-2", lost).await.unwrap().fate else { panic!("it is gone") };
    assert_eq!(why, "1111111111 can no longer be found");
}
