//! The server: one address for the API, below `/api/v3` as on a GitHub Enterprise, and for git.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State as Extract};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::app::{self, AppKey};
use super::book::{self, Book, filled};
use super::state::{Pull, State};
use super::{git, issues, pulls};

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is answered with this status, this message and these headers, and nothing is done.
    Refused(u16, String, Vec<(String, String)>),
    /// It is done, and its answer is lost in a bad gateway.
    Unheard,
    /// It is done, and only the first half of its answer arrives.
    CutShort,
}

/// A GitHub, until it is dropped.
pub struct GitHubServer {
    shared: Shared,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
pub(super) struct Shared {
    book: Arc<Book>,
    state: Arc<Mutex<State>>,
}

/// An answer, as JSON.
pub(super) struct Answer {
    status: StatusCode,
    body: Value,
    headers: Vec<(String, String)>,
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another body where all went well.
    pub(super) fn then(self, body: impl FnOnce() -> Value) -> Self {
        if self.status.is_success() { Self { body: body(), ..self } } else { self }
    }

    /// Another status where all went well.
    pub(super) fn having_status(self, status: StatusCode) -> Self {
        if self.status.is_success() { Self { status, ..self } } else { self }
    }
}

pub(super) fn refuse(status: StatusCode, message: &str) -> Answer {
    let about = "https://docs.github.com/rest";
    Answer::new(status, json!({ "message": message, "documentation_url": about, "status": status.as_str() }))
}

pub(super) fn refuse_field(resource: &str, field: &str, code: &str) -> Answer {
    let errors = json!([{ "resource": resource, "field": field, "code": code }]);
    let about = "https://docs.github.com/rest";
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Answer::new(
        status,
        json!({ "message": "Validation Failed", "errors": errors, "documentation_url": about, "status": "422" }),
    )
}

impl GitHubServer {
    /// Whether what it needs is installed.
    pub fn is_installed() -> bool {
        book::place().is_some()
    }

    /// One with the repository `acme/web`, whose commits are at `git`, a bare repository.
    pub fn start(git: &Path) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let state = State {
            repo: "acme/web".to_owned(),
            git: git.to_owned(),
            pulls: Vec::new(),
            statuses: Vec::new(),
            minted: std::collections::BTreeMap::new(),
            app: None,
            faults: std::collections::VecDeque::new(),
            asked: Vec::new(),
            is_archived: false,
            may_push: true,
            address: format!("http://{address}"),
        };
        let shared = Shared { book: Arc::new(Book::open()), state: Arc::new(Mutex::new(state)) };
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::max(git::PUSH_BYTES_MAX));
        let router = router.with_state(shared.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            tokio::select! {
                served = async { axum::serve(listener, router).await } => served.expect("it stays open"),
                _ = stopped => {}
            }
        };
        let thread = std::thread::spawn(move || runtime.block_on(serve));
        Self { shared, address, stop: Some(stop), thread: Some(thread) }
    }

    /// What `github.api_url` is set to.
    pub fn api_url(&self) -> String {
        format!("http://{}/api/v3", self.address)
    }

    /// The address of the repository for git.
    pub fn remote(&self) -> String {
        format!("http://{}/acme/{}", self.address, self.file_name())
    }

    fn file_name(&self) -> String {
        self.shared.state().git.file_name().expect("it has a name").to_string_lossy().into_owned()
    }

    /// Installs the App whose key this is.
    pub fn install(&self, key: &AppKey) {
        self.shared.state().app = Some(key.clone());
    }

    /// Archives the repository, or lets us no longer push to it.
    pub fn close_off(&self, is_archived: bool, may_push: bool) {
        let mut state = self.shared.state();
        (state.is_archived, state.may_push) = (is_archived, may_push);
    }

    /// The next request that begins like this, `POST /repos/acme/web/pulls`, goes wrong.
    pub fn fail(&self, request: &str, fault: Fault) {
        self.shared.state().faults.push_back((request.to_owned(), fault));
    }

    /// Where it is, as HOST:PORT.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The branches that were published.
    pub fn branches(&self) -> Vec<String> {
        self.shared.state().branches("downbeat/")
    }

    /// Puts so many copies of the first pull request beside it, closed.
    pub fn copy_pull(&self, n: u64) {
        let mut state = self.shared.state();
        let first = state.pulls[0].clone();
        let copies = (1..=n).map(|more| Pull { number: first.number + more, state: "closed", ..first.clone() });
        state.pulls.extend(copies);
    }

    /// All pull requests.
    pub fn pulls(&self) -> Vec<Pull> {
        self.shared.state().pulls.clone()
    }

    /// The statuses of a commit by this name, oldest first: `pending: position 1 of 1 · testing`.
    pub fn statuses(&self, name: &str) -> Vec<String> {
        let state = self.shared.state();
        let named = state.statuses.iter().filter(|(_, status)| status["context"] == name);
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        named.map(|(_, status)| format!("{}: {}", word(&status["state"]), word(&status["description"]))).collect()
    }

    /// Ben closes a pull request on its page.
    pub fn close(&self, number: u64) {
        let mut state = self.shared.state();
        state.pulls.iter_mut().filter(|pull| pull.number == number).for_each(|pull| pull.state = "closed");
    }

    /// What was asked since this was asked last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.state().asked)
    }

    /// Whether a commit is on a branch.
    pub fn has_landed(&self, sha: &str, branch: &str) -> bool {
        let state = self.shared.state();
        state.commit_at(branch).is_some_and(|tip| state.is_ancestor(sha, &tip))
    }
}

impl Drop for GitHubServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics here")
    }

    pub(super) fn example(&self, name: &str, values: &[(&str, Value)]) -> Value {
        filled(self.book.example(name), values)
    }

    pub(super) fn in_an_hour(&self) -> String {
        DateTime::<Utc>::from(SystemTime::now() + Duration::from_secs(3_600)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    fn about(&self) -> Answer {
        let (repo, is_archived, may_push) = {
            let state = self.state();
            (state.repo.clone(), state.is_archived, state.may_push)
        };
        let permissions = json!({ "admin": false, "maintain": false, "push": may_push, "triage": true, "pull": true });
        let values = [
            ("full_name", json!(repo)),
            ("archived", json!(is_archived)),
            ("default_branch", json!("main")),
            ("permissions", permissions),
            // The description's own example lacks what its schema demands.
            ("language", Value::Null),
            ("source/language", Value::Null),
        ];
        Answer::new(StatusCode::OK, self.example("full-repository-default-response", &values))
    }

    fn fault_of(&self, request: &str) -> Option<Fault> {
        let mut state = self.state();
        state.asked.push(request.to_owned());
        let at = state.faults.iter().position(|(begin, _)| request.starts_with(begin.as_str()))?;
        state.faults.remove(at).map(|(_, fault)| fault)
    }
}

async fn answer(
    Extract(shared): Extract<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix("/api/v3").map(str::to_owned);
    let request = format!("{method} {}", path.as_deref().unwrap_or(uri.path()));
    let fault = shared.fault_of(&request);
    if let Some(Fault::Refused(status, message, headers)) = &fault {
        let status = StatusCode::from_u16(*status).expect("a status");
        let answer = headers.iter().fold(refuse(status, message), |answer, (name, value)| answer.with(name, value));
        return shown(answer, false);
    }
    let Some(path) = path else { return git::serve(&shared, method, uri, headers, body).await };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let bearer = headers.get("authorization").and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
    let bearer = bearer.unwrap_or_default().to_owned();
    let answer = route(&shared, (&method, &path, uri.query().unwrap_or_default()), &bearer, &body);
    match fault {
        Some(Fault::Unheard) => StatusCode::BAD_GATEWAY.into_response(),
        fault => shown(answer, matches!(fault, Some(Fault::CutShort))),
    }
}

fn route(shared: &Shared, (method, path, query): (&Method, &str, &str), bearer: &str, body: &Value) -> Answer {
    if let Some(answer) = app::route(shared, &format!("{method} {path}"), bearer, body) {
        return answer;
    }
    if !shared.state().knows(bearer) {
        return refuse(StatusCode::UNAUTHORIZED, "Bad credentials");
    }
    let repo = format!("/repos/{}", shared.state().repo);
    let Some(rest) = path.strip_prefix(&repo) else { return refuse(StatusCode::NOT_FOUND, "Not Found") };
    let rest: Vec<&str> = rest.split('/').skip(1).collect();
    match rest.split_first() {
        None if method == Method::GET => shared.about(),
        Some((&"pulls", rest)) => pulls::route(shared, method.as_str(), rest, query, body),
        Some((&"issues", rest)) => issues::route(shared, method.as_str(), rest, body),
        Some((&"statuses", [sha])) if method == Method::POST => issues::status(shared, sha, body),
        _ => refuse(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn shown(answer: Answer, is_cut: bool) -> Response {
    let mut text = answer.body.to_string();
    if is_cut {
        text.truncate(text.len() / 2);
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    let now = DateTime::<Utc>::from(SystemTime::now()).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (name, value) in [("date".to_owned(), now)].into_iter().chain(answer.headers) {
        let name: axum::http::HeaderName = name.parse().expect("a header's name");
        headers.insert(name, value.parse().expect("a header's value"));
    }
    (answer.status, headers, text).into_response()
}
