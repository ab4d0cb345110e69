//! What is wrong with a config, each mistake with its place, and never with a secret.

use std::fmt;
use std::ops::Range;

use super::excerpt::Excerpt;

/// Something in a config that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub why: String,
}

/// Where something in a config stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A place in a text.
    At(Spot),
    /// A text as a whole.
    Whole(String),
    /// An environment variable.
    Variable(String),
    /// Nowhere: it was left out, and its default holds.
    Default,
}

/// A place in a text. Line and column are counted from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The file, as it was named.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    excerpt: String,
    caret: usize,
}

/// A text with its name.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The file, as it was named, or what the text is.
    pub name: &'a str,
    /// All of it.
    pub text: &'a str,
}

/// The most mistakes that are shown at once: more is a file of another program.
const SHOWN_MAX: usize = 20;

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::At(Spot { file, line, column, excerpt, caret }) => write!(
                f,
                "{file}, line {line}, column {column}: {}\n{line:>4} | {excerpt}\n     | {:>caret$}",
                self.why, '^'
            ),
            Place::Whole(file) => write!(f, "{file}: {}", self.why),
            Place::Variable(name) => write!(f, "the variable {name}: {}", self.why),
            Place::Default => f.write_str(&self.why),
        }
    }
}

/// All mistakes of a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// In the order of their places.
    pub fn of(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        mistakes.dedup();
        Self(mistakes)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = &self.0[..] {
            return only.fmt(f);
        }
        write!(f, "the config has {} mistakes", self.0.len())?;
        for mistake in self.iter().take(SHOWN_MAX) {
            write!(f, "\n\n{mistake}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

impl std::error::Error for Mistakes {}

impl Text<'_> {
    /// The place of a span, with its line as an excerpt. Texts in quotes are left out of the excerpt, because any of
    /// them may be a password; `shown` is the part that is known to be none.
    pub fn place(&self, span: &Range<usize>, shown: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let (excerpt, caret) = Excerpt::of(self.text, span.start, shown);
        Place::At(Spot {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            excerpt,
            caret,
        })
    }
}
