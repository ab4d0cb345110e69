//! A push that outlives the process that began it: git is no part of the cage, so its end is not forced.

use crate::family;
use crate::gate::Gate;
use crate::instance::PATIENCE;
use crate::world::World;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

/// [31] The remote holds a landing up; the process is killed, its heir lands the same change, and then the first push goes on.
pub fn a_push_that_outlives_its_process_lands_once() {
    let world = World::new();
    let gate = Gate::at(&world.path("gate"));
    let mut instance = world.up();
    for (words, seen) in [("ana: @agent add a kitchen", "Plan v1 for T-1"), ("ben: approve T-1", "T-1 is ready")] {
        instance.say(words);
        instance.out.wait_for(seen).unwrap_or_else(|| panic!("{seen:?} never came upon {words:?}"));
    }
    let hook = world.remote.path().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let first = world.path("first");
    let text = format!("#!/bin/sh\nif mkdir {} 2>/dev/null; then\n    {}\nfi\n", first.display(), gate.wait());
    std::fs::write(&hook, text).unwrap();
    std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).unwrap();

    instance.say("ben: merge T-1");
    let visitor = gate.wait_for_somebody();
    let pushing = family::descendants(instance.id());
    drop(instance.kill());
    let instance = world.up();
    instance.out.wait_for("T-1 is merged").expect("the heir lands it");
    visitor.let_through();
    family::wait_for_the_end(&pushing, Instant::now(), PATIENCE).expect("the old push ends by itself");
    assert!(instance.stop().status.success());
    assert_eq!(world.remote.log("main").lines().count(), 2, "it landed once");
}
