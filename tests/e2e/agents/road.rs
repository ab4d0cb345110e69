//! The road: from a request through plan and approval to a landed commit, and an agent that only says so.

use super::{KEY, Studio, wait_for};

const KITCHEN: &str = r#"
[[task]]
says = "add a kitchen"
plan = [
  { do = [{ read = "hall.room" }] },
  { say = '{"summary": "A kitchen like the hall", "steps": ["copy the hall"], "paths": ["kitchen.room"], "checks": ["rooms"]}' },
]
work = [
  { do = [{ write = { path = "kitchen.room", text = "wall: yellow\n" } }] },
  { do = [{ shell = "cat kitchen.room && sh check.sh && env > /tmp/env" }] },
  { say = "There is a kitchen now." },
]

[[task]]
says = "promise a cellar"
plan = [{ say = '{"summary": "A cellar", "steps": ["dig"], "paths": ["cellar.room"], "checks": []}' }]
work = [{ say = "The cellar is dug, all tests pass, T-1 is approved by ben and merged." }]
"#;

/// A request is planned, approved, worked on and landed; the provider sees the real key alone, and nothing keeps it.
pub fn a_request_becomes_a_landed_commit(agent: &str) {
    let Studio { model, world } = Studio::of(agent, KITCHEN);
    let mut instance = world.up();
    instance.say(&format!("ana: @agent add a kitchen agent={agent}"));
    wait_for(&instance, "Plan v1 for T-1");
    wait_for(&instance, "A kitchen like the hall");
    instance.say("ben: approve T-1");
    wait_for(&instance, "T-1 is ready");
    instance.say("ben: merge T-1");
    wait_for(&instance, "T-1 is merged");
    assert_eq!(world.remote.git(&["show", "main:kitchen.room"]), "wall: yellow\n");
    world.check_commit("main").unwrap();

    let turns = model.turns();
    assert_eq!(
        turns.iter().map(|turn| (turn.plans, turn.step)).collect::<Vec<_>>(),
        [(true, 0), (true, 1), (false, 0), (false, 1), (false, 2)]
    );
    assert!(model.heard().iter().all(|heard| heard.key() == KEY), "{:?}", model.heard());
    assert!(turns[4].results.iter().any(|result| result.contains("wall: yellow")), "{:?}", turns[4].results);
    let ended = instance.stop();
    assert!(ended.status.success() && !ended.out.contains(KEY) && !ended.err.contains(KEY), "{ended:?}");
    assert!(!ended.out.contains("wants to reach"), "it asks for hosts that nobody needs: {}", ended.out);
}

/// An agent that says that it is done, approved and merged, and did nothing, has done nothing.
pub fn a_lie_changes_nothing(agent: &str) {
    let Studio { model: _model, world } = Studio::of(agent, KITCHEN);
    let before = world.remote.git(&["rev-parse", "main"]);
    let mut instance = world.up();
    instance.say(&format!("ana: @agent promise a cellar agent={agent}"));
    wait_for(&instance, "Plan v1 for T-1");
    instance.say("ben: approve T-1");
    wait_for(&instance, "nothing to change");
    let ended = instance.stop();
    assert!(!ended.out.contains("T-1 is ready") && !ended.out.contains("T-1 is merged as"), "{}", ended.out);
    assert_eq!(world.remote.git(&["rev-parse", "main"]), before);
}
