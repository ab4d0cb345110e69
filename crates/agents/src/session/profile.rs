//! What is known of real agents: how each is started so that it speaks with us, reaches its model by the gate, and loads
//! nothing of the repository's own settings.
//!
//! Everything here is a default: `[agents.NAME]` of the config says otherwise. In the values of variables,
//! `{model_url}` stands for the provider at the gate, `{key}` for a word in the place of a key, `{model}` for the model
//! (a variable that would hold nothing else is left out where none is named),
//! `{settings}` for a file with the profile's settings, and `{config}` for the directory around that of the agent, where
//! nobody inside can write.

use crate::egress::KNOWN_PROVIDERS;

/// A real agent.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Its name, and that of its program.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Who drives it.
    pub driver: Driver,
    /// The arguments behind the program.
    pub arguments: &'static [&'static str],
    /// How it is installed.
    pub install: &'static str,
    /// Where it keeps a person's own login, below their home. None of it is in the cage.
    pub logins: &'static [&'static str],
    /// The version that this release was tried with; empty for one that was not.
    pub tried: &'static str,
    /// The provider of its models.
    pub provider: &'static str,
    /// The model where the config names none and it has no choice of its own.
    pub model: &'static str,
    /// Environment for it.
    pub env: &'static [(&'static str, &'static str)],
    /// The settings that `{settings}` stands for.
    pub settings: &'static str,
    /// The mode in which it plans, by its own name.
    pub plan_mode: &'static str,
    /// The mode in which it works, where that is not the one that it lists first.
    pub work_mode: &'static str,
    /// What it is told beside the session that it opens, as an object of JSON; for agents by ACP, in `_meta`.
    pub meta: &'static str,
    /// The argument before its servers of tools, as JSON, for an agent by ACP that passes over those of its session.
    pub tools_by: &'static str,
    /// What it cannot do, or does wrong.
    pub faults: &'static [&'static str],
}

impl Profile {
    /// The variable in which people keep the key of its usual provider; empty where it has none.
    pub fn key(&self) -> &'static str {
        KNOWN_PROVIDERS.iter().find(|known| known.name == self.provider).map_or("", |known| known.variable)
    }
}

/// Who speaks an agent's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Claude Code's control channel.
    Claude,
    /// Codex's app-server.
    Codex,
    /// The Agent Client Protocol.
    Acp,
}

impl Driver {
    /// Its name as `kind` in the config.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Acp => "acp",
        }
    }
}

/// The agent of this name.
pub fn profile_of(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// An agent that speaks ACP and that nobody has described.
pub const UNKNOWN: Profile = Profile {
    name: "",
    title: "an agent by ACP",
    driver: Driver::Acp,
    arguments: &[],
    install: "",
    logins: &[],
    tried: "",
    provider: "",
    model: "",
    env: &[],
    settings: "",
    plan_mode: "plan",
    work_mode: "",
    meta: "{}",
    tools_by: "",
    faults: &[],
};

const CLAUDE_ENV: &[(&str, &str)] = &[
    // The adapter has only aliases to choose from, and one more that it is told.
    ("ANTHROPIC_MODEL", "{model}"),
    ("ANTHROPIC_CUSTOM_MODEL_OPTION", "{model}"),
    ("ANTHROPIC_BASE_URL", "{model_url}"),
    ("ANTHROPIC_API_KEY", "{key}"),
    // Four tries take half a minute; the session is put off after that, and its place is free for another.
    ("CLAUDE_CODE_MAX_RETRIES", "4"),
    ("API_TIMEOUT_MS", "600000"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    // Its newer models keep no list of things to do by themselves; people want to see one.
    ("CLAUDE_CODE_ENABLE_TODO_TOOLS", "1"),
    ("IS_SANDBOX", "1"),
];

/// The agents that are known, those that are driven best first.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "claude",
        title: "Claude Code",
        driver: Driver::Claude,
        install: "npm install -g @anthropic-ai/claude-code",
        logins: &[".claude/.credentials.json"],
        tried: "2.1.330",
        provider: "anthropic",
        env: CLAUDE_ENV,
        faults: &["started by hand it loads the repository's hooks, servers and base address; here it does not"],
        ..UNKNOWN
    },
    Profile {
        name: "codex",
        title: "Codex",
        driver: Driver::Codex,
        // By arguments, because a file in its home could be a link to somewhere else by the second session.
        arguments: &[
            "app-server",
            "-c",
            "check_for_update_on_startup=false",
            "-c",
            "analytics.enabled=false",
            "-c",
            "feedback.enabled=false",
            // Catalogues that it would fetch from github.com and chatgpt.com at every start.
            "-c",
            "features.plugins=false",
            "-c",
            "features.apps=false",
            "-c",
            "model_provider=\"gate\"",
            "-c",
            "model_providers.gate={name=\"gate\",base_url=\"{model_url}\",wire_api=\"responses\",env_key=\"OPENAI_API_KEY\",request_max_retries=3,stream_max_retries=3}",
        ],
        install: "npm install -g @openai/codex",
        logins: &[".codex/auth.json"],
        tried: "0.169.0",
        provider: "openai",
        env: &[("OPENAI_API_KEY", "{key}")],
        faults: &["tells no cost; the status of a broken service is hidden"],
        ..UNKNOWN
    },
    Profile {
        name: "gemini",
        title: "Gemini CLI",
        arguments: &["--acp"],
        install: "npm install -g @google/gemini-cli",
        logins: &[".gemini/oauth_creds.json"],
        tried: "0.61.0",
        provider: "gemini",
        env: &[
            ("GOOGLE_GEMINI_BASE_URL", "{model_url}"),
            ("GEMINI_API_KEY", "{key}"),
            ("GEMINI_CLI_SYSTEM_SETTINGS_PATH", "{settings}"),
            ("GEMINI_CLI_TRUST_WORKSPACE", "true"),
            ("GEMINI_MODEL", "{model}"),
            // It tells of its use where its settings are not believed, and they are only where every directory above them
            // is root's alone. What does not go by the gate goes nowhere, where the cage holds the network, and asks nobody.
            ("NO_PROXY", "127.0.0.1,localhost,play.googleapis.com"),
            ("no_proxy", "127.0.0.1,localhost,play.googleapis.com"),
        ],
        settings: r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"general":{"disableAutoUpdate":true,"enableAutoUpdate":false},"privacy":{"usageStatisticsEnabled":false},"telemetry":{"enabled":false}}"#,
        faults: &["cannot resume a session", "shows no output of commands"],
        ..UNKNOWN
    },
    Profile {
        name: "opencode",
        title: "OpenCode",
        arguments: &["acp", "--pure"],
        install: "npm install -g opencode-ai",
        logins: &[".local/share/opencode/auth.json"],
        tried: "1.18.33",
        provider: "openai",
        model: "gpt-5.1",
        env: &[
            ("OPENCODE_CONFIG", "{settings}"),
            // Where it could write, it would install packages from a registry at every start.
            ("XDG_CONFIG_HOME", "{config}"),
            ("OPENCODE_DISABLE_PROJECT_CONFIG", "1"),
            ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
            ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
        ],
        settings: r#"{"model":"gate/{model}","share":"disabled","autoupdate":false,"permission":{"edit":"ask","bash":"ask","webfetch":"ask"},"provider":{"gate":{"npm":"@ai-sdk/openai-compatible","name":"gate","options":{"baseURL":"{model_url}","apiKey":"{key}"},"models":{"{model}":{"name":"{model}"}}}}}"#,
        faults: &[
            "its first start takes ten seconds",
            "goes on for ever on a stream that breaks, and with a busy model, without a word",
            "imports `.opencode/plugin/*.js` of the repository, whatever it is told; the cage and the gate hold what it does",
        ],
        ..UNKNOWN
    },
    Profile {
        name: "copilot",
        title: "GitHub Copilot CLI",
        arguments: &["--acp"],
        install: "npm install -g @github/copilot",
        logins: &[".copilot/config.json", ".config/github-copilot/apps.json"],
        tried: "1.0.102",
        provider: "openai",
        model: "gpt-5.1",
        env: &[
            ("COPILOT_PROVIDER_BASE_URL", "{model_url}"),
            ("COPILOT_PROVIDER_API_KEY", "{key}"),
            ("COPILOT_MODEL", "{model}"),
            ("COPILOT_PROVIDER_WIRE_API", "responses"),
            ("COPILOT_OFFLINE", "true"),
        ],
        tools_by: "--additional-mcp-config",
        faults: &["tells no cost", "tries a busy model again for minutes without a word"],
        ..UNKNOWN
    },
    Profile {
        name: "claude-agent-acp",
        title: "Claude Code by ACP",
        install: "npm install -g @agentclientprotocol/claude-agent-acp",
        logins: &[".claude/.credentials.json"],
        tried: "0.101.0",
        provider: "anthropic",
        env: CLAUDE_ENV,
        // It lists `auto` first, in which a classifier that runs nowhere but at its maker's judges every command.
        work_mode: "default",
        meta: r#"{"claudeCode":{"options":{"settingSources":["user"],"strictMcpConfig":true,"settings":{"useAutoModeDuringPlan":false}}}}"#,
        faults: &["started by hand it loads the repository's hooks, servers and base address; here it does not"],
        ..UNKNOWN
    },
    Profile {
        name: "goose",
        title: "goose",
        arguments: &["acp"],
        install: "see https://block.github.io/goose",
        provider: "openai",
        model: "gpt-5.1",
        env: &[
            ("GOOSE_PROVIDER", "openai"),
            ("GOOSE_MODEL", "{model}"),
            ("OPENAI_BASE_URL", "{model_url}"),
            ("OPENAI_API_KEY", "{key}"),
            ("GOOSE_DISABLE_KEYRING", "1"),
        ],
        faults: &["not tried with this release"],
        ..UNKNOWN
    },
    Profile {
        name: "qwen",
        title: "Qwen Code",
        arguments: &["--acp"],
        install: "npm install -g @qwen-code/qwen-code",
        logins: &[".qwen/oauth_creds.json"],
        provider: "openai",
        model: "gpt-5.1",
        env: &[("OPENAI_BASE_URL", "{model_url}"), ("OPENAI_API_KEY", "{key}"), ("OPENAI_MODEL", "{model}")],
        faults: &["not tried with this release"],
        ..UNKNOWN
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_profile_brings_a_key_or_leaves_the_gate() {
        for profile in PROFILES {
            let values = profile.env.iter().map(|(_, value)| *value).chain(profile.arguments.iter().copied());
            let all = values.chain([profile.settings]).collect::<Vec<_>>().join("\n");
            assert!(!all.contains("http"), "{} names an address of its own", profile.name);
            assert!(all.contains("{model_url}"), "{} does not reach its model by the gate", profile.name);
            assert!(!profile.key().is_empty(), "{} has a provider that nobody knows", profile.name);
            assert_eq!(profile_of(profile.name).map(|found| found.name), Some(profile.name));
        }
    }
}
