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
            mallory:good morning
            mallory:help
            bot:  I do not know you. Ask dora to add you to the config.
            mallory:@agent add a farewell
            bot:  I do not know you. Ask dora to add you to the config.
            mallory:status
            bot:  I do not know you. Ask dora to add you to the config.
            mallory:queue
            bot:  I do not know you. Ask dora to add you to the config.
            mallory:pause
            bot:  I do not know you. Ask dora to add you to the config.
            mallory:stop T-1
            bot:  There is no task T-1. Say `status` to see the tasks of this thread.
            mallory:why T-1
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
         dan: stop
         dan: pause
         ola: approve
         ben: approve
         dan: merge
         dan: retry
         ola: stop",
        expect![[""]],
    );
}

#[test]
fn what_is_risky_takes_another_person() {
    let mut world = world();
    world.check(
        "ana: @agent add a dependency
         ana: approve
         ana: @agent why can't I approve T-1?
         ben: @agent why can I approve?
         ben: approve
         ana: merge
         ben: merge",
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
                  [T-1] in the merge queue by dora · entering
                  [T-1] in the merge queue by dora · position 1 of 1 · staging
                  [T-1] in the merge queue by dora · position 1 of 1 · landing
                  [T-1] merged as <commit 1>
            bot:  T-1 is merged into main as <commit 1>.
        "#]],
    );
}
