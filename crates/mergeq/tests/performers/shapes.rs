//! What git can hold, through the whole queue: the landed tree is the tested one, and only the branch's own work is in it.
//! Numbers in brackets are of `tests/tidy/scenarios.rs`.

use domain::{EntryId, Sha};
use forge::Style;
use mergeq::LandingRule;
use mergeq::queue::{Policy, QueueEvent};

use crate::ground::change;
use crate::world::World;

const STYLES: [Style; 4] = [Style::Squash, Style::Merge, Style::Rebase, Style::FastForward];
const LINES: &str = "one\ntwo\nthree\nfour\nfive\n";

async fn world(style: Style, policy: Policy) -> World {
    World::with_rule(policy, LandingRule { style, ..LandingRule::default() }).await
}

/// Commits what the person has done in their working tree, and pushes it.
async fn work(world: &World, branch: &str, files: &[(&str, &str)]) -> Sha {
    let head = world.commit(&format!("work on {branch}"), files).await;
    world.push_head(branch).await;
    head
}

/// Lands what is in line, and gives the tree that was tested and the one that is on the target.
async fn trees_of_next(world: &World) -> (String, String) {
    world.perform("stage").await;
    let tested = world.queue().await.runs[0].candidate().unwrap().tree.to_string();
    world.drain().await;
    fetch(world).await;
    (tested, world.git("rev-parse", &["FETCH_HEAD^{tree}"]).await)
}

/// `FETCH_HEAD` is the remote's main from now on.
async fn fetch(world: &World) {
    world.git("fetch", &["--quiet", &world.remote(), "main"]).await;
}

/// [33]
#[tokio::test]
async fn what_lands_is_the_tree_that_was_tested_whatever_is_in_it() {
    let crlf = LINES.replace('\n', "\r\n");
    let start = [
        (".gitattributes", "log merge=union\n"),
        ("log", "0\n"),
        ("crlf", &crlf),
        ("run", LINES),
        ("old", LINES),
        ("Name", LINES),
    ];
    for style in STYLES {
        let world = world(style, Policy::serial()).await;
        world.push("main", &start).await;
        world.git("update-index", &["--chmod=+x", "run"]).await;
        world.git("commit", &["--quiet", "--message", "mode"]).await;
        world.git("mv", &["Name", "name"]).await;
        world.git("mv", &["old", "new"]).await;
        world.git("update-index", &["--add", "--cacheinfo", &format!("160000,{},sub", "5".repeat(40))]).await;
        world.git("commit", &["--quiet", "--message", "names and a submodule"]).await;
        world.git("reset", &["--quiet", "--hard"]).await;
        std::fs::create_dir_all(world.file("sub")).unwrap();
        let head = work(&world, "T-1", &[("log", "0\nb\n"), ("crlf", &crlf.replace("five", "FIVE"))]).await;
        let meanwhile =
            [("log", "0\nm\n"), ("crlf", &*crlf.replace("one", "ONE")), ("old", &LINES.replace("one", "ONE"))];
        world.push("main", &meanwhile).await;
        world.enqueue_head("T-1", head).await;
        let (tested, landed) = trees_of_next(&world).await;
        assert_eq!(world.past().await, "T-1 merged", "{style:?}");
        assert_eq!(landed, tested, "{style:?}");
        let files = world.git("ls-tree", &["-r", "FETCH_HEAD"]).await;
        assert!(files.contains("160000 commit 5555") && files.contains("100755"), "{style:?}: {files}");
        assert!(files.contains("\tname") && !files.contains("\tName"), "{style:?}: {files}");
        assert_eq!(world.git("show", &["FETCH_HEAD:log"]).await, "0\nm\nb", "{style:?}");
        assert_eq!(world.git("show", &["FETCH_HEAD:new"]).await, LINES.replace("one", "ONE").trim(), "{style:?}");
        let both = crlf.replace("one", "ONE").replace("five", "FIVE");
        assert_eq!(world.git("show", &["FETCH_HEAD:crlf"]).await, both.trim(), "{style:?}");
    }
}

/// [33]
#[tokio::test]
async fn what_cannot_be_merged_leaves_with_its_reason_and_the_others_land() {
    let world = world(Style::Squash, Policy::batch(4)).await;
    world.push("main", &[("old", LINES)]).await;
    let renamed = async |name: &'static str, to: &str| {
        world.git("checkout", &["--quiet", "--detach", &world.head().await.to_string()]).await;
        world.git("mv", &["old", to]).await;
        work(&world, name, &[]).await
    };
    let (left, right) = (renamed("T-1", "left").await, renamed("T-2", "right").await);
    world.git("checkout", &["--quiet", "--orphan", "elsewhere"]).await;
    let unrelated = work(&world, "T-3", &[("other", "1\n")]).await;
    world.pause().await;
    world.enqueue_head("T-1", left).await;
    world.enqueue_head("T-2", right).await;
    world.enqueue_head("T-3", unrelated).await;
    world.enqueue("T-4", &[("z", "1\n")]).await;
    world.resume().await;
    world.drain().await;
    let past = world.past().await;
    assert!(past.starts_with("T-4 merged, T-3 ejected: its commit cannot be used: "), "{past}");
    assert!(past.contains(" have no commit in common, so they cannot be merged, T-2"), "{past}");
    assert!(past.ends_with(", T-2 ejected: conflicts with T-1 in left, old, right, T-1 merged"), "{past}");
}

/// How many lines went in and out of each file.
async fn lines_between(world: &World, from: &str, to: &str) -> String {
    world.git("diff", &["--numstat", from, to]).await
}

/// [34] As many lines go in and out as the branch changed.
#[tokio::test]
async fn an_old_branch_puts_nothing_back_that_landed_meanwhile() {
    for style in STYLES {
        let world = world(style, Policy::serial()).await;
        let start = world.push("main", &[("a", LINES), ("b", LINES), ("gone", LINES)]).await;
        let late = world.push("T-9", &[("a", &LINES.replace("five", "FIVE")), ("new", "new\n")]).await;
        world.enqueue("T-1", &[("a", &LINES.replace("one", "ONE"))]).await;
        world.drain().await;
        world.enqueue("T-2", &[("b", "b\n"), ("c", "c\n")]).await;
        world.drain().await;
        fetch(&world).await;
        world.git("checkout", &["--quiet", "--detach", "FETCH_HEAD"]).await;
        world.git("rm", &["--quiet", "gone"]).await;
        let before = work(&world, "main", &[]).await;
        world.enqueue_head("T-9", late.clone()).await;
        world.drain().await;
        assert_eq!(world.past().await, "T-9 merged, T-2 merged, T-1 merged", "{style:?}");
        fetch(&world).await;
        let landed = lines_between(&world, before.as_str(), "FETCH_HEAD").await;
        assert_eq!(landed, lines_between(&world, start.as_str(), late.as_str()).await, "{style:?}");
        assert_eq!(world.git("show", &["FETCH_HEAD:a"]).await, "ONE\ntwo\nthree\nfour\nFIVE", "{style:?}");
    }
}

/// [32] The second branch stands on the first one's commits, which land once, and its author stays its author.
#[tokio::test]
async fn of_a_stack_only_the_rest_lands_when_its_beginning_has_landed() {
    for (style, policy) in STYLES.into_iter().flat_map(|style| [(style, Policy::serial()), (style, Policy::batch(4))]) {
        let world = world(style, policy).await;
        let first = world.push("T-1", &[("x", "1\n")]).await;
        std::fs::write(world.file("y"), "1\n").unwrap();
        world.git("add", &["--all"]).await;
        world.git("commit", &["--quiet", "--author=Dora <dora@example.org>", "--message", "second"]).await;
        world.push_head("T-2").await;
        let second = world.git("rev-parse", &["HEAD"]).await.parse().unwrap();
        world.pause().await;
        world.enqueue_head("T-1", first).await;
        let stacked = mergeq::queue::Change { depends_on: vec![EntryId::new("T-1")], ..change("T-2", second) };
        world.tell(QueueEvent::Enqueued { change: stacked }).await;
        world.resume().await;
        world.drain().await;
        assert_eq!(world.past().await, "T-2 merged, T-1 merged", "{style:?}");
        fetch(&world).await;
        let last = world
            .git(
                "log",
                &["-1", "--first-parent", "--diff-merges=first-parent", "--name-only", "--format=", "FETCH_HEAD"],
            )
            .await;
        assert_eq!(last, "y", "{style:?}");
        let said = world.git("log", &["--format=%an%n%b", "FETCH_HEAD"]).await;
        assert!(said.contains("Dora"), "{style:?}: {said}");
        let firsts = world.git("log", &["--first-parent", "--format=%H", "FETCH_HEAD", "--", "x"]).await;
        assert_eq!(firsts.lines().count(), 1, "{style:?}");
    }
}

/// [28] Whatever there is nothing of to land is told so, in a run with others too.
#[tokio::test]
async fn where_there_is_nothing_left_to_land_nothing_lands() {
    let world = world(Style::Squash, Policy::batch(4)).await;
    let start = world.head().await;
    world.pause().await;
    world.enqueue("T-1", &[("x", "1\n")]).await;
    world.enqueue("T-2", &[("x", "1\n")]).await;
    world.enqueue_head("T-3", start).await;
    world.enqueue("T-4", &[]).await;
    world.resume().await;
    world.drain().await;
    let already = "ejected: the target already has all that it changes";
    assert_eq!(world.past().await, format!("T-4 {already}, T-3 {already}, T-2 {already}, T-1 merged"));
    assert_eq!(world.log().await.lines().count(), 2, "{}", world.log().await);
}

/// [28] By hand while the run that it is in is tested.
#[tokio::test]
async fn what_was_landed_by_hand_during_the_run_is_not_landed_again() {
    let world = world(Style::Squash, Policy::batch(4)).await;
    world.pause().await;
    world.enqueue("T-1", &[("x", "1\n")]).await;
    world.enqueue("T-2", &[("y", "1\n")]).await;
    world.resume().await;
    world.perform("stage").await;
    world.push("main", &[("x", "1\n")]).await;
    world.drain().await;
    assert_eq!(world.past().await, "T-2 merged, T-1 ejected: the target already has all that it changes");
}
