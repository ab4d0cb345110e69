//! What a tree of the generated repository holds, and what its checks say of it. A module is a file of lines that changes
//! rewrite, each far enough from the next that git merges two of them.

use std::collections::{BTreeMap, BTreeSet};

/// How many modules there are.
pub(crate) const MODULES: usize = 10;
/// How many lines of a module changes may rewrite. The first provides the module's token; the last is for those who push
/// past the queue.
pub(crate) const LINES: usize = 40;
/// Lines between two of those, so that git takes them for two places.
const BETWEEN: usize = 3;
/// What a tree demands of itself.
pub(crate) const CHECKS: &str =
    "[[checks]]\nname = \"unit\"\ncommand = \"true\"\n\n[[checks]]\nname = \"link\"\ncommand = \"true\"\n";

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Spot {
    pub(crate) path: String,
    pub(crate) line: usize,
}

/// All lines that count.
pub(crate) type Content = BTreeMap<Spot, String>;

pub(crate) fn spot(path: impl Into<String>, line: usize) -> Spot {
    Spot { path: path.into(), line }
}

pub(crate) fn module(n: usize) -> String {
    format!("src/m{n:02}")
}

/// What everything begins with: each module provides its token.
pub(crate) fn first_content() -> Content {
    let text = |n: usize, line: usize| if line == 0 { format!("provide t{n}") } else { format!("plain {n}.{line}") };
    let lines = |n: usize| (0..LINES).map(move |line| (spot(module(n), line), text(n, line)));
    (0..MODULES).flat_map(lines).collect()
}

/// The text of one file of a content.
pub(crate) fn text_of(content: &Content, path: &str) -> String {
    let lines = content.iter().filter(|(spot, _)| spot.path == path);
    lines.map(|(spot, text)| format!("{text}\n{}", padding(path, spot.line))).collect()
}

fn padding(path: &str, line: usize) -> String {
    (0..BETWEEN).map(|n| format!("-- {path} {line}.{n}\n")).collect()
}

/// The lines of a file that count.
pub(crate) fn read_text(content: &mut Content, path: &str, text: &str) {
    let lines = text.lines().filter(|line| !line.starts_with("--"));
    content.extend(lines.enumerate().map(|(line, text)| (spot(path, line), text.to_owned())));
}

/// The names of the checks that fail on a content, always.
pub(crate) fn failing(content: &Content) -> Vec<&'static str> {
    let words =
        |word: &str| -> BTreeSet<&str> { content.values().filter_map(|text| text.strip_prefix(word)).collect() };
    let is_bad = content.keys().any(|spot| spot.path.starts_with("bad/"));
    let is_unlinked = !words("require ").is_subset(&words("provide "));
    [is_bad.then_some("unit"), is_unlinked.then_some("link")].into_iter().flatten().collect()
}

/// A number that is the same for the same content, here and with every compiler (FNV-1a).
pub(crate) fn key_of(content: &Content) -> u64 {
    let words = content.iter().map(|(spot, text)| format!("{}:{}:{text}\n", spot.path, spot.line));
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| word.bytes().fold(hash, mixed_in))
}

fn mixed_in(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}
