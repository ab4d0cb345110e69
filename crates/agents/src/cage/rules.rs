//! What the inside may touch: Landlock rules and resource limits, set on the first process inside before the command
//! exists, and inherited by everything after it.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, make_bitflags, path_beneath_rules,
};
use nix::sys::resource::{Resource, setrlimit};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities};

use super::door::Door;
use super::level::Reach;
use super::spec::{Access, Held, Limits, Network, Spec};

/// Programs and libraries of the system.
pub(super) const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/proc"];

/// What programs look up in `/etc`. The whole of it holds secrets (`shadow`, private keys, service configurations)
/// that nothing but the file mode protects, and a file mode does not stop a program that runs as root.
pub(super) const ETC: &[&str] = &[
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "crypto-policies",
    "debian_version",
    "fonts",
    "group",
    "host.conf",
    "hosts",
    "inputrc",
    "java",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.conf",
    "localtime",
    "login.defs",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "perl",
    "pki",
    "profile",
    "protocols",
    "python3",
    "resolv.conf",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

/// How programs learn the number of processors and their share of memory.
const MACHINE: &[&str] = &["/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup"];

/// Devices that hold nothing.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Devices that are the run's own where its root is: shared memory and terminals.
pub(super) const DEVICES_OF_ITS_OWN: [&str; 2] = ["/dev/shm", "/dev/pts"];

const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{Execute | ReadFile | ReadDir});

/// What stands: Landlock's version and the network that is left.
pub(super) struct Enforced {
    pub abi: i32,
    pub reach: Reach,
}

/// Restricts this process and all it will start. Fails rather than doing less than files and no new privileges.
pub(super) fn confine(spec: &Spec, own_network: bool) -> Result<Enforced, String> {
    for needed in own_places(spec) {
        PathFd::new(&needed).map_err(|error| format!("{} cannot be opened: {error}", needed.display()))?;
    }
    let hold_tcp = spec.network != Network::Allowed && !own_network;
    let status = restrict(spec, hold_tcp).map_err(|error| format!("Landlock refused its rules: {error}"))?;
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
        return Err(
            "this kernel has no Landlock (Linux 5.13 or later with `landlock` among its security modules)".into()
        );
    };
    if !status.no_new_privs {
        return Err("the kernel did not take away new privileges".into());
    }
    let tcp_is_held = hold_tcp && effective_abi >= ABI::V4;
    let reach = match (&spec.network, own_network, tcp_is_held) {
        (Network::Denied, true, _) => Reach::OwnLoopback,
        (Network::Gate(_), true, _) => Reach::Gate,
        (Network::Denied, false, true) => Reach::NoTcp,
        (Network::Gate(_), false, true) => Reach::GatePort,
        (Network::Allowed, _, _) | (_, false, false) => Reach::Everything,
    };
    Ok(Enforced { abi: effective_abi as i32, reach })
}

fn restrict(spec: &Spec, hold_tcp: bool) -> Result<landlock::RestrictionStatus, RulesetError> {
    let newest = ABI::V9;
    let writable = AccessFs::from_all(newest) & !make_bitflags!(AccessFs::{MakeChar | MakeBlock});
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))?
        .scope(Scope::from_all(newest))?;
    if hold_tcp {
        ruleset = ruleset.handle_access(AccessNet::from_all(newest))?;
    }
    let [tmp, home] = rooms(&spec.private);
    let tree_rights = match spec.access {
        Access::ReadOnly => READ,
        Access::ReadWrite => writable,
    };
    let gate = match &spec.network {
        Network::Gate(door) => Some(door),
        Network::Denied | Network::Allowed => None,
    };
    let port = gate.filter(|_| hold_tcp).map(|door| Ok(NetPort::new(door.port(), AccessNet::ConnectTcp)));
    let of_its_own: &[&str] = match spec.held {
        Held::Strong => &[DEVICES_OF_ITS_OWN[0], DEVICES_OF_ITS_OWN[1], "/tmp"],
        Held::Standard | Held::Off => &[],
    };
    ruleset
        .create()?
        .add_rules(path_beneath_rules(of_its_own, writable))?
        .add_rules(port.into_iter().collect::<Vec<Result<NetPort, RulesetError>>>())?
        .add_rules(path_beneath_rules(gate.map(Door::socket), make_bitflags!(AccessFs::{ResolveUnix})))?
        .add_rules(path_beneath_rules(SYSTEM.iter().chain(MACHINE), READ))?
        .add_rules(path_beneath_rules(ETC.iter().map(|name| Path::new("/etc").join(name)), READ))?
        .add_rules(path_beneath_rules(DEVICES, make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate})))?
        .add_rules(spec.read.iter().flat_map(|path| path_beneath_rules([path], readable(path))))?
        .add_rules(path_beneath_rules([&spec.tree], tree_rights))?
        .add_rules(path_beneath_rules([tmp, home], writable))?
        .restrict_self()
}

/// What is given of a path that may be read: a socket is there to be connected to.
fn readable(path: &Path) -> BitFlags<AccessFs> {
    let is_socket = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket { READ | AccessFs::ResolveUnix } else { READ }
}

/// What the bridge's process may do: take connections that reach its listener, and connect to the gate's socket. No
/// file, no other network, no capability, even if the command could make it run something.
pub(super) fn confine_bridge() -> Result<(), String> {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(|error| format!("capabilities cannot be dropped: {error}"))?;
    let newest = ABI::V8;
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(newest)))
        .and_then(|rules| rules.create()?.restrict_self());
    rules.map(drop).map_err(|error| format!("Landlock refused its rules: {error}"))
}

/// The private temporary and home directory of a run.
pub(super) fn rooms(private: &Path) -> [PathBuf; 2] {
    [private.join("tmp"), private.join("home")]
}

/// The paths without which a run makes no sense; all others may be missing on a machine.
pub(super) fn own_places(spec: &Spec) -> Vec<PathBuf> {
    let mut places = rooms(&spec.private).to_vec();
    places.push(spec.tree.clone());
    places
}

/// Sets the limits that the kernel keeps per process or per user.
pub(super) fn limit(limits: &Limits) -> Result<(), String> {
    let mut wanted = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, limits.file_bytes),
        (Resource::RLIMIT_NPROC, limits.processes),
        (Resource::RLIMIT_NOFILE, limits.open_files),
    ];
    wanted.extend(limits.cpu_seconds.map(|seconds| (Resource::RLIMIT_CPU, seconds)));
    for (resource, limit) in wanted {
        let (_, ceiling) = nix::sys::resource::getrlimit(resource).map_err(|e| format!("{resource:?}: {e}"))?;
        let limit = limit.min(ceiling);
        setrlimit(resource, limit, limit).map_err(|error| format!("{resource:?} cannot be set to {limit}: {error}"))?;
    }
    Ok(())
}

/// Takes every capability from what this process will execute. Only for root outside of a user namespace: with
/// CAP_PERFMON it may read the memory of every process, `environ` included, whatever Landlock says.
pub(super) fn drop_capabilities() -> Result<(), String> {
    for number in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // The kernel's last capability was the one before.
            Err(Errno::INVAL) => return Ok(()),
            Err(error) => return Err(format!("capability {number} cannot be dropped: {error}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_may_be_read_may_be_connected_to() {
        let dir = tempfile::tempdir().unwrap();
        let [socket, file] = ["socket", "file"].map(|name| dir.path().join(name));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::fs::write(&file, "").unwrap();
        assert_eq!(readable(&socket), READ | AccessFs::ResolveUnix);
        for other in [dir.path(), &file, &dir.path().join("missing")] {
            assert_eq!(readable(other), READ, "{}", other.display());
        }
    }
}
