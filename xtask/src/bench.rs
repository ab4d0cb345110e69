//! `cargo xtask bench`: measures what `docs/benchmarks.md` shows, and prints its table.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::install::{postgres_bin, remedy};
use crate::postgres::{Durability, Postgres};
use crate::test::{POSTGRES_VARIABLE, cargo, enter_workspace};

/// What to measure, and where to put it.
#[derive(Args)]
pub struct Options {
    /// Measure only what has this in its name: apply, claims, candidate, landing, workspace, start, memory, answer, cage, egress,
    /// session, stream, slack, queue, steps
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The same, in short
    #[arg(value_name = "TEXT", conflicts_with = "only")]
    what: Option<String>,
    /// Write the figures to a file too, as a list in JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One line of the table, as the benchmarks write it.
#[derive(Debug, Deserialize, Serialize)]
struct Figure {
    what: String,
    unit: String,
    median: f64,
    p99: Option<f64>,
    spread: [f64; 2],
    n: usize,
    limit: Option<(String, f64)>,
    note: String,
}

/// As many histories as take some seconds.
const SEEDS: u64 = 4_000;
const STEPS: &str = "steps";
const STEPS_TEST: &str = "every_history_in_memory_keeps_the_laws";
/// The variable by which the benchmarks learn where to write.
const FIGURES_VARIABLE: &str = "DOWNBEAT_BENCH_FIGURES";

pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    enter_workspace()?;
    let only = options.only.as_deref().or(options.what.as_deref()).unwrap_or_default();
    let mut figures = measure(only)?;
    if STEPS.contains(only) {
        figures.push(simulate()?);
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&figures)?;
        std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    println!("\n{}\n", machine());
    println!("| what | median | p99 | lowest to highest | n | limit | |\n|---|--:|--:|--:|--:|--:|---|");
    figures.iter().for_each(|figure| println!("{}", row(figure)));
    let missed: Vec<_> = figures.iter().filter(|figure| is_missed(figure)).map(|figure| figure.what.as_str()).collect();
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nbeyond the limit: {}", missed.join("; "));
    Ok(ExitCode::FAILURE)
}

fn measure(only: &str) -> anyhow::Result<Vec<Figure>> {
    let list = std::env::temp_dir().join(format!("downbeat-bench-{}.jsonl", std::process::id()));
    let postgres = match postgres_bin() {
        Some(bin) => Some(Postgres::start(&bin, Durability::Full)?),
        None => {
            println!("PostgreSQL is left out. {}", remedy("postgresql"));
            None
        }
    };
    let mut command = cargo(&["bench", "--package", "tests", "--bench", "speed", "--", only]);
    if let Some(postgres) = &postgres {
        command.env(POSTGRES_VARIABLE, postgres.url());
    }
    run_through(command.env(FIGURES_VARIABLE, &list))?;
    let text = std::fs::read_to_string(&list).context("the benchmarks wrote no figures")?;
    let _ = std::fs::remove_file(&list);
    text.lines().map(|line| serde_json::from_str(line).context("a figure does not read")).collect()
}

/// The simulator in memory: steps of the machines with all laws judged, on all processors.
fn simulate() -> anyhow::Result<Figure> {
    let arguments =
        ["test", "--profile", "bench", "--package", "tests", "--test", "sim", "--", "--nocapture", STEPS_TEST];
    let output = cargo(&arguments).env("DOWNBEAT_SIM_SEEDS", SEEDS.to_string()).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = steps_per_second(&text).with_context(|| format!("the simulator did not say how far it came: {text}"))?;
    let note = format!("{SEEDS} histories in memory");
    let what = "simulated steps, every law judged".to_owned();
    Ok(Figure {
        what,
        unit: "per second".to_owned(),
        median: rate,
        p99: None,
        spread: [rate, rate],
        n: 1,
        limit: None,
        note,
    })
}

/// Reads `4000 histories, 1234567 events in 8.3s`.
fn steps_per_second(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.contains(" histories, "))?;
    let (before, took) = line.split_once(" events in ")?;
    let events: f64 = before.rsplit(' ').next()?.parse().ok()?;
    let seconds = match took.trim().strip_suffix("ms") {
        Some(ms) => ms.parse::<f64>().ok()? / 1_000.0,
        None => took.trim().strip_suffix('s')?.parse().ok()?,
    };
    Some(events / seconds)
}

fn run_through(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().context("failed to start cargo")?;
    anyhow::ensure!(status.success(), "the benchmarks ended with {status}");
    Ok(())
}

/// Cores and memory, which is all that a figure needs to be compared.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default();
    format!("{cores} cores, {} GiB of memory", (kib + (1 << 19)) >> 20)
}

fn is_missed(figure: &Figure) -> bool {
    figure.limit.as_ref().is_some_and(|(which, limit)| match which.as_str() {
        "least" => figure.median < *limit,
        "p99" => figure.p99.unwrap_or(f64::MAX) > *limit,
        _ => figure.median > *limit,
    })
}

fn row(figure: &Figure) -> String {
    let Figure { what, unit, median, p99, spread: [lowest, highest], n, limit, note } = figure;
    let p99 = p99.map_or(String::new(), number);
    let limit = limit.as_ref().map_or(String::new(), |(which, limit)| match which.as_str() {
        "least" => format!("≥ {limit} {unit}"),
        _ => format!("{which} ≤ {limit} {unit}"),
    });
    let median = format!("{} {unit}", number(*median));
    format!("| {what} | {median} | {p99} | {} to {} | {n} | {limit} | {note} |", number(*lowest), number(*highest))
}

/// Three digits that mean something.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_the_simulator_is_read_from_its_last_words() {
        assert_eq!(steps_per_second("running\n2000 histories, 900000 events in 4.5s\nx"), Some(200_000.0));
        assert_eq!(steps_per_second("20 histories, 900 events in 450.0ms"), Some(2_000.0));
        assert_eq!(steps_per_second("test result: ok"), None);
    }
}
