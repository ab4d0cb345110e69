//! Claude Code, by its control channel: JSON lines both ways on its standard streams.
//!
//! Spoken with 2.1.330. A plan comes as the wish to use the tool `ExitPlanMode`, a question as the wish to use
//! `AskUserQuestion`; both are answered like any other wish. What people say meanwhile is a further user line with an id
//! of ours, and a result names the ids that it heard. Totals of tokens and cost go on over turns and resumed sessions.

mod lines;
mod outcome;
mod todo;
mod wishes;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::agent::ToolServer;
use super::event::{AgentEvent, StopReason, ToolCall};
use super::people::Reply;
use super::permission::Leave;
use super::protocol::{Brief, Ending, Goal, Memory, Meter, Move, Protocol};
use lines::text_at;
use outcome::Trouble;
use todo::TodoList;
use wishes::Wish;

/// The conversation with one process of Claude Code.
pub(super) struct Claude {
    brief: Brief,
    meter: Meter,
    session: String,
    plan: Option<String>,
    /// Calls that are under way, by id.
    calls: BTreeMap<String, ToolCall>,
    todo: TodoList,
    /// Questions that people were asked, by our number.
    wishes: BTreeMap<u64, Wish>,
    n_asked: u64,
    /// Calls that we or a person refused, which is no fault of the agent.
    refused: BTreeSet<String>,
    trouble: Option<Trouble>,
    /// What we said beside the prompt and no result has named yet.
    unheard: BTreeSet<String>,
    n_said: usize,
    n_results: usize,
    /// What it goes on with after an interruption that is under way.
    interrupted: Option<String>,
}

/// Calls at one time that are remembered. More are told without their titles.
const CALLS_MAX: usize = 500;

impl Claude {
    /// A conversation by this brief.
    pub(super) fn new(brief: Brief) -> Self {
        Self {
            meter: Meter::from(brief.memory.as_ref()),
            brief,
            session: String::new(),
            plan: None,
            calls: BTreeMap::new(),
            todo: TodoList::default(),
            wishes: BTreeMap::new(),
            n_asked: 0,
            refused: BTreeSet::new(),
            trouble: None,
            unheard: BTreeSet::new(),
            n_said: 0,
            n_results: 0,
            interrupted: None,
        }
    }

    /// The arguments by which the program is told to speak so.
    pub(super) fn arguments(brief: &Brief, tools: Option<&ToolServer>) -> Vec<String> {
        // With `acceptEdits` it also runs `touch` and the like without a word.
        let mode = match (brief.goal, brief.leave) {
            (Goal::Plan, _) => "plan",
            (Goal::Work, Leave::Caged) => "acceptEdits",
            (Goal::Work, Leave::Looking) => "default",
        };
        let fixed = [
            "-p",
            "--input-format",
            "stream-json",
            "--output-format",
            "stream-json",
            "--verbose",
            "--permission-prompt-tool",
            "stdio",
            // A repository's own settings run hooks, start servers and send the key elsewhere.
            "--setting-sources",
            "user",
            "--strict-mcp-config",
            // While it plans it would have a classifier judge commands and tools, which runs nowhere but at its maker's.
            "--settings",
            r#"{"useAutoModeDuringPlan":false}"#,
            "--permission-mode",
            mode,
        ];
        let mut arguments: Vec<String> = fixed.map(str::to_owned).to_vec();
        for (flag, value) in
            [("--model", brief.model.as_ref()), ("--resume", brief.memory.as_ref().map(|memory| &memory.session))]
        {
            arguments.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value.clone()]));
        }
        if let Some(tools) = tools {
            let (program, args) = tools.command.split_first().map_or(("", &[][..]), |(one, rest)| (one.as_str(), rest));
            let server = json!({ "type": "stdio", "command": program, "args": args, "env": tools.env });
            let servers = json!({ "mcpServers": { &tools.name: server } });
            arguments.extend(["--mcp-config".to_owned(), servers.to_string()]);
        }
        arguments
    }

    /// An id that this session has not had before, without chance: the same history gives the same id.
    fn fresh_id(&self) -> String {
        let memory = serde_json::to_string(&self.brief.memory).unwrap_or_default();
        let hash = Sha256::digest(format!("{memory}\n{}\n{}", self.brief.prompt, self.n_said));
        let hex: String = hash.iter().take(15).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
    }

    fn hear_system(&mut self, line: &str, value: &Value) -> Vec<Move> {
        match text_at(value, "/subtype") {
            "init" => self.hear_init(value),
            "api_retry" => vec![Move::Tell(Trouble::of_retry(value).retrying())],
            known if lines::SILENT_SYSTEM.contains(&known) => Vec::new(),
            _ => vec![unknown(line)],
        }
    }

    /// Comes with every turn; only the first begins the session.
    fn hear_init(&mut self, value: &Value) -> Vec<Move> {
        let session = text_at(value, "/session_id").to_owned();
        if session.is_empty() || session == self.session {
            return Vec::new();
        }
        self.session.clone_from(&session);
        let model = value.pointer("/model").and_then(Value::as_str).map(str::to_owned);
        vec![Move::Tell(AgentEvent::Started { session, model }), self.remember()]
    }

    fn remember(&self) -> Move {
        Move::Remember(Memory { session: self.session.clone(), used: self.meter.totals(), model: None })
    }

    fn hear_assistant(&mut self, value: &Value) -> Vec<Move> {
        if let Some(trouble) = Trouble::of_message(value) {
            self.trouble = Some(trouble);
            return Vec::new();
        }
        let is_subagent = value.pointer("/parent_tool_use_id").is_some_and(|parent| !parent.is_null());
        let mut moves = Vec::new();
        for block in lines::blocks(value) {
            match text_at(block, "/type") {
                "text" if is_subagent => {}
                "text" => moves.push(Move::Tell(AgentEvent::Said { text: text_at(block, "/text").to_owned() })),
                "thinking" => {
                    let text = text_at(block, "/thinking").to_owned();
                    moves.extend((!text.is_empty()).then_some(Move::Tell(AgentEvent::Thought { text })));
                }
                "tool_use" | "server_tool_use" => moves.extend(self.hear_tool_use(block)),
                _ => {}
            }
        }
        moves
    }

    fn hear_tool_use(&mut self, block: &Value) -> Option<Move> {
        let name = text_at(block, "/name");
        if wishes::is_a_word_to_us(name) {
            return None;
        }
        if let Some(entries) = lines::todo_in(block) {
            return Some(Move::Tell(AgentEvent::Todo { entries }));
        }
        if let Some(list) = self.todo.hear_call(block) {
            return list.map(|entries| Move::Tell(AgentEvent::Todo { entries }));
        }
        let call = lines::call_of(block, &self.brief.tree);
        if self.brief.goal == Goal::Plan && lines::is_of_the_plan(&call) {
            return None;
        }
        if self.calls.len() < CALLS_MAX {
            self.calls.insert(call.id.clone(), call.clone());
        }
        Some(Move::Tell(AgentEvent::ToolCall(call)))
    }

    /// What came of calls. Everything else in a user line is our own words, said back.
    fn hear_user(&mut self, value: &Value) -> Vec<Move> {
        let results = lines::blocks(value).filter(|block| text_at(block, "/type") == "tool_result");
        let ended = results.filter_map(|block| {
            if let Some(entries) = self.todo.hear_result(block) {
                return Some(Move::Tell(AgentEvent::Todo { entries }));
            }
            let call = self.calls.remove(text_at(block, "/tool_use_id"))?;
            Some(Move::Tell(AgentEvent::ToolCall(lines::ended(call, block))))
        });
        ended.collect()
    }

    fn hear_result(&mut self, value: &Value) -> Vec<Move> {
        self.n_results += 1;
        self.calls.clear();
        let mut moves: Vec<Move> = outcome::used_in(value)
            .filter_map(|total| self.meter.since(total))
            .map(|used| Move::Tell(AgentEvent::Used(used)))
            .collect();
        if !self.session.is_empty() {
            moves.push(self.remember());
        }
        for id in value.pointer("/user_message_uuids").and_then(Value::as_array).into_iter().flatten() {
            self.unheard.remove(id.as_str().unwrap_or_default());
        }
        if let Some(then) = self.interrupted.take() {
            moves.push(Move::Tell(AgentEvent::TurnEnded { reason: StopReason::Interrupted, text: String::new() }));
            if then.is_empty() {
                moves.push(Move::End(Ending::Interrupted));
            } else {
                moves.extend(self.say(&then));
            }
            return moves;
        }
        // What was said too late for this turn begins another by itself.
        let another_follows = !self.unheard.is_empty() && self.n_results <= self.n_said;
        let ending = outcome::ending_of(value, self);
        let is_broken = matches!(ending, Ending::Broke { .. } | Ending::Forgotten);
        if is_broken || !another_follows {
            moves.extend(outcome::last_word(value, &ending));
            moves.push(Move::End(ending));
        }
        moves
    }
}

impl Protocol for Claude {
    fn begin(&mut self) -> Vec<Move> {
        let initialize = json!({
            "type": "control_request", "request_id": "downbeat-1", "request": { "subtype": "initialize", "hooks": null },
        });
        vec![Move::Write(initialize.to_string()), Move::Write(user_line(&self.brief.prompt, None))]
    }

    fn hear(&mut self, line: &str) -> Vec<Move> {
        let Ok(value) = serde_json::from_str::<Value>(line) else { return vec![Move::Garbage(line.to_owned())] };
        match text_at(&value, "/type") {
            "system" => self.hear_system(line, &value),
            "assistant" => self.hear_assistant(&value),
            "user" => self.hear_user(&value),
            "result" => self.hear_result(&value),
            "control_request" => self.hear_wish(&value),
            "control_cancel_request" => self.withdraw(text_at(&value, "/request_id")),
            "control_response" => outcome::refused_control(&value).map(Move::End).into_iter().collect(),
            known if lines::SILENT.contains(&known) => Vec::new(),
            "" => vec![Move::Garbage(line.to_owned())],
            _ => vec![unknown(line)],
        }
    }

    fn answer(&mut self, asked: u64, reply: &Reply) -> Vec<Move> {
        self.grant(asked, reply)
    }

    fn say(&mut self, text: &str) -> Vec<Move> {
        let id = self.fresh_id();
        self.n_said += 1;
        let line = user_line(text, Some(&id));
        self.unheard.insert(id);
        vec![Move::Write(line)]
    }

    fn interrupt(&mut self, then: &str) -> Vec<Move> {
        self.interrupted = Some(then.to_owned());
        let request = json!({
            "type": "control_request", "request_id": format!("downbeat-stop-{}", self.n_results),
            "request": { "subtype": "interrupt" },
        });
        vec![Move::Write(request.to_string())]
    }
}

fn unknown(line: &str) -> Move {
    Move::Tell(AgentEvent::Unknown { line: line.to_owned() })
}

fn user_line(text: &str, id: Option<&str>) -> String {
    let mut line = json!({
        "type": "user", "message": { "role": "user", "content": text }, "parent_tool_use_id": null, "session_id": "",
    });
    if let Some(id) = id {
        line["uuid"] = id.into();
    }
    line.to_string()
}

#[cfg(test)]
mod tests;
