//! The door of a gate: where it is, and the token that opens it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::GATE_PORT;
use crate::token::Token;

/// Where a gate listens, and what whoever connects must say first. It travels to the launcher in the run's order and
/// is written into no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    socket: PathBuf,
    port: u16,
    token: Token,
}

impl Door {
    /// A door at this unix socket, with a token of its own. The run finds it at [`GATE_PORT`].
    pub fn at(socket: impl Into<PathBuf>) -> io::Result<Self> {
        Ok(Self { socket: socket.into(), port: GATE_PORT, token: Token::new()? })
    }

    /// The same at a port that is free now, for a run that shares this machine's with others.
    pub fn at_a_free_port(socket: impl Into<PathBuf>) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self { port, ..Self::at(socket)? })
    }

    /// The port on 127.0.0.1 at which the run finds it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The unix socket at which the gate listens outside.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What the run's side of every connection begins with.
    pub fn token(&self) -> &Token {
        &self.token
    }
}
