//! A change is tried before anybody says merge.

use expect_test::expect;

use crate::sample::world;

#[test]
fn what_would_land_is_told_and_has_not_landed() {
    let mut world = world();
    world.play(
        "ana: @agent shout the greeting plan=off
         ana: @agent whisper the greeting plan=off",
    );
    world.transcript();
    world.check("eva: try T-1
        ana: try T-1", expect![[r#"
            eva:  try T-1
            bot:  You may not try T-1: that takes the role approver. ana, ben or dora can say `try T-1`.
            ana:  try T-1  👀
                  [T-1] ready on downbeat/T-1 · being tried, as ana said
                  [T-1] ready on downbeat/T-1 · tried: it has passed its checks before on main as it is now (<commit 1>), and they were not run again
            bot:  T-1 would land: it has passed its checks before on main as it is now (<commit 1>), and they were not run again.
                  Nothing has landed; say `merge T-1` to land it.
        "#]]);
    assert_eq!(world.remote().log("main"), "the sample (ana)\n");
    world.check(
        "ana: merge T-1
         ana: try T-1
         dan: try T-2
         ana: try T-2
         ana: merge T-2",
        expect![[r#"
            ana:  merge T-1  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 2>, already tested
            bot:  T-1 is merged into main as <commit 2>, already tested.
            ana:  try T-1
            bot:  T-1 cannot be tried now: it is merged. A change that is ready to merge can be tried; say `status T-1` to see what it needs first.
            dan:  try T-2
            bot:  You may not try T-2: that takes the role approver. ana, ben or dora can say `try T-2`.
            ana:  try T-2  👀
                  [T-2] ready on downbeat/T-2 · being tried, as ana said
                  [T-2] ready on downbeat/T-2 · tried: conflicts with the target in greeting.md, on main as it is now (<commit 2>)
            bot:  T-2 would not land: conflicts with the target in greeting.md, on main as it is now (<commit 2>).
                  Say `retry T-2`, so that it starts from the target as it is now.
            ana:  merge T-2  👀
                  [T-2 is ready on downbeat/T-2] sent to the merge queue by ana at 12:00 UTC
                  [T-2] in the merge queue by ana · entering
                  [T-2] in the merge queue by ana · position 1 of 1 · testing
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · waiting for its turn to work
            bot:  T-2 goes back to scripted, because it conflicts with T-1 in greeting.md.
                  Its place in the merge queue is kept until 14:00 UTC; nothing is to be done.
                  [T-2] repairing, because it conflicts with T-1 in greeting.md · its place is kept until 14:00 UTC · publishing +1 −1 in greeting.md
                  [T-2] in the merge queue by ana · its place is kept while it is repaired
                  [T-2] in the merge queue by ana · position 1 of 1 · testing
                  [T-2] in the merge queue by ana · position 1 of 1 · landing
                  [T-2] merged as <commit 3>, already tested
            bot:  T-2 is merged into main as <commit 3>, already tested.
        "#]],
    );
}

#[test]
fn whoever_would_be_red_reads_why_and_is_sent_nowhere() {
    let mut world = world();
    world.play("ana: @agent add a farewell plan=off");
    world.remote().commit("zoe", "nobody leaves", &[("forbidden.txt", "damn\ngoodbye\n")]);
    world.transcript();
    world.check("ana: try", expect![[r#"
        ana:  try  👀
              [T-1] ready on downbeat/T-1 · being tried, as ana said
              [T-1] ready on downbeat/T-1 · tried: words exited with 1, on main as it is now (<commit 1>): a forbidden word
        bot:  T-1 would not land: words exited with 1, on main as it is now (<commit 1>): a forbidden word.
              Say `retry T-1`, or repair the branch and say `merge T-1` again.
    "#]]);
    world.check(
        "ana: status T-1",
        expect![[r#"
        ana:  status T-1
        bot:  T-1 · add a farewell
              ready on downbeat/T-1 · tried: words exited with 1, on main as it is now (<commit 1>): a forbidden word
              asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
    "#]],
    );
    world.play("ana: log T-1");
    let said = world.transcript();
    assert!(said.contains("what would land is tested") && said.contains("check words did not pass"), "{said}");
}

#[test]
fn what_is_in_the_way_of_a_change_that_waits_is_on_its_card() {
    let mut world = world();
    world.play(
        "ana: @agent shout the greeting plan=off
         ana: @agent whisper the greeting plan=off
         ana: @agent add a welcome plan=off",
    );
    world.transcript();
    world.check(
        "-- look out
         -- look out
         ana: merge T-1
         -- look out
         ana: status T-2
         ana: stop T-2
         -- look out",
        expect![[r#"
            --    look out
                  [T-1] ready on downbeat/T-1 · conflicts with T-2 in greeting.md
                  [T-2] ready on downbeat/T-2 · conflicts with T-1 in greeting.md
            --    look out
            ana:  merge T-1  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
            --    look out
                  [T-2] ready on downbeat/T-2 · conflicts with main in greeting.md
            ana:  status T-2
            bot:  T-2 · whisper the greeting
                  ready on downbeat/T-2 · conflicts with main in greeting.md
                  asked by ana · sample@main (as before in this thread) · agent scripted · read 1 message (2 of bots left out) · caged: LEVEL
            ana:  stop T-2  👀
                  [T-2 is ready on downbeat/T-2] stopped by ana at 12:00 UTC
                  [T-2] ended: stopped by ana
            bot:  T-2 ended: stopped by ana. Say `retry T-2` to run it again.
            --    look out
        "#]],
    );
    world.remote().commit("zoe", "welcome by hand", &[("welcome.md", "Welcome!\n")]);
    world.check("-- look\n-- look out\nana: merge T-3\n-- look out", expect![[r#"
        --    look
        --    look out
              [T-3] ready on downbeat/T-3 · main has all of it already
        ana:  merge T-3  👀
              [T-3 is ready on downbeat/T-3] sent to the merge queue by ana at 12:00 UTC
              [T-3] in the merge queue by ana · entering
              [T-3] in the merge queue by ana · position 1 of 1 · testing
              [T-3] back from the merge queue: the target already has all that it changes. Nothing is left to do; say `stop T-3` to end it · main has all of it already
        bot:  T-3 did not land: the target already has all that it changes. Nothing is left to do; say `stop T-3` to end it.
              [7] Retry   [8] Merge again
        --    look out
    "#]]);
}
