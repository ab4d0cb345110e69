//! People at the reins: pause and resume, an interruption, a stop.

use std::time::Instant;

use super::{Studio, assert_it_goes_on, wait_for};
use crate::family;
use crate::gate::Gate;
use crate::instance::PATIENCE;

/// The agent's command stands at a gate in the middle of its work; what it goes on with is told by another prompt.
const SCRIPT: &str = r#"
[[task]]
says = "make it deep"
work = [
  { do = [{ shell = "cat half.room && echo 'wall: deep' > cellar.room" }] },
  { say = "It is deep." },
]

[[task]]
says = "dig a cellar"
work = [
  { say = "I begin at the door.", do = [{ shell = "echo 'wall: half' > half.room; (setsid sleep 600 &) ; read line < {place}/gates/cellar; echo never > never.room" }] },
  { say = "There is a cellar." },
]
"#;

struct Digging {
    studio: Studio,
    gate: Gate,
}

impl Digging {
    fn by(agent: &str) -> Self {
        let studio = Studio::with(agent, SCRIPT, "\n[cage]\nread = [\"{place}/gates\"]\n");
        std::fs::create_dir(studio.world.path("gates")).unwrap();
        let gate = Gate::at(&studio.world.path("gates/cellar"));
        Self { studio, gate }
    }
}

/// What was done before the pause is there after it, and the agent knows what it said.
pub fn a_paused_session_goes_on_where_it_was(agent: &str) {
    let Digging { studio, gate } = Digging::by(agent);
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent dig a cellar agent={agent} plan=off"));
    let visitor = gate.wait_for_somebody();
    let kin = family::descendants(instance.id());
    instance.say("ana: pause T-1");
    wait_for(&instance, "paused by ana");
    drop(visitor);
    family::wait_for_the_end(&kin, Instant::now(), PATIENCE).expect("a pause ends its processes");
    instance.say("ana: steer T-1 make it deep");
    wait_for(&instance, "one message waits for the agent");
    instance.say("ana: resume T-1");
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +2 −0 in cellar.room, half.room");
    let again = studio.model.until("make it deep", 0);
    assert_it_goes_on(&studio, agent, &again);
    assert!(instance.stop().status.success());
}

/// The command that runs is ended, and the same turn goes on with what the person said.
pub fn an_interruption_is_heard_in_the_middle(agent: &str) {
    let Digging { studio, gate } = Digging::by(agent);
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent dig a cellar agent={agent} plan=off"));
    let visitor = gate.wait_for_somebody();
    instance.say("ana: interrupt T-1 make it deep");
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +2 −0 in cellar.room, half.room");
    drop(visitor);
    assert_eq!(studio.world.record().tasks(), [["T-1".to_owned(), "in-review".to_owned()]]);
    assert!(instance.stop().status.success());
}

/// Neither its shells nor what they put into a session of its own is there three seconds later.
pub fn a_stop_leaves_no_process(agent: &str) {
    let Digging { studio, gate } = Digging::by(agent);
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent dig a cellar agent={agent} plan=off"));
    let visitor = gate.wait_for_somebody();
    let kin = family::wait_for("sleep", instance.id());
    let since = Instant::now();
    instance.say("ana: stop T-1");
    family::wait_for_the_end(&kin, since, PATIENCE).expect("a stop leaves no process");
    wait_for(&instance, "T-1 ended: stopped by ana");
    drop(visitor);
    assert_eq!(studio.world.remote.git(&["branch", "--list", "downbeat/*"]), "");
    assert!(instance.stop().status.success());
}
