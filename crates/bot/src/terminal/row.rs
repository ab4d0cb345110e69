//! A row of text with tones, before it meets a terminal: made safe to show, measured, cut and wrapped by the columns
//! that it takes.

use unicode_width::UnicodeWidthChar;

/// How a piece of text is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As the terminal has it.
    Plain,
    /// Of less weight.
    Quiet,
    /// Of more weight.
    Strong,
    /// A person's name, always in the same of a few colors.
    Name(usize),
}

/// The colors of names, as SGR numbers: cyan, magenta, yellow, blue, green. Red is for nobody.
const NAMES: [&str; 5] = ["36", "35", "33", "34", "32"];

/// What a control character is shown as, so that no message steers the terminal.
pub const UNSHOWABLE: char = '\u{fffd}';

/// One row: pieces of text, none of which holds a control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pieces: Vec<(Tone, String)>,
    hang: usize,
}

impl Row {
    /// A row of one piece.
    pub fn of(tone: Tone, text: &str) -> Self {
        Self::default().and(tone, text)
    }

    /// The row with another piece at its end.
    pub fn and(mut self, tone: Tone, text: &str) -> Self {
        self.pieces.push((tone, text.chars().flat_map(showable).collect()));
        self
    }

    /// The row, whose continuations begin in column `hang` when it is wrapped.
    pub fn hanging(mut self, hang: usize) -> Self {
        self.hang = hang;
        self
    }

    /// The row with another one at its end.
    pub fn join(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| width(text)).sum()
    }

    /// The text alone, for a pipe.
    pub fn plain(&self) -> String {
        let text: String = self.pieces.iter().map(|(_, text)| text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// The text with the tones of a terminal.
    pub fn painted(&self) -> String {
        let paint = |(tone, text): &(Tone, String)| match tone {
            Tone::Plain => text.clone(),
            Tone::Quiet => format!("\u{1b}[2m{text}\u{1b}[0m"),
            Tone::Strong => format!("\u{1b}[1m{text}\u{1b}[0m"),
            Tone::Name(n) => format!("\u{1b}[{}m{text}\u{1b}[0m", NAMES[n % NAMES.len()]),
        };
        self.pieces.iter().map(paint).collect()
    }

    /// The row in at most `columns`; what is cut off is marked by `…`.
    pub fn cut(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let mut left = columns.saturating_sub(1);
        let mut cut = Self { pieces: Vec::new(), hang: self.hang };
        for (tone, text) in &self.pieces {
            let kept = fitting(text, left);
            left -= width(kept);
            cut.pieces.push((*tone, kept.to_owned()));
            if kept.len() < text.len() {
                break;
            }
        }
        if columns > 0 { cut.and(Tone::Quiet, "…") } else { cut }
    }

    /// The row as several, none wider than `columns`; broken between words where that is possible. A narrow terminal
    /// has no room for a margin.
    pub fn wrapped(&self, columns: usize) -> Vec<Self> {
        let is_roomy = self.hang * 3 <= columns;
        let hang = if is_roomy { self.hang } else { 0 };
        let mut rows = Vec::new();
        let mut rest: Vec<(Tone, char)> = self.signs().skip_while(|(_, sign)| !is_roomy && *sign == ' ').collect();
        let mut indent = 0;
        while let Some(end) = break_of(&rest, columns.saturating_sub(indent).max(2), indent == 0) {
            let tail = rest.split_off(end);
            rows.push(Self::indented(indent, &rest));
            rest = tail.into_iter().skip_while(|(_, sign)| *sign == ' ').collect();
            indent = hang;
        }
        rows.push(Self::indented(indent, &rest));
        rows
    }

    fn signs(&self) -> impl Iterator<Item = (Tone, char)> {
        self.pieces.iter().flat_map(|(tone, text)| text.chars().map(|sign| (*tone, sign)))
    }

    fn indented(indent: usize, signs: &[(Tone, char)]) -> Self {
        let mut pieces: Vec<(Tone, String)> = Vec::new();
        if indent > 0 {
            pieces.push((Tone::Plain, " ".repeat(indent)));
        }
        for (tone, sign) in signs {
            match pieces.last_mut() {
                Some((last, text)) if last == tone => text.push(*sign),
                _ => pieces.push((*tone, sign.to_string())),
            }
        }
        Self { pieces, hang: indent }
    }
}

/// Where a text that is too wide is to be broken: after its last word that fits, or else where the columns end. The
/// margin of a first row is no place to break.
fn break_of(signs: &[(Tone, char)], columns: usize, is_first: bool) -> Option<usize> {
    let mut taken = 0;
    let fits = |(_, sign): &&(Tone, char)| {
        taken += columns_of(*sign);
        taken <= columns
    };
    let end = signs.iter().take_while(fits).count();
    if end == signs.len() {
        return None;
    }
    let margin = if is_first { signs.iter().take_while(|(_, sign)| *sign == ' ').count() } else { 0 };
    let words_end = (margin + 1..=end).rev().find(|at| signs[*at].1 == ' ');
    Some(words_end.unwrap_or(end).max(1))
}

/// How many columns a text takes, character by character, as terminals count.
pub fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// How many columns a character takes.
pub fn columns_of(sign: char) -> usize {
    sign.width().unwrap_or(0)
}

/// The beginning of a text that fits into so many columns.
pub fn fitting(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, sign)| {
        taken += columns_of(*sign);
        taken > columns
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// Whether a sign would steer the terminal, or turn the order of what is read around.
pub fn steers(sign: char) -> bool {
    sign.is_control() || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Tabs become spaces; what would steer the terminal, or turn the order of what is read around, is only marked.
fn showable(sign: char) -> impl Iterator<Item = char> {
    let (shown, count) = match sign {
        '\t' => (' ', 4),
        _ if steers(sign) => (UNSHOWABLE, 1),
        _ => (sign, 1),
    };
    std::iter::repeat_n(shown, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, columns: usize) -> Vec<String> {
        Row::of(Tone::Plain, text).hanging(3).wrapped(columns).iter().map(Row::plain).collect()
    }

    #[test]
    fn rows_are_wrapped_between_words_and_by_columns() {
        assert_eq!(wrapped("   one two three four", 12), ["   one two", "   three", "   four"]);
        assert_eq!(wrapped("漢字漢字漢字", 10), ["漢字漢字漢", "   字"]);
        assert_eq!(wrapped("   a-word-too-long-for-it", 12), ["   a-word-to", "   o-long-fo", "   r-it"]);
        assert_eq!(wrapped("short", 12), ["short"]);
        assert_eq!(wrapped("   narrow indeed", 8), ["narrow", "indeed"]);
    }

    #[test]
    fn a_cut_row_says_so_and_splits_no_wide_character() {
        let row = Row::of(Tone::Strong, "漢字").and(Tone::Plain, "abc");
        assert_eq!(row.cut(7).plain(), "漢字abc");
        assert_eq!(row.cut(6).plain(), "漢字a…");
        assert_eq!(row.cut(4).plain(), "漢…");
        assert_eq!(row.cut(0).plain(), "");
    }

    #[test]
    fn no_message_steers_the_terminal() {
        let row = Row::of(Tone::Plain, "a\u{1b}[2Jb\u{9b}c\td\u{202e}e");
        assert_eq!(row.plain(), "a\u{fffd}[2Jb\u{fffd}c    d\u{fffd}e");
        assert_eq!(row.painted(), row.plain());
    }
}
