//! The steps of a task at work, and how far each is: one view, from which lines, a plan block and the pieces of a stream
//! are made. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::kit::{cut, letters, line, paragraph, rich_text, styled};
use crate::chat::messenger::{Part, STEPS_SHOWN_MAX, Said};

/// How long a step's title is: Slack takes 256 characters of one, and a telephone shows four lines.
const STEP_MAX: usize = 250;
/// How long the title of a plan is.
const TITLE_MAX: usize = 200;
/// How many steps make a list; of fewer the card says it all.
const LIST_MIN: usize = 2;

/// Where the steps of a task at work stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// On the card.
    Here,
    /// In a message of their own; the card says in words how far they are.
    Apart,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it says.
    pub text: String,
    /// How far it is.
    pub status: StepStatus,
}

/// How far a step is, in Slack's words (reference/block-kit/blocks/task-card-block).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It comes later.
    Pending,
    /// It is worked on.
    InProgress,
    /// It is done.
    Complete,
    /// It failed.
    Error,
}

impl Step {
    /// One that comes later.
    pub fn pending(text: &str) -> Self {
        Self { text: text.to_owned(), status: StepStatus::Pending }
    }

    /// A line of a list, by the mark at its beginning; none for one without a mark.
    pub fn read(line: &str) -> Option<Self> {
        let marks = [
            ('☑', StepStatus::Complete),
            ('▸', StepStatus::InProgress),
            ('☒', StepStatus::Error),
            ('☐', StepStatus::Pending),
        ];
        let found = |(mark, status)| Some(Self { text: line.strip_prefix(mark)?.trim_start().to_owned(), status });
        marks.into_iter().find_map(found)
    }

    /// For eyes that have no plan blocks.
    pub(super) fn line(&self) -> Value {
        let emoji = match self.status {
            StepStatus::Complete => "white_check_mark",
            StepStatus::InProgress => "arrow_forward",
            StepStatus::Error => "x",
            StepStatus::Pending => "white_large_square",
        };
        let text = format!("  {}", self.text);
        let text = if self.status == StepStatus::InProgress { styled(&text, "bold") } else { letters(&text) };
        paragraph(vec![json!({ "type": "emoji", "name": emoji }), text])
    }

    /// As Slack names and shows it; a title it must have.
    fn titled(&self, kind: &str, id_key: &str, id: &str) -> Value {
        let title = if self.text.is_empty() { "…".to_owned() } else { cut(&self.text, STEP_MAX) };
        json!({ "type": kind, id_key: id, "title": title, "status": self.status })
    }
}

/// How many of them are done.
pub(super) fn count(steps: &[Step]) -> String {
    let n_done = steps.iter().filter(|step| step.status == StepStatus::Complete).count();
    format!("{n_done} of {} done", steps.len())
}

/// How many are done, and which is worked on.
pub(super) fn in_words(steps: &[Step]) -> String {
    let now = steps.iter().find(|step| step.status == StepStatus::InProgress);
    count(steps) + &now.map(|step| format!(" · now: {}", step.text)).unwrap_or_default()
}

/// Slack's own plan; the steps' ids begin with `mark`.
pub(super) fn plan(mark: &str, title: &str, steps: &[Step]) -> Value {
    let cards =
        (1..).zip(steps).map(|(n, step): (usize, _)| step.titled("task_card", "task_id", &format!("{mark}{n}")));
    json!({ "type": "plan", "title": title, "tasks": cards.collect::<Vec<_>>() })
}

/// What the message with a task's steps shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whose steps, and how many are done.
    pub title: String,
    /// The steps, at most ten.
    pub steps: Vec<Step>,
    /// Whether they are worked on.
    pub is_live: bool,
}

impl Progress {
    /// What a card tells of a task's steps; none where that is no list.
    pub fn of(task: &str, card: &Said) -> Option<Self> {
        let todo = card.parts.iter().find_map(|part| match part {
            Part::Todo(lines) => Some(lines),
            Part::Title(_)
            | Part::Now(_)
            | Part::Words(_)
            | Part::Steps(_)
            | Part::Field { .. }
            | Part::Facts(_)
            | Part::Code { .. } => None,
        });
        Self::of_lines(task, todo?)
    }

    /// What these lines tell of a task's steps; none where they are no list.
    pub fn of_lines(task: &str, todo: &[String]) -> Option<Self> {
        let lines: Vec<_> = todo.iter().map(|text| line(text)).collect();
        let cut_step = |step: Step| Step { text: cut(&step.text, STEP_MAX), ..step };
        let steps: Vec<_> =
            lines.iter().filter_map(|line| Step::read(line)).take(STEPS_SHOWN_MAX).map(cut_step).collect();
        let others = lines.iter().filter(|line| Step::read(line).is_none()).map(|line| format!(" · {line}"));
        let title = format!("{task} · {}{}", count(&steps), others.collect::<String>());
        (steps.len() >= LIST_MIN).then(|| Self { title: cut(&title, TITLE_MAX), steps, is_live: true })
    }

    /// The same once nobody works on it: no step spins for ever.
    pub fn at_rest(self) -> Self {
        let rest = |step: Step| match step.status {
            StepStatus::InProgress => Step { status: StepStatus::Pending, ..step },
            StepStatus::Pending | StepStatus::Complete | StepStatus::Error => step,
        };
        Self { steps: self.steps.into_iter().map(rest).collect(), is_live: false, ..self }
    }

    /// The pieces that make this of a stream that shows `before`, each step with an id that begins with `mark`; none where
    /// a stream cannot become it, because it takes no step back.
    pub fn pieces_since(&self, before: Option<&Self>, mark: &str) -> Option<Vec<Value>> {
        let shown = before.map(|before| before.steps.as_slice()).unwrap_or_default();
        if shown.len() > self.steps.len() {
            return None;
        }
        let is_titled = before.is_some_and(|before| before.title == self.title);
        let title = (!is_titled).then(|| json!({ "type": "plan_update", "title": self.title }));
        let changed = self.steps.iter().enumerate().filter(|(n, step)| shown.get(*n) != Some(step));
        let steps = changed.map(|(n, step)| step.titled("task_update", "id", &format!("{mark}{}", n + 1)));
        Some(title.into_iter().chain(steps).collect())
    }

    /// The same as blocks, for a message that grows no more.
    pub fn blocks(&self, native: bool, mark: &str) -> Vec<Value> {
        match native {
            true => vec![plan(mark, &self.title, &self.steps)],
            false => {
                let title = paragraph(vec![styled(&self.title, "bold")]);
                vec![rich_text(std::iter::once(title).chain(self.steps.iter().map(Step::line)).collect())]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::slack::limits::{Kind, violations};

    fn progress(lines: &[&str]) -> Progress {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        let card =
            Said { parts: vec![Part::Title("T-1 · a kitchen".to_owned()), Part::Todo(lines)], ..Said::default() };
        Progress::of("T-1", &card).expect("a list")
    }

    fn check(before: &Progress, now: &Progress, expected: Expect) {
        let pieces = now.pieces_since(Some(before), "card:T-1:");
        let shown = match pieces {
            None => "an edit\n".to_owned(),
            Some(pieces) => pieces.iter().map(|piece| format!("{piece}\n")).collect(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn only_what_changed_is_sent() {
        let before = progress(&["▸ read", "☐ write"]);
        check(&before, &before, expect![""]);
        check(
            &before,
            &progress(&["☑ read", "▸ write"]),
            expect![[r#"
                {"type":"plan_update","title":"T-1 · 1 of 2 done"}
                {"type":"task_update","id":"card:T-1:1","title":"read","status":"complete"}
                {"type":"task_update","id":"card:T-1:2","title":"write","status":"in_progress"}
            "#]],
        );
        check(
            &before,
            &progress(&["▸ read", "☐ write", "☐ test", "… 3 more"]),
            expect![[r#"
                {"type":"plan_update","title":"T-1 · 0 of 3 done · … 3 more"}
                {"type":"task_update","id":"card:T-1:3","title":"test","status":"pending"}
            "#]],
        );
        check(
            &before,
            &progress(&["▸ read", "☐ draw"]),
            expect![[r#"
                {"type":"task_update","id":"card:T-1:2","title":"draw","status":"pending"}
            "#]],
        );
    }

    #[test]
    fn what_a_stream_cannot_take_back_is_an_edit() {
        check(&progress(&["☑ read", "▸ write", "☐ test"]), &progress(&["▸ write", "☐ test"]), expect!["an edit\n"]);
    }

    #[test]
    fn at_rest_nothing_is_under_way_and_nothing_else_has_changed() {
        let now = progress(&["☑ read", "▸ write", "☒ fail"]);
        check(
            &now,
            &now.clone().at_rest(),
            expect![[r#"
                {"type":"task_update","id":"card:T-1:2","title":"write","status":"pending"}
            "#]],
        );
    }

    #[test]
    fn one_step_is_no_list() {
        let card = |lines: &[&str]| Said {
            parts: vec![Part::Todo(lines.iter().map(|line| (*line).to_owned()).collect())],
            ..Said::default()
        };
        assert_eq!(Progress::of("T-1", &card(&["☐ only", "… 3 more"])), None);
        assert_eq!(Progress::of("T-1", &Said::words("☐ a\n☐ b")), None);
    }

    fn any_progress() -> impl Strategy<Value = Progress> {
        let text = prop_oneof![Just(String::new()), Just("<!channel> `x` ".repeat(99)), any::<String>()];
        let mark = prop::sample::select(&["☑", "▸", "☒", "☐"][..]);
        let lines = prop::collection::vec((mark, text).prop_map(|(mark, text)| format!("{mark} {text}")), 2..14);
        lines.prop_map(|lines| progress(&lines.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// A stream as Slack keeps it: a title, and the newest of each id.
    fn grown(pieces: &[Value], stream: &mut BTreeMap<String, Value>) {
        for piece in pieces {
            let id = piece["id"].as_str().unwrap_or("title").to_owned();
            stream.insert(id, json!([piece["title"], piece["status"]]));
        }
    }

    proptest! {
        #[test]
        fn a_stream_that_hears_the_differences_shows_the_newest(all in prop::collection::vec(any_progress(), 1..5)) {
            let (mut shown, mut stream) = (None, BTreeMap::new());
            for progress in &all {
                prop_assert_eq!(violations(Kind::Message, &json!({ "text": "x", "blocks": progress.blocks(true, "card:T-1:") })), Vec::<String>::new());
                match progress.pieces_since(shown, "m") {
                    Some(pieces) => grown(&pieces, &mut stream),
                    None => continue,
                }
                let mut anew = BTreeMap::new();
                grown(&progress.pieces_since(None, "m").unwrap(), &mut anew);
                prop_assert_eq!(&stream, &anew);
                shown = Some(progress);
            }
        }
    }
}
