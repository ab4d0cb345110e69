//! The command line against a running instance: what it prints, what it exits with, and who may do what.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::instance::{Ended, Instance};
use crate::world::World;

/// Runs a command for this world's instance.
pub fn run(world: &World, args: &[&str]) -> Ended {
    let mut command = world.program();
    command.args(args).arg("--config").arg(world.path("downbeat.toml"));
    Instance::start(command).ended()
}

/// What a command prints that ends well.
pub fn done(world: &World, args: &[&str]) -> String {
    let ended = run(world, args);
    assert_eq!(ended.status.code(), Some(0), "{args:?}: {}", ended.err);
    ended.out
}

fn refused(world: &World, args: &[&str], code: i32) -> String {
    let ended = run(world, args);
    assert_eq!(ended.status.code(), Some(code), "{args:?}: {} {}", ended.out, ended.err);
    assert_eq!(ended.out, "", "a refusal is no output");
    ended.err.replace(world.place().to_str().unwrap(), "{place}")
}

fn json(world: &World, args: &[&str]) -> Value {
    let said = done(world, &[args, &["--json"]].concat());
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

pub fn a_task_is_carried_through_from_the_command_line() {
    let world = World::new();
    let instance = world.up();
    let asked = done(&world, &["task", "ask", "--as", "ana", "add a kitchen"]);
    assert!(asked.starts_with("T-1 is asked for"), "{asked}");
    instance.out.wait_for("Plan v1 for T-1").expect("it plans");

    let list = done(&world, &["task", "list"]);
    assert!(
        list.starts_with("Needs a person\n  T-1  approve plan") && list.ends_with("ana  house  add a kitchen"),
        "{list}"
    );
    let plan = done(&world, &["task", "show", "T-1"]);
    assert!(
        plan.contains("Plan v1 #") && plan.contains("A kitchen") && plan.contains("downbeat task approve T-1"),
        "{plan}"
    );
    let task = json(&world, &["task", "show", "T-1"]);
    assert_eq!((&task["state"], &task["ended"]), (&"awaiting-approval".into(), &false.into()), "{task}");
    let hash = task["plan"]["hash"].as_str().expect("the plan has a hash").to_owned();

    let stale = refused(&world, &["task", "approve", "T-1", "--as", "ben", "--hash", "00000000"], 5);
    assert!(stale.contains("not the one") && stale.contains("Read the newest plan"), "{stale}");
    assert_eq!(
        done(&world, &["task", "approve", "T-1", "--as", "ben", "--plan", "1", "--hash", &hash]),
        "T-1 is approved"
    );
    instance.out.wait_for("T-1 is ready").expect("it works");
    assert!(done(&world, &["task", "diff", "T-1"]).contains("+wall: yellow"));
    assert_eq!(json(&world, &["task", "diff", "T-1"])["changes"][0]["path"], "kitchen.room");

    assert_eq!(
        done(&world, &["queue", "pause", "--as", "ben"]),
        "The merge queue of house is paused; say `resume` to go on."
    );
    let merged = json(&world, &["task", "merge", "T-1", "--as", "ben"]);
    assert_eq!(merged, serde_json::json!({ "task": "T-1", "said": "T-1 is in the merge queue" }));
    instance.out.wait_for("in the merge queue").expect("it is in line");
    assert!(done(&world, &["queue", "show"]).contains("1. T-1 add a kitchen · waiting"));
    done(&world, &["queue", "remove", "T-1", "--as", "ben"]);
    done(&world, &["queue", "resume", "--as", "ben"]);
    done(&world, &["queue", "merge", "T-1", "--as", "ben"]);
    instance.out.wait_for("T-1 is merged").expect("it lands");
    assert_eq!(json(&world, &["queue", "show"])["queues"][0]["left"][0]["entry"], "T-1");
    assert_eq!(done(&world, &["task", "list"]), "No task is live; 1 have ended. See them with --all.");
    done(&world, &["task", "log", "T-1", "--follow"]);
}

pub fn who_may_not_is_told_so_and_nothing_happens() {
    let world = World::new();
    let instance = world.up();
    done(&world, &["task", "ask", "--as", "ana", "add a kitchen"]);
    instance.out.wait_for("Plan v1 for T-1").expect("it plans");
    let said = refused(&world, &["task", "approve", "T-1", "--as", "dan"], 5);
    assert!(said.contains("that takes the role approver. ana or ben can"), "it says who can: {said}");
    let said = refused(&world, &["task", "approve", "T-1", "--as", "zoe"], 5);
    expect_test::expect!["error: the config knows no `zoe`; it knows ana, ben, cleo, dan"].assert_eq(&said);
    let said = refused(&world, &["task", "approve", "T-1"], 2);
    expect_test::expect!["error: say who you are with --as NAME; the config knows ana, ben, cleo, dan"]
        .assert_eq(&said);
    let said = refused(&world, &["task", "show", "T-9"], 5);
    expect_test::expect!["error: There is no task T-9. See what there is with `downbeat task list --all`."]
        .assert_eq(&said);
    let said = refused(&world, &["task", "show", "nine"], 2);
    assert!(said.contains("'nine'") && said.contains("T-1"), "{said}");
    assert_eq!(json(&world, &["task", "show", "T-1"])["state"], "awaiting-approval");
}

pub fn two_who_approve_at_once_are_both_answered() {
    let world = World::new();
    world.configure("\n[people.eva]\nroles = [\"approver\"]\n");
    let instance = world.up();
    done(&world, &["task", "ask", "--as", "ana", "add a kitchen"]);
    instance.out.wait_for("Plan v1 for T-1").expect("it plans");
    let start = |name: &str| {
        let mut command = world.program();
        command
            .args(["task", "approve", "T-1", "--plan", "1", "--as", name, "--config"])
            .arg(world.path("downbeat.toml"));
        Instance::start(command)
    };
    let (ben, eva) = (start("ben"), start("eva"));
    let mut codes = [ben.ended(), eva.ended()].map(|ended| ended.status.code());
    codes.sort();
    assert_eq!(codes, [Some(0), Some(5)], "one approves, and the other is told that it was done");
    instance.out.wait_for("T-1 is ready").expect("it is worked on once");
    assert_eq!(json(&world, &["task", "show", "T-1"])["facts"][8]["value"], "2", "one session planned, one worked");
}

pub fn nobody_there_is_its_own_exit_code() {
    let world = World::new();
    let said = refused(&world, &["task", "list"], 4);
    expect_test::expect![
        "error: no downbeat is running with the state directory {place}/state; start one with `downbeat up`"
    ]
    .assert_eq(&said);
    drop(world.up().kill());
    assert!(world.path("state/control.sock").exists(), "a killed instance leaves its socket");
    refused(&world, &["task", "list"], 4);
    let instance = world.up();
    done(&world, &["task", "list"]);
    instance.stop();
    refused(&world, &["queue", "show"], 4);
}

pub fn the_only_running_instance_is_meant_from_anywhere() {
    let world = World::new();
    let state = world.path("home/.local/state/downbeat/house");
    world.write(
        "downbeat.toml",
        &std::fs::read_to_string(world.path("downbeat.toml"))
            .unwrap()
            .replace(world.path("state").to_str().unwrap(), state.to_str().unwrap()),
    );
    let _instance = world.up();
    let mut command = world.program();
    command.args(["task", "list"]);
    let ended = Instance::start(command).ended();
    assert!(ended.out.starts_with("No tasks yet"), "{ended:?}");
}

pub fn the_schema_is_shown_and_brought_up_to_date() {
    let world = World::new();
    let pending = run(&world, &["db", "status"]);
    assert_eq!(pending.status.code(), Some(1));
    assert!(pending.out.starts_with("0001 initial      pending"), "{}", pending.out);
    assert!(!world.path("state/downbeat.db").exists(), "looking makes no database");
    assert!(done(&world, &["db", "migrate"]).starts_with("applied 0001 initial"));
    assert_eq!(done(&world, &["db", "migrate"]), "the schema is up to date");
    assert!(done(&world, &["db", "status"]).contains("applied"));
}

/// As a caged program would try it that reached the socket: it may not read the token beside it.
pub fn whoever_does_not_know_the_token_is_not_answered() {
    let world = World::new();
    let instance = world.up();
    let token = std::fs::read_to_string(world.path("state/control.token")).unwrap();
    let hello = |token: &str| {
        let mut stream = UnixStream::connect(world.path("state/control.sock")).unwrap();
        writeln!(stream, "{{\"ask\":\"hello\",\"version\":1,\"token\":\"{token}\"}}").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer
    };
    assert!(hello("a guess").contains("its token is in control.token"), "{}", hello("a guess"));
    assert!(!hello(&token).contains("its token is in"));
    assert!(instance.stop().status.success());
}
