//! The bridge: what connects to the gate's port inside is joined to the gate's door outside, byte by byte
//! after the token that opens it.
//!
//! It runs in a process of its own inside the run's network and process ids, forked from the launcher before the rules
//! close in, and dies with them. Nothing here may start a runtime.

use std::io::{self, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::prctl;
use nix::sys::signal::Signal;

use super::door::Door;

/// Serves connections to `listener` for ever, each by one of its own through `door`.
pub(super) fn serve(listener: &TcpListener, door: &Door) {
    let mut told = false;
    for connection in listener.incoming() {
        let Ok(inside) = connection else { continue };
        let outside = match enter(door) {
            Ok(outside) => outside,
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    eprintln!("the network's gate cannot be reached: {error}");
                }
                continue;
            }
        };
        // A connection that cannot be joined is closed; whoever made it sees that.
        let _ = join(inside, outside);
    }
}

/// Dies with the first process, whatever ends that: what is forked asks for it anew.
pub(super) fn belong() -> Result<(), String> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| format!("the run's death cannot be watched: {error}"))
}

/// Goes to the door's directory, from which its path is short: a socket's has at most 107 bytes, and a state directory
/// may lie deep. Before the bridge is confined.
pub(super) fn approach(door: &Door) -> Result<(), String> {
    let room = door.socket().parent().unwrap_or(Path::new("/"));
    std::env::set_current_dir(room).map_err(|error| format!("{}: {error}", room.display()))
}

fn enter(door: &Door) -> io::Result<UnixStream> {
    let mut outside = UnixStream::connect(door.socket().file_name().unwrap_or_default())?;
    outside.write_all(door.token().as_str().as_bytes())?;
    Ok(outside)
}

fn join(inside: TcpStream, outside: UnixStream) -> io::Result<()> {
    let (mut from_inside, mut to_inside) = (inside.try_clone()?, inside);
    let (mut from_outside, mut to_outside) = (outside.try_clone()?, outside);
    std::thread::Builder::new().spawn(move || {
        let _ = io::copy(&mut from_inside, &mut to_outside);
        to_outside.shutdown(Shutdown::Write)
    })?;
    std::thread::Builder::new().spawn(move || {
        let _ = io::copy(&mut from_outside, &mut to_inside);
        to_inside.shutdown(Shutdown::Write)
    })?;
    Ok(())
}
