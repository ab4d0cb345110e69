//! A word that opens a socket. A kernel cannot always keep a caged program from a socket; it does keep it from the memory or
//! the file in which the word is.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read as _};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

/// 128 bits that nobody guesses, as 32 hexadecimal digits. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token(String);

impl Token {
    /// Bytes of one, as it is said.
    pub const BYTES: usize = 32;

    /// A new one.
    pub fn new() -> io::Result<Self> {
        let mut random = [0; Self::BYTES / 2];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        Ok(Self(random.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })))
    }

    /// What whoever comes has to say.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether that was said. It takes as long for every wrong one.
    pub fn is(&self, said: &[u8]) -> bool {
        let differing = self.0.bytes().zip(said).fold(0, |all, (ours, theirs)| all | (ours ^ theirs));
        std::hint::black_box(differing) == 0 && said.len() == self.0.len()
    }

    /// Whether that is the first thing that comes from there, within this time.
    pub(crate) async fn is_said_by(&self, whoever: &mut (impl AsyncRead + Unpin), within: Duration) -> bool {
        let mut said = [0; Self::BYTES];
        let read = timeout(within, whoever.read_exact(&mut said)).await;
        matches!(read, Ok(Ok(_))) && self.is(&said)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_all_of_it_and_shown_to_nobody() {
        let [token, other] = [(); 2].map(|()| Token::new().unwrap());
        assert_eq!(token.as_str().len(), Token::BYTES);
        assert!(token.is(token.as_str().as_bytes()));
        for wrong in [other.as_str(), "", &token.as_str()[1..], &format!("{}0", token.as_str())] {
            assert!(!token.is(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
