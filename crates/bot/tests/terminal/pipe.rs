//! In a pipe: lines in, lines out, and nothing that steers a terminal.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::stand::Stand;

pub const TESTS: &[(&str, fn())] = &[
    ("lines_of_a_pipe_are_said_one_by_one_and_what_comes_is_appended", lines_of_a_pipe_are_said_one_by_one),
    ("a_line_that_is_refused_shows_in_the_exit_code", a_line_that_is_refused_shows_in_the_exit_code),
    ("a_pipe_outlives_a_restart_of_the_instance", a_pipe_outlives_a_restart_of_the_instance),
];

fn piped(state: &std::path::Path, input: &str) -> Output {
    let program = crate::chat_of_ana(state);
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).env_clear().env("HOME", state);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn texts(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn lines_of_a_pipe_are_said_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::open(folder.path());
    stand.posts_in("web", "ben", "not here");
    let output = piped(folder.path(), "status\n\n@agent fix\u{1b}[2J it\n");
    assert_eq!(texts(&output), ("   ana  status\n   ana  @agent fix\u{fffd}[2J it\n".to_owned(), String::new()));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stand.said(), ["status", "@agent fix\u{1b}[2J it"]);
}

fn a_line_that_is_refused_shows_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::open(folder.path());
    let long = "x".repeat(100_001);
    let output = piped(folder.path(), &format!("approve T-9\n{long}\nstatus"));
    let (out, err) = texts(&output);
    assert_eq!(out, "   ana  status\n");
    assert_eq!(
        err,
        "not said: There is no task T-9. Say `status` to see them\n\
         not said: the line has more than 100000 bytes; put the rest into a file of the repository\n"
    );
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(stand.said(), ["approve T-9", "status"]);
}

fn a_pipe_outlives_a_restart_of_the_instance() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::open(folder.path());
    stand.posts("ben", "from before");
    stand.dies_of("status");
    let output = piped(folder.path(), "status\nqueue\n");
    let (out, err) = texts(&output);
    assert_eq!(out, "   ana  status\n   ana  queue\n");
    assert_eq!(err.lines().count(), 1, "{err}");
    assert_eq!(output.status.code(), Some(0));
    let names = stand.heard("status", 2);
    assert_eq!(names[0], names[1]);
}
