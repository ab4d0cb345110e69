//! Bodies on their way through: passed on as they come, counted, bounded, and with a key blackened that a provider
//! repeats.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, HeaderMap, HeaderName};
use tokio::time::timeout;

use super::tally::{Passage, Spent};

/// A body of a gate's requests and answers.
pub(super) type GateBody = UnsyncBoxBody<Bytes, Broken>;

/// Why a body ends too early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Spent(#[from] Spent),
    #[error("nothing came for {} s", .0.as_secs())]
    Idle(Duration),
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
    #[error("the connection broke: {0}")]
    Connection(#[from] hyper::Error),
}

/// How a body is passed on.
pub(super) struct Relay {
    pub passage: Arc<Passage>,
    pub idle: Duration,
    /// The most bytes, where there is a limit beside the session's.
    pub bytes_max: Option<usize>,
    pub mask: Option<Mask>,
}

impl Relay {
    /// The body, piece by piece as it comes. Trailers are dropped.
    pub(super) fn over(self, body: Incoming) -> GateBody {
        let pieces = unfold(Some((self, body)), |state| async move {
            let (mut relay, mut body) = state?;
            match relay.next(&mut body).await {
                Ok(Some(piece)) => Some((Ok(Frame::data(piece)), Some((relay, body)))),
                Ok(None) => {
                    let held = relay.mask.as_mut().map(Mask::finish).filter(|held| !held.is_empty())?;
                    Some((Ok(Frame::data(held)), None))
                }
                Err(broken) => Some((Err(broken), None)),
            }
        });
        BodyExt::boxed_unsync(StreamBody::new(pieces))
    }

    async fn next(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Broken> {
        loop {
            let frame = timeout(self.idle, body.frame()).await.map_err(|_| Broken::Idle(self.idle))?;
            let Some(frame) = frame.transpose()? else { return Ok(None) };
            let Ok(piece) = frame.into_data() else { continue };
            self.passage.count(piece.len())?;
            if let Some(left) = &mut self.bytes_max {
                *left = left.checked_sub(piece.len()).ok_or(Broken::TooLarge(*left))?;
            }
            let piece = self.mask.as_mut().map_or(piece.clone(), |mask| mask.blacken(piece));
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}

/// A body that is there as a whole.
pub(super) fn whole(text: impl Into<Bytes>) -> GateBody {
    BodyExt::boxed_unsync(Full::new(text.into()).map_err(|never| match never {}))
}

/// The shortest key that is searched for; what is shorter is no key and may be a word.
const KEY_BYTES_MIN: usize = 8;

/// Puts stars in the place of a key, however it is cut into pieces, without changing the length.
pub(super) struct Mask {
    key: Bytes,
    /// The end of what came so far, where it could be the beginning of the key.
    held: Vec<u8>,
}

impl Mask {
    /// For this key.
    pub(super) fn of(key: &str) -> Option<Self> {
        (key.len() >= KEY_BYTES_MIN).then(|| Self { key: Bytes::copy_from_slice(key.as_bytes()), held: Vec::new() })
    }

    fn blacken(&mut self, piece: Bytes) -> Bytes {
        let is_clean = self.held.is_empty() && self.find_in(&piece).is_none();
        let end_kept = self.key_begun_at_end_of(&piece);
        if is_clean && end_kept == 0 {
            return piece;
        }
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(&piece);
        while let Some(at) = self.find_in(&text) {
            text[at..at + self.key.len()].fill(b'*');
        }
        self.held = text.split_off(text.len() - self.key_begun_at_end_of(&text));
        text.into()
    }

    fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).into()
    }

    fn find_in(&self, text: &[u8]) -> Option<usize> {
        text.windows(self.key.len()).position(|window| window == self.key)
    }

    fn key_begun_at_end_of(&self, text: &[u8]) -> usize {
        let longest = text.len().min(self.key.len() - 1);
        (1..=longest).rev().find(|n| text.ends_with(&self.key[..*n])).unwrap_or(0)
    }
}

/// Headers that are for the next hop alone.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Takes out what is for this hop alone, and what `Connection` names as such.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blackened(pieces: &[&str]) -> String {
        let mut mask = Mask::of("sk-secret").unwrap();
        let mut seen: Vec<u8> =
            pieces.iter().flat_map(|piece| mask.blacken(Bytes::copy_from_slice(piece.as_bytes())).to_vec()).collect();
        seen.extend(mask.finish());
        String::from_utf8(seen).unwrap()
    }

    #[test]
    fn a_key_is_blackened_wherever_it_is_cut() {
        let text = "{\"key\":\"sk-secret\",\"again\":\"sk-sk-secretsk-secret\"} sk-secre";
        let expected = "{\"key\":\"*********\",\"again\":\"sk-******************\"} sk-secre";
        for n in 1..text.len() {
            let pieces: Vec<&str> =
                text.as_bytes().chunks(n).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            assert_eq!(blackened(&pieces), expected, "in pieces of {n}");
        }
    }

    #[test]
    fn what_is_no_key_is_not_held_back() {
        let mut mask = Mask::of("sk-secret").unwrap();
        assert_eq!(mask.blacken(Bytes::from_static(b"data: hello\n\n")), "data: hello\n\n");
        assert_eq!(mask.blacken(Bytes::from_static(b"data: sk-se")), "data: ");
        assert_eq!(mask.blacken(Bytes::from_static(b"rvice\n\n")), "sk-service\n\n");
        assert!(Mask::of("short").is_none());
    }

    #[test]
    fn what_is_for_one_hop_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Named"),
            ("x-named", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic x"),
            ("upgrade", "websocket"),
            ("content-length", "3"),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["content-length"]);
    }
}
