//! What a button carries: the command that it stands for, bound to the place where we put it.
//!
//! Anybody who can post in a workspace can build a message with buttons, so a click counts only when its value was made
//! here, for this place: HMAC-SHA256 over the place, a nonce and the command, of which half is kept (RFC 2104, 5).

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How many bytes of the code are kept: half of them, as much as RFC 2104 asks for at least.
const CODE_BYTES: usize = 16;
/// Which form the value has; another form gets another letter, so that old buttons are told apart.
const FORM: &str = "1";

/// Signs what buttons carry, and reads it back.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// A signer with an installation's secret.
    pub fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"))
    }

    /// The value of a button that stands at `place` for the command `says`. A `nonce` tells two buttons of the same
    /// command apart; dots in it are left out.
    pub fn sign(&self, place: &str, nonce: &str, says: &str) -> String {
        let nonce = nonce.replace('.', "");
        let code = self.over(place, &nonce, says).finalize().into_bytes();
        let code: String = code.iter().take(CODE_BYTES).map(|byte| format!("{byte:02x}")).collect();
        format!("{FORM}.{nonce}.{code}.{says}")
    }

    /// The command of a button at `place`; none when the value was not made here, or for another place. The codes are
    /// compared in constant time.
    pub fn read(&self, place: &str, value: &str) -> Option<String> {
        let (nonce, rest) = value.strip_prefix(FORM)?.strip_prefix('.')?.split_once('.')?;
        let (code, says) = rest.split_once('.')?;
        let code = bytes(code).filter(|code| code.len() == CODE_BYTES)?;
        self.over(place, nonce, says).verify_truncated_left(&code).ok()?;
        Some(says.to_owned())
    }

    /// Each part with its length before it, so that no two triples read alike.
    fn over(&self, place: &str, nonce: &str, says: &str) -> Hmac<Sha256> {
        let parts = [FORM, place, nonce, says];
        parts.iter().fold(self.0.clone(), |code, part| {
            code.chain_update((part.len() as u64).to_be_bytes()).chain_update(part.as_bytes())
        })
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAYS: &str = "approve T-1 v2 #a91f0c12";

    #[test]
    fn a_button_is_read_where_it_was_put_and_nowhere_else() {
        let signer = Signer::new(b"secret");
        let value = signer.sign("slack/T1/C1/17.1", "7", SAYS);
        assert_eq!(signer.read("slack/T1/C1/17.1", &value).as_deref(), Some(SAYS));
        assert_eq!(signer.read("slack/T1/C2/17.1", &value), None, "another place");
        assert_eq!(Signer::new(b"another").read("slack/T1/C1/17.1", &value), None, "another secret");
        assert_ne!(value, signer.sign("slack/T1/C1/17.1", "8", SAYS), "another nonce");
    }

    #[test]
    fn no_changed_value_is_read() {
        let signer = Signer::new(b"secret");
        let value = signer.sign("here", "a.b", "merge T-1. Now.");
        assert_eq!(signer.read("here", &value).as_deref(), Some("merge T-1. Now."));
        for at in 0..value.len() {
            let mut changed = value.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(signer.read("here", &changed), None, "{changed}");
        }
        for forged in ["", "1", "1.", "1..", "1...merge T-1", "1.7.00.merge T-1", "merge T-1", "1.é.é.é"] {
            assert_eq!(signer.read("here", forged), None, "{forged}");
        }
    }

    #[test]
    fn what_stands_in_one_part_cannot_be_moved_into_another() {
        let signer = Signer::new(b"secret");
        assert_ne!(signer.sign("a", "b", "c").split('.').nth(2), signer.sign("ab", "", "c").split('.').nth(2));
    }
}
