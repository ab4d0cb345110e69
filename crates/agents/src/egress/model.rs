//! The model gateway: requests to a provider, to which the key is added outside.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, LOCATION, SET_COOKIE, UPGRADE};
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring::default_provider;
use tokio::time::timeout;

use super::gate::{Gate, Refused};
use super::provider::{KEY_HEADERS, Provider};
use super::relay::{GateBody, Mask, Relay, strip_hop_by_hop};
use super::{EgressLimits, ProviderSettings};

/// How paths of the gateway begin.
pub(super) const PREFIX: &str = "/model/";

/// Connections to the providers of an installation, shared by its gates.
pub(super) struct ModelClient(Client<HttpsConnector<HttpConnector>, GateBody>);

impl ModelClient {
    /// Reads the machine's root certificates where a provider needs them.
    pub(super) fn new(providers: &BTreeMap<String, ProviderSettings>, limits: &EgressLimits) -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(limits.connect));
        let builder = HttpsConnectorBuilder::new();
        let builder = if providers.values().any(|provider| provider.base_url.starts_with("https")) {
            builder.with_provider_and_native_roots(default_provider())?
        } else {
            let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()));
            let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
            builder.with_tls_config(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
        };
        let https = builder.https_or_http().enable_http1().wrap_connector(http);
        Ok(Self(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https)))
    }
}

/// Passes a request on to its provider, and the answer back as it comes.
pub(super) async fn forward(gate: &Arc<Gate>, request: Request<Incoming>) -> Result<Response<GateBody>, Refused> {
    let (provider, target) = admitted(gate, &request)?;
    let limits = &gate.rules.limits;
    let name = &provider.name;
    let passage = gate.tally.pass(Some(request.method()), provider.authority().to_string());
    let relay = |bytes_max, mask| Relay { passage: passage.clone(), idle: limits.idle, bytes_max, mask };
    let (mut head, body) = request.into_parts();
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits.body_bytes) {
        let why = format!("a request to a model has at most {} bytes", limits.body_bytes);
        return Err(Refused { status: StatusCode::PAYLOAD_TOO_LARGE, why });
    }
    dress(&mut head.headers, &provider);
    (head.uri, head.version) = (target, Version::HTTP_11);
    let request = Request::from_parts(head, relay(Some(limits.body_bytes), None).over(body));
    let unanswered = |status, why: String| {
        gate.tally.model(name, None);
        Refused { status, why: format!("the provider {name} {why}") }
    };
    let silent = |_| unanswered(StatusCode::GATEWAY_TIMEOUT, format!("is silent for {} s", limits.idle.as_secs()));
    // The error may be long, but it never holds a header.
    let broke = |error| unanswered(StatusCode::BAD_GATEWAY, format!("cannot be reached: {}", in_words(&error)));
    let answer = timeout(limits.idle, gate.rules.client.0.request(request)).await.map_err(silent)?.map_err(broke)?;
    let (mut head, body) = answer.into_parts();
    gate.tally.model(name, Some(head.status.as_u16()));
    passage.answered(head.status.as_u16());
    if head.status.is_redirection() && head.headers.contains_key(LOCATION) {
        let why = format!("the provider {name} sends elsewhere ({}), which is not followed", head.status.as_u16());
        return Err(Refused { status: StatusCode::BAD_GATEWAY, why });
    }
    undress(&mut head.headers, &provider);
    head.version = Version::HTTP_11;
    Ok(Response::from_parts(head, relay(None, Mask::of(provider.key())).over(body)))
}

/// The provider that is meant and the address there, when everything about the request is as it should be.
fn admitted(gate: &Gate, request: &Request<Incoming>) -> Result<(Arc<Provider>, Uri), Refused> {
    let rest = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let (name, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some(provider) = gate.models.get(name) else {
        let known: Vec<_> = gate.models.keys().map(|name| format!("{PREFIX}{name}/")).collect();
        let known = if known.is_empty() { "none is open".to_owned() } else { format!("open are {}", known.join(", ")) };
        return Err(gate.refuse("a model", &format!("no provider of that name is configured for it; {known}")));
    };
    let to = format!("model {name}");
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        return Err(gate.refuse(&to, &format!("{} changes what is there, and a model is only asked", request.method())));
    }
    if request.headers().contains_key(UPGRADE) {
        return Err(gate.refuse(&to, "it is asked by plain requests and streams, not by another protocol"));
    }
    let target = provider.target(path, request.uri().query());
    let closed = "the path is none of those that are open; `providers.NAME.paths` in Downbeat's config lists them";
    let target = target.ok_or_else(|| gate.refuse(&to, &closed.replace("NAME", name)))?;
    Ok((provider.clone(), target))
}

/// Takes the agent's keys from a request and puts the real one on it.
fn dress(headers: &mut HeaderMap, provider: &Provider) {
    strip_hop_by_hop(headers);
    headers.remove(HOST);
    for name in KEY_HEADERS {
        headers.remove(name);
    }
    // What is compressed cannot be searched for the key.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(provider.header.clone(), provider.value());
}

/// Takes from an answer what is not for the agent.
fn undress(headers: &mut HeaderMap, provider: &Provider) {
    strip_hop_by_hop(headers);
    headers.remove(SET_COOKIE);
    let key = provider.key().as_bytes();
    let repeats = |value: &HeaderValue| value.as_bytes().windows(key.len()).any(|window| window == key);
    let repeating: Vec<_> = headers.iter().filter(|(_, value)| repeats(value)).map(|(name, _)| name.clone()).collect();
    for name in repeating {
        headers.remove(name);
    }
}

/// The error with its causes, which alone say what happened.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
