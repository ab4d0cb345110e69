//! Stopping in good order, and being the only one.

use crate::family::who_works_in;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::world::World;

/// An agent that works until the gate is opened.
fn slow_agent(gate: &Gate, world: &World) -> String {
    let readable = world.path("gates");
    format!(
        "\n[cage]\nread = [\"{}\"]\n\n[agents.slow]\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"{} && echo 'wall: grey' > cellar.room\"]\nplan = [\"/bin/echo\", \"A cellar\"]\n",
        readable.display(),
        gate.wait(),
    )
}

pub fn a_stop_gives_back_what_is_running() {
    let world = World::new();
    std::fs::create_dir(world.path("gates")).unwrap();
    let gate = Gate::at(&world.path("gates/cellar"));
    world.configure(&slow_agent(&gate, &world));

    let mut instance = world.up();
    instance.say("ana: @agent dig a cellar agent=slow");
    instance.out.wait_for("Plan v1 for T-1").expect("it plans");
    instance.say("ben: approve T-1");
    let visitor = gate.wait_for_somebody();
    let ended = instance.stop();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    drop(visitor);
    assert_eq!(who_works_in(world.place()), [], "the agent is still there");

    let mut instance = world.up();
    let visitor = gate.wait_for_somebody();
    let leases = world.record().leases();
    let sessions: Vec<u32> = leases.iter().filter(|lease| lease.lane == "session").map(|lease| lease.attempt).collect();
    assert_eq!(sessions, [1], "what a stop gives back is no attempt: {leases:?}");
    visitor.let_through();
    instance.out.wait_for("T-1 is ready").expect("the work goes on where it was given back");
    instance.say("ben: merge T-1");
    instance.out.wait_for("T-1 is merged").expect("and lands");
    let ended = instance.stop();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(ended.err.lines().count(), 1, "a stop in good order says one thing: {}", ended.err);
}

pub fn a_second_instance_is_refused() {
    let world = World::new();
    let mut first = world.up();
    let second = Instance::start(world.command()).ended();
    assert_eq!(second.status.code(), Some(1));
    let said = second.err.replace(world.place().to_str().unwrap(), "{place}");
    expect_test::expect!["error: another downbeat serves this state directory (it holds {place}/state/instance.lock). Stop it first, or set another `state` in the config"].assert_eq(&said);

    first.say("ana: @agent help");
    first.out.wait_for("@agent").expect("the first is not disturbed");
    drop(first.kill());
    let third = world.up();
    assert!(third.stop().status.success(), "a dead instance keeps nobody out");
}
