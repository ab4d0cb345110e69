//! From a state to words and buttons. Pure: the same view gives the same message.

use std::time::Duration;

use agents::board::Doing;
use agents::session::people::QuestionKind;
use agents::task::aside::PAUSED;
use agents::task::contract;
use agents::task::{
    Approved, Aside, Demand, Edited, Goal, Intent, Matter, OpenQuestion, Plan, Proof, Request, Task, TaskState, Word,
    Work,
};
use domain::time::humanize;
use forge::checks::CHECKS_FILE;
use forge::{CheckRun, FileChange};

use super::aftermath;
use super::context::redact;
use super::controls;
use super::messenger::{Course, Part, Said, Stage, Urgency};

/// How many files or checks a message shows before it says how many more there are.
const SHOWN_MAX: usize = 10;
/// What the time that a task took is told in.
const MINUTE_SECS: u64 = 60;

/// What a card shows that the task itself does not know.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Where its entry is in the merge queue, in words.
    pub queue: Option<String>,
    /// What keeps it from going on, in words.
    pub hindrance: Option<String>,
    /// What is in the way of its change, in words.
    pub forecast: Option<String>,
    /// Where landed work waits, when it could not be put on the target branch itself.
    pub waits: Option<LandedBeside>,
    /// What it has cost so far, in words, where its agent reports any use.
    pub cost: Option<String>,
    /// What it will cost by those before it, in words, where that can be told of its agent.
    pub estimate: Option<String>,
    /// How long ago it was asked for.
    pub elapsed: Duration,
    /// What its session does just now.
    pub doing: Doing,
    /// How far its last session came, in lines.
    pub last_todo: Vec<String>,
    /// The sandbox that agents and checks run in.
    pub cage: String,
}

/// Landed work that a person takes over, because their checked-out branch is theirs to move.
#[derive(Clone, Debug)]
pub struct LandedBeside {
    /// The ref that holds it.
    pub reference: String,
    /// The command that takes it over.
    pub command: String,
}

/// The card: one message a task, edited in place.
pub fn card(task: &Task, around: &Surroundings) -> Said {
    let call = around.doing.call.as_ref().map(|call| format!(" · {}", redact(call).0)).unwrap_or_default();
    let mut parts = vec![
        Part::Title(format!("{} · {}", task.id, task.title())),
        Part::Now(now_line(task, around) + &call),
        Part::Todo(around.doing.todo.iter().map(|line| redact(line).0).collect()),
        Part::Facts(facts(task, around)),
    ];
    parts.retain(|part| !matches!(part, Part::Todo(lines) if lines.is_empty()));
    let controls = controls::of_card(task);
    Said {
        parts,
        controls,
        rest: Some(format!("log {}", task.id)),
        course: Some(course(task, around)),
        ..Said::default()
    }
}

/// How it goes, for platforms that show that beside the card.
fn course(task: &Task, around: &Surroundings) -> Course {
    let stage = match &task.state {
        TaskState::Queued { .. } => Stage::Queued,
        TaskState::Planning { .. } => Stage::Planning,
        TaskState::Working { .. }
        | TaskState::Publishing { .. }
        | TaskState::Merging { .. }
        | TaskState::Pausing { .. }
        | TaskState::Cancelling { .. } => Stage::Working,
        TaskState::AwaitingApproval { .. }
        | TaskState::Asking { .. }
        | TaskState::Parked { .. }
        | TaskState::Paused { .. }
        | TaskState::Departed { .. }
        | TaskState::InReview { .. } => Stage::NeedsHuman,
        TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Failed { .. } => Stage::Over,
    };
    let steps = around.last_todo.iter().map(|line| redact(line).0).collect();
    Course { requester: task.request.requester.clone(), stage, steps }
}

/// What a card says in small.
fn facts(task: &Task, around: &Surroundings) -> Vec<String> {
    let Request { requester, repo, target, agent, model, receipt, .. } = &task.request;
    let model = model.as_ref().map(|model| format!(" ({model})")).unwrap_or_default();
    let because = match task.request.repo_because.as_str() {
        "" => String::new(),
        because => format!(" ({because})"),
    };
    let mut facts = vec![
        format!("asked by {requester}"),
        format!("{repo}@{target}{because}"),
        format!("agent {agent}{model}"),
        format!("read {receipt}"),
        format!("caged: {}", around.cage),
    ];
    facts.extend(cost(around));
    facts
}

/// What it costs, as far as that is known.
fn cost(around: &Surroundings) -> Option<String> {
    match (&around.cost, &around.estimate) {
        (None, None) => None,
        (Some(cost), None) => Some(format!("cost {cost}")),
        (None, Some(estimate)) => Some(format!("estimated cost {estimate}")),
        (Some(cost), Some(estimate)) => Some(format!("cost {cost} so far, estimated {estimate}")),
    }
}

/// Where the task stands, in one line.
pub fn now_line(task: &Task, around: &Surroundings) -> String {
    let standing = standing(task, around) + &untold(task) + &muted(task);
    around.hindrance.as_ref().map_or(standing.clone(), |hindrance| format!("{standing} · {hindrance}"))
}

/// What people said that the agent has yet to hear.
fn untold(task: &Task) -> String {
    let waits = |word: &&Word| word.told.is_none() && word.answers().is_none();
    match task.said.iter().filter(waits).count() {
        _ if task.goal().is_none() => String::new(),
        0 => String::new(),
        1 => " · one message waits for the agent".to_owned(),
        n => format!(" · {n} messages wait for the agent"),
    }
}

fn muted(task: &Task) -> String {
    task.muted_by.as_ref().map(|by| format!(" · muted by {by}")).unwrap_or_default()
}

fn standing(task: &Task, around: &Surroundings) -> String {
    let repair = task.repair_under_way().map(aftermath::in_repair).unwrap_or_default();
    // What is in the way now is newer than what came of a trial.
    let trial = task.trial.as_ref().filter(|trial| around.forecast.is_none() || trial.result.is_none());
    let trial = trial.map(aftermath::in_trial).unwrap_or_default();
    let forecast = around.forecast.as_ref().map(|forecast| format!(" · {forecast}")).unwrap_or_default();
    repair + &stage_of(task, around) + &trial + &forecast
}

fn stage_of(task: &Task, around: &Surroundings) -> String {
    match &task.state {
        TaskState::Queued { goal: Goal::Plan { .. } } => "waiting for its turn to plan".to_owned(),
        TaskState::Queued { goal: Goal::Work { approved } } => {
            format!("{}waiting for its turn to work", approval(approved))
        }
        TaskState::Planning { feedback } if feedback.is_empty() => "planning, with nothing writable".to_owned(),
        TaskState::Planning { feedback } => {
            format!("planning anew, with what {} said", author_of(feedback.last()))
        }
        TaskState::AwaitingApproval { plan, .. } => {
            format!("plan v{} waits for an approval ({})", plan.version, plan.tier)
        }
        TaskState::Working { approved } => format!("{}working", approval(approved)),
        TaskState::Asking { open, .. } | TaskState::Parked { open, .. } => {
            format!("needs an answer: {}", first_line(&open.question.text))
        }
        TaskState::Pausing { by, .. } => format!("pausing, as {by} said"),
        TaskState::Paused { by: Some(by), .. } => format!("paused by {by}"),
        TaskState::Paused { by: None, .. } => "paused, because nobody answered".to_owned(),
        TaskState::Departed { why, .. } => format!("stopped before publishing: {why}"),
        TaskState::Publishing { work } => format!("publishing {}", size(&work.changes)),
        TaskState::InReview { pull_request, sent_back: None } => {
            let reference = &pull_request.reference;
            match pull_request.work.demand {
                Demand::Checks | Demand::Nothing => format!("ready on {reference}"),
                Demand::Unsaid => format!("ready on {reference}, but cannot land: its repository names no checks"),
            }
        }
        TaskState::InReview { sent_back: Some(why), .. } => format!("back from the merge queue: {why}"),
        TaskState::Merging { by, intent, note, .. } => {
            let note = note.as_ref().map(|note| format!(" · {note}")).unwrap_or_default();
            merging(by.as_str(), intent, around) + &note
        }
        TaskState::Cancelling { by } => format!("stopping, as {by} said"),
        TaskState::Merged { commit, proof } => format!("merged as {}{}", commit.short(), untested(*proof)),
        TaskState::Answered { .. } => "answered; there was nothing to change".to_owned(),
        TaskState::Cancelled { why } => format!("ended: {why}"),
        TaskState::Failed { why, .. } => format!("failed: {}", first_line(why).trim_end_matches("; its last words:")),
    }
}

fn merging(by: &str, intent: &Intent, around: &Surroundings) -> String {
    let place = around.queue.as_deref().unwrap_or("entering");
    match intent {
        Intent::Land => format!("in the merge queue by {by} · {place}"),
        Intent::Dequeue { by } | Intent::Stop { by } => format!("leaving the merge queue, as {by} said · {place}"),
    }
}

fn approval(approved: &Option<Approved>) -> String {
    match approved {
        Some(Approved { plan, by: Some(by), .. }) => {
            format!("plan v{} approved by {by} (#{}) · ", plan.version, plan.short_hash())
        }
        Some(Approved { plan, by: None, .. }) => {
            format!("plan v{} approved by the policy ({}) · ", plan.version, plan.tier)
        }
        None => String::new(),
    }
}

fn author_of(said: Option<&String>) -> &str {
    said.and_then(|said| said.split_once(':')).map_or("people", |(author, _)| author)
}

/// A plan, with the buttons that decide it.
pub fn plan(task: &Task, plan: &Plan) -> Said {
    let (id, draft) = (task.id, &plan.draft);
    let lists =
        [("files", &draft.paths), ("checks", &draft.checks), ("commands", &draft.commands), ("hosts", &draft.hosts)];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| field(name, listed(list)));
    let cost = draft.cost_micros.map(contract::dollars);
    let mut parts = vec![
        Part::Title(format!("Plan v{} for {id}:", plan.version)),
        Part::Now(draft.summary.clone()),
        Part::Steps(draft.steps.clone()),
    ];
    parts.extend(lists);
    parts.extend(cost.map(|cost| field("cost", format!("{cost}, by the agent's own guess"))));
    for (name, items) in [("constraints", &draft.constraints), ("keep out", &draft.keep_out)] {
        if !items.is_empty() {
            parts.push(field(name, listed(items)));
        }
    }
    if let Some(Edited { by, of, difference }) = &plan.edited {
        let lines = std::iter::once(format!("edited by {by}; against v{of}:")).chain(difference.iter().cloned());
        parts.push(Part::Words(lines.collect::<Vec<_>>().join("\n")));
    }
    parts.push(field("risk", format!("{} · #{}", plan.tier_because, plan.short_hash())));
    if task.approves_itself(plan) {
        let why = "It is low risk and was asked for with plan=auto, so work begins now.";
        parts.push(Part::Words(why.to_owned()));
        return Said { parts, ..Said::default() };
    }
    let (calls, urgency) = (Some(task.request.requester.clone()), Urgency::NeedsHuman);
    Said { parts, choices: controls::of_plan(id, plan), calls, urgency, ..Said::default() }
}

fn field(name: &str, value: String) -> Part {
    Part::Field { name: name.to_owned(), value }
}

/// A question of a session, with a button for each choice.
pub fn question(task: &Task, open: &OpenQuestion) -> Said {
    let OpenQuestion { question, .. } = open;
    let kept =
        format!("What it has done is kept; without an answer it is paused after {}.", days(task.request.waits.answer));
    let mut choices = controls::answers(task.id, open);
    if question.choices.is_empty() || question.about == QuestionKind::Question {
        choices.push(controls::answer(task.id));
    }
    let mut parts = asked(task, open);
    parts.push(Part::Facts(vec![kept]));
    let (calls, urgency) = (Some(task.request.requester.clone()), Urgency::NeedsHuman);
    Said { parts, choices, calls, urgency, ..Said::default() }
}

/// The same once nobody needs to answer it any more.
pub fn closed_question(task: &Task, open: &OpenQuestion, answer: Option<&Word>) -> Said {
    let outcome = match answer {
        Some(Word { by, text, .. }) => field(&format!("{by} answered"), text.clone()),
        None if matches!(task.state, TaskState::Paused { by: None, .. }) => {
            Part::Words(format!("Nobody answered in time. Say `resume {}`, and it asks again.", task.id))
        }
        None => Part::Words("It needs no answer any more.".to_owned()),
    };
    let mut parts = asked(task, open);
    parts.push(outcome);
    Said { parts, ..Said::default() }
}

fn asked(task: &Task, open: &OpenQuestion) -> Vec<Part> {
    let title = format!("{}, {} asks:", task.request.requester, task.id);
    vec![Part::Title(title), Part::Words(open.question.text.clone())]
}

fn days(wait: Duration) -> String {
    match wait.as_secs() / 86_400 {
        0 | 1 => humanize(wait),
        n => format!("{n} days"),
    }
}

/// A change that goes beyond its approval.
pub fn departed(task: &Task, work: &Work, why: &str) -> Said {
    let id = task.id;
    let paths: Vec<_> = work.changes.iter().map(|change| change.path.clone()).collect();
    let parts = vec![
        Part::Title(format!("{id} is done, but stopped before publishing:")),
        Part::Now(format!("{why}.")),
        field("files", listed(&paths)),
    ];
    Said { parts, choices: controls::of_departure(id, work), urgency: Urgency::NeedsHuman, ..Said::default() }
}

/// A published change, with the button that sends it to the queue.
pub fn ready(task: &Task, reference: &str, work: &Work) -> Said {
    let id = task.id;
    let (size, checks) = (size(&work.changes), checks(work));
    let mut parts = match work.red_checks().is_empty() {
        true => vec![Part::Title(format!("{id} is ready on {reference}:")), Part::Now(format!("{size} · {checks}"))],
        false => {
            let title = Part::Title(format!("{id} {checks}, so it cannot land:"));
            vec![title, Part::Now(format!("{size} on {reference}"))]
        }
    };
    let said = |check: &&CheckRun| match check.failed_tests.is_empty() {
        true => last_line(&check.output_tail).unwrap_or("no output").to_owned(),
        false => check.failed_tests.to_string(),
    };
    parts.extend(work.red_checks().iter().map(|check| Part::Words(format!("{}: {}", check.name, said(check)))));
    if work.demand == Demand::Unsaid {
        parts.push(Part::Words(format!(
            "It cannot land before its repository says how to check a change. Put this into {CHECKS_FILE} on {}, with \
             a command of your own:\n[[checks]]\nname = \"test\"\ncommand = \"make test\"\nor `checks = []` to land \
             untested. Then say `retry {id}`.",
            task.request.target
        )));
    }
    Said { parts, choices: controls::reviewed(id, work), urgency: Urgency::NeedsHuman, ..Said::default() }
}

/// That a wait goes on, for whoever asked for the task.
pub fn reminder(task: &Task, left: Duration) -> Said {
    let (id, owner, left) = (task.id, &task.request.requester, humanize(left));
    let words = match &task.state {
        TaskState::AwaitingApproval { plan, .. } => {
            format!(
                "{owner}, plan v{} for {id} still waits for an approval; without one {id} ends in {left}.",
                plan.version
            )
        }
        TaskState::Departed { .. } => {
            format!("{owner}, the change of {id} still waits to be accepted; if nobody does, {id} ends in {left}.")
        }
        TaskState::Parked { open, .. } => format!(
            "{owner}, {id} still waits for an answer: {}\nWithout one {id} is paused in {left}.",
            first_line(&open.question.text)
        ),
        _ => format!("{owner}, {id} is {}.", task.state_in_words()),
    };
    Said { calls: Some(owner.clone()), urgency: Urgency::NeedsHuman, ..Said::words(words) }
}

/// What the owner of a task is asked beside its course.
pub fn aside(task: &Task, aside: &Aside) -> Said {
    let (id, owner, by) = (task.id, &task.request.requester, &aside.by);
    let (words, choices) = match &aside.about {
        Matter::Suggestion { text } => {
            let add = aside.passed_on().map(|words| controls::pass_on(id, &words));
            (format!("{owner}, {by} suggests for {id}: {text}"), Vec::from_iter(add))
        }
        Matter::Withdrawal { standing } if standing == PAUSED => {
            let words = format!("{by} took the request of {id} back, so it is {PAUSED}. Shall it go on?");
            (words, vec![controls::go_on(id), controls::end(id)])
        }
        Matter::Withdrawal { standing } => {
            let words = format!("{by} took the request of {id} back; it is {standing}. Shall it stop?");
            (words, vec![controls::end(id)])
        }
    };
    Said { calls: Some(owner.clone()), ..Said::offering(words, choices) }
}

/// The last word.
pub fn ended(task: &Task, around: &Surroundings) -> Said {
    let id = task.id;
    let titled = |title: &str, words: String| vec![Part::Title(format!("{id}{title}")), Part::Words(words)];
    let retry = || vec![controls::retry(id)];
    let (mut said, facts) = match &task.state {
        TaskState::Merged { commit, proof } => {
            let parts = landed(task, commit.short(), untested(*proof), around);
            (Said { parts, ..Said::default() }, spent(around))
        }
        TaskState::Answered { answer } => {
            let silent = "its agent changed nothing and said nothing.";
            let answer = if answer.trim().is_empty() { silent } else { answer };
            (Said { parts: titled(", nothing to change:", answer.to_owned()), ..Said::default() }, spent(around))
        }
        TaskState::Cancelled { why } => {
            let parts = titled(" ended:", format!("{why}. Say `retry {id}` to run it again."));
            (Said { parts, controls: retry(), ..Said::default() }, Vec::new())
        }
        TaskState::Failed { why, .. } => {
            let next = format!("Say `retry {id}` to run it again, or `log {id}` to read what was printed.");
            let parts = titled(" failed:", format!("{why}\n{next}"));
            (Said { parts, choices: retry(), controls: vec![controls::details(id)], ..Said::default() }, Vec::new())
        }
        _ => (Said::words(format!("{id} is {}.", task.state_in_words())), Vec::new()),
    };
    said.parts.extend((!facts.is_empty()).then_some(Part::Facts(facts)));
    Said { rest: Some(format!("log {id}")), urgency: Urgency::End, ..said }
}

/// What it took: its time in whole minutes, and its cost.
fn spent(around: &Surroundings) -> Vec<String> {
    let minutes = around.elapsed.as_secs() / MINUTE_SECS;
    let took = (minutes > 0).then(|| format!("took {}", humanize(Duration::from_secs(minutes * MINUTE_SECS))));
    took.into_iter().chain(around.cost.as_ref().map(|cost| format!("cost {cost}"))).collect()
}

fn landed(task: &Task, commit: &str, untested: &str, around: &Surroundings) -> Vec<Part> {
    let (id, target) = (task.id, &task.request.target);
    match &around.waits {
        None => vec![Part::Title(format!("{id} is merged into {target} as {commit}{untested}."))],
        Some(LandedBeside { reference, command }) => {
            let landed = format!("{id} landed as {commit} on {reference}{untested}; moving {target} is yours to do:");
            vec![Part::Now(landed), Part::Words(command.clone())]
        }
    }
}

fn untested(proof: Proof) -> &'static str {
    match proof {
        Proof::Tested => "",
        Proof::AlreadyTested => ", already tested",
        Proof::Untested => ", untested (the repository says `checks = []`)",
    }
}

fn checks(work: &Work) -> String {
    let red = work.red_checks();
    match (work.checks.len(), red.len()) {
        (0, _) => "untested".to_owned(),
        (1, 0) => format!("its check {} passed{}", work.checks[0].name, repeated(&work.checks)),
        (n, 0) => format!("its {n} checks passed{}", repeated(&work.checks)),
        _ => format!("does not pass {}", listed(&red.iter().map(|check| check.name.clone()).collect::<Vec<_>>())),
    }
}

/// Which checks passed only when they were tried again: somebody should look at those.
fn repeated(checks: &[CheckRun]) -> String {
    let again: Vec<_> = checks.iter().filter(|check| check.attempts > 1).collect();
    match (checks.len(), &again[..]) {
        (_, []) => String::new(),
        (1, [only]) => format!(" at attempt {}", only.attempts),
        (_, several) => {
            let named = several.iter().map(|check| format!("{} at attempt {}", check.name, check.attempts));
            format!(" ({})", listed(&named.collect::<Vec<_>>()))
        }
    }
}

fn size(changes: &[FileChange]) -> String {
    let added: u64 = changes.iter().map(|change| change.added).sum();
    let removed: u64 = changes.iter().map(|change| change.removed).sum();
    let paths: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
    format!("+{added} −{removed} in {}", listed(&paths))
}

fn listed(items: &[String]) -> String {
    some_of(items, SHOWN_MAX)
}

/// `a, b, c and 2 more`.
pub(super) fn some_of(items: &[String], count_max: usize) -> String {
    let shown = items.iter().take(count_max).cloned().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(count_max) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The last line that says something; of a check's output, most often the one that names the test.
pub(crate) fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty())
}
