//! A message while it is laid out: its blocks, and how much room is left.

use serde_json::{Value, json};

use super::super::kit::{
    clean, context, cut, letters, line, paragraph, plain, preformatted, rich_text, spans, styled, units,
};
use super::actions::Row;
use super::steps::{self, Step, Steps};
use crate::chat::messenger::{Part, STEPS_SHOWN_MAX};

/// How many blocks the parts of a message fill at most: the limit of 50 without its ends.
const BLOCKS_MAX: usize = 45;
/// What each piece of text costs beside its own characters: about what its JSON has more.
const PIECE_CHARS: usize = 40;
/// How many steps or lines of a list are shown.
const LIST_MAX: usize = STEPS_SHOWN_MAX;
/// How long a line of a list is.
const STEP_MAX: usize = 300;
/// How long a title is: Slack's own plan block takes no more.
const TITLE_MAX: usize = 200;
/// How long a named value is: four lines of a telephone.
const FIELD_MAX: usize = 400;
/// How long a small fact is that no line is broken in.
const UNBROKEN_MAX: usize = 32;
/// How long small facts are.
const FACTS_MAX: usize = 600;

/// A message while it is laid out.
pub(super) struct Page {
    blocks: Vec<Value>,
    /// Elements of rich text that belong together: they become one block.
    open: Vec<Value>,
    /// Whether what is open are named values, which stand apart from the text.
    open_is_fields: bool,
    room: usize,
    native: bool,
    steps: Steps,
    is_cut: bool,
}

impl Page {
    /// An empty page for so many characters.
    pub(super) fn new(room: usize, native: bool, steps: Steps) -> Self {
        Self { blocks: Vec::new(), open: Vec::new(), open_is_fields: false, room, native, steps, is_cut: false }
    }

    /// A block of its own.
    pub(super) fn block(&mut self, block: Value) {
        self.close();
        self.blocks.push(block);
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.blocks.push(rich_text(std::mem::take(&mut self.open)));
        }
    }

    fn open_for(&mut self, fields: bool) -> &mut Vec<Value> {
        if self.open_is_fields != fields {
            self.close();
        }
        self.open_is_fields = fields;
        &mut self.open
    }

    /// Takes what fits of a text, and counts what does not.
    fn take(&mut self, text: &str, units_max: usize) -> String {
        let taken = cut(text, units_max.min(self.room));
        self.is_cut |= units(text) > units_max.min(self.room);
        self.room -= (units(&taken) + PIECE_CHARS).min(self.room);
        taken
    }

    /// The next part, as far as there is room.
    pub(super) fn part(&mut self, part: &Part) {
        if self.room == 0 || self.blocks.len() >= BLOCKS_MAX {
            self.is_cut = true;
            return;
        }
        match part {
            Part::Title(text) => self.title(text),
            Part::Now(text) => self.now(text),
            Part::Words(text) => self.words(text),
            Part::Steps(steps) => self.steps(steps),
            Part::Todo(lines) => self.todo(lines),
            Part::Field { name, value } => self.field(name, value),
            Part::Facts(facts) => self.facts(facts),
            Part::Code { text, .. } => self.code(text),
        }
    }

    fn title(&mut self, text: &str) {
        let text = self.take(line(text).trim_end_matches([':', '.']), TITLE_MAX);
        if !text.is_empty() {
            self.open_for(false).push(paragraph(vec![styled(&text, "bold")]));
        }
    }

    /// Where it stands. What is said before everything else is what became of the message, and stands apart.
    fn now(&mut self, text: &str) {
        let text = capital(&line(text));
        match self.blocks.is_empty() && self.open.is_empty() {
            true => {
                let text = self.take(&text, FIELD_MAX);
                if !text.is_empty() {
                    self.block(rich_text(vec![paragraph(vec![styled(&text, "italic")])]));
                }
            }
            false => self.paragraph(&text),
        }
    }

    fn paragraph(&mut self, text: &str) {
        let text = self.take(text, usize::MAX);
        if !text.is_empty() {
            self.open_for(false).push(paragraph(spans(&text)));
        }
    }

    /// Words, with what stands between fences as code.
    fn words(&mut self, text: &str) {
        for (n, piece) in clean(text).split("```").enumerate() {
            match n % 2 {
                0 => self.lines(piece.trim_matches('\n')),
                _ => self.code(without_language(piece)),
            }
        }
    }

    fn lines(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.paragraph(text);
        }
    }

    fn code(&mut self, text: &str) {
        let text = clean(text);
        let text = self.take(text.trim_matches('\n'), usize::MAX);
        if !text.is_empty() {
            self.open_for(false).push(preformatted(&text));
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        let (name, value) = (self.take(&line(name), FIELD_MAX), self.take(&line(value), FIELD_MAX));
        if name.is_empty() || value.is_empty() {
            return;
        }
        let mut elements = vec![styled(&capital(&name), "bold"), letters("  ")];
        elements.extend(spans(&value));
        self.open_for(true).push(paragraph(elements));
    }

    fn facts(&mut self, facts: &[String]) {
        let together = |fact: &String| match line(fact) {
            fact if units(&fact) <= UNBROKEN_MAX => fact.replace(' ', "\u{a0}"),
            fact => fact,
        };
        let facts: Vec<_> = facts.iter().map(together).collect();
        let text = self.take(&facts.join(" · "), FACTS_MAX);
        if !text.is_empty() {
            self.block(context(&text));
        }
    }

    fn shown(&mut self, lines: &[String]) -> Vec<String> {
        let shown = lines.iter().take(LIST_MAX).map(|text| self.take(&line(text), STEP_MAX));
        shown.filter(|text| !text.is_empty()).collect()
    }

    fn steps(&mut self, steps: &[String]) {
        let shown = self.shown(steps);
        let more = steps.len() - shown.len();
        if self.native {
            let numbered = (1..).zip(&shown).map(|(n, step)| Step::pending(&format!("{n}. {}", step.replace('`', ""))));
            let steps: Vec<_> = numbered.collect();
            if !steps.is_empty() {
                self.block(steps::plan("", "Steps", &steps));
            }
        } else if !shown.is_empty() {
            let items: Vec<_> = shown.iter().map(|step| paragraph(spans(step))).collect();
            self.open_for(false);
            self.close();
            self.block(rich_text(vec![json!({ "type": "rich_text_list", "style": "ordered", "elements": items })]));
        }
        self.more(more, "step");
    }

    fn todo(&mut self, lines: &[String]) {
        let (listed, others): (Vec<_>, Vec<_>) = lines.iter().cloned().partition(|line| Step::read(line).is_some());
        let shown = self.shown(&listed);
        let steps: Vec<_> = shown.iter().filter_map(|line| Step::read(line)).collect();
        match self.steps {
            // Whoever does not see the other message grow reads here how far it is.
            Steps::Apart => return self.paragraph(&steps::in_words(&steps)),
            Steps::Here if steps.is_empty() => {}
            Steps::Here if self.native => self.block(steps::plan("", &steps::count(&steps), &steps)),
            Steps::Here => self.block(rich_text(steps.iter().map(Step::line).collect())),
        }
        match others.len() {
            1 => self.facts(&others),
            n => self.more(n + listed.len() - shown.len(), "line"),
        }
    }

    fn more(&mut self, n: usize, of: &str) {
        if n > 0 {
            self.block(context(&format!("… and {n} more {of}{}", if n == 1 { "" } else { "s" })));
        }
    }

    /// The blocks of the whole message, with what can be clicked at its end.
    pub(super) fn end(mut self, rest: Option<&str>, row: Row) -> Vec<Value> {
        self.close();
        if self.is_cut {
            let how =
                rest.map_or("It is too long for Slack".to_owned(), |says| format!("Say `{}` for the rest", line(says)));
            self.blocks.push(rich_text(vec![paragraph(spans(&format!("… {}.", cut(&how, STEP_MAX))))]));
        }
        if row.left_out > 0 {
            let n = row.left_out;
            let (noun, verb) = if n == 1 { ("answer has", "it") } else { ("answers have", "them") };
            self.blocks.push(context(&format!("{n} more {noun} no button: give {verb} in words.")));
        }
        self.blocks.extend(row.block);
        if self.blocks.is_empty() {
            self.blocks.push(json!({ "type": "section", "text": plain("…") }));
        }
        self.blocks
    }
}

/// Code without the name of its language, which stands alone behind the fence.
fn without_language(piece: &str) -> &str {
    match piece.split_once('\n') {
        Some((first, rest)) if first.len() < 20 && !first.contains(char::is_whitespace) => rest,
        _ => piece,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
