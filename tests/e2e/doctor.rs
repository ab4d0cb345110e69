//! `downbeat doctor`: what a person reads when everything works, and when it does not.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};

use crate::instance::{Ended, Instance};
use crate::world::{NOBODY, World, is_root, names_in};

/// What a line says that tells of the machine, such as how much its disk has left, and not of the installation.
const OF_THE_MACHINE: [&str; 6] =
    ["git version", "are free there", "standard:", "strong:", "level strong", "package bubblewrap"];

fn doctor(world: &World, args: &[&str]) -> Command {
    let mut command = world.program();
    command.arg("doctor").arg("--config").arg(world.path("downbeat.toml")).args(args);
    command
}

fn ended(command: Command, code: i32) -> Ended {
    let ended = Instance::start(command).ended();
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    ended
}

/// The output without what differs from machine to machine, with its hint, and without its share in the verdict.
fn shown(world: &World, ended: &Ended) -> String {
    let text = ended.out.replace(world.place().to_str().unwrap(), "{place}");
    let (mut shown, mut is_left_out, mut n_left_out) = (String::new(), false, 0);
    for line in text.lines() {
        is_left_out = OF_THE_MACHINE.iter().any(|words| line.contains(words)) || is_left_out && line.contains("→ ");
        n_left_out += usize::from(is_left_out && line.trim_start().starts_with("warn"));
        if !is_left_out {
            writeln!(shown, "{line}").unwrap();
        }
    }
    match n_left_out {
        0 => shown,
        n => shown.replace(&format!("with {} warnings.", n + 1), "with 1 warning."),
    }
}

fn check(world: &World, ended: &Ended, expected: Expect) {
    expected.assert_eq(&shown(world, ended));
}

/// The lines of one group.
fn group(text: &str, name: &str) -> String {
    let rest = text.split(&format!("{name}\n")).nth(1).unwrap_or_else(|| panic!("no {name} in:\n{text}"));
    format!("{name}\n{}", rest.split("\n\n").next().unwrap_or_default())
}

fn change_config(world: &World, from: &str, to: &str) {
    let config = world.path("downbeat.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains(from), "the config has no {from:?}");
    std::fs::write(&config, text.replacen(from, to, 1)).unwrap();
}

pub fn a_healthy_installation_is_told_line_by_line_and_left_alone() {
    let world = World::new();
    check(
        &world,
        &ended(doctor(&world, &[]), 0),
        expect![[r#"
            machine
              ok    the state directory {place}/state can be written
              ok    no downbeat runs there now

            config
              ok    {place}/downbeat.toml can be read
              ok    asks: ana, cleo, dan; approves: ben; operates the queue: ben

            database
              ok    there is none yet; the first start can make it

            repositories
              ok    house: {place}/house.git answers and has `main`
              ok    house: a change lands when `sh check.sh` passed (.downbeat/config.toml)
              ok    house: recipes: sweep
              ok    house: it takes pushes

            cage
              ok    a file outside cannot be read
              ok    no TCP connection can be made
              ok    checks find their programs: sh

            agents
              ok    recipes: runs recipes
              warn  scripted: only follows a script, for the demo and for tests
                    → give `agents.scripted` another `kind`

            instance
              ok    the page can listen on 127.0.0.1:0

            Everything works, with 1 warning.
        "#]],
    );
    assert!(!world.path("state").exists(), "what was made for it is gone");
    assert_eq!(world.remote.log("main").lines().count(), 1);
    assert_eq!(world.remote.git(&["branch", "--list"]).lines().count(), 1, "nothing was pushed");
}

pub fn each_thing_that_is_broken_is_told_with_its_fix() {
    let world = World::new();
    let tool = world.path("home/bin/tool");
    std::fs::create_dir(world.path("home/bin")).unwrap();
    std::fs::write(&tool, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    world.remote.commit(
        "ana",
        "other checks",
        &[
            (".downbeat/config.toml", "[[checks]]\nname = \"a\"\ncommand = \"tool --all\"\n[[checks]]\nname = \"b\"\ncommand = \"no-such-tool\"\n"),
            (".downbeat/recipes/sweep.toml", "steps = 3\n"),
        ],
    );
    world.configure(
        "[repos.gone]\nremote = \"{place}/gone\"\ntarget = \"main\"\n[repos.other]\nremote = \"{place}/house.git\"\ntarget = \"trunk\"\n\
         [agents.missing]\nkind = \"command\"\ncommand = [\"no-such-agent\"]\n",
    );
    change_config(&world, "roles = [\"approver\", \"operator\"]", "roles = [\"viewer\"]");
    let mut command = doctor(&world, &[]);
    command.env("PATH", format!("{}:/usr/bin:/bin", world.path("home/bin").display()));
    let text = shown(&world, &ended(command, 1));
    let groups = ["config", "repositories", "cage", "agents"].map(|name| group(&text, name)).join("\n\n");
    expect![[r#"
        config
          ok    {place}/downbeat.toml can be read
          warn  nobody may approve other people's tasks, so changes of medium risk (R2) wait for ever
                → give somebody "approver" in `people.NAME.roles`
          warn  nobody may pause or resume the queue
                → give somebody "operator" in `people.NAME.roles`

        repositories
          fail  gone: there is nothing at {place}/gone
                → set `repos.gone.remote` to where it is, or make that place answer
          ok    house: {place}/house.git answers and has `main`
          ok    house: a change lands when `tool --all` and `no-such-tool` passed (.downbeat/config.toml)
          fail  house: .downbeat/recipes/sweep.toml, line 1, column 9: invalid type: integer `3`, expected a sequence
                → correct it on `main`
          ok    house: it takes pushes
          fail  other: {place}/house.git has no branch `trunk`
                → set `repos.other.target` to one of `main`

        cage
          ok    a file outside cannot be read
          ok    no TCP connection can be made
          fail  the check `b` of house runs `no-such-tool`, which is not installed
                → install no-such-tool, or change the command
          fail  the check `a` of house runs `tool`, which is at {place}/home/bin/tool and hidden inside
                → set in the config, beside what is there:
                cage.read = ["{place}/home/bin"]
                cage.env.PATH = "{place}/home/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

        agents
          fail  the agent missing runs `no-such-agent`, which is not installed
                → install no-such-agent, or change the command
          warn  missing: cannot plan, so every request needs plan=off
                → set `agents.missing.plan` to a command that prints a plan
          warn  recipes: no repository has a recipe yet
                → commit one as .downbeat/recipes/NAME.toml, with `description` and [[steps]] of `name` and `command`
          warn  scripted: only follows a script, for the demo and for tests
                → give `agents.scripted` another `kind`"#]]
    .assert_eq(&groups);
}

pub fn every_mistake_of_a_config_is_told() {
    let world = World::new();
    change_config(&world, "agent = \"scripted\"", "agnet = \"scripted\"\nmention = 3");
    let text = shown(&world, &ended(doctor(&world, &[]), 1));
    expect![[r#"
        config
          fail  {place}/downbeat.toml, line 3, column 1: there is no key `agnet` at the top of the file; did you mean `agent`?
                   3 | agnet = "…"
                     | ^
                → correct it; `downbeat config explain` tells what each key takes
          fail  {place}/downbeat.toml, line 4, column 11: `mention` is a text in quotes, not a number
                   4 | mention = 3
                     |           ^
                → correct it; `downbeat config explain` tells what each key takes"#]].assert_eq(&group(&text, "config"));
}

pub fn a_remote_that_never_answers_hinders_nothing_else() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/web.git", silent.local_addr().unwrap());
    let world = World::new();
    world.configure(&format!("[repos.silent]\nremote = \"{address}\"\ntarget = \"main\"\n"));
    let since = Instant::now();
    let text = shown(&world, &ended(doctor(&world, &[]), 1)).replace(&address, "{address}");
    assert!(since.elapsed() < Duration::from_secs(10), "it took {:?}", since.elapsed());
    expect![[r#"
        repositories
          ok    house: {place}/house.git answers and has `main`
          ok    house: a change lands when `sh check.sh` passed (.downbeat/config.toml)
          ok    house: recipes: sweep
          ok    house: it takes pushes
          fail  silent: {address} cannot be read: it did not answer within 6 s
                → set `repos.silent.remote` to where it is, or make that place answer"#]]
    .assert_eq(&group(&text, "repositories"));
}

pub fn a_running_instance_is_recognised_and_not_disturbed() {
    let world = World::new();
    let instance = world.up();
    let (page, process) = (instance.page().to_string(), instance.id().to_string());
    let text = shown(&world, &ended(doctor(&world, &[]), 0)).replace(&page, "{page}").replace(&process, "{process}");
    let groups = ["machine", "database", "instance"].map(|name| group(&text, name)).join("\n\n");
    expect![[r#"
        machine
          ok    the state directory {place}/state can be written
          ok    downbeat 0.1.0 runs there as process {process}

        database
          ok    SQLite answers; it is not written while an instance runs

        instance
          ok    it answers on its control socket; its page is http://{page}/"#]]
    .assert_eq(&groups);
    assert!(instance.stop().status.success());
    let text = shown(&world, &ended(doctor(&world, &[]), 0));
    expect![[r#"
        database
          ok    SQLite can be read and written"#]]
    .assert_eq(&group(&text, "database"));
    assert!(!names_in(&world.path("state")).iter().any(|name| name.starts_with("doctor")), "nothing was left");
}

pub fn a_state_directory_that_cannot_be_written_is_told() {
    let world = World::new();
    let mut command = doctor(&world, &[]);
    if is_root() {
        let program = world.hand_to_nobody();
        let nobody = NOBODY.to_string();
        command = Command::new("setpriv");
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]);
        command.arg(program).args(["doctor", "--config"]).arg(world.path("downbeat.toml"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", world.path("home"));
    }
    let state = world.path("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o555)).unwrap();
    let text = shown(&world, &ended(command, 1));
    let groups = ["machine", "database"].map(|name| group(&text, name)).join("\n\n");
    expect![[r#"
        machine
          fail  the state directory {place}/state cannot be written: permission denied
                → make it writable for this user, or set `state` to another directory
          ok    no downbeat runs there now

        database
          warn  it was not tried, because the state directory cannot be written
                → look at the state directory first"#]]
    .assert_eq(&groups);
}

pub fn a_program_can_read_it() {
    let world = World::new();
    let told: serde_json::Value = serde_json::from_str(&ended(doctor(&world, &["--json"]), 0).out).unwrap();
    let findings = told["findings"].as_array().unwrap();
    let fails = findings.iter().filter(|finding| finding["verdict"] == "fail").count();
    assert_eq!((fails, findings[0]["group"].as_str()), (0, Some("machine")));
    std::fs::remove_dir_all(world.remote.path()).unwrap();
    let told: serde_json::Value = serde_json::from_str(&ended(doctor(&world, &["--json"]), 1).out).unwrap();
    let fails = told["findings"].as_array().unwrap().iter().filter(|finding| finding["verdict"] == "fail");
    let fails: Vec<_> = fails.map(|finding| (&finding["group"], finding["fix"].is_string())).collect();
    assert_eq!(fails, [(&serde_json::json!("repositories"), true)]);
}
