//! `downbeat agent`: who can do the work, and what each lacks.

use std::path::Path;

use agents::cage::Cage;
use agents::session::launch::Launch;
use agents::session::profile::Driver;
use agents::session::{AgentSettings, ProgramSettings};
use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::exit::Exit;
use super::instance::{Form, print};
use crate::config::Config;
use crate::place::PlaceArgs;
use crate::survey::key::Key;
use crate::survey::version::version_of;
use crate::up::{Installation, cage_of};

/// What can be done with the agents.
#[derive(Subcommand, Clone, Debug)]
pub enum AgentVerb {
    /// Show the agents of the config: version, key, what each can do, and what holds them
    ///
    /// Each program is started once, in the sandbox and without a network, to ask for its version. Of keys and logins only
    /// whether they are there is looked at.
    List {
        #[command(flatten)]
        form: Form,
    },
}

/// One agent, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Listed {
    name: String,
    what: String,
    version: Option<String>,
    /// The model that it is set to, where that is not its own choice.
    model: Option<String>,
    /// The version that this release was tried with.
    tried: Option<&'static str>,
    /// What people read of its key; none for an agent that needs none.
    key: Option<String>,
    can: Vec<&'static str>,
    faults: Vec<&'static str>,
    /// Why it cannot work, and what to do.
    missing: Option<String>,
}

/// Runs one of them.
pub async fn run(verb: AgentVerb, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let AgentVerb::List { form } = verb;
    let installation = Installation::find(place, None).await?;
    let config = installation.config();
    let cage = cage_of(config);
    let scratch = tempfile::tempdir().context("failed to make a temporary directory")?;
    let level = match cage.probe(scratch.path()).await {
        Ok(level) => level.to_string(),
        Err(why) => format!("nothing can run: {why}"),
    };
    let mut agents = Vec::new();
    for (name, settings) in &config.agents {
        agents.push(listed(name, settings, (config, &cage, scratch.path())).await);
    }
    match form.json {
        true => print(&format!("{:#}\n", json!({ "agents": agents, "usual": config.agent, "sandbox": level }))),
        false => print(&text(&agents, &config.agent, &level)),
    }
    Ok(Exit::Done)
}

async fn listed(name: &str, settings: &AgentSettings, site: (&Config, &Cage, &Path)) -> Listed {
    let plain = |what: &str, can: &[&'static str]| Listed {
        name: name.to_owned(),
        what: what.to_owned(),
        version: None,
        model: None,
        tried: None,
        key: None,
        can: can.to_vec(),
        faults: Vec::new(),
        missing: None,
    };
    match settings {
        AgentSettings::Claude(settings) => listed_program(name, Driver::Claude, settings, site).await,
        AgentSettings::Codex(settings) => listed_program(name, Driver::Codex, settings, site).await,
        AgentSettings::Acp(settings) => listed_program(name, Driver::Acp, settings, site).await,
        AgentSettings::Command { command, plan: Some(_), .. } => plain(&command.join(" "), &["plans", "works"]),
        AgentSettings::Command { command, plan: None, .. } => plain(&command.join(" "), &["works"]),
        AgentSettings::Recipe {} => {
            plain("the repository's .downbeat/recipes/*.toml", &["plans by a rehearsal", "works"])
        }
        AgentSettings::Scripted { .. } => plain("a script, for the demo and for tests", &["plans", "works"]),
    }
}

async fn listed_program(
    name: &str,
    driver: Driver,
    settings: &ProgramSettings,
    (config, cage, scratch): (&Config, &Cage, &Path),
) -> Listed {
    let launch = Launch::new(name, driver, settings.clone());
    let key = Key::of(&launch, config).map(|key| key.to_string());
    let mut one = Listed {
        name: name.to_owned(),
        what: launch.profile.title.to_owned(),
        version: None,
        model: launch.model().map(str::to_owned),
        tried: Some(launch.profile.tried).filter(|tried| !tried.is_empty()),
        key,
        can: abilities(driver).to_vec(),
        faults: launch.profile.faults.to_vec(),
        missing: None,
    };
    match launch.found_program(cage.settings()) {
        Err(_) => one.missing = Some(format!("no program `{}`; {}", launch.program(), launch.how_to_install())),
        Ok(program) => match version_of(&program, cage, scratch).await {
            Ok(version) => one.version = Some(version),
            Err(why) => one.missing = Some(why),
        },
    }
    one
}

/// What a driver brings.
fn abilities(driver: Driver) -> &'static [&'static str] {
    match driver {
        Driver::Claude => &["plans", "asks", "is steered", "is resumed", "counts tokens and cost"],
        Driver::Codex => &["plans", "asks", "is steered", "is resumed", "counts tokens"],
        Driver::Acp => &["plans", "asks", "works"],
    }
}

fn text(agents: &[Listed], usual: &str, level: &str) -> String {
    let width = agents.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for one in agents {
        let usual = if one.name == usual { "  (works when nobody is named)" } else { "" };
        let tried = one.tried.map(|tried| format!(", tried with {tried}")).unwrap_or_default();
        let version = one.version.as_ref().map(|version| format!(" {version}{tried}")).unwrap_or_default();
        text.push_str(&format!("{:<width$}  {}{version}{usual}\n", one.name, one.what));
        let notes = [
            one.missing.as_ref().map(|why| format!("! {why}")),
            one.model.as_ref().map(|model| format!("model {model}")),
            one.key.clone(),
            Some(one.can.join(", ")),
            (!one.faults.is_empty()).then(|| format!("but {}", one.faults.join("; "))),
        ];
        for note in notes.into_iter().flatten() {
            text.push_str(&format!("{:<width$}    {note}\n", ""));
        }
    }
    text.push_str(&format!("\nsandbox: {level}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_what_each_can_do_and_what_it_lacks() {
        let one = |name: &str, missing: Option<&str>| Listed {
            name: name.to_owned(),
            what: "Claude Code".to_owned(),
            version: missing.is_none().then(|| "2.2.0".to_owned()),
            model: missing.is_none().then(|| "sonnet".to_owned()),
            tried: Some("2.1.330"),
            key: Some("has no key".to_owned()),
            can: vec!["plans", "asks"],
            faults: vec!["has one fault"],
            missing: missing.map(str::to_owned),
        };
        let agents = [one("coder", None), one("x", Some("no program `claude`; install it"))];
        expect_test::expect![[r#"
            coder  Claude Code 2.2.0, tried with 2.1.330  (works when nobody is named)
                     model sonnet
                     has no key
                     plans, asks
                     but has one fault
            x      Claude Code
                     ! no program `claude`; install it
                     has no key
                     plans, asks
                     but has one fault

            sandbox: standard
        "#]]
        .assert_eq(&text(&agents, "coder", "standard"));
    }
}
