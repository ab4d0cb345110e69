//! What happened to a task, in words, with the time and the cause of each event. Pure.

use agents::task::{Deadline, TaskEvent, Then};
use domain::Timestamp;
use serde::Serialize;
use store::JournalEntry;

use crate::moment::Moment;
use crate::standing::capitalised;

/// Characters shown of what was said with an event. 600: a paragraph; the rest stands elsewhere on the page.
const SAID_CHARS_MAX: usize = 600;

/// One event.
#[derive(Debug, Serialize)]
pub(crate) struct Happening {
    pub(crate) at: Moment,
    pub(crate) what: String,
    /// What was said or answered, if anything.
    pub(crate) said: Option<String>,
    /// The state that it led to, where that is another one.
    pub(crate) led_to: Option<String>,
    pub(crate) cause: String,
}

/// The timeline of a journal, oldest first. An event of a later version that this one cannot read is named so.
pub(crate) fn timeline(journal: &[JournalEntry], now: Timestamp) -> Vec<Happening> {
    let before = std::iter::once(None).chain(journal.iter().map(|entry| Some(entry.state.as_str())));
    journal.iter().zip(before).map(|(entry, before)| happening(entry, before, now)).collect()
}

fn happening(entry: &JournalEntry, before: Option<&str>, now: Timestamp) -> Happening {
    let event = serde_json::from_str::<TaskEvent>(&entry.event).ok();
    Happening {
        at: Moment::new(entry.at, now),
        what: event.as_ref().map_or_else(|| "An event that this version cannot read".to_owned(), what_happened),
        said: event.as_ref().and_then(words_of).filter(|words| !words.is_empty()).map(shortened),
        led_to: (before != Some(entry.state.as_str())).then(|| capitalised(&entry.state.replace('-', " "))),
        cause: cause_in_words(&entry.cause),
    }
}

fn shortened(words: &str) -> String {
    match words.char_indices().nth(SAID_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", words[..cut].trim_end()),
        None => words.to_owned(),
    }
}

/// `delivery:console:7` as `delivery console:7`.
fn cause_in_words(cause: &str) -> String {
    cause.replacen(':', " ", 1)
}

fn what_happened(event: &TaskEvent) -> String {
    use TaskEvent as E;
    match event {
        E::Submitted { request } => format!("{} asked", request.requester),
        E::CardPosted { .. } => "Card posted".to_owned(),
        E::SessionStarted { session } => format!("Session {session} started"),
        E::PlanProposed { terms, .. } => format!("Plan proposed, at risk {}", terms.tier),
        E::PlanApproved { by, version, .. } => format!("{by} approved plan v{version}"),
        E::PlanEdited { by, version, .. } => format!("{by} edited plan v{version}"),
        E::RevisionRequested { by, .. } => format!("{by} asked for a revision"),
        E::Refused { by, .. } => format!("{by} rejected it"),
        E::WorkFinished { session, .. } => format!("Session {session} finished its work"),
        E::NothingChanged { session, .. } => format!("Session {session} found nothing to change"),
        E::SessionFailed { session, .. } => format!("Session {session} failed"),
        E::SessionStopped { session } => format!("Session {session} was stopped"),
        E::Asked { session, .. } => format!("Session {session} asked a question"),
        E::InputGiven { by, .. } => format!("{by} answered"),
        E::SessionParked { session } => format!("Session {session} ended, and its question stays open"),
        E::Steered { by, .. } => format!("{by} said something to the agent"),
        E::Suggested { by, .. } => format!("{by} suggested something to the agent"),
        E::RequestWithdrawn { by } => format!("{by} took the request back"),
        E::RequestCorrected { by, .. } => format!("{by} corrected the request"),
        E::RemarkCorrected { by, .. } => format!("{by} corrected what they said"),
        E::RemarkWithdrawn { by, .. } => format!("{by} took back what they said"),
        E::WordsTold { session, .. } => format!("Session {session} heard what people said"),
        E::HostsReached { session, hosts } => format!("Session {session} reached {}", hosts.join(", ")),
        E::PauseRequested { by } => format!("{by} paused it"),
        E::ResumeRequested { by } => format!("{by} let it go on"),
        E::RolledBack { by, checkpoint, .. } => format!("{by} went back to checkpoint {checkpoint}"),
        E::DepartureAccepted { by, head } => format!("{by} accepted the change {}", head.short()),
        E::Published { reference, .. } => format!("Published as {reference}"),
        E::PublishFailed { .. } => "Could not be published".to_owned(),
        E::MergeRequested { by } => format!("{by} sent it to the merge queue"),
        E::TrialRequested { by } => format!("{by} has it tried"),
        E::TrialEnded { result, .. } if result.is_fit => "Would land".to_owned(),
        E::TrialEnded { .. } => "Would not land".to_owned(),
        E::DequeueRequested { by } => format!("{by} took it out of the merge queue"),
        E::EntryProgressed { .. } => "Moved in the merge queue".to_owned(),
        E::EntryMerged { commit, .. } => format!("Landed as {}", commit.short()),
        E::LandingDoubted { .. } => "Its landing was not what it had to be".to_owned(),
        E::RepairRequested { .. } => "Back to its agent; the merge queue keeps its place".to_owned(),
        E::EntryEjected { .. } => "Sent back by the merge queue".to_owned(),
        E::EntryWithdrawn => "Left the merge queue".to_owned(),
        E::StopRequested { by } => format!("{by} stopped it"),
        E::RetryRequested { by, agent: None, model: None } => format!("{by} asked to try again"),
        E::RetryRequested { by, agent, model } => {
            let with: Vec<_> = [agent, model].into_iter().flatten().map(String::as_str).collect();
            format!("{by} asked to try again with {}", with.join(", "))
        }
        E::Muted { by } => format!("{by} muted it"),
        E::Unmuted { by } => format!("{by} unmuted it"),
        E::DeadlinePassed { deadline: Deadline { then: Then::Remind { .. }, .. } } => {
            "Somebody was reminded".to_owned()
        }
        E::DeadlinePassed { .. } => "A deadline passed".to_owned(),
    }
}

fn words_of(event: &TaskEvent) -> Option<&str> {
    use TaskEvent as E;
    match event {
        E::PlanProposed { draft, .. } => Some(&draft.summary),
        E::RevisionRequested { feedback, .. } => Some(feedback),
        E::NothingChanged { answer, .. } => Some(answer),
        E::Asked { question, .. } => Some(&question.text),
        E::InputGiven { text, .. }
        | E::Steered { text, .. }
        | E::RolledBack { text, .. }
        | E::Suggested { text, .. }
        | E::RequestCorrected { text, .. }
        | E::RemarkCorrected { text, .. } => Some(text),
        E::Refused { why, .. }
        | E::SessionFailed { why, .. }
        | E::PublishFailed { why, .. }
        | E::LandingDoubted { why }
        | E::EntryEjected { why } => Some(why),
        E::TrialEnded { result, .. } => Some(&result.words),
        E::RepairRequested { trouble, .. } => Some(&trouble.why),
        E::EntryProgressed { note } => note.as_deref(),
        E::Submitted { .. }
        | E::CardPosted { .. }
        | E::SessionStarted { .. }
        | E::PlanApproved { .. }
        | E::PlanEdited { .. }
        | E::WorkFinished { .. }
        | E::SessionStopped { .. }
        | E::SessionParked { .. }
        | E::WordsTold { .. }
        | E::RequestWithdrawn { .. }
        | E::RemarkWithdrawn { .. }
        | E::HostsReached { .. }
        | E::PauseRequested { .. }
        | E::ResumeRequested { .. }
        | E::DepartureAccepted { .. }
        | E::Published { .. }
        | E::MergeRequested { .. }
        | E::TrialRequested { .. }
        | E::DequeueRequested { .. }
        | E::EntryMerged { .. }
        | E::EntryWithdrawn
        | E::StopRequested { .. }
        | E::RetryRequested { .. }
        | E::Muted { .. }
        | E::Unmuted { .. }
        | E::DeadlinePassed { .. } => None,
    }
}
