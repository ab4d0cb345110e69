//! Windows of time in which the target is closed to all but the urgent. Tests go on; what passed waits for the opening, and
//! nobody is ejected for it.
//!
//! A queue that is closed owes one timer, for its opening. Each step looks at the clock anew, so that a timer that comes
//! late, twice or too soon does no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{EntryId, Timestamp};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::effect::{News, QueueEffect};
use super::entry::Entry;
use super::order::{Gatekeeper, Priority, clear_line_below};
use super::runs::call_off_landing;
use super::state::{Phase, Queue, Run};
use crate::strategy::Kind;

/// How long before it closes it is said when: whoever wants to land something today can still hurry.
const NOTICE: Duration = Duration::from_secs(24 * 3_600);

/// What a queue knows of the window that is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Closing {
    /// When it opens, as the last step saw it; a timer is owed for that. None while it is open.
    pub(super) until: Option<Timestamp>,
    /// Who was told that they wait for an opening, and for which.
    told: BTreeMap<EntryId, Timestamp>,
    /// By track, the last to come for whom those before them were taken back into line.
    regrouped_for: BTreeMap<usize, u64>,
}

impl Closing {
    /// When the queue opens, as the last step saw it; none while it is open.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }
}

impl Queue {
    /// Until when it is closed or, if it closes within a day, from when: `closed until Mon 08:00 Europe/Berlin`.
    pub(super) fn hours_in_words(&self, now: Timestamp) -> Option<String> {
        let windows = &self.policy.closed;
        if let Some(until) = windows.closed_until(now) {
            return Some(format!("closed until {}", windows.in_words(until)));
        }
        let close = windows.next_close(now).filter(|close| close.since(now) <= NOTICE)?;
        Some(format!("closes {}", windows.in_words(close)))
    }

    /// Whether a run has all that it takes to land but the hour.
    pub(super) fn is_kept_out(&self, run: &Run) -> bool {
        let is_urgent = |id: &EntryId| self.entry(id).is_some_and(|entry| entry.change.priority == Priority::First);
        self.closing.until.is_some()
            && matches!(run.phase, Phase::Passed { .. })
            && self.tracks.is_landing(run.test)
            && !run.set.iter().all(is_urgent)
    }

    /// Those who passed and wait for the opening.
    pub(super) fn kept_out(&self) -> BTreeSet<&EntryId> {
        self.runs.iter().filter(|run| self.is_kept_out(run)).flat_map(|run| &run.set).collect()
    }
}

/// The timer came. If the clock was set back meanwhile, [`keep_hours`] owes another.
pub(super) fn end_closing(draft: &mut Draft, until: Timestamp) {
    draft.queue.closing.until.take_if(|awaited| *awaited == until);
}

/// Looks at the clock, and owes the timer of an opening that was not known yet.
pub(super) fn keep_hours(draft: &mut Draft) {
    let until = draft.queue.policy.closed.closed_until(draft.now);
    if until == draft.queue.closing.until {
        return;
    }
    draft.queue.closing.until = until;
    draft.queue.closing.regrouped_for.clear();
    if let Some(until) = until {
        draft.owe(QueueEffect::Opening { until });
    }
}

/// Whoever may land while it is closed is tested without those who may not, and before them.
pub(super) fn make_way(draft: &mut Draft) {
    if Gatekeeper::of(&draft.queue).has_urgent() {
        clear_line_below(draft, Priority::First);
    }
}

/// A strategy starts nothing behind what is to land, so that whoever came late would be tested only after the opening. When
/// nothing is under test any more, what waits is taken back into line and tested again together with them, once for each who
/// came. Its own pass is on record, and costs no other run. In a batch it would not grow by that.
pub(super) fn regroup(draft: &mut Draft) {
    let may_grow = !matches!(draft.queue.policy.strategy, Kind::Serial | Kind::Batch { .. });
    let is_kept_out = |run: &&Run| may_grow && draft.queue.is_kept_out(run);
    let kept_out: Vec<Run> = draft.queue.runs.iter().filter(is_kept_out).cloned().collect();
    for run in &kept_out {
        let Queue { tracks, entries, runs, closing, .. } = &mut draft.queue;
        let track = run.test.track();
        let is_untested = |entry: &&Entry| !runs.iter().any(|run| run.set.contains(&entry.change.id));
        let late = entries.iter().filter(|entry| entry.is_on(track)).filter(is_untested).map(|entry| entry.rank).max();
        let Some(last) = late.filter(|last| closing.regrouped_for.get(&track).is_none_or(|known| known < last)) else {
            continue;
        };
        if !tracks.is_under_test(track) {
            closing.regrouped_for.insert(track, last);
            call_off_landing(draft, run);
        }
    }
}

/// Tells whoever waits for the opening, each once, and takes it back when they wait for it no more.
pub(super) fn tell_kept_out(draft: &mut Draft) {
    let kept_out: BTreeSet<EntryId> = draft.queue.kept_out().into_iter().cloned().collect();
    let over: Vec<_> = draft.queue.closing.told.extract_if(.., |id, _| !kept_out.contains(id)).collect();
    over.iter().for_each(|(id, _)| draft.tell_anew(id));
    let Some(until) = draft.queue.closing.until else { return };
    let words = draft.queue.policy.closed.in_words(until);
    for id in kept_out {
        if draft.queue.closing.told.insert(id.clone(), until) != Some(until) {
            draft.report(&id, News::KeptOut { until: words.clone() });
        }
    }
}
