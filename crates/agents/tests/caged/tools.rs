//! An agent's tools, reached from inside the cage through the program that carries its words.

use std::sync::Arc;

use agents::cage::{ProgressSink, SilentSink};
use agents::session::Unattended;
use agents::task::{PlanMode, Request, Task, Waits};
use agents::tools::{Claims, Desks, Spoken, Threads};
use async_trait::async_trait;
use domain::{Clock, ThreadRef, Timestamp};
use serde_json::{Value, json};
use store::{Store, StoreSettings};
use tokio_util::sync::CancellationToken;

use crate::Case;
use crate::world::{OFF, STANDARD, WITHOUT_NAMESPACES, World, block_on};

pub const CASES: &[Case] = &[("tools::an_agent_reaches_its_tools_from_inside", an_agent_reaches_its_tools_from_inside)];

struct Quiet;

#[async_trait]
impl Threads for Quiet {
    async fn read(&self, _thread: &ThreadRef, _count_max: usize) -> Result<Vec<Spoken>, String> {
        Ok(vec![Spoken { by: "ana".to_owned(), text: "be kind".to_owned() }])
    }
}

impl Clock for Quiet {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

fn task() -> Task {
    let request = Request {
        text: "fix the login".to_owned(),
        repo: "web".parse().unwrap(),
        target: "main".parse().unwrap(),
        agent: "coder".to_owned(),
        model: None,
        plan: PlanMode::Ask,
        merges_itself: false,
        requester: "ana".parse().unwrap(),
        thread: ThreadRef::console("t"),
        message: None,
        budget_micros: None,
        repo_because: String::new(),
        context: String::new(),
        receipt: String::new(),
        pictures: None,
        waits: Waits::default(),
    };
    Task::submit("T-1".parse().unwrap(), request, Timestamp::default()).state
}

/// What an agent says that calls one tool and goes.
fn one_call(tool: &str) -> Vec<u8> {
    let client = json!({ "name": "test", "version": "1" });
    let introduction = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    let lines = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": introduction }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": tool, "arguments": {} } }),
    ];
    lines.map(|line| format!("{line}\n")).concat().into_bytes()
}

fn an_agent_reaches_its_tools_from_inside() {
    for level in [OFF, STANDARD, WITHOUT_NAMESPACES] {
        let world = World::new(level);
        let ended = block_on(async {
            let settings = StoreSettings::new(format!("sqlite:{}", world.outside().join("db").display()));
            let store = Store::open(&settings, Arc::new(Quiet)).await.unwrap();
            let program = "/proc/self/exe".into();
            let desks = Desks { program, threads: Arc::new(Quiet), claims: Arc::new(Claims::default()), store };
            let progress: Arc<dyn ProgressSink> = Arc::new(SilentSink);
            let desk = desks.open(task(), Arc::new(Unattended), progress, &world.private()).unwrap();
            let offer = desk.offer();
            let mut order = world.cage.order(offer.command, world.tree(), world.private());
            (order.read, order.env, order.input) = (offer.read, offer.env, one_call("read_thread"));
            let (stop, sink) = (CancellationToken::new(), SilentSink);
            desk.serve_during(world.cage.run(order, &stop, &sink)).await
        });
        let answers: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told =
            answers.iter().find(|answer| answer["id"] == 2).map(|answer| &answer["result"]["content"][0]["text"]);
        let told = told.and_then(Value::as_str).unwrap_or_else(|| panic!("{level:?}: {ended:?}"));
        assert!(told.ends_with("- ana said: be kind"), "{level:?}: {told}");
    }
}
