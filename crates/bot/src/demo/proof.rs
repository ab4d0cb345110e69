//! Proves what the conversation claims: from the stored outcomes, and with plain git and sh on the repository itself.

use std::fmt;

use agents::task::{Task, TaskState};
use domain::{EntryId, TaskId};
use mergeq::queue::{self, Queue, QueueEvent, Verdict as CheckVerdict};
use store::Table;

use super::sample::Sample;
use crate::serve::System;

/// What was claimed and whether it holds.
pub(super) struct Verdict {
    graph: String,
    claims: Vec<Claim>,
}

struct Claim {
    holds: bool,
    text: String,
}

impl Verdict {
    pub(super) fn holds(&self) -> bool {
        self.claims.iter().all(|claim| claim.holds)
    }
}

/// Looks at everything that the demo claims. `missing` is what the audience never saw.
pub(super) async fn prove(system: &System, sample: &Sample, missing: Vec<String>) -> anyhow::Result<Verdict> {
    let mut claims: Vec<_> = missing.into_iter().map(|text| Claim { holds: false, text }).collect();
    claims.extend(commits(sample)?);
    claims.push(merged(system, &[1, 2, 6]).await?);
    claims.push(bisected(system, sample).await?);
    claims.push(came_back(system, 3, "tests").await?);
    claims.push(repaired(system, sample).await?);
    claims.push(refused(system).await?);
    Ok(Verdict { graph: sample.graph()?, claims })
}

/// Every commit that landed passes the sample's tests, run here and now without the product.
fn commits(sample: &Sample) -> anyhow::Result<Vec<Claim>> {
    let landed = sample.landed()?;
    let mut claims = Vec::new();
    for commit in &landed {
        if let Err(output) = sample.passes(commit)? {
            let last = output.trim().lines().last().unwrap_or("no output").to_owned();
            claims.push(Claim {
                holds: false,
                text: format!("{} on main does not pass its tests: {last}", &commit[..10]),
            });
        }
    }
    let n = landed.len();
    let text =
        format!("{n} commits landed on main; each passes `sh tests/run.sh`, run again just now without Downbeat");
    claims.push(Claim { holds: n == 4 && claims.is_empty(), text });
    Ok(claims)
}

async fn state_of(system: &System, number: u64) -> anyhow::Result<Option<TaskState>> {
    Ok(system.store.load::<Task>(&TaskId::new(number)).await?.map(|task| task.state))
}

async fn merged(system: &System, numbers: &[u64]) -> anyhow::Result<Claim> {
    let mut holds = true;
    for number in numbers {
        holds &= matches!(state_of(system, *number).await?, Some(TaskState::Merged { .. }));
    }
    Ok(Claim {
        holds,
        text: "T-1, T-2 and T-6 are merged; T-2 after its plan was revised, T-6 by a real recipe".to_owned(),
    })
}

/// A run of several was red, and the culprit was found among them.
async fn bisected(system: &System, sample: &Sample) -> anyhow::Result<Claim> {
    let id = queue::queue_id(&sample.name, &sample.target);
    let mut staged = std::collections::HashMap::new();
    let mut largest_red = 0;
    for entry in system.store.journal(Queue::KIND, &id.to_string(), 0).await? {
        let event = serde_json::from_str(&entry.event)?;
        if let QueueEvent::Staged { run, parts, .. } = event {
            staged.insert(run, parts.len());
        } else if let QueueEvent::ChecksConcluded { run, verdict: CheckVerdict::Failed { .. } } = event {
            largest_red = largest_red.max(staged.get(&run).copied().unwrap_or(0));
        }
    }
    let text = format!("a batch of {largest_red} was red, and T-3 alone was bisected out of it");
    Ok(Claim { holds: largest_red > 1, text })
}

/// What conflicted landed nevertheless, from the place that was kept for it.
async fn repaired(system: &System, sample: &Sample) -> anyhow::Result<Claim> {
    let id = queue::queue_id(&sample.name, &sample.target);
    let entry = EntryId::from(TaskId::new(4));
    let mut was_repaired = false;
    for happened in system.store.journal(Queue::KIND, &id.to_string(), 0).await? {
        let event: QueueEvent = serde_json::from_str(&happened.event)?;
        was_repaired |= matches!(&event, QueueEvent::Repaired { entry: repaired, .. } if *repaired == entry);
    }
    let is_merged = matches!(state_of(system, 4).await?, Some(TaskState::Merged { .. }));
    let text =
        "T-4 conflicted with T-2, went back to its agent, and landed from the place that was kept for it".to_owned();
    Ok(Claim { holds: was_repaired && is_merged, text })
}

async fn came_back(system: &System, number: u64, because: &str) -> anyhow::Result<Claim> {
    let why = match state_of(system, number).await? {
        Some(TaskState::InReview { sent_back: Some(why), .. }) => why,
        Some(_) | None => "it did not come back at all".to_owned(),
    };
    let reason = why.split(". ").next().unwrap_or_default();
    Ok(Claim { holds: why.contains(because), text: format!("T-{number} came back from the queue: {reason}") })
}

async fn refused(system: &System) -> anyhow::Result<Claim> {
    let why = match state_of(system, 5).await? {
        Some(TaskState::Cancelled { why }) => why,
        Some(_) | None => "it was not refused".to_owned(),
    };
    Ok(Claim { holds: why.starts_with("rejected by ben"), text: format!("T-5 never ran: {why}") })
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nThe sample's main, by `git log --graph`:\n{}\n", self.graph.trim_end())?;
        writeln!(f, "{}", if self.holds() { "Proof:" } else { "The proof does not hold:" })?;
        for claim in &self.claims {
            writeln!(f, "  {} {}", if claim.holds { "✓" } else { "✗" }, claim.text)?;
        }
        Ok(())
    }
}
