//! Judges every request by GitHub's official description: Stoplight's Prism as a proxy before the server.
//!
//! A small door of ours before the proxy gathers what Prism has against a request, or against an answer of the server.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::book::{self, Book};
use crate::peers;

/// Every route that the product asks. The suite sees to it that each is asked, and no other.
pub const ROUTES: [&str; 9] = [
    "/app/installations/{installation_id}/access_tokens",
    "/repos/{owner}/{repo}/installation",
    "/repos/{owner}/{repo}/issues/{issue_number}",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels",
    "/repos/{owner}/{repo}/pulls",
    "/repos/{owner}/{repo}/pulls/{pull_number}",
    "/repos/{owner}/{repo}/statuses/{sha}",
    "/repos/{owner}/{repo}",
];

/// The judge, until it is dropped.
pub struct Judge {
    child: Child,
    address: SocketAddr,
    faults: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _home: tempfile::TempDir,
}

#[derive(Clone)]
struct Door {
    behind: String,
    faults: Arc<Mutex<Vec<String>>>,
    client: reqwest::Client,
}

fn program() -> Option<PathBuf> {
    peers::installed("github/node_modules/.bin/prism")
}

impl Judge {
    /// Whether it is installed.
    pub fn is_installed() -> bool {
        program().is_some() && book::place().is_some()
    }

    /// Starts it before the API at `behind`, and waits until it is ready.
    pub fn start(behind: &str) -> Self {
        let home = tempfile::tempdir().expect("a directory is made");
        let description = home.path().join("description.json");
        std::fs::write(&description, Book::open().of_routes(&ROUTES).to_string()).expect("a file can be written");
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        drop(listener);
        let mut command = Command::new(program().expect("it is installed"));
        command.arg("proxy").arg(&description).arg(behind).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        command.env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::null()).current_dir(home.path());
        let mut child = command.spawn().expect("Prism starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        let is_ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Prism is listening"));
        assert!(is_ready, "Prism ended before it was ready");
        // It prints about every request, and stops where nobody reads.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let faults = Arc::new(Mutex::new(Vec::new()));
        let door =
            Door { behind: format!("http://127.0.0.1:{port}"), faults: faults.clone(), client: reqwest::Client::new() };
        let (address, stop, thread) = open(door);
        Self { child, address, faults, stop: Some(stop), thread: Some(thread), _home: home }
    }

    /// What `github.api_url` is set to.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has against what it saw.
    pub fn faults(&self) -> Vec<String> {
        self.faults.lock().expect("nothing panics here").clone()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(door: Door) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().fallback(pass_on).with_state(door);
    let serve = async move {
        tokio::select! {
            served = async { axum::serve(listener, router).await } => served.expect("the door stays open"),
            _ = stopped => {}
        }
    };
    (address, stop, std::thread::spawn(move || runtime.block_on(serve)))
}

async fn pass_on(State(door): State<Door>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut request = door.client.request(method.clone(), format!("{}{uri}", door.behind)).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str())) {
        request = request.header(name, value);
    }
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), answer.headers().clone());
    if let Some(violations) = headers.get("sl-violations").and_then(|it| it.to_str().ok()) {
        let all: Vec<Value> = serde_json::from_str(violations).unwrap_or_default();
        let found = all.iter().map(|one| format!("{method} {uri}: {}: {}", one["location"], one["message"]));
        door.faults.lock().expect("nothing panics here").extend(found);
    }
    let mut shown = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| !is_of_the_hop(name.as_str())) {
        shown.insert(name, value.clone());
    }
    (status, shown, answer.bytes().await.unwrap_or_default()).into_response()
}

fn is_of_the_hop(name: &str) -> bool {
    ["content-length", "transfer-encoding", "connection", "content-encoding"].contains(&name)
}
