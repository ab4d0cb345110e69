//! The cage: how much later a command starts in it, and how soon everything in it is gone after a stop.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use agents::cage::{Cage, CageSettings, Confinement, Order, SilentSink};
use tokio_util::sync::CancellationToken;

use crate::figure::Figure;
use crate::service::PROGRAM;

const STARTS: usize = 100;
const STOPS: usize = 10;

/// Ignores what can be ignored, in a session of its own, with a parent that ended.
const STUBBORN: &str =
    "setsid sh -c 'trap \"\" TERM HUP; (sleep 600 &); sleep 600' & trap '' TERM; echo ready; sleep 600; sleep 600";

const LEVELS: [(&str, Confinement); 2] = [("standard", Confinement::Standard), ("strong", Confinement::Strong)];

pub fn cage(figures: &mut Vec<Figure>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bare = Figure::of_waits("bare process: started → ended", (0..STARTS).map(|_| bare()));
    let bare_ms = bare.median();
    figures.push(bare);
    for (name, confinement) in LEVELS {
        let home = tempfile::tempdir_in("/var/tmp").expect("a temporary directory");
        let settings = CageSettings { launcher: PROGRAM.into(), confinement, ..CageSettings::default() };
        let bench = Bench { cage: Cage::new(settings), home };
        if let (Confinement::Strong, Err(why)) = (confinement, runtime.block_on(bench.cage.strong_works())) {
            eprintln!("strong cannot be measured: {why}");
            continue;
        }
        let waits: Vec<f64> =
            (0..STARTS).map(|_| runtime.block_on(bench.start()).as_secs_f64() * 1_000.0 - bare_ms).collect();
        figures.push(Figure::of_runs(&format!("caged process above the bare one, {name}"), "ms", waits).at_most(30.0));
        let stops: Vec<Duration> = (0..STOPS).map(|_| runtime.block_on(bench.stop())).collect();
        figures.push(Figure::of_waits(&format!("stop → no descendant left, {name}"), stops).p99_at_most(3_000.0));
    }
}

fn bare() -> Duration {
    let began = Instant::now();
    let status = Command::new("/bin/true").stdin(Stdio::null()).status().expect("it starts");
    assert!(status.success());
    began.elapsed()
}

struct Bench {
    cage: Cage,
    home: tempfile::TempDir,
}

impl Bench {
    fn order(&self, command: &[&str]) -> Order {
        let [tree, private] = ["tree", "private"].map(|name| self.home.path().join(name));
        [&tree, &private].into_iter().try_for_each(std::fs::create_dir_all).expect("directories");
        self.cage.order(command.iter().map(|word| (*word).to_owned()).collect(), tree, private)
    }

    async fn start(&self) -> Duration {
        let order = self.order(&["/bin/true"]);
        let began = Instant::now();
        let ended = self.cage.run(order, &CancellationToken::new(), &SilentSink).await;
        let took = began.elapsed();
        assert!(ended.level.is_some(), "{ended:?}");
        took
    }

    async fn stop(&self) -> Duration {
        let stop = CancellationToken::new();
        let mut run = self.cage.open(self.order(&["/bin/sh", "-c", STUBBORN]), &stop);
        run.lines.recv().await.expect("it says that it is ready");
        let began = Instant::now();
        stop.cancel();
        run.ending.wait().await;
        began.elapsed()
    }
}
