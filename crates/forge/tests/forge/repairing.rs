//! What a branch begins with that is repaired on another base, and whether it says the same afterwards.

use domain::{Sha, TaskId, Timestamp};
use forge::{Checkpoint, Repository, Signature};

use crate::world::{World, worlds};

fn by() -> Signature {
    let (name, email) = ("Downbeat".to_owned(), "agent@downbeat.invalid".to_owned());
    Signature { name, email, at: Timestamp::from_ms(0) }
}

/// Two commits on the first one of a new repository, with a mirror that has all three.
async fn two_sides(world: &World, one: &[(&str, &str)], other: &[(&str, &str)]) -> (Repository, [Sha; 3]) {
    let (bare, ana) = world.bare_remote();
    let repository = world.repository(&bare).await;
    let root = repository.forge.target_head().await.unwrap();
    let sides = [world.branch(&ana, "one", &root, one), world.branch(&ana, "other", &root, other)];
    for side in &sides {
        world.bring(&repository, &ana, side).await;
    }
    let [one, other] = sides;
    (repository, [root, one, other])
}

async fn transplant(repository: &Repository, base: &Sha, head: &Sha) -> Checkpoint {
    repository.mirror.transplant(TaskId::new(7), [base, head], &by()).await.unwrap()
}

async fn read(repository: &Repository, commit: &Sha, path: &str) -> String {
    String::from_utf8(repository.mirror.file_at(commit, path).await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn both_sides_stand_in_one_tree_with_marks_that_name_them() {
    for world in worlds() {
        let theirs = [("readme", "one\n2\nthree\n"), ("theirs", "x\n")];
        let (repository, [root, base, head]) =
            two_sides(&world, &theirs, &[("readme", "one\nII\nthree\n"), ("ours", "y\n")]).await;
        let made = transplant(&repository, &base, &head).await;
        let conflicts = repository.mirror.conflicts(&base, &head).await.unwrap();
        assert_eq!((conflicts, &made.base), (vec!["readme".to_owned()], &base));
        let commit = &made.commit;
        let text = read(&repository, commit, "readme").await;
        let short = &root.as_str()[..7];
        let expected = format!("one\n<<<<<<< {base}\n2\n||||||| {short}\ntwo\n=======\nII\n>>>>>>> {head}\nthree\n");
        assert_eq!(text.replace(&root.as_str()[..10], short), expected);
        assert_eq!(read(&repository, commit, "theirs").await + &read(&repository, commit, "ours").await, "x\ny\n");
        assert_eq!(repository.mirror.marked_files(&base, commit).await.unwrap(), ["readme"]);
        let again = transplant(&repository, &base, &head).await;
        assert_eq!(again, made, "an attempt that begins again keeps one state");
    }
}

#[tokio::test]
async fn what_goes_together_is_a_plain_tree() {
    for world in worlds() {
        let (repository, [_, base, head]) = two_sides(&world, &[("a", "a\n")], &[("b", "b\n")]).await;
        let made = transplant(&repository, &base, &head).await;
        assert!(repository.mirror.conflicts(&base, &head).await.unwrap().is_empty());
        assert!(repository.mirror.marked_files(&base, &made.commit).await.unwrap().is_empty());
    }
}

/// A document about conflicts is none, and neither are marks that were on the target before.
#[tokio::test]
async fn marks_count_where_they_are_of_a_conflict_and_new() {
    for world in worlds() {
        let mark = format!("<<<<<<< {}\n", "a".repeat(40));
        let (repository, [root, base, head]) =
            two_sides(&world, &[("old", &mark)], &[("text", "<<<<<<< HEAD\n=======\n"), ("new", &mark)]).await;
        let marked = async |base, head| repository.mirror.marked_files(base, head).await.unwrap();
        assert_eq!(marked(&root, &head).await, ["new"]);
        assert!(marked(&base, &base).await.is_empty());
    }
}

#[tokio::test]
async fn the_same_lines_elsewhere_are_the_same_change() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let root = repository.forge.target_head().await.unwrap();
        let branch = async |name: &str, from: &Sha, files: &[(&str, &str)]| {
            let head = world.branch(&ana, name, from, files);
            world.bring(&repository, &ana, &head).await;
            head
        };
        let moved = branch("moved", &root, &[("readme", "zero\none\n1\ntwo\nthree\n")]).await;
        let change = branch("change", &root, &[("readme", "one\nTWO\nthree\n"), ("new", "n\n")]).await;
        let same = branch("same", &moved, &[("readme", "zero\none\n1\nTWO\nthree\n"), ("new", "n\n")]).await;
        let more = branch("more", &moved, &[("readme", "zero\none\n1\nTWO!\nthree\n"), ("new", "n\n")]).await;
        let less = branch("less", &moved, &[("readme", "zero\none\n1\nTWO\nthree\n")]).await;
        let altered = async |after: [&Sha; 2]| repository.mirror.altered([&root, &change], after).await.unwrap();
        assert!(altered([&moved, &same]).await.is_empty());
        assert_eq!(altered([&moved, &more]).await, ["readme"]);
        assert_eq!(altered([&moved, &less]).await, ["new"]);
        assert_eq!(altered([&root, &same]).await, ["readme"], "another base is another change");
    }
}
