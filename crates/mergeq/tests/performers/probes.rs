//! Which branches do not go together, on real git.

use domain::{EntryId, Sha};
use forge::{Merged, Mirror};
use mergeq::queue::entry::Standing;
use mergeq::queue::{Inquiry, Policy, Queue, QueueEffect, QueueEvent, RunId, Verdict};
use mergeq::strategy::Kind;
use mergeq::{ConflictGraph, Fit, ProbeLimits, Prober, Probes};
use store::{Performed, Performer, Table};

use crate::owed;
use crate::wild::{Dice, branch, text};
use crate::world::World;

fn named(branches: &[(&str, &Sha)]) -> Vec<(EntryId, Sha)> {
    branches.iter().map(|(name, sha)| (EntryId::new(*name), (*sha).clone())).collect()
}

fn pairs(graph: &ConflictGraph) -> String {
    let line = |clash: &mergeq::Clash| format!("{} {} in {}", clash.one, clash.other, clash.paths.join(", "));
    graph.pairs.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn branches_are_probed_against_the_head_and_against_each_other() {
    let world = World::new(Policy::serial()).await;
    let stale = world.push("T-1", &[("shared", "one\n")]).await;
    let head = world.push("main", &[("shared", "two\n"), ("a", "1\n2\n3\n")]).await;
    let same = world.push("T-2", &[("shared", "two\n")]).await;
    let left = world.push("T-3", &[("a", "1\n2\nleft\n")]).await;
    let right = world.push("T-4", &[("a", "1\n2\nright\n"), ("b", "b\n")]).await;
    let beside = world.push("T-5", &[("c", "c\n")]).await;
    let gone = "f".repeat(40).parse().unwrap();
    world.head().await;
    let all = [("T-1", &stale), ("T-2", &same), ("T-3", &left), ("T-4", &right), ("T-5", &beside), ("T-6", &gone)];
    let graph = Probes::default().of(&world.repository(), &head, &named(&all)).await.unwrap();
    assert_eq!(pairs(&graph), "T-3 T-4 in a");
    assert_eq!(graph.clash(&EntryId::new("T-4"), &EntryId::new("T-3")), Some(&["a".to_owned()][..]));
    assert_eq!(graph.clash(&EntryId::new("T-4"), &EntryId::new("T-5")), None);
    let with_head: Vec<_> = graph.with_head().map(|(entry, paths)| (entry.as_str(), paths.join(", "))).collect();
    assert_eq!(with_head, [("T-1", "shared".to_owned())]);
    assert_eq!(graph.branches[&EntryId::new("T-2")], Fit::AlreadyIn);
    assert!(matches!(&graph.branches[&EntryId::new("T-4")], Fit::Clean { footprint } if footprint.paths.len() == 2));
    assert!(matches!(&graph.branches[&EntryId::new("T-6")], Fit::Unusable { .. }));
}

/// Merges every pair, without a thought.
async fn by_force(mirror: &Mirror, head: &Sha, branches: &[(EntryId, Sha)]) -> String {
    let mut clean = Vec::new();
    for (entry, commit) in branches {
        if let Merged::Clean { tree } = mirror.merge(head, commit).await.unwrap() {
            clean.push((entry, commit, mirror.stand_in(&tree, head).await.unwrap()));
        }
    }
    let mut found = Vec::new();
    for (n, (one, _, landed)) in clean.iter().enumerate() {
        for (other, commit, _) in &clean[n + 1..] {
            if let Merged::Conflict { paths, .. } = mirror.merge(landed, commit).await.unwrap() {
                found.push(format!("{one} {other} in {}", paths.join(", ")));
            }
        }
    }
    found.join("; ")
}

#[tokio::test]
async fn what_is_not_merged_would_not_have_conflicted() {
    let world = World::new(Policy::serial()).await;
    let files: Vec<_> = (0..12).map(|n| (format!("src/f{n}.rs"), text(n))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let start = world.push("main", &files).await;
    world.head().await;
    let (mut dice, mut branches) = (Dice::new(7), Vec::new());
    for n in 0..40 {
        let name = format!("T-{n:02}");
        let head = branch(&world, &mut dice, &start, &name).await;
        branches.push((EntryId::new(&name), head));
    }
    let repository = world.repository();
    let graph = Probes::default().of(&repository, &start, &branches).await.unwrap();
    assert!(graph.pairs.len() > 20, "{}", graph.pairs.len());
    assert_eq!(pairs(&graph), by_force(&repository.mirror, &start, &branches).await);
}

#[tokio::test]
async fn a_pair_is_merged_once_and_what_is_too_much_is_left_for_the_next_call() {
    let world = World::new(Policy::serial()).await;
    let mut all = Vec::new();
    for n in 0..4 {
        let head = world.mirrored(&format!("T-{n}"), &[("a", &format!("{n}\n"))]).await;
        all.push((EntryId::new(format!("T-{n}")), head));
    }
    let (repository, head) = (world.repository(), world.head().await);
    let probes = Probes::new(ProbeLimits { branches_max: 3, pairs_max: 2 });
    let n_left = |graph: ConflictGraph| (graph.pairs.len(), graph.n_left);
    assert_eq!(n_left(probes.of(&repository, &head, &all).await.unwrap()), (2, 2));
    assert_eq!(n_left(probes.of(&repository, &head, &all[..3]).await.unwrap()), (3, 0));
    let asked = || world.n_objects();
    let before = asked().await;
    assert_eq!(n_left(probes.of(&repository, &head, &all[..3]).await.unwrap()), (3, 0));
    assert_eq!(asked().await, before, "nothing is written when nothing is merged");
}

/// The first and the third write the same file, and the second is green first, so that a machine is free for the third.
async fn queue_of_three() -> World {
    let world = World::new(Policy::of(Kind::Nest, 2)).await;
    for (id, path) in [("T-1", "a"), ("T-2", "b"), ("T-3", "a")] {
        world.enqueue(id, &[(path, id)]).await;
        if id != "T-3" {
            world.perform("stage").await;
        }
    }
    world
}

/// How often the third was made into commits that are tested, and what came of all.
async fn finish(world: &World, without: &str) -> (usize, String) {
    world.tell(QueueEvent::ChecksConcluded { run: RunId(2), verdict: Verdict::Passed }).await;
    world.perform("land").await;
    world.drain_but(without).await;
    let journal = world.store.journal(Queue::KIND, world.queue_id().as_str(), 0).await.unwrap();
    let is_of_third = |event: &str| event.contains("\"event\":\"staged\"") && event.contains("T-3");
    (journal.iter().filter(|entry| is_of_third(&entry.event)).count(), world.past().await)
}

#[tokio::test]
async fn who_clashes_with_one_under_test_costs_no_run_and_does_not_overtake_it() {
    let unaware = queue_of_three().await;
    let overtaken = "T-3 merged, T-2 merged, T-1 ejected: conflicts with T-3 in a".to_owned();
    assert_eq!(finish(&unaware, "probe").await, (1, overtaken));
    let world = queue_of_three().await;
    world.perform("probe").await;
    world.perform("probe").await;
    let standing = world.queue().await.entries[2].standing.clone();
    assert_eq!(standing, Standing::Aside { with: vec![EntryId::new("T-1")] });
    let in_order = "T-3 ejected: conflicts with T-1 in a, T-2 merged, T-1 merged".to_owned();
    assert_eq!(finish(&world, "").await, (0, in_order));
    assert!(world.told().contains("T-3 aside for T-1 in a\n"), "{}", world.told());
}

#[tokio::test]
async fn what_cannot_be_probed_is_answered_with_nothing_known() {
    let world = World::new(Policy::serial()).await;
    let branch = world.push("T-1", &[("a", "a\n")]).await;
    let of = Inquiry { head: "f".repeat(40).parse().unwrap(), branches: named(&[("T-1", &branch)]) };
    let prober = Prober::new(world.repositories.clone(), Probes::default());
    let given_up = prober.perform(&owed(&world, QueueEffect::Probe(of.clone()))).await;
    let nothing = QueueEvent::Probed { of: of.clone(), clashes: Vec::new() };
    assert!(matches!(&given_up, Performed::GiveUp(event) if *event == nothing), "{given_up:?}");
    assert_eq!(prober.bury(&owed(&world, QueueEffect::Probe(of)), "spent"), Some(nothing));
}
