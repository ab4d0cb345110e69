//! Plays a workload on a plane: time goes in ticks, arrivals and answers come when the workload says so, and what the
//! queue decides is written down, a line a decision.

use std::collections::{BTreeMap, BTreeSet};

use domain::EntryId;
use mergeq::queue::{News, Outcome, Queue, QueueEvent, RunId, Verdict, Why};

use crate::workload::{Planned, Workload};

/// Where a queue lives: on paper, or in the world.
pub(crate) trait Plane {
    /// Moves the clock.
    fn look_at_clock(&mut self, tick: u64);

    /// A change comes.
    async fn bring(&mut self, change: &Planned);

    /// Somebody pushes past the queue, and somebody sees that.
    async fn push_past(&mut self, workload: &Workload, n: usize);

    /// Gives the answer that was held back. What it says, if it says something about a tree.
    async fn answer(&mut self, job: Job) -> Option<String>;

    /// Tells what there is to tell, stops what was called off and begins what may begin.
    async fn settle(&mut self) -> Settled;

    /// The queue as it is.
    async fn queue(&self) -> Queue;
}

/// What settling came to.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) told: Vec<(EntryId, News)>,
    pub(crate) stopped: Vec<Job>,
    pub(crate) begun: Vec<Beginning>,
}

/// A piece of work that begins.
pub(crate) struct Beginning {
    pub(crate) job: Job,
    pub(crate) set: Vec<EntryId>,
}

/// A piece of work that takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    Stage(RunId),
    Checks(RunId),
    Land(RunId),
}

/// What may come at a tick, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Push(usize),
    Arrival(usize),
    Answer(Job),
}

/// So many moments no honest play has.
const MOMENTS_MAX: usize = 5_000;

pub(crate) struct Play<'a, P> {
    pub(crate) plane: P,
    pub(crate) log: String,
    pub(crate) outcomes: BTreeMap<EntryId, Outcome>,
    /// What was told since somebody last took it away.
    pub(crate) news: Vec<(EntryId, News)>,
    workload: &'a Workload,
    agenda: BTreeSet<(u64, Due)>,
    pub(crate) tick: u64,
    n_moments: usize,
}

impl<'a, P: Plane> Play<'a, P> {
    pub(crate) fn new(workload: &'a Workload, plane: P) -> Self {
        let arrivals = workload.changes.iter().enumerate().map(|(n, change)| (change.at, Due::Arrival(n)));
        let pushes = workload.pushes.iter().enumerate().map(|(n, at)| (*at, Due::Push(n)));
        let agenda = arrivals.chain(pushes).collect();
        let (log, outcomes, news) = Default::default();
        Self { plane, log, outcomes, news, workload, agenda, tick: 0, n_moments: 0 }
    }

    /// Plays to the end, where everybody must have an outcome.
    pub(crate) async fn finish(mut self) -> Self {
        while self.advance().await {}
        let queue = self.plane.queue().await;
        let left: Vec<_> = queue.entries.iter().map(|entry| entry.change.id.as_str()).collect();
        assert!(left.is_empty() && queue.pause.is_none(), "nothing goes on, {left:?} wait, {:?}", queue.pause);
        assert_eq!(self.outcomes.len(), self.workload.changes.len(), "not everybody has an outcome:\n{}", self.log);
        self
    }

    /// Plays the next moment; false where there is none.
    pub(crate) async fn advance(&mut self) -> bool {
        let Some((tick, due)) = self.agenda.pop_first() else { return false };
        self.n_moments += 1;
        assert!(self.n_moments < MOMENTS_MAX, "it goes on for ever:\n{}", self.log);
        self.tick = tick;
        self.plane.look_at_clock(tick);
        match due {
            Due::Push(n) => {
                self.note("somebody pushes past the queue");
                self.plane.push_past(self.workload, n).await;
            }
            Due::Arrival(n) => {
                let change = &self.workload.changes[n];
                self.note(&format!("{} comes", change.id));
                self.plane.bring(change).await;
            }
            Due::Answer(job) => {
                if let Some(said) = self.plane.answer(job).await {
                    self.note(&format!("{} {said}", job.run()));
                }
            }
        }
        self.settle().await;
        true
    }

    /// Where nothing else goes on, lets time pass until the earliest of these ticks; false where there is none.
    pub(crate) fn rest(&mut self, until: &mut dyn Iterator<Item = u64>) -> bool {
        let Some(tick) = until.min() else { return false };
        self.tick = self.tick.max(tick);
        self.plane.look_at_clock(self.tick);
        true
    }

    /// Lets everything begin and be told that may, and writes it down.
    pub(crate) async fn settle(&mut self) {
        let Settled { told, stopped, begun } = self.plane.settle().await;
        for (entry, news) in &told {
            self.hear(entry, news);
        }
        for job in stopped {
            self.note(&format!("{} is stopped", job.run()));
            self.agenda.retain(|(_, due)| *due != Due::Answer(job));
        }
        for Beginning { job, set } in begun {
            let set: Vec<_> = set.iter().map(EntryId::as_str).collect();
            let set = set.join("+");
            self.note(&match job {
                Job::Stage(run) => format!("{run} holds {set}"),
                Job::Checks(run) => format!("{run} tests {set}"),
                Job::Land(run) => format!("{run} lands {set}"),
            });
            self.agenda.insert((self.tick + self.workload.takes(&job), Due::Answer(job)));
        }
        self.news.extend(told);
    }

    fn hear(&mut self, entry: &EntryId, news: &News) {
        let listed = |with: &[EntryId]| with.iter().map(EntryId::as_str).collect::<Vec<_>>().join(", ");
        match news {
            News::Progressed(_) => {}
            News::SteppedAside { with, paths } => {
                self.note(&format!("{entry} waits for {} because of {}", listed(with), paths.join(", ")));
            }
            News::Ended(outcome) => {
                self.note(&format!("{entry} {}", told_without_names(outcome)));
                let before = self.outcomes.insert(entry.clone(), outcome.clone());
                assert!(before.is_none(), "{entry} has a second outcome:\n{}", self.log);
            }
            News::Reserved { why, .. } => self.note(&format!("{entry} is sent back, and its place is kept: {why}")),
            other => self.note(&format!("{entry} is told {other:?}")),
        }
    }

    pub(crate) fn note(&mut self, what: &str) {
        self.log += &format!("{:<4} {what}\n", self.tick);
    }
}

/// The outcome in words, without the names of commits, which are other ones on paper.
fn told_without_names(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Merged { .. } => outcome.to_string().split(" as ").next().unwrap().to_owned(),
        Outcome::Ejected { why: Why::Unusable { .. } } => "ejected: its commit cannot be used".to_owned(),
        Outcome::Ejected { .. } | Outcome::Withdrawn { .. } => outcome.to_string(),
    }
}

/// What an answer says of a tree or of the target, in words.
pub(crate) fn described(event: &QueueEvent) -> Option<String> {
    match event {
        QueueEvent::ChecksConcluded { verdict: Verdict::Failed { failing }, .. } => {
            let names: Vec<_> = failing.iter().map(|check| check.name.as_str()).collect();
            Some(format!("is red: {}", names.join(", ")))
        }
        QueueEvent::ChecksConcluded { verdict: Verdict::Passed, .. } => Some("is green".to_owned()),
        QueueEvent::ChecksConcluded { verdict, .. } => Some(format!("ends with {verdict:?}")),
        QueueEvent::LandingRefused { .. } => Some("does not land: the target moved".to_owned()),
        _ => None,
    }
}

impl Job {
    pub(crate) fn run(&self) -> RunId {
        match self {
            Self::Stage(run) | Self::Checks(run) | Self::Land(run) => *run,
        }
    }

    pub(crate) fn kind(&self) -> u64 {
        match self {
            Self::Stage(_) => 1,
            Self::Checks(_) => 2,
            Self::Land(_) => 3,
        }
    }
}
