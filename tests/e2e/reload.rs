//! Reading the config again while tasks run.

use nix::sys::signal::Signal;

use crate::world::World;

pub fn a_hang_up_takes_over_the_people_of_the_config() {
    let world = World::new();
    let mut instance = world.up();
    instance.say("zoe: @agent help");
    instance.say("ana: @agent status");
    instance.out.wait_for("No tasks in this thread").expect("ana is answered");
    let strangers = instance.out.text();
    assert!(!strangers.contains("Say `@agent WHAT"), "a stranger is told nothing: {strangers}");

    world.configure("\n[people.zoe]\nroles = [\"requester\"]\n");
    instance.signal(Signal::SIGHUP);
    instance.err.wait_for("the config was read again and applies from now on").expect("it says so");
    instance.say("zoe: @agent add a kitchen");
    instance.out.wait_for("Plan v1 for T-1").expect("zoe may ask now");

    world.configure("\n[people.zoe]\nroles = [\"boss\"]\n");
    instance.signal(Signal::SIGHUP);
    instance.err.wait_for("there is no `boss`").expect("the mistake is shown with its place");
    instance.say("zoe: @agent status");
    instance.out.wait_for("T-1").expect("and what applied before goes on applying");
    assert!(instance.stop().status.success());
}
