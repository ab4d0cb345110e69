//! What of the config is about GitHub.

use forge::github::{GitHubRepo, GitHubSettings, Identity};
use secrecy::SecretString;
use serde::Deserialize;

use super::key::Absent::{Default, Otherwise};
use super::key::Applied::AtStart;
use super::key::{Form, Key};
use super::secret_text;
use super::wellformed::{api_url, not_empty, parses};

/// The keys of `[github]`.
pub const GITHUB: &[Key] = &[
    Key::new(
        "token",
        Form::Password(not_empty),
        Otherwise("needed where there is no App"),
        AtStart,
        "A fine-grained token of an account for agents, for the repositories of this config: Contents, Pull requests, Issues and Commit statuses to write, Checks to read.",
    ),
    Key::new(
        "app_id",
        Form::Whole { min: 1, max: u32::MAX as u64 },
        Otherwise("needed where there is no token"),
        AtStart,
        "The number of a GitHub App, from its page. It mints a token for each repository by itself, which holds for an hour.",
    ),
    Key::new(
        "private_key",
        Form::Password(not_empty),
        Otherwise("needed for `app_id`"),
        AtStart,
        "The App's private key, as { file = \"PATH\" } of the .pem that its page gave.",
    ),
    Key::new(
        "labels",
        Form::List { each: &Form::Text(not_empty), min: 0 },
        Default("[\"downbeat\"]"),
        AtStart,
        "What is put on each pull request, to find them by.",
    ),
    Key::new(
        "api_url",
        Form::Text(api_url),
        Default("\"https://api.github.com\""),
        AtStart,
        "Where the API is: `https://HOST/api/v3` for a GitHub Enterprise. `http://` only to this machine.",
    ),
];

/// Which repository on GitHub one of `[repos]` is.
pub const REPO_GITHUB: Key = Key::new(
    "github",
    Form::Text(parses::<GitHubRepo>),
    Otherwise("what its remote says, where that is on GitHub"),
    AtStart,
    "Its name there, OWNER/NAME, where the remote does not tell: a mirror, or another name in an ssh config.",
);

/// GitHub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitHubConfig {
    /// A token that somebody made.
    #[serde(default, deserialize_with = "secret_text")]
    pub token: Option<SecretString>,
    /// An App's number.
    #[serde(default)]
    pub app_id: Option<u64>,
    /// Its private key.
    #[serde(default, deserialize_with = "secret_text")]
    pub private_key: Option<SecretString>,
    /// What is put on each pull request.
    pub labels: Vec<String>,
    /// Where the API is.
    pub api_url: String,
}

impl GitHubConfig {
    /// How GitHub is reached; none where neither a token nor an App is named whole, which reading refuses.
    pub fn settings(&self) -> Option<GitHubSettings> {
        let app = || Some(Identity::App { id: self.app_id?, key: self.private_key.clone()? });
        let identity = self.token.clone().map(Identity::Token).or_else(app)?;
        Some(GitHubSettings { api_url: self.api_url.clone(), identity })
    }
}
