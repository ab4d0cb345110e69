//! Forty branches of agents at once, on real git: some rewrite a line that another rewrites, some are red alone. What
//! becomes of each, what the reasons tell, and whose place a repair can keep today.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::EntryId;
use mergeq::queue::{Change, News, Outcome, Policy, QueueEvent, Why};
use mergeq::sim::chance::Chance;
use mergeq::strategy::Kind;

use crate::auditor::audit;
use crate::content::spot;
use crate::field::Field;
use crate::ground::change;
use crate::paper::time_of;
use crate::play::{Plane, Play};
use crate::workload::{Edit, Mixture, Workload};

/// 40 changes come at once and are good.
const BRANCHES: Mixture = Mixture {
    changes: 40,
    gap: 0.,
    conflicts: 0.,
    bad: 0.,
    quarrels: 0.,
    doubles: 0.,
    lost: 0.,
    fresh: 0.,
    flaky: 0.,
    pushes: 0,
};
/// How many of them rewrite one line together: 11 of 40 are in conflict with another.
const RIVALS: [usize; 5] = [3, 2, 2, 2, 2];
/// How many are red alone: 15 %.
const RED: usize = 6;

struct Burst {
    workload: Workload,
    /// Who rewrites one line together.
    groups: Vec<BTreeSet<String>>,
    red: BTreeSet<String>,
}

impl Burst {
    fn of(seed: u64) -> Self {
        let mut workload = BRANCHES.workload(seed);
        let mut order: Vec<usize> = (0..workload.changes.len()).collect();
        let mut chance = Chance::of(seed).branch(77);
        order.sort_by_cached_key(|_| chance.unit().to_bits());
        let mut next = order.iter().copied();
        let mut groups = Vec::new();
        for n in RIVALS {
            let members: Vec<usize> = next.by_ref().take(n).collect();
            let line = workload.changes[members[0]].edits[0].spot.clone();
            for member in &members {
                workload.changes[*member].edits[0].spot = line.clone();
            }
            groups.push(members.iter().map(|member| workload.changes[*member].id.clone()).collect());
        }
        let red: Vec<usize> = order.iter().rev().take(RED).copied().collect();
        for member in &red {
            let one = &mut workload.changes[*member];
            one.edits.insert(0, Edit { spot: spot(format!("bad/{}", one.id), 0), text: "bad".to_owned() });
        }
        for one in &mut workload.changes {
            one.edits.sort_by(|a, b| a.spot.cmp(&b.spot));
            one.edits.dedup_by(|a, b| a.spot == b.spot);
        }
        let red = red.into_iter().map(|member| workload.changes[member].id.clone()).collect();
        Self { workload, groups, red }
    }

    fn rivals_of(&self, entry: &EntryId) -> BTreeSet<EntryId> {
        let group = self.groups.iter().find(|group| group.contains(entry.as_str()));
        let others = group.into_iter().flatten().filter(|other| *other != entry.as_str());
        others.map(|other| EntryId::new(&**other)).collect()
    }

    async fn play(&self) -> Play<'_, Field> {
        Play::new(&self.workload, Field::new(&self.workload, Policy::of(Kind::Adaptive, 8)).await)
    }
}

fn is_merged(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Merged { .. })
}

/// Nobody is sent back without a fault of their own, and whoever is reads what to look at.
fn judge_reasons(burst: &Burst, outcomes: &BTreeMap<EntryId, Outcome>) {
    for (entry, outcome) in outcomes {
        let rivals = burst.rivals_of(entry);
        match outcome {
            Outcome::Merged { .. } => assert!(!burst.red.contains(entry.as_str()), "{entry} is red and landed"),
            Outcome::Ejected { why: Why::Conflict { with, paths } } => {
                let landed = rivals.iter().filter(|rival| is_merged(&outcomes[*rival])).collect::<Vec<_>>();
                assert_eq!(landed.len(), 1, "{entry} was in conflict, and {landed:?} of its rivals landed");
                assert!(with.contains(landed[0]), "{entry} {outcome}, but it is in conflict with {landed:?}");
                assert!(with.iter().all(|other| is_merged(&outcomes[other])), "{entry} {outcome}");
                assert_eq!(paths.len(), 1, "{entry} {outcome}");
            }
            Outcome::Ejected { why: Why::Checks { failing, .. } } => {
                assert!(burst.red.contains(entry.as_str()), "{entry} is good alone, and {outcome}");
                assert_eq!(failing.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), ["unit"]);
            }
            other => panic!("{entry} {other}"),
        }
    }
}

#[tokio::test]
async fn forty_branches_at_once_end_with_what_each_deserves() {
    let burst = Burst::of(1);
    let played = burst.play().await.finish().await;
    audit(&played.plane, &played.outcomes).await;
    judge_reasons(&burst, &played.outcomes);
    let n_merged = played.outcomes.values().filter(|outcome| is_merged(outcome)).count();
    let n_late = RIVALS.iter().sum::<usize>() - RIVALS.len();
    assert_eq!(n_merged, 40 - RED - n_late, "{}", played.log);
}

/// Repairs whoever is told to wait for somebody with whom it is in conflict.
#[derive(Default)]
struct Repairer {
    /// Who is repaired: until when everybody of these has an outcome, and its rank.
    at_work: BTreeMap<EntryId, (Vec<EntryId>, u64)>,
    repaired: BTreeSet<EntryId>,
}

impl Repairer {
    /// Keeps the places of those who step aside, and brings back those whose rivals are through.
    async fn look(&mut self, play: &mut Play<'_, Field>, workload: &Workload) {
        for (entry, news) in std::mem::take(&mut play.news) {
            let News::SteppedAside { with, .. } = news else { continue };
            let Some(rank) = rank_of(play, &entry).await else { continue };
            let until = time_of(play.tick) + Duration::from_secs(3_600);
            play.plane.tell(QueueEvent::Reserved { entry: entry.clone(), until }).await;
            play.note(&format!("the place of {entry} is kept"));
            play.settle().await;
            self.at_work.insert(entry, (with, rank));
        }
        let is_through = |entry: &EntryId| play.outcomes.contains_key(entry);
        let ready = self.at_work.iter().filter(|(_, (with, _))| with.iter().all(is_through));
        for entry in ready.map(|(entry, _)| entry.clone()).collect::<Vec<_>>() {
            let (_, rank) = self.at_work.remove(&entry).unwrap();
            let edits = &workload.changes.iter().find(|one| one.id == entry.as_str()).unwrap().edits;
            let base = play.plane.person.at("main").await;
            let head = play.plane.person.push(entry.as_str(), &base, edits).await;
            let repaired = QueueEvent::Repaired { entry: entry.clone(), head, started_from: Some(base) };
            play.plane.tell(repaired).await;
            play.note(&format!("{entry} is repaired"));
            play.settle().await;
            assert_eq!(rank_of(play, &entry).await, Some(rank), "{entry} lost its place");
            self.repaired.insert(entry);
        }
    }
}

async fn rank_of(play: &Play<'_, Field>, entry: &EntryId) -> Option<u64> {
    play.plane.queue().await.entry(entry).map(|entry| entry.rank)
}

#[tokio::test]
async fn whoever_steps_aside_can_be_repaired_and_lands_from_its_old_place() {
    let burst = Burst::of(3);
    let mut play = burst.play().await;
    let mut repairer = Repairer::default();
    while play.advance().await {
        repairer.look(&mut play, &burst.workload).await;
    }
    let played = play.finish().await;
    audit(&played.plane, &played.outcomes).await;
    assert!(repairer.repaired.len() >= 3, "only {:?} were repaired:\n{}", repairer.repaired, played.log);
    for entry in &repairer.repaired {
        assert!(
            is_merged(&played.outcomes[entry]),
            "{entry} {} after its repair:\n{}",
            played.outcomes[entry],
            played.log
        );
    }
    let n_merged = played.outcomes.values().filter(|outcome| is_merged(outcome)).count();
    let n_late = RIVALS.iter().sum::<usize>() - RIVALS.len();
    assert_eq!(n_merged, 40 - RED - n_late + repairer.repaired.len(), "{}", played.log);
}

/// What is sent back at once, for a conflict with the target or for a red run, was never told anything before: nobody
/// could keep its place. A reservation comes too late, and its repair begins a stay behind everybody.
#[tokio::test]
async fn whoever_is_sent_back_at_once_can_no_longer_keep_its_place() {
    let burst = Burst::of(1);
    let mut play = burst.play().await;
    while play.outcomes.values().all(is_merged) {
        assert!(play.advance().await, "nobody is sent back:\n{}", play.log);
    }
    let entry = play.outcomes.iter().find(|(_, outcome)| !is_merged(outcome)).unwrap().0.clone();
    let before = play.plane.queue().await;
    let head = play.plane.person.at(&format!("refs/heads/{entry}")).await;
    let until = time_of(play.tick) + Duration::from_secs(3_600);
    play.plane.tell(QueueEvent::Reserved { entry: entry.clone(), until }).await;
    let repaired = QueueEvent::Repaired { entry: entry.clone(), head: head.clone(), started_from: None };
    play.plane.tell(repaired).await;
    let after = play.plane.queue().await;
    assert_eq!(
        (&after.entries, &after.runs),
        (&before.entries, &before.runs),
        "a late wish for {entry} changed something"
    );
    let change: Change = change(entry.as_str(), head);
    play.plane.tell(QueueEvent::Enqueued { change }).await;
    let queue = play.plane.queue().await;
    assert_eq!(queue.entry(&entry).unwrap().rank, before.next_rank);
    assert!(queue.entries.iter().all(|other| other.rank <= before.next_rank));
}
