//! `cargo xtask test`: everything that has to hold before a change may land.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;
use clap::Args;

use crate::deployment;
use crate::install::{self, has_cargo_command, has_component, postgres_bin};
use crate::peers::{self, Agents};
use crate::postgres::{Durability, Postgres};
use crate::step::{Tally, counted, verdict};
use crate::supply;

/// What to run, and how strictly.
#[derive(Args)]
pub struct Options {
    /// Run only the tests whose name or test binary contains this, without the other steps
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Count a skip as a failure, as with CI set in the environment
    #[arg(long)]
    ci: bool,
    /// The real coding agents to run against
    #[arg(long, value_enum, default_value_t = Agents::Two)]
    agents: Agents,
}

/// Where the tests look for a PostgreSQL; without it they run on SQLite alone.
pub const POSTGRES_VARIABLE: &str = "DOWNBEAT_TEST_POSTGRES";

/// Runs the steps that were asked for, all of them even when one fails.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    enter_workspace()?;
    install::install_missing();
    let mut tally = Tally::default();
    match &options.only {
        Some(text) => tests(&mut tally, Some(text), options.agents),
        None => {
            format(&mut tally);
            lints(&mut tally);
            supply::check(&mut tally);
            deployment::check(&mut tally);
            tests(&mut tally, None, options.agents);
            tally.step("doc tests", || counted(&mut cargo(&["test", "--workspace", "--doc", "--no-fail-fast"])));
        }
    }
    tally.print_closing();

    let strict = options.ci || std::env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"));
    let bad = tally.counts.failed + if strict { tally.counts.skipped } else { 0 };
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn format(tally: &mut Tally) {
    if has_component("rustfmt") {
        tally.step("format", || verdict(&mut cargo(&["fmt", "--all", "--check"])));
    } else {
        tally.skip("format", "To have it: rustup component add rustfmt");
    }
}

fn lints(tally: &mut Tally) {
    if has_component("clippy") {
        let arguments = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        tally.step("clippy", || verdict(&mut cargo(&arguments)));
    } else {
        tally.skip("clippy", "To have it: rustup component add clippy");
    }
}

fn tests(tally: &mut Tally, only: Option<&str>, agents: Agents) {
    peers::install(agents, tally);
    let postgres = start_postgres(tally);
    let mut command = if has_cargo_command("nextest") { with_nextest(only) } else { with_cargo_test(only) };
    command.env_remove(POSTGRES_VARIABLE).env_remove(peers::AGENTS_VARIABLE);
    if agents == Agents::All {
        command.env(peers::AGENTS_VARIABLE, "all");
    }
    if let Some(postgres) = &postgres {
        command.env(POSTGRES_VARIABLE, postgres.url());
    }
    tally.step("tests", || {
        let mut counts = counted(&mut command)?;
        if only.is_some() {
            // What the filter left out is not a skip.
            counts.skipped = 0;
        }
        Ok(counts)
    });
}

fn with_nextest(only: Option<&str>) -> Command {
    let mut command = cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    if let Some(text) = only {
        command.args(["--filterset", &format!("test(~{text}) + binary_id(~{text})")]);
    }
    command
}

/// Knows tests by their own names only, so that a filter does not find a whole test binary.
fn with_cargo_test(only: Option<&str>) -> Command {
    let mut command = cargo(&["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    command.args(only);
    command
}

fn start_postgres(tally: &mut Tally) -> Option<Postgres> {
    let Some(bin) = postgres_bin() else {
        tally.skip("PostgreSQL", &install::remedy("postgresql"));
        return None;
    };
    match Postgres::start(&bin, Durability::None) {
        Ok(postgres) => {
            println!("\n=== PostgreSQL of {} runs for the tests", bin.display());
            Some(postgres)
        }
        Err(error) => {
            tally.step("PostgreSQL", || Err(error));
            None
        }
    }
}

/// The cargo that runs this program, with these arguments.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

pub fn enter_workspace() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask is not inside the workspace")?;
    std::env::set_current_dir(root).with_context(|| format!("failed to enter {}", root.display()))
}
