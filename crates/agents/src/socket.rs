//! Reaching a unix socket whose path may be longer than the kernel takes.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

/// The longest path of a socket, from `sun_path` of unix(7), without the closing zero.
const PATH_BYTES_MAX: usize = 107;

/// Gives `act` a path of the socket that is short enough, through its open directory when its own is too long.
pub fn reach<T>(path: &Path, act: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other(format!("{} is no path of a socket", path.display())));
    };
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return act(path.to_owned());
    }
    // `O_PATH` needs no right to read the directory, which nobody inside a cage has.
    let directory = open(directory, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    act(Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name))
}
