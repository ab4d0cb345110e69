//! Serves the control socket: reads asks, lets the desk answer, and streams the console to watchers.

use std::sync::Arc;
use std::time::Duration;

use domain::ThreadRef;
use futures::stream::FuturesUnordered;
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::codec::{Framed, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;

use super::desk::ControlDesk;
use super::socket;
use super::wire::{Answer, Ask, LINE_BYTES_MAX, Shown, VERSION};
use crate::chat::console::{ConsoleEvent, ConsoleMessage};
use agents::token::Token;

/// How many may be connected: more terminals than a team has, and few enough to be polled by one task.
const CONNECTIONS_MAX: usize = 64;
/// How often watchers are told what is going on.
const GLANCE_EVERY: Duration = Duration::from_secs(1);
/// The longest past that a watcher gets.
const BACKLOG_MAX: usize = 200;

type Line = Framed<UnixStream, LinesCodec>;

/// Answers whoever connects and says the token, until `stop` fires.
pub async fn serve((listener, token): (UnixListener, Token), desk: Arc<ControlDesk>, stop: CancellationToken) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(()) = connections.next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) if socket::is_ours(&stream) => connections.push(attend(stream, &token, desk.clone())),
                Ok(_) => tracing::warn!("somebody else's process reached the control socket, and was not answered"),
                Err(error) => {
                    tracing::error!("the control socket accepts nobody any more: {error}");
                    return while connections.next().await.is_some() {};
                }
            },
        }
    }
}

/// One connection, from its greeting to its end. That a client goes is no error.
async fn attend(stream: UnixStream, token: &Token, desk: Arc<ControlDesk>) {
    let mut line = Framed::new(stream, LinesCodec::new_with_max_length(LINE_BYTES_MAX));
    if let Err(error) = converse(&mut line, token, &desk).await {
        tracing::debug!("a client of the control socket is gone: {error}");
    }
}

async fn converse(line: &mut Line, token: &Token, desk: &ControlDesk) -> Result<(), LinesCodecError> {
    if !greet(line, token, desk).await? {
        return Ok(());
    }
    while let Some(said) = line.next().await {
        match read(&said?) {
            Ok(Ask::Watch { thread, backlog }) => return watch(line, desk, thread, backlog).await,
            Ok(ask) => send(line, &desk.answer(ask).await).await?,
            Err(answer) => send(line, &answer).await?,
        }
    }
    Ok(())
}

/// Answers the greeting; false when the client speaks another language, does not know the token, or does not greet.
async fn greet(line: &mut Line, token: &Token, desk: &ControlDesk) -> Result<bool, LinesCodecError> {
    let Some(said) = line.next().await else { return Ok(false) };
    let answer = match read(&said?) {
        Ok(Ask::Hello { version: VERSION, token: said }) if token.is(said.as_bytes()) => {
            Answer::Hello(Box::new(desk.welcome().await))
        }
        Ok(Ask::Hello { version: VERSION, .. }) => {
            tracing::warn!("somebody who does not know the token of the control socket was not answered");
            Answer::Failed { why: format!("its token is in {}, beside the socket", socket::TOKEN) }
        }
        Ok(Ask::Hello { version, .. }) => {
            let why = format!("this instance speaks version {VERSION} and not {version}; use the same release");
            Answer::Failed { why }
        }
        Ok(_) => Answer::Failed { why: "say hello first".to_owned() },
        Err(answer) => answer,
    };
    send(line, &answer).await?;
    Ok(matches!(answer, Answer::Hello(_)))
}

fn read(said: &str) -> Result<Ask, Answer> {
    serde_json::from_str(said).map_err(|error| Answer::Failed {
        why: format!("this instance does not understand what was asked ({error}); use the same release"),
    })
}

/// Streams the console, and what is going on whenever that changes.
#[expect(clippy::disallowed_methods, reason = "a display is told now and then; nothing is decided by it")]
async fn watch(
    line: &mut Line,
    desk: &ControlDesk,
    thread: Option<String>,
    backlog: usize,
) -> Result<(), LinesCodecError> {
    // Listening begins before the past is read, so that nothing falls between; what is in both is shown once.
    let mut shown = desk.console().watch();
    send(line, &Answer::Done { text: String::new(), task: None }).await?;
    let mut past = None;
    if let Some(thread) = thread {
        let newest = desk.console().before(&ThreadRef::console(&thread), i64::MAX).await.unwrap_or_default();
        for message in newest.into_iter().take(backlog.min(BACKLOG_MAX)).rev() {
            past = Some((message.thread.clone(), message.n));
            send(line, &Shown::Posted(message)).await?;
        }
    }
    let mut glance = interval(GLANCE_EVERY);
    glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running = Vec::new();
    loop {
        tokio::select! {
            event = next_shown(&mut shown) => match event {
                Some(Shown::Posted(message)) if is_past(&past, &message) => {}
                Some(event) => send(line, &event).await?,
                None => return Ok(()),
            },
            _ = glance.tick() => {
                let now = desk.running().await;
                if now != running {
                    running.clone_from(&now);
                    send(line, &Shown::Running { tasks: now }).await?;
                }
            }
            // A watcher says nothing more; the end of its side is the end.
            said = line.next() => match said {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}

fn is_past(past: &Option<(String, i64)>, message: &ConsoleMessage) -> bool {
    past.as_ref().is_some_and(|(thread, newest)| message.thread == *thread && message.n <= *newest)
}

async fn next_shown(shown: &mut Receiver<ConsoleEvent>) -> Option<Shown> {
    match shown.recv().await {
        Ok(ConsoleEvent::Posted(message)) => Some(Shown::Posted(message)),
        Ok(ConsoleEvent::Edited(message)) => Some(Shown::Edited(message)),
        Ok(ConsoleEvent::Reacted(message)) => Some(Shown::Reacted(message)),
        Err(RecvError::Lagged(n)) => Some(Shown::Missed { n }),
        Err(RecvError::Closed) => None,
    }
}

async fn send(line: &mut Line, what: &impl Serialize) -> Result<(), LinesCodecError> {
    line.send(serde_json::to_string(what).expect("what is said has text keys only")).await
}
