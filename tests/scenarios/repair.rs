//! What the merge queue sends back, as people see it: it goes on by itself, asks only where it says something new, and ends
//! where it cannot be repaired.

use expect_test::expect;

use tests::world::{Setup, World};

use crate::sample::{TEAM, setup};

/// One run at a time and one file that two change, and the queue waits for a word.
fn two_in_conflict(first: &str, second: &str) -> World {
    let config = format!("{TEAM}\n[queue]\npolicy = \"batch\"");
    let mut world = Setup { config: &config, ..setup() }.open();
    world.play(&format!(
        "ana: @agent {first} plan=off
         dan: @agent {second}
         dan: approve T-2
         ola: pause
         ana: merge T-1
         dan: merge T-2"
    ));
    world.transcript();
    world
}

/// [16]
#[test]
fn lines_that_go_together_cost_nobody_a_word() {
    let mut world = two_in_conflict("add a farewell", "list the pages");
    world.check("ola: resume", expect![[r#"
        ola:  resume
        bot:  The merge queue of sample is going on.
              [T-1] in the merge queue by ana · position 1 of 2 · testing
              [T-2] in the merge queue by dan · position 2 of 2 · testing
              [T-2] in the merge queue by dan · position 2 of 2 · waiting · waits for T-1, because both change README.md
              [T-1] in the merge queue by ana · position 1 of 2 · landing
              [T-1] merged as <commit 1>, already tested
        bot:  T-1 is merged into main as <commit 1>, already tested.
              [T-2] in the merge queue by dan · position 1 of 1 · testing
              [T-2] repairing, because it conflicts with T-1 in README.md · its place is kept until 14:00 UTC · plan v1 approved by dan (#8f5f4c97) · waiting for its turn to work
        bot:  T-2 goes back to scripted, because it conflicts with T-1 in README.md.
              Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
              [T-2] repairing, because it conflicts with T-1 in README.md · its place is kept until 14:00 UTC · publishing +1 −0 in README.md
              [T-2] in the merge queue by dan · its place is kept while it is repaired
              [T-2] in the merge queue by dan · position 1 of 1 · testing
              [T-2] in the merge queue by dan · position 1 of 1 · landing
              [T-2] merged as <commit 2>, already tested
        bot:  T-2 is merged into main as <commit 2>, already tested.
    "#]]);
    expect![[r#"
        A greeter.
        - farewell.md
        - greeting.md
    "#]]
    .assert_eq(&world.remote().git(&["show", "main:README.md"]));
    expect![[r#"
        list the pages (dan)
        add a farewell (ana)
        the sample (ana)
    "#]]
    .assert_eq(&world.remote().log("main"));
}

#[test]
fn other_lines_than_were_approved_wait_for_a_yes_while_the_place_is_kept() {
    let mut world = two_in_conflict("shout the greeting", "whisper the greeting");
    world.check(
        "ola: resume
         ana: queue
         ben: approve T-2",
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
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · plan v1 approved by dan (#720589a3) · waiting for its turn to work
            bot:  T-2 goes back to scripted, because it conflicts with T-1 in greeting.md.
                  Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · stopped before publishing: its repair changes other lines than were approved, in greeting.md
            bot:  T-2 is done, but stopped before publishing: its repair changes other lines than were approved, in greeting.md.
                  files: greeting.md
                  [9] Accept the change   [10] Revise…   [11] Reject
            ana:  queue
            bot:  sample:main: 1 in line
                  T-2 whisper the greeting · its place is kept while it is repaired
            ben:  approve T-2  👀
                  [T-2 is done, but stopped before publishing] accepted by ben at 12:00 UTC
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · publishing +1 −1 in greeting.md
                  [T-2] in the merge queue by dan · its place is kept while it is repaired
                  [T-2] in the merge queue by dan · position 1 of 1 · testing
                  [T-2] in the merge queue by dan · position 1 of 1 · landing
                  [T-2] merged as <commit 2>, already tested
            bot:  T-2 is merged into main as <commit 2>, already tested.
        "#]],
    );
    expect![[r#"
        hello
    "#]]
    .assert_eq(&world.remote().git(&["show", "main:greeting.md"]));
}

/// [44]
#[test]
fn what_is_left_unresolved_comes_back_to_a_person() {
    let mut world = two_in_conflict("shout the greeting", "sign the greeting");
    world.check("ola: resume", expect![[r#"
        ola:  resume
        bot:  The merge queue of sample is going on.
              [T-1] in the merge queue by ana · position 1 of 2 · testing
              [T-2] in the merge queue by dan · position 2 of 2 · testing
              [T-2] in the merge queue by dan · position 2 of 2 · waiting · waits for T-1, because both change greeting.md
              [T-1] in the merge queue by ana · position 1 of 2 · landing
              [T-1] merged as <commit 1>, already tested
        bot:  T-1 is merged into main as <commit 1>, already tested.
              [T-2] in the merge queue by dan · position 1 of 1 · testing
              [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · plan v1 approved by dan (#65da11b2) · waiting for its turn to work
        bot:  T-2 goes back to scripted, because it conflicts with T-1 in greeting.md.
              Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
              [T-2] in the merge queue by dan · its place is kept while it is repaired
              [T-2] back from the merge queue: its repair failed: its agent left the conflict unresolved in greeting.md. It conflicts with T-1 in greeting.md. Say `retry T-2`, or look at the change yourself and say `merge T-2` again
        bot:  T-2 did not land: its repair failed: its agent left the conflict unresolved in greeting.md. It conflicts with T-1 in greeting.md. Say `retry T-2`, or look at the change yourself and say `merge T-2` again.
              [9] Retry   [10] Merge again
    "#]]);
}

/// Its lease ends while it waits for a person; what it has done is kept.
#[test]
fn people_see_a_repair_and_may_take_it_in_hand() {
    let mut world = two_in_conflict("shout the greeting", "soften the greeting");
    world.check(
        "ola: resume
         dan: status T-2
         ana: queue
         dan: merge T-2
         -- 3 hours pass
         dan: answer T-2 hello, softly",
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
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · plan v1 approved by dan (#fe9be653) · waiting for its turn to work
            bot:  T-2 goes back to scripted, because it conflicts with T-1 in greeting.md.
                  Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · needs an answer: Shall it shout or be soft?
            bot:  dan, T-2 asks: Shall it shout or be soft?
                  What it has done is kept; without an answer it is paused after 3 days.
                  [9] Answer…
            dan:  status T-2
            bot:  T-2 · soften the greeting
                  repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · needs an answer: Shall it shout or be soft?
                  asked by dan · sample@main (as before in this thread) · agent scripted · read 1 message (2 of bots left out) · caged: LEVEL
            ana:  queue
            bot:  sample:main: 1 in line
                  T-2 soften the greeting · its place is kept while it is repaired
            dan:  merge T-2
            bot:  T-2 cannot be merged now: it is waiting for an answer. Say `status T-2` to see what it needs first.
            --    3 hours pass
                  [T-2] needs an answer: Shall it shout or be soft?
            dan:  answer T-2 hello, softly  👀
                  [dan, T-2 asks: Shall it shout or be soft?] dan answered: hello, softly
                  [T-2] plan v1 approved by dan (#fe9be653) · waiting for its turn to work
                  [T-2] publishing +1 −1 in greeting.md
                  [T-2] ready on downbeat/T-2
            bot:  T-2 is ready on downbeat/T-2: +1 −1 in greeting.md · its check words passed
                  [10] Merge   [11] Retry
        "#]],
    );
}

#[test]
fn whoever_is_under_repair_can_be_taken_out_and_stopped() {
    let mut world = two_in_conflict("shout the greeting", "soften the greeting");
    world.check(
        "ola: resume
         dan: dequeue T-2
         dan: dequeue T-2
         ana: queue
         dan: stop T-2",
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
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · plan v1 approved by dan (#fe9be653) · waiting for its turn to work
            bot:  T-2 goes back to scripted, because it conflicts with T-1 in greeting.md.
                  Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · needs an answer: Shall it shout or be soft?
            bot:  dan, T-2 asks: Shall it shout or be soft?
                  What it has done is kept; without an answer it is paused after 3 days.
                  [9] Answer…
            dan:  dequeue T-2  👀
                  [T-2] needs an answer: Shall it shout or be soft?
            dan:  dequeue T-2
            bot:  T-2 is not in the merge queue: it is waiting for an answer. Say `status T-2` to see what it needs.
            ana:  queue
            bot:  sample:main: 0 in line
            dan:  stop T-2  👀
                  [dan, T-2 asks: Shall it shout or be soft?] It needs no answer any more.
                  [T-2] stopping, as dan said
                  [T-2] ended: stopped by dan
            bot:  T-2 ended: stopped by dan. Say `retry T-2` to run it again.
        "#]],
    );
}
