//! The watch over a session: says from its events and the time alone when it has come to nothing, and what to do then.
//!
//! Agents wait for ever on a dead network, try a refused key ten times, and make the same call over and over. None of
//! them can be trusted to notice, so whoever drives one shows every event to its [`Watch`] and looks at it again when
//! [`Watch::next_look`] comes.
//!
//! The patterns are those of OpenHands' stuck detector (`conversation/stuck_detector.py`): the same call with the same
//! result, two calls in alternation, the same error. A session that goes round in circles is told so once, because a
//! word of it often helps; the second time it is stopped.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use domain::time::humanize;

use super::event::{AgentEvent, ErrorClass, ToolCall, ToolStatus};

/// How long a session may go on, and how often it may repeat itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// From the session's beginning to its end, without the time in which it waits for a person.
    pub wall: Duration,
    /// Without any event, while no tool is at work.
    pub idle: Duration,
    /// Without any event, while a tool is at work.
    pub tool: Duration,
    /// So many equal calls, errors or pairs of calls in a row are a circle.
    pub repeats: usize,
    /// So many answers of the model in a row without a word or a call are a storm of retries.
    pub retries: usize,
}

impl Default for WatchSettings {
    /// Half an hour; five minutes for one answer of a model, which is longer than the slowest of them thinks; twenty for
    /// a tool, because a build may say nothing for as long; four repeats, after OpenHands; ten retries, which is where
    /// the agents that count them give up.
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self { wall: minutes(30), idle: minutes(5), tool: minutes(20), repeats: 4, retries: 10 }
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
    /// It took as long as it may.
    Wall,
    /// Nothing came from it.
    Idle,
    /// It goes round in circles.
    Circle,
    /// Its model does not answer; the class says whether to try later or to ask a person.
    Model(ErrorClass),
}

/// The watch over one session. Every instant is the time since the session began.
#[derive(Clone, Debug)]
pub struct Watch {
    settings: WatchSettings,
    last_event: Duration,
    /// Since when it waits for a person.
    waiting: Option<Duration>,
    /// How long it has waited for people in all.
    waited: Duration,
    /// Calls that are not at their end, by their id.
    at_work: BTreeSet<String>,
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

/// Calls at work that are kept: an agent that begins more at once than anybody runs is watched by its events alone.
const AT_WORK_MAX: usize = 64;
/// Characters of a call's title or an error that a reason shows.
const SHOWN_CHARS_MAX: usize = 160;

impl Watch {
    /// The watch over a session that begins now.
    pub fn new(settings: WatchSettings) -> Self {
        Self {
            settings,
            last_event: Duration::ZERO,
            waiting: None,
            waited: Duration::ZERO,
            at_work: BTreeSet::new(),
            ended: VecDeque::new(),
            barren: 0,
            last_error: None,
            nudged: false,
        }
    }

    /// Hears one event. Advice is given once: after a nudge the counting begins anew.
    pub fn hear(&mut self, event: &AgentEvent, at: Duration) -> Option<Advice> {
        self.last_event = at;
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
            AgentEvent::TurnEnded { .. } => {
                self.at_work.clear();
                None
            }
            AgentEvent::Started { .. }
            | AgentEvent::Mode { .. }
            | AgentEvent::Broke { .. }
            | AgentEvent::Unknown { .. } => None,
        }
    }

    /// A person is asked, and the session waits; that time counts for nothing.
    pub fn begin_waiting(&mut self, at: Duration) {
        self.waiting.get_or_insert(at);
    }

    /// The person answered, or will not.
    pub fn end_waiting(&mut self, at: Duration) {
        if let Some(since) = self.waiting.take() {
            self.waited += at.saturating_sub(since);
            self.last_event = at;
        }
    }

    /// When to look again, if nothing is heard until then. `None` while it waits for a person.
    pub fn next_look(&self) -> Option<Duration> {
        if self.waiting.is_some() {
            return None;
        }
        Some((self.settings.wall + self.waited).min(self.last_event + self.quiet_max()))
    }

    /// Looks at the time alone.
    pub fn look(&self, at: Duration) -> Option<Advice> {
        if self.waiting.is_some() {
            return None;
        }
        let worked = at.saturating_sub(self.waited);
        if worked >= self.settings.wall {
            return Some(stop(StopCause::Wall, format!("took {}, its time limit", humanize(self.settings.wall))));
        }
        if at.saturating_sub(self.last_event) < self.quiet_max() {
            return None;
        }
        let quiet = humanize(self.quiet_max());
        let (cause, why) = match &self.last_error {
            Some((class, why)) if self.barren > 0 => {
                (StopCause::Model(*class), format!("said nothing for {quiet} after an error of its model: {why}"))
            }
            _ if self.at_work.is_empty() => (StopCause::Idle, format!("said nothing for {quiet}")),
            _ => (StopCause::Idle, format!("said nothing for {quiet} while a tool was at work")),
        };
        Some(stop(cause, why))
    }

    fn quiet_max(&self) -> Duration {
        if self.at_work.is_empty() { self.settings.idle } else { self.settings.tool }
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
            ToolStatus::Pending | ToolStatus::Running => {
                if self.at_work.len() < AT_WORK_MAX {
                    self.at_work.insert(call.id.clone());
                }
                None
            }
            ToolStatus::Completed | ToolStatus::Failed => {
                self.at_work.remove(&call.id);
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
    use crate::session::event::{StopReason, Usage};

    /// Plays lines of `SECONDS WHAT …` and shows what is advised. `run` and `end` are a tool call's two events, `ok`
    /// and `bad` a whole one.
    fn check(script: &str, shows: Expect) {
        let mut watch = Watch::new(WatchSettings::default());
        let mut shown = Vec::new();
        for (n, line) in script.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let (seconds, what) = line.split_once(' ').unwrap();
            let at = Duration::from_secs(seconds.parse().unwrap());
            let words: Vec<&str> = what.split(' ').collect();
            let advice = match words[..] {
                ["look"] => watch.look(at),
                ["wait"] => {
                    watch.begin_waiting(at);
                    None
                }
                ["answered"] => {
                    watch.end_waiting(at);
                    None
                }
                _ => watch.hear(&event(n, &words), at),
            };
            shown.extend(advice.map(|advice| format!("{seconds} {advice:?}")));
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
            ["refused"] => AgentEvent::Retrying { class: ErrorClass::Auth, why: "401 bad key".into() },
            ["turn"] => AgentEvent::TurnEnded { reason: StopReason::Done, text: String::new() },
            _ => panic!("{words:?}"),
        }
    }

    #[test]
    fn the_same_call_with_the_same_result_is_told_once_and_then_stopped() {
        let line = "1 ok cargo-test 3-failed\n";
        check(
            &line.repeat(8),
            expect![[r#"
                1 Nudge { words: "You made the same call 4 times with the same result: `cargo-test`. That leads nowhere: try another way, ask a person, or end your turn and say what is in the way." }
                1 Stop { cause: Circle, why: "made the same call 4 times with the same result: `cargo-test`, and then did so again" }"#]],
        );
        check(&"1 ok cargo-test 3-failed\n2 ok edit done\n3 ok cargo-test 2-failed\n".repeat(2), expect![""]);
    }

    #[test]
    fn two_calls_in_alternation_are_a_circle_and_work_between_them_is_not() {
        let pair = "1 ok read a\n1 ok list b\n";
        check(
            &pair.repeat(4),
            expect![[
                r#"1 Nudge { words: "You went back and forth 4 times between `read` and `list`. That leads nowhere: try another way, ask a person, or end your turn and say what is in the way." }"#
            ]],
        );
        check(&format!("{0}1 ok edit c\n{0}", pair.repeat(3)), expect![""]);
    }

    #[test]
    fn the_same_error_is_a_circle_whatever_was_called() {
        check(
            "1 bad a no-such-file\n1 bad b no-such-file\n1 bad c no-such-file\n1 bad d no-such-file",
            expect![[
                r#"1 Nudge { words: "You ran into the same error 4 times: `d`. That leads nowhere: try another way, ask a person, or end your turn and say what is in the way." }"#
            ]],
        );
        check("1 bad a 1\n1 bad a 2\n1 bad a 3\n1 ok b 4\n1 bad a 5", expect![""]);
    }

    #[test]
    fn an_end_that_is_told_twice_is_one_call() {
        check(&"1 run a\n2 end a\n3 end a\n".repeat(3), expect![""]);
    }

    #[test]
    fn a_model_that_does_not_answer_stops_a_session_after_a_while() {
        check("1 refused", expect![""]);
        check(&"1 retry\n".repeat(9), expect![""]);
        check(&format!("{0}2 say\n{0}", "1 retry\n".repeat(9)), expect![""]);
        check(
            &"1 retry\n".repeat(10),
            expect![[
                r#"1 Stop { cause: Model(Overload), why: "asked its model 10 times in a row for nothing: 529 overloaded" }"#
            ]],
        );
        check(
            &"1 used\n".repeat(10),
            expect![[
                r#"1 Stop { cause: Model(Agent), why: "asked its model 10 times in a row for nothing: it got no answer" }"#
            ]],
        );
    }

    #[test]
    fn silence_ends_a_session_later_while_a_tool_is_at_work() {
        check("10 say\n309 look\n310 look", expect![[r#"310 Stop { cause: Idle, why: "said nothing for 5 min" }"#]]);
        check(
            "10 run build\n900 look\n1210 look",
            expect![[r#"1210 Stop { cause: Idle, why: "said nothing for 20 min while a tool was at work" }"#]],
        );
        check(
            "10 run build\n20 turn\n320 look",
            expect![[r#"320 Stop { cause: Idle, why: "said nothing for 5 min" }"#]],
        );
        check(
            "10 retry\n310 look",
            expect![[
                r#"310 Stop { cause: Model(Overload), why: "said nothing for 5 min after an error of its model: 529 overloaded" }"#
            ]],
        );
    }

    #[test]
    fn the_time_in_which_it_waits_for_a_person_counts_for_nothing() {
        check(
            "10 say\n20 wait\n9000 look\n9020 answered\n9100 look\n9200 say\n9400 say\n9700 say\n10000 say\n10300 say\n10600 say\n10799 look\n10800 look",
            expect![[r#"10800 Stop { cause: Wall, why: "took 30 min, its time limit" }"#]],
        );
        let mut watch = Watch::new(WatchSettings::default());
        assert_eq!(watch.next_look(), Some(Duration::from_secs(300)));
        watch.begin_waiting(Duration::from_secs(1));
        assert_eq!(watch.next_look(), None);
        watch.end_waiting(Duration::from_secs(61));
        assert_eq!(watch.next_look(), Some(Duration::from_secs(361)));
    }
}
