//! What people read while an agent works: its events, line by line.

use std::collections::BTreeSet;
use std::path::Path;

use super::agent::{Session, Witness};
use super::event::{AgentEvent, StopReason, TodoEntry, ToolCall, ToolKind, ToolStatus};
use super::transcript::{Transcript, Voice};
use crate::cage::{LINE_BYTES_MAX, ProgressSink};

/// Lines of one event that are shown; the rest of it is in the transcript.
const EVENT_LINES_MAX: usize = 40;
/// Characters of a title: a line of a wide terminal and a half.
const TITLE_CHARS_MAX: usize = 200;
/// Tool calls at one time whose beginning was shown. More are shown twice.
const CALLS_MAX: usize = 200;

/// Tells everybody whom it concerns what an agent says and does.
pub(super) struct Telling<'a> {
    progress: &'a dyn ProgressSink,
    witness: &'a dyn Witness,
    transcript: Option<Transcript>,
    shown: BTreeSet<String>,
}

impl<'a> Telling<'a> {
    /// Tells those who follow this session.
    pub(super) fn of(session: &Session<'a>) -> Self {
        let Session { progress, witness, transcript, .. } = session;
        Self {
            progress: *progress,
            witness: *witness,
            transcript: transcript.map(Transcript::open),
            shown: BTreeSet::new(),
        }
    }

    /// Keeps a raw line.
    pub(super) fn keep(&mut self, voice: Voice, line: &str) {
        if let Some(transcript) = &mut self.transcript {
            transcript.keep(voice, line);
        }
    }

    /// Tells one event.
    pub(super) fn tell(&mut self, event: &AgentEvent) {
        self.witness.event(event);
        let lines = if let AgentEvent::ToolCall(call) = event { self.lines_of_call(call) } else { lines_of(event) };
        let n_more = lines.len().saturating_sub(EVENT_LINES_MAX);
        for line in lines.iter().take(EVENT_LINES_MAX) {
            self.note(line);
        }
        if n_more > 0 {
            self.note(&format!("… {n_more} more lines"));
        }
    }

    /// Tells people alone.
    pub(super) fn note(&self, line: &str) {
        self.progress.line(&line[..line.floor_char_boundary(LINE_BYTES_MAX)]);
    }

    fn lines_of_call(&mut self, call: &ToolCall) -> Vec<String> {
        let is_new = !self.shown.contains(&call.id);
        let over = matches!(call.status, ToolStatus::Completed | ToolStatus::Failed);
        if over {
            self.shown.remove(&call.id);
        } else if self.shown.len() < CALLS_MAX {
            self.shown.insert(call.id.clone());
        }
        let mut lines = Vec::new();
        if is_new {
            lines.push(beginning(call));
        }
        if call.status == ToolStatus::Failed {
            let last = call.output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("failed");
            let of = if is_new { String::new() } else { format!("{}: ", short(&call.title)) };
            lines.push(format!("  ✗ {of}{}", short(last)));
        }
        lines
    }
}

/// The line that tells of a call's beginning.
pub(crate) fn beginning(call: &ToolCall) -> String {
    let mark = match call.kind {
        ToolKind::Edit => '✎',
        ToolKind::Read | ToolKind::Execute | ToolKind::Search | ToolKind::Fetch | ToolKind::Other => '→',
    };
    format!("{mark} {}", short(&call.title))
}

/// The first line of a text, cut to what fits.
pub(super) fn short(text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default();
    let cut = first.chars().count() > TITLE_CHARS_MAX || lines.next().is_some();
    let shown: String = first.chars().take(TITLE_CHARS_MAX).collect();
    if cut { format!("{shown} …") } else { shown }
}

/// A path as people call it: below the tree without the tree.
pub(super) fn below(tree: &str, path: &str) -> String {
    let inside = Path::new(path).strip_prefix(tree).ok().filter(|rest| !rest.as_os_str().is_empty());
    inside.map_or_else(|| path.to_owned(), |rest| rest.display().to_string())
}

/// The lines of an event that is no tool call.
fn lines_of(event: &AgentEvent) -> Vec<String> {
    let lines = |text: &str| text.trim().lines().map(str::to_owned).collect::<Vec<_>>();
    match event {
        AgentEvent::Started { model: Some(model), .. } => vec![format!("model {model}")],
        AgentEvent::Said { text } => lines(text),
        AgentEvent::Thought { text } => vec![format!("… {}", short(text))],
        AgentEvent::Todo { entries } => todo(entries),
        AgentEvent::PlanProposed { .. } => vec!["proposes a plan".to_owned()],
        AgentEvent::Mode { name } => vec![format!("mode {name}")],
        AgentEvent::Retrying { why, .. } => vec![format!("tries again: {}", short(why))],
        AgentEvent::TurnEnded { reason, .. } => match reason {
            StopReason::Done => Vec::new(),
            StopReason::Interrupted => vec!["interrupted".to_owned()],
            StopReason::Limit => vec!["came to its limit".to_owned()],
            StopReason::Refused => vec!["refused".to_owned()],
        },
        AgentEvent::Broke { why, .. } => vec![format!("broke: {}", short(why))],
        AgentEvent::Unknown { line } => vec![line.clone()],
        AgentEvent::Started { model: None, .. } | AgentEvent::Used(_) | AgentEvent::ToolCall(_) => Vec::new(),
    }
}

/// A list of things to do, a line each.
pub(crate) fn todo(entries: &[TodoEntry]) -> Vec<String> {
    let mark = |entry: &TodoEntry| match entry.status {
        ToolStatus::Pending => '☐',
        ToolStatus::Running => '▸',
        ToolStatus::Completed => '☑',
        ToolStatus::Failed => '☒',
    };
    entries.iter().map(|entry| format!("{} {}", mark(entry), short(&entry.text))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::agent::Unattended;
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl ProgressSink for Heard {
        fn line(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    fn told(events: &[AgentEvent]) -> String {
        let heard = Heard::default();
        let mut telling = Telling { progress: &heard, witness: &Unattended, transcript: None, shown: BTreeSet::new() };
        events.iter().for_each(|event| telling.tell(event));
        heard.0.into_inner().unwrap().join("\n")
    }

    #[test]
    fn an_hour_of_work_reads_like_a_list() {
        let call = |id: &str, title: &str, kind, status, output: &str| {
            AgentEvent::ToolCall(ToolCall {
                id: id.into(),
                title: title.into(),
                kind,
                status,
                output: output.into(),
                ..ToolCall::default()
            })
        };
        let todo = |text: &str, status| TodoEntry { text: text.into(), status };
        let events = [
            AgentEvent::Started { session: "s".into(), model: Some("opus".into()) },
            AgentEvent::Thought { text: "Look first.\nThen edit.".into() },
            call("1", "src/lib.rs", ToolKind::Edit, ToolStatus::Running, ""),
            call("1", "src/lib.rs", ToolKind::Edit, ToolStatus::Completed, "ok"),
            call("2", "cargo test", ToolKind::Execute, ToolStatus::Running, ""),
            call("2", "cargo test", ToolKind::Execute, ToolStatus::Failed, "running\nerror: 1 failed\n"),
            call("3", "cat <<E\nlong", ToolKind::Execute, ToolStatus::Failed, ""),
            AgentEvent::Todo { entries: vec![todo("a", ToolStatus::Completed), todo("b", ToolStatus::Running)] },
            AgentEvent::Unknown { line: "{\"type\":\"new\"}".into() },
            AgentEvent::Said { text: "Two lines,\nas written.\n".into() },
            AgentEvent::TurnEnded { reason: StopReason::Done, text: "Two lines".into() },
        ];
        expect_test::expect![[r#"
            model opus
            … Look first. …
            ✎ src/lib.rs
            → cargo test
              ✗ cargo test: error: 1 failed
            → cat <<E …
              ✗ failed
            ☑ a
            ▸ b
            {"type":"new"}
            Two lines,
            as written."#]]
        .assert_eq(&told(&events));
    }

    #[test]
    fn a_talkative_event_is_cut_and_says_so() {
        let text = "x\n".repeat(100);
        assert!(told(&[AgentEvent::Said { text }]).ends_with("x\n… 60 more lines"));
    }

    #[test]
    fn a_path_is_called_as_people_call_it() {
        assert_eq!(below("/w/tree", "/w/tree/src/a.rs"), "src/a.rs");
        assert_eq!(below("/w/tree", "/w/trees"), "/w/trees");
    }
}
