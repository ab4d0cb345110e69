//! One session's end of its tools: a unix socket, behind which an MCP server answers the agent.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rmcp::serve_server;
use rmcp::transport::async_rw::AsyncRwTransport;
use store::Store;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::claims::Claims;
use super::threads::Threads;
use super::toolbox::{Toolbox, Used};
use super::{NAME, SOCKET_VARIABLE, TOKEN, VERB};
use crate::cage::ProgressSink;
use crate::session::ToolServer;
use crate::session::people::People;
use crate::socket;
use crate::task::Task;
use crate::token::Token;

/// The socket's name in the private directory, where nobody inside can put anything else in its place.
const SOCKET: &str = "tools.sock";
/// How long a connection may take to say the token; the program says it at once.
const TOKEN_WITHIN: Duration = Duration::from_secs(5);
/// Connections at one time: agents start one program for each of their own sessions, and few have more than one.
const CONNECTIONS_MAX: usize = 8;
/// Connections of one session in all; an agent that needs more is broken, or means no good.
const CONNECTIONS_EVER_MAX: u32 = 100;
/// Bytes of one message: the longest question is 8 kB.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Bytes that one connection may say, so that no agent fills the memory with calls whose answers it does not read; a
/// thousand calls of a kilobyte.
const CONNECTION_BYTES_MAX: usize = 1 << 20;

/// What the desks of all sessions have in common. Cheap to clone.
#[derive(Clone)]
pub struct Desks {
    /// The program that is run in the cage: this one, by a path that means the same in every process.
    pub program: PathBuf,
    /// To read the task's thread.
    pub threads: Arc<dyn Threads>,
    /// Who is at work on what.
    pub claims: Arc<Claims>,
    /// To know which tasks have ended.
    pub store: Store,
}

/// One session's desk. Its socket and its token are gone when it is dropped.
pub struct Desk {
    place: PathBuf,
    token: Token,
    program: PathBuf,
    listener: UnixListener,
    toolbox: Arc<Toolbox>,
}

impl Desks {
    /// Opens the desk of a session of `task`: asks reach `people`, reports reach `progress`, and the socket lies in
    /// the session's `private` directory.
    pub fn open(
        &self,
        task: Task,
        people: Arc<dyn People>,
        progress: Arc<dyn ProgressSink>,
        private: &Path,
    ) -> io::Result<Desk> {
        let place = private.join(SOCKET);
        remove(&place);
        let listener = socket::reach(&place, |path| UnixListener::bind(path))?;
        fs::set_permissions(&place, Permissions::from_mode(0o600))?;
        let token = Token::new()?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(place.with_extension(TOKEN))?
            .write_all(token.as_str().as_bytes())?;
        let Self { program, threads, claims, store } = self.clone();
        let toolbox = Arc::new(Toolbox { task, people, progress, threads, claims, store, used: Used::default() });
        Ok(Desk { place, token, program, listener, toolbox })
    }
}

impl Desk {
    /// What the session's agent is told: how it starts its tools inside the cage.
    pub fn offer(&self) -> ToolServer {
        let program = self.program.clone();
        ToolServer {
            name: NAME.to_owned(),
            command: vec![program.display().to_string(), VERB.to_owned()],
            env: BTreeMap::from([(SOCKET_VARIABLE.to_owned(), self.place.display().to_string())]),
            read: vec![program, self.place.clone(), self.place.with_extension(TOKEN)],
        }
    }

    /// Serves the tools while `session` goes on.
    pub async fn serve_during<T>(&self, session: impl Future<Output = T>) -> T {
        tokio::select! {
            ended = session => ended,
            never = self.serve() => match never {},
        }
    }

    async fn serve(&self) -> std::convert::Infallible {
        // Dropped with this future, and then every connection with it.
        let mut connections = JoinSet::new();
        let mut n_left = CONNECTIONS_EVER_MAX;
        loop {
            tokio::select! {
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS_MAX && n_left > 0 => match accepted {
                    Ok((stream, _)) => {
                        n_left -= 1;
                        if n_left == 0 {
                            let all = format!("the tools were started {CONNECTIONS_EVER_MAX} times, and not again in this session");
                            self.toolbox.progress.line(&all);
                        }
                        connections.spawn(attend(stream, self.token.clone(), self.toolbox.clone()));
                    }
                    Err(error) => {
                        tracing::error!(task.id = %self.toolbox.task.id, "the tools accept nobody any more: {error}");
                        std::future::pending().await
                    }
                },
            }
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        remove(&self.place);
    }
}

/// What is not there is removed.
fn remove(place: &Path) {
    let _ = fs::remove_file(place);
    let _ = fs::remove_file(place.with_extension(TOKEN));
}

/// One connection, from its token to its end.
async fn attend(stream: UnixStream, token: Token, toolbox: Arc<Toolbox>) {
    let (mut said, answers) = stream.into_split();
    if !token.is_said_by(&mut said, TOKEN_WITHIN).await {
        return tracing::warn!(task.id = %toolbox.task.id, "somebody without the token reached the tools, and was not heard");
    }
    let progress = toolbox.progress.clone();
    let said = Metered { said, left: CONNECTION_BYTES_MAX, progress: progress.clone() };
    let transport = AsyncRwTransport::new_server(said, answers).with_max_line_length(MESSAGE_BYTES_MAX);
    match serve_server(toolbox, transport).await {
        Ok(running) => drop(running.waiting().await),
        Err(error) => progress.line(&format!("the tools were started and not used: {error}")),
    }
}

/// What an agent says, up to its limit, which then is the end.
struct Metered {
    said: OwnedReadHalf,
    left: usize,
    progress: Arc<dyn ProgressSink>,
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.said).poll_read(cx, into);
        let n = into.filled().len() - before;
        if n > self.left {
            let limit = CONNECTION_BYTES_MAX >> 20;
            self.progress.line(&format!("the tools are closed: the agent said more than {limit} MiB to them"));
            into.set_filled(before);
        }
        self.left = self.left.saturating_sub(n);
        read
    }
}
