//! What messages look like, as the JSON that Slack takes.

use expect_test::{Expect, expect};
use serde_json::Value;

use super::*;
use crate::chat::messenger::{Asks, Choice, Look};

/// The blocks in short: a line each, buttons with their values.
fn check(said: &Said, native: bool, expected: Expect) {
    check_with(said, (native, Steps::Here), expected);
}

fn check_with(said: &Said, (native, steps): (bool, Steps), expected: Expect) {
    let mention = |person: &Person| Some(format!("U{}", person.as_str().to_uppercase()));
    let sign = |says: &str| format!("signed {says}");
    let Message { text, blocks } = message(said, &Frame { native, steps, mention: &mention, sign: &sign });
    let lines: Vec<_> = blocks.iter().map(Value::to_string).collect();
    expected.assert_eq(&format!("{text}\n\n{}\n", lines.join("\n")));
}

fn plan() -> Said {
    let asks = Asks::Steps { steps: vec!["write it".to_owned()] };
    Said {
        parts: vec![
            Part::Title("Plan v2 for T-1: a page that says <!channel> & goodbye".to_owned()),
            Part::Steps(vec!["write `farewell.md`".to_owned(), "ask <@U1>".to_owned()]),
            Part::Field { name: "files".to_owned(), value: "farewell.md".to_owned() },
            Part::Facts(vec!["R1".to_owned(), "#a91f0c12".to_owned()]),
        ],
        choices: vec![
            Choice { look: Look::Go, ..Choice::new("Approve and run", "approve T-1 v2 #a91f0c12") },
            Choice { asks, ..Choice::new("Edit plan…", "edit T-1 v2") },
            Choice { look: Look::Danger, ..Choice::new("Reject", "reject T-1") },
        ],
        calls: Some("ana".parse().unwrap()),
        ..Said::default()
    }
}

#[test]
fn a_plan_calls_its_requester_and_offers_what_decides_it() {
    check(
        &plan(),
        false,
        expect![[r#"
        <@UANA> Plan v2 for T-1: a page that says &lt;!channel&gt; &amp; goodbye: write `farewell.md`

        {"type":"section","text":{"type":"mrkdwn","text":"<@UANA>","verbatim":true}}
        {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Plan v2 for T-1: a page that says <!channel> & goodbye","style":{"bold":true}}]}]}
        {"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"write "},{"type":"text","text":"farewell.md","style":{"code":true}}]},{"type":"rich_text_section","elements":[{"type":"text","text":"ask <@U1>"}]}]}]}
        {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Files","style":{"bold":true}},{"type":"text","text":"  "},{"type":"text","text":"farewell.md"}]}]}
        {"type":"context","elements":[{"type":"plain_text","text":"R1 · #a91f0c12","emoji":false}]}
        {"type":"actions","elements":[{"type":"button","action_id":"say:0","text":{"type":"plain_text","text":"Approve and run","emoji":false},"value":"signed approve T-1 v2 #a91f0c12","style":"primary"},{"type":"button","action_id":"ask:1","text":{"type":"plain_text","text":"Edit plan…","emoji":false},"value":"signed edit T-1 v2"},{"type":"button","action_id":"say:2","text":{"type":"plain_text","text":"Reject","emoji":false},"value":"signed reject T-1","style":"danger","confirm":{"title":{"type":"plain_text","text":"Reject?","emoji":false},"text":{"type":"plain_text","text":"This cannot be taken back.","emoji":false},"confirm":{"type":"plain_text","text":"Yes, reject","emoji":false},"deny":{"type":"plain_text","text":"Not now","emoji":false},"style":"danger"}}]}
    "#]],
    );
}

#[test]
fn with_plan_blocks_the_same_is_said() {
    let todo = ["☑ read", "▸ write", "☐ test", "☒ fail", "… 3 more"].map(str::to_owned).to_vec();
    let parts = vec![Part::Title("T-1 · add it".to_owned()), Part::Now("working".to_owned()), Part::Todo(todo)];
    let card = Said { parts, ..Said::default() };
    check(
        &card,
        false,
        expect![[r#"
            T-1 · add it: working

            {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"T-1 · add it","style":{"bold":true}}]},{"type":"rich_text_section","elements":[{"type":"text","text":"Working"}]}]}
            {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"emoji","name":"white_check_mark"},{"type":"text","text":"  read"}]},{"type":"rich_text_section","elements":[{"type":"emoji","name":"arrow_forward"},{"type":"text","text":"  write","style":{"bold":true}}]},{"type":"rich_text_section","elements":[{"type":"emoji","name":"white_large_square"},{"type":"text","text":"  test"}]},{"type":"rich_text_section","elements":[{"type":"emoji","name":"x"},{"type":"text","text":"  fail"}]}]}
            {"type":"context","elements":[{"type":"plain_text","text":"… 3 more","emoji":false}]}
        "#]],
    );
    check(
        &card,
        true,
        expect![[r#"
            T-1 · add it: working

            {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"T-1 · add it","style":{"bold":true}}]},{"type":"rich_text_section","elements":[{"type":"text","text":"Working"}]}]}
            {"type":"plan","title":"1 of 4 done","tasks":[{"type":"task_card","task_id":"1","title":"read","status":"complete"},{"type":"task_card","task_id":"2","title":"write","status":"in_progress"},{"type":"task_card","task_id":"3","title":"test","status":"pending"},{"type":"task_card","task_id":"4","title":"fail","status":"error"}]}
            {"type":"context","elements":[{"type":"plain_text","text":"… 3 more","emoji":false}]}
        "#]],
    );
    check_with(
        &card,
        (true, Steps::Apart),
        expect![[r#"
        T-1 · add it: working

        {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"T-1 · add it","style":{"bold":true}}]},{"type":"rich_text_section","elements":[{"type":"text","text":"Working"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"1 of 4 done · now: write"}]}]}
    "#]],
    );
    check(
        &Said { choices: Vec::new(), calls: None, ..plan() },
        true,
        expect![[r#"
            Plan v2 for T-1: a page that says &lt;!channel&gt; &amp; goodbye: write `farewell.md`

            {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Plan v2 for T-1: a page that says <!channel> & goodbye","style":{"bold":true}}]}]}
            {"type":"plan","title":"Steps","tasks":[{"type":"task_card","task_id":"1","title":"1. write farewell.md","status":"pending"},{"type":"task_card","task_id":"2","title":"2. ask <@U1>","status":"pending"}]}
            {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Files","style":{"bold":true}},{"type":"text","text":"  "},{"type":"text","text":"farewell.md"}]}]}
            {"type":"context","elements":[{"type":"plain_text","text":"R1 · #a91f0c12","emoji":false}]}
        "#]],
    );
}

#[test]
fn many_choices_go_into_a_menu_and_too_long_ones_into_words() {
    let mut choices: Vec<_> =
        (1..=9).map(|n| Choice::new(&format!("Option {n}"), format!("answer T-1 q1 {n}"))).collect();
    choices.push(Choice::new("long", "x".repeat(2_000)));
    check(
        &Said::offering("Which?", choices),
        false,
        expect![[r#"
        Which?

        {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Which?"}]}]}
        {"type":"context","elements":[{"type":"plain_text","text":"1 more answer has no button: give it in words.","emoji":false}]}
        {"type":"actions","elements":[{"type":"button","action_id":"say:0","text":{"type":"plain_text","text":"Option 1","emoji":false},"value":"signed answer T-1 q1 1"},{"type":"button","action_id":"say:1","text":{"type":"plain_text","text":"Option 2","emoji":false},"value":"signed answer T-1 q1 2"},{"type":"button","action_id":"say:2","text":{"type":"plain_text","text":"Option 3","emoji":false},"value":"signed answer T-1 q1 3"},{"type":"button","action_id":"say:3","text":{"type":"plain_text","text":"Option 4","emoji":false},"value":"signed answer T-1 q1 4"},{"type":"overflow","action_id":"more","options":[{"text":{"type":"plain_text","text":"Option 5","emoji":false},"value":"signed answer T-1 q1 5"},{"text":{"type":"plain_text","text":"Option 6","emoji":false},"value":"signed answer T-1 q1 6"},{"text":{"type":"plain_text","text":"Option 7","emoji":false},"value":"signed answer T-1 q1 7"},{"text":{"type":"plain_text","text":"Option 8","emoji":false},"value":"signed answer T-1 q1 8"},{"text":{"type":"plain_text","text":"Option 9","emoji":false},"value":"signed answer T-1 q1 9"}]}]}
    "#]],
    );
}

#[test]
fn fences_are_code_and_what_is_cut_says_how_to_see_the_rest() {
    let text = "Here:\n```rust\nfn main() {}\n```\nand `this`.";
    check(
        &Said::words(text),
        false,
        expect![[r#"
        Here: ```rust fn main() {} ``` and `this`.

        {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Here:"}]},{"type":"rich_text_preformatted","elements":[{"type":"text","text":"fn main() {}"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"and "},{"type":"text","text":"this","style":{"code":true}},{"type":"text","text":"."}]}]}
    "#]],
    );
    let long = Said { rest: Some("log T-1".to_owned()), ..Said::words("word ".repeat(2_000)) };
    let Message { blocks, .. } =
        message(&long, &Frame { native: false, steps: Steps::Here, mention: &|_| None, sign: &str::to_owned });
    let runs = blocks[1]["elements"][0]["elements"].as_array().unwrap();
    assert_eq!(runs.iter().filter_map(|run| run["text"].as_str()).collect::<String>(), "… Say log T-1 for the rest.");
    check(
        &Said::default(),
        false,
        expect![[r#"
        See the thread.

        {"type":"section","text":{"type":"plain_text","text":"…","emoji":false}}
    "#]],
    );
}
