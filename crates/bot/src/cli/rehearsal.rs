//! `downbeat queue simulate`: every strategy on the same changes, made up or recorded.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use domain::time::humanize;
use mergeq::queue::queue_id;
use mergeq::recent_stays;
use mergeq::sim::chart::chart;
use mergeq::sim::{
    Arrivals, Bounds, Contender, Gates, Mean, PRESETS, Past, Preset, Row, TooLittle, Workload, compare, compare_past,
    contenders,
};
use serde_json::json;
use store::{Standing, Store, StoreSettings, schema_steps};

use super::exit::{Exit, Refused};
use super::instance::print;
use crate::clock::SystemClock;
use crate::place::PlaceArgs;
use crate::up::Installation;

/// What to simulate.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// The workload: team, monorepo, agents, backlog, fleet, flaky, hot-file, poisoned-head, foreign, chaos, long-tail or idle
    #[arg(default_value = "team", value_parser = preset)]
    workload: Preset,
    /// Play this strategy alone; may be given again (serial, no-queue, batch, tide, lazy-train, gitlab, train,
    /// aimd-train, submitqueue, optimistic, mergify, hybrid, nest, adaptive)
    #[arg(long, value_name = "NAME")]
    strategy: Vec<String>,
    /// How many seeds; each is played with every strategy
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// How many tests run at once, instead of the workload's number, or with --from-history the config's
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
    /// Play what the queue of this instance has been through, instead of a workload
    #[arg(long, conflicts_with_all = ["workload", "changes", "arrivals", "bad", "conflict"])]
    from_history: bool,
    /// The repository whose queue is meant, where there are several
    #[arg(long, value_name = "NAME", requires = "from_history")]
    repo: Option<String>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
    /// Draw a picture too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// What is played, and how it is called.
struct Piece {
    name: String,
    what: String,
    workload: Workload,
    slots: usize,
    /// What was recorded; none for a workload that is made up.
    past: Option<Past>,
}

/// Plays it and prints a line for each strategy.
pub async fn run(args: &SimulateArgs, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let piece = if args.from_history { recorded(args, place).await? } else { args.made_up() };
    let Piece { workload, slots, past, .. } = &piece;
    let chosen = chosen(contenders(workload), &args.strategy)?;
    let play = |contender: &Contender| match past {
        Some(past) => compare_past(past, contender, *slots, args.seeds),
        None => compare(workload, contender, *slots, args.seeds),
    };
    let rows: Vec<Row> = chosen.iter().map(play).collect();
    let bounds = Bounds::of(workload, *slots);
    if let Some(path) = &args.svg {
        let title = format!("{}: {}", piece.name, piece.what);
        std::fs::write(path, chart(&title, &rows, &bounds))
            .with_context(|| format!("the picture cannot be written to {}", path.display()))?;
    }
    print(&if args.json { as_json(args, &piece, &rows, &bounds) } else { table(args, &piece, &rows, &bounds) });
    Ok(if gates_of(&rows).are_kept() { Exit::Done } else { Exit::Failed })
}

/// The form of the JSON. Programs may rely on its names as long as this is the same.
const JSON_VERSION: u32 = 1;

fn as_json(args: &SimulateArgs, piece: &Piece, rows: &[Row], bounds: &Bounds) -> String {
    let history = piece.past.as_ref().map(|past| {
        json!({
            "changes": past.workload.changes, "run_ms": past.run_ms.round(),
            "waited_p50": share(&past.waits, 0.5), "waited_p95": share(&past.waits, 0.95),
        })
    });
    let all = json!({
        "version": JSON_VERSION, "gates": gates_of(rows), "workload": piece.name, "slots": piece.slots, "seeds": args.seeds,
        "history": history, "strategies": rows,
        "bounds": {
            "landed_per_time": bounds.landed_per_time,
            "tests_per_landed": bounds.tests_per_landed,
            "train": bounds.train,
        },
    });
    format!("{all:#}\n")
}

/// The most stays that are played again. 5,000: months of most teams, and a second or two of playing.
const STAYS_MAX: u32 = 5_000;

/// What the queue of this instance has been through.
async fn recorded(args: &SimulateArgs, place: &PlaceArgs) -> anyhow::Result<Piece> {
    let installation = Installation::find(place, None).await?;
    let config = installation.config();
    let refused = |why: String| anyhow::Error::new(Refused { exit: Exit::Usage, why });
    let known = || config.repos.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let chosen = match &args.repo {
        Some(name) => config.repos.iter().find(|(repo, _)| repo.as_str() == name),
        None => config.repos.iter().next().filter(|_| config.repos.len() == 1),
    };
    let Some((repo, of)) = chosen else {
        return Err(refused(match &args.repo {
            Some(name) => format!("there is no repository `{name}`; the config knows {}", known()),
            None => format!("say which repository's queue with --repo; the config knows {}", known()),
        }));
    };
    let settings = StoreSettings::new(config.database());
    let is_there = schema_steps(&settings).await?.iter().all(|step| step.standing == Standing::Applied);
    let stays = if is_there {
        let store = Store::open(&settings, Arc::new(SystemClock)).await?;
        let stays = recent_stays(&store, &queue_id(repo, &of.target), STAYS_MAX).await;
        store.close().await;
        stays?
    } else {
        Vec::new()
    };
    let mut past = Past::of(&stays).map_err(|TooLittle { known, needed }| {
        let why = format!(
            "the queue of {repo} remembers {known} changes with a verdict, and {needed} are needed; play a workload \
             instead, as in `downbeat queue simulate team`"
        );
        anyhow::Error::new(Refused { exit: Exit::Failed, why })
    })?;
    past.workload.flaky = args.flaky.unwrap_or(past.workload.flaky);
    Ok(Piece {
        name: repo.to_string(),
        what: "what its queue has been through".to_owned(),
        workload: past.workload,
        slots: args.slots.map_or(config.limits.checks, usize::from),
        past: Some(past),
    })
}

impl SimulateArgs {
    fn made_up(&self) -> Piece {
        let preset = self.workload;
        let mut workload = preset.workload;
        if let Some(rate) = self.arrivals {
            workload.arrivals = if rate > 0. { Arrivals::Poisson(rate) } else { Arrivals::Backlog };
        }
        workload.changes = self.changes.map_or(workload.changes, usize::from);
        workload.bad = self.bad.unwrap_or(workload.bad);
        workload.flaky = self.flaky.unwrap_or(workload.flaky);
        workload.conflict = self.conflict.unwrap_or(workload.conflict);
        let slots = self.slots.map_or(preset.slots, usize::from);
        Piece { name: preset.name.to_owned(), what: preset.what.to_owned(), workload, slots, past: None }
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

fn table(args: &SimulateArgs, piece: &Piece, rows: &[Row], bounds: &Bounds) -> String {
    let said = said(&piece.workload, piece.slots, args.seeds);
    let mut text = format!(
        "{}: {}\n{said}\n{}\n",
        piece.name,
        piece.what,
        piece.past.as_ref().map_or_else(String::new, past_said)
    );
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
    let Gates { broken, untested, lost, twice } = gates_of(rows);
    let _ = writeln!(
        text,
        "Looked at again, landing by landing: broken target {broken}, landed untested {untested}, lost {lost}, two outcomes {twice}."
    );
    text
}

/// What must not have been done, by anybody.
fn gates_of(rows: &[Row]) -> Gates {
    Gates::sum(rows.iter().map(|row| row.gates))
}

/// How long a run took, and how long people really waited.
fn past_said(past: &Past) -> String {
    let time = |runs: f64| humanize(Duration::from_secs_f64(runs * past.run_ms / 1_000.));
    format!(
        "a run took {}; those who landed really waited {} at the median, one in twenty longer than {}\n",
        time(1.),
        time(share(&past.waits, 0.5)),
        time(share(&past.waits, 0.95)),
    )
}

/// The value that this share of ascending values does not exceed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "it is an index"
)]
fn share(values: &[f64], share: f64) -> f64 {
    let index = (values.len() as f64 * share) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn said(workload: &Workload, slots: usize, seeds: u64) -> String {
    let arrivals = match workload.arrivals {
        Arrivals::Backlog => "all at once".to_owned(),
        Arrivals::Poisson(rate) => format!("{:.2} in T", rate).replace(".00", ""),
        Arrivals::Bursts { size, rate, .. } => format!("{size} together every {:.0} T", 1. / rate),
    };
    let percent = |share: f64| format!("{:.4}", share * 100.).trim_end_matches('0').trim_end_matches('.').to_owned();
    let texts =
        [(workload.textual, "% of pairs write the same lines"), (workload.hot, "% of changes are of the hot file")];
    let texts =
        texts.into_iter().filter(|(share, _)| *share > 0.).map(|(share, what)| format!(", {} {what}", percent(share)));
    format!(
        "{} changes, {arrivals}; {} % bad, {} % of runs flaky, {} % of pairs in conflict{}; {slots} slots, {seeds} seeds",
        workload.changes,
        percent(workload.bad),
        percent(workload.flaky),
        percent(workload.conflict),
        texts.collect::<String>(),
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
