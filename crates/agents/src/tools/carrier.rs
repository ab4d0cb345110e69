//! `downbeat mcp`: the program that an agent starts for its tools. It says the session's token and then carries bytes.

use std::fs;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use super::{SOCKET_VARIABLE, TOKEN};
use crate::socket;

/// The whole program when it was started for an agent's tools; runs inside the cage.
pub fn mcp_main() -> ExitCode {
    match carry() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the tools cannot be reached: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry() -> io::Result<()> {
    let unset = |_| io::Error::other(format!("{SOCKET_VARIABLE} is not set; only an agent in its cage starts this"));
    let place = PathBuf::from(std::env::var(SOCKET_VARIABLE).map_err(unset)?);
    let mut desk = socket::reach(&place, UnixStream::connect)?;
    desk.write_all(&fs::read(place.with_extension(TOKEN))?)?;
    let mut answers = desk.try_clone()?;
    thread::scope(|scope| {
        // The desk closes when the agent has closed, or when the session is over; either ends the program.
        scope.spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut desk);
            let _ = desk.shutdown(Shutdown::Write);
        });
        io::copy(&mut answers, &mut LineByLine(io::stdout().lock()))?;
        // Whoever reads standard input cannot be called off.
        std::process::exit(0)
    })
}

/// Hands on every piece at once.
struct LineByLine<W>(W);

impl<W: Write> Write for LineByLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.0.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
