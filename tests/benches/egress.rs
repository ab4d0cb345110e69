//! How much a gate carries and how long it keeps a request, beside the same bytes without it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agents::cage::SilentSink;
use agents::egress::{
    AllowList, Egress, EgressLimits, EgressSettings, Guest, OpenGate, Ports, ProviderSettings, SESSIONS_LIST,
};

use crate::figure::Figure;

const RUNS: usize = 5;
/// Long enough that what happens at its ends does not count.
const BYTES: usize = 2 << 30;
/// What the time is told for; the limit is 500 MB/s.
const MEASURE: f64 = 500e6;
const CHUNK_BYTES: usize = 256 << 10;
const REQUESTS: usize = 2_000;
/// The first ones open connections, as those of an agent are open.
const WARM_UP: usize = 50;

pub fn carry(figures: &mut Vec<Figure>) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (source, provider) = (pouring(), answering());
    let gate = runtime.block_on(open(home.path(), source, provider));
    let direct: Vec<f64> =
        (0..RUNS).map(|_| pace(TcpStream::connect(("127.0.0.1", source)).expect("it listens"))).collect();
    let through: Vec<f64> = (0..RUNS).map(|_| pace(tunnel(enter(&gate), source))).collect();
    let own = Figure::of_runs("gate: 500 MB through a tunnel", "ms", through).at_most(1_000.0);
    let peer = Figure::of_runs("peer: 500 MB over TCP on this machine", "ms", direct);
    let [carried, straight] = [&own, &peer].map(|figure| format!("{:.0} MB/s", MEASURE / 1e3 / figure.median()));
    figures.extend([own.with_note(carried), peer.with_note(straight)]);

    let direct = waits(TcpStream::connect(("127.0.0.1", provider)).expect("it listens"), "/v1/messages");
    let through = waits(enter(&gate), "/model/house/v1/messages");
    let added: Vec<f64> = direct
        .iter()
        .zip(&through)
        .map(|(direct, through)| (through.as_secs_f64() - direct.as_secs_f64()) * 1e3)
        .collect();
    figures.push(Figure::of_waits("gate: request to a model and back", through));
    figures.push(Figure::of_waits("peer: the same request straight to its server", direct));
    figures.push(Figure::of_runs("gate: what it adds to a request", "ms", added).at_most(1.0));
    runtime.block_on(gate.close());
}

async fn open(dir: &Path, source: u16, provider: u16) -> OpenGate {
    let house = ProviderSettings {
        base_url: format!("http://127.0.0.1:{provider}"),
        key: "sk-a-key-that-is-searched-for".into(),
        header: "x-api-key".to_owned(),
        paths: Vec::new(),
    };
    let settings = EgressSettings {
        allow: AllowList::of(&[format!("127.0.0.1:{source}")]).expect("it is an address"),
        repos: BTreeMap::new(),
        providers: BTreeMap::from([("house".to_owned(), house)]),
        limits: EgressLimits { bytes: u64::MAX, requests_per_minute: u32::MAX, ..EgressLimits::default() },
    };
    let guest = Guest {
        repo: "web".parse().expect("it is a name"),
        dir: dir.to_owned(),
        allow: AllowList::default(),
        models: vec!["house".to_owned()],
        people: None,
        list: SESSIONS_LIST,
        noted: None,
        sink: Arc::new(SilentSink),
    };
    Egress::new(&settings, Ports::OfEach).expect("it is ready").open(guest).await.expect("it is open")
}

/// A server that hears a first word and then sends as long as somebody takes it.
fn pouring() -> u16 {
    serve(|mut stream| {
        let mut first = [0; 1];
        stream.read_exact(&mut first)?;
        let chunk = vec![7; CHUNK_BYTES];
        loop {
            stream.write_all(&chunk)?;
        }
    })
}

/// A server that answers every request with the same few words.
fn answering() -> u16 {
    serve(|mut stream| {
        stream.set_nodelay(true)?;
        let mut heard = Vec::new();
        let mut chunk = [0; 4_096];
        loop {
            let n = stream.read(&mut chunk)?;
            if n == 0 {
                return Ok(());
            }
            heard.extend_from_slice(&chunk[..n]);
            if heard.ends_with(b"\r\n\r\n{}") {
                heard.clear();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}")?;
            }
        }
    })
}

fn serve(talk: fn(TcpStream) -> io::Result<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has a port").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(talk(stream)));
        }
    });
    port
}

/// A connection of whoever knows the word.
fn enter(gate: &OpenGate) -> UnixStream {
    let mut stream = UnixStream::connect(gate.door().socket()).expect("it listens");
    stream.write_all(gate.door().token().as_str().as_bytes()).expect("it hears");
    stream
}

/// A tunnel to the pouring server, at which the shortest hello of TLS without a name was said.
fn tunnel(mut stream: UnixStream, port: u16) -> UnixStream {
    write!(stream, "CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n").expect("it hears");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it answers");
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    let hello = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    let message = [&[1, 0, 0, hello.len() as u8][..], &hello].concat();
    stream.write_all(&[&[22, 3, 1, 0, message.len() as u8][..], &message].concat()).expect("it hears");
    stream
}

/// Milliseconds for the measure, of many.
fn pace(mut stream: impl Read + Write) -> f64 {
    // The first word; a tunnel has said its own already, and the server takes one more.
    stream.write_all(b"!").expect("it hears");
    let mut chunk = vec![0; CHUNK_BYTES];
    let (started, mut left) = (Instant::now(), BYTES);
    while left > 0 {
        left = left.saturating_sub(stream.read(&mut chunk).expect("it is sent"));
    }
    started.elapsed().as_secs_f64() * 1e3 * MEASURE / BYTES as f64
}

fn waits(mut stream: impl Read + Write, path: &str) -> Vec<Duration> {
    let request = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{{}}");
    let mut once = || {
        let started = Instant::now();
        stream.write_all(request.as_bytes()).expect("it hears");
        let (mut heard, mut chunk) = (Vec::new(), [0; 4_096]);
        while !heard.ends_with(b"{\"ok\":true}") {
            let n = stream.read(&mut chunk).expect("it answers");
            assert!(n > 0, "{}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&chunk[..n]);
        }
        started.elapsed()
    };
    (0..WARM_UP + REQUESTS).map(|_| once()).skip(WARM_UP).collect()
}
