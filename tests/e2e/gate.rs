//! A door that a process waits at until the test opens it: a named pipe.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::instance::PATIENCE;

/// Whoever reads a line from it waits until it is opened.
pub struct Gate {
    path: PathBuf,
}

/// Somebody who stands at the gate, and who would take its being dropped for the end of the file.
pub struct Visitor(File);

impl Gate {
    /// Makes a gate.
    pub fn at(path: &Path) -> Self {
        nix::unistd::mkfifo(path, Mode::from_bits_truncate(0o666)).unwrap();
        Self { path: path.to_owned() }
    }

    /// A gate that was made before.
    pub fn known(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The words with which a shell waits here.
    pub fn wait(&self) -> String {
        format!("read line < {}", self.path.display())
    }

    /// Waits until somebody stands at the gate. Such a pipe can be opened for writing without waiting only while it is
    /// being read.
    pub fn wait_for_somebody(&self) -> Visitor {
        let since = Instant::now();
        loop {
            match OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&self.path) {
                Ok(gate) => return Visitor(gate),
                Err(error) => assert!(since.elapsed() < PATIENCE, "nobody came to {}: {error}", self.path.display()),
            }
            std::thread::yield_now();
        }
    }
}

impl Visitor {
    /// Lets them through.
    pub fn let_through(mut self) {
        writeln!(self.0, "go on").unwrap();
    }
}
