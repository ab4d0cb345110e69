//! Reading the plan that a program printed. Pure, and distrustful: a plan decides who must approve.

use serde::Deserialize;

use super::agent::SessionError;
use crate::task::PlanDraft;

/// The most steps, paths and checks of a plan, and the longest of their texts: what a person can still read, and what a
/// chat can still show.
const ITEMS_MAX: usize = 200;
const ITEM_CHARS_MAX: usize = 500;
/// A larger guess of a cost is no guess.
const DOLLARS_MAX: f64 = 10_000.0;

#[derive(Deserialize)]
struct Printed {
    summary: String,
    #[serde(default)]
    steps: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    checks: Vec<String>,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
    /// A guess of the cost.
    dollars: Option<f64>,
}

/// The plan in what a program printed: a JSON object, or lines of which the first is the summary and the others are the
/// steps. The JSON may follow other lines and may stand in a fence.
pub(super) fn plan_in(printed: &str) -> Result<PlanDraft, SessionError> {
    let text = printed.trim();
    if text.is_empty() {
        return Err(bad("printed no plan"));
    }
    if text.chars().any(|c| c == char::REPLACEMENT_CHARACTER || c.is_control() && !c.is_whitespace()) {
        return Err(bad("printed something that is not text"));
    }
    match json_in(text) {
        Some(json) => from_json(json),
        None => checked(from_lines(text)),
    }
}

pub(super) fn bad(why: impl Into<String>) -> SessionError {
    SessionError::Failed(why.into())
}

/// The object that begins a line and ends the text, if there is one.
pub(super) fn json_in(text: &str) -> Option<&str> {
    let text = text.trim_end_matches("```").trim_end();
    if !text.ends_with('}') {
        return text.starts_with('{').then_some(text);
    }
    let starts = text.match_indices('{').map(|(at, _)| at).filter(|at| *at == 0 || text[..*at].ends_with('\n'));
    let mut candidates = starts.map(|at| &text[at..]);
    candidates
        .find(|candidate| serde_json::from_str::<serde_json::Value>(candidate).is_ok())
        .or_else(|| text.starts_with('{').then_some(text))
}

fn from_json(json: &str) -> Result<PlanDraft, SessionError> {
    let unreadable = |error: serde_json::Error| {
        bad(format!("printed a plan that cannot be read ({error}); expected are summary, steps, paths and checks"))
    };
    let Printed { summary, steps, paths, checks, commands, hosts, dollars } =
        serde_json::from_str(json).map_err(unreadable)?;
    let cost_micros =
        dollars.filter(|dollars| (0.0..=DOLLARS_MAX).contains(dollars)).map(|dollars| (dollars * 1e6) as u64);
    checked(PlanDraft { summary, steps, paths, checks, commands, hosts, cost_micros, ..PlanDraft::default() })
}

fn from_lines(text: &str) -> PlanDraft {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let summary = lines.next().unwrap_or_default().trim_start_matches('#').trim().to_owned();
    let steps = lines.map(|line| without_bullet(line).to_owned()).filter(|step| !step.is_empty()).collect();
    PlanDraft { summary, steps, ..PlanDraft::default() }
}

fn without_bullet(line: &str) -> &str {
    let numberless = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = numberless.strip_prefix(['.', ')']).filter(|_| numberless.len() < line.len());
    numbered.unwrap_or_else(|| line.trim_start_matches(['-', '*', '•'])).trim()
}

pub(super) fn checked(plan: PlanDraft) -> Result<PlanDraft, SessionError> {
    let PlanDraft { summary, steps, paths, checks, commands, hosts, cost_micros, constraints, keep_out } = plan;
    let lists = [("steps", &steps), ("paths", &paths), ("checks", &checks), ("commands", &commands), ("hosts", &hosts)];
    for (what, items) in lists {
        if items.len() > ITEMS_MAX {
            return Err(bad(format!("proposed a plan of {} {what}; {ITEMS_MAX} are allowed", items.len())));
        }
    }
    if let Some(path) = paths.iter().find(|path| leads_out(path)) {
        return Err(bad(format!("proposed a plan with a path outside the repository: {path:?}")));
    }
    let all = |items: Vec<String>| items.iter().map(|item| readable(item)).filter(|item| !item.is_empty()).collect();
    let summary = readable(&summary);
    if summary.is_empty() {
        return Err(bad("proposed a plan without a summary"));
    }
    let paths = paths.iter().map(|path| path.trim().trim_start_matches("./").to_owned()).collect();
    let (steps, checks, commands, hosts) = (all(steps), all(checks), all(commands), all(hosts));
    Ok(PlanDraft { summary, steps, paths, checks, commands, hosts, cost_micros, constraints, keep_out })
}

/// A path of a plan decides about its risk, so nothing may be hidden in it.
fn leads_out(path: &str) -> bool {
    let path = path.trim();
    path.is_empty()
        || path.starts_with('/')
        || path.chars().count() > ITEM_CHARS_MAX
        || path.chars().any(char::is_control)
        || path.split('/').any(|part| part == "..")
}

fn readable(text: &str) -> String {
    let one_line = text.trim().chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    one_line.filter(|c| !c.is_control()).take(ITEM_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(printed: &str) -> String {
        match plan_in(printed) {
            Ok(plan) => format!(
                "{} | {} | {} | {}",
                plan.summary,
                plan.steps.join("; "),
                plan.paths.join("; "),
                plan.checks.join("; ")
            ),
            Err(error) => format!("refused: {error}"),
        }
    }

    #[test]
    fn a_plan_is_json_or_lines() {
        let json = r#"{"summary":"Do it","steps":["a","b"],"paths":["./x","y/z"],"checks":["make"]}"#;
        let expected = "Do it | a; b | x; y/z | make";
        assert_eq!(said(json), expected);
        assert_eq!(said(&format!("thinking {{…}}\n```json\n{json}\n```\n")), expected);
        assert_eq!(said("# Do it\n\n1. a\n- b\n 2) c\n"), "Do it | a; b; c |  | ");
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        assert_eq!(said(" \n"), "refused: printed no plan");
        assert_eq!(said("\u{1b}[2J\u{fffd}{"), "refused: printed something that is not text");
        assert_eq!(
            said("{}"),
            "refused: printed a plan that cannot be read (missing field `summary` at line 1 column 2); expected are summary, steps, paths and checks"
        );
        assert!(said("{\"summary\": ").starts_with("refused: printed a plan that cannot be read"));
        assert_eq!(said(r#"{"summary":" "}"#), "refused: proposed a plan without a summary");
        let many = serde_json::json!({ "summary": "x", "steps": vec!["s"; 201] });
        assert_eq!(said(&many.to_string()), "refused: proposed a plan of 201 steps; 200 are allowed");
    }

    #[test]
    fn a_path_that_hides_its_risk_is_refused() {
        for path in ["/etc/passwd", "a/../../b", "..", " ", "a\u{7}b"] {
            let plan = serde_json::json!({ "summary": "x", "paths": [path] });
            assert!(said(&plan.to_string()).starts_with("refused: proposed a plan with a path outside"), "{path:?}");
        }
    }

    #[test]
    fn texts_cannot_steer_a_terminal() {
        let plan = serde_json::json!({ "summary": "a\u{1b}[31m\nb" });
        assert_eq!(said(&plan.to_string()), "a[31m b |  |  | ");
    }
}
