//! A second look at all that a play landed, by other means than those that landed it: the target is put together again
//! landing by landing, and its verdict computed from the changes alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::workload::Changes;
use crate::strategy::TestId;

/// What nobody may do, and how often it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gates {
    /// Changes with which the target is broken: bad ones, and those that do not go with what had landed.
    pub broken: usize,
    /// Landings whose content is not that of the green test they name.
    pub untested: usize,
    /// Changes without an outcome.
    pub lost: usize,
    /// Changes with more than one.
    pub twice: usize,
}

impl Gates {
    /// Whether nothing of the kind was done.
    pub fn are_kept(&self) -> bool {
        *self == Self::default()
    }

    /// Those of several plays.
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(Self::default(), |sum, gates| Self {
            broken: sum.broken + gates.broken,
            untested: sum.untested + gates.untested,
            lost: sum.lost + gates.lost,
            twice: sum.twice + gates.twice,
        })
    }
}

/// What was seen of a play.
#[derive(Debug, Default)]
pub(super) struct Auditor {
    green: BTreeMap<TestId, Content>,
    landings: Vec<(TestId, BTreeSet<usize>)>,
    /// How often somebody had pushed past the queue when each of the landings happened.
    pushes: Vec<u64>,
    ejected: Vec<usize>,
}

/// What a test was of.
#[derive(Debug)]
pub(super) struct Content {
    /// How many landings it stood on.
    pub(super) landings: usize,
    /// How many pushes past the queue.
    pub(super) pushes: u64,
    /// What it tested on top.
    pub(super) items: BTreeSet<usize>,
}

impl Auditor {
    pub(super) fn note_green(&mut self, test: TestId, content: Content) {
        self.green.insert(test, content);
    }

    pub(super) fn note_landing(&mut self, test: TestId, items: BTreeSet<usize>, pushes: u64) {
        self.landings.push((test, items));
        self.pushes.push(pushes);
    }

    pub(super) fn note_ejected(&mut self, change: usize) {
        self.ejected.push(change);
    }

    /// Puts the target together again. Who was repaired no longer writes the lines of the other.
    pub(super) fn judge(&self, changes: &Changes, is_repaired: impl Fn(usize, usize) -> bool) -> Gates {
        let mut gates = Gates::default();
        let mut target: BTreeMap<usize, usize> = BTreeMap::new();
        for (n, (test, items)) in self.landings.iter().enumerate() {
            gates.untested += usize::from(!self.is_tested(n, *test, &target));
            for change in items {
                gates.twice += usize::from(target.insert(*change, n).is_some());
                gates.broken += usize::from(is_broken_by(*change, (changes, &is_repaired), &target));
            }
        }
        let ejected: BTreeSet<usize> = self.ejected.iter().copied().collect();
        gates.twice += self.ejected.len() - ejected.len();
        gates.twice += ejected.iter().filter(|change| target.contains_key(change)).count();
        let has_outcome = |change: &usize| target.contains_key(change) || ejected.contains(change);
        gates.lost = (0..changes.at.len()).filter(|change| !has_outcome(change)).count();
        gates
    }

    /// Whether the target after a landing is, change for change, what the green test was of: all that landed while it ran
    /// was in it, and nothing else landed with it.
    fn is_tested(&self, n: usize, test: TestId, target: &BTreeMap<usize, usize>) -> bool {
        let Some(content) = self.green.get(&test) else { return false };
        let since: BTreeSet<usize> =
            self.landings[content.landings..n].iter().flat_map(|(_, items)| items).copied().collect();
        let new: BTreeSet<usize> = content.items.iter().copied().filter(|item| !target.contains_key(item)).collect();
        since.is_subset(&content.items) && new == self.landings[n].1 && content.pushes == self.pushes[n]
    }
}

fn is_broken_by(
    change: usize,
    (changes, is_repaired): (&Changes, &impl Fn(usize, usize) -> bool),
    target: &BTreeMap<usize, usize>,
) -> bool {
    let is_there = |rival: &usize| target.contains_key(rival);
    changes.is_bad[change]
        || changes.rivals[change].iter().any(is_there)
        || changes.clashes[change].iter().any(|rival| is_there(rival) && !is_repaired(change, *rival))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four changes, of which 3 is bad, 0 and 1 do not go together, and 0 and 2 write the same line.
    fn four() -> Changes {
        let rivals = vec![vec![1], vec![0], vec![], vec![]];
        let clashes = vec![vec![2], vec![], vec![0], vec![]];
        Changes { at: vec![0.; 4], is_bad: vec![false, false, false, true], rivals, clashes }
    }

    fn lands(auditor: &mut Auditor, test: u64, landings: usize, tested: &[usize], landed: &[usize]) {
        let items = tested.iter().copied().collect();
        auditor.note_green(TestId(test), Content { landings, pushes: 0, items });
        auditor.note_landing(TestId(test), landed.iter().copied().collect(), 0);
    }

    #[track_caller]
    fn assert_gates(auditor: &Auditor, (broken, untested, lost, twice): (usize, usize, usize, usize)) {
        assert_eq!(auditor.judge(&four(), |_, _| false), Gates { broken, untested, lost, twice });
    }

    #[test]
    fn what_landed_as_it_was_tested_is_in_order() {
        let mut auditor = Auditor::default();
        lands(&mut auditor, 1, 0, &[1], &[1]);
        lands(&mut auditor, 2, 0, &[1, 2], &[2]);
        [0, 3].into_iter().for_each(|change| auditor.note_ejected(change));
        assert_gates(&auditor, (0, 0, 0, 0));
    }

    #[test]
    fn a_broken_target_is_found() {
        let mut auditor = Auditor::default();
        lands(&mut auditor, 1, 0, &[0, 1, 2, 3], &[0, 1, 2, 3]);
        assert_gates(&auditor, (3, 0, 0, 0));
        assert_eq!(auditor.judge(&four(), |a, b| (a, b) == (2, 0)).broken, 2);
    }

    #[test]
    fn what_was_not_tested_in_that_form_is_found() {
        let mut auditor = Auditor::default();
        lands(&mut auditor, 1, 0, &[1], &[1]);
        // It did not stand on the first.
        lands(&mut auditor, 2, 0, &[2], &[2]);
        assert_gates(&auditor, (0, 1, 2, 0));
        auditor.note_landing(TestId(9), BTreeSet::from([0]), 0);
        assert_gates(&auditor, (1, 2, 1, 0));
        let mut pushed = Auditor::default();
        pushed.note_green(TestId(1), Content { landings: 0, pushes: 0, items: BTreeSet::from([1]) });
        pushed.note_landing(TestId(1), BTreeSet::from([1]), 1);
        assert_gates(&pushed, (0, 1, 3, 0));
    }

    #[test]
    fn two_outcomes_and_none_are_found() {
        let mut auditor = Auditor::default();
        lands(&mut auditor, 1, 0, &[1], &[1]);
        auditor.note_ejected(1);
        auditor.note_ejected(3);
        auditor.note_ejected(3);
        assert_gates(&auditor, (0, 0, 2, 2));
    }
}
