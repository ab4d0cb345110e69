//! The laws by name, and those that need more than one step to judge: what was said, made, tested and landed.

use std::collections::HashMap;

use agents::task::state::Intent;
use agents::task::{Approved, Goal, Task, TaskEffect, TaskEvent, TaskState};
use domain::{EntryId, Sha, Step, TaskId};
use mergeq::queue::{News, Obstacle, Outcome, Proof, Queue, QueueEffect, QueueEvent, Refusal, RunId, Verdict, Why};

use crate::repo::{Merged, Repo, Truth};

/// A law that a history breaks.
#[derive(Debug)]
pub struct Breach {
    pub law: &'static str,
    pub what: String,
}

/// What goes on as long as no law is broken.
pub type Lawful<T = ()> = Result<T, Breach>;

/// The laws of the two machines, as their own checkers word them, each with a phrase that only it says.
pub const MACHINE_LAWS: [(&str, &str); 41] = [
    ("queue: nobody is in it twice", "is in the queue twice"),
    ("queue: a run holds entries of the queue", "is in a run but not in the queue"),
    ("queue: a test has one run", "is the second run of a test"),
    ("queue: the reserved and the leaving stand apart", "stands where it may not"),
    ("queue: the line is by rank", "not in the order of their ranks"),
    ("queue: a rank is given once", "rank "),
    ("queue: who stands aside is behind", "stands aside for nobody who is before it"),
    ("queue: a run's number is given once", "could be given twice"),
    ("queue: one landing at a time", "two landings are in flight"),
    ("queue: what is tested has a run", "is under way and no run is"),
    ("queue: no run is empty", "is empty"),
    ("queue: no run goes on in vain", "goes on and nobody needs it"),
    ("queue: what lands stands on the head", "is landing and not on the head"),
    ("queue: who wants no company has none", "wants no company"),
    ("queue: a run has its own commits", "has commits of others"),
    ("queue: a doubt calls somebody", "is doubtful and nobody was called"),
    ("queue: what it remembers is bounded", "are remembered"),
    ("queue: its runs are bounded", "runs are under way"),
    ("queue: what passed is landed", "passed and is not landed"),
    ("queue: whoever waits is on the way", "waits and nothing starts"),
    ("queue: only the tested is landed", "would land untested"),
    ("queue: who leaves has one outcome", "outcomes instead of"),
    ("queue: a landing is not disturbed", "was taken from its landing"),
    ("queue: a run owes one effect", "effects instead of"),
    ("queue: an opening is owed once", "it opens at"),
    ("queue: while it is closed only the urgent land", "begins to land while it is closed"),
    ("queue: a probe is owed once", "and that is not what is owed"),
    ("queue: who is held is in no run", "is held and on its way"),
    ("queue: a run is watched", "nobody watches it"),
    ("queue: who shares a lane shares a track", "has lanes in common with another track"),
    ("task: no work without an approval", "law 1:"),
    ("task: what is published was accepted", "law 2:"),
    ("task: an end is left by a retry alone", "law 3:"),
    ("task: a wait has a deadline", "law 4:"),
    ("task: the late changes nothing", "law 5:"),
    ("task: a question has one answer", "law 6:"),
    ("task: what people say is told to a session", "law 7:"),
    ("task: who rests owes nothing but the end of it", "law 8:"),
    ("task: no button outlives what it stands for", "law 9:"),
    ("task: a place that is kept is taken or given up", "law 10:"),
    ("task: only what waits for the word to merge is tried", "law 11:"),
];

/// The laws of whole histories, which this file judges.
pub const APPROVED: &str = "the plan that is worked is one that a person named";
pub const PRODUCED: &str = "what is published is what the session of that plan made";
pub const PUBLISHED: &str = "only what was published goes into the queue";
pub const CARRIED: &str = "whatever lives is owed something";
pub const LATE: &str = "an answer for a run that is gone changes nothing";
pub const PLANNED: &str = "planning twice proposes nothing";
pub const RANKED: &str = "nobody loses their place in line";
pub const INNOCENT: &str = "only the guilty are ejected";
pub const ONE_OUTCOME: &str = "every stay has one outcome";
pub const TESTED: &str = "what the queue lands was tested in exactly that form";
pub const LINEAR: &str = "the target only grows, by compare-and-swap";
pub const AGREED: &str = "whose entry is in the queue is merging, or repairs it";
pub const JOURNALED: &str = "the journal tells the history";
pub const ASKED: &str = "nobody is withdrawn unasked";
pub const ASSERTED: &str = "a machine's own assertions hold";
pub const PROVED: &str = "an outcome says what vouches for it";
pub const TAKEN_BACK: &str = "after a step back nothing newer is published";
pub const MERGED: &str = "merged is what is on the target, once";

/// What people said, sessions made and entries got.
#[derive(Debug, Default)]
pub struct History {
    /// The plans that somebody approved: version, and the hash if they named it.
    pub words: Vec<(TaskId, u32, Option<String>)>,
    /// Which session made a commit, and under which plan.
    pub produced: HashMap<Sha, Product>,
    /// Commits that stood on a published branch.
    pub published: Vec<Sha>,
    /// Every stay in the queue.
    pub stays: Vec<Stay>,
    /// Branches that somebody moved under the queue.
    pub moved: Vec<(EntryId, Sha)>,
    /// Red, refused or unconcluded runs: who was in it, as of which commit, and what was said.
    pub reds: Vec<RedRun>,
    /// Entries that somebody took back from the queue itself.
    pub withdrawn: Vec<EntryId>,
    /// The tasks that were taken back to a checkpoint, with the number of the newest session by then.
    pub taken_back: Vec<(TaskId, u32)>,
    /// How many outcomes each task was told.
    pub n_told: HashMap<EntryId, usize>,
}

#[derive(Debug)]
pub struct RedRun {
    pub set: Vec<EntryId>,
    pub base: Sha,
    pub commit: Sha,
    pub verdict: Verdict,
}

#[derive(Debug)]
pub struct Product {
    pub task: TaskId,
    pub session: u32,
    pub plan: Option<String>,
}

/// One entry from its arrival to its outcome.
#[derive(Debug)]
pub struct Stay {
    pub entry: EntryId,
    pub rank: u64,
    pub outcome: Option<Outcome>,
}

pub fn breach(law: &'static str, what: impl Into<String>) -> Breach {
    Breach { law, what: what.into() }
}

pub fn ensure(holds: bool, law: &'static str, what: impl FnOnce() -> String) -> Lawful {
    if holds { Ok(()) } else { Err(breach(law, what())) }
}

/// A law of a machine by the words of its checker.
pub fn machine_breach(of: &str, what: String) -> Breach {
    let known = MACHINE_LAWS.iter().find(|(law, phrase)| law.starts_with(of) && what.contains(phrase));
    breach(known.map_or("a law without a name", |(law, _)| law), what)
}

impl History {
    /// Judges one step of a task.
    pub fn judge_task(&mut self, before: &Task, event: &TaskEvent, after: &Step<Task>) -> Lawful {
        if let Some(what) = agents::task::laws::broken(before, event, after) {
            return Err(machine_breach("task", what));
        }
        if let (TaskEvent::EntryWithdrawn, TaskState::Merging { intent: Intent::Land, .. }) = (event, &before.state) {
            let is_asked = self.withdrawn.contains(&EntryId::from(before.id));
            ensure(is_asked, ASKED, || format!("{} was taken out of the queue", before.id))?;
        }
        if let TaskEvent::RolledBack { .. } = event {
            self.taken_back.push((before.id, before.sessions));
        }
        for effect in &after.effects {
            match effect {
                TaskEffect::StartSession { goal: Goal::Work { approved: Some(approved) }, .. } => {
                    self.judge_approval(before.id, approved)?;
                }
                TaskEffect::Publish { work } => {
                    let is_newer = |product: &Product| {
                        let left =
                            |(task, session): &(TaskId, u32)| *task == product.task && product.session <= *session;
                        self.taken_back.iter().any(left)
                    };
                    let is_left = self.produced.get(&work.head).is_some_and(is_newer);
                    ensure(!is_left, TAKEN_BACK, || format!("{} publishes {}", before.id, work.head.short()))?;
                    let plan = work.approved.as_ref().map(|approved| &approved.plan.hash);
                    let is_its = |product: &Product| {
                        product.task == before.id && product.session == before.sessions && product.plan.as_ref() == plan
                    };
                    let is_its = self.produced.get(&work.head).is_some_and(is_its);
                    ensure(is_its, PRODUCED, || format!("{} publishes {}", before.id, work.head.short()))?;
                }
                TaskEffect::Enqueue { work } => {
                    let is_out = self.published.contains(&work.head);
                    ensure(is_out, PUBLISHED, || format!("{} enqueues {}", before.id, work.head.short()))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn judge_approval(&self, task: TaskId, approved: &Approved) -> Lawful {
        let plan = &approved.plan;
        let names = |(of, version, hash): &(TaskId, u32, Option<String>)| {
            *of == task && *version == plan.version && hash.as_ref().is_none_or(|hash| *hash == plan.hash)
        };
        let is_named = approved.by.is_none() || self.words.iter().any(names);
        ensure(is_named, APPROVED, || format!("{task} works version {} of its plan", plan.version))
    }

    /// Judges one step of the queue.
    pub fn judge_queue(&mut self, repo: &mut Repo, before: &Queue, event: &QueueEvent, after: &Step<Queue>) -> Lawful {
        let (queue, effects) = (&after.state, &after.effects);
        if let Some(what) = mergeq::queue::laws::broken_by(before, event, queue, effects) {
            return Err(machine_breach("queue", what));
        }
        if let Some(run) = answered_run(event)
            && before.runs.iter().all(|known| known.id != run)
        {
            ensure(is_other_hour(before, queue) || is_same(before, queue) && effects.is_empty(), LATE, || {
                format!("{event:?} is for a run that is gone")
            })?;
        }
        if let QueueEvent::Enqueued { change } = event
            && queue.entry(&change.id).is_none()
        {
            self.stays.push(Stay { entry: change.id.clone(), rank: before.next_rank, outcome: None });
        }
        for entry in &queue.entries {
            let known = before.entry(&entry.change.id);
            let keeps = known.is_none_or(|known| known.rank == entry.rank);
            ensure(keeps, RANKED, || format!("{} is now {}", entry.change.id, entry.rank))?;
            if known.is_none() {
                self.stays.push(Stay { entry: entry.change.id.clone(), rank: entry.rank, outcome: None });
            }
        }
        self.note_red(before, event);
        for effect in effects {
            match effect {
                QueueEffect::Report { entry, news: News::Ended(outcome) } => {
                    self.judge_outcome(repo, before, event, (entry, outcome))?;
                }
                QueueEffect::Report { entry, news: News::Reserved { why, .. } } => {
                    let is_due = self.is_deserved(repo, before, event, (entry, why));
                    ensure(is_due, INNOCENT, || format!("{entry} was sent back by {event:?}: {why}"))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn note_red(&mut self, before: &Queue, event: &QueueEvent) {
        let QueueEvent::ChecksConcluded { run, verdict } = event else { return };
        let known = before.runs.iter().find(|known| known.id == *run);
        let candidate = known.and_then(|known| Some((known, known.candidate()?)));
        if let Some((known, candidate)) = candidate
            && !matches!(verdict, Verdict::Passed | Verdict::AlreadyPassed | Verdict::Untested)
        {
            let (base, commit) = (candidate.base.clone(), candidate.commit().clone());
            self.reds.push(RedRun { set: known.set.clone(), base, commit, verdict: verdict.clone() });
        }
    }

    /// The red runs in which an entry was alone, but for those who have landed since.
    fn reds_of<'a>(&'a self, repo: &'a Repo, id: &'a EntryId) -> impl Iterator<Item = &'a RedRun> {
        let has_landed = |other: &EntryId| {
            let last = self.stays.iter().rfind(|stay| stay.entry == *other);
            matches!(last.and_then(|stay| stay.outcome.as_ref()), Some(Outcome::Merged { .. }))
        };
        let is_lone =
            move |red: &&RedRun| red.set.contains(id) && red.set.iter().all(|other| other == id || has_landed(other));
        self.reds.iter().filter(is_lone).filter(|red| repo.is_on_target(&red.base))
    }

    fn judge_outcome(
        &mut self,
        repo: &mut Repo,
        before: &Queue,
        event: &QueueEvent,
        (id, outcome): (&EntryId, &Outcome),
    ) -> Lawful {
        let stay = self.stays.iter_mut().rfind(|stay| stay.entry == *id && stay.outcome.is_none());
        let Some(stay) = stay else {
            return Err(breach(ONE_OUTCOME, format!("{id} {outcome} without a stay")));
        };
        stay.outcome = Some(outcome.clone());
        let Some(entry) = before.entry(id) else {
            let is_due = matches!(
                outcome,
                Outcome::Ejected { why: Why::Full { .. } | Why::TooLong { .. } | Why::Dependency { .. } }
            );
            return ensure(is_due, INNOCENT, || format!("{id} {outcome} in the step in which it came"));
        };
        match outcome {
            Outcome::Merged { commit, proof } => {
                let is_untested = repo.truth_of(commit) == Truth::Untested;
                let is_proved = is_untested == (*proof == Proof::Untested);
                ensure(is_proved, PROVED, || format!("{id} landed, {proof:?}"))?;
                let is_its = repo.is_on_target(commit) && repo.made_from(commit) == Some(&entry.change.head);
                ensure(is_its, MERGED, || format!("{id} is said to have landed as {}", commit.short()))
            }
            Outcome::Ejected { why } => {
                let is_due = self.is_deserved(repo, before, event, (id, why));
                ensure(is_due, INNOCENT, || format!("{id} was ejected by {event:?}: {why}"))
            }
            Outcome::Withdrawn { .. } => Ok(()),
        }
    }

    /// Whether what an entry is told to be wrong with it is so.
    fn is_deserved(&self, repo: &mut Repo, before: &Queue, event: &QueueEvent, (id, why): (&EntryId, &Why)) -> bool {
        match why {
            // A wish to leave that came while it was landing is granted when the landing fails.
            Why::HeadMoved { head } => self.moved.contains(&(id.clone(), head.clone())),
            Why::Checks { .. } | Why::Unconcluded { .. } | Why::NoGate { .. } => {
                self.reds_of(repo, id).any(|red| is_due(repo, red, why))
            }
            Why::RepairsSpent { last: Some(last), .. } => self.is_deserved(repo, before, event, (id, last)),
            _ => is_guilty(repo, before, event, id, why),
        }
    }

    /// Judges the newest movement of the target.
    pub fn judge_target(&self, repo: &Repo) -> Lawful {
        let Some(push) = repo.pushes.last() else { return Ok(()) };
        let is_same = |commit: &Sha| repo.tree_of(commit) == repo.tree_of(&push.to);
        let is_tested = !push.is_landing || repo.green.iter().any(is_same);
        ensure(is_tested, TESTED, || format!("{} was landed", push.to.short()))?;
        let is_next = repo.is_on_target(&push.from) && repo.is_on_target(&push.to);
        ensure(is_next, LINEAR, || format!("{} is lost", push.from.short()))
    }

    /// What is on the target, against what people were told. For a history that has come to rest.
    pub fn judge_rest(&self, repo: &Repo, tasks: &[Task], queue: Option<&Queue>) -> Lawful {
        for task in tasks {
            let is_its = |commit: &&Sha| {
                repo.made_from(commit)
                    .and_then(|head| self.produced.get(head))
                    .is_some_and(|product| product.task == task.id)
            };
            let landed: Vec<&Sha> = repo.history().filter(is_its).collect();
            let expected: Vec<&Sha> = match &task.state {
                TaskState::Merged { commit, .. } => vec![commit],
                _ => Vec::new(),
            };
            ensure(landed == expected, MERGED, || {
                let short =
                    |commits: &[&Sha]| commits.iter().map(|sha| sha.short().to_owned()).collect::<Vec<_>>().join(", ");
                let words = task.state_in_words();
                format!("{} is {words}, as [{}], and [{}] is on the target", task.id, short(&expected), short(&landed))
            })?;
            let entry = EntryId::from(task.id);
            let n_ended = self.stays.iter().filter(|stay| stay.entry == entry && stay.outcome.is_some()).count();
            let n_told = self.n_told.get(&entry).copied().unwrap_or(0);
            ensure(n_ended == n_told, ONE_OUTCOME, || format!("{entry} had {n_ended} outcomes and was told {n_told}"))?;
        }
        let open = self.stays.iter().filter(|stay| stay.outcome.is_none());
        for stay in open {
            let is_in = queue.and_then(|queue| queue.entry(&stay.entry)).is_some_and(|entry| entry.rank == stay.rank);
            ensure(is_in, ONE_OUTCOME, || format!("{} is gone without an outcome", stay.entry))?;
        }
        Ok(())
    }
}

/// Whether a red run is what an ejection says.
fn is_due(repo: &Repo, red: &RedRun, why: &Why) -> bool {
    match (why, &red.verdict) {
        (Why::Checks { .. }, Verdict::Failed { .. }) => repo.red.contains(&red.commit),
        (Why::Unconcluded { .. }, Verdict::Unconcluded { .. }) => true,
        (Why::NoGate { .. }, Verdict::NoGate { .. }) => repo.truth_of(&red.commit) == Truth::NoGate,
        _ => false,
    }
}

/// Whether an ejection says the truth about the entry alone.
fn is_guilty(repo: &mut Repo, before: &Queue, event: &QueueEvent, id: &EntryId, why: &Why) -> bool {
    let head = before.entry(id).map(|entry| entry.change.head.clone());
    match (why, event) {
        (Why::Refused { .. }, QueueEvent::LandingRefused { run, refusal: Refusal::Final { .. } }) => {
            let run = before.runs.iter().find(|known| known.id == *run && known.set.len() == 1);
            let candidate = run.and_then(|run| run.candidate());
            candidate.is_some_and(|candidate| repo.is_unwelcome(&candidate.base, candidate.commit()))
        }
        (_, QueueEvent::StagingBlocked { base, entry, obstacle, .. }) if entry == id => {
            let Some(head) = head else { return false };
            let merged = repo.merge(base, &head, 0);
            match (why, obstacle) {
                (Why::Conflict { .. }, Obstacle::Conflict { .. }) => matches!(merged, Merged::Conflict(_)),
                (Why::AlreadyIn, Obstacle::AlreadyIn) => merged == Merged::AlreadyIn,
                (Why::Unusable { .. }, Obstacle::Unusable { .. }) => merged == Merged::Unusable,
                _ => false,
            }
        }
        (Why::Dependency { on }, _) => before.entry(id).is_some_and(|entry| entry.change.depends_on.contains(on)),
        (Why::RepairOverdue, QueueEvent::DeadlinePassed { entry, .. }) => entry == id,
        (Why::RepairsSpent { .. }, QueueEvent::Reserved { entry, .. })
        | (Why::Unrepaired { .. }, QueueEvent::RepairFailed { entry, .. }) => entry == id,
        _ => false,
    }
}

/// The run that an event answers.
fn answered_run(event: &QueueEvent) -> Option<RunId> {
    match event {
        QueueEvent::Staged { run, .. }
        | QueueEvent::StagingBlocked { run, .. }
        | QueueEvent::StagingFailed { run, .. }
        | QueueEvent::ChecksConcluded { run, .. }
        | QueueEvent::Landed { run }
        | QueueEvent::LandingRefused { run, .. }
        | QueueEvent::LandingUnanswered { run, .. }
        | QueueEvent::CandidateLost { run } => Some(*run),
        _ => None,
    }
}

/// Whether a target was closed or opened by the clock alone, which any step may find out.
pub fn is_other_hour(before: &Queue, after: &Queue) -> bool {
    before.closing.until() != after.closing.until()
}

/// Whether two queues are the same to everybody.
pub fn is_same(a: &Queue, b: &Queue) -> bool {
    a.entries == b.entries
        && a.runs == b.runs
        && a.faults == b.faults
        && serde_json::to_value(&a.tracks).ok() == serde_json::to_value(&b.tracks).ok()
        && a.pause == b.pause
        && a.freeze == b.freeze
        && a.head == b.head
        && (&a.watch, &a.closing) == (&b.watch, &b.closing)
        && a.policy == b.policy
        && (&a.landed, &a.unaudited, &a.probing) == (&b.landed, &b.unaudited, &b.probing)
        && (a.next_rank, a.next_run) == (b.next_rank, b.next_run)
}

/// Whoever is in the queue knows it.
pub fn judge_agreement(tasks: &[Task], queue: &Queue) -> Lawful {
    for entry in queue.entries.iter().map(|entry| &entry.change.id) {
        let task = tasks.iter().find(|task| EntryId::from(task.id) == *entry);
        let knows = |task: &Task| matches!(task.state, TaskState::Merging { .. }) || task.repair.is_some();
        let is_there = task.is_some_and(knows);
        ensure(is_there, AGREED, || format!("{entry} is in the queue, and its task is elsewhere"))?;
    }
    Ok(())
}
