//! Whom we are on GitHub: a token that somebody made, or an App that mints one for each repository.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use http::Method;
use octocrab::{DefaultOctocrabBuilderConfig, NoAuth, NoSvc, NotLayerReady, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::client::{Client, refused, words_of};
use super::name::GitHubRepo;
use crate::forge::ForgeError;
use crate::remote::{Keyring, Login};

/// How long before its end a minted token is used no more: a fetch of a large repository may take that long.
const SPARE: Duration = Duration::from_secs(10 * 60);
/// What git is told as the user's name beside a token [GitHub: authenticating as an installation].
const GIT_USER: &str = "x-access-token";

/// What a minted token may do: what we do and no more. `deploy/github-app-manifest.json` asks for the same.
pub const PERMISSIONS: [(&str, &str); 6] = [
    ("checks", "read"),
    ("contents", "write"),
    ("issues", "write"),
    ("metadata", "read"),
    ("pull_requests", "write"),
    ("statuses", "write"),
];

/// Whom we are.
#[derive(Clone)]
pub enum Identity {
    /// A fine-grained personal token, or any other that somebody made.
    Token(SecretString),
    /// A GitHub App.
    App {
        /// Its number.
        id: u64,
        /// Its private key, RSA in PEM form.
        key: SecretString,
    },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(***)"),
            Self::App { id, .. } => write!(f, "App({id}, ***)"),
        }
    }
}

type Builder = OctocrabBuilder<NoSvc, DefaultOctocrabBuilderConfig, NoAuth, NotLayerReady>;

/// Hands out tokens.
pub(super) enum Keys {
    Token(SecretString),
    App(Box<App>),
}

pub(super) struct App {
    id: u64,
    /// Signs as the App itself.
    signer: Octocrab,
    minted: Mutex<BTreeMap<GitHubRepo, Minted>>,
}

/// A token for one repository.
pub(super) struct Minted {
    token: SecretString,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct AccessToken {
    token: String,
    expires_at: chrono::DateTime<chrono::Utc>,
}

impl Keys {
    pub(super) fn new(identity: &Identity, builder: Builder) -> Result<Self, ForgeError> {
        match identity {
            Identity::Token(token) => Ok(Self::Token(token.clone())),
            Identity::App { id, key } => {
                let bad = |error: octocrab::Error| {
                    refused(format!("the App's private key is no RSA key in PEM form: {}", words_of(&error)))
                };
                let builder = builder.app_from_rsa_pem((*id).into(), key.expose_secret()).map_err(bad)?;
                let signer = builder.build().map_err(|error| refused(words_of(&error)))?;
                Ok(Self::App(Box::new(App { id: *id, signer, minted: Mutex::default() })))
            }
        }
    }

    pub(super) async fn token(&self, client: &Client, repo: &GitHubRepo) -> Result<SecretString, ForgeError> {
        let App { id, signer, minted } = match self {
            Self::Token(token) => return Ok(token.clone()),
            Self::App(app) => &**app,
        };
        let mut minted = minted.lock().await;
        if let Some(known) = minted.get(repo).filter(|known| known.until > client.now()) {
            return Ok(known.token.clone());
        }
        let fresh = mint(client, signer, repo).await.map_err(|error| of_app(error, *id, repo))?;
        let token = fresh.token.clone();
        minted.insert(repo.clone(), fresh);
        Ok(token)
    }
}

async fn mint(client: &Client, signer: &Octocrab, repo: &GitHubRepo) -> Result<Minted, ForgeError> {
    let route = format!("/repos/{repo}/installation");
    let found = client.request_as(signer, (Method::GET, &route), None::<&()>).await?.read::<Installation>(&route)?;
    let permissions: BTreeMap<&str, &str> = PERMISSIONS.into_iter().collect();
    let wanted = json!({ "repositories": [repo.name], "permissions": permissions });
    let route = format!("/app/installations/{}/access_tokens", found.id);
    let answer = client.request_as(signer, (Method::POST, &route), Some(&wanted)).await?;
    let made = answer.read::<AccessToken>(&route)?;
    let until = Timestamp::from_ms(made.expires_at.timestamp_millis()) - SPARE;
    Ok(Minted { token: made.token.into(), until })
}

/// Says it in the words of somebody who looks at the App's page.
fn of_app(error: ForgeError, id: u64, repo: &GitHubRepo) -> ForgeError {
    match error {
        ForgeError::Missing { what } => ForgeError::Unauthorized {
            why: format!(
                "the GitHub App {id} is not installed on {repo}: {what}; install it there, or take the repository out of the config"
            ),
        },
        ForgeError::Unauthorized { why } => {
            ForgeError::Unauthorized { why: format!("GitHub does not take the key of App {id}: {why}") }
        }
        ForgeError::Refused { why } => ForgeError::Unauthorized {
            why: format!(
                "GitHub App {id} may not do on {repo} what is needed: {why}; accept its new permissions where it is installed"
            ),
        },
        error @ ForgeError::Transient { .. } => error,
    }
}

/// What git logs in with, asked for each time.
pub struct GitLogin {
    /// Who knows.
    pub client: Client,
    /// For which repository.
    pub repo: GitHubRepo,
}

#[async_trait]
impl Keyring for GitLogin {
    async fn login(&self) -> Result<Login, ForgeError> {
        let password = self.client.token(&self.repo).await?.expose_secret().to_owned();
        Ok(Login { user: GIT_USER.to_owned(), password })
    }
}

impl GitLogin {
    /// For a remote that asks for it.
    pub fn keyring(client: &Client, repo: &GitHubRepo) -> Arc<dyn Keyring> {
        Arc::new(Self { client: client.clone(), repo: repo.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_asks_for_what_a_token_is_minted_with() {
        let manifest: serde_json::Value =
            serde_json::from_str(include_str!("../../../../deploy/github-app-manifest.json")).unwrap();
        let asked: BTreeMap<&str, &str> = PERMISSIONS.into_iter().collect();
        assert_eq!(manifest["default_permissions"], json!(asked));
    }
}
