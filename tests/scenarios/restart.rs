//! The process dies and comes back: nothing is lost, nothing happens twice.

use expect_test::expect;

use crate::sample::world;

#[test]
fn every_wait_survives_a_restart() {
    world().check(
        "ana: @agent tidy up
         -- restart
         ana: 1
         -- restart
         ben: 5
         -- restart
         ola: pause
         ben: 8
         -- restart
         ola: resume
         -- restart",
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
            --    restart
            ana:  1  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#2f591f5b) · waiting for its turn to work
                  [T-1] stopped before publishing: its plan was approved as R1, but the change is R2 (`Cargo.toml`: dependencies)
            bot:  T-1 is done, but stopped before publishing: its plan was approved as R1, but the change is R2 (`Cargo.toml`: dependencies).
                  files: Cargo.toml, README.md
                  [5] Accept the change   [6] Revise…   [7] Reject
            --    restart
            ben:  5  👀
                  [T-1 is done, but stopped before publishing] accepted by ben at 12:00 UTC
                  [T-1] publishing +2 −0 in Cargo.toml, README.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in Cargo.toml, README.md · its check words passed
                  [8] Merge   [9] Retry
            --    restart
            ola:  pause
            bot:  The merge queue of sample is paused; say `resume` to go on.
            ben:  8  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ben at 12:00 UTC
                  [T-1] in the merge queue by ben · entering · paused by ola
                  [T-1] in the merge queue by ben · position 1 of 1 · waiting · paused by ola
            --    restart
            ola:  resume
            bot:  The merge queue of sample is going on.
                  [T-1] in the merge queue by ben · position 1 of 1 · testing
                  [T-1] in the merge queue by ben · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
            --    restart
        "#]],
    );
}

/// [38]
#[test]
fn a_restart_after_each_effect_changes_no_word() {
    let whole_road = "ana: @agent add a farewell plan=auto merge=auto";
    let mut calm = world();
    calm.play(whole_road);
    let mut stormy = world();
    stormy.say_line(whole_road);
    stormy.restart();
    while stormy.drain_step() {
        stormy.restart();
    }
    stormy.drain();
    assert_eq!(stormy.transcript(), calm.transcript());
    assert_eq!(stormy.remote().log("main"), calm.remote().log("main"));
}

#[test]
fn a_message_that_was_heard_is_acted_upon_after_a_restart() {
    let mut world = world();
    world.say("ana", "@agent add a farewell plan=off");
    world.check(
        "-- restart",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀
            --    restart
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [1] Merge   [2] Retry
        "#]],
    );
}

#[test]
fn a_session_that_was_cut_off_begins_again() {
    world().check(
        "ana: @agent doze while working plan=off
         -- restart
         ana: stop",
        expect![[r#"
            ana:  @agent doze while working plan=off  👀
            bot:  T-1 · doze while working
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] working
            --    restart
            ana:  stop  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

/// [35]
#[test]
fn a_message_that_is_delivered_twice_acts_once() {
    let mut world = world();
    world.deliver("m-1", "ana", "@agent add a farewell plan=off");
    world.deliver("m-1", "ana", "@agent add a farewell plan=off");
    world.drain();
    world.deliver("m-1", "ana", "@agent add a farewell plan=off");
    world.deliver("m-2", "ana", "merge");
    world.deliver("m-2", "ana", "merge");
    world.check(
        "ana: status",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [1] Merge   [2] Retry
            ana:  merge  👀
            ana:  status
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
            bot:  T-1 · add a farewell (by ana) · in the merge queue
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
}

/// What was said is kept as it was said first: a word that is put in afterwards approves nothing and names nobody else.
#[test]
fn a_message_that_is_edited_later_says_what_it_said_first() {
    let mut world = world();
    world.deliver("m-1", "ana", "@agent add a farewell");
    world.deliver("m-2", "ben", "that looks good");
    world.drain();
    world.deliver("m-2", "ben", "approve T-1");
    world.deliver("m-1", "ana", "@agent add a farewell plan=off");
    world.deliver("m-2", "ana", "approve T-1");
    world.check(
        "ana: status",
        expect![[r#"
            ana:  @agent add a farewell  👀
            ben:  that looks good
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
            ana:  status
            bot:  T-1 · add a farewell (by ana) · waiting for an approval · ana, ben or dora can say `approve T-1`
        "#]],
    );
}
