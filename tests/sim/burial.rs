//! What is said of an effect whose attempts are spent.

use agents::task::{TaskEffect, TaskEvent, TrialResult};
use mergeq::Remedy;
use mergeq::queue::{QueueEffect, QueueEvent, Verdict};

use crate::door::{Debt, Told};

/// What the machine is told when the attempts are spent, as the real performers say it.
pub fn buried(debt: &Debt, why: &str) -> Option<Told> {
    let why = why.to_owned();
    let event = match debt {
        Debt::Task(id, effect) => {
            let event = match effect {
                TaskEffect::StartSession { session, .. } => TaskEvent::SessionFailed { session: *session, why },
                TaskEffect::Publish { work } => TaskEvent::PublishFailed { head: work.head.clone(), why },
                TaskEffect::Try { trial, .. } => {
                    let result =
                        TrialResult { is_fit: false, words: format!("could not be tried: {why}"), next: String::new() };
                    TaskEvent::TrialEnded { trial: *trial, result }
                }
                TaskEffect::AwaitDeadline(deadline) => TaskEvent::DeadlinePassed { deadline: *deadline },
                _ => return None,
            };
            return Some(Told::Task(*id, event));
        }
        Debt::Queue(QueueEffect::Stage { run, .. }) => QueueEvent::StagingFailed { run: *run, why },
        Debt::Queue(QueueEffect::AwaitChecks { run, .. }) => {
            QueueEvent::ChecksConcluded { run: *run, verdict: Verdict::Unconcluded { why } }
        }
        Debt::Queue(QueueEffect::Land { run, .. }) => QueueEvent::LandingUnanswered { run: *run, why },
        Debt::Queue(QueueEffect::Deadline { entry, until }) => {
            QueueEvent::DeadlinePassed { entry: entry.clone(), until: *until }
        }
        Debt::Queue(QueueEffect::Watch { until }) => QueueEvent::WatchEnded { until: *until },
        Debt::Queue(QueueEffect::Opening { until }) => QueueEvent::Opened { until: *until },
        Debt::Queue(QueueEffect::Restore { finding, by }) => {
            QueueEvent::Remedied { commit: finding.commit.clone(), by: by.clone(), remedy: Remedy::None { why } }
        }
        Debt::Queue(QueueEffect::Probe(of)) => QueueEvent::Probed { of: of.clone(), clashes: Vec::new() },
        Debt::Queue(QueueEffect::Audit { .. } | QueueEffect::Report { .. } | QueueEffect::CancelChecks { .. }) => {
            return None;
        }
    };
    Some(Told::Queue(event))
}
