//! A person changes the steps of a plan, and approves what they made of it.

use expect_test::expect;

use crate::sample::world;

#[test]
fn an_edited_plan_is_a_new_version_to_be_approved_anew() {
    world().check(
        "ana: @agent add a farewell
         ana: 2
         dan: edit T-1 v1\\nsay nothing
         ana: edit T-1 v1\\n1. write farewell.md\\n2. mention it at the end of README.md\\nconstraints: no exclamation marks\\nkeep out: greeting.md
         ana: approve T-1 v1
         ana: edit T-1 v1\\nwrite it
         ana: edit T-1 v2\\nwrite farewell.md\\nmention it at the end of README.md
         ben: approve T-1 v2",
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
            ana:  2
            bot:  A plan of T-1 needs steps. Say `edit T-1 v1` and one step a line below it.
            dan:  edit T-1 v1
                  say nothing
            bot:  You may not edit T-1: that takes the role approver. ana, ben or dora can say `edit T-1`.
            ana:  edit T-1 v1
                  1. write farewell.md
                  2. mention it at the end of README.md
                  constraints: no exclamation marks
                  keep out: greeting.md  👀
                  [Plan v1 for T-1] superseded by v2, which ana edited, at 12:00 UTC
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it at the end of README.md
                  files: farewell.md, README.md
                  checks: words
                  constraints: no exclamation marks
                  keep out: greeting.md
                  edited by ana; against v1:
                  - mention it in README.md
                  + mention it at the end of README.md
                  + constraint: no exclamation marks
                  + keep out: greeting.md
                  risk: R1 · #9fd62eed
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            ana:  approve T-1 v1
            bot:  That was version 1 of the plan for T-1, and version 2 has replaced it. Read the newer plan, then say `approve T-1`.
            ana:  edit T-1 v1
                  write it
            bot:  That was version 1 of the plan for T-1, and version 2 has replaced it. Edit the newer one: say `edit T-1 v2` and one step a line.
            ana:  edit T-1 v2
                  write farewell.md
                  mention it at the end of README.md
            bot:  That is what plan v2 of T-1 says already. Say `approve T-1` to let it run.
            ben:  approve T-1 v2  👀
                  [Plan v2 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v2 approved by ben (#9fd62eed) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [9] Merge   [10] Retry
        "#]],
    );
}

#[test]
fn a_change_of_what_is_kept_out_waits_for_a_person() {
    world().check(
        "ana: @agent tidy up
         ana: edit T-1\\nsort README.md\\nkeep out: Cargo.*
         ana: approve",
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
            ana:  edit T-1
                  sort README.md
                  keep out: Cargo.*  👀
                  [Plan v1 for T-1] superseded by v2, which ana edited, at 12:00 UTC
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: A tidy README
                  1. sort README.md
                  files: README.md
                  keep out: Cargo.*
                  edited by ana; against v1:
                  + keep out: Cargo.*
                  risk: R1 · #67f17949
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            ana:  approve  👀
                  [Plan v2 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v2 approved by ana (#67f17949) · waiting for its turn to work
                  [T-1] stopped before publishing: its plan was approved as R1, but the change is R2 (`Cargo.toml`: dependencies); it changes Cargo.toml, which its plan keeps out of
            bot:  T-1 is done, but stopped before publishing: its plan was approved as R1, but the change is R2 (`Cargo.toml`: dependencies); it changes Cargo.toml, which its plan keeps out of.
                  files: Cargo.toml, README.md
                  [9] Accept the change   [10] Revise…   [11] Reject
        "#]],
    );
}
