//! What has to hold at the end of the road, whatever happened on the way.

use std::collections::BTreeMap;

use crate::family::who_works_in;
use crate::record::{Message, Record};
use crate::road;
use crate::world::{World, names_in};

/// The end of a road, as far as it must be the same each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The history of the target, newest first, by the titles.
    pub history: String,
    /// The state of each task.
    pub tasks: String,
    /// What happened to each task, each event with how often.
    pub events: String,
    /// What the product said, sorted, without names of commits.
    pub said: String,
}

/// Checks every law, and returns what is to be compared.
pub fn judge(world: &World) -> Outcome {
    let mut record = world.record();
    assert_eq!(record.gaps(), [[""; 4]; 0], "a journal has gaps");
    assert_eq!(record.buried(), [[""; 2]; 0], "an effect was given up");
    assert_eq!(record.unowed(), [""; 0], "a person was never answered");
    judge_history(world);
    judge_messages(&record.messages());
    judge_remains(world);
    let tasks = record.tasks().into_iter().map(|[id, state]| format!("{id} {state}"));
    Outcome {
        history: world.remote.log("main"),
        tasks: tasks.collect::<Vec<_>>().join("\n"),
        events: count_events(&mut record),
        said: sayings(&record.messages()),
    }
}

fn judge_history(world: &World) {
    let landed = world.remote.git(&["rev-list", "main"]);
    for commit in landed.lines() {
        if let Err(complaint) = world.check_commit(commit) {
            panic!("{commit} is on main and does not pass its check: {complaint}");
        }
    }
    let trailers = world.remote.git(&["log", "--format=%(trailers:key=Task-Id,valueonly,separator=%x2C)", "main"]);
    let mut tasks: Vec<&str> = trailers.lines().filter(|line| !line.is_empty()).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, ["T-1", "T-2", "T-4"], "each change lands exactly once");
    let merges = world.remote.git(&["rev-list", "--merges", "main"]);
    assert_eq!(merges, "", "the history of the target is one line");
}

fn judge_messages(messages: &[Message]) {
    let by_people = messages.iter().filter(|message| message.author != "bot");
    let heard: Vec<String> = by_people.map(|message| format!("{}: {}", message.author, message.text)).collect();
    assert_eq!(heard, road::words_of_people(), "every word of a person is there once and in order");
}

/// No process, no working tree of an ended task, no copy for a check, no published branch of a merged one.
fn judge_remains(world: &World) {
    assert_eq!(who_works_in(world.place()), [], "processes are left");
    assert_eq!(names_in(&world.path("state/workspaces")), ["T-3"], "working trees of ended tasks are left");
    assert_eq!(names_in(&world.path("state/checks")), [""; 0], "copies for checks are left");
    assert_eq!(names_in(&world.path("tmp")), [""; 0], "something is left in the temporary directory");
    assert_eq!(names_in(&world.path("home")), [""; 0], "something is left in the home");
    let branches = world.remote.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/downbeat/"]);
    assert_eq!(branches.lines().count(), 1, "branches of merged tasks are left: {branches}");
}

fn count_events(record: &mut Record) -> String {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for event in record.events() {
        *counts.entry(event).or_default() += 1;
    }
    let lines = counts.into_iter().map(|((task, event), n)| format!("{task} {event} {n}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn sayings(messages: &[Message]) -> String {
    let by_bot = messages.iter().filter(|message| message.author == "bot");
    let mut said: Vec<String> = by_bot.map(|message| without_names(&message.text)).collect();
    said.sort_unstable();
    said.join("\n---\n")
}

/// Names of commits and branches' tips differ from road to road, and so does how much of a thread a task came to read.
fn without_names(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("read "));
    lines.map(without_hex).collect::<Vec<_>>().join("\n")
}

fn without_hex(line: &str) -> String {
    let is_name = |word: &str| word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let shown = parts.map(|part| {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_name(word) { part.replace(word, "…") } else { part.to_owned() }
    });
    shown.collect()
}
