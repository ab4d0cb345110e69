//! The scripted model itself, where no agent asks: answers in one piece, and the errors of each protocol.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tests::model::Model;

const SCRIPT: &str = r#"
[[task]]
says = "farewell"
work = [{ say = "Now.", do = [{ shell = "ls" }] }]
[[task]]
says = "too long"
work = [{ stop = "context" }]
"#;

/// The same request in four languages: where it goes, what it is, where its words and its call's input are found.
const ASKED: [(&str, &str, &str, &str); 4] = [
    (
        "/v1/messages",
        r#"{ "tools": [{ "name": "Bash", "input_schema": SCHEMA }], "messages": [{ "role": "user", "content": "PROMPT" }] }"#,
        "/content/0/text",
        "/content/1/input/command",
    ),
    (
        "/v1/responses",
        r#"{ "tools": [{ "type": "function", "name": "bash", "parameters": SCHEMA }], "input": "PROMPT" }"#,
        "/output/0/content/0/text",
        "/output/1/arguments",
    ),
    (
        "/v1/chat/completions",
        r#"{ "tools": [{ "function": { "name": "bash", "parameters": SCHEMA } }], "messages": [{ "role": "user", "content": "PROMPT" }] }"#,
        "/choices/0/message/content",
        "/choices/0/message/tool_calls/0/function/arguments",
    ),
    (
        "/v1beta/models/gemini:generateContent",
        r#"{ "tools": [{ "functionDeclarations": [{ "name": "bash", "parameters": SCHEMA }] }], "contents": [{ "role": "user", "parts": [{ "text": "PROMPT" }] }] }"#,
        "/candidates/0/content/parts/0/text",
        "/candidates/0/content/parts/1/functionCall/args/command",
    ),
];

/// Every protocol has an answer in one piece, and an error of its own for a conversation that is too long.
pub fn four_protocols_answer_in_one_piece() {
    let model = Model::of(SCRIPT);
    for (path, body, words, input) in ASKED {
        let schema = r#"{ "properties": { "command": {} }, "required": ["command"] }"#;
        let body = body.replace("SCHEMA", schema);
        let (status, answer) = post(&model, path, &body.replace("PROMPT", "a farewell"));
        assert_eq!((status.as_str(), &answer.pointer(words)), ("200", &Some(&json!("Now."))), "{path}: {answer}");
        let input = answer.pointer(input).and_then(Value::as_str).unwrap();
        assert!(["ls", r#"{"command":"ls"}"#].contains(&input), "{path}: {answer}");
        let (status, answer) = post(&model, path, &body.replace("PROMPT", "this is too long"));
        assert!(status == "400" && answer["error"]["message"].is_string(), "{path}: {answer}");
    }
    assert_eq!(model.turns().len(), 2 * ASKED.len());
}

fn post(model: &Model, path: &str, body: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(model.url().trim_start_matches("http://")).unwrap();
    let head = format!("POST {path} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), serde_json::from_str(body).unwrap())
}
