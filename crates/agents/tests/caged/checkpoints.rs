//! Checkpoints of trees in which agents were at work.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use agents::checkpoint::{self, CheckpointSettings, Checkpoints};
use domain::{Clock, TaskId, Timestamp};
use forge::{Checkpoint, Repositories};
use store::{Store, StoreSettings};

use crate::Case;
use crate::project::{Project, git, told};
use crate::world::block_on;

pub const CASES: &[Case] = &[
    ("a_checkpoint_holds_the_whole_tree_and_nothing_ignored", a_checkpoint_holds_the_whole_tree_and_nothing_ignored),
    ("a_tree_goes_back_to_a_checkpoint", a_tree_goes_back_to_a_checkpoint),
    ("a_checkpoint_outlives_its_tree", a_checkpoint_outlives_its_tree),
    ("a_hostile_git_directory_runs_nothing_at_a_checkpoint", a_hostile_git_directory_runs_nothing_at_a_checkpoint),
    ("only_the_newest_checkpoints_are_kept", only_the_newest_checkpoints_are_kept),
    ("checkpoints_of_ended_tasks_are_removed_after_days", checkpoints_of_ended_tasks_are_removed_after_days),
];

fn the_task() -> TaskId {
    TaskId::new(1)
}

/// A clock that stands still.
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0)
    }
}

const NOON: i64 = 1_700_000_000_000;

fn checkpoints(project: &Project, kept_max: usize, now: i64) -> Checkpoints {
    let settings = StoreSettings::new(format!("sqlite:{}", project.path("checkpoints.db").display()));
    let store = block_on(Store::open(&settings, Arc::new(At(now)))).unwrap();
    let settings = CheckpointSettings { kept_max, ..CheckpointSettings::default() };
    Checkpoints::new(store, project.workspaces.clone(), settings)
}

fn listed(project: &Project) -> Vec<Checkpoint> {
    block_on(checkpoint::list(&project.repository, the_task())).unwrap()
}

fn between(project: &Project, from: &domain::Sha, to: &domain::Sha) -> String {
    told(&block_on(checkpoint::diff(&project.repository, from, to)).unwrap().changes)
}

fn a_checkpoint_holds_the_whole_tree_and_nothing_ignored() {
    let project = Project::new(&[("a", "1\n"), (".gitignore", "*.log\n")]);
    let (keeper, workspace) = (checkpoints(&project, 9, NOON), project.workspace());
    let turn = |script: &str, words: &str| {
        project.work(&*project.shell(script, None), &workspace, "x").unwrap();
        block_on(keeper.take(&workspace, words)).unwrap()
    };
    let first = turn("echo 2 > a; echo x > new; echo x > build.log; rm -rf .git", "after turn 1\nwith more");
    assert_eq!((first.n, first.words.as_str(), first.at), (1, "after turn 1", Timestamp::from_ms(NOON)));
    assert_eq!(between(&project, &project.base, &first.commit), "a +1 -1, new +1 -0");
    let second = turn("rm new; echo 1 > a", "after turn 2");
    assert_eq!(between(&project, &first.commit, &second.commit), "a +1 -1, new +0 -1");
    assert_eq!(between(&project, &project.base, &second.commit), "", "a state without changes is kept too");
    assert_eq!(turn("true", "after turn 3"), second, "nothing changed");
    assert_eq!(listed(&project), [first.clone(), second.clone()]);
    assert_eq!(block_on(checkpoint::latest(&project.repository, the_task())).unwrap(), Some(second));
    assert_eq!(block_on(checkpoint::find(&project.repository, the_task(), 1)).unwrap(), Some(first));
    assert_eq!(block_on(checkpoint::find(&project.repository, the_task(), 3)).unwrap(), None);
}

fn a_tree_goes_back_to_a_checkpoint() {
    let project = Project::new(&[("a", "1\n"), (".gitignore", "*.log\n")]);
    let (keeper, workspace) = (checkpoints(&project, 9, NOON), project.workspace());
    let work = |script: &str| project.work(&*project.shell(script, None), &workspace, "x").unwrap();
    work("echo 2 > a; mkdir d; echo x > d/new; echo kept > $HOME/session");
    let first = block_on(keeper.take(&workspace, "one")).unwrap();
    work("echo 3 > a; rm -r d; ln -s / d; echo x > build.log; rm -rf .git");
    let back = block_on(keeper.restore(&workspace, &first)).unwrap();
    assert_eq!(back.base, project.base);
    let tree = back.tree();
    assert_eq!((fs::read_to_string(tree.join("a")).unwrap(), tree.join("d/new").exists()), ("2\n".into(), true));
    assert!(!tree.join("build.log").exists());
    assert_eq!(git(&tree, &["status", "--porcelain"]), " M a\n?? d/\n", "as if nobody had committed yet");
    assert_eq!(git(&tree, &["symbolic-ref", "HEAD"]).trim(), "refs/heads/downbeat/T-1");
    assert_eq!(told(&project.commit(&back).unwrap().unwrap()), "a +1 -1, d/new +1 -0");
    assert!(project.path("workspaces/T-1/home/session").exists(), "the agent's own session is kept");
}

fn a_checkpoint_outlives_its_tree() {
    let project = Project::new(&[("a", "1\n")]);
    let (keeper, workspace) = (checkpoints(&project, 9, NOON), project.workspace());
    project.work(&*project.shell("echo 2 > a", None), &workspace, "x").unwrap();
    let kept = block_on(keeper.take(&workspace, "one")).unwrap();
    block_on(project.workspaces.remove(the_task())).unwrap();
    let branch = "downbeat/T-1".parse().unwrap();
    let again = block_on(project.workspaces.create_at(the_task(), &project.repository, &kept, &branch)).unwrap();
    assert_eq!(fs::read_to_string(again.tree().join("a")).unwrap(), "2\n");
    assert_eq!(block_on(keeper.take(&again, "again")).unwrap(), kept, "it is the same state");
}

fn a_hostile_git_directory_runs_nothing_at_a_checkpoint() {
    let project = Project::new(&[("a", "1\n")]);
    let (keeper, workspace) = (checkpoints(&project, 9, NOON), project.workspace());
    let outside = project.path("outside");
    let script = "echo 2 > a; git config core.fsmonitor 'touch OUTSIDE; false'; git config core.hooksPath .; \
        git config filter.x.clean 'touch OUTSIDE'; git config filter.x.smudge 'touch OUTSIDE'; echo '* filter=x' > .gitattributes; \
        printf '#!/bin/sh\\ntouch OUTSIDE\\n' > post-checkout; cp post-checkout reference-transaction; chmod +x post-checkout reference-transaction";
    let script = script.replace("OUTSIDE", outside.to_str().unwrap());
    project.work(&*project.shell(&script, None), &workspace, "x").unwrap();
    let kept = block_on(keeper.take(&workspace, "one")).unwrap();
    block_on(keeper.restore(&workspace, &kept)).unwrap();
    assert_eq!(block_on(keeper.take(&workspace, "two")).unwrap(), kept);
    assert!(!outside.exists(), "something ran outside");
}

fn only_the_newest_checkpoints_are_kept() {
    let project = Project::new(&[("a", "1\n")]);
    let (keeper, workspace) = (checkpoints(&project, 2, NOON), project.workspace());
    for n in 2..=5 {
        fs::write(workspace.tree().join("a"), n.to_string()).unwrap();
        block_on(keeper.take(&workspace, "turn")).unwrap();
    }
    let numbers: Vec<u32> = listed(&project).iter().map(|one| one.n).collect();
    assert_eq!(numbers, [3, 4], "numbers are not given again");
}

fn checkpoints_of_ended_tasks_are_removed_after_days() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    fs::write(workspace.tree().join("a"), "2").unwrap();
    block_on(checkpoints(&project, 9, NOON).take(&workspace, "turn")).unwrap();
    let all: Repositories = [project.repository.clone()].into_iter().collect();
    let week = 7 * 24 * 3_600_000;
    let removed = |now: i64, live: &[TaskId]| {
        let live = live.iter().copied().collect();
        block_on(checkpoints(&project, 9, now).remove_old(&all, &live)).unwrap()
    };
    assert_eq!(removed(NOON + week - 1, &[]), 0, "people may still look");
    assert_eq!(removed(NOON + week, &[the_task()]), 0, "its task has not ended");
    assert_eq!(listed(&project).len(), 1);
    assert_eq!(removed(NOON + week, &[]), 1);
    assert!(!project.refs().contains("refs/downbeat/T-1"), "{}", project.refs());
    assert_eq!(Duration::from_millis(week as u64), CheckpointSettings::default().kept_for);
}
