//! Random histories: the laws hold, `plan` proposes nothing twice, bodies round-trip, lateness changes nothing, and
//! once the world answers truthfully everybody gets an outcome.

use domain::Timestamp;
use proptest::prelude::*;

use super::script::{body, empty_queue, parse_event, step_lawfully};
use super::state::{Phase, Queue};

/// Any line of the script language about few enough things that they meet.
fn any_line() -> impl Strategy<Value = String> {
    let entry = || prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let person = || prop::sample::select(vec!["ana", "ben"]);
    let commit = || prop::sample::select(vec!["m0", "m1", "m2"]);
    let path = || prop::sample::select(vec!["x", "y"]);
    prop_oneof![
        8 => (entry(), prop::sample::select(vec!["", "alone", "repairable", "from=m0", "repairable after=a", "high", "low after=b"])).prop_map(|(e, flag)| format!("enqueue {e} {flag}")),
        2 => (entry(), person()).prop_map(|(e, by)| format!("withdraw {e} by={by}")),
        1 => (entry(), commit()).prop_map(|(e, c)| format!("head {e} {c}")),
        1 => (entry(), 1..4_u32).prop_map(|(e, s)| format!("reserve {e} {s}")),
        1 => (entry(), commit()).prop_map(|(e, c)| format!("repaired {e} {c}")),
        1 => entry().prop_map(|e| format!("unrepaired {e} in vain")),
        1 => (entry(), 1..4_u32).prop_map(|(e, s)| format!("deadline {e} {s}")),
        1 => (commit(), commit()).prop_map(|(seen, c)| format!("target {c} seen={seen}")),
        1 => commit().prop_map(|c| format!("target {c}")),
        1 => person().prop_map(|by| format!("pause by={by}")),
        2 => (entry(), priority()).prop_map(|(e, p)| format!("prioritise {e} {p}")),
        1 => priority().prop_map(|p| format!("freeze {p} release")),
        2 => Just("thaw".to_owned()),
        2 => Just("resume".to_owned()),
        1 => Just("serial".to_owned()),
        3 => (strategy(), 1..5_u32, 0..2_u32).prop_map(|(kind, n, r)| format!("{kind} {n} reruns={r}")),
        // It is midnight all the time, so that it is closed until the rules change.
        1 => (strategy(), 1..5_u32).prop_map(|(kind, n)| format!("{kind} {n} closed=daily_00:00_-_01:00_UTC")),
        6 => (entry(), entry()).prop_map(|(one, other)| format!("probed {one}-{other} b-c in=x")),
        1 => (entry(), entry()).prop_map(|(one, other)| format!("probed {one}-{other} of={one},{other}")),
        30 => (answer(), 0..3_u64, entry(), path()).prop_map(|(word, age, e, p)| format!("@{word} {age} {e} {p}")),
    ]
}

fn strategy() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["batch", "train", "optimistic", "hybrid", "nest", "nest"])
}

fn priority() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["low", "normal", "high", "first"])
}

fn answer() -> impl Strategy<Value = &'static str> {
    let frequent = vec!["staged", "staged", "staged", "passed", "passed", "failed", "landed", "landed"];
    let rare = vec![
        "conflict",
        "rivals",
        "already-in",
        "unusable",
        "staging-failed",
        "untested",
        "unconcluded",
        "no-gate",
        "moved",
        "refused",
        "unanswered",
    ];
    prop_oneof![3 => prop::sample::select(frequent), 1 => prop::sample::select(rare)]
}

/// `@word age entry path` becomes an answer for a run that awaits such a one, or for the newest run but `age`, so that
/// most are timely and some are late.
fn concrete(line: &str, queue: &Queue) -> String {
    let Some(answer) = line.strip_prefix('@') else { return line.to_owned() };
    let words: Vec<&str> = answer.split_whitespace().collect();
    let (word, age, entry, path) = (words[0], words[1].parse::<u64>().expect("a number"), words[2], words[3]);
    let awaits = |run: &&super::state::Run| match run.phase {
        Phase::Staging { .. } => !matches!(word, "passed" | "failed" | "landed" | "untested" | "moved"),
        Phase::Testing { .. } => matches!(word, "passed" | "failed" | "untested" | "unconcluded" | "no-gate"),
        Phase::Landing { .. } | Phase::Doubtful { .. } => matches!(word, "landed" | "moved" | "refused" | "unanswered"),
        Phase::Passed { .. } => false,
    };
    let awaiting = queue.runs.iter().filter(awaits).nth(usize::try_from(age).expect("a small number"));
    let run = awaiting.map_or(queue.next_run.saturating_sub(1 + age / 2), |run| run.id.0);
    match word {
        "conflict" | "already-in" | "unusable" => format!("{word} {run} {entry} in={path}"),
        "rivals" => format!("rivals {run} {entry} with=a in={path}"),
        "moved" => format!("moved {run} m{age}"),
        _ => format!("{word} {run} {path}"),
    }
}

fn played(lines: &[String]) -> Queue {
    lines.iter().fold(empty_queue(), |queue, line| {
        let event = parse_event(&concrete(line, &queue), &queue);
        step_lawfully(queue, &event).0
    })
}

/// A line that answers the run under way as a world in which all is well would.
fn truthful_answer(queue: &Queue) -> Option<String> {
    if queue.pause.is_some() {
        return Some("resume".to_owned());
    }
    if queue.closing.until().is_some() {
        return Some("serial".to_owned());
    }
    if queue.freeze.is_some() {
        return Some("thaw".to_owned());
    }
    let reserved = queue.entries.iter().find_map(|entry| match entry.idle_place() {
        super::view::Place::Reserved { until } => Some((entry, until)),
        _ => None,
    });
    let answer = queue.runs.iter().find_map(|run| match run.phase {
        Phase::Staging { is_outdated: true, .. } => None,
        Phase::Staging { .. } => Some(format!("staged {}", run.id.0)),
        Phase::Testing { .. } => Some(format!("passed {}", run.id.0)),
        Phase::Landing { .. } | Phase::Doubtful { .. } => Some(format!("landed {}", run.id.0)),
        Phase::Passed { .. } => None,
    });
    answer.or_else(|| reserved.map(|(entry, until)| format!("deadline {} {}", entry.change.id, until.as_ms() / 1_000)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_hold_the_laws(lines in prop::collection::vec(any_line(), 1..60)) {
        played(&lines);
    }

    /// [35]
    #[test]
    fn answers_for_runs_that_are_gone_change_nothing(
        lines in prop::collection::vec(any_line(), 1..40), word in answer(), entry in "[a-e]",
    ) {
        let queue = played(&lines);
        let gone: Vec<u64> = (1..queue.next_run).filter(|n| queue.runs.iter().all(|run| run.id.0 != *n)).collect();
        for run in gone {
            let line = match word {
                "conflict" | "rivals" | "already-in" | "unusable" => format!("{word} {run} {entry}"),
                _ => format!("{word} {run} m0"),
            };
            let event = parse_event(&line, &queue);
            let step = domain::Machine::step(queue.clone(), &event, Timestamp::from_ms(5)).expect("answers are not refused");
            prop_assert_eq!(body(&step.state), body(&queue));
            prop_assert!(step.effects.is_empty());
        }
    }

    #[test]
    fn everyone_gets_an_outcome_once_the_world_answers(lines in prop::collection::vec(any_line(), 1..40)) {
        let mut queue = played(&lines);
        for _ in 0..200 {
            let Some(line) = truthful_answer(&queue) else { break };
            let event = parse_event(&line, &queue);
            queue = step_lawfully(queue, &event).0;
        }
        prop_assert!(queue.entries.is_empty(), "left: {:?}", queue.entries);
        prop_assert!(queue.runs.is_empty(), "left: {:?}", queue.runs);
    }
}
