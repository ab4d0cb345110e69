//! What a person reads when it cannot start, word for word: the place, the reason, and what to do.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};

use crate::instance::Instance;
use crate::world::{NOBODY, World, is_root};

/// Starts a command that has to fail; its complaint, without the name of the place.
fn complaint(world: &World, command: Command) -> String {
    complaint_with(world, command, 1)
}

fn complaint_with(world: &World, command: Command, code: i32) -> String {
    let ended = Instance::start(command).ended();
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    assert_eq!(ended.out, "", "a failure is no output");
    ended.err.replace(world.place().to_str().unwrap(), "{place}")
}

fn check(change: (&str, &str), expected: Expect) {
    let world = World::new();
    let config = world.path("downbeat.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains(change.0), "the config has no {:?}", change.0);
    std::fs::write(&config, text.replacen(change.0, change.1, 1)).unwrap();
    expected.assert_eq(&complaint_with(&world, world.command(), 3));
}

pub fn a_config_that_is_wrong_is_explained() {
    check(
        ("target = \"main\"", "target = \"main\"\ncolour = \"blue\""),
        expect![[r#"
            error: {place}/downbeat.toml, line 20, column 1: there is no key `colour` in [repos.house]; known are `remote`, `target`, `checks`, `style`, `message`, `closed`, `github` and `egress`
              20 | colour = "…"
                 | ^"#]],
    );
    check(
        ("agent = \"scripted\"", "agent = \"claude\""),
        expect![[r#"
            error: {place}/downbeat.toml, line 3, column 9: there is no agent `claude`; the config has `recipes` and `scripted`
               3 | agent = "claude"
                 |         ^"#]],
    );
    check(
        ("127.0.0.1:0", "0.0.0.0:7117"),
        expect![[r#"
            error: {place}/downbeat.toml, line 29, column 10: `web.listen`: `0.0.0.0:7117` is open to others; the page asks nobody who they are, so it listens on 127.0.0.1 or [::1] only
              29 | listen = "0.0.0.0:7117"
                 |          ^"#]],
    );
    check(
        ("[web]", "[[policy.deny]]\nverb = \"ask\"\n\n[web]"),
        expect![[r#"
            error: {place}/downbeat.toml, line 28, column 1: there is no `why` in [[policy.deny]]; it is a text in quotes
              28 | [[policy.deny]]
                 | ^"#]],
    );
    check(
        ("[web]", "[policy.tiers]\nr3 = [\"secrets/[\"]\n\n[web]"),
        expect![[r#"
            error: {place}/downbeat.toml, line 29, column 7: `policy.tiers.r3`: `secrets/[` is not a path pattern: unclosed character class; missing ']'
              29 | r3 = ["secrets/["]
                 |       ^"#]],
    );
    check(
        ("roles = [\"requester\"]", "roles = [\"boss\"]"),
        expect![[r#"
            error: {place}/downbeat.toml, line 6, column 10: `people.ana.roles`: there is no `boss`; choose from `viewer`, `requester`, `approver`, `operator` and `admin`
               6 | roles = ["boss"]
                 |          ^"#]],
    );
    check(
        ("state = \"", "database = \"mysql://ana:secret@x\"\nstate = \""),
        expect![[r#"
            error: {place}/downbeat.toml, line 2, column 12: `database`: a database's address begins with `sqlite:` or `postgres://`
               2 | database = "…"
                 |            ^"#]],
    );
    check(
        ("agent = \"scripted\"", "agnet = \"scripted\"\nmention = 3"),
        expect![[r#"
            error: the config has 2 mistakes

            {place}/downbeat.toml, line 3, column 1: there is no key `agnet` at the top of the file; did you mean `agent`?
               3 | agnet = "…"
                 | ^

            {place}/downbeat.toml, line 4, column 11: `mention` is a text in quotes, not a number
               4 | mention = 3
                 |           ^"#]],
    );
}

pub fn a_config_that_is_not_there_is_named() {
    let world = World::new();
    let mut command = world.program();
    command.args(["up", "--config", "nowhere.toml"]);
    expect!["error: cannot read the config nowhere.toml: No such file or directory (os error 2). Give its path with --config"].assert_eq(&complaint_with(&world, command, 3));
}

pub fn a_port_that_is_taken_is_named() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = world.path("downbeat.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("127.0.0.1:0", &address)).unwrap();
    let said = complaint(&world, world.command()).replace(&address, "{address}");
    expect!["error: failed to listen on {address} (`web.listen`); stop what listens there, or set another port: Address already in use (os error 98)"]
        .assert_eq(&said);
}

pub fn a_state_directory_that_cannot_be_written_is_named() {
    let world = World::new();
    let mut command = world.command();
    if is_root() {
        let program = world.hand_to_nobody();
        let nobody = NOBODY.to_string();
        command = Command::new("setpriv");
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]);
        command.arg(program).args(["up", "--config"]).arg(world.path("downbeat.toml"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", world.path("home"));
    }
    let state = world.path("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o555)).unwrap();
    expect!["error: failed to use the state directory {place}/state; make it writable, or set another `state`: Permission denied (os error 13)"]
        .assert_eq(&complaint(&world, command));
}

pub fn a_git_that_is_missing_or_old_is_named() {
    let world = World::new();
    let programs = world.path("programs");
    std::fs::create_dir(&programs).unwrap();
    let with_path = |path: &Path| {
        let mut command = world.command();
        command.env("PATH", path);
        command
    };
    expect!["error: `git` could not be started: No such file or directory (os error 2); git 2.39 or newer has to be on the PATH"].assert_eq(&complaint(&world, with_path(&programs)));

    let git = programs.join("git");
    std::fs::write(&git, "#!/bin/sh\necho git version 2.30.2\n").unwrap();
    std::fs::set_permissions(&git, PermissionsExt::from_mode(0o755)).unwrap();
    expect!["error: `git` is git 2.30.2, and 2.39 is the oldest that works; put a newer one first on the PATH"]
        .assert_eq(&complaint(&world, with_path(&programs)));
}
