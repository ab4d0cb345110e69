//! Both planes decide the same, whatever the policy and whatever comes.

use mergeq::queue::Policy;
use mergeq::strategy::Kind;
use mergeq::strategy::strategist::{BehindRed, TrainSettings};

use crate::field::Field;
use crate::paper::Paper;
use crate::play::Play;
use crate::workload::Mixture;

const SEEDS: std::ops::Range<u64> = 1..5;

fn train(behind_red: BehindRed, vouching: Option<usize>) -> Policy {
    let settings = TrainSettings { window: 5, is_adaptive: false, behind_red, vouching };
    Policy::of(Kind::Train(settings), 5)
}

/// Plays each seed on both planes. Of every other seed, a red run is run once more before it is believed.
async fn compare(policy: Policy) {
    for seed in SEEDS {
        let workload = Mixture::ALL.workload(seed);
        let mut policy = policy.clone();
        policy.limits.reruns_max = u32::from(seed.is_multiple_of(2));
        let on_paper = Play::new(&workload, Paper::new(&workload, policy.clone())).finish().await;
        let in_field = Play::new(&workload, Field::new(&workload, policy).await).finish().await;
        similar(seed, &on_paper.log, &in_field.log);
    }
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
    compare(Policy::of(Kind::Adaptive, 5)).await;
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
