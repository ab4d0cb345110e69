//! Codex, by its app-server: JSON-RPC lines both ways on its standard streams.
//!
//! Spoken with 0.169.0. A thread is its session and a turn ours; what people say meanwhile steers the turn, and what
//! comes too late begins the next. In plan mode the plan is an item of its own. Its totals go on over a thread.

mod items;
mod outcome;
mod wishes;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::agent::ToolServer;
use super::event::{AgentEvent, StopReason};
use super::people::Reply;
use super::protocol::{Brief, Ending, Goal, Memory, Meter, Move, Protocol};
use items::text_at;
use wishes::Wish;

/// The conversation with one app-server.
pub(super) struct Codex {
    brief: Brief,
    meter: Meter,
    n_requests: u64,
    /// What we asked and it has not answered.
    requests: BTreeMap<u64, Request>,
    thread: String,
    model: String,
    /// The turn that is under way.
    turn: Option<String>,
    plan: Option<String>,
    /// Its last words in this turn.
    said: String,
    wishes: BTreeMap<u64, Wish>,
    n_asked: u64,
    interrupted: Option<String>,
}

/// Seconds that one of our tools may take. A question waits for people up to four minutes, and Codex would end it at five.
const TOOL_TIMEOUT_S: &str = "600";

/// What a request of ours was for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Request {
    Initialize,
    Resume,
    StartThread,
    StartTurn,
    Steer(String),
    Interrupt,
}

impl Codex {
    /// A conversation by this brief.
    pub(super) fn new(brief: Brief) -> Self {
        Self {
            meter: Meter::from(brief.memory.as_ref()),
            brief,
            n_requests: 0,
            requests: BTreeMap::new(),
            thread: String::new(),
            model: String::new(),
            turn: None,
            plan: None,
            said: String::new(),
            wishes: BTreeMap::new(),
            n_asked: 0,
            interrupted: None,
        }
    }

    /// The arguments by which the program is told of our tools. Only these are granted without a question.
    pub(super) fn arguments(tools: Option<&ToolServer>) -> Vec<String> {
        let Some(tools) = tools else { return Vec::new() };
        let (program, args) = tools.command.split_first().map_or(("", &[][..]), |(one, rest)| (one.as_str(), rest));
        let of = |key: &str, value: &str| ["-c".to_owned(), format!("mcp_servers.{}.{key}={value}", tools.name)];
        // A text of JSON without control characters is one of TOML; a table is not, so each variable is set by itself.
        let mut settings: Vec<_> = [
            of("command", &json!(program).to_string()),
            of("args", &json!(args).to_string()),
            of("default_tools_approval_mode", "\"approve\""),
            of("tool_timeout_sec", TOOL_TIMEOUT_S),
        ]
        .concat();
        let env = tools.env.iter().flat_map(|(name, value)| of(&format!("env.{name}"), &json!(value).to_string()));
        settings.extend(env);
        settings
    }

    fn request(&mut self, request: Request, method: &str, params: &Value) -> Move {
        self.n_requests += 1;
        self.requests.insert(self.n_requests, request);
        Move::Write(json!({ "id": self.n_requests, "method": method, "params": params }).to_string())
    }

    /// The thread of before, or a new one.
    fn find_thread(&mut self) -> Move {
        // The sandbox is ours; one of its own inside would refuse what the cage allows.
        let mut params = json!({
            "cwd": self.brief.tree, "approvalPolicy": wishes::policy(self.brief.leave), "sandbox": "danger-full-access",
        });
        if let Some(model) = &self.brief.model {
            params["model"] = model.clone().into();
        }
        match &self.brief.memory {
            Some(memory) => {
                params["threadId"] = memory.session.clone().into();
                params["excludeTurns"] = true.into();
                self.request(Request::Resume, "thread/resume", &params)
            }
            None => self.request(Request::StartThread, "thread/start", &params),
        }
    }

    fn start_turn(&mut self, text: &str) -> Move {
        let mode = match self.brief.goal {
            Goal::Plan => "plan",
            Goal::Work => "default",
        };
        let settings = json!({ "model": self.model, "developer_instructions": null, "reasoning_effort": null });
        let params = json!({
            "threadId": self.thread, "input": input(text), "collaborationMode": { "mode": mode, "settings": settings },
        });
        self.request(Request::StartTurn, "turn/start", &params)
    }

    fn hear_answer(&mut self, request: &Request, answer: &Value) -> Vec<Move> {
        match request {
            Request::Initialize => {
                vec![Move::Write(json!({ "method": "initialized" }).to_string()), self.find_thread()]
            }
            Request::Resume | Request::StartThread => self.begin_thread(answer),
            Request::StartTurn => {
                self.turn = Some(text_at(answer, "/turn/id").to_owned());
                Vec::new()
            }
            Request::Steer(_) | Request::Interrupt => Vec::new(),
        }
    }

    fn begin_thread(&mut self, answer: &Value) -> Vec<Move> {
        self.thread = text_at(answer, "/thread/id").to_owned();
        self.model = text_at(answer, "/model").to_owned();
        let started = AgentEvent::Started { session: self.thread.clone(), model: Some(self.model.clone()) };
        let prompt = self.brief.prompt.clone();
        vec![Move::Tell(started), self.remember(), self.start_turn(&prompt)]
    }

    fn hear_refusal(&mut self, request: &Request, error: &Value) -> Vec<Move> {
        let why = text_at(error, "/message");
        match request {
            Request::Resume => vec![Move::End(Ending::Forgotten)],
            // The turn ended before the words came.
            Request::Steer(text) => vec![self.start_turn(text)],
            Request::Interrupt => Vec::new(),
            Request::Initialize | Request::StartThread | Request::StartTurn => outcome::broken(error, why),
        }
    }

    fn remember(&self) -> Move {
        Move::Remember(Memory { session: self.thread.clone(), used: self.meter.totals(), model: None })
    }

    fn hear_news(&mut self, line: &str, method: &str, params: &Value) -> Vec<Move> {
        match method {
            "turn/started" => {
                self.turn = Some(text_at(params, "/turn/id").to_owned());
                Vec::new()
            }
            "item/started" | "item/completed" => self.hear_item(line, method, &params["item"]),
            "turn/plan/updated" => vec![Move::Tell(AgentEvent::Todo { entries: items::todo_in(params) })],
            "thread/tokenUsage/updated" => self.hear_usage(params),
            "error" if params["willRetry"] == true => vec![Move::Tell(outcome::retrying(&params["error"]))],
            // The turn's own end says it again.
            "error" => Vec::new(),
            "turn/completed" => self.hear_end(&params["turn"]),
            "warning" | "configWarning" | "deprecationNotice" => {
                let text = [text_at(params, "/message"), text_at(params, "/summary")].concat();
                vec![Move::Tell(AgentEvent::Thought { text })]
            }
            "serverRequest/resolved" => self.withdraw(&params["requestId"]),
            known if items::is_silent(known) => Vec::new(),
            _ => vec![unknown(line)],
        }
    }

    fn hear_item(&mut self, line: &str, method: &str, item: &Value) -> Vec<Move> {
        // An item that began has only its first words; those of calls are worth telling.
        let is_over = method == "item/completed";
        match text_at(item, "/type") {
            "agentMessage" if is_over => {
                let text = text_at(item, "/text").to_owned();
                self.said.clone_from(&text);
                said(text)
            }
            "reasoning" if is_over => items::thought_in(item).into_iter().map(Move::Tell).collect(),
            "plan" if is_over => {
                let text = text_at(item, "/text").to_owned();
                self.plan = Some(text.clone());
                vec![Move::Tell(AgentEvent::PlanProposed { text })]
            }
            kind if items::SILENT_ITEMS.contains(&kind) => Vec::new(),
            _ => match items::call_of(item, &self.brief.tree) {
                Some(call) => vec![Move::Tell(AgentEvent::ToolCall(call))],
                None if is_over => vec![unknown(line)],
                None => Vec::new(),
            },
        }
    }

    fn hear_usage(&mut self, params: &Value) -> Vec<Move> {
        let total = items::usage_in(&params["tokenUsage"]["total"], &self.model);
        let used = self.meter.since(total).map(|used| Move::Tell(AgentEvent::Used(used)));
        used.into_iter().chain([self.remember()]).collect()
    }

    fn hear_end(&mut self, turn: &Value) -> Vec<Move> {
        self.turn = None;
        let said = std::mem::take(&mut self.said);
        if let Some(then) = self.interrupted.take() {
            let ended = AgentEvent::TurnEnded { reason: StopReason::Interrupted, text: said };
            let next = if then.is_empty() { Move::End(Ending::Interrupted) } else { self.start_turn(&then) };
            return vec![Move::Tell(ended), next];
        }
        match text_at(turn, "/status") {
            "completed" => {
                let ending = match (self.brief.goal, self.plan.take()) {
                    (Goal::Plan, plan) => Ending::Planned(plan.unwrap_or_else(|| said.clone())),
                    (Goal::Work, _) => Ending::Done(said.clone()),
                };
                vec![Move::Tell(AgentEvent::TurnEnded { reason: StopReason::Done, text: said }), Move::End(ending)]
            }
            "interrupted" => vec![Move::End(Ending::fault("interrupted itself"))],
            _ => outcome::broken(&turn["error"], text_at(turn, "/error/message")),
        }
    }
}

impl Protocol for Codex {
    fn begin(&mut self) -> Vec<Move> {
        let client = json!({ "name": "downbeat", "title": "Downbeat", "version": env!("CARGO_PKG_VERSION") });
        // Plan mode is called experimental, and nothing else of that is used.
        let params = json!({ "clientInfo": client, "capabilities": { "experimentalApi": true } });
        vec![self.request(Request::Initialize, "initialize", &params)]
    }

    fn hear(&mut self, line: &str) -> Vec<Move> {
        let Ok(value) = serde_json::from_str::<Value>(line) else { return vec![Move::Garbage(line.to_owned())] };
        match (value.get("method").and_then(Value::as_str), value.get("id")) {
            (Some(method), Some(id)) => self.hear_wish(method, id, &value["params"]),
            (Some(method), None) => self.hear_news(line, method, &value["params"]),
            (None, Some(id)) => {
                let Some(request) = id.as_u64().and_then(|id| self.requests.remove(&id)) else { return Vec::new() };
                match value.get("error") {
                    Some(error) => self.hear_refusal(&request, error),
                    None => self.hear_answer(&request, &value["result"]),
                }
            }
            (None, None) => vec![Move::Garbage(line.to_owned())],
        }
    }

    fn answer(&mut self, asked: u64, reply: &Reply) -> Vec<Move> {
        self.grant(asked, reply)
    }

    fn say(&mut self, text: &str) -> Vec<Move> {
        match self.turn.clone() {
            Some(turn) => {
                let params = json!({ "threadId": self.thread, "expectedTurnId": turn, "input": input(text) });
                vec![self.request(Request::Steer(text.to_owned()), "turn/steer", &params)]
            }
            None if self.thread.is_empty() => {
                self.brief.prompt.push_str(&format!("\n\n{text}"));
                Vec::new()
            }
            None => vec![self.start_turn(text)],
        }
    }

    fn interrupt(&mut self, then: &str) -> Vec<Move> {
        let Some(turn) = self.turn.clone() else { return if then.is_empty() { Vec::new() } else { self.say(then) } };
        self.interrupted = Some(then.to_owned());
        let params = json!({ "threadId": self.thread, "turnId": turn });
        vec![self.request(Request::Interrupt, "turn/interrupt", &params)]
    }
}

fn input(text: &str) -> Value {
    json!([{ "type": "text", "text": text, "text_elements": [] }])
}

fn said(text: String) -> Vec<Move> {
    if text.is_empty() { Vec::new() } else { vec![Move::Tell(AgentEvent::Said { text })] }
}

fn unknown(line: &str) -> Move {
    Move::Tell(AgentEvent::Unknown { line: line.to_owned() })
}

#[cfg(test)]
mod tests;
