//! Where the control socket lies, and how it is opened: readable and writable by its owner alone.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The socket's name in the state directory.
pub const SOCKET: &str = "control.sock";

/// The longest path of a socket, from `sun_path` of unix(7), without the closing zero.
const PATH_BYTES_MAX: usize = 107;

/// Listens in a state directory. Only for whoever holds the directory's lock, because what an earlier process left
/// there is replaced.
pub fn bind(state: &Path) -> io::Result<UnixListener> {
    let (fresh, place) = (format!("{SOCKET}.new"), state.join(SOCKET));
    let _ = fs::remove_file(state.join(&fresh));
    let listener = reach(state, &fresh, |path| UnixListener::bind(path))?;
    // It gets its name only when nobody else may open it any more.
    fs::set_permissions(state.join(&fresh), Permissions::from_mode(0o600))?;
    fs::rename(state.join(&fresh), place)?;
    Ok(listener)
}

/// Takes the socket away.
pub fn remove(state: &Path) {
    let _ = fs::remove_file(state.join(SOCKET));
}

/// Reaches whoever listens in a state directory.
pub async fn connect(state: &Path) -> io::Result<UnixStream> {
    let stream = reach(state, SOCKET, std::os::unix::net::UnixStream::connect)?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Whether the other side runs as us or as root.
pub fn is_ours(stream: &UnixStream) -> bool {
    let ours = nix::unistd::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
}

/// Gives a path of the socket that is short enough, through the open directory when its own is too long.
fn reach<T>(state: &Path, name: &str, open: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let path = state.join(name);
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return open(path);
    }
    let directory = fs::File::open(state)?;
    open(PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_its_owners_alone_however_long_its_path() {
        let place = tempfile::tempdir().unwrap();
        for state in [place.path().join("short"), place.path().join("long".repeat(40))] {
            fs::create_dir(&state).unwrap();
            let listener = bind(&state).unwrap();
            let mode = fs::metadata(state.join(SOCKET)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let (client, server) = tokio::join!(connect(&state), listener.accept());
            assert!(is_ours(&client.unwrap()) && is_ours(&server.unwrap().0));
        }
    }

    #[tokio::test]
    async fn what_a_dead_process_left_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        drop(bind(place.path()).unwrap());
        assert!(connect(place.path()).await.is_err());
        let _listener = bind(place.path()).unwrap();
        assert!(connect(place.path()).await.is_ok());
    }
}
