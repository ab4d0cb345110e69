//! What of the config is about the way out of a cage: hosts, limits, and the providers of models with their keys.

use std::collections::BTreeMap;

use agents::egress::{AllowList, EgressLimits, EgressSettings, KNOWN_PROVIDERS, ProviderSettings};
use domain::RepoName;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::RepoConfig;
use super::key::Absent::{Default, Needed, Otherwise};
use super::key::Applied::AtReload;
use super::key::{Form, Key};

/// A list of hosts.
pub const HOSTS: Form = Form::List { each: &Form::Text(host), min: 0 };

/// The keys of `[egress]`.
pub const EGRESS: &[Key] = &[
    Key::new(
        "allow",
        HOSTS,
        Default("[]"),
        AtReload,
        "Hosts that every session may reach: `example.org`, `*.example.org` for all below it, `example.org:8443` for another port, which alone may \
         lead to this machine or its network. `registries` stands for the package registries of the usual languages, `github` for GitHub, to \
         which anybody with an account there can send what they read. Any other host becomes a question in the thread.",
    ),
    Key::new(
        "session_mb",
        Form::Whole { min: 1, max: 1 << 20 },
        Default("4096"),
        AtReload,
        "Megabytes that one session may send and receive; a large dependency tree has about a thousand.",
    ),
    Key::new(
        "connections",
        Form::Whole { min: 1, max: 4_096 },
        Default("64"),
        AtReload,
        "Connections of one session at a time; more of them wait. A package manager opens up to fifty.",
    ),
    Key::new(
        "requests_per_minute",
        Form::Whole { min: 1, max: 1_000_000 },
        Default("1000"),
        AtReload,
        "Requests of one session in a minute: an agent makes a few, a package manager some hundred.",
    ),
    Key::new(
        "questions",
        Form::Whole { min: 0, max: 100 },
        Default("5"),
        AtReload,
        "Hosts that one session may ask people about; the rest is refused in the log. More than a handful is an agent that tries out names.",
    ),
];

/// The keys of `[repos.NAME.egress]`.
pub const REPO_EGRESS: &[Key] = &[Key::new(
    "allow",
    HOSTS,
    Default("[]"),
    AtReload,
    "Hosts that sessions of this repository may reach beside those of `egress.allow`.",
)];

/// The keys of `[providers.NAME]`.
pub const PROVIDER: &[Key] = &[
    Key::new(
        "key",
        Form::Password(key),
        Needed,
        AtReload,
        "The provider's real key, best as { env = \"NAME\" } or { file = \"PATH\" }. No agent sees it: it is added outside the cage.",
    ),
    Key::new(
        "base_url",
        Form::Secret(ProviderSettings::check_base_url),
        Otherwise("the provider's own, for anthropic, openai and gemini"),
        AtReload,
        "What a library of the provider takes as its base address. `http://` only to this machine.",
    ),
    Key::new(
        "header",
        Form::Text(header),
        Otherwise("what a known provider wants, and `authorization` for any other"),
        AtReload,
        "The header that carries the key; in `authorization` it stands behind `Bearer`.",
    ),
    Key::new(
        "paths",
        Form::List { each: &Form::Text(path), min: 0 },
        Otherwise("models and their answers of a known provider, and everything of any other"),
        AtReload,
        "What may be asked for below the base address, with `*` for one part of the path. A key opens more than models: files, members, bills.",
    ),
];

/// The way out of a cage.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgressConfig {
    /// Hosts that every session may reach.
    #[serde(deserialize_with = "hosts")]
    pub allow: AllowList,
    /// Megabytes of one session.
    pub session_mb: u64,
    /// Connections of one session at a time.
    pub connections: usize,
    /// Requests of one session in a minute.
    pub requests_per_minute: u32,
    /// Hosts that one session may ask people about.
    pub questions: usize,
}

/// What one repository opens besides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepoEgressConfig {
    /// Hosts that its sessions may reach.
    #[serde(deserialize_with = "hosts")]
    pub allow: AllowList,
}

/// One provider of models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its real key.
    #[serde(deserialize_with = "secret")]
    pub key: SecretString,
    /// Its base address; a known provider's own when absent.
    pub base_url: Option<String>,
    /// The header that carries the key.
    pub header: Option<String>,
    /// What may be asked for.
    pub paths: Option<Vec<String>>,
}

impl EgressConfig {
    /// What gates go by.
    pub fn settings(
        &self,
        repos: &BTreeMap<RepoName, RepoConfig>,
        providers: &BTreeMap<String, ProviderConfig>,
    ) -> EgressSettings {
        EgressSettings {
            allow: self.allow.clone(),
            repos: repos.iter().map(|(name, repo)| (name.clone(), repo.egress.allow.clone())).collect(),
            providers: providers.iter().map(|(name, provider)| (name.clone(), provider.settings(name))).collect(),
            limits: EgressLimits {
                connections: self.connections,
                requests_per_minute: self.requests_per_minute,
                bytes: self.session_mb << 20,
                questions: self.questions,
                ..EgressLimits::default()
            },
        }
    }
}

impl ProviderConfig {
    fn settings(&self, name: &str) -> ProviderSettings {
        let Self { key, base_url, header, paths } = self.clone();
        let known = ProviderSettings::known(name, key.clone());
        let own = known.unwrap_or_else(|| ProviderSettings {
            base_url: String::new(),
            key,
            header: "authorization".to_owned(),
            paths: Vec::new(),
        });
        // Another address is another service, of whose paths nothing is known.
        let own_paths = if base_url.is_none() { own.paths.clone() } else { Vec::new() };
        ProviderSettings {
            base_url: base_url.unwrap_or(own.base_url),
            header: header.unwrap_or(own.header),
            paths: paths.unwrap_or(own_paths),
            key: own.key,
        }
    }
}

/// Whether a provider of this name needs no `base_url`.
pub fn is_known(name: &str) -> bool {
    KNOWN_PROVIDERS.iter().any(|known| known.name == name)
}

/// A name that can stand in `/model/NAME/`.
pub fn provider_name(text: &str) -> Result<(), String> {
    let is_usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(is_usual) {
        return Ok(());
    }
    Err(format!("`{text}` is not a provider's name: 1 to 64 small letters, digits, `-` or `_`"))
}

fn host(text: &str) -> Result<(), String> {
    AllowList::of(&[text]).map(drop)
}

fn key(text: &str) -> Result<(), String> {
    let is_one_word = !text.trim().is_empty() && text.trim().bytes().all(|byte| byte.is_ascii_graphic());
    if is_one_word { Ok(()) } else { Err("a key is one word of plain letters and signs".to_owned()) }
}

fn header(text: &str) -> Result<(), String> {
    let is_name = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_name { Ok(()) } else { Err(format!("`{text}` is no header's name; write it as in `x-api-key`")) }
}

fn path(text: &str) -> Result<(), String> {
    if text.starts_with('/') {
        Ok(())
    } else {
        Err(format!("`{text}` does not begin with `/`, as `/v1/models/*` does"))
    }
}

/// Reads a list of hosts.
pub fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AllowList, D::Error> {
    AllowList::of(&Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    Ok(SecretString::from(String::deserialize(deserializer)?))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use secrecy::ExposeSecret;

    use super::super::sample::{read, with};
    use super::*;

    fn settings(more: &str, env: &[(&str, &str)]) -> EgressSettings {
        read(&with(more), env).unwrap().config.egress_settings()
    }

    #[test]
    fn a_known_provider_needs_nothing_but_its_key() {
        let env = [("ANTHROPIC_API_KEY", "sk-canary")];
        let found = settings("[providers.anthropic]\nkey = { env = \"ANTHROPIC_API_KEY\" }\n", &env);
        let anthropic = &found.providers["anthropic"];
        assert_eq!(
            (anthropic.base_url.as_str(), anthropic.header.as_str()),
            ("https://api.anthropic.com", "x-api-key")
        );
        assert_eq!(anthropic.key.expose_secret(), "sk-canary");
        assert!(!anthropic.paths.is_empty());
        let moved = settings("[providers.openai]\nkey = \"k\"\nbase_url = \"http://127.0.0.1:8080/v1\"\n", &[]);
        let openai = &moved.providers["openai"];
        assert_eq!((openai.header.as_str(), openai.paths.len()), ("authorization", 0));
    }

    #[test]
    fn hosts_and_limits_of_the_config_are_those_of_its_gates() {
        let found = settings(
            "[egress]\nallow = [\"registries\"]\nsession_mb = 2\n[repos.web.egress]\nallow = [\"a.org\"]\n",
            &[],
        );
        assert_eq!(found.allow, AllowList::of(&["registries"]).unwrap());
        assert_eq!(found.repos[&"web".parse().unwrap()], AllowList::of(&["a.org"]).unwrap());
        assert_eq!(found.limits, EgressLimits { bytes: 2 << 20, ..EgressLimits::default() });
        assert_eq!(settings("", &[]).limits, EgressLimits::default());
    }

    #[test]
    fn mistakes_about_the_way_out_say_what_to_write() {
        let text = with(
            "[egress]\nallow = [\"https://a.org\", \"registry\", \"*.com\"]\n[providers.mine]\nkey = \"canary\"\n\
             [providers.Mine]\nkey = \"canary\"\n[providers.far]\nkey = \"can ary\"\nbase_url = \"http://far.example\"\nheader = \"a b\"\n",
        );
        expect![[r#"
            the config has 8 mistakes

            downbeat.toml, line 18, column 10: `egress.allow`: `https://a.org` is more than a host; write `example.org` or `example.org:8443`
              18 | allow = ["https://a.org", "registry", "*.com"]
                 |          ^

            downbeat.toml, line 18, column 27: `egress.allow`: `registry` is neither a host such as `example.org` nor a preset; presets are `registries` and `github`
              18 | allow = ["https://a.org", "registry", "*.com"]
                 |                           ^

            downbeat.toml, line 18, column 39: `egress.allow`: `*.com` would open half the internet; write `*.example.org`
              18 | allow = ["https://a.org", "registry", "*.com"]
                 |                                       ^

            downbeat.toml, line 19, column 1: there is no `base_url` in [providers.mine]; only `anthropic`, `openai` and `gemini` need none
              19 | [providers.mine]
                 | ^

            downbeat.toml, line 21, column 12: `Mine` is not a provider's name: 1 to 64 small letters, digits, `-` or `_`
              21 | [providers.Mine]
                 |            ^

            downbeat.toml, line 24, column 7: `providers.far.key`: a key is one word of plain letters and signs
              24 | key = "…"
                 |       ^

            downbeat.toml, line 25, column 12: `providers.far.base_url`: the key would go to far.example for everybody to read; the base address begins with `https://`
              25 | base_url = "…"
                 |            ^

            downbeat.toml, line 26, column 10: `providers.far.header`: `a b` is no header's name; write it as in `x-api-key`
              26 | header = "a b"
                 |          ^"#]].assert_eq(&read(&text, &[]).unwrap_err());
    }

    #[test]
    fn a_key_is_shown_nowhere_and_written_openly_it_is_warned_of() {
        let reading = read(&with("[providers.openai]\nkey = \"sk-canary\"\n"), &[]).unwrap();
        assert!(!format!("{reading:?}").contains("canary"));
        assert_eq!(reading.setting("providers.openai.key").unwrap().shown.as_str(), Some("***"));
        assert_eq!(reading.warnings.len(), 1);
    }
}
