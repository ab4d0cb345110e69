//! Emoji on messages: what they say, on what, and to whom they are no use.

use expect_test::expect;

use crate::sample::{TEAM, setup, world};

#[test]
fn an_emoji_approves_only_where_the_policy_lets_it() {
    world().check(
        "ana: @agent add a farewell
         -- ben puts white_check_mark on 3
         -- ben puts 🎉 on 3
         -- ben puts ✅ on 2
         -- mallory puts 🛑 on 2
         ben: approve
         -- ben puts ✅ on 3",
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
            --    ben puts white_check_mark on 3
            bot:  An emoji approves nothing here. Press Approve and run, or say `approve T-1 v1`.
            --    ben puts 🎉 on 3
            --    ben puts ✅ on 2
            --    mallory puts 🛑 on 2
            bot:  I do not know you. Ask dora to add you to the config.
            ben:  approve  👀
                  [Plan v1 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v1 approved by ben (#cac7d254) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [5] Merge   [6] Retry
            --    ben puts ✅ on 3
        "#]],
    );
}

#[test]
fn an_emoji_approves_the_newest_plan_of_low_risk() {
    let config = format!("{TEAM}\n[policy]\nreaction_approve = true\n");
    let mut world = tests::world::Setup { config: &config, ..setup() }.open();
    world.check(
        "ana: @agent add a farewell
         ana: revise T-1 make it warmer
         -- ben puts :+1: on 3
         -- eva puts 👍 on 5
         -- ben puts 👍 on 5
         -- ana puts 👍 on 5
         ana: @agent add a dependency
         -- ben puts ✅ on 12",
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
            --    ben puts :+1: on 3
            bot:  That was version 1 of the plan for T-1, and version 2 has replaced it. Read the newer plan, then say `approve T-1`.
            --    eva puts 👍 on 5
            bot:  You may not approve T-1: that takes the role approver. ana, ben or dora can say `approve T-1`.
            --    ben puts 👍 on 5
                  [Plan v2 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v2 approved by ben (#b87d3dab) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [9] Merge   [10] Retry
            --    ana puts 👍 on 5
            bot:  The plan for T-1 was already approved by ben at 12:00 UTC. Say `status T-1` to follow it.
            ana:  @agent add a dependency  👀
            bot:  T-2 · add a dependency
                  waiting for its turn to plan
                  asked by ana · sample@main (as before in this thread) · agent scripted · read 2 messages (7 of bots left out) · caged: LEVEL
                  [T-2] plan v1 waits for an approval (R2)
            bot:  Plan v1 for T-2: One more dependency
                  1. name it in Cargo.toml
                  files: Cargo.toml
                  risk: R2 (`Cargo.toml`: dependencies) · #8ce690bb
                  [11] Approve and run   [12] Edit plan   [13] Comment…   [14] Cancel
            --    ben puts ✅ on 12
            bot:  T-2 is R2 (`Cargo.toml`: dependencies), and an emoji is not enough to approve that. Press Approve and run, or say `approve T-2 v1`.
        "#]],
    );
}

#[test]
fn an_emoji_stops_retries_and_mutes() {
    world().check(
        "ana: @agent doze while working plan=off
         -- ana puts 🔇 on 1
         -- ana puts 🔇 on 2
         -- dan puts ❌ on 1
         -- ana puts 🔁 on 2
         ana: unmute
         ana: stop",
        expect![[r#"
            ana:  @agent doze while working plan=off  👀
            bot:  T-1 · doze while working
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] working
            --    ana puts 🔇 on 1
                  [T-1] working · muted by ana
            --    ana puts 🔇 on 2
            bot:  T-1 is muted already, by ana. Say `unmute T-1` to hear of it again.
            --    dan puts ❌ on 1
                  [T-1] ended: stopped by dan · muted by ana
            --    ana puts 🔁 on 2
            ana:  unmute  👀
                  [T-1] working
            ana:  stop  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn a_muted_task_speaks_when_somebody_is_needed() {
    world().check(
        "ana: @agent add a farewell
         ana: mute T-1
         ana: approve
         ana: merge
         ana: unmute T-1",
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
            ana:  mute T-1  👀
                  [T-1] plan v1 waits for an approval (R1) · muted by ana
            ana:  approve  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] ready on downbeat/T-1 · muted by ana
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [5] Merge   [6] Retry
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] merged as <commit 1>, already tested · muted by ana
            ana:  unmute T-1  👀
                  [T-1] merged as <commit 1>, already tested
        "#]],
    );
}
