//! Money that runs out in the middle of a step: the turn ends there, a person is asked, and what was done is gone on with.

use std::os::unix::fs::PermissionsExt;

use super::scene::Scene;

/// An agent in Codex's own language. Its first turn gets half way, tells of two dollars, and would go on for ever; the
/// next goes on with what the first left.
const SPENDER: &str = r#"#!/bin/sh
[ "$1" = --version ] && echo codex 0.169.0 && exit
say() { printf '%s\n' "$1"; }
used() { say '{"method":"thread/tokenUsage/updated","params":{"tokenUsage":{"total":{"inputTokens":0,"cachedInputTokens":0,"outputTokens":'$1',"totalTokens":'$1'}}}}'; }
read -r line; say '{"id":1,"result":{}}'
read -r line; read -r line; say '{"id":2,"result":{"thread":{"id":"one"},"model":"gpt-5.1"}}'
read -r line; say '{"id":3,"result":{"turn":{"id":"a"}}}'
say '{"method":"turn/started","params":{"turn":{"id":"a"}}}'
if [ -e half.md ]; then
    rm half.md
    echo 'wall: yellow' > kitchen.room
    used 210000
    say '{"method":"turn/completed","params":{"turn":{"id":"a","status":"completed"}}}'
else
    echo half > half.md
    used 200000
    while read -r line; do :; done
    sleep 600
    echo 'wall: never' > kitchen.room
fi
"#;

const CONFIG: &str = r#"
[providers.openai]
key = "k"
base_url = "http://127.0.0.1:9/v1"

[agents.spender]
kind = "codex"
command = ["{place}/gates/spender"]
"#;

fn scene() -> Scene {
    let mut scene = Scene::new();
    let spender = scene.office.world.write("gates/spender", SPENDER);
    std::fs::set_permissions(&spender, PermissionsExt::from_mode(0o755)).unwrap();
    scene.office.configure(CONFIG);
    scene.instance = Some(scene.office.up());
    scene.ask("add a kitchen agent=spender plan=off budget=1");
    scene.see("T-1 has cost $1, which is its cap. May it go on?");
    scene
}

pub fn a_cap_that_is_crossed_in_a_step_pauses_it_and_a_person_lets_it_go_on() {
    let mut scene = scene();
    assert_eq!(scene.state(), "asking");
    let slack = &scene.office.slack;
    let question = slack.find(&scene.mention, "[allow $2 more]");
    slack.click(&question, "gus", "allow $2 more").answered().unwrap();
    slack.until_ephemeral("gus", "I do not know you");
    assert_eq!(scene.state(), "asking");
    scene.click("allow $2 more");
    scene.see("[Merge]");
    let thread = scene.thread();
    assert!(thread.contains("cost $2.10") && thread.matches("T-1 asks").count() == 1, "{thread}");
    scene.merge();
    scene.until_state("merged");
    assert_eq!(scene.office.landed("kitchen.room").as_deref(), Some("wall: yellow\n"));
    assert_eq!(scene.office.landed("half.md"), None);
    scene.assert_landed_once();
}

pub fn a_cap_that_nobody_raises_ends_the_task() {
    let mut scene = scene();
    scene.click("stop");
    scene.see("has cost $1, which is its cap. ben stopped it");
    scene.until_state("failed");
    assert_eq!(scene.office.landed("kitchen.room"), None);
}
