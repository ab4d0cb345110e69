//! `cargo xtask sim`: the simulator, on as many seeds as one has patience for.

use std::process::ExitCode;

use clap::Args;

use crate::step::{Tally, counted};
use crate::test::cargo;

/// How many histories to play.
#[derive(Args)]
pub struct Options {
    /// How many seeds to play, one after the other
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The first seed; a failing run prints the one to give here
    #[arg(long, default_value_t = 0)]
    first: u64,
}

pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    tally.step(&format!("{} seeds from {}", options.seeds, options.first), || {
        counted(
            cargo(&["test", "--package", "tests", "--test", "sim", "--", "--nocapture"])
                .env("DOWNBEAT_SIM_SEEDS", options.seeds.to_string())
                .env("DOWNBEAT_SIM_FIRST", options.first.to_string()),
        )
    });
    tally.print_closing();
    Ok(if tally.counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
