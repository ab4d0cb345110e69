//! An office with two repositories and a store whose clock stands still until it is told to move.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use agents::task::{Demand, PlanDraft, PlanMode, Request, Task, TaskEvent, Terms, Waits, Work};
use domain::policy::Tiers;
use domain::{BranchName, Cause, Clock, DeliveryId, EntryId, Person, RepoName, Sha, TaskId, ThreadRef, Timestamp};
use forge::{CheckRun, Conclusion, FileChange, Gate, GitSettings, RepoSettings, Repositories};
use mergeq::QueueDesk;
use mergeq::queue::{Change, Company, Part, Policy, Priority, QueueEvent, RunId};
use store::{Created, Store, StoreSettings};
use tempfile::TempDir;

pub const WEB: &str = "acme/web";
pub const BILLING: &str = "acme/billing";

/// Tuesday, 3 November 2026, 9:00 UTC.
const MORNING: Timestamp = Timestamp::from_ms(1_793_696_400_000);

pub struct Office {
    pub store: Store,
    pub repositories: Repositories,
    clock: Arc<HandClock>,
    desk: QueueDesk,
    said: AtomicI64,
    _home: TempDir,
}

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }
}

impl Office {
    pub async fn open() -> Self {
        Self::with_connections(8).await
    }

    pub async fn with_connections(connections_max: u32) -> Self {
        let home = TempDir::new().unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(MORNING.as_ms())));
        let url = format!("sqlite:{}", home.path().join("downbeat.db").display());
        let settings = StoreSettings { connections_max, ..StoreSettings::new(url) };
        let store = Store::open(&settings, clock.clone()).await.unwrap();
        let desk = QueueDesk::new(
            store.clone(),
            [WEB, BILLING].map(|repo| (repo.parse().unwrap(), main_branch(), Policy::batch(4))),
        );
        let repositories = open_repositories(home.path()).await;
        Self { store, repositories, clock, desk, said: AtomicI64::new(0), _home: home }
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }

    fn heard(&self) -> Cause {
        Cause::Delivery(DeliveryId::new(format!("console:{}", self.said.fetch_add(1, Ordering::Relaxed) + 1)))
    }

    pub async fn ask(&self, who: &str, repo: &str, text: &str) -> TaskId {
        let request = request(who, repo, text);
        let event = TaskEvent::Submitted { request: request.clone() };
        let make = |n, now| Ok((TaskId::new(n), Task::submit(TaskId::new(n), request.clone(), now)));
        match self.store.create::<Task>(self.heard(), event, make).await.unwrap() {
            Created::Done(id, _) => id,
            Created::Repeated => panic!("the request was heard twice"),
        }
    }

    pub async fn tell(&self, id: TaskId, event: TaskEvent) {
        self.pass(7);
        self.store.apply::<Task>(&id, event, self.heard()).await.unwrap();
    }

    /// To a plan that waits for an approval.
    pub async fn plan(&self, id: TaskId, draft: PlanDraft) {
        let session = self.store.load::<Task>(&id).await.unwrap().unwrap().sessions;
        self.tell(id, TaskEvent::SessionStarted { session }).await;
        self.pass(34);
        let risk = Tiers::default().tier_of(&draft.paths);
        let terms = Terms { tier: risk.tier, because: risk.to_string() };
        self.tell(id, TaskEvent::PlanProposed { session, draft, terms }).await;
    }

    /// To a session at work.
    pub async fn approve(&self, id: TaskId, by: &str) {
        let task = self.store.load::<Task>(&id).await.unwrap().unwrap();
        self.pass(95);
        self.tell(id, TaskEvent::PlanApproved { by: person(by), version: task.plans, hash: None }).await;
        self.tell(id, TaskEvent::SessionStarted { session: task.sessions + 1 }).await;
    }

    /// To a finished change.
    pub async fn finish(&self, id: TaskId, work: Work) {
        let session = self.store.load::<Task>(&id).await.unwrap().unwrap().sessions;
        self.pass(212);
        self.tell(id, TaskEvent::WorkFinished { session, work }).await;
    }

    /// To a published change.
    pub async fn publish(&self, id: TaskId, work: Work) {
        let head = work.head.clone();
        self.finish(id, work).await;
        self.tell(id, TaskEvent::Published { head, reference: format!("downbeat/{id}") }).await;
    }

    /// To an entry in its repository's queue.
    pub async fn merge(&self, id: TaskId, by: &str) {
        self.tell(id, TaskEvent::MergeRequested { by: person(by) }).await;
        let task = self.store.load::<Task>(&id).await.unwrap().unwrap();
        let change = Change {
            id: EntryId::from(id),
            head: sha(id.number()),
            started_from: Some(sha(0)),
            title: task.title(),
            requested_by: task.request.requester.clone(),
            approved_by: Some(person(by)),
            message: String::new(),
            company: Company::Any,
            priority: Priority::default(),
            is_repairable: false,
            depends_on: Vec::new(),
            lanes: std::collections::BTreeSet::new(),
            branch: None,
        };
        self.queue(task.request.repo.as_str(), QueueEvent::Enqueued { change }).await;
    }

    pub async fn queue(&self, repo: &str, event: QueueEvent) {
        self.pass(3);
        self.desk.tell(&repo.parse().unwrap(), event, self.heard()).await.unwrap();
    }

    /// The commits of a run, ready for its checks.
    pub async fn stage(&self, repo: &str, run: u64, set: &[TaskId]) {
        let part = |id: &TaskId| Part {
            entry: EntryId::from(*id),
            commit: sha(id.number() + 500),
            paths: vec![format!("src/{}.rs", id.number())],
        };
        let parts = set.iter().map(part).collect();
        let staged = QueueEvent::Staged { run: RunId(run), base: sha(0), tree: sha(900 + run), parts };
        self.queue(repo, staged).await;
    }
}

async fn open_repositories(home: &Path) -> Repositories {
    let settings = [WEB, BILLING].map(|name| RepoSettings {
        name: name.parse().unwrap(),
        remote: format!("{}/remotes/{name}", home.display()).parse().unwrap(),
        target: main_branch(),
        gate: Gate::Missing,
        github: None,
    });
    let git = GitSettings::new("git", home.join("git-home"));
    Repositories::open(&home.join("mirrors"), &settings, git).await.unwrap()
}

pub fn main_branch() -> BranchName {
    "main".parse().unwrap()
}

pub fn person(name: &str) -> Person {
    name.parse().unwrap()
}

pub fn sha(n: u64) -> Sha {
    let spread = |k: u64| (n + k).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:016x}{:016x}{:08x}", spread(1), spread(2), spread(3) >> 32).parse().unwrap()
}

fn request(who: &str, repo: &str, text: &str) -> Request {
    Request {
        text: text.to_owned(),
        repo: repo.parse::<RepoName>().unwrap(),
        target: main_branch(),
        model: None,
        agent: "claude".to_owned(),
        plan: PlanMode::Ask,
        merges_itself: false,
        requester: person(who),
        thread: ThreadRef::console("checkout"),
        message: None,
        budget_micros: None,
        repo_because: String::new(),
        context: String::new(),
        receipt: "6 messages (1 bot message left out)".to_owned(),
        pictures: None,
        waits: Waits::default(),
    }
}

pub fn draft(summary: &str, steps: &[&str], paths: &[&str]) -> PlanDraft {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    PlanDraft {
        summary: summary.to_owned(),
        steps: owned(steps),
        paths: owned(paths),
        checks: vec!["test".to_owned()],
        ..PlanDraft::default()
    }
}

pub fn work(n: u64, files: &[(&str, u64, u64)], checks: Vec<CheckRun>) -> Work {
    let changes = files.iter().map(|(path, added, removed)| FileChange {
        path: (*path).to_owned(),
        added: *added,
        removed: *removed,
    });
    let risk = Tiers::default().tier_of(&files.iter().map(|(path, ..)| *path).collect::<Vec<_>>());
    Work {
        approved: None,
        accepted_by: None,
        base: sha(0),
        head: sha(n),
        changes: changes.collect(),
        tier: risk.tier,
        tier_because: risk.to_string(),
        altered: Vec::new(),
        checks,
        demand: Demand::Checks,
        cage: "files, time and processes limited; no network".to_owned(),
        hosts: Vec::new(),
        cost_micros: None,
    }
}

pub fn check(name: &str, conclusion: Conclusion, output: &str) -> CheckRun {
    CheckRun {
        name: name.to_owned(),
        conclusion,
        exit: match conclusion {
            Conclusion::Passed => Some(0),
            Conclusion::Failed => Some(101),
            Conclusion::Cancelled | Conclusion::NeverStarted | Conclusion::TimedOut => None,
        },
        output_tail: output.to_owned(),
        duration_ms: Duration::from_secs(14).as_millis() as u64,
        attempts: 1,
        failed_tests: forge::FailedTests::default(),
    }
}

pub fn green() -> Vec<CheckRun> {
    vec![
        check(
            "test",
            Conclusion::Passed,
            "running 48 tests\n\ntest result: ok. 48 passed; 0 failed; finished in 2.31s\n",
        ),
        check("lint", Conclusion::Passed, ""),
    ]
}
