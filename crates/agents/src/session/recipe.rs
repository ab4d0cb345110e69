//! The `recipe` agent: the repository's own named commands. Its plan is a rehearsal in a throwaway copy of the tree,
//! which says what would change and by how much; its work is the same commands in the tree.

use async_trait::async_trait;
use domain::{Rejected, Timestamp};
use forge::{GitError, Signature};

use super::agent::{Agent, Session, SessionError, Worked};
use super::turn::judge;
use crate::cage::{Cage, Ended, Limits};
use crate::recipe::{RECIPES_DIR, Recipe, parse_recipe, recipe_file};
use crate::task::{Plan, PlanDraft, PlanMode};
use crate::workspace::{Rehearsal, Workspace, WorkspaceError};

/// How many recipes are named to somebody who asked for one that is not there, and how much of what each is for.
const RECIPES_SHOWN: usize = 10;
const DESCRIPTION_CHARS_SHOWN: usize = 100;

/// Recipes as an agent.
pub struct RecipeAgent {
    name: String,
    cage: Cage,
}

impl RecipeAgent {
    /// The agent `name` of the config.
    pub fn new(name: &str, cage: Cage) -> Self {
        Self { name: name.to_owned(), cage }
    }

    /// The recipe that the request's first word names, at the commit that the tree began at.
    async fn recipe(&self, session: &Session<'_>) -> Result<(String, Recipe), SessionError> {
        let name = session.request.split_whitespace().next().unwrap_or_default();
        let refused = |why: String| SessionError::CouldNotStart(why);
        let no_name = || refused(format!("`{name}` is not a recipe's name; ask with the name of one in {RECIPES_DIR}"));
        let file = recipe_file(name).ok_or_else(no_name)?;
        let workspace = session.workspace;
        let found = workspace.mirror().file_at(&workspace.base, &file).await.map_err(surroundings)?;
        let Some(found) = found else {
            let known = known_recipes(workspace).await?;
            return Err(refused(format!("there is no recipe {name} at {}; {known}", workspace.base.short())));
        };
        let text = String::from_utf8(found).map_err(|_| refused(format!("{file} is not UTF-8")))?;
        let recipe = parse_recipe(&file, &text).map_err(|error| refused(error.to_string()))?;
        Ok((name.to_owned(), recipe))
    }

    /// Runs the steps in one tree until one fails.
    async fn run_steps(
        &self,
        recipe: &Recipe,
        session: &Session<'_>,
        workspace: &Workspace,
    ) -> Result<Option<Ended>, SessionError> {
        let mut last = None;
        for step in &recipe.steps {
            session.progress.line(&format!("[{}] {}", step.name, step.command));
            let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), step.command.clone()];
            let mut order = self.cage.order(command, workspace.tree(), workspace.private());
            order.limits = Limits { time: step.timeout.min(session.time_max), ..order.limits };
            workspace.furnish(&mut order);
            let ended = judge(self.cage.run(order, &session.stop, session.progress).await);
            last = Some(ended.map_err(|error| match error {
                SessionError::Failed(why) => SessionError::Failed(format!("failed in step {}, which {why}", step.name)),
                other => other,
            })?);
        }
        Ok(last)
    }

    async fn rehearse(&self, name: &str, recipe: &Recipe, session: &Session<'_>) -> Result<PlanDraft, SessionError> {
        let rehearsal = Rehearsal::of(session.workspace).await.map_err(broken_tree)?;
        let draft = match self.run_steps(recipe, session, rehearsal.workspace()).await {
            Ok(_) => draft(name, recipe, rehearsal.workspace()).await,
            Err(error) => Err(error),
        };
        rehearsal.end().await.map_err(broken_tree)?;
        draft
    }
}

#[async_trait]
impl Agent for RecipeAgent {
    fn title(&self) -> String {
        format!("{} (recipe)", self.name)
    }

    fn may_run(&self, plan: PlanMode) -> Result<(), Rejected> {
        match plan {
            PlanMode::Ask | PlanMode::Auto | PlanMode::Off => Ok(()),
        }
    }

    fn mends(&self) -> bool {
        false
    }

    async fn plan(&self, session: Session<'_>) -> Result<PlanDraft, SessionError> {
        let (name, recipe) = self.recipe(&session).await?;
        self.rehearse(&name, &recipe, &session).await
    }

    async fn work(&self, session: Session<'_>, _approved: Option<&Plan>) -> Result<Worked, SessionError> {
        let (name, recipe) = self.recipe(&session).await?;
        let ended = self.run_steps(&recipe, &session, session.workspace).await?;
        let cage = ended.and_then(|ended| ended.level).map(|level| level.to_string()).unwrap_or_default();
        Ok(Worked { answer: format!("The recipe {name} changes nothing here."), cage })
    }
}

/// The recipes that there are, with what each is for.
async fn known_recipes(workspace: &Workspace) -> Result<String, SessionError> {
    let (mirror, base) = (workspace.mirror(), &workspace.base);
    let files = mirror.files_in(base, RECIPES_DIR).await.map_err(surroundings)?;
    let names: Vec<_> = files.iter().filter_map(|file| file.strip_suffix(".toml")).collect();
    let mut lines = Vec::new();
    for name in names.iter().take(RECIPES_SHOWN) {
        let file = format!("{RECIPES_DIR}/{name}.toml");
        let text = mirror.file_at(base, &file).await.map_err(surroundings)?.unwrap_or_default();
        let recipe = parse_recipe(&file, &String::from_utf8_lossy(&text));
        let what = recipe.map_or("it has a mistake".to_owned(), |recipe| first_chars(&recipe.description));
        lines.push(format!("  {name}: {what}"));
    }
    if lines.is_empty() {
        return Ok(format!("the repository has none, and they are committed as {RECIPES_DIR}/NAME.toml"));
    }
    let more = names.len().saturating_sub(RECIPES_SHOWN);
    lines.extend((more > 0).then(|| format!("  and {more} more in {RECIPES_DIR}")));
    Ok(format!("these can be asked for by name:\n{}", lines.join("\n")))
}

/// The plan that a rehearsal's tree is: the steps as they are, the files with their counts.
async fn draft(name: &str, recipe: &Recipe, rehearsed: &Workspace) -> Result<PlanDraft, SessionError> {
    let nobody = Signature {
        name: "rehearsal".to_owned(),
        email: "rehearsal@downbeat.invalid".to_owned(),
        at: Timestamp::default(),
    };
    let (mirror, base) = (rehearsed.mirror(), &rehearsed.base);
    let tree = rehearsed.tree();
    let commit = mirror.commit_workspace(&tree, base, &rehearsed.branch, name, &nobody);
    let changes = match commit.await.map_err(surroundings)? {
        Some(commit) => mirror.changes(base, &commit).await.map_err(surroundings)?,
        None => Vec::new(),
    };
    let (added, removed) = changes.iter().fold((0, 0), |sum, change| (sum.0 + change.added, sum.1 + change.removed));
    let would = match changes.len() {
        0 => "A rehearsal changed nothing".to_owned(),
        n => format!("A rehearsal changed {n} file{} (+{added} −{removed})", if n == 1 { "" } else { "s" }),
    };
    let commands = recipe.steps.iter().map(|step| format!("{}: `{}`", step.name, step.command));
    let counts = changes.iter().map(|change| format!("{} +{} −{}", change.path, change.added, change.removed));
    Ok(PlanDraft {
        summary: format!("{} (recipe {name}). {would}", recipe.description.trim_end_matches('.')),
        steps: commands.chain(counts).collect(),
        paths: changes.iter().map(|change| change.path.clone()).collect(),
        ..PlanDraft::default()
    })
}

fn first_chars(description: &str) -> String {
    let line = description.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(DESCRIPTION_CHARS_SHOWN).collect()
}

fn surroundings(error: GitError) -> SessionError {
    SessionError::Surroundings(error.to_string())
}

fn broken_tree(error: WorkspaceError) -> SessionError {
    SessionError::Surroundings(error.to_string())
}
