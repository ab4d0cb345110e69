//! What has to hold at the end of the road, whatever happened on the way.

use std::collections::BTreeMap;

use crate::family::who_works_in;
use crate::record::{Message, Record};
use crate::road;
use crate::world::{World, names_in};

/// The end of a road, as far as it must be the same each time: the history of the target, the tasks' states, what
/// happened to each task, and what the product said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub history: Vec<String>,
    pub tasks: Vec<String>,
    pub events: Vec<String>,
    pub said: Vec<String>,
}

/// Compares two ends, and shows only what differs.
pub fn assert_same(usual: &Outcome, other: &Outcome) {
    let pairs = [
        (&usual.history, &other.history),
        (&usual.tasks, &other.tasks),
        (&usual.events, &other.events),
        (&usual.said, &other.said),
    ];
    for (usual, other) in pairs {
        let (lost, gained) = (more_often(usual, other), more_often(other, usual));
        assert!(usual == other, "the road ended otherwise; lost: {lost:#?}, gained: {gained:#?}, in all: {other:#?}");
    }
}

fn more_often<'l>(here: &'l [String], than_there: &[String]) -> Vec<&'l String> {
    let times = |line: &String, lines: &[String]| lines.iter().filter(|other| *other == line).count();
    here.iter().filter(|line| times(line, here) > times(line, than_there)).collect()
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
    let events = count_events(&mut record);
    let approvals: Vec<&String> = events.iter().filter(|line| line.contains(" PlanApproved ")).collect();
    let once = (1..=5).map(|n| format!("T-{n} PlanApproved 1")).collect::<Vec<_>>();
    assert!(approvals.iter().copied().eq(&once), "each plan is approved once: {approvals:?}");
    Outcome {
        history: world.remote.log("main").lines().map(ToOwned::to_owned).collect(),
        tasks: record.tasks().into_iter().map(|[id, state]| format!("{id} {state}")).collect(),
        events,
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
    assert_eq!(names_in(&world.path("state/workspaces")), ["T-3", "T-5"], "working trees of ended tasks are left");
    assert_eq!(names_in(&world.path("state/checks")), [""; 0], "copies for checks are left");
    assert_eq!(names_in(&world.path("tmp")), [""; 0], "something is left in the temporary directory");
    assert_eq!(names_in(&world.path("home")), [""; 0], "something is left in the home");
    let branches = world.remote.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/downbeat/"]);
    assert_eq!(branches.lines().count(), 2, "branches of merged tasks are left: {branches}");
}

fn count_events(record: &mut Record) -> Vec<String> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for event in record.events() {
        *counts.entry(event).or_default() += 1;
    }
    counts.into_iter().map(|((task, event), n)| format!("{task} {event} {n}")).collect()
}

fn sayings(messages: &[Message]) -> Vec<String> {
    let by_bot = messages.iter().filter(|message| message.author == "bot");
    let mut said: Vec<String> = by_bot.map(|message| without_names(&message.text)).collect();
    said.sort_unstable();
    said
}

/// Names of commits differ from road to road, and so does what of ours a task found in its thread.
fn without_names(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n', '(', ')', '#', '.', ',']);
    let shown = words
        .map(|word| if is_name_of_commit(word.trim_end_matches([' ', '\n', ')', '.', ','])) { "… " } else { word });
    // Whoever dies between a pass and its answer finds it known afterwards.
    let shown = without_times(&shown.collect::<String>()).replace(", already tested", "");
    const LEFT_OUT: &str = " of bots left out)";
    let to = shown.find(LEFT_OUT);
    match to.and_then(|to| Some((shown[..to].rfind(" (")?, to))) {
        Some((from, to)) => [&shown[..from], &shown[to + LEFT_OUT.len()..]].concat(),
        None => shown,
    }
}

/// `at 03:34 UTC` is another minute on every road.
fn without_times(text: &str) -> String {
    const UTC: &str = " UTC";
    let (mut shown, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(UTC) {
        shown += before.get(..before.len().saturating_sub("03:34".len())).unwrap_or(before);
        shown += UTC;
        rest = after;
    }
    shown + rest
}

fn is_name_of_commit(word: &str) -> bool {
    word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}
