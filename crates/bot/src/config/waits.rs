//! `[waits]`: how long people are waited for.

use std::time::Duration;

use agents::task::Waits;
use serde::Deserialize;

use super::key::Absent::Default;
use super::key::Applied::AtReload;
use super::key::{Form, Key};

/// How long people are waited for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitsConfig {
    /// Days for the approval of a plan or of a change that goes beyond it.
    pub approval_days: u64,
    /// Hours after which such a wait is reminded of.
    pub approval_reminder_h: u64,
    /// Hours for the answer to a question of an agent.
    pub answer_h: u64,
    /// Hours after which such a wait is reminded of.
    pub answer_reminder_h: u64,
    /// Days for the word to merge, or to go on after a pause.
    pub merge_days: u64,
    /// Hours for the repository of a request that names none.
    pub repository_h: u64,
}

impl WaitsConfig {
    /// The waits of a task that is asked for now.
    pub fn of_tasks(&self) -> Waits {
        Waits {
            approval: hours(self.approval_days * 24),
            approval_reminder: hours(self.approval_reminder_h),
            review: hours(self.merge_days * 24),
            answer: hours(self.answer_h),
            answer_reminder: hours(self.answer_reminder_h),
        }
    }

    /// How long a request waits for its repository.
    pub fn repository(&self) -> Duration {
        hours(self.repository_h)
    }
}

fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3_600)
}

/// `[waits]`.
pub(super) const WAITS: &[Key] = &[
    Key::new(
        "approval_days",
        Form::Whole { min: 1, max: 90 },
        Default("7"),
        AtReload,
        "Days that a plan waits for an approval before its task ends: a holiday fits in.",
    ),
    Key::new(
        "approval_reminder_h",
        Form::Whole { min: 1, max: 2_160 },
        Default("24"),
        AtReload,
        "Hours after which it is reminded of, once: whoever was away for a day looks then.",
    ),
    Key::new(
        "answer_h",
        Form::Whole { min: 1, max: 2_160 },
        Default("72"),
        AtReload,
        "Hours that the question of an agent waits before its task is paused: a long week-end fits in.",
    ),
    Key::new(
        "answer_reminder_h",
        Form::Whole { min: 1, max: 2_160 },
        Default("4"),
        AtReload,
        "Hours after which it is reminded of, once: half a working day.",
    ),
    Key::new(
        "merge_days",
        Form::Whole { min: 1, max: 365 },
        Default("30"),
        AtReload,
        "Days that a change waits for the word to merge, and a paused task to go on: after that the branch is stale.",
    ),
    Key::new(
        "repository_h",
        Form::Whole { min: 1, max: 2_160 },
        Default("24"),
        AtReload,
        "Hours that a request waits for somebody to say which repository it is about: after a day it is asked anew.",
    ),
];
