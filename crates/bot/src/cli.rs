//! The command line.

use std::io::IsTerminal;
use std::process::ExitCode;

use agents::cage::{self, Cage, CageSettings};
use agents::session::{scripted, scripted_main};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::demo::{self, DemoArgs};
use crate::tls;
use crate::up::{self, UpArgs};

/// The self-hosted conductor's stand for a team's coding agents
#[derive(Parser, Debug)]
#[command(name = "downbeat", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Play the whole road on a bundled sample and prove its outcome
    Demo(DemoArgs),
    /// Serve the repositories of a config, with a console on standard input
    Up(UpArgs),
}

/// Runs the program. Exit codes: 0 done; 1 it failed or its proof did not hold; 2 the command line is not right.
pub fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    // Before any thread is started: the launcher forks.
    match args.get(1).map(String::as_str) {
        Some(cage::VERB) => return cage::launch_main(),
        Some(scripted::VERB) => return scripted_main(&args[2..]),
        _ => {}
    }
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("DOWNBEAT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .compact()
        .init();
    tls::install_provider();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error)),
    };
    let outcome = match cli.command {
        Command::Demo(args) => runtime.block_on(demo::play(args, Cage::new(CageSettings::default()))),
        Command::Up(args) => runtime.block_on(up::up(args)),
    };
    // A read of standard input cannot be called off, and nobody has to press a key for a service to stop.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
