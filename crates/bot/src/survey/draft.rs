//! The config that a survey suggests: what `downbeat init` writes, and what `downbeat up` goes by when there is none.

use std::fmt::Write as _;
use std::path::Path;

use toml::Value;

use super::{AgentCommand, Survey, Toolchain};

/// Where the cage looks for programs when nothing is added.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// The text of a config for what was found. `agent` is a program that a person named, to work beside the recipes.
pub fn draft(survey: &Survey, agent: Option<&AgentCommand>) -> String {
    let mut text = String::from("# Every key with its default and reason: downbeat config explain\n\n");
    let default_agent = agent.map_or("recipes", |agent| agent.name.as_str());
    let _ = writeln!(
        text,
        "agent = {}                         # who works when a request names nobody\n",
        quoted(default_agent)
    );
    write_people(&mut text, survey);
    write_repository(&mut text, survey);
    if let Some(agent) = agent {
        write_agent(&mut text, agent);
    }
    text.push_str("# The repository's own .downbeat/recipes/*.toml, named by a request's first word.\n[agents.recipes]\nkind = \"recipe\"\n");
    for found in &survey.agents {
        let _ = writeln!(
            text,
            "# {} is on PATH at {}; `downbeat config explain agents` tells how to let it work.",
            found.name,
            found.path.display()
        );
    }
    write_cage(&mut text, &survey.toolchains);
    text
}

fn write_people(text: &mut String, survey: &Survey) {
    let _ = writeln!(text, "[people.{}]\nroles = [\"admin\"]\n", key(survey.person.as_str()));
    text.push_str(
        "# You have nobody else to ask. Take it out when you add people: then risky changes need a second person.\n",
    );
    text.push_str("[policy]\nsolo = true\n\n");
}

fn write_repository(text: &mut String, survey: &Survey) {
    let name = key(survey.name.as_str());
    let _ = writeln!(
        text,
        "[repos.{name}]\nremote = {}\ntarget = {}\n",
        quoted(survey.located.remote.address()),
        quoted(survey.located.target.as_str())
    );
    match &survey.check {
        Some(check) => {
            let _ = writeln!(
                text,
                "# Guessed from {}, and used while the repository names no checks in .downbeat/config.toml.",
                check.because
            );
            let _ = writeln!(text, "[[repos.{name}.checks]]\nname = \"tests\"\ncommand = {}\n", quoted(check.command));
        }
        None if survey.names_checks => text.push_str("# It names its checks in .downbeat/config.toml.\n\n"),
        None => text
            .push_str("# Nothing tells how it is checked; until .downbeat/config.toml says so, nothing can land.\n\n"),
    }
}

fn write_agent(text: &mut String, agent: &AgentCommand) {
    let command: Vec<_> = agent.command.iter().map(|word| quoted(word)).collect();
    let command = command.join(", ");
    let _ = writeln!(text, "[agents.{}]\nkind = \"command\"\ncommand = [{command}]", key(&agent.name));
    let _ = writeln!(
        text,
        "plan = [{command}]                # the same, with the tree read-only and DOWNBEAT_TURN=plan\n"
    );
}

fn write_cage(text: &mut String, toolchains: &[Toolchain]) {
    if toolchains.is_empty() {
        return;
    }
    let names: Vec<_> = toolchains.iter().map(|one| one.name).collect();
    let read = toolchains.iter().flat_map(|one| &one.read).map(|path| quoted(&path.display().to_string()));
    let bins = toolchains.iter().flat_map(|one| &one.bin).map(|path| path.display().to_string());
    let path = bins.chain([SYSTEM_PATH.to_owned()]).collect::<Vec<_>>().join(":");
    let _ = writeln!(
        text,
        "\n# {} lies below your home, where agents and checks may not look unless it is named.",
        names.join(" and ")
    );
    let _ = writeln!(
        text,
        "[cage]\nread = [\n    {},\n]\n\n[cage.env]\nPATH = {}",
        read.collect::<Vec<_>>().join(",\n    "),
        quoted(&path)
    );
    for (name, value) in toolchains.iter().flat_map(|one| &one.env) {
        let _ = writeln!(text, "{name} = {}", quoted(value));
    }
}

/// A path as a TOML value.
pub fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A name as a part of a table's heading.
fn key(name: &str) -> String {
    let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare { name.to_owned() } else { quoted(name) }
}
