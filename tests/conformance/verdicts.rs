//! The verdict ledger: a pass is found by all of its key, a red takes it away, and nothing is kept for ever.

use std::time::Duration;

use forge::CheckSpec;
use futures::future::join_all;
use mergeq::ledger::{Noted, Recall, Subject, VERDICTS_MAX};
use mergeq::queue::Verdict;
use mergeq::{ReuseTerms, Sighting, VerdictLedger};
use store::Statement;

use crate::bells::count;
use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn subject(repo: &str, tree: &str, command: &str, environment: &str) -> Subject {
    let spec = CheckSpec::named("unit", command);
    Subject::new(&repo.parse().unwrap(), tree.repeat(40).parse().unwrap(), &[spec], environment)
}

fn known() -> Subject {
    subject("web", "a", "make", "debian")
}

fn seen(task: u32) -> Sighting {
    let (commit, took) = ("c".repeat(40).parse().unwrap(), Duration::from_millis(1_500));
    Sighting { commit, seen_in: format!("the work of T-{task}"), took }
}

fn red() -> Verdict {
    Verdict::Failed { failing: Vec::new() }
}

pub async fn a_pass_is_found_by_all_of_its_key(world: &World) {
    let ledger = VerdictLedger::new(world.open().await, ReuseTerms::default());
    assert_eq!(ledger.recall(&known()).await.unwrap(), Recall::Unknown);
    for task in [1, 2] {
        assert_eq!(ledger.note(&known(), &Verdict::Passed, &seen(task)).await.unwrap(), Noted::Kept);
        world.clock.advance(Duration::from_secs(60));
    }
    let Recall::Passed(pass) = ledger.recall(&known()).await.unwrap() else { panic!("it passed") };
    let now = world.open().await.now();
    assert_eq!((pass.in_words(now).as_str(), pass.took), ("60 s ago in the work of T-2", seen(2).took));
    assert_eq!(pass.commit, "c".repeat(40));
    for other in [
        subject("api", "a", "make", "debian"),
        subject("web", "b", "make", "debian"),
        subject("web", "a", "make all", "debian"),
        subject("web", "a", "make", "fedora"),
    ] {
        assert_eq!(ledger.recall(&other).await.unwrap(), Recall::Unknown, "{other:?}");
    }
}

pub async fn what_is_no_pass_is_not_kept_and_a_red_takes_one_away_once(world: &World) {
    let store = world.open().await;
    let ledger = VerdictLedger::new(store.clone(), ReuseTerms::default());
    let why = || "unit never started".to_owned();
    for verdict in
        [Verdict::AlreadyPassed, Verdict::Untested, Verdict::Unconcluded { why: why() }, Verdict::NoGate { why: None }]
    {
        assert_eq!(ledger.note(&known(), &verdict, &seen(1)).await.unwrap(), Noted::Ignored);
    }
    assert_eq!(ledger.note(&known(), &red(), &seen(1)).await.unwrap(), Noted::Red);
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM verdict").await, 0);
    ledger.note(&known(), &Verdict::Passed, &seen(1)).await.unwrap();
    ledger.note(&subject("web", "b", "make", "debian"), &Verdict::Passed, &seen(1)).await.unwrap();
    // However old it is: it was said, and is not so.
    world.clock.advance(40 * DAY);
    let Noted::Contradicted(pass) = ledger.note(&known(), &red(), &seen(2)).await.unwrap() else {
        panic!("it contradicts")
    };
    assert_eq!(pass.seen_in, "the work of T-1");
    assert_eq!(ledger.note(&known(), &red(), &seen(2)).await.unwrap(), Noted::Red, "it is told once");
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM verdict").await, 1, "and no other is touched");
}

pub async fn of_eight_who_ask_at_once_one_doubts(world: &World) {
    let terms = ReuseTerms { reverify_every: 8, ..ReuseTerms::default() };
    let ledger = VerdictLedger::new(world.open().await, terms);
    ledger.note(&known(), &Verdict::Passed, &seen(1)).await.unwrap();
    for _ in 0..3 {
        let asked = join_all((0..8).map(|_| async { ledger.recall(&known()).await.unwrap() })).await;
        assert_eq!(asked.iter().filter(|recall| matches!(recall, Recall::Doubted(_))).count(), 1, "{asked:?}");
    }
}

pub async fn old_verdicts_and_the_oldest_of_too_many_go(world: &World) {
    const FILL: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO verdict (repo, tree, gate, environment, sha, seen_in, concluded_at_ms, took_ms)
        SELECT 'web', 'tree ' || i, 'gate', 'debian', 'sha', 'run-1 of web:main', $2 + i, 1 FROM n";
    let store = world.open().await;
    let ledger = VerdictLedger::new(store.clone(), ReuseTerms::default());
    let fill = |n: i64| Statement { sql: FILL, args: vec![n.into(), store.now().into()] };
    store.write(&[fill(i64::from(VERDICTS_MAX) + 7)]).await.unwrap();
    assert_eq!(ledger.trim().await.unwrap(), 7, "more than there may be");
    assert_eq!(count(&store, "SELECT COUNT(*) AS n FROM verdict WHERE tree = 'tree 7'").await, 0, "the oldest");
    assert_eq!(ledger.trim().await.unwrap(), 0);
    world.clock.advance(DAY * 2);
    ledger.note(&known(), &Verdict::Passed, &seen(1)).await.unwrap();
    assert_eq!(ledger.trim().await.unwrap(), u64::from(VERDICTS_MAX), "what nobody may use");
    assert!(matches!(ledger.recall(&known()).await.unwrap(), Recall::Passed(_)));
}
