//! What the program tells the launcher, and what the launcher reports back.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::door::Door;
use super::level::Level;

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
    /// One gate, which is found on 127.0.0.1 at the door's port. Without namespaces that is one of this machine's, and
    /// Landlock lets TCP connect to no other.
    Gate(Door),
    /// The machine's network as it is.
    Allowed,
}

/// How firmly commands shall be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confinement {
    /// `Strong` where bubblewrap is there and works, else `Standard`.
    Auto,
    /// [`Held::Strong`] or nothing runs.
    Strong,
    /// [`Held::Standard`] or nothing runs.
    Standard,
    /// [`Held::Off`]; only an explicit word in the config is this.
    Off,
}

/// How firmly a command is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    /// Limits and a cleared environment only. The command can touch whatever the program can.
    Off,
    /// Landlock, refused system calls, limits, and namespaces where the kernel allows them.
    Standard,
    /// The same inside bubblewrap's namespaces and a root in which paths outside do not exist.
    Strong,
}

impl Held {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Standard => "standard",
            Self::Strong => "strong",
        }
    }
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
    /// Bytes of memory of all processes together. Measured ten times a second, so it can be passed for a moment.
    pub memory_bytes: u64,
    /// Bytes on disk of the tree and the private directories together. Measured, like memory, but less often.
    pub disk_bytes: u64,
}

impl Default for Limits {
    /// Fits a build with tests of a medium repository: 30 minutes, 64 MiB of output (a verbose build writes about
    /// one), files to 2 GiB (a debug binary is below one), 1,024 processes (a build on 64 cores uses about 300),
    /// 4,096 open files (linkers of large projects use about 2,000), 8 GiB of memory (linking a large program takes
    /// about four, an agent below one), 20 GiB of disk (the target directory of a large project has about ten).
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30 * 60),
            output_bytes: 64 << 20,
            file_bytes: 2 << 30,
            processes: 1_024,
            open_files: 4_096,
            cpu_seconds: None,
            memory_bytes: 8 << 30,
            disk_bytes: 20 << 30,
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
    pub held: Held,
    /// The user who runs the program; inside it has another number.
    pub outer_uid: u32,
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
    /// Ended by us because its processes together used more memory than allowed.
    MemoryLimit,
    /// Ended by us because it had more processes and threads than allowed.
    ProcessLimit,
    /// Stopped by us because its directories took more disk than allowed.
    DiskLimit,
    /// Stopped by us because somebody asked.
    Stopped,
    /// It never ran, for this reason.
    CouldNotStart(String),
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with exit code {code}"),
            Self::Signalled(nix::libc::SIGXFSZ) => f.write_str("was killed because a file became larger than allowed"),
            Self::Signalled(nix::libc::SIGXCPU) => f.write_str("was killed because it used up its processor time"),
            Self::Signalled(signal) => write!(f, "was killed by signal {signal}"),
            Self::TimedOut => f.write_str("was stopped at its time limit"),
            Self::OutputLimit => f.write_str("was stopped because it wrote more output than allowed"),
            Self::MemoryLimit => f.write_str("was ended because it used more memory than allowed"),
            Self::ProcessLimit => f.write_str("was ended because it had more processes than allowed"),
            Self::DiskLimit => f.write_str("was stopped because its files took more disk than allowed"),
            Self::Stopped => f.write_str("was stopped"),
            Self::CouldNotStart(why) => write!(f, "could not start: {why}"),
        }
    }
}
