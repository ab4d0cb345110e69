//! The agents over the Agent Client Protocol, spoken by hand: what they do, beside what our driver makes of it.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};

use serde_json::{Value, json};
use tests::model::Model;

use crate::program::Program;

const FAREWELL: &str = r#"
[[task]]
says = "farewell"
work = [
  { do = [{ write = { path = "farewell.txt", text = "bye\n" } }] },
  { do = [{ shell = "cat farewell.txt > again.txt" }] },
  { say = "There is a farewell now." },
]
"#;

/// An agent that is asked for permission gets it, changes a file, runs a command, and ends its turn.
pub fn a_change_is_made_over_acp(program: Program) {
    let model = Model::of(FAREWELL);
    let place = program.place(&model);
    let mut command = place.command(&model);
    command
        .args(program.acp.expect("it speaks ACP"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut agent = command.spawn().unwrap();
    let mut asking = agent.stdin.take().unwrap();
    let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines().map(Result::unwrap);

    let mut ask = |id: u32, method: &str, params: Value| {
        send(&mut asking, &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let mut updates = Vec::new();
        for line in lines.by_ref() {
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            if message["method"] == "session/request_permission" {
                allow(&mut asking, &message);
            } else if message["method"].is_string() {
                updates.push(line);
            } else if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return (message["result"].clone(), updates.join("\n"));
            }
        }
        panic!("{method} is not answered; before came\n{}", updates.join("\n"));
    };
    ask(1, "initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} }));
    let (session, _) = ask(2, "session/new", json!({ "cwd": place.repository(), "mcpServers": [] }));
    let words = [json!({ "type": "text", "text": "Add a farewell." })];
    let (ended, updates) = ask(3, "session/prompt", json!({ "sessionId": session["sessionId"], "prompt": words }));
    agent.kill().unwrap();
    agent.wait().unwrap();

    assert_eq!(ended["stopReason"], "end_turn", "{updates}");
    assert_eq!(place.file("farewell.txt"), "bye\n", "{updates}");
    assert_eq!(place.file("again.txt"), "bye\n", "{updates}");
    assert!(updates.contains("tool_call") && updates.contains("There is a farewell now."), "{updates}");
}

fn send(agent: &mut ChildStdin, message: &Value) {
    writeln!(agent, "{message}").unwrap();
}

fn allow(agent: &mut ChildStdin, request: &Value) {
    let options = request["params"]["options"].as_array().unwrap();
    let once = options.iter().find(|option| option["kind"] == "allow_once").unwrap_or(&options[0]);
    let outcome = json!({ "outcome": { "outcome": "selected", "optionId": once["optionId"] } });
    send(agent, &json!({ "jsonrpc": "2.0", "id": request["id"], "result": outcome }));
}
