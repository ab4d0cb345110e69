//! What goes wrong around a queue of real git: people who push, remotes that refuse, answers that get lost. Numbers in
//! brackets are of `tests/tidy/scenarios.rs`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use forge::Landing;
use forge::checks::CHECKS_FILE;
use mergeq::queue::state::Phase;
use mergeq::queue::{Pause, Policy};

use crate::world::World;

/// [2, 43] The approval is of the commit; what becomes of its branch does not matter.
#[tokio::test]
async fn what_was_approved_lands_though_its_branch_is_replaced_or_deleted() {
    let world = World::new(Policy::batch(4)).await;
    let approved = world.mirrored("T-1", &[("x", "approved\n")]).await;
    let deleted = world.mirrored("T-2", &[("y", "approved\n")]).await;
    world.push("other", &[("x", "smuggled in\n"), ("bad", "1\n")]).await;
    world.git("push", &["--quiet", "--force", &world.remote(), "HEAD:refs/heads/T-1", ":refs/heads/T-2"]).await;
    world.pause().await;
    world.enqueue_head("T-1", approved).await;
    world.enqueue_head("T-2", deleted).await;
    world.resume().await;
    world.drain().await;
    assert_eq!(world.past().await, "T-2 merged, T-1 merged");
    world.log().await;
    assert_eq!(world.git("show", &["FETCH_HEAD:x"]).await, "approved");
    assert_eq!(world.git("show", &["FETCH_HEAD:y"]).await, "approved");
}

/// [23]
#[tokio::test]
async fn of_two_that_are_good_alone_and_bad_together_the_earlier_lands() {
    for policy in [Policy::serial(), Policy::batch(4)] {
        let world = World::new(policy).await;
        world.push("main", &[("api", "1\n")]).await;
        world.git("rm", &["--quiet", "api"]).await;
        let removed = world.commit("remove the interface", &[]).await;
        world.push_head("T-1").await;
        let used = world.push("T-2", &[("needs", "api")]).await;
        world.pause().await;
        world.enqueue_head("T-1", removed).await;
        world.enqueue_head("T-2", used).await;
        world.enqueue("T-3", &[("z", "1\n")]).await;
        world.resume().await;
        world.drain().await;
        assert_eq!(world.past().await, "T-3 merged, T-2 ejected: unit exited with 1: tests::bad, T-1 merged");
    }
}

fn refuse_what_has(world: &World, path: &str) {
    let hook = format!(
        "#!/bin/sh\nwhile read old new ref; do\n  if git cat-file -e \"$new:{path}\" 2>/dev/null; then\n    \
         echo 'a file is too large' >&2; exit 1\n  fi\ndone\n"
    );
    let at = Path::new(&world.remote()).join("hooks/pre-receive");
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    std::fs::write(&at, hook).unwrap();
    std::fs::set_permissions(&at, PermissionsExt::from_mode(0o755)).unwrap();
}

/// [30] Refused for good: whoever it is leaves with what the remote said, and the others of its run land.
#[tokio::test]
async fn whom_the_remote_refuses_leaves_with_its_words_and_the_others_land() {
    let world = World::new(Policy::batch(4)).await;
    world.pause().await;
    world.enqueue("T-1", &[("x", "1\n")]).await;
    world.enqueue("T-2", &[("large", "1\n")]).await;
    world.enqueue("T-3", &[("z", "1\n")]).await;
    refuse_what_has(&world, "large");
    world.resume().await;
    world.drain().await;
    let refused = "the forge refused it: [remote rejected] (pre-receive hook declined): a file is too large";
    assert_eq!(world.past().await, format!("T-3 merged, T-2 ejected: {refused}, T-1 merged"));
}

/// [30] Failed for now: it is tried again after a while, and nobody is bothered.
#[tokio::test]
async fn a_target_that_is_held_for_a_moment_is_waited_for() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1\n")]).await;
    world.perform("stage").await;
    world.perform("checks").await;
    let lock = Path::new(&world.remote()).join("refs/heads/main.lock");
    std::fs::write(&lock, "somebody's").unwrap();
    world.drain().await;
    let queue = world.queue().await;
    assert!(matches!(queue.runs[0].phase, Phase::Landing { .. }) && queue.pause.is_none(), "{queue:?}");
    std::fs::remove_file(lock).unwrap();
    world.advance(Duration::from_secs(3_600));
    world.drain().await;
    assert_eq!(world.past().await, "T-1 merged");
    assert_eq!(world.log().await.matches("change T-1").count(), 1);
}

/// [31] Nobody guesses: the queue stops, and asks again when a person says so.
#[tokio::test]
async fn a_remote_that_is_gone_stops_the_queue_until_somebody_resumes() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1\n")]).await;
    world.enqueue("T-2", &[("y", "1\n")]).await;
    world.perform("stage").await;
    world.perform("checks").await;
    let away = format!("{}.away", world.remote());
    std::fs::rename(world.remote(), &away).unwrap();
    world.drain().await;
    let queue = world.queue().await;
    assert!(matches!(queue.pause, Some(Pause::Stalled { .. })), "{queue:?}");
    assert!(matches!(queue.runs[0].phase, Phase::Doubtful { .. }), "{queue:?}");
    std::fs::rename(away, world.remote()).unwrap();
    world.drain().await;
    assert_eq!(world.past().await, "");
    world.resume().await;
    world.drain().await;
    assert_eq!(world.past().await, "T-2 merged, T-1 merged");
}

/// [31] The remote took it, and then the process died: whoever asks again is told that it landed, also when somebody pushed
/// on top of it.
#[tokio::test]
async fn a_landing_whose_answer_was_lost_is_found_on_the_remote() {
    for has_successor in [false, true] {
        let world = World::new(Policy::serial()).await;
        world.enqueue("T-1", &[("x", "1\n")]).await;
        world.perform("stage").await;
        world.perform("checks").await;
        let candidate = world.queue().await.runs[0].candidate().unwrap().clone();
        let landed = world.repository().forge.land(&candidate.base, candidate.commit(), &[]).await;
        assert_eq!(landed, Ok(Landing::Landed));
        if has_successor {
            world.push("main", &[("y", "1\n")]).await;
        }
        world.drain().await;
        assert_eq!(world.past().await, "T-1 merged", "{has_successor}");
        assert_eq!(world.log().await.matches("change T-1").count(), 1, "{has_successor}");
        world.enqueue("T-2", &[("z", "1\n")]).await;
        world.drain().await;
        assert_eq!(world.past().await, "T-2 merged, T-1 merged", "{has_successor}");
    }
}

/// [40] Somebody takes the checks away while they run: nothing lands that would be held to none.
#[tokio::test]
async fn checks_that_vanish_from_the_target_let_nobody_in() {
    let world = World::new(Policy::serial()).await;
    world.enqueue("T-1", &[("x", "1\n")]).await;
    world.perform("stage").await;
    world.git("fetch", &["--quiet", &world.remote(), "main"]).await;
    world.git("checkout", &["--quiet", "--detach", "FETCH_HEAD"]).await;
    world.git("rm", &["--quiet", CHECKS_FILE]).await;
    world.commit("no checks", &[]).await;
    world.push_head("main").await;
    world.drain().await;
    assert_eq!(world.past().await, "T-1 ejected: the repository does not say how to check it");
}

/// [35] A look at the target that is told twice, or late, is one look.
#[tokio::test]
async fn looks_that_find_the_same_change_nothing() {
    let world = World::new(Policy::serial()).await;
    let (reconciler, repository) = (world.reconciler(), world.repository());
    world.enqueue("T-1", &[("x", "1\n")]).await;
    world.perform("stage").await;
    let pushed = world.push("main", &[("y", "2\n")]).await;
    let looks = tokio::join!(reconciler.reconcile(&repository), reconciler.reconcile(&repository));
    assert!(looks.0.is_ok() && looks.1.is_ok(), "{looks:?}");
    let queue = world.queue().await;
    assert_eq!((queue.head, queue.runs.len()), (Some(pushed), 1));
    world.perform("stage").await;
    assert!(!reconciler.reconcile(&repository).await.unwrap());
    world.drain().await;
    assert_eq!(world.past().await, "T-1 merged");
}

/// Whoever searches the culprit asks first for what failed when all were together.
#[tokio::test]
async fn what_failed_in_a_red_run_is_told_to_the_next() {
    let world = World::new(Policy::batch(2)).await;
    world.pause().await;
    for (task, file) in [("T-1", "a"), ("T-2", "bad")] {
        let head = world.mirrored(task, &[(file, "1")]).await;
        world.enqueue_head(task, head).await;
    }
    world.resume().await;
    world.drain().await;
    let asked = std::mem::take(&mut *world.runner.failed_before.lock().unwrap());
    assert_eq!(asked, ["", "unit: tests::bad", "unit: tests::bad"]);
}
