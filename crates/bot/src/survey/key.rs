//! Whether an agent gets to its models: by a key of the config, or not yet, and then what a person has to do.

use std::fmt;
use std::path::{Path, PathBuf};

use agents::egress::KNOWN_PROVIDERS;
use agents::session::launch::Launch;

use crate::config::Config;

/// How an agent stands with the provider of its models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    provider: String,
    standing: Standing,
    /// Where a person is logged in by the agent's own means.
    login: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The config has a key.
    Held,
    /// The key stands in this variable, and the config does not say so.
    Unnamed(&'static str),
    /// There is none; it is usually kept in this variable.
    Missing(&'static str),
}

impl Key {
    /// How the agent stands; `None` for one that needs no provider. Of logins it is only looked whether they are there.
    pub fn of(launch: &Launch, config: &Config) -> Option<Self> {
        let provider = Some(launch.provider()).filter(|provider| !provider.is_empty())?;
        let variable = KNOWN_PROVIDERS.iter().find(|known| known.name == provider).map_or("", |known| known.variable);
        let standing = if config.egress_settings().providers.contains_key(provider) {
            Standing::Held
        } else if !variable.is_empty() && std::env::var_os(variable).is_some() {
            Standing::Unnamed(variable)
        } else {
            Standing::Missing(variable)
        };
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let login = home.and_then(|home| login_below(&home, launch.profile.logins));
        Some(Self { provider: provider.to_owned(), standing, login })
    }

    /// What a person has to do; `None` where there is a key.
    pub fn next_step(&self) -> Option<String> {
        let provider = &self.provider;
        match self.standing {
            Standing::Held => None,
            Standing::Unnamed(variable) => {
                Some(format!("add to the config: providers.{provider}.key = {{ env = \"{variable}\" }}"))
            }
            Standing::Missing("") => Some(format!("set `providers.{provider}.key` and its `base_url` in the config")),
            Standing::Missing(variable) => Some(format!(
                "put a key into {variable}, and into the config: providers.{provider}.key = {{ env = \"{variable}\" }}"
            )),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = &self.provider;
        match self.standing {
            Standing::Held => write!(f, "has a key (`providers.{provider}`)")?,
            Standing::Unnamed(variable) => {
                write!(f, "has no key: {variable} is set, and the config has no `providers.{provider}`")?;
            }
            Standing::Missing("") => write!(f, "has no key for `providers.{provider}`")?,
            Standing::Missing(variable) => {
                write!(f, "has no key: neither {variable} nor `providers.{provider}` is set")?
            }
        }
        match &self.login {
            Some(login) => write!(f, "; your own login in {} stays outside of the sandbox", login.display()),
            None => Ok(()),
        }
    }
}

fn login_below(home: &Path, logins: &[&str]) -> Option<PathBuf> {
    logins.iter().map(|login| home.join(login)).find(|login| login.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_with_what_is_to_be_done() {
        let key = |standing, login: Option<&str>| Key {
            provider: "anthropic".into(),
            standing,
            login: login.map(PathBuf::from),
        };
        let held = key(Standing::Held, None);
        assert_eq!((held.to_string().as_str(), held.next_step()), ("has a key (`providers.anthropic`)", None));
        let missing = key(Standing::Missing("ANTHROPIC_API_KEY"), Some("/home/ana/.claude/.credentials.json"));
        expect_test::expect!["has no key: neither ANTHROPIC_API_KEY nor `providers.anthropic` is set; your own login in /home/ana/.claude/.credentials.json stays outside of the sandbox"]
            .assert_eq(&missing.to_string());
        expect_test::expect!["add to the config: providers.anthropic.key = { env = \"ANTHROPIC_API_KEY\" }"]
            .assert_eq(&key(Standing::Unnamed("ANTHROPIC_API_KEY"), None).next_step().unwrap());
    }

    #[test]
    fn a_login_is_a_file_that_is_there() {
        let home = tempfile::tempdir().unwrap();
        let logins = [".codex/auth.json"];
        assert_eq!(login_below(home.path(), &logins), None);
        std::fs::create_dir(home.path().join(".codex")).unwrap();
        std::fs::write(home.path().join(logins[0]), "{}").unwrap();
        assert_eq!(login_below(home.path(), &logins), Some(home.path().join(logins[0])));
    }
}
