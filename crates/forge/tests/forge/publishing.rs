//! Branches that people review.

use std::path::PathBuf;

use domain::Sha;
use forge::{ForgeError, PullRequestDraft, Repository};

use crate::world::{World, branch, worlds};

struct Setting {
    world: World,
    bare: PathBuf,
    ana: PathBuf,
    repository: Repository,
    base: Sha,
}

impl Setting {
    async fn on(world: World) -> Self {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        Self { world, bare, ana, repository, base }
    }

    async fn work(&self, name: &str) -> Sha {
        let head = self.world.branch(&self.ana, name, &self.base, &[(name, "new\n")]);
        self.world.bring(&self.repository, &self.ana, &head).await;
        head
    }

    async fn publish(&self, head: &Sha) -> Result<String, ForgeError> {
        let draft = PullRequestDraft {
            branch: branch("downbeat/T-1"),
            head: head.clone(),
            title: "fix".to_owned(),
            body: String::new(),
        };
        let published = self.repository.forge.publish(&draft).await?;
        assert_eq!(published.head, *head);
        Ok(published.reference)
    }

    fn there(&self) -> Option<Sha> {
        let name = "refs/heads/downbeat/T-1";
        self.world.exists(&self.bare, name).then(|| self.world.sha(&self.bare, name))
    }
}

#[tokio::test]
async fn publishing_twice_is_publishing_once() {
    for world in worlds() {
        let at = Setting::on(world).await;
        let head = at.work("one").await;
        assert_eq!(at.publish(&head).await, Ok("downbeat/T-1".to_owned()));
        assert_eq!(at.publish(&head).await, Ok("downbeat/T-1".to_owned()));
        assert_eq!(at.there(), Some(head));
    }
}

#[tokio::test]
async fn revised_work_replaces_what_we_published() {
    for world in worlds() {
        let at = Setting::on(world).await;
        at.publish(&at.work("one").await).await.unwrap();
        let revised = at.work("two").await;
        at.publish(&revised).await.unwrap();
        assert_eq!(at.there(), Some(revised));
    }
}

#[tokio::test]
async fn what_somebody_else_pushed_to_the_branch_is_neither_overwritten_nor_removed() {
    for world in worlds() {
        let at = Setting::on(world).await;
        at.publish(&at.work("one").await).await.unwrap();
        let theirs = at.world.branch(&at.ana, "theirs", &at.base, &[("theirs", "x\n")]);
        at.world.git(&at.ana, &["push", "--quiet", "--force", "origin", "theirs:refs/heads/downbeat/T-1"]);
        let refused = at.publish(&at.work("two").await).await;
        assert!(matches!(refused, Err(ForgeError::Refused { .. })), "{refused:?}");
        at.repository.forge.unpublish(&branch("downbeat/T-1"), "it is over").await.unwrap();
        assert_eq!(at.there(), Some(theirs));
    }
}

#[tokio::test]
async fn unpublishing_removes_the_branch_and_does_not_mind_that_it_is_gone() {
    for world in worlds() {
        let at = Setting::on(world).await;
        at.publish(&at.work("one").await).await.unwrap();
        at.repository.forge.unpublish(&branch("downbeat/T-1"), "it is over").await.unwrap();
        assert_eq!(at.there(), None);
        at.repository.forge.unpublish(&branch("downbeat/T-1"), "it is over").await.unwrap();
        let again = at.work("two").await;
        at.publish(&again).await.unwrap();
        assert_eq!(at.there(), Some(again));
    }
}

#[tokio::test]
async fn a_branch_that_somebody_has_checked_out_is_left_alone() {
    for world in worlds() {
        let at = Setting::on(world).await;
        let head = at.work("one").await;
        at.publish(&head).await.unwrap();
        at.world.git(&at.bare, &["worktree", "add", "--quiet", "../review", "downbeat/T-1"]);
        assert!(matches!(at.publish(&at.work("two").await).await, Err(ForgeError::Refused { .. })));
        at.repository.forge.unpublish(&branch("downbeat/T-1"), "it is over").await.unwrap();
        assert_eq!(at.there(), Some(head));
    }
}

#[tokio::test]
async fn a_branch_that_stands_in_the_way_is_a_refusal_and_not_a_race() {
    for world in worlds() {
        let at = Setting::on(world).await;
        at.world.git(&at.ana, &["push", "--quiet", "origin", "main:refs/heads/downbeat"]);
        let refused = at.publish(&at.work("one").await).await;
        assert!(matches!(refused, Err(ForgeError::Refused { .. })), "{refused:?}");
    }
}
