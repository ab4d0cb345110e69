//! The live region: what is going on, what can be answered, and the edit line, at the bottom of the terminal. Pure.

use std::time::Duration;

use domain::Timestamp;

use super::completion::Candidate;
use super::row::{Row, Tone, width};
use super::transcript::{MARGIN, offered, task_of, tone_of};
use super::view::{Offer, Reach, View};
use crate::control::wire::RunningTask;

/// The least width at which text is laid out beside a margin; below it every column counts.
const ROOMY: usize = 60;
/// The least width at which the edit line names who speaks and where.
const NARROW: usize = 20;
/// How many rows a list of candidates may take.
const LISTED_MAX: usize = 8;
/// One turn of the sign that something is at work.
const SPINNER: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠇"];

/// How long each of its pictures stands, in milliseconds: calm, but alive.
const SPIN_MS: usize = 250;

/// What stands at the bottom of the terminal now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// The rows, none wider than the terminal; the last one is the edit line.
    pub rows: Vec<Row>,
    /// The column of the cursor, in the last row.
    pub column: usize,
}

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Its columns.
    pub columns: usize,
    /// Its rows.
    pub rows: usize,
}

impl View {
    /// The live region for a terminal of this size.
    pub fn region(&self, size: Size, now: Timestamp) -> Region {
        // Half of the screen stays with the transcript, and the last column is left free: a full row would wrap.
        let rows_max = (size.rows / 2).max(1);
        let columns = size.columns.saturating_sub(1).max(1);
        let mut below = self.hints(columns, now);
        below.drain(..below.len().saturating_sub(rows_max - 1));
        let mut rows = self.running_rows(columns, rows_max - 1 - below.len(), now);
        rows.append(&mut below);
        let (edit, column) = self.edit_row(columns);
        rows.push(edit);
        Region { rows: rows.iter().map(|row| row.cut(columns)).collect(), column }
    }

    fn running_rows(&self, columns: usize, rows_max: usize, now: Timestamp) -> Vec<Row> {
        if rows_max == 0 {
            return Vec::new();
        }
        let n_shown = if self.running.len() > rows_max { rows_max - 1 } else { self.running.len() };
        let spinner = SPINNER[usize::try_from(now.as_ms()).unwrap_or(0) / SPIN_MS % SPINNER.len()];
        let shown = self.running[..n_shown].iter();
        let mut rows: Vec<_> = shown.map(|task| self.running_row(task, spinner, columns, now)).collect();
        if n_shown < self.running.len() {
            let more = format!("{}… and {} more at work", margin("", columns), self.running.len() - n_shown);
            rows.push(Row::of(Tone::Quiet, &more));
        }
        rows
    }

    /// `⠹  T-1 fix the login · working · cargo test …  1:12`; a long title leaves room for what is being done.
    fn running_row(&self, task: &RunningTask, spinner: &str, columns: usize, now: Timestamp) -> Row {
        let elapsed = format!("  {}", clock(now.since(task.since)));
        let place = if task.thread == self.thread { String::new() } else { format!(" · #{}", task.thread) };
        let doing = format!("{place} · {}", task.doing);
        let sign = Row::of(Tone::Quiet, &margin(spinner, columns)).and(Tone::Strong, &task.task.to_string());
        let room = columns.saturating_sub(sign.width() + width(&elapsed));
        let title = Row::of(Tone::Plain, &format!(" {}", task.title));
        let row = sign.join(title.cut(room.saturating_sub(width(&doing)).max(room / 3))).and(Tone::Quiet, &doing);
        row.cut(columns.saturating_sub(width(&elapsed))).and(Tone::Quiet, &elapsed)
    }

    /// What stands between the running tasks and the edit line, the least important last.
    fn hints(&self, columns: usize, now: Timestamp) -> Vec<Row> {
        let mut rows = Vec::new();
        rows.extend(self.reach_row(columns, now));
        if let Some(offer) = &self.offer {
            rows.extend(offer_rows(offer, columns));
            return rows;
        }
        if let Some(note) = &self.note {
            let indent = margin("", columns);
            rows.extend(Row::of(Tone::Quiet, &format!("{indent}{note}")).hanging(indent.len()).wrapped(columns));
            return rows;
        }
        rows.extend(self.unread_row(columns));
        rows.extend(self.asked_row(columns));
        rows
    }

    fn reach_row(&self, columns: usize, now: Timestamp) -> Option<Row> {
        let Reach::Lost { again_at } = &self.reach else { return None };
        let waiting = match self.unanswered.len() {
            0 => String::new(),
            1 => " · 1 message waits to be said".to_owned(),
            n => format!(" · {n} messages wait to be said"),
        };
        let lost = Row::of(Tone::Strong, &format!("{}not connected", margin("·", columns)));
        Some(lost.and(Tone::Quiet, &format!(" · {}{waiting}", again_in(*again_at, now))))
    }

    fn unread_row(&self, columns: usize) -> Option<Row> {
        let news: Vec<_> = self.unread.iter().map(|(thread, n)| format!("#{thread}: {n} new")).collect();
        (!news.is_empty()).then(|| Row::of(Tone::Quiet, &format!("{}{}", margin("", columns), news.join(" · "))))
    }

    fn asked_row(&self, columns: usize) -> Option<Row> {
        let asking = self.asking();
        let (newest, others) = asking.split_first()?;
        let buttons =
            offered(newest, Tone::Strong).into_iter().fold(Row::of(Tone::Plain, &margin("", columns)), Row::join);
        let about = task_of(newest).map(|task| format!("   {task}")).unwrap_or_default();
        let also: Vec<_> = others.iter().filter_map(|message| task_of(message)).map(|task| task.to_string()).collect();
        let more = match also.len() {
            0 => String::new(),
            1 => format!(" · {} asks too", also[0]),
            _ => format!(" · {} ask too", also.join(", ")),
        };
        Some(buttons.and(Tone::Quiet, &format!("{about}{more}")))
    }

    fn edit_row(&self, columns: usize) -> (Row, usize) {
        if let Some(search) = &self.search {
            let found = self.history.find(&search.words, search.nth).filter(|_| !search.words.is_empty());
            let prompt = format!("search {}", search.words);
            let shown = found.unwrap_or_default().replace('\n', "⏎");
            return (Row::of(Tone::Plain, &prompt).and(Tone::Quiet, &format!(" › {shown}")), width(&prompt));
        }
        let prompt = if columns < NARROW {
            Row::of(Tone::Quiet, "› ")
        } else {
            let name = Row::of(tone_of(&self.person), &self.person);
            name.and(Tone::Quiet, &format!(" #{} › ", self.thread)).cut(columns / 2)
        };
        let taken = prompt.width();
        let (text, column) = self.edit.window(columns.saturating_sub(taken) + 1);
        (prompt.and(Tone::Plain, &text), taken + column)
    }
}

/// The margin with a sign in it, as wide as the terminal affords.
fn margin(sign: &str, columns: usize) -> String {
    if columns >= ROOMY { format!("{sign:>width$}  ", width = MARGIN - 2) } else { format!("{sign:1} ") }
}

fn again_in(again_at: Timestamp, now: Timestamp) -> String {
    let ms = again_at.since(now).as_millis();
    if ms == 0 { "trying again".to_owned() } else { format!("tries again in {} s", ms.div_ceil(1_000)) }
}

/// A length of time as a clock shows it: `0:07`, `1:12`, `1:02:03`.
fn clock(elapsed: Duration) -> String {
    let s = elapsed.as_secs();
    match s / 3_600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        hours => format!("{hours}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

fn offer_rows(offer: &Offer, columns: usize) -> Vec<Row> {
    let indent = margin("", columns);
    let show = |candidate: &Candidate| match candidate.says.as_str() {
        "" => candidate.text.clone(),
        says => format!("{} {says}", candidate.text),
    };
    if !offer.is_listed {
        let all: Vec<_> = offer.candidates.iter().map(show).collect();
        return vec![Row::of(Tone::Quiet, &format!("{indent}{}", all.join("   ")))];
    }
    let n_shown = if offer.candidates.len() > LISTED_MAX { LISTED_MAX - 1 } else { offer.candidates.len() };
    let row = |candidate: &Candidate| {
        Row::of(Tone::Plain, &format!("{indent}{}", candidate.text)).and(Tone::Quiet, &format!("  {}", candidate.says))
    };
    let mut rows: Vec<_> = offer.candidates[..n_shown].iter().map(row).collect();
    if n_shown < offer.candidates.len() {
        rows.push(Row::of(Tone::Quiet, &format!("{indent}… and {} more", offer.candidates.len() - n_shown)));
    }
    rows
}
