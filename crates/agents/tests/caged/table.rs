//! The table of `docs/sandbox.md`: every attack on the cage, tried for real at every level. Each works with the cage off,
//! in the same run.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use agents::cage::{Ended, How};

use crate::Case;
use crate::world::{
    LEVELS, OFF, SECRET, STANDARD, STRONG, StopsAt, WITHOUT_NAMESPACES, World, marker, processes_with, read,
};

pub const CASES: &[Case] =
    &[("every_attack_is_blocked_where_the_page_says_so", every_attack_is_blocked_where_the_page_says_so)];

/// One attack; whether it succeeded in this world.
type Attack = (&'static str, fn(&World) -> bool);

const ATTACKS: &[Attack] = &[
    ("write a file outside", |w| script(w, "echo x > OUTSIDE/new", |w, _| w.outside().join("new").exists())),
    ("write outside by `..`", |w| script(w, "echo x > ../outside/new", |w, _| w.outside().join("new").exists())),
    ("truncate a file outside", |w| script(w, "truncate -s 0 OUTSIDE/secret", |w, _| secret(w).is_empty())),
    ("change the mode of a file outside", |w| script(w, "chmod 777 OUTSIDE/secret", |w, _| mode(w) & 0o777 == 0o777)),
    ("read a file outside", |w| script(w, "cat OUTSIDE/secret", |_, e| e.stdout.contains(SECRET))),
    ("list a directory outside", |w| script(w, "ls OUTSIDE", |_, e| e.stdout.contains("secret"))),
    ("read and write by a symbolic link", |w| {
        script(w, "ln -s OUTSIDE l; cat l/secret; echo x > l/new", |w, e| {
            e.stdout.contains(SECRET) || w.outside().join("new").exists()
        })
    }),
    ("write by a hard link", |w| script(w, "ln OUTSIDE/secret here && echo x >> here", |w, _| secret(w).contains('x'))),
    ("forge the report of the run", |w| {
        script(w, "echo x > $HOME/../report.json && cat $HOME/../report.json", |_, e| e.stdout == "x\n")
    }),
    ("forge how it ended", |w| w.run(w.script(FORGES_ITS_END)).how == How::Exited(0)),
    ("write a git hook of its tree", |w| in_git(w, "echo evil > .git/hooks/post-checkout", "hooks/post-checkout")),
    ("write the git config of its tree", |w| in_git(w, "echo '[evil]' >> .git/config", "config")),
    ("put another git directory in place", |w| {
        in_git(w, "mv .git old; mkdir -p .git/hooks; echo evil > .git/hooks/x", "hooks/x")
    }),
    ("read the environment of the program", |w| {
        let environ = format!("tr '\\0' '\\n' < /proc/{}/environ", std::process::id());
        script(w, &environ, |_, e| e.stdout.contains('='))
    }),
    ("see other processes", |w| {
        script(w, &format!("test \"$(cat /proc/{}/comm)\" = sleep", victim()), |_, e| e.how == How::Exited(0))
    }),
    ("signal other processes", |w| script(w, &format!("kill -0 {} && echo yes", victim()), |_, e| e.stdout == "yes\n")),
    ("trace a process (ptrace)", |w| attack(w, &["ptrace"])),
    ("read the memory of a process", |w| attack(w, &["memory-of-a-process"])),
    ("make a user namespace", |w| script(w, "unshare -U echo yes", |_, e| e.stdout == "yes\n")),
    ("mount", |w| script(w, "unshare -Urm sh -c 'mount -t tmpfs none /mnt && echo yes'", |_, e| e.stdout == "yes\n")),
    ("raw socket", |w| attack(w, &["raw"])),
    ("netlink socket to the kernel's events", |w| attack(w, &["netlink"])),
    ("io_uring", |w| attack(w, &["io_uring"])),
    ("userfaultfd", |w| attack(w, &["userfaultfd"])),
    ("the kernel's key ring", |w| attack(w, &["keyring"])),
    ("TCP, IPv4", |w| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        attack(w, &["tcp", &listener.local_addr().unwrap().to_string()])
    }),
    ("TCP, IPv6", |w| {
        let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        attack(w, &["tcp", &listener.local_addr().unwrap().to_string()])
    }),
    ("TCP by sending at once (Fast Open)", |w| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        attack(w, &["fast-open", &listener.local_addr().unwrap().port().to_string()])
    }),
    ("TCP over several paths (MPTCP)", |w| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        attack(w, &["mptcp", &listener.local_addr().unwrap().port().to_string()])
    }),
    ("UDP, as in a DNS question", |w| {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        receiver.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        attack(w, &["udp", &receiver.local_addr().unwrap().port().to_string()]);
        receiver.recv(&mut [0; 16]).is_ok()
    }),
    ("unix socket, abstract", |w| {
        let name = format!("downbeat-table-{}", std::process::id());
        let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        attack(w, &["abstract", &name])
    }),
    ("unix socket, a path", |w| {
        let path = w.outside().join("socket");
        let _listener = UnixListener::bind(&path).unwrap();
        attack(w, &["unix", path.to_str().unwrap()])
    }),
    ("a variable of the program's environment", |w| {
        let line = format!("PATH={}", std::env::var("PATH").unwrap());
        let has_it = |text: &str| text.lines().any(|own| own == line);
        if unlimited(w) {
            let plain = Command::new("/usr/bin/env").output().unwrap();
            return has_it(&String::from_utf8_lossy(&plain.stdout));
        }
        has_it(&w.run(w.script("env")).stdout)
    }),
    ("processes without end", |w| limited(w, &["fork", "400"], How::ProcessLimit)),
    ("memory without end", |w| limited(w, &["memory", "512"], How::MemoryLimit)),
    ("disk without end", |w| {
        let mut order =
            w.script("for n in 1 2 3 4 5 6 7 8; do head -c 8000000 /dev/zero > f$n; done; sleep 4; echo all");
        order.limits.disk_bytes = if unlimited(w) { u64::MAX } else { 20 << 20 };
        w.run(order).stdout == "all\n"
    }),
    ("a file without end", |w| {
        let mut order = w.script("head -c 8000000 /dev/zero > f; echo $?");
        order.limits.file_bytes = if unlimited(w) { u64::MAX } else { 1 << 20 };
        w.run(order).stdout == "0\n"
    }),
    ("output without end", |w| {
        let mut order = w.script("head -c 8000000 /dev/zero && echo all >&2");
        order.limits.output_bytes = if unlimited(w) { u64::MAX } else { 1 << 20 };
        w.run(order).how == How::Exited(0)
    }),
    ("a process that outlives a stop", |w| {
        let marker = marker(7);
        let sink = StopsAt::new("ready");
        let script = format!(
            "setsid sh -c 'trap \"\" TERM; (sleep {marker} &); sleep {marker}' & sleep 0.1; echo ready; sleep 60"
        );
        if unlimited(w) {
            let mut plain = Command::new("/bin/sh").args(["-c", &script.replace("sleep 60", "exit")]).spawn().unwrap();
            plain.wait().unwrap();
        } else {
            w.run_with(w.script(&script), &sink.stop, &sink);
        }
        let left = processes_with(&marker);
        for pid in &left {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), nix::sys::signal::Signal::SIGKILL);
        }
        !left.is_empty()
    }),
];

/// The process that started the command tells how it ended. This tells first, and lets it tell nothing more.
const FORGES_ITS_END: &str = "for pipe in /proc/$PPID/fd/[3-9]; do [ -p $pipe ] && echo '{\"Exited\":0}' >$pipe && break; done 2>/dev/null; kill -9 $PPID; exit 3";

/// Limits hold with the cage off too; for the comparison they are not set there.
fn unlimited(world: &World) -> bool {
    world.cage.settings().confinement == OFF.0
}

fn script(world: &World, script: &str, succeeded: fn(&World, &Ended) -> bool) -> bool {
    let ended = world.run(world.script(script));
    assert!(matches!(ended.how, How::Exited(_)), "{script}: {ended:?}");
    succeeded(world, &ended)
}

fn attack(world: &World, words: &[&str]) -> bool {
    let ended = world.run(world.attack(words));
    assert!(matches!(ended.how, How::Exited(0 | 1)), "{words:?}: {ended:?}");
    ended.how == How::Exited(0)
}

/// Whether it got all that it wanted; where it did not, it was refused or ended for this reason.
fn limited(world: &World, words: &[&str], reason: How) -> bool {
    let mut order = world.attack(words);
    if unlimited(world) {
        (order.limits.processes, order.limits.memory_bytes) = (u64::MAX >> 1, u64::MAX);
    } else {
        (order.limits.processes, order.limits.memory_bytes) = (301, 128 << 20);
    }
    let ended = world.run(order);
    assert!(matches!(ended.how, How::Exited(0 | 1)) || ended.how == reason, "{words:?}: {ended:?}");
    ended.how == How::Exited(0)
}

fn in_git(world: &World, line: &str, written: &str) -> bool {
    let made = Command::new("git").args(["init", "--quiet"]).arg(world.tree()).status().unwrap();
    assert!(made.success());
    script(world, line, |_, _| true);
    read(&world.tree().join(".git").join(written)).contains("evil")
}

fn secret(world: &World) -> String {
    read(&world.outside().join("secret"))
}

fn mode(world: &World) -> u32 {
    std::fs::metadata(world.outside().join("secret")).unwrap().permissions().mode()
}

/// A process outside that belongs to the same user.
fn victim() -> u32 {
    static VICTIM: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *VICTIM.get_or_init(|| {
        Command::new("sleep").arg("60").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap().id()
    })
}

fn every_attack_is_blocked_where_the_page_says_so() {
    let mut table = String::from("| attack | off | standard | without namespaces | strong |\n|---|---|---|---|---|\n");
    for (name, tries) in ATTACKS {
        let [off, standard, without, strong] = [OFF, STANDARD, WITHOUT_NAMESPACES, STRONG]
            .map(|way| if tries(&World::new(way)) { "works" } else { "blocked" });
        table.push_str(&format!("| {name} | {off} | {standard} | {without} | {strong} |\n"));
        assert_eq!(off, "works", "{name}: the attack does not even work with the cage off");
        assert_eq!(strong, "blocked", "{name}");
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(victim() as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_eq!(LEVELS.len(), 4, "a level without a column");
    let page = include_str!("../../../../docs/sandbox.md");
    let differs: Vec<&str> = table.lines().filter(|row| !page.contains(row)).collect();
    assert!(page.contains(&table), "docs/sandbox.md says otherwise of {differs:#?}; if it is wrong, put in:\n{table}");
}
