//! `downbeat queue simulate`: no config, no repository, no instance.

use crate::instance::{Ended, Instance};
use crate::world::World;

fn simulate(world: &World, args: &[&str]) -> Ended {
    let mut command = world.program();
    command.args(["queue", "simulate"]).args(args);
    Instance::start(command).ended()
}

pub fn strategies_are_compared_without_an_instance() {
    let world = World::new();
    let picture = world.path("comparison.svg");
    let svg = picture.to_str().unwrap();
    let args = ["backlog", "--seeds", "2", "--changes", "300", "--strategy", "train", "--strategy", "nest", "--json"];
    let ended = simulate(&world, &[&args[..], &["--svg", svg]].concat());
    assert!(ended.status.success(), "{}", ended.err);
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    let landed = |n: usize| told["strategies"][n]["landed_per_time"]["mean"].as_f64().unwrap();
    assert!(landed(1) > 2. * landed(0), "{told:#}");
    assert_eq!(told["strategies"].as_array().unwrap().len(), 2);
    let drawn = std::fs::read_to_string(&picture).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("nest") && drawn.ends_with("</svg>\n"), "{drawn}");

    let again = simulate(&world, &args);
    assert_eq!(again.out, ended.out, "a seed means the same everywhere");
}

pub fn what_cannot_be_simulated_is_said_with_what_can() {
    let world = World::new();
    for (args, said) in [
        (["nonsense"].as_slice(), "team, monorepo, agents"),
        (&["--strategy", "luck"], "there is no strategy `luck`; choose among serial, batch"),
        (&["--bad", "120"], "write a number from 0 to below 100"),
        (&["--arrivals", "NaN"], "write a number from 0 to 1000"),
        (&["--seeds", "0"], "0 is not in 1..=1000"),
    ] {
        let ended = simulate(&world, args);
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(said), "{args:?}: {}", ended.err);
    }
    let ended = simulate(&world, &["--seeds", "1", "--svg", "/nowhere/at/all.svg"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.err.contains("the picture cannot be written to /nowhere/at/all.svg"), "{}", ended.err);
}
