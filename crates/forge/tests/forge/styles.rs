//! What commits a branch becomes in each style. The tree is the same in all of them.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use domain::{Sha, Timestamp};
use forge::{Candidate, MergeOrder, Merged, Replayed, Repository, Signature, Style};

use crate::world::{World, made, order, worlds};

const LINES: &str = "one\ntwo\nthree\nfour\nfive\n";
const STYLES: [Style; 4] = [Style::Squash, Style::Merge, Style::Rebase, Style::FastForward];

struct Setting {
    world: World,
    ana: PathBuf,
    repository: Repository,
}

impl Setting {
    /// A remote with these files on `main`, at which Ana's clone is.
    async fn on(world: World, files: &[(&str, &str)]) -> Self {
        let (bare, ana) = world.bare_remote();
        world.commit(&ana, files);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let repository = world.repository(&bare).await;
        repository.forge.target_head().await.unwrap();
        Self { world, ana, repository }
    }

    fn git(&self, args: &[&str]) -> String {
        self.world.git(&self.ana, args)
    }

    /// Begins or takes up a branch.
    fn switch(&self, branch: &str, from: Option<&str>) {
        match from {
            Some(from) => self.git(&["checkout", "--quiet", "-b", branch, from]),
            None => self.git(&["checkout", "--quiet", branch]),
        };
    }

    /// Commits what is there and these files, as somebody else, with the mirror having it at once.
    async fn write(&self, author: &str, message: &str, files: &[(&str, &str)]) -> Sha {
        crate::world::write(&self.ana, files);
        self.git(&["add", "--all"]);
        let author = format!("--author={author} <{author}@example.org>");
        let args = ["commit", "--quiet", "--allow-empty", "--allow-empty-message", "--message", message];
        self.git(&[&args[..], &[&author, "--date=1600000000 +0130"]].concat());
        let head = self.world.sha(&self.ana, "HEAD");
        self.world.bring(&self.repository, &self.ana, &head).await;
        head
    }

    async fn order(&self, style: Style, base: &Sha, head: &Sha) -> MergeOrder {
        let branch = self.repository.mirror.branch(base, head).await.unwrap();
        let replayed = branch
            .commits
            .into_iter()
            .map(|one| Replayed { message: format!("{}\nTask-Id: T-1\n", one.message), commit: one.commit });
        MergeOrder { style, replayed: replayed.collect(), ..order(base, head) }
    }

    /// Makes the candidate twice, and a second time in a style of which every tree is known to be the same.
    async fn land(&self, style: Style, base: &Sha, head: &Sha) -> Sha {
        let order = self.order(style, base, head).await;
        let first = self.repository.mirror.candidate(&order).await.unwrap();
        assert_eq!(first, self.repository.mirror.candidate(&order).await.unwrap());
        let Candidate::Made { tree, .. } = &first else { panic!("{first:?}") };
        assert_eq!(self.repository.mirror.merge(base, head).await, Ok(Merged::Clean { tree: tree.clone() }));
        let commit = made(first);
        assert_eq!(self.show(&commit, "%T"), commit_tree(self, &commit));
        assert!(self.repository.mirror.line(base, &commit, 20).await.unwrap().arrives, "{base} is below {commit}");
        commit
    }

    fn show(&self, commit: &Sha, format: &str) -> String {
        self.mirror_git(&["show", "-s", &format!("--format={format}"), commit.as_str()])
    }

    /// The commits since the base along first parents, oldest first.
    fn line(&self, base: &Sha, commit: &Sha) -> String {
        let range = format!("{base}..{commit}");
        self.mirror_git(&["log", "--reverse", "--first-parent", "--format=%an %ad %s (%cn %ct)", "--date=raw", &range])
    }

    fn mirror_git(&self, args: &[&str]) -> String {
        self.world.git(self.repository.mirror.path(), args)
    }
}

fn commit_tree(at: &Setting, commit: &Sha) -> String {
    at.mirror_git(&["rev-parse", &format!("{commit}^{{tree}}")])
}

/// Ben and dora wrote a branch; meanwhile the target moved.
async fn two_commits(world: World) -> (Setting, Sha, Sha) {
    let at = Setting::on(world, &[("a", LINES), ("b", LINES)]).await;
    at.switch("work", Some("main"));
    at.write("ben", "first", &[("a", &LINES.replace("five", "FIVE"))]).await;
    let head = at.write("dora", "second\n\nWhy.", &[("c", "c\n")]).await;
    at.switch("main", None);
    let base = at.write("ana", "meanwhile", &[("a", &LINES.replace("one", "ONE"))]).await;
    (at, base, head)
}

#[tokio::test]
async fn a_squash_is_one_commit_and_a_merge_keeps_the_branch_beside_it() {
    for world in worlds() {
        let (at, base, head) = two_commits(world).await;
        let squash = at.land(Style::Squash, &base, &head).await;
        assert_eq!(at.show(&squash, "%P"), base.to_string());
        let merge = at.land(Style::Merge, &base, &head).await;
        assert_eq!(at.show(&merge, "%P"), format!("{base} {head}"));
        assert_eq!(at.line(&base, &merge), "Downbeat 1700000000 +0000 fix it (Downbeat 1700000000)");
        assert_eq!(at.show(&squash, "%T"), at.show(&merge, "%T"));
    }
}

#[tokio::test]
async fn rebased_commits_keep_their_authors_dates_and_words() {
    for world in worlds() {
        let (at, base, head) = two_commits(world).await;
        for style in [Style::Rebase, Style::FastForward] {
            let rebased = at.land(style, &base, &head).await;
            let line =
                "ben 1600000000 +0130 first (Downbeat 1700000000)\ndora 1600000000 +0130 second (Downbeat 1700000000)";
            assert_eq!(at.line(&base, &rebased), line);
            assert_eq!(at.show(&rebased, "%B"), "second\n\nWhy.\n\nTask-Id: T-1");
            let names = at.mirror_git(&["show", "--format=", "--name-only", rebased.as_str()]);
            assert_eq!(names, "c");
        }
    }
}

#[tokio::test]
async fn a_branch_that_stands_on_the_target_lands_as_it_is() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        at.switch("work", Some("main"));
        let base = at.world.sha(&at.ana, "main");
        at.write("ben", "first", &[("a", "a\n")]).await;
        let head = at.write("dora", "second", &[("b", "b\n")]).await;
        assert_eq!(at.land(Style::FastForward, &base, &head).await, head);
        assert_ne!(at.land(Style::Rebase, &base, &head).await, head, "the committer is another");
        at.git(&["checkout", "--quiet", "-b", "aside", "work~1"]);
        at.git(&["merge", "--quiet", "--no-edit", "--no-ff", "work"]);
        let merged = at.world.sha(&at.ana, "HEAD");
        at.world.bring(&at.repository, &at.ana, &merged).await;
        assert_eq!(at.land(Style::FastForward, &base, &merged).await, merged);
    }
}

#[tokio::test]
async fn a_branch_beside_which_the_target_was_merged_is_rebased_without_the_merge() {
    for world in worlds() {
        let (at, base, _) = two_commits(world).await;
        at.switch("work", None);
        at.git(&["merge", "--quiet", "--no-edit", "main"]);
        let head = at.write("dora", "third", &[("d", "d\n")]).await;
        for style in [Style::Rebase, Style::FastForward] {
            let rebased = at.land(style, &base, &head).await;
            let titles = at.mirror_git(&["log", "--reverse", "--format=%an %s", &format!("{base}..{rebased}")]);
            assert_eq!(titles, "ben first\ndora second\ndora third");
        }
    }
}

#[tokio::test]
async fn a_branch_that_cannot_be_replayed_commit_by_commit_is_squashed() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        at.switch("work", Some("main"));
        at.write("ben", "there", &[("a", &LINES.replace("three", "3"))]).await;
        let head = at.write("ben", "and back", &[("a", LINES), ("b", "b\n")]).await;
        at.switch("main", None);
        let base = at.write("ana", "meanwhile", &[("a", &LINES.replace("three", "THREE"))]).await;
        let squashed = at.land(Style::Rebase, &base, &head).await;
        assert_eq!(at.line(&base, &squashed), "Downbeat 1700000000 +0000 fix it (Downbeat 1700000000)");
    }
}

#[tokio::test]
async fn a_merge_that_was_resolved_by_hand_keeps_its_resolution() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        at.switch("work", Some("main"));
        at.write("ben", "ours", &[("a", &LINES.replace("three", "ours"))]).await;
        at.switch("main", None);
        let base = at.write("ana", "theirs", &[("a", &LINES.replace("three", "theirs"))]).await;
        at.switch("work", None);
        let (merged, _) = at.world.try_git(&at.ana, &["merge", "--quiet", "--no-edit", "main"]);
        assert!(!merged, "it conflicts");
        let head = at.write("ben", "resolved", &[("a", &LINES.replace("three", "both"))]).await;
        for style in STYLES {
            let landed = at.land(style, &base, &head).await;
            assert_eq!(at.mirror_git(&["show", &format!("{landed}:a")]), LINES.replace("three", "both").trim());
        }
    }
}

/// [32]
#[tokio::test]
async fn of_a_branch_that_landed_in_part_only_the_rest_lands() {
    for world in worlds() {
        let (at, base, head) = two_commits(world).await;
        let first = at.world.sha(&at.ana, "work~1");
        for (once, then) in STYLES.into_iter().flat_map(|once| STYLES.map(|then| (once, then))) {
            let middle = at.land(once, &base, &first).await;
            let landed = at.land(then, &middle, &head).await;
            let names = at.mirror_git(&["diff", "--name-only", middle.as_str(), landed.as_str()]);
            assert_eq!(names, "c", "{once:?} then {then:?}");
            if matches!(then, Style::Rebase | Style::FastForward) {
                assert_eq!(at.line(&middle, &landed), "dora 1600000000 +0130 second (Downbeat 1700000000)");
            }
            let again = at.order(then, &landed, &head).await;
            assert_eq!(at.repository.mirror.candidate(&again).await, Ok(Candidate::AlreadyIn));
        }
    }
}

/// [28]
#[tokio::test]
async fn commits_that_change_nothing_are_left_out() {
    for world in worlds() {
        let (at, base, _) = two_commits(world).await;
        at.switch("work", None);
        let head = at.write("ben", "nothing", &[]).await;
        let rebased = at.land(Style::Rebase, &base, &head).await;
        assert_eq!(at.line(&base, &rebased).lines().count(), 2);
    }
}

#[tokio::test]
async fn time_never_runs_backwards_on_the_target() {
    for world in worlds() {
        let (at, base, head) = two_commits(world).await;
        let mut early = at.order(Style::Squash, &base, &head).await;
        let at_once = Timestamp::from_ms(1_500_000_000_000);
        early.committer = Signature { at: at_once, ..early.committer };
        early.author = Signature { at: at_once, ..early.author };
        for style in [Style::Squash, Style::Merge, Style::Rebase] {
            let order = MergeOrder { style, ..early.clone() };
            let commit = made(at.repository.mirror.candidate(&order).await.unwrap());
            assert_eq!(at.show(&commit, "%ct"), "1700000000", "{style:?}");
        }
    }
}

/// [33]
#[tokio::test]
async fn what_git_can_hold_lands_in_every_style_as_git_merges_it() {
    for world in worlds() {
        let crlf = LINES.replace('\n', "\r\n");
        let start = [
            (".gitattributes", "log merge=union\n"),
            ("log", "0\n"),
            ("crlf", &crlf),
            ("run", LINES),
            ("old", LINES),
            ("Name", LINES),
        ];
        let at = Setting::on(world, &start).await;
        at.switch("work", Some("main"));
        at.write("ben", "log", &[("log", "0\nb\n"), ("crlf", &crlf.replace("five", "FIVE"))]).await;
        std::fs::set_permissions(at.ana.join("run"), PermissionsExt::from_mode(0o755)).unwrap();
        at.write("ben", "mode", &[]).await;
        at.git(&["mv", "Name", "name"]);
        at.git(&["mv", "old", "new"]);
        at.write("ben", "names", &[]).await;
        let submodule = format!("160000,{},sub", "5".repeat(40));
        at.git(&["update-index", "--add", "--cacheinfo", &submodule]);
        at.git(&["commit", "--quiet", "--message", "submodule"]);
        let head = at.world.sha(&at.ana, "HEAD");
        at.world.bring(&at.repository, &at.ana, &head).await;
        at.git(&["checkout", "--quiet", "--force", "main"]);
        let files = [("log", "0\nm\n"), ("crlf", &crlf.replace("one", "ONE")), ("old", &LINES.replace("one", "ONE"))];
        let base = at.write("ana", "meanwhile", &files).await;
        let mut landed = STYLES.map(|_| String::new());
        for (style, landed) in STYLES.into_iter().zip(&mut landed) {
            let commit = at.land(style, &base, &head).await;
            *landed = at.mirror_git(&["ls-tree", "-r", commit.as_str()]);
            assert_eq!(at.mirror_git(&["show", &format!("{commit}:log")]), "0\nm\nb");
            assert_eq!(at.mirror_git(&["show", &format!("{commit}:new")]), LINES.replace("one", "ONE").trim());
        }
        assert!(landed[0].contains("160000 commit 5555") && landed[0].contains("100755"), "{}", landed[0]);
        assert!(landed[0].contains("\tname") && !landed[0].contains("\tName"), "{}", landed[0]);
        assert!(landed.iter().all(|one| *one == landed[0]));
        assert_eq!(
            at.mirror_git(&[
                "show",
                &format!(
                    "{}:crlf",
                    made(at.repository.mirror.candidate(&at.order(Style::Rebase, &base, &head).await).await.unwrap())
                )
            ]),
            crlf.replace("one", "ONE").replace("five", "FIVE").trim()
        );
    }
}

/// [34]
#[tokio::test]
async fn a_stale_branch_puts_nothing_back_that_landed_meanwhile() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES), ("b", LINES), ("gone", LINES)]).await;
        at.switch("work", Some("main"));
        let head = at.write("ben", "late", &[("a", &LINES.replace("five", "FIVE"))]).await;
        at.switch("main", None);
        std::fs::remove_file(at.ana.join("gone")).unwrap();
        at.write("ana", "one", &[("a", &LINES.replace("one", "ONE"))]).await;
        let base = at.write("ana", "two", &[("b", "new\n"), ("c", "c\n")]).await;
        for style in STYLES {
            let landed = at.land(style, &base, &head).await;
            let lines = at.mirror_git(&["diff", "--unified=0", "--no-prefix", base.as_str(), landed.as_str()]);
            let changed: Vec<_> = lines.lines().filter(|l| l.starts_with(['+', '-'])).collect();
            assert_eq!(changed, ["--- a", "+++ a", "-five", "+FIVE"], "{style:?}");
        }
    }
}
