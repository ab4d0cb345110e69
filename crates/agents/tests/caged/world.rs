//! A small world around a cage: a tree, a private directory, and a place outside that nobody inside may touch.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use agents::cage::{Cage, CageSettings, Confinement, Ended, Namespaces, Order, ProgressSink, SilentSink};
use agents::egress::{Egress, EgressSettings, Ports};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What lies outside and must not be read.
pub const SECRET: &str = "the-secret-outside";

/// The ways in which the cage is tried; the first is what everything else is compared with.
pub const OFF: (Confinement, Namespaces) = (Confinement::Off, Namespaces::Auto);
pub const STANDARD: (Confinement, Namespaces) = (Confinement::Standard, Namespaces::Auto);
pub const WITHOUT_NAMESPACES: (Confinement, Namespaces) = (Confinement::Standard, Namespaces::Off);

pub const STRONG: (Confinement, Namespaces) = (Confinement::Strong, Namespaces::Auto);

/// Every way.
pub const LEVELS: [(Confinement, Namespaces); 4] = [OFF, STANDARD, WITHOUT_NAMESPACES, STRONG];

/// Every way that holds anything.
pub const HELD: [(Confinement, Namespaces); 3] = [STANDARD, WITHOUT_NAMESPACES, STRONG];

pub struct World {
    dir: TempDir,
    pub cage: Cage,
}

impl World {
    pub fn new((confinement, namespaces): (Confinement, Namespaces)) -> Self {
        // Not below /tmp, which is another one inside.
        let dir = TempDir::new_in("/var/tmp").unwrap();
        for name in ["tree", "private", "outside"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("outside/secret"), SECRET).unwrap();
        let cage = Cage::new(CageSettings { confinement, namespaces, ..CageSettings::default() });
        Self { dir, cage }
    }

    pub fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    pub fn private(&self) -> PathBuf {
        self.dir.path().join("private")
    }

    pub fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    /// An order for `/bin/sh`; `OUTSIDE` in the script stands for the directory outside.
    pub fn script(&self, script: &str) -> Order {
        let script = script.replace("OUTSIDE", self.outside().to_str().unwrap());
        self.order(&["/bin/sh", "-c", &script])
    }

    /// The same for bash, which can connect without another program.
    pub fn bash(&self, script: &str) -> Order {
        self.order(&["/bin/bash", "-c", script])
    }

    /// An order for this binary as the attacker.
    pub fn attack(&self, words: &[&str]) -> Order {
        let mut order = self.order(&[&["/proc/self/exe", crate::attacker::VERB], words].concat());
        order.read.push("/proc/self/exe".into());
        order
    }

    fn order(&self, words: &[&str]) -> Order {
        let command = words.iter().map(|word| (*word).to_owned()).collect();
        self.cage.order(command, self.tree(), self.private())
    }

    pub fn run(&self, order: Order) -> Ended {
        self.run_with(order, &CancellationToken::new(), &SilentSink)
    }

    pub fn run_with(&self, order: Order, stop: &CancellationToken, sink: &dyn ProgressSink) -> Ended {
        block_on(self.cage.run(order, stop, sink))
    }
}

/// Not what this machine happens to have.
pub fn standard_cage() -> Cage {
    Cage::new(CageSettings { confinement: Confinement::Standard, ..CageSettings::default() })
}

/// Gates that lead nowhere.
pub fn nothing_open() -> Egress {
    Egress::new(&EgressSettings::default(), Ports::OfEach).unwrap()
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A sink that stops the run when a line says so.
pub struct StopsAt {
    pub word: &'static str,
    pub stop: CancellationToken,
    pub heard: Mutex<Vec<String>>,
}

impl StopsAt {
    pub fn new(word: &'static str) -> Self {
        Self { word, stop: CancellationToken::new(), heard: Mutex::default() }
    }
}

impl ProgressSink for StopsAt {
    fn line(&self, text: &str) {
        self.heard.lock().unwrap().push(text.to_owned());
        if text == self.word {
            self.stop.cancel();
        }
    }
}

/// A number of seconds that no other process sleeps for, by which a process is found.
pub fn marker(name: u32) -> String {
    format!("98{name}.{}", std::process::id())
}

/// The processes of the machine that have `word` among their arguments.
pub fn processes_with(word: &str) -> Vec<i32> {
    let has_word = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes())
    };
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(has_word).collect()
}

/// Waits for other processes of the machine, which no token can wake us for.
pub fn holds_within(limit: Duration, holds: impl Fn() -> bool) -> bool {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if holds() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    holds()
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
