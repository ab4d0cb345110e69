//! A run that is talked with: bytes in, whole lines out, and its end.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::output::ProgressSink;
use super::run::Ended;

/// A run that is under way. Dropping its `ending` ends it, as dropping [`Cage::run`](super::Cage::run) does.
pub struct Opened {
    /// Standard input, after the order's own. Dropping it closes it; sending fails once the command reads no more.
    pub input: mpsc::Sender<Bytes>,
    /// Standard output, line by line and nothing lost: a command whose lines nobody takes is held up. Dropping it
    /// lets the command write on, for nobody.
    pub lines: mpsc::Receiver<Line>,
    /// Standard error, line by line and cut like a [`ProgressSink`]'s. A view: what nobody takes is dropped, and the
    /// end of it stands in [`Ended::output_tail`].
    pub errors: mpsc::Receiver<String>,
    /// Its end.
    pub ending: Ending,
}

/// One line of standard output, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// As it was written, with what is not UTF-8 replaced.
    Text(String),
    /// It was longer than [`WHOLE_LINE_BYTES_MAX`] and is not kept.
    TooLong {
        /// How long it was.
        bytes: u64,
    },
}

/// Bytes of a line beyond which it is not kept. Agents send a whole diff as one line of JSON; the longest diff that
/// anybody reads is well below a megabyte.
pub const WHOLE_LINE_BYTES_MAX: usize = 8 << 20;

/// Lines that wait for their reader. One, because each may be of 8 MiB.
pub(super) const WAITING_LINES_MAX: usize = 1;

/// Lines of standard error that wait for their reader; each is of at most 4 KiB.
pub(super) const WAITING_ERRORS_MAX: usize = 64;

/// Pieces of input that wait for the command to read them.
pub(super) const INPUT_CHUNKS_MAX: usize = 16;

/// How an opened run ends, and that it does when this is dropped.
pub struct Ending {
    run: JoinSet<Ended>,
    ended: Option<Ended>,
}

impl Ending {
    pub(super) fn of(run: impl Future<Output = Ended> + Send + 'static) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(run);
        Self { run: tasks, ended: None }
    }

    /// Waits until everything that the run started is gone. Losing the future loses nothing, and asking again gives
    /// the same answer. While lines wait in [`Opened::lines`], that end does not come: read them, or drop them.
    pub async fn wait(&mut self) -> Ended {
        if let Some(ended) = &self.ended {
            return ended.clone();
        }
        match self.run.join_next().await {
            Some(Ok(ended)) => self.ended.insert(ended).clone(),
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only dropping this aborts the task, and then nobody waits here.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }
}

impl ProgressSink for mpsc::Sender<String> {
    fn line(&self, text: &str) {
        // A full channel means that nobody reads along.
        let _ = self.try_send(text.to_owned());
    }
}

/// Splits a stream into whole lines and hands them to a reader who may be slow.
pub(super) struct WholeLines {
    line: Vec<u8>,
    /// The length of a line that is already too long to be kept.
    dropping: Option<u64>,
    whole: VecDeque<Line>,
    reader: Option<mpsc::Sender<Line>>,
}

impl WholeLines {
    pub(super) fn new(reader: mpsc::Sender<Line>) -> Self {
        Self { line: Vec::new(), dropping: None, whole: VecDeque::new(), reader: Some(reader) }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..at]);
            self.flush();
            rest = &rest[at + 1..];
        }
        self.extend(rest);
    }

    fn extend(&mut self, piece: &[u8]) {
        let length = self.dropping.unwrap_or(self.line.len() as u64) + piece.len() as u64;
        if self.dropping.is_some() || length > WHOLE_LINE_BYTES_MAX as u64 {
            self.line = Vec::new();
            self.dropping = Some(length);
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    fn flush(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        let line = match self.dropping.take() {
            Some(bytes) => Line::TooLong { bytes },
            None => Line::Text(text_of(bytes)),
        };
        if self.reader.is_some() {
            self.whole.push_back(line);
        }
    }

    /// The end of the stream: what has no line end is a line too.
    pub(super) fn end_line(&mut self) {
        if !self.line.is_empty() || self.dropping.is_some() {
            self.flush();
        }
    }

    pub(super) fn owes(&self) -> bool {
        !self.whole.is_empty()
    }

    /// Waits until the reader took all but what fits into the channel, or is gone. Losing the future loses nothing.
    pub(super) async fn hand_over(&mut self) {
        let Some(reader) = &self.reader else { return };
        while !self.whole.is_empty() {
            let Ok(room) = reader.reserve().await else {
                self.whole.clear();
                self.reader = None;
                return;
            };
            if let Some(line) = self.whole.pop_front() {
                room.send(line);
            }
        }
    }
}

fn text_of(bytes: Vec<u8>) -> String {
    let mut text =
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    if text.ends_with('\r') {
        text.pop();
    }
    text
}
