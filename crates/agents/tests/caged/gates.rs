//! Checks on exactly the tree that would land.

use std::sync::Arc;

use agents::cage::SilentSink;
use agents::checks::{Gatekeeper, Inspected};
use agents::setup::{SETUP_FILE, SetupSettings, Setups};
use domain::{Clock, Timestamp};
use expect_test::{Expect, expect};
use forge::{Conclusion, Gate, gate_from_toml};
use tokio_util::sync::CancellationToken;

use crate::Case;
use crate::project::Project;
use crate::world::{block_on, nothing_open, standard_cage};

pub const CASES: &[Case] = &[
    ("a_commit_without_checks_runs_nothing", a_commit_without_checks_runs_nothing),
    ("a_commit_without_checks_is_held_to_those_of_the_config", a_commit_without_checks_is_held_to_those_of_the_config),
    ("checks_conclude_each_in_its_way", checks_conclude_each_in_its_way),
    ("each_attempt_gets_a_fresh_copy", each_attempt_gets_a_fresh_copy),
    ("a_flaky_check_is_repeated", a_flaky_check_is_repeated),
    ("stopped_checks_are_cancelled", stopped_checks_are_cancelled),
    ("checks_see_nothing_else", checks_see_nothing_else),
    ("checks_see_what_the_setup_made", checks_see_what_the_setup_made),
];

fn inspect(checks: &str, stop: &CancellationToken) -> (Project, Inspected) {
    let project = Project::new(&[("a", "1\n"), (".downbeat/config.toml", checks)]);
    let gatekeeper = gatekeeper(&project);
    let inspected =
        block_on(gatekeeper.inspect(&project.repository, &project.base, &SilentSink, stop.clone())).unwrap();
    let left = std::fs::read_dir(project.path("checks")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "a copy was left behind");
    (project, inspected)
}

fn gatekeeper(project: &Project) -> Gatekeeper {
    let cage = standard_cage();
    let setups =
        Setups::new(cage.clone(), nothing_open(), project.path("setups"), SetupSettings::default(), Arc::new(Noon));
    Gatekeeper::new(cage, project.path("checks"), setups)
}

/// A clock that stands still.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000)
    }
}

fn shown(checks: &str) -> String {
    let Inspected::Read { runs, .. } = inspect(checks, &CancellationToken::new()).1 else { panic!("unreadable") };
    let shown = runs.iter().map(|run| {
        format!(
            "{}: {}, exit {:?}, attempt {}, {:?}",
            run.name, run.conclusion, run.exit, run.attempts, run.output_tail
        )
    });
    shown.collect::<Vec<_>>().join("\n")
}

fn check(name: &str, command: &str, more: &str) -> String {
    format!("[[checks]]\nname = \"{name}\"\ncommand = '''{command}'''\n{more}\n")
}

fn is_shown(checks: &[String], expected: Expect) {
    expected.assert_eq(&shown(&checks.concat()));
}

fn a_commit_without_checks_runs_nothing() {
    let stop = CancellationToken::new();
    assert_eq!(inspect("", &stop).1, Inspected::Read { gate: Gate::Missing, runs: Vec::new() });
    assert_eq!(inspect("checks = []", &stop).1, Inspected::Read { gate: Gate::Untested, runs: Vec::new() });
    let Inspected::Unreadable(error) = inspect("checks = 5", &stop).1 else { panic!("it was read") };
    assert_eq!((error.line, error.column), (1, 10));
}

fn a_commit_without_checks_is_held_to_those_of_the_config() {
    let configured = gate_from_toml(Some(&check("tests", "grep 2 a", ""))).unwrap();
    let conclusion = |own: &str| {
        let mut project = Project::new(&[("a", "1\n"), (".downbeat/config.toml", own)]);
        project.repository.gate = configured.clone();
        let gatekeeper = gatekeeper(&project);
        let stop = CancellationToken::new();
        let inspected = block_on(gatekeeper.inspect(&project.repository, &project.base, &SilentSink, stop)).unwrap();
        let Inspected::Read { gate, runs } = inspected else { panic!("it was not read") };
        (gate, runs.first().map(|run| run.conclusion))
    };
    assert_eq!(conclusion(""), (configured.clone(), Some(Conclusion::Failed)));
    assert_eq!(conclusion("checks = []"), (Gate::Untested, None), "its own word goes first");
    assert_eq!(conclusion(&check("own", "true", "")).1, Some(Conclusion::Passed));
}

fn checks_conclude_each_in_its_way() {
    is_shown(
        &[check("tests", "cat a", ""), check("lint", "echo bad >&2; exit 3", ""), check("never", "echo x", "")],
        expect![[r#"
            tests: passed, exit Some(0), attempt 1, "1"
            lint: failed, exit Some(3), attempt 1, "bad""#]],
    );
    is_shown(
        &[check("slow", "echo begun; sleep 60", "timeout = \"1s\"")],
        expect![[r#"slow: timed out, exit None, attempt 1, "begun\n[it was stopped at its time limit]""#]],
    );
    is_shown(
        &[check("killed", "kill -9 $$", "")],
        expect![[r#"killed: failed, exit None, attempt 1, "[it was killed by signal 9]""#]],
    );
}

fn each_attempt_gets_a_fresh_copy() {
    is_shown(
        &[
            check("spoil", "rm a; touch $HOME/x $TMPDIR/x", ""),
            check("look", "cat a; (ls $HOME; ls $TMPDIR) | grep -c x", "retries = 1"),
        ],
        expect![[r#"
            spoil: passed, exit Some(0), attempt 1, ""
            look: failed, exit Some(1), attempt 2, "1\n0""#]],
    );
}

fn a_flaky_check_is_repeated() {
    // Nothing survives from one attempt to the next, so what differs is the directory that it runs in.
    is_shown(
        &[check("flaky", "case $PWD in *-2/tree) echo now;; *) echo not yet; false;; esac", "retries = 3")],
        expect![[r#"flaky: passed, exit Some(0), attempt 3, "now""#]],
    );
}

fn stopped_checks_are_cancelled() {
    let stop = CancellationToken::new();
    stop.cancel();
    let Inspected::Read { runs, .. } = inspect(&check("slow", "sleep 600", "retries = 3"), &stop).1 else {
        panic!("unreadable")
    };
    let shown: Vec<_> = runs.iter().map(|run| format!("{} {}", run.conclusion, run.attempts)).collect();
    assert_eq!(shown, ["cancelled 1"]);
}

fn checks_see_nothing_else() {
    let command = "test ! -e .git && test -z \"$(ls ../.. 2>/dev/null)\" && echo x > written && cat written";
    is_shown(&[check("alone", command, "")], expect![[r#"alone: passed, exit Some(0), attempt 1, "x""#]]);
}

fn checks_see_what_the_setup_made() {
    let checks = check("tests", "cat \"$DOWNBEAT_SETUP_DIR/word\" && touch \"$DOWNBEAT_SETUP_DIR/x\"", "");
    let told = |setup: &str| {
        let project = Project::new(&[("a", "1\n"), (".downbeat/config.toml", &checks), (SETUP_FILE, setup)]);
        let (gatekeeper, stop) = (gatekeeper(&project), CancellationToken::new());
        let run = gatekeeper.inspect(&project.repository, &project.base, &SilentSink, stop);
        let Inspected::Read { runs, .. } = block_on(run).unwrap() else { panic!("unreadable") };
        let shown = runs.iter().map(|run| format!("{}: {}, {}", run.name, run.conclusion, run.output_tail));
        shown.collect::<Vec<_>>().join("\n")
    };
    let told_first = told("echo hello >$DOWNBEAT_SETUP_DIR/word\n");
    assert!(told_first.starts_with("tests: failed, hello\ntouch: cannot touch"), "{told_first}");
    expect!["setup: failed, `.downbeat/setup` ended with exit code 4; its last words:\nno"]
        .assert_eq(&told("echo no; exit 4\n"));
}
