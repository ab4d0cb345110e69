//! Who does not go together, known before anybody is tested: what is asked, what is known, and who steps aside for it.
//!
//! Nobody waits for an answer. What is not known is found out by staging, as if nobody had asked.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::{EntryId, Sha};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::effect::QueueEffect;
use super::entry::Entry;
use super::runs::put_aside;
use super::state::Queue;
use crate::strategy::Board;

/// Branches on a head, as they are when somebody asks whether they go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// The target's head.
    pub head: Sha,
    /// Where the branch of each entry ends, in their order; at most `Limits::probed_max`.
    pub branches: Vec<(EntryId, Sha)>,
}

/// Two branches that fit the head each, and not together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clash {
    /// The one that came first in line.
    pub one: EntryId,
    /// The other.
    pub other: EntryId,
    /// Where.
    pub paths: Vec<String>,
}

/// What a queue asked last, and what it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probing {
    /// What is under way; one at a time, so that what comes meanwhile is asked together.
    pub asked: Option<Inquiry>,
    /// What was answered last.
    pub answered: Option<Inquiry>,
    /// The answer, the first in line first; at most `Limits::clashes_max`.
    pub clashes: Vec<Clash>,
}

impl Probing {
    /// Whether a probe of these branches on this head was answered; fewer than were asked are known too.
    fn knows(&self, head: &Sha, branches: &[(EntryId, Sha)]) -> bool {
        let known = self.answered.as_ref().filter(|answered| answered.head == *head);
        let known: HashSet<_> = known.iter().flat_map(|answered| &answered.branches).collect();
        branches.iter().all(|branch| known.contains(branch))
    }
}

/// Asks about those in line when the head or one of their branches is new. Not while something lands, which is about to
/// move the head; and not about who is under repair, whose branch is about to move.
pub(super) fn ask_for_clashes(draft: &mut Draft) {
    let Queue { probing, head, entries, policy, .. } = &draft.queue;
    if probing.asked.is_some() || draft.queue.committed_run().is_some() {
        return;
    }
    let Some(head) = head else { return };
    let in_line = entries.iter().filter(|entry| !entry.is_reserved()).take(policy.limits.probed_max);
    let branches: Vec<_> = in_line.map(|entry| (entry.change.id.clone(), entry.change.head.clone())).collect();
    if branches.len() < 2 || probing.knows(head, &branches) {
        return;
    }
    let inquiry = Inquiry { head: head.clone(), branches };
    draft.queue.probing.asked = Some(inquiry.clone());
    draft.owe(QueueEffect::Probe(inquiry));
}

/// Late when something else was asked since; of no use when the head has moved.
pub(super) fn absorb_probe(draft: &mut Draft, of: &Inquiry, clashes: &[Clash]) {
    let Queue { probing, head, policy, .. } = &mut draft.queue;
    let is_awaited = probing.asked.take_if(|asked| asked == of).is_some();
    if is_awaited && head.as_ref() == Some(&of.head) {
        let clashes = clashes.iter().take(policy.limits.clashes_max).cloned();
        (probing.answered, probing.clashes) = (Some(of.clone()), clashes.collect());
    }
}

/// Whoever is not tested yet steps aside for those before it that the strategy has and with whom it does not go together.
/// True when somebody did. Who waits itself is waited for by nobody, so there is no circle.
pub(super) fn let_clashing_step_aside(draft: &mut Draft) -> bool {
    let clashing = clashing_in_line(&draft.queue);
    for (entry, (with, paths)) in &clashing {
        put_aside(draft, entry, (with.clone(), paths.iter().cloned().collect()));
    }
    !clashing.is_empty()
}

/// With whom, and where.
type Rivals = (Vec<EntryId>, BTreeSet<String>);

fn clashing_in_line(queue: &Queue) -> Vec<(EntryId, Rivals)> {
    let clashes = clashes_by_entry(queue);
    if clashes.is_empty() {
        return Vec::new();
    }
    let under_test = under_test(queue);
    let (mut before, mut aside) = (HashSet::new(), Vec::new());
    for entry in &queue.entries {
        let id = &entry.change.id;
        let theirs = clashes.get(id).map_or(&[][..], Vec::as_slice);
        let mut rivals = Rivals::default();
        for (rival, paths) in theirs.iter().filter(|(rival, _)| before.contains(rival)) {
            rivals.0.push((*rival).clone());
            rivals.1.extend(paths.iter().cloned());
        }
        if !rivals.0.is_empty() && entry.is_ready() && entry.hold.is_none() && !under_test.contains(id) {
            aside.push((id.clone(), rivals));
        } else if entry.admitted {
            before.insert(id);
        }
    }
    aside
}

/// The known clashes of each entry, as far as they are of the head and of the commits that are in line.
fn clashes_by_entry(queue: &Queue) -> HashMap<&EntryId, Vec<(&EntryId, &[String])>> {
    let mut by_entry: HashMap<_, Vec<_>> = HashMap::new();
    let answered = queue.probing.answered.as_ref().filter(|answered| Some(&answered.head) == queue.head.as_ref());
    let Some(answered) = answered.filter(|_| !queue.probing.clashes.is_empty()) else { return by_entry };
    let probed: HashMap<_, _> = answered.branches.iter().map(|(entry, commit)| (entry, commit)).collect();
    let is_current = |entry: &&Entry| probed.get(&entry.change.id) == Some(&&entry.change.head);
    let current: HashSet<_> = queue.entries.iter().filter(is_current).map(|entry| &entry.change.id).collect();
    for Clash { one, other, paths } in &queue.probing.clashes {
        if current.contains(one) && current.contains(other) {
            by_entry.entry(one).or_default().push((other, &paths[..]));
            by_entry.entry(other).or_default().push((one, &paths[..]));
        }
    }
    by_entry
}

/// Who is in a run, or in a test whose verdict waits to be judged.
fn under_test(queue: &Queue) -> HashSet<&EntryId> {
    let judged = queue.tracks.boards().flat_map(Board::tests).flat_map(|(_, test)| &test.items);
    let judged: HashSet<_> = judged.copied().collect();
    let is_judged = |entry: &&Entry| judged.contains(&entry.item());
    let in_tests = queue.entries.iter().filter(is_judged).map(|entry| &entry.change.id);
    queue.runs.iter().flat_map(|run| &run.set).chain(in_tests).collect()
}
