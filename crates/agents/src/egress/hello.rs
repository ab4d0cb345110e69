//! The first words of a TLS client, looked at to learn for which host they are.

/// Bytes within which a client must have said for whom it is; those of browsers with every extension have two thousand.
pub(super) const HELLO_BYTES_MAX: usize = 16 << 10;

/// What the first bytes of a tunnel say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hello {
    /// More is needed.
    Incomplete,
    /// A client of TLS, for this name; clients that call an address name none.
    For(Option<String>),
    /// Something else.
    NotTls,
}

/// The alert `access_denied`, for a client whose words were not passed on.
pub(super) const ACCESS_DENIED: [u8; 7] = [21, 3, 3, 0, 2, 2, 49];

const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const EXTENSION_SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;

/// Reads as far as is needed.
pub(super) fn read(bytes: &[u8]) -> Hello {
    let Some(message) = handshake_in(bytes) else { return Hello::NotTls };
    if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Hello::NotTls;
    }
    match length_of(&message) {
        Some(length) if length > HELLO_BYTES_MAX => Hello::NotTls,
        Some(length) if message.len() >= length => name_in(&message[4..length]).map_or(Hello::NotTls, Hello::For),
        Some(_) | None if bytes.len() >= HELLO_BYTES_MAX => Hello::NotTls,
        Some(_) | None => Hello::Incomplete,
    }
}

/// The handshake as far as the records carry it, which may be in pieces; none where something else comes first.
fn handshake_in(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        match bytes {
            [kind, ..] if *kind != RECORD_HANDSHAKE => return is_whole(&message).then_some(message),
            [_, major, ..] if *major != 3 => return None,
            [_, _, _, a, b, rest @ ..] => {
                let (piece, after) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*a, *b]))));
                message.extend_from_slice(piece);
                bytes = after;
            }
            _ => return Some(message),
        }
    }
}

fn length_of(message: &[u8]) -> Option<usize> {
    let [_, a, b, c, ..] = message else { return None };
    Some(4 + u32::from_be_bytes([0, *a, *b, *c]) as usize)
}

fn is_whole(message: &[u8]) -> bool {
    length_of(message).is_some_and(|length| message.len() >= length)
}

/// The one name in a client's hello; the outer option is none where the hello is broken.
fn name_in(hello: &[u8]) -> Option<Option<String>> {
    let mut rest = Reader(hello);
    // Version and random bytes, then session, ciphers and compressions, each behind its length.
    rest.take(2 + 32)?;
    rest.block_8()?;
    rest.block_16()?;
    rest.block_8()?;
    if rest.0.is_empty() {
        return Some(None);
    }
    let mut extensions = Reader(rest.block_16()?);
    let mut name = None;
    while !extensions.0.is_empty() {
        let kind = extensions.number_16()?;
        let value = extensions.block_16()?;
        if kind != EXTENSION_SERVER_NAME {
            continue;
        }
        let mut names = Reader(Reader(value).block_16()?);
        // Two names would let the server choose one that was not looked at.
        if names.take(1)? != [HOST_NAME] || name.is_some() {
            return None;
        }
        name = Some(std::str::from_utf8(names.block_16()?).ok()?.to_ascii_lowercase());
        if !names.0.is_empty() {
            return None;
        }
    }
    Some(name)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn number_16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn block_8(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(usize::from(length))
    }

    fn block_16(&mut self) -> Option<&'a [u8]> {
        let length = self.number_16()?;
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_16(bytes: &[u8]) -> Vec<u8> {
        [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    fn named(name: &str) -> Vec<u8> {
        let entry = [&[HOST_NAME][..], &block_16(name.as_bytes())].concat();
        [vec![0, 0], block_16(&block_16(&entry))].concat()
    }

    /// A hello in records of at most `piece` bytes.
    fn hello(extensions: &[Vec<u8>], piece: usize) -> Vec<u8> {
        let head = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0]].concat();
        let other = vec![0, 10, 0, 2, 0, 29];
        let body = [head, block_16(&[other, extensions.concat()].concat())].concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        let message = [&[CLIENT_HELLO][..], &length[1..], &body].concat();
        message.chunks(piece).flat_map(|piece| [vec![RECORD_HANDSHAKE, 3, 1], block_16(piece)].concat()).collect()
    }

    #[test]
    fn the_name_is_found_whole_and_in_pieces_and_never_too_early() {
        for piece in [10_000, 50, 1] {
            let bytes = hello(&[named("Example.org")], piece);
            assert_eq!(read(&bytes), Hello::For(Some("example.org".into())));
            for n in 0..bytes.len() {
                assert_eq!(read(&bytes[..n]), Hello::Incomplete, "{n} of {}", bytes.len());
            }
        }
        assert_eq!(read(&hello(&[], 10_000)), Hello::For(None));
    }

    #[test]
    fn what_is_not_one_clear_hello_is_refused() {
        assert_eq!(read(b"GET / HTTP/1.1\r\n"), Hello::NotTls);
        assert_eq!(read(b"SSH-2.0-x\r\n"), Hello::NotTls);
        assert_eq!(read(&hello(&[named("a.org"), named("b.org")], 10_000)), Hello::NotTls);
        let two_in_one = [vec![HOST_NAME], block_16(b"a.org"), vec![HOST_NAME], block_16(b"b.org")].concat();
        assert_eq!(read(&hello(&[[vec![0, 0], block_16(&block_16(&two_in_one))].concat()], 10_000)), Hello::NotTls);
        assert_eq!(read(&[RECORD_HANDSHAKE, 3, 1, 0, 4, 2, 0, 0, 0]), Hello::NotTls);
        let endless = [&[RECORD_HANDSHAKE, 3, 1, 0x40, 0, CLIENT_HELLO, 0xff, 0xff, 0xff][..], &[0; 100]].concat();
        assert_eq!(read(&endless), Hello::NotTls);
        let cut = hello(&[vec![0, 0, 0, 9, 0]], 10_000);
        assert_eq!(read(&cut), Hello::NotTls);
    }
}
