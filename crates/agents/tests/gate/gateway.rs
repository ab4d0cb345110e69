//! The model gateway: the real key reaches the provider and never the cage.

use std::convert::Infallible;
use std::process::Command;
use std::sync::{Arc, Mutex};

use agents::egress::{EgressLimits, ProviderSettings};
use agents::session::event::ErrorClass;
use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::world::{REAL_KEY, Server, TlsServer, Wanted, World, text};

async fn with(server: &Server) -> World {
    World::open(Wanted { providers: &[("house", server.provider("x-api-key"))], ..Wanted::default() }).await
}

const DUMMIES: [&str; 6] = [
    "Authorization: Bearer dummy",
    "x-api-key: dummy",
    "x-goog-api-key: dummy",
    "api-key: dummy",
    "Cookie: dummy",
    "anthropic-version: 2023-06-01",
];

#[tokio::test]
async fn the_providers_key_takes_the_place_of_whatever_the_agent_sent() {
    let server = Server::echoing().await;
    for (header, carried) in [
        ("x-api-key", REAL_KEY.to_owned()),
        ("authorization", format!("Bearer {REAL_KEY}")),
        ("x-goog-api-key", REAL_KEY.to_owned()),
        ("x-of-the-house", REAL_KEY.to_owned()),
    ] {
        let world = World::open(Wanted { providers: &[("house", server.provider(header))], ..Wanted::default() }).await;
        let (status, _) = world.ask("POST /model/house/v1/messages?beta=true&key=dummy", &DUMMIES).await;
        assert_eq!(status, 200);
        let asked = server.asked().pop().unwrap();
        assert_eq!(asked.line, "POST /base/v1/messages?beta=true");
        assert_eq!(asked.headers[header], carried);
        assert_eq!(asked.headers["anthropic-version"], "2023-06-01");
        assert_eq!(asked.headers["host"], server.authority());
        assert!(!format!("{:?}", asked.headers).contains("dummy"), "{:?}", asked.headers);
        assert!(!world.heard.has(REAL_KEY));
    }
}

#[tokio::test]
async fn a_stream_arrives_piece_by_piece_as_it_is_said() {
    let (say, said) = mpsc::channel::<&'static str>(1);
    let said = Arc::new(Mutex::new(Some(said)));
    let server = Server::answering(move |_| {
        let said = said.lock().unwrap().take().unwrap();
        let pieces = stream::unfold(said, |mut said| async move {
            let piece = said.recv().await?;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(piece.as_bytes()))), said))
        });
        Response::new(BodyExt::boxed_unsync(StreamBody::new(pieces)))
    })
    .await;
    let world = with(&server).await;
    let mut stream = world.connect().await;
    stream.write_all(b"POST /model/house/v1/messages HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
    let mut heard = String::new();
    for piece in ["data: one\n\n", "data: two\n\n", "data: three\n\n"] {
        say.send(piece).await.unwrap();
        // The next piece is said only once this one has arrived.
        while !heard.contains(piece) {
            let mut chunk = [0; 1_024];
            let n = stream.read(&mut chunk).await.unwrap();
            assert!(n > 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&chunk[..n]));
        }
    }
    assert_eq!(server.asked()[0].body, "{}");
}

#[tokio::test]
async fn a_provider_that_repeats_its_key_tells_it_to_nobody() {
    let server = Server::answering(|asked| {
        let repeated = format!("{:?}", asked.headers);
        let mut answer = text(200, repeated);
        answer.headers_mut().insert("x-echo", asked.headers["x-api-key"].clone());
        answer.headers_mut().insert("set-cookie", "session=1".parse().unwrap());
        answer.headers_mut().insert("request-id", "r-1".parse().unwrap());
        answer
    })
    .await;
    let world = with(&server).await;
    let answer = world.say("POST /model/house/x HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("request-id: r-1") && answer.contains(&"*".repeat(REAL_KEY.len())), "{answer}");
    for hidden in [REAL_KEY, "x-echo", "set-cookie"] {
        assert!(!answer.contains(hidden), "{answer}");
    }
}

#[tokio::test]
async fn only_plain_requests_for_what_is_open_are_passed_on() {
    let server = Server::echoing().await;
    let bounded = ProviderSettings { paths: vec!["/v1/messages".to_owned()], ..server.provider("x-api-key") };
    let providers = [("house", server.provider("x-api-key")), ("bounded", bounded)];
    let limits = EgressLimits { body_bytes: 1_000, ..EgressLimits::default() };
    let world = World::open(Wanted { providers: &providers, limits, ..Wanted::default() }).await;
    for (line, headers, status, part) in [
        ("POST /model/other/v1/messages", vec![], 403, "open are /model/bounded/, /model/house/"),
        ("POST /model/house/../other", vec![], 403, "none of those that are open"),
        ("POST /model/house/%2e%2e/other", vec![], 403, "none of those that are open"),
        ("POST /model/house//evil.example/x", vec![], 403, "none of those that are open"),
        ("POST /model/house", vec![], 403, "none of those that are open"),
        ("POST /model/bounded/v1/files", vec![], 403, "`providers.bounded.paths`"),
        ("DELETE /model/house/v1/files", vec![], 403, "DELETE changes what is there"),
        ("GET /model/house/v1/realtime", vec!["Upgrade: websocket"], 403, "another protocol"),
        ("POST /model/house/v1/messages", vec!["Content-Length: 1001"], 413, "at most 1000 bytes"),
    ] {
        let (got, why) = world.ask(line, &headers).await;
        assert_eq!(got, status, "{line}: {why}");
        let error: serde_json::Value = serde_json::from_str(&why).unwrap_or_else(|error| panic!("{error}: {why}"));
        assert!(error["error"]["message"].as_str().unwrap().contains(part), "{line}: {why}");
    }
    assert_eq!(server.asked().len(), 0);
    let endless = format!("3e8\r\n{}\r\n", "x".repeat(1_000)).repeat(2);
    let chunked = format!("POST /model/house/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{endless}0\r\n\r\n");
    let mut stream = world.connect().await;
    stream.write_all(chunked.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 502");
}

#[tokio::test]
async fn a_provider_that_sends_elsewhere_is_not_followed() {
    let server = Server::answering(|_| {
        let mut answer = text(307, "");
        answer.headers_mut().insert("location", "https://evil.example/".parse().unwrap());
        answer
    })
    .await;
    let world = with(&server).await;
    let (status, why) = world.ask("POST /model/house/x", &[]).await;
    assert_eq!(status, 502);
    assert!(why.contains("sends elsewhere (307), which is not followed") && !why.contains("evil"), "{why}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_a_provider_answers_is_counted_for_whoever_judges_the_session() {
    let statuses = Arc::new(Mutex::new(vec![200, 529, 429, 401, 200]));
    let server = Server::answering(move |_| text(statuses.lock().unwrap().pop().unwrap(), "")).await;
    let gone = ProviderSettings { base_url: "http://127.0.0.1:9".to_owned(), ..server.provider("x-api-key") };
    let providers = [("house", server.provider("x-api-key")), ("gone", gone)];
    let world = World::open(Wanted { providers: &providers, ..Wanted::default() }).await;
    let mut troubles = Vec::new();
    for _ in 0..5 {
        world.ask("POST /model/house/x", &[]).await;
        troubles.push(world.gate.models()["house"].trouble);
    }
    let classes = [None, Some(ErrorClass::Auth), Some(ErrorClass::Rate), Some(ErrorClass::Overload), None];
    assert_eq!(troubles, classes);
    let (status, why) = world.ask("POST /model/gone/x", &[]).await;
    assert_eq!(status, 502);
    assert!(why.contains("the provider gone cannot be reached: ") && why.contains("refused"), "{why}");
    let heard = world.heard.clone();
    let tallies = world.gate.close().await;
    let house = &tallies["house"];
    assert_eq!((house.requests, house.refused, house.slowed, house.broken), (5, 1, 1, 1));
    assert_eq!((tallies["gone"].unanswered, tallies["gone"].trouble), (1, Some(ErrorClass::Network)));
    assert!(heard.has("; model gone 1×, unanswered 1×; model house 5×, 401 1×, 429 1×, 5xx 1×"), "{}", heard.text());
    assert!(!heard.has(REAL_KEY));
}

/// Set for the second run of the test below, with the port of its server.
const TLS_PORT: &str = "DOWNBEAT_TEST_TLS_PORT";

#[tokio::test]
async fn a_provider_is_spoken_to_over_tls_that_the_machine_believes() {
    let Ok(port) = std::env::var(TLS_PORT) else {
        let server = TlsServer::start();
        for (believed, roots) in
            [("yes", server.certificate.clone()), ("no", "/etc/ssl/certs/ca-certificates.crt".into())]
        {
            let again = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "gateway::a_provider_is_spoken_to_over_tls_that_the_machine_believes"])
                .env("SSL_CERT_FILE", roots)
                .env_remove("SSL_CERT_DIR")
                .env(TLS_PORT, format!("{believed} {}", server.port))
                .output();
            let again = again.unwrap();
            assert!(again.status.success(), "{believed}: {}", String::from_utf8_lossy(&again.stdout));
        }
        return;
    };
    let (believed, port) = port.split_once(' ').unwrap();
    let provider = ProviderSettings {
        base_url: format!("https://localhost:{port}"),
        key: REAL_KEY.into(),
        header: "x-api-key".to_owned(),
        paths: Vec::new(),
    };
    let world = World::open(Wanted { providers: &[("house", provider)], ..Wanted::default() }).await;
    let (status, why) = world.ask("POST /model/house/x", &[]).await;
    // The server says the request back, which is no answer; a certificate of nobody is not even spoken to.
    let part = if believed == "yes" { "invalid HTTP" } else { "UnknownIssuer" };
    assert!(status == 502 && why.contains(part), "{believed}: {status} {why}");
}
