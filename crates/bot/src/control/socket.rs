//! Where the control socket lies, and how it is opened: readable and writable by its owner alone.
//!
//! A caged program runs as its owner too, and on kernels where the cage cannot keep it from a socket it can keep it from
//! a file. So whoever opens the socket also says a token that lies beside it, and that no cage may read.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use agents::socket::reach;
use agents::token::Token;
use tokio::net::{UnixListener, UnixStream};

/// The socket's name in the state directory.
pub const SOCKET: &str = "control.sock";

/// The token's name in the state directory.
pub const TOKEN: &str = "control.token";

/// Listens in a state directory, and gives the token that clients have to say. Only for whoever holds the directory's
/// lock, because what an earlier process left there is replaced.
pub fn bind(state: &Path) -> io::Result<(UnixListener, Token)> {
    let token = write_token(state)?;
    let (fresh, place) = (format!("{SOCKET}.new"), state.join(SOCKET));
    let _ = fs::remove_file(state.join(&fresh));
    let listener = reach(&state.join(&fresh), |path| UnixListener::bind(path))?;
    // It gets its name only when nobody else may open it any more.
    fs::set_permissions(state.join(&fresh), Permissions::from_mode(0o600))?;
    fs::rename(state.join(&fresh), place)?;
    Ok((listener, token))
}

fn write_token(state: &Path) -> io::Result<Token> {
    let token = Token::new()?;
    let fresh = state.join(format!("{TOKEN}.new"));
    let _ = fs::remove_file(&fresh);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?.write_all(token.as_str().as_bytes())?;
    fs::rename(fresh, state.join(TOKEN))?;
    Ok(token)
}

/// Takes the socket and its token away.
pub fn remove(state: &Path) {
    for name in [SOCKET, TOKEN] {
        let _ = fs::remove_file(state.join(name));
    }
}

/// Reaches whoever listens in a state directory, with the token to say.
pub async fn connect(state: &Path) -> io::Result<(UnixStream, String)> {
    let stream = reach(&state.join(SOCKET), std::os::unix::net::UnixStream::connect)?;
    stream.set_nonblocking(true)?;
    Ok((UnixStream::from_std(stream)?, fs::read_to_string(state.join(TOKEN))?))
}

/// Whether the other side runs as us or as root.
pub fn is_ours(stream: &UnixStream) -> bool {
    let ours = nix::unistd::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_its_owners_alone_however_long_its_path() {
        let place = tempfile::tempdir().unwrap();
        for state in [place.path().join("short"), place.path().join("long".repeat(40))] {
            fs::create_dir(&state).unwrap();
            let (listener, token) = bind(&state).unwrap();
            for name in [SOCKET, TOKEN] {
                let mode = fs::metadata(state.join(name)).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{name}");
            }
            let (client, server) = tokio::join!(connect(&state), listener.accept());
            let (client, said) = client.unwrap();
            assert!(is_ours(&client) && is_ours(&server.unwrap().0));
            assert_eq!(said, token.as_str());
        }
    }

    #[tokio::test]
    async fn what_a_dead_process_left_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        drop(bind(place.path()).unwrap());
        assert!(connect(place.path()).await.is_err());
        let (_listener, token) = bind(place.path()).unwrap();
        assert_eq!(connect(place.path()).await.unwrap().1, token.as_str());
    }
}
