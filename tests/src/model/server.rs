//! One address for all protocols: which one is spoken shows in the path.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Reply};
use super::asked::{Asked, Place};
use super::log::Heard;
use super::script::Script;
use super::{anthropic, completions, gemini, responses};

/// How large a request may be: a conversation with the output of many commands.
const BODY_BYTES_MAX: usize = 64_000_000;

/// How long a piece of an answer takes to leave: nothing on loopback, but it does not leave at once.
const FLUSHED: Duration = Duration::from_millis(20);

/// What the server knows: the script, and what it was asked.
#[derive(Debug)]
pub struct Desk {
    script: Script,
    /// How often a step that fails only some times has failed.
    failed: Mutex<HashMap<(usize, bool, usize), u32>>,
    unique: AtomicUsize,
    /// All requests so far.
    pub log: Mutex<Vec<Heard>>,
    /// Rung for every request.
    pub bell: Condvar,
}

/// The languages, each with the words by which its path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Anthropic,
    Responses,
    Completions,
    Gemini,
}

impl Desk {
    /// A desk where nobody has asked yet.
    pub fn new(script: Script) -> Self {
        Self {
            script,
            failed: Mutex::default(),
            unique: AtomicUsize::new(1),
            log: Mutex::default(),
            bell: Condvar::new(),
        }
    }

    /// What is asked is answered here.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(answer).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(self)
    }

    fn decide(&self, asked: &Asked, place: Option<Place<'_>>) -> Answer {
        let unique = self.unique.fetch_add(1, Ordering::SeqCst);
        if asked.is_aside() {
            return Answer::aside(asked, unique);
        }
        let Some(place) = place else { return Answer::words("The script has nothing about this.", unique) };
        let Some(step) = place.step else { return Answer::words("The script is over.", unique) };
        let has_failed_enough = step.fail.as_ref().and_then(|fail| fail.times).is_some_and(|times| {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let count = failed.entry((place.task, place.plans, place.n)).or_default();
            *count += 1;
            *count > times
        });
        let mut step = step.clone();
        if has_failed_enough {
            step.fail = None;
        }
        Answer::of_step(&step, place.n, asked, unique)
    }

    fn note(&self, heard: Heard) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
        self.bell.notify_all();
    }
}

async fn answer(State(desk): State<Arc<Desk>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().trim_end_matches('/').to_owned();
    let mut heard = Heard::new(&method, &uri, headers, &body);
    if method != Method::POST || path.ends_with("/count_tokens") || path.ends_with(":countTokens") {
        heard.answered = "facts".to_owned();
        desk.note(heard);
        return facts(&path);
    }
    let Some((protocol, asked)) = read(&path, &uri, &heard.body) else {
        heard.answered = "404".to_owned();
        desk.note(heard);
        return (StatusCode::NOT_FOUND, Json(json!({ "error": { "message": "no model answers here" } })))
            .into_response();
    };
    let place = asked.place(&desk.script).filter(|_| !asked.is_aside());
    let answer = desk.decide(&asked, place);
    heard.place(&asked, place, &desk.script);
    heard.answered = answer.word();
    desk.note(heard);
    if let Some(step) = place.and_then(|place| place.step) {
        // Longer than this the model thinks; nobody rings before.
        let _ = tokio::time::timeout(step.delay(), std::future::pending::<()>()).await;
    }
    match answer {
        Answer::Whole(reply) => protocol.write(&reply, &asked, false),
        Answer::Cut(reply) => protocol.write(&reply, &asked, true),
        Answer::Error(failure) => protocol.fail(&failure),
        Answer::Garbage => "}{ this is no answer".into_response(),
        Answer::Silence => std::future::pending().await,
    }
}

/// What can be answered without a script: which models there are, how long a conversation is, whether anybody is here.
fn facts(path: &str) -> Response {
    let models = ["claude-opus-5-5", "gpt-6.1-sol", "gemini-3.1-pro-preview"];
    if path.ends_with("/count_tokens") {
        return Json(json!({ "input_tokens": 1_000 })).into_response();
    }
    if path.ends_with(":countTokens") {
        return Json(json!({ "totalTokens": 1_000 })).into_response();
    }
    if path.ends_with("/v1beta/models") {
        let list: Vec<_> = models.iter().map(|name| json!({ "name": format!("models/{name}") })).collect();
        return Json(json!({ "models": list })).into_response();
    }
    if path.ends_with("/models") {
        let entry = |name: &&str| {
            json!({
                "id": name, "type": "model", "object": "model", "display_name": name, "created": 1_800_000_000,
                "created_at": "2027-01-15T08:00:00Z", "owned_by": "script",
            })
        };
        let list: Vec<_> = models.iter().map(entry).collect();
        return Json(json!({ "object": "list", "data": list, "has_more": false })).into_response();
    }
    StatusCode::OK.into_response()
}

fn read(path: &str, uri: &Uri, body: &Value) -> Option<(Protocol, Asked)> {
    if path.ends_with("/messages") {
        return Some((Protocol::Anthropic, anthropic::read(body)));
    }
    if path.ends_with("/responses") {
        return Some((Protocol::Responses, responses::read(body)));
    }
    if path.ends_with("/chat/completions") {
        return Some((Protocol::Completions, completions::read(body)));
    }
    let (model, verb) = path.rsplit_once('/')?.1.split_once(':')?;
    let streams = verb == "streamGenerateContent" && uri.query().is_some_and(|query| query.contains("alt=sse"));
    verb.ends_with("enerateContent").then(|| (Protocol::Gemini, gemini::read(body, model, streams)))
}

impl Protocol {
    fn write(self, reply: &Reply, asked: &Asked, is_cut: bool) -> Response {
        if !asked.streams {
            let whole = match self {
                Self::Anthropic => anthropic::whole(reply, asked),
                Self::Responses => responses::whole(reply, asked),
                Self::Completions => completions::whole(reply, asked),
                Self::Gemini => gemini::whole(reply, asked),
            };
            return sent("application/json", vec![whole.to_string()], is_cut);
        }
        let events = match self {
            Self::Anthropic => anthropic::events(reply, asked),
            Self::Responses => responses::events(reply, asked),
            Self::Completions => completions::events(reply, asked),
            Self::Gemini => gemini::events(reply, asked),
        };
        let mut lines: Vec<String> = events
            .iter()
            .map(|event| match event["type"].as_str() {
                Some(name) => format!("event: {name}\ndata: {event}\n\n"),
                None => format!("data: {event}\n\n"),
            })
            .collect();
        if self == Self::Completions {
            lines.push("data: [DONE]\n\n".to_owned());
        }
        sent("text/event-stream", lines, is_cut)
    }

    fn fail(self, failure: &Failure) -> Response {
        let body = match self {
            Self::Anthropic => anthropic::error(failure),
            Self::Responses | Self::Completions => responses::error(failure),
            Self::Gemini => gemini::error(failure),
        };
        let status = StatusCode::from_u16(failure.status).expect("the script names an HTTP status");
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = failure.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Sends the pieces, or the first half of them and then breaks the connection.
fn sent(kind: &'static str, pieces: Vec<String>, is_cut: bool) -> Response {
    let headers = [(header::CONTENT_TYPE, kind)];
    if !is_cut {
        return (headers, Body::from(pieces.concat())).into_response();
    }
    let mut half = pieces.concat();
    let mut middle = half.len() / 2;
    while !half.is_char_boundary(middle) {
        middle += 1;
    }
    half.truncate(middle);
    let broken = stream::once(async {
        // The half has to be on its way before the connection breaks.
        let _ = tokio::time::timeout(FLUSHED, std::future::pending::<()>()).await;
        Err(std::io::Error::other("the script cuts the stream here"))
    });
    (headers, Body::from_stream(stream::iter([Ok(half)]).chain(broken))).into_response()
}
