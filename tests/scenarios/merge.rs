//! The merge queue as people see it.

use expect_test::expect;

use tests::world::{Setup, World};

use crate::sample::{TEAM, setup, world};

/// The team with a queue that makes one run at a time, whose story is the same each time it is told.
fn one_run_at_a_time() -> World {
    let config = format!("{TEAM}\n[queue]\npolicy = \"batch\"");
    Setup { config: &config, ..setup() }.open()
}

/// [6]
#[test]
fn somebody_holds_a_change_and_lets_it_go_on() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell plan=off
         ola: pause
         ana: merge T-1",
    );
    world.transcript();
    world.check(
        "ana: hold T-1 because the docs are missing
         ola: hold T-1
         ola: hold T-1 because the docs are missing
         ola: resume
         ana: queue
         ola: hold T-1 because I say so
         ola: release T-1
         ola: release T-1",
        expect![[r#"
            ana:  hold T-1 because the docs are missing
            bot:  You may not operate the queue: that takes the role operator. dora or ola can.
            ola:  hold T-1
            bot:  A hold needs a reason. Say `hold T-1 because` and why.
            ola:  hold T-1 because the docs are missing
            bot:  T-1 keeps its place and waits for `release T-1` in the merge queue of sample.
                  [T-1] in the merge queue by ana · position 1 of 1 · waiting · held by ola: the docs are missing; `release T-1` lets it go on · paused by ola
            ola:  resume
            bot:  The merge queue of sample is going on.
            ana:  queue
            bot:  sample:main: 1 in line
                  strategy chain: too few verdicts to judge by yet
                  T-1 add a farewell · position 1 of 1 · waiting · is held by ola: the docs are missing
            ola:  hold T-1 because I say so
            bot:  T-1 is already held by ola: the docs are missing. Say `release T-1` to let it go on.
            ola:  release T-1
            bot:  T-1 goes on in the merge queue of sample.
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
            ola:  release T-1
            bot:  T-1 is not in the queue of sample:main. Say `queue` to see who is.
        "#]],
    );
}

/// [27]
#[test]
fn people_move_a_change_in_and_out_of_the_queue() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell
         ola: pause",
    );
    world.transcript();
    world.check(
        "ana: merge T-1
         ana: approve
         ana: dequeue T-1
         ana: merge
         ana: merge T-1
         ana: 5
         ana: queue
         ana: dequeue
         ana: queue
         ana: merge",
        expect![[r#"
            ana:  merge T-1
            bot:  T-1 cannot be merged now: it is waiting for an approval. Say `status T-1` to see what it needs first.
            ana:  approve  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#cac7d254) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [5] Merge   [6] Retry
            ana:  dequeue T-1
            bot:  T-1 is not in the merge queue: it is ready, waiting for the word to merge. Say `status T-1` to see what it needs.
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering · paused by ola
                  [T-1] in the merge queue by ana · position 1 of 1 · waiting · paused by ola
            ana:  merge T-1
            bot:  T-1 is in the merge queue already; ana sent it. Say `queue` to see where it stands.
            ana:  5
            bot:  T-1 is in the merge queue already; ana sent it. Say `queue` to see where it stands.
            ana:  queue
            bot:  sample:main: 1 in line, paused by ola
                  strategy chain: too few verdicts to judge by yet
                  T-1 add a farewell · position 1 of 1 · waiting
            ana:  dequeue  👀
                  [T-1] leaving the merge queue, as ana said · position 1 of 1 · waiting · paused by ola
                  [T-1] back from the merge queue: taken out of the queue by ana
            bot:  T-1 did not land: taken out of the queue by ana.
                  [7] Retry   [8] Merge again
            ana:  queue
            bot:  sample:main: 0 in line, paused by ola
            ana:  merge  👀
                  [T-1 did not land] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering · paused by ola
                  [T-1] in the merge queue by ana · position 1 of 1 · waiting · paused by ola
        "#]],
    );
    world.check(
        "ola: pause
         ana: why T-1
         ola: resume
         ola: resume
         ana: merge T-1
         ana: dequeue T-1
         ana: queue",
        expect![[r#"
            ola:  pause
            bot:  The queue of sample:main is already paused by ola. Say `resume` to let it go on.
            ana:  why T-1
            bot:  T-1: in the merge queue by ana · position 1 of 1 · waiting · paused by ola.
            ola:  resume
            bot:  The merge queue of sample is going on.
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
            ola:  resume
            bot:  The queue of sample:main is not paused. Say `queue` to see what it is doing.
            ana:  merge T-1
            bot:  T-1 is merged already, as <commit 1>. Ask for something new if more is to be done.
            ana:  dequeue T-1
            bot:  T-1 is not in the merge queue: it is merged. Say `status T-1` to see what it needs.
            ana:  queue
            bot:  sample:main: 0 in line
        "#]],
    );
}

/// [25]
#[test]
fn a_conflict_names_the_other_task() {
    let mut world = one_run_at_a_time();
    world.play(
        "ana: @agent shout the greeting plan=off
         dan: @agent whisper the greeting plan=off
         ola: pause
         ana: merge T-1
         dan: merge T-2",
    );
    world.transcript();
    world.check(
        "ola: resume",
        expect![[r#"
            ola:  resume
            bot:  The merge queue of sample is going on.
                  [T-1] in the merge queue by ana · position 1 of 2 · testing
                  [T-2] in the merge queue by dan · position 2 of 2 · testing
                  [T-2] in the merge queue by dan · position 2 of 2 · waiting · waits for T-1, because both change greeting.md
                  [T-1] in the merge queue by ana · position 1 of 2 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
                  [T-2] in the merge queue by dan · position 1 of 1 · testing
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · waiting for its turn to work
            bot:  T-2 goes back to scripted, because it conflicts with T-1 in greeting.md.
                  Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · publishing +1 −1 in greeting.md
                  [T-2] in the merge queue by dan · its place is kept while it is repaired
                  [T-2] in the merge queue by dan · position 1 of 1 · testing
                  [T-2] in the merge queue by dan · position 1 of 1 · landing
                  [T-2] merged as <commit 2>, already tested
            bot:  T-2 is merged into main as <commit 2>, already tested.
        "#]],
    );
    expect![[r#"
        whisper the greeting (dan)
        shout the greeting (ana)
        the sample (ana)
    "#]]
    .assert_eq(&world.remote().log("main"));
}

/// [22]
#[test]
fn a_red_batch_is_split_until_the_culprit_stands_alone() {
    let mut world = one_run_at_a_time();
    world.play(
        "ana: @agent add a welcome plan=off
         ana: @agent add a farewell plan=off
         ana: @agent add a thank-you plan=off
         ola: pause
         ana: merge T-1
         ana: merge T-2
         ana: merge T-3",
    );
    world.remote().commit("zoe", "nobody leaves", &[("forbidden.txt", "damn\ngoodbye\n")]);
    world.transcript();
    world.check("ola: resume", expect![[r#"
        ola:  resume
        bot:  The merge queue of sample is going on.
              [T-1] in the merge queue by ana · position 1 of 3 · testing
              [T-2] in the merge queue by ana · position 2 of 3 · testing
              [T-3] in the merge queue by ana · position 3 of 3 · testing
              [T-3] in the merge queue by ana · position 3 of 3 · waiting
              [T-2] in the merge queue by ana · position 2 of 3 · waiting
              [T-1] in the merge queue by ana · position 1 of 3 · landing
              [T-1] merged as <commit 1>
        bot:  T-1 is merged into main as <commit 1>.
              [T-2] in the merge queue by ana · position 1 of 2 · testing
              [T-3] in the merge queue by ana · position 2 of 2 · waiting
              [T-2] repairing, because it does not pass its checks: words exited with 1 when it was tested alone on the target: a forbidden word · its place is kept until 14:00 UTC · waiting for its turn to work
        bot:  T-2 goes back to scripted, because it does not pass its checks: words exited with 1 when it was tested alone on the target: a forbidden word.
              Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
              [T-3] in the merge queue by ana · position 1 of 2 · testing
              [T-3] in the merge queue by ana · position 1 of 2 · landing
              [T-3] merged as <commit 2>
        bot:  T-3 is merged into main as <commit 2>.
              [T-2] in the merge queue by ana · its place is kept while it is repaired
              [T-2] back from the merge queue: its repair does not pass words. It does not pass its checks: words exited with 1 when it was tested alone on the target: a forbidden word. Say `retry T-2`, or look at the change yourself and say `merge T-2` again
        bot:  T-2 did not land: its repair does not pass words. It does not pass its checks: words exited with 1 when it was tested alone on the target: a forbidden word. Say `retry T-2`, or look at the change yourself and say `merge T-2` again.
              [7] Retry   [8] Merge again
    "#]]);
    expect![[r#"
        add a thank-you (ana)
        add a welcome (ana)
        nobody leaves (zoe)
        the sample (ana)
    "#]]
    .assert_eq(&world.remote().log("main"));
}

/// [29, 35]
#[test]
fn a_push_by_somebody_else_costs_nobody_their_place() {
    let mut world = one_run_at_a_time();
    world.play(
        "ana: @agent add a welcome plan=off
         ana: @agent add a farewell plan=off
         ola: pause
         ana: merge T-2
         ana: merge T-1",
    );
    world.transcript();
    world.remote().commit("zoe", "a page by hand", &[("hand.md", "By hand.\n")]);
    world.check(
        "-- look
         ana: queue
         ola: resume",
        expect![[r#"
            --    look
            ana:  queue
            bot:  sample:main: 2 in line, paused by ola
                  T-2 add a farewell · position 1 of 2 · waiting
                  T-1 add a welcome · position 2 of 2 · waiting
            ola:  resume
            bot:  The merge queue of sample is going on.
                  [T-2] in the merge queue by ana · position 1 of 2 · testing
                  [T-1] in the merge queue by ana · position 2 of 2 · testing
                  [T-2] in the merge queue by ana · position 1 of 2 · landing
                  [T-1] in the merge queue by ana · position 2 of 2 · landing
                  [T-2] merged as <commit 1>
            bot:  T-2 is merged into main as <commit 1>.
                  [T-1] merged as <commit 2>
            bot:  T-1 is merged into main as <commit 2>.
        "#]],
    );
    expect![[r#"
        add a welcome (ana)
        add a farewell (ana)
        a page by hand (zoe)
        the sample (ana)
    "#]]
    .assert_eq(&world.remote().log("main"));
}

/// [28]
#[test]
fn a_change_that_is_there_already_does_not_land_twice() {
    let mut world = world();
    world.play("ana: @agent add a welcome plan=off");
    world.transcript();
    world.remote().commit("zoe", "welcome by hand", &[("welcome.md", "Welcome!\n")]);
    world.check("ana: merge", expect![[r#"
        ana:  merge  👀
              [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
              [T-1] in the merge queue by ana · entering
              [T-1] in the merge queue by ana · position 1 of 1 · testing
              [T-1] back from the merge queue: the target already has all that it changes. Nothing is left to do; say `stop T-1` to end it
        bot:  T-1 did not land: the target already has all that it changes. Nothing is left to do; say `stop T-1` to end it.
              [3] Retry   [4] Merge again
    "#]]);
}

#[test]
fn what_passes_while_the_target_is_closed_lands_at_the_opening() {
    let config =
        format!("{TEAM}\n[queue]\nclosed = [\"Fri 14:00 - Mon 08:00 Europe/Berlin\", \"daily 12:00 - 12:30 UTC\"]");
    let mut world = Setup { config: &config, ..setup() }.open();
    world.play("ana: @agent add a farewell plan=off");
    world.transcript();
    world.check(
        "-- 40 minutes pass
         ana: queue
         -- 1 hours pass
         ana: merge T-1
         ana: queue
         -- 2 days pass
         ana: status T-1
         -- 17 hours pass
         ana: queue
         -- 20 minutes pass
         ana: queue",
        expect![[r#"
            --    40 minutes pass
            ana:  queue
            bot:  The merge queue is empty. Say `merge T-1` when a task is ready.
            --    1 hours pass
            ana:  merge T-1  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 13:40 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · passed · lands when the target opens, Mon 08:00 Europe/Berlin
            ana:  queue
            bot:  sample:main: 1 in line, closed until Mon 08:00 Europe/Berlin
                  strategy chain: too few verdicts to judge by yet, few changes come
                  T-1 add a farewell · position 1 of 1 · passed · waits until it opens Mon 08:00 Europe/Berlin
            --    2 days pass
            ana:  status T-1
            bot:  T-1 · add a farewell
                  in the merge queue by ana · position 1 of 1 · passed · lands when the target opens, Mon 08:00 Europe/Berlin
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
            --    17 hours pass
            ana:  queue
            bot:  sample:main: 1 in line, closed until Mon 08:00 Europe/Berlin
                  strategy chain: too few verdicts to judge by yet, few changes come
                  T-1 add a farewell · position 1 of 1 · passed · waits until it opens Mon 08:00 Europe/Berlin
            --    20 minutes pass
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
                  took 2 d
            ana:  queue
            bot:  sample:main: 0 in line, closes Mon 12:00 UTC
        "#]],
    );
}
