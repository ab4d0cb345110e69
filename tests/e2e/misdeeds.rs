//! Agents that are none, or bad ones: each ends in a card that says what happened, and nothing else is harmed.

use std::os::unix::fs::PermissionsExt;

use crate::agents::wait_for;
use crate::family::who_works_in;
use crate::world::World;

/// The programs of agents that are no such agents.
const PROGRAMS: [(&str, &str); 2] = [
    ("old", "echo \"error: unknown option '--permission-prompt-tool'\" >&2; exit 1"),
    ("garbled", "while :; do echo 'Would you like to log in? [y/n]'; done"),
];

/// What agents do that are a command.
const COMMANDS: [(&str, &str); 9] = [
    ("dies", "echo 'out of ideas' >&2; kill -9 $$"),
    ("hangs", "echo 'thinking'; exec sleep 600"),
    ("floods", "exec yes"),
    (
        "forks",
        "bomb() { if [ $1 -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi; while :; do :; done; }; bomb 9",
    ),
    ("fills", "n=0; while n=$((n + 1)); do head -c 1000000 /dev/zero > $n.bin; done"),
    ("hoards", "head -c 1000000000 /dev/zero > big.bin"),
    ("deletes", "rm -rf ./* ./.downbeat"),
    ("renames", "mv .git .was; echo 'wall: pink' > pink.room"),
    (
        "points",
        "ln -s /etc/passwd passwd; ln -s ../../../../outside up; git init -q inner; echo x > inner/x; \
         printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = ext::sh -c touch% {place}/owned\\n' > .gitmodules; \
         git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x; echo 'wall: pink' > pink.room",
    ),
];

const CONFIG: &str = r#"
[cage]
output_mb = 1
file_mb = 50
disk_mb = 100
processes = 200

[providers.anthropic]
key = "k"
base_url = "http://127.0.0.1:9"

[providers.openai]
key = "k"
base_url = "http://127.0.0.1:9"

[agents.missing]
kind = "claude"
command = ["{place}/agents/nowhere"]

[agents.old]
kind = "claude"
command = ["{place}/agents/old"]

[agents.keyless]
kind = "acp"
provider = "gemini"
command = ["{place}/agents/garbled"]

[agents.garbled-claude]
kind = "claude"
command = ["{place}/agents/garbled"]

[agents.garbled-codex]
kind = "codex"
command = ["{place}/agents/garbled"]

[agents.garbled-acp]
kind = "acp"
provider = "openai"
command = ["{place}/agents/garbled"]
"#;

fn world() -> World {
    let world = World::new();
    std::fs::create_dir(world.path("agents")).unwrap();
    for (name, script) in PROGRAMS {
        let program = world.write(&format!("agents/{name}"), &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let commands = COMMANDS.map(|(name, line)| {
        let command = toml::Value::from(vec!["/bin/sh", "-c", line]);
        format!("\n[agents.{name}]\nkind = \"command\"\ncommand = {command}\n")
    });
    world.configure(&format!("{CONFIG}{}", commands.concat()));
    world
}

/// What is read of each.
const CARDS: [&str; 14] = [
    "the agent missing could not start: there is no program `",
    "the agent old ended with exit code 1; its last words:",
    "It ended before it began. `downbeat agent list` shows its version",
    "the agent keyless could not start: it reaches its model by a gate, and this session has none; add a key for `providers.gemini`",
    "the agent garbled-claude does not speak the language that its `kind` stands for",
    "the agent garbled-codex does not speak the language that its `kind` stands for",
    "the agent garbled-acp does not speak the language that its `kind` stands for",
    "the agent dies was killed by signal 9; its last words:",
    "the agent floods was stopped because it wrote more output than allowed; its last words:",
    "the agent forks was ended because it had more processes than allowed",
    "the agent fills was stopped because its files took more disk than allowed",
    "the agent hoards ended with exit code 153; its last words:",
    "failed: the agent left no working tree: every file in it was deleted",
    "the change is R2 (`.gitmodules`: dependencies)",
];

/// One after the other in one instance, four at a time; whoever comes after them finds everything as it was.
pub fn every_bad_agent_ends_in_a_clear_card_and_harms_nothing() {
    let world = world();
    let mut instance = world.up();
    let names = ["missing", "old", "keyless", "garbled-claude", "garbled-codex", "garbled-acp"];
    for name in names.into_iter().chain(COMMANDS.map(|(name, _)| name)) {
        instance.say(&format!("#{name} ana: @agent try it agent={name} plan=off"));
    }
    for words in CARDS {
        wait_for(&instance, words);
    }
    // What still runs ends when somebody says so, and the links of another land as links.
    instance.say("#hangs ana: stop");
    wait_for(&instance, "ended: stopped by ana");
    instance.say("#points ben: approve");
    wait_for(&instance, "passwd, pink.room, up");
    instance.say("ana: @agent add a kitchen agent=scripted plan=off");
    wait_for(&instance, "in kitchen.room");
    instance.say("#points ben: merge");
    wait_for(&instance, "is merged into main");
    instance.say("ben: merge");
    assert!(instance.stop().status.success());

    assert_eq!(who_works_in(world.place()), [], "somebody is left");
    for stray in ["owned", "outside"] {
        assert!(!world.path(stray).exists(), "{stray} was made outside of every cage");
    }
    assert_eq!(world.remote.git(&["cat-file", "-p", "main:passwd"]), "/etc/passwd");
    assert!(!world.remote.git(&["ls-tree", "-r", "main"]).contains("160000"), "a submodule of nobody's landed");
    world.remote.git(&["fsck", "--strict"]);
    world.check_commit("main").unwrap();
}
