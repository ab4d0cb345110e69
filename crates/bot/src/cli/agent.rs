//! `downbeat agent`: who can do the work, and what each lacks.

use std::path::Path;
use std::time::Duration;

use agents::cage::{Access, Cage, Limits, SilentSink};
use agents::session::launch::{Launch, needed_by};
use agents::session::profile::Driver;
use agents::session::{AgentSettings, ProgramSettings};
use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::instance::{Form, print};
use crate::place::PlaceArgs;
use crate::up::{Installation, cage_of};

/// The longest that a program may take to tell its version. Those of Node take three seconds on a busy machine.
const VERSION_LIMIT: Duration = Duration::from_secs(20);
/// Characters of a version that are shown.
const VERSION_CHARS_MAX: usize = 40;

/// What can be done with the agents.
#[derive(Subcommand, Clone, Debug)]
pub enum AgentVerb {
    /// Show the agents of the config: version, key, what each can do, and what holds them
    ///
    /// Each program is started once, in the sandbox and without a network, to ask for its version. Of keys only the names
    /// of their variables are looked at.
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
        agents.push(listed(name, settings, &cage, scratch.path()).await);
    }
    match form.json {
        true => print(&format!("{:#}\n", json!({ "agents": agents, "usual": config.agent, "sandbox": level }))),
        false => print(&text(&agents, &config.agent, &level)),
    }
    Ok(Exit::Done)
}

async fn listed(name: &str, settings: &AgentSettings, cage: &Cage, scratch: &Path) -> Listed {
    let plain = |what: &str, can: &[&'static str]| Listed {
        name: name.to_owned(),
        what: what.to_owned(),
        version: None,
        model: None,
        key: None,
        can: can.to_vec(),
        faults: Vec::new(),
        missing: None,
    };
    match settings {
        AgentSettings::Claude(settings) => listed_program(name, Driver::Claude, settings, (cage, scratch)).await,
        AgentSettings::Codex(settings) => listed_program(name, Driver::Codex, settings, (cage, scratch)).await,
        AgentSettings::Acp(settings) => listed_program(name, Driver::Acp, settings, (cage, scratch)).await,
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
    (cage, scratch): (&Cage, &Path),
) -> Listed {
    let launch = Launch::new(name, driver, settings.clone());
    let key = match launch.profile.key() {
        "" => None,
        variable if std::env::var_os(variable).is_some() => Some(format!("{variable} is set")),
        variable => Some(format!("no key in {variable}")),
    };
    let mut one = Listed {
        name: name.to_owned(),
        what: launch.profile.title.to_owned(),
        version: None,
        model: launch.model().map(str::to_owned),
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

/// What the program says of itself, in the cage and without a network.
async fn version_of(program: &Path, cage: &Cage, scratch: &Path) -> Result<String, String> {
    let tree = scratch.join("tree");
    std::fs::create_dir_all(&tree).map_err(|error| format!("{}: {error}", tree.display()))?;
    let command = vec![program.display().to_string(), "--version".to_owned()];
    let mut order = cage.order(command, tree, scratch);
    order.access = Access::ReadOnly;
    order.read = needed_by(program);
    order.limits = Limits { time: VERSION_LIMIT, ..order.limits };
    let ended = cage.run(order, &CancellationToken::new(), &SilentSink).await;
    let words = ended.stdout.lines().find(|line| line.chars().any(|c| c.is_ascii_digit()));
    let version =
        words.map(|line| line.chars().filter(|c| !c.is_control()).take(VERSION_CHARS_MAX).collect::<String>());
    version.ok_or_else(|| {
        let last = ended.output_tail.lines().last().unwrap_or_default();
        format!("{} --version {} {last}", program.display(), ended.how).trim_end().to_owned()
    })
}

fn text(agents: &[Listed], usual: &str, level: &str) -> String {
    let width = agents.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for one in agents {
        let usual = if one.name == usual { "  (works when nobody is named)" } else { "" };
        let version = one.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
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
            version: missing.is_none().then(|| "2.1.330".to_owned()),
            model: missing.is_none().then(|| "sonnet".to_owned()),
            key: Some("no key in ANTHROPIC_API_KEY".to_owned()),
            can: vec!["plans", "asks"],
            faults: vec!["has one fault"],
            missing: missing.map(str::to_owned),
        };
        let agents = [one("coder", None), one("x", Some("no program `claude`; install it"))];
        expect_test::expect![[r#"
            coder  Claude Code 2.1.330  (works when nobody is named)
                     model sonnet
                     no key in ANTHROPIC_API_KEY
                     plans, asks
                     but has one fault
            x      Claude Code
                     ! no program `claude`; install it
                     no key in ANTHROPIC_API_KEY
                     plans, asks
                     but has one fault

            sandbox: standard
        "#]]
        .assert_eq(&text(&agents, "coder", "standard"));
    }
}
