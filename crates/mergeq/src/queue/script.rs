//! The language of the machine's tests: events as words, traces as text.
//!
//! `check("enqueue a; staged 1; passed 1; landed 1", expect![…])` plays the events and compares one line a step: the
//! event, the state after it, and what is owed. `batch 4 of a b c |` before the story sets the scene. A commit is written by its label (`m0`, or `1a` for entry `a` in
//! run 1), which is spelled in its hexadecimal digits; after `made` instead of `staged` it tells its whole history. After each step the laws are checked, `plan` is asked again, and
//! the body goes through JSON and back. It is `@60 passed 1` a minute after the beginning, and `watched` when the look that is
//! owed is due, `opened` when the opening is.

use std::collections::BTreeSet;

use domain::{EntryId, Machine, Person, Sha, Timestamp, Windows};
use expect_test::Expect;
use forge::LaneName;

use super::draft::Draft;
use super::effect::{News, QueueEffect};
use super::entry::{Change, Company, Standing};
use super::event::{Obstacle, QueueEvent, Refusal, Verdict};
use super::hold::Hold;
use super::laws;
use super::order::{Freeze, Priority};
use super::outcome::{FailedCheck, Outcome};
use super::plan::plan;
use super::policy::Policy;
use super::probing::{Clash, Inquiry};
use super::soundness::{Finding, Flaw, Remedy};
use super::state::{Part, Phase, Queue, Run, RunId};
use super::view::Progress;
use crate::strategy::Kind;
use crate::strategy::strategist::{BehindRed, TrainSettings};

/// Plays a script on an empty serial queue.
#[track_caller]
pub(super) fn check(script: &str, expected: Expect) {
    let (setting, story) = script.split_once('|').unwrap_or(("", script));
    let is_about_probes = story.contains("probed");
    let mut queue = arranged_queue(setting.trim());
    let mut trace = String::new();
    let mut now = Timestamp::from_ms(0);
    for line in story.split(';').map(str::trim) {
        let (at, words) = line.strip_prefix('@').and_then(|timed| timed.split_once(' ')).unwrap_or(("", line));
        let (event, asked) = (parse_event(words, &queue), queue.probing.asked.clone());
        if let (QueueEvent::WatchEnded { until }, "watched") | (QueueEvent::Opened { until }, "opened") =
            (&event, words)
        {
            now = now.max(*until);
        }
        now = if at.is_empty() { now } else { seconds(at) };
        let (after, mut told) = step_at(queue, &event, now);
        if is_about_probes && after.probing.asked != asked {
            told += &after.probing.asked.as_ref().map(describe_inquiry).unwrap_or_default();
        }
        trace += &format!("{line:<18} {}\n", told.trim_end());
        queue = after;
    }
    expected.assert_eq(&trace);
}

/// `batch 4 of a b c` is a queue of that policy in which those have come; the first run is staging.
pub(super) fn arranged_queue(setting: &str) -> Queue {
    let (policy, entries) = setting.split_once(" of ").unwrap_or((setting, ""));
    let policy = if policy.is_empty() { "serial" } else { policy };
    let enqueued = entries.split_whitespace().map(|entry| format!("enqueue {}", entry.replace('!', " alone ")));
    let lines = [policy.to_owned(), "pause".to_owned()].into_iter().chain(enqueued).chain(["resume".to_owned()]);
    lines.fold(empty_queue(), |queue, line| {
        let event = parse_event(&line, &queue);
        step_lawfully(queue, &event).0
    })
}

pub(super) fn empty_queue() -> Queue {
    let repo = "web".parse().expect("a repository's name");
    Queue::new(repo, "main".parse().expect("a branch"), Policy::serial())
}

/// One step, with all that must hold after any step.
#[track_caller]
pub(super) fn step_lawfully(before: Queue, event: &QueueEvent) -> (Queue, String) {
    step_at(before, event, Timestamp::from_ms(0))
}

#[track_caller]
pub(super) fn step_at(before: Queue, event: &QueueEvent, now: Timestamp) -> (Queue, String) {
    let (after, effects) = match before.clone().step(event, now) {
        Ok(step) => (step.state, step.effects),
        Err(rejected) => return (before, relabelled(&format!("rejected: {rejected}"))),
    };
    assert_eq!(laws::broken_by(&before, event, &after, &effects), None, "by {event:?}");
    let mut draft = Draft::of(after.clone(), now);
    plan(&mut draft);
    assert!(draft.effects.is_empty(), "planned twice after {event:?}: {:?}", draft.effects);
    let stored = body(&after);
    let read: Queue = serde_json::from_value(stored.clone()).expect("a body reads back");
    assert_eq!(body(&read), stored);
    let told = describe_step(&after, &effects);
    (after, told)
}

pub(super) fn body(queue: &Queue) -> serde_json::Value {
    serde_json::to_value(queue).expect("a queue is JSON")
}

/// The commit whose digits spell the label.
pub(super) fn sha(label: &str) -> Sha {
    let digits: String = label.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits:0<40}").parse().expect("a label of at most 20 letters")
}

fn label(sha: &Sha) -> String {
    spelled(sha.as_str()).expect("commits of scripts have labels")
}

fn spelled(digits: &str) -> Option<String> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    let text: String = bytes?.into_iter().take_while(|byte| *byte != 0).map(char::from).collect();
    (!text.is_empty() && text.chars().all(|letter| letter.is_ascii_graphic())).then_some(text)
}

/// Short object ids in a text for people, replaced by their labels.
fn relabelled(text: &str) -> String {
    let is_short = |word: &str| word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = |word: &str| {
        let (digits, sign) = word.split_at(word.trim_end_matches(['.', ',']).len());
        spelled(digits).filter(|_| is_short(digits)).map_or(word.to_owned(), |label| format!("{label}{sign}"))
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

pub(super) fn parse_event(line: &str, queue: &Queue) -> QueueEvent {
    let words: Vec<&str> = line.split_whitespace().collect();
    let named = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let entry = || EntryId::new(words[1]);
    let run = || RunId(words[1].parse().expect("a run's number"));
    let rest = |from: usize| words.get(from..).unwrap_or_default().join(" ");
    let paths = || named("in").map_or(Vec::new(), |list| list.split(',').map(str::to_owned).collect());
    let head = || named("on").map(sha).or_else(|| queue.head.clone()).unwrap_or_else(|| sha("m0"));
    let blocked =
        |obstacle| QueueEvent::StagingBlocked { run: run(), base: head(), entry: EntryId::new(words[2]), obstacle };
    let concluded = |verdict| QueueEvent::ChecksConcluded { run: run(), verdict };
    match words[0] {
        "enqueue" => QueueEvent::Enqueued { change: change(words[1], &words[2..], named("from")) },
        "withdraw" => QueueEvent::Withdrawn { entry: entry(), by: person(named("by")) },
        "staged" => staged(queue, run(), head(), &paths()),
        "made" => made(queue, run(), &head(), named("tree")),
        "conflict" => blocked(Obstacle::Conflict { paths: paths() }),
        "rivals" => {
            let with = named("with").map_or(Vec::new(), |list| list.split(',').map(EntryId::new).collect());
            blocked(Obstacle::Rivals { with, paths: paths() })
        }
        "already-in" => blocked(Obstacle::AlreadyIn),
        "unusable" => blocked(Obstacle::Unusable { why: rest(3) }),
        "staging-failed" => QueueEvent::StagingFailed { run: run(), why: rest(2) },
        "passed" => concluded(Verdict::Passed),
        "already-passed" => concluded(Verdict::AlreadyPassed),
        "untested" => concluded(Verdict::Untested),
        "failed" => concluded(Verdict::Failed { failing: vec![failed_check(words[2])] }),
        "unconcluded" => concluded(Verdict::Unconcluded { why: rest(2) }),
        "no-gate" => concluded(Verdict::NoGate { why: words.get(2).map(|_| rest(2)) }),
        "lost" => QueueEvent::CandidateLost { run: run() },
        "landed" => QueueEvent::Landed { run: run() },
        "moved" => QueueEvent::LandingRefused { run: run(), refusal: Refusal::Moved { head: sha(words[2]) } },
        "pushed" => {
            let (entry, head) = (EntryId::new(words[2]), sha(words[3]));
            QueueEvent::LandingRefused { run: run(), refusal: Refusal::HeadMoved { entry, head } }
        }
        "refused" => QueueEvent::LandingRefused { run: run(), refusal: Refusal::Final { why: rest(2) } },
        "unanswered" => QueueEvent::LandingUnanswered { run: run(), why: rest(2) },
        "target" => {
            let seen = named("seen").map(sha).or_else(|| queue.head.clone());
            QueueEvent::TargetMoved { seen, head: sha(words[1]) }
        }
        "head" => QueueEvent::HeadMoved { entry: entry(), head: sha(words[2]) },
        "reserve" => QueueEvent::Reserved { entry: entry(), until: seconds(words[2]) },
        "repaired" => repaired(&words, named("by")),
        "unrepaired" => QueueEvent::RepairFailed { entry: entry(), why: rest(2) },
        "deadline" => QueueEvent::DeadlinePassed { entry: entry(), until: seconds(words[2]) },
        "prioritise" => QueueEvent::Prioritised {
            entry: entry(),
            priority: priority(words[2]).expect("a priority"),
            by: person(named("by")),
            why: None,
        },
        "hold" => QueueEvent::Held { entry: entry(), hold: Hold { by: person(None), why: rest(2) } },
        "release" => QueueEvent::Released { entry: entry(), by: person(named("by")) },
        "watch-ended" => QueueEvent::WatchEnded { until: seconds(words[1]) },
        "opened" => QueueEvent::Opened { until: opening(queue, words.get(1)) },
        "watched" => QueueEvent::WatchEnded { until: queue.watch.until.expect("somebody watches") },
        "freeze" => frozen(words[1], person(named("by")), rest(2)),
        "audited" => audited(named("to").map_or_else(|| sha("m0a"), sha), words[1], &words[2..]),
        "probed" => probed(queue, &words[1..], (named("of"), named("on")), &paths()),
        "restore" => QueueEvent::RestoreOrdered { by: person(named("by")) },
        "remedy" => QueueEvent::Remedied { commit: sha("m0a"), by: person(named("by")), remedy: remedy(&words[1..]) },
        "thaw" => QueueEvent::Thawed { by: person(named("by")) },
        "pause" => QueueEvent::Paused { by: person(named("by")) },
        "resume" => QueueEvent::Resumed { by: person(named("by")) },
        strategy => QueueEvent::PolicyChanged { policy: policy(strategy, &words, named("reruns"), named("entries")) },
    }
}

fn repaired(words: &[&str], by: Option<&str>) -> QueueEvent {
    let (entry, head, approved_by) = (EntryId::new(words[1]), sha(words[2]), by.map(|name| person(Some(name))));
    QueueEvent::Repaired { entry, head, started_from: None, approved_by, lanes: lanes(words) }
}

fn frozen(below: &str, by: Person, why: String) -> QueueEvent {
    QueueEvent::Frozen(Freeze { below: priority(below).expect("a priority"), by, why, until: None })
}

/// `audited a` finds nothing, `audited a doubled` that the landing of `a` brought what was there.
fn audited(to: Sha, entry: &str, flaws: &[&str]) -> QueueEvent {
    let finding = |_: &&str| Finding {
        flaw: Flaw::Doubled { first: sha("m0") },
        entry: Some(EntryId::new(entry)),
        commit: sha("m0a"),
        right: sha("tree"),
    };
    let findings = flaws.iter().filter(|flaw| **flaw == "doubled").map(finding).collect();
    QueueEvent::Audited { to, landed: vec![EntryId::new(entry)], findings }
}

/// `probed a-c b-c in=x` answers what was asked last; `probed a-c of=a,c on=m0` answers something else.
fn probed(queue: &Queue, words: &[&str], (of, on): (Option<&str>, Option<&str>), paths: &[String]) -> QueueEvent {
    let clash = |word: &&str| {
        let (one, other) = word.split_once('-').filter(|_| !word.contains('='))?;
        Some(Clash { one: EntryId::new(one), other: EntryId::new(other), paths: paths.to_vec() })
    };
    let Inquiry { head, branches } = queue
        .probing
        .asked
        .clone()
        .unwrap_or_else(|| Inquiry { head: queue.head.clone().unwrap_or_else(|| sha("m0")), branches: Vec::new() });
    let named = |list: &str| list.split(',').map(|entry| (EntryId::new(entry), sha(entry))).collect();
    let of = Inquiry { head: on.map_or(head, sha), branches: of.map_or(branches, named) };
    QueueEvent::Probed { of, clashes: words.iter().filter_map(clash).collect() }
}

/// `remedy made r`, `remedy needless`, `remedy none WHY`.
fn remedy(words: &[&str]) -> Remedy {
    match words[0] {
        "made" => {
            let change = change(words[1], &["alone"], None);
            Remedy::Made(Box::new(Change { priority: Priority::First, ..change }))
        }
        "needless" => Remedy::Needless,
        _ => Remedy::None { why: words[1..].join(" ") },
    }
}

/// `batch 4` has batches of 4, `train 3` has three runs at once, and so has `nest 3`.
fn policy(strategy: &str, words: &[&str], reruns: Option<&str>, entries: Option<&str>) -> Policy {
    let number = |text: &str| text.parse().expect("a number");
    let n: usize = words.get(1).map_or(1, |text| number(text));
    let train = |behind_red, vouching| {
        let settings = TrainSettings { window: n, is_adaptive: false, behind_red, vouching };
        Policy::of(Kind::Train(settings), n)
    };
    let mut policy = match strategy {
        "serial" => Policy::serial(),
        "batch" => Policy::batch(n),
        "train" => train(BehindRed::Restart, None),
        "optimistic" => train(BehindRed::Wait, Some(2)),
        "hybrid" => Policy::of(Kind::Hybrid { group_max: 2, reds_needed: 1 }, n),
        "nest" => Policy::of(Kind::Nest, n),
        "adaptive" => Policy::of(Kind::Adaptive, n),
        other => panic!("`{other}` is no event of the script language"),
    };
    policy.limits.reruns_max = reruns.map_or(0, |text| text.parse().expect("a number"));
    policy.limits.person_max = words.iter().find_map(|word| word.strip_prefix("person=")).map_or(50, number);
    policy.closed = closed(words);
    policy.limits.entries_max = entries.map_or(1_000, number);
    policy
}

fn opening(queue: &Queue, at: Option<&&str>) -> Timestamp {
    at.map_or_else(|| queue.closing.until().expect("it is closed"), |at| seconds(at))
}

/// `closed=daily_01:00_-_02:00_UTC`; a script begins on a Thursday at midnight.
fn closed(words: &[&str]) -> Windows {
    let named = words.iter().filter_map(|word| word.strip_prefix("closed="));
    let texts: Vec<String> = named.map(|text| text.replace('_', " ")).collect();
    Windows::try_from(texts).expect("windows")
}

fn priority(word: &str) -> Option<Priority> {
    Priority::ALL.into_iter().find(|priority| priority.word() == word)
}

fn change(id: &str, flags: &[&str], started_from: Option<&str>) -> Change {
    let bytes = flags.iter().find_map(|flag| flag.strip_prefix("bytes="));
    Change {
        id: EntryId::new(id),
        head: sha(id),
        started_from: started_from.map(sha),
        title: format!("change {id}"),
        requested_by: person(None),
        approved_by: None,
        message: "x".repeat(bytes.map_or(0, |bytes| bytes.parse().expect("a number"))),
        is_repairable: flags.contains(&"repairable"),
        company: if flags.contains(&"alone") { Company::Alone } else { Company::Any },
        priority: flags.iter().find_map(|flag| priority(flag)).unwrap_or_default(),
        depends_on: flags.iter().filter_map(|flag| flag.strip_prefix("after=")).map(EntryId::new).collect(),
        lanes: lanes(flags),
        branch: flags.contains(&"shown").then(|| format!("work/{id}").parse().expect("a branch")),
    }
}

/// `lanes=web,api`; without it nobody knows.
fn lanes(words: &[&str]) -> BTreeSet<LaneName> {
    let named = words.iter().find_map(|word| word.strip_prefix("lanes="));
    named.iter().flat_map(|list| list.split(',')).map(|name| LaneName::Named(name.to_owned())).collect()
}

fn staged(queue: &Queue, id: RunId, base: Sha, paths: &[String]) -> QueueEvent {
    let set = queue.runs.iter().find(|run| run.id == id).map_or(Vec::new(), |run| run.set.clone());
    let part = |entry: &EntryId| Part {
        entry: entry.clone(),
        commit: sha(&format!("{}{entry}", id.0)),
        paths: paths.to_vec(),
    };
    let parts = set.iter().map(part).collect();
    QueueEvent::Staged { run: id, base, tree: sha(&format!("t{}", id.0)), parts }
}

/// As git does it: the same entries on the same base are the same commits (`m0ab` is `b` on `a` on `m0`), and the same
/// content is the same tree, unless another is named.
fn made(queue: &Queue, id: RunId, base: &Sha, tree: Option<&str>) -> QueueEvent {
    let set = queue.runs.iter().find(|run| run.id == id).map_or(Vec::new(), |run| run.set.clone());
    let mut name = label(base);
    let parts = set.iter().map(|entry| {
        name += entry.as_str();
        Part { entry: entry.clone(), commit: sha(&name), paths: Vec::new() }
    });
    let parts = parts.collect();
    let mut content: Vec<char> = name.chars().skip(2).collect();
    content.sort_unstable();
    let tree = tree.map_or_else(|| format!("t{}", content.iter().collect::<String>()), str::to_owned);
    QueueEvent::Staged { run: id, base: base.clone(), tree: sha(&tree), parts }
}

fn failed_check(name: &str) -> FailedCheck {
    let failed_tests = forge::FailedTests::default();
    FailedCheck { name: name.to_owned(), how: "exited with 1".to_owned(), output_tail: String::new(), failed_tests }
}

fn person(name: Option<&str>) -> Person {
    name.unwrap_or("ana").parse().expect("a name")
}

fn seconds(text: &str) -> Timestamp {
    Timestamp::from_ms(text.parse::<i64>().expect("seconds") * 1_000)
}

fn describe_step(after: &Queue, effects: &[QueueEffect]) -> String {
    let is_news = |effect: &&QueueEffect| matches!(effect, QueueEffect::Report { .. });
    let (news, mut debts): (Vec<_>, Vec<_>) = effects.iter().partition(is_news);
    // The laws say when these are owed, and a trace that is about others is read more easily without.
    debts.retain(|effect| {
        !matches!(effect, QueueEffect::Audit { .. } | QueueEffect::Watch { .. } | QueueEffect::Probe(_))
    });
    let listed = |word: &str, effects: Vec<&QueueEffect>| match effects.as_slice() {
        [] => String::new(),
        effects => format!("  {word} {}", effects.iter().map(|e| describe_effect(e)).collect::<Vec<_>>().join(", ")),
    };
    format!("{}{}{}", describe_state(after), listed("owes", debts), listed("tells", news))
}

fn describe_state(queue: &Queue) -> String {
    let mut parts: Vec<String> = queue.runs.iter().map(describe_run).collect();
    let idle = queue.entries.iter().filter(|entry| queue.runs_of(&entry.change.id).next().is_none());
    let (reserved, idle): (Vec<_>, Vec<_>) = idle.partition(|entry| entry.is_reserved());
    let (aside, line): (Vec<_>, Vec<_>) =
        idle.into_iter().partition(|entry| matches!(entry.standing, Standing::Aside { .. }));
    let (held, line): (Vec<_>, Vec<_>) = line.into_iter().partition(|entry| entry.hold.is_some());
    for (word, entries) in [("line", line), ("held", held), ("aside", aside), ("reserved", reserved)] {
        let ids: Vec<EntryId> = entries.iter().map(|entry| entry.change.id.clone()).collect();
        parts.extend((!ids.is_empty()).then(|| format!("{word} {}", names(&ids))));
    }
    let leaving = queue.entries.iter().filter(|entry| matches!(entry.standing, Standing::Leaving(_)));
    parts.extend(leaving.map(|entry| format!("{} wants to leave", entry.change.id)));
    parts.extend(queue.freeze.as_ref().map(ToString::to_string));
    parts.extend(queue.pause.as_ref().map(|pause| relabelled(&pause.to_string())));
    if parts.is_empty() { "idle".to_owned() } else { parts.join(" | ") }
}

fn describe_run(run: &Run) -> String {
    let phase = match &run.phase {
        Phase::Staging { .. } => "staging",
        Phase::Testing { .. } => "testing",
        Phase::Passed { .. } => "passed",
        Phase::Landing { .. } => "landing",
        Phase::Doubtful { .. } => "doubtful",
    };
    format!("{} {phase} {}", run.id.0, names(&run.set))
}

fn names(ids: &[EntryId]) -> String {
    ids.iter().map(EntryId::as_str).collect::<Vec<_>>().join("+")
}

fn describe_inquiry(Inquiry { head, branches }: &Inquiry) -> String {
    let ids: Vec<EntryId> = branches.iter().map(|(entry, _)| entry.clone()).collect();
    format!("  asks of {} on {}", names(&ids), label(head))
}

/// A commit that is not the one with which the entry came is named.
fn describe_wanted(change: &Change) -> String {
    let is_first = change.head == sha(change.id.as_str());
    if is_first { change.id.to_string() } else { format!("{}@{}", change.id, label(&change.head)) }
}

fn describe_effect(effect: &QueueEffect) -> String {
    match effect {
        QueueEffect::Stage { run, changes } => {
            let wanted: Vec<String> = changes.iter().map(|wanted| describe_wanted(&wanted.change)).collect();
            format!("stage({} {})", run.0, wanted.join("+"))
        }
        QueueEffect::AwaitChecks { run, commit } => format!("checks({} {})", run.0, label(commit)),
        QueueEffect::CancelChecks { run } => format!("cancel({})", run.0),
        QueueEffect::Land { run, from, to, shown } => {
            let shown: Vec<String> =
                shown.iter().map(|one| format!(" {} as {}", one.branch, label(&one.commit))).collect();
            format!("land({} {}..{}{})", run.0, label(from), label(to), shown.concat())
        }
        QueueEffect::Audit { .. } => "audit".to_owned(),
        QueueEffect::Probe(of) => describe_inquiry(of),
        QueueEffect::Watch { until } => format!("watch({})", until.as_ms() / 1_000),
        QueueEffect::Opening { until } => format!("opening({})", until.as_ms() / 1_000),
        QueueEffect::Restore { .. } => "restore".to_owned(),
        QueueEffect::Report { entry, news } => format!("{entry} {}", describe_news(news)),
        QueueEffect::Deadline { entry, until } => format!("deadline({entry} {})", until.as_ms() / 1_000),
    }
}

fn describe_news(news: &News) -> String {
    match news {
        News::Progressed(Progress { place, position, of }) => format!("{position}/{of} {}", place.word()),
        News::SteppedAside { with, paths } => format!("aside for {} in {}", names(with), paths.join(",")),
        News::Reserved { why, until } => relabelled(&format!("reserved until {}: {why}", until.as_ms() / 1_000)),
        News::Stalled { why } => format!("stalled: {}", relabelled(why)),
        News::Held(hold) => hold.to_string(),
        News::KeptOut { until } => format!("kept out until {until}"),
        News::Released => "released".to_owned(),
        News::Overdue(overdue) => format!("overdue: {overdue}"),
        News::Unsound { why } => format!("unsound: {}", relabelled(why)),
        News::Ended(Outcome::Ejected { why }) => relabelled(&format!("ejected: {why}")),
        News::Ended(outcome) => relabelled(&outcome.to_string()),
    }
}
