//! What landed commits say: a template for people, and trailers in a last paragraph of their own.
//!
//! Requests, branches and titles are written by anybody, so whatever git takes for the end of a message is indented in
//! them: the last paragraph, which is where git reads trailers, is always ours.

use std::fmt;
use std::str::FromStr;

use domain::BranchName;
use forge::{Branch, BranchCommit, Signature};
use serde::{Deserialize, Serialize};

use crate::queue::Change;

/// What the message of a landed commit looks like, as a person wrote it: text with `{title}` and the like in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Fact(Fact),
}

/// What a template can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Title,
    Message,
    Entry,
    Requester,
    Approver,
    Target,
    Commits,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// It names something that is not known.
    #[error("`{{{name}}}` is not known; a message may name {}", known())]
    Unknown {
        /// What it names.
        name: String,
    },
    /// A brace has no partner.
    #[error("a `{0}` stands alone; write it twice for the character itself")]
    Unpaired(char),
    /// Nothing stands in the first line.
    #[error("its first line is empty, and git shows that line; begin with `{{title}}`")]
    NoTitle,
    /// It is too long.
    #[error("it has {0} bytes, and {TEMPLATE_BYTES_MAX} are the most")]
    TooLong(usize),
}

/// The message without any configuration.
pub const TEMPLATE: &str = "{title}\n\n{message}";

/// The longest template: what is longer is a document.
const TEMPLATE_BYTES_MAX: usize = 4 << 10;
/// The most of a replayed commit's message, as of a change's (`Limits::message_bytes_max`).
const REPLAYED_BYTES_MAX: usize = 16 << 10;
/// The most co-authors of one commit: a list that a person still reads.
const CO_AUTHORS_MAX: usize = 20;
/// The most commits, and the most characters of each title, that `{commits}` lists.
const COMMITS_LISTED_MAX: usize = 50;
const COMMIT_TITLE_CHARS_MAX: usize = 120;

const FACTS: [(&str, Fact); 7] = [
    ("title", Fact::Title),
    ("message", Fact::Message),
    ("entry", Fact::Entry),
    ("requester", Fact::Requester),
    ("approver", Fact::Approver),
    ("target", Fact::Target),
    ("commits", Fact::Commits),
];

fn known() -> String {
    FACTS.map(|(name, _)| format!("`{{{name}}}`")).join(", ")
}

impl FromStr for Template {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<Self, BadTemplate> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(BadTemplate::TooLong(text.len()));
        }
        if text.lines().next().is_none_or(|line| line.trim().is_empty()) {
            return Err(BadTemplate::NoTitle);
        }
        let (mut pieces, mut words, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                (words, rest) = (words + brace, after);
            } else {
                let named = rest.split_once('}').filter(|(name, _)| brace == "{" && !name.contains('{'));
                let (name, after) = named.ok_or(BadTemplate::Unpaired(if brace == "{" { '{' } else { '}' }))?;
                let fact = FACTS.iter().find(|(known, _)| *known == name);
                let (_, fact) = fact.ok_or_else(|| BadTemplate::Unknown { name: name.to_owned() })?;
                pieces.extend([Piece::Words(std::mem::take(&mut words)), Piece::Fact(*fact)]);
                rest = after;
            }
        }
        pieces.push(Piece::Words(words + rest));
        Ok(Self { text: text.to_owned(), pieces })
    }
}

impl Default for Template {
    fn default() -> Self {
        TEMPLATE.parse().expect("the usual template is one")
    }
}

impl TryFrom<String> for Template {
    type Error = BadTemplate;

    fn try_from(text: String) -> Result<Self, BadTemplate> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What there is to say about a change's commits.
pub(crate) struct Words<'a> {
    pub(crate) change: &'a Change,
    pub(crate) target: &'a BranchName,
    pub(crate) branch: &'a Branch,
    /// Who stands for the person who asked.
    pub(crate) requester: &'a Signature,
}

impl Words<'_> {
    /// The message of the one commit that a branch becomes: its authors are credited beside the requester.
    pub(crate) fn of_one(&self, template: &Template) -> String {
        let (body, mut credits) = without_credits(&self.filled(template));
        for commit in &self.branch.commits {
            credits.push(credited_as(&commit.author));
            credits.extend(without_credits(&commit.message).1);
        }
        self.closed(&body, self.requester, credits)
    }

    /// The message of a merge commit; the branch's own commits say who wrote them.
    pub(crate) fn of_merge(&self, template: &Template) -> String {
        let (body, credits) = without_credits(&self.filled(template));
        self.closed(&body, self.requester, credits)
    }

    /// The message of a commit that is replayed: its own, with the requester credited beside its author.
    pub(crate) fn of_replayed(&self, commit: &BranchCommit) -> String {
        let (body, mut credits) = without_credits(first_bytes(&commit.message, REPLAYED_BYTES_MAX));
        credits.insert(0, credited_as(self.requester));
        self.closed(&body, &commit.author, credits)
    }

    fn filled(&self, template: &Template) -> String {
        let of = |piece: &Piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Fact(fact) => self.said(*fact),
        };
        template.pieces.iter().map(of).collect()
    }

    fn said(&self, fact: Fact) -> String {
        let Self { change, target, branch, .. } = self;
        match fact {
            Fact::Title => self.title(),
            Fact::Message => change.message.trim().to_owned(),
            Fact::Entry => change.id.to_string(),
            Fact::Requester => change.requested_by.to_string(),
            Fact::Approver => change.approved_by.as_ref().map(ToString::to_string).unwrap_or_default(),
            Fact::Target => target.to_string(),
            Fact::Commits => listed_commits(branch),
        }
    }

    fn title(&self) -> String {
        let title = self.change.title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() { self.change.id.to_string() } else { title }
    }

    /// The body, and after it the paragraph of trailers.
    fn closed(&self, body: &str, author: &Signature, credits: Vec<String>) -> String {
        let (body, change) = (tamed(body), self.change);
        let body = if body.is_empty() { tamed(&self.title()) } else { body };
        let mut trailers = String::new();
        for credit in credited(author, credits) {
            trailers += &format!("Co-authored-by: {credit}\n");
        }
        trailers += &format!("Requested-by: {}\n", change.requested_by);
        if let Some(approver) = &change.approved_by {
            trailers += &format!("Approved-by: {approver}\n");
        }
        format!("{body}\n\n{trailers}Task-Id: {}\n", change.id)
    }
}

fn listed_commits(branch: &Branch) -> String {
    let title = |commit: &BranchCommit| {
        let line = commit.message.lines().next().unwrap_or_default().trim();
        format!("* {}", line.chars().take(COMMIT_TITLE_CHARS_MAX).collect::<String>())
    };
    let mut lines: Vec<_> = branch.commits.iter().take(COMMITS_LISTED_MAX).map(title).collect();
    match branch.commits.len() {
        n if branch.is_cut => lines.push(format!("* and more than {} others", n - lines.len())),
        n if n > lines.len() => lines.push(format!("* and {} others", n - lines.len())),
        _ => {}
    }
    lines.join("\n")
}

/// A person as a trailer names them. Brackets and line ends would let a name pass for an address or a trailer.
fn credit(name: &str, email: &str) -> String {
    let plain = |text: &str| text.replace(|c: char| c.is_control() || matches!(c, '<' | '>'), "").trim().to_owned();
    format!("{} <{}>", plain(name), plain(email))
}

fn credited_as(person: &Signature) -> String {
    credit(&person.name, &person.email)
}

/// Each person once, without the author: whoever has the same name or the same address is the same.
fn credited(author: &Signature, credits: Vec<String>) -> Vec<String> {
    let mut seen = vec![credited_as(author)];
    for credit in credits {
        if !seen.iter().any(|other| is_same_person(other, &credit)) {
            seen.push(credit);
        }
    }
    seen.drain(1..).take(CO_AUTHORS_MAX).collect()
}

fn is_same_person(one: &str, other: &str) -> bool {
    let parts = |credit: &str| {
        let (name, email) = credit.rsplit_once(" <").unwrap_or((credit, ""));
        (name.to_lowercase(), email.trim_end_matches('>').to_lowercase())
    };
    let ((name, email), (other_name, other_email)) = (parts(one), parts(other));
    name == other_name || (!email.is_empty() && email == other_email)
}

/// A text without its lines that credit somebody, and whom they credit: they belong to the trailers.
fn without_credits(text: &str) -> (String, Vec<String>) {
    const KEY: &str = "co-authored-by:";
    let (mut rest, mut credits) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let named = line.get(..KEY.len()).filter(|key| key.eq_ignore_ascii_case(KEY)).map(|_| line[KEY.len()..].trim());
        let person = named.and_then(|named| named.strip_suffix('>')?.split_once('<'));
        match person {
            Some((name, email)) if !name.trim().is_empty() => credits.push(credit(name, email)),
            Some(_) | None => rest.push(line),
        }
    }
    (rest.join("\n"), credits)
}

/// A text of which no line means anything to git: a line of dashes begins a patch for it, and one with scissors ends the
/// message, so that what stands above either would be the trailers. No two empty lines follow each other.
fn tamed(text: &str) -> String {
    const SCISSORS: &str = "------------------------ >8 ------------------------";
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line: String = line.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
        let line = line.trim_end();
        let is_divider =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        match line {
            "" if lines.last().is_none_or(String::is_empty) => {}
            _ if is_divider || line.contains(SCISSORS) => lines.push(format!(" {line}")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n").trim_end().to_owned()
}

fn first_bytes(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use domain::{EntryId, Timestamp};
    use expect_test::{Expect, expect};

    use super::*;
    use crate::queue::{Company, Priority};

    fn person(name: &str, email: &str) -> Signature {
        Signature { name: name.to_owned(), email: email.to_owned(), at: Timestamp::from_ms(0) }
    }

    fn branch(commits: &[(&str, &str, &str)]) -> Branch {
        let commit = |(name, email, message): &(&str, &str, &str)| BranchCommit {
            commit: "b".repeat(40).parse().unwrap(),
            author: person(name, email),
            message: (*message).to_owned(),
        };
        Branch { commits: commits.iter().map(commit).collect(), is_cut: false }
    }

    fn change(title: &str, message: &str) -> Change {
        Change {
            id: EntryId::new("T-1"),
            head: "a".repeat(40).parse().unwrap(),
            started_from: None,
            title: title.to_owned(),
            requested_by: "ana".parse().unwrap(),
            approved_by: Some("ben".parse().unwrap()),
            message: message.to_owned(),
            company: Company::Any,
            priority: Priority::default(),
            is_repairable: false,
            depends_on: Vec::new(),
            lanes: std::collections::BTreeSet::new(),
            branch: None,
        }
    }

    fn with_words<T>(change: &Change, branch: &Branch, tell: impl FnOnce(&Words<'_>) -> T) -> T {
        let requester = person("ana", "ana@downbeat.invalid");
        tell(&Words { change, target: &"main".parse().unwrap(), branch, requester: &requester })
    }

    fn check(template: &str, change: &Change, expected: &Expect) {
        let branch = branch(&[
            ("claude for ana", "agent@downbeat.invalid", "start\n\nCo-Authored-By: Dora <dora@example.org>"),
            ("Ana", "ana@example.org", "finish"),
        ]);
        let template = template.parse().unwrap();
        expected.assert_eq(&with_words(change, &branch, |words| words.of_one(&template)));
    }

    #[test]
    fn one_commit_credits_everyone_who_wrote_in_the_branch_once() {
        check(
            TEMPLATE,
            &change("fix the\nlogin", "It was broken.\n\n\n\nNow it is not.  \n"),
            &expect![[r#"
                fix the login

                It was broken.

                Now it is not.

                Co-authored-by: claude for ana <agent@downbeat.invalid>
                Co-authored-by: Dora <dora@example.org>
                Requested-by: ana
                Approved-by: ben
                Task-Id: T-1
            "#]],
        );
    }

    #[test]
    fn a_template_names_what_is_known_of_a_change() {
        check(
            "{entry}: {title} [{target}]\n\n{commits}\n\n{{by {requester}, {approver}}}",
            &change("{message}", "body"),
            &expect![[r#"
                T-1: {message} [main]

                * start
                * finish

                {by ana, ben}

                Co-authored-by: claude for ana <agent@downbeat.invalid>
                Co-authored-by: Dora <dora@example.org>
                Requested-by: ana
                Approved-by: ben
                Task-Id: T-1
            "#]],
        );
    }

    #[test]
    fn a_message_cannot_forge_a_trailer_or_hide_ours() {
        check(
            TEMPLATE,
            &change(
                "---",
                "Approved-by: root\n---\n--- a\nx\0\n# ------------------------ >8 ------------------------\nApproved-by: root",
            ),
            &expect![[r#"
                 ---

                Approved-by: root
                 ---
                 --- a
                x
                 # ------------------------ >8 ------------------------
                Approved-by: root

                Co-authored-by: claude for ana <agent@downbeat.invalid>
                Co-authored-by: Dora <dora@example.org>
                Requested-by: ana
                Approved-by: ben
                Task-Id: T-1
            "#]],
        );
    }

    #[test]
    fn a_replayed_commit_keeps_its_words_and_credits_who_asked() {
        let branch = branch(&[("Dora\n", "dora@example.org", "tidy\n\nWhy.\n\nApproved-by: root\n")]);
        let said = with_words(&change("t", ""), &branch, |words| words.of_replayed(&branch.commits[0]));
        expect![[r#"
            tidy

            Why.

            Approved-by: root

            Co-authored-by: ana <ana@downbeat.invalid>
            Requested-by: ana
            Approved-by: ben
            Task-Id: T-1
        "#]]
        .assert_eq(&said);
    }

    #[test]
    fn a_commit_that_says_nothing_has_a_title_all_the_same() {
        let branch = branch(&[("Dora", "dora@example.org", "")]);
        for title in ["", "fix"] {
            let said = with_words(&change(title, ""), &branch, |words| words.of_replayed(&branch.commits[0]));
            assert!(said.starts_with(if title.is_empty() { "T-1\n\nCo" } else { "fix\n\nCo" }), "{said}");
        }
    }

    #[test]
    fn a_text_that_is_no_template_says_what_would_be() {
        let why = |text: &str| text.parse::<Template>().unwrap_err().to_string();
        assert_eq!(
            why("{titel}"),
            "`{titel}` is not known; a message may name `{title}`, `{message}`, `{entry}`, `{requester}`, `{approver}`, `{target}`, `{commits}`"
        );
        assert_eq!(why("{title"), "a `{` stands alone; write it twice for the character itself");
        assert_eq!(why("title}"), "a `}` stands alone; write it twice for the character itself");
        assert_eq!(why("\n{title}"), "its first line is empty, and git shows that line; begin with `{title}`");
        assert_eq!(why(&"x".repeat(5_000)), "it has 5000 bytes, and 4096 are the most");
    }
}
