//! The real agents, as far as a test has to tell them apart.

use tests::peers;

use super::KEY;

/// One of them.
pub struct Real {
    /// Its name, and that of its program.
    pub name: &'static str,
    kind: &'static str,
    /// The provider of its models.
    pub provider: &'static str,
    /// Where people keep its provider's key.
    pub variable: &'static str,
    /// What the kernel calls the outermost process of it.
    pub process: &'static str,
    /// Whether it takes a session up again in another process.
    pub resumes: bool,
    /// Whether nobody hears of it when it asks a busy model again, which it does for minutes.
    pub tries_in_silence: bool,
    /// The version that this release was tried with.
    pub tried: &'static str,
    /// The file in which a person's own login would be.
    pub login: &'static str,
    /// What the config has to say of it beside its program.
    more: &'static str,
}

/// Those of every run first.
pub const ALL: [Real; 6] = [
    Real {
        name: "claude",
        kind: "claude",
        provider: "anthropic",
        variable: "ANTHROPIC_API_KEY",
        process: "claude",
        resumes: true,
        tries_in_silence: false,
        tried: "2.1.330",
        login: ".claude/.credentials.json",
        more: "",
    },
    Real {
        name: "codex",
        kind: "codex",
        provider: "openai",
        variable: "OPENAI_API_KEY",
        process: "codex",
        resumes: true,
        tries_in_silence: false,
        tried: "0.169.0",
        login: ".codex/auth.json",
        more: "",
    },
    Real {
        name: "gemini",
        kind: "acp",
        provider: "gemini",
        variable: "GEMINI_API_KEY",
        process: "node",
        resumes: false,
        tries_in_silence: true,
        tried: "0.61.0",
        login: ".gemini/oauth_creds.json",
        more: "",
    },
    Real {
        name: "opencode",
        kind: "acp",
        provider: "openai",
        variable: "OPENAI_API_KEY",
        process: "opencode",
        resumes: true,
        tries_in_silence: true,
        tried: "1.18.33",
        login: ".local/share/opencode/auth.json",
        // With a model of the GPT family it edits by patches, which the scripted model does not write.
        more: "model = \"one\"\n",
    },
    Real {
        name: "copilot",
        kind: "acp",
        provider: "openai",
        variable: "OPENAI_API_KEY",
        process: "node",
        resumes: true,
        tries_in_silence: true,
        tried: "1.0.102",
        login: ".copilot/config.json",
        more: "",
    },
    Real {
        name: "claude-agent-acp",
        kind: "acp",
        provider: "anthropic",
        variable: "ANTHROPIC_API_KEY",
        process: "node",
        resumes: true,
        tries_in_silence: false,
        tried: "0.101.0",
        login: ".claude/.credentials.json",
        more: "",
    },
];

impl Real {
    /// The one of this name.
    pub fn of(name: &str) -> &'static Self {
        ALL.iter().find(|real| real.name == name).unwrap_or_else(|| panic!("nobody knows {name}"))
    }

    /// Whether it is one of the two of every run.
    pub fn is_usual(&self) -> bool {
        self.kind != "acp"
    }

    /// Whether this run is to have it.
    pub fn is_wanted(&self) -> bool {
        self.is_usual() || peers::all_agents_are_wanted()
    }

    /// Its table of the config, with the program at this path.
    pub fn table(&self, program: &str) -> String {
        let Self { name, kind, more, .. } = self;
        format!("\n[agents.{name}]\nkind = \"{kind}\"\ncommand = [\"{program}\"]\n{more}")
    }
}

/// The providers of all models, at this address.
pub fn providers(url: &str) -> String {
    format!(
        "\n[providers.anthropic]\nkey = \"{KEY}\"\nbase_url = \"{url}\"\n\n[providers.gemini]\nkey = \"{KEY}\"\n\
         base_url = \"{url}\"\n\n[providers.openai]\nkey = \"{KEY}\"\nbase_url = \"{url}/v1\"\n"
    )
}
