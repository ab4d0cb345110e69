//! What the world does about an effect: the performers of the house, with the world of the simulator behind them.
//!
//! Each acts in the same order of looks and deeds as the real one, and may be cut off between any two of them.

use agents::session::people::{Question, QuestionKind};
use agents::task::{
    Announcement, Demand, Goal, PlanDraft, TaskEffect, TaskEvent, TaskState, Terms, TrialResult, Word, WordKind, Work,
};
use domain::policy::Tier;
use domain::{Cause, DeliveryId, EntryId, MessageRef, Sha, TaskId};
use downbeat::bridge::{change_of, event_of};
use forge::{CheckRun, Conclusion, FileChange};
use mergeq::queue::{FailedCheck, News, Phase, QueueEffect, QueueEvent, Refusal, RunId, Shown, Verdict};
use mergeq::{Finding, Flaw, LandedRun, Remedy};

use crate::door::{Claim, Debt, Door, Lane, Lease, Told};
use crate::laws::{Lawful, Product};
use crate::play::{Play, Reply};
use crate::repo::{Atom, Landing, Truth};
use crate::weather::Weather;

/// One effect that is being performed.
#[derive(Debug)]
pub struct Flight {
    pub claim: Claim,
    pub lane: Lane,
    pub lease: Lease,
    pub is_revoked: bool,
    /// The turn before which it is held up: a process that was suspended, a network that stands still.
    pub wakes_at: usize,
    pub stage: Stage,
}

/// How far a performer is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are never many of them, and a box would hide the patterns")]
pub enum Stage {
    Claimed,
    /// A session is at work since the target was here.
    AtWork(Sha, Ending),
    Acted(Answer),
}

/// How a session is going to end.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Well,
    /// With an answer, or with the question left open.
    Asking,
    Empty,
    Broken,
    /// Not by itself.
    Never,
}

/// What a performer has to say.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are never many of them, and a box would hide the patterns")]
pub enum Answer {
    Say(Told),
    Nothing,
    NotNow,
}

/// The paths that changes touch: few, so that they meet.
const PATHS: [&str; 10] = [
    "src/a.rs",
    "src/b.rs",
    "src/c.rs",
    "src/d.rs",
    "src/e.rs",
    "src/f.rs",
    "src/g.rs",
    "docs/a.md",
    "docs/b.md",
    "Cargo.lock",
];

impl<D: Door> Play<D> {
    /// Takes a performer one stage further.
    pub async fn perform(&mut self, flight: &Flight, stage: Stage) -> Lawful<Stage> {
        if self.chance.one_in(self.weather.troubles) {
            return Ok(Stage::Acted(Answer::NotNow));
        }
        let effect_id = flight.claim.attempt.effect.as_str();
        match &flight.claim.debt {
            Debt::Task(id, TaskEffect::StartSession { session, goal, .. }) => match stage {
                Stage::AtWork(base, ending) => self.end_session((*id, *session), goal, flight, (base, ending)).await,
                Stage::Claimed | Stage::Acted(_) => self.begin_session((*id, *session), flight).await,
            },
            Debt::Task(id, effect) => Ok(Stage::Acted(self.perform_for_task(*id, effect, effect_id).await?)),
            Debt::Queue(effect) => Ok(Stage::Acted(self.perform_for_queue(effect, effect_id, flight).await?)),
        }
    }

    async fn begin_session(&mut self, (id, session): (TaskId, u32), flight: &Flight) -> Lawful<Stage> {
        let task = self.door.task(id).await;
        if task.is_none_or(|task| task.sessions != session) {
            return Ok(Stage::Acted(Answer::Nothing));
        }
        if flight.is_revoked {
            return self.break_off(id, session).await;
        }
        let cause = Cause::Delivery(DeliveryId::new(format!("{}:started", flight.claim.attempt.effect)));
        self.tell(Told::Task(id, TaskEvent::SessionStarted { session }), cause).await?;
        self.tell_words((id, session), flight).await?;
        if self.chance.one_in(4) {
            let hosts = vec![format!("host-{session}.example")];
            self.tell(Told::Task(id, TaskEvent::HostsReached { session, hosts }), self.of_attempt(flight)).await?;
        }
        let ending = self.chance.weigh(&[
            (40, Ending::Well),
            (6, Ending::Asking),
            (1, Ending::Empty),
            (2, Ending::Broken),
            (1, Ending::Never),
        ]);
        Ok(Stage::AtWork(self.repo.target.clone(), ending))
    }

    /// The session hears what people said, in its prompt or within its turn.
    async fn tell_words(&mut self, (id, session): (TaskId, u32), flight: &Flight) -> Lawful {
        let words = self.door.task(id).await.map(|task| task.untold()).unwrap_or_default();
        if words.is_empty() {
            return Ok(());
        }
        self.tell(Told::Task(id, TaskEvent::WordsTold { session, words }), self.of_attempt(flight)).await.map(drop)
    }

    /// The cause of something that a session tells before its end.
    fn of_attempt(&self, flight: &Flight) -> Cause {
        let attempt = &flight.claim.attempt;
        Cause::Delivery(DeliveryId::new(format!("{}:{}:{}", attempt.effect, attempt.number, self.n_events())))
    }

    /// A session asks, or asks again after a crash; it goes on once it is answered, and may end before.
    async fn ask(&mut self, (id, session): (TaskId, u32), flight: &Flight, base: Sha) -> Lawful<Stage> {
        let Some(task) = self.door.task(id).await else { return Ok(Stage::Acted(Answer::Nothing)) };
        if task.sessions != session {
            return Ok(Stage::Acted(Answer::Nothing));
        }
        let text = format!("may session {session} go on?");
        let question = Question { about: QuestionKind::Question, text, choices: Vec::new() };
        let is_answer =
            |word: &Word| matches!(&word.kind, WordKind::Answer { question: open, .. } if open.question == question);
        if task.said.iter().any(is_answer) {
            self.tell_words((id, session), flight).await?;
            return Ok(Stage::AtWork(base, Ending::Well));
        }
        if task.open_question().is_none_or(|open| open.question != question) {
            let asked = TaskEvent::Asked { session, question };
            self.tell(Told::Task(id, asked), self.of_attempt(flight)).await?;
            return Ok(Stage::AtWork(base, Ending::Asking));
        }
        if self.weather.is_calm || self.chance.one_in(4) {
            return Ok(Stage::Acted(Answer::Say(Told::Task(id, TaskEvent::SessionParked { session }))));
        }
        Ok(Stage::AtWork(base, Ending::Asking))
    }

    /// A session that was stopped tells its task only if that one wished it.
    async fn break_off(&mut self, id: TaskId, session: u32) -> Lawful<Stage> {
        let stopped = Told::Task(id, TaskEvent::SessionStopped { session });
        let is_wished = |state: &TaskState| matches!(state, TaskState::Cancelling { .. } | TaskState::Pausing { .. });
        Ok(Stage::Acted(match self.door.task(id).await {
            Some(task) if task.sessions != session => Answer::Nothing,
            Some(task) if is_wished(&task.state) => Answer::Say(stopped),
            Some(_) | None => Answer::NotNow,
        }))
    }

    async fn end_session(
        &mut self,
        (id, session): (TaskId, u32),
        goal: &Goal,
        flight: &Flight,
        (base, ending): (Sha, Ending),
    ) -> Lawful<Stage> {
        if flight.is_revoked {
            return self.break_off(id, session).await;
        }
        if let Ending::Asking = ending {
            return self.ask((id, session), flight, base).await;
        }
        if self.chance.one_in(2) {
            self.tell_words((id, session), flight).await?;
        }
        let event = match (ending, goal) {
            (Ending::Never, _) if !self.weather.is_calm => return Ok(Stage::AtWork(base, ending)),
            (Ending::Never, _) => TaskEvent::SessionFailed { session, why: "it took too long".to_owned() },
            (Ending::Broken, _) => TaskEvent::SessionFailed { session, why: "exit code 1".to_owned() },
            (Ending::Well | Ending::Asking | Ending::Empty, Goal::Plan { .. }) => {
                let tier = self.any_tier();
                let draft = PlanDraft { summary: format!("plan of session {session}"), ..PlanDraft::default() };
                TaskEvent::PlanProposed { session, draft, terms: Terms { tier, because: "a path".to_owned() } }
            }
            (Ending::Well | Ending::Asking, Goal::Work { approved }) => {
                let plan = approved.as_ref().map(|approved| approved.plan.hash.clone());
                match self.make_work(&base) {
                    Some(work) => {
                        let product = Product { task: id, session, plan };
                        self.history.produced.insert(work.head.clone(), product);
                        TaskEvent::WorkFinished { session, work: Work { approved: approved.clone(), ..work } }
                    }
                    None => TaskEvent::NothingChanged { session, answer: "the world is full".to_owned() },
                }
            }
            (Ending::Empty, Goal::Work { .. }) => {
                TaskEvent::NothingChanged { session, answer: "all is well".to_owned() }
            }
        };
        Ok(Stage::Acted(Answer::Say(Told::Task(id, event))))
    }

    fn any_tier(&mut self) -> Tier {
        self.chance.weigh(&[(1, Tier::R0), (24, Tier::R1), (2, Tier::R2), (1, Tier::R3)])
    }

    /// A new atom of any nature.
    pub fn any_atom(&mut self) -> (Atom, Option<usize>) {
        let mut paths = vec![*self.chance.pick(&PATHS)];
        if self.chance.one_in(3) {
            paths.push(*self.chance.pick(&PATHS));
        }
        let n_atoms = self.repo.n_atoms();
        let clash = (n_atoms > 0 && self.chance.one_in(5)).then(|| self.chance.below(n_atoms));
        (Atom { paths, nature: Weather::any_nature(&mut self.chance) }, clash)
    }

    fn make_work(&mut self, base: &Sha) -> Option<Work> {
        let (atom, clash) = self.any_atom();
        let changes =
            atom.paths.iter().map(|path| FileChange { path: (*path).to_owned(), added: 1, removed: 0 }).collect();
        let head = self.repo.commit(base, atom, clash)?;
        let conclusion = if self.chance.one_in(10) { Conclusion::Failed } else { Conclusion::Passed };
        let check = CheckRun {
            name: "unit".to_owned(),
            conclusion,
            exit: Some(0),
            output_tail: String::new(),
            duration_ms: 1,
            attempts: 1,
            failed_tests: forge::FailedTests::default(),
        };
        Some(Work {
            approved: None,
            accepted_by: None,
            base: base.clone(),
            head,
            changes,
            tier: self.any_tier(),
            tier_because: "a path".to_owned(),
            altered: if self.chance.one_in(3) { vec!["a".to_owned()] } else { Vec::new() },
            checks: vec![check],
            demand: Demand::Checks,
            cage: "none".to_owned(),
            hosts: Vec::new(),
            cost_micros: None,
        })
    }

    async fn perform_for_task(&mut self, id: TaskId, effect: &TaskEffect, effect_id: &str) -> Lawful<Answer> {
        let say = |event| Answer::Say(Told::Task(id, event));
        let told = Cause::Delivery(DeliveryId::new(effect_id));
        Ok(match effect {
            TaskEffect::Publish { work } if self.chance.one_in(25) => {
                say(TaskEvent::PublishFailed { head: work.head.clone(), why: "the remote refuses it".to_owned() })
            }
            TaskEffect::Publish { work } => {
                self.branches.insert(id, work.head.clone());
                self.history.published.push(work.head.clone());
                say(TaskEvent::Published { head: work.head.clone(), reference: format!("downbeat/{id}") })
            }
            TaskEffect::Try { trial, .. } => say(self.tried(*trial)),
            TaskEffect::PostCard => {
                let Some(task) = self.door.task(id).await else { return Ok(Answer::Nothing) };
                say(TaskEvent::CardPosted {
                    card: MessageRef { thread: task.request.thread, id: format!("card {id}") },
                })
            }
            TaskEffect::Announce(Announcement::PlanReady { plan }) => {
                self.shown.push((id, plan.version, plan.hash.clone()));
                Answer::Nothing
            }
            TaskEffect::Enqueue { work } => {
                let Some(task) = self.door.task(id).await else { return Ok(Answer::Nothing) };
                let lanes = self.lanes_of(&work.head);
                let mut change = change_of(&task, work, lanes);
                change.is_repairable = !self.chance.one_in(4);
                if self.chance.one_in(6) {
                    let other = 1 + self.chance.below(usize::try_from(self.n_tasks).expect("a few")) as u64;
                    change.depends_on.extend((other != id.number()).then(|| EntryId::from(TaskId::new(other))));
                }
                let event = QueueEvent::Enqueued { change };
                match self.tell(Told::Queue(event), told).await? {
                    Reply::Refused(why) => say(TaskEvent::EntryEjected { why: why.to_string() }),
                    Reply::Done | Reply::Repeated | Reply::Superseded => Answer::Nothing,
                }
            }
            TaskEffect::Withdraw { by } => {
                let event = QueueEvent::Withdrawn { entry: EntryId::from(id), by: by.clone() };
                self.tell(Told::Queue(event), told).await?;
                Answer::Nothing
            }
            TaskEffect::Readmit { work } => {
                let (head, started_from) = (work.head.clone(), Some(work.base.clone()));
                let (entry, approved_by, lanes) = (EntryId::from(id), work.approver().cloned(), self.lanes_of(&head));
                let repaired = QueueEvent::Repaired { entry, head, started_from, approved_by, lanes };
                self.tell(Told::Queue(repaired), told).await?;
                Answer::Nothing
            }
            TaskEffect::GiveUpRepair { why } => {
                let failed = QueueEvent::RepairFailed { entry: EntryId::from(id), why: why.clone() };
                self.tell(Told::Queue(failed), told).await?;
                Answer::Nothing
            }
            TaskEffect::AwaitDeadline(deadline) => say(TaskEvent::DeadlinePassed { deadline: *deadline }),
            TaskEffect::StartSession { .. }
            | TaskEffect::StopSession
            | TaskEffect::StopTrial
            | TaskEffect::CleanUp
            | TaskEffect::EditCard
            | TaskEffect::Announce(_)
            | TaskEffect::CloseQuestion { .. }
            | TaskEffect::CloseOffer { .. } => Answer::Nothing,
        })
    }

    fn tried(&mut self, trial: u32) -> TaskEvent {
        let is_fit = !self.chance.one_in(3);
        let words = if is_fit { "passes on main" } else { "unit exited with 1" }.to_owned();
        TaskEvent::TrialEnded { trial, result: TrialResult { is_fit, words, next: String::new() } }
    }

    async fn perform_for_queue(&mut self, effect: &QueueEffect, effect_id: &str, flight: &Flight) -> Lawful<Answer> {
        let say = |event| Answer::Say(Told::Queue(event));
        Ok(match effect {
            QueueEffect::Stage { run, changes } => {
                let is_made = |phase: &Phase| matches!(phase, Phase::Staging { is_outdated: false, .. });
                if self.is_awaited(*run, is_made).await { say(self.stage(*run, changes)) } else { Answer::Nothing }
            }
            QueueEffect::AwaitChecks { run, .. } if flight.is_revoked => {
                let is_tested = |phase: &Phase| matches!(phase, Phase::Testing { .. });
                if self.is_awaited(*run, is_tested).await { Answer::NotNow } else { Answer::Nothing }
            }
            QueueEffect::AwaitChecks { run, commit } if self.repo.is_lost(commit) => {
                say(QueueEvent::CandidateLost { run: *run })
            }
            QueueEffect::AwaitChecks { run, commit } => {
                say(QueueEvent::ChecksConcluded { run: *run, verdict: self.check(commit) })
            }
            QueueEffect::Land { run, from, to, shown } => self.land(*run, (from, to), shown)?,
            QueueEffect::Audit { run } => say(self.audit(run)),
            QueueEffect::Probe(of) => say(self.probe(of)),
            QueueEffect::Restore { finding, by } => {
                let cannot = Remedy::None { why: "it conflicts".to_owned() };
                let remedy = if self.chance.one_in(2) { Remedy::Needless } else { cannot };
                say(QueueEvent::Remedied { commit: finding.commit.clone(), by: by.clone(), remedy })
            }
            QueueEffect::Report { entry, news } => {
                let Ok(id) = entry.as_str().parse::<TaskId>() else { return Ok(Answer::Nothing) };
                let cause = Cause::Delivery(DeliveryId::new(effect_id));
                let reply = self.tell(Told::Task(id, event_of(id, news)), cause).await?;
                if let (Reply::Done, News::Ended(_)) = (reply, news) {
                    *self.history.n_told.entry(entry.clone()).or_default() += 1;
                }
                Answer::Nothing
            }
            QueueEffect::Deadline { entry, until } => {
                say(QueueEvent::DeadlinePassed { entry: entry.clone(), until: *until })
            }
            QueueEffect::Watch { until } => say(QueueEvent::WatchEnded { until: *until }),
            QueueEffect::Opening { until } => say(QueueEvent::Opened { until: *until }),
            QueueEffect::CancelChecks { .. } => Answer::Nothing,
        })
    }

    async fn is_awaited(&mut self, run: RunId, in_phase: fn(&Phase) -> bool) -> bool {
        let queue = self.door.queue().await;
        queue.is_some_and(|queue| queue.runs.iter().any(|known| known.id == run && in_phase(&known.phase)))
    }

    /// Now and then it finds something.
    fn audit(&mut self, run: &LandedRun) -> QueueEvent {
        let part = &run.parts[0];
        let finding = Finding {
            flaw: Flaw::Untested { landed: run.to.clone(), tested: run.tested.clone() },
            entry: self.chance.one_in(2).then(|| part.entry.clone()),
            commit: part.commit.clone(),
            right: run.tested.clone(),
        };
        let findings = if self.chance.one_in(20) { vec![finding] } else { Vec::new() };
        QueueEvent::Audited {
            to: run.to.clone(),
            landed: run.parts.iter().map(|part| part.entry.clone()).collect(),
            findings,
        }
    }

    fn check(&mut self, commit: &Sha) -> Verdict {
        let is_flaky = self.chance.one_in(self.weather.flakes);
        let red = || Verdict::Failed {
            failing: vec![FailedCheck {
                name: "unit".to_owned(),
                how: "exited with 1".to_owned(),
                output_tail: String::new(),
                failed_tests: forge::FailedTests::default(),
            }],
        };
        match self.repo.truth_of(commit) {
            Truth::NoGate => Verdict::NoGate { why: None },
            Truth::Untested => {
                self.repo.green.insert(commit.clone());
                Verdict::Untested
            }
            _ if is_flaky && self.chance.one_in(2) => {
                self.coverage.note_fault("a flaky check");
                Verdict::Unconcluded { why: "unit never started".to_owned() }
            }
            Truth::Green if !is_flaky => {
                // An agent's own run may have put it on record.
                let is_known = !self.repo.green.insert(commit.clone()) || self.chance.one_in(4);
                if is_known { Verdict::AlreadyPassed } else { Verdict::Passed }
            }
            Truth::Green | Truth::Red => {
                self.repo.red.insert(commit.clone());
                red()
            }
        }
    }

    /// Whether somebody pushes to a branch just before it lands.
    fn is_pushed_to(&mut self, from: &Sha, to: &Sha) -> bool {
        let may_land = self.repo.target == *from && !self.repo.is_lost(to) && !self.weather.is_forcing;
        may_land && self.chance.one_in(self.weather.troubles)
    }

    fn land(&mut self, run: RunId, (from, to): (&Sha, &Sha), shown: &[Shown]) -> Lawful<Answer> {
        if let Some(pushed) = shown.first().filter(|_| self.is_pushed_to(from, to)) {
            let (entry, head) = (pushed.entry.clone(), self.repo.target.clone());
            self.history.moved.push((entry.clone(), head.clone()));
            let refusal = Refusal::HeadMoved { entry, head };
            return Ok(Answer::Say(Told::Queue(QueueEvent::LandingRefused { run, refusal })));
        }
        let landing = match (self.weather.is_forcing, self.repo.is_lost(to)) {
            (true, _) => self.repo.force(to),
            (false, true) if self.repo.target == *from => {
                return Ok(Answer::Say(Told::Queue(QueueEvent::CandidateLost { run })));
            }
            (false, true) => Landing::Moved(self.repo.target.clone()),
            (false, false) => self.repo.land(from, to),
        };
        self.history.judge_target(&self.repo)?;
        if landing == Landing::Landed && self.chance.one_in(self.weather.troubles / 2) {
            self.coverage.note_fault("a landing whose answer is lost");
            return Ok(Answer::NotNow);
        }
        let refused = |refusal| QueueEvent::LandingRefused { run, refusal };
        Ok(Answer::Say(Told::Queue(match landing {
            Landing::Landed => QueueEvent::Landed { run },
            Landing::Moved(head) => refused(Refusal::Moved { head }),
            Landing::Refused => refused(Refusal::Final { why: "the branch is protected".to_owned() }),
        })))
    }
}
