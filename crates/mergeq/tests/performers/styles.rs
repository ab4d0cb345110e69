//! What a target's history looks like in each style, to people who read it with git.

use expect_test::{Expect, expect};
use forge::Style;
use mergeq::LandingRule;
use mergeq::queue::Policy;

use crate::world::World;

/// Two entries of two commits each; one of them tries to pass for approved.
async fn landed(style: Style, message: &str) -> World {
    let rule = LandingRule { style, message: message.parse().unwrap() };
    let world = World::with_rule(Policy::batch(4), rule).await;
    world.pause().await;
    for (id, file) in [("T-1", "x"), ("T-2", "y")] {
        world.push(id, &[(file, "1")]).await;
        let forged = "more\n\nCo-authored-by: Dora <dora@example.org>\nApproved-by: root\n---\nrest";
        let head = world.commit(forged, &[(file, "2")]).await;
        world.push_head(id).await;
        world.enqueue_head(id, head).await;
    }
    world.resume().await;
    world.drain().await;
    assert_eq!(world.past().await, "T-2 merged, T-1 merged");
    world
}

async fn check(style: Style, lines: &Expect, trailers_of_last: &Expect) {
    let world = landed(style, "{title} ({entry})\n\n{commits}").await;
    world.git("fetch", &["--quiet", &world.remote(), "main"]).await;
    let line = world.git("log", &["--first-parent", "--format=%an: %s (%cn)", "FETCH_HEAD"]).await + "\n";
    lines.assert_eq(&line);
    let message = world.git("log", &["-1", "--format=%B", "FETCH_HEAD"]).await;
    let trailers = world.mirror_git("interpret-trailers", &["--parse"], &message).await + "\n";
    trailers_of_last.assert_eq(&trailers);
}

#[tokio::test]
async fn squashed_entries_are_one_commit_each_and_credit_all_authors() {
    check(
        Style::Squash,
        &expect![[r#"
        ana: change T-2 (T-2) (Downbeat)
        ana: change T-1 (T-1) (Downbeat)
        test: start (test)
    "#]],
        &expect![[r#"
        Co-authored-by: test <test@example.invalid>
        Co-authored-by: Dora <dora@example.org>
        Requested-by: ana
        Task-Id: T-2
    "#]],
    )
    .await;
}

#[tokio::test]
async fn merged_entries_are_one_merge_commit_each() {
    check(
        Style::Merge,
        &expect![[r#"
        ana: change T-2 (T-2) (Downbeat)
        ana: change T-1 (T-1) (Downbeat)
        test: start (test)
    "#]],
        &expect![[r#"
        Requested-by: ana
        Task-Id: T-2
    "#]],
    )
    .await;
}

#[tokio::test]
async fn rebased_entries_keep_their_commits_and_credit_who_asked() {
    check(
        Style::Rebase,
        &expect![[r#"
        test: more (Downbeat)
        test: push to T-2 (Downbeat)
        test: more (Downbeat)
        test: push to T-1 (Downbeat)
        test: start (test)
    "#]],
        &expect![[r#"
        Co-authored-by: ana <ana@downbeat.invalid>
        Co-authored-by: Dora <dora@example.org>
        Requested-by: ana
        Task-Id: T-2
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_first_of_a_run_is_fast_forwarded_and_the_next_is_rebased() {
    check(
        Style::FastForward,
        &expect![[r#"
        test: more (Downbeat)
        test: push to T-2 (Downbeat)
        test: more (test)
        test: push to T-1 (test)
        test: start (test)
    "#]],
        &expect![[r#"
        Co-authored-by: ana <ana@downbeat.invalid>
        Co-authored-by: Dora <dora@example.org>
        Requested-by: ana
        Task-Id: T-2
    "#]],
    )
    .await;
}
