//! The verdict ledger where checks name the lanes that they see: a verdict for each view, and what that saves.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::Sha;
use expect_test::{Expect, expect};
use forge::checks::CHECKS_FILE;
use mergeq::queue::Policy;
use mergeq::{ReuseTerms, Sighting, note_report};

use crate::ledger::check;
use crate::world::World;

const LANES: &str = "[lanes]\nweb = ['web/**']\napi = ['api/**']\nall = ['shared']\n";

/// A file that names a check of each lane, and more.
fn config(more: &str) -> String {
    let check = |lane: &str| format!("[[checks]]\nname = '{lane} tests'\ncommand = 'true'\nlanes = ['{lane}']\n");
    format!("{LANES}{}{}{more}", check("web"), check("api"))
}

/// A world whose main has that file, one in each lane, and one that both see.
async fn laned_world(more: &str) -> World {
    let world = World::new(Policy::serial()).await;
    world.runs_in(Some("debian"));
    world.mirrored("main", &[(CHECKS_FILE, &config(more)), ("web/a", "1"), ("api/a", "1"), ("shared", "1")]).await;
    world
}

/// The check that sees everything.
const WHOLE: &str = "[[checks]]\nname = 'whole'\ncommand = 'true'\n";

/// The checks that ran since the last time that somebody asked.
fn ran(world: &World) -> String {
    std::mem::take(&mut *world.runner.ran.lock().unwrap()).join(", ")
}

fn told(world: &World, expected: Expect) {
    expected.assert_eq(&std::mem::take(&mut *world.runner.told.lock().unwrap()).join("\n"));
}

/// As an agent's own run before publishing.
async fn tested_in(world: &World, task: &str, commit: &Sha) {
    let report = world.inspect(commit).await;
    let seen = Sighting { commit: commit.clone(), seen_in: format!("the work of {task}"), took: report.took() };
    note_report(&world.ledger, &world.repository(), &report, &seen).await;
}

/// [19, 45]
#[tokio::test]
async fn who_lands_in_another_lane_costs_no_run() {
    let world = laned_world("").await;
    let (web, api) = (world.mirrored("T-1", &[("web/a", "2")]).await, world.mirrored("T-2", &[("api/a", "2")]).await);
    tested_in(&world, "T-1", &web).await;
    tested_in(&world, "T-2", &api).await;
    assert_eq!(ran(&world), "web tests, api tests, web tests, api tests");
    world.enqueue_head("T-1", web).await;
    world.enqueue_head("T-2", api).await;
    world.drain().await;
    assert_eq!(ran(&world), "", "the second has another tree now, and each of its checks sees what it saw");
    assert_eq!(world.past().await, "T-2 merged, T-1 merged");
    assert!(world.past_text().await.ends_with(", already tested"), "{}", world.past_text().await);
    let (head, mirror) = (world.head().await, world.repository().mirror);
    assert_eq!(mirror.file_at(&head, "web/a").await.unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(mirror.file_at(&head, "api/a").await.unwrap().as_deref(), Some(&b"2"[..]));
    // A third one runs what sees it.
    world.enqueue("T-3", &[("web/b", "1")]).await;
    world.drain().await;
    assert_eq!(ran(&world), "web tests");
    world.enqueue("T-4", &[("notes", "of the rest")]).await;
    world.drain().await;
    assert_eq!(ran(&world), "", "no check sees that");
    assert_eq!(world.past().await, "T-4 merged, T-3 merged, T-2 merged, T-1 merged");
}

/// [19]
#[tokio::test]
async fn what_is_new_to_a_check_is_tested_and_what_is_not_is_told() {
    let world = laned_world(WHOLE).await;
    let first = world.mirrored("a", &[("web/a", "2")]).await;
    assert_eq!(check(&world, 1, &first).await, "Passed, 1 runs");
    assert_eq!(ran(&world), "web tests, api tests, whole");
    world.advance(Duration::from_secs(180));
    let second = world.mirrored("b", &[("web/a", "2"), ("api/a", "2")]).await;
    assert_eq!(check(&world, 2, &second).await, "Passed, 2 runs");
    assert_eq!(ran(&world), "api tests, whole", "what sees everything runs for every tree");
    told(
        &world,
        expect!["the merge queue: web tests: already tested 3 min ago in run-1 of web:main, not tested again"],
    );
    world.advance(Duration::from_secs(180));
    assert_eq!(check(&world, 3, &second).await, "AlreadyPassed, 2 runs");
    told(
        &world,
        expect![[r#"
        the merge queue: already tested 6 min ago in run-1 of web:main and 3 min ago in run-2 of web:main, not tested again"#]],
    );
    let commented = format!("# said in other words\n{}", config(WHOLE));
    for (path, changed) in [("shared", "2"), (CHECKS_FILE, &commented)] {
        let other = world.mirrored(&format!("another {path}").replace([' ', '.'], "-"), &[(path, changed)]).await;
        assert!(check(&world, 4, &other).await.starts_with("Passed"));
        assert_eq!(ran(&world), "web tests, api tests, whole", "{path} concerns every lane");
    }
}

/// [19]
#[tokio::test]
async fn a_red_view_runs_again_and_the_others_do_not() {
    let world = laned_world("").await;
    let red = world.mirrored("a", &[("api/bad", "1")]).await;
    assert_eq!(check(&world, 1, &red).await, "red, 1 runs");
    assert_eq!(ran(&world), "web tests, api tests");
    assert_eq!(check(&world, 2, &red).await, "red, 2 runs");
    assert_eq!(ran(&world), "api tests", "it is red beside a check that is known to pass");
    std::fs::remove_file(world.file("api/bad")).unwrap();
    let good = world.mirrored("b", &[("api/good", "1")]).await;
    assert_eq!(check(&world, 3, &good).await, "Passed, 3 runs");
    assert_eq!(ran(&world), "api tests");
    // What was never begun is not on record because of what was.
    let first_red = world.mirrored("c", &[("web/bad", "1"), ("api/new", "1")]).await;
    assert_eq!(check(&world, 4, &first_red).await, "red, 4 runs");
    assert_eq!(ran(&world), "web tests");
    std::fs::remove_file(world.file("web/bad")).unwrap();
    let good = world.mirrored("d", &[("web/good", "1"), ("api/new", "1")]).await;
    assert_eq!(check(&world, 5, &good).await, "Passed, 5 runs");
    assert_eq!(ran(&world), "web tests, api tests");
}

/// [19]
#[tokio::test]
async fn a_red_that_contradicts_takes_its_own_pass_away_alone() {
    let world = laned_world("").await;
    let head = world.mirrored("a", &[("web/a", "2")]).await;
    assert_eq!(check(&world, 1, &head).await, "Passed, 1 runs");
    // Of two uses one is doubted: the second check's.
    world.ledger.replace_terms(ReuseTerms { reverify_every: 2, ..ReuseTerms::default() });
    world.runner.lies.store(true, Ordering::SeqCst);
    let again = "again: red, though the same tree passed in run-1 of web:main";
    ran(&world);
    assert_eq!(check(&world, 2, &head).await, format!("{again}, 2 runs"));
    assert_eq!(ran(&world), "api tests");
    told(
        &world,
        expect![[r#"
            the merge queue: web tests: already tested 0 ms ago in run-1 of web:main, not tested again
            the merge queue: api tests: already tested 0 ms ago in run-1 of web:main, and tested again to see whether that still holds
            the merge queue: api tests: red now, though exactly this passed 0 ms ago in run-1 of web:main; a check is flaky, or depends on more than its tree. It is tested once more"#]],
    );
    world.runner.lies.store(false, Ordering::SeqCst);
    world.ledger.replace_terms(ReuseTerms { reverify_every: 0, ..ReuseTerms::default() });
    assert_eq!(check(&world, 2, &head).await, "Passed, 3 runs");
    assert_eq!(ran(&world), "api tests", "the other pass is still on record");
}
