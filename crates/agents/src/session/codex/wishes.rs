//! What Codex asks before it goes on: whether it may run or change something, and its own questions.

use serde_json::{Map, Value, json};

use super::super::event::ToolKind;
use super::super::people::{Question, QuestionKind, Reply};
use super::super::permission::{self, Leave, UNANSWERED, Verdict};
use super::super::protocol::Move;
use super::Codex;
use super::items::{command_of, text_at};

/// A wish that waits for a person.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    id: Value,
    about: About,
}

#[derive(Clone, Debug)]
enum About {
    /// A permission.
    Tool,
    /// Its questions, and the answers to the first of them, in order.
    Questions { questions: Vec<Value>, answers: Vec<String> },
}

/// When it asks at all.
pub(super) fn policy(leave: Leave) -> &'static str {
    match leave {
        Leave::Caged => "never",
        Leave::Looking => "untrusted",
    }
}

impl Codex {
    pub(super) fn hear_wish(&mut self, method: &str, id: &Value, params: &Value) -> Vec<Move> {
        match method {
            "item/commandExecution/requestApproval" => self.judge_wish(ToolKind::Execute, id, &command_of(params)),
            "item/fileChange/requestApproval" => {
                let why = text_at(params, "/reason");
                self.judge_wish(ToolKind::Edit, id, if why.is_empty() { "change files" } else { why })
            }
            "item/tool/requestUserInput" => self.ask_questions(id, params),
            "mcpServer/elicitation/request" => vec![answer(id, json!({ "action": "decline", "content": null }))],
            _ => {
                let error = json!({ "code": -32601, "message": format!("{method} is not supported here") });
                vec![Move::Write(json!({ "id": id, "error": error }).to_string())]
            }
        }
    }

    fn judge_wish(&mut self, kind: ToolKind, id: &Value, wish: &str) -> Vec<Move> {
        match permission::verdict(kind, self.brief.goal, self.brief.leave) {
            Verdict::Allow => vec![answer(id, json!({ "decision": "accept" }))],
            Verdict::Refuse(_) => vec![answer(id, json!({ "decision": "decline" }))],
            Verdict::Ask => vec![self.ask(Wish { id: id.clone(), about: About::Tool }, permission::question(wish))],
        }
    }

    fn ask_questions(&mut self, id: &Value, params: &Value) -> Vec<Move> {
        let questions = params.pointer("/questions").and_then(Value::as_array).cloned().unwrap_or_default();
        // A secret has no place in a chat, and none in a sandbox.
        let Some(first) = questions.first().filter(|_| questions.iter().all(|one| one["isSecret"] != true)) else {
            return vec![answer(id, json!({ "answers": {} }))];
        };
        let question = question_of(first);
        let about = About::Questions { questions, answers: Vec::new() };
        vec![self.ask(Wish { id: id.clone(), about }, question)]
    }

    fn ask(&mut self, wish: Wish, question: Question) -> Move {
        self.n_asked += 1;
        self.wishes.insert(self.n_asked, wish);
        Move::Ask(self.n_asked, question)
    }

    /// Hands a person's answer on.
    pub(super) fn grant(&mut self, asked: u64, reply: &Reply) -> Vec<Move> {
        let Some(Wish { id, about }) = self.wishes.remove(&asked) else { return Vec::new() };
        match about {
            About::Tool => match permission::refusal(reply) {
                None => vec![answer(&id, json!({ "decision": "accept" }))],
                // It takes no words with a refusal, so they are said beside it.
                Some(why) => {
                    let declined = answer(&id, json!({ "decision": "decline" }));
                    [declined].into_iter().chain(super::Protocol::say(self, &why)).collect()
                }
            },
            About::Questions { questions, mut answers } => {
                let open = questions.len() - answers.len();
                match reply {
                    Reply::Answered { text, .. } => answers.push(text.clone()),
                    Reply::Unanswered => answers.extend(vec![UNANSWERED.to_owned(); open]),
                }
                match questions.get(answers.len()).map(question_of) {
                    Some(question) => {
                        vec![self.ask(Wish { id, about: About::Questions { questions, answers } }, question)]
                    }
                    None => vec![answered(&id, &questions, answers)],
                }
            }
        }
    }

    /// It needs no answer any more.
    pub(super) fn withdraw(&mut self, id: &Value) -> Vec<Move> {
        let asked = self.wishes.iter().find(|(_, wish)| wish.id == *id).map(|(asked, _)| *asked);
        let withdrawn = asked.map(|asked| {
            self.wishes.remove(&asked);
            Move::Withdraw(asked)
        });
        withdrawn.into_iter().collect()
    }
}

fn question_of(question: &Value) -> Question {
    let options = question.pointer("/options").and_then(Value::as_array).into_iter().flatten();
    Question {
        about: QuestionKind::Question,
        text: text_at(question, "/question").to_owned(),
        choices: options.map(|option| text_at(option, "/label").to_owned()).collect(),
    }
}

fn answered(id: &Value, questions: &[Value], answers: Vec<String>) -> Move {
    let of = |(question, said): (&Value, String)| (text_at(question, "/id").to_owned(), json!({ "answers": [said] }));
    let answers: Map<String, Value> = questions.iter().zip(answers).map(of).collect();
    answer(id, json!({ "answers": answers }))
}

fn answer(id: &Value, result: Value) -> Move {
    Move::Write(json!({ "id": id, "result": result }).to_string())
}
