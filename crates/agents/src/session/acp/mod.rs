//! Any agent that speaks the Agent Client Protocol: JSON-RPC lines both ways on its standard streams.
//!
//! Spoken with Gemini CLI 0.61.0, OpenCode 1.18.33, GitHub Copilot CLI 1.0.102 and claude-agent-acp 0.101.0. A prompt
//! is a turn, and its answer the turn's end; what people say meanwhile is the next prompt, because the protocol has no
//! other way. An agent without a mode for planning plans in its usual one: the cage is what makes its tree read-only.

mod schema;
mod turn;
mod usage;

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::agent::ToolServer;
use super::event::{AgentEvent, ErrorClass};
use super::fault::class_of;
use super::people::Reply;
use super::permission::{self, Verdict};
use super::protocol::{Brief, Ending, Goal, Memory, Move, Protocol};
use schema::{Able, Answers, Begun, Call, News};
use turn::Turn;
use usage::Ledger;

/// The conversation with one agent.
pub(super) struct Acp {
    brief: Brief,
    tools: Option<ToolServer>,
    modes: Modes,
    /// Said beside the session that is opened.
    meta: Value,
    able: Able,
    session: String,
    model: String,
    ledger: Ledger,
    n_requests: u64,
    /// What we asked and it has not answered.
    requests: BTreeMap<u64, Request>,
    /// What is chosen before the first prompt.
    settings: VecDeque<(&'static str, Value)>,
    /// The turn that is under way.
    turn: Option<Turn>,
    wishes: BTreeMap<u64, Wish>,
    n_asked: u64,
    /// What it is to hear next.
    unsaid: Vec<String>,
    interrupted: Option<String>,
}

/// The modes in which an agent is to be, by its own names for them; an empty one is that which it lists first.
#[derive(Clone, Debug, Default)]
pub(super) struct Modes {
    pub plan: String,
    pub work: String,
}

/// What a request of ours was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Initialize,
    TakeUp,
    Begin,
    Choose,
    Prompt,
}

/// A wish that waits for a person.
#[derive(Clone, Debug)]
struct Wish {
    id: Value,
    answers: Answers,
}

impl Acp {
    /// A conversation by this brief, with these tools, in which the agent is in these modes where it has them. `meta` is
    /// said beside the session that it opens.
    pub(super) fn new(brief: Brief, tools: Option<ToolServer>, modes: Modes, meta: &str) -> Self {
        Self {
            ledger: Ledger::from(brief.memory.as_ref()),
            brief,
            tools,
            modes,
            meta: serde_json::from_str(meta).unwrap_or_default(),
            able: Able::default(),
            session: String::new(),
            model: String::new(),
            n_requests: 0,
            requests: BTreeMap::new(),
            settings: VecDeque::new(),
            turn: None,
            wishes: BTreeMap::new(),
            n_asked: 0,
            unsaid: Vec::new(),
            interrupted: None,
        }
    }

    /// The arguments for an agent that is told of its servers of tools by this one, and not by its session.
    pub(super) fn arguments(tools_by: &str, tools: Option<&ToolServer>) -> Vec<String> {
        let Some(tools) = tools.filter(|_| !tools_by.is_empty()) else { return Vec::new() };
        let (program, args) = tools.command.split_first().map_or(("", &[][..]), |(one, rest)| (one.as_str(), rest));
        let server = json!({ "type": "stdio", "command": program, "args": args, "env": tools.env, "tools": ["*"] });
        vec![tools_by.to_owned(), json!({ "mcpServers": { &tools.name: server } }).to_string()]
    }

    fn request(&mut self, request: Request, method: &str, params: &Value) -> Move {
        self.n_requests += 1;
        self.requests.insert(self.n_requests, request);
        let line = json!({ "jsonrpc": "2.0", "id": self.n_requests, "method": method, "params": params });
        Move::Write(line.to_string())
    }

    fn hear_answer(&mut self, request: Request, answer: &Value) -> Vec<Move> {
        match request {
            Request::Initialize => match schema::able(answer) {
                Some(able) => self.find_session(able),
                None => vec![Move::End(Ending::fault("speaks another version of ACP than 1"))],
            },
            Request::TakeUp | Request::Begin => self.begin_session(schema::begun(answer)),
            Request::Choose => vec![self.choose_next()],
            Request::Prompt => self.end_turn(answer),
        }
    }

    /// The session of before, or a new one.
    fn find_session(&mut self, able: Able) -> Vec<Move> {
        self.ledger.is_of(&able.name);
        self.able = able;
        let params = |before: Option<&str>| {
            let mut params = schema::session(before, &self.brief.tree, self.tools.as_ref());
            params["_meta"] = self.meta.clone();
            params
        };
        match (&self.brief.memory, self.able.resumes_by) {
            (Some(memory), Some(method)) => {
                let params = params(Some(&memory.session));
                vec![self.request(Request::TakeUp, method, &params)]
            }
            (Some(_), None) => vec![Move::End(Ending::Forgotten)],
            (None, _) => {
                let params = params(None);
                vec![self.request(Request::Begin, "session/new", &params)]
            }
        }
    }

    fn begin_session(&mut self, begun: Begun) -> Vec<Move> {
        let before = self.brief.memory.as_ref().map(|memory| memory.session.clone());
        // Copilot CLI has the model of its first day for ever, and no choice.
        let had = self.brief.memory.as_ref().and_then(|memory| memory.model.as_ref());
        if had.is_some_and(|had| Some(had) != self.brief.model.as_ref()) && begun.model.offered.is_empty() {
            return vec![Move::End(Ending::Forgotten)];
        }
        self.session = before.unwrap_or_else(|| begun.session.clone());
        self.model.clone_from(&begun.model.current);
        let wanted_model = self.brief.model.as_deref().and_then(|model| begun.model.meant_by(model));
        if let (Some(wanted), None) = (&self.brief.model, wanted_model) {
            let offered: Vec<_> = begun.model.offered.iter().map(|(model, _)| model.as_str()).collect();
            if !offered.is_empty() && *wanted != begun.model.current {
                let why = format!("has no model {wanted}: it offers {}", offered.join(", "));
                return vec![turn::broken(ErrorClass::Refused, why)];
            }
        }
        // Agents list their usual mode first; an agent that works is not left in the mode of its plan.
        let plan_mode = begun.mode.meant_by(&self.modes.plan);
        let usual = begun.mode.offered.iter().map(|(mode, _)| mode.as_str()).find(|mode| Some(*mode) != plan_mode);
        let wanted_mode = match self.brief.goal {
            Goal::Plan => plan_mode,
            Goal::Work => begun.mode.meant_by(&self.modes.work).or(usual),
        };
        for (choice, wanted) in [(&begun.model, wanted_model), (&begun.mode, wanted_mode)] {
            let wanted = wanted.filter(|wanted| *wanted != choice.current);
            self.settings.extend(wanted.map(|wanted| choice.choose(&self.session, wanted)));
        }
        if let Some(wanted) = wanted_model {
            self.model = wanted.to_owned();
        }
        let model = Some(self.model.clone()).filter(|model| !model.is_empty());
        let started = AgentEvent::Started { session: self.session.clone(), model };
        vec![Move::Tell(started), self.remember(), self.choose_next()]
    }

    /// The next setting, and after the last of them the prompt.
    fn choose_next(&mut self) -> Move {
        match self.settings.pop_front() {
            Some((method, params)) => self.request(Request::Choose, method, &params),
            None => {
                let prompt = self.brief.prompt.clone();
                self.prompt(&prompt)
            }
        }
    }

    fn prompt(&mut self, text: &str) -> Move {
        self.turn = Some(Turn::default());
        let params = schema::prompt(&self.session, text);
        self.request(Request::Prompt, "session/prompt", &params)
    }

    fn remember(&self) -> Move {
        Move::Remember(Memory { model: self.brief.model.clone(), ..self.ledger.kept(&self.session) })
    }

    fn hear_refusal(&mut self, request: Request, error: &Value) -> Vec<Move> {
        let why = turn::words_of_error(error);
        match request {
            Request::TakeUp => vec![Move::End(Ending::Forgotten)],
            // It goes on as it is: the cage holds it in any mode, and a model that it does not have is its own to name.
            Request::Choose => {
                let told = AgentEvent::Thought { text: format!("a setting was refused: {why}") };
                vec![Move::Tell(told), self.choose_next()]
            }
            Request::Prompt => self.break_turn(error, &why),
            Request::Initialize | Request::Begin => vec![turn::broken(class_of(turn::status_of(error), &why), why)],
        }
    }

    fn hear_news(&mut self, line: &str, params: &Value) -> Vec<Move> {
        // The past of a session that is taken up again was told when it happened.
        let Some(turn) = &mut self.turn else { return Vec::new() };
        match schema::news_in(params) {
            Some(News::Said { text, message }) => {
                // Copilot CLI says with these what it has to say itself, and gives its messages no ids.
                let is_aside = ["Info: ", "Warning: ", turn::ERROR].iter().any(|begin| text.starts_with(begin));
                turn.hear_words(&text, if is_aside { &text } else { &message })
            }
            Some(News::Thought(text)) => turn.hear_thought(&text),
            Some(News::Call(change)) => {
                let call = turn.note(*change).cloned();
                call.map(|call| self.tell_call(&call)).unwrap_or_default()
            }
            Some(News::Todo(entries)) => turn.then(AgentEvent::Todo { entries }),
            Some(News::Mode(name)) => turn.then(AgentEvent::Mode { name }),
            Some(News::Cost(micros)) => {
                self.ledger.costs(micros);
                Vec::new()
            }
            Some(News::Nothing) => Vec::new(),
            None => turn.then(AgentEvent::Unknown { line: line.to_owned() }),
        }
    }

    fn tell_call(&mut self, call: &Call) -> Vec<Move> {
        let ours = self.tools.as_ref().map(|tools| tools.name.as_str());
        let (tree, turn) = (&self.brief.tree, &mut self.turn);
        if !call.is_told() || call.leaves_mode() {
            return Vec::new();
        }
        turn.as_mut().map(|turn| turn.tell(call.in_our_words(tree, ours))).unwrap_or_default()
    }

    /// It wants leave to use a tool.
    fn hear_wish(&mut self, id: &Value, params: &Value) -> Vec<Move> {
        let asked = schema::asked_in(params);
        let (Some(asked), Some(turn)) = (asked, &mut self.turn) else {
            return vec![respond(id, &schema::withdrawn())];
        };
        let answers = asked.answers();
        let Some(call) = turn.note(asked.change).cloned() else { return vec![respond(id, &answers.refuse)] };
        if call.leaves_mode() {
            return self.note_plan(&call, id, &answers);
        }
        let ours = self.tools.as_ref().map(|tools| tools.name.as_str());
        let told = call.in_our_words(&self.brief.tree, ours);
        let mut moves = turn.tell(told.clone());
        match permission::verdict(told.kind, self.brief.goal, self.brief.leave) {
            Verdict::Allow => moves.push(respond(id, &answers.grant)),
            Verdict::Refuse(why) => {
                turn.refused = Some(why.to_owned());
                moves.push(respond(id, &answers.refuse));
            }
            Verdict::Ask => {
                self.n_asked += 1;
                self.wishes.insert(self.n_asked, Wish { id: id.clone(), answers });
                moves.push(Move::Ask(self.n_asked, permission::question(&told.title)));
            }
        }
        moves
    }

    /// A plan ends its turn: it is a person who lets it leave the mode, and later.
    fn note_plan(&mut self, call: &Call, id: &Value, answers: &Answers) -> Vec<Move> {
        let refused = respond(id, &answers.refuse);
        let (text, Some(turn)) = (call.plan(), &mut self.turn) else { return vec![refused] };
        if self.brief.goal == Goal::Work || text.trim().is_empty() {
            return vec![refused];
        }
        turn.plan = Some(text.clone());
        let mut moves = turn.then(AgentEvent::PlanProposed { text });
        moves.extend([refused, self.cancel()]);
        moves
    }

    fn cancel(&self) -> Move {
        let params = schema::cancel(&self.session);
        Move::Write(json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": params }).to_string())
    }

    /// Takes back what people were asked: the turn is over, or about to be.
    fn withdraw_all(&mut self) -> Vec<Move> {
        let wishes = std::mem::take(&mut self.wishes);
        let taken_back = |(asked, wish): (u64, Wish)| [Move::Withdraw(asked), respond(&wish.id, &schema::withdrawn())];
        wishes.into_iter().flat_map(taken_back).collect()
    }
}

impl Protocol for Acp {
    fn begin(&mut self) -> Vec<Move> {
        vec![self.request(Request::Initialize, "initialize", &schema::introduction())]
    }

    fn hear(&mut self, line: &str) -> Vec<Move> {
        let Ok(value) = serde_json::from_str::<Value>(line) else { return vec![Move::Garbage(line.to_owned())] };
        let (id, params) = (&value["id"], &value["params"]);
        match (value["method"].as_str(), id.is_null()) {
            (Some("session/update"), _) => self.hear_news(line, params),
            (Some("session/request_permission"), false) => self.hear_wish(id, params),
            (Some(method), false) => vec![unsupported(id, method)],
            // What begins so is somebody's extension and may be passed over.
            (Some(method), true) if method.starts_with(['_', '$']) => Vec::new(),
            (Some(_), true) => vec![Move::Tell(AgentEvent::Unknown { line: line.to_owned() })],
            (None, false) => {
                let Some(request) = id.as_u64().and_then(|id| self.requests.remove(&id)) else { return Vec::new() };
                match value.get("error") {
                    Some(error) => self.hear_refusal(request, error),
                    None => self.hear_answer(request, &value["result"]),
                }
            }
            (None, true) => vec![Move::Garbage(line.to_owned())],
        }
    }

    fn answer(&mut self, asked: u64, reply: &Reply) -> Vec<Move> {
        let Some(Wish { id, answers }) = self.wishes.remove(&asked) else { return Vec::new() };
        match permission::refusal(reply) {
            None => vec![respond(&id, &answers.grant)],
            // It takes no words with a refusal, so they are the next that it hears.
            Some(why) => {
                self.unsaid.push(why);
                vec![respond(&id, &answers.refuse)]
            }
        }
    }

    fn say(&mut self, text: &str) -> Vec<Move> {
        match (&self.turn, self.requests.is_empty()) {
            (None, true) if !self.session.is_empty() => vec![self.prompt(text)],
            _ => {
                self.unsaid.push(text.to_owned());
                Vec::new()
            }
        }
    }

    /// It hears nothing before its turn ends; what a person said or is asked, and a plan that is made, go before.
    fn nudge(&mut self, text: &str) -> Vec<Move> {
        let has_plan = self.turn.as_ref().is_some_and(|turn| turn.plan.is_some());
        if has_plan || self.interrupted.is_some() || !self.wishes.is_empty() {
            return Vec::new();
        }
        self.interrupt(text)
    }

    fn interrupt(&mut self, then: &str) -> Vec<Move> {
        if self.turn.is_none() {
            return if then.is_empty() { Vec::new() } else { self.say(then) };
        }
        self.interrupted = Some(then.to_owned());
        let mut moves = self.withdraw_all();
        moves.push(self.cancel());
        moves
    }
}

fn respond(id: &Value, result: &Value) -> Move {
    Move::Write(json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}

fn unsupported(id: &Value, method: &str) -> Move {
    let error = json!({ "code": -32601, "message": format!("{method} is not supported here") });
    Move::Write(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string())
}
