//! What the Tab key offers. Pure: the words before the cursor and what can be named go in, candidates come out.

use domain::TaskId;

use crate::chat::command::TaskVerb;

/// The terminal's own commands, with what they do.
pub const COMMANDS: [(&str, &str); 5] = [
    ("/thread", "NAME goes to another thread"),
    ("/threads", "lists the threads"),
    ("/all", "shows every thread, or only this one again"),
    ("/help", "says what can be said"),
    ("/quit", "leaves; so do Ctrl-C and Ctrl-D"),
];

/// What people may say beside what is done to a task.
const QUESTIONS: [&str; 11] =
    ["status", "queue", "why", "help", "pause", "resume", "freeze", "thaw", "restore", "hold", "release"];
const KEYS: [&str; 5] = ["repo=", "agent=", "plan=", "merge=", "branch="];

/// What can be named here and now.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// `@agent`.
    pub mention: String,
    /// The repositories.
    pub repos: Vec<String>,
    /// The agents.
    pub agents: Vec<String>,
    /// The threads.
    pub threads: Vec<String>,
    /// The tasks that were spoken of, the latest first.
    pub tasks: Vec<TaskId>,
    /// The open choices: the number to say, and what the button reads.
    pub choices: Vec<(i64, String)>,
}

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is written.
    pub text: String,
    /// What is shown beside it; may be empty.
    pub says: String,
}

impl Candidate {
    fn new(text: impl Into<String>, says: impl Into<String>) -> Self {
        Self { text: text.into(), says: says.into() }
    }
}

/// The ways to go on from the word at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The byte at which the word begins.
    pub start: usize,
    /// What it can become, the likeliest first.
    pub candidates: Vec<Candidate>,
}

impl Completion {
    /// What all candidates begin with, or the only one with what follows it.
    pub fn common(&self) -> Option<String> {
        let (first, others) = self.candidates.split_first()?;
        if others.is_empty() {
            let gap = if first.text.ends_with('=') { "" } else { " " };
            return Some(format!("{}{gap}", first.text));
        }
        let same = |other: &Candidate| first.text.chars().zip(other.text.chars()).take_while(|(a, b)| a == b).count();
        let n_same = others.iter().map(same).min().unwrap_or(0);
        Some(first.text.chars().take(n_same).collect())
    }
}

/// What can be said after `before`.
pub fn complete(before: &str, words: &Vocabulary) -> Completion {
    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &before[start..];
    let mut said: Vec<&str> = before[..start].split_whitespace().collect();
    let is_called = said.first().is_some_and(|first| first.trim_end_matches([',', ':']) == words.mention);
    if is_called {
        said.remove(0);
    }
    let offered = match said[..] {
        [] if is_called => verbs(),
        [] => first_words(words),
        ["/thread"] => words.threads.iter().map(|name| Candidate::new(name, "")).collect(),
        [verb] if takes_task(verb) => tasks(words),
        _ => Vec::new(),
    };
    let options = if is_called { options(word, words) } else { Vec::new() };
    let named = if word.is_empty() { Vec::new() } else { tasks(words) };
    let mut candidates: Vec<Candidate> = Vec::new();
    for candidate in offered.into_iter().chain(options).chain(named) {
        if begins_with(&candidate.text, word) && !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    Completion { start, candidates }
}

fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn first_words(words: &Vocabulary) -> Vec<Candidate> {
    let choices = words.choices.iter().map(|(n, label)| Candidate::new(n.to_string(), label));
    let mention = std::iter::once(Candidate::new(&words.mention, ""));
    let own = COMMANDS.iter().map(|(name, says)| Candidate::new(*name, *says));
    choices.chain(mention).chain(verbs()).chain(own).collect()
}

fn verbs() -> Vec<Candidate> {
    TaskVerb::ALL.into_iter().map(TaskVerb::word).chain(QUESTIONS).map(|verb| Candidate::new(verb, "")).collect()
}

fn takes_task(verb: &str) -> bool {
    TaskVerb::ALL.iter().any(|known| known.word() == verb) || matches!(verb, "status" | "why")
}

fn tasks(words: &Vocabulary) -> Vec<Candidate> {
    words.tasks.iter().map(|task| Candidate::new(task.to_string(), "")).collect()
}

/// The options of a request: their keys, and after the `=` their values.
fn options(word: &str, words: &Vocabulary) -> Vec<Candidate> {
    let Some((key, _)) = word.split_once('=') else {
        return KEYS.iter().map(|key| Candidate::new(*key, "")).collect();
    };
    let values: Vec<&str> = match key {
        "repo" => words.repos.iter().map(String::as_str).collect(),
        "agent" => words.agents.iter().map(String::as_str).collect(),
        "plan" => vec!["ask", "auto", "off"],
        "merge" => vec!["ask", "auto"],
        _ => Vec::new(),
    };
    values.into_iter().map(|value| Candidate::new(format!("{key}={value}"), "")).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn vocabulary() -> Vocabulary {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Vocabulary {
            mention: "@agent".to_owned(),
            repos: names(&["web", "api", "acme/docs"]),
            agents: names(&["claude", "scripted"]),
            threads: names(&["main", "web"]),
            tasks: vec![TaskId::new(12), TaskId::new(1)],
            choices: vec![(7, "Approve and run".to_owned()), (8, "Reject".to_owned())],
        }
    }

    #[test]
    fn the_word_at_the_cursor_becomes_what_fits_there() {
        let lines = [
            "",
            "a",
            "re",
            "@",
            "@agent ",
            "@agent fix it ",
            "@agent fix it r",
            "@agent repo=",
            "@agent x repo=ac",
            "@agent x plan=",
            "@agent x merge=a",
            "approve ",
            "approve t-1",
            "status ",
            "why T-12",
            "/",
            "/thread ",
            "/thread w",
            "please look at T",
            "7",
            "fix ",
            "@agent, rev",
            "漢字 T",
        ];
        let mut table = String::new();
        for line in lines {
            let found = complete(line, &vocabulary());
            let texts: Vec<_> = found.candidates.iter().map(|candidate| candidate.text.as_str()).collect();
            table += &format!("{line:<18} → {:<10} | {}\n", found.common().unwrap_or_default(), texts.join(" "));
        }
        expect![[r#"
                               →            | 7 8 @agent approve revise edit reject answer steer interrupt pause resume rollback merge try dequeue stop retry mute unmute status queue why help freeze thaw restore hold release /thread /threads /all /help /quit
            a                  → a          | approve answer
            re                 → re         | revise reject resume retry restore release
            @                  → @agent     | @agent
            @agent             →            | approve revise edit reject answer steer interrupt pause resume rollback merge try dequeue stop retry mute unmute status queue why help freeze thaw restore hold release repo= agent= plan= merge= branch=
            @agent fix it      →            | repo= agent= plan= merge= branch=
            @agent fix it r    → repo=      | repo=
            @agent repo=       → repo=      | repo=web repo=api repo=acme/docs
            @agent x repo=ac   → repo=acme/docs  | repo=acme/docs
            @agent x plan=     → plan=      | plan=ask plan=auto plan=off
            @agent x merge=a   → merge=a    | merge=ask merge=auto
            approve            → T-1        | T-12 T-1
            approve t-1        → T-1        | T-12 T-1
            status             → T-1        | T-12 T-1
            why T-12           → T-12       | T-12
            /                  → /          | /thread /threads /all /help /quit
            /thread            →            | main web
            /thread w          → web        | web
            please look at T   → T-1        | T-12 T-1
            7                  → 7          | 7
            fix                →            | 
            @agent, rev        → revise     | revise
            漢字 T               → T-1        | T-12 T-1
        "#]].assert_eq(&table);
    }
}
