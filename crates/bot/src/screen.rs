//! The terminal: the transcript above, one live line for what runs below. Piped, there is only the transcript.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, interval_at};

use crate::chat::console::ConsoleEvent;
use crate::terminal::row::Row;
use crate::terminal::transcript::Transcript;

/// How long an edit of a card is held back, in case a better one follows.
const SETTLE_AFTER: Duration = Duration::from_millis(250);

/// Where the transcript is shown.
pub struct Screen {
    transcript: Transcript,
    live: ProgressBar,
    has_colors: bool,
    quiet: Interval,
}

/// What was shown last.
pub struct Look {
    /// The lines, without color.
    pub lines: Vec<String>,
    /// What happened; absent when it was only quiet for a moment.
    pub event: Option<ConsoleEvent>,
}

impl Screen {
    /// The process's standard output.
    #[expect(clippy::disallowed_methods, reason = "a display moves with real time; nothing is decided by it")]
    pub fn open() -> Self {
        let on_terminal = std::io::stdout().is_terminal();
        let live = if on_terminal { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{spinner} {msg}");
        live.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let has_colors = on_terminal && std::env::var_os("NO_COLOR").is_none();
        let quiet = interval_at(Instant::now() + SETTLE_AFTER, SETTLE_AFTER);
        Self { transcript: Transcript::default(), live, has_colors, quiet }
    }

    /// Shows the next thing that happens, or what was held back when nothing does.
    pub async fn look(&mut self, shown: &mut Receiver<ConsoleEvent>) -> Result<Look, RecvError> {
        tokio::select! {
            event = shown.recv() => {
                let event = event?;
                let rows = self.transcript.take_in(&event);
                Ok(Look { lines: self.show(&rows), event: Some(event) })
            }
            _ = self.quiet.tick() => Ok(Look { lines: self.settle(), event: None }),
        }
    }

    /// Shows what was held back.
    pub fn settle(&mut self) -> Vec<String> {
        let rows = self.transcript.settle();
        let lines = self.show(&rows);
        if let Some(line) = lines.last() {
            self.live.set_message(line.trim().trim_start_matches("· ").to_owned());
        }
        self.live.tick();
        lines
    }

    /// Shows rows; gives their text back.
    fn show(&self, rows: &[Row]) -> Vec<String> {
        for row in rows {
            self.say(&if self.has_colors { row.painted() } else { row.plain() });
        }
        rows.iter().map(Row::plain).collect()
    }

    /// Prints a line above the live one.
    pub fn say(&self, line: &str) {
        if self.live.is_hidden() || self.live.is_finished() {
            // Whoever reads the pipe may have gone; the work goes on all the same.
            let _ = writeln!(std::io::stdout(), "{line}");
        } else {
            self.live.println(line);
        }
    }

    /// Takes the live line away.
    pub fn close(&self) {
        self.live.finish_and_clear();
    }
}
