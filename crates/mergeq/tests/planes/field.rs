//! The plane in the world: the machine in a store in a file, its performers on a bare mirror and a bare remote, and git.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{EntryId, Sha};
use forge::{CheckRun, Conclusion, FailedTests, Gate, Repositories, Repository, gate_from_toml};
use mergeq::queue::{Change, News, Policy, Queue, QueueEffect, QueueEvent, queue_id};
use mergeq::{
    CheckRunner, Checker, GateReport, Judge, Lander, Prober, Probes, QueueDesk, Reconciler, ReuseTerms, Stager,
    StagingSettings, VerdictLedger,
};
use store::{Lane, Owed, Performed, Performer, Pump, Pumping, Store, StoreError, StoreSettings};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::content::{Content, MODULES, failing, key_of, module, read_text};
use crate::ground::{HandClock, by_ana, change, git_settings, open_repositories};
use crate::held::{Begun, Holder, job_of};
use crate::paper::time_of;
use crate::person::Person;
use crate::play::{Beginning, Job, Plane, Settled, described};
use crate::repo::named;
use crate::workload::{Planned, Workload};

pub(crate) struct Field {
    pub(crate) person: Person,
    pub(crate) store: Store,
    pub(crate) runner: Arc<TreeRunner>,
    /// What was answered to which work, oldest first.
    pub(crate) answered: Arc<Mutex<Vec<(QueueEffect, QueueEvent)>>>,
    repositories: Repositories,
    clock: Arc<HandClock>,
    desk: QueueDesk,
    reporter: Arc<dyn Pumping>,
    /// Answers at once, before anything else begins.
    prober: Arc<dyn Pumping>,
    workers: [Arc<dyn Pumping>; 3],
    heard: Arc<Mutex<Vec<(EntryId, News)>>>,
    begun: mpsc::Receiver<Begun>,
    under_way: BTreeMap<Job, (oneshot::Sender<()>, Work)>,
    _dir: TempDir,
}

type Work = Pin<Box<dyn Future<Output = Result<bool, StoreError>>>>;

/// Keeps what the queue reports.
struct Listener(Arc<Mutex<Vec<(EntryId, News)>>>);

#[async_trait]
impl Performer for Listener {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        if let QueueEffect::Report { entry, news } = &owed.effect {
            self.0.lock().unwrap().push((entry.clone(), news.clone()));
        }
        Performed::Finished
    }

    fn bury(&self, _owed: &Owed<Queue>, _why: &str) -> Option<QueueEvent> {
        None
    }
}

/// Checks that are a function of the tree, but for the workload's lies.
pub(crate) struct TreeRunner {
    workload: Workload,
    n_tests: Mutex<BTreeMap<u64, u64>>,
    /// The trees that passed.
    pub(crate) passed: Mutex<BTreeSet<Sha>>,
}

impl TreeRunner {
    pub(crate) fn new(workload: &Workload) -> Self {
        Self { workload: workload.clone(), n_tests: Mutex::default(), passed: Mutex::default() }
    }

    fn verdict(&self, content: &Content) -> Vec<&'static str> {
        let (key, names) = (key_of(content), failing(content));
        let mut n_tests = self.n_tests.lock().unwrap();
        let nth = n_tests.entry(key).and_modify(|n| *n += 1).or_insert(1);
        if names.is_empty() && self.workload.lies(key, *nth) { vec!["unit"] } else { names }
    }
}

#[async_trait]
impl CheckRunner for TreeRunner {
    async fn run(
        &self,
        repository: &Repository,
        commit: &Sha,
        _: &mergeq::Briefing,
        _stop: CancellationToken,
    ) -> Result<GateReport, String> {
        let mirror = &repository.mirror;
        let config =
            mirror.file_at(commit, forge::checks::CHECKS_FILE).await.map_err(|error| error.to_string())?.unwrap();
        let gate = gate_from_toml(Some(&String::from_utf8(config).unwrap())).unwrap();
        let bad = mirror.files_in(commit, "bad").await.unwrap().into_iter().map(|name| format!("bad/{name}"));
        let mut content = Content::new();
        for path in (0..MODULES).map(module).chain(bad) {
            let text = mirror.file_at(commit, &path).await.unwrap().unwrap();
            read_text(&mut content, &path, &String::from_utf8(text).unwrap());
        }
        let red = self.verdict(&content);
        if red.is_empty() {
            let tree = mirror.tree_of(commit).await.unwrap();
            self.passed.lock().unwrap().insert(tree);
        }
        let Gate::Checks(specs) = &gate else { panic!("{commit} demands {gate:?}") };
        let runs = specs.iter().map(|spec| ended(&spec.name, red.contains(&spec.name.as_str()))).collect();
        Ok(GateReport::Read { gate, runs, environment: None })
    }
}

fn ended(name: &str, is_red: bool) -> CheckRun {
    CheckRun {
        name: name.to_owned(),
        conclusion: if is_red { Conclusion::Failed } else { Conclusion::Passed },
        exit: Some(i32::from(is_red)),
        output_tail: String::new(),
        duration_ms: 1,
        attempts: 1,
        failed_tests: FailedTests::default(),
    }
}

impl Field {
    pub(crate) async fn new(workload: &Workload, policy: Policy) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let person = Person::with_new_remote(dir.path(), git_settings(dir.path())).await;
        let repositories = open_repositories(dir.path(), git_settings(dir.path())).await;
        let clock = Arc::new(HandClock::default());
        let store = open_store(dir.path(), &clock).await;
        let rule = |one: &Repository| (one.name.clone(), one.target.clone(), policy.clone());
        let desk = QueueDesk::new(store.clone(), repositories.iter().map(rule));
        let (holder, begun) = Holder::new();
        let runner = Arc::new(TreeRunner::new(workload));
        let ledger = VerdictLedger::new(store.clone(), ReuseTerms::default());
        let checker =
            Checker::new(store.clone(), repositories.clone(), Judge::new(store.clone(), runner.clone(), ledger));
        let stager = Stager::new(store.clone(), repositories.clone(), StagingSettings::default());
        let workers = [
            pump(&store, "stage", holder.hold(stager)),
            pump(&store, "checks", holder.hold(checker)),
            pump(&store, "land", holder.hold(Lander::new(repositories.clone()))),
        ];
        let prober = pump(&store, "probe", Prober::new(repositories.clone(), Probes::default()));
        let heard = Arc::default();
        let reporter = pump(&store, "report", Listener(Arc::clone(&heard)));
        let (answered, under_way) = (holder.answered.clone(), BTreeMap::new());
        Self {
            person,
            store,
            runner,
            answered,
            repositories,
            clock,
            desk,
            reporter,
            prober,
            workers,
            heard,
            begun,
            under_way,
            _dir: dir,
        }
    }

    pub(crate) fn repository(&self) -> Repository {
        self.repositories.iter().next().unwrap().clone()
    }

    pub(crate) async fn tell(&self, event: QueueEvent) {
        self.desk.tell(&self.repository().name, event, by_ana()).await.unwrap();
    }

    /// Claims the next effect of a lane, and lets it come to where it is held.
    async fn begin(&mut self, worker: usize) -> Option<QueueEffect> {
        loop {
            let pump = self.workers[worker].clone();
            let mut work: Work = Box::pin(async move { pump.perform_next().await });
            let begun = tokio::select! {
                biased;
                begun = self.begun.recv() => begun.unwrap(),
                // Nobody waits for it any more, or there is nothing.
                done = &mut work => match done.unwrap() {
                    true => continue,
                    false => return None,
                },
            };
            self.under_way.insert(job_of(&begun.effect), (begun.go_on, work));
            return Some(begun.effect);
        }
    }

    /// Waits until the revocation of checks that nobody wants any more has reached whoever ran them.
    async fn see_stopped(&mut self, job: Job) {
        let (_go_on, work) = self.under_way.remove(&job).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(20), work).await;
        assert!(ended.is_ok_and(|ended| ended.unwrap()), "{job:?} was called off and never stopped");
    }
}

impl Plane for Field {
    fn look_at_clock(&mut self, tick: u64) {
        self.clock.0.store(time_of(tick).as_ms(), Ordering::SeqCst);
    }

    async fn bring(&mut self, planned: &Planned) {
        let base = if planned.is_fresh { self.person.at("main").await } else { self.person.root.clone() };
        let head = match planned.is_lost {
            true => named(9, &[&planned.id]),
            false => self.person.push(&planned.id, &base, &planned.edits).await,
        };
        let change =
            Change { started_from: Some(base), is_repairable: planned.is_repairable, ..change(&planned.id, head) };
        self.tell(QueueEvent::Enqueued { change }).await;
    }

    async fn push_past(&mut self, workload: &Workload, n: usize) {
        let head = self.person.at("main").await;
        self.person.push("main", &head, &[workload.push(n)]).await;
        if workload.is_seen(n) {
            let reconciler = Reconciler::new(self.store.clone(), self.repositories.clone());
            reconciler.reconcile(&self.repository()).await.unwrap();
        }
    }

    async fn answer(&mut self, job: Job) -> Option<String> {
        let (go_on, work) = self.under_way.remove(&job).unwrap();
        go_on.send(()).unwrap();
        assert!(work.await.unwrap());
        let answered = self.answered.lock().unwrap();
        let (effect, event) = answered.last().unwrap();
        assert_eq!(job_of(effect), job);
        described(event)
    }

    async fn settle(&mut self) -> Settled {
        while self.prober.perform_next().await.unwrap() {}
        while self.reporter.perform_next().await.unwrap() {}
        let queue = self.store.load::<Queue>(&self.queue_id()).await.unwrap();
        let runs = queue.map_or(Vec::new(), |queue| queue.runs);
        let is_known = |job: &Job| runs.iter().any(|run| run.id == job.run());
        let is_stopped = |job: &&Job| matches!(job, Job::Checks(_)) && !is_known(job);
        let stopped: Vec<Job> = self.under_way.keys().filter(is_stopped).copied().collect();
        for job in &stopped {
            self.see_stopped(*job).await;
        }
        let mut begun = Vec::new();
        for worker in 0..self.workers.len() {
            while let Some(effect) = self.begin(worker).await {
                let job = job_of(&effect);
                let set = match effect {
                    QueueEffect::Stage { changes, .. } => changes.into_iter().map(|wanted| wanted.change.id).collect(),
                    _ => runs.iter().find(|run| run.id == job.run()).map_or(Vec::new(), |run| run.set.clone()),
                };
                begun.push(Beginning { job, set });
            }
        }
        let told = std::mem::take(&mut *self.heard.lock().unwrap());
        Settled { told, stopped, begun }
    }

    async fn queue(&self) -> Queue {
        self.store.load::<Queue>(&self.queue_id()).await.unwrap().unwrap()
    }
}

impl Field {
    pub(crate) fn queue_id(&self) -> domain::QueueId {
        queue_id(&self.repository().name, &self.repository().target)
    }
}

/// A store in a file of the directory.
pub(crate) async fn open_store(dir: &Path, clock: &Arc<HandClock>) -> Store {
    let url = format!("sqlite:{}", dir.join("store.db").display());
    Store::open(&StoreSettings::new(url), clock.clone()).await.unwrap()
}

/// A lane in which work may be held for as long as the machine likes.
fn pump<P: Performer>(store: &Store, lane: &'static str, performer: P) -> Arc<dyn Pumping> {
    let lane = Lane { lease: Duration::from_secs(3_600), ..Lane::new(lane, 4) };
    Arc::new(Pump::new(store.clone(), lane, performer))
}
