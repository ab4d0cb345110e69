//! What may be written where: purity, the one door, the places that may wait, spawn and turn a lint off.

use crate::Fault;
use crate::house::{File, House};
use crate::tokens::{Token, lines_with};

/// Sequences of tokens that are forbidden, but for some files.
struct Ban {
    rule: &'static str,
    patterns: &'static [&'static str],
    advice: &'static str,
    /// Tests may not either.
    in_tests: bool,
    /// The files to which the ban applies.
    holds_in: fn(&str) -> bool,
    /// Files or folders where it is right, with the reason.
    exceptions: &'static [(&'static str, &'static str)],
}

const BANS: &[Ban] = &[
    Ban {
        rule: "purity",
        patterns: &["async", "tokio", "sqlx", "tracing", "SystemTime", "Instant :: now", "rand", "println"],
        advice: "a machine takes its state, an event and the time, and nothing else",
        in_tests: false,
        holds_in: is_pure,
        exceptions: &[],
    },
    Ban {
        rule: "spawn",
        patterns: &["tokio :: spawn", "task :: spawn"],
        advice: "spawn on the tracker of serve.rs, so that a shutdown waits for it",
        in_tests: false,
        holds_in: is_product,
        exceptions: &[],
    },
    Ban {
        rule: "sleep",
        patterns: &["thread :: sleep", "time :: sleep", "time :: sleep_until", "tokio :: time :: interval"],
        advice: "owe a `timer` effect; in a test, wait for what should happen or move the clock",
        in_tests: true,
        holds_in: is_anywhere,
        exceptions: &[
            ("crates/store/src/pump.rs", "the one idle wait: for the next due effect, or a wake-up"),
            ("crates/forge/src/ref_lock.rs", "waits for a git of nobody's, which tells nobody when it ends"),
            ("crates/bot/src/clock.rs", "the period of whoever looks at what no event brings"),
            ("crates/mergeq/src/reconciler.rs", "the period of one who looks at the forge even when nobody calls"),
            (
                "crates/agents/src/log.rs",
                "brings a session's output into its log now and then; nothing is decided by it",
            ),
            ("crates/bot/src/cli/instance.rs", "a log that is followed is looked at now and then by whoever reads it"),
            (
                "crates/bot/src/slack/schedule.rs",
                "Slack's limits and its absence are waited out; nothing is decided by it",
            ),
            ("crates/agents/src/cage/supervisor.rs", "a process of its own without a runtime, between two sweeps"),
        ],
    },
    Ban {
        rule: "lint",
        patterns: &["[ allow ("],
        advice: "write #[expect(lint, reason = \"...\")], which tells when it is no longer needed",
        in_tests: true,
        holds_in: is_anywhere,
        exceptions: &[],
    },
    Ban {
        rule: "unwrap",
        patterns: &[". unwrap ("],
        advice: "return the error, or say with `expect` why it cannot be",
        in_tests: false,
        holds_in: is_anywhere,
        exceptions: &[],
    },
    Ban {
        rule: "unfinished",
        patterns: &["todo !", "unimplemented !", "[ ignore"],
        advice: "finish it, or leave it out",
        in_tests: true,
        holds_in: is_anywhere,
        exceptions: &[],
    },
    Ban {
        rule: "bounds",
        patterns: &["unbounded_channel", "mpsc :: unbounded"],
        advice: "give the channel a limit, with its reason",
        in_tests: true,
        holds_in: is_anywhere,
        exceptions: &[],
    },
];

/// Where SQL that writes may stand, beside `table.rs` files.
const DOORS: [&str; 2] = ["crates/store/src/", "crates/bot/src/chat/console_table.rs"];

fn is_anywhere(_: &str) -> bool {
    true
}

fn is_product(path: &str) -> bool {
    let may_spawn = path == "crates/bot/src/serve.rs"
        || path == "crates/store/src/pump.rs"
        || path.starts_with("crates/bot/src/chat/");
    path.starts_with("crates/") && !may_spawn
}

/// The dictionary and the machines: what is left when everything that waits, stores or shows is taken away.
fn is_pure(path: &str) -> bool {
    let is_machine = path.starts_with("crates/agents/src/task/") || path.starts_with("crates/mergeq/src/queue/");
    let stores_or_shows = ["/table.rs", "/view.rs", "/history.rs"].iter().any(|name| path.ends_with(name));
    path.starts_with("crates/domain/src/") || is_machine && !stores_or_shows
}

/// What is written in the wrong place, anywhere in the house.
pub fn faults(house: &House) -> Vec<Fault> {
    let mut faults: Vec<Fault> = house.rust_files().flat_map(faults_in).collect();
    for ban in BANS {
        let unused = |path: &str| house.file(path).is_none_or(|file| broken_lines(ban, file).is_empty());
        for (path, _) in ban.exceptions.iter().filter(|(path, _)| unused(path)) {
            let advice =
                format!("the exception for `{}` is no longer needed; take it out of tests/tidy/words.rs", ban.rule);
            faults.push(Fault::new(path, 1, "exception", advice));
        }
    }
    faults
}

fn faults_in(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for ban in BANS.iter().filter(|ban| !ban.exceptions.iter().any(|(path, _)| *path == file.path)) {
        let lines = broken_lines(ban, file);
        faults.extend(lines.into_iter().map(|line| Fault::new(&file.path, line, ban.rule, ban.advice)));
    }
    faults.extend(outside_the_door(file));
    faults.extend(test_hooks(file));
    faults
}

fn broken_lines(ban: &Ban, file: &File) -> Vec<usize> {
    if !(ban.holds_in)(&file.path) {
        return Vec::new();
    }
    let counts = |line: &usize| ban.in_tests || !file.is_test_line(*line);
    ban.patterns.iter().flat_map(|pattern| lines_with(file.tokens(), pattern)).filter(counts).collect()
}

fn outside_the_door(file: &File) -> Vec<Fault> {
    let is_door = file.path.ends_with("/table.rs") || DOORS.iter().any(|door| file.path.starts_with(door));
    if is_door || !file.path.starts_with("crates/") {
        return Vec::new();
    }
    let writes = file.tokens().iter().filter(|token| is_writing_sql(&token.text));
    let advice = "go through `store.apply`; tables are written in crates/store and in table.rs";
    writes
        .filter(|token| !file.is_test_line(token.line))
        .map(|token| Fault::new(&file.path, token.line, "one door", advice))
        .collect()
}

/// A string whose first words are those of a statement that writes.
fn is_writing_sql(literal: &str) -> bool {
    let text = literal.trim_start_matches(['b', 'r', '#', '"']).trim_start_matches(['\\', ' ', '\n']);
    let words: Vec<String> = text.split_whitespace().take(3).map(str::to_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    literal.contains('"')
        && matches!(
            words[..],
            ["INSERT", "INTO" | "OR", ..] | ["DELETE", "FROM", ..] | ["UPDATE", _, "SET"] | ["REPLACE", "INTO", ..]
        )
}

/// `cfg(test)` on anything but a module: a hook in the product for its tests.
fn test_hooks(file: &File) -> Vec<Fault> {
    if file.is_test {
        return Vec::new();
    }
    let tokens = file.tokens();
    let starts = tokens.iter().enumerate().filter(|(_, token)| matches!(token.text.as_str(), "cfg" | "cfg_attr"));
    let hooks = starts.filter(|(at, _)| speaks_of_test(&tokens[at + 1..]) && !is_test_module(&tokens[at + 1..]));
    let advice = "steer the test through the clock, the pump or a stand-in, not through a hook in the product";
    hooks.map(|(_, token)| Fault::new(&file.path, token.line, "test hook", advice)).collect()
}

fn speaks_of_test(after: &[Token]) -> bool {
    let is_sign = |token: &&Token| token.text == "!" || token.text == "(";
    let opens = after.iter().take_while(is_sign).any(|token| token.text == "(");
    let mut depth = 0_u32;
    let inside = after.iter().take_while(|token| {
        match token.text.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        token.text == "!" || depth > 0
    });
    let is_test = inside.filter(|token| token.text == "test").count() > 0;
    opens && is_test
}

/// `(test)] mod`, with other attributes and a visibility between.
fn is_test_module(after: &[Token]) -> bool {
    let texts: Vec<&str> = after.iter().map(|token| token.text.as_str()).take(40).collect();
    let Some(mut rest) = texts.strip_prefix(&["(", "test", ")", "]"]) else { return false };
    while rest.first() == Some(&"#") {
        let end = rest.iter().position(|text| *text == "]").map_or(rest.len(), |at| at + 1);
        rest = &rest[end..];
    }
    matches!(rest, ["mod", ..] | ["pub", "mod", ..] | ["pub", "(", _, ")", "mod", ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_broken_by(path: &str, text: &str) -> Vec<&'static str> {
        let house = House::of(vec![(path.to_owned(), text.to_owned())]);
        faults_in(&house.files[0]).into_iter().map(|fault| fault.rule).collect()
    }

    #[test]
    fn each_ban_catches_its_bad_example() {
        let plain = "crates/bot/src/main.rs";
        for (rule, path, text) in [
            ("purity", "crates/domain/src/id.rs", "async fn f() {}"),
            ("purity", "crates/mergeq/src/queue/plan.rs", "use tracing::info;"),
            ("purity", "crates/agents/src/task/state.rs", "fn f() { std::time::Instant::now(); }"),
            ("spawn", plain, "fn f() { tokio::spawn(g()); }"),
            ("spawn", "crates/agents/src/log.rs", "fn f() { tokio::task::spawn(g()); }"),
            ("sleep", plain, "fn f() { std::thread::sleep(d); }"),
            ("sleep", "tests/e2e/main.rs", "async fn f() { tokio::time::sleep(d).await; }"),
            ("lint", plain, "#[allow(dead_code)]\nfn f() {}"),
            ("lint", "tests/e2e/main.rs", "#![allow(dead_code)]"),
            ("unwrap", plain, "fn f() { g().unwrap(); }"),
            ("unwrap", plain, "fn f() { format!(\"{}\", g().unwrap()); }"),
            ("unfinished", plain, "fn f() { todo!() }"),
            ("unfinished", "tests/e2e/main.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
            ("bounds", plain, "fn f() { tokio::sync::mpsc::unbounded_channel(); }"),
            ("one door", plain, "const X: &str = \"INSERT INTO task VALUES ($1)\";"),
            ("one door", plain, "const X: &str = \"\n    UPDATE task SET id = $1\";"),
            ("one door", plain, "const X: &str = r#\"delete from task\"#;"),
            ("test hook", plain, "#[cfg(test)]\nfn f() {}"),
            ("test hook", plain, "#[cfg(not(test))]\nmod f {}"),
            ("test hook", plain, "fn f() { if cfg!(test) {} }"),
            ("test hook", plain, "#[cfg_attr(test, derive(Debug))]\nstruct F;"),
        ] {
            assert_eq!(rules_broken_by(path, text), [rule], "{path}: {text}");
        }
    }

    #[test]
    fn what_is_right_in_its_place_is_no_fault() {
        let test_module = "#[cfg(test)]\nmod tests { fn f() { g().unwrap(); } }";
        for (path, text) in [
            ("crates/store/src/apply.rs", "const X: &str = \"INSERT INTO task VALUES ($1)\";"),
            ("crates/agents/src/task/table.rs", "const X: &str = \"UPDATE task SET id = $1\"; async fn f() {}"),
            ("crates/bot/src/serve.rs", "fn f() { tokio::spawn(g()); }"),
            ("crates/store/src/pump.rs", "async fn f() { tokio::time::sleep(d).await; }"),
            ("crates/bot/src/main.rs", "const X: &str = \"update the branch\"; // tokio::spawn(x.unwrap())"),
            ("crates/bot/src/main.rs", test_module),
            ("crates/bot/src/main.rs", "#[cfg(test)]\n#[expect(x)]\npub(crate) mod tests;"),
            ("crates/bot/src/main.rs", "#[cfg(feature = \"test\")]\nfn f() {}"),
            ("crates/domain/src/id.rs", "//! Knows no async and no tokio.\nfn f() {}"),
            ("tests/e2e/main.rs", "fn f() { g().unwrap(); }"),
        ] {
            assert_eq!(rules_broken_by(path, text), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn an_exception_that_is_not_needed_is_a_fault() {
        let house = House::of(vec![("crates/store/src/pump.rs".to_owned(), "fn f() {}".to_owned())]);
        let unneeded: Vec<String> = faults(&house).into_iter().map(|fault| fault.path).collect();
        assert!(unneeded.contains(&"crates/store/src/pump.rs".to_owned()));
    }
}
