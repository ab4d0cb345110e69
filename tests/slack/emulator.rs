//! Our client against a Slack that neither of us wrote.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use agents::cage::{Cage, CageSettings};
use downbeat::chat::messenger::Urgency;
use downbeat::clock::SystemClock;
use downbeat::config::Config;
use downbeat::serve::System;
use downbeat::slack::client::{Client, SlackError};
use downbeat::slack::schedule::Schedule;
use secrecy::SecretString;
use serde_json::{Value, json};
use tests::emulate::{ANA, Emulator, TOKEN};
use tests::git::RemoteRepository;
use tests::slack::SIGNING_SECRET;
use tokio_util::sync::CancellationToken;

/// More events than the test makes.
const EVENTS_MAX: usize = 100;

pub fn our_client_reads_and_writes_as_anothers_slack_wants_it() {
    let (address, events) = subscriber();
    let emulator = Emulator::start(&format!("http://{address}/slack/events"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(talk(&emulator));
    let texts: Vec<String> = std::iter::from_fn(|| events.recv_timeout(Duration::from_millis(500)).ok())
        .filter_map(|event| Some(event["event"]["text"].as_str()?.to_owned()))
        .collect();
    assert!(texts.iter().any(|text| text.contains("fix the login")), "the mention was told: {texts:?}");
}

async fn talk(emulator: &Emulator) {
    let client_of = |token: &str| {
        let schedule = Schedule::new(Arc::new(SystemClock));
        Client::new(&emulator.api_url(), &SecretString::from(token.to_owned()), schedule).unwrap()
    };
    let (agent, ana) = (client_of(TOKEN), client_of(ANA));
    let who = agent.act("auth.test", &json!({}), Urgency::Change).await.unwrap();
    let channels = agent.read_all("conversations.list", &[], "channels", 5).await.unwrap();
    let dev = channels.iter().find(|channel| channel["name"] == "dev").unwrap()["id"].clone();
    let text = format!("<@{}> fix the login", who["user_id"].as_str().unwrap());
    let post = async |client: &Client, body: Value| {
        client.act("chat.postMessage", &body, Urgency::NeedsHuman).await.unwrap()["ts"].as_str().unwrap().to_owned()
    };
    let mention = post(&ana, json!({ "channel": dev, "text": text })).await;
    let mut replies = Vec::new();
    for n in 1..=3 {
        let body = json!({
            "channel": dev, "thread_ts": mention, "text": format!("{n}"),
            "metadata": { "event_type": "downbeat", "event_payload": { "key": format!("card:T-{n}") } },
        });
        replies.push(post(&agent, body).await);
    }
    let changed = json!({ "channel": dev, "ts": replies[0], "text": "one" });
    agent.act("chat.update", &changed, Urgency::Change).await.unwrap();
    let reaction = json!({ "channel": dev, "timestamp": mention, "name": "eyes" });
    agent.act("reactions.add", &reaction, Urgency::Change).await.unwrap();
    let again = agent.act("reactions.add", &reaction, Urgency::Change).await.unwrap_err();
    assert_eq!(again.code(), Some("already_reacted"));

    let dev = dev.as_str().unwrap().to_owned();
    let thread = [("channel", dev.clone()), ("ts", mention.clone()), ("limit", "2".to_owned())];
    let read = agent.read_all("conversations.replies", &thread, "messages", 10).await.unwrap();
    let mut texts: Vec<&str> = read.iter().filter_map(|message| message["text"].as_str()).collect();
    texts.dedup();
    assert_eq!(texts, [text.as_str(), "one", "2", "3"], "every reply is on one of the pages");
    let history = agent.read("conversations.history", &[("channel", dev)]).await.unwrap();
    assert_eq!(history["messages"][0]["ts"], mention.as_str());
    assert_eq!(history["messages"][0]["reactions"][0]["name"], "eyes");
    let nowhere = agent.read("conversations.replies", &[("channel", "C0NOWHERE".to_owned()), ("ts", mention)]).await;
    assert!(matches!(nowhere, Err(SlackError::Refused { .. })), "{nowhere:?}");
}

/// The road by words alone, which is all that this Slack can carry: signed events in, the thread out.
pub fn the_road_goes_through_anothers_slack_by_signed_requests() {
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let emulator = Emulator::start(&format!("http://{listen}/slack/events"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(go_the_road(&emulator, listen));
}

async fn go_the_road(emulator: &Emulator, listen: std::net::SocketAddr) {
    let schedule = Schedule::new(Arc::new(SystemClock));
    let ana = Client::new(&emulator.api_url(), &SecretString::from(ANA.to_owned()), schedule.clone()).unwrap();
    let agent = Client::new(&emulator.api_url(), &SecretString::from(TOKEN.to_owned()), schedule).unwrap();
    let user = |told: Value| told["user_id"].as_str().unwrap().to_owned();
    let ana_id = user(ana.act("auth.test", &json!({}), Urgency::Change).await.unwrap());
    let agent_id = user(agent.act("auth.test", &json!({}), Urgency::Change).await.unwrap());
    let home = tempfile::tempdir().unwrap();
    let checks = "[[checks]]\nname = \"words\"\ncommand = \"test -s README.md\"\n";
    let files = [("README.md", "# House\n"), (".downbeat/config.toml", checks)];
    let remote = RemoteRepository::bare(&home.path().join("house.git"), &files);
    let text = format!(
        "state = {:?}\n[people.ana]\nroles = [\"requester\", \"approver\"]\nslack = {ana_id:?}\n\
         [repos.house]\nremote = {:?}\ntarget = \"main\"\n[agents.coder]\nkind = \"command\"\n\
         command = [\"sh\", \"-c\", \"cat > /dev/null; echo Bye > farewell.md\"]\n\
         plan = [\"sh\", \"-c\", \"cat > /dev/null; echo Say goodbye; echo 1. write farewell.md\"]\n\
         [slack]\nbot_token = {TOKEN:?}\nsigning_secret = {SIGNING_SECRET:?}\ntransport = \"http\"\nlisten = \"{listen}\"\napi_url = {:?}\n",
        home.path().join("state"),
        remote.path(),
        emulator.api_url(),
    );
    let config = Config::from_text("downbeat.toml", &text).unwrap();
    let cage = CageSettings { launcher: env!("CARGO_BIN_EXE_downbeat-under-test").into(), ..CageSettings::default() };
    let system = Arc::new(System::assemble(&config, Arc::new(SystemClock), Cage::new(cage)).await.unwrap());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (system, stop) = (system.clone(), stop.clone());
        async move { system.run(stop).await }
    });
    while system.slack.as_ref().unwrap().status().standing().team.is_none() {
        glance().await;
    }
    let channels = agent.read_all("conversations.list", &[], "channels", 5).await.unwrap();
    let dev = channels.iter().find(|channel| channel["name"] == "dev").unwrap()["id"].as_str().unwrap().to_owned();
    let say = async |thread: Option<&str>, words: &str| {
        let body = json!({ "channel": dev, "thread_ts": thread, "text": words });
        ana.act("chat.postMessage", &body, Urgency::NeedsHuman).await.unwrap()["ts"].as_str().unwrap().to_owned()
    };
    let thread = say(None, &format!("<@{agent_id}> say goodbye")).await;
    for (awaited, words) in [("Plan v1", "approve"), ("is ready on", "merge"), ("is merged into", "thank you")] {
        while !transcript(&ana, &dev, &thread).await.contains(awaited) {
            glance().await;
        }
        say(Some(&thread), words).await;
    }
    assert_eq!(remote.git(&["show", "main:farewell.md"]).trim(), "Bye");
    stop.cancel();
    running.await.unwrap();
}

/// What can be read in a thread, as JSON.
async fn transcript(reader: &Client, channel: &str, thread: &str) -> String {
    let params = [("channel", channel.to_owned()), ("ts", thread.to_owned())];
    serde_json::to_string(&reader.read_all("conversations.replies", &params, "messages", 10).await.unwrap()).unwrap()
}

async fn glance() {
    let _ = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
}

/// Takes what is posted to it, and gives the bodies.
fn subscriber() -> (std::net::SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (events, heard) = sync_channel(EVENTS_MAX);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = String::new();
            let mut piece = [0; 4096];
            let body = loop {
                let n = stream.read(&mut piece).unwrap_or(0);
                request.push_str(&String::from_utf8_lossy(&piece[..n]));
                let whole = request.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
                if n == 0 || whole.is_some() {
                    break whole;
                }
            };
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            body.into_iter().for_each(|body| drop(events.try_send(body)));
        }
    });
    (address, heard)
}
