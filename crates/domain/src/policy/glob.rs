//! Path patterns that are checked when they are read, so that a rule that can never match is a mistake in the config
//! and not a hole in the policy.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

/// A list of path patterns, as in `["migrations/**", "*.tf"]`.
///
/// `*` stays within one directory, `**` crosses them, and letters match in either case, because some file systems do
/// not tell `Auth/` from `auth/`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Globs {
    patterns: Vec<String>,
    set: GlobSet,
}

/// A text that is not a path pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a path pattern: {why}")]
pub struct BadGlob {
    /// The pattern as it was written.
    pub glob: String,
    /// What is wrong with it.
    pub why: String,
}

impl Globs {
    /// Reads the patterns; the first bad one is the error.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, BadGlob> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns.iter().map(AsRef::as_ref) {
            let bad = |why: String| BadGlob { glob: pattern.to_owned(), why };
            if pattern.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return Err(bad(
                    "it has to be relative to the repository's root, without `.`, `..` or empty parts".to_owned()
                ));
            }
            let glob = GlobBuilder::new(pattern).literal_separator(true).case_insensitive(true).build();
            set.add(glob.map_err(|error| bad(error.kind().to_string()))?);
        }
        let patterns = patterns.iter().map(|p| p.as_ref().to_owned()).collect();
        let set = set.build().map_err(|error| BadGlob {
            glob: error.glob().unwrap_or_default().to_owned(),
            why: error.kind().to_string(),
        })?;
        Ok(Self { patterns, set })
    }

    /// The first pattern that matches the path, which may also name a directory.
    pub fn matching(&self, path: &str) -> Option<&str> {
        // `migrations/**` matches what is inside; with a slash at its end the directory's own name counts as inside.
        let inside = format!("{path}/");
        let first = |path: &str| self.set.matches(path).into_iter().min();
        let index = first(path).into_iter().chain(first(&inside)).min()?;
        self.patterns.get(index).map(String::as_str)
    }

    /// No pattern at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

impl TryFrom<Vec<String>> for Globs {
    type Error = BadGlob;

    fn try_from(patterns: Vec<String>) -> Result<Self, BadGlob> {
        Self::new(&patterns)
    }
}
