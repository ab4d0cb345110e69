//! How a real agent is started: the config's words over its profile, the program as it lies on this machine, and the
//! order for the cage.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::agent::{Session, SessionError};
use super::profile::{Driver, PROFILES, Profile, UNKNOWN, profile_of};
use crate::cage::{Access, Cage, CageSettings, Limits, Order};

/// A real agent as the config describes it; what is left out is as in its profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProgramSettings {
    /// The program, and arguments in the place of the profile's where there are any.
    pub command: Vec<String>,
    /// The model, by the agent's own name for it.
    pub model: Option<String>,
    /// The provider of its models, by a name in `providers`.
    pub provider: Option<String>,
    /// Environment for it, over the profile's. No place for secrets.
    pub env: BTreeMap<String, String>,
    /// Whether a person is asked before it changes or runs anything.
    pub asks: bool,
    /// The mode in which an agent by ACP plans.
    pub plan_mode: Option<String>,
}

/// What stands where a key would: the gate adds the real one outside, and some agents look at the form of theirs.
const NO_KEY: &str = "sk-no-key-the-gate-adds-it-outside-0000000000000000";

/// Output after which an agent is stopped. An hour of JSON lines is about ten megabytes, and those of a subagent as many.
const OUTPUT_BYTES_MAX: u64 = 256 << 20;

/// A real agent, ready to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What people call it in the config.
    pub name: String,
    /// What is known of it.
    pub profile: Profile,
    settings: ProgramSettings,
}

impl Launch {
    /// The agent `name` of the config. An agent by ACP is known by its own name, else by that of its program.
    pub fn new(name: &str, driver: Driver, settings: ProgramSettings) -> Self {
        let program = settings.command.first().and_then(|program| Path::new(program).file_name()?.to_str());
        let known = match driver {
            Driver::Claude | Driver::Codex => PROFILES.iter().find(|profile| profile.driver == driver),
            Driver::Acp => [Some(name), program].into_iter().flatten().find_map(profile_of),
        };
        let profile = known.filter(|profile| profile.driver == driver).copied().unwrap_or(UNKNOWN);
        Self { name: name.to_owned(), profile, settings }
    }

    /// The same, told to use another model.
    pub fn with_model(&self, model: Option<&str>) -> Self {
        let mut other = self.clone();
        other.settings.model = model.map(str::to_owned).or(other.settings.model);
        other
    }

    /// What people read on the card.
    pub fn title(&self) -> String {
        let model = self.settings.model.as_ref().map(|model| format!(", {model}")).unwrap_or_default();
        format!("{} ({}{model})", self.name, self.profile.title)
    }

    /// The provider of its models; empty for an agent that needs none.
    pub fn provider(&self) -> &str {
        self.settings.provider.as_deref().unwrap_or(self.profile.provider)
    }

    /// The model that it is told to use, if any.
    pub fn model(&self) -> Option<&str> {
        let own = Some(self.profile.model).filter(|model| !model.is_empty());
        self.settings.model.as_deref().or(own)
    }

    /// Whether a person is asked before it changes or runs anything.
    pub fn asks(&self) -> bool {
        self.settings.asks
    }

    /// The mode in which it plans.
    pub fn plan_mode(&self) -> &str {
        self.settings.plan_mode.as_deref().unwrap_or(self.profile.plan_mode)
    }

    /// The mode in which it works; empty for the one that it lists first.
    pub fn work_mode(&self) -> &str {
        self.profile.work_mode
    }

    /// The program, by its path or by a name to be looked for.
    pub fn program(&self) -> &str {
        self.settings.command.first().map_or(self.profile.name, String::as_str)
    }

    /// The order that starts it in this session, with `more` arguments behind its own.
    pub async fn order(
        &self,
        cage: &Cage,
        session: &Session<'_>,
        access: Access,
        more: Vec<String>,
    ) -> Result<Order, SessionError> {
        let program = self.found_program(cage.settings())?;
        let Some(gate) = session.gate else {
            return Err(SessionError::CouldNotStart(format!(
                "it reaches its model by a gate, and this session has none; add a key for `providers.{}`",
                self.provider()
            )));
        };
        let workspace = session.workspace;
        // Beside `tmp` and `home`, where nobody inside can put a link in its place.
        let config_dir = workspace.private().join("config");
        let full_disk = |error: io::Error| SessionError::Surroundings(format!("{}: {error}", config_dir.display()));
        let settings = self.furnish(&config_dir, gate.port()).await.map_err(full_disk)?.display().to_string();
        let own = self.profile.arguments.iter().map(|argument| self.filled(argument, &settings, gate.port()));
        let arguments: Vec<String> = match self.settings.command.get(1..) {
            Some([first, rest @ ..]) => [first].into_iter().chain(rest).cloned().collect(),
            Some([]) | None => own.collect(),
        };
        let command = [program.display().to_string()].into_iter().chain(arguments).chain(more).collect();
        let mut order = cage.order(command, workspace.tree(), workspace.private());
        order.access = access;
        order.go_through(gate);
        order.limits = Limits { time: session.time_max, output_bytes: OUTPUT_BYTES_MAX, ..order.limits };
        order.env.extend(self.env(&settings, gate.port()));
        order.env.insert("DOWNBEAT_TASK".into(), workspace.task.to_string());
        order.read = needed_by(&program);
        order.read.push(config_dir);
        order.read.extend(session.tools.iter().flat_map(|tools| tools.read.clone()));
        workspace.furnish(&mut order);
        Ok(order)
    }

    /// Writes what it is configured with, which it may only read, and says where its settings are.
    async fn furnish(&self, config_dir: &Path, port: u16) -> io::Result<PathBuf> {
        let own_dir = config_dir.join(self.profile.name);
        let settings = own_dir.join("settings.json");
        tokio::fs::create_dir_all(&own_dir).await?;
        // OpenCode writes one where there is none, and ends where it cannot.
        tokio::fs::write(own_dir.join(".gitignore"), "").await?;
        tokio::fs::write(&settings, self.filled(self.profile.settings, "", port)).await?;
        Ok(settings)
    }

    /// Its environment beside the cage's and the gate's.
    fn env(&self, settings: &str, port: u16) -> BTreeMap<String, String> {
        let own = self.profile.env.iter().map(|(name, value)| (*name, *value));
        let wanted = self.settings.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let is_said = |(_, value): &(&str, &str)| *value != "{model}" || self.model().is_some();
        let all = own.chain(wanted).filter(is_said);
        all.map(|(name, value)| (name.to_owned(), self.filled(value, settings, port))).collect()
    }

    /// What a text of the profile says where the settings are there and the gate is at this port.
    fn filled(&self, text: &str, settings: &str, port: u16) -> String {
        let url = format!("http://127.0.0.1:{port}/model/{}", self.provider());
        let model = self.model().unwrap_or_default();
        let config = Path::new(settings).ancestors().nth(2).and_then(Path::to_str).unwrap_or_default();
        let words = [
            ("{model_url}", url.as_str()),
            ("{key}", NO_KEY),
            ("{model}", model),
            ("{settings}", settings),
            ("{config}", config),
        ];
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// The program, as it is found by the path that the cage gives.
    pub fn found_program(&self, cage: &CageSettings) -> Result<PathBuf, SessionError> {
        let program = self.program();
        let path = cage.env.get("PATH").unwrap_or(&cage.path);
        let found = if program.contains('/') {
            Some(PathBuf::from(program)).filter(|path| path.is_file())
        } else {
            std::env::split_paths(path).map(|dir| dir.join(program)).find(|path| path.is_file())
        };
        let missing = || format!("there is no program `{program}` here; {}", self.how_to_install());
        found.ok_or_else(|| SessionError::CouldNotStart(missing()))
    }

    /// What to do where its program is missing.
    pub fn how_to_install(&self) -> String {
        let install = match self.profile.install {
            "" => String::new(),
            install => format!("install it (`{install}`), or "),
        };
        format!("{install}set `agents.{}.command` to its whole path", self.name)
    }
}

/// What must be readable for a program to run: itself, what it is a link to, the packages around it, the interpreter's
/// environment that it lies in.
pub fn needed_by(program: &Path) -> Vec<PathBuf> {
    let mut needed = vec![program.to_owned()];
    let Ok(real) = program.canonicalize() else { return needed };
    for place in [program, &real] {
        needed.extend(
            place
                .ancestors()
                .filter(|dir| dir.file_name().is_some_and(|name| name == "node_modules"))
                .last()
                .map(Path::to_owned),
        );
        needed.extend(place.ancestors().skip(1).find(|dir| dir.join("pyvenv.cfg").is_file()).map(Path::to_owned));
    }
    needed.push(real);
    needed.sort();
    needed.dedup();
    needed
}

/// The interpreter that a script names by `env`, such as `node`.
pub fn interpreter_of(program: &Path) -> Option<String> {
    let mut head = [0; 64];
    let n = std::fs::File::open(program).and_then(|mut file| file.read(&mut head)).ok()?;
    let head = String::from_utf8_lossy(&head[..n]);
    let name = head.strip_prefix("#!/usr/bin/env ")?.lines().next()?.trim().trim_start_matches("-S ");
    name.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(name: &str, driver: Driver, command: &[&str]) -> Launch {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        Launch::new(name, driver, ProgramSettings { command, ..ProgramSettings::default() })
    }

    #[test]
    fn an_agent_is_known_by_its_name_or_its_program() {
        let title = |name: &str, driver, command: &[&str]| launch(name, driver, command).title();
        assert_eq!(title("fast", Driver::Claude, &[]), "fast (Claude Code)");
        assert_eq!(title("gemini", Driver::Acp, &[]), "gemini (Gemini CLI)");
        assert_eq!(title("g", Driver::Acp, &["/opt/bin/opencode", "acp"]), "g (OpenCode)");
        assert_eq!(title("mine", Driver::Acp, &["/opt/bin/mine"]), "mine (an agent by ACP)");
    }

    #[test]
    fn a_missing_program_is_named_with_the_next_step() {
        let nowhere = CageSettings { path: "/nowhere".into(), ..CageSettings::default() };
        expect_test::expect!["could not start: there is no program `codex` here; install it (`npm install -g @openai/codex`), or set `agents.c.command` to its whole path"]
            .assert_eq(&launch("c", Driver::Codex, &[]).found_program(&nowhere).unwrap_err().to_string());
    }

    #[test]
    fn its_model_is_behind_the_gate_and_no_key_is_inside() {
        let launch = launch("codex", Driver::Codex, &[]);
        let env = launch.env("/s.json", 8787);
        assert_eq!(env["OPENAI_API_KEY"], NO_KEY);
        let last = launch.filled(launch.profile.arguments.last().unwrap(), "", 8787);
        assert!(last.contains("base_url=\"http://127.0.0.1:8787/model/openai\""), "{last}");
    }

    #[test]
    fn what_a_program_of_a_package_needs_is_its_packages_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("lib/node_modules/pkg/node_modules/dep")).unwrap();
        std::fs::create_dir_all(at("bin")).unwrap();
        std::fs::write(at("lib/node_modules/pkg/cli.js"), "#!/usr/bin/env node\n").unwrap();
        std::os::unix::fs::symlink(at("lib/node_modules/pkg/cli.js"), at("bin/tool")).unwrap();
        let real = dir.path().canonicalize().unwrap();
        let mut expected =
            vec![at("bin/tool"), real.join("lib/node_modules"), real.join("lib/node_modules/pkg/cli.js")];
        expected.sort();
        assert_eq!(needed_by(&at("bin/tool")), expected);
        assert_eq!(interpreter_of(&at("bin/tool")).as_deref(), Some("node"));
    }
}
