//! How an entry's stay ends, in values that the machine decides on and words that a person can act on.

use std::fmt;

use domain::{EntryId, Person, Sha};
use forge::FailedTests;
use serde::{Deserialize, Serialize};

/// How an entry's stay ended. Every enqueued entry gets exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is on the target.
    Merged {
        /// Its commit there.
        commit: Sha,
        /// What vouches for it.
        proof: Proof,
    },
    /// It may not land as it is.
    Ejected {
        /// Why.
        why: Why,
    },
    /// A person took it back.
    Withdrawn {
        /// Who.
        by: Person,
    },
}

/// What vouches for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Every required check passed on exactly its tree.
    Tested,
    /// The same, and it had done so before the queue asked. Only people are told; nothing is decided by it.
    AlreadyTested,
    /// Nothing: the repository says `checks = []`.
    Untested,
}

/// Why an entry may not land as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There was no room for it when it came.
    Full {
        /// How many there may be.
        entries_max: usize,
    },
    /// Its title and message are too long for a commit.
    TooLong {
        /// How long they may be, in bytes.
        message_bytes_max: usize,
    },
    /// It does not merge with what is on the target.
    Conflict {
        /// The entries that landed these paths, as far as the queue remembers.
        with: Vec<EntryId>,
        /// Where.
        paths: Vec<String>,
    },
    /// The target already has all that it changes.
    AlreadyIn,
    /// Its commit is gone, or has no history in common with the target.
    Unusable {
        /// What is wrong with it.
        why: String,
    },
    /// Checks failed on it alone, on the target's head.
    Checks {
        /// Which.
        failing: Vec<FailedCheck>,
        /// How sure the queue is that the entry is at fault and the checks are not, in thousandths.
        #[serde(default = "all_thousandths")]
        sure_permille: u16,
    },
    /// Its checks were cancelled or never started, again and again. That is not a failure of the change.
    Unconcluded {
        /// Which, and how.
        why: String,
    },
    /// Nothing says how to check it.
    NoGate {
        /// What is wrong with `.downbeat/config.toml`, if it is there.
        why: Option<String>,
    },
    /// Its branch was moved after it was enqueued.
    HeadMoved {
        /// Where to.
        head: Sha,
    },
    /// The forge does not let it in.
    Refused {
        /// What the forge said.
        why: String,
    },
    /// What it depends on is neither in the queue nor did it land lately.
    Dependency {
        /// What.
        on: EntryId,
    },
    /// Its place was kept for a repair that did not come in time.
    RepairOverdue,
    /// It was repaired as often as allowed.
    RepairsSpent {
        /// How often.
        repairs: u32,
        /// What is wrong with it still, if that is known.
        #[serde(default)]
        last: Option<Box<Why>>,
    },
    /// Whoever tried to repair it could not.
    Unrepaired {
        /// What became of the repair, in words that fit after its name.
        why: String,
    },
}

/// One check that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Its name in the repository's config.
    pub name: String,
    /// How: `exited with 1`, `timed out`.
    pub how: String,
    /// The end of its output.
    pub output_tail: String,
    /// What its report names, where it leaves one.
    #[serde(default, skip_serializing_if = "FailedTests::is_empty")]
    pub failed_tests: FailedTests,
}

impl Why {
    /// What a person can do now for the entry, as a sentence without a full stop.
    pub fn next_step(&self, entry: &EntryId) -> String {
        match self {
            Self::Full { .. } => {
                format!("Say `merge {entry}` again when some have landed, or dequeue one that matters less")
            }
            Self::TooLong { .. } => format!("Shorten the description, then say `merge {entry}` again"),
            Self::Conflict { .. } => format!("Say `retry {entry}`, so that it starts from the target as it is now"),
            Self::AlreadyIn => format!("Nothing is left to do; say `stop {entry}` to end it"),
            Self::Unusable { .. } | Self::HeadMoved { .. } => {
                format!("Look at the branch, then say `merge {entry}` again")
            }
            Self::Checks { .. } => format!("Say `retry {entry}`, or repair the branch and say `merge {entry}` again"),
            Self::Unconcluded { .. } => {
                format!("Look why the checks do not run to their end, then say `merge {entry}` again")
            }
            Self::NoGate { why: None } => {
                "Write `[[checks]]` with a name and a command into .downbeat/config.toml, or `checks = []` to land untested".to_owned()
            }
            Self::NoGate { why: Some(_) } => format!("Correct .downbeat/config.toml, then say `merge {entry}` again"),
            Self::Refused { .. } => format!("Correct what the forge objects to, then say `merge {entry}` again"),
            Self::Dependency { on } => format!("Say `merge {on}` first, and then `merge {entry}` again"),
            Self::RepairOverdue | Self::RepairsSpent { .. } | Self::Unrepaired { .. } => {
                format!("Say `retry {entry}`, or look at the change yourself and say `merge {entry}` again")
            }
        }
    }
}

impl Why {
    /// Whether another commit of the same change may land.
    pub(super) fn is_repairable(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::Checks { .. } => true,
            Self::Full { .. }
            | Self::TooLong { .. }
            | Self::AlreadyIn
            | Self::Unusable { .. }
            | Self::Unconcluded { .. }
            | Self::NoGate { .. }
            | Self::HeadMoved { .. }
            | Self::Refused { .. }
            | Self::Dependency { .. }
            | Self::RepairOverdue
            | Self::RepairsSpent { .. }
            | Self::Unrepaired { .. } => false,
        }
    }

    /// The same with what the strategy says about the guilt, from 0 to 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to thousandths")]
    pub(super) fn with_guilt(self, guilt: f64) -> Self {
        match self {
            Self::Checks { failing, .. } => {
                Self::Checks { failing, sure_permille: (guilt.clamp(0., 1.) * 1_000.).round() as u16 }
            }
            other => other,
        }
    }
}

fn all_thousandths() -> u16 {
    1_000
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merged { commit, proof: Proof::Tested } => write!(f, "merged as {}", commit.short()),
            Self::Merged { commit, proof: Proof::AlreadyTested } => {
                write!(f, "merged as {}, already tested", commit.short())
            }
            Self::Merged { commit, proof: Proof::Untested } => write!(f, "merged untested as {}", commit.short()),
            Self::Ejected { why } => write!(f, "ejected: {why}"),
            Self::Withdrawn { by } => write!(f, "withdrawn by {by}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { entries_max } => write!(f, "the queue is full with {entries_max} entries"),
            Self::TooLong { message_bytes_max } => {
                write!(f, "its commit message is longer than {message_bytes_max} bytes")
            }
            Self::Conflict { with, paths } if with.is_empty() => {
                write!(f, "conflicts with the target in {}", listed(paths))
            }
            Self::Conflict { with, paths } => write!(f, "conflicts with {} in {}", listed(with), listed(paths)),
            Self::AlreadyIn => f.write_str("the target already has all that it changes"),
            Self::Unusable { why } => write!(f, "its commit cannot be used: {why}"),
            Self::Checks { failing, .. } if failing.is_empty() => f.write_str("its checks failed"),
            Self::Checks { failing, sure_permille: 1_000 } => write!(f, "{}", listed(failing)),
            Self::Checks { failing, sure_permille } => {
                write!(f, "{} ({:.1} % sure)", listed(failing), f64::from(*sure_permille) / 10.)
            }
            Self::Unconcluded { why } => write!(f, "its checks did not conclude: {why}"),
            Self::NoGate { why: None } => f.write_str("the repository does not say how to check it"),
            Self::NoGate { why: Some(why) } => write!(f, "its checks cannot be read: {why}"),
            Self::HeadMoved { head } => write!(f, "its branch moved to {} after it was enqueued", head.short()),
            Self::Refused { why } => write!(f, "the forge refused it: {why}"),
            Self::Dependency { on } => write!(f, "it depends on {on}, which is neither landed nor in line"),
            Self::RepairOverdue => f.write_str("its repair did not come in time"),
            Self::RepairsSpent { repairs, last: None } => write!(f, "it was already repaired {repairs} times"),
            Self::RepairsSpent { repairs, last: Some(last) } => {
                write!(f, "{last}, and it was repaired {repairs} times")
            }
            Self::Unrepaired { why } => write!(f, "its repair {why}"),
        }
    }
}

impl fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.how)?;
        if self.failed_tests.is_empty() { Ok(()) } else { write!(f, ": {}", self.failed_tests) }
    }
}

/// At most five things by name, then how many more.
pub(crate) fn listed<T: fmt::Display>(things: &[T]) -> String {
    const NAMED_MAX: usize = 5;
    let named: Vec<String> = things.iter().take(NAMED_MAX).map(T::to_string).collect();
    match things.len().saturating_sub(NAMED_MAX) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
