//! `downbeat demo`: it proves itself, leaves nothing behind, and notices each rule that is broken under it.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::family::who_works_in;
use crate::instance::{Instance, PROGRAM, program};
use crate::world::{NOBODY, is_root, names_in};

/// What the README promises; measured and printed, because a busy machine is no fault of the demo's.
const PROMISED_S: u64 = 20;

/// An empty home and an empty temporary directory.
struct Stage(TempDir);

impl Stage {
    fn empty() -> Self {
        let place = tempfile::tempdir().unwrap();
        for name in ["home", "tmp"] {
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        Self(place)
    }

    fn command(&self) -> Command {
        let mut command = program(&self.0.path().join("home"), &self.0.path().join("tmp"));
        command.arg("demo");
        command
    }

    fn left_behind(&self) -> [Vec<String>; 2] {
        ["home", "tmp"].map(|name| names_in(&self.0.path().join(name)))
    }

    fn assert_empty(&self) {
        assert_eq!(self.left_behind(), [[""; 0]; 2], "the demo left something behind");
        assert_eq!(who_works_in(self.0.path()), [], "the demo left processes behind");
    }
}

fn texts(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

pub fn the_demo_proves_itself_and_leaves_nothing_behind() {
    let stage = Stage::empty();
    let since = Instant::now();
    let output = stage.command().output().unwrap();
    println!("the demo took {:.1} s; {PROMISED_S} s are promised", since.elapsed().as_secs_f64());
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert!(out.contains("Proof:"), "{out}");
    assert!(out.contains('✓') && !out.contains('✗'), "{out}");
    assert!(!out.contains('\u{1b}'), "escape sequences in a pipe: {out:?}");
    assert_eq!(err, "");
    stage.assert_empty();
}

pub fn an_interrupted_demo_leaves_nothing_behind() {
    let stage = Stage::empty();
    let playing = Instance::start(stage.command());
    playing.out.wait_for("@agent").expect("people begin to talk");
    playing.signal(Signal::SIGINT);
    let ended = playing.ended();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.err, "error: the demo was interrupted");
    stage.assert_empty();
}

pub fn a_kept_demo_is_where_it_says() {
    let stage = Stage::empty();
    let output = stage.command().arg("--keep").output().unwrap();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    let kept = out.lines().find_map(|line| line.strip_prefix("Kept: ")).unwrap_or_else(|| panic!("{out}"));
    let [home, tmp] = stage.left_behind();
    assert_eq!(home, [""; 0]);
    assert_eq!(tmp, [Path::new(kept).file_name().unwrap().to_str().unwrap()]);
    let sample = Path::new(kept).join("sample.git");
    let landed = Command::new("git").args(["rev-list", "main"]).current_dir(&sample).output().unwrap();
    assert!(texts(&landed).0.lines().count() > 1, "nothing landed in {}", sample.display());
}

/// Without rights there are other namespaces and other owners, and root is nobody's usual account.
pub fn nobody_may_play_the_demo() {
    let stage = Stage::empty();
    let mut command = stage.command();
    if is_root() {
        let copy = stage.0.path().join("downbeat");
        std::fs::copy(PROGRAM, &copy).unwrap();
        for name in ["", "home", "tmp"] {
            chown(stage.0.path().join(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut lowered = Command::new("setpriv");
        let nobody = NOBODY.to_string();
        lowered.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]).arg(copy).arg("demo");
        lowered.env_clear().current_dir(stage.0.path());
        lowered.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = lowered;
    }
    let output = command.output().unwrap();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    stage.assert_empty();
}

/// Plays the demo with one rule broken; it has to fail and to name `broken`.
fn sabotaged(rule: &str, broken: &[&str]) {
    let stage = Stage::empty();
    let output = stage.command().args(["--sabotage", rule]).output().unwrap();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    assert!(out.contains("The proof does not hold:"), "{out}\n{err}");
    let faults: Vec<&str> = out.lines().filter(|line| line.contains('✗')).collect();
    println!("--sabotage {rule}:\n{}", faults.join("\n"));
    let others = "T-1, T-2 and T-6 are merged";
    assert!(!faults.iter().any(|fault| fault.contains(others)), "more is broken than one rule:\n{out}");
    for words in broken {
        assert!(faults.iter().any(|fault| fault.contains(words)), "nothing says {words:?}:\n{out}");
    }
    stage.assert_empty();
}

pub fn a_demo_without_its_check_fails() {
    sabotaged("check", &["does not pass its tests"]);
}

pub fn a_demo_without_its_conflict_fails() {
    sabotaged("conflict", &["T-4"]);
}

pub fn a_demo_without_its_refusal_fails() {
    sabotaged("refusal", &["T-5"]);
}

pub fn a_demo_without_its_bisection_fails() {
    sabotaged("bisect", &["batch"]);
}
