//! How long the merge queue's machine takes for a step when many are in line.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use domain::{EntryId, Machine, Sha, Timestamp};
use mergeq::queue::{Change, Company, Part, Policy, Priority, Queue, QueueEffect, QueueEvent, RunId, Verdict, Wanted};
use mergeq::strategy::Kind;

use crate::figure::Figure;

/// So many of one person's wait, that nobody is held up by the bound for one person.
const OF_A_PERSON: u64 = 25;
/// As many as make a p99; each also lands some, whose places are taken by as many who come.
const VERDICTS: usize = 300;

/// A queue, and what it owes that takes its time.
struct Line {
    queue: Queue,
    head: Sha,
    checks: VecDeque<RunId>,
    answers: VecDeque<QueueEvent>,
    n_entries: u64,
    n_commits: u64,
}

impl Line {
    /// So many, who came while it was paused.
    fn of(n: u64) -> Self {
        let mut policy = Policy::of(Kind::Adaptive, 8);
        policy.limits.entries_max = usize::MAX;
        let queue = Queue::new("web".parse().expect("a name"), "main".parse().expect("a name"), policy);
        let (checks, answers) = (VecDeque::new(), VecDeque::new());
        let mut line = Self { queue, head: sha(0), checks, answers, n_entries: 0, n_commits: 0 };
        line.tell(&QueueEvent::Paused { by: "ana".parse().expect("a name") });
        line.refill(n);
        line.tell(&QueueEvent::Resumed { by: "ana".parse().expect("a name") });
        line.answer_all();
        line
    }

    /// As many come as it takes for so many to be in line.
    fn refill(&mut self, n: u64) {
        while self.queue.entries.len() < usize::try_from(n).expect("it is small") {
            let number = self.n_entries;
            self.n_entries += 1;
            let who = format!("person{}", number % (n / OF_A_PERSON).max(1));
            let change = Change {
                id: EntryId::new(format!("T-{number}")),
                head: sha(number),
                started_from: None,
                title: format!("work {number}"),
                requested_by: who.parse().expect("a name"),
                approved_by: None,
                message: String::new(),
                company: Company::Any,
                is_repairable: false,
                priority: Priority::default(),
                depends_on: Vec::new(),
                lanes: BTreeSet::new(),
                branch: None,
            };
            self.tell(&QueueEvent::Enqueued { change });
        }
        self.answer_all();
    }

    fn tell(&mut self, event: &QueueEvent) -> Duration {
        let (repo, target, policy) = (self.queue.repo.clone(), self.queue.target.clone(), Policy::serial());
        let queue = std::mem::replace(&mut self.queue, Queue::new(repo, target, policy));
        let began = Instant::now();
        let step = queue.step(event, Timestamp::from_ms(0)).expect("nobody asks for what cannot be");
        let took = began.elapsed();
        self.queue = step.state;
        step.effects.into_iter().for_each(|effect| self.owe(effect));
        took
    }

    fn owe(&mut self, effect: QueueEffect) {
        match effect {
            QueueEffect::Stage { run, changes } => {
                let answer = self.staged(run, &changes);
                self.answers.push_back(answer);
            }
            QueueEffect::AwaitChecks { run, .. } => self.checks.push_back(run),
            QueueEffect::CancelChecks { run } => self.checks.retain(|other| *other != run),
            QueueEffect::Land { run, to, .. } => {
                self.head = to;
                self.answers.push_back(QueueEvent::Landed { run });
            }
            QueueEffect::Audit { .. }
            | QueueEffect::Restore { .. }
            | QueueEffect::Report { .. }
            | QueueEffect::Watch { .. }
            | QueueEffect::Opening { .. }
            | QueueEffect::Probe(_)
            | QueueEffect::Deadline { .. } => {}
        }
    }

    fn staged(&mut self, run: RunId, changes: &[Wanted]) -> QueueEvent {
        let mut commit = || {
            self.n_commits += 1;
            sha((1 << 40) + self.n_commits)
        };
        let parts = changes.iter().map(|wanted| &wanted.change.id);
        let parts = parts.map(|entry| Part { entry: entry.clone(), commit: commit(), paths: Vec::new() }).collect();
        QueueEvent::Staged { run, base: self.head.clone(), tree: commit(), parts }
    }

    /// All that owes its answer to nobody outside.
    fn answer_all(&mut self) {
        while let Some(answer) = self.answers.pop_front() {
            self.tell(&answer);
        }
    }
}

fn sha(n: u64) -> Sha {
    format!("{n:040x}").parse().expect("forty digits are a sha")
}

/// What a verdict costs the machine, with all its laws, until it has said what to stage, land and report.
pub fn step(figures: &mut Vec<Figure>) {
    for (queued, limit_ms) in [(1_000, 1.), (10_000, 10.)] {
        let mut line = Line::of(queued);
        let mut waits = Vec::new();
        for n in 0..VERDICTS {
            let run = line.checks.pop_front().expect("something is under test");
            let verdict = if n % 3 == 0 { Verdict::Failed { failing: Vec::new() } } else { Verdict::Passed };
            waits.push(line.tell(&QueueEvent::ChecksConcluded { run, verdict }));
            line.answer_all();
            line.refill(queued);
        }
        let what = format!("queue: verdict → the machine's next state and effects, {queued} in line");
        figures.push(Figure::of_waits(&what, waits).at_most(limit_ms));
    }
}
