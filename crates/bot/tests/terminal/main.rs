//! The chat terminal in real terminals and pipes: what a person types, and what is on their screen.
//!
//! The program in the terminal is this one, started again. It has its own main for that.
#![expect(clippy::disallowed_methods, reason = "tests drive the real program from outside: its process and threads")]

use std::path::Path;
use std::process::ExitCode;

use downbeat::terminal::{Attach, Left, attach};
use libtest_mimic::{Arguments, Trial};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

mod pipe;
mod screen;
mod seat;
mod stand;
mod watched;

/// The first argument with which this program is the chat terminal of ana.
pub const CHAT: &str = "chat-of-ana";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if args.get(1).is_some_and(|first| first == CHAT) {
        return chat(Path::new(&args[2]));
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

fn chat(state: &Path) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let person = Attach {
        state: state.to_owned(),
        person: "ana".parse().unwrap(),
        thread: "main".to_owned(),
        greeting: vec!["Tab completes, /help says more".to_owned()],
        history: Some(state.join("history")),
        notices: None,
        stop: CancellationToken::new(),
    };
    let left = runtime.block_on(async {
        let mut broken = signal(SignalKind::user_defined1()).unwrap();
        tokio::select! {
            left = attach(person) => left,
            _ = broken.recv() => panic!("the program is broken"),
        }
    });
    runtime.shutdown_background();
    match left {
        Ok(Left::Asked | Left::Stopped | Left::InputEnded { n_unsaid: 0 }) => ExitCode::SUCCESS,
        Ok(Left::Terminated) => ExitCode::from(3),
        Ok(Left::InputEnded { .. }) => ExitCode::from(4),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
