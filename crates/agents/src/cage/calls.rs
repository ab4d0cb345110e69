//! Which system calls are refused inside, by seccomp: those that open the kernel wide, and those that go around
//! Landlock and the namespaces. Everything else is allowed, because compilers and agents use most of it.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refused whatever their arguments are.
const REFUSED: &[libc::c_long] = &[
    // Other processes: their memory, their files, their registers.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Large and often broken parts of the kernel that no build needs.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    // Mounts and roots, with the old interface and the new.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_quotactl,
    libc::SYS_open_by_handle_at,
    // Namespaces of one's own, in which one would be root.
    libc::SYS_unshare,
    libc::SYS_setns,
    // The machine itself.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// Said not to exist, so that programs take the older way, which can be judged by its arguments: `clone3` and io_uring
/// read theirs from memory, where seccomp cannot look.
const MISSING: &[libc::c_long] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Flags of `clone` that make namespaces. CLONE_NEWTIME cannot be given to it.
const NAMESPACE_FLAGS: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Numbers from here on are calls of the x32 interface, by which a list of numbers would be walked around.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

/// The calls that have a number of their own in the x32 interface: ptrace, kexec_load, process_vm_readv and _writev.
#[cfg(target_arch = "x86_64")]
const X32_ALONE: [i64; 4] = [521, 528, 539, 540];

/// The type by which packet sockets were asked for before they had a family; the kernel still understands it.
const OLD_PACKET: libc::c_int = 10;

/// The part of a socket's type that is no flag.
const TYPE_MASK: u64 = 0xf;

/// Refuses those calls to this process and all it will start. Without a network of its own UDP is refused too, and
/// every way to connect that Landlock does not see.
pub(super) fn refuse(own_network: bool) -> Result<(), String> {
    for (rules, errno) in [(refused(own_network), libc::EPERM), (missing(), libc::ENOSYS)] {
        let program = compile(with_x32(rules?), errno)?;
        seccompiler::apply_filter(&program).map_err(|error| format!("seccomp refused its filter: {error}"))?;
    }
    Ok(())
}

fn compile(rules: Rules, errno: libc::c_int) -> Result<BpfProgram, String> {
    let arch = std::env::consts::ARCH.try_into();
    let arch = arch.map_err(|_| format!("there is no system call filter for {}", std::env::consts::ARCH))?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch)
        .and_then(TryInto::try_into)
        .map_err(|error| format!("the system call filter cannot be made: {error}"))
}

fn missing() -> Result<Rules, String> {
    Ok(MISSING.iter().map(|call| (*call, Vec::new())).collect())
}

fn refused(own_network: bool) -> Result<Rules, String> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(
        libc::SYS_clone,
        NAMESPACE_FLAGS.iter().map(|flag| rule(&[has(0, *flag as u64)])).collect::<Result<_, _>>()?,
    );
    // Typing into the terminal of whoever started us.
    let terminal = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| rule(&[is(1, request)]));
    rules.insert(libc::SYS_ioctl, terminal.into_iter().collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_socket, sockets(own_network)?);
    if !own_network {
        // TCP Fast Open connects while it sends.
        for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
            rules.insert(call, vec![rule(&[has(flags, libc::MSG_FASTOPEN as u64)])?]);
        }
    }
    Ok(rules)
}

/// Sockets that may not be made: all but unix, IP and the routing table's; raw ones; without a network of one's own
/// whatever is not plain TCP, which alone Landlock judges.
fn sockets(own_network: bool) -> Result<Vec<SeccompRule>, String> {
    let [unix, inet, inet6, netlink] =
        [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK].map(|family| family as u64);
    let mut rules = vec![
        rule(&[is_not(0, unix), is_not(0, inet), is_not(0, inet6), is_not(0, netlink)]),
        rule(&[is(0, netlink), is_not(2, libc::NETLINK_ROUTE as u64)]),
    ];
    for family in [inet, inet6] {
        rules.push(rule(&[is(0, family), is_type(libc::SOCK_RAW)]));
        rules.push(rule(&[is(0, family), is_type(OLD_PACKET)]));
        if !own_network {
            rules.push(rule(&[is(0, family), is_type(libc::SOCK_DGRAM)]));
            rules.push(rule(&[is(0, family), is_not(2, 0), is_not(2, libc::IPPROTO_TCP as u64)]));
        }
    }
    rules.into_iter().collect()
}

fn is_type(kind: libc::c_int) -> (u8, Op, u64) {
    (1, Op::MaskedEq(TYPE_MASK), kind as u64)
}

fn is(argument: u8, value: u64) -> (u8, Op, u64) {
    (argument, Op::Eq, value)
}

fn is_not(argument: u8, value: u64) -> (u8, Op, u64) {
    (argument, Op::Ne, value)
}

fn has(argument: u8, bit: u64) -> (u8, Op, u64) {
    (argument, Op::MaskedEq(bit), bit)
}

/// All the conditions at once. The kernel reads these arguments as 32 bits, so the filter must not look further.
fn rule(conditions: &[(u8, Op, u64)]) -> Result<SeccompRule, String> {
    let conditions = conditions
        .iter()
        .map(|(argument, op, value)| SeccompCondition::new(*argument, Width::Dword, op.clone(), *value));
    let rule = conditions.collect::<Result<_, _>>().and_then(SeccompRule::new);
    rule.map_err(|error| format!("a rule of the system call filter is wrong: {error}"))
}

#[cfg(target_arch = "x86_64")]
fn with_x32(mut rules: Rules) -> Rules {
    let again: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
    rules.extend(again);
    rules.extend(X32_ALONE.map(|call| (call | X32, Vec::new())));
    rules
}

#[cfg(not(target_arch = "x86_64"))]
fn with_x32(rules: Rules) -> Rules {
    rules
}
