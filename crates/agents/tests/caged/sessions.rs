//! The three agents, good and bad.

use std::fs;

use agents::cage::Confinement;
use agents::session::{Agent, AgentSettings, SessionError};
use agents::task::PlanMode;
use agents::workspace::pictures::{Picture, Pictures};
use domain::DeliveryId;
use expect_test::expect;

use crate::Case;
use crate::project::{Heard, Project, told};
use crate::world::block_on;

pub const CASES: &[Case] = &[
    (
        "a_command_gets_the_prompt_twice_and_its_changes_are_the_work",
        a_command_gets_the_prompt_twice_and_its_changes_are_the_work,
    ),
    ("a_command_plans_without_write_access", a_command_plans_without_write_access),
    ("a_command_without_a_plan_command_is_refused", a_command_without_a_plan_command_is_refused),
    ("a_failing_command_is_quoted", a_failing_command_is_quoted),
    ("a_command_may_commit_for_itself", a_command_may_commit_for_itself),
    ("a_prompt_file_is_never_written_through_a_link", a_prompt_file_is_never_written_through_a_link),
    ("a_recipe_rehearses_and_then_does_the_same", a_recipe_rehearses_and_then_does_the_same),
    ("a_bad_recipe_says_where", a_bad_recipe_says_where),
    ("a_failing_step_of_a_recipe_is_named", a_failing_step_of_a_recipe_is_named),
    ("a_picture_can_be_looked_at_and_not_changed", a_picture_can_be_looked_at_and_not_changed),
    ("a_script_plans_and_edits", a_script_plans_and_edits),
    ("every_misdeed_ends_in_a_clear_text", every_misdeed_ends_in_a_clear_text),
];

fn a_command_gets_the_prompt_twice_and_its_changes_are_the_work() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    let script = "cat > from-stdin; cat $DOWNBEAT_PROMPT_FILE > from-file; echo $DOWNBEAT_TASK $FLAVOUR > a; \
                  git status --short | wc -l; echo all done";
    let worked = project.work(&*project.shell(script, None), &workspace, "please\n").unwrap();
    assert_eq!(worked.answer, "3\nall done");
    assert!(worked.cage.starts_with("standard: "));
    assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "a +1 -1, from-file +1 -0, from-stdin +1 -0");
    assert_eq!(fs::read_to_string(workspace.tree().join("a")).unwrap(), "T-1 plain\n");
    assert_eq!(project.heard.lines.lock().unwrap().last().unwrap(), "all done");
}

fn a_command_plans_without_write_access() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    let plan = "echo 2 > a; echo '{\"summary\":\"Change a\",\"steps\":[\"edit\"],\"paths\":[\"a\"],\"checks\":[]}'";
    let draft = project.plan(&*project.shell("true", Some(plan)), &workspace, "x").unwrap();
    assert_eq!((draft.summary.as_str(), draft.paths.as_slice()), ("Change a", ["a".to_owned()].as_slice()));
    assert_eq!(project.commit(&workspace), Ok(None));
}

fn a_command_without_a_plan_command_is_refused() {
    let project = Project::new(&[("a", "1\n")]);
    let agent = project.shell("true", None);
    assert_eq!(agent.may_run(PlanMode::Off), Ok(()));
    expect!["The agent robot has no command that plans. Set `agents.robot.plan` in the config, ask with plan=off, or name another agent."]
        .assert_eq(&agent.may_run(PlanMode::Ask).unwrap_err().to_string());
    assert!(agent.may_run(PlanMode::Auto).is_err());
    assert_eq!(project.shell("true", Some("true")).may_run(PlanMode::Ask), Ok(()));
}

fn a_failing_command_is_quoted() {
    let project = Project::new(&[("a", "1\n")]);
    let error = project.work(&*project.shell("echo no idea >&2; exit 4", None), &project.workspace(), "x").unwrap_err();
    assert_eq!(error.to_string(), "ended with exit code 4; its last words:\nno idea");
}

fn a_command_may_commit_for_itself() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    let before = project.refs();
    let script = "git -c user.name=x -c user.email=x@y commit --quiet --allow-empty --message=own && echo 2 > a && git add a \
                  && git -c user.name=x -c user.email=x@y commit --quiet --message=own && git log --oneline | wc -l; \
                  git push --quiet origin HEAD:refs/heads/stolen 2>/dev/null || echo no push";
    let worked = project.work(&*project.shell(script, None), &workspace, "x").unwrap();
    assert_eq!(worked.answer, "3\nno push");
    assert_eq!(project.refs(), before, "the mirror was written");
    assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "a +1 -1");
}

fn a_prompt_file_is_never_written_through_a_link() {
    let project = Project::new(&[("a", "1\n")]);
    let workspace = project.workspace();
    let secret = project.path("secret");
    fs::write(&secret, "untouched").unwrap();
    let script = format!(
        "for at in $DOWNBEAT_PROMPT_FILE $TMPDIR/prompt.md $TMPDIR/../report.json; do rm -f $at; ln -s {} $at; done",
        secret.display()
    );
    let agent = project.shell(&script, None);
    let _ = project.work(&*agent, &workspace, "first");
    let _ = project.work(&*agent, &workspace, "second");
    assert_eq!(fs::read_to_string(secret).unwrap(), "untouched");
}

fn a_picture_can_be_looked_at_and_not_changed() {
    for confinement in [Confinement::Standard, Confinement::Strong] {
        let mut project = Project::new(&[("a", "1\n")]);
        project.confinement = confinement;
        let pictures = Pictures::new(project.path("pictures"));
        let [mine, of_others] = ["mine", "others"].map(|delivery| {
            let picture = Picture { file: "1.png".to_owned(), bytes: b"a picture".to_vec() };
            block_on(pictures.keep(&DeliveryId::new(delivery), vec![picture])).unwrap()
        });
        let dir = project.path("pictures").join(mine);
        let workspace = project.workspace().with_pictures(Some(dir.clone()));
        let script = "cat $DOWNBEAT_PICTURES/1.png > seen; \
                      for at in 1.png 2.png; do echo paint 2>/dev/null > $DOWNBEAT_PICTURES/$at && echo painted; done; \
                      cat $DOWNBEAT_PICTURES/../OTHERS/1.png 2>/dev/null && echo 'saw others'; echo done";
        let worked =
            project.work(&*project.shell(&script.replace("OTHERS", &of_others), None), &workspace, "x").unwrap();
        assert_eq!(worked.answer, "done", "{confinement:?}");
        assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "seen +1 -0");
        assert_eq!(fs::read_to_string(workspace.tree().join("seen")).unwrap(), "a picture");
        assert_eq!(fs::read_to_string(dir.join("1.png")).unwrap(), "a picture");
    }
}

const TIDY: &str = r#"
description = "Number the lines."
[[steps]]
name = "number"
command = "cat -n list > numbered && echo end >> list"
timeout = "10s"
"#;

fn a_recipe_rehearses_and_then_does_the_same() {
    let project = Project::new(&[("list", "x\ny\n"), (".downbeat/recipes/tidy.toml", TIDY)]);
    let workspace = project.workspace();
    let agent = project.agent(AgentSettings::Recipe {});
    let draft = project.plan(&*agent, &workspace, "tidy please").unwrap();
    expect![[r#"
        Number the lines (recipe tidy). A rehearsal changed 2 files (+3 −0)
        number: `cat -n list > numbered && echo end >> list`
        list +1 −0
        numbered +2 −0"#]]
    .assert_eq(&format!("{}\n{}", draft.summary, draft.steps.join("\n")));
    assert_eq!(draft.paths, ["list", "numbered"]);
    assert_eq!(project.commit(&workspace), Ok(None), "the rehearsal was the performance");
    assert!(!project.path("workspaces/T-1.rehearsal").exists());
    project.work(&*agent, &workspace, "tidy please").unwrap();
    assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "list +1 -0, numbered +2 -0");
}

fn a_bad_recipe_says_where() {
    let project = Project::new(&[(".downbeat/recipes/bad.toml", "description = \"x\"\nstep = 1\n")]);
    let agent = project.agent(AgentSettings::Recipe {});
    let said = |request: &str| project.plan(&*agent, &project.workspace(), request).unwrap_err().to_string();
    expect!["could not start: .downbeat/recipes/bad.toml, line 2, column 1: unknown field `step`, expected `description` or `steps`"]
        .assert_eq(&said("bad"));
    assert!(said("missing").starts_with("could not start: there is no recipe missing at "));
    expect!["could not start: `../bad` is not a recipe's name; ask with the name of one in .downbeat/recipes"]
        .assert_eq(&said("../bad"));
}

fn a_failing_step_of_a_recipe_is_named() {
    let recipe = "description = \"x\"\n[[steps]]\nname = \"one\"\ncommand = \"echo hm; false\"\n[[steps]]\nname = \"two\"\ncommand = \"echo x > two\"\n";
    let project = Project::new(&[(".downbeat/recipes/r.toml", recipe)]);
    let workspace = project.workspace();
    let error = project.work(&*project.agent(AgentSettings::Recipe {}), &workspace, "r").unwrap_err();
    assert_eq!(error.to_string(), "failed in step one, which ended with exit code 1; its last words:\nhm");
    assert_eq!(project.commit(&workspace), Ok(None));
}

const SCRIPT: &str = r#"
[[request]]
when = "fix the login"
summary = "Fix it"
steps = ["look", "edit"]
paths = ["src/login"]
say = ["editing"]
edit = [
  { path = "src/login", write = "fixed\n" },
  { path = "list", replace = "y", with = "z" },
  { path = "notes", append = "more\n" },
  { path = "gone", delete = true },
]
[[request]]
when = "fix the login"
after = "keep the notes"
summary = "Fix it, keeping the notes"
[[request]]
when = "sleep"
misdeed = "sleep-until-stopped"
say = ["sleeping"]
[[request]]
when = "fail"
misdeed = "exit-with-one"
[[request]]
when = "garbage"
misdeed_while_planning = "print-garbage"
[[request]]
when = "orphan"
misdeed = "leave-orphan"
edit = [{ path = "list", append = "z\n" }]
[[request]]
when = "delete"
misdeed = "delete-tree"
[[request]]
when = "escape"
misdeed = "write-outside"
[[request]]
when = "flood"
misdeed = "flood-output"
"#;

fn scripted() -> (Project, std::sync::Arc<dyn Agent>) {
    let project = Project::new(&[("list", "x\ny\n"), ("notes", "some\n"), ("gone", "soon\n")]);
    let script = project.path("script.toml");
    fs::write(&script, SCRIPT).unwrap();
    let agent = project.agent(AgentSettings::Scripted { script });
    (project, agent)
}

fn a_script_plans_and_edits() {
    let (project, agent) = scripted();
    let workspace = project.workspace();
    assert_eq!(agent.title(), "robot (scripted, demo and tests only)");
    let draft = project.plan(&*agent, &workspace, "Fix the login redirect").unwrap();
    assert_eq!((draft.summary.as_str(), draft.steps.len(), draft.paths.len()), ("Fix it", 2, 1));
    let revised = project.plan(&*agent, &workspace, "fix the login; but keep the notes").unwrap();
    assert_eq!(revised.summary, "Fix it, keeping the notes");
    let worked = project.work(&*agent, &workspace, "fix the login redirect").unwrap();
    assert_eq!(worked.answer, "editing");
    let changes = project.commit(&workspace).unwrap().unwrap();
    assert_eq!(told(&changes), "gone +0 -1, list +1 -1, notes +1 -0, src/login +1 -0");
    let unknown = project.work(&*agent, &workspace, "something else").unwrap_err().to_string();
    assert!(unknown.contains("the script knows no request that begins like `something else`"), "{unknown}");
}

fn every_misdeed_ends_in_a_clear_text() {
    let (mut project, agent) = scripted();
    let fails = |project: &Project, request: &str| {
        project.work(&*agent, &project.workspace(), request).unwrap_err().to_string()
    };
    assert!(fails(&project, "fail").ends_with("told to fail"));
    assert!(fails(&project, "escape").contains("Read-only file system"));
    assert!(!project.path("workspaces/T-1/outside").exists());
    assert!(fails(&project, "flood").starts_with("was stopped because it wrote more output than allowed"));
    let garbage = project.plan(&*agent, &project.workspace(), "garbage").unwrap_err().to_string();
    assert_eq!(garbage, "printed something that is not text");
    let workspace = project.workspace();
    project.work(&*agent, &workspace, "orphan").unwrap();
    assert_eq!(told(&project.commit(&workspace).unwrap().unwrap()), "list +1 -0");
    let workspace = project.workspace();
    project.work(&*agent, &workspace, "delete").unwrap();
    expect!["the agent left no working tree: every file in it was deleted"]
        .assert_eq(&project.commit(&workspace).unwrap_err().to_string());
    project.heard = Heard { stop_at_first: Some(project.stop.clone()), ..Heard::default() };
    assert_eq!(project.work(&*agent, &project.workspace(), "sleep"), Err(SessionError::Stopped));
}
