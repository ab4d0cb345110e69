//! Landings on real git, honest ones and others, and what the audit says of them.

use domain::{EntryId, Sha, Timestamp};
use expect_test::expect;
use forge::{Candidate, Signature, Style};
use mergeq::queue::state::LandedEntry;
use mergeq::queue::{Part, Policy, QueueEffect, QueueEvent, RunId, Wanted};
use mergeq::{Auditor, Examiner, Finding, Flaw, LandedPart, LandedRun, LandingRule, Stager, StagingSettings, restore};
use store::{Performed, Performer};

use crate::ground::change;
use crate::owed;
use crate::wild::{Dice, branch, text};
use crate::world::World;

/// A world with a dozen files, and its target.
async fn world() -> (World, Sha) {
    let world = World::new(Policy::serial()).await;
    let files: Vec<_> = (0..12).map(|n| (format!("src/f{n}.rs"), text(n))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    world.push("main", &files).await;
    let head = world.head().await;
    (world, head)
}

/// Stages branches as the queue does, and lands those that go.
async fn land(world: &World, style: Style, branches: &[(EntryId, Sha)]) -> Option<(LandedRun, Vec<Part>)> {
    let settings = StagingSettings::default();
    settings.rules.replace([(world.repository().name, LandingRule { style, ..LandingRule::default() })]);
    let stager = Stager::new(world.store.clone(), world.repositories.clone(), settings);
    let mut left = branches.to_vec();
    while !left.is_empty() {
        let since = Timestamp::from_ms(1_700_000_000_000);
        let changes = left.iter().map(|(entry, head)| Wanted { change: change(entry.as_str(), head.clone()), since });
        let changes: Vec<Wanted> = changes.collect();
        match stager.stage(&world.queue_id(), RunId(1), &changes).await {
            Ok(QueueEvent::Staged { base, tree, parts, .. }) => {
                let to = parts.last().unwrap().commit.clone();
                assert_eq!(world.repository().forge.land(&base, &to, &[]).await, Ok(forge::Landing::Landed));
                let part = |(part, (_, head)): (&Part, &(EntryId, Sha))| LandedPart {
                    entry: part.entry.clone(),
                    commit: part.commit.clone(),
                    head: head.clone(),
                };
                let landed = parts.iter().zip(&left).map(part).collect();
                return Some((LandedRun { from: base, to, tested: tree, parts: landed }, parts));
            }
            Ok(QueueEvent::StagingBlocked { entry, .. }) => left.retain(|(one, _)| *one != entry),
            other => panic!("{other:?}"),
        }
    }
    None
}

/// [33, 34]
#[tokio::test]
async fn two_hundred_honest_landings_give_no_finding() {
    let (world, start) = world().await;
    let (mut dice, auditor) = (Dice::new(3), Auditor::default());
    let (mut heads, mut earlier, mut n) = (vec![start], Vec::new(), 0);
    while earlier.len() < 200 {
        let mut branches = Vec::new();
        for _ in 0..=dice.below(3) {
            let from = heads[heads.len() - 1 - dice.below(heads.len().min(8))].clone();
            n += 1;
            branches.push((EntryId::new(format!("T-{n}")), branch(&world, &mut dice, &from, &format!("T-{n}")).await));
        }
        let style = [Style::Squash, Style::Merge, Style::Rebase, Style::FastForward][dice.below(4)];
        let Some((run, parts)) = land(&world, style, &branches).await else { continue };
        let found = auditor.audit(&world.repository(), &run, &earlier).await.unwrap();
        assert_eq!(found, [], "{style:?}: {}", said(&found));
        let landed = |Part { entry, commit, paths }| LandedEntry { entry, commit, paths };
        earlier.extend(parts.into_iter().map(landed));
        heads.push(run.to);
    }
}

fn said(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A commit of `tree` on `parent`, as somebody makes it who does not merge.
async fn commit(world: &World, tree: &str, parent: &Sha) -> Sha {
    let tree = world.mirror_git("rev-parse", &[&format!("{tree}^{{tree}}")], "").await;
    world.mirror_git("commit-tree", &[&tree, "-p", parent.as_str(), "-m", "work"], "").await.parse().unwrap()
}

/// A run of one entry that went to the target as `commit`.
async fn run_of(world: &World, from: &Sha, commit: &Sha, head: &Sha) -> LandedRun {
    let tested = world.repository().mirror.tree_of(commit).await.unwrap();
    let part = LandedPart { entry: EntryId::new("T-9"), commit: commit.clone(), head: head.clone() };
    LandedRun { from: from.clone(), to: commit.clone(), tested, parts: vec![part] }
}

/// One entry landed honestly, and a branch that began before it.
async fn after_one_landing(files: &[(&str, &str)], stale: &[(&str, &str)]) -> (World, Sha, Sha, LandedEntry) {
    let (world, _) = world().await;
    let head = world.mirrored("stale", stale).await;
    let first = world.mirrored("T-1", files).await;
    let (run, parts) = land(&world, Style::Squash, &[(EntryId::new("T-1"), first)]).await.unwrap();
    let Part { entry, commit, paths } = parts[0].clone();
    (world, run.to, head, LandedEntry { entry, commit, paths })
}

async fn audit(world: &World, run: &LandedRun, earlier: &[LandedEntry]) -> Vec<Finding> {
    Auditor::default().audit(&world.repository(), run, earlier).await.unwrap()
}

fn by() -> Signature {
    Signature { name: "ana".into(), email: "ana@example.org".into(), at: Timestamp::from_ms(1_700_000_001_000) }
}

/// [34]
#[tokio::test]
async fn a_squash_of_a_stale_branch_is_found_and_taken_back_without_its_own_work() {
    let changed = text(0).replace("work(3)", "work(33)");
    let (world, target, head, first) = after_one_landing(&[("src/f0.rs", &changed)], &[("src/f1.rs", "new\n")]).await;
    let bad = commit(&world, head.as_str(), &target).await;
    let run = run_of(&world, &target, &bad, &head).await;
    let found = audit(&world, &run, &[first]).await;
    let short = bad.short();
    assert_eq!(said(&found), format!("T-9 landed as {short} and undoes what T-1 changed in src/f0.rs"));
    assert_eq!(
        audit(&world, &run, &[]).await[0].to_string(),
        format!("T-9 landed as {short} and changes what its branch does not, in src/f0.rs")
    );
    let later = commit_with(&world, &bad, ("later", "later\n")).await;
    let mirror = world.repository().mirror;
    for on in [&bad, &later] {
        let restored = restore(&world.repository(), on, &found[0], &by()).await.unwrap();
        let Candidate::Made { commit, tree } = restored else { panic!("{restored:?}") };
        assert_eq!(world.mirror_git("rev-parse", &[&format!("{commit}^")], "").await, on.to_string());
        assert_eq!(mirror.file_at(&commit, "src/f0.rs").await.unwrap(), Some(changed.clone().into_bytes()));
        assert_eq!(mirror.file_at(&commit, "src/f1.rs").await.unwrap(), Some(b"new\n".to_vec()));
        assert_eq!(mirror.file_at(&commit, "later").await.unwrap().is_some(), on == &later);
        assert_eq!(tree == found[0].right, on == &bad);
        let again = restore(&world.repository(), &commit, &found[0], &by()).await.unwrap();
        assert_eq!(again, Candidate::AlreadyIn);
        let said = world.mirror_git("log", &["-1", "--format=%B", commit.as_str()], "").await;
        assert!(said.starts_with("restore main\n\nT-9 landed as"), "{said}");
    }
}

/// One more file on a commit.
async fn commit_with(world: &World, parent: &Sha, (path, content): (&str, &str)) -> Sha {
    let stream = format!(
        "commit refs/downbeat/tasks/later\ncommitter a <a@example.org> 1700000000 +0000\ndata 1\nx\nfrom {parent}\n\
         M 100644 inline {path}\ndata {}\n{content}\n",
        content.len()
    );
    world.mirror_git("fast-import", &["--quiet", "--force"], &stream).await;
    world.mirror_git("rev-parse", &["refs/downbeat/tasks/later"], "").await.parse().unwrap()
}

#[tokio::test]
async fn an_undone_rename_is_found_though_no_line_is_lost() {
    let (world, start) = world().await;
    let head = world.mirrored("stale", &[("src/f1.rs", "new\n")]).await;
    let stream = format!(
        "commit refs/downbeat/tasks/moved\ncommitter a <a@example.org> 1700000000 +0000\ndata 1\nx\nfrom {start}\nR src/f0.rs src/moved.rs\n"
    );
    world.mirror_git("fast-import", &["--quiet"], &stream).await;
    let moved = world.mirror_git("rev-parse", &["refs/downbeat/tasks/moved"], "").await.parse().unwrap();
    let (run, _) = land(&world, Style::Squash, &[(EntryId::new("T-1"), moved)]).await.unwrap();
    let bad = commit(&world, head.as_str(), &run.to).await;
    let found = audit(&world, &run_of(&world, &run.to, &bad, &head).await, &[]).await;
    assert!(
        matches!(&found[..], [Finding { flaw: Flaw::Undoes { paths, .. }, .. }] if paths[..] == ["src/f0.rs"]),
        "{}",
        said(&found)
    );
}

#[tokio::test]
async fn a_part_of_the_branch_that_is_missing_is_found() {
    let (world, target, head, _) = after_one_landing(&[("a", "a\n")], &[("b", "b\n"), ("c", "c\n")]).await;
    let bad = commit_with(&world, &target, ("b", "b\n")).await;
    let found = audit(&world, &run_of(&world, &target, &bad, &head).await, &[]).await;
    let short = bad.short();
    assert_eq!(said(&found), format!("T-9 landed as {short}, and that is not what merging its branch gives, in c"));
}

#[tokio::test]
async fn the_same_change_twice_is_found_and_not_when_it_was_taken_back_between() {
    let line = "one line that is long enough to be told apart\n";
    let changed = text(0) + line;
    let (world, target, head, _) = after_one_landing(&[("src/f0.rs", &changed)], &[("src/f0.rs", &changed)]).await;
    let twice = commit_with(&world, &target, ("src/f0.rs", &(changed + line))).await;
    let found = audit(&world, &run_of(&world, &target, &twice, &head).await, &[]).await;
    let [first, short] = [target.short(), twice.short()];
    let doubled = format!("T-9 landed as {short}, and the same change is on the target already as {first}");
    assert_eq!(found.last().map(ToString::to_string), Some(doubled), "{}", said(&found));
    let restored = restore(&world.repository(), &twice, &found[1], &by()).await.unwrap();
    let tree = world.repository().mirror.tree_of(&target).await.unwrap();
    assert!(matches!(&restored, Candidate::Made { tree: restored, .. } if *restored == tree), "{restored:?}");
    let back = commit(&world, &format!("{target}^"), &target).await;
    let again = commit(&world, target.as_str(), &back).await;
    assert_eq!(said(&audit(&world, &run_of(&world, &back, &again, &head).await, &[]).await), "");
}

/// [33]
#[tokio::test]
async fn another_tree_than_the_tested_one_and_a_stranger_in_the_line_are_found() {
    let (world, target, head, _) = after_one_landing(&[("a", "a\n")], &[("b", "b\n")]).await;
    let (run, _) = land(&world, Style::Squash, &[(EntryId::new("T-9"), head.clone())]).await.unwrap();
    assert_eq!(audit(&world, &run, &[]).await, []);
    let mirror = world.repository().mirror;
    let untested = LandedRun { tested: mirror.tree_of(&target).await.unwrap(), ..run.clone() };
    let found = audit(&world, &untested, &[]).await;
    let (at, tree) = (run.to.short(), run.tested.short());
    assert_eq!(
        said(&found),
        format!("the target is at {at} with the tree {tree}, but {} was tested", untested.tested.short())
    );
    let stranger = commit_with(&world, &run.to, ("z", "z\n")).await;
    for wrong in [LandedRun { to: stranger.clone(), ..run.clone() }, LandedRun { from: stranger, ..run.clone() }] {
        let found = audit(&world, &wrong, &[]).await;
        assert!(found.iter().any(|one| matches!(one.flaw, Flaw::OutOfLine { .. })), "{}", said(&found));
    }
}

#[tokio::test]
async fn what_an_audit_finds_stops_the_queue_and_is_put_right_by_one_order() {
    let changed = text(0).replace("work(3)", "work(33)");
    let (world, _) = world().await;
    let stale = world.mirrored("stale", &[("src/f1.rs", "new\n")]).await;
    world.enqueue("T-1", &[("src/f0.rs", &changed)]).await;
    for lane in ["stage", "checks", "land"] {
        world.perform(lane).await;
    }
    let target = world.head().await;
    // Somebody lands a stale branch by hand, as a squash that takes back what T-1 did.
    let bad = commit(&world, stale.as_str(), &target).await;
    assert_eq!(world.repository().forge.land(&target, &bad, &[]).await, Ok(forge::Landing::Landed));
    let run = run_of(&world, &target, &bad, &stale).await;
    let examiner = Examiner::new(world.store.clone(), world.repositories.clone(), "example.org");
    let Performed::Done(audited) = examiner.perform(&owed(&world, QueueEffect::Audit { run })).await else {
        panic!("the audit gives an answer")
    };
    let QueueEvent::Audited { landed, findings, .. } = audited else { panic!("{audited:?}") };
    world.tell(QueueEvent::Audited { to: target, landed, findings }).await;
    world.enqueue("T-2", &[("b", "b\n")]).await;
    world.drain().await;
    let short = bad.short().to_string();
    let why = format!("T-9 landed as {short} and undoes what T-1 changed in src/f0.rs");
    assert!(world.told().contains(&format!("T-9 unsound: {why}")), "{}", world.told());
    assert_eq!(world.head().await, bad, "nothing lands on what is not right");

    world.tell(QueueEvent::RestoreOrdered { by: "ana".parse().unwrap() }).await;
    world.drain().await;
    let queue = world.queue().await;
    assert_eq!((queue.pause, queue.freeze, queue.entries.len()), (None, None, 0));
    let (mirror, head) = (world.repository().mirror, world.head().await);
    assert_eq!(mirror.file_at(&head, "src/f0.rs").await.unwrap(), Some(changed.into_bytes()));
    assert_eq!(mirror.file_at(&head, "src/f1.rs").await.unwrap(), Some(b"new\n".to_vec()));
    expect![[r#"
        ana: change T-2 (Co-authored-by: test <test@example.invalid>, Requested-by: ana, Task-Id: T-2)
        ana: restore main (Requested-by: ana, Approved-by: ana, Task-Id: restore-BAD)
        test: work ()
        ana: change T-1 (Co-authored-by: test <test@example.invalid>, Requested-by: ana, Task-Id: T-1)
        test: push to main ()
        test: start ()
    "#]]
    .assert_eq(&world.log().await.replace(&short, "BAD"));
}
