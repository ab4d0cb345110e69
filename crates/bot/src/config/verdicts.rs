//! The keys of `[queue]` that say when a pass is used again.

use std::time::Duration;

use mergeq::ReuseTerms;

use super::QueueConfig;
use super::key::Absent::Default;
use super::key::Applied::AtReload;
use super::key::{Form, Key};
use super::wellformed::any;

/// For how long.
pub(super) const VERDICT_MAX_AGE_H: Key = Key::new(
    "verdict_max_age_h",
    Form::Whole { min: 0, max: 8_760 },
    Default("24"),
    AtReload,
    "Hours for which a pass of all checks is not run again on the same tree; 0 runs them always. In a day, what waits over night \
     for an approval lands at once, and what checks depend on beside their tree seldom changes sooner.",
);

/// How often it is doubted.
pub(super) const REVERIFY_EVERY: Key = Key::new(
    "reverify_every",
    Form::Whole { min: 0, max: 1_000_000 },
    Default("50"),
    AtReload,
    "Of so many passes that would be used again, one is run again in earnest; 0 for none. It costs two percent of what is saved, \
     and finds checks that depend on more than their tree.",
);

/// What it holds for.
pub(super) const ENVIRONMENT: Key = Key::new(
    "environment",
    Form::Text(any),
    Default("\"\""),
    AtReload,
    "What checks run in, in words of your own, such as \"ubuntu-24.04 rust-1.95\". Other words make every pass before them unknown: \
     change them with what the program cannot see.",
);

impl QueueConfig {
    /// When a pass is used again.
    pub fn reuse_terms(&self) -> ReuseTerms {
        let age_max = Duration::from_secs(self.verdict_max_age_h * 3_600);
        ReuseTerms { age_max, reverify_every: self.reverify_every, environment: self.environment.clone() }
    }
}
