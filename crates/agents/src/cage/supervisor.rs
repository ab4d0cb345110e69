//! Waiting for one child and ending all of its descendants. Runs twice for each caged run: in the launcher, outside,
//! and in the first process inside. Both have one thread and take their signals one by one, so there are no handlers.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::time::TimeSpec;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, alarm, getpid, getppid};

use super::spec::How;
use super::usage::Allowance;

/// How long a stopped run may tidy up, in seconds.
const GRACE_SECONDS: u32 = 1;

/// How long the dying get between two sweeps; a process dies in well under a millisecond.
const SWEEP_PAUSE: Duration = Duration::from_millis(2);

/// What a signal goes to.
pub(super) enum Reach {
    /// The first process of a namespace; when it ends, the kernel ends the rest.
    First(Pid),
    /// Everything in our own PID namespace, of which we are the first process.
    Namespace,
    /// All our descendants, found through `/proc`. As a subreaper we inherit those whose parents ended.
    Descendants,
}

/// What may not happen without the run being ended.
#[derive(Clone, Copy)]
pub(super) enum Guard {
    /// The process with this id must stay our parent.
    Parent(Pid),
    /// None: our parent's death kills us at once.
    Kernel,
}

/// Blocks the signals that `wait_for` takes one by one. Before the first fork, so that none is lost.
pub(super) fn hold_signals() -> nix::Result<()> {
    awaited().thread_block()
}

fn awaited() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGALRM].into_iter().collect()
}

/// Waits until `main` ends, and ends what it leaves behind. SIGTERM ends the run after a grace of one second, the
/// death of the parent at once.
///
/// A run that uses more than its allowance is ended at once, and what it used too much of is told.
#[expect(clippy::disallowed_methods, reason = "the launcher has no clock but the machine's")]
pub(super) fn wait_for(
    main: Pid,
    reach: &Reach,
    guard: Guard,
    allowance: Option<&Allowance>,
) -> (WaitStatus, Option<How>) {
    let mut exceeded = None;
    let mut measured = Instant::now();
    loop {
        // By the clock and not by silence: whoever starts processes all the time makes signals all the time.
        if let Some(allowance) = allowance.filter(|allowance| measured.elapsed() >= allowance.pause()) {
            exceeded = exceeded.or_else(|| allowance.exceeded());
            if exceeded.is_some() {
                send(reach, Signal::SIGKILL);
            }
            measured = Instant::now();
        }
        match next_signal(allowance.map(Allowance::pause)) {
            Ok(Signal::SIGCHLD) => {
                if let Some(status) = reap_until(main) {
                    sweep_remains(reach);
                    return (status, exceeded);
                }
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Ok(Signal::SIGTERM | Signal::SIGINT) => {
                send(reach, Signal::SIGTERM);
                alarm::set(GRACE_SECONDS);
            }
            Ok(Signal::SIGHUP) if parent_lives(guard) => {}
            Ok(_) | Err(_) => send(reach, Signal::SIGKILL),
        }
    }
}

/// The next of the awaited signals, or EAGAIN when none came for so long.
fn next_signal(within: Option<Duration>) -> nix::Result<Signal> {
    let Some(within) = within else { return awaited().wait() };
    let within = TimeSpec::from(within);
    #[expect(unsafe_code, reason = "nix has no wait for a signal that ends")]
    // SAFETY: both references outlive the call, and nothing is written where the null pointer is given.
    let signal = unsafe { libc::sigtimedwait(awaited().as_ref(), std::ptr::null_mut(), within.as_ref()) };
    Errno::result(signal).and_then(Signal::try_from)
}

/// A parent-death signal also comes when only the thread that started us ended; the process is then still our parent.
pub(super) fn parent_lives(guard: Guard) -> bool {
    match guard {
        Guard::Parent(parent) => getppid() == parent,
        Guard::Kernel => true,
    }
}

fn reap_until(main: Pid) -> Option<WaitStatus> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(status @ (WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _))) if pid == main => {
                return Some(status);
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

fn send(reach: &Reach, signal: Signal) {
    // Nobody left to be signalled is no error: that is the aim.
    let _ = match reach {
        Reach::First(first) => kill(*first, signal),
        Reach::Namespace => kill(Pid::from_raw(-1), signal),
        Reach::Descendants => {
            // Frozen first: what cannot run cannot fork away while the list is read again.
            if signal == Signal::SIGKILL {
                signal_descendants(Signal::SIGSTOP);
            }
            signal_descendants(signal);
            Ok(())
        }
    };
}

fn sweep_remains(reach: &Reach) {
    match reach {
        Reach::First(_) | Reach::Namespace => {}
        // Again and again: a process forked while the list was read is not on it.
        Reach::Descendants => {
            while any_child_left() {
                send(reach, Signal::SIGKILL);
                pause_sweeping();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the launcher has no runtime that could be blocked")]
fn pause_sweeping() {
    std::thread::sleep(SWEEP_PAUSE);
}

/// Reaps all who died. As a subreaper we have a child for as long as we have a descendant.
fn any_child_left() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Err(Errno::ECHILD) => return false,
            Ok(_) | Err(_) => {}
        }
    }
}

fn signal_descendants(signal: Signal) {
    for pid in descendants_of(getpid(), &parents()) {
        let _ = kill(pid, signal);
    }
}

/// The parent of each process, from `/proc/PID/stat`.
pub(super) fn parents() -> HashMap<Pid, Pid> {
    let parent_of = |pid: Pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parent_in(&stat)?))
    };
    everybody_running().filter_map(parent_of).collect()
}

/// Every process in `/proc`.
pub(super) fn everybody_running() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw))
}

/// The fourth field; the second is the command in parentheses and may itself hold spaces and parentheses.
fn parent_in(stat: &str) -> Option<Pid> {
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok().map(Pid::from_raw)
}

/// The process's children, their children, and so on.
pub(super) fn descendants_of(root: Pid, parents: &HashMap<Pid, Pid>) -> HashSet<Pid> {
    let mut found = HashSet::new();
    let mut front = vec![root];
    while let Some(parent) = front.pop() {
        let children = parents.iter().filter(|(_, of)| **of == parent).map(|(pid, _)| *pid);
        front.extend(children.filter(|pid| found.insert(*pid)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_named_like_a_stat_line_hides_no_parent() {
        assert_eq!(parent_in("12 (a) S 1 (b) S 77 12 12 0"), Some(Pid::from_raw(77)));
        assert_eq!(parent_in("nonsense"), None);
    }

    #[test]
    fn descendants_are_found_through_every_generation() {
        let family = [(2, 1), (3, 2), (4, 3), (9, 8)].map(|(pid, of)| (Pid::from_raw(pid), Pid::from_raw(of)));
        let found = descendants_of(Pid::from_raw(2), &family.into_iter().collect());
        assert_eq!(found, [3, 4].map(Pid::from_raw).into_iter().collect());
    }
}
