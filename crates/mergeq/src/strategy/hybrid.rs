//! Groups are tested independently and in parallel on what has landed and what is proven; one test at a time confirms
//! the union of the proven groups; slots that nobody needs gamble on the union of all that is under way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::board::{Board, Concluded, Item, TestId};
use super::line::only;
use super::strategist::{Strategy, first_alike_of, first_of, overtakes};

/// The most gambling tests at once.
const GAMBLES_MAX: usize = 8;

type Group = BTreeSet<Item>;

/// Independent groups, one union.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Hybrid {
    group_max: usize,
    reds_needed: u32,
    line: BTreeSet<Item>,
    /// Parts of red groups.
    parts: VecDeque<Part>,
    /// Groups that passed and have not landed.
    proven: Vec<Group>,
    probes: BTreeMap<TestId, Probe>,
}

/// A part of a red group, to be tested before all in line but the more urgent.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    group: Group,
    ground: Ground,
}

/// What a group is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Ground {
    /// What has landed and what is proven.
    Proven,
    /// What has landed, so that red is the group's own; it was so often red there.
    Landed { n_red: u32 },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Probe {
    /// One group.
    Group(Part),
    /// The union of the groups that were proven.
    Union(Vec<Group>),
    /// The union of all that is under way.
    Gamble,
}

impl Hybrid {
    /// At most `group_max` items a group, at least one; one item alone is ejected when it was red `reds_needed` times.
    pub(super) fn new(group_max: usize, reds_needed: u32) -> Self {
        Self {
            group_max: group_max.max(1),
            reds_needed,
            line: BTreeSet::new(),
            parts: VecDeque::new(),
            proven: Vec::new(),
            probes: BTreeMap::new(),
        }
    }

    pub(super) fn adjust(&mut self, group_max: usize, reds_needed: u32) {
        (self.group_max, self.reds_needed) = (group_max.max(1), reds_needed);
    }

    fn is_confirming(&self) -> bool {
        self.probes.values().any(|probe| matches!(probe, Probe::Union(_)))
    }

    fn proven_items(&self) -> Group {
        self.proven.iter().flatten().copied().collect()
    }

    fn stop(&mut self, test: TestId, board: &mut Board) -> Option<Probe> {
        board.cancel(test);
        self.probes.remove(&test)
    }

    fn next_part(&mut self, free: usize) -> Option<Part> {
        if let Some(part) = self.parts.pop_front_if(|part| !overtakes(&self.line, &part.group)) {
            return Some(part);
        }
        let size = self.line.len().div_ceil(free.max(1)).clamp(1, self.group_max);
        let group = first_alike_of(&self.line, size);
        self.line.retain(|item| !group.contains(item));
        (!group.is_empty()).then_some(Part { group, ground: Ground::Proven })
    }

    fn judge_group(&mut self, Part { group, ground }: Part, verdict: Concluded, board: &mut Board) {
        if verdict.is_green {
            let is_all = verdict.test.is_current && verdict.test.items == group;
            if is_all && !self.is_confirming() {
                board.land(verdict);
            } else {
                self.proven.push(group);
            }
        } else if let Some(item) = only(&group) {
            match ground {
                Ground::Landed { n_red } if n_red + 1 >= self.reds_needed => self.eject(item, board),
                Ground::Landed { n_red } => self.try_alone(group, n_red + 1),
                Ground::Proven => self.try_alone(group, 1),
            }
        } else {
            self.halve(group);
        }
    }

    fn eject(&mut self, item: Item, board: &mut Board) {
        self.stop_all_with(item, board);
        board.eject(item, 1.);
    }

    /// Stops every test that holds an item; what else was to be tested there is tested anew.
    fn stop_all_with(&mut self, item: Item, board: &mut Board) {
        let with: Vec<TestId> =
            board.tests().filter(|(_, test)| test.items.contains(&item)).map(|(id, _)| id).collect();
        for test in with {
            if let Some(Probe::Group(mut part)) = self.stop(test, board) {
                part.group.remove(&item);
                if !part.group.is_empty() {
                    self.parts.push_front(part);
                }
            }
        }
    }

    fn try_alone(&mut self, group: Group, n_red: u32) {
        self.parts.push_front(Part { group, ground: Ground::Landed { n_red } });
    }

    fn halve(&mut self, mut group: Group) {
        let first = first_of(&group, group.len() / 2);
        group.retain(|item| !first.contains(item));
        self.parts.push_front(Part { group, ground: Ground::Proven });
        self.parts.push_front(Part { group: first, ground: Ground::Proven });
    }

    /// The union was red: its second half goes back to be proven anew on the first. One group alone is split, so that it
    /// cannot poison union after union.
    fn split_union(&mut self, groups: Vec<Group>) {
        let mut groups: Vec<Group> = groups.into_iter().filter(|group| self.proven.contains(group)).collect();
        let keep = if groups.len() > 1 { self.proven.len().min(groups.len() / 2) } else { 0 };
        if groups.is_empty() {
            return;
        }
        let mut rest = self.proven.split_off(keep);
        if let (1, Some(poisoned)) = (groups.len(), groups.pop()) {
            rest.retain(|group| *group != poisoned);
            self.return_parts(rest);
            match only(&poisoned) {
                Some(_) => self.try_alone(poisoned, 1),
                None => self.halve(poisoned),
            }
        } else {
            self.return_parts(rest);
        }
    }

    fn return_parts(&mut self, groups: Vec<Group>) {
        groups.into_iter().rev().for_each(|group| self.parts.push_front(Part { group, ground: Ground::Proven }));
    }

    /// Tests of longer and longer prefixes of what is under way for the first time.
    fn gamble(&mut self, board: &mut Board) {
        let mut under_way: Vec<&Group> = self
            .probes
            .values()
            .filter_map(|probe| match probe {
                Probe::Group(Part { group, ground: Ground::Proven | Ground::Landed { n_red: 0 } }) => Some(group),
                Probe::Group(_) | Probe::Union(_) | Probe::Gamble => None,
            })
            .collect();
        under_way.sort();
        let mut union = self.proven_items();
        let mut gambles = Vec::new();
        for group in under_way {
            union.extend(group);
            gambles.push(union.clone());
        }
        for union in gambles {
            let n = self.probes.values().filter(|probe| matches!(probe, Probe::Gamble)).count();
            if board.free() > 0 && n < GAMBLES_MAX && board.may_gamble(&union) {
                self.probes.insert(board.start_spare(union), Probe::Gamble);
            }
        }
    }

    /// Whether there is a slot for what must be tested; the newest gambles give theirs up.
    fn has_room(&mut self, board: &mut Board) -> bool {
        let gambles = self.probes.iter().filter(|(_, probe)| matches!(probe, Probe::Gamble));
        let mut gambles: Vec<TestId> = gambles.map(|(test, _)| *test).collect();
        while board.lacks(gambles.len()) {
            gambles.pop().into_iter().for_each(|test| drop(self.stop(test, board)));
        }
        board.free() > 0
    }
}

impl Strategy for Hybrid {
    fn arrive(&mut self, item: Item) {
        self.line.insert(item);
    }

    fn forget(&mut self, item: Item, board: &mut Board) {
        self.line.remove(&item);
        self.parts.iter_mut().for_each(|part| part.group.retain(|other| *other != item));
        self.parts.retain(|part| !part.group.is_empty());
        self.proven.iter_mut().for_each(|group| group.retain(|other| *other != item));
        self.proven.retain(|group| !group.is_empty());
        self.stop_all_with(item, board);
    }

    fn judge(&mut self, verdict: Concluded, board: &mut Board) {
        match self.probes.remove(&verdict.id) {
            Some(Probe::Group(part)) => self.judge_group(part, verdict, board),
            Some(Probe::Union(_) | Probe::Gamble) if verdict.is_green && verdict.test.is_current => board.land(verdict),
            Some(Probe::Union(groups)) if !verdict.is_green => self.split_union(groups),
            Some(Probe::Union(_) | Probe::Gamble) | None => {}
        }
    }

    fn note_landed(&mut self, items: &[Item], board: &mut Board) {
        let has_landed = |item: &Item| items.contains(item);
        self.line.retain(|item| !has_landed(item));
        self.parts.iter_mut().for_each(|part| part.group.retain(|item| !has_landed(item)));
        self.parts.retain(|part| !part.group.is_empty());
        for group in &mut self.proven {
            group.retain(|item| !has_landed(item));
        }
        self.proven.retain(|group| !group.is_empty());
        for probe in self.probes.values_mut() {
            match probe {
                Probe::Group(part) => part.group.retain(|item| !has_landed(item)),
                Probe::Union(groups) => {
                    groups.iter_mut().for_each(|group| group.retain(|item| !has_landed(item)));
                    groups.retain(|group| !group.is_empty());
                }
                Probe::Gamble => {}
            }
        }
        let is_over = |(test, probe): (&TestId, &Probe)| {
            let is_empty = match probe {
                Probe::Group(part) => part.group.is_empty(),
                Probe::Union(groups) => groups.is_empty(),
                Probe::Gamble => board.test(*test).is_none_or(|test| test.items.is_empty() || !test.is_current),
            };
            is_empty.then_some(*test)
        };
        let over: Vec<TestId> = self.probes.iter().filter_map(is_over).collect();
        over.into_iter().for_each(|test| drop(self.stop(test, board)));
    }

    fn note_refused(&mut self, items: &[Item], _board: &mut Board) {
        let under_way = self.probes.values().filter_map(|probe| match probe {
            Probe::Group(part) => Some(&part.group),
            Probe::Union(_) | Probe::Gamble => None,
        });
        let known = self.proven.iter().chain(self.parts.iter().map(|part| &part.group)).chain(under_way);
        let known: Group = known.flatten().copied().collect();
        self.line.extend(items.iter().filter(|item| !known.contains(item)));
    }

    fn fill(&mut self, board: &mut Board) {
        let must_confirm = !self.is_confirming() && !self.proven.is_empty();
        if must_confirm && self.has_room(board) {
            let test = board.start(self.proven_items());
            self.probes.insert(test, Probe::Union(self.proven.clone()));
        }
        while !(self.parts.is_empty() && self.line.is_empty()) && self.has_room(board) {
            let Some(mut part) = self.next_part(board.free()) else { break };
            let base = match part.ground {
                Ground::Proven => self.proven_items(),
                Ground::Landed { .. } => Group::new(),
            };
            if part.ground == Ground::Proven && base.is_empty() {
                part.ground = Ground::Landed { n_red: 0 };
            }
            let test = board.start(base.union(&part.group).copied().collect());
            self.probes.insert(test, Probe::Group(part));
        }
        self.gamble(board);
    }
}
