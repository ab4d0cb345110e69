//! What was sent, judged by Slack's own library for Python.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::SlackServer;
use crate::peers;

/// What the library has against messages (`blocks`), views (`view`) and pieces of streams (`chunks`), a line each behind
/// their `name`; none where it is not installed.
pub fn judged(sent: &[Value]) -> Option<String> {
    let python = peers::installed("slack/venv/bin/python")?;
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/slack/judge.py");
    let mut command = Command::new(python);
    let mut child = command
        .arg(judge)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Python starts");
    let lines: String = sent.iter().map(|sent| format!("{sent}\n")).collect();
    child.stdin.take().expect("it was asked for").write_all(lines.as_bytes()).expect("the judge reads");
    let output = child.wait_with_output().expect("the judge ends");
    assert!(output.status.success(), "the judge ended with {}", output.status);
    Some(String::from_utf8(output.stdout).expect("Python writes UTF-8"))
}

impl SlackServer {
    /// All that the app sent for people to see, in the form that [`judged`] takes.
    pub fn sent_for_people(&self) -> Vec<Value> {
        let parts = |call: super::Call| {
            let named = |part: &str| Some(json!({ "name": call.method, part: call.args.get(part)? }));
            ["blocks", "view", "chunks"].into_iter().filter_map(named).collect::<Vec<_>>()
        };
        self.calls().into_iter().flat_map(parts).collect()
    }
}
