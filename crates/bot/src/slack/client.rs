//! Calls of Slack's Web API: one at a time within its limits, each with a deadline, each failure with its class.
//!
//! The library opens connections, signs calls and reads answers; bodies are JSON values, because what is sent is
//! rendered and what is read is only a few fields.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::{SlackClient, SlackClientHyperConnector};
use slack_morphism::{SlackApiToken, SlackApiTokenValue};

use crate::chat::messenger::Urgency;

use super::schedule::Schedule;

/// How long one call may take: Slack itself gives up after ten seconds, and a proxy between us may take as long.
const CALL_TIME_MAX: Duration = Duration::from_secs(20);
/// How often a call waits out that Slack says "later", before whoever made it hears of it.
const PAUSES_MAX: usize = 5;

/// What is waited when Slack names no time.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The library's own, over TLS, and without it to loopback alone.
pub type Connector = SlackClientHyperConnector<HttpsConnector<HttpConnector>>;

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// Slack cannot be reached, or is in trouble; whether the call took effect is not known.
    #[error("Slack does not answer {method}: {why}")]
    Away {
        /// Which call.
        method: &'static str,
        /// Why.
        why: String,
    },
    /// Slack says "later", again and again.
    #[error("Slack takes no {method} for now")]
    Limited {
        /// Which call.
        method: &'static str,
        /// When it says to come back.
        after: Duration,
    },
    /// Slack will not do it, however often it is asked.
    #[error("Slack refuses {method}: {code}{}", advice(method, code))]
    Refused {
        /// Which call.
        method: &'static str,
        /// Its word for it.
        code: String,
    },
}

impl SlackError {
    /// Slack's word for its refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Away { .. } | Self::Limited { .. } => None,
        }
    }
}

/// What a person does about a refusal, after its word.
fn advice(method: &str, code: &str) -> &'static str {
    match code {
        "invalid_auth" | "not_authed" | "token_revoked" if method == "apps.connections.open" => {
            "; the app-level token is wrong or was revoked: make one anew and set `slack.app_token`"
        }
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "; the bot's token is wrong or was revoked: install the app anew and set `slack.bot_token`"
        }
        "missing_scope" => "; the app lacks a scope: `downbeat doctor` names it",
        "not_in_channel" | "channel_not_found" => "; invite the app to the channel",
        "is_archived" => "; the channel is archived",
        "restricted_action" => "; the workspace does not let the app write there",
        _ => "",
    }
}

/// The Web API with the bot's token.
pub struct Client {
    library: Arc<SlackClient<Connector>>,
    bot: SlackApiToken,
    schedule: Schedule,
    /// For what the library does not bring: headers of answers, and files.
    plain: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    api_url: String,
}

/// What a call answers.
type Called = Result<Value, SlackError>;

/// The library's form of a token.
pub fn token_of(secret: &SecretString) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(secret.expose_secret().to_owned()))
}

impl Client {
    /// A client of the API at `api_url`.
    pub fn new(api_url: &str, bot_token: &SecretString, schedule: Schedule) -> std::io::Result<Self> {
        crate::tls::install_provider();
        let https = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        let api_url = api_url.trim_end_matches('/').to_owned();
        let connector = SlackClientHyperConnector::with_connector(https.clone()).with_slack_api_url(&api_url);
        let plain = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { library: Arc::new(SlackClient::new(connector)), bot: token_of(bot_token), schedule, plain, api_url })
    }

    /// The library's client, for what it does by itself.
    pub fn library(&self) -> Arc<SlackClient<Connector>> {
        self.library.clone()
    }

    /// When which call may go out.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Does something, when it is its turn; `body.channel` is where it posts to.
    pub async fn act(&self, method: &'static str, body: &Value, urgency: Urgency) -> Called {
        let channel = if method == "chat.postMessage" { body["channel"].as_str() } else { None };
        self.in_turn(method, channel, urgency, || self.send(method, body)).await
    }

    /// Does something that has had its turn already.
    pub async fn act_now(&self, method: &'static str, body: &Value) -> Called {
        self.noting_limits(method, self.send(method, body).await)
    }

    /// Reads something. Reading methods take no JSON.
    pub async fn read(&self, method: &'static str, params: &[(&str, String)]) -> Called {
        self.in_turn(method, None, Urgency::Change, || self.get(method, params)).await
    }

    /// Reads all pages of a list, the items under `items`, at most `pages_max` of them.
    pub async fn read_all(
        &self,
        method: &'static str,
        params: &[(&str, String)],
        items: &str,
        pages_max: usize,
    ) -> Result<Vec<Value>, SlackError> {
        self.read_up_to(method, params, items, pages_max).await.map(|(all, _)| all)
    }

    /// The same, and whether that was all.
    pub async fn read_up_to(
        &self,
        method: &'static str,
        params: &[(&str, String)],
        items: &str,
        pages_max: usize,
    ) -> Result<(Vec<Value>, bool), SlackError> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        for _ in 0..pages_max {
            let mut params = params.to_vec();
            if !cursor.is_empty() {
                params.push(("cursor", cursor));
            }
            let mut page = self.read(method, &params).await?;
            if let Value::Array(found) = page[items].take() {
                all.extend(found);
            }
            cursor = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
            if cursor.is_empty() {
                return Ok((all, true));
            }
        }
        Ok((all, false))
    }

    async fn in_turn<F: Future<Output = Called>>(
        &self,
        method: &'static str,
        channel: Option<&str>,
        urgency: Urgency,
        call: impl Fn() -> F,
    ) -> Called {
        let mut outcome = Err(SlackError::Limited { method, after: Duration::from_secs(60) });
        for _ in 0..PAUSES_MAX {
            if self.schedule.turn(method, channel, urgency).await.is_err() {
                return outcome;
            }
            outcome = self.noting_limits(method, call().await);
            if !matches!(outcome, Err(SlackError::Limited { .. })) {
                break;
            }
        }
        outcome
    }

    fn noting_limits(&self, method: &'static str, outcome: Called) -> Called {
        if let Err(SlackError::Limited { after, .. }) = &outcome {
            tracing::info!("Slack asks for {} s without {method}", after.as_secs());
            self.schedule.close(method, *after);
        }
        outcome
    }

    async fn send(&self, method: &'static str, body: &Value) -> Called {
        let session = self.library.open_session(&self.bot);
        let called = session.http_session_api.http_post::<_, Value>(method, body, None);
        within(method, called).await
    }

    async fn get(&self, method: &'static str, params: &[(&str, String)]) -> Called {
        let session = self.library.open_session(&self.bot);
        let params: Vec<(&str, Option<&str>)> =
            params.iter().map(|(key, value)| (*key, Some(value.as_str()))).collect();
        let called = session.http_session_api.http_get::<Value, _, _>(method, &params, None);
        within(method, called).await
    }

    /// The scopes that the token really has.
    pub async fn scopes(&self) -> Result<Vec<String>, SlackError> {
        let answer = self.fetch(&format!("{}/auth.test", self.api_url), "auth.test").await?;
        let scopes = answer.headers().get("x-oauth-scopes").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(scopes.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty()).collect())
    }

    /// A file's bytes, at most `bytes_max` of them; the token goes to Slack's own hosts alone.
    pub async fn download(&self, url: &str, bytes_max: usize) -> Result<Vec<u8>, SlackError> {
        const METHOD: &str = "the download of a file";
        let refused = |code: &str| SlackError::Refused { method: METHOD, code: code.to_owned() };
        if !self.is_of_slack(url) {
            return Err(refused("its address is not one of Slack's"));
        }
        let answer = self.fetch(url, METHOD).await?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !answer.status().is_success() || kind.starts_with("text/html") {
            return Err(refused("it may not be read; the app needs the scope files:read"));
        }
        let limited = Limited::new(answer.into_body(), bytes_max).collect();
        let read = tokio::time::timeout(CALL_TIME_MAX, limited).await;
        match read {
            Ok(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
            Ok(Err(_)) => Err(refused("it is larger than it said")),
            Err(_) => Err(SlackError::Away { method: METHOD, why: "it took too long".to_owned() }),
        }
    }

    fn is_of_slack(&self, url: &str) -> bool {
        let origin = |url: &str| url.split('/').take(3).collect::<Vec<_>>().join("/");
        let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', ':', '@', '?', '#']).next());
        origin(url) == origin(&self.api_url)
            || host.is_some_and(|host| host == "slack.com" || host.ends_with(".slack.com"))
    }

    async fn fetch(
        &self,
        url: &str,
        method: &'static str,
    ) -> Result<hyper::Response<hyper::body::Incoming>, SlackError> {
        let away = |why: String| SlackError::Away { method, why };
        let token = format!("Bearer {}", self.bot.token_value.0);
        let request = hyper::Request::get(url).header("authorization", token).body(Empty::new());
        let request = request.map_err(|error| away(error.to_string()))?;
        let answered = tokio::time::timeout(CALL_TIME_MAX, self.plain.request(request)).await;
        answered.map_err(|_| away("it took too long".to_owned()))?.map_err(|error| away(error.to_string()))
    }
}

async fn within(method: &'static str, call: impl Future<Output = Result<Value, SlackClientError>>) -> Called {
    match tokio::time::timeout(CALL_TIME_MAX, call).await {
        Ok(called) => called.map_err(|error| classify(method, error)),
        Err(_) => Err(SlackError::Away { method, why: format!("no answer within {} s", CALL_TIME_MAX.as_secs()) }),
    }
}

/// The library's error by what can be done about it. Its own texts may hold bodies, so they are not passed on.
fn classify(method: &'static str, error: SlackClientError) -> SlackError {
    let away = |why: String| SlackError::Away { method, why };
    match error {
        SlackClientError::ApiError(error) if matches!(error.code.as_str(), "ratelimited" | "rate_limited") => {
            SlackError::Limited { method, after: RETRY_AFTER }
        }
        SlackClientError::ApiError(error) if is_passing(&error.code) => away(error.code),
        SlackClientError::ApiError(error) => SlackError::Refused { method, code: error.code },
        SlackClientError::RateLimitError(error) => {
            SlackError::Limited { method, after: error.retry_after.unwrap_or(RETRY_AFTER) }
        }
        SlackClientError::HttpError(error) => away(format!("it answers {}", error.status_code)),
        SlackClientError::ProtocolError(_) => away("its answer is no JSON that can be read".to_owned()),
        SlackClientError::HttpProtocolError(error) => away(innermost(error.cause)),
        SlackClientError::EndOfStream(_) => away("the connection ended".to_owned()),
        SlackClientError::SocketModeProtocolError(error) => away(error.to_string()),
        SlackClientError::SystemError(error) => away(innermost(error.cause)),
    }
}

/// What is at the bottom of it, in the words of the machine: `Connection refused (os error 111)`.
fn innermost(cause: Option<Box<dyn std::error::Error + Send + Sync>>) -> String {
    let Some(cause) = cause else { return "the connection failed".to_owned() };
    let outermost: &(dyn std::error::Error + 'static) = &*cause;
    std::iter::successors(Some(outermost), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}

/// Refusals that are over by themselves.
fn is_passing(code: &str) -> bool {
    matches!(code, "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org")
}
