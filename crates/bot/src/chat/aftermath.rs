//! What a task's thread hears of the merge queue beside its way through it: a trial, a repair, the way back, a landing in
//! doubt. Pure, as `render` is.

use agents::task::{Repair, Task, Trial, TrialResult};
use domain::Timestamp;

use super::controls;
use super::messenger::{Choice, Part, Said, Urgency};
use super::render::first_line;

/// How a card begins while what the queue sent back is repaired.
pub fn in_repair(repair: &Repair) -> String {
    format!("repairing, because it {} · its place is kept until {} · ", repair.trouble.why, repair.until.of_day())
}

/// A change that goes back to its agent, while the queue keeps its place.
pub fn repairing(task: &Task, why: &str, until: Timestamp) -> Said {
    let (id, agent) = (task.id, &task.request.agent);
    let title = format!("{id} goes back to {agent}, because it {why}.");
    let kept = format!("Its place in the merge queue is kept until {}; nothing is to be done.", until.of_day());
    Said { parts: vec![Part::Title(title), Part::Words(kept)], ..Said::default() }
}

/// How a card ends while its change is tried, and afterwards.
pub fn in_trial(trial: &Trial) -> String {
    match &trial.result {
        None => format!(" · being tried, as {} said", trial.by),
        Some(TrialResult { words, .. }) => format!(" · tried: {}", first_line(words)),
    }
}

/// What came of a trial, for whoever wanted to know.
pub fn tried(task: &Task, result: &TrialResult) -> Said {
    let (id, title) = (task.id, if result.is_fit { "would land" } else { "would not land" });
    let parts = vec![
        Part::Title(format!("{id} {title}:")),
        Part::Now(format!("{}.", result.words)),
        Part::Words(format!("{}.", result.next)),
    ];
    Said { parts, ..Said::default() }
}

/// A change that came back from the queue.
pub fn sent_back(task: &Task, why: &str) -> Said {
    let id = task.id;
    let parts = vec![Part::Title(format!("{id} did not land:")), Part::Now(format!("{why}."))];
    let choices = vec![controls::retry(id), Choice::new("Merge again", format!("merge {id}"))];
    Said { parts, choices, urgency: Urgency::NeedsHuman, ..Said::default() }
}

/// A change that landed otherwise than it was tested, or undid what others had landed.
pub fn doubted(task: &Task, why: &str) -> Said {
    let (repo, target) = (&task.request.repo, &task.request.target);
    let title = format!("The merge queue of {repo} has stopped, because {target} is not what it has to be:");
    let words = format!("Say `restore repo={repo}` to put it right, or `resume repo={repo}` if it is meant to be so.");
    let parts = vec![Part::Title(title), Part::Now(format!("{why}.")), Part::Words(words)];
    let choices = vec![
        Choice::new("Restore", format!("restore repo={repo}")),
        Choice::new("Go on as it is", format!("resume repo={repo}")),
    ];
    Said { parts, choices, urgency: Urgency::NeedsHuman, ..Said::default() }
}
