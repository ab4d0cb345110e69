//! Patterns of paths, and whether two of them could mean the same file.

use std::fmt;

/// The longest pattern: longer than any path that people give to a file.
const CHARS_MAX: usize = 300;

/// A path of the repository, in which `*` and `?` stand for what is within one name and `**` for any number of names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern(Vec<Vec<char>>);

impl Pattern {
    /// Reads a pattern that somebody wrote, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > CHARS_MAX {
            return Err(format!("a pattern of {} characters; {CHARS_MAX} are allowed", text.chars().count()));
        }
        if let Some(odd) = text.chars().find(|c| c.is_control() || "[]{}\\".contains(*c)) {
            return Err(format!("`{odd}` in {text:?}: only `*`, `?` and `**` stand for other characters"));
        }
        let names = text.split('/').filter(|name| !matches!(*name, "" | "."));
        let mut names: Vec<Vec<char>> = names.map(|name| name.chars().collect()).collect();
        if text.starts_with('/') || names.is_empty() || names.iter().any(|name| *name == ['.', '.']) {
            return Err(format!("{text:?} is not a path inside the repository, such as `src/login/**`"));
        }
        if text.ends_with('/') {
            names.push(vec!['*', '*']);
        }
        Ok(Self(names))
    }

    /// Whether there could be a file that both mean. A plain path means what lies below it too.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let same_names =
            |a: &[char], b: &[char]| could_equal(a, b, |c| *c == '*', |a, b| a == b || *a == '?' || *b == '?');
        could_equal(&self.0, &other.0, |name| *name == ['*', '*'], |a, b| same_names(a, b))
            || self.is_above(other)
            || other.is_above(self)
    }

    fn is_above(&self, other: &Self) -> bool {
        let is_plain = self.0.iter().flatten().all(|c| !matches!(c, '*' | '?'));
        is_plain && other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(|name| name.iter().collect()).collect();
        f.write_str(&names.join("/"))
    }
}

/// Whether two sequences could be the same, where a star stands for any number of elements. The rows of a table, not a
/// search: its time is the product of the lengths however many stars there are.
fn could_equal<T>(a: &[T], b: &[T], is_star: impl Fn(&T) -> bool, is_same: impl Fn(&T, &T) -> bool) -> bool {
    let mut above = vec![false; b.len() + 1];
    for i in 0..=a.len() {
        let mut row = vec![false; b.len() + 1];
        for j in 0..=b.len() {
            let (up, left) = (i > 0 && above[j], j > 0 && row[j - 1]);
            row[j] = i == 0 && j == 0
                || i > 0 && is_star(&a[i - 1]) && (up || left)
                || j > 0 && is_star(&b[j - 1]) && (up || left)
                || i > 0 && j > 0 && above[j - 1] && is_same(&a[i - 1], &b[j - 1]);
        }
        above = row;
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|text| Pattern::parse(text).unwrap());
        assert_eq!(a.meets(&b), b.meets(&a), "{a} and {b}");
        a.meets(&b)
    }

    #[test]
    fn patterns_meet_where_one_file_could_be_meant_by_both() {
        for (a, b) in [
            ("src/lib.rs", "./src//lib.rs"),
            ("src/*.rs", "src/lib.rs"),
            ("src/**", "src/a/b/c.rs"),
            ("src/", "src/a/b/c.rs"),
            ("src/login", "src/login/page.rs"),
            ("**/*.rs", "src/lib.rs"),
            ("**", "README"),
            ("src/l*.rs", "src/*b.rs"),
            ("**/a/**", "x/**/b"),
            ("?at", "c??"),
        ] {
            assert!(meet(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn patterns_of_different_files_do_not_meet() {
        for (a, b) in [
            ("src/lib.rs", "src/lib.rst"),
            ("src/*.rs", "src/a/b.rs"),
            ("src/**", "docs/src/a"),
            ("**/*.rs", "docs/a.md"),
            ("src/log", "src/login.rs"),
            ("?at", "cat/dog"),
            ("a*b", "a*c"),
        ] {
            assert!(!meet(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_few() {
        let (a, b) = ("*a".repeat(100), "*b".repeat(100));
        assert!(!meet(&a, &b));
    }

    #[test]
    fn what_is_no_path_of_the_repository_is_refused() {
        let why = |text: &str| Pattern::parse(text).unwrap_err();
        assert_eq!(why("/etc/passwd"), "\"/etc/passwd\" is not a path inside the repository, such as `src/login/**`");
        assert!(why("a/../b").contains("not a path inside"));
        assert!(why(" ").contains("not a path inside"));
        assert_eq!(why("src/{a,b}"), "`{` in \"src/{a,b}\": only `*`, `?` and `**` stand for other characters");
        assert_eq!(why(&"x".repeat(301)), "a pattern of 301 characters; 300 are allowed");
    }
}
