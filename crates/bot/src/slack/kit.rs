//! The small pieces of Block Kit that messages, forms and the Home tab are made of.
//!
//! Whatever people or agents wrote goes into `plain_text` or `rich_text`, where Slack reads no markup: it can neither
//! call anybody nor become a link. The only markup of ours is the mention of whom a message calls.

use serde_json::{Value, json};

/// How long a text is as Slack counts: in UTF-16 units, of which an emoji has two, so that no count of theirs is above.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most so many units of a text, with an ellipsis where something was left out.
pub(super) fn cut(text: &str, units_max: usize) -> String {
    if units(text) <= units_max {
        return text.to_owned();
    }
    let Some(mut left) = units_max.checked_sub(1) else { return String::new() };
    let fits = |c: &char| {
        let fits = c.len_utf16() <= left;
        left -= c.len_utf16().min(left);
        fits
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

/// A text without what cannot be seen but changes what is: control characters and those that turn the direction of
/// writing.
pub(super) fn clean(text: &str) -> String {
    let is_shown = |c: &char| match c {
        '\n' | '\t' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        c => !c.is_control(),
    };
    text.chars().filter(is_shown).collect()
}

/// As [`clean`], on one line.
pub(super) fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as Slack's markup shows it literally (docs.slack.dev/messaging/formatting-message-text#escaping).
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text that is shown as it is.
pub(super) fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// A block of rich text.
pub(super) fn rich_text(elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text", "elements": elements })
}

/// A paragraph of rich text.
pub(super) fn paragraph(elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text_section", "elements": elements })
}

/// A run of letters.
pub(super) fn letters(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// A run of letters in a style: `bold`, `code` or `italic`.
pub(super) fn styled(text: &str, style: &str) -> Value {
    json!({ "type": "text", "text": text, "style": { style: true } })
}

/// Text to be read as it is.
pub(super) fn preformatted(text: &str) -> Value {
    json!({ "type": "rich_text_preformatted", "elements": [letters(text)] })
}

/// Small grey text.
pub(super) fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [plain(text)] })
}

/// How many pieces of code a text shows as such; the rest is shown as it is written.
const CODES_MAX: usize = 24;

/// A text in which `code` between the backticks of a line looks like it.
pub(super) fn spans(text: &str) -> Vec<Value> {
    let mut runs: Vec<(String, bool)> = Vec::new();
    for (n, line) in text.split('\n').enumerate() {
        let n_codes = runs.iter().filter(|(_, is_code)| *is_code).count();
        let gap = if n > 0 { "\n" } else { "" };
        push(&mut runs, gap, false);
        let pieces: Vec<_> = line.split('`').collect();
        match pieces.len() % 2 == 1 && n_codes + pieces.len() / 2 <= CODES_MAX {
            true => pieces.iter().enumerate().for_each(|(n, piece)| push(&mut runs, piece, n % 2 == 1)),
            false => push(&mut runs, line, false),
        }
    }
    runs.iter().map(|(run, is_code)| if *is_code { styled(run, "code") } else { letters(run) }).collect()
}

fn push(runs: &mut Vec<(String, bool)>, text: &str, code: bool) {
    match runs.last_mut() {
        _ if text.is_empty() => {}
        Some((run, is_code)) if *is_code == code => run.push_str(text),
        _ => runs.push((text.to_owned(), code)),
    }
}

/// What Slack reads as a person.
pub(super) fn mention(user: &str) -> String {
    format!("<@{user}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character_nor_exceeds_its_measure() {
        assert_eq!(cut("🦀🦀🦀", 6), "🦀🦀🦀");
        assert_eq!(cut("🦀🦀🦀", 5), "🦀🦀…");
        assert_eq!(cut("🦀🦀🦀", 4), "🦀…");
        assert_eq!(cut("one two", 5), "one…");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn what_turns_or_hides_text_is_left_out() {
        assert_eq!(clean("a\u{202e}b\u{0}c\nd"), "abc\nd");
        assert_eq!(line(" a\tb\r\n c\u{1b}[31m "), "a b c[31m");
    }

    #[test]
    fn code_between_backticks_looks_like_it_where_they_pair() {
        let of = |text: &str| spans(text).iter().map(|span| span["style"]["code"] == true).collect::<Vec<_>>();
        assert_eq!(of("say `retry T-1` now"), [false, true, false]);
        assert_eq!(of("a lone ` stays\nand `this` looks"), [false, true, false]);
        assert_eq!(of(&"`a`".repeat(100)), [false]);
    }
}
