//! A repository's setup in its sessions: made once, there for every kind of agent, and told in words when it fails.

use crate::agents::{Studio, wait_for};
use crate::orders::done;
use crate::world::World;

const SETUP: &str = "#!/bin/sh\n# inputs: hall.room\necho mixing paint\necho 'wall: green' >\"$DOWNBEAT_SETUP_DIR/paint\"\necho BRUSH=wide >\"$DOWNBEAT_SETUP_DIR/env\"\n";

const PAINTER: &str = r#"
[agents.painter]
kind = "command"
command = ["/bin/sh", "-c", "[ $BRUSH = wide ] && cp $DOWNBEAT_SETUP_DIR/paint hall.room && ! touch $DOWNBEAT_SETUP_DIR/more"]
"#;

/// A place whose repository has this setup.
fn with_setup(world: World, setup: &str) -> World {
    world.remote.commit("ana", "a setup", &[(".downbeat/setup", setup)]);
    world
}

pub fn a_session_has_what_its_setup_made_and_cannot_change_it() {
    let world = with_setup(World::new(), SETUP);
    world.configure(PAINTER);
    let mut instance = world.up();
    instance.say("ana: @agent paint it agent=painter plan=off");
    wait_for(&instance, "T-1 is ready");
    assert!(done(&world, &["task", "diff", "T-1"]).contains("+wall: green"));
    let log = done(&world, &["task", "log", "T-1"]);
    assert!(log.contains("setup: mixing paint") && log.contains("setup: done in"), "{log}");
    instance.say("ana: @agent paint it again agent=painter plan=off");
    wait_for(&instance, "T-2 is ready");
    let log = done(&world, &["task", "log", "T-2"]);
    assert!(log.contains("is still right") && !log.contains("mixing paint"), "{log}");
}

pub fn a_setup_that_fails_ends_the_task_with_its_last_words() {
    let world = with_setup(World::new(), "echo no such paint >&2; exit 3\n");
    world.configure(PAINTER);
    let mut instance = world.up();
    instance.say("ana: @agent paint it agent=painter plan=off");
    wait_for(&instance, "[1] Retry");
    let said = instance.out.text();
    // The card says it too, in one line, before or after.
    let told = said.split("T-1 failed: ").find(|told| told.contains("[1] Retry")).unwrap_or_else(|| panic!("{said}"));
    let lines: Vec<_> = told.lines().map(str::trim).take(5).collect();
    expect_test::expect![[r#"
        what its sessions need could not be set up: `.downbeat/setup` ended with exit code 3; its last words:
        no such paint
        Mend `.downbeat/setup` in the repository first.
        Say `retry T-1` to run it again, or `log T-1` to read what was printed.
        [1] Retry"#]]
    .assert_eq(&lines.join("\n"));
}

const KITCHEN: &str = r#"
[[task]]
says = "add a kitchen"
plan = [
  { do = [{ shell = "cat $DOWNBEAT_SETUP_DIR/paint; echo the brush is $BRUSH" }] },
  { say = '{"summary": "A green kitchen", "steps": ["paint it"], "paths": ["kitchen.room"], "checks": ["rooms"]}' },
]
work = [
  { do = [{ shell = "cp $DOWNBEAT_SETUP_DIR/paint kitchen.room" }] },
  { say = "There is a kitchen now." },
]
"#;

/// A real agent's commands see it, while it plans and while it works.
pub fn an_agent_has_what_its_setup_made(agent: &str) {
    let Studio { model, world } = Studio::of(agent, KITCHEN);
    let world = with_setup(world, SETUP);
    let mut instance = world.up();
    // Gemini CLI runs no commands while it plans.
    let plan = if agent == "gemini" { "off" } else { "ask" };
    instance.say(&format!("ana: @agent add a kitchen agent={agent} plan={plan}"));
    if plan == "ask" {
        wait_for(&instance, "A green kitchen");
        let seen = model.until("add a kitchen", 1).results.join("\n");
        assert!(seen.contains("wall: green") && seen.contains("the brush is wide"), "{seen}");
        instance.say("ben: approve T-1");
    }
    wait_for(&instance, "T-1 is ready");
    assert!(done(&world, &["task", "diff", "T-1"]).contains("+wall: green"));
}
