//! The config that a survey suggests: what `downbeat init` writes, and what `downbeat up` goes by when there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use agents::cage::SYSTEM_PATH;
use agents::egress::KnownProvider;
use domain::{BranchName, Person, RepoName, Role};
use forge::Remote;
use toml::Value;

use super::{AgentCommand, FoundAgent, Survey, Toolchain};

/// What a config is to say.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who may be what. One person alone is `solo`.
    pub people: Vec<(Person, BTreeSet<Role>)>,
    /// Their accounts in Slack; where there is none, Slack is not used.
    pub accounts: BTreeMap<Person, String>,
    /// What the repository is called.
    pub name: RepoName,
    /// Where changes land. Its credentials, if it has any, are written down.
    pub remote: Remote,
    /// The branch that they land on.
    pub target: BranchName,
    /// What decides whether they may.
    pub check: DraftCheck,
    /// A program to work beside the recipes.
    pub agent: Option<AgentCommand>,
    /// Coding agents on `PATH`: those that we know how to drive work too, and the first that has a key by itself.
    pub on_path: Vec<FoundAgent>,
    /// What the cage lets agents and checks read beside the system.
    pub toolchains: Vec<Toolchain>,
    /// Providers of models whose key is in the environment.
    pub providers: Vec<&'static KnownProvider>,
}

/// Slack, with its tokens in the environment.
const SLACK: &str = "
[slack]
bot_token = { env = \"SLACK_BOT_TOKEN\" }    # xoxb-…; `downbeat slack manifest` makes the app
app_token = { env = \"SLACK_APP_TOKEN\" }    # xapp-…, with the scope connections:write
";

/// What decides whether a change may land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftCheck {
    /// The repository says it itself.
    Named,
    /// A line for `sh -c`, with the file that it was guessed from.
    Line {
        /// The line.
        command: String,
        /// The file, for a guess.
        because: Option<&'static str>,
    },
    /// Nothing: every change lands.
    Untested,
    /// Nobody has said it yet: no change lands.
    Open,
}

impl Draft {
    /// What was found, with nothing asked.
    pub fn of(survey: &Survey) -> Self {
        let check = match &survey.check {
            Some(found) => DraftCheck::Line { command: found.command.clone(), because: Some(found.because) },
            None if survey.names_checks => DraftCheck::Named,
            None => DraftCheck::Open,
        };
        Self {
            people: vec![(survey.person.clone(), [Role::Admin].into())],
            accounts: BTreeMap::new(),
            name: survey.name.clone(),
            remote: survey.located.remote.clone(),
            target: survey.located.target.clone(),
            check,
            agent: None,
            on_path: survey.agents.clone(),
            toolchains: survey.toolchains.clone(),
            providers: survey.providers.clone(),
        }
    }

    /// The config's text.
    pub fn text(&self) -> String {
        let mut text = String::from("# Every key with its default and its reason: downbeat config explain\n\n");
        let ready = self.on_path.iter().find(|found| found.is_ready()).map_or("recipes", |found| found.name);
        let agent = self.agent.as_ref().map_or(ready, |agent| agent.name.as_str());
        let _ = writeln!(text, "agent = {}    # who works when a request names nobody", quoted(agent));
        self.write_people(&mut text);
        self.write_repository(&mut text);
        self.write_agents(&mut text);
        let of_agent = self.agent.iter().filter_map(|agent| agent.toolchain.clone());
        let of_found = self.on_path.iter().filter_map(|found| found.toolchain.clone());
        let mut toolchains: Vec<Toolchain> = Vec::new();
        for one in self.toolchains.iter().cloned().chain(of_agent).chain(of_found) {
            if !toolchains.contains(&one) {
                toolchains.push(one);
            }
        }
        if !self.accounts.is_empty() {
            text.push_str(SLACK);
        }
        write_cage(&mut text, &toolchains);
        write_providers(&mut text, &self.providers);
        text
    }

    fn write_people(&self, text: &mut String) {
        for (person, roles) in &self.people {
            let roles: Vec<_> = roles.iter().map(|role| quoted(&role.to_string())).collect();
            let _ = writeln!(text, "\n[people.{}]\nroles = [{}]", key(person.as_str()), roles.join(", "));
            if let Some(account) = self.accounts.get(person) {
                let _ = writeln!(text, "slack = {}", quoted(account));
            }
        }
        if let [_] = &self.people[..] {
            text.push_str(
                "\n[policy]\nsolo = true    # nobody else to ask; once there is, take it out, and risky changes need a second person\n",
            );
        }
    }

    fn write_repository(&self, text: &mut String) {
        let (name, remote) = (key(self.name.as_str()), quoted(self.remote.with_credentials()));
        let target = quoted(self.target.as_str());
        let _ = writeln!(text, "\n[repos.{name}]\nremote = {remote}\ntarget = {target}    # where changes land");
        match &self.check {
            DraftCheck::Named => text.push_str("# What has to pass before: see its .downbeat/config.toml.\n"),
            DraftCheck::Line { command, because } => {
                let guessed = because.map(|file| format!("Guessed from {file}; used")).unwrap_or("Used".to_owned());
                let _ = writeln!(
                    text,
                    "\n# Has to pass before. {guessed} until the repository has a .downbeat/config.toml of its own.\n\
                     [[repos.{name}.checks]]\nname = \"tests\"\ncommand = {}",
                    quoted(command)
                );
            }
            DraftCheck::Untested => text.push_str("checks = []    # nothing has to pass: every change lands untested\n"),
            DraftCheck::Open => text.push_str(
                "# Nothing tells how a change is checked. Until the repository names it in .downbeat/config.toml, nothing lands.\n",
            ),
        }
    }

    fn write_agents(&self, text: &mut String) {
        text.push_str(
            "\n# The repository's own commands, .downbeat/recipes/NAME.toml. To run one, begin a request with its name.\n\
             [agents.recipes]\nkind = \"recipe\"\n",
        );
        if let Some(agent) = &self.agent {
            let command: Vec<_> = agent.command.iter().map(|word| quoted(word)).collect();
            let command = command.join(", ");
            let _ = writeln!(
                text,
                "\n# It gets the request on standard input, in a copy of the repository. It plans with the files read-only and\n\
                 # DOWNBEAT_TURN=plan, and works with DOWNBEAT_TURN=work.\n\
                 [agents.{}]\nkind = \"command\"\ncommand = [{command}]\nplan = [{command}]",
                key(&agent.name)
            );
        }
        let is_taken = |found: &&FoundAgent| self.agent.as_ref().is_none_or(|agent| agent.name != found.name);
        for found in self.on_path.iter().filter(is_taken) {
            write_found(text, found);
        }
    }
}

fn write_found(text: &mut String, found: &FoundAgent) {
    let Some(profile) = found.profile else {
        let _ = writeln!(text, "\n# Also on PATH: {}.", found.standing());
        return;
    };
    let has = if found.has_key { "is taken from" } else { "is looked for in" };
    let _ = writeln!(
        text,
        "\n# {}. The key of its model {has} {}, and stays outside of the sandbox.\n[agents.{}]\nkind = \"{}\"\ncommand = [{}]",
        profile.title,
        profile.key(),
        key(found.name),
        profile.driver.kind(),
        quoted_path(&found.path),
    );
}

/// The text of a config for what was found. `agent` is a program that a person named, to work beside the recipes.
pub fn draft(survey: &Survey, agent: Option<&AgentCommand>) -> String {
    Draft { agent: agent.cloned(), ..Draft::of(survey) }.text()
}

fn write_cage(text: &mut String, toolchains: &[Toolchain]) {
    if toolchains.is_empty() {
        return;
    }
    let names: Vec<_> = toolchains.iter().map(|one| one.name).collect();
    let read = toolchains.iter().flat_map(|one| &one.read).map(|path| quoted_path(path));
    let bins = toolchains.iter().flat_map(|one| &one.bin).map(|path| path.display().to_string());
    let path = bins.chain([SYSTEM_PATH.to_owned()]).collect::<Vec<_>>().join(":");
    let verb = if names.len() == 1 { "lies" } else { "lie" };
    let _ = writeln!(
        text,
        "\n# {} {verb} below your home, where agents and checks may read only what is named here.\n\
         [cage]\nread = [\n    {},\n]\n\n[cage.env]\nPATH = {}",
        names.join(" and "),
        read.collect::<Vec<_>>().join(",\n    "),
        quoted(&path)
    );
    for (name, value) in toolchains.iter().flat_map(|one| &one.env) {
        let _ = writeln!(text, "{name} = {}", quoted(value));
    }
}

fn write_providers(text: &mut String, providers: &[&KnownProvider]) {
    if providers.is_empty() {
        return;
    }
    text.push_str("\n# Models, with the keys of the environment. No agent sees a key: it is added outside the cage.\n");
    for provider in providers {
        let _ = writeln!(text, "[providers.{}]\nkey = {{ env = {} }}", provider.name, quoted(provider.variable));
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

#[cfg(test)]
mod tests {
    use agents::egress::KNOWN_PROVIDERS;
    use agents::session::profile::profile_of;
    use expect_test::expect;

    use super::*;
    use crate::config::Config;

    fn web() -> Draft {
        Draft {
            people: vec![("ana".parse().unwrap(), [Role::Admin].into())],
            accounts: BTreeMap::new(),
            name: "acme/web".parse().unwrap(),
            remote: "https://ana:token@host/web.git".parse().unwrap(),
            target: "main".parse().unwrap(),
            check: DraftCheck::Line { command: "cargo test".to_owned(), because: Some("Cargo.toml") },
            agent: None,
            on_path: Vec::new(),
            toolchains: Vec::new(),
            providers: Vec::new(),
        }
    }

    fn found(name: &'static str, has_key: bool) -> FoundAgent {
        let (path, profile) = (format!("/usr/bin/{name}").into(), profile_of(name));
        FoundAgent { name, path, profile, has_key, toolchain: None }
    }

    #[test]
    fn an_agent_on_path_works_by_itself_once_there_is_a_key() {
        let keyless = Draft { on_path: vec![found("claude", false)], ..web() };
        assert_eq!(read(&keyless).agent, "recipes");
        let draft = Draft { on_path: vec![found("claude", true), found("gemini", true)], ..web() };
        assert_eq!(read(&draft).agent, "claude");
        let text = draft.text();
        expect![[r##"
            # Claude Code. The key of its model is taken from ANTHROPIC_API_KEY, and stays outside of the sandbox.
            [agents.claude]
            kind = "claude"
            command = ["/usr/bin/claude"]

            # Gemini CLI. The key of its model is taken from GEMINI_API_KEY, and stays outside of the sandbox.
            [agents.gemini]
            kind = "acp"
            command = ["/usr/bin/gemini"]
        "##]]
        .assert_eq(&text[text.find("# Claude").unwrap()..]);
    }

    fn read(draft: &Draft) -> Config {
        Config::from_text("draft", &format!("state = \"/srv\"\n{}", draft.text())).unwrap()
    }

    #[test]
    fn keys_of_the_environment_are_named_and_never_written() {
        let draft = Draft { providers: KNOWN_PROVIDERS.iter().collect(), ..web() };
        let providers = draft.text().split_once("\n# Models").unwrap().1.to_owned();
        expect![[r#"
            , with the keys of the environment. No agent sees a key: it is added outside the cage.
            [providers.anthropic]
            key = { env = "ANTHROPIC_API_KEY" }
            [providers.openai]
            key = { env = "OPENAI_API_KEY" }
            [providers.gemini]
            key = { env = "GEMINI_API_KEY" }
        "#]]
        .assert_eq(&providers);
    }

    #[test]
    fn the_config_that_people_see_first_is_short() {
        expect![[r##"
            # Every key with its default and its reason: downbeat config explain

            agent = "recipes"    # who works when a request names nobody

            [people.ana]
            roles = ["admin"]

            [policy]
            solo = true    # nobody else to ask; once there is, take it out, and risky changes need a second person

            [repos."acme/web"]
            remote = "https://ana:token@host/web.git"
            target = "main"    # where changes land

            # Has to pass before. Guessed from Cargo.toml; used until the repository has a .downbeat/config.toml of its own.
            [[repos."acme/web".checks]]
            name = "tests"
            command = "cargo test"

            # The repository's own commands, .downbeat/recipes/NAME.toml. To run one, begin a request with its name.
            [agents.recipes]
            kind = "recipe"
        "##]]
        .assert_eq(&web().text());
    }

    #[test]
    fn every_draft_is_a_config() {
        let others = [DraftCheck::Named, DraftCheck::Untested, DraftCheck::Open].map(|check| Draft { check, ..web() });
        let toolchain = Toolchain {
            name: "Rust",
            read: vec!["/home/ana/it's \"mine\"".into()],
            bin: vec!["/home/ana/bin".into()],
            env: vec![("CARGO_HOME", "/home/ana".to_owned())],
        };
        let busy = Draft {
            people: vec![
                ("ana.b".parse().unwrap(), [Role::Admin].into()),
                ("ben".parse().unwrap(), [Role::Requester, Role::Approver].into()),
            ],
            agent: Some(AgentCommand::of_line(
                "FOO=\"1\" ./tools/my-agent.sh --fast",
                &crate::survey::Surroundings::default(),
            )),
            on_path: vec![found("codex", false), found("aider", false)],
            toolchains: vec![toolchain],
            ..web()
        };
        let busy = read(&busy);
        assert!(!busy.policy.solo && busy.people.len() == 2);
        assert_eq!(busy.agent, "my-agent");
        assert_eq!(busy.cage.env["PATH"].split(':').next(), Some("/home/ana/bin"));
        let gates = others.map(|draft| read(&draft).repos.into_values().next().and_then(|repo| repo.checks));
        assert_eq!(gates, [None, Some(forge::Gate::Untested), None]);
    }
}
