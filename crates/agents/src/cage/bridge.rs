//! The bridge: what connects to the gate's port inside is joined to the gate's door outside, byte by byte
//! after the word that opens it.
//!
//! It runs in a process of its own inside the run's network and process ids, forked from the launcher before the rules
//! close in, and dies with them. Nothing here may start a runtime.

use std::io::{self, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use super::door::Door;

/// Serves connections to `listener` for ever, each by one of its own through `door`.
pub(super) fn serve(listener: &TcpListener, door: &Door) {
    for connection in listener.incoming() {
        let Ok(inside) = connection else { continue };
        let Ok(outside) = enter(door) else { continue };
        // A connection that cannot be joined is closed; whoever made it sees that.
        let _ = join(inside, outside);
    }
}

fn enter(door: &Door) -> io::Result<UnixStream> {
    let mut outside = UnixStream::connect(door.socket())?;
    outside.write_all(door.word())?;
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
