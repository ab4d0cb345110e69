//! Messages that are changed or taken back.

use expect_test::expect;

use crate::sample::{two_repositories, world};

#[test]
fn a_changed_request_is_planned_anew_and_old_talk_is_nothing() {
    world().check(
        "ana: @agent add a farewell
         -- dan edits 1: @agent add a dependency
         -- ana edits 1: @agent add a farewell, a warm one
         ana: approve
         ana: merge
         -- ana edits 1: @agent add nothing
         ana: nice
         -- ana edits 9: @agent add a welcome",
        expect![[r#"
            ana:  @agent add a farewell  👀  ⏳
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
            --    dan edits 1: @agent add a dependency
            --    ana edits 1: @agent add a farewell, a warm one
                  [@agent add a farewell] @agent add a farewell, a warm one
                  [Plan v1 for T-1] ana corrected the request at 12:00 UTC
                  [T-1] T-1 · add a farewell, a warm one · waiting for its turn to plan
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: A page that says a warm goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #b87d3dab
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            ana:  approve  👀
                  [Plan v2 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v2 approved by ana (#b87d3dab) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [9] Merge   [10] Retry
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
            --    ana edits 1: @agent add nothing
                  [@agent add a farewell, a warm one] @agent add nothing
            ana:  nice
            --    ana edits 9: @agent add a welcome
                  [nice] @agent add a welcome
        "#]],
    );
}

#[test]
fn an_agent_hears_how_the_request_has_changed() {
    let mut world = world();
    world.check(
        "ana: @agent listen and write plan=off
         -- ana edits 1: @agent listen and write two pages plan=off",
        expect![[r#"
            ana:  @agent listen and write plan=off  👀  ⏳
            bot:  T-1 · listen and write
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] working
            --    ana edits 1: @agent listen and write two pages plan=off
                  [@agent listen and write plan=off] @agent listen and write two pages plan=off
                  [T-1] T-1 · listen and write two pages · working · one message waits for the agent
                  [T-1] publishing +1 −0 in heard.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in heard.md · its check words passed
                  [1] Merge   [2] Retry
        "#]],
    );
    expect![[r#"
        corrected the request. It said: “listen and write” It says now: listen and write two pages
    "#]]
    .assert_eq(&world.remote_git(&["show", "downbeat/T-1:heard.md"]));
}

/// [4]
#[test]
fn a_request_that_is_taken_back_pauses_its_task_and_asks() {
    world().check(
        "ana: @agent doze while working plan=off
         -- ana deletes 1
         ana: 1
         ana: 2
         ana: 1
         ana: @agent add a farewell
         -- ana deletes 9",
        expect![[r#"
            ana:  @agent doze while working plan=off  👀
            bot:  T-1 · doze while working
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] working
            --    ana deletes 1
                  [@agent doze while working plan=off]
                  [T-1] pausing, as ana said
            bot:  ana took the request of T-1 back, so it is paused. Shall it go on?
                  [1] Go on   [2] Stop
                  [T-1] paused by ana
            ana:  1  👀
                  [ana took the request of T-1 back, so it is paused. Shall it go on?] ana let it go on at 12:00 UTC
                  [T-1] waiting for its turn to work
                  [T-1] working
            ana:  2  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
            ana:  1
            bot:  T-1 is not paused: it is cancelled. Say `retry T-1` to run it again.
            ana:  @agent add a farewell  👀
            bot:  T-2 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (as before in this thread) · agent scripted · read 3 messages (4 of bots left out) · caged: LEVEL
                  [T-2] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-2: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [3] Approve and run   [4] Edit plan   [5] Comment…   [6] Cancel
            --    ana deletes 9
                  [@agent add a farewell]
            bot:  ana took the request of T-2 back; it is waiting for an approval. Shall it stop?
                  [7] Stop
        "#]],
    );
}

#[test]
fn a_remark_is_taken_back_before_it_is_heard() {
    world().check(
        "ana: @agent doze while working
         ana: approve
         ana: pause T-1
         ana: steer T-1 use tabs
         -- ana deletes 6
         ana: steer T-1 use spaces
         -- ana edits 7: steer T-1 use two spaces
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
            ana:  approve  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#d6825cfc) · waiting for its turn to work
                  [T-1] plan v1 approved by ana (#d6825cfc) · working
            ana:  pause T-1  👀
                  [T-1] pausing, as ana said
                  [T-1] paused by ana
            ana:  steer T-1 use tabs  ⏳
                  [T-1] paused by ana · one message waits for the agent
            --    ana deletes 6
                  [steer T-1 use tabs]
                  [T-1] paused by ana
            ana:  steer T-1 use spaces  ⏳
                  [T-1] paused by ana · one message waits for the agent
            --    ana edits 7: steer T-1 use two spaces
                  [steer T-1 use spaces] steer T-1 use two spaces
            ana:  stop T-1  👀
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn a_request_without_a_repository_is_what_it_says_last() {
    two_repositories().open().check(
        "ana: @agent add a farewell plan=off
         -- dan edits 1: @agent curse plan=off
         -- ana edits 1: @agent add a welcome plan=off
         ana: 2",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀  ⏳
            bot:  Which repository is this about?
                  Press one, or say it again with `repo=NAME`.
                  [1] acme/greeter   [2] sample
            --    dan edits 1: @agent curse plan=off
            --    ana edits 1: @agent add a welcome plan=off
                  [@agent add a farewell plan=off] @agent add a welcome plan=off
            ana:  2
                  [Which repository is this about?] ana said: sample.
            bot:  T-1 · add a welcome
                  waiting for its turn to work
                  asked by ana · sample@main (named) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +1 −0 in welcome.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in welcome.md · its check words passed
                  [3] Merge   [4] Retry
        "#]],
    );
    two_repositories().open().check(
        "ana: @agent add a farewell plan=off
         -- ana edits 1: @agent add a welcome plan=off repo=acme/greeter
         ana: 1",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀  ⏳
            bot:  Which repository is this about?
                  Press one, or say it again with `repo=NAME`.
                  [1] acme/greeter   [2] sample
            --    ana edits 1: @agent add a welcome plan=off repo=acme/greeter
                  [@agent add a farewell plan=off] @agent add a welcome plan=off repo=acme/greeter
                  [Which repository is this about?] ana said: acme/greeter.
            bot:  T-1 · add a welcome
                  waiting for its turn to work
                  asked by ana · acme/greeter@main (named) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +1 −0 in welcome.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in welcome.md · its check words passed
                  [3] Merge   [4] Retry
            ana:  1
            bot:  T-1 has begun with that already.
        "#]],
    );
    two_repositories().open().check(
        "ana: @agent add a farewell
         -- ana deletes 1
         ana: 1",
        expect![[r#"
            ana:  @agent add a farewell  👀
            bot:  Which repository is this about?
                  Press one, or say it again with `repo=NAME`.
                  [1] acme/greeter   [2] sample
            --    ana deletes 1
                  [@agent add a farewell]
                  [Which repository is this about?] ana took the request back.
            ana:  1
            bot:  That request is not open any more. Say it again with `repo=acme/greeter`.
        "#]],
    );
}
