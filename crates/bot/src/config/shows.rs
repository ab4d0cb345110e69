//! What the commands print, the schema, and what a reload changes.

use expect_test::expect;

use super::command::{Answer, ConfigCommand, answer};
use super::key::Applied;
use super::reload::{changes, restart_needed};
use super::sample::{RIGHT, read, variables, with};
use super::*;

/// What a command prints about a config, without the name of the place.
fn printed(command: ConfigCommand, text: &str, env: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("downbeat.toml");
    std::fs::write(&path, text).unwrap();
    let told = match answer(&command, &Sources { generated: "", file: Some(&path), env: &variables(env) }) {
        Answer::Right(text) => text,
        Answer::Wrong(text) => format!("error: {text}"),
    };
    told.replace(&format!("{}/", folder.path().display()), "")
}

fn explained(key: &str) -> String {
    printed(ConfigCommand::Explain { key: Some(key.to_owned()) }, RIGHT, &[])
}

#[test]
fn a_check_says_what_was_found_and_what_is_not_good() {
    let text = format!("database = \"postgres://ana:canary@host/db\"\n{RIGHT}");
    let said = printed(ConfigCommand::Check, &text, &[("DOWNBEAT__QUEUE__BATCH_MAX", "3")]);
    expect![[r#"
        ok: downbeat.toml has 2 people, 1 repository, 1 agent, 1 value from the environment

        warning: downbeat.toml, line 1, column 12: `database` has a password written into it; give it as { env = "NAME" } or { file = "PATH" }
           1 | database = "…"
             |            ^
    "#]].assert_eq(&said);
    expect![[r#"
        error: downbeat.toml, line 18, column 1: there is no key `batch` in [queue]; did you mean `batch_max`?
          18 | batch = 3
             | ^
    "#]]
    .assert_eq(&printed(ConfigCommand::Check, &with("[queue]\nbatch = 3\n"), &[]));
}

#[test]
fn what_holds_is_shown_with_where_it_comes_from() {
    let text = with("[[repos.web.checks]]\nname = \"tests\"\ncommand = \"make\"\n[people.\"c.d\"]\nroles = []\n");
    let env = [("DOWNBEAT__QUEUE__BATCH_MAX", "3"), ("DOWNBEAT__DATABASE", "postgres://ana:canary@host/db")];
    expect![[r#"
        state = "/srv/downbeat"                          # line 1
        database = "postgres://ana:***@host/db"          # DOWNBEAT__DATABASE
        mention = "@agent"                               # default
        agent = "coder"                                  # default

        [people.ana]
        roles = ["requester"]                            # line 4

        [people.ben]
        roles = ["approver", "operator"]                 # line 7

        [people."c.d"]
        roles = []                                       # line 21

        [policy]
        solo = false                                     # default
        reaction_approve = false                         # default

        [policy.tiers]
        r1 = []                                          # default
        r2 = []                                          # default
        r3 = []                                          # default

        [repos.web]
        remote = "/srv/git/web.git"                      # line 10
        target = "main"                                  # line 11
        checks = [{ command = "make", name = "tests" }]  # line 17

        [repos.web.egress]
        allow = []                                       # default

        [agents.coder]
        kind = "command"                                 # line 14
        command = ["my-agent"]                           # line 15
        env = {}                                         # default

        [queue]
        policy = "adaptive"                              # default
        batch_max = 3                                    # DOWNBEAT__QUEUE__BATCH_MAX
        window = 20                                      # default
        look_every_s = 15                                # default
        person_max = 50                                  # default
        repairs_max = 3                                  # default
        repair_max_min = 120                             # default
        closed = []                                      # default
        style = "squash"                                 # default
        message = """
        {title}

        {message}"""              # default
        verdict_max_age_h = 24                           # default
        reverify_every = 50                              # default
        environment = ""                                 # default

        [context]
        messages = 50                                    # default
        kb = 20                                          # default
        files = 5                                        # default
        file_kb = 30                                     # default
        pictures = 5                                     # default
        picture_mb = 5                                   # default

        [waits]
        approval_days = 7                                # default
        approval_reminder_h = 24                         # default
        answer_h = 72                                    # default
        answer_reminder_h = 4                            # default
        merge_days = 30                                  # default
        repository_h = 24                                # default

        [limits]
        tasks_live = 200                                 # default
        sessions = 4                                     # default
        checks = 2                                       # default
        tries = 1                                        # default
        session_min = 30                                 # default
        answer_min = 4                                   # default
        workspace_mb = 4096                              # default
        pool = 2                                         # default
        checkpoints = 50                                 # default
        checkpoint_days = 7                              # default

        [web]
        listen = "127.0.0.1:7117"                        # default

        [cage]
        level = "auto"                                   # default
        read = []                                        # default
        env = {}                                         # default
        memory_mb = 8192                                 # default
        disk_mb = 20480                                  # default
        file_mb = 2048                                   # default
        output_mb = 64                                   # default
        processes = 1024                                 # default
        open_files = 4096                                # default

        [egress]
        allow = []                                       # default
        session_mb = 4096                                # default
        connections = 64                                 # default
        requests_per_minute = 1000                       # default
        questions = 5                                    # default

        [setup]
        allow = ["registries"]                           # default
        time_min = 20                                    # default
        kept_gb = 20                                     # default

        [costs]
        task_usd = 10                                    # default
        channel_usd = 0                                  # default
        day_usd = 100                                    # default
    "#]]
    .assert_eq(&printed(ConfigCommand::Show { json: false }, &text, &env));
}

#[test]
fn what_is_shown_can_be_read_again() {
    let shown = printed(ConfigCommand::Show { json: false }, &with("[people.\"c.d\"]\nroles = []\n"), &[]);
    assert_eq!(printed(ConfigCommand::Check, &shown, &[]), "ok: downbeat.toml has 3 people, 1 repository, 1 agent\n");
}

#[test]
fn a_key_is_explained_and_an_unknown_one_sent_to_the_nearest() {
    expect![[r#"
        queue.batch_max
          The most changes in one run of `batch`, or one group of `hybrid`. With one change in twenty bad, eight is near the cheapest size.

          takes     a whole number from 1 to 64
          default   8
          changes   take effect when the config is read again (SIGHUP)
          variable  DOWNBEAT__QUEUE__BATCH_MAX
    "#]]
    .assert_eq(&explained("queue.batch_max"));
    expect![[r#"
        database
          Where everything is recorded. `sqlite:PATH` or `postgres://USER@HOST/NAME`; SQLite is enough for one machine.

          takes     a text in quotes, or { env = "NAME" }, or { file = "PATH" }
          default   SQLite in the state directory
          changes   take effect at the next start
          variable  DOWNBEAT__DATABASE, or DOWNBEAT__DATABASE_FILE with the path of a file
    "#]]
    .assert_eq(&explained("database"));
    expect![[r#"
        policy.deny[].why
          What the person reads.

          takes     a text in quotes
          default   none; it has to be there
          changes   take effect when the config is read again (SIGHUP)
          variable  DOWNBEAT__POLICY__DENY, the whole list
    "#]]
    .assert_eq(&explained("policy.deny[0].why"));
    expect![[r#"
        repos
          What can be worked on, by the name that people say in `repo=`.

          repos.NAME.remote: A path, an ssh or an https address
          repos.NAME.target: Where changes land
          repos.NAME.checks: Used where a commit's own .downbeat/config.toml says nothing about checks
          repos.NAME.style: What a change becomes on this target
          repos.NAME.message: What a landed commit says here
          repos.NAME.closed: When nothing lands on this target; `[]` for never
          repos.NAME.github: Its name there, OWNER/NAME, where the remote does not tell: a mirror, or another name in an ssh config
          repos.NAME.egress.allow: Hosts that sessions of this repository may reach beside those of `egress.allow`
    "#]]
    .assert_eq(&explained("repos"));
    for (written, path) in [
        ("people.ana.roles", "people.NAME.roles"),
        ("repos.\"a/b.c\".target", "repos.NAME.target"),
        ("repos.web", "repos"),
    ] {
        assert_eq!(explained(written).lines().next(), Some(path));
    }
    assert_eq!(
        explained("queue.bach_max"),
        "error: there is no key `queue.bach_max`; did you mean `queue.batch_max`?\n"
    );
    assert_eq!(explained("sessions_"), "error: there is no key `sessions_`; did you mean `limits.sessions`?\n");
    assert_eq!(explained("zzzz"), "error: there is no key `zzzz`; `downbeat config explain` lists all\n");
}

#[test]
fn every_key_is_listed() {
    let listed = printed(ConfigCommand::Explain { key: None }, RIGHT, &[]);
    let n_keys = keys::described().iter().filter(|(_, key)| key.below().is_none()).count();
    assert_eq!(listed.lines().count(), n_keys + 2);
}

#[test]
fn the_schema_describes_every_key() {
    let schema: serde_json::Value = serde_json::from_str(&printed(ConfigCommand::Schema, RIGHT, &[])).unwrap();
    for (path, key) in keys::described() {
        let at = path.split('.').fold(&schema, |at, step| match step {
            "NAME" => &at["additionalProperties"],
            step => match step.strip_suffix("[]") {
                Some(list) => &at["properties"][list]["items"],
                None => &at["properties"][step],
            },
        });
        let described = if path.ends_with("[]") { continue } else { &at["description"] };
        assert_eq!(described, key.why, "{path}");
    }
    assert_eq!(schema["properties"]["queue"]["properties"]["batch_max"]["default"], 8);
    assert_eq!(
        schema["properties"]["repos"]["additionalProperties"]["required"],
        serde_json::json!(["remote", "target"])
    );
}

#[test]
fn a_reload_says_what_waits_for_a_restart() {
    let old = read(&with("[queue]\nbatch_max = 8\n"), &[]).unwrap();
    assert_eq!(changes(&old, &read(RIGHT, &[]).unwrap()), [], "a default that is written out is no change");
    let text = RIGHT.replace("\"requester\"", "\"admin\"").replace("web.git", "other.git");
    let new = read(
        &text,
        &[
            ("DOWNBEAT__DATABASE", "postgres://ana:new@host/db"),
            ("DOWNBEAT__AGENTS__TIDY__KIND", "recipe"),
            ("DOWNBEAT__AGENT", "coder"),
        ],
    );
    let new = new.unwrap();
    let changed = changes(&old, &new);
    let live: Vec<_> =
        changed.iter().filter(|one| one.applied == Applied::AtReload).map(|one| one.path.as_str()).collect();
    assert_eq!(live, ["agents.tidy.kind", "people.ana.roles"]);
    assert_eq!(restart_needed(&old, &new), ["database", "repos.web.remote"]);
    let password = read(
        &text,
        &[
            ("DOWNBEAT__DATABASE", "postgres://ana:old@host/db"),
            ("DOWNBEAT__AGENTS__TIDY__KIND", "recipe"),
            ("DOWNBEAT__AGENT", "coder"),
        ],
    );
    assert_eq!(
        restart_needed(&password.unwrap(), &new),
        ["database"],
        "another password is a change, though it is not shown"
    );
}
