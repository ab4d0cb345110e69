//! The lanes of a repository: parts of it whose changes need not wait for each other, named in `.downbeat/config.toml`.
//!
//! ```toml
//! [lanes]
//! web = ["web/**"]
//! api = ["api/**", "proto/**"]
//! all = ["Cargo.lock"]        # what concerns every lane
//! ```
//!
//! What no pattern matches is a lane of its own, the rest. A change of the file itself concerns every lane, because it may
//! say how they are checked.

use std::collections::BTreeSet;
use std::fmt;

use domain::Sha;
use domain::policy::Globs;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::checks::{CHECKS_FILE, GateError, GateFault};
use crate::forge::ForgeError;
use crate::git::GitError;
use crate::mirror::Mirror;

/// One lane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneName {
    /// One that the repository names.
    Named(String),
    /// What belongs to none.
    Rest,
}

/// The lanes of a repository; without any, everything is in the rest.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    named: Vec<(String, Globs)>,
    shared: Globs,
}

/// The name under which the patterns of every lane stand.
pub(crate) const SHARED: &str = "all";
/// The name of the lane that nobody names.
const REST: &str = "rest";
/// The most lanes: each is a queue that somebody has to picture.
const LANES_MAX: usize = 32;
/// The most patterns of one lane.
const PATTERNS_MAX: usize = 64;
/// The longest name: a board shows it in one line.
const NAME_CHARS_MAX: usize = 40;

impl Lanes {
    /// The lanes that a change of these paths joins, which are all paths that it changes. A change of nothing joins none.
    pub fn of<S: AsRef<str>>(&self, paths: impl IntoIterator<Item = S>) -> BTreeSet<LaneName> {
        let mut joined = BTreeSet::new();
        for path in paths {
            let Some(named) = self.named_at(path.as_ref()) else { return self.all() };
            let touched = named.iter().map(|name| LaneName::Named((*name).to_owned()));
            joined.extend(touched.chain(named.is_empty().then_some(LaneName::Rest)));
        }
        joined
    }

    /// Every lane, the rest among them.
    pub fn all(&self) -> BTreeSet<LaneName> {
        self.named.iter().map(|(name, _)| LaneName::Named(name.clone())).chain([LaneName::Rest]).collect()
    }

    /// Whether a check that names these lanes sees the path: when a change of it joins one of them.
    pub(crate) fn is_seen(&self, path: &str, by: &[String]) -> bool {
        let sees = |lane: &str| by.iter().any(|name| name == lane);
        self.named_at(path).is_none_or(|named| named.iter().any(|name| sees(name)) || (named.is_empty() && sees(REST)))
    }

    /// The named lanes of a path, which is in the rest where there are none; none at all where it concerns every lane.
    fn named_at(&self, path: &str) -> Option<Vec<&str>> {
        let touched = self.named.iter().filter(|(_, globs)| globs.matching(path).is_some());
        let is_shared = path == CHECKS_FILE || self.shared.matching(path).is_some();
        (!is_shared).then(|| touched.map(|(name, _)| name.as_str()).collect())
    }

    /// Whether the repository names any.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

impl fmt::Display for LaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named(name) => name,
            Self::Rest => REST,
        })
    }
}

/// Why the lanes of a commit could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LanesError {
    /// There is a mistake in the file.
    #[error(transparent)]
    Wrong(#[from] GateError),
    /// Git did not answer.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl From<LanesError> for ForgeError {
    fn from(error: LanesError) -> Self {
        match error {
            LanesError::Wrong(error) => Self::Refused { why: error.to_string() },
            LanesError::Git(error) => error.into(),
        }
    }
}

impl Mirror {
    /// The lanes that a commit names. Ask it of the target's head: a branch does not choose what it waits for.
    pub async fn lanes_at(&self, commit: &Sha) -> Result<Lanes, LanesError> {
        let file = self.file_at(commit, CHECKS_FILE).await?;
        Ok(lanes_from_toml(file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).as_deref())?)
    }
}

/// Reads the lanes out of the text of `.downbeat/config.toml`; `None` is a tree without that file.
pub fn lanes_from_toml(text: Option<&str>) -> Result<Lanes, GateError> {
    let Some(text) = text else { return Ok(Lanes::default()) };
    let parsed = DeTable::parse(text).map_err(|error| GateFault::new(error.span().unwrap_or(0..0), error.message()));
    let lanes = parsed.and_then(|table| lanes_in(table.get_ref()));
    lanes.map_err(|fault| GateError::at(fault, text))
}

/// Reads the lanes of the whole file.
pub(crate) fn lanes_in(file: &DeTable<'_>) -> Result<Lanes, GateFault> {
    let Some(value) = file.get("lanes") else { return Ok(Lanes::default()) };
    let Some(table) = value.get_ref().as_table() else {
        return Err(GateFault::new(
            value.span(),
            "`lanes` is a table: write `[lanes]`, and below it `name = [\"path/**\"]`",
        ));
    };
    if table.len() > LANES_MAX {
        return Err(GateFault::new(value.span(), format!("{} lanes are more than {LANES_MAX}", table.len())));
    }
    let mut lanes = Lanes::default();
    for (key, patterns) in table.iter() {
        let name = key.get_ref().as_ref();
        let is_usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name == REST || name.chars().count() > NAME_CHARS_MAX || !name.chars().all(is_usual) {
            let why = format!(
                "`{name}` is no lane's name: 1 to {NAME_CHARS_MAX} letters, digits, `-`, `_` or `.`, and not `{REST}`"
            );
            return Err(GateFault::new(key.span(), why));
        }
        let globs = globs_of(patterns)?;
        match name {
            SHARED => lanes.shared = globs,
            _ => lanes.named.push((name.to_owned(), globs)),
        }
    }
    Ok(lanes)
}

fn globs_of(value: &Spanned<DeValue<'_>>) -> Result<Globs, GateFault> {
    let texts = value.get_ref().as_array().map(|list| list.iter().map(|one| one.get_ref().as_str()).collect());
    let patterns: Option<Vec<&str>> = texts.flatten();
    let Some(patterns) = patterns.filter(|patterns| (1..=PATTERNS_MAX).contains(&patterns.len())) else {
        let why = format!("a lane is a list of 1 to {PATTERNS_MAX} path patterns, as in [\"web/**\"]");
        return Err(GateFault::new(value.span(), why));
    };
    Globs::new(&patterns).map_err(|bad| GateFault::new(value.span(), bad.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANES: &str = "[lanes]\nweb = [\"web/**\"]\napi = [\"api/**\", \"proto/**\"]\nall = [\"Cargo.lock\"]\n";

    fn joined(text: &str, paths: &[&str]) -> String {
        let lanes = lanes_from_toml(Some(text)).unwrap_or_else(|error| panic!("{error}"));
        lanes.of(paths).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// [19]
    #[test]
    fn a_change_joins_every_lane_that_it_touches() {
        assert_eq!(joined(LANES, &["web/a.ts"]), "web");
        assert_eq!(joined(LANES, &["api/a.rs", "proto/a.proto"]), "api");
        assert_eq!(joined(LANES, &["web/a.ts", "api/a.rs"]), "api web");
        assert_eq!(joined(LANES, &["README.md"]), "rest");
        assert_eq!(joined(LANES, &["README.md", "web/a.ts"]), "web rest");
        assert_eq!(joined(LANES, &[]), "");
    }

    /// [19]
    #[test]
    fn what_concerns_every_lane_joins_all_and_so_does_the_file_that_names_them() {
        assert_eq!(joined(LANES, &["Cargo.lock"]), "api web rest");
        assert_eq!(joined(LANES, &["web/a.ts", CHECKS_FILE]), "api web rest");
        assert_eq!(joined("", &["a", CHECKS_FILE]), "rest");
    }

    #[test]
    fn a_lane_that_cannot_be_read_is_pointed_at_with_the_checks_too() {
        for (text, why) in [
            ("lanes = 7\n", "`lanes` is a table"),
            ("[lanes]\nrest = [\"a\"]\n", "`rest` is no lane's name"),
            ("[lanes]\nweb = [\"/web\"]\n", "is not a path pattern"),
            ("[lanes]\nweb = []\n", "a lane is a list of 1 to 64"),
            ("[lanes]\nweb = \"web/**\"\n", "a lane is a list of 1 to 64"),
        ] {
            let said = lanes_from_toml(Some(text)).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
            assert_eq!(crate::gate_from_toml(Some(text)).unwrap_err().to_string(), said);
        }
    }
}
