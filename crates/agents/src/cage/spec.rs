//! What the program tells the launcher, and what the launcher reports back.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether the command may write to its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// The tree can be read; for planning.
    ReadOnly,
    /// The tree can be read and written.
    ReadWrite,
}

/// What the command reaches of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// None but a loopback of its own; without namespaces no TCP at all.
    Denied,
    /// One gate. Inside it listens on 127.0.0.1 at [`GATE_PORT`](super::GATE_PORT); without namespaces the gate must
    /// itself listen there outside, and Landlock lets TCP connect to no other port.
    Gate {
        /// The unix socket at which the gate listens outside.
        socket: PathBuf,
    },
    /// The machine's network as it is.
    Allowed,
}

/// How firmly the command is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confinement {
    /// Landlock, limits, and namespaces where the kernel allows them; refuses to start without Landlock.
    Standard,
    /// Limits and a cleared environment only. The command can touch whatever the program can.
    Off,
}

/// Whether kernel namespaces are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Namespaces {
    /// Where the kernel allows them; the level says whether it did.
    Auto,
    /// Not even where the kernel allows them; descendants are then found through `/proc`.
    Off,
}

/// The limits of one caged run. Each is per run, except `processes`, which without namespaces is per user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall-clock time.
    pub time: Duration,
    /// Bytes of stdout and stderr together after which the run is stopped.
    pub output_bytes: u64,
    /// Bytes of the largest file that may be written.
    pub file_bytes: u64,
    /// Processes and threads at one time. Kernels that can limit a namespace do not go below 301.
    pub processes: u64,
    /// Files open at one time in one process.
    pub open_files: u64,
    /// Processor seconds of one process, where wanted.
    pub cpu_seconds: Option<u64>,
}

impl Default for Limits {
    /// Fits a build with tests of a medium repository: 30 minutes, 64 MiB of output (a verbose build writes about
    /// one), files to 2 GiB (a debug binary is below one), 1,024 processes (a build on 64 cores uses about 300),
    /// 4,096 open files (linkers of large projects use about 2,000).
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30 * 60),
            output_bytes: 64 << 20,
            file_bytes: 2 << 30,
            processes: 1_024,
            open_files: 4_096,
            cpu_seconds: None,
        }
    }
}

/// Everything the launcher needs; it reads this from its standard input and believes nothing else.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    /// The program's process id: when it is no longer the launcher's parent, the program is gone.
    pub parent: i32,
    pub command: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    pub tree: PathBuf,
    pub access: Access,
    /// Holds `tmp/` and `home/`, which are writable inside, and `report.json`, which is not.
    pub private: PathBuf,
    pub read: Vec<PathBuf>,
    pub network: Network,
    pub confinement: Confinement,
    pub namespaces: Namespaces,
    pub limits: Limits,
}

/// What the launcher writes to `report.json` at the end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub level: Option<Level>,
    pub how: How,
}

/// How a caged run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// By itself, with this code.
    Exited(i32),
    /// Killed by this signal, which we did not send.
    Signalled(i32),
    /// Stopped by us after the wall-clock limit.
    TimedOut,
    /// Stopped by us after the output limit.
    OutputLimit,
    /// Stopped by us because somebody asked.
    Stopped,
    /// It never ran, for this reason.
    CouldNotStart(String),
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with exit code {code}"),
            Self::Signalled(signal) => write!(f, "was killed by signal {signal}"),
            Self::TimedOut => f.write_str("was stopped at its time limit"),
            Self::OutputLimit => f.write_str("was stopped because it wrote more output than allowed"),
            Self::Stopped => f.write_str("was stopped"),
            Self::CouldNotStart(why) => write!(f, "could not start: {why}"),
        }
    }
}

/// What held a caged run, as it was really established; people see it on the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Landlock's version in the kernel; none means that the cage was off.
    pub landlock_abi: Option<i32>,
    /// Whether the run had its own process ids, so that its end is the kernel's work.
    pub own_processes: bool,
    /// Whether the other processes of the machine were hidden from it.
    pub hidden_processes: bool,
    /// What it could reach.
    pub reach: Reach,
    /// Whether something stops a fork bomb.
    pub bounded_processes: bool,
}

/// What network a caged run could reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// Nothing but its own loopback.
    OwnLoopback,
    /// Its own loopback and the gate.
    Gate,
    /// The gate's port, at every address that has one; the kernel could not deny UDP.
    GatePort,
    /// No TCP; the kernel could not deny UDP.
    NoTcp,
    /// Everything, because it was allowed or because the kernel can deny nothing.
    Everything,
}

impl Level {
    /// Landlock's first version that stops a file from being truncated.
    const ABI_TRUNCATE: i32 = 3;
    /// Landlock's first version that keeps signals and abstract sockets inside.
    const ABI_SCOPES: i32 = 6;

    /// The level in a word where it holds all that it can, and with what it does not hold where it does not.
    pub fn in_brief(&self) -> String {
        let holds_all = self.landlock_abi.is_some_and(|abi| abi >= Self::ABI_TRUNCATE)
            && self.own_processes
            && self.hidden_processes
            && self.bounded_processes
            && matches!(self.reach, Reach::OwnLoopback | Reach::Gate);
        if holds_all { "standard".to_owned() } else { self.to_string() }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(abi) = self.landlock_abi else {
            return f.write_str("off: no sandbox, the command can touch whatever this program can");
        };
        write!(f, "standard: files by Landlock ABI {abi}")?;
        f.write_str(match (self.own_processes, self.hidden_processes) {
            (true, true) => ", own PID namespace",
            (true, false) => ", own PID namespace, other processes visible",
            (false, _) => ", no PID namespace",
        })?;
        f.write_str(match self.reach {
            Reach::OwnLoopback => ", own loopback only",
            Reach::Gate => ", network through the gate only",
            Reach::GatePort => ", TCP to the gate's port only",
            Reach::NoTcp => ", no TCP",
            Reach::Everything => ", network open",
        })?;
        if !self.bounded_processes {
            f.write_str(", processes not limited")?;
        }
        if abi < Self::ABI_TRUNCATE {
            f.write_str(", files outside can be truncated")?;
        }
        if abi < Self::ABI_SCOPES && !self.own_processes {
            f.write_str(", processes outside can be signalled")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(abi: Option<i32>, own: bool, reach: Reach) -> String {
        let level =
            Level { landlock_abi: abi, own_processes: own, hidden_processes: own, reach, bounded_processes: own };
        level.to_string()
    }

    #[test]
    fn a_level_names_what_it_does_not_hold() {
        expect_test::expect![[r#"
            standard: files by Landlock ABI 7, own PID namespace, own loopback only
            standard: files by Landlock ABI 2, no PID namespace, network open, processes not limited, files outside can be truncated, processes outside can be signalled
            off: no sandbox, the command can touch whatever this program can"#]]
        .assert_eq(
            &[
                level(Some(7), true, Reach::OwnLoopback),
                level(Some(2), false, Reach::Everything),
                level(None, false, Reach::Everything),
            ]
            .join("\n"),
        );
    }
}
