//! A clock that is set while the program runs: Debian's `faketime` between it and the kernel.
//!
//! Only the time of day jumps. What counts elapsed time, as the kernel's timers do, goes on as it does when an operator or
//! a time server sets a real clock.

use std::path::PathBuf;
use std::process::Command;

/// The library, where it is installed.
fn library() -> Option<PathBuf> {
    let places = std::fs::read_dir("/usr/lib").ok()?.flatten();
    places.map(|place| place.path().join("faketime/libfaketimeMT.so.1")).find(|library| library.exists())
}

/// Whether clocks can be set here.
pub fn can_be_set() -> bool {
    library().is_some()
}

/// A clock of one place.
pub struct WallClock {
    offset: PathBuf,
}

impl WallClock {
    /// One that is right, told by this file.
    pub fn at(offset: PathBuf) -> Self {
        let clock = Self { offset };
        clock.set(0);
        clock
    }

    /// Sets it to so many seconds after what it should be.
    pub fn set(&self, seconds: i64) {
        // Renamed into its place: whoever reads it sees the one or the other.
        let next = self.offset.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(next, &self.offset).unwrap();
    }

    /// The program, which goes by it.
    pub fn worn_by(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", library().expect("it is ignored where it is not installed"));
        command.env("FAKETIME_TIMESTAMP_FILE", &self.offset).env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }
}
