//! What is done next with a stream, by where it stands.

use expect_test::{Expect, expect};
use serde_json::Value;

use super::*;
use crate::slack::blocks::steps::Step;

/// `read` and `write`, by their marks: `▸☐`; at rest where a `.` follows.
fn progress(marks: &str) -> Progress {
    let listed = marks.trim_end_matches('.').chars().zip(["read", "write", "test"]);
    let steps = listed.filter_map(|(mark, text)| Step::read(&format!("{mark} {text}"))).collect();
    Progress { title: "T-1".to_owned(), steps, is_live: !marks.ends_with('.') }
}

fn held(phase: Phase, shown: &str, wanted: &str) -> Held {
    let some = |marks: &str| (!marks.is_empty()).then(|| progress(marks));
    let text = |text: &str| text.to_owned();
    let stream = Stream {
        card: text("card:T-1"),
        channel: text("C"),
        thread_ts: text("1.0"),
        recipient: text("U"),
        ts: (phase != Phase::Beginning).then(|| text("1.1")),
        phase,
        shown: some(shown),
        wanted: some(wanted),
    };
    Held::new(stream, 1)
}

fn check(phase: Phase, shown: &str, wanted: &str, expected: Expect) {
    check_held(&held(phase, shown, wanted), expected);
}

fn check_held(held: &Held, expected: Expect) {
    let pieces = |pieces: &[Value]| {
        let one = |piece: &Value| format!(" {}={}", piece["id"].as_str().unwrap_or("title"), piece["status"]);
        pieces.iter().map(one).collect::<String>()
    };
    let said = match held.next() {
        None => "nothing".to_owned(),
        Some(Next::Find) => "find".to_owned(),
        Some(Next::Begin(with)) => format!("begin{}", pieces(&with)),
        Some(Next::Append(with)) => format!("append{}", pieces(&with)),
        Some(Next::Stop(Some(with))) => format!("stop{}", pieces(&with)),
        Some(Next::Stop(None)) => "stop, and an edit".to_owned(),
        Some(Next::Edit) => "edit".to_owned(),
        Some(Next::Settle) => "settle".to_owned(),
    };
    expected.assert_eq(&said);
}

#[test]
fn a_stream_is_begun_with_all_and_told_what_changed() {
    check(Phase::Beginning, "", "▸☐", expect![[r#"begin title=null card:T-1:1="in_progress" card:T-1:2="pending""#]]);
    check(Phase::Open, "▸☐", "☑☐", expect![[r#"append card:T-1:1="complete""#]]);
    check(Phase::Open, "▸☐", "▸☐", expect!["settle"]);
    check(Phase::Open, "▸☐", "", expect!["nothing"]);
}

#[test]
fn its_end_says_what_was_last_and_a_list_that_became_shorter_is_an_edit() {
    check(Phase::Open, "▸☐", "☑☑.", expect![[r#"stop card:T-1:1="complete" card:T-1:2="complete""#]]);
    check(Phase::Open, "☑☑", "☑☑.", expect!["stop"]);
    check(Phase::Open, "☑▸☐", "☑▸", expect!["stop, and an edit"]);
    check(Phase::Over, "☑▸☐", "☑▸", expect!["edit"]);
    check(Phase::Over, "", "☑▸", expect!["edit"]);
    check(Phase::Over, "☑☑.", "☑☑.", expect!["settle"]);
    check(Phase::Beginning, "", "☑☑.", expect!["settle"]);
    check(Phase::Refused, "", "☑▸", expect!["nothing"]);
}

#[test]
fn what_may_have_begun_is_looked_for_and_what_a_dead_process_left_is_ended() {
    for wanted in ["▸☐", "☐☐."] {
        let unanswered = Held { is_unanswered: true, ..held(Phase::Beginning, "", wanted) };
        check_held(&unanswered, expect!["find"]);
    }
    // Whatever was wanted then rests at the start.
    check(Phase::Open, "▸☐", "☑☐.", expect![[r#"stop card:T-1:1="complete""#]]);
    check(Phase::Open, "", "☐☐.", expect![[r#"stop title=null card:T-1:1="pending" card:T-1:2="pending""#]]);
}

#[test]
fn what_is_worked_on_is_shown_and_then_how_far_it_came() {
    let some = |marks: &str| (!marks.is_empty()).then(|| progress(marks));
    let of = |known: Option<(&str, &str)>, live: &str, last: &str| {
        let known = known.map(|(shown, wanted)| held(Phase::Open, shown, wanted).stream);
        wish(known.as_ref(), some(live), some(last))
    };
    assert_eq!(of(None, "▸☐", "▸☐"), some("▸☐"));
    assert_eq!(of(None, "", "▸☐"), None, "no message is begun for what is over");
    assert_eq!(of(Some(("▸☐", "")), "▸☐", "▸☐"), None, "it is no news");
    assert_eq!(of(Some(("▸☐", "☑▸")), "▸☐", "▸☐"), some("▸☐"), "what was wanted meanwhile is not any more");
    assert_eq!(of(Some(("▸☐", "")), "", "☑☑"), some("☑☑."), "the last of a list that nobody saw");
    assert_eq!(of(Some(("▸☐", "")), "", ""), some("☐☐."));
    assert_eq!(of(Some(("☐☐.", "")), "", ""), None);
}

#[test]
fn the_card_has_the_steps_unless_their_own_message_does() {
    let late = Held { is_late: true, ..held(Phase::Beginning, "", "▸☐") };
    assert!(!late.carries());
    assert!(held(Phase::Beginning, "", "▸☐").carries());
    assert!(held(Phase::Over, "☑▸", "").carries());
    assert!(!held(Phase::Refused, "", "").carries());
}
