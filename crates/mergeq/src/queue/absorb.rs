//! What happened to entries and to the queue as a whole. What happened to runs is in `runs.rs`.

use domain::{EntryId, Person, Rejected, Sha};

use super::draft::Draft;
use super::entry::{Change, Entry, Leave, Standing};
use super::outcome::Why;
use super::policy::{Limits, Policy};
use super::runs::{call_off_landing, learn_head};
use super::state::{Pause, Queue};

/// Whoever finds no room has the outcome at once: a refusal would leave the delivery unused, and a performer that was
/// overtaken could bring the change again long after its task was told no.
pub(super) fn enqueue_change(draft: &mut Draft, change: &Change) -> Result<(), Rejected> {
    if draft.queue.entry(&change.id).is_some() {
        return Err(Rejected::new(
            format!("{} is already in the queue of {}", change.id, draft.queue.id),
            "Wait for its outcome, or dequeue it before you merge another commit",
        ));
    }
    let obstacle = obstacle_to_entry(&draft.queue, change);
    let rank = draft.queue.next_rank;
    draft.queue.next_rank += 1;
    let standing = Standing::Ready;
    let entry = Entry {
        change: change.clone(),
        rank,
        enqueued_at: draft.now,
        repairs: 0,
        standing,
        admitted: false,
        track: 0,
        solitary: false,
        hold: None,
        rivals: Vec::new(),
        landings_lost: 0,
    };
    draft.queue.entries.push(entry);
    draft.queue.entries.sort_by_key(Entry::item);
    if let Some(why) = obstacle {
        draft.eject_entry(&change.id, why);
    }
    Ok(())
}

fn obstacle_to_entry(queue: &Queue, change: &Change) -> Option<Why> {
    let Limits { entries_max, message_bytes_max, .. } = queue.policy.limits;
    if queue.entries.len() >= entries_max {
        return Some(Why::Full { entries_max });
    }
    let is_known = |on: &EntryId| queue.entry(on).is_some() || queue.landed.iter().any(|landed| landed.entry == *on);
    if let Some(on) = change.depends_on.iter().find(|on| !is_known(on)) {
        return Some(Why::Dependency { on: on.clone() });
    }
    let message_bytes = change.title.len() + change.message.len();
    (message_bytes > message_bytes_max).then_some(Why::TooLong { message_bytes_max })
}

/// Late when the entry is gone: its outcome is on its way. It is no refusal, because that would leave the delivery unused,
/// and an overtaken performer could take the entry's next stay away with it.
pub(super) fn withdraw_entry(draft: &mut Draft, id: &EntryId, by: &Person) {
    if draft.queue.entry(id).is_some() {
        leave_queue(draft, id, Leave::Withdrawn { by: by.clone() });
    }
}

/// Late when the entry is gone. A reserved entry's branch is expected to move until it is repaired.
pub(super) fn note_moved_head(draft: &mut Draft, id: &EntryId, head: &Sha) {
    let is_news = |entry: &Entry| entry.change.head != *head && !entry.is_reserved();
    if draft.queue.entry(id).is_some_and(is_news) {
        leave_queue(draft, id, Leave::HeadMoved { head: head.clone() });
    }
}

/// Ends the entry now, or when its landing fails: a landing in flight cannot be called back.
fn leave_queue(draft: &mut Draft, id: &EntryId, leave: Leave) {
    if draft.queue.is_committed(id) {
        match draft.entry_mut(id) {
            Some(entry) if entry.is_ready() => entry.standing = Standing::Leaving(leave),
            Some(_) | None => {}
        }
        return;
    }
    take_from_line(draft, id);
    draft.end_entry(id, leave.into());
}

/// Nothing that it is part of goes on; whom it was with is in line again.
pub(super) fn take_from_line(draft: &mut Draft, id: &EntryId) {
    let landing = draft.queue.runs_of(id).find(|run| draft.queue.tracks.is_landing(run.test)).cloned();
    if let Some(run) = landing {
        call_off_landing(draft, &run);
    }
    draft.release_entry(id);
}

pub(super) fn pause_queue(draft: &mut Draft, by: &Person) -> Result<(), Rejected> {
    if let Some(pause) = &draft.queue.pause {
        let why = format!("The queue of {} is already {pause}", draft.queue.id);
        return Err(Rejected::new(why, "Say `resume` to let it go on"));
    }
    draft.queue.pause = Some(Pause::By(by.clone()));
    Ok(())
}

pub(super) fn resume_queue(draft: &mut Draft) -> Result<(), Rejected> {
    match draft.queue.pause.take() {
        Some(_) => Ok(()),
        None => Err(Rejected::new(
            format!("The queue of {} is not paused", draft.queue.id),
            "Say `queue` to see what it is doing",
        )),
    }
}

/// Tests under way go on unless another strategy takes over, which it does as soon as nothing is landing.
pub(super) fn change_policy(draft: &mut Draft, policy: &Policy) {
    draft.queue.policy = policy.clone();
    let Limits { landed_max, clashes_max, .. } = policy.limits;
    draft.queue.probing.clashes.truncate(clashes_max);
    let surplus = draft.queue.landed.len().saturating_sub(landed_max);
    draft.queue.landed.drain(..surplus);
}

/// Stale when the queue has learned something since the look, or a landing in flight is about to tell.
pub(super) fn note_target(draft: &mut Draft, seen: Option<&Sha>, head: &Sha) {
    let is_stale = draft.queue.head.as_ref() != seen || draft.queue.committed_run().is_some();
    if !is_stale {
        learn_head(draft, head);
    }
}
