//! `kill -9` of an agent in the middle of its turn. Its service's own is among [`cut_short`](super::cut_short).

use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::real::Real;
use super::{Studio, wait_for};
use crate::family;
use crate::gate::Gate;
use crate::instance::PATIENCE;

const SCRIPT: &str = r#"
[[task]]
says = "dig a cellar"
work = [
  { say = "I begin at the door.", do = [{ shell = "test ! -e half.room && echo 'wall: half' > half.room && read line < {place}/gates/cellar && mv half.room cellar.room" }] },
  { say = "There is a cellar." },
]
"#;

fn digging(agent: &str) -> (Studio, Gate) {
    let studio = Studio::with(agent, SCRIPT, "\n[cage]\nread = [\"{place}/gates\"]\n");
    std::fs::create_dir(studio.world.path("gates")).unwrap();
    let gate = Gate::at(&studio.world.path("gates/cellar"));
    (studio, gate)
}

/// The card says what happened, nothing of the agent is left, and a retry does the work.
pub fn a_killed_agent_is_told_and_tried_again(agent: &str) {
    let (studio, gate) = digging(agent);
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent dig a cellar agent={agent} plan=off"));
    let visitor = gate.wait_for_somebody();
    let kin = family::descendants(instance.id());
    let is_agent = |one: &&family::Kin| one.name.starts_with(Real::of(agent).process);
    let victim = kin.iter().find(is_agent).unwrap_or_else(|| panic!("no {agent} in {kin:?}"));
    kill(Pid::from_raw(victim.id), Signal::SIGKILL).unwrap();
    family::wait_for_the_end(&kin, Instant::now(), PATIENCE).expect("nothing outlives its agent");
    drop(visitor);
    let told = wait_for(&instance, "T-1 failed: the agent");
    assert!(told.contains("was killed by signal 9") && !instance.out.text().contains("{\""), "{}", instance.out.text());

    instance.say("ana: retry T-1");
    gate.wait_for_somebody().let_through();
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +1 −0 in cellar.room");
    assert!(instance.stop().status.success());
}
