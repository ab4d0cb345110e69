//! The command line. Each command is a file of this folder or the module that it is about; here they are only told apart.

use std::process::ExitCode;

use agents::cage::{self, Cage, CageSettings};
use agents::session::{scripted, scripted_main};
use agents::tools::{self, mcp_main};
use clap::{CommandFactory, Parser, Subcommand};

use crate::demo::{self, DemoArgs};
use crate::doctor::{self, DoctorArgs};
use crate::init::{self, InitArgs};
use crate::place::PlaceArgs;
use crate::tls;
use crate::up::{self, UpArgs};
use exit::{EXIT_CODES, Exit};

pub mod chat;
pub mod exit;
pub mod instance;
pub mod log;

mod agent;
mod config;
mod cost;
mod database;
mod queue;
mod reference;
mod rehearsal;
mod slack;
mod task;

/// The self-hosted conductor's stand for a team's coding agents
///
/// People ask in a thread; Downbeat turns the thread into a planned, approved, sandboxed piece of work by any agent, checks
/// the result, and lands it through a merge queue that tests exactly what will land.
#[derive(Parser, Debug)]
#[command(name = "downbeat", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Play the whole road on a bundled sample and prove its outcome
    Demo(DemoArgs),
    /// Serve this repository, or those of a config, until it is stopped
    Up(UpArgs),
    /// Talk with a running instance, as a person of its config
    Chat(chat::ChatArgs),
    /// Ask a few questions and write the config
    Init(InitArgs),
    /// Try everything that an instance needs, and say what to do where it does not work
    Doctor(DoctorArgs),
    /// Work with tasks
    #[command(subcommand)]
    Task(task::TaskCommand),
    /// Work with the merge queues
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    /// Look at the agents
    #[command(subcommand)]
    Agent(agent::AgentVerb),
    /// Show what agents used, and what that cost
    Cost(cost::CostArgs),
    /// Check and explain the config
    #[command(subcommand)]
    Config(config::ConfigVerb),
    /// Bring the database's schema up to date, or show how far it is
    #[command(subcommand)]
    Db(database::DatabaseCommand),
    /// Make the app in Slack
    #[command(subcommand)]
    Slack(slack::SlackVerb),
    /// Print a script that completes commands in a shell
    Completions(reference::CompletionsArgs),
    /// Print the manual page, or write one page a command into a directory
    Man(reference::ManArgs),
}

/// Runs the program. Its exit codes are those of [`Exit`].
pub fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    // Before any thread is started: the launcher forks.
    match args.get(1).map(String::as_str) {
        Some(cage::VERB) => return cage::launch_main(),
        Some(scripted::VERB) => return scripted_main(&args[2..]),
        Some(tools::VERB) => return mcp_main(),
        _ => {}
    }
    let cli = Cli::parse();
    log::begin();
    tls::install_provider();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error)),
    };
    let outcome = runtime.block_on(run(cli));
    // A read of standard input cannot be called off, and nobody has to press a key for a service to stop.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| failed(&error))
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let place = &cli.place;
    Ok(match cli.command {
        Command::Demo(args) => return demo::play(args, Cage::new(CageSettings::default())).await,
        Command::Up(args) => Box::pin(up::up(args, place)).await?.into(),
        Command::Chat(args) => chat::run(args, place).await?.into(),
        Command::Init(args) => init::init(args, place).await?.into(),
        Command::Doctor(args) => doctor::examine(args, place).await?.into(),
        Command::Task(command) => task::run(command, place).await?.into(),
        Command::Queue(command) => queue::run(command, place).await?.into(),
        Command::Agent(verb) => agent::run(verb, place).await?.into(),
        Command::Cost(args) => cost::run(args, place).await?.into(),
        Command::Config(verb) => config::run(verb, place).await?.into(),
        Command::Db(command) => database::run(command, place).await?.into(),
        Command::Slack(verb) => slack::run(verb).into(),
        Command::Completions(args) => reference::complete(&args, Cli::command()).into(),
        Command::Man(args) => reference::man(&args, Cli::command())?.into(),
    })
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", told(error));
    Exit::of(error).into()
}

/// The whole chain of reasons, without those that the one before quotes already.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for reason in error.chain().map(ToString::to_string).filter(|reason| !reason.is_empty()) {
        if told.is_empty() {
            told = reason;
        } else if !told.contains(&reason) {
            told = format!("{told}: {reason}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use expect_test::expect_file;

    use super::*;

    /// The width of a usual terminal.
    const WIDTH: usize = 100;

    fn chapter(command: &mut clap::Command, path: &str, manual: &mut String) {
        let help = command.clone().bin_name(path).term_width(WIDTH).render_long_help().to_string();
        let lines: Vec<_> = help.lines().map(str::trim_end).collect();
        manual.push_str(&format!("\n## {path}\n\n```text\n{}\n```\n", lines.join("\n").trim()));
        for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            let path = format!("{path} {}", below.get_name());
            chapter(below, &path, manual);
        }
    }

    #[test]
    fn every_command_is_in_the_manual() {
        let mut manual = "# Commands\n\nWhat `--help` says of every command. Made from the program: \
            `UPDATE_EXPECT=1 cargo nextest run -p downbeat every_command`.\n"
            .to_owned();
        let mut command = Cli::command();
        command.build();
        chapter(&mut command, "downbeat", &mut manual);
        expect_file!["../../../../docs/commands.md"].assert_eq(&manual);
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_reason_is_told_once() {
        let root = std::io::Error::other("no room");
        let error = Err::<(), _>(root).context("database: no room").context("failed to start").unwrap_err();
        assert_eq!(told(&error), "failed to start: database: no room");
    }
}
