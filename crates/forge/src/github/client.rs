//! Requests to GitHub's REST API, and the class of each failure.
//!
//! Nothing is retried here: whoever asked waits as the class says, since a write that was sent twice may be done twice.
//! Where GitHub says that too much was asked, nobody asks anything before the time that it names.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Clock, Timestamp};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use octocrab::service::middleware::retry::RetryConfig;
use octocrab::{Octocrab, OctocrabBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::{Identity, Keys};
use super::name::GitHubRepo;
use crate::forge::ForgeError;

/// The version of the API that is spoken [GitHub: API versions].
const API_VERSION: &str = "2022-11-28";
/// How long a connection may take to come up: GitHub answers in under a second, a far Enterprise server in two.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long GitHub may be silent. It ends requests itself after ten seconds [GitHub: Troubleshooting the REST API].
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The largest answer that is read: a page of a hundred pull requests is two megabytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How much of an answer's words an error quotes.
const QUOTED_CHARS_MAX: usize = 300;
/// How long to wait where GitHub says that too much was asked and not until when [GitHub: secondary rate limits].
const PAUSE: Duration = Duration::from_secs(60);
/// The longest wait that is believed: the limit of an hour starts anew after an hour.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// Items on a page; the most that GitHub gives.
const PAGE: usize = 100;

/// How GitHub is reached, and as whom.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise.
    pub api_url: String,
    /// Whom we are.
    pub identity: Identity,
}

/// Speaks to GitHub. Cloning it is cheap.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    api_url: String,
    /// Knows no secret; each request brings its own.
    plain: Octocrab,
    keys: Keys,
    clock: Arc<dyn Clock>,
    paused_until: Mutex<Option<Timestamp>>,
}

/// A repository, as we see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct About {
    /// Its name now; GitHub answers to an old one too.
    pub full_name: String,
    /// Whether nothing can be changed in it.
    #[serde(default)]
    pub archived: bool,
    /// Its usual branch.
    pub default_branch: String,
    /// What we may do.
    #[serde(default)]
    pub permissions: Permissions,
}

/// What we may do to a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Permissions {
    /// Push to it.
    #[serde(default)]
    pub push: bool,
}

/// What GitHub answered, if it did as asked.
pub(super) struct Answer {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client {
    /// One for these settings. Nothing is asked yet; an error means a key that is none.
    pub fn new(settings: &GitHubSettings, clock: Arc<dyn Clock>) -> Result<Self, ForgeError> {
        let builder = || -> Result<_, octocrab::Error> {
            let builder = OctocrabBuilder::new().add_retry_config(RetryConfig::None);
            let builder = builder.set_connect_timeout(Some(CONNECT_MAX)).set_read_timeout(Some(SILENCE_MAX));
            let builder = builder.set_write_timeout(Some(SILENCE_MAX));
            let version = http::HeaderName::from_static("x-github-api-version");
            builder.add_header(version, API_VERSION.to_owned()).base_uri(settings.api_url.as_str())
        };
        let unusable =
            |error| refused(format!("`{}` cannot be used as GitHub's address: {}", settings.api_url, words_of(&error)));
        let keys = Keys::new(&settings.identity, builder().map_err(unusable)?)?;
        let plain = builder().and_then(|builder| builder.build()).map_err(unusable)?;
        let api_url = settings.api_url.trim_end_matches('/').to_owned();
        Ok(Self { inner: Arc::new(Inner { api_url, plain, keys, clock, paused_until: Mutex::default() }) })
    }

    /// The host under which people find the repositories: `github.com` for `https://api.github.com`.
    pub fn web_host(api_url: &str) -> String {
        let rest = api_url.split_once("://").map_or(api_url, |(_, rest)| rest);
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        host.strip_prefix("api.").unwrap_or(host).to_owned()
    }

    /// A token that may do to this repository what we need, and nothing to any other if we are an App.
    pub async fn token(&self, repo: &GitHubRepo) -> Result<secrecy::SecretString, ForgeError> {
        self.inner.keys.token(self, repo).await
    }

    /// What a repository is like, as we see it.
    pub async fn about(&self, repo: &GitHubRepo) -> Result<About, ForgeError> {
        self.get(repo, "").await
    }

    /// Reads one thing of a repository; `path` is what stands behind `/repos/OWNER/NAME`.
    pub async fn get<T: DeserializeOwned>(&self, repo: &GitHubRepo, path: &str) -> Result<T, ForgeError> {
        self.send(repo, Method::GET, path, None::<&()>).await
    }

    /// Reads a list of a repository to its end, or to `count_max` items; then it says so in the log.
    pub async fn list<T: DeserializeOwned>(
        &self,
        repo: &GitHubRepo,
        path: &str,
        count_max: usize,
    ) -> Result<Vec<T>, ForgeError> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut next = Some(format!("/repos/{repo}{path}{joint}per_page={PAGE}"));
        let mut items = Vec::new();
        while let Some(route) = next.take() {
            let answer = self.request(repo, (Method::GET, &route), None::<&()>).await?;
            items.extend(answer.read::<Vec<T>>(&route)?);
            next = answer.next_page(&self.inner.api_url);
            if items.len() >= count_max && next.is_some() {
                tracing::warn!(%repo, "only the first {count_max} of {path} were read");
                break;
            }
        }
        items.truncate(count_max);
        Ok(items)
    }

    /// Changes something of a repository.
    pub async fn send<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        repo: &GitHubRepo,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, ForgeError> {
        let route = format!("/repos/{repo}{path}");
        self.request(repo, (method, &route), body).await?.read(&route)
    }

    /// One request with the token for `repo`.
    async fn request<B: Serialize + ?Sized>(
        &self,
        repo: &GitHubRepo,
        route: (Method, &str),
        body: Option<&B>,
    ) -> Result<Answer, ForgeError> {
        let token = self.token(repo).await?;
        let as_whom = self.inner.plain.user_access_token(token).map_err(|error| refused(words_of(&error)))?;
        self.request_as(&as_whom, route, body).await
    }

    /// One request as whoever `as_whom` is.
    pub(super) async fn request_as<B: Serialize + ?Sized>(
        &self,
        as_whom: &Octocrab,
        (method, route): (Method, &str),
        body: Option<&B>,
    ) -> Result<Answer, ForgeError> {
        self.mind_the_pause()?;
        let request = http::request::Builder::new().method(method.clone()).uri(route);
        let request = as_whom.build_request(request, body).map_err(|error| refused(words_of(&error)))?;
        let unanswered = |why: String| ForgeError::transient(format!("GitHub did not answer {method} {route}: {why}"));
        let response = as_whom.execute(request).await.map_err(|error| unanswered(words_of(&error)))?;
        let (parts, body) = response.into_parts();
        let read = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = read.map_err(|error| unanswered(format!("its answer was cut short: {error}")))?.to_bytes().to_vec();
        if parts.status.is_success() {
            return Ok(Answer { headers: parts.headers, body });
        }
        let failure = Failure { status: parts.status, headers: &parts.headers, body: &body, route };
        Err(self.classify(&failure))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    fn mind_the_pause(&self) -> Result<(), ForgeError> {
        let until = *self.inner.paused_until.lock().expect("no code panics while it holds this lock");
        match until.map(|until| until.since(self.now())) {
            Some(after) if !after.is_zero() => {
                Err(ForgeError::Transient { after, why: "GitHub said that too much was asked of it lately".to_owned() })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn classify(&self, failure: &Failure<'_>) -> ForgeError {
        let now = self.now();
        if let Some(after) = failure.pause() {
            *self.inner.paused_until.lock().expect("no code panics while it holds this lock") = Some(now + after);
            let why = format!("GitHub said that too much was asked of it: {}", failure.said());
            return ForgeError::Transient { after, why };
        }
        failure.class(now)
    }
}

/// An answer that says no.
struct Failure<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    body: &'a [u8],
    route: &'a str,
}

impl Failure<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// When GitHub answered, by its own clock.
    fn answered_at(&self) -> Option<i64> {
        chrono::DateTime::parse_from_rfc2822(self.header("date")?).ok().map(|date| date.timestamp())
    }

    /// How long to wait, if this is a limit [GitHub: rate limits, "Exceeding the rate limit"]. The moment that it names is by
    /// its own clock, and so is measured from its own answer.
    fn pause(&self) -> Option<Duration> {
        if !matches!(self.status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
            return None;
        }
        let is_used_up = self.number("x-ratelimit-remaining") == Some(0);
        let until = || {
            let reset = i64::try_from(self.number("x-ratelimit-reset")?).ok()?;
            u64::try_from(reset - self.answered_at()?).ok().map(|seconds| seconds + 1)
        };
        let after = match self.number("retry-after") {
            Some(seconds) => Duration::from_secs(seconds),
            None if is_used_up => until().map_or(PAUSE, Duration::from_secs),
            None if self.status == StatusCode::TOO_MANY_REQUESTS || self.said().contains("rate limit") => PAUSE,
            None => return None,
        };
        Some(after.clamp(Duration::from_secs(1), PAUSE_MAX))
    }

    /// What GitHub said, on one line: its message, and what it has against each field.
    fn said(&self) -> String {
        let told: serde_json::Value = serde_json::from_slice(self.body).unwrap_or_default();
        let fields = told["errors"].as_array().into_iter().flatten().map(|error| match error {
            serde_json::Value::String(text) => text.clone(),
            error => match error["message"].as_str() {
                Some(message) => message.to_owned(),
                None => format!("{} {}", word(&error["field"]), word(&error["code"])),
            },
        });
        let message = told["message"].as_str().map(str::to_owned);
        let all: Vec<String> = message.into_iter().chain(fields).collect();
        let text = if all.is_empty() { self.status.to_string() } else { all.join("; ") };
        text.replace(['\n', '\r'], " ").chars().take(QUOTED_CHARS_MAX).collect()
    }

    fn class(&self, now: Timestamp) -> ForgeError {
        let (said, route) = (self.said(), self.route);
        let needed = self.header("x-accepted-github-permissions").filter(|needed| !needed.is_empty());
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let next = match self.seconds_off(now) {
                    Some(off) => format!("this machine's clock is {off} s away from GitHub's; set it right"),
                    None => "look at `github.token`, or at `github.app_id` and `github.private_key`".to_owned(),
                };
                ForgeError::Unauthorized { why: format!("GitHub does not know who we are: {said}; {next}") }
            }
            StatusCode::FORBIDDEN if said.contains("archived") => refused(format!(
                "GitHub refuses {route}: {said}; take the repository out of the archive, or out of the config"
            )),
            StatusCode::FORBIDDEN => {
                let next = needed.map_or_else(
                    || "give the token or the App what it lacks".to_owned(),
                    |needed| {
                        format!(
                            "give the token or the App the permission {needed}, and accept it where it is installed"
                        )
                    },
                );
                ForgeError::Unauthorized { why: format!("GitHub does not let us do that ({route}): {said}; {next}") }
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => ForgeError::Missing {
                what: format!(
                    "GitHub has no {route}, or does not show it to us: {said}; look at its name and at what the token or the App may see"
                ),
            },
            StatusCode::CONFLICT | StatusCode::REQUEST_TIMEOUT => {
                ForgeError::transient(format!("GitHub could not do {route}: {said}"))
            }
            status if status.is_server_error() => {
                let why = format!("GitHub is in trouble ({}): {said}", status.as_u16());
                match self.number("retry-after") {
                    Some(seconds) => ForgeError::Transient { after: Duration::from_secs(seconds).min(PAUSE_MAX), why },
                    None => ForgeError::transient(why),
                }
            }
            _ => refused(format!("GitHub refuses {route}: {said}")),
        }
    }

    /// How far this machine's clock is from GitHub's, where that is too far for an App's signature, which holds ten minutes.
    fn seconds_off(&self, now: Timestamp) -> Option<i64> {
        let off = (now.as_ms() / 1_000 - self.answered_at()?).abs();
        (off > 60).then_some(off)
    }
}

fn word(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or("?")
}

impl Answer {
    /// The body as a value. One that is cut off, or is not what GitHub documents, may be whole the next time.
    pub(super) fn read<T: DeserializeOwned>(&self, route: &str) -> Result<T, ForgeError> {
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        serde_json::from_slice(body)
            .map_err(|error| ForgeError::transient(format!("GitHub's answer to {route} cannot be read: {error}")))
    }

    /// The route of the next page [GitHub: pagination], within `api_url`: an address elsewhere is not followed.
    fn next_page(&self, api_url: &str) -> Option<String> {
        let links = self.headers.get(http::header::LINK)?.to_str().ok()?;
        let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
        let address: http::Uri = next.split_once('<')?.1.split_once('>')?.0.parse().ok()?;
        let base: http::Uri = api_url.parse().ok()?;
        let path = address.path_and_query()?.as_str();
        Some(path.strip_prefix(base.path().trim_end_matches('/')).unwrap_or(path).to_owned())
    }
}

pub(super) fn refused(why: impl Into<String>) -> ForgeError {
    ForgeError::Refused { why: why.into() }
}

/// An error of the library with all that caused it, on one line. It names addresses and never what was sent.
pub(super) fn words_of(error: &dyn std::error::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string().lines().next().unwrap_or_default().to_owned();
        if !text.is_empty() && !words.iter().any(|said| said.contains(&text)) {
            words.push(text);
        }
        cause = error.source();
    }
    words.join(": ")
}
