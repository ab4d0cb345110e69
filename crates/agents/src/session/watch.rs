//! The watch over a session: says from its events alone when it has come to nothing, and what to do then.
//!
//! Agents try a broken model ten times and make the same call over and over. None of them can be trusted to notice, so
//! whoever drives one shows every event to its [`Watch`]. Silence is not its business: the conversation ends an agent that
//! says nothing, and the cage one that takes too long.
//!
//! The patterns are those of OpenHands' stuck detector (`conversation/stuck_detector.py`): the same call with the same
//! result, two calls in alternation, the same error. A session that goes round in circles is told so once, because a
//! word of it often helps; the second time it is stopped.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::event::{AgentEvent, ErrorClass, ToolCall, ToolStatus};

/// How often a session may repeat itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// So many equal calls, errors or pairs of calls in a row are a circle.
    pub repeats: usize,
    /// So many answers of the model in a row without a word or a call are a storm of retries.
    pub retries: usize,
}

impl Default for WatchSettings {
    /// Four repeats, after OpenHands; ten retries, which is where the agents that count them give up.
    fn default() -> Self {
        Self { repeats: 4, retries: 10 }
    }
}

/// What to do about a session, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Tell the agent these words, at the next chance; they are written for it.
    Nudge {
        /// The words.
        words: String,
    },
    /// End it.
    Stop {
        /// What kind of end this is; decides what happens next.
        cause: StopCause,
        /// For people, after the agent's name: `made the same call 8 times: …`.
        why: String,
    },
}

/// Why a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// It goes round in circles.
    Circle,
    /// Its model does not answer; the class says whether to try later or to ask a person.
    Model(ErrorClass),
}

/// The watch over one session.
#[derive(Clone, Debug)]
pub struct Watch {
    settings: WatchSettings,
    /// The ids and the marks of calls that ended, newest last.
    ended: VecDeque<Ended>,
    barren: usize,
    last_error: Option<(ErrorClass, String)>,
    nudged: bool,
}

/// A call that ended, as far as it matters for comparing it.
#[derive(Clone, Debug)]
struct Ended {
    id: String,
    title: String,
    call: u64,
    result: u64,
    failed: bool,
}

/// Characters of a call's title or an error that a reason shows.
const SHOWN_CHARS_MAX: usize = 160;

impl Watch {
    /// The watch over a session that begins now.
    pub fn new(settings: WatchSettings) -> Self {
        Self { settings, ended: VecDeque::new(), barren: 0, last_error: None, nudged: false }
    }

    /// Hears one event. Advice is given once: after a nudge the counting begins anew.
    pub fn hear(&mut self, event: &AgentEvent) -> Option<Advice> {
        match event {
            AgentEvent::ToolCall(call) => {
                self.barren = 0;
                self.hear_call(call)
            }
            AgentEvent::Retrying { class, why } => self.hear_retry(*class, why),
            AgentEvent::Used(_) => {
                self.barren += 1;
                self.storm()
            }
            AgentEvent::Said { .. }
            | AgentEvent::Thought { .. }
            | AgentEvent::Todo { .. }
            | AgentEvent::PlanProposed { .. } => {
                self.barren = 0;
                None
            }
            AgentEvent::TurnEnded { .. }
            | AgentEvent::Started { .. }
            | AgentEvent::Mode { .. }
            | AgentEvent::Broke { .. }
            | AgentEvent::Unknown { .. } => None,
        }
    }

    /// What no new try can change, as a refused key, is ended by the conversation itself, which knows the next step.
    fn hear_retry(&mut self, class: ErrorClass, why: &str) -> Option<Advice> {
        self.barren += 1;
        self.last_error = Some((class, shown(why)));
        self.storm()
    }

    fn storm(&mut self) -> Option<Advice> {
        if self.barren < self.settings.retries {
            return None;
        }
        let n = self.barren;
        let (class, why) = self.last_error.clone().unwrap_or((ErrorClass::Agent, "it got no answer".to_owned()));
        Some(stop(StopCause::Model(class), format!("asked its model {n} times in a row for nothing: {why}")))
    }

    fn hear_call(&mut self, call: &ToolCall) -> Option<Advice> {
        match call.status {
            ToolStatus::Pending | ToolStatus::Running => None,
            ToolStatus::Completed | ToolStatus::Failed => {
                // Some agents tell of an end twice.
                if self.ended.iter().any(|ended| ended.id == call.id) {
                    return None;
                }
                self.ended.push_back(Ended::of(call));
                let kept_max = 2 * self.settings.repeats;
                self.ended.drain(..self.ended.len().saturating_sub(kept_max));
                let circle = self.circle()?;
                Some(self.advise(&circle))
            }
        }
    }

    /// What the newest calls show, in words after the agent's name.
    fn circle(&self) -> Option<String> {
        let n = self.settings.repeats;
        let newest: Vec<&Ended> = self.ended.iter().rev().collect();
        let last = newest.first()?;
        let first_n = newest.get(..n)?;
        let title = shown(&last.title);
        if first_n.iter().all(|one| (one.call, one.result) == (last.call, last.result)) {
            return Some(format!("made the same call {n} times with the same result: `{title}`"));
        }
        if first_n.iter().all(|one| one.failed && (one.result == last.result || one.call == last.call)) {
            return Some(format!("ran into the same error {n} times: `{title}`"));
        }
        let pairs = newest.get(..2 * n)?;
        let (even, odd) = (pairs[0], pairs[1]);
        let alternates = pairs.iter().enumerate().all(|(at, one)| {
            let like = if at % 2 == 0 { even } else { odd };
            (one.call, one.result) == (like.call, like.result)
        });
        let other = shown(&odd.title);
        alternates.then(|| format!("went back and forth {n} times between `{other}` and `{title}`"))
    }

    fn advise(&mut self, circle: &str) -> Advice {
        if self.nudged {
            return stop(StopCause::Circle, format!("{circle}, and then did so again"));
        }
        self.nudged = true;
        self.ended.clear();
        let words = format!(
            "You {circle}. That leads nowhere: try another way, ask a person, or end your turn and say what is in the way."
        );
        Advice::Nudge { words }
    }
}

impl Ended {
    fn of(call: &ToolCall) -> Self {
        Self {
            id: call.id.clone(),
            title: call.title.clone(),
            call: mark_of(&(&call.title, &call.input)),
            result: mark_of(&(call.status == ToolStatus::Failed, &call.output)),
            failed: call.status == ToolStatus::Failed,
        }
    }
}

fn mark_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn stop(cause: StopCause, why: String) -> Advice {
    Advice::Stop { cause, why }
}

fn shown(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::session::event::Usage;

    /// Plays lines of `WHAT …` and shows what is advised. `run` and `end` are a tool call's two events, `ok`
    /// and `bad` a whole one.
    fn check(script: &str, shows: Expect) {
        let mut watch = Watch::new(WatchSettings::default());
        let mut shown = Vec::new();
        for (n, line) in script.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let words: Vec<&str> = line.split(' ').collect();
            shown.extend(watch.hear(&event(n, &words)).map(|advice| format!("{advice:?}")));
        }
        shows.assert_eq(&shown.join("\n"));
    }

    fn event(n: usize, words: &[&str]) -> AgentEvent {
        let call = |id: String, title: &str, status, output: &str| {
            let (title, output) = (title.to_owned(), output.to_owned());
            AgentEvent::ToolCall(ToolCall { id, title, status, output, ..ToolCall::default() })
        };
        match *words {
            ["run", id] => call(id.to_owned(), id, ToolStatus::Running, ""),
            ["end", id] => call(id.to_owned(), id, ToolStatus::Completed, ""),
            ["ok", title, output] => call(n.to_string(), title, ToolStatus::Completed, output),
            ["bad", title, output] => call(n.to_string(), title, ToolStatus::Failed, output),
            ["say"] => AgentEvent::Said { text: "hm".into() },
            ["used"] => AgentEvent::Used(Usage::default()),
            ["retry"] => AgentEvent::Retrying { class: ErrorClass::Overload, why: "529 overloaded".into() },
            ["refused"] => AgentEvent::Retrying { class: ErrorClass::Auth, why: "bad key".into() },
            _ => panic!("{words:?}"),
        }
    }

    #[test]
    fn the_same_call_with_the_same_result_is_told_once_and_then_stopped() {
        let line = "ok cargo-test 3-failed\n";
        check(
            &line.repeat(8),
            expect![[r#"
                Nudge { words: "You made the same call 4 times with the same result: `cargo-test`. That leads nowhere: try another way, ask a person, or end your turn and say what is in the way." }
                Stop { cause: Circle, why: "made the same call 4 times with the same result: `cargo-test`, and then did so again" }"#]],
        );
        check(&"ok cargo-test 3-failed\nok edit done\nok cargo-test 2-failed\n".repeat(2), expect![""]);
    }

    #[test]
    fn two_calls_in_alternation_are_a_circle_and_work_between_them_is_not() {
        let pair = "ok read a\nok list b\n";
        check(
            &pair.repeat(4),
            expect![[
                r#"Nudge { words: "You went back and forth 4 times between `read` and `list`. That leads nowhere: try another way, ask a person, or end your turn and say what is in the way." }"#
            ]],
        );
        check(&format!("{0}ok edit c\n{0}", pair.repeat(3)), expect![""]);
    }

    #[test]
    fn the_same_error_is_a_circle_whatever_was_called() {
        check(
            "bad a no-such-file\nbad b no-such-file\nbad c no-such-file\nbad d no-such-file",
            expect![[
                r#"Nudge { words: "You ran into the same error 4 times: `d`. That leads nowhere: try another way, ask a person, or end your turn and say what is in the way." }"#
            ]],
        );
        check("bad a 1\nbad a 2\nbad a 3\nok b 4\nbad a 5", expect![""]);
    }

    #[test]
    fn an_end_that_is_told_twice_is_one_call() {
        check(&"run a\nend a\nend a\n".repeat(3), expect![""]);
    }

    #[test]
    fn a_model_that_does_not_answer_stops_a_session_after_a_while() {
        check("refused", expect![""]);
        check(&"retry\n".repeat(9), expect![""]);
        check(&format!("{0}say\n{0}", "retry\n".repeat(9)), expect![""]);
        check(
            &"retry\n".repeat(10),
            expect![[
                r#"Stop { cause: Model(Overload), why: "asked its model 10 times in a row for nothing: 529 overloaded" }"#
            ]],
        );
        check(
            &"used\n".repeat(10),
            expect![[
                r#"Stop { cause: Model(Agent), why: "asked its model 10 times in a row for nothing: it got no answer" }"#
            ]],
        );
    }
}
