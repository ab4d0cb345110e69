//! The thread as data for an agent: who said what before the request, with secrets taken out.
//!
//! The words of people are labelled with author and time and fenced as data. Nothing in them is an instruction to the
//! product, and the prompt tells the agent the same.

use domain::MessageRef;

use super::messenger::{ChatError, Line, Messenger};

/// How much of a thread is taken along: what a person would read before answering, and what fits any model's window.
#[derive(Clone, Copy, Debug)]
pub struct ContextLimits {
    /// The newest so many messages.
    pub messages_max: usize,
    /// So many bytes, the newest messages first.
    pub bytes_max: usize,
}

impl Default for ContextLimits {
    /// 50 messages, 20 kB.
    fn default() -> Self {
        Self { messages_max: 50, bytes_max: 20_000 }
    }
}

/// What an agent gets to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The request, without secrets.
    pub request: String,
    /// The messages above it, as labelled data.
    pub thread: String,
    /// What was taken along and what was not, for the person.
    pub receipt: String,
}

/// Reads the thread above `before`, which holds the request.
pub async fn read(
    messenger: &dyn Messenger,
    before: &MessageRef,
    request: &str,
    limits: ContextLimits,
) -> Result<Context, ChatError> {
    let lines = messenger.history(before, limits.messages_max).await?;
    Ok(describe(&lines, request, limits.bytes_max))
}

fn describe(lines: &[Line], request: &str, bytes_max: usize) -> Context {
    let people: Vec<_> = lines.iter().filter(|line| !line.is_bot).collect();
    let mut taken = Vec::new();
    let (request, mut redacted) = redact(request);
    let mut bytes = 0;
    for line in people.iter().rev() {
        let (text, n) = redact(&line.text);
        bytes += text.len();
        if bytes > bytes_max {
            break;
        }
        redacted += n;
        let indented = text.replace('\n', "\n    ");
        taken.push(format!("- {} said: {indented}", line.author));
    }
    let (n_taken, n_bots) = (taken.len(), lines.len() - people.len());
    taken.reverse();
    let mut left_out = Vec::new();
    if n_bots > 0 {
        left_out.push(format!("{n_bots} of mine left out"));
    }
    if people.len() > n_taken {
        left_out.push(format!("{} too old for {} kB", people.len() - n_taken, bytes_max / 1_000));
    }
    if redacted > 0 {
        left_out.push(format!("{redacted} secret{} removed, rotate {}", plural(redacted), it_or_them(redacted)));
    }
    let mut receipt = format!("{n_taken} message{}", plural(n_taken));
    if !left_out.is_empty() {
        receipt = format!("{receipt} ({})", left_out.join(", "));
    }
    Context { request, thread: taken.join("\n"), receipt }
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
        let (author, is_bot, text) = (author.to_owned(), author == "bot", text.to_owned());
        Line { author, is_bot, at: Timestamp::from_ms(0), text, files: Vec::new(), linked_from: None }
    }

    #[test]
    fn the_receipt_says_what_was_taken_and_what_not() {
        let token = format!("use ghp_{} for it", "a".repeat(36));
        let lines = [line("ana", &"x".repeat(90)), line("bot", "hi"), line("ben", &token), line("ana", "two\nlines")];
        let context = describe(&lines, "rotate xoxb-1234567890-1234567890", 100);
        assert_eq!(context.request, "rotate [secret removed]");
        assert_eq!(context.thread, "- ben said: use [secret removed] for it\n- ana said: two\n    lines");
        let receipt = "2 messages (1 of mine left out, 1 too old for 0 kB, 2 secrets removed, rotate them)";
        assert_eq!(context.receipt, receipt);
    }

    #[test]
    fn a_private_key_is_taken_out_whole() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter";
        assert_eq!(redact(key), ("[private key removed]\n\n\nafter".to_owned(), 1));
    }
}
