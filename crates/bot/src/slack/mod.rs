//! Slack: an adapter that translates between the platform and the one flow, and decides nothing.
//!
//! In: [`socket`] or [`http`] → [`events`] (what happened) → [`door`] (kept, owed an answer) → the flow. What no event told
//! of is found by [`catch_up`]. Out: the flow → [`messenger`] (once each) → [`blocks`] → [`schedule`] (when) → [`client`];
//! edits go through the [`editor`]. Beside the cards, where a workspace has it: steps that grow ([`streams`]) and what
//! Slack shows of a thread ([`sessions`]).

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::{ArcSwap, ArcSwapOption};
use domain::policy::Rules;
use domain::{Clock, ThreadRef};
use futures::StreamExt;
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::chat::home::Home;
use crate::chat::messenger::{Messenger, Said, Urgency};
use crate::chat::notifier::Notifier;
use crate::clock::SteadyClock;
use crate::config::{Config, SlackConfig, SlackTransport};

use button::Signer;
use catch_up::CatchUp;
use client::{Client, SlackError};
use door::{Aside, Door};
use editor::Editor;
use events::Me;
use forms::Startable;
use groups::Groups;
use limits::Kind;
use messenger::{ReadLimits, SlackMessenger};
use people::People;
use schedule::{Schedule, pass};
use sessions::Sessions;
use status::Status;
use streams::Streams;

pub mod blocks;
pub mod button;
pub mod catch_up;
pub mod client;
pub mod door;
pub mod editor;
pub mod events;
pub mod forms;
pub mod groups;
pub mod home;
pub mod http;
pub mod limits;
pub mod manifest;
pub mod messenger;
pub mod people;
pub mod schedule;
pub mod sessions;
pub mod socket;
pub mod status;
pub mod streams;
pub mod table;
pub mod words;

mod kit;
mod thread;

/// How many forms and home tabs wait to be shown; more is a flood, and each is worth nothing after three seconds.
const ASIDES_MAX: usize = 256;
/// How many of them are shown at once.
const ASIDES_AT_ONCE: usize = 8;
/// Shows what we are doing in a thread.
const SET_STATUS: &str = "assistant.threads.setStatus";
/// How long a stop waits for what is on its way to Slack.
const STOPS_WITHIN: Duration = Duration::from_secs(2);
/// The pause before Slack is asked again who we are.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Why a lock of ours is never found broken.
const UNPOISONED: &str = "no code panics while it holds this lock";

/// One workspace.
pub struct Slack {
    config: SlackConfig,
    start: Startable,
    client: Arc<Client>,
    messenger: SlackMessenger,
    door: Door,
    groups: Groups,
    asides: Mutex<mpsc::Receiver<Aside>>,
    /// Bound at the start, so that a port that is taken is told at once.
    listener: Mutex<Option<TcpListener>>,
    /// What home tabs are read with; known once everything is joined.
    notifier: OnceLock<Notifier>,
    /// The workspace's address.
    url: OnceLock<String>,
    /// Whether the workspace shows what we are doing in a thread; until it refuses.
    shows_reading: AtomicBool,
}

impl Slack {
    /// What a config says of it; none when it says nothing. Nothing runs yet.
    pub async fn open(
        config: &Config,
        store: Store,
        clock: Arc<dyn Clock>,
        rules: Arc<ArcSwap<Rules>>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(slack) = config.slack.clone() else { return Ok(None) };
        let client = Client::new(&slack.api_url, &slack.bot_token, Schedule::new(Arc::new(SteadyClock::default())));
        let client = Arc::new(client.context("failed to make ready for Slack")?);
        let (people, me): (_, Arc<ArcSwapOption<Me>>) = (People::of(config), Arc::default());
        // Derived, so that every process of an installation has the same one, and nothing secret is kept.
        let key = Sha256::digest(format!("buttons of {}", slack.bot_token.expose_secret()));
        let signer = Arc::new(Signer::new(&key));
        let (aside, asides) = mpsc::channel(ASIDES_MAX);
        let (transport, listener) = match slack.transport {
            SlackTransport::Socket => ("socket", None),
            SlackTransport::Http => ("http", Some(bind(&slack).await?)),
        };
        let status = Arc::new(Status::new(clock, transport));
        let look = Arc::new(Notify::new());
        let door = Door {
            store: store.clone(),
            people: people.clone(),
            me: me.clone(),
            signer: signer.clone(),
            status: status.clone(),
            aside,
            look,
        };
        let limits =
            ReadLimits { count_max: slack.files, bytes_max: (slack.file_mb as usize) << 20, around: slack.around };
        let messenger = SlackMessenger {
            client: client.clone(),
            store,
            people,
            me,
            signer,
            editor: Arc::new(Editor::default()),
            streams: Arc::new(Streams::default()),
            sessions: Arc::new(Sessions::default()),
            status,
            native: Arc::new(AtomicBool::new(true)),
            limits,
        };
        messenger.streams.resume(&messenger.store).await.context("failed to read what grows in Slack")?;
        let (asides, listener) = (Mutex::new(asides), Mutex::new(listener));
        let groups = Groups::of(config, messenger.clone(), rules);
        let (start, shows_reading) = (Startable::of(config), AtomicBool::new(true));
        let (notifier, url) = (OnceLock::new(), OnceLock::new());
        Ok(Some(Self {
            config: slack,
            start,
            client,
            messenger,
            door,
            groups,
            asides,
            listener,
            shows_reading,
            notifier,
            url,
        }))
    }

    /// What says things there.
    pub fn messenger(&self) -> Arc<dyn Messenger> {
        Arc::new(self.messenger.clone())
    }

    /// What is seen of the way in.
    pub fn status(&self) -> &Status {
        &self.door.status
    }

    /// Home tabs are read as `notifier` reads cards.
    pub fn show_homes_with(&self, notifier: Notifier) {
        // Whoever says it twice keeps the first.
        let _ = self.notifier.set(notifier);
    }

    /// Goes by another config's people from now on.
    pub fn adopt(&self, config: &Config) {
        self.door.people.replace(config);
        self.groups.replace(config);
    }

    /// Listens, looks and says until `stop` fires.
    pub async fn run(&self, stop: CancellationToken) {
        if let Err(error) = self.resume().await {
            tracing::warn!(
                "edits in Slack that were owed cannot be read: {error}; each card is edited again with its task"
            );
        }
        let SlackMessenger { editor, streams, sessions, .. } = &self.messenger;
        let editing = Box::pin(async {
            tokio::join!(
                editor.run(&self.messenger, stop.clone()),
                streams.run(&self.messenger, stop.clone()),
                sessions.run(&self.messenger, stop.clone()),
            )
        });
        let listening = async {
            if self.find_out_who_we_are(&stop).await {
                self.listen(stop.clone()).await;
            }
        };
        let working = async { tokio::join!(editing, self.show_forms(stop.clone()), listening) };
        let out_of_time = async {
            stop.cancelled().await;
            pass(STOPS_WITHIN).await;
        };
        tokio::select! {
            _ = working => {}
            // Whatever waits for Slack then is owed and taken up again, or worth nothing later.
            () = out_of_time => {}
        }
    }

    /// Takes up what was owed when the process ended.
    async fn resume(&self) -> Result<(), store::StoreError> {
        let SlackMessenger { editor, sessions, .. } = &self.messenger;
        sessions.resume(&self.messenger).await?;
        editor.resume(&self.messenger).await
    }

    /// Asks until Slack tells; false when it is time to stop.
    async fn find_out_who_we_are(&self, stop: &CancellationToken) -> bool {
        while !stop.is_cancelled() {
            match self.client.act("auth.test", &json!({}), Urgency::NeedsHuman).await {
                Ok(told) => {
                    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
                    let me = Me { team: text("team_id"), user: text("user_id"), mention: self.start.mention.clone() };
                    tracing::info!("in Slack as {} of {}", text("user"), text("team"));
                    self.door.status.note_team(&text("team"));
                    let _ = self.url.set(text("url"));
                    self.door.me.store(Some(Arc::new(me)));
                    return true;
                }
                Err(error) => tracing::error!("Slack does not let us in: {error}"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = pass(ASK_AGAIN) => {}
            }
        }
        false
    }

    async fn listen(&self, stop: CancellationToken) {
        let (client, door) = (self.client.clone(), self.door.clone());
        let every = Duration::from_secs(self.config.catch_up_min * 60);
        let catch_up = CatchUp { client, door, every, behind: std::sync::Mutex::default() };
        let silent = Notify::new();
        tokio::join!(self.groups.run(stop.clone()), catch_up.run(|| silent.notify_one(), stop.clone()), async {
            match (&self.config.app_token, self.listener.lock().await.take()) {
                (_, Some(listener)) => self.serve(listener, stop.clone()).await,
                (Some(_), None) => self.keep_sockets(&silent, &stop).await,
                (None, None) => {}
            }
        },);
    }

    async fn serve(&self, listener: TcpListener, stop: CancellationToken) {
        let Some(secret) = &self.config.signing_secret else { return };
        if let Err(error) = web::serve(listener, http::router(self.door.clone(), secret), stop).await {
            tracing::error!("Slack's requests are not taken any more: {error}");
        }
    }

    /// Keeps sockets open, and opens all of them anew when they are open and silent.
    async fn keep_sockets(&self, silent: &Notify, stop: &CancellationToken) {
        let Some(token) = &self.config.app_token else { return };
        while !stop.is_cancelled() {
            let until = stop.child_token();
            let (door, connections) = (self.door.clone(), self.config.connections);
            let mut listening = pin!(socket::listen(&self.client, token, connections, door, until.clone()));
            tokio::select! {
                () = &mut listening => continue,
                () = silent.notified() => {}
            }
            tracing::warn!("the sockets to Slack are open, but messages do not come; they are opened anew");
            until.cancel();
            listening.await;
        }
    }

    /// Shows forms and home tabs.
    async fn show_forms(&self, stop: CancellationToken) {
        let mut asides = self.asides.lock().await;
        let coming = futures::stream::poll_fn(|context| asides.poll_recv(context));
        let doing = coming.for_each_concurrent(ASIDES_AT_ONCE, async |aside| {
            if let Err(error) = self.show_form(&aside).await {
                tracing::warn!("a form or home tab was not shown: {error}");
            }
        });
        tokio::select! {
            () = doing => {}
            () = stop.cancelled() => {}
        }
    }

    async fn show_form(&self, aside: &Aside) -> Result<(), SlackError> {
        match aside {
            Aside::OpenForm { trigger, choice, origin } => {
                let metadata = serde_json::to_string(origin).unwrap_or_default();
                self.open_view(trigger, forms::view(choice, &metadata), &choice.says).await
            }
            Aside::OpenShortcut { trigger, text, origin } => {
                let metadata = serde_json::to_string(origin).unwrap_or_default();
                self.open_view(trigger, forms::shortcut(text, &self.start, &metadata), &self.start.mention).await
            }
            Aside::ShowReading { channel, thread_ts } => self.show_reading(channel, thread_ts).await,
            Aside::ShowHome { user } => self.show_home(user).await,
            Aside::Tell { user, thread, words } => {
                self.messenger.tell(user, thread, "aside", &Said::words(words)).await
            }
        }
    }

    /// Not every workspace has it; where it is refused once, it is not tried again.
    async fn show_reading(&self, channel: &str, thread_ts: &str) -> Result<(), SlackError> {
        // It is worth nothing later, so it waits for no turn.
        let is_turn = || self.client.schedule().try_turn(SET_STATUS, Urgency::Progress).is_ok();
        if !self.shows_reading.load(Ordering::Relaxed) || !is_turn() {
            return Ok(());
        }
        let body = json!({ "channel_id": channel, "thread_ts": thread_ts, "status": "is reading the thread…" });
        match self.client.act_now(SET_STATUS, &body).await {
            Err(SlackError::Refused { code, .. }) => {
                tracing::info!("this workspace shows no status in threads ({code})");
                self.shows_reading.store(false, Ordering::Relaxed);
                Ok(())
            }
            shown => shown.map(drop),
        }
    }

    /// Opens a form that completes `says`.
    async fn open_view(&self, trigger: &str, view: serde_json::Value, says: &str) -> Result<(), SlackError> {
        let view = limits::fitting(Kind::Modal, view, || forms::in_words(says));
        let body = json!({ "trigger_id": trigger, "view": view });
        self.client.act("views.open", &body, Urgency::NeedsHuman).await.map(drop)
    }

    async fn show_home(&self, user: &str) -> Result<(), SlackError> {
        let Some(notifier) = self.notifier.get() else { return Ok(()) };
        let person = self.door.people.person_of(user);
        let unread = |error: store::StoreError| SlackError::Away { method: "views.publish", why: error.to_string() };
        let home = Home::read(notifier, &person, self.facts()).await.map_err(unread)?;
        let place = format!("home:{user}");
        let sign = |says: &str| self.messenger.signer.sign(&place, "home", says);
        let link = |thread: &ThreadRef| self.link_to(thread);
        let view = home::view(&home, &home::Place { mention: &self.start.mention, sign: &sign, link: &link });
        let view = limits::fitting(Kind::Home, view, || home::numbers(&home, &self.start.mention));
        let body = json!({ "user_id": user, "view": view });
        self.client.act("views.publish", &body, Urgency::NeedsHuman).await.map(drop)
    }

    /// What is true of everybody's place here.
    fn facts(&self) -> Vec<(String, String)> {
        let standing = self.status().standing();
        let way_in = match (standing.transport.as_str(), standing.connections.len()) {
            ("socket", 0) => "no connection just now; what is said is found later".to_owned(),
            ("socket", n) => format!("{n} connection{}", if n == 1 { "" } else { "s" }),
            (other, _) => format!("over {other}"),
        };
        let Startable { repos, agents, .. } = &self.start;
        let named = [("Works on", repos.join(", ")), ("Agents", agents.join(", ")), ("Slack", way_in)];
        named.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The address of a thread, in a form that Slack opens in its own window.
    fn link_to(&self, thread: &ThreadRef) -> Option<String> {
        let (_, channel, ts) = table::place_of(thread)?;
        let url = self.url.get().filter(|url| url.starts_with("https://"))?;
        Some(format!("{}/archives/{channel}/p{}", url.trim_end_matches('/'), ts.replace('.', "")))
    }
}

async fn bind(slack: &SlackConfig) -> anyhow::Result<TcpListener> {
    let listen = slack.listen;
    TcpListener::bind(listen).await.with_context(|| {
        format!("failed to listen on {listen} (`slack.listen`); stop what listens there, or set another port")
    })
}
