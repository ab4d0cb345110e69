//! The real programs: how each is told where its model is, and started on one prompt without anybody to ask.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use tests::git::RemoteRepository;
use tests::model::Model;
use tests::peers;

/// The key that the agents are given; a provider must see it, and nobody else does.
pub const KEY: &str = "sk-of-nobody";

/// One real agent.
#[derive(Clone, Copy)]
pub struct Program {
    /// The name of its program, and of its tests.
    pub name: &'static str,
    /// Whether every run has it, or only one that asks for all.
    pub is_usual: bool,
    /// What it needs in its home.
    furnish: fn(&Path, &str),
    environment: fn(&str) -> Vec<(&'static str, String)>,
    /// How it is told one prompt, to work on it alone; empty when it cannot be.
    arguments: fn(&str, &str) -> Vec<String>,
    /// How it is told to speak the Agent Client Protocol, where it does.
    pub acp: Option<&'static [&'static str]>,
}

/// Claude Code.
pub const CLAUDE: Program = Program {
    name: "claude",
    is_usual: true,
    furnish: |_, _| {},
    environment: |url| {
        vec![
            ("ANTHROPIC_BASE_URL", url.to_owned()),
            ("ANTHROPIC_API_KEY", KEY.to_owned()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
            ("CLAUDE_CODE_MAX_RETRIES", "1".to_owned()),
            ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ]
    },
    arguments: |_, prompt| {
        let fixed = "--permission-mode acceptEdits --allowedTools Bash --setting-sources user --strict-mcp-config \
            --output-format stream-json --verbose -p";
        fixed.split_whitespace().map(str::to_owned).chain([prompt.to_owned()]).collect()
    },
    acp: None,
};

/// Codex.
pub const CODEX: Program = Program {
    name: "codex",
    is_usual: true,
    furnish: |_, _| {},
    environment: |_| vec![("MODEL_KEY", KEY.to_owned())],
    arguments: |url, prompt| {
        let provider = format!(
            "model_providers.script={{name=\"script\",base_url=\"{url}/v1\",wire_api=\"responses\",env_key=\"MODEL_KEY\",\
             request_max_retries=1,stream_max_retries=1}}"
        );
        let quiet = "check_for_update_on_startup=false";
        let settings = ["-c", &provider, "-c", "model_provider=\"script\"", "-c", quiet];
        let fixed = ["exec", "--json", "--skip-git-repo-check", "-s", "danger-full-access"];
        fixed.into_iter().chain(settings).chain([prompt]).map(str::to_owned).collect()
    },
    acp: None,
};

/// Gemini CLI.
pub const GEMINI: Program = Program {
    name: "gemini",
    is_usual: false,
    furnish: |home, _| {
        let settings = json!({ "security": { "auth": { "selectedType": "gemini-api-key" } } });
        write(&home.join(".gemini/settings.json"), &settings.to_string());
    },
    environment: |url| vec![("GOOGLE_GEMINI_BASE_URL", url.to_owned()), ("GEMINI_API_KEY", KEY.to_owned())],
    arguments: |_, prompt| {
        ["--yolo", "--skip-trust", "-o", "stream-json", "-p", prompt].into_iter().map(str::to_owned).collect()
    },
    acp: Some(&["--acp"]),
};

/// OpenCode.
pub const OPENCODE: Program = Program {
    name: "opencode",
    is_usual: false,
    furnish: |home, url| {
        let provider = json!({
            "npm": "@ai-sdk/openai-compatible",
            "options": { "baseURL": format!("{url}/v1"), "apiKey": KEY },
            "models": { "one": { "name": "one", "limit": { "context": 200_000, "output": 8_000 } } },
        });
        let settings =
            json!({ "model": "script/one", "small_model": "script/one", "provider": { "script": provider } });
        write(&home.join(".config/opencode/opencode.json"), &settings.to_string());
    },
    environment: |_| {
        let on = ["OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_PROJECT_CONFIG"];
        on.into_iter().map(|name| (name, "1".to_owned())).collect()
    },
    arguments: |_, prompt| ["run", "--pure", "--format", "json", prompt].into_iter().map(str::to_owned).collect(),
    acp: Some(&["acp"]),
};

/// Copilot CLI, with a model of one's own instead of a login.
pub const COPILOT: Program = Program {
    name: "copilot",
    is_usual: false,
    furnish: |_, _| {},
    environment: |url| {
        vec![
            ("COPILOT_PROVIDER_BASE_URL", format!("{url}/v1")),
            ("COPILOT_PROVIDER_API_KEY", KEY.to_owned()),
            ("COPILOT_PROVIDER_WIRE_API", "responses".to_owned()),
            ("COPILOT_MODEL", "gpt-5".to_owned()),
            ("COPILOT_OFFLINE", "true".to_owned()),
        ]
    },
    arguments: |_, prompt| {
        ["--allow-all-tools", "--output-format", "json", "-p", prompt].into_iter().map(str::to_owned).collect()
    },
    acp: Some(&["--acp"]),
};

/// The adapter that gives Claude the Agent Client Protocol.
pub const CLAUDE_ACP: Program =
    Program { name: "claude-agent-acp", is_usual: false, arguments: |_, _| Vec::new(), acp: Some(&[]), ..CLAUDE };

/// A place for one agent: its own empty home, and a repository to work in.
pub struct Place {
    program: Program,
    dir: tempfile::TempDir,
}

/// What came of a run.
pub struct Ran {
    /// Whether it says that it succeeded.
    pub is_success: bool,
    /// What it printed: events, one a line, and what it complained of.
    pub output: String,
}

impl Program {
    /// Its file; a run without it is a skip.
    pub fn path(self) -> Option<PathBuf> {
        peers::agent(self.name)
    }

    /// Whether it can be given a prompt on its command line.
    pub fn works_alone(self) -> bool {
        !(self.arguments)("", "").is_empty()
    }

    /// A fresh home that knows this model, and a fresh repository with one file, `README.md`, that says `hello`.
    pub fn place(self, model: &Model) -> Place {
        let place = Place { program: self, dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.home()).unwrap();
        (self.furnish)(&place.home(), &model.url());
        RemoteRepository::checked_out(&place.repository(), &[("README.md", "hello\n")]);
        place
    }
}

impl Place {
    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Where the agent works.
    pub fn repository(&self) -> PathBuf {
        self.dir.path().join("repository")
    }

    /// Runs the agent on one prompt to its end, or for a minute.
    pub fn run(&self, model: &Model, prompt: &str) -> Ran {
        let arguments = (self.program.arguments)(&model.url(), prompt);
        let ran = self.command(model).args(arguments).stdin(Stdio::null()).output().unwrap();
        let output = [ran.stdout, ran.stderr].concat();
        Ran { is_success: ran.status.success(), output: String::from_utf8_lossy(&output).into_owned() }
    }

    /// The agent's program in its own home, with nothing of ours in its environment, for a minute at most.
    pub fn command(&self, model: &Model) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=2", "60"]).arg(self.program.path().expect("it is installed"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.home());
        command.envs((self.program.environment)(&model.url())).current_dir(self.repository());
        command
    }

    /// The text of a file of the repository; empty when it is not there.
    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.repository().join(name)).unwrap_or_default()
    }

    /// What the agent left in the repository.
    pub fn changes(&self) -> String {
        let status = Command::new("git").args(["status", "--short"]).current_dir(self.repository()).output().unwrap();
        String::from_utf8(status.stdout).unwrap()
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
