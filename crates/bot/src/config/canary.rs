//! A password in a config is seen nowhere, whatever goes wrong around it.

use super::command::{Answer, ConfigCommand, answer};
use super::sample::{RIGHT, variables};
use super::*;

/// Everything that can be seen of a config: errors, warnings, `config check`, `config show` and `Debug`.
fn seen(text: &str, env: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("downbeat.toml");
    std::fs::write(&path, text).unwrap();
    let env = variables(env);
    let sources = Sources { generated: "", file: Some(&path), env: &env };
    let told = [ConfigCommand::Check, ConfigCommand::Show { json: false }, ConfigCommand::Show { json: true }];
    let told = told.map(|command| match answer(&command, &sources) {
        Answer::Right(text) | Answer::Wrong(text) => text,
    });
    let debug = match Config::read(&sources) {
        Ok(reading) => format!("{reading:?} {:#?}", reading.config),
        Err(error) => format!("{error} {error:?}"),
    };
    format!("{}\n{debug}", told.join("\n"))
}

fn hidden(text: &str, env: &[(&str, &str)]) -> String {
    let seen = seen(text, env);
    assert!(!seen.contains("canary"), "{text}\n---\n{seen}");
    seen
}

/// A config with this database and this remote, as they are written.
fn of(database: &str, remote: &str) -> String {
    format!("database = {database}\n{}", RIGHT.replace("\"/srv/git/web.git\"", remote))
}

const GOOD: [&str; 2] = ["\"postgres://ana:canary@host/db\"", "\"https://ben:canary@host/web.git\""];

#[test]
fn a_password_in_a_right_config_is_hidden_and_warned_of() {
    let seen = hidden(&of(GOOD[0], GOOD[1]), &[]);
    assert!(seen.contains("postgres://ana:***@host/db") && seen.contains("https://***@host/web.git"), "{seen}");
    assert_eq!(seen.matches("has a password written into it").count(), 4, "{seen}");
    let kept = Config::from_text("x", &of(GOOD[0], GOOD[1])).unwrap().database();
    assert_eq!(kept, "postgres://ana:canary@host/db");
}

#[test]
fn a_password_that_is_given_elsewhere_is_used_and_not_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "https://ben:canary@host/web.git\n").unwrap();
    let pointers = of("{ env = \"DB\" }", &format!("{{ file = {file:?} }}"));
    let by_pointer = hidden(&pointers, &[("DB", "postgres://ana:canary@host/db")]);
    let file = file.display().to_string();
    let variables =
        [("DOWNBEAT__DATABASE", "postgres://ana:canary@host/db"), ("DOWNBEAT__REPOS__WEB__REMOTE_FILE", file.as_str())];
    let by_variable = hidden(RIGHT, &variables);
    for seen in [by_pointer, by_variable] {
        assert!(seen.contains("postgres://ana:***@host/db") && seen.contains("https://***@host/web.git"), "{seen}");
        assert!(!seen.contains("warning: "), "{seen}");
    }
}

#[test]
fn a_password_is_hidden_in_every_mistake() {
    for database in [
        "\"mysql://ana:canary@host/db\"",
        "\"canary\"",
        "\"postgres://ana:canary@host/db",
        "'postgres://ana:canary@host/db",
        "postgres://ana:canary@host/db",
        "canary",
        "\"\"\"\nmysql://ana:canary@host/db\"\"\"",
        "\"\"\"\n  \\canary \"\"\"",
        "[\"postgres://ana:canary@host/db\"]",
        "{ url = \"postgres://ana:canary@host/db\" }",
        "{ env = \"DB\", password = \"canary\" }",
        "{ env = \"DB\", password = canary }",
        "{ env = \"BAD\" }",
    ] {
        hidden(&of(database, GOOD[1]), &[("BAD", "mysql://ana:canary@host/db")]);
    }
    for remote in [
        "\"ftp://ana:canary@host/x\"",
        "\"https://ana:can/canary@host/x\"",
        "\"--upload-pack=ana:canary@host\"",
        "{ file = \"/no/such/file\" }",
    ] {
        hidden(&of(GOOD[0], remote), &[]);
    }
    for more in [
        "databse = \"postgres://ana:canary@host/db\" # canary",
        "[repos.x]\ntargt = \"main\"\nremote = \"https://ana:canary@host/x\"",
        "[repos]\nx = { remote = \"https://ana:canary@host/x\", target = \"a b\" }",
        "[repos]\nx = { remote = \"https://ana:canary@host/x\", target = a b }",
        "[web]\ntoken = \"canary\"",
        "[web]\nlisten = 3 # canary",
    ] {
        let text = format!("{more}\n{RIGHT}");
        let shown = hidden(&text, &[]);
        assert!(!shown.contains("ok: "), "{more} is right");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "canary").unwrap();
    for name in ["DATABASE", "QUEUE__BATCH_MAX", "WEB__LISTEN", "PEOPLE__ANA__ROLES", "QUEUE__POLICY", "PEOPLE"] {
        let seen = hidden(RIGHT, &[(&format!("DOWNBEAT__{name}_FILE"), file.to_str().unwrap())]);
        assert!(seen.contains("cannot be used as"), "{seen}");
    }
    hidden(RIGHT, &[("DOWNBEAT__AGENT_FILE", file.to_str().unwrap())]);
    hidden(RIGHT, &[("DOWNBEAT__DATABASE", "mysql://ana:canary@host/db"), ("DOWNBEAT__DATABSE", "canary")]);
}
