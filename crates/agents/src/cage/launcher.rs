//! The launcher: `downbeat cage`, the program executed again to enforce the cage and to end everything in it.

#![expect(clippy::disallowed_methods, reason = "the launcher is the cage, and has neither a clock nor a runtime")]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::{ForkResult, Pid, fork, geteuid, setsid};

use super::namespaces::{Furnished, Unshared, furnish, unshare_where_possible};
use super::rules::{self, Enforced, rooms};
use super::spec::{Confinement, How, Level, Network, Reach as NetworkReach, Report, Spec};
use super::supervisor::{Guard, Reach, hold_signals, parent_lives, wait_for};
use super::{GATE_PORT, bridge};

/// Bytes of a spec beyond which it is refused; a real one has a few thousand.
const SPEC_BYTES_MAX: u32 = 1 << 20;

/// The whole program when it was started as the launcher. Must be called before any other thread exists.
///
/// Reads the spec from standard input (four bytes of length, then JSON); what follows it there is the command's.
/// The exit code means nothing: how the run ended stands in the report.
pub fn launch_main() -> ExitCode {
    match read_spec() {
        Ok(spec) => {
            let report = launch(&spec).unwrap_or_else(|why| Report { level: None, how: How::CouldNotStart(why) });
            write_report(&spec, &report)
        }
        Err(error) => {
            eprintln!("this verb is for the program's own use: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read_spec() -> io::Result<Spec> {
    // Not `io::stdin()`: its buffer would swallow the beginning of what belongs to the command.
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut length = [0; 4];
    stdin.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > SPEC_BYTES_MAX {
        return Err(io::Error::other(format!("a spec of {length} bytes")));
    }
    let mut text = vec![0; length as usize];
    stdin.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// The text that `read_spec` reads.
pub(super) fn framed(spec: &Spec) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_vec(spec)?;
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    Ok([length.to_le_bytes().as_slice(), &text].concat())
}

fn write_report(spec: &Spec, report: &Report) -> ExitCode {
    let written = serde_json::to_vec(report).map_err(io::Error::from);
    match written.and_then(|text| fs::write(spec.private.join(REPORT), text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the report cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The report's name in the private directory.
pub(super) const REPORT: &str = "report.json";

fn launch(spec: &Spec) -> Result<Report, String> {
    let guard = Guard::Parent(Pid::from_raw(spec.parent));
    let refused = |what: &'static str| move |error: nix::Error| format!("{what}: {error}");
    hold_signals().map_err(refused("signals cannot be held"))?;
    setsid().map_err(refused("no session of its own"))?;
    close_inherited().map_err(|error| format!("inherited files cannot be closed: {error}"))?;
    prctl::set_child_subreaper(true).map_err(refused("orphans cannot be adopted"))?;
    let as_root = geteuid().is_root();
    let unshared = match spec.confinement {
        Confinement::Standard => unshare_where_possible(spec)?,
        Confinement::Off => Unshared::Nothing,
    };
    let place = Place { unshared, as_root };
    // After the unsharing, because a change of credentials may clear it; the check covers the time before.
    prctl::set_pdeathsig(Signal::SIGHUP).map_err(refused("the program's death cannot be watched"))?;
    if !parent_lives(guard) {
        return Err("the program ended meanwhile".into());
    }
    let (mut told, teller) = io::pipe().map_err(|error| format!("no pipe: {error}"))?;
    let first = fork_first(|| {
        drop(teller.try_clone().map(|teller| live_inside(spec, &place, teller)));
    })?;
    drop(teller);
    let reach = if place.has_namespace() { Reach::First(first) } else { Reach::Descendants };
    let status = wait_for(first, &reach, guard);
    let mut lines = String::new();
    told.read_to_string(&mut lines).map_err(|error| format!("nothing was heard from inside: {error}"))?;
    Ok(understand(&lines, status))
}

/// Where the first process finds itself.
struct Place {
    unshared: Unshared,
    /// Whether the program runs as root; inside nobody does.
    as_root: bool,
}

impl Place {
    fn has_namespace(&self) -> bool {
        self.unshared != Unshared::Nothing
    }
}

/// Runs `inside` in a child, which ends after it.
fn fork_first(inside: impl FnOnce()) -> Result<Pid, String> {
    #[expect(unsafe_code, reason = "the launcher has one thread, so the child may do anything that the parent could")]
    // SAFETY: no other thread exists that could hold a lock in the moment of the fork.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Ok(child),
        Ok(ForkResult::Child) => {
            inside();
            std::process::exit(0)
        }
        Err(error) => Err(format!("no process: {error}")),
    }
}

/// What the first process inside does: sets the rules on itself, tells the level, starts the command, waits, tells
/// how it ended.
fn live_inside(spec: &Spec, place: &Place, mut teller: io::PipeWriter) {
    let mut tell = |line: serde_json::Result<String>| {
        let _ = writeln!(teller, "{}", line.unwrap_or_default());
    };
    let how = match settle_in(spec, place) {
        Ok(level) => {
            tell(serde_json::to_string(&level));
            run_command(spec, place)
        }
        Err(why) => How::CouldNotStart(why),
    };
    tell(serde_json::to_string(&how));
}

fn settle_in(spec: &Spec, place: &Place) -> Result<Level, String> {
    // With a namespace our death is everybody's; without one we must sweep first.
    let on_death = if place.has_namespace() { Signal::SIGKILL } else { Signal::SIGTERM };
    prctl::set_pdeathsig(on_death).map_err(|error| format!("the launcher's death cannot be watched: {error}"))?;
    prctl::set_child_subreaper(true).map_err(|error| format!("orphans cannot be adopted: {error}"))?;
    let Furnished { own_proc, bounded_processes } = furnish(spec, place.unshared)?;
    let gate = listen_for_gate(&spec.network)?;
    rules::limit(&spec.limits)?;
    prctl::set_no_new_privs().map_err(|error| format!("new privileges cannot be ruled out: {error}"))?;
    if place.as_root && !place.has_namespace() && spec.confinement == Confinement::Standard {
        rules::drop_capabilities()?;
    }
    let enforced = match spec.confinement {
        Confinement::Standard => Some(rules::confine(spec, place.unshared == Unshared::ProcessesAndNetwork)?),
        Confinement::Off => None,
    };
    // After the rules, because whoever sweeps at the end is bound by them and may signal nobody who is not.
    if let Some((listener, socket)) = gate {
        fork_bridge(&listener, socket)?;
    }
    Ok(Level {
        landlock_abi: enforced.as_ref().map(|Enforced { abi, .. }| *abi),
        own_processes: place.has_namespace(),
        hidden_processes: own_proc,
        reach: enforced.map_or(NetworkReach::Everything, |Enforced { reach, .. }| reach),
        // The kernel exempts root from its limit per user.
        bounded_processes: bounded_processes || !place.as_root,
    })
}

/// The gate's port inside, and the socket outside that it leads to.
fn listen_for_gate(network: &Network) -> Result<Option<(TcpListener, &Path)>, String> {
    let Network::Gate { socket } = network else { return Ok(None) };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, GATE_PORT)).map_err(|error| {
        format!("the network's gate cannot listen on 127.0.0.1:{GATE_PORT}: {error}; without namespaces only one run at a time can have it")
    })?;
    Ok(Some((listener, socket)))
}

/// Starts the process of ours that joins the gate's port to its socket.
fn fork_bridge(listener: &TcpListener, socket: &Path) -> Result<(), String> {
    fork_first(|| match rules::confine_bridge() {
        Ok(()) => bridge::serve(listener, socket),
        Err(why) => eprintln!("the network's gate stays closed: {why}"),
    })
    .map(drop)
}

fn run_command(spec: &Spec, place: &Place) -> How {
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
    let reach = if place.has_namespace() { Reach::Namespace } else { Reach::Descendants };
    how_it_ended(wait_for(Pid::from_raw(child.id() as i32), &reach, Guard::Kernel))
}

fn how_it_ended(status: WaitStatus) -> How {
    match status {
        WaitStatus::Exited(_, code) => How::Exited(code),
        WaitStatus::Signaled(_, signal, _) => How::Signalled(signal as i32),
        other => How::CouldNotStart(format!("the kernel reported {other:?}")),
    }
}

/// The two lines from inside: the level, then how the command ended. Either may be missing when the first process
/// itself was killed.
fn understand(lines: &str, status: WaitStatus) -> Report {
    let mut level = None;
    let mut how = None;
    for line in lines.lines() {
        level = level.or_else(|| serde_json::from_str(line).ok());
        how = how.or_else(|| serde_json::from_str(line).ok());
    }
    Report { level, how: how.unwrap_or_else(|| how_it_ended(status)) }
}

/// Closes every descriptor but the three standard ones: a file that is already open is outside Landlock's rules.
fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // The directory's own descriptor is on the list and gone already.
        let _ = nix::unistd::close(fd);
    }
    Ok(())
}
