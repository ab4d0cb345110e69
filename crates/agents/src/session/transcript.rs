//! The raw lines of a task's sessions, kept as they came.
//!
//! ```text
//! transcripts/T-1.jsonl     < a line that the agent wrote   > one that it was told   ! one of its standard error
//! transcripts/T-1.jsonl.1   what was before, once the file is full
//! ```

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use domain::{TaskId, Timestamp};

/// Bytes of one file; with the one before it a task keeps twice that. An hour of Claude Code writes about ten megabytes.
pub const FILE_BYTES_MAX: u64 = 8 << 20;
/// Bytes of one line that are kept. Longer ones hold whole files, which the tree has too.
const LINE_BYTES_MAX: usize = 64 << 10;

/// The transcripts of an installation.
#[derive(Clone, Debug)]
pub struct Transcripts {
    dir: PathBuf,
    /// After the task has ended and nobody has written any more.
    kept_for: Duration,
}

impl Transcripts {
    /// Those below `dir`.
    pub fn new(dir: impl Into<PathBuf>, kept_for: Duration) -> Self {
        Self { dir: dir.into(), kept_for }
    }

    /// The file of a task.
    pub fn of(&self, task: TaskId) -> PathBuf {
        self.dir.join(format!("{task}.jsonl"))
    }

    /// Removes those of tasks that ended long ago, and says how many files there were.
    pub fn remove_old(&self, live: &BTreeSet<TaskId>, now: Timestamp) -> io::Result<usize> {
        let entries = match std::fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let mut n_removed = 0;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let task = name.to_str().and_then(|name| name.split('.').next()?.parse::<TaskId>().ok());
            let written_at = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            let written_at = Timestamp::from_ms(i64::try_from(written_at.as_millis()).unwrap_or(i64::MAX));
            if task.is_some_and(|task| !live.contains(&task)) && now.since(written_at) >= self.kept_for {
                std::fs::remove_file(entry.path())?;
                n_removed += 1;
            }
        }
        Ok(n_removed)
    }
}

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// The agent.
    Theirs,
    /// We.
    Ours,
    /// The agent, on its standard error.
    Aside,
}

/// A transcript that is written. Losing it loses a view: an error is told once in the service's log, and nothing else
/// comes of it.
#[derive(Debug)]
pub(super) struct Transcript {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl Transcript {
    /// Goes on with the file at `path`, which is made with its directory.
    pub(super) fn open(path: &Path) -> Self {
        let opened = Self::opened(path);
        let opened = opened.inspect_err(|error| tracing::warn!("{} cannot be written: {error}", path.display()));
        let (file, bytes) = opened.ok().unzip();
        Self { path: path.to_owned(), file, bytes: bytes.unwrap_or(0) }
    }

    fn opened(path: &Path) -> io::Result<(File, u64)> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    }

    /// Keeps one line.
    pub(super) fn keep(&mut self, voice: Voice, line: &str) {
        if let Err(error) = self.written(voice, line) {
            tracing::warn!("{} is not written any more: {error}", self.path.display());
            self.file = None;
        }
    }

    fn written(&mut self, voice: Voice, line: &str) -> io::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        if self.bytes >= FILE_BYTES_MAX {
            self.file = None;
            let mut before = self.path.clone().into_os_string();
            before.push(".1");
            std::fs::rename(&self.path, before)?;
            let (file, bytes) = Self::opened(&self.path)?;
            (self.file, self.bytes) = (Some(file), bytes);
        }
        let mark = match voice {
            Voice::Theirs => '<',
            Voice::Ours => '>',
            Voice::Aside => '!',
        };
        let (kept, cut) = line.split_at(line.floor_char_boundary(LINE_BYTES_MAX));
        let note = if cut.is_empty() { String::new() } else { format!(" […{} bytes cut…]", cut.len()) };
        let text = format!("{mark} {kept}{note}\n");
        self.bytes += text.len() as u64;
        match &mut self.file {
            Some(file) => file.write_all(text.as_bytes()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_goes_on_and_stays_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("transcripts/T-1.jsonl");
        Transcript::open(&path).keep(Voice::Theirs, "{\"a\":1}");
        let mut transcript = Transcript::open(&path);
        transcript.keep(Voice::Ours, "{\"b\":2}");
        transcript.keep(Voice::Aside, "oh");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "< {\"a\":1}\n> {\"b\":2}\n! oh\n");
        let long = "ü".repeat(LINE_BYTES_MAX);
        for _ in 0..300 {
            transcript.keep(Voice::Theirs, &long);
        }
        let size = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(size(&path) + size(&path.with_extension("jsonl.1")) < 2 * FILE_BYTES_MAX + 200_000);
        assert!(std::fs::read_to_string(&path).unwrap().contains("[…65536 bytes cut…]"));
    }

    #[test]
    fn transcripts_of_tasks_that_ended_long_ago_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let transcripts = Transcripts::new(dir.path(), Duration::from_secs(3_600));
        let (live, ended) = (TaskId::new(1), TaskId::new(2));
        for task in [live, ended] {
            Transcript::open(&transcripts.of(task)).keep(Voice::Ours, "{}");
        }
        let written_at = std::fs::metadata(transcripts.of(ended)).unwrap().modified().unwrap();
        let written_at_ms = written_at.duration_since(UNIX_EPOCH).unwrap().as_millis();
        let after = |minutes: i64| Timestamp::from_ms(i64::try_from(written_at_ms).unwrap() + minutes * 60_000);
        assert_eq!(transcripts.remove_old(&[live].into(), after(59)).unwrap(), 0);
        assert_eq!(transcripts.remove_old(&[live].into(), after(61)).unwrap(), 1);
        assert!(transcripts.of(live).exists() && !transcripts.of(ended).exists());
    }

    #[test]
    fn a_transcript_that_cannot_be_written_stops_nothing() {
        let mut transcript = Transcript::open(Path::new("/proc/nowhere/T-1.jsonl"));
        transcript.keep(Voice::Theirs, "x");
        assert!(transcript.file.is_none());
    }
}
