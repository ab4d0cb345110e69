//! The verdict ledger between the queue and real trees: what is used again, what never is, and what is told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mergeq::queue::{Policy, QueueEffect, QueueEvent, RunId, Verdict};
use mergeq::{ReuseTerms, Sighting, note_report};
use store::{Performed, Performer};

use crate::owed;
use crate::world::World;

const HOUR: Duration = Duration::from_secs(3_600);

/// A world whose checks run in an environment that is known.
async fn known_world() -> World {
    let world = World::new(Policy::serial()).await;
    world.runs_in(Some("debian"));
    world
}

pub(crate) fn n_runs(world: &World) -> usize {
    world.runner.n_runs.load(Ordering::SeqCst)
}

/// Has a commit's checks awaited as a pump would, and says what came of it and how often they ran by now.
pub(crate) async fn check(world: &World, run: u64, commit: &domain::Sha) -> String {
    let answer = world
        .checker()
        .perform(&owed(world, QueueEffect::AwaitChecks { run: RunId(run), commit: commit.clone() }))
        .await;
    let said = match answer {
        Performed::Done(QueueEvent::ChecksConcluded { verdict, .. }) => match verdict {
            Verdict::Failed { .. } => "red".to_owned(),
            verdict => format!("{verdict:?}"),
        },
        Performed::Retry { why, .. } => format!("again: {why}"),
        other => format!("{other:?}"),
    };
    format!("{said}, {} runs", n_runs(world))
}

/// [45]
#[tokio::test]
async fn a_tree_that_passed_is_not_tested_again() {
    let world = known_world().await;
    let first = world.mirrored("a", &[("x", "1")]).await;
    assert_eq!(check(&world, 1, &first).await, "Passed, 1 runs");
    // Another commit, in another run, with the same tree.
    let same = world.twin_of(&first).await;
    assert_ne!(same, first);
    world.advance(Duration::from_secs(180));
    assert_eq!(check(&world, 2, &same).await, "AlreadyPassed, 1 runs");
    let told = world.runner.told.lock().unwrap().join("\n");
    assert_eq!(told, "the merge queue: already tested 3 min ago in run-1 of web:main, not tested again");
    let other = world.mirrored("b", &[("x", "2")]).await;
    assert_eq!(check(&world, 3, &other).await, "Passed, 2 runs");
}

/// [45]
#[tokio::test]
async fn a_change_that_was_tested_before_it_came_lands_without_a_run_and_says_so() {
    let world = known_world().await;
    let head = world.mirrored("T-1", &[("x", "1")]).await;
    let report = world.inspect(&head).await;
    let seen = Sighting { commit: head.clone(), seen_in: "the work of T-1".to_owned(), took: report.took() };
    assert_eq!(note_report(&world.ledger, &world.repository(), &report, &seen).await.len(), 1);
    let n_before = n_runs(&world);
    world.enqueue_head("T-1", head).await;
    world.drain().await;
    assert_eq!(n_runs(&world), n_before);
    assert!(world.past_text().await.ends_with(", already tested"), "{}", world.past_text().await);
    // The next one stands on it, which makes its tree another one.
    world.enqueue("T-2", &[("y", "1")]).await;
    world.drain().await;
    assert_eq!(n_runs(&world), n_before + 1);
    assert_eq!(world.past().await, "T-2 merged, T-1 merged");
}

#[tokio::test]
async fn only_a_pass_is_used_again() {
    let world = known_world().await;
    let bad = world.mirrored("a", &[("bad", "1")]).await;
    assert_eq!(check(&world, 1, &bad).await, "red, 1 runs");
    assert_eq!(check(&world, 2, &bad).await, "red, 2 runs");
    let untested = world.mirrored("b", &[(".downbeat/config.toml", "checks = []\n")]).await;
    assert_eq!(check(&world, 3, &untested).await, "Untested, 3 runs");
    assert_eq!(check(&world, 4, &untested).await, "Untested, 4 runs");
}

#[tokio::test]
async fn another_environment_knows_nothing() {
    let world = known_world().await;
    let head = world.mirrored("a", &[("x", "1")]).await;
    assert_eq!(check(&world, 1, &head).await, "Passed, 1 runs");
    world.runs_in(Some("fedora"));
    assert_eq!(check(&world, 2, &head).await, "Passed, 2 runs");
    world.runs_in(None);
    assert_eq!(check(&world, 3, &head).await, "Passed, 3 runs");
    assert_eq!(check(&world, 4, &head).await, "Passed, 4 runs");
    world.runs_in(Some("debian"));
    assert_eq!(check(&world, 5, &head).await, "AlreadyPassed, 4 runs");
    let environment = "debian 13".to_owned();
    world.ledger.replace_terms(ReuseTerms { environment, ..ReuseTerms::default() });
    assert_eq!(check(&world, 6, &head).await, "Passed, 5 runs", "a person's words count");
}

#[tokio::test]
async fn a_pass_is_used_for_as_long_as_it_may_be() {
    let world = known_world().await;
    let head = world.mirrored("a", &[("x", "1")]).await;
    assert_eq!(check(&world, 1, &head).await, "Passed, 1 runs");
    world.advance(24 * HOUR);
    assert_eq!(check(&world, 2, &head).await, "AlreadyPassed, 1 runs");
    assert_eq!(world.ledger.trim().await.unwrap(), 0);
    world.advance(Duration::from_millis(1));
    assert_eq!(world.ledger.trim().await.unwrap(), 1, "what is too old goes");
    assert_eq!(check(&world, 3, &head).await, "Passed, 2 runs");
    world.advance(25 * HOUR);
    assert_eq!(check(&world, 4, &head).await, "Passed, 3 runs", "also while it is still there");
    assert_eq!(check(&world, 5, &head).await, "AlreadyPassed, 3 runs", "a new pass counts anew");
    world.ledger.replace_terms(ReuseTerms { age_max: Duration::ZERO, ..ReuseTerms::default() });
    assert_eq!(check(&world, 6, &head).await, "Passed, 4 runs", "0 is never");
}

#[tokio::test]
async fn one_use_in_so_many_is_tested_again() {
    let world = known_world().await;
    world.ledger.replace_terms(ReuseTerms { reverify_every: 3, ..ReuseTerms::default() });
    let head = world.mirrored("a", &[("x", "1")]).await;
    let mut ran = Vec::new();
    for run in 1..=8 {
        check(&world, run, &head).await;
        ran.push(n_runs(&world));
    }
    assert_eq!(ran, [1, 1, 1, 2, 2, 2, 3, 3]);
}

#[tokio::test]
async fn a_red_where_the_ledger_said_green_is_told_once_and_tested_once_more() {
    let world = known_world().await;
    world.ledger.replace_terms(ReuseTerms { reverify_every: 1, ..ReuseTerms::default() });
    let head = world.mirrored("a", &[("x", "1")]).await;
    assert_eq!(check(&world, 1, &head).await, "Passed, 1 runs");
    world.advance(HOUR);
    world.runner.lies.store(true, Ordering::SeqCst);
    let again = "again: red, though the same tree passed in run-1 of web:main";
    assert_eq!(check(&world, 2, &head).await, format!("{again}, 2 runs"));
    expect_test::expect![[r#"
        the merge queue: already tested 60 min ago in run-1 of web:main, and tested again to see whether that still holds
        the merge queue: red now, though exactly this passed 60 min ago in run-1 of web:main; a check is flaky, or depends on more than its tree. It is tested once more"#]]
    .assert_eq(&world.runner.told.lock().unwrap().join("\n"));
    assert_eq!(check(&world, 2, &head).await, "red, 3 runs", "the second red is believed");
    assert_eq!(world.runner.told.lock().unwrap().len(), 2, "it is told once");
    world.runner.lies.store(false, Ordering::SeqCst);
    assert_eq!(check(&world, 3, &head).await, "Passed, 4 runs", "nothing is on record any more");
}

#[tokio::test]
async fn a_pass_is_kept_although_nobody_waits_for_it_any_more() {
    let world = known_world().await;
    let head = world.mirrored("a", &[("x", "1")]).await;
    let stopped = owed(&world, QueueEffect::AwaitChecks { run: RunId(9), commit: head.clone() });
    *world.runner.stops.lock().unwrap() = Some(stopped.revoked.clone());
    assert!(matches!(world.checker().perform(&stopped).await, Performed::Finished));
    assert_eq!(check(&world, 10, &head).await, "AlreadyPassed, 1 runs");
}
