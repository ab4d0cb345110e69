//! What a run uses of the machine, measured where the kernel keeps no account of it: memory and processes of all of it
//! together, and the disk under its directories.
//!
//! Control groups would hold memory before it is taken; no unprivileged user has them on every machine. A measurement
//! comes a moment late, and then the run is ended as a whole.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Pid, getpid};

use super::spec::{How, Limits};
use super::supervisor::{descendants_of, everybody_running, parents};

/// Bytes of a block in which `stat` counts, whatever the file system's own are.
const STAT_BLOCK_BYTES: u64 = 512;

/// Directories below each other that are measured. Deeper ones are counted as they are reached by nobody's tools.
const DEPTH_MAX: usize = 256;

/// What all processes of a run may use together.
pub(super) struct Allowance {
    memory_bytes: u64,
    processes: u64,
    /// Whether all processes in `/proc` are the run's.
    own_proc: bool,
}

impl Allowance {
    pub(super) fn of(limits: &Limits, own_proc: bool) -> Self {
        Self { memory_bytes: limits.memory_bytes, processes: limits.processes, own_proc }
    }

    /// How long until the next measurement. A look at one's own processes takes well under a millisecond, one at all
    /// of a machine's some.
    pub(super) fn pause(&self) -> Duration {
        Duration::from_millis(if self.own_proc { 100 } else { 400 })
    }

    /// What is used too much of now.
    pub(super) fn exceeded(&self) -> Option<How> {
        let ours: Vec<Pid> = if self.own_proc {
            everybody_running().filter(|pid| *pid != getpid()).collect()
        } else {
            descendants_of(getpid(), &parents()).into_iter().collect()
        };
        // Counted before any of them is looked at: that takes longer with each, and they multiply meanwhile. As root
        // nothing else bounds them, and they would take every process of the machine.
        if ours.len() as u64 > self.processes {
            return Some(How::ProcessLimit);
        }
        let (memory, threads) = ours
            .into_iter()
            .filter_map(|pid| Some((private_bytes(pid)?, threads(pid)?)))
            .fold((0, 0), |(memory, threads), (m, t)| (memory + m, threads + t));
        if memory > self.memory_bytes {
            Some(How::MemoryLimit)
        } else {
            (threads > self.processes).then_some(How::ProcessLimit)
        }
    }
}

/// The memory that a process shares with no file: what only it makes the machine keep.
fn private_bytes(pid: Pid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut pages = text.split(' ').skip(1).map(str::parse::<u64>);
    let (resident, shared) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some(resident.saturating_sub(shared) * page_bytes())
}

fn page_bytes() -> u64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().map_or(4_096, |bytes| bytes as u64)
}

/// The eighteenth field after the command, which stands in parentheses and may hold anything.
fn threads(pid: Pid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(17)?.parse().ok()
}

/// Bytes on disk below these directories, each file once. Follows no link, and leaves out what vanishes meanwhile.
pub(super) fn disk_bytes(dirs: &[PathBuf]) -> u64 {
    let mut seen = HashSet::new();
    dirs.iter().map(|dir| below(dir, DEPTH_MAX, &mut seen)).sum()
}

fn below(dir: &Path, depth: usize, seen: &mut HashSet<(u64, u64)>) -> u64 {
    let Some(depth) = depth.checked_sub(1) else { return 0 };
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let of = |entry: fs::DirEntry| {
        let Ok(found) = entry.metadata() else { return 0 };
        if found.nlink() > 1 && !found.is_dir() && !seen.insert((found.dev(), found.ino())) {
            return 0;
        }
        let own = found.blocks() * STAT_BLOCK_BYTES;
        if found.is_dir() { own + below(&entry.path(), depth, seen) } else { own }
    };
    entries.flatten().map(of).sum()
}
