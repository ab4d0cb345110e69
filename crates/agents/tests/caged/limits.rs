//! What a run may use.

use std::time::Duration;

use agents::cage::{How, Order};

use crate::Case;
use crate::world::{HELD, LEVELS, OFF, STANDARD, World};

pub const CASES: &[Case] = &[
    ("a_run_is_stopped_at_its_time_limit", a_run_is_stopped_at_its_time_limit),
    ("a_flood_is_stopped", a_flood_is_stopped),
    ("a_line_of_a_gigabyte_costs_no_memory", a_line_of_a_gigabyte_costs_no_memory),
    ("a_huge_file_is_not_written", a_huge_file_is_not_written),
    ("a_fork_bomb_is_bounded", a_fork_bomb_is_bounded),
];

fn a_run_is_stopped_at_its_time_limit() {
    for way in LEVELS {
        let world = World::new(way);
        let mut order = world.script("trap '' TERM; sleep 600; sleep 600");
        order.limits.time = Duration::from_millis(200);
        let ended = world.run(order);
        assert_eq!(ended.how, How::TimedOut, "{way:?}");
        assert!(ended.duration < Duration::from_secs(3), "{way:?}: {:?}", ended.duration);
    }
}

fn a_flood_is_stopped() {
    let world = World::new(STANDARD);
    let mut order = world.script("yes flood");
    order.limits.output_bytes = 4 << 20;
    let ended = world.run(order);
    assert_eq!(ended.how, How::OutputLimit);
    let kept = world.cage.settings().tail_bytes;
    assert!(
        ended.output_tail.len() < kept + 100 && ended.output_tail.starts_with("[… "),
        "{}",
        ended.output_tail.len()
    );
}

fn a_line_of_a_gigabyte_costs_no_memory() {
    const GIGABYTE: u64 = 1 << 30;
    let world = World::new(STANDARD);
    let mut order: Order = world.attack(&["line", &GIGABYTE.to_string()]);
    order.limits.output_bytes = 2 * GIGABYTE;
    let before = peak_memory_kb();
    let ended = world.run(order);
    assert_eq!(ended.how, How::Exited(0), "{ended:?}");
    assert!(ended.output_tail.starts_with(&format!("[… {} bytes cut …]\n", GIGABYTE - (64 << 10))));
    let grown = peak_memory_kb() - before;
    assert!(grown < 16 << 10, "{grown} KiB more");
}

fn peak_memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

fn a_huge_file_is_not_written() {
    let written = |way, file_bytes| {
        let world = World::new(way);
        let mut order = world.script("head -c 5000000 /dev/zero > big");
        order.limits.file_bytes = file_bytes;
        world.run(order);
        std::fs::metadata(world.tree().join("big")).unwrap().len()
    };
    assert_eq!(written(STANDARD, 8 << 20), 5_000_000);
    for way in HELD {
        assert_eq!(written(way, 1 << 20), 1 << 20, "{way:?}");
    }
}

fn a_fork_bomb_is_bounded() {
    let forked = |way, processes| {
        let world = World::new(way);
        let mut order = world.attack(&["fork", "400"]);
        order.limits.processes = processes;
        let ended = world.run(order);
        let count: Option<usize> = ended.stdout.split(' ').next().and_then(|count| count.parse().ok());
        (count, ended.how)
    };
    assert_eq!(forked(OFF, 5_000).0, Some(400), "the attack does not even work with the cage off");
    for way in HELD {
        let (count, how) = forked(way, 301);
        assert!(how == How::ProcessLimit || count.is_some_and(|count| count < 400), "{way:?}: {count:?}, {how:?}");
    }
}
