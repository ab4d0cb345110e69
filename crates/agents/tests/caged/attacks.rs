//! Attempts to read, write and reach what is not inside.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use agents::cage::{Access, Confinement, Ended, How, Level, Namespaces, Network};

use expect_test::expect;

use crate::Case;
use crate::world::{HELD, OFF, SECRET, STANDARD, STRONG, WITHOUT_NAMESPACES, World, read};

pub const CASES: &[Case] = &[
    ("the_level_is_what_was_established", the_level_is_what_was_established),
    ("what_is_its_own_can_be_used", what_is_its_own_can_be_used),
    ("nothing_is_written_outside", nothing_is_written_outside),
    ("nothing_is_truncated_outside", nothing_is_truncated_outside),
    ("nothing_is_read_outside", nothing_is_read_outside),
    ("a_symlink_leads_nowhere", a_symlink_leads_nowhere),
    ("a_hard_link_leads_nowhere", a_hard_link_leads_nowhere),
    ("a_read_only_tree_stays_as_it_is", a_read_only_tree_stays_as_it_is),
    ("the_report_cannot_be_forged", the_report_cannot_be_forged),
    ("the_end_cannot_be_forged_or_kept_from_being_told", the_end_cannot_be_forged_or_kept_from_being_told),
    ("the_environment_of_the_program_stays_outside", the_environment_of_the_program_stays_outside),
    ("an_open_file_of_the_program_stays_outside", an_open_file_of_the_program_stays_outside),
    ("system_secrets_are_not_readable_even_for_root", system_secrets_are_not_readable_even_for_root),
    ("processes_outside_cannot_be_signalled", processes_outside_cannot_be_signalled),
    ("no_capability_is_left", no_capability_is_left),
    ("tcp_is_denied", tcp_is_denied),
    ("udp_is_denied_in_namespaces", udp_is_denied_in_namespaces),
    ("abstract_sockets_are_denied", abstract_sockets_are_denied),
    ("an_own_loopback_works", an_own_loopback_works),
];

/// Runs the script in each cage; it must succeed with the cage off and in no other.
fn blocked(script: &str, succeeded: impl Fn(&World, &Ended) -> bool) {
    let run = |way| {
        let world = World::new(way);
        let ended = world.run(world.script(script));
        (succeeded(&world, &ended), ended)
    };
    let (worked, ended) = run(OFF);
    assert!(worked, "the attack does not even work with the cage off: {ended:?}");
    for way in HELD {
        let (worked, ended) = run(way);
        assert!(!worked, "the attack worked in {way:?}: {ended:?}");
        assert!(matches!(ended.how, How::Exited(_)), "{ended:?}");
    }
}

/// The same for this binary's own attacks: success is exit code 0.
fn blocked_attack(words: &[&str], ways: &[(Confinement, Namespaces)]) {
    let run = |way| {
        let world = World::new(way);
        world.run(world.attack(words))
    };
    assert_eq!(run(OFF).how, How::Exited(0), "the attack does not even work with the cage off");
    for way in ways {
        let ended = run(*way);
        assert_eq!(ended.how, How::Exited(1), "in {way:?}: {ended:?}");
    }
}

fn level_of(way: (Confinement, Namespaces)) -> Level {
    let world = World::new(way);
    world.run(world.script(":")).level.expect("a level is reported")
}

fn the_level_is_what_was_established() {
    let words = |way| level_of(way).to_string().replace(&format!("ABI {}", abi()), "ABI N");
    expect![[r#"
        strong: own root, own processes, own loopback only, Landlock ABI N, seccomp, memory by measuring
        standard: own processes, own loopback only, Landlock ABI N, seccomp, memory by measuring; open: unix sockets, git hooks of its tree
        standard: no namespaces, no TCP or UDP, Landlock ABI N, seccomp, memory by measuring; open: unix sockets, git hooks of its tree, names of other processes, modes of files outside
        off: no sandbox, the command can touch whatever this program can"#]]
    .assert_eq(&[STRONG, STANDARD, WITHOUT_NAMESPACES, OFF].map(words).join("\n").replace("memory and processes", "memory"));
    let world = World::new((Confinement::Auto, Namespaces::Auto));
    assert_eq!(world.run(world.script(":")).level.unwrap().in_brief(), "strong", "it is not chosen by itself");
}

fn abi() -> i32 {
    level_of(STANDARD).landlock_abi.unwrap()
}

fn what_is_its_own_can_be_used() {
    for way in HELD {
        let world = World::new(way);
        let script = "cat > kept && echo t > $TMPDIR/t && echo h > $HOME/h && mkdir -p a/b && mv kept a/b/kept \
                      && ln -s b/kept a/link && cat a/link > copy && rm -r a && echo x > /dev/null && git --version";
        let mut order = world.script(script);
        order.input = b"from stdin".to_vec();
        let ended = world.run(order);
        assert_eq!(ended.how, How::Exited(0), "{ended:?}");
        assert_eq!(read(&world.tree().join("copy")), "from stdin");
        assert!(ended.stdout.starts_with("git version"));
    }
}

fn nothing_is_written_outside() {
    blocked("echo x > OUTSIDE/new", |world, _| world.outside().join("new").exists());
}

fn nothing_is_truncated_outside() {
    if level_of(STANDARD).landlock_abi < Some(3) {
        return;
    }
    blocked("truncate -s 0 OUTSIDE/secret", |world, _| read(&world.outside().join("secret")).is_empty());
}

fn nothing_is_read_outside() {
    blocked("cat OUTSIDE/secret", |_, ended| ended.stdout.contains(SECRET));
    blocked("ls OUTSIDE", |_, ended| ended.stdout.contains("secret"));
}

fn a_symlink_leads_nowhere() {
    blocked("ln -s OUTSIDE link && cat link/secret && echo x > link/new", |world, ended| {
        ended.stdout.contains(SECRET) || world.outside().join("new").exists()
    });
}

fn a_hard_link_leads_nowhere() {
    blocked("ln OUTSIDE/secret here && echo x >> here", |world, _| read(&world.outside().join("secret")).contains('x'));
}

fn a_read_only_tree_stays_as_it_is() {
    for (access, changed) in [(Access::ReadWrite, true), (Access::ReadOnly, false)] {
        let world = World::new(STANDARD);
        let mut order = world.script("echo x > new; echo t > $TMPDIR/t && cat $TMPDIR/t");
        order.access = access;
        let ended = world.run(order);
        assert_eq!(world.tree().join("new").exists(), changed, "{access:?}");
        assert_eq!(ended.stdout, "t\n");
    }
}

fn the_report_cannot_be_forged() {
    blocked("echo '\"Stopped\"' > $HOME/../report.json && cat $HOME/../report.json", |_, ended| {
        ended.stdout.contains("Stopped")
    });
}

fn the_end_cannot_be_forged_or_kept_from_being_told() {
    let forged = "for pipe in /proc/$PPID/fd/*; do echo '{\"Exited\":0}' >$pipe; done; exit 3";
    // More than the pipe holds, so that whoever tells of the end would wait for ever.
    let filled = "for pipe in /proc/$PPID/fd/[3-9]*; do head -c 200000 /dev/zero >$pipe & done; sleep 0.2; exit 3";
    let rewritten = "echo x >/proc/$PPID/mem; cat /proc/$PPID/mem /proc/$PPID/environ; exit 3";
    for way in HELD {
        for script in [forged, filled, rewritten] {
            let world = World::new(way);
            let mut order = world.script(script);
            order.limits.time = Duration::from_secs(10);
            let ended = world.run(order);
            assert_eq!(ended.how, How::Exited(3), "{way:?}: {script}: {ended:?}");
            let said = ended.output_tail.lines().filter(|line| !line.contains("ermission denied")).count();
            assert!(script != rewritten || said == 0, "{way:?}: {ended:?}");
        }
    }
}

fn the_environment_of_the_program_stays_outside() {
    let plain = Command::new("/bin/sh").args(["-c", "env"]).env("TOKEN", SECRET).output().unwrap();
    assert!(String::from_utf8_lossy(&plain.stdout).contains(SECRET));
    let world = World::new(STANDARD);
    let ended = world.run(world.script("env | cut -d= -f1 | sort | tr '\\n' ' '"));
    assert_eq!(ended.stdout, "HOME LANG PATH PWD TERM TMPDIR ");
    let environ = format!("tr '\\0' '\\n' < /proc/{}/environ", std::process::id());
    blocked(&environ, |_, ended| ended.stdout.contains("PATH="));
}

fn an_open_file_of_the_program_stays_outside() {
    let world = World::new(OFF);
    let secret = std::fs::File::open(world.outside().join("secret")).unwrap();
    // Inheritable on purpose, as a careless library would leave it.
    nix::fcntl::fcntl(&secret, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&secret);
    let script = format!("cat <&{number}");
    let plain = Command::new("/bin/bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&plain.stdout), SECRET);
    // The offset is shared with whoever inherits the file, and the comparison has read to the end.
    std::io::Seek::rewind(&mut &secret).unwrap();
    let mut order = world.script("");
    order.command = vec!["/bin/bash".into(), "-c".into(), script];
    assert_eq!(world.run(order).stdout, "");
}

fn system_secrets_are_not_readable_even_for_root() {
    if nix::unistd::geteuid().is_root() {
        blocked("cat /etc/shadow", |_, ended| ended.stdout.contains("root:"));
    } else {
        assert!(std::fs::read("/etc/shadow").is_err());
    }
}

fn processes_outside_cannot_be_signalled() {
    let mut victim = Command::new("sleep").arg("600").spawn().unwrap();
    let script = format!("kill -USR1 {}", victim.id());
    for way in HELD {
        let world = World::new(way);
        assert_ne!(world.run(world.script(&script)).how, How::Exited(0), "{way:?}");
        assert!(victim.try_wait().unwrap().is_none(), "{way:?}");
    }
    let world = World::new(OFF);
    assert_eq!(world.run(world.script(&script)).how, How::Exited(0));
    assert!(!victim.wait().unwrap().success());
}

fn no_capability_is_left() {
    let world = World::new(STANDARD);
    let ended = world.run(world.script("grep -E '^(CapEff|CapPrm|NoNewPrivs):' /proc/self/status | tr -s '\\t' ' '"));
    assert_eq!(ended.stdout, "CapPrm: 0000000000000000\nCapEff: 0000000000000000\nNoNewPrivs: 1\n");
    blocked("mkdir m && mount -t tmpfs none m && echo mounted", |_, ended| {
        // An unprivileged user cannot mount with the cage off either; there is nothing to compare with.
        ended.stdout.contains("mounted")
            || !nix::unistd::geteuid().is_root() && ended.level.as_ref().is_some_and(|l| l.landlock_abi.is_none())
    });
}

fn tcp_is_denied() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().to_string();
    blocked_attack(&["tcp", &port], &HELD);
    let world = World::new(STANDARD);
    let mut order = world.attack(&["tcp", &port]);
    order.network = Network::Allowed;
    assert_eq!(world.run(order).how, How::Exited(0), "an allowed network is not reached");
}

fn udp_is_denied_in_namespaces() {
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    receiver.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let port = receiver.local_addr().unwrap().port().to_string();
    let received = |way| {
        let world = World::new(way);
        world.run(world.attack(&["udp", &port]));
        receiver.recv(&mut [0; 16]).is_ok()
    };
    assert!(received(OFF), "the attack does not even work with the cage off");
    assert!(!received(STANDARD));
}

fn abstract_sockets_are_denied() {
    let name = format!("downbeat-test-{}", std::process::id());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    blocked_attack(&["abstract", &name], &HELD);
}

fn an_own_loopback_works() {
    assert!(Path::new("/proc/self/ns/net").exists());
    let world = World::new(STANDARD);
    assert_eq!(world.run(world.attack(&["loopback"])).how, How::Exited(0));
}
