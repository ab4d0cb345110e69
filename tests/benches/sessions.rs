//! What a running session costs: how soon after its approval the agent runs, and how much memory we hold for it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::figure::Figure;
use crate::remote::git;
use crate::service::{Place, Running};

const TASKS: usize = 11;
const STREAMS: usize = 20;
/// So long each agent has been talking when the memory is read: some four thousand messages.
const TALK: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_secs(5);

const CONFIG: &str = r#"
state = "{place}/state"
agent = "brief"

[people.ana]
roles = ["requester", "approver", "operator"]

[repos.house]
remote = "{place}/house.git"
target = "main"

[agents.brief]
kind = "command"
command = ["{place}/agents/brief"]
plan = ["/bin/echo", "Note when it began."]

[agents.wordy]
kind = "acp"
command = ["{place}/agents/wordy"]

[limits]
sessions = 20

[cage]
read = ["{place}/agents"]

[web]
listen = "127.0.0.1:0"
"#;

const BRIEF: &str = "#!/bin/sh\ndate +%s%N > began\n";

/// Speaks the Agent Client Protocol, and says two hundred messages a second for a minute.
const WORDY: &str = r#"#!/bin/sh
words=$(printf '%0200d' 7)
update='{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"'$words'"}}}}'
while read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"id":\("[^"]*"\|[0-9]*\).*/\1/p')
    answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
    case $line in
    *'"initialize"'*) answer '{"protocolVersion":1,"agentCapabilities":{}}' ;;
    *'"session/new"'*) answer '{"sessionId":"s"}' ;;
    *'"session/prompt"'*)
        for second in $(seq 60); do
            for n in $(seq 200); do printf '%s\n' "$update"; done
            sleep 1
        done
        answer '{"stopReason":"end_turn"}'
        ;;
    esac
done
"#;

pub fn begin(figures: &mut Vec<Figure>) {
    let place = place();
    let mut running = place.up();
    let mut began_ms = Vec::new();
    for n in 1..=TASKS {
        running.say(&format!("#room{n} ana: @agent note it"));
        running.await_words("Plan v1");
        // The clones that stand ready are made when nobody asks for one.
        running.wait(QUIET);
        let approved = since_epoch_ms();
        running.say(&format!("#room{n} ana: approve T-{n}"));
        running.await_words("is ready on");
        began_ms.push(began(&place.path("house.git"), n) - approved);
    }
    running.stop();
    figures.push(Figure::of_runs("approved → the agent runs", "ms", began_ms).at_most(300.0));
}

pub fn stream(figures: &mut Vec<Figure>) {
    let place = place();
    let mut running = place.up();
    running.wait(QUIET);
    let idle = running.resident_mb();
    for n in 0..STREAMS {
        running.say(&format!("#room{n} ana: @agent talk agent=wordy plan=off"));
    }
    running.wait(TALK);
    let streaming = resident_of(&running, &place);
    running.stop();
    let each = (streaming - idle) / STREAMS as f64;
    figures.push(Figure::of_runs("resident, each task whose agent talks", "MB", vec![each]).at_most(2.0));
}

fn resident_of(running: &Running, place: &Place) -> f64 {
    let transcripts = std::fs::read_dir(place.path("state/transcripts")).expect("transcripts are kept");
    let lines = transcripts.flatten().map(|entry| std::fs::read_to_string(entry.path()).expect("text").lines().count());
    let counts: Vec<usize> = lines.collect();
    assert!(counts.len() == STREAMS && counts.iter().all(|n| *n > 1_000), "not all of them talk: {counts:?}");
    running.resident_mb()
}

fn place() -> Place {
    let place = Place::with(CONFIG);
    std::fs::create_dir(place.path("agents")).expect("a directory can be made");
    for (name, script) in [("agents/brief", BRIEF), ("agents/wordy", WORDY)] {
        place.write(name, script);
        let runs = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(place.path(name), runs).expect("a file of ours can be made to run");
    }
    place
}

/// When the agent of a task wrote its file, as its published branch has it.
fn began(remote: &Path, task: usize) -> f64 {
    let printed = git(remote, &["show", &format!("downbeat/T-{task}:began")], "");
    printed.trim().parse::<f64>().expect("nanoseconds") / 1e6
}

fn since_epoch_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3
}
