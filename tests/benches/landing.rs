//! From the end of a check that takes no time to a target branch that has moved, through the real queue.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{Cause, DeliveryId, Sha};
use forge::{CheckRun, CheckSpec, Conclusion, Gate, Repositories, Repository, Style};
use mergeq::queue::{Change, Company, News, Outcome, Policy, Priority, Queue, QueueEffect, QueueEvent};
use mergeq::{
    Briefing, CheckRunner, Checker, GateReport, Judge, Lander, LandingRule, QueueDesk, ReuseTerms, Stager,
    StagingSettings, VerdictLedger,
};
use store::{Lane, Owed, Performed, Performer, Pump, Pumping, Store, StoreSettings};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::figure::Figure;
use crate::remote::BigRemote;
use crate::stores::SystemClock;

const LANDINGS: usize = 200;
/// The first ones fill caches, as a service that runs has them filled.
const WARM_UP: usize = 10;

/// What a change becomes, and how the figure is called. A squash is what a repository gets that says nothing.
const STYLES: [(Style, &str); 4] = [
    (Style::Squash, ""),
    (Style::Merge, ", merge commits"),
    (Style::Rebase, ", rebased"),
    (Style::FastForward, ", fast-forwarded or rebased"),
];

pub fn land(figures: &mut Vec<Figure>) {
    for (style, said) in STYLES {
        let home = tempfile::tempdir().expect("a temporary directory");
        let remote = BigRemote::make(home.path(), LANDINGS);
        let heads: Vec<Sha> = (0..LANDINGS).map(|n| remote.sha(&format!("b{n}"))).collect();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (from_check, whole) = runtime.block_on(async {
            let repository = remote.open(home.path()).await;
            let url = format!("sqlite:{}", home.path().join("queue.db").display());
            let store = Store::open(&StoreSettings::new(url), Arc::new(SystemClock)).await.expect("a database");
            land_all(store, (repository, style), heads).await
        });
        let what = format!("landing: check passed → landed and recorded{said}");
        figures.push(Figure::of_waits(&what, from_check).at_most(15.0));
        figures.push(Figure::of_waits(&format!("landing: enqueued → landed and recorded{said}"), whole));
    }
}

async fn land_all(
    store: Store,
    (repository, style): (Repository, Style),
    heads: Vec<Sha>,
) -> (Vec<Duration>, Vec<Duration>) {
    let (name, target) = (repository.name.clone(), repository.target.clone());
    let settings = StagingSettings::default();
    settings.rules.replace([(name.clone(), LandingRule { style, ..LandingRule::default() })]);
    let repositories: Repositories = std::iter::once(repository).collect();
    let desk = QueueDesk::new(store.clone(), [(name.clone(), target, Policy::serial())]);
    let passed = Arc::new(Mutex::new(Instant::now()));
    let (landed, mut outcomes) = mpsc::channel(16);
    let runner = Arc::new(NullCheck(passed.clone()));
    let pumps: Vec<Arc<dyn Pumping>> = vec![
        Arc::new(Pump::new(
            store.clone(),
            Lane::new("stage", 2),
            Stager::new(store.clone(), repositories.clone(), settings),
        )),
        Arc::new(Pump::new(
            store.clone(),
            Lane::new("checks", 2),
            Checker::new(
                store.clone(),
                repositories.clone(),
                Judge::new(store.clone(), runner, VerdictLedger::new(store.clone(), ReuseTerms::default())),
            ),
        )),
        Arc::new(Pump::new(store.clone(), Lane::new("land", 2), Lander::new(repositories))),
        Arc::new(Pump::new(store.clone(), Lane::new("report", 4), Witness(landed))),
    ];
    let stop = CancellationToken::new();
    for pump in pumps {
        let stop = stop.clone();
        tokio::spawn(async move { pump.run(stop).await });
    }
    let (mut from_check, mut whole) = (Vec::new(), Vec::new());
    for (n, head) in heads.into_iter().enumerate() {
        let began = Instant::now();
        let cause = Cause::Delivery(DeliveryId::new(format!("bench:{n}")));
        desk.tell(&name, QueueEvent::Enqueued { change: change(n, head) }, cause).await.expect("the queue takes it");
        let (at, outcome) = outcomes.recv().await.expect("every entry has an outcome");
        assert!(matches!(outcome, Outcome::Merged { .. }), "{outcome:?}");
        if n >= WARM_UP {
            from_check.push(at - *passed.lock().expect("nobody panics"));
            whole.push(at - began);
        }
    }
    stop.cancel();
    (from_check, whole)
}

fn change(n: usize, head: Sha) -> Change {
    Change {
        id: domain::EntryId::new(format!("T-{n}")),
        head,
        started_from: None,
        title: format!("work {n}"),
        requested_by: "ana".parse().expect("a name"),
        approved_by: None,
        message: String::new(),
        company: Company::Any,
        priority: Priority::default(),
        is_repairable: false,
        depends_on: Vec::new(),
        lanes: BTreeSet::new(),
        branch: None,
    }
}

/// Passes at once and notes when.
struct NullCheck(Arc<Mutex<Instant>>);

#[async_trait]
impl CheckRunner for NullCheck {
    async fn run(&self, _: &Repository, _: &Sha, _: &Briefing, _: CancellationToken) -> Result<GateReport, String> {
        let spec = CheckSpec::named("null", "true");
        let run = CheckRun {
            name: spec.name.clone(),
            conclusion: Conclusion::Passed,
            exit: None,
            output_tail: String::new(),
            duration_ms: 0,
            attempts: 1,
            failed_tests: forge::FailedTests::default(),
        };
        *self.0.lock().expect("nobody panics") = Instant::now();
        Ok(GateReport::Read { gate: Gate::Checks(vec![spec]), runs: vec![run], environment: None })
    }
}

/// Notes when the outcome of an entry is being reported: then the landing is on the target and in the database.
struct Witness(mpsc::Sender<(Instant, Outcome)>);

#[async_trait]
impl Performer for Witness {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        if let QueueEffect::Report { news: News::Ended(outcome), .. } = &owed.effect {
            self.0.send((Instant::now(), outcome.clone())).await.expect("somebody listens");
        }
        Performed::Finished
    }

    fn bury(&self, _: &Owed<Queue>, _: &str) -> Option<QueueEvent> {
        None
    }
}
