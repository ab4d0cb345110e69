//! The door of a gate: where it is, and the word that opens it. A kernel cannot always keep a cage from another
//! session's socket; it does keep it from the memory in which the word is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Bytes of a word: too many to be guessed.
pub const WORD_BYTES: usize = 32;

/// Where a gate listens, and what whoever connects must say first. It travels to the launcher in the run's order and
/// is written into no file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    socket: PathBuf,
    word: [u8; WORD_BYTES],
}

impl Door {
    /// A door at this unix socket, with a word of its own.
    pub fn at(socket: impl Into<PathBuf>) -> io::Result<Self> {
        let mut word = [0; WORD_BYTES];
        File::open("/dev/urandom")?.read_exact(&mut word)?;
        Ok(Self { socket: socket.into(), word })
    }

    /// The unix socket at which the gate listens outside.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What the run's side of every connection begins with.
    pub fn word(&self) -> &[u8; WORD_BYTES] {
        &self.word
    }

    /// Whether that is the word. It takes as long for every wrong one.
    pub fn opens_to(&self, heard: &[u8; WORD_BYTES]) -> bool {
        let differing = self.word.iter().zip(heard).fold(0, |all, (ours, theirs)| all | (ours ^ theirs));
        std::hint::black_box(differing) == 0
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("socket", &self.socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_opens_to_its_word_alone_and_shows_it_to_nobody() {
        let [door, other] = ["/run/a", "/run/a"].map(|socket| Door::at(socket).unwrap());
        assert!(door.opens_to(door.word()));
        assert!(!door.opens_to(other.word()) && !door.opens_to(&[0; WORD_BYTES]));
        assert_eq!(format!("{door:?}"), "Door { socket: \"/run/a\", .. }");
        assert_eq!(serde_json::from_str::<Door>(&serde_json::to_string(&door).unwrap()).unwrap(), door);
    }
}
