//! `downbeat queue simulate`: every strategy on the same changes, without a repository.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mergeq::sim::chart::chart;
use mergeq::sim::{Arrivals, Bounds, Contender, Mean, PRESETS, Preset, Row, Workload, compare, contenders};
use serde_json::json;

use super::exit::{Exit, Refused};
use super::instance::print;

/// What to simulate.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// The workload: team, monorepo, agents, backlog, fleet, flaky, poisoned-head, foreign, long-tail or idle
    #[arg(default_value = "team", value_parser = preset)]
    workload: Preset,
    /// Play this strategy alone; may be given again (serial, batch, lazy-train, train, aimd-train, optimistic, hybrid, nest)
    #[arg(long, value_name = "NAME")]
    strategy: Vec<String>,
    /// How many seeds; each is played with every strategy
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// How many tests run at once, instead of the workload's number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    slots: Option<u16>,
    /// How many changes come, instead of the workload's number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20_000))]
    changes: Option<u16>,
    /// How many changes come in the time of one run, instead of the workload's arrivals; 0 for all at once
    #[arg(long, value_name = "RATE", value_parser = rate)]
    arrivals: Option<f64>,
    /// Which percentage of changes is bad by itself
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    bad: Option<f64>,
    /// Which percentage of runs of good content is red
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    flaky: Option<f64>,
    /// Which percentage of pairs does not go together
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    conflict: Option<f64>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
    /// Draw a picture too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Plays it and prints a line for each strategy.
pub fn run(args: &SimulateArgs) -> anyhow::Result<Exit> {
    let (workload, slots) = args.workload();
    let chosen = chosen(contenders(&workload), &args.strategy)?;
    let rows: Vec<Row> = chosen.iter().map(|contender| compare(&workload, contender, slots, args.seeds)).collect();
    let bounds = Bounds::of(&workload, slots);
    if let Some(path) = &args.svg {
        let title = format!("{}: {}", args.workload.name, args.workload.what);
        std::fs::write(path, chart(&title, &rows, &bounds))
            .with_context(|| format!("the picture cannot be written to {}", path.display()))?;
    }
    if args.json {
        let all = json!({
            "workload": args.workload.name, "slots": slots, "seeds": args.seeds, "strategies": rows,
            "bounds": {
                "landed_per_time": bounds.landed_per_time,
                "tests_per_landed": bounds.tests_per_landed,
                "train": bounds.train,
            },
        });
        print(&format!("{all:#}\n"));
    } else {
        print(&table(args, (&workload, slots), &rows, &bounds));
    }
    Ok(Exit::Done)
}

impl SimulateArgs {
    fn workload(&self) -> (Workload, usize) {
        let preset = self.workload;
        let mut workload = preset.workload;
        if let Some(rate) = self.arrivals {
            workload.arrivals = if rate > 0. { Arrivals::Poisson(rate) } else { Arrivals::Backlog };
        }
        workload.changes = self.changes.map_or(workload.changes, usize::from);
        workload.bad = self.bad.unwrap_or(workload.bad);
        workload.flaky = self.flaky.unwrap_or(workload.flaky);
        workload.conflict = self.conflict.unwrap_or(workload.conflict);
        (workload, self.slots.map_or(preset.slots, usize::from))
    }
}

fn chosen(all: Vec<Contender>, names: &[String]) -> anyhow::Result<Vec<Contender>> {
    if names.is_empty() {
        return Ok(all);
    }
    let of_name = |name: &String| {
        all.iter().copied().find(|contender| contender.name == name).ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|contender| contender.name).collect();
            let why = format!("there is no strategy `{name}`; choose among {}", known.join(", "));
            anyhow::Error::new(Refused { exit: Exit::Usage, why })
        })
    };
    names.iter().map(of_name).collect()
}

fn table(args: &SimulateArgs, (workload, slots): (&Workload, usize), rows: &[Row], bounds: &Bounds) -> String {
    let mut text = format!("{}: {}\n{}\n\n", args.workload.name, args.workload.what, said(workload, slots, args.seeds));
    text.push_str(
        "strategy      landed/T          of bound   wait p50    p95   runs/landed   slot time/landed   good ejected\n",
    );
    for row in rows {
        let Mean { mean, low, high } = row.landed_per_time;
        let _ = writeln!(
            text,
            "{:<12} {mean:>6.2} {:<15} {:>4.0} % {:>10.2} {:>6.2} {:>13.2} {:>18.2} {:>12.3} %",
            row.strategy,
            format!("({low:.2} to {high:.2})"),
            row.share_of_bound * 100.,
            row.wait_p50.mean,
            row.wait_p95.mean,
            row.tests_per_landed.mean,
            row.slot_time_per_landed.mean,
            row.wronged_share.mean * 100.,
        );
    }
    let _ = writeln!(
        text,
        "\nT is the time of one run; in brackets: 95 % of the mean. Nothing can land more than {:.2} in T or take fewer than\n\
         {:.2} runs for each that lands; no train can land more than {:.2} in T, however many machines it has.",
        bounds.landed_per_time, bounds.tests_per_landed, bounds.train
    );
    text
}

fn said(workload: &Workload, slots: usize, seeds: u64) -> String {
    let arrivals = match workload.arrivals {
        Arrivals::Backlog => "all at once".to_owned(),
        Arrivals::Poisson(rate) => format!("{rate} in T"),
        Arrivals::Bursts { size, rate } => format!("{size} at once every {:.0} T", 1. / rate),
    };
    let percent = |share: f64| format!("{:.4}", share * 100.).trim_end_matches('0').trim_end_matches('.').to_owned();
    format!(
        "{} changes, {arrivals}; {} % bad, {} % of runs flaky, {} % of pairs in conflict; {slots} slots, {seeds} seeds",
        workload.changes,
        percent(workload.bad),
        percent(workload.flaky),
        percent(workload.conflict),
    )
}

fn preset(name: &str) -> Result<Preset, String> {
    let known = || PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    Preset::named(name).ok_or_else(|| format!("choose among {}", known()))
}

fn rate(text: &str) -> Result<f64, String> {
    let is_usable = |rate: &f64| rate.is_finite() && (0. ..=1_000.).contains(rate);
    text.parse().ok().filter(is_usable).ok_or_else(|| "write a number from 0 to 1000".to_owned())
}

fn percentage(text: &str) -> Result<f64, String> {
    let percent: f64 = text.trim_end_matches('%').parse().map_err(|_| "write a number, as in 5 or 0.05".to_owned())?;
    if (0. ..100.).contains(&percent) {
        Ok(percent / 100.)
    } else {
        Err("write a number from 0 to below 100".to_owned())
    }
}
