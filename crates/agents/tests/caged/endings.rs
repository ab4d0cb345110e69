//! How runs end, and that nothing survives them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use agents::cage::{Cage, CageSettings, How, ProgressSink, SilentSink};
use tokio_util::sync::CancellationToken;

use crate::Case;
use crate::world::{HELD, LEVELS, STANDARD, StopsAt, World, block_on, holds_within, marker, processes_with};

pub const CASES: &[Case] = &[
    ("an_exit_code_is_reported", an_exit_code_is_reported),
    ("a_signal_is_reported", a_signal_is_reported),
    ("a_missing_program_could_not_start", a_missing_program_could_not_start),
    ("a_missing_tree_could_not_start", a_missing_tree_could_not_start),
    ("a_missing_launcher_could_not_start", a_missing_launcher_could_not_start),
    ("the_probe_tells_the_level", the_probe_tells_the_level),
    ("lines_are_streamed_while_it_runs", lines_are_streamed_while_it_runs),
    ("stopping_ends_every_descendant", stopping_ends_every_descendant),
    ("a_stopped_run_may_tidy_up_for_a_second", a_stopped_run_may_tidy_up_for_a_second),
    ("an_exit_leaves_nothing_behind", an_exit_leaves_nothing_behind),
    ("a_dropped_run_ends", a_dropped_run_ends),
    ("the_end_of_a_thread_is_not_the_end_of_the_program", the_end_of_a_thread_is_not_the_end_of_the_program),
    ("the_death_of_the_launcher_ends_everything", the_death_of_the_launcher_ends_everything),
    ("the_death_of_the_program_ends_everything", the_death_of_the_program_ends_everything),
];

/// The verb by which this binary is told to be a program that runs a cage and is killed.
pub const HOST_VERB: &str = "host";

/// Nothing may be left this long after a stop.
const GONE_WITHIN: Duration = Duration::from_secs(3);

/// A descendant in a session of its own whose parent ended, and one that ignores what it can ignore.
fn survivors(marker: &str) -> String {
    format!(
        "trap '' TERM; (setsid sh -c 'trap \"\" TERM HUP; sleep {marker}' &) ; (sleep {marker} &) ; sh -c 'sleep {marker} & exec sleep {marker}' & \
         while [ $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^{marker}$') -lt 4 ]; do :; done; echo ready"
    )
}

fn an_exit_code_is_reported() {
    for way in LEVELS {
        let world = World::new(way);
        let ended = world.run(world.script("echo out; echo err >&2; exit 3"));
        assert_eq!(ended.how, How::Exited(3));
        assert_eq!(ended.stdout, "out\n");
        assert!(ended.output_tail.contains("err\n"));
    }
}

fn a_signal_is_reported() {
    for way in LEVELS {
        let world = World::new(way);
        assert_eq!(world.run(world.script("kill -9 $$")).how, How::Signalled(9), "{way:?}");
    }
}

fn a_missing_program_could_not_start() {
    let world = World::new(STANDARD);
    let mut order = world.script("");
    order.command = vec!["no-such-program".into()];
    let How::CouldNotStart(why) = world.run(order).how else { panic!("it started") };
    assert!(why.starts_with("`no-such-program` in ") && why.contains("No such file"), "{why}");
}

fn a_missing_tree_could_not_start() {
    let world = World::new(STANDARD);
    let mut order = world.script(":");
    order.tree = "/no/such/tree".into();
    let How::CouldNotStart(why) = world.run(order).how else { panic!("it started") };
    assert!(why.starts_with("/no/such/tree cannot be opened"), "{why}");
}

fn a_missing_launcher_could_not_start() {
    let world = World::new(STANDARD);
    for launcher in ["/no/such/launcher", "/bin/true"] {
        let settings = CageSettings { launcher: launcher.into(), ..CageSettings::default() };
        let ended = block_on(Cage::new(settings).run(world.script(":"), &CancellationToken::new(), &SilentSink));
        assert!(matches!(ended.how, How::CouldNotStart(_)), "{ended:?}");
    }
}

fn the_probe_tells_the_level() {
    let world = World::new(STANDARD);
    let level = block_on(world.cage.probe(&world.tree())).unwrap();
    assert!(level.own_processes && level.landlock_abi.is_some());
}

fn lines_are_streamed_while_it_runs() {
    let world = World::new(STANDARD);
    let sink = StopsAt::new("two");
    let ended = world.run_with(world.script("echo one; echo two; sleep 600"), &sink.stop, &sink);
    assert_eq!(ended.how, How::Stopped);
    assert_eq!(*sink.heard.lock().unwrap(), ["one", "two"]);
}

fn stopping_ends_every_descendant() {
    let marker = marker(1);
    let mut plain = Command::new("/bin/sh");
    plain.args(["-c", &format!("{}; exec sleep {marker}", survivors(&marker))]);
    plain.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut plain = plain.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(plain.stdout.take().unwrap()).read_line(&mut line).unwrap();
    plain.kill().unwrap();
    plain.wait().unwrap();
    assert!(!processes_with(&marker).is_empty(), "without a cage nothing survived: the attack proves nothing");
    for pid in processes_with(&marker) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    assert!(holds_within(GONE_WITHIN, || processes_with(&marker).is_empty()));
    for way in LEVELS {
        let world = World::new(way);
        let sink = StopsAt::new("ready");
        let script = format!("{}; sleep 600 & wait; sleep 600", survivors(&marker));
        let begun = Instant::now();
        let ended = world.run_with(world.script(&script), &sink.stop, &sink);
        assert_eq!(ended.how, How::Stopped, "{way:?} {ended:?}");
        assert_eq!(processes_with(&marker), [0; 0], "{way:?}");
        assert!(begun.elapsed() < GONE_WITHIN * 2, "{way:?}: {:?}", begun.elapsed());
    }
}

fn a_stopped_run_may_tidy_up_for_a_second() {
    for way in HELD {
        let world = World::new(way);
        let sink = StopsAt::new("ready");
        let script = "trap 'echo tidy > tidied; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
        let ended = world.run_with(world.script(script), &sink.stop, &sink);
        assert_eq!(ended.how, How::Stopped);
        assert!(world.tree().join("tidied").exists(), "{way:?}");
    }
}

fn an_exit_leaves_nothing_behind() {
    let marker = marker(2);
    for way in LEVELS {
        let world = World::new(way);
        let ended = world.run(world.script(&survivors(&marker)));
        assert_eq!(ended.how, How::Exited(0), "{way:?} {ended:?}");
        assert_eq!(processes_with(&marker), [0; 0], "{way:?}");
    }
}

fn a_dropped_run_ends() {
    let marker = marker(3);
    for way in HELD {
        let world = World::new(way);
        let sink = StopsAt::new("ready");
        let order = world.script(&format!("{}; sleep 600", survivors(&marker)));
        block_on(async {
            let never = CancellationToken::new();
            tokio::select! {
                ended = world.cage.run(order, &never, &sink) => panic!("it ended: {ended:?}"),
                () = sink.stop.cancelled() => {}
            }
        });
        assert!(holds_within(GONE_WITHIN, || processes_with(&marker).is_empty()), "{way:?}");
    }
}

/// The kernel tells a child that its parent died when the thread that started it ends.
fn the_end_of_a_thread_is_not_the_end_of_the_program() {
    let world = World::new(STANDARD);
    let sink = StopsAt::new("ready");
    let (never, order) = (CancellationToken::new(), world.script("echo ready; sleep 0.3; echo done"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut run = Box::pin(world.cage.run(order, &never, &sink));
    let starts_it = || {
        runtime.block_on(async {
            tokio::select! {
                ended = &mut run => panic!("it ended: {ended:?}"),
                () = sink.stop.cancelled() => {}
            }
        });
    };
    std::thread::scope(|scope| scope.spawn(starts_it).join().unwrap());
    let ended = runtime.block_on(run);
    assert_eq!((ended.how, ended.stdout.as_str()), (How::Exited(0), "ready\ndone\n"));
}

/// Kills the launcher as soon as the run says that it is ready.
struct KillsTheLauncher;

impl ProgressSink for KillsTheLauncher {
    fn line(&self, text: &str) {
        assert_eq!(text, "ready");
        let is_ours = |pid: &i32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.contains(&format!("PPid:\t{}\n", std::process::id()))
        };
        for pid in processes_with(agents::cage::VERB).into_iter().filter(is_ours) {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
        }
    }
}

fn the_death_of_the_launcher_ends_everything() {
    let marker = marker(5);
    for way in HELD {
        let world = World::new(way);
        let order = world.script(&format!("{}; sleep 600", survivors(&marker)));
        let ended = world.run_with(order, &CancellationToken::new(), &KillsTheLauncher);
        assert_eq!(ended.how, How::Signalled(9), "{way:?}");
        assert!(holds_within(GONE_WITHIN, || processes_with(&marker).is_empty()), "{way:?}");
    }
}

/// Runs one cage and passes its lines on until it is killed.
pub fn host_main(words: &[String]) -> ExitCode {
    struct Echo;
    impl ProgressSink for Echo {
        fn line(&self, text: &str) {
            println!("{text}");
        }
    }
    let [way, script, dir] = words else { return ExitCode::FAILURE };
    let (confinement, namespaces) = HELD[way.parse::<usize>().unwrap()];
    let settings = CageSettings { namespaces, confinement, ..CageSettings::default() };
    let cage = Cage::new(settings);
    let dir = PathBuf::from(dir);
    let order = cage.order(vec!["/bin/sh".into(), "-c".into(), script.clone()], dir.join("tree"), dir.join("private"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { cage.run(order, &CancellationToken::new(), &Echo).await });
    ExitCode::SUCCESS
}

fn the_death_of_the_program_ends_everything() {
    let marker = marker(4);
    for (way, words) in HELD.iter().enumerate() {
        let world = World::new(STANDARD);
        let dir = world.tree().parent().unwrap().to_owned();
        let script = format!("{}; sleep 600", survivors(&marker));
        let mut host = Command::new("/proc/self/exe");
        host.args([HOST_VERB, &way.to_string(), &script]).arg(dir).stdout(Stdio::piped());
        let mut host = host.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        assert!(!processes_with(&marker).is_empty());
        host.kill().unwrap();
        host.wait().unwrap();
        assert!(holds_within(GONE_WITHIN, || processes_with(&marker).is_empty()), "{words:?}");
    }
}
