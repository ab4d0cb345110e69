//! A model that says what a script says, in the protocols of the real providers: real agents work against it, offline.
//!
//! It speaks the Anthropic Messages API, OpenAI's Responses and Chat Completions, and Gemini, streamed and in one piece,
//! on one loopback address. The script ([`Script`]) is in neutral words and is turned into whichever tools the asking
//! agent offers, so one script drives every agent, and several at once. Nothing is kept between requests: which step
//! comes next shows in the conversation that the agent sends along, so retries and resumed sessions are safe.
//!
//! ```toml
//! [[task]]
//! says = "farewell"                        # the newest prompt of a person has to contain this
//! plan = [                                 # when the prompt begins as our planning prompt does
//!   { do = [{ read = "README.md" }] },
//!   { say = '{"summary": "Say goodbye", "steps": ["write it"], "paths": ["farewell.txt"], "checks": []}' },
//! ]
//! work = [                                 # one answer of the model each; one without `do` ends the turn
//!   { say = "I write it.", think = "How short?", do = [{ write = { path = "farewell.txt", text = "bye\n" } }] },
//!   { do = [{ shell = "cat farewell.txt" }], usage = { input = 1200, output = 40, cache_read = 800 } },
//!   { fail = { status = 429, retry_after = 1, times = 1 }, say = "Done." },
//! ]
//! ```
//!
//! Other actions: `{ edit = { path, old, new } }` (whole lines, read before), `{ plan = ["…"] }` (a list of things to do),
//! `{ finish_plan = "…" }` (the agent's own way to propose one), `{ ask = { question, choices } }`, `{ tool = { name, input } }`
//! (by the end of its name, as for tools of an MCP server). Other ends of a step: `cut`, `hang`, `garbage`, `delay_ms`,
//! `stop = "max_tokens" | "refusal" | "context"`, `fail = { status, message, kind }`.
//!
//! By hand: `cargo run -p tests --example model -- script.toml 9000`, then point an agent at it:
//!
//! ```text
//! ANTHROPIC_BASE_URL=http://127.0.0.1:9000 ANTHROPIC_API_KEY=dummy claude -p 'say farewell' --permission-mode acceptEdits
//! codex exec -c model_provider=x -c 'model_providers.x={name="x",base_url="http://127.0.0.1:9000/v1",env_key="KEY"}' …
//! GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:9000 GEMINI_API_KEY=dummy gemini --skip-trust --yolo -p 'say farewell'
//! COPILOT_OFFLINE=true COPILOT_PROVIDER_BASE_URL=http://127.0.0.1:9000/v1 COPILOT_PROVIDER_API_KEY=dummy copilot -p …
//! ```

mod answer;
mod anthropic;
mod asked;
mod completions;
mod gemini;
mod log;
mod responses;
mod script;
mod server;
mod toolbox;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use log::Heard;
pub use script::{Action, Fail, Part, Script, Step, Stop, Tokens};
use server::Desk;

/// How long a test waits for a request: agents with Node start within seconds even on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A scripted model on a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Model {
    desk: Arc<Desk>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Model {
    /// Starts on a free port.
    pub fn start(script: Script) -> Self {
        Self::start_at(script, 0)
    }

    /// Starts with a script in TOML; panics when it is none.
    pub fn of(script: &str) -> Self {
        Self::start(Script::parse(script).expect("the script is read"))
    }

    /// Starts on this port of loopback.
    pub fn start_at(script: Script, port: u16) -> Self {
        let desk = Arc::new(Desk::new(script));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).expect("the port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel();
        let router = Arc::clone(&desk).router();
        let serve = async move {
            tokio::select! {
                served = async { axum::serve(listener, router).await } => served.expect("the model serves"),
                _ = stopped => {}
            }
        };
        let thread = std::thread::spawn(move || runtime.block_on(serve));
        Self { desk, address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, oldest first.
    pub fn heard(&self) -> Vec<Heard> {
        self.desk.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests that belong to the script, oldest first: not those that an agent makes for itself.
    pub fn turns(&self) -> Vec<Heard> {
        self.heard().into_iter().filter(|heard| heard.task.is_some()).collect()
    }

    /// Waits until it has been asked for this step of the task with these words; panics when that takes too long.
    pub fn until(&self, task: &str, step: usize) -> Heard {
        let is_it = |heard: &&Heard| heard.task.as_deref() == Some(task) && heard.step == step;
        let log = self.desk.log.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = |log: &mut Vec<Heard>| !log.iter().any(|heard| is_it(&heard));
        let waited = self.desk.bell.wait_timeout_while(log, PATIENCE, missing);
        let (log, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<_> = log.iter().map(ToString::to_string).collect();
        log.iter()
            .find(is_it)
            .cloned()
            .unwrap_or_else(|| panic!("nobody asked for step {step} of {task:?}; asked was:\n{}", lines.join("\n")))
    }

    /// Waits, for ever, for the request with this number, from 0.
    pub fn nth(&self, n: usize) -> Heard {
        let log = self.desk.log.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.desk.bell.wait_while(log, |log| log.len() <= n).unwrap_or_else(PoisonError::into_inner);
        log[n].clone()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
