//! The chat terminal in real terminals and pipes: what a person types, and what is on their screen.
//!
//! One test needs a program that breaks; that one is this program, started again, so it has a main of its own.
#![expect(clippy::disallowed_methods, reason = "tests drive the real program from outside: its process and threads")]
#![expect(clippy::unwrap_used, reason = "all of this is a test, and a panic is how one fails")]

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use downbeat::terminal::{Attach, attach};
use libtest_mimic::{Arguments, Trial};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

mod pipe;
mod screen;
mod seat;
mod stand;
mod watched;

/// The first argument with which this program is a chat terminal that breaks when it is told to.
pub const BREAKABLE: &str = "breakable-chat";

/// The program as ana starts it.
pub fn chat_of_ana(state: &Path) -> Vec<OsString> {
    let program = env!("CARGO_BIN_EXE_downbeat");
    [program, "chat", "--as", "ana", "--state"].map(OsString::from).into_iter().chain([state.into()]).collect()
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if args.get(1).is_some_and(|first| first == BREAKABLE) {
        return break_chat(Path::new(&args[2]));
    }
    let trial = |(name, test): &(&'static str, fn())| {
        let test = *test;
        Trial::test(*name, move || {
            test();
            Ok(())
        })
    };
    let tests = screen::TESTS.iter().chain(pipe::TESTS).map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn break_chat(state: &Path) -> ExitCode {
    let person = Attach {
        state: state.to_owned(),
        person: "ana".parse().unwrap(),
        thread: "main".to_owned(),
        greeting: Vec::new(),
        history: None,
        notices: None,
        stop: CancellationToken::new(),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut told = signal(SignalKind::user_defined1()).unwrap();
        tokio::select! {
            left = attach(person) => panic!("{left:?} before it was told to break"),
            _ = told.recv() => panic!("the program is broken"),
        }
    })
}
