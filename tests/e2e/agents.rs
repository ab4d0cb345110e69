//! The road with real agents: from a request through plan and approval to a landed commit, the model a scripted one.

use tests::model::Model;
use tests::peers;

use crate::instance::Instance;
use crate::world::World;

/// The key that the provider gets; the agents have another word in its place.
const KEY: &str = "sk-the-real-one";

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

[[task]]
says = "knock with a wrong key"
plan = [{ fail = { status = 401, message = "invalid x-api-key" } }]
"#;

/// A place whose instance has this agent, with the scripted model as its provider.
pub fn world(agent: &str, model: &Model) -> World {
    let program = peers::agent(agent).unwrap().display().to_string();
    let url = model.url();
    let world = World::new();
    world.configure(&format!(
        "\n[providers.anthropic]\nkey = \"{KEY}\"\nbase_url = \"{url}\"\n\n[providers.openai]\nkey = \"{KEY}\"\n\
         base_url = \"{url}/v1\"\n\n[agents.{agent}]\nkind = \"{agent}\"\ncommand = [\"{program}\"]\n"
    ));
    world
}

fn provider_of(agent: &str) -> &str {
    if agent == "codex" { "openai" } else { "anthropic" }
}

/// Waits for words on the console; panics with all that was said when they do not come.
pub fn wait_for(instance: &Instance, words: &str) {
    let found = instance.out.wait_for(words);
    assert!(found.is_some(), "{words:?} was not said:\n{}\n{}", instance.out.text(), instance.err.text());
}

/// A request is planned, approved, worked on and landed; the provider sees the real key alone, and nothing keeps it.
pub fn a_request_becomes_a_landed_commit(agent: &str) {
    let model = Model::of(KITCHEN);
    let world = world(agent, &model);
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
}

/// An agent that says that it is done, approved and merged, and did nothing, has done nothing.
pub fn a_lie_changes_nothing(agent: &str) {
    let model = Model::of(KITCHEN);
    let world = world(agent, &model);
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

/// A key that the provider refuses ends the task at once, and a person reads which.
pub fn a_refused_key_is_told(agent: &str) {
    let model = Model::of(KITCHEN);
    let world = world(agent, &model);
    let mut instance = world.up();
    instance.say(&format!("ana: @agent knock with a wrong key agent={agent}"));
    wait_for(&instance, "is not let in by its model: ");
    wait_for(&instance, &format!("set a key that works for `providers.{}`, then retry", provider_of(agent)));
    instance.stop();
}
