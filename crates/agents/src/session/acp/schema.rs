//! The words of the Agent Client Protocol, version 1. The only place that knows its crate: the crate is young, and its
//! types change.
//!
//! Only its types are used. Its runtime wants handlers that outlive the session and loses what it does not know; here a
//! line stays a line, and the conversation is a [`Protocol`](crate::session::protocol::Protocol) like the others.

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::schema as v1;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::agent::ToolServer;
use super::super::event::{TodoEntry, ToolCall, ToolKind, ToolStatus};
use super::super::telling::below;
use super::super::turn::last_chars;

/// Characters of what a tool printed that an event keeps: its last lines say how it went.
const OUTPUT_CHARS_MAX: usize = 4_000;

/// Where agents put the exit code of a command, which they call completed however it ended.
const EXIT_CODES: [&str; 2] = ["/metadata/exit", "/contents/0/exitCode"];

fn value_of(params: impl Serialize) -> Value {
    serde_json::to_value(params).expect("the protocol's messages have text keys only")
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// What we say of ourselves: no files and no terminals are offered, because the agent has its own in the cage.
pub(super) fn introduction() -> Value {
    let us = v1::Implementation::new("downbeat", env!("CARGO_PKG_VERSION"));
    value_of(v1::InitializeRequest::new(ProtocolVersion::V1).client_info(us))
}

/// What an agent says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Able {
    pub name: String,
    /// By which request a session is taken up again, if by any. One that tells nothing of the past is better.
    pub resumes_by: Option<&'static str>,
}

/// The agent's own introduction, unless it speaks another version.
pub(super) fn able(answer: &Value) -> Option<Able> {
    let answer: v1::InitializeResponse = read(answer)?;
    let can = &answer.agent_capabilities;
    let loads = can.load_session.then_some("session/load");
    let resumes_by = can.session_capabilities.resume.as_ref().map(|_| "session/resume").or(loads);
    let name = answer.agent_info.map(|info| info.name).unwrap_or_default();
    (answer.protocol_version == ProtocolVersion::V1).then_some(Able { name, resumes_by })
}

/// A session in this tree: the one of before, or a new one.
pub(super) fn session(before: Option<&str>, tree: &str, tools: Option<&ToolServer>) -> Value {
    let servers: Vec<_> = tools.into_iter().map(server).collect();
    match before {
        Some(before) => value_of(v1::LoadSessionRequest::new(before.to_owned(), tree).mcp_servers(servers)),
        None => value_of(v1::NewSessionRequest::new(tree).mcp_servers(servers)),
    }
}

fn server(tools: &ToolServer) -> v1::McpServer {
    let (program, args) = tools.command.split_first().map_or(("", &[][..]), |(one, rest)| (one.as_str(), rest));
    let env = tools.env.iter().map(|(name, value)| v1::EnvVariable::new(name, value)).collect();
    v1::McpServer::Stdio(v1::McpServerStdio::new(&tools.name, program).args(args.to_vec()).env(env))
}

/// A prompt.
pub(super) fn prompt(session: &str, text: &str) -> Value {
    value_of(v1::PromptRequest::new(session.to_owned(), vec![text.to_owned().into()]))
}

/// The end of a prompt before its time.
pub(super) fn cancel(session: &str) -> Value {
    value_of(v1::CancelNotification::new(session.to_owned()))
}

/// Something of a session that can be chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    /// The option of the config that it is, where it is one.
    option: Option<String>,
    pub current: String,
    /// By their values, with what they are called.
    pub offered: Vec<(String, String)>,
}

impl Choice {
    /// The value that somebody means by a word: the value itself, the end of one that is an address, or its name.
    pub(super) fn meant_by(&self, word: &str) -> Option<&str> {
        let is_meant = |(value, name): &&(String, String)| {
            value == word || value.rsplit(['#', '/']).next() == Some(word) || name.eq_ignore_ascii_case(word)
        };
        self.offered.iter().find(is_meant).map(|(value, _)| value.as_str())
    }

    /// The request that chooses a value.
    pub(super) fn choose(&self, session: &str, value: &str) -> (&'static str, Value) {
        let (session, value) = (session.to_owned(), value.to_owned());
        match &self.option {
            Some(option) => {
                let value = v1::SessionConfigValueId::new(value);
                let params = v1::SetSessionConfigOptionRequest::new(session, option.clone(), value);
                ("session/set_config_option", value_of(params))
            }
            None => ("session/set_mode", value_of(v1::SetSessionModeRequest::new(session, value))),
        }
    }
}

/// A session that began.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun {
    /// Its id; empty when one was taken up again.
    pub session: String,
    pub mode: Choice,
    pub model: Choice,
}

/// The session that an answer tells of.
pub(super) fn begun(answer: &Value) -> Begun {
    let options: Vec<v1::SessionConfigOption> = read(&answer["configOptions"]).unwrap_or_default();
    let option =
        |category| options.iter().find(|option| option.category.as_ref() == Some(&category)).and_then(choice_of);
    let modes: Option<v1::SessionModeState> = read(&answer["modes"]);
    let modes = modes.map(|modes| Choice {
        option: None,
        current: modes.current_mode_id.to_string(),
        offered: modes.available_modes.into_iter().map(|mode| (mode.id.to_string(), mode.name)).collect(),
    });
    let mut model = option(v1::SessionConfigOptionCategory::Model).unwrap_or_default();
    if model.current.is_empty() {
        // Not in the protocol; told by those that had it before options were.
        model.current = answer["models"]["currentModelId"].as_str().unwrap_or_default().to_owned();
    }
    Begun {
        session: answer["sessionId"].as_str().unwrap_or_default().to_owned(),
        mode: modes.or_else(|| option(v1::SessionConfigOptionCategory::Mode)).unwrap_or_default(),
        model,
    }
}

fn choice_of(option: &v1::SessionConfigOption) -> Option<Choice> {
    let v1::SessionConfigKind::Select(select) = &option.kind else { return None };
    let offered = match &select.options {
        v1::SessionConfigSelectOptions::Ungrouped(options) => options.clone(),
        v1::SessionConfigSelectOptions::Grouped(groups) => {
            groups.iter().flat_map(|group| group.options.clone()).collect()
        }
        _ => Vec::new(),
    };
    Some(Choice {
        option: Some(option.id.to_string()),
        current: select.current_value.to_string(),
        offered: offered.into_iter().map(|option| (option.value.to_string(), option.name)).collect(),
    })
}

/// What an update of a session tells.
pub(super) enum News {
    /// A piece of a message; pieces with different ids are of different ones.
    Said {
        text: String,
        message: String,
    },
    Thought(String),
    Call(Box<Change>),
    Todo(Vec<TodoEntry>),
    Mode(String),
    /// What the session cost up to now, in millionths of a dollar.
    Cost(u64),
    /// What says nothing to people.
    Nothing,
}

/// The news of an update; none where this release does not know it.
pub(super) fn news_in(params: &Value) -> Option<News> {
    use v1::SessionUpdate as Update;
    Some(match read(&params["update"])? {
        // An agent's word about itself is no word of the model.
        Update::AgentMessageChunk(chunk) if is_aside(&params["update"]) => News::Thought(words_of(&chunk.content)),
        Update::AgentMessageChunk(chunk) => {
            let message = chunk.message_id.as_ref().map(ToString::to_string).unwrap_or_default();
            News::Said { text: words_of(&chunk.content), message }
        }
        Update::AgentThoughtChunk(chunk) => News::Thought(words_of(&chunk.content)),
        Update::ToolCall(call) => News::Call(Box::new(Change(call.into()))),
        Update::ToolCallUpdate(update) => News::Call(Box::new(Change(update))),
        Update::Plan(plan) => News::Todo(plan.entries.iter().map(entry_of).collect()),
        Update::CurrentModeUpdate(update) => News::Mode(update.current_mode_id.to_string()),
        Update::UsageUpdate(update) => match update.cost {
            Some(cost) if cost.currency == "USD" && cost.amount >= 0.0 => {
                News::Cost((cost.amount * 1e6).round() as u64)
            }
            Some(_) | None => News::Nothing,
        },
        _ => News::Nothing,
    })
}

fn is_aside(update: &Value) -> bool {
    update.pointer("/_meta/claudeCode/kind").is_some_and(|kind| kind == "informational")
}

fn words_of(content: &v1::ContentBlock) -> String {
    match content {
        v1::ContentBlock::Text(text) => text.text.clone(),
        v1::ContentBlock::ResourceLink(link) => link.uri.clone(),
        _ => String::new(),
    }
}

fn entry_of(entry: &v1::PlanEntry) -> TodoEntry {
    let status = match entry.status {
        v1::PlanEntryStatus::InProgress => ToolStatus::Running,
        v1::PlanEntryStatus::Completed => ToolStatus::Completed,
        _ => ToolStatus::Pending,
    };
    TodoEntry { text: entry.content.clone(), status }
}

/// Something new about a tool call.
pub(super) struct Change(v1::ToolCallUpdate);

impl Change {
    /// Whose.
    pub(super) fn id(&self) -> String {
        self.0.tool_call_id.to_string()
    }
}

/// A tool call as far as it is told.
#[derive(Clone, Debug)]
pub(super) struct Call(v1::ToolCall);

impl Call {
    /// One of which nothing is known yet.
    pub(super) fn new(id: String) -> Self {
        Self(v1::ToolCall::new(id, ""))
    }

    pub(super) fn change(&mut self, change: Change) {
        self.0.update(change.0.fields);
    }

    /// Whether enough is known to tell people. Some agents announce a call before they know what it is.
    pub(super) fn is_told(&self) -> bool {
        let input = self.0.raw_input.as_ref().and_then(Value::as_object);
        let is_known = input.is_some_and(|input| {
            if self.0.kind == v1::ToolKind::Execute { input.contains_key("command") } else { !input.is_empty() }
        });
        is_known || self.0.status != v1::ToolCallStatus::Pending
    }

    /// Whether it is the wish to leave the mode for planning.
    pub(super) fn leaves_mode(&self) -> bool {
        self.0.kind == v1::ToolKind::SwitchMode
    }

    /// The words in it: a plan, where it is the wish to leave the mode for planning.
    pub(super) fn plan(&self) -> String {
        let input = self.0.raw_input.as_ref().and_then(|input| input["plan"].as_str());
        input.map_or_else(|| self.printed(), str::to_owned)
    }

    /// The call in our words. `ours` is the name of our own tools, which need nobody's leave.
    pub(super) fn in_our_words(&self, tree: &str, ours: Option<&str>) -> ToolCall {
        let command = self.0.raw_input.as_ref().and_then(|input| input["command"].as_str());
        let title = match (self.0.kind, command) {
            (v1::ToolKind::Execute, Some(command)) => command.to_owned(),
            _ => self.0.title.replace(&format!("{tree}/"), ""),
        };
        let is_ours = |name: &str| ours.is_some_and(|ours| name.contains(ours));
        let kind = match self.0.kind {
            v1::ToolKind::Other if is_ours(&title) || self.0.name.as_deref().is_some_and(is_ours) => ToolKind::Search,
            kind => kind_of(kind),
        };
        ToolCall {
            id: self.0.tool_call_id.to_string(),
            title,
            kind,
            status: self.status(),
            input: self.0.raw_input.as_ref().map(Value::to_string).unwrap_or_default(),
            output: last_chars(&self.printed(), OUTPUT_CHARS_MAX),
            paths: self.0.locations.iter().map(|at| below(tree, &at.path.display().to_string()).into()).collect(),
        }
    }

    fn status(&self) -> ToolStatus {
        let exit =
            self.0.raw_output.as_ref().and_then(|output| EXIT_CODES.iter().find_map(|at| output.pointer(at)?.as_i64()));
        match self.0.status {
            v1::ToolCallStatus::InProgress => ToolStatus::Running,
            v1::ToolCallStatus::Completed if exit.is_some_and(|code| code != 0) => ToolStatus::Failed,
            v1::ToolCallStatus::Completed => ToolStatus::Completed,
            v1::ToolCallStatus::Failed => ToolStatus::Failed,
            _ => ToolStatus::Pending,
        }
    }

    /// What it printed or answered.
    fn printed(&self) -> String {
        let words = self.0.content.iter().map(|content| match content {
            v1::ToolCallContent::Content(content) => words_of(&content.content),
            _ => String::new(),
        });
        let words = words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n");
        let raw = self.0.raw_output.as_ref().and_then(|raw| raw.as_str().or(raw["content"].as_str()));
        let words = if words.is_empty() { raw.unwrap_or_default() } else { &words };
        let fenced = words.strip_prefix("```\n").and_then(|words| words.strip_suffix("\n```"));
        let words = fenced.unwrap_or(words);
        // Copilot CLI counts its shells, which makes no two calls the same.
        let counted = words.rfind("<shellId: ").filter(|at| words[*at..].ends_with('>'));
        counted.map_or(words, |at| &words[..at]).to_owned()
    }
}

fn kind_of(kind: v1::ToolKind) -> ToolKind {
    match kind {
        v1::ToolKind::Read => ToolKind::Read,
        v1::ToolKind::Edit | v1::ToolKind::Delete | v1::ToolKind::Move => ToolKind::Edit,
        v1::ToolKind::Search | v1::ToolKind::Think => ToolKind::Search,
        v1::ToolKind::Execute => ToolKind::Execute,
        v1::ToolKind::Fetch => ToolKind::Fetch,
        other => {
            tracing::debug!(?other, "a kind of tool that is told as any other");
            ToolKind::Other
        }
    }
}

/// The wish to use a tool.
pub(super) struct Asked {
    pub change: Change,
    grant: Option<v1::PermissionOptionId>,
    refuse: Option<v1::PermissionOptionId>,
}

/// How a wish is answered.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    /// For this once where it can be: what is granted for ever is not asked about again.
    pub grant: Value,
    pub refuse: Value,
}

/// The wish in a request.
pub(super) fn asked_in(params: &Value) -> Option<Asked> {
    let request: v1::RequestPermissionRequest = read(params)?;
    let option = |kinds: [v1::PermissionOptionKind; 2]| {
        let of = |kind| request.options.iter().find(move |option| option.kind == kind);
        kinds.into_iter().find_map(of).map(|option| option.option_id.clone())
    };
    let grant = option([v1::PermissionOptionKind::AllowOnce, v1::PermissionOptionKind::AllowAlways]);
    let refuse = option([v1::PermissionOptionKind::RejectOnce, v1::PermissionOptionKind::RejectAlways]);
    Some(Asked { change: Change(request.tool_call), grant, refuse })
}

impl Asked {
    pub(super) fn answers(&self) -> Answers {
        let chosen = |option: &Option<v1::PermissionOptionId>| match option {
            Some(id) => outcome(v1::RequestPermissionOutcome::Selected(v1::SelectedPermissionOutcome::new(id.clone()))),
            None => withdrawn(),
        };
        Answers { grant: chosen(&self.grant), refuse: chosen(&self.refuse) }
    }
}

/// The answer to a wish of a turn that is over.
pub(super) fn withdrawn() -> Value {
    outcome(v1::RequestPermissionOutcome::Cancelled)
}

fn outcome(outcome: v1::RequestPermissionOutcome) -> Value {
    value_of(v1::RequestPermissionResponse::new(outcome))
}

/// Why a turn stopped, in the protocol's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    AtItsEnd,
    AtALimit,
    Refused,
    Cancelled,
}

/// Why the turn of this answer stopped.
pub(super) fn stopped(answer: &Value) -> Option<Stopped> {
    Some(match read(&answer["stopReason"])? {
        v1::StopReason::EndTurn => Stopped::AtItsEnd,
        v1::StopReason::Refusal => Stopped::Refused,
        v1::StopReason::Cancelled => Stopped::Cancelled,
        other => {
            tracing::debug!(?other, "a turn stopped at a limit");
            Stopped::AtALimit
        }
    })
}
