//! `step`: routes each event to its phase, and nothing else.

use domain::{Machine, Rejected, Step, TaskId, Timestamp};

use super::word::OpenQuestion;
use super::{
    Announcement, Task, TaskEffect, TaskEvent, aside, asking, contract, correcting, editing, ending, moves, muting,
    offer, planning, repair, review, steering, trial, working,
};

impl Machine for Task {
    type Id = TaskId;
    type Event = TaskEvent;
    type Effect = TaskEffect;

    fn step(self, event: &TaskEvent, now: Timestamp) -> Result<Step<Self>, Rejected> {
        let (open, offer) = (self.open_question().cloned(), self.offer());
        let mut step = trial::settle(repair::settle(route(self, event, now)?));
        let settled = aside::settle(&mut step.state, event).into_iter().map(|aside| Announcement::Beside { aside });
        for over in offer.filter(|offer| step.state.offer().as_ref() != Some(offer)).into_iter().chain(settled) {
            step.effects.insert(0, offer::closing(over, event, &step.state, now));
        }
        if let Some(closing) = open.and_then(|open| closing(open, &step.state)) {
            step.effects.insert(0, closing);
        }
        Ok(muting::hush(step, event))
    }
}

/// Whichever way a task leaves its question, the buttons under it close.
fn closing(open: OpenQuestion, after: &Task) -> Option<TaskEffect> {
    if after.open_question() == Some(&open) {
        return None;
    }
    let answer = after.said.iter().find(|word| word.answers() == Some(open.number)).cloned();
    Some(TaskEffect::CloseQuestion { open, answer })
}

fn route(task: Task, event: &TaskEvent, now: Timestamp) -> Result<Step<Task>, Rejected> {
    use TaskEvent as E;
    match event {
        E::Submitted { .. } => Ok(Step::quiet(task)),
        E::CardPosted { card } => Ok(planning::remember_card(task, card)),
        E::SessionStarted { session } => Ok(working::begin_session(task, *session)),
        E::PlanProposed { session, draft, terms } => Ok(planning::propose(task, *session, draft, terms, now)),
        E::PlanApproved { by, version, hash } => planning::approve(task, by, (*version, hash.as_deref()), now),
        E::PlanEdited { by, version, edit, terms } => editing::edit(task, (by, *version), edit, terms, now),
        E::RevisionRequested { by, feedback } => planning::revise(task, by, feedback),
        E::Refused { by, why } => ending::refuse(task, by, why),
        E::WorkFinished { session, work } => Ok(working::finish(task, *session, work, now)),
        E::NothingChanged { session, answer } => Ok(working::answer(task, *session, answer, now)),
        E::SessionFailed { session, why } => Ok(ending::fail_session(task, *session, why, now)),
        E::SessionStopped { session } => Ok(moves::session_ended(task, *session, now)),
        E::Asked { session, question } => Ok(asking::ask(task, *session, question)),
        E::InputGiven { by, question, text } => asking::answer(task, by, *question, text),
        E::SessionParked { session } => Ok(asking::park(task, *session, now)),
        E::Steered { by, text, kind, message } => steering::steer(task, (by, message.as_ref()), text, kind.clone()),
        E::Suggested { by, text } => aside::suggest(task, by, text),
        E::RequestWithdrawn { by } => aside::withdraw_request(task, by),
        E::RequestCorrected { by, text } => correcting::correct_request(task, by, text),
        E::RemarkCorrected { by, message, text } => correcting::correct_remark(task, by, message, text),
        E::RemarkWithdrawn { by, message } => Ok(correcting::withdraw_remark(task, by, message)),
        E::WordsTold { session, words } => Ok(steering::tell(task, *session, words)),
        E::HostsReached { hosts, .. } => Ok(contract::reach(task, hosts)),
        E::PauseRequested { by } => steering::pause(task, by),
        E::ResumeRequested { .. } => steering::resume(task),
        E::RolledBack { by, checkpoint, text } => steering::roll_back(task, by, *checkpoint, text),
        E::DepartureAccepted { by, head } => working::accept_departure(task, by, head),
        E::Published { head, reference } => Ok(review::published(task, head, reference, now)),
        E::PublishFailed { head, why } => Ok(ending::fail_publishing(task, head, why)),
        E::MergeRequested { by } => review::request_merge(task, by),
        E::TrialRequested { by } => trial::request(task, by),
        E::TrialEnded { trial, result } => Ok(trial::end(task, *trial, result)),
        E::DequeueRequested { by } => review::dequeue(task, by),
        E::EntryProgressed { note } => Ok(review::progressed(task, note.as_ref())),
        E::EntryMerged { commit, proof } => Ok(review::merged(task, commit, *proof)),
        E::LandingDoubted { why } => Ok(review::doubted(task, why)),
        E::RepairRequested { trouble, until } => Ok(repair::begin(task, trouble, *until)),
        E::EntryEjected { why } => Ok(review::ejected(task, why, now)),
        E::EntryWithdrawn => Ok(review::withdrawn(task, now)),
        E::StopRequested { by } => ending::stop(task, by),
        E::RetryRequested { agent, model, .. } => ending::retry(task, agent.as_deref(), model.as_deref()),
        E::Muted { by } => muting::mute(task, by),
        E::Unmuted { .. } => muting::unmute(task),
        E::DeadlinePassed { deadline } => Ok(ending::expire(task, *deadline, now)),
    }
}
