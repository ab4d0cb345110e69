//! Plans and who says yes to them.

use std::time::Duration;

use expect_test::expect;

use crate::sample::world;

const DAY: Duration = Duration::from_secs(86_400);

/// [2]
#[test]
fn an_old_button_does_not_approve_a_newer_plan() {
    let mut world = world();
    world.check(
        "ana: @agent add a farewell
         ana: @agent revise T-1
         ana: revise T-1 make it warmer
         ben: 1
         ben: approve T-1 v1
         ben: approve T-1 v2 #00000000
         ben: 5",
        expect![[r#"
            ana:  @agent add a farewell  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ana:  @agent revise T-1
            bot:  A revision of T-1 needs words. Say what should be different: `revise T-1 keep the old name too`.
            ana:  revise T-1 make it warmer  👀
                  [Plan v1 for T-1] ana asked for another version at 12:00 UTC
                  [T-1] waiting for its turn to plan
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: A page that says a warm goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #b87d3dab
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            ben:  1
            bot:  That was version 1 of the plan for T-1, and version 2 has replaced it. Read the newer plan, then say `approve T-1`.
            ben:  approve T-1 v1
            bot:  That was version 1 of the plan for T-1, and version 2 has replaced it. Read the newer plan, then say `approve T-1`.
            ben:  approve T-1 v2 #00000000
            bot:  The plan for T-1 is not the one that this button was made for. Read the newest plan, then say `approve T-1`.
            ben:  5  👀
                  [Plan v2 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v2 approved by ben (#b87d3dab) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [9] Merge   [10] Retry
        "#]],
    );
    expect![[r#"
        Goodbye, dear friend.
    "#]]
    .assert_eq(&world.remote_git(&["show", "downbeat/T-1:farewell.md"]));
}

#[test]
fn a_plan_is_approved_once() {
    world().check(
        "ana: @agent doze while working
         ben: approve
         ana: 1
         ana: approve T-1
         ana: revise T-1 sleep less
         ana: reject T-1
         ana: merge T-1
         ana: retry T-1
         ana: stop T-1",
        expect![[r#"
            ana:  @agent doze while working  👀
            bot:  T-1 · doze while working
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: Nothing, slowly
                  1. lie down
                  risk: R1 · #d6825cfc
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ben:  approve  👀
                  [Plan v1 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v1 approved by ben (#d6825cfc) · waiting for its turn to work
                  [T-1] plan v1 approved by ben (#d6825cfc) · working
            ana:  1
            bot:  The plan for T-1 was already approved by ben at 12:00 UTC. Say `status T-1` to follow it.
            ana:  approve T-1
            bot:  The plan for T-1 was already approved by ben at 12:00 UTC. Say `status T-1` to follow it.
            ana:  revise T-1 sleep less
            bot:  T-1 cannot be revised now: it is being worked on. A plan or a finished change can be revised; say `stop T-1` to end what is running.
            ana:  reject T-1
            bot:  There is nothing of T-1 to reject: it is being worked on. Say `stop T-1` to end it, or `status T-1` to see what it needs.
            ana:  merge T-1
            bot:  T-1 cannot be merged now: it is being worked on. Say `status T-1` to see what it needs first.
            ana:  retry T-1
            bot:  T-1 cannot be tried again now: it is being worked on. A failed or cancelled task, or one that was sent back, can; say `status T-1`.
            ana:  stop T-1  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn a_finished_change_can_be_revised() {
    let mut world = world();
    world.play("ana: @agent add a farewell plan=off");
    world.transcript();
    world.check(
        "ana: @agent revise make it warmer
         ana: approve
         ana: merge",
        expect![[r#"
            ana:  @agent revise make it warmer  👀
                  [T-1 is ready on downbeat/T-1] ana asked for another version at 12:00 UTC
                  [T-1] waiting for its turn to plan
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says a warm goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #d21b031a
                  [3] Approve and run   [4] Edit plan   [5] Comment…   [6] Cancel
            ana:  approve  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#d21b031a) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [7] Merge   [8] Retry
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
    expect![[r#"
        Goodbye, dear friend.
    "#]]
    .assert_eq(&world.remote_git(&["show", "main:farewell.md"]));
}

#[test]
fn a_rejected_plan_never_runs() {
    let mut world = world();
    world.check(
        "ana: @agent add a farewell
         ben: reject T-1 we do not say goodbye
         ben: reject T-1
         ben: approve T-1
         ana: @agent add a welcome
         ben: 8",
        expect![[r#"
            ana:  @agent add a farewell  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ben:  reject T-1 we do not say goodbye  👀
                  [Plan v1 for T-1] rejected by ben at 12:00 UTC
                  [T-1] ended: rejected by ben: we do not say goodbye
            bot:  T-1 ended: rejected by ben: we do not say goodbye. Say `retry T-1` to run it again.
            ben:  reject T-1
            bot:  There is nothing of T-1 to reject: it is cancelled. Say `status T-1` to see how it ended.
            ben:  approve T-1
            bot:  There is no plan of T-1 to approve: it is cancelled. Say `status T-1` to see what it needs.
            ana:  @agent add a welcome  👀
            bot:  T-2 · add a welcome
                  waiting for its turn to plan
                  asked by ana · sample@main (as before in this thread) · agent scripted · read 4 messages (5 of bots left out) · caged: LEVEL
                  [T-2] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-2: A page that welcomes
                  1. write welcome.md
                  files: welcome.md
                  risk: R1 · #806b1908
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            ben:  8  👀
                  [Plan v1 for T-2] rejected by ben at 12:00 UTC
                  [T-2] ended: rejected by ben
            bot:  T-2 ended: rejected by ben. Say `retry T-2` to run it again.
        "#]],
    );
    assert_eq!(world.remote().log("main").lines().count(), 1);
}

#[test]
fn the_policy_approves_what_is_harmless() {
    world().check(
        "ana: @agent add a farewell plan=auto",
        expect![[r#"
            ana:  @agent add a farewell plan=auto  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 approved by the policy (R1) · waiting for its turn to work
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  It is low risk and was asked for with plan=auto, so work begins now.
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [1] Merge   [2] Retry
        "#]],
    );
}

#[test]
fn the_policy_asks_about_what_is_risky() {
    world().check(
        "ana: @agent add a dependency plan=auto",
        expect![[r#"
            ana:  @agent add a dependency plan=auto  👀
            bot:  T-1 · add a dependency
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R2)
            bot:  Plan v1 for T-1: One more dependency
                  1. name it in Cargo.toml
                  files: Cargo.toml
                  risk: R2 (`Cargo.toml`: dependencies) · #8ce690bb
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
        "#]],
    );
}

#[test]
fn a_change_beyond_its_plan_waits_for_a_second_look() {
    let mut world = world();
    world.check(
        "ana: @agent tidy up
         ana: approve
         ana: approve
         ben: approve T-1 #0000000000
         ben: 5
         ben: merge",
        expect![[r#"
            ana:  @agent tidy up  👀
            bot:  T-1 · tidy up
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A tidy README
                  1. sort README.md
                  files: README.md
                  risk: R1 · #2f591f5b
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ana:  approve  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#2f591f5b) · waiting for its turn to work
                  [T-1] stopped before publishing: its plan was approved as R1, but the change is R2 (`Cargo.toml`: dependencies)
            bot:  T-1 is done, but stopped before publishing: its plan was approved as R1, but the change is R2 (`Cargo.toml`: dependencies).
                  files: Cargo.toml, README.md
                  [5] Accept the change   [6] Revise…   [7] Reject
            ana:  approve
            bot:  T-1 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. ben or dora can say `approve T-1`.
            ben:  approve T-1 #<commit 1>
            bot:  The change of T-1 is not the one that this button was made for. Look at the newer one, then say `approve T-1`.
            ben:  5  👀
                  [T-1 is done, but stopped before publishing] accepted by ben at 12:00 UTC
                  [T-1] publishing +2 −0 in Cargo.toml, README.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in Cargo.toml, README.md · its check words passed
                  [8] Merge   [9] Retry
            ben:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ben at 12:00 UTC
                  [T-1] in the merge queue by ben · entering
                  [T-1] in the merge queue by ben · position 1 of 1 · testing
                  [T-1] in the merge queue by ben · position 1 of 1 · landing
                  [T-1] merged as <commit 2>, already tested
            bot:  T-1 is merged into main as <commit 2>, already tested.
        "#]],
    );
}

#[test]
fn a_change_beyond_its_plan_can_be_turned_down() {
    let mut world = world();
    world.check(
        "ana: @agent add a dependency plan=off
         ben: reject T-1 not this one",
        expect![[r#"
            ana:  @agent add a dependency plan=off  👀
            bot:  T-1 · add a dependency
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] stopped before publishing: nobody approved a plan, and the change is R2 (`Cargo.toml`: dependencies)
            bot:  T-1 is done, but stopped before publishing: nobody approved a plan, and the change is R2 (`Cargo.toml`: dependencies).
                  files: Cargo.toml
                  [1] Accept the change   [2] Revise…   [3] Reject
            ben:  reject T-1 not this one  👀
                  [T-1 is done, but stopped before publishing] rejected by ben at 12:00 UTC
                  [T-1] ended: rejected by ben: not this one
            bot:  T-1 ended: rejected by ben: not this one. Say `retry T-1` to run it again.
        "#]],
    );
    expect![[r#"
        refs/heads/main
    "#]]
    .assert_eq(&world.remote_git(&["for-each-ref", "--format=%(refname)"]));
}

#[test]
fn what_nobody_answers_ends_in_time() {
    let mut world = world();
    world.play(
        "#plan ana: @agent add a farewell
         #change ana: @agent add a dependency plan=off
         #merge ana: @agent add a welcome plan=off",
    );
    world.transcript();
    world.check(
        "-- 6 days pass
         #plan ana: revise T-1 make it warmer
         -- 2 days pass
         #plan ana: status T-1
         -- 6 days pass
         #plan ana: 1
         #plan ana: retry T-1
         -- 30 days pass",
        expect![[r#"
            --    6 days pass
            #plan bot: ana, plan v1 for T-1 still waits for an approval; without one T-1 ends in 6 d.
            #change bot: ana, the change of T-2 still waits to be accepted; if nobody does, T-2 ends in 6 d.
            #plan ana: revise T-1 make it warmer  👀
                  #plan [Plan v1 for T-1] ana asked for another version at 12:00 UTC
                  #plan [T-1] waiting for its turn to plan
                  #plan [T-1] plan v2 waits for an approval (R1)
            #plan bot: Plan v2 for T-1: A page that says a warm goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #b87d3dab
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            --    2 days pass
                  #change [T-2 is done, but stopped before publishing] nobody approved it in time at 12:00 UTC
                  #change [T-2] ended: nobody approved it in time
            #change bot: T-2 ended: nobody approved it in time. Say `retry T-2` to run it again.
            #plan bot: ana, plan v2 for T-1 still waits for an approval; without one T-1 ends in 6 d.
            #plan ana: status T-1
            #plan bot: T-1 · add a farewell
                  plan v2 waits for an approval (R1)
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
            --    6 days pass
                  #plan [Plan v2 for T-1] nobody approved it in time at 12:00 UTC
                  #plan [T-1] ended: nobody approved it in time
            #plan bot: T-1 ended: nobody approved it in time. Say `retry T-1` to run it again.
            #plan ana: 1
            #plan bot: There is no plan of T-1 to approve: it is cancelled. Say `status T-1` to see what it needs.
            #plan ana: retry T-1  👀
                  #plan [T-1] waiting for its turn to plan
                  #plan [T-1] plan v3 waits for an approval (R1)
            #plan bot: Plan v3 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #06b502d8
                  [9] Approve and run   [10] Edit plan   [11] Comment…   [12] Cancel
            --    30 days pass
            #plan bot: ana, plan v3 for T-1 still waits for an approval; without one T-1 ends in 6 d.
                  #plan [Plan v3 for T-1] nobody approved it in time at 12:00 UTC
                  #plan [T-1] ended: nobody approved it in time
            #plan bot: T-1 ended: nobody approved it in time. Say `retry T-1` to run it again.
                  #merge [T-3 is ready on downbeat/T-3] nobody merged it in time at 12:00 UTC
                  #merge [T-3] ended: nobody merged it in time
            #merge bot: T-3 ended: nobody merged it in time. Say `retry T-3` to run it again.
        "#]],
    );
    world.advance(DAY);
}

#[test]
fn the_task_is_named_when_several_could_be_meant() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell
         ana: @agent add a welcome",
    );
    world.transcript();
    world.check(
        "ana: approve
         ana: approve T-7
         ana: merge
         ana: dequeue
         ana: retry",
        expect![[r#"
            ana:  approve
            bot:  Several tasks could be meant by approve. Say `approve T-1` or `approve T-2`.
            ana:  approve T-7
            bot:  There is no task T-7. Say `status` to see the tasks of this thread.
            ana:  merge
            bot:  There is nothing to merge in this thread. Say `status` to see its tasks, or name one, as in `merge T-1`.
            ana:  dequeue
            bot:  There is nothing to dequeue in this thread. Say `status` to see its tasks, or name one, as in `dequeue T-1`.
            ana:  retry
            bot:  There is nothing to retry in this thread. Say `status` to see its tasks, or name one, as in `retry T-1`.
        "#]],
    );
}

#[test]
fn a_change_of_more_than_its_plan_names_waits_for_a_person() {
    let mut world = world();
    world.check(
        "ana: @agent write more than planned
         ana: approve
         ana: revise T-1 only the page
         ana: approve
         ana: approve",
        expect![[r#"
            ana:  @agent write more than planned  👀
            bot:  T-1 · write more than planned
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: One page
                  1. write page.md
                  files: page.md
                  risk: R1 · #45004aa7
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ana:  approve  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#45004aa7) · waiting for its turn to work
                  [T-1] stopped before publishing: it changes notes/other.md, which its plan does not name
            bot:  T-1 is done, but stopped before publishing: it changes notes/other.md, which its plan does not name.
                  files: notes/other.md, page.md, tests/page.md
                  [5] Accept the change   [6] Revise…   [7] Reject
            ana:  revise T-1 only the page  👀
                  [T-1 is done, but stopped before publishing] ana asked for another version at 12:00 UTC
                  [T-1] waiting for its turn to plan
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: One page
                  1. write page.md
                  files: page.md
                  risk: R1 · #da7d5df9
                  [8] Approve and run   [9] Edit plan   [10] Comment…   [11] Cancel
            ana:  approve  👀
                  [Plan v2 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v2 approved by ana (#da7d5df9) · waiting for its turn to work
                  [T-1] stopped before publishing: it changes notes/other.md, which its plan does not name
            bot:  T-1 is done, but stopped before publishing: it changes notes/other.md, which its plan does not name.
                  files: notes/other.md, page.md, tests/page.md
                  [12] Accept the change   [13] Revise…   [14] Reject
            ana:  approve  👀
                  [T-1 is done, but stopped before publishing] accepted by ana at 12:00 UTC
                  [T-1] publishing +3 −0 in notes/other.md, page.md, tests/page.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +3 −0 in notes/other.md, page.md, tests/page.md · its check words passed
                  [15] Merge   [16] Retry
        "#]],
    );
}
