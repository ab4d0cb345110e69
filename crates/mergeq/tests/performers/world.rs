//! A remote, a mirror, a store in a file, and a pump for each lane.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock, EntryId, QueueId, Sha, Timestamp};
use forge::checks::CHECKS_FILE;
use forge::{CheckRun, CheckSpec, Conclusion, Gate, Git, Repositories, Repository, gate_from_toml};
use mergeq::queue::{News, Outcome, Policy, Queue, QueueEffect, QueueEvent, queue_id};
use mergeq::{
    Briefing, CheckRunner, Checker, Exam, Examiner, GateReport, Judge, Lander, LandingRule, LeaseTimer, Prober, Probes,
    QueueDesk, Reconciler, ReuseTerms, Stager, StagingSettings, VerdictLedger, recent_outcomes,
};
use store::{Lane, Owed, Performed, Performer, Pump, Pumping, Store, StoreSettings};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::ground::{HandClock, by_ana, change, git_settings, open_repositories};

pub(crate) struct World {
    pub(crate) repositories: Repositories,
    pub(crate) store: Store,
    dir: TempDir,
    git: Git,
    clock: Arc<HandClock>,
    desk: QueueDesk,
    told: Arc<Mutex<String>>,
    pub(crate) runner: Arc<TreeRunner>,
    pub(crate) ledger: VerdictLedger,
    pumps: Vec<Box<dyn Pumping>>,
}

/// Keeps what the queue reports, as text.
struct Listener(Arc<Mutex<String>>);

#[async_trait]
impl Performer for Listener {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::Report { entry, news } = &owed.effect else { return Performed::Finished };
        let said = match news {
            News::Progressed(progress) => progress.to_string(),
            News::SteppedAside { with, paths } => format!("aside for {} in {}", with[0], paths.join(", ")),
            News::Reserved { why, .. } => format!("reserved: {why}"),
            News::Stalled { why } => format!("stalled: {why}"),
            News::Held(hold) => hold.to_string(),
            News::Released => "released".to_owned(),
            News::KeptOut { until } => format!("kept out until {until}"),
            News::Overdue(overdue) => format!("overdue: {overdue}"),
            News::Unsound { why } => format!("unsound: {why}"),
            News::Ended(Outcome::Merged { .. }) => "merged".to_owned(),
            News::Ended(outcome) => outcome.to_string(),
        };
        self.0.lock().unwrap().push_str(&format!("{entry} {said}\n"));
        Performed::Finished
    }

    fn bury(&self, _owed: &Owed<Queue>, _why: &str) -> Option<QueueEvent> {
        None
    }
}

/// A check that is a function of the tree that it sees: red where there is a file `bad` at its root or in a
/// directory there, where the file that `needs` names is not there, or where the environment lies.
#[derive(Default)]
pub(crate) struct TreeRunner {
    pub(crate) n_runs: AtomicUsize,
    /// The checks that ran, by name, in the order in which they did.
    pub(crate) ran: Mutex<Vec<String>>,
    /// What failed before, as each run was told.
    pub(crate) failed_before: Mutex<Vec<String>>,
    pub(crate) lies: AtomicBool,
    /// None where nobody knows what it runs in.
    pub(crate) environment: Mutex<Option<&'static str>>,
    pub(crate) told: Mutex<Vec<String>>,
    /// Why it cannot begin.
    pub(crate) trouble: Mutex<Option<&'static str>>,
    /// What is revoked while checks run.
    pub(crate) stops: Mutex<Option<CancellationToken>>,
}

impl TreeRunner {
    async fn gate_of(repository: &Repository, commit: &Sha) -> Result<Result<Gate, String>, String> {
        let config = repository.mirror.file_at(commit, CHECKS_FILE).await.map_err(|error| error.to_string())?;
        let text = config.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(gate_from_toml(text.as_deref()).map_err(|error| error.to_string()))
    }

    fn environment(&self) -> Option<String> {
        self.environment.lock().unwrap().map(str::to_owned)
    }
}

#[async_trait]
impl CheckRunner for TreeRunner {
    async fn run(
        &self,
        repository: &Repository,
        commit: &Sha,
        Briefing { known, failed_before, .. }: &Briefing,
        _stop: CancellationToken,
    ) -> Result<GateReport, String> {
        self.n_runs.fetch_add(1, Ordering::SeqCst);
        let said: Vec<_> = failed_before.iter().map(|(check, tests)| format!("{check}: {tests}")).collect();
        self.failed_before.lock().unwrap().push(said.join(", "));
        if let Some(why) = *self.trouble.lock().unwrap() {
            return Err(why.to_owned());
        }
        if let Some(stop) = self.stops.lock().unwrap().take() {
            stop.cancel();
        }
        let gate = match Self::gate_of(repository, commit).await? {
            Ok(gate) => gate,
            Err(why) => return Ok(GateReport::Unreadable { why }),
        };
        let specs = if let Gate::Checks(specs) = &gate { specs.clone() } else { Vec::new() };
        let mut runs = Vec::new();
        for spec in specs.iter().filter(|spec| !known.contains(spec)) {
            self.ran.lock().unwrap().push(spec.name.clone());
            let is_bad = is_bad(repository, commit, spec).await? || self.lies.load(Ordering::SeqCst);
            runs.push(ended(spec, is_bad));
            if is_bad {
                break;
            }
        }
        Ok(GateReport::Read { gate, runs, environment: self.environment() })
    }

    async fn exam_of(&self, repository: &Repository, commit: &Sha) -> Option<Exam> {
        let gate = Self::gate_of(repository, commit).await.unwrap().ok()?;
        Some(Exam { gate, environment: self.environment()? })
    }

    async fn tell(&self, _: &[EntryId], line: &str) {
        self.told.lock().unwrap().push(line.to_owned());
    }
}

async fn is_bad(repository: &Repository, commit: &Sha, spec: &CheckSpec) -> Result<bool, String> {
    let view = repository.mirror.view_of(commit, &spec.lanes).await.map_err(|error| error.to_string())?;
    let dir = tempfile::tempdir().unwrap();
    repository.mirror.checkout_tree(&view, dir.path()).await.map_err(|error| error.to_string())?;
    let needed = std::fs::read_to_string(dir.path().join("needs")).ok();
    let has_bad = || std::fs::read_dir(dir.path()).unwrap().flatten().any(|entry| entry.path().join("bad").exists());
    Ok(dir.path().join("bad").exists() || has_bad() || needed.is_some_and(|needed| !dir.path().join(needed).exists()))
}

fn ended(spec: &CheckSpec, is_bad: bool) -> CheckRun {
    CheckRun {
        name: spec.name.clone(),
        conclusion: if is_bad { Conclusion::Failed } else { Conclusion::Passed },
        exit: Some(i32::from(is_bad)),
        output_tail: String::new(),
        duration_ms: 1,
        attempts: 1,
        failed_tests: forge::FailedTests::of(is_bad.then(|| "tests::bad".to_owned())),
    }
}

impl World {
    pub(crate) async fn new(policy: Policy) -> Self {
        Self::with_rule(policy, LandingRule::default()).await
    }

    /// One in which changes become what the rule says.
    pub(crate) async fn with_rule(policy: Policy, rule: LandingRule) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = git_settings(dir.path());
        let git = Git::open(settings.clone()).await.unwrap();
        let remote = dir.path().join("remote.git");
        let repositories = open_repositories(dir.path(), settings).await;
        let clock = Arc::new(HandClock::default());
        let url = format!("sqlite:{}", dir.path().join("store.db").display());
        let store = Store::open(&StoreSettings::new(url), clock.clone()).await.unwrap();
        let told = Arc::new(Mutex::new(String::new()));
        let desk = desk_of(&store, &repositories, policy);
        let staging = StagingSettings::default();
        staging.rules.replace(repositories.iter().map(|one| (one.name.clone(), rule.clone())));
        let runner = Arc::new(TreeRunner::default());
        let ledger = VerdictLedger::new(store.clone(), ReuseTerms::default());
        let pumps = pumps_of(&store, &repositories, (&told, staging), (runner.clone(), ledger.clone()));
        let world = Self { repositories, store, dir, git, clock, desk, told, runner, ledger, pumps };
        world.git("init", &["--bare", "--initial-branch=main", &remote.display().to_string()]).await;
        world.git("init", &["--initial-branch=main", "."]).await;
        let config = "[[checks]]\nname = \"unit\"\ncommand = \"true\"\n";
        world.commit("start", &[(CHECKS_FILE, config)]).await;
        world.git("push", &[&world.remote(), "HEAD:refs/heads/main"]).await;
        world
    }

    /// Commits files on the remote's main and pushes the commit as a branch.
    pub(crate) async fn push(&self, branch: &str, files: &[(&str, &str)]) -> Sha {
        self.git("fetch", &["--quiet", &self.remote(), "main"]).await;
        self.git("checkout", &["--quiet", "--detach", "FETCH_HEAD"]).await;
        let sha = self.commit(&format!("push to {branch}"), files).await;
        self.push_head(branch).await;
        sha
    }

    /// Pushes what the person has checked out.
    pub(crate) async fn push_head(&self, branch: &str) {
        self.git("push", &["--quiet", &self.remote(), &format!("HEAD:refs/heads/{branch}")]).await;
    }

    /// As `push`, and the mirror has it too.
    pub(crate) async fn mirrored(&self, branch: &str, files: &[(&str, &str)]) -> Sha {
        let sha = self.push(branch, files).await;
        self.repository().mirror.ensure(&sha).await.unwrap();
        sha
    }

    pub(crate) async fn enqueue(&self, id: &str, files: &[(&str, &str)]) {
        let head = self.push(id, files).await;
        self.enqueue_head(id, head).await;
    }

    pub(crate) async fn enqueue_head(&self, id: &str, head: Sha) {
        self.tell(QueueEvent::Enqueued { change: change(id, head) }).await;
    }

    pub(crate) async fn pause(&self) {
        self.tell(QueueEvent::Paused { by: "ana".parse().unwrap() }).await;
    }

    pub(crate) async fn resume(&self) {
        self.tell(QueueEvent::Resumed { by: "ana".parse().unwrap() }).await;
    }

    pub(crate) async fn tell(&self, event: QueueEvent) {
        self.desk.tell(&self.repository().name, event, by_ana()).await.unwrap();
    }

    /// Performs everything that is due, until nothing is.
    pub(crate) async fn drain(&self) {
        self.drain_but("").await;
    }

    /// As `drain`, where nobody performs one lane.
    pub(crate) async fn drain_but(&self, lane: &str) {
        loop {
            let mut performed = false;
            for pump in self.pumps.iter().filter(|pump| pump.lane().name != lane) {
                while pump.perform_next().await.unwrap() {
                    performed = true;
                }
            }
            if !performed {
                return;
            }
        }
    }

    /// Performs the next effect of one lane.
    pub(crate) async fn perform(&self, lane: &str) {
        let pump = self.pumps.iter().find(|pump| pump.lane().name == lane).unwrap();
        assert!(pump.perform_next().await.unwrap(), "nothing is due in lane {lane}");
    }

    pub(crate) async fn queue(&self) -> Queue {
        self.store.load::<Queue>(&self.queue_id()).await.unwrap().unwrap()
    }

    pub(crate) fn queue_id(&self) -> QueueId {
        queue_id(&self.repository().name, &self.repository().target)
    }

    pub(crate) fn repository(&self) -> Repository {
        self.repositories.iter().next().unwrap().clone()
    }

    pub(crate) fn reconciler(&self) -> Reconciler {
        Reconciler::new(self.store.clone(), self.repositories.clone())
    }

    /// From now on checks run in an environment of that name.
    pub(crate) fn runs_in(&self, environment: Option<&'static str>) {
        *self.runner.environment.lock().unwrap() = environment;
    }

    /// Runs a commit's checks beside any queue.
    pub(crate) async fn inspect(&self, commit: &Sha) -> GateReport {
        self.runner.run(&self.repository(), commit, &Briefing::default(), CancellationToken::new()).await.unwrap()
    }

    /// Another commit with the tree of this one, which the mirror has.
    pub(crate) async fn twin_of(&self, commit: &Sha) -> Sha {
        let tree = self.repository().mirror.tree_of(commit).await.unwrap();
        let twin = self.git("commit-tree", &[tree.as_str(), "-m", "twin"]).await;
        self.git("push", &["--quiet", &self.remote(), &format!("{twin}:refs/heads/twin")]).await;
        let twin = twin.parse().unwrap();
        self.repository().mirror.ensure(&twin).await.unwrap();
        twin
    }

    pub(crate) fn checker(&self) -> Checker {
        Checker::new(self.store.clone(), self.repositories.clone(), self.judge())
    }

    pub(crate) fn judge(&self) -> Judge {
        Judge::new(self.store.clone(), self.runner.clone(), self.ledger.clone())
    }

    pub(crate) fn desk_with(&self, policy: Policy) -> QueueDesk {
        desk_of(&self.store, &self.repositories, policy)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    /// Who left the queue and how, latest first, without commits' names.
    pub(crate) async fn past(&self) -> String {
        let past = recent_outcomes(&self.store, &self.queue_id(), 20).await.unwrap();
        let line = |text: &str| text.split(" as ").next().unwrap_or_default().to_owned();
        past.iter().map(|past| format!("{} {}", past.entry, line(&past.text))).collect::<Vec<_>>().join(", ")
    }

    /// How the last that left did so, as the history tells it.
    pub(crate) async fn past_text(&self) -> String {
        recent_outcomes(&self.store, &self.queue_id(), 1).await.unwrap().remove(0).text
    }

    pub(crate) async fn head(&self) -> Sha {
        self.repository().forge.target_head().await.unwrap()
    }

    /// The remote's main, latest first: author, title, trailers.
    pub(crate) async fn log(&self) -> String {
        self.git("fetch", &["--quiet", &self.remote(), "main"]).await;
        let trailers = "%(trailers:separator=%x2C%x20)";
        self.git("log", &[&format!("--format=%an: %s ({trailers})"), "FETCH_HEAD"]).await + "\n"
    }

    pub(crate) async fn commit(&self, message: &str, files: &[(&str, &str)]) -> Sha {
        for (path, text) in files {
            let path = self.work().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git("add", &["--all"]).await;
        self.git("commit", &["--quiet", "--allow-empty", "--message", message]).await;
        self.git("rev-parse", &["HEAD"]).await.parse().unwrap()
    }

    pub(crate) async fn git(&self, verb: &'static str, words: &[&str]) -> String {
        std::fs::create_dir_all(self.work()).unwrap();
        let call = self.git.call(verb, &self.work());
        let text = call.args(words.iter().copied()).text().await;
        text.unwrap_or_else(|error| panic!("git {verb} {words:?}: {error}"))
    }

    /// Runs git in the mirror, and gives it something to read.
    pub(crate) async fn mirror_git(&self, verb: &'static str, words: &[&str], input: &str) -> String {
        let path = self.repository().mirror.path().to_owned();
        let call = self.git.call(verb, &path).git_dir(&path).args(words.iter().copied());
        let text = call.stdin(input.as_bytes().to_vec()).text().await;
        text.unwrap_or_else(|error| panic!("git {verb} {words:?}: {error}"))
    }

    /// How many objects the mirror has.
    pub(crate) async fn n_objects(&self) -> String {
        self.mirror_git("count-objects", &["--verbose"], "").await
    }

    /// A file that the person has before them.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.work().join(path)
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(crate) fn remote(&self) -> String {
        self.dir.path().join("remote.git").display().to_string()
    }
}

fn desk_of(store: &Store, repositories: &Repositories, policy: Policy) -> QueueDesk {
    let rule = |repository: &Repository| (repository.name.clone(), repository.target.clone(), policy.clone());
    QueueDesk::new(store.clone(), repositories.iter().map(rule))
}

fn pumps_of(
    store: &Store,
    repositories: &Repositories,
    (told, staging): (&Arc<Mutex<String>>, StagingSettings),
    (runner, ledger): (Arc<TreeRunner>, VerdictLedger),
) -> Vec<Box<dyn Pumping>> {
    fn pump<P: Performer>(store: &Store, lane: &'static str, performer: P) -> Box<dyn Pumping> {
        Box::new(Pump::new(store.clone(), Lane::new(lane, 4), performer))
    }
    vec![
        pump(store, "report", Listener(told.clone())),
        pump(store, "stage", Stager::new(store.clone(), repositories.clone(), staging)),
        pump(store, "probe", Prober::new(repositories.clone(), Probes::default())),
        pump(
            store,
            "checks",
            Checker::new(store.clone(), repositories.clone(), Judge::new(store.clone(), runner, ledger)),
        ),
        pump(store, "land", Lander::new(repositories.clone())),
        pump(store, "audit", Examiner::new(store.clone(), repositories.clone(), "example.org")),
        pump(store, "timer", LeaseTimer),
    ]
}
