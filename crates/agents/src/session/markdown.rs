//! The plan in what a model wrote: JSON where it kept to what it was asked for, else the Markdown that models write.

use super::agent::SessionError;
use super::answer::{bad, checked, json_in, plan_in};
use crate::task::PlanDraft;

/// Headings that say nothing of the plan.
const GENERIC: [&str; 8] =
    ["plan", "the plan", "implementation plan", "context", "summary", "overview", "goal", "proposed plan"];

/// The plan of a model's words.
pub(super) fn plan_of_agent(text: &str) -> Result<PlanDraft, SessionError> {
    let text = text.trim();
    if json_in(text).is_some() {
        return plan_in(text);
    }
    if text.is_empty() {
        return Err(bad("proposed no plan"));
    }
    let lines: Vec<&str> = outside_fences(text).collect();
    checked(PlanDraft {
        summary: summary_of(&lines),
        steps: steps_of(&lines),
        paths: paths_in(&lines),
        checks: below_heading(&lines, &["verif", "test", "check"]),
        ..PlanDraft::default()
    })
}

fn outside_fences(text: &str) -> impl Iterator<Item = &str> {
    let mut is_inside = false;
    text.lines().map(str::trim_end).filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_inside ^= is_fence;
        !is_inside && !is_fence && !line.trim().is_empty()
    })
}

fn heading(line: &str) -> Option<&str> {
    line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim().trim_matches('*').trim())
}

/// An item of a list, and whether it is numbered.
fn item(line: &str) -> Option<(&str, bool)> {
    let line = line.trim_start();
    let without_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if without_number.len() < line.len() {
        return without_number
            .strip_prefix(". ")
            .or_else(|| without_number.strip_prefix(") "))
            .map(|rest| (rest, true));
    }
    ["- ", "* ", "• "].iter().find_map(|bullet| line.strip_prefix(bullet)).map(|rest| (rest, false))
}

/// The first heading that says something, else the first words.
fn summary_of(lines: &[&str]) -> String {
    let headings = lines.iter().filter_map(|line| heading(line));
    let telling = headings.map(|words| words.trim_start_matches("Plan:").trim_start_matches("Plan –").trim());
    let mut telling = telling.filter(|words| !GENERIC.contains(&words.to_lowercase().as_str()));
    let words = || lines.iter().find(|line| heading(line).is_none() && item(line).is_none());
    let first_step = || lines.iter().find_map(|line| item(line)).map(|(words, _)| words);
    let from_the_top = lines.first().and_then(|line| heading(line)).and_then(|_| telling.next());
    from_the_top.or_else(|| words().map(|line| line.trim())).or_else(first_step).unwrap_or_default().to_owned()
}

/// The numbered items where there are any, else all items, else every line behind the first.
fn steps_of(lines: &[&str]) -> Vec<String> {
    let all: Vec<_> =
        lines.iter().filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| item(line)).collect();
    let numbered: Vec<_> = all.iter().filter(|(_, is_numbered)| *is_numbered).collect();
    let items = if numbered.is_empty() { all.iter().collect() } else { numbered };
    if !items.is_empty() {
        return items.into_iter().map(|(words, _)| words.replace("**", "")).collect();
    }
    let words = lines.iter().filter(|line| heading(line).is_none());
    words.skip(1).map(|line| line.trim().to_owned()).collect()
}

/// What stands in backquotes and looks like a file of the repository.
fn paths_in(lines: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    for line in lines {
        for word in line.split('`').skip(1).step_by(2).map(|word| word.trim_start_matches("./")) {
            let word = word.split_once(':').map_or(word, |(path, place)| {
                if place.starts_with(|c: char| c.is_ascii_digit()) { path } else { word }
            });
            if looks_like_path(word) && !paths.iter().any(|path| path == word) {
                paths.push(word.to_owned());
            }
        }
    }
    paths
}

fn looks_like_path(word: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    let name = word.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(stem, extension)| (stem, extension.len()));
    let has_extension = extension.is_some_and(|(_, length)| (1..=8).contains(&length));
    word.chars().all(fits)
        && !word.starts_with(['/', '-'])
        && !word.split('/').any(|part| part == "..")
        && (has_extension || word.contains('/') && !name.is_empty())
        && word.chars().any(char::is_alphabetic)
}

/// The items below a heading that has one of these parts of words.
fn below_heading(lines: &[&str], parts: &[&str]) -> Vec<String> {
    let is_one = |words: &str| parts.iter().any(|part| words.to_lowercase().contains(part));
    let mut is_below = false;
    let mut found = Vec::new();
    for line in lines {
        match (heading(line), item(line)) {
            (Some(words), _) => is_below = is_one(words),
            (None, Some((words, _))) if is_below => found.push(words.replace("**", "")),
            (None, _) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match plan_of_agent(text) {
            Ok(PlanDraft { summary, steps, paths, checks }) => {
                format!("{summary} | {} | {} | {}", steps.join("; "), paths.join("; "), checks.join("; "))
            }
            Err(error) => format!("refused: {error}"),
        }
    }

    #[test]
    fn a_plan_as_models_write_it_is_understood() {
        let plan = "# Plan: add a farewell\n\n## Context\nPeople leave without a word.\n\n## Steps\n1. **Edit** `src/greet.rs:12` and call `bye()`\n2. Add a test in `tests/bye.rs`\n\n```rust\n# not a heading\nfn bye() {}\n```\n\n## Verification\n- `cargo test`\n";
        assert_eq!(
            said(plan),
            "add a farewell | Edit `src/greet.rs:12` and call `bye()`; Add a test in `tests/bye.rs` | src/greet.rs; tests/bye.rs | `cargo test`"
        );
        assert_eq!(said("# Plan\n\n1. edit a.txt"), "edit a.txt | edit a.txt |  | ");
        assert_eq!(said("Rename it.\nThen test."), "Rename it. | Then test. |  | ");
    }

    #[test]
    fn a_plan_in_json_is_taken_as_it_is() {
        let json = r#"Here it is.
```json
{"summary":"Do it","steps":["a"],"paths":["x"],"checks":[]}
```"#;
        assert_eq!(said(json), "Do it | a | x | ");
        assert_eq!(said("  "), "refused: proposed no plan");
    }

    #[test]
    fn a_word_in_backquotes_is_no_file_by_that_alone() {
        for word in ["cargo test", "fn()", "../x.rs", "/etc/passwd", "--flag", "a::b", "HEAD", "1.0"] {
            assert!(!looks_like_path(word), "{word}");
        }
        for word in ["src/main.rs", "Makefile.am", "docs/guide", ".github/workflows/ci.yml", "a.rs"] {
            assert!(looks_like_path(word), "{word}");
        }
    }
}
