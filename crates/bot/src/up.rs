//! `downbeat up`: serves the repositories of a config until it is stopped, with a console on standard input and a
//! read-only page on loopback.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use agents::cage::{Cage, CageSettings, Confinement};
use anyhow::Context as _;
use clap::Args;
use domain::{Person, ThreadRef};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::clock::SystemClock;
use crate::config::{CageLevel, Config, Sources};
use crate::screen::Screen;
use crate::serve::System;

/// How it is served.
#[derive(Args, Clone, Debug)]
pub struct UpArgs {
    /// The config
    #[arg(long, value_name = "FILE", default_value = "downbeat.toml")]
    pub config: PathBuf,
}

/// Serves until SIGTERM or SIGINT. There is one instance a state directory.
pub async fn up(args: UpArgs) -> anyhow::Result<ExitCode> {
    let env = std::env::vars().collect();
    let config = Config::read(&Sources { generated: "", file: Some(&args.config), env: &env })?.config;
    let _instance = Instance::claim(&config)?;
    let system = Arc::new(System::assemble(&config, Arc::new(SystemClock), cage_of(&config)).await?);
    system.recover(&config).await?;
    let listener = TcpListener::bind(config.web.listen).await;
    let listener = listener.with_context(|| format!("failed to listen on {} (`web.listen`)", config.web.listen))?;
    let signals = Signals::await_both().context("failed to wait for signals")?;
    let mut screen = Screen::open();
    screen.say(&format!("Ready. Page: http://{}/ · say NAME: WORDS, or #THREAD NAME: WORDS", listener.local_addr()?));
    let stop = CancellationToken::new();
    let (store, repositories) = (system.store.clone(), system.repositories.clone());
    let state = web::WebState { store, repositories, settings: web::WebSettings::default() };
    let page = web::serve(listener, web::router(state), stop.clone());
    let (served, (), (), (), ()) = tokio::join!(
        page,
        system.run(stop.clone()),
        show(&system, &mut screen, &stop),
        listen(&system, signals, &stop),
        warn_of_unreachable(&system, &stop),
    );
    served.context("the page stopped")?;
    system.store.close().await;
    screen.close();
    Ok(ExitCode::SUCCESS)
}

/// A repository that cannot be reached hinders no other, but whoever starts the service should know. It is asked beside
/// the service, because a dead network takes its time to say so.
async fn warn_of_unreachable(system: &System, stop: &CancellationToken) {
    for repository in system.repositories.iter() {
        let looked = tokio::select! {
            looked = repository.forge.target_head() => looked,
            () = stop.cancelled() => return,
        };
        if let Err(error) = looked {
            let name = &repository.name;
            eprintln!(
                "The repository {name} cannot be used now: {error}. See `repos.{name}.remote`; it is tried again when a task needs it."
            );
        }
    }
}

/// The cage that a config describes.
pub fn cage_of(config: &Config) -> Cage {
    let confinement = match config.cage.level {
        CageLevel::Standard => Confinement::Standard,
        CageLevel::Off => Confinement::Off,
    };
    let (toolchains, env) = (config.cage.read.clone(), config.cage.env.clone());
    Cage::new(CageSettings { confinement, toolchains, env, ..CageSettings::default() })
}

/// Shows the console until the end.
async fn show(system: &System, screen: &mut Screen, stop: &CancellationToken) {
    let mut shown = system.console.watch();
    loop {
        tokio::select! {
            () = stop.cancelled() => return drop(screen.settle()),
            look = screen.look(&mut shown) => match look {
                Ok(_) => {}
                Err(RecvError::Lagged(n)) => screen.say(&format!("… {n} messages went by faster than they could be shown")),
                Err(RecvError::Closed) => return,
            },
        }
    }
}

/// Takes words from standard input until a signal comes. The end of the input ends nothing: a service has none.
async fn listen(system: &System, mut signals: Signals, stop: &CancellationToken) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut is_open = true;
    loop {
        tokio::select! {
            () = signals.arrived() => break,
            line = lines.next_line(), if is_open => match line {
                Ok(Some(line)) => say(system, &line).await,
                Ok(None) => is_open = false,
                Err(error) => {
                    eprintln!("standard input cannot be read: {error}");
                    is_open = false;
                }
            },
        }
    }
    eprintln!("Stopping; what is running is given back and goes on at the next start.");
    stop.cancel();
}

/// The two ways of asking for an end. They are awaited from before we say that we are ready, because until then a
/// signal kills.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn await_both() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn arrived(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn say(system: &System, line: &str) {
    match spoken(line) {
        Some((thread, person, words)) => {
            if let Err(error) = system.console.say(&thread, &person, words).await {
                eprintln!("not heard: {error}");
            }
        }
        None if line.trim().is_empty() => {}
        None => eprintln!("Say who speaks: `ana: @agent help`, or `#thread ana: @agent help`."),
    }
}

/// `#thread name: words`, where the thread is `main` when it is left out.
fn spoken(line: &str) -> Option<(ThreadRef, Person, &str)> {
    let (thread, rest) = match line.trim_start().strip_prefix('#') {
        Some(named) => named.split_once(' ')?,
        None => ("main", line),
    };
    let (name, words) = rest.split_once(':')?;
    let thread = format!("console/{thread}").parse().ok()?;
    Some((thread, name.trim().parse().ok()?, words.trim()))
}

/// The right to be the only process of a state directory: a lock that the kernel releases when the process ends,
/// however it ends.
struct Instance {
    _lock: File,
}

impl Instance {
    fn claim(config: &Config) -> anyhow::Result<Self> {
        let state = config.state.display();
        let unusable =
            || format!("failed to use the state directory {state}; make it writable, or set another `state`");
        std::fs::create_dir_all(&config.state).with_context(unusable)?;
        let path = config.state.join("instance.lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another downbeat serves this state directory (it holds {}). Stop it first, or set another `state` in the config",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(unusable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_who_speaks_and_where() {
        let said = |line| spoken(line).map(|(thread, person, words)| format!("{thread} {person} {words}"));
        assert_eq!(said("ana: @agent fix: it"), Some("console/main ana @agent fix: it".to_owned()));
        assert_eq!(said("#web ana: hi"), Some("console/web ana hi".to_owned()));
        assert_eq!(said("no speaker here"), None);
    }
}
