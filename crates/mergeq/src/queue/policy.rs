//! Which strategy a queue goes by, and the bounds of everything it keeps. A policy is a value, so that another one can be
//! put in its place while entries wait (`PolicyChanged`) and simulated without a queue.

use std::time::Duration;

use domain::Windows;
use serde::{Deserialize, Serialize};

use crate::strategy::Kind;

/// The rules of one queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Who is tested with whom.
    pub strategy: Kind,
    /// The most runs under test at once; 0 counts as 1.
    pub runs_max: usize,
    /// When nothing lands but what is [`First`](super::order::Priority::First).
    #[serde(default, skip_serializing_if = "Windows::is_empty")]
    pub closed: Windows,
    /// The bounds.
    pub limits: Limits,
}

/// The bounds of a queue. Each keeps the state, which is read and written whole at every event, small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The most entries at once. 1,000: more than a day's work of a fleet of agents.
    pub entries_max: usize,
    /// The most bytes of an entry's title and message together. 16 KiB: longer than any commit message people read.
    pub message_bytes_max: usize,
    /// How many landed entries are remembered to tell with whom a conflict is. 32: about what lands while an agent works.
    pub landed_max: usize,
    /// How many red runs are remembered for the reasons of ejections. 64: more than are being searched at once.
    pub faults_max: usize,
    /// How many paths of one landed entry are remembered. 64: a larger change conflicts with so many that any will do.
    pub paths_max: usize,
    /// How often the checks of a red tree are run again before red is believed. 0: a check declares its own retries.
    pub reruns_max: u32,
    /// How often checks that were cancelled or never started are asked for again. 2: a third time is no accident.
    pub unconcluded_max: u32,
    /// How often in a row the commits of one run may be gone when they are needed. 3: a mirror that is emptied a fourth
    /// time is no mishap, and each time costs a staging.
    pub losses_max: u32,
    /// How often one entry may be reserved for repair. 3: after that a person should look.
    pub repairs_max: u32,
    /// How many entries of one person are tested at once. 50: a fleet of agents in a hurry, and others still get a turn.
    pub person_max: usize,
    /// How many of the first entries are probed for clashes. 200: more than are tested while one of them lands.
    pub probed_max: usize,
    /// How many clashes are remembered. 1,000: with more, a few files are in everybody's way, and staging tells the rest.
    pub clashes_max: usize,
    /// The longest lease of a reserved place, in milliseconds. 2 h: an agent that needs longer starts a new task.
    pub lease_max_ms: u64,
    /// How long checks may take before anything is known of them until they are overdue, in milliseconds. 30 min: longer
    /// than most, and nobody should wait half a morning for a run that has not begun.
    pub checks_patience_ms: u64,
    /// The same of staging and landing, each some calls of git. 5 min: that long a remote may be slow.
    pub git_patience_ms: u64,
    /// What nothing is overdue before, however quick it usually is, in milliseconds. 2 min: nobody minds a shorter wait.
    pub patience_min_ms: u64,
    /// How often it is said that a run is overdue. 6: the intervals double, so whoever has not heard for 32 times the
    /// first will not.
    pub alarms_max: u32,
    /// How many of the first positions are told when they change. 5: nobody watches position 40, and telling it costs an effect.
    pub positions_told: usize,
}

impl Policy {
    /// A strategy with the usual bounds.
    pub fn of(strategy: Kind, runs_max: usize) -> Self {
        Self { strategy, runs_max, closed: Windows::default(), limits: Limits::default() }
    }

    /// One entry at a time.
    pub fn serial() -> Self {
        Self::of(Kind::Serial, 1)
    }

    /// Up to `batch_max` entries at a time; a red batch is bisected.
    pub fn batch(batch_max: usize) -> Self {
        Self::of(Kind::Batch { batch_max, infers: true }, 1)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries_max: 1_000,
            message_bytes_max: 16 * 1024,
            landed_max: 32,
            faults_max: 64,
            paths_max: 64,
            reruns_max: 0,
            unconcluded_max: 2,
            losses_max: 3,
            repairs_max: 3,
            person_max: 50,
            probed_max: 200,
            clashes_max: 1_000,
            lease_max_ms: 2 * 3_600 * 1_000,
            checks_patience_ms: 30 * 60 * 1_000,
            git_patience_ms: 5 * 60 * 1_000,
            patience_min_ms: 2 * 60 * 1_000,
            alarms_max: 6,
            positions_told: 5,
        }
    }
}

impl Limits {
    /// The longest lease of a reserved place.
    pub fn lease_max(&self) -> Duration {
        Duration::from_millis(self.lease_max_ms)
    }
}
