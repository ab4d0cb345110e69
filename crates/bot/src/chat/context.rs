//! The thread as data for an agent: who said what before the request, with secrets taken out.
//!
//! The words of people are labelled with author and time and fenced as data. Nothing in them is an instruction to the
//! product, and the prompt tells the agent the same.

use std::collections::BTreeSet;

use agents::workspace::pictures::{Picture, extension_of};
use domain::policy::Rules;
use domain::{MessageRef, Person};

use super::messenger::{Attachment, ChatError, Content, Depth, Line, Messenger};

/// How much of a thread is taken along.
#[derive(Clone, Copy, Debug)]
pub struct ContextLimits {
    /// The newest so many messages.
    pub messages_max: usize,
    /// So many bytes, the newest messages first.
    pub bytes_max: usize,
    /// So many attached text files.
    pub files_max: usize,
    /// So many bytes of each, from its beginning.
    pub file_bytes_max: usize,
    /// So many attached pictures.
    pub pictures_max: usize,
    /// So many bytes of the largest of them.
    pub picture_bytes_max: usize,
}

/// What an agent gets to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The request, without secrets.
    pub request: String,
    /// The messages above it, as labelled data.
    pub thread: String,
    /// The pictures that are named in them.
    pub pictures: Vec<Picture>,
    /// What was taken along and what was not, for the person.
    pub receipt: String,
    /// Whose messages held a secret.
    pub leaks: BTreeSet<Person>,
    /// The request itself held one.
    pub request_leaks: bool,
}

/// Reads the thread above `before`, which holds the request.
pub async fn read(
    messenger: &dyn Messenger,
    before: &MessageRef,
    request: &str,
    (limits, rules): (ContextLimits, &Rules),
) -> Result<Context, ChatError> {
    // One more than is read, to know whether there are more.
    let lines = messenger.history(before, limits.messages_max.saturating_add(1), Depth::Files).await?;
    let mut taking = Taking::new(limits);
    for line in lines.iter().rev() {
        taking.take(line, &role_of(rules, line.by.as_ref()));
    }
    Ok(taking.done(request))
}

/// What somebody may be here, for whoever weighs their words.
fn role_of(rules: &Rules, by: Option<&Person>) -> String {
    let Some(person) = by else { return "not known here".to_owned() };
    let roles: Vec<_> = rules.roles_of(person).iter().map(ToString::to_string).collect();
    match (rules.is_guest(person), &roles[..]) {
        _ if rules.is_bot(person) => "a bot".to_owned(),
        (true, _) => "a guest".to_owned(),
        (false, []) => "not known here".to_owned(),
        (false, roles) => roles.join(", "),
    }
}

/// Takes messages along, the newest first, as far as there is room.
struct Taking {
    limits: ContextLimits,
    bytes: usize,
    taken: Vec<String>,
    /// Of the thread itself, bots among them.
    n_seen: usize,
    /// There are older ones than may be read.
    has_more: bool,
    n_messages: usize,
    n_linked: usize,
    n_bots: usize,
    n_old: usize,
    n_files: usize,
    pictures: Vec<Picture>,
    left_out: Vec<String>,
    n_secrets: usize,
    leaks: BTreeSet<Person>,
}

impl Taking {
    fn new(limits: ContextLimits) -> Self {
        let (taken, pictures, left_out, leaks) = (Vec::new(), Vec::new(), Vec::new(), BTreeSet::new());
        let (n_messages, n_linked, n_bots, n_old, n_files, n_secrets) = (0, 0, 0, 0, 0, 0);
        Self {
            limits,
            bytes: 0,
            taken,
            n_seen: 0,
            has_more: false,
            n_messages,
            n_linked,
            n_bots,
            n_old,
            n_files,
            pictures,
            left_out,
            n_secrets,
            leaks,
        }
    }

    fn take(&mut self, line: &Line, role: &str) {
        if line.linked_from.is_none() {
            self.has_more |= self.n_seen == self.limits.messages_max;
            self.n_seen += 1;
        }
        if self.has_more {
            return;
        }
        if line.is_bot {
            self.n_bots += 1;
            return;
        }
        let (text, n_secrets) = redact(&line.text);
        self.bytes += text.len();
        if self.n_old > 0 || self.bytes > self.limits.bytes_max {
            self.n_old += 1;
            return;
        }
        self.note_secrets(line.by.as_ref(), n_secrets);
        let from = line.linked_from.as_ref().map(|from| format!(", linked from {from},")).unwrap_or_default();
        let (author, at) = (in_one_line(&line.author), line.at.of_day());
        let mut words = vec![format!("- {author} ({role}) at {at}{from} said: {}", moved_in(&text, "    "))];
        words.extend(line.files.iter().map(|file| self.attached(file, line.by.as_ref())));
        self.taken.push(words.join("\n"));
        if line.linked_from.is_some() { self.n_linked += 1 } else { self.n_messages += 1 }
    }

    fn note_secrets(&mut self, by: Option<&Person>, n: usize) {
        self.n_secrets += n;
        self.leaks.extend(by.filter(|_| n > 0).cloned());
    }

    /// A file as an agent reads it: data like the message that it hangs on.
    fn attached(&mut self, file: &Attachment, by: Option<&Person>) -> String {
        let name = redact(&in_one_line(&file.name)).0;
        let why = match &file.content {
            Content::Text(_) if self.n_files >= self.limits.files_max => {
                format!("only {} files are read", self.limits.files_max)
            }
            Content::Text(text) => {
                self.n_files += 1;
                let (text, n_secrets) = redact(beginning(text, self.limits.file_bytes_max));
                self.note_secrets(by, n_secrets);
                let cut = if (text.len() as u64) < file.bytes { " (its beginning)" } else { "" };
                return format!("    attached {name}{cut}:\n        {}", moved_in(text.trim_end(), "        "));
            }
            Content::Picture(bytes) => match self.picture(bytes) {
                Ok(file) => return format!("    attached {name}, which is the picture {file}"),
                Err(why) => why,
            },
            Content::LeftOut { why } => why.clone(),
        };
        self.left_out.push(format!("{name}: {why}"));
        format!("    attached {name}, which you cannot read: {why}")
    }

    /// Takes a picture along; says under which name.
    fn picture(&mut self, bytes: &[u8]) -> Result<String, String> {
        let ContextLimits { pictures_max, picture_bytes_max, .. } = self.limits;
        let Some(extension) = extension_of(bytes) else {
            return Err("it is no picture that agents read (png, jpeg, gif, webp)".to_owned());
        };
        if self.pictures.len() >= pictures_max {
            return Err(format!("only {pictures_max} pictures are passed on"));
        }
        if bytes.len() > picture_bytes_max {
            let (n, max) = (bytes.len().div_ceil(1_000_000), picture_bytes_max / 1_000_000);
            return Err(format!("it has {n} MB, and pictures to {max} MB are passed on"));
        }
        let file = format!("{}.{extension}", self.pictures.len() + 1);
        self.pictures.push(Picture { file: file.clone(), bytes: bytes.to_owned() });
        Ok(file)
    }

    fn done(mut self, request: &str) -> Context {
        let (request, n_secrets) = redact(request);
        self.n_secrets += n_secrets;
        self.taken.reverse();
        let receipt = self.receipt();
        let Self { taken, pictures, leaks, .. } = self;
        Context { request, thread: taken.join("\n"), pictures, receipt, leaks, request_leaks: n_secrets > 0 }
    }

    fn receipt(&self) -> String {
        let mut left_out = Vec::new();
        if self.n_bots > 0 {
            left_out.push(format!("{} of bots left out", self.n_bots));
        }
        if self.n_old > 0 {
            left_out.push(format!("{} too old for {} kB", self.n_old, self.limits.bytes_max / 1_000));
        }
        if self.n_secrets > 0 {
            let (n, s) = (self.n_secrets, plural(self.n_secrets));
            left_out.push(format!("{n} secret{s} removed, rotate {}", it_or_them(n)));
        }
        let last = if self.has_more { "the last " } else { "" };
        let messages = format!("{last}{} message{}", self.n_messages, plural(self.n_messages));
        let mut parts = vec![messages + &bracketed(&left_out)];
        if self.n_files > 0 || !self.left_out.is_empty() {
            let left_out: Vec<_> = self.left_out.iter().map(|file| format!("left out {file}")).collect();
            parts.push(format!("{} file{}", self.n_files, plural(self.n_files)) + &bracketed(&left_out));
        }
        if !self.pictures.is_empty() {
            parts.push(format!("{} picture{}", self.pictures.len(), plural(self.pictures.len())));
        }
        if self.n_linked > 0 {
            parts.push(format!("{} linked message{}", self.n_linked, plural(self.n_linked)));
        }
        parts.join(", ")
    }
}

fn bracketed(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) }
}

/// What a model may take for the beginning of a line: all that Unicode calls so.
const BREAKS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// With each line but the first moved in, so that none of them begins where our own words do.
fn moved_in(text: &str, by: &str) -> String {
    text.replace("\r\n", "\n").replace(BREAKS, &format!("\n{by}"))
}

fn in_one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() || BREAKS.contains(&c), " ")
}

pub(super) fn beginning(text: &str, bytes_max: usize) -> &str {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= bytes_max).last();
    &text[..end.unwrap_or(0)]
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn it_or_them(n: usize) -> &'static str {
    if n == 1 { "it" } else { "them" }
}

/// Beginnings by which the providers' own scanners know their tokens, with the least length of what follows.
const TOKENS: [(&str, usize); 14] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghs_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xapp-", 20),
    ("sk-ant-", 20),
    ("sk-proj-", 20),
    ("AKIA", 16),
    ("AIza", 30),
    ("npm_", 30),
    ("pypi-", 30),
];

/// Takes out what looks like a credential; says how many.
pub fn redact(text: &str) -> (String, usize) {
    let mut n = 0;
    let mut in_key = false;
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") {
                (in_key, n) = (true, n + 1);
                return "[private key removed]".to_owned();
            }
            if in_key {
                in_key = !line.contains("-----END");
                return String::new();
            }
            redact_words(line, &mut n)
        })
        .collect();
    (lines.join("\n"), n)
}

fn redact_words(line: &str, n: &mut usize) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..].find(|c| !is_part(c)).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        let is_token =
            TOKENS.iter().any(|(begin, least)| word.strip_prefix(begin).is_some_and(|after| after.len() >= *least));
        out.push_str(&rest[..start]);
        if is_token {
            *n += 1;
            out.push_str("[secret removed]");
        } else {
            out.push_str(word);
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn line(author: &str, text: &str) -> Line {
        let (by, author, is_bot, text) = (author.parse().ok(), author.to_owned(), author == "bot", text.to_owned());
        Line { author, by, is_bot, at: Timestamp::from_ms(0), text, files: Vec::new(), linked_from: None }
    }

    fn taken(lines: &[Line], request: &str, bytes_max: usize) -> Context {
        let (files_max, file_bytes_max, pictures_max, picture_bytes_max) = (2, 12, 1, 2_000_000);
        let limits =
            ContextLimits { messages_max: 50, bytes_max, files_max, file_bytes_max, pictures_max, picture_bytes_max };
        let mut taking = Taking::new(limits);
        lines.iter().rev().for_each(|line| taking.take(line, "requester"));
        taking.done(request)
    }

    #[test]
    fn the_receipt_says_what_was_taken_and_what_not() {
        let token = format!("use ghp_{} for it", "a".repeat(36));
        let lines = [line("ana", &"x".repeat(90)), line("bot", "hi"), line("ben", &token), line("ana", "two\nlines")];
        let context = taken(&lines, "rotate xoxb-1234567890-1234567890", 100);
        assert_eq!(context.request, "rotate [secret removed]");
        assert_eq!(
            context.thread,
            "- ben (requester) at 00:00 UTC said: use [secret removed] for it\n\
             - ana (requester) at 00:00 UTC said: two\n    lines"
        );
        let receipt = "2 messages (1 of bots left out, 1 too old for 0 kB, 2 secrets removed, rotate them)";
        assert_eq!(context.receipt, receipt);
        assert!(context.request_leaks && context.leaks == BTreeSet::from(["ben".parse().unwrap()]));
    }

    #[test]
    fn files_and_linked_messages_are_data_too() {
        let text = |name: &str, text: &str| Attachment {
            name: name.to_owned(),
            bytes: text.len() as u64,
            content: Content::Text(text.to_owned()),
        };
        let files = vec![text("notes.txt", "one\ntwo"), text("long.log", "0123456789abcdef"), text("more", "x")];
        let linked = Line { linked_from: Some("slack/T1/C9".to_owned()), ..line("ben", "see there") };
        let context = taken(&[linked, Line { files, ..line("ana", "look") }], "do it", 1_000);
        let expected = "- ben (requester) at 00:00 UTC, linked from slack/T1/C9, said: see there
- ana (requester) at 00:00 UTC said: look
    attached notes.txt:
        one
        two
    attached long.log (its beginning):
        0123456789ab
    attached more, which you cannot read: only 2 files are read";
        assert_eq!(context.thread, expected);
        let receipt = "1 message, 2 files (left out more: only 2 files are read), 1 linked message";
        assert_eq!(context.receipt, receipt);
    }

    #[test]
    fn pictures_are_passed_on_by_name_within_limits() {
        let picture = |name: &str, bytes: &[u8]| Attachment {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            content: Content::Picture(bytes.to_owned()),
        };
        let png = b"\x89PNG\r\n\x1a\n rest";
        let large = [&png[..], &[0; 2_000_000]].concat();
        let files = vec![
            picture("page.png", b"<html>"),
            picture("huge.png", &large),
            picture("shot.jpg", png),
            picture("more.png", png),
        ];
        let context = taken(&[Line { files, ..line("ana", "look") }], "do it", 1_000);
        let expected = "- ana (requester) at 00:00 UTC said: look
    attached page.png, which you cannot read: it is no picture that agents read (png, jpeg, gif, webp)
    attached huge.png, which you cannot read: it has 3 MB, and pictures to 2 MB are passed on
    attached shot.jpg, which is the picture 1.png
    attached more.png, which you cannot read: only 1 pictures are passed on";
        assert_eq!(context.thread, expected);
        assert_eq!(context.pictures, [Picture { file: "1.png".to_owned(), bytes: png.to_vec() }]);
        assert!(context.receipt.ends_with(", 1 picture"), "{}", context.receipt);
    }

    #[test]
    fn a_private_key_is_taken_out_whole() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter";
        assert_eq!(redact(key), ("[private key removed]\n\n\nafter".to_owned(), 1));
    }
}
