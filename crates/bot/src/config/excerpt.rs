//! One line of a config as a mistake quotes it: where it went wrong can be seen, a password cannot.

use std::ops::Range;

/// The most of a line that is quoted: what a terminal shows without wrapping twice.
const CHARS_MAX: usize = 160;

/// Reads a text as TOML does, as far as it has to be known what stands in quotes, and keeps one line of it.
pub(super) struct Excerpt {
    within: Within,
    /// A value is expected, after a `=`.
    after_equals: bool,
    is_header: bool,
    depth: usize,
    line: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Word,
    HiddenWord,
    Comment,
    /// A text, and what ends it.
    Quotes(&'static str),
}

impl Excerpt {
    /// The line around `at`, and the column of `at` in it.
    pub(super) fn of(text: &str, at: usize, shown: &Range<usize>) -> (String, usize) {
        let mut excerpt =
            Self { within: Within::Nothing, after_equals: false, is_header: false, depth: 0, line: String::new() };
        let mut caret = None;
        let mut from = 0;
        while let Some(next) = text[from..].chars().next() {
            if from >= at && caret.is_none() {
                caret = Some(excerpt.line.chars().count() + 1);
            }
            if next == '\n' && caret.is_some() {
                break;
            }
            from += excerpt.take(&text[from..], shown.contains(&from));
        }
        let caret = caret.unwrap_or(excerpt.line.chars().count() + 1).min(CHARS_MAX);
        (excerpt.line.trim_end().chars().take(CHARS_MAX).collect(), caret)
    }

    /// Takes the next sign; says how many bytes it has.
    fn take(&mut self, rest: &str, shown: bool) -> usize {
        let next = rest.chars().next().unwrap_or('\n');
        if let Within::Quotes(end) = self.within {
            return self.take_quoted(rest, end, shown);
        }
        if next == '\n' {
            self.end_line();
            return 1;
        }
        if self.within == Within::Comment {
            return next.len_utf8();
        }
        let opening = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| rest.starts_with(quotes));
        if let Some(quotes) = opening {
            self.line.push_str(quotes);
            if !shown && !self.is_header {
                self.line.push('…');
            }
            self.within = Within::Quotes(quotes);
            return quotes.len();
        }
        self.take_bare(rest, next, shown);
        next.len_utf8()
    }

    fn take_quoted(&mut self, rest: &str, end: &'static str, shown: bool) -> usize {
        let next = rest.chars().next().unwrap_or('\n');
        let is_line_end = next == '\n';
        if rest.starts_with(end) {
            self.line.push_str(end);
            self.within = Within::Nothing;
            return end.len();
        }
        if is_line_end {
            self.line.clear();
            // A text in single signs ends with its line, whether or not it was closed.
            if end.len() == 1 {
                self.within = Within::Nothing;
                self.end_line();
            }
            return 1;
        }
        let escaped = if next == '\\' && end.starts_with('"') { rest.chars().nth(1) } else { None };
        let taken = next.len_utf8() + escaped.filter(|c| *c != '\n').map_or(0, char::len_utf8);
        if shown || self.is_header {
            self.line.extend(rest[..taken].chars().map(visible));
        }
        taken
    }

    fn take_bare(&mut self, rest: &str, next: char, shown: bool) {
        match next {
            '#' => {
                self.within = Within::Comment;
                self.line.truncate(self.line.trim_end().len());
                return;
            }
            '=' => self.after_equals = true,
            '[' | '{' => {
                self.is_header |= self.line.trim().is_empty() && self.depth == 0;
                self.depth += usize::from(!self.is_header);
                self.after_equals &= next == '[';
            }
            ']' | '}' => self.depth = self.depth.saturating_sub(1),
            ',' => self.after_equals = false,
            _ => {}
        }
        let ends_word = next.is_whitespace() || "=[]{},".contains(next);
        if ends_word {
            self.within = Within::Nothing;
        } else if self.within == Within::Nothing {
            self.within = Within::Word;
            let word = rest.split(|c: char| c.is_whitespace() || "=[]{},#\"'".contains(c)).next().unwrap_or_default();
            let is_plain =
                matches!(word, "true" | "false") || word.bytes().all(|b| b.is_ascii_digit() || b"+-._:".contains(&b));
            if self.after_equals && !is_plain && !shown {
                self.line.push('…');
                self.within = Within::HiddenWord;
            }
        }
        if self.within != Within::HiddenWord {
            self.line.push(visible(next));
        }
    }

    fn end_line(&mut self) {
        self.line.clear();
        self.within = Within::Nothing;
        self.is_header = false;
        self.after_equals &= self.depth > 0;
    }
}

/// What a terminal obeys is not quoted.
fn visible(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}
