//! The plane on paper: the machine alone, with lanes as lists and the model of git for a world.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::{EntryId, Machine, Sha, Timestamp};
use mergeq::queue::{
    FailedCheck, Inquiry, News, Phase, Policy, Queue, QueueEffect, QueueEvent, Run, RunId, Verdict, laws,
};

use crate::content::{failing, key_of};
use crate::ground::change;
use crate::play::{Beginning, Job, Plane, Settled, described};
use crate::repo::{Repo, named};
use crate::workload::{Planned, Workload};

pub(crate) struct Paper {
    workload: Workload,
    queue: Queue,
    repo: Repo,
    now: Timestamp,
    told: Vec<(EntryId, News)>,
    stopped: Vec<Job>,
    /// Owed and not begun, by lane: one staging at a time, and one landing.
    stages: VecDeque<QueueEffect>,
    checks: VecDeque<QueueEffect>,
    landings: VecDeque<QueueEffect>,
    /// Answered at once, before anything else begins.
    probes: VecDeque<Inquiry>,
    /// Begun: stagings and landings with their answers, checks with their commit.
    answers: BTreeMap<Job, QueueEvent>,
    tested: BTreeMap<Job, Sha>,
    /// How often each tree was tested.
    n_tests: BTreeMap<u64, u64>,
    /// The trees that passed.
    passed: BTreeSet<u64>,
}

/// When ticks begin, in milliseconds; each is a second.
pub(crate) const BEGINNING_MS: i64 = 1_700_000_000_000;

pub(crate) fn time_of(tick: u64) -> Timestamp {
    Timestamp::from_ms(BEGINNING_MS + i64::try_from(tick).unwrap() * 1_000)
}

/// What a failed check of that name says.
pub(crate) fn failed(name: &str) -> FailedCheck {
    let (name, failed_tests) = (name.to_owned(), forge::FailedTests::default());
    FailedCheck { name, how: "exited with 1".to_owned(), output_tail: String::new(), failed_tests }
}

impl Paper {
    pub(crate) fn new(workload: &Workload, policy: Policy) -> Self {
        let queue = Queue::new("web".parse().unwrap(), "main".parse().unwrap(), policy);
        Self {
            workload: workload.clone(),
            queue,
            repo: Repo::new(),
            now: time_of(0),
            told: Vec::new(),
            stopped: Vec::new(),
            stages: VecDeque::new(),
            checks: VecDeque::new(),
            landings: VecDeque::new(),
            probes: VecDeque::new(),
            answers: BTreeMap::new(),
            tested: BTreeMap::new(),
            n_tests: BTreeMap::new(),
            passed: BTreeSet::new(),
        }
    }

    fn tell(&mut self, event: &QueueEvent) {
        let before = self.queue.clone();
        let step = before.clone().step(event, self.now).unwrap();
        assert_eq!(laws::broken_by(&before, event, &step.state, &step.effects), None, "by {event:?}");
        self.queue = step.state;
        for effect in step.effects {
            match effect {
                QueueEffect::Report { entry, news } => self.told.push((entry, news)),
                QueueEffect::Stage { .. } => self.stages.push_back(effect),
                QueueEffect::AwaitChecks { .. } => self.checks.push_back(effect),
                QueueEffect::Land { .. } => self.landings.push_back(effect),
                QueueEffect::Probe(of) => self.probes.push_back(of),
                QueueEffect::CancelChecks { run } => {
                    if self.tested.remove(&Job::Checks(run)).is_some() {
                        self.stopped.push(Job::Checks(run));
                    }
                }
                // Nothing that lands here is otherwise than it was tested, so nobody has to look.
                QueueEffect::Audit { .. } => {}
                // No run of a plane takes that long.
                QueueEffect::Watch { .. } => {}
                other => panic!("{other:?} is no work of a plane"),
            }
        }
    }

    fn verdict(&mut self, commit: &Sha) -> Verdict {
        let content = self.repo.content(commit);
        let (key, names) = (key_of(content), failing(content));
        let nth = self.n_tests.entry(key).and_modify(|n| *n += 1).or_insert(1);
        let is_lie = names.is_empty() && self.workload.lies(key, *nth);
        let names = if is_lie { vec!["unit"] } else { names };
        self.passed.extend(names.is_empty().then_some(key));
        match names.is_empty() {
            true => Verdict::Passed,
            false => Verdict::Failed { failing: names.into_iter().map(failed).collect() },
        }
    }

    fn set_of(&self, run: RunId) -> Vec<EntryId> {
        self.queue.runs.iter().find(|known| known.id == run).map_or(Vec::new(), |run| run.set.clone())
    }

    fn begin(&mut self, effect: &QueueEffect) -> Beginning {
        let (job, set) = match effect {
            QueueEffect::Stage { run, changes } => {
                let answer = self.repo.stage(*run, changes);
                self.answers.insert(Job::Stage(*run), answer);
                (Job::Stage(*run), changes.iter().map(|wanted| wanted.change.id.clone()).collect())
            }
            QueueEffect::AwaitChecks { run, commit } => {
                self.tested.insert(Job::Checks(*run), commit.clone());
                (Job::Checks(*run), self.set_of(*run))
            }
            QueueEffect::Land { run, from, to, .. } => {
                assert!(self.passed.contains(&key_of(self.repo.content(to))), "{run} lands what was never tested");
                let answer = self.repo.land(*run, from, to);
                self.answers.insert(Job::Land(*run), answer);
                (Job::Land(*run), self.set_of(*run))
            }
            other => panic!("{other:?} does not take its time"),
        };
        Beginning { job, set }
    }

    /// Whether the staging is still wanted.
    fn is_awaited(&self, stage: &QueueEffect) -> bool {
        let is_its = |run: &Run| matches!(stage, QueueEffect::Stage { run: id, .. } if *id == run.id);
        self.queue.runs.iter().any(|run| is_its(run) && matches!(run.phase, Phase::Staging { is_outdated: false, .. }))
    }

    fn is_free(&self, is_of_lane: fn(&Job) -> bool) -> bool {
        !self.answers.keys().any(is_of_lane)
    }
}

impl Plane for Paper {
    fn look_at_clock(&mut self, tick: u64) {
        self.now = time_of(tick);
    }

    async fn bring(&mut self, planned: &Planned) {
        let base = if planned.is_fresh { self.repo.target.clone() } else { self.repo.root.clone() };
        let head = match planned.is_lost {
            true => named(9, &[&planned.id]),
            false => self.repo.commit(&base, &planned.edits, &planned.id),
        };
        let change = mergeq::queue::Change {
            started_from: Some(base),
            is_repairable: planned.is_repairable,
            ..change(&planned.id, head)
        };
        self.tell(&QueueEvent::Enqueued { change });
    }

    async fn push_past(&mut self, workload: &Workload, n: usize) {
        let head = self.repo.commit(&self.repo.target.clone(), &[workload.push(n)], &format!("push {n}"));
        self.repo.target = head.clone();
        if workload.is_seen(n) {
            self.tell(&QueueEvent::TargetMoved { seen: self.queue.head.clone(), head });
        }
    }

    async fn answer(&mut self, job: Job) -> Option<String> {
        let event = match self.tested.remove(&job) {
            Some(commit) => QueueEvent::ChecksConcluded { run: job.run(), verdict: self.verdict(&commit) },
            None => self.answers.remove(&job).unwrap(),
        };
        self.tell(&event);
        described(&event)
    }

    async fn settle(&mut self) -> Settled {
        while let Some(of) = self.probes.pop_front() {
            let answer = self.repo.probe(of);
            self.tell(&answer);
        }
        let mut begun = Vec::new();
        while self.is_free(|job| matches!(job, Job::Stage(_)))
            && let Some(stage) = self.stages.pop_front()
        {
            if self.is_awaited(&stage) {
                begun.push(self.begin(&stage));
            }
        }
        while let Some(checks) = self.checks.pop_front() {
            begun.push(self.begin(&checks));
        }
        while self.is_free(|job| matches!(job, Job::Land(_)))
            && let Some(landing) = self.landings.pop_front()
        {
            begun.push(self.begin(&landing));
        }
        let mut stopped = std::mem::take(&mut self.stopped);
        stopped.sort_unstable();
        Settled { told: std::mem::take(&mut self.told), stopped, begun }
    }

    async fn queue(&self) -> Queue {
        self.queue.clone()
    }
}
