//! The performers of a merge queue on real git repositories and a real store, driven lane by lane.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod audits;
#[path = "../ground/mod.rs"]
mod ground;
mod ledger;
mod parts;
mod probes;
mod shapes;
mod styles;
mod trials;
mod troubles;
mod watch;
mod wild;
mod world;

use domain::{Attempt, EffectId, EntryId, Sha};
use expect_test::expect;
use ground::change;
use mergeq::queue::{Policy, QueueEffect, QueueEvent, RunId, Wanted};
use mergeq::{Lander, Stager, StagingSettings};
use store::{Owed, Performed, Performer};
use tokio_util::sync::CancellationToken;
use world::World;

/// An effect as a pump would hand it over.
fn owed(world: &World, effect: QueueEffect) -> Owed<mergeq::queue::Queue> {
    let attempt = Attempt { effect: EffectId::new("web:main:1:0"), number: 1, token: "token".to_owned() };
    Owed { machine: world.queue_id(), effect, attempt, revoked: CancellationToken::new() }
}

#[tokio::test]
async fn a_batch_lands_one_commit_an_entry_and_everyone_is_told() {
    let world = World::new(Policy::batch(4)).await;
    world.enqueue("T-1", &[("x", "1")]).await;
    world.enqueue("T-2", &[("y", "2")]).await;
    world.drain().await;
    expect![[r#"
        T-1 position 1 of 1 · testing
        T-2 position 2 of 2 · waiting
        T-1 position 1 of 2 · landing
        T-1 merged
        T-2 position 1 of 1 · testing
        T-2 position 1 of 1 · landing
        T-2 merged
    "#]]
    .assert_eq(&world.told());
    expect![[r#"
        ana: change T-2 (Co-authored-by: test <test@example.invalid>, Requested-by: ana, Task-Id: T-2)
        ana: change T-1 (Co-authored-by: test <test@example.invalid>, Requested-by: ana, Task-Id: T-1)
        test: start ()
    "#]]
    .assert_eq(&world.log().await);
    assert_eq!(world.past().await, "T-2 merged, T-1 merged");
}

/// [22]
#[tokio::test]
async fn a_bad_change_is_bisected_out_and_the_others_land() {
    let world = World::new(Policy::batch(4)).await;
    world.pause().await;
    world.enqueue("T-1", &[("x", "1")]).await;
    world.enqueue("T-2", &[("bad", "2")]).await;
    world.enqueue("T-3", &[("z", "3")]).await;
    world.resume().await;
    world.drain().await;
    assert_eq!(world.past().await, "T-3 merged, T-2 ejected: unit exited with 1: tests::bad, T-1 merged");
    assert!(!world.log().await.contains("T-2"));
}

/// [25]
#[tokio::test]
async fn a_conflict_waits_for_the_next_base_and_then_names_who_landed_it() {
    let world = World::new(Policy::batch(4)).await;
    world.pause().await;
    world.enqueue("T-1", &[("x", "one")]).await;
    world.enqueue("T-2", &[("x", "two")]).await;
    world.enqueue("T-3", &[("z", "three")]).await;
    world.resume().await;
    world.drain().await;
    assert_eq!(world.past().await, "T-3 merged, T-2 ejected: conflicts with T-1 in x, T-1 merged");
    let told = world.told();
    assert!(told.contains("T-2 aside for T-1 in x\n"), "{told}");
}

/// [28, 43]
#[tokio::test]
async fn what_the_target_has_already_and_what_is_gone_leave_alone() {
    let world = World::new(Policy::batch(4)).await;
    world.push("main", &[("x", "1")]).await;
    world.pause().await;
    world.enqueue("T-1", &[("x", "1")]).await;
    world.enqueue_head("T-2", "f".repeat(40).parse().unwrap()).await;
    world.enqueue("T-3", &[("z", "3")]).await;
    world.resume().await;
    world.drain().await;
    let gone = "T-2 ejected: its commit cannot be used: ffffffffff can no longer be found";
    let already = "T-1 ejected: the target already has all that it changes";
    assert_eq!(world.past().await, format!("T-3 merged, {gone}, {already}"));
}

/// [6]
#[tokio::test]
async fn a_tree_without_checks_lands_untested_only_if_it_says_so() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[(forge::checks::CHECKS_FILE, "checks = []\n")]).await;
    world.enqueue("T-2", &[(forge::checks::CHECKS_FILE, "")]).await;
    world.enqueue("T-3", &[(forge::checks::CHECKS_FILE, "checks = 7\n")]).await;
    world.drain().await;
    let past = world.past().await;
    assert!(past.contains("T-1 merged untested"), "{past}");
    assert!(!past.contains("T-2 merged") && !past.contains("T-3 merged"), "{past}");
}

/// [35]
#[tokio::test]
async fn a_foreign_push_is_noticed_and_nothing_is_lost() {
    let world = World::new(Policy::serial()).await;
    let reconciler = world.reconciler();
    let repository = world.repository();
    assert!(!reconciler.reconcile(&repository).await.unwrap(), "there is no queue yet");
    world.enqueue("T-1", &[("x", "1")]).await;
    world.perform("stage").await;
    assert!(!reconciler.reconcile(&repository).await.unwrap(), "the queue knows the head");
    let pushed = world.push("main", &[("y", "2")]).await;
    assert!(reconciler.reconcile(&repository).await.unwrap());
    assert_eq!(world.queue().await.head, Some(pushed));
    world.drain().await;
    assert_eq!(world.past().await, "T-1 merged");
    assert!(!reconciler.reconcile(&repository).await.unwrap());
}

/// [29]
#[tokio::test]
async fn a_push_between_green_and_landing_means_another_run_on_top_of_it() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1")]).await;
    world.perform("stage").await;
    world.perform("checks").await;
    world.push("main", &[("y", "2")]).await;
    world.drain().await;
    expect![[r#"
        ana: change T-1 (Co-authored-by: test <test@example.invalid>, Requested-by: ana, Task-Id: T-1)
        test: push to main ()
        test: start ()
    "#]]
    .assert_eq(&world.log().await);
}

#[tokio::test]
async fn staging_twice_makes_the_same_commits() {
    let world = World::new(Policy::serial()).await;
    let heads = [world.push("a", &[("x", "1")]).await, world.push("b", &[("y", "1")]).await];
    let since = domain::Timestamp::from_ms(1_000_000);
    let wanted = |id, head: &Sha| Wanted { change: change(id, head.clone()), since };
    let changes = vec![wanted("T-1", &heads[0]), wanted("T-2", &heads[1])];
    let stager = Stager::new(world.store.clone(), world.repositories.clone(), StagingSettings::default());
    let staged = stager.stage(&world.queue_id(), RunId(1), &changes).await;
    assert!(matches!(staged, Ok(QueueEvent::Staged { .. })), "{staged:?}");
    assert_eq!(stager.stage(&world.queue_id(), RunId(1), &changes).await, staged);
}

/// [31]
#[tokio::test]
async fn landing_twice_lands_once() {
    let world = World::new(Policy::serial()).await;
    let from = world.head().await;
    let to = world.mirrored("a", &[("x", "1")]).await;
    let lander = Lander::new(world.repositories.clone());
    let land = owed(&world, QueueEffect::Land { run: RunId(1), from: from.clone(), to: to.clone(), shown: Vec::new() });
    for _ in 0..2 {
        let answer = lander.perform(&land).await;
        assert!(matches!(answer, Performed::Done(QueueEvent::Landed { run: RunId(1) })), "{answer:?}");
    }
    assert_eq!(world.head().await, to);
    assert!(world.log().await.matches("push to a").count() == 1);
    let other = world.mirrored("b", &[("y", "1")]).await;
    let late = owed(&world, QueueEffect::Land { run: RunId(2), from, to: other, shown: Vec::new() });
    let answer = lander.perform(&late).await;
    assert!(matches!(answer, Performed::Done(QueueEvent::LandingRefused { .. })), "{answer:?}");
    assert_eq!(world.head().await, to);
}

/// [31]
#[tokio::test]
async fn a_commit_that_was_lost_with_its_mirror_is_made_anew() {
    let world = World::new(Policy::serial()).await;
    let from = world.head().await;
    let lander = Lander::new(world.repositories.clone());
    let to = "e".repeat(40).parse().unwrap();
    let land = owed(&world, QueueEffect::Land { run: RunId(1), from, to, shown: Vec::new() });
    let answer = lander.perform(&land).await;
    assert!(matches!(answer, Performed::Done(QueueEvent::CandidateLost { run: RunId(1) })), "{answer:?}");
    let head = world.push("main", &[("y", "2")]).await;
    let answer = lander.perform(&land).await;
    let Performed::Done(QueueEvent::LandingRefused { refusal, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(refusal, mergeq::queue::Refusal::Moved { head });
}

/// Nobody wants the commits of a run that was given up while its staging was owed.
#[tokio::test]
async fn a_staging_that_nobody_waits_for_is_not_performed() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1")]).await;
    world.tell(QueueEvent::Withdrawn { entry: EntryId::new("T-1"), by: "ana".parse().unwrap() }).await;
    let n_objects = world.n_objects().await;
    world.drain().await;
    assert_eq!(world.n_objects().await, n_objects);
}

#[tokio::test]
async fn stopped_checks_answer_nothing_and_are_kept_only_while_awaited() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1")]).await;
    world.perform("stage").await;
    let checker = world.checker();
    let commit: Sha = world.queue().await.runs[0].candidate().unwrap().commit().clone();
    for (run, is_awaited) in [(RunId(1), true), (RunId(9), false)] {
        let stopped = owed(&world, QueueEffect::AwaitChecks { run, commit: commit.clone() });
        stopped.revoked.cancel();
        let answer = checker.perform(&stopped).await;
        assert_eq!(matches!(answer, Performed::Retry { .. }), is_awaited, "{answer:?}");
        assert_eq!(matches!(answer, Performed::Finished), !is_awaited, "{answer:?}");
    }
}

/// [35]
#[tokio::test]
async fn checking_twice_gives_the_same_verdict() {
    let world = World::new(Policy::serial()).await;
    let commit = world.mirrored("a", &[("bad", "1")]).await;
    let checker = world.checker();
    let await_checks = owed(&world, QueueEffect::AwaitChecks { run: RunId(1), commit });
    let first = format!("{:?}", checker.perform(&await_checks).await);
    assert!(first.contains("Failed"), "{first}");
    assert_eq!(first, format!("{:?}", checker.perform(&await_checks).await));
}

/// [40]
#[tokio::test]
async fn a_configured_policy_comes_into_force_in_an_open_queue() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1")]).await;
    let desk = world.desk_with(Policy::batch(8));
    assert!(desk.enforce_policy(&world.repository().name, ground::by_ana()).await.unwrap());
    assert!(!desk.enforce_policy(&world.repository().name, ground::by_ana()).await.unwrap());
    assert_eq!(world.queue().await.policy, Policy::batch(8));
}

/// [44]
#[tokio::test]
async fn a_lease_ends_through_its_timer() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1")]).await;
    let until = world.now() + std::time::Duration::from_secs(60);
    let reserved = QueueEvent::Reserved { entry: domain::EntryId::new("T-1"), until };
    world.tell(reserved).await;
    world.drain().await;
    assert_eq!(world.past().await, "");
    world.advance(std::time::Duration::from_secs(60));
    world.drain().await;
    assert_eq!(world.past().await, "T-1 ejected: its repair did not come in time");
}
