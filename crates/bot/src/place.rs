//! Where a command finds its config and its state: a named file, the one of this directory, the user's, or none at all,
//! in which case the repository of this directory speaks for itself.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use sha2::{Digest, Sha256};

use crate::control::client::{Client, ClientError};
use crate::control::socket::SOCKET;

/// The name of a config in a directory.
pub const CONFIG_NAME: &str = "downbeat.toml";

/// Which installation is meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which installation")]
pub struct PlaceArgs {
    /// The config; without it downbeat.toml here or above, then that of your user, then what this repository tells
    #[arg(long, value_name = "FILE", env = "DOWNBEAT_CONFIG", hide_env_values = true, global = true)]
    pub config: Option<PathBuf>,
    /// The state directory; without it that of the config, or one of your user's for this repository
    #[arg(long, value_name = "DIR", env = "DOWNBEAT_STATE", hide_env_values = true, global = true)]
    pub state: Option<PathBuf>,
}

/// What speaks for an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A config file.
    File(PathBuf),
    /// No config; the repository around this directory, if there is one.
    Repository(PathBuf),
}

impl PlaceArgs {
    /// What speaks for the installation that is meant.
    pub fn source(&self) -> anyhow::Result<Source> {
        let here =
            std::env::current_dir().context("failed to tell the current directory; change into one that exists")?;
        let named = self.config.clone().map(Source::File);
        let found = || find_config(&here).map(Source::File);
        Ok(named.or_else(found).unwrap_or(Source::Repository(here)))
    }

    /// The state directory of what speaks for the installation: the command line's, else the config's, else one for each
    /// repository or config.
    pub fn state_of(&self, source: &Source) -> anyhow::Result<PathBuf> {
        if let Some(state) = &self.state {
            return Ok(std::path::absolute(state)?);
        }
        let (Source::File(path) | Source::Repository(path)) = source;
        let named = matches!(source, Source::File(_)).then(|| state_in(path)).flatten();
        if let Some(state) = named {
            return Ok(state);
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        Ok(states()?.join(name_of(&repository_around(&path).unwrap_or(path))))
    }

    /// The state directory of the running instance that is meant: that of the config or the repository here, else the
    /// only one of this user that answers.
    pub async fn running_state(&self) -> anyhow::Result<PathBuf> {
        let meant = self.state_of(&self.source()?)?;
        if self.state.is_some() || self.config.is_some() || meant.join(SOCKET).exists() {
            return Ok(meant);
        }
        let mut answering = Vec::new();
        for entry in std::fs::read_dir(states()?).into_iter().flatten().flatten() {
            if Client::connect(&entry.path()).await.is_ok() {
                answering.push(entry.path());
            }
        }
        match &answering[..] {
            [only] => Ok(only.clone()),
            [] => Err(ClientError::NotRunning { state: meant }.into()),
            several => {
                let named: Vec<_> = several.iter().map(|state| format!("\n  --state {}", state.display())).collect();
                anyhow::bail!("several instances are running; say which one is meant:{}", named.concat())
            }
        }
    }
}

/// The name of the person at the keyboard, as their system knows them.
pub fn login() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.name)
}

/// The directory of this user in which `kind` of `downbeat` belongs, by the XDG base directory specification.
pub fn user_dir(variable: &str, below_home: &str) -> anyhow::Result<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let below = named.or_else(|| Some(home()?.join(below_home)));
    let below = below.with_context(|| {
        format!("neither ${variable} nor $HOME is set, so there is no place for the state; name one with --state DIR")
    })?;
    Ok(below.join("downbeat"))
}

/// Where the states of this user's installations lie, one directory each.
fn states() -> anyhow::Result<PathBuf> {
    user_dir("XDG_STATE_HOME", ".local/state")
}

/// The config of this directory or one above it, up to the repository's root, else the user's own.
fn find_config(here: &Path) -> Option<PathBuf> {
    let top = repository_around(here);
    for directory in here.ancestors() {
        let path = directory.join(CONFIG_NAME);
        if path.is_file() {
            return Some(path);
        }
        if top.as_deref().is_none_or(|top| top == directory) {
            break;
        }
    }
    let users = user_dir("XDG_CONFIG_HOME", ".config").ok()?.join("config.toml");
    users.is_file().then_some(users)
}

/// The nearest directory above that looks like a repository's. Only git itself knows for sure.
pub fn repository_around(here: &Path) -> Option<PathBuf> {
    let looks_like_one = |directory: &&Path| {
        directory.join(".git").exists() || directory.join("HEAD").is_file() && directory.join("objects").is_dir()
    };
    here.ancestors().find(looks_like_one).map(Path::to_owned)
}

/// The state directory that a config names, whatever else is wrong with it.
fn state_in(path: &Path) -> Option<PathBuf> {
    let table: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
    Some(PathBuf::from(table.get("state")?.as_str()?))
}

/// A name for an installation that people recognise and that no other one has: `web-1f3a9c2b`.
fn name_of(speaker: &Path) -> String {
    let is_config = speaker.is_file();
    let named = if is_config { speaker.parent().unwrap_or(speaker) } else { speaker };
    let name: String =
        named.file_name().unwrap_or_default().to_string_lossy().chars().filter(|c| fits_a_name(*c)).collect();
    let digest = Sha256::digest(speaker.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{short}", if name.is_empty() { "downbeat" } else { &name })
}

/// Letters, digits and what joins them.
pub fn fits_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}
