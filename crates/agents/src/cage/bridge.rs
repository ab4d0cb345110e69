//! The bridge: what connects to the gate's port inside is joined to the gate's socket outside, byte by byte.
//!
//! It runs in a process of its own inside the run's network and process ids, forked from the launcher before the rules
//! close in, and dies with them. Nothing here may start a runtime.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Serves connections to `listener` for ever, each by one of its own to `socket`.
pub(super) fn serve(listener: &TcpListener, socket: &Path) {
    for connection in listener.incoming() {
        let Ok(inside) = connection else { continue };
        let Ok(outside) = UnixStream::connect(socket) else { continue };
        // A connection that cannot be joined is closed; whoever made it sees that.
        let _ = join(inside, outside);
    }
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
