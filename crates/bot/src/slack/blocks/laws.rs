//! The laws of every message, whatever people and agents wrote.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::messenger::{Asks, Choice, Look, Urgency};
use crate::slack::kit::clean;
use crate::slack::limits::{Kind, violations};

/// Texts that have broken messages: calls, links, markup, fences, controls, emoji, right-to-left, long and empty ones.
const HARD: [&str; 14] = [
    "",
    " ",
    "\n\n",
    "<!channel> <!here> @channel @everyone",
    "<@U1> <#C1> <https://evil.example|click> https://example.com",
    "&<>&lt;&amp;",
    "*bold* _it_ ~no~ `code` ```fence``` `` ` ``` `",
    "\u{0}\u{1b}[31m\u{7f}\u{202e}\u{2028}\u{feff}",
    "🦀👩‍👩‍👧‍👦🇦🇽",
    "שלום עולם مرحبا",
    "\"\\\"\\\\",
    ":tada: #general",
    "☑ done",
    "☐",
];

fn any_text() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(&HARD[..]).prop_map(str::to_owned);
    let repeated = (prop::sample::select(&HARD[..]), prop::sample::select(&[2_usize, 80, 3_000][..]));
    prop_oneof![hard, repeated.prop_map(|(text, n)| text.repeat(n)), any::<String>()]
}

fn any_lines() -> impl Strategy<Value = Vec<String>> {
    let long = (any_text(), prop::sample::select(&[11_usize, 10_000][..]));
    prop_oneof![
        4 => prop::collection::vec(any_text(), 0..13),
        1 => long.prop_map(|(text, n)| vec![text.chars().take(40).collect(); n]),
    ]
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        any_text().prop_map(Part::Title),
        any_text().prop_map(Part::Now),
        any_text().prop_map(Part::Words),
        any_lines().prop_map(Part::Steps),
        any_lines().prop_map(Part::Todo),
        (any_text(), any_text()).prop_map(|(name, value)| Part::Field { name, value }),
        any_lines().prop_map(Part::Facts),
        (any_text(), any_text()).prop_map(|(language, text)| Part::Code { language, text }),
    ]
}

fn any_choice() -> impl Strategy<Value = Choice> {
    let look = prop::sample::select(&[Look::Plain, Look::Go, Look::Danger][..]);
    let asks = prop_oneof![
        Just(Asks::Nothing),
        any_text().prop_map(|prompt| Asks::Words { prompt }),
        any_lines().prop_map(|steps| Asks::Steps { steps }),
    ];
    (any_text(), any_text(), look, asks).prop_map(|(label, says, look, asks)| Choice { label, says, look, asks })
}

fn any_said() -> impl Strategy<Value = Said> {
    let parts = prop_oneof![
        9 => prop::collection::vec(any_part(), 0..12),
        1 => any_part().prop_map(|part| vec![part; 120]),
    ];
    let choices = prop::collection::vec(any_choice(), 0..30);
    let controls = prop::collection::vec(any_choice(), 0..5);
    (parts, choices, controls, prop::option::of(any_text()), any::<bool>()).prop_map(
        |(parts, choices, controls, rest, calls)| {
            let calls = calls.then(|| "ana".parse().unwrap());
            Said { parts, choices, controls, rest, calls, urgency: Urgency::Change, course: None }
        },
    )
}

fn laid_out(said: &Said, native: bool, steps: Steps) -> Message {
    let mention = |_: &Person| Some("U0CALLED".to_owned());
    let sign = |says: &str| format!("1.7.{}.{says}", "0".repeat(32));
    message(said, &Frame { native, steps, mention: &mention, sign: &sign })
}

fn any_place() -> impl Strategy<Value = Steps> {
    prop::sample::select(&[Steps::Here, Steps::Apart][..])
}

/// Every object of a tree.
fn objects(value: &Value) -> Vec<&serde_json::Map<String, Value>> {
    match value {
        Value::Object(parts) => std::iter::once(parts).chain(parts.values().flat_map(objects)).collect(),
        Value::Array(items) => items.iter().flat_map(objects).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_message_breaks_a_limit(said in any_said(), native in any::<bool>(), steps in any_place()) {
        let Message { text, blocks } = laid_out(&said, native, steps);
        let found = violations(Kind::Message, &json!({ "text": text, "blocks": blocks }));
        prop_assert!(found.is_empty(), "{}\n{}", found.join("\n"), json!(blocks));
        let is_said = blocks.len() > 1 || blocks[0]["type"] != "context" || said.parts.iter().all(|part| matches!(part, Part::Facts(_)));
        prop_assert!(is_said, "it fits in none of the rooms");
    }

    /// Slack reads markup in `mrkdwn` and in the notification alone, and follows elements that name a user, a channel, a
    /// group, a broadcast or an address: of all these there is the one mention that we put.
    #[test]
    fn nothing_that_was_written_can_call_or_link(said in any_said(), native in any::<bool>(), steps in any_place()) {
        let Message { text, blocks } = laid_out(&said, native, steps);
        let blocks = json!(blocks);
        let markup: Vec<_> = objects(&blocks).into_iter().filter(|part| part.get("type") == Some(&json!("mrkdwn"))).collect();
        let called = usize::from(said.calls.is_some());
        prop_assert_eq!(markup.len(), called);
        prop_assert!(markup.iter().all(|part| part["text"] == "<@U0CALLED>" && part["verbatim"] == true));
        prop_assert_eq!(text.matches('<').count(), called);
        prop_assert_eq!(text.starts_with("<@U0CALLED> "), called == 1);
        for part in objects(&blocks) {
            let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
            prop_assert!(!["user", "usergroup", "channel", "broadcast", "link", "markdown"].contains(&kind), "{kind}");
            prop_assert!(!part.contains_key("url"));
            prop_assert!(kind != "plain_text" || part.get("emoji") == Some(&json!(false)));
        }
    }

    #[test]
    fn nothing_hidden_is_shown(said in any_said(), native in any::<bool>(), steps in any_place()) {
        let blocks = json!(laid_out(&said, native, steps).blocks);
        for part in objects(&blocks) {
            let shown = part.get("text").and_then(Value::as_str).unwrap_or_default();
            prop_assert_eq!(shown, clean(shown));
        }
    }
}
