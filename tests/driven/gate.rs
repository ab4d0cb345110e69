//! The way to the model without the rest of a real gate: what is asked for below `/model/NAME` goes to the model.

use std::path::Path;

use agents::cage::Door;
use agents::token::Token;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;

/// A gate that is open until it is dropped.
pub struct OpenGate {
    door: Door,
    _serving: JoinSet<()>,
}

impl OpenGate {
    pub fn door(&self) -> &Door {
        &self.door
    }
}

/// Opens a gate to the model at this address.
pub fn open(socket: &Path, url: &str) -> OpenGate {
    let listener = UnixListener::bind(socket).unwrap();
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.spawn(pass_on(stream, address.clone()));
        }
    });
    OpenGate { door: Door::at(socket).unwrap(), _serving: serving }
}

/// One request, after which the connection is closed.
async fn pass_on(mut agent: UnixStream, address: String) {
    let (mut word, mut head, mut byte) = ([0; Token::BYTES], Vec::new(), [0]);
    if agent.read_exact(&mut word).await.is_err() {
        return;
    }
    while !head.ends_with(b"\r\n\r\n") {
        if agent.read(&mut byte).await.unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    // The base address of this provider has a version in it, those of the others have not.
    let head = head.replacen("/model/openai/", "/v1/", 1).replacen("/model/anthropic/", "/", 1);
    let head = head.replacen("/model/gemini/", "/", 1);
    let lines: Vec<_> =
        head.trim_end().split("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:")).collect();
    let head = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
    let mut model = TcpStream::connect(address).await.unwrap();
    model.write_all(head.as_bytes()).await.unwrap();
    // Either may go first.
    let _ = copy_bidirectional(&mut agent, &mut model).await;
}
