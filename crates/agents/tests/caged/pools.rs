//! Clones that stand ready.

use std::fs;

use agents::workspace::{WorkspaceSettings, Workspaces};
use domain::TaskId;

use crate::Case;
use crate::project::{Project, git, told};
use crate::world::block_on;

pub const CASES: &[Case] = &[
    ("a_ready_clone_becomes_a_tree_like_any_other", a_ready_clone_becomes_a_tree_like_any_other),
    ("a_ready_clone_follows_its_target", a_ready_clone_follows_its_target),
    ("a_broken_clone_is_thrown_away", a_broken_clone_is_thrown_away),
    ("a_tree_never_comes_back_into_the_pool", a_tree_never_comes_back_into_the_pool),
];

/// A project whose pool was told by a first task that the repository is in use, and has filled up.
fn project_with_pool(pool: usize) -> Project {
    let settings = WorkspaceSettings { pool, ..WorkspaceSettings::default() };
    let project = Project::with(&[("a", "1\n"), ("b", "1\n")], settings);
    project.workspace();
    assert_eq!(project.workspaces.pool().ready(), 0, "nobody had asked before");
    block_on(project.workspaces.pool().fill());
    project
}

fn a_ready_clone_becomes_a_tree_like_any_other() {
    let project = project_with_pool(2);
    assert_eq!(project.workspaces.pool().ready(), 2);
    let workspace = project.workspace();
    assert_eq!(project.workspaces.pool().ready(), 1);
    let tree = workspace.tree();
    assert_eq!(git(&tree, &["branch", "--format=%(refname:short)"]), "downbeat/T-1\nmain\n");
    assert_eq!(git(&tree, &["rev-parse", "HEAD"]).trim(), project.base.as_str());
    assert_eq!(git(&tree, &["status", "--porcelain"]), "");
    let script = "echo 2 > a && git -c user.name=x -c user.email=x@y commit -qam mine && echo 3 > b";
    project.work(&*project.shell(script, None), &workspace, "x").unwrap();
    assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "a +1 -1, b +1 -1");
    block_on(project.workspaces.pool().fill());
    assert_eq!(project.workspaces.pool().ready(), 2);
}

fn a_ready_clone_follows_its_target() {
    let mut project = project_with_pool(1);
    let remote = project.path("remote");
    let land = |text: &str| {
        fs::write(remote.join("a"), text).unwrap();
        git(&remote, &["commit", "--quiet", "--all", "--message=next"]);
        block_on(project.repository.mirror.sync()).unwrap().branch
    };
    let second = land("2\n");
    block_on(project.workspaces.pool().fill());
    let third = land("3\n");
    for (base, text) in [(third, "3\n"), (second, "2\n")] {
        project.base = base;
        assert_eq!(project.workspaces.pool().ready(), 1);
        let tree = project.workspace().tree();
        assert_eq!(project.workspaces.pool().ready(), 0, "the ready one was taken");
        assert_eq!(fs::read_to_string(tree.join("a")).unwrap(), text);
        assert_eq!(git(&tree, &["rev-parse", "HEAD"]).trim(), project.base.as_str());
        assert_eq!(git(&tree, &["status", "--porcelain"]), "");
        block_on(project.workspaces.pool().fill());
    }
}

fn a_broken_clone_is_thrown_away() {
    let project = project_with_pool(1);
    let ready = fs::read_dir(project.path("workspaces/.pool")).unwrap().next().unwrap().unwrap().path();
    fs::write(ready.join(".git/HEAD"), "nonsense").unwrap();
    let tree = project.workspace().tree();
    assert_eq!(git(&tree, &["status", "--porcelain"]), "");
    assert_eq!(fs::read_dir(project.path("workspaces/.pool")).unwrap().count(), 0);
}

/// [42]
fn a_tree_never_comes_back_into_the_pool() {
    let project = project_with_pool(1);
    let workspace = project.workspace();
    fs::write(workspace.tree().join("mark"), "").unwrap();
    block_on(project.workspaces.pool().fill());
    for _ in 0..3 {
        assert!(!project.workspace().tree().join("mark").exists());
        block_on(project.workspaces.pool().fill());
    }
    block_on(project.workspaces.remove(TaskId::new(1))).unwrap();
    let ready: Vec<_> = fs::read_dir(project.path("workspaces/.pool")).unwrap().flatten().collect();
    assert!(ready.iter().all(|one| !one.path().join("mark").exists()));
    let next_process = Workspaces::new(project.path("workspaces"), WorkspaceSettings::default());
    assert_eq!(block_on(next_process.remove_orphans(&[TaskId::new(1)].into())).unwrap(), 0);
    assert!(!project.path("workspaces/.pool").exists(), "a pool is its own process's alone");
}
