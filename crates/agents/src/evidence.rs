//! What a reviewer reads beside a change, in GitHub's Markdown: who asked for what, which plan was approved by whom, what was
//! changed and run, and what it took.
//!
//! What people and agents wrote is text of others. It stands there as they wrote it and does nothing: no name in it calls
//! anybody, no number refers to an issue or closes one, no image is fetched, nothing is hidden.

use std::fmt::Write as _;

use domain::Platform;
use forge::{CheckRun, Conclusion, FileChange};

use crate::task::{Approved, Task, Work};

/// How much of a request is shown: more is a document, and the thread has it.
const REQUEST_CHARS_MAX: usize = 3_000;
/// How many files are named: a reviewer sees all of them beside it.
const FILES_MAX: usize = 30;
/// How many steps of a plan, and how much of each.
const STEPS_MAX: usize = 50;
const STEP_CHARS_MAX: usize = 500;

/// The body of a task's pull request.
pub(crate) fn evidence(task: &Task, work: &Work) -> String {
    let request = &task.request;
    let mut body = format!("{}\n", quoted(&first_chars(&request.text, REQUEST_CHARS_MAX)));
    let _ = writeln!(body, "\nAsked by **{}** in {}.\n", plain(request.requester.as_str()), thread(task));
    if let Some(approved) = &work.approved {
        body += &plan(approved);
    }
    if let Some(by) = &work.accepted_by {
        let because = plain(&work.tier_because);
        let _ = writeln!(
            body,
            "It went beyond that ({}, {because}), and **{}** accepted it.\n",
            work.tier,
            plain(by.as_str())
        );
    }
    body += &changes(&work.changes);
    body += &checks(&work.checks);
    body + &making(task, work)
}

fn plan(Approved { plan, by, .. }: &Approved) -> String {
    let by = by.as_ref().map_or("the policy".to_owned(), |by| format!("**{}**", plain(by.as_str())));
    let mut text = format!("### Plan v{}, approved by {by}\n\n", plan.version);
    if !plan.draft.summary.is_empty() {
        let _ = writeln!(text, "{}\n", plain(&first_chars(&plan.draft.summary, REQUEST_CHARS_MAX)));
    }
    for (n, step) in plan.draft.steps.iter().take(STEPS_MAX).enumerate() {
        let _ = writeln!(text, "{}. {}", n + 1, plain(&first_chars(step, STEP_CHARS_MAX)));
    }
    if let more @ 1.. = plan.draft.steps.len().saturating_sub(STEPS_MAX) {
        let _ = writeln!(text, "\n… and {more} more.");
    }
    let _ = writeln!(text, "\nRisk {}. Its hash is `{}`.\n", plan.tier, plan.hash);
    text
}

fn changes(changes: &[FileChange]) -> String {
    let (added, removed) = changes.iter().fold((0, 0), |(a, r), change| (a + change.added, r + change.removed));
    let mut text = format!("### Changed: +{added} −{removed}\n\n");
    for FileChange { path, added, removed } in changes.iter().take(FILES_MAX) {
        let _ = writeln!(text, "- {} +{added} −{removed}", plain(path));
    }
    if let more @ 1.. = changes.len().saturating_sub(FILES_MAX) {
        let _ = writeln!(text, "- … and {more} more files");
    }
    text + "\n"
}

fn checks(runs: &[CheckRun]) -> String {
    if runs.is_empty() {
        return "### Checks\n\nThe repository names none.\n\n".to_owned();
    }
    let mut text = "### Checks\n\n| | check | took |\n|---|---|---|\n".to_owned();
    for run in runs {
        let verdict = match run.conclusion {
            Conclusion::Failed => run.exit.map_or("failed".to_owned(), |exit| format!("failed with {exit}")),
            other => other.to_string(),
        };
        let took = f64::from(u32::try_from(run.duration_ms).unwrap_or(u32::MAX)) / 1_000.;
        let _ = writeln!(text, "| {verdict} | {} | {took:.1} s |", plain(&run.name));
    }
    text + "\n"
}

fn making(task: &Task, work: &Work) -> String {
    let mut parts = vec![
        format!("Task {}", task.id),
        format!("agent {}", plain(task.request.agent.as_str())),
        format!("cage: {}", plain(&work.cage)),
    ];
    if !work.hosts.is_empty() {
        let allowed = |host: &String| match task.allowed.get(host) {
            Some(by) => format!("{} (allowed by {})", plain(host), plain(by.as_str())),
            None => plain(host),
        };
        parts.push(format!("reached {}", work.hosts.iter().map(allowed).collect::<Vec<_>>().join(", ")));
    }
    if let Some(micros) = work.cost_micros {
        parts.push(format!("${}.{:02}", micros / 1_000_000, micros % 1_000_000 / 10_000));
    }
    format!("<sub>{}</sub>\n", parts.join(" · "))
}

/// The thread, as a link where it has an address.
fn thread(task: &Task) -> String {
    let thread = &task.request.thread;
    match thread.name.split('/').collect::<Vec<_>>()[..] {
        [team, channel, ts] if thread.platform == Platform::Slack => {
            format!("[its thread in Slack](https://app.slack.com/client/{team}/{channel}/thread/{channel}-{ts})")
        }
        _ => plain(&thread.to_string()),
    }
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {}", plain(line))).collect::<Vec<_>>().join("  \n")
}

/// A text that reads as it is and does nothing [GitHub Flavored Markdown; GitHub: autolinked references and URLs].
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '@' | '#' => {
                shown.push(c);
                shown.push_str(NOTHING);
            }
            '/' if before == ':' => {
                shown.push_str(NOTHING);
                shown.push(c);
            }
            '-' if before.eq_ignore_ascii_case(&'h') => {
                shown.push_str(NOTHING);
                shown.push(c);
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => {
                shown.push('\\');
                shown.push(c);
            }
            '\n' | '\r' => shown.push(' '),
            c if c.is_control() => {}
            c => shown.push(c),
        }
        before = c;
    }
    shown
}

/// A comment of HTML: it is not shown, and parts what would be taken together.
const NOTHING: &str = "<!-- -->";

fn first_chars(text: &str, count_max: usize) -> String {
    match text.chars().count() > count_max {
        false => text.to_owned(),
        true => text.chars().take(count_max - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_does_nothing() {
        for (written, shown) in [
            ("ask @acme/all", "ask @<!-- -->acme/all"),
            ("fixes #12", "fixes #<!-- -->12"),
            ("closes GH-3", "closes GH<!-- -->-3"),
            ("see https://github.com/a/b/issues/1", "see https:<!-- -->//github.com/a/b/issues/1"),
            ("![x](http://e/p.png)", "\\!\\[x\\](http:<!-- -->//e/p.png)"),
            ("<!-- hidden --><img src=x>", "&lt;\\!-- hidden --&gt;&lt;img src=x&gt;"),
            ("a|b `c` *d*", "a\\|b \\`c\\` \\*d\\*"),
            ("one\ntwo", "one two"),
        ] {
            assert_eq!(plain(written), shown);
        }
        assert_eq!(quoted("one\n# two"), "> one  \n> #<!-- --> two");
    }
}
