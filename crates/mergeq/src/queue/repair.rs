//! Repair in place: whoever does not merge or is red keeps its place for a while, and everybody flows past it.

use std::collections::BTreeSet;

use domain::{EntryId, Person, Sha, Timestamp};
use forge::LaneName;

use super::absorb::take_from_line;
use super::draft::Draft;
use super::effect::{News, QueueEffect};
use super::entry::Standing;
use super::outcome::Why;

/// What comes back as a repair.
pub(super) struct Repair<'a> {
    pub(super) head: &'a Sha,
    pub(super) started_from: Option<&'a Sha>,
    pub(super) approved_by: Option<&'a Person>,
    pub(super) lanes: &'a BTreeSet<LaneName>,
}

/// Tells whoever sent an entry that it cannot land as it is. Its place is kept where a repair may help, and may still be
/// tried; otherwise it leaves. The strategy does not have it any more.
pub(super) fn send_back(draft: &mut Draft, id: &EntryId, why: Why) {
    let Some(entry) = draft.queue.entry(id) else { return };
    let limits = &draft.queue.policy.limits;
    if !entry.change.is_repairable || !why.is_repairable() || limits.repairs_max == 0 {
        return draft.end_ejected(id, why);
    }
    if entry.repairs >= limits.repairs_max {
        let repairs = entry.repairs;
        return draft.end_ejected(id, Why::RepairsSpent { repairs, last: Some(Box::new(why)) });
    }
    let until = draft.now + limits.lease_max();
    keep_place(draft, id, until);
    draft.report(id, News::Reserved { why, until });
}

/// Late when the entry is gone, landing, or already reserved: the first lease stands.
pub(super) fn reserve_entry(draft: &mut Draft, id: &EntryId, until: Timestamp) {
    let Some(entry) = draft.queue.entry(id) else { return };
    if !matches!(entry.standing, Standing::Ready | Standing::Aside { .. }) || draft.queue.is_committed(id) {
        return;
    }
    let repairs = entry.repairs;
    let limits = draft.queue.policy.limits.clone();
    take_from_line(draft, id);
    if repairs >= limits.repairs_max {
        return draft.end_ejected(id, Why::RepairsSpent { repairs, last: None });
    }
    keep_place(draft, id, until.min(draft.now + limits.lease_max()));
}

/// What red runs said of it was about the commit that is being repaired.
fn keep_place(draft: &mut Draft, id: &EntryId, until: Timestamp) {
    draft.queue.forget_faults_of(id);
    if let Some(entry) = draft.entry_mut(id) {
        entry.repairs += 1;
        entry.admitted = false;
        entry.standing = Standing::Reserved { until };
    }
    draft.owe(QueueEffect::Deadline { entry: id.clone(), until });
}

/// The entry takes its old place with its new commit. Late when its lease has ended.
pub(super) fn readmit_entry(draft: &mut Draft, id: &EntryId, repair: &Repair<'_>) {
    let Some(entry) = draft.entry_mut(id).filter(|entry| entry.is_reserved()) else { return };
    entry.change.head = repair.head.clone();
    entry.change.started_from = repair.started_from.cloned();
    entry.change.approved_by = repair.approved_by.cloned();
    entry.change.lanes.clone_from(repair.lanes);
    entry.rivals.clear();
    entry.standing = Standing::Ready;
}

/// Late when its lease has ended.
pub(super) fn give_up_repair(draft: &mut Draft, id: &EntryId, why: &str) {
    if draft.queue.entry(id).is_some_and(|entry| entry.is_reserved()) {
        draft.end_ejected(id, Why::Unrepaired { why: why.to_owned() });
    }
}

pub(super) fn end_lease(draft: &mut Draft, id: &EntryId, until: Timestamp) {
    if draft.queue.entry(id).is_some_and(|entry| entry.standing == Standing::Reserved { until }) {
        draft.end_ejected(id, Why::RepairOverdue);
    }
}
