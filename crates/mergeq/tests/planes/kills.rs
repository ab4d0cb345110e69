//! A process that is killed at any step of a landing, and the next one on the same store and the same repositories.
//!
//! The killed process is a real one: this binary once more, which aborts itself at the step. Each step has three moments:
//! an effect is claimed, is performed and not written down, is written down.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::{Cause, DeliveryId};
use mergeq::queue::{News, Policy, Queue, QueueEffect, QueueEvent, queue_id};
use mergeq::{
    Checker, Examiner, Judge, Lander, Prober, Probes, QueueDesk, Reconciler, ReuseTerms, Stager, StagingSettings,
    VerdictLedger, recent_outcomes,
};
use store::{Lane, Owed, Performed, Performer, Pump, Pumping, Store, Table};

use crate::content::{module, spot};
use crate::field::{TreeRunner, open_store};
use crate::ground::{HandClock, change, git_settings, open_repositories};
use crate::person::Person;
use crate::workload::{Edit, Workload};

/// Where the process that is killed lives, and at which moment it is.
const PLACE: &str = "PLANES_KILLED_IN";
const MOMENT: &str = "PLANES_KILLED_AT";

const ABORTED: i32 = 6;

/// The moments of a life in their order, and the one at which it ends.
#[derive(Clone, Default)]
struct Fate {
    passed: Arc<Mutex<Vec<String>>>,
    ends_at: Option<usize>,
}

impl Fate {
    fn pass(&self, moment: String) {
        let mut passed = self.passed.lock().unwrap();
        if self.ends_at == Some(passed.len()) {
            std::process::abort();
        }
        passed.push(moment);
    }
}

/// A performer whose process may die before and after it acts.
struct Mortal<P> {
    inner: P,
    fate: Fate,
}

#[async_trait]
impl<P: Performer<Machine = Queue>> Performer for Mortal<P> {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let work = named(&owed.effect);
        self.fate.pass(format!("{work} claimed"));
        let performed = self.inner.perform(owed).await;
        self.fate.pass(format!("{work} performed"));
        performed
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        self.inner.bury(owed, why)
    }
}

fn named(effect: &QueueEffect) -> String {
    match effect {
        QueueEffect::Stage { run, .. } => format!("staging of {run}"),
        QueueEffect::AwaitChecks { run, .. } => format!("checks of {run}"),
        QueueEffect::Land { run, .. } => format!("push of {run}"),
        QueueEffect::Audit { .. } => "audit".to_owned(),
        QueueEffect::Probe(_) => "probe".to_owned(),
        QueueEffect::Report { entry, news: News::Ended(_) } => format!("report of {entry}'s end"),
        QueueEffect::Report { entry, .. } => format!("news of {entry}"),
        other => format!("{other:?}"),
    }
}

/// Writes the ends that it is told into a file, which outlives it.
struct Scribe(std::path::PathBuf);

#[async_trait]
impl Performer for Scribe {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        if let QueueEffect::Report { entry, news: News::Ended(outcome) } = &owed.effect {
            let before = std::fs::read_to_string(&self.0).unwrap_or_default();
            std::fs::write(&self.0, format!("{before}{entry} {outcome}\n")).unwrap();
        }
        Performed::Finished
    }

    fn bury(&self, _owed: &Owed<Queue>, _why: &str) -> Option<QueueEvent> {
        None
    }
}

/// Two branches on a new remote.
async fn prepare(dir: &Path) -> Person {
    let person = Person::with_new_remote(dir, git_settings(dir)).await;
    for (n, id) in [(1, "C01"), (2, "C02")] {
        let edit = Edit { spot: spot(module(n), 1), text: format!("plain {id}") };
        person.push(id, &person.root, &[edit]).await;
    }
    person
}

/// What a process does from its start until nothing is left to be done: it brings both changes, which land together.
async fn live(dir: &Path, fate: &Fate) -> Store {
    let clock = Arc::new(HandClock::default());
    let repositories = open_repositories(dir, git_settings(dir)).await;
    let store = open_store(dir, &clock).await;
    store.forget_leases().await.unwrap();
    Reconciler::new(store.clone(), repositories.clone()).reconcile_all().await;
    let repository = repositories.iter().next().unwrap().clone();
    let rule = (repository.name.clone(), repository.target.clone(), Policy::batch(4));
    let desk = QueueDesk::new(store.clone(), [rule]);
    let by = "ana".parse().unwrap();
    let mut wishes = vec![("the pause", QueueEvent::Paused { by })];
    for id in ["C01", "C02"] {
        let branch = dir.join("remote.git/refs/heads").join(id);
        let head = std::fs::read_to_string(branch).unwrap().trim().parse().unwrap();
        wishes.push((id, QueueEvent::Enqueued { change: change(id, head) }));
    }
    wishes.push(("the resumption", QueueEvent::Resumed { by: "ana".parse().unwrap() }));
    for (wish, event) in wishes {
        let cause = Cause::Delivery(DeliveryId::new(wish));
        desk.tell(&repository.name, event, cause).await.unwrap();
        fate.pass(format!("{wish} written down"));
    }
    // The changes came when they came; the work is done by later and later processes.
    let starts = std::fs::read_to_string(dir.join("starts")).unwrap_or_default() + ".";
    std::fs::write(dir.join("starts"), &starts).unwrap();
    clock.0.fetch_add(60_000 * i64::try_from(starts.len()).unwrap(), Ordering::SeqCst);
    let nothing = Workload { seed: 1, changes: Vec::new(), pushes: Vec::new(), flaky: 0. };
    let runner = Arc::new(TreeRunner::new(&nothing));
    let ledger = VerdictLedger::new(store.clone(), ReuseTerms::default());
    let checker = Checker::new(store.clone(), repositories.clone(), Judge::new(store.clone(), runner, ledger));
    let pumps = [
        pump(&store, fate, "report", Scribe(dir.join("reports"))),
        pump(&store, fate, "stage", Stager::new(store.clone(), repositories.clone(), StagingSettings::default())),
        pump(&store, fate, "probe", Prober::new(repositories.clone(), Probes::default())),
        pump(&store, fate, "checks", checker),
        pump(&store, fate, "land", Lander::new(repositories.clone())),
        pump(&store, fate, "audit", Examiner::new(store.clone(), repositories.clone(), "example.org")),
    ];
    drain(&pumps, fate).await;
    store
}

fn pump<P>(store: &Store, fate: &Fate, lane: &'static str, inner: P) -> Box<dyn Pumping>
where
    P: Performer<Machine = Queue>,
{
    Box::new(Pump::new(store.clone(), Lane::new(lane, 4), Mortal { inner, fate: fate.clone() }))
}

async fn drain(pumps: &[Box<dyn Pumping>], fate: &Fate) {
    loop {
        let mut is_idle = true;
        for pump in pumps {
            while pump.perform_next().await.unwrap() {
                is_idle = false;
                let of = fate.passed.lock().unwrap().last().unwrap().replace("performed", "written down");
                fate.pass(of);
            }
        }
        if is_idle {
            return;
        }
    }
}

/// Nothing to see unless a test below started this process to kill it.
#[tokio::test]
async fn the_process_that_is_killed() {
    let (Ok(dir), Ok(moment)) = (std::env::var(PLACE), std::env::var(MOMENT)) else { return };
    let fate = Fate { ends_at: Some(moment.parse().unwrap()), ..Fate::default() };
    live(Path::new(&dir), &fate).await;
}

#[expect(clippy::disallowed_methods, reason = "what is killed must be a process, and it is this very program")]
fn kill_at(dir: &Path, moment: usize, name: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "kills::the_process_that_is_killed", "--test-threads=1"]);
    child.env(PLACE, dir).env(MOMENT, moment.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = child.status().unwrap();
    assert_eq!(ended.signal(), Some(ABORTED), "the process was to die at moment {moment}, {name}, and {ended}");
}

/// What there is to see when all is over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remains {
    target: String,
    tree: String,
    /// Whose commits are on the target, in order.
    landed: String,
    outcomes: Vec<String>,
    /// What was told of ends; a report that was not written down is made again.
    reports: Vec<String>,
    /// How often the machine was told that something landed.
    n_landings: usize,
    n_owed: i64,
    left: Vec<String>,
}

impl Remains {
    /// The same where commits have other names.
    fn nameless(mut self) -> Self {
        self.target.clear();
        for said in self.outcomes.iter_mut().chain(&mut self.reports) {
            said.truncate(said.find(" as ").unwrap_or(said.len()));
        }
        self
    }
}

async fn look(dir: &Path, person: &Person, store: &Store) -> Remains {
    let id = queue_id(&"web".parse().unwrap(), &"main".parse().unwrap());
    let format = "--format=%(trailers:key=Task-Id,valueonly,separator=%x2C)";
    let landed = person.git("log", &["--first-parent", "--reverse", format, "refs/heads/main"]).await;
    let past = recent_outcomes(store, &id, 100).await.unwrap();
    let reports = std::fs::read_to_string(dir.join("reports")).unwrap_or_default();
    let mut reports: Vec<String> = reports.lines().map(str::to_owned).collect();
    reports.sort_unstable();
    reports.dedup();
    let journal = store.journal(Queue::KIND, id.as_str(), 0).await.unwrap();
    let queue = store.load::<Queue>(&id).await.unwrap().unwrap();
    Remains {
        target: person.git("rev-parse", &["main"]).await,
        tree: person.git("rev-parse", &["main^{tree}"]).await,
        landed: landed.split_whitespace().collect::<Vec<_>>().join(" "),
        outcomes: past.into_iter().map(|one| format!("{} {}", one.entry, one.text)).collect(),
        reports,
        n_landings: journal.iter().filter(|entry| entry.event.contains("\"event\":\"landed\"")).count(),
        n_owed: store.owed_now().await.unwrap(),
        left: queue.entries.iter().map(|entry| entry.change.id.to_string()).collect(),
    }
}

/// A life that nobody disturbs: its moments, and what remains of it.
async fn undisturbed() -> (Vec<String>, Remains) {
    let dir = tempfile::tempdir().unwrap();
    let person = prepare(dir.path()).await;
    let fate = Fate::default();
    let store = live(dir.path(), &fate).await;
    let remains = look(dir.path(), &person, &store).await;
    assert_eq!((remains.landed.as_str(), remains.n_landings, remains.n_owed), ("C01 C02", 1, 0), "{remains:?}");
    assert!(remains.left.is_empty() && remains.outcomes.len() == 2 && remains.reports.len() == 2, "{remains:?}");
    let moments = fate.passed.lock().unwrap().clone();
    (moments, remains)
}

/// Kills a process at each moment of that kind; the next one must come to what would have been without it.
async fn kill_whenever(kind: &str) {
    let (moments, expected) = undisturbed().await;
    let of_kind: Vec<_> = moments.iter().enumerate().filter(|(_, name)| name.ends_with(kind)).collect();
    for step in ["staging of run-1", "checks of run-1", "push of run-1", "report of C02's end"] {
        assert!(of_kind.iter().any(|(_, name)| name.starts_with(step)), "no moment of {step} in {moments:?}");
    }
    for (moment, name) in of_kind {
        let remains = kill_and_go_on((moment, name), |_| {}).await;
        assert_eq!(remains, expected, "after a kill at moment {moment}: {name}");
    }
}

/// What remains when a process was killed, something happened to its directory, and the next one came.
async fn kill_and_go_on((moment, name): (usize, &str), meanwhile: fn(&Path)) -> Remains {
    let dir = tempfile::tempdir().unwrap();
    let person = prepare(dir.path()).await;
    kill_at(dir.path(), moment, name);
    meanwhile(dir.path());
    let store = live(dir.path(), &Fate::default()).await;
    look(dir.path(), &person, &store).await
}

#[tokio::test]
async fn a_kill_when_work_was_claimed_changes_nothing() {
    kill_whenever("claimed").await;
}

/// The hardest is among them: the push is done, and nobody wrote that down.
#[tokio::test]
async fn a_kill_when_work_was_performed_and_not_written_down_changes_nothing() {
    kill_whenever("performed").await;
}

#[tokio::test]
async fn a_kill_when_work_was_written_down_changes_nothing() {
    kill_whenever("written down").await;
}

/// The commits that are to land are in the mirror alone. Whoever has to land them makes them anew, and they are the same;
/// unless a landing of them may still be under way somewhere, which must not find them again.
#[tokio::test]
async fn a_kill_that_takes_the_mirror_along_changes_nothing() {
    let (moments, expected) = undisturbed().await;
    for name in [
        "staging of run-1 performed",
        "staging of run-1 written down",
        "checks of run-1 claimed",
        "checks of run-1 written down",
        "push of run-1 claimed",
        "push of run-1 performed",
        "push of run-1 written down",
    ] {
        let moment = moments.iter().position(|known| known == name).unwrap();
        let remains = kill_and_go_on((moment, name), |dir| std::fs::remove_dir_all(dir.join("mirrors")).unwrap()).await;
        let is_landing = ["checks of run-1 written down", "push of run-1 claimed"].contains(&name);
        assert_eq!(remains.target != expected.target, is_landing, "{name}");
        let [remains, expected] = [remains, expected.clone()].map(Remains::nameless);
        assert_eq!(remains, expected, "after a kill at moment {moment}: {name}, and without the mirror");
    }
}
