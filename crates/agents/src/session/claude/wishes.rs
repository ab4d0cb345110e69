//! What Claude Code asks before it goes on: whether it may use a tool, whether its plan is right, and its own questions.

use serde_json::{Value, json};

use super::super::event::AgentEvent;
use super::super::people::{Question, QuestionKind, Reply};
use super::super::permission::{self, UNANSWERED, Verdict};
use super::super::protocol::{Goal, Move};
use super::Claude;
use super::lines::{kind_of, text_at, title_of};

/// The tool by which it proposes a plan, and the one by which it asks.
const PLAN: &str = "ExitPlanMode";
const ASK: &str = "AskUserQuestion";

/// What it is told once its plan is noted.
const PLAN_NOTED: &str =
    "The plan is recorded; a person decides about it later. End your turn now, without another tool.";

/// Whether a call of this tool is meant for us and is no work.
pub(super) fn is_a_word_to_us(tool: &str) -> bool {
    matches!(tool, PLAN | ASK)
}

/// A wish that waits for a person.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Its id of the request.
    request: String,
    call: String,
    input: Value,
    about: About,
}

#[derive(Clone, Debug)]
enum About {
    /// A permission.
    Tool,
    /// Its questions; those that are answered, in order.
    Questions { answers: Vec<(String, String)> },
}

impl Claude {
    pub(super) fn hear_wish(&mut self, value: &Value) -> Vec<Move> {
        let request = text_at(value, "/request_id").to_owned();
        let subtype = text_at(value, "/request/subtype");
        if subtype != "can_use_tool" {
            return vec![Move::Write(unsupported(&request, subtype))];
        }
        let tool = text_at(value, "/request/tool_name");
        let input = value.pointer("/request/input").cloned().unwrap_or_default();
        let call = text_at(value, "/request/tool_use_id").to_owned();
        let wish = Wish { request, call, input, about: About::Tool };
        match tool {
            PLAN => self.note_plan(&wish),
            ASK => self.ask_questions(wish),
            _ => self.judge_wish(tool, wish),
        }
    }

    fn note_plan(&mut self, wish: &Wish) -> Vec<Move> {
        let text = text_at(&wish.input, "/plan").to_owned();
        self.refused.insert(wish.call.clone());
        if self.brief.goal == Goal::Work || text.is_empty() {
            let why = if text.is_empty() { "Write the plan to the plan file first." } else { "Go on with the work." };
            return vec![Move::Write(denied(wish, why))];
        }
        self.plan = Some(text.clone());
        vec![Move::Tell(AgentEvent::PlanProposed { text }), Move::Write(denied(wish, PLAN_NOTED))]
    }

    fn judge_wish(&mut self, tool: &str, wish: Wish) -> Vec<Move> {
        match permission::verdict(kind_of(tool), self.brief.goal, self.brief.leave) {
            Verdict::Allow => vec![Move::Write(allowed(&wish, wish.input.clone()))],
            Verdict::Refuse(why) => {
                self.refused.insert(wish.call.clone());
                vec![Move::Write(denied(&wish, why))]
            }
            Verdict::Ask => {
                let question = permission::question(&title_of(tool, &wish.input, &self.brief.tree));
                vec![self.ask(wish, question)]
            }
        }
    }

    fn ask_questions(&mut self, wish: Wish) -> Vec<Move> {
        let first = questions_in(&wish.input).next().map(question_of);
        match first {
            Some(question) => {
                let about = About::Questions { answers: Vec::new() };
                vec![self.ask(Wish { about, ..wish }, question)]
            }
            None => vec![Move::Write(denied(&wish, "There is no question in it."))],
        }
    }

    fn ask(&mut self, wish: Wish, question: Question) -> Move {
        self.n_asked += 1;
        self.wishes.insert(self.n_asked, wish);
        Move::Ask(self.n_asked, question)
    }

    /// Hands a person's answer on.
    pub(super) fn grant(&mut self, asked: u64, reply: &Reply) -> Vec<Move> {
        let Some(wish) = self.wishes.remove(&asked) else { return Vec::new() };
        match wish.about.clone() {
            About::Tool => match permission::refusal(reply) {
                None => vec![Move::Write(allowed(&wish, wish.input.clone()))],
                Some(why) => {
                    self.refused.insert(wish.call.clone());
                    vec![Move::Write(denied(&wish, &why))]
                }
            },
            About::Questions { answers } => self.note_answer(wish, answers, reply),
        }
    }

    fn note_answer(&mut self, wish: Wish, mut answers: Vec<(String, String)>, reply: &Reply) -> Vec<Move> {
        let Reply::Answered { text, .. } = reply else {
            self.refused.insert(wish.call.clone());
            return vec![Move::Write(denied(&wish, UNANSWERED))];
        };
        let asked = questions_in(&wish.input).nth(answers.len());
        answers.extend(asked.map(|asked| (text_at(asked, "/question").to_owned(), text.clone())));
        let next = questions_in(&wish.input).nth(answers.len()).map(question_of);
        match next {
            Some(question) => vec![self.ask(Wish { about: About::Questions { answers }, ..wish }, question)],
            None => {
                let mut input = wish.input.clone();
                input["answers"] = answers.into_iter().map(|(asked, answer)| (asked, Value::from(answer))).collect();
                vec![Move::Write(allowed(&wish, input))]
            }
        }
    }

    /// It needs no answer any more.
    pub(super) fn withdraw(&mut self, request: &str) -> Vec<Move> {
        let is_it = |(_, wish): &(&u64, &Wish)| wish.request == request;
        let asked = self.wishes.iter().find(is_it).map(|(asked, _)| *asked);
        asked
            .map(|asked| {
                self.wishes.remove(&asked);
                Move::Withdraw(asked)
            })
            .into_iter()
            .collect()
    }
}

fn questions_in(input: &Value) -> impl Iterator<Item = &Value> {
    input.pointer("/questions").and_then(Value::as_array).into_iter().flatten()
}

fn question_of(question: &Value) -> Question {
    let options = question.pointer("/options").and_then(Value::as_array).into_iter().flatten();
    Question {
        about: QuestionKind::Question,
        text: text_at(question, "/question").to_owned(),
        choices: options.map(|option| text_at(option, "/label").to_owned()).collect(),
    }
}

fn allowed(wish: &Wish, input: Value) -> String {
    response(wish, json!({ "behavior": "allow", "updatedInput": input }))
}

fn denied(wish: &Wish, why: &str) -> String {
    response(wish, json!({ "behavior": "deny", "message": why }))
}

fn response(wish: &Wish, answer: Value) -> String {
    let response = json!({ "subtype": "success", "request_id": wish.request, "response": answer });
    json!({ "type": "control_response", "response": response }).to_string()
}

fn unsupported(request: &str, subtype: &str) -> String {
    let error = format!("{subtype} is not supported here");
    let response = json!({ "subtype": "error", "request_id": request, "error": error });
    json!({ "type": "control_response", "response": response }).to_string()
}
