//! A Slack for tests and for trying things out: workspaces, people, the Web API, Socket Mode and signed HTTP events.
//!
//! It is written from Slack's published rules and proved by Slack's own libraries (`tests/slack`), and it is stricter
//! than comfortable: blocks are judged, limits enforced, methods that only read take no JSON, triggers end after three
//! seconds. People act by name and see what people see:
//!
//! ```no_run
//! # use tests::slack::{Settings, SlackServer};
//! let slack = SlackServer::start(Settings::default());
//! let mention = slack.say("dev", "ana", "@agent fix the login");
//! slack.until(&mention, "[Approve]");
//! let plan = slack.find(&mention, "[Approve]");
//! slack.click(&plan, "ben", "Approve").answered();
//! println!("{}", slack.thread(&mention));
//! ```
//!
//! At the start there is one workspace, `acme`, with ana, ben, cara, a guest (`gus`), somebody of another company
//! (`olga`) and another bot (`deploybot`); a group `reviewers` (ben, cara); the channels `dev` (everybody and the app),
//! `ops` (private: ana, ben and the app) and `random` (without the app). Waiting methods block their thread: call them
//! where the app under test does not run on the same one. Everything is on loopback.

mod acts;
mod args;
mod blocks;
mod courier;
mod delivery;
mod desk;
mod events;
mod fault;
mod interactions;
mod judge;
mod looks;
mod methods;
mod news;
mod rates;
mod record;
mod refusal;
mod settings;
mod shapes;
mod socket;
mod state;
mod team;
mod transcript;
mod troubles;
mod web;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use courier::{Answer, send as forward};
pub use delivery::Progress;
use desk::Desk;
pub use fault::Failure;
pub use judge::judged;
pub use methods::METHODS;
pub use news::Screens;
pub use record::{Ack, Call};
pub use settings::{EVENTS, Limits, Settings};
pub use state::{APP, APP_TOKEN, SIGNING_SECRET, State};
use team::{Channel, Group, User};
pub use team::{Room, Standing};

/// How long a test waits for what should happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Slack on ports of its own, until it is dropped.
pub struct SlackServer {
    desk: Arc<Desk>,
    base: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Something that a person did and the app is told of.
pub struct Sent {
    desk: Arc<Desk>,
    id: usize,
}

/// A modal on somebody's screen.
#[derive(Clone, Debug)]
pub struct Form {
    team: String,
    /// Its id.
    pub id: String,
}

impl SlackServer {
    /// Starts, with the people and channels that are always there.
    pub fn start(settings: Settings) -> Self {
        let port = settings.port;
        let mut state = State::new(settings);
        furnish(&mut state);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let bind = |port| runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        let listener = bind(port).expect("the port is free");
        let sockets = bind(0).expect("a port is free");
        let base = format!("http://{}", socket::address(&listener));
        state.base.clone_from(&base);
        state.socket_base = format!("ws://{}", socket::address(&sockets));
        let desk = Arc::new(Desk::new(state));
        let (stop, stopped) = oneshot::channel::<()>();
        let router = web::router(Arc::clone(&desk));
        let (waiting, carrying) = (Arc::clone(&desk), Arc::clone(&desk));
        let serve = async move {
            tokio::select! {
                served = async { axum::serve(listener, router).await } => served.expect("the server serves"),
                () = socket::serve(carrying, sockets) => {}
                () = courier::run(waiting) => {}
                _ = stopped => {}
            }
        };
        let thread = std::thread::spawn(move || runtime.block_on(serve));
        Self { desk, base, stop: Some(stop), thread: Some(thread) }
    }

    /// What `slack.api_url` is set to: `http://127.0.0.1:PORT/api`.
    pub fn api_url(&self) -> String {
        format!("{}/api", self.base)
    }

    /// The bot's token in the first workspace.
    pub fn bot_token(&self) -> String {
        self.desk.look(|state| state.teams[0].bot.token.clone())
    }

    /// The app-level token.
    pub fn app_token(&self) -> String {
        APP_TOKEN.to_owned()
    }

    /// The secret by which HTTP events are signed.
    pub fn signing_secret(&self) -> String {
        SIGNING_SECRET.to_owned()
    }

    fn sent(&self, id: usize) -> Sent {
        Sent { desk: Arc::clone(&self.desk), id }
    }

    fn wait<T>(&self, look: impl FnMut(&State) -> Option<T>) -> Option<T> {
        self.desk.until(PATIENCE, look)
    }
}

impl Sent {
    /// Waits until the app has answered, and gives its answer; the error is what the person sees instead.
    pub fn answered(&self) -> Result<Option<serde_json::Value>, String> {
        let ended = self.desk.until(PATIENCE, |state| match &state.deliveries[self.id].progress {
            Progress::Acknowledged(answer) => Some(Ok(answer.clone())),
            Progress::Lost(reason) => Some(Err(reason.clone())),
            Progress::Waiting(_) | Progress::Sent(_) => None,
        });
        ended.unwrap_or_else(|| Err("nothing came back".to_owned()))
    }
}

impl Drop for SlackServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The people and places that are always there.
fn furnish(state: &mut State) {
    let team = &mut state.teams[0];
    for (name, standing) in [
        ("ana", Standing::Member),
        ("ben", Standing::Member),
        ("cara", Standing::Member),
        ("gus", Standing::Guest),
        ("olga", Standing::Outsider),
        ("deploybot", Standing::Bot),
    ] {
        team.users.push(User { id: format!("U0{}", name.to_uppercase()), name: name.to_owned(), standing });
    }
    let everybody: Vec<String> = team.users.iter().map(|user| user.id.clone()).collect();
    let some = |names: &[&str]| names.iter().map(|name| format!("U0{}", name.to_uppercase())).collect::<Vec<_>>();
    let reviewers = some(&["ben", "cara"]);
    team.groups.push(Group { id: "S0REVIEWERS".to_owned(), handle: "reviewers".to_owned(), members: reviewers });
    let bot = team.bot.user.clone();
    team.channels.push(Channel::new("C0DEV", "dev", Room::Public, everybody));
    let few = some(&["ana", "ben"]).into_iter().chain([bot]);
    team.channels.push(Channel::new("C0OPS", "ops", Room::Private, few));
    team.channels.push(Channel::new("C0RANDOM", "random", Room::Public, some(&["ana", "ben", "cara"])));
}
