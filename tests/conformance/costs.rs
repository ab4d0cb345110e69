//! The ledger: what sessions used is kept once, summed up, and stopped at a cap.

use std::sync::Mutex;
use std::time::Duration;

use agents::money::{Caps, DOLLAR, Estimate, Grouping, Ledger, Meter, PriceList, Settled, Spender};
use agents::session::event::{AgentEvent, Usage};
use agents::session::people::{People, Question, Reply};
use async_trait::async_trait;
use domain::{TaskId, ThreadRef, Timestamp};
use store::{Statement, Store};

use crate::world::World;

const NO_CAPS: Caps = Caps { task: None, channel: None, day: None };

fn spender(task: u64, agent: &str, thread: &str) -> Spender {
    Spender {
        task: TaskId::new(task),
        session: format!("session-{task}"),
        agent: agent.to_owned(),
        person: "ana".parse().unwrap(),
        repo: "web".parse().unwrap(),
        thread: ThreadRef::console(thread),
        budget: None,
    }
}

/// Usage that costs so many dollars.
fn dollars(n: u64) -> Usage {
    Usage { model: "gpt-5".to_owned(), output: n * 100_000, ..Usage::default() }
}

fn ledger(store: &Store, caps: Caps) -> Ledger {
    Ledger::new(store.clone(), PriceList::default(), caps)
}

async fn cost(ledger: &Ledger, by: Grouping, since: i64) -> Vec<(String, String)> {
    let totals = ledger.totals(by, Timestamp::from_ms(since)).await.unwrap();
    totals.into_iter().map(|total| (total.name.clone(), total.cost())).collect()
}

pub async fn a_report_is_kept_once(world: &World) {
    let store = world.open().await;
    let ledger = ledger(&store, NO_CAPS);
    let ana = spender(1, "coder", "main");
    for _ in 0..2 {
        assert_eq!(ledger.keep(&ana, 1, &dollars(2)).await.unwrap(), Some(2 * DOLLAR));
    }
    ledger.keep(&ana, 2, &dollars(1)).await.unwrap();
    let again = Spender { session: "another attempt".to_owned(), ..ana };
    ledger.keep(&again, 1, &dollars(4)).await.unwrap();
    assert_eq!(cost(&ledger, Grouping::Agent, 0).await, [("coder".to_owned(), "$7".to_owned())]);
    let total = agents::money::total_of(&store, TaskId::new(1)).await.unwrap().unwrap();
    assert_eq!(total.in_words(), "$7 · 0 in, 700k out");
    assert_eq!(agents::money::total_of(&store, TaskId::new(2)).await.unwrap(), None);
}

pub async fn costs_are_summed_by_what_one_asks_for(world: &World) {
    let store = world.open().await;
    let ledger = ledger(&store, NO_CAPS);
    ledger.keep(&spender(1, "coder", "main"), 1, &dollars(1)).await.unwrap();
    let later = store.now().as_ms() + 1;
    world.clock.advance(Duration::from_secs(1));
    ledger.keep(&spender(2, "tidy", "main"), 1, &dollars(3)).await.unwrap();
    let huge = Usage { model: "mystery".to_owned(), output: u64::MAX, ..Usage::default() };
    ledger.keep(&spender(2, "tidy", "main"), 2, &huge).await.unwrap();
    ledger.keep(&spender(2, "tidy", "main"), 3, &huge).await.unwrap();
    let pair = |name: &str, cost: &str| (name.to_owned(), cost.to_owned());
    assert_eq!(cost(&ledger, Grouping::Agent, 0).await, [pair("tidy", "$3 and more"), pair("coder", "$1")]);
    assert_eq!(cost(&ledger, Grouping::Model, 0).await, [pair("gpt-5", "$4"), pair("mystery", "unknown")]);
    assert_eq!(cost(&ledger, Grouping::Task, 0).await, [pair("T-2", "$3 and more"), pair("T-1", "$1")]);
    for (by, name) in [(Grouping::Person, "ana"), (Grouping::Repo, "web"), (Grouping::All, "all")] {
        assert_eq!(cost(&ledger, by, 0).await, [pair(name, "$4 and more")]);
    }
    assert_eq!(cost(&ledger, Grouping::Agent, later).await, [pair("tidy", "$3 and more")]);
}

/// Answers in order, and keeps what it was asked.
#[derive(Default)]
struct Desk {
    answers: Mutex<Vec<&'static str>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl People for Desk {
    async fn ask(&self, question: Question) -> Reply {
        self.asked.lock().unwrap().push(question.text);
        match self.answers.lock().unwrap().pop() {
            Some(text) => Reply::Answered { by: "ben".parse().unwrap(), text: text.to_owned() },
            None => Reply::Unanswered,
        }
    }
}

impl Desk {
    fn answering(answers: &[&'static str]) -> Self {
        Self { answers: Mutex::new(answers.iter().rev().copied().collect()), asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

pub async fn a_reached_cap_asks_until_somebody_allows_enough(world: &World) {
    let store = world.open().await;
    let ledger = ledger(&store, Caps { task: Some(10 * DOLLAR), ..NO_CAPS });
    let ana = spender(1, "coder", "main");
    ledger.keep(&ana, 1, &dollars(9)).await.unwrap();
    let nobody = Desk::default();
    assert_eq!(ledger.ask_when_reached(&ana, &nobody).await.unwrap(), Settled::GoOn);
    assert_eq!(nobody.asked(), [""; 0], "the cap is not reached");
    ledger.keep(&ana, 2, &dollars(4)).await.unwrap();
    assert_eq!(ledger.ask_when_reached(&ana, &nobody).await.unwrap(), Settled::Waits);
    let ben = Desk::answering(&["allow $2 more", "allow $2 more", "stop"]);
    assert_eq!(ledger.ask_when_reached(&ana, &ben).await.unwrap(), Settled::GoOn);
    assert_eq!(
        ben.asked(),
        ["T-1 has cost $10, which is its cap. May it go on?", "T-1 has cost $12, which is its cap. May it go on?"]
    );
    ledger.keep(&ana, 3, &dollars(1)).await.unwrap();
    let why = "T-1 has cost $14, which is its cap. ben stopped it".to_owned();
    assert_eq!(ledger.ask_when_reached(&ana, &ben).await.unwrap(), Settled::Stop { why });
    let other = spender(2, "coder", "main");
    assert_eq!(ledger.reached(&other).await.unwrap(), None, "another task has its own");
}

pub async fn two_answers_to_one_limit_count_once(world: &World) {
    let store = world.open().await;
    let ledger = ledger(&store, Caps { day: Some(10 * DOLLAR), ..NO_CAPS });
    ledger.keep(&spender(1, "coder", "main"), 1, &dollars(10)).await.unwrap();
    let (one, two) = (spender(2, "coder", "main"), spender(3, "coder", "main"));
    let (ben, cleo) = (Desk::answering(&["allow $2 more"]), Desk::answering(&["allow $2 more"]));
    let both = tokio::join!(ledger.ask_when_reached(&one, &ben), ledger.ask_when_reached(&two, &cleo));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (Settled::GoOn, Settled::GoOn));
    ledger.keep(&one, 1, &dollars(2)).await.unwrap();
    let reached = ledger.reached(&two).await.unwrap().map(|reached| reached.limit);
    assert_eq!(reached, Some(12 * DOLLAR), "two dollars were allowed, not four");
}

pub async fn caps_of_a_day_begin_anew_the_next_day(world: &World) {
    let store = world.open().await;
    let ledger = ledger(&store, Caps { channel: Some(5 * DOLLAR), day: Some(9 * DOLLAR), ..NO_CAPS });
    let (main, side) = (spender(1, "coder", "main"), spender(2, "coder", "side"));
    ledger.keep(&main, 1, &dollars(6)).await.unwrap();
    let said = |reached: Option<agents::money::Reached>| reached.map(|reached| reached.in_words());
    let of_channel = "The tasks of console/main have cost $5 today, which is its cap.";
    assert_eq!(said(ledger.reached(&main).await.unwrap()).as_deref(), Some(of_channel));
    assert_eq!(ledger.reached(&side).await.unwrap(), None);
    ledger.keep(&side, 1, &dollars(4)).await.unwrap();
    let of_day = "All tasks together have cost $9 today, which is the cap.";
    assert_eq!(said(ledger.reached(&side).await.unwrap()).as_deref(), Some(of_day));
    world.clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(ledger.reached(&main).await.unwrap(), None);
}

pub async fn an_estimate_goes_by_tasks_that_came_to_something(world: &World) {
    const TASK: &str = "INSERT INTO task (id, version, state, body, updated_at_ms, number, thread, repo, title, requester, created_at_ms)
        VALUES ($1, 1, $2, '{}', 0, 1, '', '', '', '', 0)";
    let store = world.open().await;
    let ledger = ledger(&store, NO_CAPS);
    let unpriced = Usage { model: "mystery".to_owned(), output: 1, ..Usage::default() };
    let tasks = [(1, "merged", 1), (2, "in-review", 2), (3, "answered", 4), (4, "working", 90), (5, "failed", 90)];
    let repo = "web".parse().unwrap();
    assert_eq!(ledger.estimate(&repo, "coder").await.unwrap(), Estimate::Unknown);
    for (n, state, cost) in tasks.into_iter().chain([(6, "merged", 90)]) {
        let ana = spender(n, "coder", "main");
        let args = vec![ana.task.to_string().into(), state.into()];
        store.write(&[Statement { sql: TASK, args }]).await.unwrap();
        ledger.keep(&ana, 1, &dollars(cost)).await.unwrap();
        if n == 6 {
            ledger.keep(&ana, 2, &unpriced).await.unwrap();
        }
    }
    let estimate = ledger.estimate(&repo, "coder").await.unwrap();
    assert_eq!(estimate, Estimate::Known { median: 2 * DOLLAR, p90: 4 * DOLLAR, n_tasks: 3 });
    assert_eq!(ledger.estimate(&repo, "tidy").await.unwrap(), Estimate::Unknown);
}

pub async fn a_meter_keeps_what_it_hears_and_ends_at_a_cap(world: &World) {
    let store = world.open().await;
    let ledger = ledger(&store, Caps { task: Some(10 * DOLLAR), ..NO_CAPS });
    let meter = Meter::new(ledger.clone(), spender(1, "coder", "main"));
    meter.hear(&AgentEvent::Said { text: "no report".to_owned() });
    meter.hear(&AgentEvent::Used(dollars(3)));
    meter.keep().await.unwrap();
    meter.keep().await.unwrap();
    assert_eq!(cost(&ledger, Grouping::Task, 0).await, [("T-1".to_owned(), "$3".to_owned())]);
    let hears = async {
        // More at once than may wait: they are added up.
        (0..1_000).for_each(|_| meter.hear(&AgentEvent::Used(dollars(1))));
    };
    let (reached, ()) = tokio::join!(meter.until_reached(), hears);
    assert_eq!(reached.unwrap().in_words(), "T-1 has cost $10, which is its cap.");
    assert_eq!(cost(&ledger, Grouping::Task, 0).await, [("T-1".to_owned(), "$1,003".to_owned())]);
}
