//! The row of a message that people click on.

use serde_json::{Value, json};

use super::super::kit::{cut, plain, units};
use super::super::limits::{ACTIONS_MAX, BUTTON_VALUE_MAX, OPTION_VALUE_MAX, OVERFLOW_MAX};
use super::label;
use crate::chat::messenger::{Asks, Choice, Look, Said};

/// How many buttons stand in the open when there are more of them: with the menu, a row of a telephone.
const OPEN_MAX: usize = 4;
/// How many choices a row takes without a menu.
const ROW_MAX: usize = 5;
/// How many characters of JSON all choices together may have: less than half of what Slack takes of a message.
const ROW_CHARS_MAX: usize = 6_000;
/// How long a dialog's button may be (reference/block-kit/composition-objects/confirmation-dialog-object).
const CONFIRM_MAX: usize = 30;

/// The row, and how many choices found no place on it.
#[derive(Clone)]
pub(super) struct Row {
    /// The block; none where there is nothing to click.
    pub(super) block: Option<Value>,
    /// Choices that only words can give: too many, or too long for a button.
    pub(super) left_out: usize,
}

/// Lays out the choices of a message; what cannot be taken back comes last.
pub(super) fn row(said: &Said, sign: &dyn Fn(&str) -> String) -> Row {
    let (last, first): (Vec<_>, Vec<_>) =
        said.choices.iter().chain(&said.controls).partition(|choice| choice.look == Look::Danger);
    let all: Vec<_> = first.into_iter().chain(last).map(|choice| (choice, sign(&choice.says))).collect();
    let n_all = all.len();
    let mut room = ROW_CHARS_MAX;
    let fits = |(choice, value): &(&Choice, String)| {
        let size = units(&button("0", choice, value).to_string());
        let fits = units(value) <= BUTTON_VALUE_MAX && size <= room;
        room -= if fits { size } else { 0 };
        fits
    };
    let kept: Vec<_> = all.into_iter().filter(fits).take(ACTIONS_MAX).collect();
    let left_out = n_all - kept.len();
    let (menu, open) = tuck_away(kept);
    let mut elements: Vec<_> = open.iter().map(|(n, choice, value)| button(&n.to_string(), choice, value)).collect();
    if !menu.is_empty() {
        let options: Vec<_> = menu.iter().map(|(_, choice, value)| option(choice, value)).collect();
        elements.push(json!({ "type": "overflow", "action_id": "more", "options": options }));
    }
    let block = (!elements.is_empty()).then(|| json!({ "type": "actions", "elements": elements }));
    Row { block, left_out }
}

type Numbered<'a> = (usize, &'a Choice, String);

/// What goes into the menu, and what stands in the open: what asks or cannot be taken back always does.
fn tuck_away<'a>(kept: Vec<(&'a Choice, String)>) -> (Vec<Numbered<'a>>, Vec<Numbered<'a>>) {
    let is_long = kept.len() > ROW_MAX;
    let mut n_in_menu = 0;
    kept.into_iter().enumerate().map(|(n, (choice, value))| (n, choice, value)).partition(|(n, choice, value)| {
        let is_plain = choice.asks == Asks::Nothing && choice.look == Look::Plain;
        let fits = is_long && *n >= OPEN_MAX && is_plain && units(value) <= OPTION_VALUE_MAX;
        n_in_menu += usize::from(fits);
        fits && n_in_menu <= OVERFLOW_MAX
    })
}

/// A button whose id ends in `id`, which is unique in its row.
pub(in super::super) fn button(id: &str, choice: &Choice, value: &str) -> Value {
    let name = label(&choice.label);
    let verb = if choice.asks == Asks::Nothing { "say" } else { "ask" };
    let mut button = json!({
        "type": "button",
        "action_id": format!("{verb}:{id}"),
        "text": plain(&name),
        "value": value,
    });
    match choice.look {
        Look::Plain => {}
        Look::Go => button["style"] = json!("primary"),
        Look::Danger => {
            button["style"] = json!("danger");
            button["confirm"] = confirmation(&name);
        }
    }
    button
}

fn confirmation(name: &str) -> Value {
    json!({
        "title": plain(&format!("{name}?")),
        "text": plain("This cannot be taken back."),
        "confirm": plain(&cut(&format!("Yes, {}", name.to_lowercase()), CONFIRM_MAX)),
        "deny": plain("Not now"),
        "style": "danger",
    })
}

fn option(choice: &Choice, value: &str) -> Value {
    json!({ "text": plain(&label(&choice.label)), "value": value })
}
