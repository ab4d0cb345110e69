//! Three tasks at once with three different real agents on one repository: one is steered, one stopped and resumed, one
//! taken back to a checkpoint, and all of them land.
//!
//! It takes part where a run is meant to have every agent.

use libtest_mimic::Trial;
use tests::model::Model;
use tests::peers;

use super::real::{self, Real};
use super::{KEY, wait_for};
use crate::gate::Gate;
use crate::instance::Instance;
use crate::world::World;

const AGENTS: [&str; 3] = ["claude", "codex", "opencode"];

/// What was said later stands first, because a prompt has what was said before it too.
const SCRIPT: &str = r#"
[[task]]
says = "make the kitchen yellow"
work = [
  { do = [{ shell = "echo 'wall: yellow' > kitchen.room" }] },
  { say = "The kitchen is yellow, as ana said." },
]

[[task]]
says = "went back to checkpoint 1"
work = [
  { do = [{ shell = "ls *.room" }] },
  { say = "The attic is as it was, without the window." },
]

[[task]]
says = "with a window"
plan = [{ say = '{"summary": "An attic with a window", "steps": ["build the attic", "put a window in"], "paths": ["attic.room", "window.room"], "checks": ["rooms"]}' }]
work = [
  { do = [{ shell = "echo 'wall: wood' > attic.room; echo 'wall: glass' > window.room" }] },
  { say = "The attic has a window." },
]

[[task]]
says = "build an attic"
plan = [{ say = '{"summary": "An attic of wood", "steps": ["build the attic"], "paths": ["attic.room"], "checks": ["rooms"]}' }]
work = [
  { do = [{ shell = "read line < {place}/gates/attic; echo 'wall: wood' > attic.room" }] },
  { say = "There is an attic." },
]

[[task]]
says = "dig a cellar"
plan = [{ say = '{"summary": "A cellar below the hall", "steps": ["dig", "wall it"], "paths": ["cellar.room"], "checks": ["rooms"]}' }]
work = [
  { say = "I dig first.", do = [{ shell = "test -e half.room || echo 'wall: earth' > half.room; read line < {place}/gates/cellar" }] },
  { do = [{ shell = "sed 's/earth/brick/' half.room > cellar.room && rm half.room" }] },
  { say = "There is a cellar." },
]

[[task]]
says = "add a kitchen"
plan = [
  { do = [{ read = "hall.room" }] },
  { say = '{"summary": "A kitchen like the hall", "steps": ["copy the hall"], "paths": ["kitchen.room"], "checks": ["rooms"]}' },
]
work = [
  { say = "I look at the hall.", do = [{ shell = "read line < {place}/gates/kitchen; cat hall.room" }] },
  { do = [{ shell = "cp hall.room kitchen.room" }] },
  { say = "There is a kitchen." },
]
"#;

/// The test, where every agent is wanted.
pub fn trial() -> Option<Trial> {
    let is_missing = AGENTS.iter().any(|agent| peers::agent(agent).is_none());
    let trial = Trial::test("agents::three_agents_work_at_once_and_all_land", || {
        three_agents_work_at_once_and_all_land();
        Ok(())
    });
    peers::all_agents_are_wanted().then(|| trial.with_ignored_flag(is_missing))
}

fn world(model: &Model, world: World) -> World {
    let tables = AGENTS.map(|agent| {
        let program = peers::agent(agent).expect("it is ignored where one is missing").display().to_string();
        Real::of(agent).table(&program)
    });
    let providers = real::providers(&model.url());
    world.configure(&format!("\n[cage]\nread = [\"{{place}}/gates\"]\n{providers}{}", tables.concat()));
    world
}

fn three_agents_work_at_once_and_all_land() {
    let place = World::new();
    let model = Model::of(&SCRIPT.replace("{place}", &place.place().display().to_string()));
    let world = world(&model, place);
    std::fs::create_dir(world.path("gates")).unwrap();
    let [kitchen, cellar, attic] =
        ["kitchen", "cellar", "attic"].map(|room| Gate::at(&world.path(&format!("gates/{room}"))));
    let mut instance = world.up();
    let mut say = |words: &str, seen: &str| {
        instance.say(words);
        wait_for(&instance, seen);
    };
    say("ana: @agent add a kitchen agent=claude", "Plan v1 for T-1: A kitchen like the hall");
    say("ana: @agent dig a cellar agent=codex", "Plan v1 for T-2: A cellar below the hall");
    say("ana: @agent build an attic agent=opencode", "Plan v1 for T-3: An attic of wood");
    for task in ["T-1", "T-2", "T-3"] {
        say(&format!("ben: approve {task}"), &format!("{task} plan v1 approved by ben"));
    }
    let at_once = [&kitchen, &cellar, &attic].map(Gate::wait_for_somebody);

    let [in_kitchen, in_cellar, in_attic] = at_once;
    say("ben: status", "T-3 · build an attic (by ana) · being worked on");
    say("ana: steer T-1 make the kitchen yellow", "ana  steer T-1");
    say("ana: pause T-2", "T-2 paused by ana");
    in_kitchen.let_through();
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +1 −0 in kitchen.room");
    drop(in_cellar);
    instance.say("ana: resume T-2");
    cellar.wait_for_somebody().let_through();
    wait_for(&instance, "T-2 is ready on downbeat/T-2: +1 −0 in cellar.room");
    in_attic.let_through();
    wait_for(&instance, "T-3 is ready on downbeat/T-3: +1 −0 in attic.room");
    take_back_and_land(&mut instance);

    let rooms = |room: &str| world.remote.git(&["show", &format!("main:{room}.room")]);
    assert_eq!(["kitchen", "cellar", "attic"].map(rooms), ["wall: yellow\n", "wall: brick\n", "wall: wood\n"]);
    assert!(!world.remote.git(&["ls-tree", "--name-only", "main"]).contains("window"));
    world.check_commit("main").unwrap();
    assert!(model.heard().iter().all(|heard| heard.key() == KEY));
    let ended = instance.stop();
    assert!(ended.status.success() && !ended.out.contains("wants to reach"), "{}", ended.out);
}

fn take_back_and_land(instance: &mut Instance) {
    let mut say = |words: &str, seen: &str| {
        instance.say(words);
        wait_for(instance, seen);
    };
    say("ana: revise T-3 with a window", "Plan v2 for T-3: An attic with a window");
    say("ben: approve T-3", "T-3 is ready on downbeat/T-3: +2 −0 in attic.room, window.room");
    say("ana: checkpoints T-3", "#2 · ");
    say("ana: rollback T-3 1 no window after all", "ana  rollback T-3");
    let again = instance.out.wait_for_nth("T-3 is ready on downbeat/T-3: +1 −0 in attic.room", 1);
    assert!(again.is_some(), "it is not as it was:\n{}", instance.out.text());
    let tasks = ["T-1", "T-2", "T-3"];
    tasks.iter().for_each(|task| instance.say(&format!("ben: merge {task}")));
    for task in tasks {
        wait_for(instance, &format!("{task} is merged into main"));
    }
}
