//! Stopping, in every state that a person can meet.

use expect_test::expect;

use tests::processes;

use crate::sample::world;

#[test]
fn a_task_that_waits_for_its_turn_can_be_stopped() {
    let mut world = world();
    world.say("ana", "@agent add a farewell");
    world.say("ana", "stop");
    world.check(
        "",
        expect![[r#"
        ana:  @agent add a farewell
        ana:  stop
    "#]],
    );
    world.drain();
    world.check(
        "ana: stop T-1",
        expect![[r#"
            --    👀 on message 1
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
            --    👀 on message 2
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
            ana:  stop T-1
            bot:  T-1 has ended already: it is cancelled. Say `retry T-1` if it should run again, or ask for something new.
        "#]],
    );
}

#[test]
fn a_session_that_plans_is_stopped() {
    world().check(
        "ana: @agent doze while planning
         ana: stop",
        expect![[r#"
            ana:  @agent doze while planning  👀
            bot:  T-1 · doze while planning
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] planning, with nothing writable
            ana:  stop  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn a_session_that_works_is_stopped_once() {
    let mut world = world();
    world.play(
        "ana: @agent doze while working
         ana: approve",
    );
    world.transcript();
    world.say("dan", "stop T-1");
    world.say("ola", "stop T-1");
    world.say("ana", "stop T-1");
    world.check(
        "ana: status",
        expect![[r#"
            dan:  stop T-1  👀
            ola:  stop T-1
            ana:  stop T-1
            ana:  status
                  [T-1] stopping, as dan said
            bot:  dan has stopped T-1 already; it is ending. Say `status T-1`.
            bot:  dan has stopped T-1 already; it is ending. Say `status T-1`.
            bot:  T-1 · doze while working (by ana) · being stopped
                  [T-1] ended: stopped by dan
            bot:  T-1 ended: stopped by dan. Say `retry T-1` to run it again.
        "#]],
    );
    assert!(processes::working_in(world.home()).is_empty());
}

#[test]
fn whatever_waits_for_a_person_can_be_stopped() {
    let mut world = world();
    world.play(
        "#plan ana: @agent add a farewell
         #change ana: @agent add a dependency plan=off
         #merge ana: @agent add a welcome plan=off",
    );
    world.transcript();
    world.check(
        "#plan ana: stop
         #change ana: stop
         #merge ana: stop
         #merge ana: merge
         #merge ana: stop T-3",
        expect![[r#"
            #plan ana: stop  👀
                  #plan [Plan v1 for T-1] stopped by ana at 12:00 UTC
                  #plan [T-1] ended: stopped by ana
            #plan bot: T-1 ended: stopped by ana. Say `retry T-1` to run it again.
            #change ana: stop  👀
                  #change [T-2 is done, but stopped before publishing] stopped by ana at 12:00 UTC
                  #change [T-2] ended: stopped by ana
            #change bot: T-2 ended: stopped by ana. Say `retry T-2` to run it again.
            #merge ana: stop  👀
                  #merge [T-3 is ready on downbeat/T-3] stopped by ana at 12:00 UTC
                  #merge [T-3] ended: stopped by ana
            #merge bot: T-3 ended: stopped by ana. Say `retry T-3` to run it again.
            #merge ana: merge
            #merge bot: There is nothing to merge in this thread. Say `status` to see its tasks, or name one, as in `merge T-1`.
            #merge ana: stop T-3
            #merge bot: T-3 has ended already: it is cancelled. Say `retry T-3` if it should run again, or ask for something new.
        "#]],
    );
    expect![[r#"
        refs/heads/main
    "#]]
    .assert_eq(&world.remote_git(&["for-each-ref", "--format=%(refname)"]));
}

#[test]
fn a_publication_can_be_stopped() {
    let mut world = world();
    world.say("ana", "@agent add a farewell plan=off");
    world.drain_until("publishing");
    world.remote().break_down();
    world.check(
        "ana: stop",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
            ana:  stop  👀
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
    world.remote().mend();
    world.check(
        "-- 1 minute passes",
        expect![[r#"
        --    1 minute passes
    "#]],
    );
    let objects = world.remote_git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]);
    assert_eq!(objects.lines().filter(|kind| *kind == "commit").count(), 1, "nothing was pushed after the stop");
    expect![[r#"
        refs/heads/main
    "#]]
    .assert_eq(&world.remote_git(&["for-each-ref", "--format=%(refname)"]));
}

#[test]
fn a_change_in_the_queue_can_be_stopped() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell plan=off
         ola: pause
         ana: merge",
    );
    world.transcript();
    world.say("ana", "stop");
    world.say("ana", "dequeue T-1");
    world.check(
        "ana: queue",
        expect![[r#"
            ana:  stop  👀
            ana:  dequeue T-1
            ana:  queue
                  [T-1] leaving the merge queue, as ana said · position 1 of 1 · waiting · paused by ola
            bot:  T-1 is leaving the queue already. Say `status T-1`.
            bot:  sample:main: 1 in line, paused by ola
                  strategy chain: too few verdicts to judge by yet
                  T-1 add a farewell · position 1 of 1 · waiting
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn a_stopped_task_runs_again_when_somebody_says_so() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell
         ana: stop",
    );
    world.transcript();
    world.check(
        "ana: retry",
        expect![[r#"
            ana:  retry  👀
                  [T-1] waiting for its turn to plan
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #9a3e6b67
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
        "#]],
    );
}
