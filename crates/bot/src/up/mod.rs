//! `downbeat up`: serves this repository, or those of a config, until it is stopped: a console in the terminal, a control
//! socket in the state directory, a read-only page on loopback.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::sync::Arc;

use agents::cage::{Cage, CageSettings, Confinement, Limits};
use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::exit::Exit;
use crate::cli::instance::Speaker;
use crate::clock::SystemClock;
use crate::config::{CageConfig, CageLevel, Config, UnusableState};
use crate::control;
use crate::control::desk::ControlDesk;
use crate::place::PlaceArgs;
use crate::reload::Reloader;
use crate::serve::System;

mod installation;
mod talk;

use talk::{Notices, Talk};

pub use installation::{Installation, Texts};

/// How it is served.
#[derive(Args, Clone, Debug)]
pub struct UpArgs {
    /// Without a config: a command that works as an agent beside the recipes, as a line for sh
    ///
    /// It gets the prompt on standard input, starts at the root of a copy of the repository, and finds DOWNBEAT_TURN=plan or
    /// DOWNBEAT_TURN=work in its environment. What it prints while planning is the plan; what it changes while working is the
    /// work.
    #[arg(long, value_name = "COMMAND")]
    pub agent: Option<String>,
    /// Who is at the terminal, when it is started on one.
    #[command(flatten)]
    pub speaker: Speaker,
}

/// Serves until SIGTERM or SIGINT. There is one instance a state directory.
pub async fn up(args: UpArgs, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let installation = Installation::find(place, args.agent.as_deref()).await?;
    let config = installation.config();
    let _instance = Instance::claim(config)?;
    let system = Arc::new(System::assemble(config, Arc::new(SystemClock), cage_of(config)).await?);
    system.recover(config).await?;
    let page = open_page(&installation).await?;
    let address = page.local_addr()?;
    let socket = control::socket::bind(&config.state)
        .with_context(|| format!("failed to open the control socket in {}", config.state.display()))?;
    let mut signals = Signals::await_all().context("failed to wait for signals")?;
    let (mut talk, notices) = Talk::open(config, &args.speaker)?;
    installation.guessed.iter().for_each(|found| talk.greet(found));
    talk.greet(&format!("Ready. Page: http://{address}/ · {}", talk.hint()));
    let stop = CancellationToken::new();
    let views = views_of(&system);
    let reloader = Reloader::new(place.clone(), args.agent, system.clone(), installation.reading.clone());
    let desk = Arc::new(ControlDesk::new(&system, views.clone(), reloader, format!("http://{address}/")));
    let serving = async {
        let (served, (), (), (), ()) = tokio::join!(
            web::serve(page, web::router(views), stop.clone()),
            control::server::serve(socket, desk.clone(), stop.clone()),
            system.run(stop.clone()),
            talk.run(&system, config, &stop),
            warn_of_unreachable(&system, &notices, &stop),
        );
        served.context("the page stopped")
    };
    tokio::select! {
        served = serving => served?,
        // Whatever was running is taken up again at the next start, as after a crash.
        () = steer(&desk, &mut signals, &notices, &stop) => return Ok(Exit::Failed),
    }
    control::socket::remove(&config.state);
    system.store.close().await;
    Ok(Exit::Done)
}

/// Listens for the page. Where nobody chose the port, any free one will do, so that two repositories can be served.
async fn open_page(installation: &Installation) -> anyhow::Result<TcpListener> {
    let listen = installation.config().web.listen;
    let is_chosen = installation.is_chosen("web.listen");
    match TcpListener::bind(listen).await {
        Err(error) if !is_chosen && error.kind() == io::ErrorKind::AddrInUse => {
            Ok(TcpListener::bind(SocketAddr::new(listen.ip(), 0)).await?)
        }
        bound => bound.with_context(|| {
            format!("failed to listen on {listen} (`web.listen`); stop what listens there, or set another port")
        }),
    }
}

fn views_of(system: &System) -> web::WebState {
    let (store, repositories) = (system.store.clone(), system.repositories.clone());
    web::WebState { store, repositories, settings: web::WebSettings::default() }
}

/// A repository that cannot be reached hinders no other, but whoever starts the service should know. It is asked beside
/// the service, because a dead network takes its time to say so.
async fn warn_of_unreachable(system: &System, notices: &Notices, stop: &CancellationToken) {
    for repository in system.repositories.iter() {
        let looked = tokio::select! {
            looked = repository.forge.target_head() => looked,
            () = stop.cancelled() => return,
        };
        if let Err(error) = looked {
            let name = &repository.name;
            notices.say(&format!(
                "The repository {name} cannot be used now: {error}. See `repos.{name}.remote`; it is tried again when a task needs it."
            ));
        }
    }
}

/// The cage that a config describes.
pub fn cage_of(config: &Config) -> Cage {
    let confinement = match config.cage.level {
        CageLevel::Auto => Confinement::Auto,
        CageLevel::Strong => Confinement::Strong,
        CageLevel::Standard => Confinement::Standard,
        CageLevel::Off => Confinement::Off,
    };
    let (toolchains, env) = (config.cage.read.clone(), config.cage.env.clone());
    let limits = limits_of(&config.cage);
    Cage::new(CageSettings { confinement, toolchains, env, limits, ..CageSettings::default() })
}

fn limits_of(cage: &CageConfig) -> Limits {
    let bytes = |megabytes: u64| megabytes << 20;
    Limits {
        output_bytes: bytes(cage.output_mb),
        file_bytes: bytes(cage.file_mb),
        processes: cage.processes,
        open_files: cage.open_files,
        memory_bytes: bytes(cage.memory_mb),
        disk_bytes: bytes(cage.disk_mb),
        ..Limits::default()
    }
}

/// Waits for a signal that asks for an end, and reloads upon those that ask for that.
async fn steer(desk: &ControlDesk, signals: &mut Signals, notices: &Notices, stop: &CancellationToken) {
    loop {
        let sign = tokio::select! {
            sign = signals.next() => sign,
            () = stop.cancelled() => Sign::Stop,
        };
        match sign {
            Sign::Stop => break,
            Sign::Reload => match desk.reloader().reload().await {
                Ok(came) => notices.say(&came),
                Err(error) => notices.say(&format!("the config was not taken over: {error:#}")),
            },
        }
    }
    stop.cancel();
    eprintln!(
        "Stopping; what is running is given back and goes on at the next start. A second signal ends it at once."
    );
    while signals.next().await != Sign::Stop {}
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Stop,
    Reload,
}

/// They are awaited from before we say that we are ready, because until then a signal kills.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Whether the terminal's own end sends a hang-up; a service gets it from whoever wants a reload.
    on_terminal: bool,
}

impl Signals {
    fn await_all() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            on_terminal: io::stdin().is_terminal(),
        })
    }

    async fn next(&mut self) -> Sign {
        tokio::select! {
            _ = self.terminate.recv() => Sign::Stop,
            _ = self.interrupt.recv() => Sign::Stop,
            _ = self.hang_up.recv() => if self.on_terminal { Sign::Stop } else { Sign::Reload },
        }
    }
}

/// The right to be the only process of a state directory: a lock that the kernel releases when the process ends,
/// however it ends.
struct Instance {
    _lock: File,
}

impl Instance {
    fn claim(config: &Config) -> anyhow::Result<Self> {
        config.make_state()?;
        let unusable = |error| UnusableState { state: config.state.clone(), error };
        let path = config.state.join("instance.lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another downbeat serves this state directory (it holds {}). Stop it first, or set another `state` in the config",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(unusable(error).into()),
        }
    }
}
