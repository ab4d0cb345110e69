//! Checks on exactly the tree that would land.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use agents::cage::{Cage, CageSettings, ProgressSink, SilentSink};
use agents::checks::{Gatekeeper, Inspected, Inspection};
use agents::setup::{SETUP_FILE, SetupSettings, Setups};
use domain::{Clock, Timestamp};
use expect_test::{Expect, expect};
use forge::{CheckRun, Conclusion, FailedTests, Gate, gate_from_toml};
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
    ("what_ran_while_programs_were_changed_ran_nowhere_known", what_ran_while_programs_were_changed_ran_nowhere_known),
    ("a_red_check_names_the_tests_that_its_report_names", a_red_check_names_the_tests_that_its_report_names),
    ("what_failed_before_is_run_first_and_alone", what_failed_before_is_run_first_and_alone),
    ("checks_see_the_lanes_that_they_name_alone", checks_see_the_lanes_that_they_name_alone),
    ("what_is_known_to_pass_is_not_begun", what_is_known_to_pass_is_not_begun),
    ("checks_see_what_the_setup_made", checks_see_what_the_setup_made),
    ("what_checks_ran_in_is_known_once_their_setup_ran", what_checks_ran_in_is_known_once_their_setup_ran),
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
    gatekeeper_in(standard_cage(), project)
}

fn gatekeeper_in(cage: Cage, project: &Project) -> Gatekeeper {
    let setups =
        Setups::new(cage.clone(), nothing_open(), project.path("setups"), SetupSettings::default(), Arc::new(Noon));
    let level = block_on(cage.probe(&project.path(""))).unwrap();
    Gatekeeper::new(cage, project.path("checks"), setups, &level)
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
    assert_eq!(inspect("", &stop).1, Inspected::Read { gate: Gate::Missing, runs: Vec::new(), environment: None });
    assert_eq!(
        inspect("checks = []", &stop).1,
        Inspected::Read { gate: Gate::Untested, runs: Vec::new(), environment: None }
    );
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
        let Inspected::Read { gate, runs, .. } = inspected else { panic!("it was not read") };
        (gate, runs.first().map(|run| run.conclusion))
    };
    assert_eq!(conclusion(""), (configured.clone(), Some(Conclusion::Failed)));
    assert_eq!(conclusion("checks = []"), (Gate::Untested, None), "its own word goes first");
    assert_eq!(conclusion(&check("own", "true", "")).1, Some(Conclusion::Passed));
}

/// [21]
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

/// [42]
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

/// [36]
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

/// A project with a file in each of two lanes, one of the rest, one for all, and these checks.
fn laned(checks: &[String]) -> Project {
    let lanes = "[lanes]\nweb = ['web/**']\napi = ['api/**']\nall = ['shared']\n";
    let config = lanes.to_owned() + &checks.concat();
    Project::new(&[
        ("web/a", "1\n"),
        ("api/a", "1\n"),
        ("notes", "1\n"),
        ("shared", "1\n"),
        (".downbeat/config.toml", &config),
    ])
}

/// [19]
fn checks_see_the_lanes_that_they_name_alone() {
    let list = "find . -type f | sort | xargs echo; touch api/b web/b 2>/dev/null; true";
    let project = laned(&[
        check("web", list, "lanes = [\"web\"]"),
        check("both", list, "lanes = [\"web\", \"api\"]"),
        check("whole", list, ""),
        check("again", list, "lanes = [\"rest\"]"),
        check("curious", "cat web/a >/dev/null && cat ../tree/api/a", "lanes = [\"web\"]"),
        check("never", "true", ""),
    ]);
    let (gatekeeper, stop, log) = (gatekeeper(&project), CancellationToken::new(), Lines::default());
    let run = gatekeeper.inspect(&project.repository, &project.base, &log, stop);
    let Inspected::Read { runs, .. } = block_on(run).unwrap() else { panic!("unreadable") };
    let shown = runs.iter().map(|run| format!("{}: {}, {}", run.name, run.conclusion, run.output_tail));
    expect![[r#"
        web: passed, ./.downbeat/config.toml ./shared ./web/a
        both: passed, ./.downbeat/config.toml ./api/a ./shared ./web/a
        whole: passed, ./.downbeat/config.toml ./api/a ./notes ./shared ./web/a
        again: passed, ./.downbeat/config.toml ./notes ./shared
        curious: failed, cat: ../tree/api/a: No such file or directory"#]]
    .assert_eq(&shown.collect::<Vec<_>>().join("\n"));
    let told = log.0.into_inner().unwrap();
    assert!(told.last().is_some_and(|line| line.ends_with(", seeing only web")), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.contains("seeing only")).count(), 1);
}

/// [45]
fn what_is_known_to_pass_is_not_begun() {
    let project = laned(&[
        check("web", "false", "lanes = [\"web\"]"),
        check("api", "true", "lanes = [\"api\"]"),
        check("whole", "true", ""),
    ]);
    let (gatekeeper, repository, commit) = (gatekeeper(&project), &project.repository, &project.base);
    let Gate::Checks(specs) = block_on(gatekeeper.gate_of(repository, commit)).unwrap().unwrap() else {
        panic!("none")
    };
    let ran = |known| {
        let inspection = Inspection { repository, commit, known, failed_before: &BTreeMap::new() };
        let run = gatekeeper.inspect_rest(inspection, &SilentSink, CancellationToken::new());
        let Inspected::Read { gate, runs, .. } = block_on(run).unwrap() else { panic!("unreadable") };
        assert_eq!(gate, Gate::Checks(specs.clone()), "the gate is what the commit demands");
        runs.iter().map(|run| format!("{} {}", run.name, run.conclusion)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(ran(&[]), "web failed");
    assert_eq!(ran(&specs[..1]), "api passed, whole passed");
    assert_eq!(ran(&specs[1..]), "web failed");
    assert_eq!(ran(&specs), "");
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

fn what_checks_ran_in_is_known_once_their_setup_ran() {
    let checks = check("tests", "true", "");
    let project = Project::new(&[
        ("a", "1\n"),
        (".downbeat/config.toml", &checks),
        (SETUP_FILE, "echo hello >$DOWNBEAT_SETUP_DIR/word\n"),
    ]);
    let gatekeeper = gatekeeper(&project);
    let known = || block_on(gatekeeper.environment_of(&project.repository, &project.base));
    assert_eq!(known(), None, "nobody knows what a setup would make");
    let run = gatekeeper.inspect(&project.repository, &project.base, &SilentSink, CancellationToken::new());
    let Inspected::Read { environment, .. } = block_on(run).unwrap() else { panic!("unreadable") };
    assert!(environment.is_some());
    assert_eq!(environment, known());
    std::fs::remove_dir_all(project.path("setups")).unwrap();
    assert_eq!(known(), None, "what it made is gone");
    let plain = Project::new(&[("a", "1\n"), (".downbeat/config.toml", &checks)]);
    let without = block_on(self::gatekeeper(&plain).environment_of(&plain.repository, &plain.base));
    assert!(without.is_some() && without != environment);
}

fn a_red_check_names_the_tests_that_its_report_names() {
    // A report of the second attempt alone, one that is a link out of the cage, one that a green check leaves.
    let attempt = "case $PWD in *-0/tree) t=first;; *) t=second;; esac; mkdir out";
    let write = r#"echo "<testsuite><testcase name='tests::$t'><failure/></testcase></testsuite>" >out/r.xml"#;
    let named = |name: &str, end: &str, more: &str| {
        let command = format!("{attempt}; {write}; {end}");
        let text = format!("[[checks]]\nname = \"{name}\"\ncommand = '''{command}'''\njunit = \"out/*.xml\"\n{more}\n");
        let log = Lines::default();
        let project = Project::new(&[("a", "1\n"), (".downbeat/config.toml", &text)]);
        let (gatekeeper, stop) = (gatekeeper(&project), CancellationToken::new());
        let run = gatekeeper.inspect(&project.repository, &project.base, &log, stop);
        let Inspected::Read { runs, .. } = block_on(run).unwrap() else { panic!("unreadable") };
        let told = log.0.into_inner().unwrap();
        let said = told.iter().filter(|line| line.contains("report") && !line.contains("attempt")).cloned();
        let said: Vec<String> = said.filter(|line| !line.contains("<testsuite>")).collect();
        format!("{}: {} {}", runs[0].conclusion, runs[0].failed_tests, said.join("; "))
    };
    assert_eq!(named("unit", "exit 1", "retries = 1"), "failed: tests::second ");
    assert_eq!(named("unit", "exit 0", ""), "passed:  ");
    assert_eq!(named("unit", "rm -r out; exit 1", ""), "failed:  check unit: it left no report at out/*.xml");
    let linked = "ln -s /etc out/etc; rm out/r.xml; ln -s /etc/hostname out/r.xml; exit 1";
    assert_eq!(named("unit", linked, ""), "failed:  check unit: it left no report at out/*.xml");
}

/// How a check ends that knows how to run what failed before, and what is told of it.
fn told_of_failed_first(first: &str, command: &str) -> (CheckRun, String) {
    let lines = [
        "[[checks]]".to_owned(),
        "name = 'unit'".to_owned(),
        format!("command = '''{command}'''"),
        "junit = 'r.xml'".to_owned(),
        format!("failed_first = '''{first}'''"),
    ];
    let project = Project::new(&[("a", "1\n"), (".downbeat/config.toml", &lines.join("\n"))]);
    let (gatekeeper, log) = (gatekeeper(&project), Lines::default());
    let failed_before = &BTreeMap::from([("unit".to_owned(), FailedTests::of(["tests::old".to_owned()]))]);
    let inspection = Inspection { repository: &project.repository, commit: &project.base, known: &[], failed_before };
    let run = gatekeeper.inspect_rest(inspection, &log, CancellationToken::new());
    let Inspected::Read { runs, .. } = block_on(run).unwrap() else { panic!("unreadable") };
    (runs[0].clone(), log.0.into_inner().unwrap().join("\n"))
}

fn what_failed_before_is_run_first_and_alone() {
    let red = r#"echo "<testsuite><testcase name='$1'><failure/></testcase></testsuite>" >r.xml; exit 1"#;
    let (run, told) = told_of_failed_first(&format!("set -- {{tests}}; {red}"), "echo all of it");
    assert_eq!((run.conclusion, run.failed_tests.to_string().as_str()), (Conclusion::Failed, "tests::old"), "{told}");
    assert!(told.contains("first what failed before: set -- 'tests::old'") && !told.contains("\nall of it"), "{told}");

    // They pass, or are gone: all of it is run, and only that decides.
    for first in ["true {tests}", "echo no such test {tests}; exit 4"] {
        let (run, told) = told_of_failed_first(first, "echo all of it");
        assert_eq!(run.conclusion, Conclusion::Passed, "{told}");
        assert!(told.contains("\nall of it"), "{told}");
    }
    let (run, told) = told_of_failed_first("true {tests}", "exit 3");
    assert_eq!((run.conclusion, run.exit), (Conclusion::Failed, Some(3)), "{told}");
}

fn what_ran_while_programs_were_changed_ran_nowhere_known() {
    let project = Project::new(&[("a", "1\n"), (".downbeat/config.toml", &check("tests", "true", ""))]);
    std::fs::create_dir_all(project.path("toolchain/bin")).unwrap();
    let toolchains = vec![project.path("toolchain")];
    let cage = Cage::new(CageSettings { toolchains, ..standard_cage().settings().clone() });
    let gatekeeper = gatekeeper_in(cage, &project);
    let environment = |sink: &dyn ProgressSink| {
        let run = gatekeeper.inspect(&project.repository, &project.base, sink, CancellationToken::new());
        let Inspected::Read { environment, .. } = block_on(run).unwrap() else { panic!("unreadable") };
        environment
    };
    assert!(environment(&SilentSink).is_some());
    assert_eq!(environment(&Installer(project.path("toolchain/bin"))), None);
    assert!(environment(&SilentSink).is_some());
}

/// Somebody who installs a program when a check begins.
struct Installer(PathBuf);

impl ProgressSink for Installer {
    fn line(&self, text: &str) {
        std::fs::write(self.0.join(text.replace('/', "")), "").unwrap();
    }
}

/// Keeps what is told.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl ProgressSink for Lines {
    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}
