//! Each state that people see in Slack, as the messages that the product sends: drawn by the example `slack-look`, and
//! judged by Slack's own library.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use agents::board::Doing;
use agents::session::people::{Question, QuestionKind};
use agents::task::{
    Approved, Demand, Goal, Intent, OpenQuestion, Plan, PlanDraft, PlanMode, Proof, PullRequest, Request, Task,
    TaskState, Waits, Word, WordKind, Work,
};
use domain::policy::Tier;
use domain::{Person, TaskId, ThreadRef, Timestamp};
use downbeat::chat::aftermath;
use downbeat::chat::home::{Entry, Group, Holding, Home};
use downbeat::chat::messenger::{Asks, Said};
use downbeat::chat::render::{self, Surroundings};
use downbeat::slack::blocks::steps::{Progress, Steps};
use downbeat::slack::blocks::{Frame, message};
use downbeat::slack::button::Signer;
use downbeat::slack::forms::{self, Startable};
use downbeat::slack::home::{self, Place};
use forge::checks::Conclusion;
use forge::{CheckRun, FileChange};
use serde_json::{Value, json};

/// All of them, each with its name and either messages or a view.
pub fn all() -> Vec<Value> {
    let classic = (false, Steps::Here);
    let mut scenes: Vec<_> = cards().into_iter().map(|(name, card)| scene(name, &[card], classic)).collect();
    scenes.extend(messages().into_iter().map(|(name, said)| scene(name, &said, classic)));
    scenes.push(scene("native-card", &[working()], (true, Steps::Here)));
    scenes.push(scene("native-plan", &[render::plan(&task(waiting(plan())), &plan())], (true, Steps::Here)));
    scenes.extend(growing());
    scenes.extend(views());
    scenes
}

fn scene(name: &str, said: &[Said], place: (bool, Steps)) -> Value {
    let blocks: Vec<_> = said.iter().map(|said| laid_out(said, place)).collect();
    json!({ "name": name, "messages": blocks })
}

fn laid_out(said: &Said, (native, steps): (bool, Steps)) -> Vec<Value> {
    let signer = Signer::new(b"pictures");
    let sign = |says: &str| signer.sign("C0DEV", "1", says);
    let mention = |person: &Person| Some(format!("U0{}", person.as_str().to_uppercase()));
    message(said, &Frame { native, steps, mention: &mention, sign: &sign }).blocks
}

/// The card beside the message in which its steps grow, while they are worked on; and all of it at the end.
fn growing() -> [Value; 2] {
    let apart = (true, Steps::Apart);
    let plan =
        || laid_out(&render::plan(&task(waiting(plan())), &plan()).closed("approved by ben at 10:42 UTC"), apart);
    let now = Progress::of("T-12", &working()).expect("it has steps");
    let done = texts(&[
        "☑ Read the code around the redirect",
        "☑ Keep the query string",
        "☑ Add the two tests",
        "☑ Run the checks",
    ]);
    let end = Progress::of_lines("T-12", &done).expect("it has steps").at_rest();
    let steps = |progress: &Progress| progress.blocks(true, "card:T-12:");
    let review = render::card(&task(TaskState::InReview { pull_request: pull_request(), sent_back: None }), &around());
    let ready = render::ready(&task(merged()), "downbeat/T-12", &work(Conclusion::Passed));
    [
        json!({ "name": "native-growing", "messages": [laid_out(&working(), apart), plan(), steps(&now)] }),
        json!({ "name": "native-ended", "messages": [laid_out(&review, apart), plan(), steps(&end), laid_out(&ready, apart)] }),
    ]
}

fn person(name: &str) -> Person {
    name.parse().expect("a name")
}

fn task(state: TaskState) -> Task {
    let request = Request {
        text: "fix the login redirect that loses the query string".to_owned(),
        repo: "acme-web".parse().expect("a name"),
        target: "main".parse().expect("a branch"),
        agent: "codex".to_owned(),
        model: None,
        plan: PlanMode::Ask,
        merges_itself: false,
        budget_micros: None,
        repo_because: "this channel's default".to_owned(),
        requester: person("ana"),
        thread: ThreadRef::slack("T1", "C0DEV", "1700000000.000100"),
        message: None,
        context: String::new(),
        receipt: "14 messages (2 of bots left out), 2 files".to_owned(),
        pictures: None,
        waits: Waits::default(),
    };
    Task {
        id: TaskId::new(12),
        request,
        created_at: Timestamp::from_ms(0),
        card: None,
        sessions: 1,
        plans: 2,
        waits: 0,
        questions: 1,
        trials: 0,
        said: Vec::new(),
        reached: BTreeSet::new(),
        allowed: BTreeMap::new(),
        muted_by: None,
        asides: agents::task::Asides::default(),
        repair: None,
        trial: None,
        state,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn plan() -> Plan {
    let draft = PlanDraft {
        summary: "The redirect after a login keeps the query string.".to_owned(),
        steps: texts(&[
            "Read `returnTo` in `src/auth/redirect.ts` with its query string instead of the path alone",
            "Refuse addresses of other hosts, as before",
            "Add a test for a query string and one for a foreign host",
        ]),
        paths: texts(&["src/auth/redirect.ts", "src/auth/redirect.test.ts"]),
        checks: texts(&["unit", "lint"]),
        cost_micros: Some(420_000),
        ..PlanDraft::default()
    };
    Plan::new(2, draft, Tier::R1, "R1, source and tests".to_owned())
}

fn approved() -> Option<Approved> {
    Some(Approved { plan: plan(), by: Some(person("ben")), at: None, feedback: Vec::new() })
}

fn waiting(plan: Plan) -> TaskState {
    TaskState::AwaitingApproval { plan, feedback: Vec::new() }
}

fn work(conclusion: Conclusion) -> Work {
    let change = |path: &str, added, removed| FileChange { path: path.to_owned(), added, removed };
    let output_tail = "12 passed, 1 failed: keeps the query string".to_owned();
    let check = CheckRun {
        name: "unit".to_owned(),
        conclusion,
        exit: None,
        output_tail,
        duration_ms: 9_000,
        attempts: 1,
        failed_tests: forge::FailedTests::default(),
    };
    Work {
        approved: approved(),
        accepted_by: None,
        base: "a".repeat(40).parse().expect("a commit"),
        head: "b".repeat(40).parse().expect("a commit"),
        changes: vec![change("src/auth/redirect.ts", 14, 6), change("src/auth/redirect.test.ts", 31, 0)],
        tier: Tier::R1,
        tier_because: "R1".to_owned(),
        altered: Vec::new(),
        checks: vec![check],
        demand: Demand::Checks,
        cage: "full".to_owned(),
        hosts: Vec::new(),
        cost_micros: Some(380_000),
    }
}

fn pull_request() -> PullRequest {
    PullRequest { reference: "downbeat/T-12".to_owned(), work: work(Conclusion::Passed) }
}

fn question() -> OpenQuestion {
    let question = Question {
        about: QuestionKind::Question,
        text: "Which of the two redirects is meant: the one after a login, or the one after a sign-up?".to_owned(),
        choices: texts(&["After a login", "After a sign-up", "Both"]),
    };
    OpenQuestion { number: 1, question }
}

fn around() -> Surroundings {
    Surroundings {
        cost: Some("$0.38".to_owned()),
        cage: "full".to_owned(),
        elapsed: Duration::from_secs(14 * 60),
        ..Surroundings::default()
    }
}

fn working() -> Said {
    let todo = texts(&[
        "☑ Read the code around the redirect",
        "☑ Keep the query string",
        "▸ Add the two tests",
        "☐ Run the checks",
    ]);
    let doing = Doing { call: Some("→ npm test".to_owned()), todo };
    render::card(&task(TaskState::Working { approved: approved() }), &Surroundings { doing, ..around() })
}

fn cards() -> Vec<(&'static str, Said)> {
    let card = |state| render::card(&task(state), &around());
    let merging =
        TaskState::Merging { pull_request: pull_request(), by: person("ben"), intent: Intent::Land, note: None };
    let queued = Surroundings { queue: Some("position 2 of 3 · testing".to_owned()), ..around() };
    let goal = || Goal::Work { approved: approved() };
    let failed = "the agent ended with exit 1: the model refused the request".to_owned();
    vec![
        ("card-queued", card(TaskState::Queued { goal: Goal::Plan { feedback: Vec::new() } })),
        ("card-planning", card(TaskState::Planning { feedback: Vec::new() })),
        ("card-awaiting", card(waiting(plan()))),
        ("card-working", working()),
        ("card-asking", card(TaskState::Parked { goal: goal(), open: question() })),
        ("card-paused", card(TaskState::Paused { goal: goal(), by: Some(person("ana")) })),
        ("card-review", card(TaskState::InReview { pull_request: pull_request(), sent_back: None })),
        ("card-merging", render::card(&task(merging), &queued)),
        ("card-merged", card(merged())),
        ("card-failed", card(TaskState::Failed { why: failed, goal: goal() })),
    ]
}

fn merged() -> TaskState {
    TaskState::Merged { commit: "c0ffee".repeat(7)[..40].parse().expect("a commit"), proof: Proof::Tested }
}

fn messages() -> Vec<(&'static str, Vec<Said>)> {
    let at = |state| task(state);
    let open = question();
    let answer = Word::new(person("ana"), "After a login".to_owned(), WordKind::Remark);
    let first = PlanDraft { steps: texts(&["Find the redirect", "Keep the query string"]), ..plan().draft };
    let first = Plan::new(1, first, Tier::R1, "R1, source and tests".to_owned());
    let superseded =
        render::plan(&at(waiting(first.clone())), &first).closed("replaced by v2, as ben asked at 10:42 UTC");
    let asked = at(TaskState::Parked { goal: Goal::Plan { feedback: Vec::new() }, open: open.clone() });
    let red = work(Conclusion::Failed);
    let failed = TaskState::Failed {
        why: "the agent ended with exit 1: the model refused the request".to_owned(),
        goal: Goal::Plan { feedback: Vec::new() },
    };
    let why = "it changes `package.json`, which the plan did not name";
    let cancelled = TaskState::Cancelled { why: "stopped by ana".to_owned() };
    let answered = TaskState::Answered { answer: "The redirect keeps the query string already:\n```ts\nreturn new URL(returnTo, base)\n```\nIt was fixed in `4f2a91c`.".to_owned() };
    vec![
        ("plan-v2", vec![render::plan(&at(waiting(plan())), &plan())]),
        ("plan-v1-superseded", vec![superseded]),
        ("question", vec![render::question(&asked, &open)]),
        ("question-answered", vec![render::closed_question(&asked, &open, Some(&answer))]),
        (
            "departed",
            vec![render::departed(&at(TaskState::Departed { work: red.clone(), why: why.to_owned() }), &red, why)],
        ),
        ("ready", vec![render::ready(&at(merged()), "downbeat/T-12", &work(Conclusion::Passed))]),
        ("ready-red", vec![render::ready(&at(merged()), "downbeat/T-12", &red)]),
        (
            "sent-back",
            vec![aftermath::sent_back(&at(merged()), "its check unit failed on top of T-9: keeps the query string")],
        ),
        ("merged", vec![render::ended(&at(merged()), &around())]),
        ("failed", vec![render::ended(&at(failed), &around())]),
        ("cancelled", vec![render::ended(&at(cancelled), &around())]),
        ("answered", vec![render::ended(&at(answered), &around())]),
        (
            "thread",
            vec![
                working(),
                render::plan(&at(waiting(plan())), &plan()),
                render::ready(&at(merged()), "downbeat/T-12", &work(Conclusion::Passed)),
            ],
        ),
    ]
}

fn views() -> Vec<Value> {
    let planned = render::plan(&task(waiting(plan())), &plan());
    let offered: Vec<_> = planned.choices.iter().chain(&planned.controls).collect();
    let form = |name: &str, is_it: fn(&Asks) -> bool| {
        let choice = offered.iter().find(|choice| is_it(&choice.asks)).expect("a plan offers it");
        json!({ "name": name, "view": forms::view(choice, "there") })
    };
    let names = |names: &[&str]| texts(names);
    let with =
        Startable { mention: "@agent".to_owned(), repos: names(&["web", "api"]), agents: names(&["codex", "claude"]) };
    let start = forms::shortcut(
        "The login forgets where I came from: after signing in from /orders?page=3 I land on /orders.",
        &with,
        "there",
    );
    vec![
        form("form-edit-plan", |asks| matches!(asks, Asks::Steps { .. })),
        form("form-revise", |asks| matches!(asks, Asks::Words { .. })),
        json!({ "name": "form-start", "view": start }),
        json!({ "name": "home", "view": home_view(&home()) }),
        json!({ "name": "home-empty", "view": home_view(&Home::default()) }),
    ]
}

fn home_view(home: &Home) -> Value {
    let link = |_: &ThreadRef| Some("https://acme.slack.com/archives/C0DEV/p1700000000000100".to_owned());
    home::view(home, &Place { mention: "@agent", sign: &str::to_owned, link: &link })
}

fn home() -> Home {
    let entry = |n, title: &str, state: TaskState| {
        let task = Task { id: TaskId::new(n), ..task(state) };
        Entry { title: title.to_owned(), ..Entry::of(&task, render::now_line(&task, &around())) }
    };
    let parked = TaskState::Parked { goal: Goal::Plan { feedback: Vec::new() }, open: question() };
    let group = |entries, more| Group { entries, more };
    Home {
        needs: group(
            vec![
                entry(14, "add a rate limit to the password reset", waiting(plan())),
                entry(12, "fix the login redirect that loses the query string", parked),
            ],
            0,
        ),
        running: group(vec![entry(15, "upgrade the date picker", TaskState::Working { approved: approved() })], 0),
        done: group(
            vec![
                entry(11, "say goodbye on the farewell page", merged()),
                entry(
                    9,
                    "cache the product list",
                    TaskState::Failed {
                        why: "the agent ended with exit 1".to_owned(),
                        goal: Goal::Plan { feedback: Vec::new() },
                    },
                ),
            ],
            4,
        ),
        channels: vec![Holding {
            channel: "slack/T1/C0DEV".to_owned(),
            defaults: ["repo acme-web", "agent codex", "$5 a task"].map(str::to_owned).into(),
        }],
        facts: vec![
            ("Spent in 7 days".to_owned(), "$12.40 · 8.1M in (82% from cache), 214k out".to_owned()),
            ("Doctor".to_owned(), "all well · 2 connections, last event 4 s ago".to_owned()),
        ],
    }
}
