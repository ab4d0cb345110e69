//! `cargo xtask`: the commands of the house. What CI runs is what anyone runs at home.

mod bench;
mod counts;
mod deployment;
mod install;
mod peers;
mod postgres;
mod sim;
mod step;
mod supply;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The commands of the house
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check and test everything, and end with one line of counts
    ///
    /// Installs what is missing (through apt-get as root, else it prints the line to run), starts a real PostgreSQL in a
    /// temporary directory, installs the real coding agents from npm into target/peers (or $DOWNBEAT_PEERS; again only when
    /// their lock file changed), and runs the format check, clippy with warnings denied, the checks of dependencies and of
    /// the deployment files, all tests and the doc tests. What could not run is a skip, by name; with --ci, or with CI
    /// set, a skip is a failure.
    Test(test::Options),
    /// Run the simulator on more seeds than every test run does
    Sim(sim::Options),
    /// Measure the product and print the table of docs/benchmarks.md
    ///
    /// Builds with the bench profile, starts a PostgreSQL of its own with fsync on, and takes some minutes. The machine
    /// should have nothing else to do. The exit code tells whether every limit was kept.
    Bench(bench::Options),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Bench(options) => bench::run(&options),
    }
}
