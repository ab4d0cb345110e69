//! The kernel namespaces of a run: own process ids (so that its end is the kernel's work), own mounts, own network.
//! All or none: a kernel that forbids one of them to this user forbids the user namespace that they hang on.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, send, socket};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{getegid, geteuid};
use nix::{NixPath, libc};

use super::launcher::fork_first;
use super::rules::{own_places, rooms};
use super::spec::{Access, Held, Namespaces, Network, Spec};

/// The user and group that root becomes inside: not root, so that the command holds no capability, not even over the
/// namespace. Outside it remains the same user, so files keep their owner.
const ROOT_INSIDE: u32 = 1_000;

/// Linux does not let a namespace have fewer process ids than this.
const PID_MAX_LEAST: u64 = 301;

/// What was unshared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unshared {
    /// Nothing: the kernel refused, or it was not wanted.
    Nothing,
    /// User, process ids, mounts and System V objects.
    Processes,
    /// The same, and the network.
    ProcessesAndNetwork,
}

/// Leaves the program's namespaces; the next child is the first process of the new ones.
pub(super) fn unshare_where_possible(spec: &Spec) -> Result<Unshared, String> {
    if spec.namespaces == Namespaces::Off {
        return Ok(Unshared::Nothing);
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let mut flags =
        CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    let unshared = match &spec.network {
        Network::Denied | Network::Gate(_) => {
            flags |= CloneFlags::CLONE_NEWNET;
            Unshared::ProcessesAndNetwork
        }
        Network::Allowed => Unshared::Processes,
    };
    if !are_given() || unshare(flags).is_err() {
        return Ok(Unshared::Nothing);
    }
    let inside = |id: u32| if id == 0 { ROOT_INSIDE } else { id };
    let maps = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{} {uid} 1", inside(uid))),
        ("gid_map", format!("{} {gid} 1", inside(gid))),
    ];
    for (name, text) in maps {
        fs::write(Path::new("/proc/self").join(name), text)
            .map_err(|error| format!("the user namespace refused its {name}: {error}"))?;
    }
    Ok(unshared)
}

/// Whether namespaces can be used, tried in a child. AppArmor on Ubuntu lets a user make them and then forbids
/// everything in them, which must not be found out halfway.
fn are_given() -> bool {
    let tried = fork_first(|| {
        let used = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>));
        std::process::exit(i32::from(used.is_err()))
    });
    tried.is_ok_and(|child| matches!(waitpid(child, None), Ok(WaitStatus::Exited(_, 0))))
}

/// What the first process could furnish its namespaces with.
#[derive(Default)]
pub(super) struct Furnished {
    pub own_proc: bool,
    pub bounded_processes: bool,
    /// Whether nothing outside can be changed, not even a mode.
    pub read_only: bool,
}

/// Furnishes the namespaces from within: `/proc` of its own, an empty `/run` (it holds the sockets of system services
/// and container engines), a loopback that is up, a ceiling of process ids. What a kernel refuses is left out; the
/// level says so.
pub(super) fn furnish(spec: &Spec, unshared: Unshared) -> Result<Furnished, String> {
    if unshared == Unshared::Nothing {
        return Ok(Furnished::default());
    }
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .map_err(|error| format!("the mounts cannot be made private: {error}"))?;
    let read_only = spec.held != Held::Off && freeze_outside(spec)?;
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let own_proc = mount(Some("proc"), "/proc", Some("proc"), safe, None::<&str>).is_ok();
    let mut bounded_processes = false;
    if own_proc {
        let ceiling = spec.limits.processes.max(PID_MAX_LEAST);
        bounded_processes = fs::write("/proc/sys/kernel/pid_max", ceiling.to_string()).is_ok();
    }
    if unshared == Unshared::ProcessesAndNetwork {
        if !needs_run(spec) {
            mount(Some("none"), "/run", Some("tmpfs"), safe | MsFlags::MS_RDONLY, None::<&str>)
                .map_err(|error| format!("/run cannot be emptied: {error}"))?;
        }
        // Without a loopback tests that talk to themselves would fail, but nothing would be less safe.
        let _ = raise_loopback();
    }
    Ok(Furnished { own_proc, bounded_processes, read_only })
}

/// Makes every mount but the run's own places read-only: Landlock does not judge changes of modes, owners and times.
/// False where the kernel refuses that.
fn freeze_outside(spec: &Spec) -> Result<bool, String> {
    // The launcher stays in the mounts that it made, because it still has a report to write.
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| format!("no mounts of its own: {error}"))?;
    let mut own = rooms(&spec.private).to_vec();
    own.extend((spec.access == Access::ReadWrite).then(|| spec.tree.clone()));
    for place in &own {
        mount(Some(place), place, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
            .map_err(|error| format!("{} cannot be opened: {error}", place.display()))?;
    }
    if set_mounts(Path::new("/"), libc::MOUNT_ATTR_RDONLY, 0).is_err() {
        return Ok(false);
    }
    for place in &own {
        set_mounts(place, 0, libc::MOUNT_ATTR_RDONLY)
            .map_err(|error| format!("{} cannot be made writable: {error}", place.display()))?;
    }
    Ok(true)
}

/// Sets and clears attributes of a mount and all below it.
fn set_mounts(at: &Path, attr_set: u64, attr_clr: u64) -> nix::Result<()> {
    let wanted = libc::mount_attr { attr_set, attr_clr, propagation: 0, userns_fd: 0 };
    let set = at.with_nix_path(|path| {
        let (path, wanted, size) = (path.as_ptr(), std::ptr::from_ref(&wanted), size_of::<libc::mount_attr>());
        #[expect(unsafe_code, reason = "nix has no mount_setattr")]
        // SAFETY: both pointers are to memory that outlives the call, and the size is that of what is pointed to.
        unsafe {
            libc::syscall(libc::SYS_mount_setattr, libc::AT_FDCWD, path, libc::AT_RECURSIVE, wanted, size)
        }
    })?;
    Errno::result(set).map(drop)
}

fn needs_run(spec: &Spec) -> bool {
    let within = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|real| real.starts_with("/run"));
    !Path::new("/run").is_dir() || own_places(spec).iter().chain(&spec.read).any(within)
}

/// Brings the loopback interface up: one `RTM_NEWLINK` message for interface 1 with the flag `IFF_UP`.
fn raise_loopback() -> nix::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST: u16 = 1;
    const IFF_UP: u32 = 1;
    const LOOPBACK_INDEX: i32 = 1;
    let mut message = Vec::with_capacity(32);
    message.extend(32u32.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([0; 4]);
    message.extend(LOOPBACK_INDEX.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    let kind = (AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC);
    let route = socket(kind.0, kind.1, kind.2, SockProtocol::NetlinkRoute)?;
    send(std::os::fd::AsRawFd::as_raw_fd(&route), &message, MsgFlags::empty()).map(drop)
}
