//! The agents: whether the program of each is there in a version that works, and whether it gets to its models.

use std::collections::BTreeMap;
use std::path::Path;

use agents::session::launch::Launch;
use agents::session::profile::{Driver, Profile};
use agents::session::{AgentSettings, ProgramSettings};

use super::caged::{hidden, missing, program_of};
use super::finding::{Finding, Group};
use super::{Site, turn};
use crate::survey::key::Key;
use crate::survey::version::{Distance, distance, version_of};

const GROUP: Group = Group::Agents;

/// Looks at every agent of the config.
pub(super) async fn look(site: &Site, has_recipes: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, agent) in &site.config().agents {
        match agent {
            AgentSettings::Command { command, plan, env } => {
                findings.extend(look_at_command(site, name, [Some(command), plan.as_ref()], env).await);
            }
            AgentSettings::Claude(settings) => {
                findings.extend(look_at_program(site, name, Driver::Claude, settings).await)
            }
            AgentSettings::Codex(settings) => {
                findings.extend(look_at_program(site, name, Driver::Codex, settings).await)
            }
            AgentSettings::Acp(settings) => findings.extend(look_at_program(site, name, Driver::Acp, settings).await),
            AgentSettings::Recipe {} if has_recipes => {
                findings.push(Finding::ok(GROUP, format!("{name}: runs recipes")))
            }
            AgentSettings::Recipe {} => findings.push(Finding::warn(
                GROUP,
                format!("{name}: no repository has a recipe yet"),
                "commit one as .downbeat/recipes/NAME.toml, with `description` and [[steps]] of `name` and `command`",
            )),
            AgentSettings::Scripted { script } if !script.is_file() => findings.push(Finding::fail(
                GROUP,
                format!("{name}: there is no script at {}", script.display()),
                format!("set `agents.{name}.script` to a file"),
            )),
            AgentSettings::Scripted { .. } => findings.push(Finding::warn(
                GROUP,
                format!("{name}: only follows a script, for the demo and for tests"),
                format!("give `agents.{name}` another `kind`"),
            )),
        }
    }
    findings
}

/// Has those agents answer that are named, or all that can, where none is.
pub(super) async fn try_turns(site: &Site, named: &[String]) -> Vec<Finding> {
    let all = &site.config().agents;
    let known = || all.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let missing = named.iter().filter(|name| !all.contains_key(*name)).map(|name| {
        Finding::fail(GROUP, format!("{name}: there is no such agent"), format!("name one of these: {}", known()))
    });
    let mut findings: Vec<_> = missing.collect();
    let is_wanted = |name: &String| named.is_empty() || named.contains(name);
    let can_answer = |settings: &AgentSettings| match settings {
        AgentSettings::Command { .. } | AgentSettings::Claude(_) | AgentSettings::Codex(_) | AgentSettings::Acp(_) => {
            true
        }
        AgentSettings::Recipe {} | AgentSettings::Scripted { .. } => false,
    };
    let wanted = all.iter().filter(|(name, settings)| is_wanted(name) && can_answer(settings));
    let turns = wanted.enumerate().map(|(n, (name, _))| turn::try_turn(site, name, n));
    findings.extend(futures::future::join_all(turns).await);
    findings
}

/// Whether the program is there, in a version that works, with a way to its models.
async fn look_at_program(site: &Site, name: &str, driver: Driver, settings: &ProgramSettings) -> Vec<Finding> {
    let launch = Launch::new(name, driver, settings.clone());
    let Ok(program) = launch.found_program(site.cage.settings()) else {
        let what = format!("{name}: there is no program `{}`", launch.program());
        return vec![Finding::fail(GROUP, what, launch.how_to_install())];
    };
    let Profile { title, tried, install, .. } = launch.profile;
    let said = match version_of(&program, &site.cage, &site.scratch).await {
        Ok(said) => said,
        Err(why) => return vec![Finding::fail(GROUP, format!("{name}: {why}"), launch.how_to_install())],
    };
    let what = format!("{name}: {title} {said} is at {}", program.display());
    let is_tried = format!("this release was tried with {tried}");
    let version = match distance(&said, tried) {
        Distance::Near => Finding::ok(GROUP, what),
        Distance::Older => Finding::warn(GROUP, format!("{what}; {is_tried}"), format!("get a newer one: {install}")),
        Distance::Beyond => Finding::warn(
            GROUP,
            format!("{what}; {is_tried}"),
            format!("see whether it works: downbeat doctor --turn {name}"),
        ),
    };
    let key = Key::of(&launch, site.config());
    let keyless = key.and_then(|key| Some(Finding::fail(GROUP, format!("{name}: {key}"), key.next_step()?)));
    [version].into_iter().chain(keyless).collect()
}

async fn look_at_command(
    site: &Site,
    name: &str,
    commands: [Option<&Vec<String>>; 2],
    env: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut words: Vec<&str> = commands.into_iter().flatten().flat_map(|command| programs_of(command)).collect();
    words.sort_unstable();
    words.dedup();
    let missing = missing(site, &words, env).await;
    let mut findings: Vec<_> = missing
        .iter()
        .map(|program| Finding { group: GROUP, ..hidden(program, &format!("the agent {name}")) })
        .collect();
    if findings.is_empty() && words.is_empty() {
        findings
            .push(Finding::ok(GROUP, format!("{name}: its command is in the repository or too intricate to look at")));
    } else if findings.is_empty() {
        findings.push(Finding::ok(GROUP, format!("{name}: {} can be executed in the sandbox", words.join(" and "))));
    }
    if commands[1].is_none() {
        let fix = format!("set `agents.{name}.plan` to a command that prints a plan");
        findings.push(Finding::warn(GROUP, format!("{name}: cannot plan, so every request needs plan=off"), fix));
    }
    findings
}

/// The program, and that of the line that it hands to a shell. A path within the tree is the repository's own.
fn programs_of(command: &[String]) -> Vec<&str> {
    let program =
        command.first().map(String::as_str).filter(|word| !word.contains('/') || Path::new(word).is_absolute());
    let line = match command {
        [shell, flag, line, ..]
            if flag == "-c"
                && Path::new(shell).file_stem().is_some_and(|name| name.to_string_lossy().ends_with("sh")) =>
        {
            program_of(line)
        }
        _ => None,
    };
    program.into_iter().chain(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_a_shell_is_looked_into() {
        let of = |words: &[&str]| {
            let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            programs_of(&command).join(" ")
        };
        assert_eq!(of(&["/bin/sh", "-c", "claude -p"]), "/bin/sh claude");
        assert_eq!(of(&["codex", "exec"]), "codex");
        assert_eq!(of(&["./tools/fix.sh"]), "");
    }
}
