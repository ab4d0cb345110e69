//! The first process inside: sets the rules on itself, tells the level, starts the command, waits, tells how it ended.

#![expect(clippy::disallowed_methods, reason = "the first process inside has neither a clock nor a runtime")]

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::{Pid, geteuid};

use super::door::Door;
use super::launcher::fork_first;
use super::level::{Level, Reach as NetworkReach};
use super::namespaces::{Furnished, Unshared, furnish};
use super::rules::{self, Enforced, rooms};
use super::spec::{Held, How, Network, Spec};
use super::supervisor::{Guard, Reach, wait_for};
use super::usage::Allowance;
use super::{bridge, calls};

/// How much a command steps behind everything else that wants a processor: a tenth of its usual share.
const NICENESS: i32 = 10;

/// Where the first process finds itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In what the launcher unshared.
    Unshared(Unshared),
    /// In what bubblewrap made.
    Bubblewrap,
}

impl Place {
    fn has_namespace(self) -> bool {
        self != Self::Unshared(Unshared::Nothing)
    }

    /// Whether no address of the machine's is reached.
    fn has_network(self, wanted: &Network) -> bool {
        match self {
            Self::Unshared(unshared) => unshared == Unshared::ProcessesAndNetwork,
            Self::Bubblewrap => *wanted != Network::Allowed,
        }
    }
}

/// The first process's whole life.
pub(super) fn live(spec: &Spec, place: Place, mut teller: impl Write) {
    let mut tell = |line: serde_json::Result<String>| {
        let _ = writeln!(teller, "{}", line.unwrap_or_default());
    };
    let how = match settle_in(spec, place) {
        Ok(level) => {
            tell(serde_json::to_string(&level));
            run_command(spec, place, &level)
        }
        Err(why) => How::CouldNotStart(why),
    };
    tell(serde_json::to_string(&how));
}

fn settle_in(spec: &Spec, place: Place) -> Result<Level, String> {
    // With a namespace our death is everybody's; without one we must sweep first.
    let on_death = if place.has_namespace() { Signal::SIGKILL } else { Signal::SIGTERM };
    prctl::set_pdeathsig(on_death).map_err(|error| format!("the launcher's death cannot be watched: {error}"))?;
    prctl::set_child_subreaper(true).map_err(|error| format!("orphans cannot be adopted: {error}"))?;
    // Only outside of a user namespace are we root here; inside nobody is.
    let as_root = geteuid().is_root();
    let furnished = match place {
        Place::Unshared(unshared) => furnish(spec, unshared)?,
        Place::Bubblewrap => Furnished { own_proc: true, bounded_processes: false, read_only: true },
    };
    let gate = listen_for_gate(&spec.network)?;
    rules::limit(&spec.limits)?;
    prctl::set_no_new_privs().map_err(|error| format!("new privileges cannot be ruled out: {error}"))?;
    let own_network = place.has_network(&spec.network);
    let enforced = if spec.held == Held::Off { None } else { Some(hold(spec, own_network, as_root)?) };
    // After the rules, because whoever sweeps at the end is bound by them and may signal nobody who is not.
    if let Some((listener, door)) = gate {
        fork_bridge(&listener, door)?;
    }
    Ok(Level {
        held: spec.held,
        landlock_abi: enforced.as_ref().map(|Enforced { abi, .. }| *abi),
        own_processes: place.has_namespace(),
        hidden_processes: furnished.own_proc,
        frozen_outside: furnished.read_only,
        reach: enforced.map_or(NetworkReach::Everything, |Enforced { reach, .. }| reach),
        // The kernel exempts root from its limit per user.
        bounded_processes: furnished.bounded_processes || spec.outer_uid != 0,
    })
}

/// Landlock and refused system calls, on this process and all it will start; and nothing of this process for them.
fn hold(spec: &Spec, own_network: bool, as_root: bool) -> Result<Enforced, String> {
    if as_root {
        rules::drop_capabilities()?;
    }
    // The command has our user and our rules, and would write into our pipe and our memory. What it executes is its own.
    prctl::set_dumpable(false)
        .map_err(|error| format!("the first process cannot be closed to the command: {error}"))?;
    let enforced = rules::confine(spec, own_network)?;
    calls::refuse(own_network || spec.network == Network::Allowed)?;
    Ok(enforced)
}

/// The gate's port inside, and the door outside that it leads to.
fn listen_for_gate(network: &Network) -> Result<Option<(TcpListener, &Door)>, String> {
    let Network::Gate(door) = network else { return Ok(None) };
    let port = door.port();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|error| format!("the network's gate cannot listen on 127.0.0.1:{port}: {error}"))?;
    Ok(Some((listener, door)))
}

/// Starts the process of ours that joins the gate's port to its door.
fn fork_bridge(listener: &TcpListener, door: &Door) -> Result<(), String> {
    fork_first(|| match bridge::belong().and_then(|()| bridge::approach(door)).and_then(|()| rules::confine_bridge()) {
        Ok(()) => bridge::serve(listener, door),
        Err(why) => eprintln!("the network's gate stays closed: {why}"),
    })
    .map(drop)
}

fn run_command(spec: &Spec, place: Place, level: &Level) -> How {
    let [tmp, home] = rooms(&spec.private);
    let Some((program, args)) = spec.command.split_first() else {
        return How::CouldNotStart("the command is empty".into());
    };
    let spawned = Command::new(program)
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("TMPDIR", tmp)
        .env("LANG", "C.UTF-8")
        .env("TERM", "dumb")
        .envs(&spec.env)
        .current_dir(&spec.cwd)
        .spawn();
    let child = match spawned {
        Ok(child) => child,
        Err(error) => return How::CouldNotStart(format!("`{program}` in {}: {error}", spec.cwd.display())),
    };
    let pid = Pid::from_raw(child.id() as i32);
    step_behind(pid);
    let reach = if place.has_namespace() { Reach::Namespace } else { Reach::Descendants };
    let allowance = Allowance::of(&spec.limits, place.has_namespace() && level.hidden_processes);
    let (status, exceeded) = wait_for(pid, &reach, Guard::Kernel, Some(&allowance));
    exceeded.unwrap_or_else(|| how_it_ended(status))
}

/// Gives the command less of a busy processor than whoever watches it, so that a thousand processes of it do not keep
/// its watcher from ending them.
fn step_behind(command: Pid) {
    #[expect(unsafe_code, reason = "nix has no setpriority")]
    // SAFETY: three numbers.
    // One that has ended already needs no less.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, command.as_raw().cast_unsigned(), NICENESS) };
}

/// How a process that ended by itself did.
pub(super) fn how_it_ended(status: WaitStatus) -> How {
    match status {
        WaitStatus::Exited(_, code) => How::Exited(code),
        WaitStatus::Signaled(_, signal, _) => How::Signalled(signal as i32),
        other => How::CouldNotStart(format!("the kernel reported {other:?}")),
    }
}
