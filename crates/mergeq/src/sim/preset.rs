//! Workloads with names, so that two people who compare strategies speak of the same thing.

use super::workload::{Arrivals, Workload};

/// A workload with a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// What people type.
    pub name: &'static str,
    /// What it stands for.
    pub what: &'static str,
    /// Its statistics.
    pub workload: Workload,
    /// How many tests run at once.
    pub slots: usize,
}

/// A team on an ordinary day; every other preset says in what it differs.
const TEAM: Workload = Workload {
    changes: 1_000,
    arrivals: Arrivals::Poisson(0.5),
    bad: 0.05,
    flaky: 0.02,
    conflict: 0.0005,
    ..Workload::PLAIN
};

/// All presets, in the order in which they are shown.
pub const PRESETS: [Preset; 12] = [
    Preset { name: "team", what: "people on an ordinary day", workload: TEAM, slots: 8 },
    Preset {
        name: "monorepo",
        what: "a busy repository with many machines",
        workload: Workload { arrivals: Arrivals::Poisson(8.), changes: 2_000, ..TEAM },
        slots: 32,
    },
    Preset {
        name: "agents",
        what: "40 agent branches within a minute, each with a chance of 28 % that another writes the same lines",
        workload: Workload {
            arrivals: Arrivals::Bursts { size: 40, rate: 0.05, within: 0.1 },
            bad: 0.15,
            textual: 0.0105,
            ..TEAM
        },
        slots: 8,
    },
    Preset {
        name: "backlog",
        what: "more than can be tested, and checks that never lie",
        workload: Workload { arrivals: Arrivals::Backlog, changes: 2_000, flaky: 0., conflict: 0., ..TEAM },
        slots: 8,
    },
    Preset {
        name: "fleet",
        what: "more than 32 machines can test",
        workload: Workload { arrivals: Arrivals::Backlog, changes: 2_000, ..TEAM },
        slots: 32,
    },
    Preset {
        name: "flaky",
        what: "every fifth run of good content is red",
        workload: Workload { flaky: 0.2, ..TEAM },
        slots: 8,
    },
    Preset {
        name: "hot-file",
        what: "every tenth change writes the same lines of one file",
        workload: Workload { arrivals: Arrivals::Poisson(2.), hot: 0.1, ..TEAM },
        slots: 8,
    },
    Preset {
        name: "poisoned-head",
        what: "the first three of a backlog are bad",
        workload: Workload { arrivals: Arrivals::Backlog, changes: 200, bad: 0., bad_first: 3, ..TEAM },
        slots: 8,
    },
    Preset {
        name: "foreign",
        what: "somebody pushes past the queue once in 2 T",
        workload: Workload { arrivals: Arrivals::Poisson(2.), foreign: 0.5, ..TEAM },
        slots: 8,
    },
    Preset {
        name: "chaos",
        what: "the same, nobody is told of every tenth verdict, and the program is killed once in 3 T",
        workload: Workload { arrivals: Arrivals::Poisson(2.), foreign: 0.5, lost: 0.1, crashes: 1. / 3., ..TEAM },
        slots: 8,
    },
    Preset {
        name: "long-tail",
        what: "one run in twenty takes six times as long as the usual one",
        workload: Workload { arrivals: Arrivals::Poisson(2.), sigma: 1.09, ..TEAM },
        slots: 8,
    },
    Preset {
        name: "idle",
        what: "one change now and then",
        workload: Workload { arrivals: Arrivals::Poisson(0.05), changes: 300, ..TEAM },
        slots: 8,
    },
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<Self> {
        PRESETS.into_iter().find(|preset| preset.name == name)
    }
}
