//! A gate, those who watch it, and the servers that it may or may not reach.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use agents::cage::ProgressSink;
use agents::egress::{
    AllowList, Egress, EgressLimits, EgressSettings, Guest, OpenGate, Ports, ProviderSettings, SESSIONS_LIST,
};
use agents::session::people::{People, Question, Reply};
use bytes::Bytes;
use domain::TaskId;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// The key that must never be seen inside.
pub const REAL_KEY: &str = "sk-real-canary-key";

pub struct World {
    pub egress: Egress,
    pub heard: Arc<Heard>,
    pub gate: OpenGate,
    _home: tempfile::TempDir,
    dir: PathBuf,
}

#[derive(Default)]
pub struct Wanted<'a> {
    pub allow: &'a [&'a str],
    pub providers: &'a [(&'a str, ProviderSettings)],
    pub limits: EgressLimits,
    pub people: Option<Arc<dyn People>>,
}

impl World {
    pub async fn open(wanted: Wanted<'_>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let named = |(name, settings): &(&str, ProviderSettings)| ((*name).to_owned(), settings.clone());
        let settings = EgressSettings {
            allow: AllowList::default(),
            repos: BTreeMap::from([("web".parse().unwrap(), AllowList::of(wanted.allow).unwrap())]),
            providers: wanted.providers.iter().map(named).collect::<BTreeMap<_, _>>(),
            limits: wanted.limits,
        };
        let egress = Egress::new(&settings, Ports::OfEach).unwrap();
        // Deeper than the path of a socket may be long.
        let dir = home.path().join("deep".repeat(50));
        std::fs::create_dir(&dir).unwrap();
        let heard = Arc::new(Heard::default());
        let gate = egress.open(guest(&egress, &dir, &heard, wanted.people)).await.unwrap();
        Self { egress, heard, gate, _home: home, dir }
    }

    pub async fn allowing(allow: &[&str]) -> Self {
        Self::open(Wanted { allow, ..Wanted::default() }).await
    }

    /// Closes the gate and opens the next session's.
    pub async fn next_session(self, people: Option<Arc<dyn People>>) -> Self {
        let Self { egress, heard, gate, _home, dir } = self;
        gate.close().await;
        let gate = egress.open(guest(&egress, &dir, &heard, people)).await.unwrap();
        Self { egress, heard, gate, _home, dir }
    }

    pub async fn connect(&self) -> UnixStream {
        UnixStream::from_std(self.connect_blocking()).unwrap()
    }

    pub fn connect_blocking(&self) -> std::os::unix::net::UnixStream {
        let mut stream = self.knock();
        stream.write_all(self.gate.door().token().as_str().as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    /// Connects and says nothing yet.
    pub fn knock(&self) -> std::os::unix::net::UnixStream {
        let dir = std::fs::File::open(self.gate.door().socket().parent().unwrap()).unwrap();
        let short = format!("/proc/self/fd/{}/gate.sock", std::os::fd::AsRawFd::as_raw_fd(&dir));
        std::os::unix::net::UnixStream::connect(short).unwrap()
    }

    /// Sends bytes and reads until the gate closes the connection.
    pub async fn say(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The status line and the body of an answer to one request, which ends the connection.
    pub async fn ask(&self, line: &str, headers: &[&str]) -> (u16, String) {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        status_and_body(&self.say(&format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")).await)
    }

    /// Opens a tunnel and says what the gate answered.
    pub async fn tunnel(&self, to: &str) -> (UnixStream, String) {
        let mut stream = self.connect().await;
        stream.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (stream, String::from_utf8(head).unwrap())
    }
}

fn guest(egress: &Egress, dir: &Path, heard: &Arc<Heard>, people: Option<Arc<dyn People>>) -> Guest {
    Guest {
        repo: "web".parse().unwrap(),
        dir: dir.to_owned(),
        allow: AllowList::default(),
        models: egress.providers(),
        people: people.map(|people| (TaskId::new(1), people)),
        list: SESSIONS_LIST,
        noted: None,
        sink: heard.clone(),
    }
}

pub fn status_and_body(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The task's log.
#[derive(Default)]
pub struct Heard(Mutex<Vec<String>>);

impl ProgressSink for Heard {
    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

impl Heard {
    pub fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    pub fn has(&self, part: &str) -> bool {
        self.text().contains(part)
    }
}

/// People who answer when the test does.
pub struct Thread(mpsc::Sender<Open>);

/// A question, and where its answer goes.
pub type Open = (Question, oneshot::Sender<Reply>);

pub fn thread() -> (Arc<dyn People>, mpsc::Receiver<Open>) {
    let (asked, questions) = mpsc::channel(16);
    (Arc::new(Thread(asked)), questions)
}

#[async_trait::async_trait]
impl People for Thread {
    async fn ask(&self, question: Question) -> Reply {
        let (answer, answered) = oneshot::channel();
        self.0.send((question, answer)).await.unwrap();
        answered.await.unwrap_or(Reply::Unanswered)
    }
}

/// What a server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub line: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A server for plain HTTP on this machine, which answers as it is told and keeps what it was asked.
pub struct Server {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub async fn answering(answer: impl Fn(&Asked) -> Answer + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let keeping = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (keeping, answer) = (keeping.clone(), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (keeping, answer) = (keeping.clone(), answer.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                        let line = format!("{} {}", head.method, head.uri);
                        let one = Asked { line, headers: head.headers, body };
                        keeping.lock().unwrap().push(one.clone());
                        Ok::<_, Infallible>(answer(&one))
                    }
                });
                let serving =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Self { port, asked }
    }

    pub async fn echoing() -> Self {
        Self::answering(|asked| text(200, format!("{} {}", asked.line, asked.body.len()))).await
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A provider whose base address leads here.
    pub fn provider(&self, header: &str) -> ProviderSettings {
        ProviderSettings {
            base_url: format!("http://{}/base", self.authority()),
            key: REAL_KEY.into(),
            header: header.to_owned(),
            paths: Vec::new(),
        }
    }
}

pub fn text(status: u16, body: impl Into<Bytes>) -> Answer {
    let body = BodyExt::boxed_unsync(Full::new(body.into()));
    Response::builder().status(status).body(body).unwrap()
}

/// A server for TLS as `localhost`, which says back what it hears.
pub struct TlsServer {
    pub port: u16,
    pub certificate: PathBuf,
    _home: tempfile::TempDir,
}

impl TlsServer {
    pub fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (key, certificate) = (home.path().join("key.pem"), home.path().join("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
        let config = config.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap());
        let config = Arc::new(config.unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, mut stream) = (config.clone(), stream.unwrap());
                std::thread::spawn(move || {
                    let mut session = rustls::ServerConnection::new(config).unwrap();
                    let mut tls = rustls::Stream::new(&mut session, &mut stream);
                    let mut chunk = [0; 64 << 10];
                    while let Ok(n @ 1..) = tls.read(&mut chunk) {
                        if tls.write_all(&chunk[..n]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { port, certificate, _home: home }
    }

    /// A client that believes this server's certificate alone.
    pub fn client(&self, name: &str) -> rustls::ClientConnection {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        rustls::ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap()
    }

    /// Talks TLS through a tunnel and says what came back.
    pub async fn talk_through(&self, tunnel: UnixStream, name: &str, words: Vec<u8>) -> std::io::Result<Vec<u8>> {
        let mut session = self.client(name);
        tokio::task::spawn_blocking(move || {
            let mut tunnel = tunnel.into_std()?;
            tunnel.set_nonblocking(false)?;
            let mut tls = rustls::Stream::new(&mut session, &mut tunnel);
            let mut heard = vec![0; words.len()];
            for (piece, room) in words.chunks(16 << 10).zip(heard.chunks_mut(16 << 10)) {
                tls.write_all(piece)?;
                tls.read_exact(room)?;
            }
            Ok(heard)
        })
        .await
        .unwrap()
    }
}
