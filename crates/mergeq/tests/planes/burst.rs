//! Forty branches of agents at once, on real git: some rewrite a line that another rewrites, some are red alone. What
//! becomes of each, what the reasons tell, and that a repair lands from the place that was kept for it.

use std::collections::{BTreeMap, BTreeSet};

use domain::EntryId;
use mergeq::queue::{News, Outcome, Policy, QueueEvent, Why};
use mergeq::sim::chance::Chance;
use mergeq::strategy::Kind;

use crate::auditor::audit;
use crate::content::spot;
use crate::field::Field;
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
fn judge_reason(burst: &Burst, entry: &EntryId, why: &Why, outcomes: &BTreeMap<EntryId, Outcome>) {
    match why {
        Why::Conflict { with, paths } => {
            let has_landed = |rival: &EntryId| outcomes.get(rival).is_some_and(is_merged);
            let landed: Vec<_> = burst.rivals_of(entry).into_iter().filter(has_landed).collect();
            assert!(!landed.is_empty(), "{entry} {why}, and none of its rivals landed");
            assert!(landed.iter().any(|rival| with.contains(rival)), "{entry} {why}, and {landed:?} landed");
            assert!(with.iter().all(has_landed), "{entry} {why}");
            assert_eq!(paths.len(), 1, "{entry} {why}");
        }
        Why::Checks { failing, .. } => {
            assert!(burst.red.contains(entry.as_str()), "{entry} is good alone, and {why}");
            assert_eq!(failing.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), ["unit"]);
        }
        other => panic!("{entry} {other}"),
    }
}

#[tokio::test]
async fn forty_branches_at_once_end_with_what_each_deserves() {
    let burst = Burst::of(1);
    let played = burst.play().await.finish().await;
    audit(&played.plane, &played.outcomes).await;
    for (entry, outcome) in &played.outcomes {
        match outcome {
            Outcome::Merged { .. } => assert!(!burst.red.contains(entry.as_str()), "{entry} is red and landed"),
            Outcome::Ejected { why } => judge_reason(&burst, entry, why, &played.outcomes),
            Outcome::Withdrawn { .. } => panic!("{entry} {outcome}"),
        }
    }
    let n_merged = played.outcomes.values().filter(|outcome| is_merged(outcome)).count();
    let n_late = RIVALS.iter().sum::<usize>() - RIVALS.len();
    assert_eq!(n_merged, 40 - RED - n_late, "{}", played.log);
}

/// What the agents of the burst do about what is sent back to them.
#[derive(Default)]
struct Repairer {
    /// Whose place is kept, since which tick, and its rank.
    at_work: BTreeMap<EntryId, (u64, u64)>,
    repaired: BTreeSet<EntryId>,
    given_up: BTreeSet<EntryId>,
}

/// How long an agent works on a repair, in ticks.
const REPAIR_TICKS: u64 = 12;

impl Repairer {
    /// Begins with whoever was sent back, and ends what has taken its time.
    async fn look(&mut self, play: &mut Play<'_, Field>, burst: &Burst) {
        for (entry, news) in std::mem::take(&mut play.news) {
            let News::Reserved { why, .. } = news else { continue };
            judge_reason(burst, &entry, &why, &play.outcomes);
            let rank = rank_of(play, &entry).await.expect("its place is kept");
            self.at_work.insert(entry, (play.tick, rank));
        }
        let is_over = |since: u64| play.tick >= since + REPAIR_TICKS;
        let over: Vec<_> = self.at_work.iter().filter(|(_, (since, _))| is_over(*since)).collect();
        for (entry, rank) in over.into_iter().map(|(entry, (_, rank))| (entry.clone(), *rank)).collect::<Vec<_>>() {
            self.at_work.remove(&entry);
            self.end(play, burst, &entry).await;
            if let Some(now) = rank_of(play, &entry).await {
                assert_eq!(now, rank, "{entry} lost its place");
            }
        }
    }

    /// Every second red branch is beyond its agent; all else it does anew on the target as it is now.
    async fn end(&mut self, play: &mut Play<'_, Field>, burst: &Burst, entry: &EntryId) {
        let is_red = burst.red.contains(entry.as_str());
        if is_red && burst.red.iter().position(|red| red == entry.as_str()).is_some_and(|n| n % 2 == 1) {
            let why = "the agent found nothing to change".to_owned();
            play.plane.tell(QueueEvent::RepairFailed { entry: entry.clone(), why }).await;
            play.note(&format!("{entry} is given up"));
            self.given_up.insert(entry.clone());
        } else {
            let mut edits = burst.workload.changes.iter().find(|one| one.id == entry.as_str()).unwrap().edits.clone();
            edits.retain(|edit| !edit.spot.path.starts_with("bad/"));
            let base = play.plane.person.at("main").await;
            let head = play.plane.person.push(entry.as_str(), &base, &edits).await;
            let (started_from, approved_by) = (Some(base), None);
            play.plane
                .tell(QueueEvent::Repaired {
                    entry: entry.clone(),
                    head,
                    started_from,
                    approved_by,
                    lanes: Default::default(),
                })
                .await;
            play.note(&format!("{entry} is repaired"));
            self.repaired.insert(entry.clone());
        }
        play.settle().await;
    }
}

async fn rank_of(play: &Play<'_, Field>, entry: &EntryId) -> Option<u64> {
    play.plane.queue().await.entry(entry).map(|entry| entry.rank)
}

#[tokio::test]
async fn whoever_is_sent_back_is_repaired_and_lands_from_its_old_place() {
    let mut burst = Burst::of(1);
    burst.workload.changes.iter_mut().for_each(|change| change.is_repairable = true);
    let mut play = burst.play().await;
    let mut repairer = Repairer::default();
    while play.advance().await || play.rest(&mut repairer.at_work.values().map(|(since, _)| since + REPAIR_TICKS)) {
        repairer.look(&mut play, &burst).await;
    }
    let played = play.finish().await;
    audit(&played.plane, &played.outcomes).await;
    let n_late = RIVALS.iter().sum::<usize>() - RIVALS.len();
    assert_eq!(repairer.given_up.len(), RED / 2, "{}", played.log);
    assert!(repairer.repaired.len() >= n_late + RED / 2, "only {:?} were repaired:\n{}", repairer.repaired, played.log);
    for (entry, outcome) in &played.outcomes {
        let is_given_up = repairer.given_up.contains(entry);
        let is_right = match outcome {
            Outcome::Merged { .. } => !is_given_up,
            Outcome::Ejected { why: Why::Unrepaired { why } } => is_given_up && why.contains("nothing to change"),
            Outcome::Ejected { .. } | Outcome::Withdrawn { .. } => false,
        };
        assert!(is_right, "{entry} {outcome}:\n{}", played.log);
    }
}
