//! Where the log goes: to standard error, or into a file while the terminal belongs to a conversation.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

static DIVERTED: OnceLock<File> = OnceLock::new();

/// Writes what happens, from warnings upwards unless `DOWNBEAT_LOG` says otherwise.
pub fn begin() {
    let filter = EnvFilter::try_from_env("DOWNBEAT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // The Slack library prints the addresses of sockets, which let in whoever reads them; what matters of it we tell ourselves.
    let filter = filter.add_directive("slack_morphism=off".parse().expect("a target and a level are a directive"));
    // GitHub's library calls every refusal an error; what it means is told by whoever asked.
    let filter = filter.add_directive("octocrab=off".parse().expect("a target and a level are a directive"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Log)
        .with_ansi(io::stderr().is_terminal())
        .compact()
        .init();
}

/// Writes into a new file from now on.
pub fn divert(path: &Path) -> io::Result<()> {
    // Whoever diverts twice in one process keeps the first file.
    let _ = DIVERTED.set(File::create(path)?);
    Ok(())
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match DIVERTED.get() {
            Some(mut file) => file.write(bytes),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
