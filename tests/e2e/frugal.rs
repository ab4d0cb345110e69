//! What was tested is not tested again: an agent's own run before publishing counts in the queue, also after the process
//! was killed, and only there where nothing of it has changed.

use crate::agents::wait_for;
use crate::orders::done;
use crate::world::World;

/// How often a task's check ran, by its log.
fn n_runs(world: &World, task: &str) -> usize {
    let log = done(world, &["task", "log", task]);
    log.lines().filter(|line| line.contains("check rooms: sh check.sh")).count()
}

/// [45]
pub fn a_change_alone_on_an_unmoved_target_lands_without_a_second_run() {
    let world = World::new();
    let mut instance = world.up();
    instance.say("ana: @agent add a kitchen plan=off");
    wait_for(&instance, "T-1 is ready");
    assert_eq!(n_runs(&world, "T-1"), 1, "the agent's own");
    instance.kill();
    let mut instance = world.up();
    instance.say("ben: merge T-1");
    let said = wait_for(&instance, "T-1 is merged into main as");
    assert!(said.ends_with(", already tested."), "{said}");
    let log = done(&world, &["task", "log", "T-1"]);
    let told = log.lines().find(|line| line.contains("already tested")).unwrap_or_else(|| panic!("{log}"));
    assert!(told.ends_with(" ago in the work of T-1, not tested again"), "{told}");
    assert_eq!(n_runs(&world, "T-1"), 1, "no second run: {log}");
    world.check_commit("main").unwrap();
    let queue = done(&world, &["queue", "show"]);
    assert!(queue.contains("already tested"), "{queue}");
}

pub fn a_change_on_a_target_that_moved_is_tested_again() {
    let world = World::new();
    let mut instance = world.up();
    instance.say("ana: @agent add a kitchen plan=off");
    wait_for(&instance, "T-1 is ready");
    instance.say("dan: @agent paint the hall blue plan=off");
    wait_for(&instance, "T-2 is ready");
    instance.say("ben: merge T-1");
    wait_for(&instance, "T-1 is merged into main as");
    instance.say("ben: merge T-2");
    let said = wait_for(&instance, "T-2 is merged into main as");
    assert!(!said.contains("already tested"), "{said}");
    assert_eq!((n_runs(&world, "T-1"), n_runs(&world, "T-2")), (1, 2));
}

pub fn other_words_for_the_environment_make_every_pass_unknown() {
    let world = World::new();
    let mut instance = world.up();
    instance.say("ana: @agent add a kitchen plan=off");
    wait_for(&instance, "T-1 is ready");
    world.configure("\n[queue]\nenvironment = \"after the compiler was replaced\"\n");
    instance.signal(nix::sys::signal::Signal::SIGHUP);
    instance.err.wait_for("the config was read again and applies from now on").expect("it says so");
    instance.say("ben: merge T-1");
    let said = wait_for(&instance, "T-1 is merged into main as");
    assert!(!said.contains("already tested"), "{said}");
    assert_eq!(n_runs(&world, "T-1"), 2);
}

/// Says which rooms are wrong in a report of its own.
const REPORTING: &str = "#!/bin/sh
for room in *.room; do
    grep -q '^wall: ' \"$room\" || red=\"$red<testcase classname='rooms' name='$room'><failure/></testcase>\"
done
[ -z \"$red\" ] && exit 0
echo \"<testsuite>$red</testsuite>\" >report.xml
echo there is a report >&2
exit 1
";

pub fn whoever_is_sent_back_reads_which_tests_failed() {
    let world = World::new();
    let checks = "[[checks]]\nname = \"rooms\"\ncommand = \"sh check.sh\"\njunit = \"report.xml\"\n";
    world.remote.commit("ana", "a report", &[("check.sh", REPORTING), (".downbeat/config.toml", checks)]);
    let mut instance = world.up();
    instance.say("ana: @agent add a kitchen plan=off");
    wait_for(&instance, "T-1 is ready");
    instance.say("dan: @agent demand a floor");
    wait_for(&instance, "Plan v1 for T-2");
    instance.say("ben: approve T-2");
    wait_for(&instance, "T-2 is ready");
    instance.say("ben: merge T-2");
    wait_for(&instance, "T-2 is merged into main as");
    instance.say("ben: merge T-1");
    let said = wait_for(&instance, "T-1 did not land");
    expect_test::expect!["   bot  T-1 did not land: its repair does not pass rooms. It does not pass its checks: rooms exited with 1: rooms.kitchen.room (99.6 % sure) when it was tested alone on the target. Say `retry T-1`, or look at the change yourself and say `merge T-1` again."].assert_eq(&said);
}
