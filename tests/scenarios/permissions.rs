//! Who may do what, as people are told.

use expect_test::expect;
use tests::world::Setup;

use crate::sample::{TEAM, setup, world};

#[test]
fn a_stranger_is_refused_everything() {
    world().check(
        "mallory: good morning
         mallory: help
         mallory: @agent add a farewell
         mallory: status
         mallory: queue
         mallory: pause
         mallory: stop T-1
         mallory: why T-1",
        expect![[r#"
            mallory: good morning
            mallory: help
            bot:  I do not know you. Ask dora to add you to the config.
            mallory: @agent add a farewell
            bot:  I do not know you. Ask dora to add you to the config.
            mallory: status
            bot:  I do not know you. Ask dora to add you to the config.
            mallory: queue
            bot:  I do not know you. Ask dora to add you to the config.
            mallory: pause
            bot:  I do not know you. Ask dora to add you to the config.
            mallory: stop T-1
            bot:  I do not know you. Ask dora to add you to the config.
            mallory: why T-1
            bot:  I do not know you. Ask dora to add you to the config.
        "#]],
    );
}

#[test]
fn each_role_has_its_deeds() {
    let mut world = world();
    world.play("ana: @agent add a farewell");
    world.transcript();
    world.check(
        "eva: status
         eva: @agent add a welcome
         eva: approve
         dan: approve
         dan: revise T-1 shorter
         dan: pause
         ola: approve
         ben: approve
         dan: merge
         dan: retry
         eva: stop
         dan: stop",
        expect![[r#"
            eva:  status
            bot:  T-1 · add a farewell (by ana) · waiting for an approval · ana, ben or dora can say `approve T-1`
            eva:  @agent add a welcome
            bot:  You may not ask for work: that takes the role requester. ana, dan or dora can.
            eva:  approve
            bot:  You may not approve T-1: that takes the role approver. ana, ben or dora can say `approve T-1`.
            dan:  approve
            bot:  You may not approve T-1: that takes the role approver. ana, ben or dora can say `approve T-1`.
            dan:  revise T-1 shorter
            bot:  You may not revise T-1: that takes the role approver. ana, ben or dora can say `revise T-1`.
            dan:  pause
            bot:  You may not operate the queue: that takes the role operator. dora or ola can.
            ola:  approve
            bot:  You may not approve T-1: that takes the role approver. ana, ben or dora can say `approve T-1`.
            ben:  approve  👀
                  [Plan v1 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v1 approved by ben (#cac7d254) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [5] Merge   [6] Retry
            dan:  merge
            bot:  You may not merge T-1: that takes the role approver. ana, ben or dora can say `merge T-1`.
            dan:  retry
            bot:  You may not retry T-1: that takes the role approver. ana, ben or dora can say `retry T-1`.
            eva:  stop
            bot:  You may not stop T-1: that takes the role requester, approver or operator. ana, ben, dan, dora or 1 more can say `stop T-1`.
            dan:  stop  👀
                  [T-1 is ready on downbeat/T-1] stopped by dan at 12:00 UTC
                  [T-1] ended: stopped by dan
            bot:  T-1 ended: stopped by dan. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn what_is_risky_takes_another_person() {
    let mut world = world();
    world.check(
        "ana: @agent add a dependency merge=auto
         ana: approve
         ana: @agent why can't I approve T-1?
         ben: @agent why can I approve?
         ben: approve",
        expect![[r#"
            ana:  @agent add a dependency merge=auto  👀
            bot:  T-1 · add a dependency
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R2)
            bot:  Plan v1 for T-1: One more dependency
                  1. name it in Cargo.toml
                  files: Cargo.toml
                  risk: R2 (`Cargo.toml`: dependencies) · #8ce690bb
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ana:  approve
            bot:  T-1 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. ben or dora can say `approve T-1`.
            ana:  @agent why can't I approve T-1?
            bot:  T-1: plan v1 waits for an approval (R2).
                  T-1 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. ben or dora can say `approve T-1`.
            ben:  @agent why can I approve?
            bot:  T-1: plan v1 waits for an approval (R2).
                  You may approve it: ben holds the role approver; T-1 is R2 and was asked for by ana.
            ben:  approve  👀
                  [Plan v1 for T-1] approved by ben at 12:00 UTC
                  [T-1] plan v1 approved by ben (#8ce690bb) · waiting for its turn to work
                  [T-1] publishing +1 −0 in Cargo.toml
                  [T-1] in the merge queue by ben · entering
                  [T-1] in the merge queue by ben · position 1 of 1 · testing
                  [T-1] in the merge queue by ben · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
}

#[test]
fn whoever_accepts_a_risky_change_answers_for_it() {
    let mut world = world();
    world.check(
        "ana: @agent add a dependency plan=off merge=auto
         ana: 1
         ben: 1",
        expect![[r#"
            ana:  @agent add a dependency plan=off merge=auto  👀
            bot:  T-1 · add a dependency
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] stopped before publishing: nobody approved a plan, and the change is R2 (`Cargo.toml`: dependencies)
            bot:  T-1 is done, but stopped before publishing: nobody approved a plan, and the change is R2 (`Cargo.toml`: dependencies).
                  files: Cargo.toml
                  [1] Accept the change   [2] Revise…   [3] Reject
            ana:  1
            bot:  T-1 is R2 (`Cargo.toml`: dependencies), and you asked for it: another person has to approve it. ben or dora can say `approve T-1`.
            ben:  1  👀
                  [T-1 is done, but stopped before publishing] accepted by ben at 12:00 UTC
                  [T-1] publishing +1 −0 in Cargo.toml
                  [T-1] in the merge queue by ben · entering
                  [T-1] in the merge queue by ben · position 1 of 1 · testing
                  [T-1] in the merge queue by ben · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
    expect![[r#"
        add a dependency

        Co-authored-by: scripted for ana <agent@downbeat.invalid>
        Requested-by: ana
        Approved-by: ben
        Task-Id: T-1

    "#]]
    .assert_eq(&world.remote_git(&["log", "-1", "--format=%B", "main"]));
}

#[test]
fn what_is_risky_is_merged_by_an_approver() {
    let mut world = world();
    world.play(
        "ana: @agent add a dependency
         ben: approve",
    );
    world.transcript();
    world.check(
        "ana: merge
         ben: merge",
        expect![[r#"
            ana:  merge
            bot:  You may not merge T-1: that takes the role approver. ben or dora can say `merge T-1`.
            ben:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ben at 12:00 UTC
                  [T-1] in the merge queue by ben · entering
                  [T-1] in the merge queue by ben · position 1 of 1 · testing
                  [T-1] in the merge queue by ben · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
}

#[test]
fn what_is_secret_takes_an_admin_who_types_the_id_twice() {
    world().check(
        "ana: @agent keep the key
         ben: approve
         dora: approve
         dora: 1
         dora: approve T-1 T-1",
        expect![[r#"
            ana:  @agent keep the key  👀
            bot:  T-1 · keep the key
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R3)
            bot:  Plan v1 for T-1: The key, where everyone finds it
                  1. write .env
                  files: .env
                  risk: R3 (`.env`: secrets) · #df3e34f0
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ben:  approve
            bot:  T-1 is R3 (`.env`: secrets): only an admin may approve it. dora can say `approve T-1 T-1`.
            dora: approve
            bot:  T-1 is R3 (`.env`: secrets): its id has to be typed twice to approve it. Say `approve T-1 T-1`.
            dora: 1
            bot:  T-1 is R3 (`.env`: secrets): its id has to be typed twice to approve it. Say `approve T-1 T-1`.
            dora: approve T-1 T-1  👀
                  [Plan v1 for T-1] approved by dora at 12:00 UTC
                  [T-1] plan v1 approved by dora (#df3e34f0) · waiting for its turn to work
                  [T-1] publishing +1 −0 in .env
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in .env · its check words passed
                  [5] Merge   [6] Retry
        "#]],
    );
}

#[test]
fn one_person_alone_types_the_id_twice_for_what_is_risky() {
    let config = "[people]\nana.roles = [\"viewer\"]\n[policy]\nsolo = true";
    Setup { config, ..setup() }.open().check(
        "ana: @agent add a dependency
         ana: 1
         ana: approve T-1 T-1
         ana: pause
         dan: help",
        expect![[r#"
            ana:  @agent add a dependency  👀
            bot:  T-1 · add a dependency
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R2)
            bot:  Plan v1 for T-1: One more dependency
                  1. name it in Cargo.toml
                  files: Cargo.toml
                  risk: R2 (`Cargo.toml`: dependencies) · #8ce690bb
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ana:  1
            bot:  T-1 is R2 (`Cargo.toml`: dependencies): its id has to be typed twice to approve it. Say `approve T-1 T-1`.
            ana:  approve T-1 T-1  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#8ce690bb) · waiting for its turn to work
                  [T-1] publishing +1 −0 in Cargo.toml
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in Cargo.toml · its check words passed
                  [5] Merge   [6] Retry
            ana:  pause
            bot:  The merge queue of sample is paused; say `resume` to go on.
            dan:  help
            bot:  I do not know you. Ask ana to add you to the config.
        "#]],
    );
}

#[test]
fn a_deny_rule_wins() {
    let rule = r#"
        [[policy.deny]]
        verb = "merge"
        paths = ["farewell.md"]
        unless = "admin"
        why = "goodbyes are for an admin to say"
    "#;
    let config = format!("{TEAM}{rule}");
    let mut world = Setup { config: &config, ..setup() }.open();
    world.play("ana: @agent add a farewell plan=off");
    world.transcript();
    world.check(
        "ben: merge
         ben: @agent why can't I merge T-1
         dora: merge",
        expect![[r#"
            ben:  merge
            bot:  You may not merge T-1, which touches `farewell.md`: goodbyes are for an admin to say. dora can say `merge T-1`.
            ben:  @agent why can't I merge T-1
            bot:  T-1: ready on downbeat/T-1.
                  You may not merge T-1, which touches `farewell.md`: goodbyes are for an admin to say. dora can say `merge T-1`.
            dora: merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by dora at 12:00 UTC
                  [T-1] in the merge queue by dora · entering
                  [T-1] in the merge queue by dora · position 1 of 1 · testing
                  [T-1] in the merge queue by dora · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
}

#[test]
fn a_group_and_a_channel_decide_with_the_people() {
    let config = format!(
        "{TEAM}fay.roles = []\n{}",
        r#"
        [groups.reviewers]
        roles = ["approver"]
        people = ["fay"]
        [channels."console/docs"]
        repos = []
        [channels."console/code"]
        repos = ["sample"]
        [[policy.deny]]
        group = "reviewers"
        verb = "merge"
        why = "reviewers look and do not land"
        "#
    );
    let mut world = Setup { config: &config, ..setup() }.open();
    world.check(
        "#docs ana: @agent add a farewell
         #code ana: @agent add a farewell
         #docs fay: approve T-1
         #code eva: @agent why can't I approve T-1?
         #code fay: @agent why can't I approve T-1?
         #code fay: approve T-1
         #code fay: merge T-1
         #docs dan: stop T-1",
        expect![[r#"
            #docs ana: @agent add a farewell
            #docs bot: sample is not worked on from console/docs. Say it in console/code.
            #code ana: @agent add a farewell  👀
            #code bot: T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  #code [T-1] plan v1 waits for an approval (R1)
            #code bot: Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            #docs fay: approve T-1
            #docs bot: sample is not worked on from console/docs. Say it in console/code.
            #code eva: @agent why can't I approve T-1?
            #code bot: T-1: plan v1 waits for an approval (R1).
                  You may not approve T-1: that takes the role approver, which the group reviewers has. ana, ben, dora or fay can say `approve T-1`.
            #code fay: @agent why can't I approve T-1?
            #code bot: T-1: plan v1 waits for an approval (R1).
                  You may approve it: fay holds the role approver through the group reviewers; T-1 is R1 and was asked for by ana.
            #code fay: approve T-1  👀
                  #code [Plan v1 for T-1] approved by fay at 12:00 UTC
                  #code [T-1] plan v1 approved by fay (#cac7d254) · waiting for its turn to work
                  #code [T-1] publishing +2 −0 in README.md, farewell.md
                  #code [T-1] ready on downbeat/T-1
            #code bot: T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [5] Merge   [6] Retry
            #code fay: merge T-1
            #code bot: You may not merge T-1 as a member of reviewers: reviewers look and do not land. ana, ben or dora can say `merge T-1`.
            #docs dan: stop T-1  👀
                  #code [T-1 is ready on downbeat/T-1] stopped by dan at 12:00 UTC
                  #code [T-1] ended: stopped by dan
            #code bot: T-1 ended: stopped by dan. Say `retry T-1` to run it again.
        "#]],
    );
}
