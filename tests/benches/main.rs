//! The benchmarks behind `docs/benchmarks.md`, which says what each figure means. `cargo xtask bench` runs them.

mod answers;
mod cages;
mod candidates;
mod egress;
mod figure;
mod landing;
mod machine;
mod queue;
mod remote;
mod service;
mod sessions;
mod slack;
mod stores;
mod workspaces;

use std::io::Write as _;

use figure::Figure;

/// What writes its figures to the list.
type Benchmark = fn(&mut Vec<Figure>);

/// Each with the words by which `--only` chooses it.
const BENCHMARKS: [(&str, Benchmark); 20] = [
    ("apply", stores::apply),
    ("claims", stores::claim),
    ("candidate", candidates::merge),
    ("candidate-pairs", candidates::probe),
    ("candidate-audit", candidates::audit),
    ("landing", landing::land),
    ("workspace", workspaces::ready),
    ("start", service::start),
    ("memory", service::remember),
    ("answer", answers::answer),
    ("egress", egress::carry),
    ("cage", cages::cage),
    ("session", sessions::begin),
    ("stream", sessions::stream),
    ("slack-hear", slack::hear),
    ("slack-card", slack::card),
    ("slack-progress", slack::progress),
    ("queue-strategies", queue::strategies),
    ("queue-decide", queue::decide),
    ("queue-machine", machine::step),
];

/// The variable that names a file for the figures, a line of JSON each.
const FIGURES_VARIABLE: &str = "DOWNBEAT_BENCH_FIGURES";

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word.as_str()));
    let mut lines = String::new();
    for (name, run) in BENCHMARKS.iter().filter(|(name, _)| chosen(name)) {
        eprintln!("--- {name}");
        let mut figures = Vec::new();
        run(&mut figures);
        for figure in figures {
            eprintln!("{figure}");
            lines.push_str(&serde_json::to_string(&figure).expect("numbers and words become JSON"));
            lines.push('\n');
        }
    }
    if let Some(path) = std::env::var_os(FIGURES_VARIABLE) {
        let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(lines.as_bytes()));
        written.expect("the file for the figures can be written");
    }
}
