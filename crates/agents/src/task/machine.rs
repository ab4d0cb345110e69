//! `step`: routes each event to its phase, and nothing else.

use domain::{Machine, Rejected, Step, TaskId, Timestamp};

use super::{Task, TaskEffect, TaskEvent, ending, moves, planning, review, working};

impl Machine for Task {
    type Id = TaskId;
    type Event = TaskEvent;
    type Effect = TaskEffect;

    fn step(self, event: &TaskEvent, now: Timestamp) -> Result<Step<Self>, Rejected> {
        use TaskEvent as E;
        match event {
            E::Submitted { .. } => Ok(Step::quiet(self)),
            E::CardPosted { card } => Ok(planning::remember_card(self, card)),
            E::SessionStarted { session } => Ok(working::begin_session(self, *session)),
            E::PlanProposed { session, draft, terms } => Ok(planning::propose(self, *session, draft, terms, now)),
            E::PlanApproved { by, version, hash } => planning::approve(self, by, *version, hash.as_deref()),
            E::RevisionRequested { by, feedback } => planning::revise(self, by, feedback),
            E::Refused { by, why } => ending::refuse(self, by, why),
            E::WorkFinished { session, work } => Ok(working::finish(self, *session, work, now)),
            E::NothingChanged { session, answer } => Ok(working::answer(self, *session, answer)),
            E::SessionFailed { session, why } => Ok(ending::fail_session(self, *session, why)),
            E::SessionStopped { session } => Ok(moves::stopped(self, *session)),
            E::DepartureAccepted { by, head } => working::accept_departure(self, by, head),
            E::Published { head, reference } => Ok(review::published(self, head, reference, now)),
            E::PublishFailed { head, why } => Ok(ending::fail_publishing(self, head, why)),
            E::MergeRequested { by } => review::request_merge(self, by),
            E::DequeueRequested { by } => review::dequeue(self, by),
            E::EntryProgressed { note } => Ok(review::progressed(self, note.as_ref())),
            E::EntryMerged { commit, proof } => Ok(review::merged(self, commit, *proof)),
            E::EntryEjected { why } => Ok(review::ejected(self, why, now)),
            E::EntryWithdrawn => Ok(review::withdrawn(self, now)),
            E::StopRequested { by } => ending::stop(self, by),
            E::RetryRequested { .. } => ending::retry(self),
            E::DeadlinePassed { deadline } => Ok(ending::expire(self, *deadline)),
        }
    }
}
