//! The proxy of a gate: tunnels to listed hosts, whose bytes are passed on untouched, and plain requests.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{Request, Response, StatusCode, Uri, Version, upgrade};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::address::{Unreached, connect};
use super::gate::{Gate, Refused};
use super::hello::{self, ACCESS_DENIED, HELLO_BYTES_MAX, Hello};
use super::hosts::{Destination, Host, Way};
use super::relay::{GateBody, Relay, strip_hop_by_hop, whole};
use super::tally::Passage;

/// Bytes that a tunnel carries at once: what fits into the buffer of a socket, and into a processor's nearest cache.
const CHUNK_BYTES: usize = 128 << 10;

/// Answers CONNECT. The tunnel goes on after the answer; it keeps the connection's place until it ends.
pub(super) async fn open_tunnel(
    gate: &Arc<Gate>,
    request: Request<Incoming>,
    place: Arc<OwnedSemaphorePermit>,
) -> Result<Response<GateBody>, Refused> {
    let to = destination(&request, Way::Tunnel)?;
    let listed = gate.decide(&to)?;
    let upstream = connect(&to, listed, gate.rules.limits.connect).await.map_err(|why| unreached(gate, &to, &why))?;
    let (tunneling, stop) = (gate.clone(), gate.stop.clone());
    let tunnel = async move {
        let _place = place;
        let Ok(upgraded) = upgrade::on(request).await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<UnixStream>>() else { return };
        let tunnel = Tunnel { gate: tunneling, to, inside: parts.io.into_inner(), upstream };
        tunnel.carry(parts.read_buf.into()).await;
    };
    gate.tracker.spawn(async move { stop.run_until_cancelled(tunnel).await });
    Ok(Response::new(whole("")))
}

/// Answers a request in the absolute form.
pub(super) async fn forward(gate: &Arc<Gate>, request: Request<Incoming>) -> Result<Response<GateBody>, Refused> {
    if request.uri().scheme() != Some(&Scheme::HTTP) {
        let why = "only `http://` is asked for in this way; what is encrypted goes through CONNECT".to_owned();
        return Err(Refused { status: StatusCode::BAD_REQUEST, why });
    }
    let to = destination(&request, Way::Plain)?;
    let listed = gate.decide(&to)?;
    let limits = &gate.rules.limits;
    let upstream = connect(&to, listed, limits.connect).await.map_err(|why| unreached(gate, &to, &why))?;
    let broke = |error: hyper::Error| Refused { status: StatusCode::BAD_GATEWAY, why: format!("{to}: {error}") };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(upstream)).await.map_err(broke)?;
    let stop = gate.stop.clone();
    gate.tracker.spawn(async move { stop.run_until_cancelled(connection).await });
    let passage = gate.tally.pass(Some(request.method()), to.to_string());
    gate.tally.reach(&to.host);
    let relay = || Relay { passage: passage.clone(), idle: limits.idle, bytes_max: None, mask: None };
    let (mut head, body) = request.into_parts();
    strip_hop_by_hop(&mut head.headers);
    let path = head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    head.headers.insert(HOST, host_header(&to));
    (head.uri, head.version) = (Uri::from(path), Version::HTTP_11);
    let sent = sender.send_request(Request::from_parts(head, relay().over(body)));
    let silent = |_| Refused { status: StatusCode::GATEWAY_TIMEOUT, why: format!("{to} does not answer") };
    let (mut head, body) = timeout(limits.idle, sent).await.map_err(silent)?.map_err(broke)?.into_parts();
    passage.answered(head.status.as_u16());
    strip_hop_by_hop(&mut head.headers);
    head.version = Version::HTTP_11;
    Ok(Response::from_parts(head, relay().over(body)))
}

/// Where a request wants to go, when it says so once and clearly.
fn destination(request: &Request<Incoming>, way: Way) -> Result<Destination, Refused> {
    let bad = |why: String| Refused { status: StatusCode::BAD_REQUEST, why };
    let authority = request.uri().authority().map(|authority| authority.as_str()).unwrap_or_default();
    if authority.contains('@') {
        return Err(bad("a host has no name or password before it".to_owned()));
    }
    let to = Destination::of(authority, way).map_err(bad)?;
    let means_it = |header: &HeaderValue| header.to_str().is_ok_and(|header| to.is_meant_by(header));
    if !request.headers().get_all(HOST).iter().all(means_it) {
        let refused = format!("the request is for {to}, and its `Host` header for something else");
        return Err(Refused { status: StatusCode::FORBIDDEN, why: refused });
    }
    Ok(to)
}

fn host_header(to: &Destination) -> HeaderValue {
    let text = if to.port == to.way.port() { to.host.to_string() } else { to.to_string() };
    HeaderValue::try_from(text).expect("a host and a port are plain letters")
}

fn unreached(gate: &Gate, to: &Destination, why: &Unreached) -> Refused {
    gate.tally.refuse(&to.to_string(), &why.to_string());
    let status = match why {
        Unreached::Private(_) => StatusCode::FORBIDDEN,
        Unreached::Absent(..) => StatusCode::BAD_GATEWAY,
    };
    Refused { status, why: why.to_string() }
}

/// A tunnel after its first answer.
struct Tunnel {
    gate: Arc<Gate>,
    to: Destination,
    inside: UnixStream,
    upstream: TcpStream,
}

impl Tunnel {
    /// Carries bytes until either side ends, nothing moves, or the session's bytes are spent. What came with the request
    /// already is in `first`.
    async fn carry(mut self, mut first: Vec<u8>) {
        let (head, idle) = (self.gate.rules.limits.head, self.gate.rules.limits.idle);
        match timeout(head, self.name_asked_for(&mut first)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => {
                self.gate.tally.refuse(&self.to.to_string(), "its tunnel is not used for TLS with that host");
                let _ = self.inside.write_all(&ACCESS_DENIED).await;
                return;
            }
            Ok(Err(_)) | Err(_) => return,
        }
        let passage = self.gate.tally.pass(None, self.to.to_string());
        self.gate.tally.reach(&self.to.host);
        if passage.count(first.len()).is_err() || self.upstream.write_all(&first).await.is_err() {
            return;
        }
        let (from_inside, to_inside) = self.inside.split();
        let (from_upstream, to_upstream) = self.upstream.split();
        let both = async {
            tokio::join!(pour(from_inside, to_upstream, &passage), pour(from_upstream, to_inside, &passage));
        };
        while_it_moves(both, &passage, idle).await;
    }

    /// Whether the client begins TLS with the host that the tunnel was opened to. An address has no name to ask for.
    async fn name_asked_for(&mut self, first: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            match hello::read(first) {
                Hello::For(name) => {
                    return Ok(match &self.to.host {
                        Host::Name(host) => name.as_deref() == Some(host),
                        Host::Address(_) => name.is_none(),
                    });
                }
                Hello::NotTls => return Ok(false),
                Hello::Incomplete if first.len() >= HELLO_BYTES_MAX => return Ok(false),
                Hello::Incomplete => {
                    if self.inside.read_buf(first).await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }
}

/// One direction, to its end. An error ends it too; the other direction then comes to its own.
async fn pour<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(mut from: R, mut to: W, passage: &Passage) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(n @ 1..) = from.read(&mut chunk).await {
        if passage.count(n).is_err() || to.write_all(&chunk[..n]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

async fn while_it_moves(work: impl Future<Output = ()>, passage: &Passage, idle: Duration) {
    let mut work = std::pin::pin!(work);
    let mut before = passage.bytes();
    while timeout(idle, &mut work).await.is_err() {
        let now = passage.bytes();
        if now == before {
            return;
        }
        before = now;
    }
}
