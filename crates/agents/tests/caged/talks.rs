//! Runs that are talked with, and the gate as their only way out.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use agents::cage::{Door, How, Line, Network, Opened, SilentSink, WHOLE_LINE_BYTES_MAX};
use agents::egress::{AllowList, Egress, EgressSettings, Guest, Ports, SESSIONS_LIST};
use agents::token::Token;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::Case;
use crate::world::{LEVELS, OFF, STANDARD, World, block_on, holds_within, marker, processes_with};

pub const CASES: &[Case] = &[
    ("what_is_said_is_answered_line_by_line", what_is_said_is_answered_line_by_line),
    ("a_slow_reader_holds_up_the_command_and_loses_nothing", a_slow_reader_holds_up_the_command_and_loses_nothing),
    ("a_line_that_is_too_long_is_replaced", a_line_that_is_too_long_is_replaced),
    ("dropped_lines_hold_up_nobody", dropped_lines_hold_up_nobody),
    ("a_stop_waits_for_no_reader", a_stop_waits_for_no_reader),
    ("a_dropped_ending_ends_the_run", a_dropped_ending_ends_the_run),
    ("the_gate_is_the_only_way_out", the_gate_is_the_only_way_out),
    ("a_gate_opens_to_its_own_session_alone", a_gate_opens_to_its_own_session_alone),
];

fn opened<T>(world: &World, script: &str, talk: impl AsyncFnOnce(Opened, CancellationToken) -> T) -> T {
    let stop = CancellationToken::new();
    let order = world.script(script);
    block_on(async { talk(world.cage.open(order, &stop), stop.clone()).await })
}

fn text(line: &str) -> Option<Line> {
    Some(Line::Text(line.to_owned()))
}

fn what_is_said_is_answered_line_by_line() {
    for way in LEVELS {
        let world = World::new(way);
        let script = "echo ready; echo aside >&2; while read -r line; do echo \"heard $line\"; done; echo over; exit 3";
        opened(&world, script, async |mut run, _| {
            assert_eq!(run.lines.recv().await, text("ready"), "{way:?}");
            for word in ["one", "two"] {
                run.input.send(Bytes::from(format!("{word}\n"))).await.unwrap();
                assert_eq!(run.lines.recv().await, text(&format!("heard {word}")));
            }
            drop(run.input);
            assert_eq!(run.lines.recv().await, text("over"));
            assert_eq!(run.lines.recv().await, None);
            assert_eq!(run.errors.recv().await.as_deref(), Some("aside"));
            let ended = run.ending.wait().await;
            assert_eq!((&ended.how, ended.stdout.lines().count()), (&How::Exited(3), 4));
            assert_eq!(run.ending.wait().await, ended, "asked again it says the same");
        });
    }
}

fn a_slow_reader_holds_up_the_command_and_loses_nothing() {
    const LINES: usize = 200_000;
    let world = World::new(STANDARD);
    let script = format!("seq {LINES}; touch done");
    opened(&world, &script, async |mut run, _| {
        assert_eq!(run.lines.recv().await, text("1"));
        let written = holds_within(Duration::from_millis(300), || world.tree().join("done").exists());
        assert!(!written, "the command wrote everything though nobody read it");
        let mut count = 1;
        while let Some(line) = run.lines.recv().await {
            count += 1;
            assert_eq!(Some(line), text(&count.to_string()));
        }
        assert_eq!((run.ending.wait().await.how, count), (How::Exited(0), LINES));
    });
}

fn a_line_that_is_too_long_is_replaced() {
    let world = World::new(STANDARD);
    let just = WHOLE_LINE_BYTES_MAX;
    let script = format!("for n in {just} {}; do head -c $n /dev/zero; echo; done; printf end", just + 1);
    opened(&world, &script, async |mut run, _| {
        let Some(Line::Text(kept)) = run.lines.recv().await else { panic!("the longest line is not kept") };
        assert_eq!(kept.len(), just);
        assert_eq!(run.lines.recv().await, Some(Line::TooLong { bytes: just as u64 + 1 }));
        assert_eq!(run.lines.recv().await, text("end"));
    });
}

fn dropped_lines_hold_up_nobody() {
    let world = World::new(STANDARD);
    opened(&world, "seq 200000; seq 200000 >&2; echo over", async |mut run, _| {
        drop(run.lines);
        let ended = run.ending.wait().await;
        assert_eq!(ended.how, How::Exited(0));
        assert!(ended.stdout.ends_with("\nover\n"));
    });
}

fn a_stop_waits_for_no_reader() {
    let world = World::new(STANDARD);
    opened(&world, "yes", async |mut run, stop| {
        assert_eq!(run.lines.recv().await, text("y"));
        stop.cancel();
        let ended = run.ending.wait().await;
        assert_eq!(ended.how, How::Stopped);
        assert!(ended.level.is_some() && ended.duration < Duration::from_secs(3), "{ended:?}");
    });
}

fn a_dropped_ending_ends_the_run() {
    for way in LEVELS {
        let world = World::new(way);
        let marker = marker(6);
        opened(&world, &format!("setsid sleep {marker} & echo ready; sleep 600"), async |mut run, _| {
            assert_eq!(run.lines.recv().await, text("ready"));
        });
        assert!(holds_within(Duration::from_secs(3), || processes_with(&marker).is_empty()), "{way:?}");
    }
}

/// Answers each connection's line with `gate LINE`, until the process ends.
fn gatekeeper(door: &Door) {
    let room = std::fs::File::open(door.socket().parent().unwrap()).unwrap();
    let short = format!("/proc/self/fd/{}/gate.sock", std::os::fd::AsRawFd::as_raw_fd(&room));
    let (listener, door) = (UnixListener::bind(short).unwrap(), door.clone());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let (mut word, mut line) = ([0; Token::BYTES], String::new());
            connection.read_exact(&mut word).unwrap();
            assert!(door.token().is(&word));
            BufReader::new(&connection).read_line(&mut line).unwrap();
            connection.write_all(format!("gate {line}").as_bytes()).unwrap();
        }
    });
}

fn the_gate_is_the_only_way_out() {
    // Where there is no network of one's own only one run of the machine can have the gate's port.
    let lock = std::fs::File::open("/proc/self/exe").unwrap();
    lock.lock().unwrap();
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    for way in LEVELS {
        let world = World::new(way);
        // Deeper than the path of a socket may be long.
        let room = world.outside().join("deep".repeat(50));
        std::fs::create_dir(&room).unwrap();
        let door = Door::at(room.join("gate.sock")).unwrap();
        gatekeeper(&door);
        let say = "exec 3<>/dev/tcp/127.0.0.1/8787 && echo hello >&3 && head -1 <&3";
        let script = format!("{say}; {say}; exec 4<>/dev/tcp/127.0.0.1/{port} && echo out; exit 0");
        let mut order = world.bash(&script);
        order.network = Network::Gate(door);
        let ended = world.run(order);
        let out = if way == OFF { "out\n" } else { "" };
        assert_eq!(ended.stdout, format!("gate hello\ngate hello\n{out}"), "{way:?} {ended:?}");
    }
}

fn a_gate_opens_to_its_own_session_alone() {
    for way in LEVELS {
        let worlds = [World::new(way), World::new(way)];
        block_on(async {
            let level = worlds[0].cage.probe(&worlds[0].outside()).await.unwrap();
            let egress = Egress::new(&EgressSettings::default(), Ports::at(&level)).unwrap();
            let [gate, other] =
                [egress.open(guest(&worlds[0])).await.unwrap(), egress.open(guest(&worlds[1])).await.unwrap()];
            let asks = "exec 3<>/dev/tcp/127.0.0.1/${http_proxy##*:} && printf 'GET / HTTP/1.1\\r\\n\\r\\n' >&3 && head -1 <&3";
            let (stop, sink) = (CancellationToken::new(), SilentSink);
            let mut waits = worlds[0].bash(&format!("{asks}; read line"));
            waits.go_through(gate.door());
            let mut own = worlds[0].cage.open(waits, &stop);
            let Some(Line::Text(answered)) = own.lines.recv().await else { panic!("{way:?}: no answer") };
            assert!(answered.starts_with("HTTP/1.1 403"), "{way:?}: {answered}");
            // Another session at the same time has a gate of its own, and no other.
            let mut beside = worlds[1].bash(asks);
            beside.go_through(other.door());
            let beside = worlds[1].cage.run(beside, &stop, &sink).await;
            assert!(beside.stdout.starts_with("HTTP/1.1 403"), "{way:?}: {beside:?}");
            let stranger = worlds[1].attack(&["ask", gate.door().socket().to_str().unwrap()]);
            let stranger = worlds[1].cage.run(stranger, &stop, &sink).await;
            assert_eq!(stranger.how, How::Exited(1), "{way:?}: {stranger:?}");
            stop.cancel();
            own.ending.wait().await;
        });
    }
}

fn guest(world: &World) -> Guest {
    Guest {
        repo: "web".parse().unwrap(),
        dir: world.outside(),
        allow: AllowList::default(),
        models: Vec::new(),
        people: None,
        list: SESSIONS_LIST,
        noted: None,
        sink: Arc::new(SilentSink),
    }
}
