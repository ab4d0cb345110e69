//! What was said at this terminal before, for the arrow keys and for the search; kept in a file that only its owner
//! may read.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How many lines are kept: months of talk, found in no time.
const LINES_MAX: usize = 1_000;
/// The longest line that is kept, in bytes: words that people type, not logs that they paste.
const LINE_BYTES_MAX: usize = 4_096;
/// Nobody but its owner reads it.
const MODE: u32 = 0o600;
/// How much of the file is read; more is no history of ours.
const FILE_BYTES_MAX: u64 = (LINES_MAX * LINE_BYTES_MAX * 2) as u64;

/// The lines, oldest first, and where the arrow keys stand in them.
#[derive(Debug, Default)]
pub struct History {
    lines: VecDeque<String>,
    /// How far back from the newest; none while a person writes something of their own.
    at: Option<usize>,
    /// What they were writing when they went back.
    draft: String,
    file: Option<PathBuf>,
}

impl History {
    /// What the file holds. A line of it is a line that was said, with its line breaks as `\n`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut text = String::new();
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        match File::open(path) {
            Ok(file) => {
                file.set_permissions(Permissions::from_mode(MODE))?;
                file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let n_lines = text.lines().count();
        let lines: VecDeque<_> = text.lines().skip(n_lines.saturating_sub(LINES_MAX)).map(unescaped).collect();
        if n_lines > LINES_MAX {
            let kept: String = lines.iter().map(|line| escaped(line)).collect();
            rewrite(path, &kept)?;
        }
        Ok(Self { lines, file: Some(path.to_owned()), ..Self::default() })
    }

    /// Keeps a line that was said. Not kept are lines that begin with a space (a person says so), bare numbers (they
    /// answer other questions tomorrow), what was said just before, and what is too long.
    pub fn keep(&mut self, line: &str) -> io::Result<()> {
        self.at = None;
        self.draft.clear();
        let is_number = line.trim().bytes().all(|byte| byte.is_ascii_digit());
        let is_kept = !line.starts_with(' ') && !is_number && line.len() <= LINE_BYTES_MAX;
        if !is_kept || self.lines.back().is_some_and(|last| last == line) {
            return Ok(());
        }
        self.lines.push_back(line.to_owned());
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
        self.file.as_deref().map_or(Ok(()), |path| append(path, &escaped(line)))
    }

    /// The line before the one that is shown; `now` is what is written at present.
    pub fn go_back(&mut self, now: &str) -> Option<&str> {
        let at = self.at.map_or(0, |at| at + 1);
        if at >= self.lines.len() {
            return None;
        }
        if self.at.is_none() {
            self.draft = now.to_owned();
        }
        self.at = Some(at);
        self.back(at)
    }

    /// The line after the one that is shown; after the newest, what was being written.
    pub fn go_forward(&mut self) -> Option<&str> {
        let at = self.at?;
        self.at = at.checked_sub(1);
        match self.at {
            Some(at) => self.back(at),
            None => Some(&self.draft),
        }
    }

    /// The `nth` newest line with these words in it, each text once.
    pub fn find(&self, words: &str, nth: usize) -> Option<&str> {
        let mut seen: Vec<&String> = Vec::new();
        let matching = self.lines.iter().rev().filter(|line| line.contains(words));
        let mut fresh = matching.filter(|line| {
            let is_new = !seen.contains(line);
            seen.push(line);
            is_new
        });
        fresh.nth(nth).map(String::as_str)
    }

    fn back(&self, at: usize) -> Option<&str> {
        self.lines.get(self.lines.len().checked_sub(at + 1)?).map(String::as_str)
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    // One write, so that lines of several terminals never mix.
    private().append(true).open(path)?.write_all(line.as_bytes())
}

fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    private().write(true).truncate(true).open(&fresh)?.write_all(text.as_bytes())?;
    std::fs::rename(fresh, path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(MODE);
    options
}

fn escaped(line: &str) -> String {
    line.replace('\\', "\\\\").replace('\n', "\\n") + "\n"
}

fn unescaped(line: &str) -> String {
    let mut text = String::new();
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match (sign, sign == '\\') {
            (_, true) => text.push(signs.next().map_or('\\', |next| if next == 'n' { '\n' } else { next })),
            (sign, false) => text.push(sign),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lines: &[&str]) -> History {
        let mut history = History::default();
        lines.iter().for_each(|line| history.keep(line).unwrap());
        history
    }

    #[test]
    fn the_arrow_keys_go_through_what_was_said_and_back_to_what_was_being_written() {
        let mut history = kept(&["one", "two"]);
        assert_eq!(history.go_back("draft"), Some("two"));
        assert_eq!(history.go_back("two"), Some("one"));
        assert_eq!(history.go_back("one"), None);
        assert_eq!(history.go_forward(), Some("two"));
        assert_eq!(history.go_forward(), Some("draft"));
        assert_eq!(history.go_forward(), None);
    }

    #[test]
    fn secrets_numbers_and_repetitions_are_not_kept() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        let history = kept(&["one", " token abc", "7", "one", &long]);
        assert_eq!(history.lines, ["one"]);
    }

    #[test]
    fn a_search_finds_the_newest_first_and_each_text_once() {
        let history = kept(&["fix the login", "status", "fix the build", "status", "fix the login"]);
        assert_eq!(history.find("fix", 0), Some("fix the login"));
        assert_eq!(history.find("fix", 1), Some("fix the build"));
        assert_eq!(history.find("fix", 2), None);
    }

    #[test]
    fn the_file_is_private_bounded_and_keeps_line_breaks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state").join("history");
        History::open(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        let mut history = History::open(&path).unwrap();
        history.keep("two\nlines \\n").unwrap();
        for n in 0..LINES_MAX {
            history.keep(&format!("line {n}")).unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().next(), Some("two\\nlines \\\\n"));
        let again = History::open(&path).unwrap();
        assert_eq!(again.lines.front().unwrap(), "line 0");
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), LINES_MAX);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(unescaped(escaped("a\n\\b").trim_end()), "a\n\\b");
    }
}
