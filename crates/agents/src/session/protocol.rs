//! An agent's own language as a pure state machine: its lines in, moves out. What acts on the moves is
//! [`dialogue`](super::dialogue).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{AgentEvent, ErrorClass, Usage};
use super::people::{Question, Reply};
use super::permission::Leave;

/// What a conversation with an agent is for.
#[derive(Clone, Debug)]
pub(super) struct Brief {
    /// Whether it plans or works.
    pub goal: Goal,
    /// What it is told first.
    pub prompt: String,
    /// Where it works, as it is called inside.
    pub tree: String,
    /// The model that the config wants.
    pub model: Option<String>,
    /// What is known of its session, where there was one.
    pub memory: Option<Memory>,
    /// What it may do without asking.
    pub leave: Leave,
}

/// What a turn is to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A plan.
    Plan,
    /// Work in the tree.
    Work,
}

/// What outlives the process, so that the next one goes on where this one ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The agent's own id of its session.
    pub session: String,
    /// What was used up to now, by model: agents add up over a session, and go on doing so when it is resumed.
    pub used: BTreeMap<String, Usage>,
    /// The model that it was told to use; kept where a session cannot be given another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// An agent's language. Nothing here waits, reads a clock or touches a file.
pub(super) trait Protocol: Send {
    /// The first moves.
    fn begin(&mut self) -> Vec<Move>;

    /// What one line of its standard output means.
    fn hear(&mut self, line: &str) -> Vec<Move>;

    /// A question was answered, or nobody did.
    fn answer(&mut self, asked: u64, reply: &Reply) -> Vec<Move>;

    /// A person says something, to be heard as early as the agent can.
    fn say(&mut self, text: &str) -> Vec<Move>;

    /// A word that it has to hear before it does the same again.
    fn nudge(&mut self, text: &str) -> Vec<Move> {
        self.say(text)
    }

    /// Ends what it does now. It goes on with `then`, or with nothing where that is empty.
    fn interrupt(&mut self, then: &str) -> Vec<Move>;
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Move {
    /// A line for its standard input.
    Write(String),
    /// News.
    Tell(AgentEvent),
    /// A line that is not its language at all.
    Garbage(String),
    /// A question for people; the number comes back with the answer.
    Ask(u64, Question),
    /// A question that needs no answer any more.
    Withdraw(u64),
    /// Something to keep.
    Remember(Memory),
    /// It is over.
    End(Ending),
}

/// How a conversation came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It proposes this plan.
    Planned(String),
    /// It says that it is done, and this.
    Done(String),
    /// It was interrupted and has nothing to go on with.
    Interrupted,
    /// It does not know the session that it was to resume.
    Forgotten,
    /// It broke.
    Broke {
        /// What kind of error.
        class: ErrorClass,
        /// Its words.
        why: String,
    },
}

impl Ending {
    /// The end of an agent that is at fault itself.
    pub(super) fn fault(why: impl Into<String>) -> Self {
        Self::Broke { class: ErrorClass::Agent, why: why.into() }
    }
}

/// Makes differences of what agents add up.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    seen: BTreeMap<String, Usage>,
}

impl Meter {
    /// Goes on from what was used before.
    pub(super) fn from(memory: Option<&Memory>) -> Self {
        Self { seen: memory.map(|memory| memory.used.clone()).unwrap_or_default() }
    }

    /// What `total` has more than the total of the same model before; none when that is nothing. A total that is
    /// smaller than before began again at zero.
    pub(super) fn since(&mut self, total: Usage) -> Option<Usage> {
        let before = self.seen.insert(total.model.clone(), total.clone()).unwrap_or_default();
        let began_again = total.input < before.input || total.output < before.output;
        let before = if began_again { Usage::default() } else { before };
        let cost = total.cost_micros.map(|cost| cost.saturating_sub(before.cost_micros.unwrap_or(0)));
        let used = Usage {
            model: total.model,
            input: total.input.saturating_sub(before.input),
            cache_read: total.cache_read.saturating_sub(before.cache_read),
            cache_write: total.cache_write.saturating_sub(before.cache_write),
            output: total.output.saturating_sub(before.output),
            cost_micros: cost,
        };
        (used.input + used.cache_read + used.cache_write + used.output > 0).then_some(used)
    }

    /// All that was used, to be kept.
    pub(super) fn totals(&self) -> BTreeMap<String, Usage> {
        self.seen.clone()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::permission::Leave;
    use super::*;

    /// A brief without anything special.
    pub(in super::super) fn brief(goal: Goal) -> Brief {
        Brief { goal, prompt: "do it".into(), tree: "/w/tree".into(), model: None, memory: None, leave: Leave::Looking }
    }

    /// What comes of recorded lines, when every question is answered by the next of these words, and by nobody after the
    /// last of them.
    pub(in super::super) fn played(protocol: &mut dyn Protocol, recorded: &str, answers: &[&str]) -> String {
        let mut answers = answers.iter();
        let mut told = Vec::new();
        let mut moves: std::collections::VecDeque<Move> = protocol.begin().into();
        let mut lines = recorded.lines();
        loop {
            let Some(one) = moves.pop_front() else {
                match lines.next() {
                    Some(line) => moves.extend(protocol.hear(line)),
                    None => return told.join("\n"),
                }
                continue;
            };
            told.extend(shown(&one));
            if let Move::Ask(asked, _) = one {
                let by = "ana".parse().unwrap();
                let reply = answers.next().map(|text| Reply::Answered { by, text: (*text).to_owned() });
                moves.extend(protocol.answer(asked, &reply.unwrap_or(Reply::Unanswered)));
            }
        }
    }

    /// A move in a line, without what nobody asks about.
    pub(in super::super) fn shown(one: &Move) -> Option<String> {
        Some(match one {
            Move::Write(line) => format!("write {}", line.chars().take(230).collect::<String>()),
            Move::Tell(AgentEvent::ToolCall(call)) => {
                let paths: Vec<_> = call.paths.iter().map(|path| path.display().to_string()).collect();
                let last = call.output.lines().last().unwrap_or_default();
                let told =
                    format!("call {:?} {:?} `{}` [{}] {last}", call.kind, call.status, call.title, paths.join(", "));
                told.trim_end().to_owned()
            }
            Move::Tell(AgentEvent::Used(used)) => format!(
                "used {}+{}+{} in, {} out, {:?}",
                used.input, used.cache_read, used.cache_write, used.output, used.cost_micros
            ),
            Move::Tell(event) => format!("tell {event:?}"),
            Move::Ask(_, question) => format!("ask {:?} {} {:?}", question.about, question.text, question.choices),
            Move::Remember(_) => return None,
            other => format!("{other:?}"),
        })
    }

    fn total(input: u64, output: u64, cost: u64) -> Usage {
        Usage { model: "m".into(), input, output, cost_micros: Some(cost), ..Usage::default() }
    }

    #[test]
    fn a_total_is_counted_once_across_turns_and_processes() {
        let mut meter = Meter::default();
        assert_eq!(meter.since(total(100, 20, 7)), Some(total(100, 20, 7)));
        assert_eq!(meter.since(total(100, 20, 7)), None);
        let memory = Memory { session: "s".into(), used: meter.totals(), model: None };
        let mut resumed = Meter::from(Some(&memory));
        assert_eq!(resumed.since(total(150, 25, 9)), Some(total(50, 5, 2)));
        assert_eq!(resumed.since(total(10, 1, 1)), Some(total(10, 1, 1)), "a total that fell began again");
    }
}
