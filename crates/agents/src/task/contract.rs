//! The contract that an approved plan is: what a change may touch, reach and cost without a second look.
//!
//! A plan that names no path says nothing about paths; the same for hosts and cost. Commands are shown to people and not
//! held against a change: an agent looks around with dozens, and what they led to is in the change, the hosts and the
//! cost.

use std::collections::{BTreeMap, BTreeSet};

use domain::policy::Globs;
use domain::{Person, Step};

use super::{Goal, PlanDraft, Task, Work};

/// How many hosts a task remembers that it reached: more are an agent that tries out names, and its plan names none of them.
const REACHED_MAX: usize = 200;
/// How many paths or hosts are named to a person before it says how many more there are.
const NAMED_MAX: usize = 5;
/// By how much the cost may exceed what the plan guessed: a guess of a cost is right within a factor of two at best.
const COST_FACTOR: u64 = 2;
/// Directories that hold tests and nothing else.
const TEST_DIRS: [&str; 8] = ["test", "tests", "__tests__", "spec", "specs", "testdata", "snapshots", "__snapshots__"];
/// What a package manager writes when a manifest changes. Their risk is the policy's affair.
const LOCK_FILES: [&str; 11] = [
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "poetry.lock",
    "uv.lock",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
];

/// Notes what the work of a task reached; to look around for a plan is no work yet.
pub(super) fn reach(mut task: Task, hosts: &[String]) -> Step<Task> {
    if let Some(Goal::Work { .. }) = task.goal() {
        let room = REACHED_MAX.saturating_sub(task.reached.len());
        task.reached.extend(hosts.iter().take(room).cloned());
    }
    Step::quiet(task)
}

/// The hosts of a change: those of all the turns that led to it.
pub(super) fn hosts_of(task: &Task, last: &[String]) -> Vec<String> {
    last.iter().chain(&task.reached).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// In what a change goes beyond the plan that it followed, in words that fit after "stopped before publishing:". What a
/// person allowed while it was made needs no second yes.
pub(super) fn departures(plan: &PlanDraft, work: &Work, allowed: &BTreeMap<String, Person>) -> Vec<String> {
    let unplanned = |path: &&str| !is_planned(&plan.paths, path) && !work.tier_because.contains(*path);
    let paths: Vec<&str> = work.changes.iter().map(|change| change.path.as_str()).filter(unplanned).collect();
    let is_kept_out = |path: &&str| plan.keep_out.iter().any(|kept| covers(path_of(kept), path));
    let intruded: Vec<&str> = work.changes.iter().map(|change| change.path.as_str()).filter(is_kept_out).collect();
    let is_new = |host: &&str| !is_named(&plan.hosts, host) && !allowed.contains_key(*host);
    let hosts: Vec<&str> = work.hosts.iter().map(String::as_str).filter(is_new).collect();
    let mut departures = Vec::new();
    if !intruded.is_empty() {
        departures.push(format!("it changes {}, which its plan keeps out of", named(&intruded)));
    }
    if !plan.paths.is_empty() && !paths.is_empty() {
        departures.push(format!("it changes {}, which its plan does not name", named(&paths)));
    }
    if !plan.hosts.is_empty() && !hosts.is_empty() {
        departures.push(format!("it reached {}, which its plan does not name", named(&hosts)));
    }
    if let (Some(guessed), Some(cost)) = (plan.cost_micros, work.cost_micros)
        && cost > guessed.saturating_mul(COST_FACTOR)
    {
        departures.push(format!("it cost {}, and its plan guessed {}", dollars(cost), dollars(guessed)));
    }
    departures
}

fn named(items: &[&str]) -> String {
    match items.len().checked_sub(NAMED_MAX) {
        None | Some(0) => items.join(", "),
        Some(more) => format!("{} and {more} more", items[..NAMED_MAX].join(", ")),
    }
}

/// An amount in millionths of a dollar, as people read it.
pub fn dollars(micros: u64) -> String {
    let cents = micros.div_ceil(10_000);
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn is_named(hosts: &[String], host: &str) -> bool {
    let is_below = |named: &str| host.strip_suffix(named).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    hosts.iter().any(|named| is_below(named.trim_start_matches("*.").trim()))
}

/// Whether the plan names the path, by itself, its folder or a pattern; or it goes with what the plan names.
fn is_planned(plan: &[String], path: &str) -> bool {
    plan.iter().map(|planned| path_of(planned)).any(|planned| covers(planned, path))
        || LOCK_FILES.contains(&name_of(path))
        || is_test_beside(plan, path)
}

/// The path at the beginning of what an agent wrote: `src/login.rs (new)`.
fn path_of(planned: &str) -> &str {
    let path = planned.split_whitespace().next().unwrap_or_default();
    path.trim_start_matches("./").trim_end_matches([',', ':']).trim_end_matches('/')
}

fn covers(planned: &str, path: &str) -> bool {
    let is_inside = path.strip_prefix(planned).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_pattern = planned.contains(['*', '?', '[', '{']);
    matches!(planned, "" | ".")
        || is_inside
        || is_pattern && Globs::new(&[planned]).is_ok_and(|globs| globs.matching(path).is_some())
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A test of what the plan names: in the same folder or below it, or in the test folder at the root.
fn is_test_beside(plan: &[String], path: &str) -> bool {
    let Some(tested) = tested_by(path) else { return false };
    let is_near = |planned: &str| {
        let folder = planned.rsplit_once('/').map_or("", |(folder, _)| folder);
        tested.is_empty() || tested == folder || tested == planned || folder.starts_with(&format!("{tested}/"))
    };
    plan.iter().map(|planned| path_of(planned)).any(is_near)
}

/// The folder whose sources a test is about; none for what is no test.
fn tested_by(path: &str) -> Option<&str> {
    let mut at = 0;
    for part in path.split('/') {
        if TEST_DIRS.contains(&part) && at + part.len() < path.len() {
            return Some(path[..at].trim_end_matches('/'));
        }
        at += part.len() + 1;
    }
    let name = name_of(path);
    let stem = name.split('.').next().unwrap_or_default();
    let is_test = stem == "tests"
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem.ends_with("_spec")
        || name.contains(".test.")
        || name.contains(".spec.");
    is_test.then(|| path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(plan: &[&str], path: &str) -> bool {
        is_planned(&plan.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>(), path)
    }

    #[test]
    fn a_plan_names_files_folders_and_patterns() {
        for planned in
            ["src/login.rs", "./src/login.rs", "src/login.rs (new)", "src", "src/", "src/*.rs", "**/login.rs", "."]
        {
            assert!(is_in(&[planned], "src/login.rs"), "{planned}");
        }
        for planned in ["src/log", "lib", "src/*.ts", "login.rs", "src/login.rs.bak"] {
            assert!(!is_in(&[planned], "src/login.rs"), "{planned}");
        }
    }

    #[test]
    fn tests_beside_the_sources_and_lock_files_go_with_them() {
        let plan = ["src/auth/login.ts", "Cargo.toml"];
        for path in [
            "src/auth/login.test.ts",
            "src/auth/__tests__/login.ts",
            "src/tests/auth.ts",
            "tests/auth.rs",
            "Cargo.lock",
            "web/package-lock.json",
        ] {
            assert!(is_in(&plan, path), "{path}");
        }
        for path in ["src/pay/pay.test.ts", "src/pay/tests/a.ts", "src/auth/logout.ts", "src/contest.ts", "attest/a.rs"]
        {
            assert!(!is_in(&plan, path), "{path}");
        }
    }

    #[test]
    fn hosts_count_with_what_is_below_them() {
        let hosts = ["example.org".to_owned(), "*.crates.io".to_owned()];
        assert!(is_named(&hosts, "example.org") && is_named(&hosts, "api.example.org"));
        assert!(is_named(&hosts, "static.crates.io"));
        assert!(!is_named(&hosts, "badexample.org"));
    }
}
