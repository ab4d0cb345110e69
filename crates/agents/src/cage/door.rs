//! The door of a gate: where it is, and the token that opens it.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::token::Token;

/// Where a gate listens, and what whoever connects must say first. It travels to the launcher in the run's order and
/// is written into no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    socket: PathBuf,
    token: Token,
}

impl Door {
    /// A door at this unix socket, with a token of its own.
    pub fn at(socket: impl Into<PathBuf>) -> io::Result<Self> {
        Ok(Self { socket: socket.into(), token: Token::new()? })
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
