//! What a caged run writes: kept as a bounded tail, counted, and handed on line by line.

/// Takes what a run writes while it runs. Losing lines must lose nothing but a view.
pub trait ProgressSink: Send + Sync {
    /// One line without its end, at most [`LINE_BYTES_MAX`] bytes, with what is not UTF-8 replaced.
    fn line(&self, text: &str);
}

/// Drops every line.
pub struct SilentSink;

impl ProgressSink for SilentSink {
    fn line(&self, _text: &str) {}
}

/// A sink that somebody lends for the time of one run.
pub type Progress<'a> = &'a dyn ProgressSink;

/// Bytes of a line that a sink is given; the rest of the line is dropped. Longer than any line a person reads.
pub const LINE_BYTES_MAX: usize = 4 << 10;

/// The last bytes of a stream, and how many came before them.
#[derive(Debug)]
pub(super) struct Tail {
    kept: Vec<u8>,
    bytes_max: usize,
    total: u64,
}

impl Tail {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { kept: Vec::new(), bytes_max, total: 0 }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.total += chunk.len() as u64;
        self.kept.extend_from_slice(chunk);
        // Cut only at double the size, so that each byte is moved at most once.
        if self.kept.len() > self.bytes_max * 2 {
            self.kept.drain(..self.kept.len() - self.bytes_max);
        }
    }

    /// Bytes ever pushed.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The end of the stream, with a first line that tells how much was cut.
    pub(super) fn into_text(self) -> String {
        let start = self.kept.len().saturating_sub(self.bytes_max);
        let text = String::from_utf8_lossy(&self.kept[start..]);
        let cut = self.total - (self.kept.len() - start) as u64;
        if cut == 0 { text.into_owned() } else { format!("[… {cut} bytes cut …]\n{text}") }
    }
}

/// Splits a stream into lines for a sink without ever keeping more than one bounded line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn push(&mut self, chunk: &[u8], sink: Progress<'_>) {
        // An endless line is the one case in which there is much to search; `contains` searches word by word.
        if !chunk.contains(&b'\n') {
            return self.extend(chunk);
        }
        let mut pieces = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.extend(piece);
            if pieces.peek().is_some() {
                self.flush(sink);
            }
        }
    }

    fn extend(&mut self, piece: &[u8]) {
        let room = LINE_BYTES_MAX - self.line.len();
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// Hands on what has no line end.
    pub(super) fn finish(&mut self, sink: Progress<'_>) {
        if !self.line.is_empty() {
            self.flush(sink);
        }
    }

    fn flush(&mut self, sink: Progress<'_>) {
        sink.line(String::from_utf8_lossy(&self.line).trim_end_matches('\r'));
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl ProgressSink for Heard {
        fn line(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    #[test]
    fn a_tail_keeps_the_end_and_says_what_it_cut() {
        let mut tail = Tail::new(4);
        for chunk in ["abc", "def", "ghi", "j"] {
            tail.push(chunk.as_bytes());
        }
        assert_eq!(tail.total(), 10);
        assert_eq!(tail.into_text(), "[… 6 bytes cut …]\nghij");
        let mut whole = Tail::new(4);
        whole.push(b"abcd");
        assert_eq!(whole.into_text(), "abcd");
    }

    #[test]
    fn a_tail_and_a_line_stay_small_whatever_comes() {
        let (mut tail, mut lines, heard) = (Tail::new(100), Lines::default(), Heard::default());
        for _ in 0..1_000 {
            tail.push(&[b'x'; 8_192]);
            lines.push(&[b'x'; 8_192], &heard);
        }
        assert!(tail.kept.capacity() < 20_000, "{}", tail.kept.capacity());
        assert!(lines.line.capacity() <= 2 * LINE_BYTES_MAX);
        lines.push(b"\nnext", &heard);
        lines.finish(&heard);
        let heard = heard.0.into_inner().unwrap();
        assert_eq!(heard.iter().map(String::len).collect::<Vec<_>>(), [LINE_BYTES_MAX, 4]);
    }

    #[test]
    fn lines_are_whole_across_chunks() {
        let (mut lines, heard) = (Lines::default(), Heard::default());
        for chunk in ["one\r\ntw", "o\n\nthr", "ee"] {
            lines.push(chunk.as_bytes(), &heard);
        }
        lines.finish(&heard);
        assert_eq!(heard.0.into_inner().unwrap(), ["one", "two", "", "three"]);
    }
}
