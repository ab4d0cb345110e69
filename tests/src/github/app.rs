//! A GitHub App: its key, and the tokens that it mints for a repository it is installed on.

use std::path::Path;
use std::process::Command;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::server::{Answer, Shared, refuse};

/// The App that is installed.
pub const APP_ID: u64 = 4711;
const INSTALLATION: u64 = 17;

/// A key pair of an App, made for the test.
#[derive(Clone, Debug)]
pub struct AppKey {
    /// The private key, PEM.
    pub private: String,
    public: String,
}

impl AppKey {
    /// A fresh one, kept in `dir`.
    pub fn made_in(dir: &Path) -> Self {
        let openssl = |args: &[&str]| {
            let output = Command::new("openssl").args(args).current_dir(dir).output().expect("openssl is installed");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("PEM is text")
        };
        let private = openssl(&["genrsa", "-traditional", "2048"]);
        std::fs::write(dir.join("app.pem"), &private).expect("a file can be written");
        let public = openssl(&["rsa", "-in", "app.pem", "-pubout"]);
        Self { private, public }
    }

    /// The claims of a token that this key has signed.
    fn claims(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let bytes = |text: &str| data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let dir = tempfile::tempdir().expect("a directory is made");
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("it is written");
        write("key", self.public.as_bytes());
        write("signature", &bytes(signature)?);
        write("signed", signed.as_bytes());
        let mut command = Command::new("openssl");
        command
            .args(["dgst", "-sha256", "-verify", "key", "-signature", "signature", "signed"])
            .current_dir(dir.path());
        let is_right = command.output().expect("openssl is installed").status.success();
        is_right.then(|| serde_json::from_slice(&bytes(signed.split_once('.')?.1)?).ok())?
    }
}

/// The routes of an App, which shows a signature instead of a token.
pub(super) fn route(shared: &Shared, route: &str, bearer: &str, body: &Value) -> Option<Answer> {
    let is_minting = route.starts_with("POST /app/installations/") && route.ends_with("/access_tokens");
    let is_asking = route.starts_with("GET /repos/") && route.ends_with("/installation");
    if !is_minting && !is_asking {
        return None;
    }
    let mut state = shared.state();
    let claims = state.app.as_ref().and_then(|key| key.claims(bearer));
    let is_ours = claims.is_some_and(|claims| {
        claims["iss"].to_string().trim_matches('"') == APP_ID.to_string() && claims["exp"].is_i64()
    });
    if !is_ours {
        return Some(refuse(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded"));
    }
    if is_asking {
        let is_there = route == format!("GET /repos/{}/installation", state.repo);
        return Some(match is_there {
            false => refuse(StatusCode::NOT_FOUND, "Not Found"),
            true => Answer::new(StatusCode::OK, shared.example("installation", &[("id", json!(INSTALLATION))])),
        });
    }
    let name = state.repo.split_once('/').expect("it has an owner").1.to_owned();
    if body["repositories"] != json!([name]) {
        return Some(refuse(StatusCode::UNPROCESSABLE_ENTITY, "There is at least one repository that does not exist"));
    }
    let token = format!("ghs_{}", state.minted.len() + 1);
    let repo = state.repo.clone();
    state.minted.insert(token.clone(), repo);
    drop(state);
    let values = [
        ("token", json!(token)),
        ("expires_at", json!(shared.in_an_hour())),
        ("permissions", body["permissions"].clone()),
    ];
    Some(Answer::new(StatusCode::CREATED, shared.example("installation-token", &values)))
}
