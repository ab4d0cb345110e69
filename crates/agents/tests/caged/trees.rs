//! Working trees that an agent left in a bad state.

use std::collections::BTreeSet;
use std::fs;

use agents::cage::Confinement;
use agents::workspace::WorkspaceSettings;
use domain::TaskId;

use crate::Case;
use crate::project::{Project, told};
use crate::world::block_on;

pub const CASES: &[Case] = &[
    ("a_tree_is_made_anew_each_time", a_tree_is_made_anew_each_time),
    ("a_tree_of_no_live_task_is_removed", a_tree_of_no_live_task_is_removed),
    ("a_replaced_git_directory_harms_nothing", a_replaced_git_directory_harms_nothing),
    ("odd_files_are_left_out", odd_files_are_left_out),
    ("a_locked_directory_is_no_obstacle", a_locked_directory_is_no_obstacle),
    ("a_full_tree_is_refused", a_full_tree_is_refused),
];

/// [42]
fn a_tree_is_made_anew_each_time() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    fs::write(workspace.tree().join("a"), "half an edit").unwrap();
    fs::write(project.path("workspaces/T-1/tmp/left"), "").unwrap();
    let workspace = project.workspace();
    assert_eq!(project.commit(&workspace), Ok(None));
    assert!(!project.path("workspaces/T-1/tmp/left").exists());
    block_on(project.workspaces.remove(TaskId::new(1))).unwrap();
    block_on(project.workspaces.remove(TaskId::new(1))).unwrap();
    assert!(!project.path("workspaces/T-1").exists());
}

/// [41]
fn a_tree_of_no_live_task_is_removed() {
    let project = Project::new(&[("a", "1\n")]);
    let removed = |live: &[u64]| {
        let live: BTreeSet<TaskId> = live.iter().copied().map(TaskId::new).collect();
        block_on(project.workspaces.remove_orphans(&live)).unwrap()
    };
    assert_eq!(removed(&[]), 0, "there is not even a directory");
    project.workspace();
    for odd in ["T-2", "t-1", "T-1.rehearsal"] {
        fs::create_dir(project.path("workspaces").join(odd)).unwrap();
    }
    fs::write(project.path("workspaces/file"), "").unwrap();
    assert_eq!(removed(&[1, 7]), 4);
    assert!(project.path("workspaces/T-1/tree/a").exists());
}

fn a_replaced_git_directory_harms_nothing() {
    let ways = [
        "rm -rf .git; ln -s /etc .git",
        "rm -rf .git; echo 'gitdir: /nowhere' > .git",
        "rm -rf .git",
        "git config core.fsmonitor 'touch OUTSIDE; false'; git config core.hooksPath .; git config filter.x.clean 'touch OUTSIDE'; \
         mkdir -p .git/info; echo '* filter=x' > .git/info/attributes",
        "rm -rf .git/objects; mkdir -p .git/objects/info; echo /nowhere > .git/objects/info/alternates",
    ];
    for (way, confinement) in
        ways.into_iter().flat_map(|way| [Confinement::Standard, Confinement::Strong].map(|c| (way, c)))
    {
        let mut project = Project::new(&[("a", "1\n")]);
        project.confinement = confinement;
        let workspace = project.workspace();
        let outside = project.path("outside");
        let script = format!("echo 2 > a; {}; true", way.replace("OUTSIDE", outside.to_str().unwrap()));
        project.work(&*project.shell(&script, None), &workspace, "x").unwrap();
        assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "a +1 -1", "{way}");
        assert!(!outside.exists(), "{way}: something ran outside");
    }
}

fn odd_files_are_left_out() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    let script =
        "echo 2 > a; mkfifo fifo; ln -s /etc/passwd link; ln -s . loop; mkdir -p deep && cd deep && git init -q .";
    project.work(&*project.shell(script, None), &workspace, "x").unwrap();
    assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "a +1 -1, link +1 -0, loop +1 -0");
}

fn a_locked_directory_is_no_obstacle() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    let script = "mkdir -p locked/in $HOME/locked; echo 2 > locked/in/file; touch $HOME/locked/x; chmod 0 locked/in locked $HOME/locked";
    project.work(&*project.shell(script, None), &workspace, "x").unwrap();
    assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "locked/in/file +1 -0");
    project.work(&*project.shell(script, None), &project.workspace(), "x").unwrap();
    block_on(project.workspaces.remove(TaskId::new(1))).unwrap();
    assert!(!project.path("workspaces/T-1").exists());
}

fn a_full_tree_is_refused() {
    let settings = WorkspaceSettings { bytes_max: 2 << 20, entries_max: 200, ..WorkspaceSettings::default() };
    let project = Project::with(&[("a", "1\n")], settings);
    let full = |script: &str| {
        let workspace = project.workspace();
        project.work(&*project.shell(script, None), &workspace, "x").unwrap();
        project.commit(&workspace).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(full("truncate -s 1M sparse"), Ok(()));
    for big in ["truncate -s 1G sparse", "head -c 3000000 /dev/zero > $TMPDIR/big"] {
        assert_eq!(full(big).unwrap_err(), "the agent filled its working tree: more than 2 MiB", "{big}");
    }
    let said = full("for i in $(seq 300); do : > f$i; done").unwrap_err();
    assert_eq!(said, "the agent filled its working tree: more than 200 files");
}
