//! Programs that the config lets in: they ask, decide nothing, and are not heard for ever.

use expect_test::expect;
use tests::world::{Setup, World};

use crate::sample::{TEAM, setup};

fn world() -> World {
    let config = format!("{TEAM}ci.roles = [\"requester\", \"approver\"]\nci.bot = true\n");
    Setup { config: &config, ..setup() }.open()
}

#[test]
fn a_bot_asks_and_people_decide() {
    world().check(
        "ci: @agent add a farewell plan=off
         ci: @agent add a farewell
         ci: approve T-1
         -- ci puts ✅ on 4
         ana: approve T-1
         ben: approve T-1",
        expect![[r#"
            ci:   @agent add a farewell plan=off
            bot:  What a bot asks for is planned, approved and merged by people. Leave out plan=auto, plan=off and merge=auto.
            ci:   @agent add a farewell  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ci · sample@main (the only one) · agent scripted · read 1 message (1 of bots left out) · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ci:   approve T-1
            bot:  A bot may not approve: that is for a person to decide. ben or dora can say `approve T-1`.
            --    ci puts ✅ on 4
            ana:  approve T-1
            bot:  You may not approve T-1: that takes the role approver. ben or dora can say `approve T-1`.
            ben:  approve T-1  👀
                  [Plan v1 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v1 approved by ben (#cac7d254) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [5] Merge   [6] Retry
        "#]],
    );
}

#[test]
fn a_bot_is_heard_three_times_before_a_person_says_something() {
    world().check(
        "ci: @agent help merge
         ci: the build is red
         ci: @agent help merge
         -- restart
         ci: @agent help merge
         ci: @agent help merge
         -- restart
         ci: @agent help merge
         #side ci: @agent help merge
         ana: it may go on
         ci: @agent help merge",
        expect![[r#"
            ci:   @agent help merge
            bot:  Sends a ready change to the merge queue, which tests exactly what would land and lands it only if it passes. Example: `merge T-1`.
            ci:   the build is red
            ci:   @agent help merge
            bot:  Sends a ready change to the merge queue, which tests exactly what would land and lands it only if it passes. Example: `merge T-1`.
            --    restart
            ci:   @agent help merge
            bot:  Sends a ready change to the merge queue, which tests exactly what would land and lands it only if it passes. Example: `merge T-1`.
            ci:   @agent help merge
            bot:  Bots have called me 3 times here with nobody in between, so I do not listen to ci until a person says something in this thread.
            --    restart
            ci:   @agent help merge
            #side ci: @agent help merge
            #side bot: Sends a ready change to the merge queue, which tests exactly what would land and lands it only if it passes. Example: `merge T-1`.
            ana:  it may go on
            ci:   @agent help merge
            bot:  Sends a ready change to the merge queue, which tests exactly what would land and lands it only if it passes. Example: `merge T-1`.
        "#]],
    );
}
