//! Both planes decide the same, whatever the policy and whatever comes.

use expect_test::expect;
use mergeq::queue::Policy;
use mergeq::strategy::Kind;
use mergeq::strategy::strategist::{BehindRed, TrainSettings};

use crate::auditor::audit;
use crate::field::Field;
use crate::paper::Paper;
use crate::play::Play;
use crate::workload::Mixture;

/// Between them they have everything that may come to a queue; a test says so. In 19 somebody pushes, unseen, between a pass
/// and its landing on another base.
const SEEDS: [u64; 3] = [15, 19, 76];

fn train(behind_red: BehindRed, vouching: Option<usize>) -> Policy {
    let settings = TrainSettings { window: 5, is_adaptive: false, behind_red, vouching };
    Policy::of(Kind::Train(settings), 5)
}

/// Plays each seed on both planes, and gives back what was decided. Of every other seed, a red run is run once more before
/// it is believed.
async fn compare(policy: Policy) -> String {
    let mut logs = String::new();
    for seed in SEEDS {
        let workload = Mixture::ALL.workload(seed);
        let mut policy = policy.clone();
        policy.limits.reruns_max = u32::from(seed.is_multiple_of(2));
        let on_paper = Play::new(&workload, Paper::new(&workload, policy.clone())).finish().await;
        let in_field = Play::new(&workload, Field::new(&workload, policy).await).finish().await;
        similar(seed, &on_paper.log, &in_field.log);
        audit(&in_field.plane, &in_field.outcomes).await;
        logs += &in_field.log;
    }
    logs
}

/// Shows where two logs part.
fn similar(seed: u64, on_paper: &str, in_field: &str) {
    let lines = on_paper.lines().zip(in_field.lines());
    let n_same = lines.take_while(|(paper, field)| paper == field).count();
    let around = |log: &str| log.lines().skip(n_same.saturating_sub(6)).take(12).collect::<Vec<_>>().join("\n");
    assert!(
        on_paper == in_field,
        "seed {seed}: the planes part after line {n_same}\n\non paper:\n{}\n\nin the field:\n{}",
        around(on_paper),
        around(in_field)
    );
}

#[tokio::test]
async fn adaptive_decides_the_same_on_both_planes() {
    let logs = compare(Policy::of(Kind::Adaptive, 5)).await;
    // A comparison of plays in which nothing happens would say nothing.
    for what in [
        "waits for",
        "ejected: conflicts with",
        "ejected: the target already has",
        "ejected: its commit cannot be used",
        "ejected: unit",
        "ejected: link",
        "is red: unit, link",
        "is stopped",
        "past the queue",
        "the target moved",
    ] {
        assert!(logs.contains(what), "no seed has `{what}`");
    }
    assert!(logs.lines().any(|line| line.contains("lands") && line.contains('+')), "nothing landed together");
}

#[tokio::test]
async fn nest_decides_the_same_on_both_planes() {
    compare(Policy::of(Kind::Nest, 5)).await;
}

#[tokio::test]
async fn train_decides_the_same_on_both_planes() {
    compare(train(BehindRed::Restart, None)).await;
}

#[tokio::test]
async fn optimistic_decides_the_same_on_both_planes() {
    compare(train(BehindRed::Wait, Some(2))).await;
}

#[tokio::test]
async fn batch_decides_the_same_on_both_planes() {
    compare(Policy::batch(4)).await;
}

#[tokio::test]
async fn serial_decides_the_same_on_both_planes() {
    compare(Policy::serial()).await;
}

/// What the log of a play is, for whoever reads a difference.
#[tokio::test]
async fn a_small_play_reads_like_this() {
    let small = Mixture {
        changes: 6,
        gap: 3.,
        conflicts: 0.3,
        quarrels: 0.5,
        bad: 0.15,
        lost: 0.,
        flaky: 0.,
        pushes: 0,
        ..Mixture::ALL
    };
    let workload = small.workload(9);
    let played = Play::new(&workload, Paper::new(&workload, Policy::of(Kind::Adaptive, 3))).finish().await;
    expect![[r#"
        0    C01 comes
        0    run-1 holds C01
        0    C02 comes
        0    C03 comes
        2    run-2 holds C01+C02
        2    run-1 tests C01
        3    run-4 holds C01+C02+C03
        3    run-2 tests C01+C02
        5    C03 waits for C01 because of src/m05
        7    C04 comes
        7    run-5 holds C01+C02+C04
        8    run-5 tests C01+C02+C04
        11   C05 comes
        11   C06 comes
        12   run-1 is green
        12   run-1 lands C01
        14   C01 merged
        14   run-6 holds C02+C03+C04+C05
        16   C03 ejected: conflicts with C01 in src/m05
        16   run-7 holds C02+C04+C05+C06
        17   run-7 tests C02+C04+C05+C06
        23   run-2 is red: link
        23   run-5 is stopped
        23   run-7 is stopped
        23   run-8 holds C02
        24   run-9 holds C04+C05
        24   run-8 tests C02
        25   run-10 holds C04+C05+C06
        25   run-9 tests C04+C05
        27   run-10 tests C04+C05+C06
        34   run-9 is green
        34   run-9 lands C04+C05
        36   C04 merged
        36   C05 merged
        39   run-8 is red: link
        39   C02 ejected: link exited with 1 (99.7 % sure)
        39   run-10 is red: link
        39   run-11 holds C06
        40   run-11 tests C06
        49   run-11 is red: link
        49   C06 ejected: link exited with 1 (99.6 % sure)
    "#]]
    .assert_eq(&played.log);
}
