//! A gate by what its checks see: those of the same lanes are one part, and each part has a verdict of its own.
//!
//! A gate whose checks all see the whole tree is one part. Which part a check is in depends on the gate alone, what the part
//! sees on the commit alone.

use std::time::Duration;

use domain::Sha;
use forge::{CheckRun, CheckSpec, Gate, GitError, Repository};

use crate::ledger::{Exam, Subject};

/// The checks of a gate that see the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// In the gate's order.
    pub(crate) checks: Vec<CheckSpec>,
    /// What a verdict of these on the commit is about.
    pub(crate) subject: Subject,
    /// What a line about it begins with: its checks, unless they are all that there are.
    pub(crate) label: String,
}

/// The parts of an exam, in the order of their first checks; none where no check is demanded.
pub(crate) async fn parts_of(repository: &Repository, commit: &Sha, exam: &Exam) -> Result<Vec<Part>, GitError> {
    let Gate::Checks(specs) = &exam.gate else { return Ok(Vec::new()) };
    let taken = taken_apart(specs);
    let mut parts = Vec::with_capacity(taken.len());
    for checks in &taken {
        let view = repository.mirror.view_of(commit, &checks[0].lanes).await?;
        let subject = Subject::new(&repository.name, view, checks, &exam.environment);
        let label = if taken.len() == 1 { String::new() } else { format!("{}: ", names_of(checks)) };
        parts.push(Part { checks: checks.clone(), subject, label });
    }
    Ok(parts)
}

impl Part {
    /// Those of its checks that ran.
    pub(crate) fn runs(&self, all: &[CheckRun]) -> Vec<CheckRun> {
        let is_ours = |run: &&CheckRun| self.checks.iter().any(|spec| spec.name == run.name);
        all.iter().filter(is_ours).cloned().collect()
    }
}

/// How long they took together.
pub(crate) fn took(runs: &[CheckRun]) -> Duration {
    Duration::from_millis(runs.iter().map(|run| run.duration_ms).sum())
}

fn taken_apart(specs: &[CheckSpec]) -> Vec<Vec<CheckSpec>> {
    let mut parts: Vec<Vec<CheckSpec>> = Vec::new();
    for spec in specs {
        match parts.iter_mut().find(|part| part[0].lanes == spec.lanes) {
            Some(part) => part.push(spec.clone()),
            None => parts.push(vec![spec.clone()]),
        }
    }
    parts
}

fn names_of(checks: &[CheckSpec]) -> String {
    checks.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_that_see_the_same_are_one_part() {
        let spec = |name: &str, lanes: &[&str]| CheckSpec {
            lanes: lanes.iter().map(|lane| (*lane).to_owned()).collect(),
            ..CheckSpec::named(name, "true")
        };
        let gate =
            [spec("a", &["web"]), spec("b", &[]), spec("c", &["web"]), spec("d", &["api", "web"]), spec("e", &[])];
        let parts: Vec<String> = taken_apart(&gate).iter().map(|part| names_of(part)).collect();
        assert_eq!(parts, ["a, c", "b, e", "d"]);
    }
}
