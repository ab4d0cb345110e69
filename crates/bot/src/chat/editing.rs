//! The words that change a plan: a version, then one step a line, and lines that hold for all of them.

use agents::task::PlanEdit;

/// Reads `v2`, one step a line, `constraints: …` and `keep out: path, path`; what stands behind the version is a step.
/// Numbers before steps are for people and go.
pub(super) fn read(words: &str) -> (Option<u32>, PlanEdit) {
    let (first, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let version = first.strip_prefix('v').and_then(|version| version.parse().ok());
    let lines = if version.is_some() { rest } else { words };
    let mut edit = PlanEdit::default();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(text) = after(line, "constraints:") {
            edit.constraints.extend(named(&[text]));
        } else if let Some(paths) = after(line, "keep out:") {
            edit.keep_out.extend(named(&paths.split(',').collect::<Vec<_>>()));
        } else {
            edit.steps.push(without_number(line).to_owned());
        }
    }
    (version, edit)
}

fn after<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| &line[name.len()..])
}

fn named(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

fn without_number(line: &str) -> &str {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let step =
        rest.strip_prefix(['.', ')']).filter(|_| rest.len() < line.len()).and_then(|rest| rest.strip_prefix(' '));
    step.map_or(line, str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_a_version_and_lines() {
        let (version, edit) =
            read("v2\n1. find it\n 2) test 3.5 times\n\nConstraints: no new crate\nkeep out: infra/, a.rs");
        assert_eq!(version, Some(2));
        assert_eq!(edit.steps, ["find it", "test 3.5 times"]);
        assert_eq!(
            (edit.constraints, edit.keep_out),
            (vec!["no new crate".to_owned()], vec!["infra/".to_owned(), "a.rs".to_owned()])
        );
        assert_eq!(read("one step\n2.5 times").1.steps, ["one step", "2.5 times"]);
        assert_eq!(read("v3").1, PlanEdit::default());
        assert_eq!(read(""), (None, PlanEdit::default()));
    }
}
