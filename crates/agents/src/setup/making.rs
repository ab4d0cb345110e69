//! One run of a setup: in the cage, at a gate of its own, until what it made is measured and noted.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use domain::time::humanize;
use forge::Repository;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Environment, Kept, SAID, SHORT, SetupError, Setups, Wanted, is_directory, surroundings};
use crate::cage::{Ended, How, Limits, Order, Progress, ProgressSink};
use crate::egress::{AllowList, Guest, SESSIONS_LIST};
use crate::workspace::{WorkspaceError, measure_dir, remove_dir};

/// Characters of a failed setup's output that go into the reason; the log has all of it.
const REASON_CHARS_MAX: usize = 1_000;
/// Lines of a setup's gate that wait to be told: more than one writes.
const LINES_WAITING_MAX: usize = 1_000;
/// The config's list of hosts that is for setups.
const SETUPS_LIST: &str = "setup.allow";
/// Files that a setup may make: the largest `node_modules` have half a million.
const ENTRIES_MAX: u64 = 2_000_000;

/// Starts the repository's own file, which decides by its mode whether it is a program.
const START: [&str; 3] = [
    "/bin/sh",
    "-c",
    "cd tree || exit; if [ -x .downbeat/setup ]; then exec ./.downbeat/setup; else exec /bin/sh .downbeat/setup; fi",
];

impl Setups {
    pub(super) async fn make(
        &self,
        wanted: &Wanted,
        repository: &Repository,
        progress: Progress<'_>,
        stop: &CancellationToken,
    ) -> Result<Environment, SetupError> {
        self.remove(&wanted.key).await?;
        let room = self.root.join(&wanted.key);
        let (tree, made, private) = (room.join("tree"), room.join("made"), self.private_of(&wanted.key));
        for dir in [&made, &private] {
            fs::create_dir_all(dir).map_err(|error| surroundings(dir, &error))?;
        }
        repository.mirror.checkout_tree(&wanted.commit, &tree).await?;
        let mut order = self.cage.order(START.map(str::to_owned).to_vec(), &room, &private);
        order.limits = Limits { time: self.settings.time, ..order.limits };
        order.env.insert("DOWNBEAT_SETUP_DIR".to_owned(), made.display().to_string());
        let ended = self.run_at_its_gate(order, (wanted, repository), &Printed(progress), stop).await?;
        remove_dir(private).await?;
        remove_dir(tree).await?;
        match &ended.how {
            How::Exited(0) => {}
            How::Stopped => return Err(SetupError::Stopped),
            how @ (How::CouldNotStart(_)
            | How::Exited(_)
            | How::Signalled(_)
            | How::TimedOut
            | How::OutputLimit
            | How::MemoryLimit
            | How::ProcessLimit
            | How::DiskLimit) => {
                progress.line(&format!("setup: failed, {how} after {}", humanize(ended.duration)));
                return Err(SetupError::Failed(format!("{how}{}", last_words(&ended.output_tail))));
            }
        }
        let bytes = self.measure(&made).await?;
        let environment = self.read(&made).inspect_err(|error| progress.line(&format!("setup: failed, {error}")))?;
        let now = self.clock.now().as_ms();
        self.note(&wanted.key, &Kept { made_at_ms: now, used_at_ms: now, bytes }, &self.noting())?;
        let (took, size) = (humanize(ended.duration), in_megabytes(bytes));
        progress.line(&format!("setup: done in {took}, {size} kept as {}", &wanted.key[..SHORT]));
        self.remove_oldest().await?;
        Ok(environment)
    }

    /// Runs it with the listed hosts within reach; what it asks for of others is refused in the log.
    async fn run_at_its_gate(
        &self,
        mut order: Order,
        (wanted, repository): (&Wanted, &Repository),
        progress: Progress<'_>,
        stop: &CancellationToken,
    ) -> Result<Ended, SetupError> {
        let (told, mut lines) = mpsc::channel(LINES_WAITING_MAX);
        let (allow, list) = match wanted.has_landed {
            true => (self.settings.allow.clone(), SETUPS_LIST),
            false => (AllowList::default(), SESSIONS_LIST),
        };
        let guest = Guest {
            repo: repository.name.clone(),
            dir: order.private.clone(),
            allow,
            models: Vec::new(),
            people: None,
            list,
            noted: None,
            sink: Arc::new(Told(told)),
        };
        let failed = |error: io::Error| SetupError::Surroundings(format!("the way out cannot be opened: {error}"));
        let gate = self.egress.open(guest).await.map_err(failed)?;
        order.go_through(gate.door());
        let running = async {
            let ended = self.cage.run(order, stop, progress).await;
            gate.close().await;
            ended
        };
        let telling = async {
            while let Some(line) = lines.recv().await {
                progress.line(&line);
            }
        };
        Ok(tokio::join!(running, telling).0)
    }

    async fn measure(&self, made: &Path) -> Result<u64, SetupError> {
        // A link in its place would open up whatever it points at.
        if !is_directory(made) {
            return Err(SetupError::Failed("removed or replaced $DOWNBEAT_SETUP_DIR".to_owned()));
        }
        let (made, bytes_max) = (made.to_owned(), self.settings.bytes_max);
        let measured = tokio::task::spawn_blocking(move || measure_dir(&made, bytes_max, ENTRIES_MAX)).await;
        match measured {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(WorkspaceError::TooLarge(how))) => Err(SetupError::Failed(format!("made {how}"))),
            Ok(Err(error)) => Err(error.into()),
            Err(stopped) => Err(SetupError::Surroundings(stopped.to_string())),
        }
    }
}

/// What a setup prints, in the log of whoever waits for it.
struct Printed<'a>(Progress<'a>);

impl ProgressSink for Printed<'_> {
    fn line(&self, text: &str) {
        self.0.line(&format!("{SAID}{text}"));
    }
}

/// What its gate tells, on the way to whoever waits for it.
struct Told(mpsc::Sender<String>);

impl ProgressSink for Told {
    fn line(&self, text: &str) {
        // Whoever hears it takes a line at once; a gate writes no more than fit in here.
        let _ = self.0.try_send(text.to_owned());
    }
}

fn last_words(output: &str) -> String {
    let clean: Vec<char> = output.trim().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let said: String = clean[clean.len().saturating_sub(REASON_CHARS_MAX)..].iter().collect();
    if said.is_empty() { String::new() } else { format!("; its last words:\n{said}") }
}

fn in_megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => "less than 1 MiB".to_owned(),
        mb => format!("{mb} MiB"),
    }
}
