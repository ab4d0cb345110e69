//! The other end of the control socket: what the command line and the chat terminals use.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::codec::{Framed, LinesCodec, LinesCodecError};

use super::socket;
use super::wire::{Answer, Ask, LINE_BYTES_MAX, Shown, VERSION, Welcome};

/// How long an answer may take: longer than the store waits for its database, and than a large difference takes.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A connection to a running instance.
pub struct Client {
    line: Framed<UnixStream, LinesCodec>,
    /// Who answered.
    pub welcome: Welcome,
}

/// A connection that only shows.
pub struct Watcher {
    line: Framed<UnixStream, LinesCodec>,
}

/// Why an instance could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no downbeat is running with the state directory {}; start one with `downbeat up`", state.display())]
    NotRunning {
        /// Where.
        state: PathBuf,
    },
    /// Somebody listens, but not to us.
    #[error("the control socket in {} cannot be opened: {error}", state.display())]
    Closed {
        /// Where.
        state: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is another release, or not a downbeat.
    #[error("the running downbeat cannot be spoken to: {0}")]
    Foreign(String),
    /// It takes what is said and answers nothing.
    #[error("the running downbeat has not answered for {} s; look at its log, or start it again", ANSWER_MAX.as_secs())]
    Silent,
    /// It went away in the middle; what was asked may or may not have been done.
    #[error("the running downbeat went away before it answered; ask again when it is back")]
    Gone,
}

impl Client {
    /// Greets the instance of a state directory.
    pub async fn connect(state: &Path) -> Result<Self, ClientError> {
        let (stream, token) = socket::connect(state).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ClientError::NotRunning { state: state.to_owned() }
            }
            _ => ClientError::Closed { state: state.to_owned(), error },
        })?;
        let line = Framed::new(stream, LinesCodec::new_with_max_length(LINE_BYTES_MAX));
        let mut client = Self { line, welcome: Welcome::default() };
        match client.ask(&Ask::Hello { version: VERSION, token }).await? {
            Answer::Hello(welcome) => Ok(Self { welcome: *welcome, ..client }),
            Answer::Failed { why } => Err(ClientError::Foreign(why)),
            other => Err(ClientError::Foreign(format!("it greeted with {other:?}"))),
        }
    }

    /// Asks one thing.
    pub async fn ask(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let answered = timeout(ANSWER_MAX, async {
            send(&mut self.line, ask).await?;
            receive(&mut self.line).await?.ok_or(ClientError::Gone)
        });
        answered.await.unwrap_or(Err(ClientError::Silent))
    }

    /// Turns the connection into one that shows the console, after the newest messages of `thread`.
    pub async fn watch(mut self, thread: Option<String>, backlog: usize) -> Result<Watcher, ClientError> {
        match self.ask(&Ask::Watch { thread, backlog }).await? {
            Answer::Done { .. } => Ok(Watcher { line: self.line }),
            other => Err(ClientError::Foreign(format!("it does not show the console: {other:?}"))),
        }
    }
}

impl Watcher {
    /// What is shown next; none when the instance has ended.
    pub async fn next(&mut self) -> Result<Option<Shown>, ClientError> {
        receive(&mut self.line).await
    }
}

async fn send(line: &mut Framed<UnixStream, LinesCodec>, what: &impl Serialize) -> Result<(), ClientError> {
    let text = serde_json::to_string(what).expect("what is asked has text keys only");
    line.send(text).await.map_err(broken)
}

async fn receive<T: DeserializeOwned>(line: &mut Framed<UnixStream, LinesCodec>) -> Result<Option<T>, ClientError> {
    let Some(said) = line.next().await else { return Ok(None) };
    let said = said.map_err(broken)?;
    serde_json::from_str(&said).map(Some).map_err(|error| ClientError::Foreign(format!("it said {error}")))
}

fn broken(error: LinesCodecError) -> ClientError {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            ClientError::Foreign(format!("it said more than {LINE_BYTES_MAX} bytes at once"))
        }
        LinesCodecError::Io(_) => ClientError::Gone,
    }
}
