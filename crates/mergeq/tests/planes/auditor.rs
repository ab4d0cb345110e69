//! An auditor who was not there: it knows what people were told, which trees the checks passed, and which landings were
//! answered, and asks plain git for the rest. It shares no code with those whom it audits.

use std::collections::{BTreeMap, BTreeSet};

use domain::{EntryId, Sha};
use mergeq::queue::{Outcome, QueueEffect, QueueEvent};

use crate::field::Field;
use crate::person::Person;

/// A commit of the target's first parents.
#[derive(Clone, Debug)]
struct Landed {
    commit: String,
    tree: String,
    /// Whose it is; none of somebody who pushed past the queue.
    task: Option<String>,
}

/// Walks the remote's target from its first commit, and complains of whatever is not as it has to be.
pub(crate) async fn audit(field: &Field, outcomes: &BTreeMap<EntryId, Outcome>) {
    let history = history(&field.person).await;
    let n_of = |task: &str| history.iter().filter(|one| one.task.as_deref() == Some(task)).count();
    for (entry, outcome) in outcomes {
        let is_merged = matches!(outcome, Outcome::Merged { .. });
        assert_eq!(n_of(entry.as_str()), usize::from(is_merged), "{entry} {outcome}, as the target has it");
        if let Outcome::Merged { commit, .. } = outcome {
            let known = history.iter().find(|one| one.commit == commit.as_str());
            let task = known.and_then(|known| known.task.clone());
            assert_eq!(task.as_deref(), Some(entry.as_str()), "{entry} was told that it is {commit}");
        }
    }
    for task in history.iter().filter_map(|one| one.task.clone()) {
        assert!(outcomes.contains_key(&EntryId::new(&*task)), "{task} landed, and nobody was told");
    }
    audit_landings(field, &history).await;
}

/// Each landing ends at a green commit whose tree was tested, begins where the one before left the target, and all between
/// is nobody else's.
async fn audit_landings(field: &Field, history: &[Landed]) {
    let place = |commit: &Sha| history.iter().position(|one| one.commit == commit.as_str());
    let answered = field.answered.lock().unwrap().clone();
    let landings: BTreeSet<(usize, usize)> = answered
        .iter()
        .filter_map(|(effect, event)| match (effect, event) {
            (QueueEffect::Land { from, to, .. }, QueueEvent::Landed { .. }) => {
                Some((place(from).expect("it stood on the target"), place(to).expect("it is on the target")))
            }
            _ => None,
        })
        .collect();
    let passed = field.runner.passed.lock().unwrap().clone();
    let mut at = 0;
    for (from, to) in landings {
        assert!(at <= from && from < to, "two landings overlap at {}", history[from].commit);
        assert!(history[at + 1..=from].iter().all(|one| one.task.is_none()), "something landed by itself");
        assert!(history[from + 1..=to].iter().all(|one| one.task.is_some()), "a push is part of a landing");
        let end = &history[to];
        let failing = failing(&field.person, &end.commit).await;
        assert!(failing.is_empty(), "the target is broken at {end:?}: {failing:?}");
        assert!(passed.iter().any(|tree| tree.as_str() == end.tree), "{end:?} was never tested");
        at = to;
    }
    assert!(history[at + 1..].iter().all(|one| one.task.is_none()), "something landed by itself");
}

async fn history(person: &Person) -> Vec<Landed> {
    let format = "--format=%H %T %(trailers:key=Task-Id,valueonly,separator=%x2C)";
    let log = person.git("log", &["--first-parent", "--reverse", format, "refs/heads/main"]).await;
    let landed = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Landed { commit: words.next().unwrap(), tree: words.next().unwrap(), task: words.next() }
    };
    log.lines().map(landed).collect()
}

/// What is wrong with a commit, as its tree says.
async fn failing(person: &Person, commit: &str) -> Vec<String> {
    let bad = person.git("ls-tree", &["-r", "--name-only", commit, "bad"]).await;
    let tokens = person.git("grep", &["-hE", "^(provide|require) ", commit, "--", "src"]).await;
    let words = |word: &str| -> BTreeSet<String> {
        tokens.lines().filter_map(|line| line.strip_prefix(word)).map(str::to_owned).collect()
    };
    let (provided, required) = (words("provide "), words("require "));
    let missing = required.difference(&provided).cloned();
    bad.lines().map(str::to_owned).chain(missing).collect()
}
