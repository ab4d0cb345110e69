//! The edit line: what a person is about to say, and the part of it that fits on the screen.

use tui_input::{Input, InputRequest};

use super::row::{columns_of, fitting, width};
use crate::chat::console::MESSAGE_BYTES_MAX;

/// What a line break inside a message looks like on the one line that there is.
const BREAK: char = '⏎';
/// What marks text that goes on beyond the screen.
const MORE: &str = "…";

/// The words that are not said yet, with the cursor.
#[derive(Debug, Default)]
pub struct EditLine {
    input: Input,
}

/// More than one message may hold; its text says so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message has at most {MESSAGE_BYTES_MAX} bytes; put the rest into a file of the repository")]
pub struct TooLong;

impl EditLine {
    /// The words.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// The words up to the cursor.
    pub fn before(&self) -> &str {
        let text = self.text();
        let end = text.char_indices().nth(self.input.cursor()).map_or(text.len(), |(at, _)| at);
        &text[..end]
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Puts text in at the cursor, all of it or none.
    pub fn insert(&mut self, text: &str) -> Result<(), TooLong> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if self.text().len() + text.len() > MESSAGE_BYTES_MAX {
            return Err(TooLong);
        }
        let before = self.before().to_owned() + &text;
        let after = self.text()[self.before().len()..].to_owned();
        self.set(&(before.clone() + &after));
        self.input.handle(InputRequest::SetCursor(before.chars().count()));
        Ok(())
    }

    /// Replaces the words from byte `start` to the cursor; all of it or none.
    pub fn replace_from(&mut self, start: usize, text: &str) -> Result<(), TooLong> {
        let n_before = self.before()[start..].chars().count();
        for _ in 0..n_before {
            self.input.handle(InputRequest::DeletePrevChar);
        }
        self.insert(text)
    }

    /// Other words, with the cursor at their end. What was cut out stays to be put back.
    pub fn set(&mut self, text: &str) {
        self.input = std::mem::take(&mut self.input).with_value(text.to_owned());
    }

    /// Takes the words out.
    pub fn take(&mut self) -> String {
        self.input.value_and_reset()
    }

    /// Moves, cuts and puts back.
    pub fn apply(&mut self, request: InputRequest) {
        self.input.handle(request);
    }

    /// What of it fits into `columns`, and the column of the cursor.
    pub fn window(&self, columns: usize) -> (String, usize) {
        let shown = |text: &str| text.chars().map(showable).collect::<String>();
        let (before, text) = (shown(self.before()), shown(self.text()));
        if width(&before) < columns {
            return (end_marked(&text, columns), width(&before));
        }
        let room = columns.saturating_sub(1 + width(MORE));
        let tail = tail_of(&before, room);
        let after = &text[before.len()..];
        (end_marked(&format!("{MORE}{tail}{after}"), columns), width(MORE) + width(tail))
    }
}

fn showable(sign: char) -> char {
    match sign {
        '\n' => BREAK,
        '\t' => ' ',
        _ if sign.is_control() => '\u{fffd}',
        _ => sign,
    }
}

fn end_marked(text: &str, columns: usize) -> String {
    if width(text) < columns {
        return text.to_owned();
    }
    format!("{}{MORE}", fitting(text, columns.saturating_sub(1 + width(MORE))))
}

/// The end of a text that fits into so many columns.
fn tail_of(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let cut = text.char_indices().rev().find(|(_, sign)| {
        taken += columns_of(*sign);
        taken > columns
    });
    cut.map_or(text, |(at, sign)| &text[at + sign.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> EditLine {
        let mut line = EditLine::default();
        line.insert(text).unwrap();
        line
    }

    #[test]
    fn a_long_line_shows_the_part_around_the_cursor() {
        let mut edit = line("fix the login redirect");
        assert_eq!(edit.window(30), ("fix the login redirect".to_owned(), 22));
        assert_eq!(edit.window(12), ("…n redirect".to_owned(), 11));
        edit.apply(InputRequest::GoToStart);
        assert_eq!(edit.window(12), ("fix the lo…".to_owned(), 0));
    }

    #[test]
    fn wide_characters_and_breaks_take_their_columns() {
        let mut edit = line("漢字\nok");
        assert_eq!(edit.window(20), ("漢字⏎ok".to_owned(), 7));
        assert_eq!(edit.window(6), ("…⏎ok".to_owned(), 4));
        edit.apply(InputRequest::GoToStart);
        edit.apply(InputRequest::GoToNextChar);
        assert_eq!(edit.window(20).1, 2);
    }

    #[test]
    fn what_was_cut_can_be_put_back_after_a_paste() {
        let mut edit = line("one two");
        edit.apply(InputRequest::DeletePrevWord);
        edit.insert("漢 ").unwrap();
        edit.apply(InputRequest::Yank);
        assert_eq!(edit.text(), "one 漢 two");
    }

    #[test]
    fn more_than_a_message_may_hold_is_refused_and_nothing_is_lost() {
        let mut edit = line("kept");
        assert_eq!(edit.insert(&"x".repeat(MESSAGE_BYTES_MAX)), Err(TooLong));
        assert_eq!(edit.text(), "kept");
    }
}
