//! One gate: the server of one session, from its socket to the end of its last connection.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::asking::{Questions, Standing, Verdict, Verdicts};
use super::hosts::{AllowList, Destination, Listed};
use super::provider::Provider;
use super::relay::{GateBody, whole};
use super::tally::{ModelTally, Tally};
use super::{Guest, Ports, Rules, model, proxy};
use crate::cage::Door;
use crate::session::Models;
use crate::session::event::ErrorClass;
use crate::session::people::{People, Question};
use crate::socket;

/// Bytes of a request's head. Cookies and keys of usual clients have less than eight thousand.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Headers of one request.
const HEADERS_MAX: usize = 100;
/// How long the token may take, which a cage's bridge says at once.
const TOKEN_WITHIN: Duration = Duration::from_secs(2);
/// The gate's own room in the guest's directory, which only its owner may enter.
const ROOM: &str = "gate";
/// The socket's name in it.
const SOCKET: &str = "gate.sock";

/// What every connection of one gate goes by.
pub(super) struct Gate {
    pub rules: Arc<Rules>,
    pub models: BTreeMap<String, Arc<Provider>>,
    pub tally: Arc<Tally>,
    pub tracker: TaskTracker,
    pub stop: CancellationToken,
    allow: AllowList,
    list: &'static str,
    people: Option<(Questions, Arc<dyn People>)>,
    door: Door,
}

/// A gate that is open. Dropping it closes it.
pub struct OpenGate {
    gate: Arc<Gate>,
    room: PathBuf,
}

/// A request that is not passed on.
#[derive(Debug)]
pub(super) struct Refused {
    pub status: StatusCode,
    pub why: String,
}

impl OpenGate {
    pub(super) async fn open(
        rules: Arc<Rules>,
        ports: Ports,
        verdicts: Arc<Verdicts>,
        guest: Guest,
    ) -> io::Result<Self> {
        let Guest { repo, dir, allow, models, people, list, sink, noted } = guest;
        let room = dir.join(ROOM);
        let listener = listen(&room)?;
        let asking = |(task, people)| (Questions::new(task, rules.limits.questions, verdicts), people);
        let wanted = |(name, _): &(&String, &Arc<Provider>)| models.contains(name);
        let gate = Arc::new(Gate {
            models: rules.providers.iter().filter(wanted).map(|(name, one)| (name.clone(), one.clone())).collect(),
            tally: Arc::new(Tally::new(sink, rules.limits.clone(), noted)),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            allow: rules.repos.get(&repo).into_iter().fold(rules.allow.with(&allow), |all, of_repo| all.with(of_repo)),
            list,
            people: people.map(asking),
            door: match ports {
                Ports::OfEach => Door::at(room.join(SOCKET))?,
                Ports::OfTheMachine => Door::at_a_free_port(room.join(SOCKET))?,
            },
            rules,
        });
        let (serving, stop) = (gate.clone(), gate.stop.clone());
        gate.tracker.spawn(async move { stop.run_until_cancelled(serving.accept(listener)).await });
        Ok(Self { gate, room })
    }

    /// Its door, for [`Network::Gate`](crate::cage::Network).
    pub fn door(&self) -> &Door {
        &self.gate.door
    }

    /// What the requests to each provider came to so far.
    pub fn models(&self) -> BTreeMap<String, ModelTally> {
        self.gate.tally.models()
    }

    /// The hosts that were reached so far beside those of models, without ports, and each that is reached later.
    pub fn reached(&self) -> watch::Receiver<BTreeSet<String>> {
        self.gate.tally.reached()
    }

    /// Ends every connection, tells the sum in the log and says what the requests to each provider came to.
    pub async fn close(self) -> BTreeMap<String, ModelTally> {
        self.gate.stop.cancel();
        self.gate.tracker.close();
        self.gate.tracker.wait().await;
        self.gate.tally.sum_up();
        self.gate.tally.models()
    }
}

impl Models for OpenGate {
    fn trouble(&self) -> Option<ErrorClass> {
        self.models().into_values().find_map(|tally| tally.trouble)
    }
}

impl Drop for OpenGate {
    fn drop(&mut self) {
        self.gate.stop.cancel();
        let _ = std::fs::remove_dir_all(&self.room);
    }
}

/// Listens in a room that nobody else may enter.
fn listen(room: &Path) -> io::Result<UnixListener> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", room.display()));
    if let Err(error) = std::fs::remove_dir_all(room)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(failed(error));
    }
    DirBuilder::new().mode(0o700).create(room).map_err(failed)?;
    let place = room.join(SOCKET);
    let listener = socket::reach(&place, |path| UnixListener::bind(path)).map_err(failed)?;
    std::fs::set_permissions(&place, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

impl Gate {
    async fn accept(self: Arc<Self>, listener: UnixListener) {
        let limit = self.rules.limits.connections;
        let places = Arc::new(Semaphore::new(limit));
        loop {
            if places.available_permits() == 0 {
                let text = format!(
                    "network: {limit} connections at a time are the most (`egress.connections`); more of them wait"
                );
                self.tally.say_once("connections", &text);
            }
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serving = self.clone().serve(stream, Arc::new(place));
                    let stop = self.stop.clone();
                    self.tracker.spawn(async move { stop.run_until_cancelled(serving).await });
                }
                Err(error) => tracing::warn!("a connection of a cage was not taken: {error}"),
            }
        }
    }

    async fn serve(self: Arc<Self>, mut stream: UnixStream, place: Arc<OwnedSemaphorePermit>) {
        // Another session's cage may reach the socket.
        if !self.door.token().is_said_by(&mut stream, TOKEN_WITHIN).await {
            let text = "network: somebody who is not of this session came to its gate and was turned away";
            return self.tally.say_once("strangers", text);
        }
        let limits = &self.rules.limits;
        let gate = self.clone();
        let answering = service_fn(move |request| {
            let (gate, place) = (gate.clone(), place.clone());
            async move { Ok::<_, Infallible>(gate.answer(request, place).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_header_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), answering)
            .with_upgrades();
        // Whoever hung up, or sent what is no HTTP, was told so by the server.
        let _ = connection.await;
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        place: Arc<OwnedSemaphorePermit>,
    ) -> Response<GateBody> {
        let is_model = request.uri().authority().is_none() && request.uri().path().starts_with(model::PREFIX);
        let admitted = self.tally.admit();
        let answered = match admitted {
            Err(spent) => Err(Refused { status: StatusCode::TOO_MANY_REQUESTS, why: spent.to_string() }),
            Ok(()) if request.method() == Method::CONNECT => proxy::open_tunnel(&self, request, place).await,
            Ok(()) if request.uri().authority().is_some() => proxy::forward(&self, request).await,
            Ok(()) if is_model => model::forward(&self, request).await,
            Ok(()) => Err(self.refuse("a request without a host", "this is a proxy and serves nothing itself")),
        };
        answered.unwrap_or_else(|refused| if is_model { refused.as_json() } else { refused.as_text() })
    }

    /// How firmly a destination is allowed. One that is not is told in the log; where people can be asked, they are.
    pub(super) fn decide(self: &Arc<Self>, to: &Destination) -> Result<Listed, Refused> {
        let listed = self.allow.holds(to);
        if listed != Listed::No {
            return Ok(listed);
        }
        let unlisted = format!("it is on no list, and `{}` in Downbeat's config can open it", self.list);
        let asked =
            "it is on no list; the people of this task are asked, so go on with something else and try again later";
        let standing = self.people.as_ref().map_or(Standing::Unasked, |(questions, _)| questions.standing(to));
        let why = match standing {
            Standing::Decided(Verdict::Allowed) => return Ok(Listed::ByName),
            Standing::Decided(Verdict::Refused) => "a person of this task said no",
            Standing::Asked => asked,
            Standing::Open(question) => {
                self.ask(to.host.to_string(), question);
                asked
            }
            Standing::Unasked => &unlisted,
        };
        Err(self.refuse(&to.to_string(), why))
    }

    fn ask(self: &Arc<Self>, host: String, question: Question) {
        let (gate, stop) = (self.clone(), self.stop.clone());
        let asking = async move {
            let Some((questions, people)) = &gate.people else { return };
            let reply = people.ask(question).await;
            if let Some(line) = questions.settle(&host, &reply) {
                gate.tally.say(&line);
            }
        };
        self.tracker.spawn(async move { stop.run_until_cancelled(asking).await });
    }

    /// Tells a refusal in the log and makes the answer.
    pub(super) fn refuse(&self, to: &str, why: &str) -> Refused {
        self.tally.refuse(to, why);
        Refused { status: StatusCode::FORBIDDEN, why: format!("{to} is not open here: {why}") }
    }
}

impl Refused {
    /// As a person reads it in the output of a program.
    fn as_text(&self) -> Response<GateBody> {
        self.response("text/plain; charset=utf-8", format!("downbeat: {}\n", self.why))
    }

    /// As the libraries of every provider read an error.
    fn as_json(&self) -> Response<GateBody> {
        let message = format!("downbeat: {}", self.why);
        let error = serde_json::json!({ "type": "gateway_error", "code": self.status.as_u16(), "message": message });
        self.response("application/json", serde_json::json!({ "type": "error", "error": error }).to_string())
    }

    fn response(&self, kind: &'static str, text: String) -> Response<GateBody> {
        let mut response = Response::new(whole(text));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}
