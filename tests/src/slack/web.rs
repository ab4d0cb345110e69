//! The HTTP end: the Web API, uploads, downloads, and answers to what people did.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State as Held};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::args::Args;
use super::desk::Desk;
use super::fault::Failure;
use super::methods::{Method, is_refused};
use super::record::Call;
use super::refusal::{Answered, Refusal, merge};

/// Bytes of a request: an upload.
const BODY_BYTES_MAX: usize = 32_000_000;
/// How long the first half of a broken answer takes to leave.
const FLUSHED: Duration = Duration::from_millis(20);

/// What the server answers, and where.
pub fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/api/{method}", any(call))
        .route("/upload/v1/{team}/{id}", post(upload))
        .route("/files-pri/{owner}/{name}", get(download))
        .route("/actions/{team}/{n}", post(respond))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(desk)
}

async fn call(
    Held(desk): Held<Arc<Desk>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let method = Method::named(&name);
    let args = Args::read(&uri, &headers, &body, method.is_none_or(|method| method.takes_json));
    let agent = headers.get(header::USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let (answered, failure, scopes, wait) = desk.change(|state| {
        let at = Instant::now();
        let args = args.clone();
        let said = args.as_ref().map(|args| args.all().clone()).unwrap_or_default();
        let token = args.as_ref().ok().and_then(|args| args.token.clone()).unwrap_or_default();
        let team = state.team_of_token(&token).map(|at| state.teams[at].id.clone());
        let scopes = team.as_deref().and_then(|team| state.team(team)).map(|team| team.provided());
        let wait = method.zip(args.as_ref().ok()).and_then(|(method, args)| method.count(state, args));
        let failure = state.failures.get_mut(&name).and_then(std::collections::VecDeque::pop_front);
        let is_refused = wait.is_some() && is_refused(state.settings.limits);
        let is_done = !is_refused && failure.as_ref().is_none_or(Failure::is_done);
        let answered = match (method, args, is_done) {
            (_, Err(refusal), _) => Err(refusal),
            (_, _, false) => Err(Refusal::of("ratelimited")),
            (None, _, _) => Err(Refusal::of("unknown_method")),
            (Some(method), Ok(args), true) => method.answer(state, args),
        };
        let word = answered.as_ref().map_or_else(|refusal| refusal.error.clone(), |_| "ok".to_owned());
        let word = failure.as_ref().map_or(word, Failure::word);
        let is_over = wait.is_some();
        state.calls.push(Call { method: name.clone(), team, args: said, at, answered: word, is_over, agent });
        (answered, failure, scopes, wait.filter(|_| is_refused))
    });
    if let Some(wait) = wait {
        return rate_limited(wait.as_secs() + 1);
    }
    let lacks_charset = args.is_ok_and(|args| args.lacks_charset);
    let mut response = played(answered_json(answered, lacks_charset), failure).await;
    if let Some(scopes) = scopes.and_then(|scopes| scopes.parse().ok()) {
        response.headers_mut().insert("x-oauth-scopes", scopes);
    }
    response
}

fn answered_json(answered: Answered, lacks_charset: bool) -> Value {
    let mut answer = json!({ "ok": true });
    match answered {
        Ok(fields) => merge(&mut answer, &fields),
        Err(refusal) => answer = refusal.answer(),
    }
    if lacks_charset {
        answer["warning"] = json!("missing_charset");
        answer["response_metadata"]["warnings"] = json!(["missing_charset"]);
    }
    answer
}

fn rate_limited(seconds: u64) -> Response {
    let body = Json(json!({ "ok": false, "error": "ratelimited" }));
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], body).into_response()
}

/// The answer, as the fault has it.
async fn played(answer: Value, failure: Option<Failure>) -> Response {
    match failure {
        None => Json(answer).into_response(),
        Some(Failure::RateLimited(seconds)) => rate_limited(seconds),
        Some(Failure::Status(status)) => {
            let status = StatusCode::from_u16(status).expect("the test names an HTTP status");
            (status, [(header::CONTENT_TYPE, "text/html")], "<html><body>Something went wrong</body></html>")
                .into_response()
        }
        Some(Failure::Word(word)) => Json(Refusal::of(word).answer()).into_response(),
        Some(Failure::DoneButRefused) => Json(Refusal::of("fatal_error").answer()).into_response(),
        Some(Failure::Slow(time)) => {
            // Nobody rings before.
            let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
            Json(answer).into_response()
        }
        Some(Failure::Malformed) => ([(header::CONTENT_TYPE, "application/json")], "}{ no JSON").into_response(),
        Some(Failure::Truncated) => broken(answer.to_string()),
        Some(Failure::AnswerLost) => broken(String::new()),
    }
}

/// The first half of an answer, and then no connection.
fn broken(whole: String) -> Response {
    let half: String = whole.chars().take(whole.chars().count() / 2).collect();
    let cut = stream::once(async {
        let _ = tokio::time::timeout(FLUSHED, std::future::pending::<()>()).await;
        Err(std::io::Error::other("the test breaks the answer here"))
    });
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, Body::from_stream(stream::iter([Ok(half)]).chain(cut))).into_response()
}

async fn upload(
    Held(desk): Held<Arc<Desk>>,
    Path((team, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<String, Infallible> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let bytes = match kind.split_once("boundary=").filter(|_| kind.starts_with("multipart/")) {
        Some((_, boundary)) => part(&body, boundary.trim_matches('"')),
        None => body.to_vec(),
    };
    Ok(desk.change(|state| {
        let file = state.team_mut(&team).and_then(|team| team.files.get_mut(&id));
        file.map_or_else(
            || "not found".to_owned(),
            |file| {
                file.bytes = bytes;
                format!("OK - {}", file.bytes.len())
            },
        )
    }))
}

/// The first part of a form of parts.
fn part(body: &[u8], boundary: &str) -> Vec<u8> {
    let end = format!("\r\n--{boundary}");
    let find = |text: &[u8], from: usize| {
        body[from..].windows(text.len()).position(|window| window == text).map(|at| from + at)
    };
    let Some(begin) = find(b"\r\n\r\n", 0).map(|at| at + 4) else { return Vec::new() };
    let end = find(end.as_bytes(), begin).unwrap_or(body.len());
    body[begin..end].to_vec()
}

async fn download(
    Held(desk): Held<Arc<Desk>>,
    Path((owner, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
    let found = desk.look(|state| {
        let (team, id) = owner.split_once('-')?;
        let team = state.team(team).filter(|team| token == Some(&team.bot.token))?;
        let may = team.bot.scopes.contains("files:read");
        may.then(|| team.files.get(id).map(|file| file.bytes.clone()))?
    });
    match found {
        Some(bytes) => ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        // Without its token a program is shown what a person without a login is: a page, and no error.
        None => ([(header::CONTENT_TYPE, "text/html")], "<html><title>Slack: sign in</title></html>").into_response(),
    }
}

async fn respond(Held(desk): Held<Arc<Desk>>, Path((team, n)): Path<(String, String)>, body: Bytes) -> Response {
    let said = serde_json::from_slice(&body).unwrap_or_default();
    match desk.change(|state| state.answer_at(&format!("{team}/{n}"), &said)) {
        Ok(()) => "ok".into_response(),
        Err(refusal) => (StatusCode::NOT_FOUND, Json(refusal.answer())).into_response(),
    }
}
