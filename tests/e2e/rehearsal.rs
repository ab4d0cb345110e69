//! `downbeat queue simulate`: no config, no repository, no instance; or what an instance has recorded.

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

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
        (&["--strategy", "luck"], "there is no strategy `luck`; choose among serial, no-queue, batch"),
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

/// So many changes, one every hour, of which each was checked for ten minutes and every tenth was bad.
fn record(world: &World, changes: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = SqliteConnectOptions::new().filename(world.path("state/downbeat.db"));
    runtime.block_on(async {
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        for n in 0..changes {
            let (outcome, text) = match n % 10 {
                9 => ("ejected", "ejected: rooms exited with 1"),
                _ => ("merged", "merged as 1234567"),
            };
            let row =
                "INSERT INTO entry (queue, rank, id, title, requested_by, phase, outcome, outcome_text, enqueued_at_ms,
                ended_at_ms) VALUES ('house:main', ?, 'T-' || ?, 'a room', 'ana', 'ended', ?, ?, ?, ?)";
            let row = sqlx::query(row).bind(n).bind(n).bind(outcome).bind(text);
            row.bind(n * 3_600_000).bind(n * 3_600_000 + 600_000).execute(&mut database).await.unwrap();
        }
        database.close().await.unwrap();
    });
}

pub fn what_the_queue_has_been_through_is_played_again() {
    let world = World::new();
    let config = world.path("downbeat.toml");
    let of_history = |more: &[&str]| {
        let mut command = world.program();
        command.args(["queue", "simulate", "--from-history", "--config"]).arg(&config).args(more);
        Instance::start(command).ended()
    };
    let ended = of_history(&[]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.err);
    let said = "the queue of house remembers 0 changes with a verdict, and 20 are needed";
    assert!(ended.err.contains(said), "{}", ended.err);

    let mut migrate = world.program();
    migrate.args(["db", "migrate", "--config"]).arg(&config);
    assert!(Instance::start(migrate).ended().status.success());
    record(&world, 40);
    let ended = of_history(&["--seeds", "2", "--slots", "4"]);
    assert!(ended.status.success(), "{}", ended.err);
    let said =
        "a run took 10 min; those who landed really waited 10 min at the median, one in twenty longer than 10 min";
    assert!(ended.out.contains(said) && ended.out.contains("adaptive"), "{}", ended.out);
    assert!(ended.out.contains("40 changes") && ended.out.contains("10 % bad"), "{}", ended.out);
    let ended = of_history(&["--seeds", "2", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&told["version"], &told["history"]["run_ms"]), (&1.into(), &600_000.0.into()));

    let ended = of_history(&["--repo", "barn"]);
    assert!(ended.err.contains("there is no repository `barn`; the config knows house"), "{}", ended.err);
}
